//! Lines that are short of memory, noisy, or broken.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::field_reassign_with_default,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::Ipv4Addr;
use core::time::Duration;

use common::Rig;
use netdev::{
    AddressFamily, Error, Event, Fault, LinkStatus, Netdev, Netlink, Network, Protocol, Remote,
    SockFd, SockFlags, SockType, Stopped,
};
use netdev_sim::{Faults, Internet, Rates, SimDevice, VirtualClock};
use netdev_uart::LineError;
use rtl8720dn_sim::Config;

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const NONE: SockFlags = SockFlags::NONE;

struct Lab {
    rig: Rig<VirtualClock>,
    peer: &'static SimDevice,
    door: SockFd,
}

impl Lab {
    fn new(config: Config, ring: usize) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let link = |bench: &netdev_sim::UartBench| bench.link(ring);
        let rig = Rig::with_link(config, internet.node(CHIP), clock, link).joined();
        let peer = SimDevice::on(&internet, PEER).leak();
        let door = peer.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp).unwrap();
        peer.bind(door, (PEER, 80).into()).unwrap();
        peer.listen(door, 8).unwrap();
        Self { rig, peer, door }
    }

    fn try_pair(&self) -> Result<(SockFd, SockFd), Stopped> {
        let (device, kind) = (self.rig.device, SockType::Stream);
        // Connections whose connect was said to have failed.
        self.rig.pause(50);
        while let Ok((stale, _)) = self.peer.accept(self.door) {
            self.peer.close(stale);
        }
        let open = || device.socket(AddressFamily::Inet, kind, Protocol::Tcp);
        let here = self.rig.wait(2_000, open)?;
        let to = Remote::Addr((PEER, 80).into());
        let there = self.rig.wait(5_000, || device.connect(here, to)).and_then(|()| {
            let (there, _) = self.rig.wait(2_000, || self.peer.accept(self.door))?;
            Ok(there)
        });
        match there {
            Ok(there) => Ok((here, there)),
            Err(why) => {
                device.close(here);
                Err(why)
            }
        }
    }

    /// Sends numbered bytes both ways until one way fails or all have arrived. How many have.
    fn transfer(&self, here: SockFd, there: SockFd, bytes: usize) -> Result<usize, Error> {
        let data: Vec<u8> = (0..bytes).map(|at| (at % 251).to_le_bytes()[0]).collect();
        let (device, peer) = (self.rig.device, self.peer);
        let [mut up, mut arrived_up, mut down, mut arrived_down] = [0; 4];
        let mut buf = [0; 700];
        let done = self.rig.wait(60_000, || {
            if down < bytes
                && let Ok(len) = peer.send(there, &data[down..], NONE)
            {
                down += len;
            }
            while let Ok(len @ 1..) = peer.recv(there, &mut buf, NONE) {
                assert_eq!(buf[..len], data[arrived_up..arrived_up + len], "wrong bytes went out");
                arrived_up += len;
            }
            if up < bytes {
                match device.send(here, &data[up..], NONE) {
                    Ok(len) => up += len,
                    Err(nb::Error::WouldBlock) => {}
                    Err(error) => return Err(error),
                }
            }
            match device.recv(here, &mut buf, NONE) {
                Ok(0) => return Err(Error::BrokenPipe.into()),
                Ok(len) => {
                    let expected = &data[arrived_down..arrived_down + len];
                    assert_eq!(&buf[..len], expected, "wrong bytes came in");
                    arrived_down += len;
                }
                Err(nb::Error::WouldBlock) => {}
                Err(error) => return Err(error),
            }
            let all = arrived_up == bytes && arrived_down == bytes;
            if all { Ok(()) } else { Err(nb::Error::WouldBlock) }
        });
        match done {
            Ok(()) => Ok(arrived_up + arrived_down),
            Err(Stopped::Failed(error)) => Err(error),
            Err(Stopped::Deadline) => Err(Error::TimedOut),
        }
    }

    fn rejoin(&self) {
        let device = self.rig.device;
        for _ in 0..50 {
            if self.rig.wait(5_000, || device.status()) == Ok(LinkStatus::Up) {
                return;
            }
            let network = Network::wifi("test-ap", "test-pass");
            let _ = self.rig.wait(30_000, || device.join(&network));
        }
    }
}

#[test]
fn a_small_ring_never_overflows_however_late_its_reader_comes() {
    for ring in [64, 128, 256, 1024] {
        let lab = Lab::new(Config::default(), ring);
        let (here, there) = lab.try_pair().unwrap();
        let mut received = 0;
        let mut buf = [0; 2048];
        let mut sent = 0;
        while received < 4_000 {
            if sent < 4_000 {
                sent += lab.peer.send(there, &[3; 1_000], NONE).unwrap_or(0);
            }
            // Nobody drives anything meanwhile.
            netdev::Platform::idle(&lab.rig.clock, lab.rig.now() + Duration::from_millis(80));
            if let Ok(len) = lab.rig.device.recv(here, &mut buf, NONE) {
                received += len;
            }
        }
        assert_eq!(lab.rig.bench.counters().overruns, 0, "ring of {ring}");
        lab.rig.assert_faultless();
    }
}

#[test]
fn noise_costs_connections_and_never_a_byte() {
    let mut whole = 0;
    for seed in 0..12 {
        let lab = Lab::new(Config::default(), 2048);
        let faults = Faults::random(seed, Rates::all_bytes(4e-6));
        lab.rig.bench.set_faults(&faults);
        for _ in 0..4 {
            let Ok((here, there)) = lab.try_pair() else {
                lab.rejoin();
                continue;
            };
            whole += usize::from(lab.transfer(here, there, 20_000).is_ok());
            lab.rig.device.close(here);
            lab.peer.close(there);
            lab.rejoin();
        }
        faults.clear();
        lab.rejoin();
        let (here, there) = lab.try_pair().expect("all is well again");
        assert_eq!(lab.transfer(here, there, 5_000), Ok(10_000), "seed {seed}");
    }
    println!("{whole} of 48 transfers came through");
    assert!(whole >= 10, "{whole}");
}

#[test]
fn a_chip_that_misbehaves_now_and_then_is_lived_with() {
    for seed in 0..8 {
        let mut config = Config::default();
        config.faults =
            "drop=0.003,corrupt=0.003,delay=0.01,event=0.1,callback=0.02".parse().unwrap();
        config.faults.seed = seed;
        config.faults.delay = Duration::from_millis(100);
        let lab = Lab::new(config, 4096);
        let mut whole = 0;
        for _ in 0..6 {
            let Ok((here, there)) = lab.try_pair() else {
                lab.rejoin();
                continue;
            };
            whole += usize::from(lab.transfer(here, there, 10_000).is_ok());
            lab.rig.device.close(here);
            lab.peer.close(there);
        }
        assert!(whole > 0, "seed {seed}");
    }
}

#[test]
fn a_chip_that_halts_is_reset_and_the_link_says_so() {
    let lab = Lab::new(Config::default(), 4096);
    let (here, _there) = lab.try_pair().unwrap();
    while lab.rig.device.next_event().is_some() {}
    lab.rig.monitor.halt();
    let answer = lab.rig.send(here, b"x");
    assert_eq!(answer, Err(Stopped::Failed(Error::Fault(Fault::Restarted))));
    assert_eq!(lab.rig.device.next_event(), Some(Event::Fault(Fault::Unresponsive)));
    assert_eq!(lab.rig.device.next_event(), Some(Event::Down(Error::Fault(Fault::Restarted))));
    lab.rig.device.close(here);
    lab.rejoin();
    let (here, there) = lab.try_pair().unwrap();
    assert_eq!(lab.transfer(here, there, 2_000), Ok(4_000));
}

#[test]
fn a_line_that_reports_errors_is_a_fault_and_works_once_it_is_mended() {
    let lab = Lab::new(Config::default(), 4096);
    lab.rig.bench.set_broken(Some(LineError::Bus));
    let answer = lab.rig.wait(5_000, || lab.rig.device.hardware_addr());
    assert!(matches!(answer, Err(Stopped::Failed(Error::Fault(_)))), "{answer:?}");
    lab.rig.bench.set_broken(None);
    lab.rig.pause(2_000);
    lab.rejoin();
    let (here, there) = lab.try_pair().unwrap();
    assert_eq!(lab.transfer(here, there, 2_000), Ok(4_000));
}

#[test]
fn a_chip_that_never_answers_makes_calls_fail_and_not_hang() {
    let lab = Lab::new(Config::default(), 4096);
    let faults = Faults::new();
    lab.rig.bench.set_faults(&faults);
    faults.now(netdev_sim::Glitch::Silence { length: None });
    for _ in 0..3 {
        let answer = lab.rig.wait(30_000, || lab.rig.device.hardware_addr());
        assert!(matches!(answer, Err(Stopped::Failed(Error::Fault(_)))), "{answer:?}");
    }
    faults.clear();
    lab.rig.pause(2_000);
    lab.rejoin();
    let (here, there) = lab.try_pair().unwrap();
    assert_eq!(lab.transfer(here, there, 2_000), Ok(4_000));
}

#[test]
fn an_abandoned_write_is_finished_so_that_the_chip_drops_it() {
    let lab = Lab::new(Config::default(), 4096);
    let (other, other_there) = lab.try_pair().unwrap();
    for given in [1_u32, 5, 20, 60] {
        let (here, there) = lab.try_pair().unwrap();
        lab.rig.monitor.clear();
        let data = vec![0x55; 4_000];
        for _ in 0..given {
            let answer = lab.rig.device.send(here, &data, NONE);
            assert_eq!(answer, Err(nb::Error::WouldBlock));
        }
        lab.rig.device.close(here);
        assert_eq!(lab.rig.send(other, b"goes on"), Ok(7));
        let mut buf = [0; 64];
        assert_eq!(lab.rig.wait(1_000, || lab.peer.recv(other_there, &mut buf, NONE)), Ok(7));
        let end = lab.rig.wait(1_000, || lab.peer.recv(there, &mut buf, NONE));
        if given < 60 {
            assert_eq!(end, Ok(0), "the peer sees an end, and nothing of the write");
            assert_eq!(lab.rig.monitor.counters().bad_crcs, 1);
        }
    }
    assert_eq!(lab.rig.bench.counters().resets, 1);
}

#[test]
fn a_writer_who_does_not_come_back_holds_the_line_for_half_a_second_and_can_begin_again() {
    let lab = Lab::new(Config::default(), 4096);
    let (here, there) = lab.try_pair().unwrap();
    let (other, other_there) = lab.try_pair().unwrap();
    let data = vec![0x55; 4_000];
    assert_eq!(lab.rig.device.send(here, &data, NONE), Err(nb::Error::WouldBlock));
    assert!(lab.rig.device.in_flight(here, netdev::Side::Write));
    let begun = lab.rig.now();
    assert_eq!(lab.rig.send(other, b"goes on"), Ok(7));
    let took = lab.rig.now().saturating_since(begun);
    assert!(took < Duration::from_millis(700), "{took:?}");
    let mut buf = vec![0; 8192];
    assert_eq!(lab.rig.wait(1_000, || lab.peer.recv(other_there, &mut buf, NONE)), Ok(7));
    assert!(!lab.rig.device.in_flight(here, netdev::Side::Write), "nothing of it was taken");
    assert_eq!(lab.rig.send(here, &data), Ok(4_000));
    assert_eq!(lab.rig.wait(1_000, || lab.peer.recv(there, &mut buf, NONE)), Ok(4_000));
}
