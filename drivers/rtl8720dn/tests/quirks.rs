//! What the firmware does that nobody would expect, and that the driver lives with. The numbers are
//! those of docs/firmware/rtl8720dn.md.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::field_reassign_with_default,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use common::Rig;
use netdev::{
    AddressFamily, Error, Event, Fault, Netdev, Netlink, Network, Protocol, Remote, SockFd,
    SockFlags, SockType, Stopped,
};
use netdev_sim::{Faults, Glitch, Internet, SimDevice, VirtualClock, Wire};
use rtl8720dn_sim::Config;

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 99);
const NONE: SockFlags = SockFlags::NONE;

struct Lab {
    rig: Rig<VirtualClock>,
    peer: &'static SimDevice,
    door: SockFd,
}

impl Lab {
    fn new() -> Self {
        Self::with(Config::default())
    }

    fn with(config: Config) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let rig = Rig::new(config, internet.node(CHIP), clock).joined();
        let peer = SimDevice::on(&internet, PEER).leak();
        let door = peer.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp).unwrap();
        peer.bind(door, (PEER, 80).into()).unwrap();
        peer.listen(door, 8).unwrap();
        Self { rig, peer, door }
    }

    fn pair(&self) -> (SockFd, SockFd) {
        let here = self.rig.connected((PEER, 80).into());
        let (there, _) = self.rig.wait(1_000, || self.peer.accept(self.door)).unwrap();
        (here, there)
    }

    /// A client of the peer's, and what the device accepts it as.
    fn called(&self, listener: SockFd, port: u16) -> (SockFd, SockFd, SocketAddr) {
        let peer = self.peer;
        let there = peer.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp).unwrap();
        let to = Remote::Addr((CHIP, port).into());
        let _ = peer.connect(there, to);
        let (here, from) = self.rig.wait(1_000, || self.rig.device.accept(listener)).unwrap();
        self.rig.wait(1_000, || peer.connect(there, to)).unwrap();
        (here, there, from)
    }

    fn greet(&self, here: SockFd, there: SockFd) {
        let mut buf = [0; 16];
        assert_eq!(self.rig.send(here, b"hello"), Ok(5));
        assert_eq!(self.rig.wait(1_000, || self.peer.recv(there, &mut buf, NONE)), Ok(5));
        assert_eq!(self.peer.send(there, b"and back", NONE), Ok(8));
        assert_eq!(self.rig.recv(here, &mut buf), Ok(8));
        assert_eq!(&buf[..8], b"and back");
    }
}

#[test]
fn quirk_01_an_empty_blob_never_reaches_the_chip() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let udp = lab.rig.socket(SockType::Dgram);
    lab.rig.wait(1_000, || lab.rig.device.bind(udp, ([0; 4], 0).into())).unwrap();
    let to = SocketAddr::from((PEER, 9));
    assert_eq!(lab.rig.wait(1_000, || lab.rig.device.send_to(udp, &[], to, NONE)), Ok(0));
    assert_eq!(lab.rig.send(here, &[]), Ok(0));
    lab.greet(here, there);
    lab.rig.assert_faultless();
}

#[test]
fn quirk_02_no_reply_is_asked_for_that_the_chip_cannot_send() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let mut received = 0;
    let (mut buf, data) = (vec![0; 65_536], vec![1; 8_000]);
    for _ in 0..4 {
        let _ = lab.peer.send(there, &data, NONE);
        lab.rig.pause(20);
        received += lab.rig.recv(here, &mut buf).unwrap();
    }
    assert!(received > 8_000);
    lab.rig.assert_faultless();
}

#[test]
fn quirk_03_a_call_that_is_never_answered_fails_in_time_and_costs_no_reset() {
    for lost in ["DropReply", "CorruptReply"] {
        let lab = Lab::new();
        let (here, _there) = lab.pair();
        let fault = match lost {
            "DropReply" => rtl8720dn_sim::Fault::DropReply,
            _ => rtl8720dn_sim::Fault::CorruptReply,
        };
        lab.rig.monitor.strike(fault);
        let begun = lab.rig.now();
        let answer = lab.rig.send(here, b"x");
        assert!(matches!(answer, Err(Stopped::Failed(Error::Fault(_)))), "{lost}: {answer:?}");
        let took = lab.rig.now().saturating_since(begun);
        assert!(took < Duration::from_millis(200), "{lost}: {took:?}");
        lab.rig.device.close(here);
        let (here, there) = lab.pair();
        lab.greet(here, there);
        assert_eq!(lab.rig.bench.counters().resets, 1, "{lost}");
    }
}

#[test]
fn quirk_04_a_chip_that_lost_its_place_is_reset_and_says_so() {
    let lab = Lab::new();
    let (here, _there) = lab.pair();
    while lab.rig.device.next_event().is_some() {}
    let faults = Faults::new();
    lab.rig.bench.set_faults(&faults);
    faults.at(Wire::Written, 40, Glitch::Drop);
    let begun = lab.rig.now();
    let answer = lab.rig.send(here, &[7; 100]);
    assert_eq!(answer, Err(Stopped::Failed(Error::Fault(Fault::Restarted))));
    let took = lab.rig.now().saturating_since(begun);
    assert!(took < Duration::from_millis(700), "{took:?}");
    let event = lab.rig.device.next_event();
    assert_eq!(event, Some(Event::Fault(Fault::Unresponsive)));
    let event = lab.rig.device.next_event();
    assert_eq!(event, Some(Event::Down(Error::Fault(Fault::Restarted))));
    faults.clear();
    lab.rig.device.close(here);
    let network = Network::wifi("test-ap", "test-pass");
    lab.rig.wait(10_000, || lab.rig.device.join(&network)).unwrap();
    let (here, there) = lab.pair();
    lab.greet(here, there);
    assert_eq!(lab.rig.bench.counters().resets, 2);
}

#[test]
fn quirk_04_without_a_pin_zeros_find_the_place_again_and_no_socket_is_lost() {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    let stack = internet.node(CHIP);
    let link = |bench: &netdev_sim::UartBench| bench.link(4096).without_enable_pin();
    let rig = Rig::with_link(Config::default(), stack, clock, link);
    rig.pause(500);
    let lab = {
        let rig = rig.joined();
        let peer = SimDevice::on(&internet, PEER).leak();
        let door = peer.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp).unwrap();
        peer.bind(door, (PEER, 80).into()).unwrap();
        peer.listen(door, 8).unwrap();
        Lab { rig, peer, door }
    };
    let (other, other_there) = lab.pair();
    for at in [3, 14, 40] {
        let (here, _there) = lab.pair();
        let faults = Faults::new();
        lab.rig.bench.set_faults(&faults);
        faults.at(Wire::Written, at, Glitch::Drop);
        assert!(lab.rig.send(here, &[7; 100]).is_err());
        faults.clear();
        lab.rig.device.close(here);
        lab.rig.pause(3_000);
        lab.greet(other, other_there);
    }
    assert_eq!(lab.rig.bench.counters().resets, 0);
}

#[test]
fn quirk_06_nothing_freezes_the_chip() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let listener = lab.rig.listener(81);
    let dialling = lab.rig.socket(SockType::Stream);
    let device = lab.rig.device;
    let nobody = Remote::Addr((NOBODY, 80).into());
    for _ in 0..20 {
        let mut buf = [0; 8];
        let waits = lab.rig.wait(20, || {
            let _ = device.connect(dialling, nobody);
            let _ = device.accept(listener);
            device.recv(here, &mut buf, NONE)
        });
        assert_eq!(waits, Err(Stopped::Deadline));
        let begun = lab.rig.now();
        assert_eq!(lab.rig.send(here, b"tick"), Ok(4));
        let took = lab.rig.now().saturating_since(begun);
        assert!(took < Duration::from_millis(50), "{took:?}");
    }
    lab.rig.pause(100);
    let mut buf = [0; 128];
    assert_eq!(lab.rig.wait(1_000, || lab.peer.recv(there, &mut buf, NONE)), Ok(80));
    lab.rig.assert_faultless();
}

#[test]
fn quirk_08_the_peer_of_an_accepted_connection_is_asked_for() {
    let lab = Lab::new();
    let listener = lab.rig.listener(81);
    let (here, there, from) = lab.called(listener, 81);
    assert_eq!(from, SocketAddr::from((PEER, lab.peer.local_addr(there).unwrap().port())));
    assert_eq!(lab.rig.wait(100, || lab.rig.device.peer_addr(here)), Ok(from));
    lab.greet(here, there);
    lab.rig.assert_faultless();
}

#[test]
fn quirk_09_of_many_who_wait_the_right_one_is_found() {
    let lab = Lab::new();
    let pairs: Vec<_> = (0..6).map(|_| lab.pair()).collect();
    for round in 0..12_u8 {
        let lucky = usize::from(round) * 5 % pairs.len();
        let mut sent = None;
        let begun = lab.rig.now() + Duration::from_millis(50);
        let found = lab.rig.wait(1_000, || {
            if sent.is_none() && lab.rig.now() >= begun {
                lab.peer.send(pairs[lucky].1, &[round], NONE)?;
                sent = Some(lab.rig.now());
            }
            let mut buf = [0; 4];
            for (number, (here, _)) in pairs.iter().enumerate() {
                if let Ok(len) = lab.rig.device.recv(*here, &mut buf, NONE) {
                    return Ok((number, len, buf[0]));
                }
            }
            Err(nb::Error::WouldBlock)
        });
        assert_eq!(found, Ok((lucky, 1, round)));
    }
    lab.rig.assert_faultless();
}

#[test]
fn quirk_10_the_byte_that_comes_with_nothing_is_not_received() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let mut buf = [0xAA; 8];
    let nothing = lab.rig.wait(200, || lab.rig.device.recv(here, &mut buf, NONE));
    assert_eq!(nothing, Err(Stopped::Deadline));
    lab.peer.close(there);
    for _ in 0..3 {
        assert_eq!(lab.rig.recv(here, &mut buf), Ok(0), "quirk 14: and it is an end, not an error");
    }
    assert_eq!(buf, [0xAA; 8]);
}

#[test]
fn quirk_11_the_error_of_one_socket_is_not_anothers() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let other = lab.rig.socket(SockType::Stream);
    let closed = Remote::Addr((PEER, 9).into());
    let refused = lab.rig.wait(5_000, || lab.rig.device.connect(other, closed));
    assert_eq!(refused, Err(Stopped::Failed(Error::ConnectionRefused)), "quirk 13: it is a reset");
    let mut buf = [0; 8];
    let nothing = lab.rig.wait(100, || lab.rig.device.recv(here, &mut buf, NONE));
    assert_eq!(nothing, Err(Stopped::Deadline));
    lab.greet(here, there);
    lab.rig.assert_faultless();
}

#[test]
fn quirk_12_a_connection_whose_peer_is_not_told_is_good_all_the_same() {
    let lab = Lab::new();
    lab.rig.monitor.set_truncate_addresses(true);
    let listener = lab.rig.listener(81);
    let (here, there, from) = lab.called(listener, 81);
    assert_eq!(from, SocketAddr::from(([0; 4], 0)));
    let told = lab.rig.wait(100, || lab.rig.device.peer_addr(here));
    assert_eq!(told, Err(Stopped::Failed(Error::Unsupported)));
    lab.greet(here, there);
    let dialled = lab.rig.connected((PEER, 80).into());
    let told = lab.rig.wait(100, || lab.rig.device.local_addr(dialled));
    assert_eq!(told, Err(Stopped::Failed(Error::Unsupported)));
    lab.rig.monitor.set_truncate_addresses(false);
    let told = lab.rig.wait(100, || lab.rig.device.local_addr(dialled)).unwrap();
    assert_ne!(told.port(), 0);
    lab.rig.assert_faultless();
}

#[test]
fn quirk_15_events_between_call_and_reply_disturb_nobody() {
    let mut config = Config::default();
    config.faults.event = 1.0;
    let lab = Lab::with(config);
    let (here, there) = lab.pair();
    for _ in 0..20 {
        lab.greet(here, there);
    }
    assert!(lab.rig.monitor.counters().events > 40);
    lab.rig.assert_faultless();
}

#[test]
fn quirk_16_callbacks_of_the_chip_are_answered() {
    let mut config = Config::default();
    config.faults.callback = 0.5;
    let lab = Lab::with(config);
    let (here, there) = lab.pair();
    for _ in 0..20 {
        lab.greet(here, there);
    }
    lab.rig.pause(100);
    let counters = lab.rig.monitor.counters();
    assert!(counters.callbacks > 10, "{counters:?}");
    // One may have been raised before the counters were cleared.
    assert!(counters.callback_replies >= counters.callbacks, "{counters:?}");
    lab.rig.assert_faultless();
}

#[test]
fn quirk_18_a_second_join_finds_the_radio_on() {
    let lab = Lab::new();
    let network = Network::wifi("test-ap", "test-pass");
    for _ in 0..2 {
        lab.rig.wait(10_000, || lab.rig.device.join(&network)).unwrap();
    }
    let (here, there) = lab.pair();
    lab.greet(here, there);
    lab.rig.assert_faultless();
}

#[test]
fn quirk_21_what_has_no_effect_or_crashes_is_unsupported() {
    let lab = Lab::new();
    let device = lab.rig.device;
    let name = device.set_host_name("terminal");
    assert_eq!(name, Err(nb::Error::Other(Error::Unsupported)));
    let tls = device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tls);
    assert_eq!(tls, Err(nb::Error::Other(Error::Unsupported)));
    lab.rig.assert_faultless();
}

#[test]
fn quirk_30_large_writes_never_overflow_the_ring_of_a_chip_that_waits() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let mut buf = vec![0; 8192];
    let data = vec![5; 8192];
    let (mut sent, mut received) = (0, 0);
    while sent < 100_000 {
        let mut little = [0; 16];
        let _ = lab.rig.wait(3, || lab.rig.device.recv(here, &mut little, NONE));
        sent += lab.rig.send(here, &data).unwrap();
        while let Ok(len @ 1..) = lab.peer.recv(there, &mut buf, NONE) {
            received += len;
        }
    }
    assert!(received > 50_000);
    lab.rig.assert_faultless();
}

#[test]
fn quirk_32_a_chip_that_boots_slowly_is_found_in_the_end() {
    let mut config = Config::default();
    config.boot = Duration::from_millis(1_200);
    config.boot_garbage = vec![0, 0xFF, 0x3C, 0x55];
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    let rig = Rig::new(config, internet.node(CHIP), clock).joined();
    assert!(rig.bench.counters().resets > 1);
    rig.assert_faultless();
}

#[test]
fn quirk_04_the_place_is_found_again_at_the_rate_that_the_firmware_has() {
    for seed in 0..4 {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let stack = internet.node(CHIP);
        let link = |bench: &netdev_sim::UartBench| bench.link(4096).without_enable_pin();
        let config = Config::new(&rtl8720dn_sim::Persona::SEEED_2_0_1);
        let rig = Rig::with_link(config, stack, clock, link);
        rig.pause(500);
        let rig = rig.joined();
        assert!(rig.now() < netdev::Instant::START + Duration::from_secs(3), "{:?}", rig.now());
        let (udp, other) = (rig.socket(SockType::Dgram), rig.socket(SockType::Dgram));
        for fd in [udp, other] {
            rig.wait(1_000, || rig.device.bind(fd, ([0; 4], 0).into())).unwrap();
        }
        let faults = Faults::new();
        rig.bench.set_faults(&faults);
        faults.at(Wire::Written, 11 + seed, Glitch::Drop);
        let to = SocketAddr::from((PEER, 9));
        let send = |fd| rig.wait(1_000, || rig.device.send_to(fd, &[7; 100], to, NONE));
        assert!(send(udp).is_err());
        faults.clear();
        rig.pause(8_000);
        assert_eq!(send(other), Ok(100), "{seed}");
    }
}

#[test]
fn a_number_that_is_given_away_twice_tells_of_a_chip_that_started_anew() {
    let lab = Lab::new();
    let device = lab.rig.device;
    let udp = lab.rig.socket(SockType::Dgram);
    lab.rig.wait(1_000, || device.bind(udp, ([0; 4], 0).into())).unwrap();
    let faults = Faults::new();
    lab.rig.bench.set_faults(&faults);
    faults.at(Wire::Written, 5, Glitch::Reset);
    assert!(lab.rig.wait(1_000, || device.rssi()).is_err());
    faults.clear();
    let network = Network::wifi("test-ap", "test-pass");
    lab.rig.wait(10_000, || device.join(&network)).unwrap();
    let here = lab.rig.socket(SockType::Stream);
    let to = Remote::Addr((PEER, 80).into());
    let restarted = Err(Stopped::Failed(Error::Fault(Fault::Restarted)));
    assert_eq!(lab.rig.wait(5_000, || device.connect(here, to)), restarted);
    let to = SocketAddr::from((PEER, 9));
    let sent = lab.rig.wait(1_000, || device.send_to(udp, b"stray", to, NONE));
    assert_eq!(sent, Err(Stopped::Failed(Error::Fault(Fault::Restarted))));
    for fd in [udp, here] {
        device.close(fd);
    }
    lab.rig.wait(10_000, || device.join(&network)).unwrap();
    let (here, there) = lab.pair();
    lab.greet(here, there);
}

#[test]
fn bytes_that_nobody_has_fetched_yet_cut_no_datagram() {
    let lab = Lab::new();
    let device = lab.rig.device;
    let (here, there) = lab.pair();
    let udp = lab.rig.socket(SockType::Dgram);
    lab.rig.wait(1_000, || device.bind(udp, ([0; 4], 5000).into())).unwrap();
    let peer = lab.peer;
    let from = peer.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp).unwrap();
    assert_eq!(peer.send(there, &vec![1; 3_000], NONE), Ok(3_000));
    lab.rig.pause(50);
    let mut buf = vec![0; 4096];
    assert_eq!(device.recv(here, &mut buf, NONE), Err(nb::Error::WouldBlock));
    lab.rig.pause(200);
    let to = SocketAddr::from((CHIP, 5000));
    assert_eq!(peer.send_to(from, &[2; 1_400], to, NONE), Ok(1_400));
    let mut datagram = [0; 2048];
    let got = lab.rig.wait(100, || device.recv_from(udp, &mut datagram, NONE));
    assert!(got.is_err(), "no room for one: {got:?}");
    assert_eq!(lab.rig.recv(here, &mut buf), Ok(3_000));
    let got = lab.rig.wait(1_000, || device.recv_from(udp, &mut datagram, NONE));
    assert_eq!(got.unwrap().0, 1_400);
}
