//! What the line carries, and how fast, in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use common::Rig;
use netdev::{Instant, Netdev, SockFd, SockFlags, SockType};
use netdev_sim::{Internet, SimDevice, UartBench, UartCounters, VirtualClock};
use rtl8720dn_sim::Config;

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
/// What the firmware needs for a call.
const CALL: Duration = Duration::from_micros(300);
/// Bytes a second of the line, each way.
const LINE: f64 = 61_440.0;
const BULK: usize = 256 * 1024;

struct Lab {
    rig: Rig<VirtualClock>,
    peer: &'static SimDevice,
    door: SockFd,
    door_at: SocketAddr,
}

impl Lab {
    fn new() -> Self {
        Self::with_ring(common::RING)
    }

    fn with_ring(ring: usize) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        internet.set_delay(Duration::ZERO);
        let config = Config::default().brisk(CALL);
        let link = |bench: &UartBench| bench.link(ring);
        let rig = Rig::with_link(config, internet.node(CHIP), clock, link).joined();
        let peer = SimDevice::on(&internet, PEER).leak();
        let kind = SockType::Stream;
        let family = netdev::AddressFamily::Inet;
        let door = peer.socket(family, kind, netdev::Protocol::Tcp).unwrap();
        let door_at = SocketAddr::from((PEER, 80));
        peer.bind(door, door_at).unwrap();
        peer.listen(door, 8).unwrap();
        Self { rig, peer, door, door_at }
    }

    /// Both ends of a connection, and the line quiet.
    fn pair(&self) -> (SockFd, SockFd) {
        let here = self.rig.connected(self.door_at);
        let (there, _) = self.rig.wait(1_000, || self.peer.accept(self.door)).unwrap();
        self.rig.pause(100);
        (here, there)
    }

    fn counted(&self, act: impl FnOnce()) -> (UartCounters, u64) {
        self.rig.bench.clear_counters();
        self.rig.monitor.clear();
        act();
        (self.rig.bench.counters(), self.rig.monitor.counters().calls)
    }

    fn drain(&self, there: SockFd) -> usize {
        let mut buf = [0; 1024];
        let mut count = 0;
        while let Ok(len @ 1..) = self.peer.recv(there, &mut buf, SockFlags::NONE) {
            count += len;
        }
        count
    }

    /// Share of the line that payload had.
    fn share(&self, bytes: usize, begun: Instant) -> f64 {
        let took = self.rig.now().saturating_since(begun).as_secs_f64();
        100.0 * bytes as f64 / took / LINE
    }
}

#[test]
fn a_kilobyte_sent_costs_forty_bytes_and_one_round_trip() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let (counters, calls) = lab.counted(|| {
        assert_eq!(lab.rig.send(here, &[7; 1024]), Ok(1024));
    });
    assert_eq!((counters.written + counters.read, calls), (1024 + 40, 1));
    assert_eq!(lab.drain(there), 1024);
}

#[test]
fn a_kilobyte_received_costs_forty_eight_bytes_and_one_round_trip() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    assert_eq!(lab.peer.send(there, &[7; 1024], SockFlags::NONE), Ok(1024));
    lab.rig.pause(5);
    let mut buf = [0; 2048];
    let (counters, calls) = lab.counted(|| {
        assert_eq!(lab.rig.recv(here, &mut buf), Ok(1024));
    });
    assert_eq!((counters.written + counters.read, calls), (1024 + 48, 1));
}

fn bulk_send(chunk: usize) -> f64 {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let data = vec![7; chunk];
    let begun = lab.rig.now();
    let (mut sent, mut received) = (0, 0);
    while sent < BULK {
        sent += lab.rig.send(here, &data).unwrap();
        received += lab.drain(there);
    }
    assert!(received > 0);
    lab.share(sent, begun)
}

fn bulk_receive(ring: usize, chunk: usize) -> f64 {
    let lab = Lab::with_ring(ring);
    let (here, there) = lab.pair();
    let data = vec![7; 16 * 1024];
    let mut buf = vec![0; chunk];
    let _ = lab.peer.send(there, &data, SockFlags::NONE);
    let begun = lab.rig.now();
    let mut received = 0;
    while received < BULK {
        received += lab.rig.recv(here, &mut buf).unwrap();
        let _ = lab.peer.send(there, &data, SockFlags::NONE);
    }
    assert_eq!(lab.rig.bench.counters().overruns, 0);
    lab.share(received, begun)
}

#[test]
fn large_writes_have_96_hundredths_of_the_line() {
    for (chunk, least) in [(1436, 96.0), (4076, 98.0), (16_384, 96.0)] {
        let share = bulk_send(chunk);
        println!("send {chunk}: {share:.2} %");
        assert!(share >= least, "{chunk}: {share}");
    }
}

#[test]
fn large_reads_have_96_hundredths_of_the_line() {
    for (ring, chunk, least) in [
        (4096, 1436, 97.0),
        (4096, 4080, 98.0),
        (4096, 16_384, 98.0),
        (2048, 2048, 96.0),
        (1024, 2048, 96.0),
        (256, 2048, 50.0),
    ] {
        let share = bulk_receive(ring, chunk);
        println!("receive {chunk} through a ring of {ring}: {share:.2} %");
        assert!(share >= least, "{ring}, {chunk}: {share}");
    }
}

#[test]
fn what_comes_while_a_read_waits_is_delivered_within_five_milliseconds() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let others: Vec<_> = (0..4).map(|_| lab.pair()).collect();
    let mut worst = Duration::ZERO;
    for round in 0..40 {
        let arrives = lab.rig.now() + Duration::from_micros(30_000 + 1_700 * round);
        let mut sent = None;
        let mut buf = [0; 64];
        let got = lab.rig.wait(1_000, || {
            if sent.is_none() && lab.rig.now() >= arrives {
                lab.peer.send(there, b"news", SockFlags::NONE)?;
                sent = Some(lab.rig.now());
            }
            lab.rig.device.recv(here, &mut buf, SockFlags::NONE)
        });
        assert_eq!(got, Ok(4));
        worst = worst.max(lab.rig.now().saturating_since(sent.unwrap()));
    }
    println!("delivered within {worst:?}");
    assert!(worst <= Duration::from_millis(5), "{worst:?}");
    drop(others);
}

/// The look tells that there is something and not where: with one of eight it takes longest.
#[test]
fn of_eight_who_wait_the_last_has_its_data_soon() {
    let lab = Lab::new();
    let pairs: Vec<_> = (0..8).map(|_| lab.pair()).collect();
    let mut worst = Duration::ZERO;
    for round in 0..24 {
        let arrives = lab.rig.now() + Duration::from_micros(30_000 + 1_700 * round);
        let there = pairs[pairs.len() - 1 - usize::try_from(round).unwrap() % 2].1;
        let mut sent = None;
        let got = lab.rig.wait(1_000, || {
            if sent.is_none() && lab.rig.now() >= arrives {
                lab.peer.send(there, b"news", SockFlags::NONE)?;
                sent = Some(lab.rig.now());
            }
            for (here, _) in &pairs {
                match lab.rig.device.recv(*here, &mut [0; 64], SockFlags::NONE) {
                    Err(nb::Error::WouldBlock) => {}
                    answer => return answer,
                }
            }
            Err(nb::Error::WouldBlock)
        });
        assert_eq!(got, Ok(4));
        worst = worst.max(lab.rig.now().saturating_since(sent.unwrap()));
    }
    println!("one of eight: delivered within {worst:?}");
    assert!(worst <= Duration::from_millis(6), "{worst:?}");
}

#[test]
fn eight_idle_sockets_cost_one_call_a_look_and_fifty_looks_a_second_at_most() {
    let lab = Lab::new();
    let fds: Vec<_> = (0..7).map(|_| lab.pair().0).chain([lab.rig.listener(81)]).collect();
    let each = |ms| {
        let _ = lab.rig.wait(ms, || {
            let mut buf = [0; 64];
            for fd in &fds[..7] {
                let answer = lab.rig.device.recv(*fd, &mut buf, SockFlags::NONE);
                assert_eq!(answer, Err(nb::Error::WouldBlock));
            }
            lab.rig.device.accept(fds[7]).map(drop)
        });
    };
    assert_eq!(fds.len(), 8);
    each(500);
    let (_, calls) = lab.counted(|| each(1_000));
    println!("eight idle sockets: {calls} calls a second");
    assert!((10..=50).contains(&calls), "{calls}");
}

#[test]
fn nobody_waits_and_nothing_crosses_the_line() {
    let lab = Lab::new();
    let _pairs: Vec<_> = (0..3).map(|_| lab.pair()).collect();
    let (counters, _) = lab.counted(|| lab.rig.pause(1_000));
    assert_eq!((counters.written, counters.read), (0, 0));
}

#[test]
fn a_write_waits_for_a_look_twenty_milliseconds_at_most() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let mut buf = [0; 64];
    let waits = lab.rig.wait(100, || lab.rig.device.recv(here, &mut buf, SockFlags::NONE));
    assert!(waits.is_err(), "the look is with the chip now");
    let begun = lab.rig.now();
    assert_eq!(lab.rig.send(here, b"x"), Ok(1));
    let took = lab.rig.now().saturating_since(begun);
    println!("a write behind a look took {took:?}");
    assert!(took <= Duration::from_millis(24), "{took:?}");
    assert_eq!(lab.drain(there), 1);
}

#[test]
fn a_datagram_costs_what_the_protocol_says() {
    let lab = Lab::new();
    let (here, there) = (lab.rig.socket(SockType::Dgram), SocketAddr::from((PEER, 5353)));
    lab.rig.wait(1_000, || lab.rig.device.bind(here, ([0; 4], 5000).into())).unwrap();
    let send = || lab.rig.device.send_to(here, &[1; 100], there, SockFlags::NONE);
    let (counters, calls) = lab.counted(|| assert_eq!(lab.rig.wait(1_000, send), Ok(100)));
    assert_eq!((counters.written + counters.read, calls), (164, 1));
}

/// A reader who is never out of data leaves the line to others now and then.
#[test]
fn a_stream_that_flows_starves_nobody() {
    let lab = Lab::new();
    let (here, there) = lab.pair();
    let (other, other_there) = lab.pair();
    let data = vec![7; 16 * 1024];
    let mut buf = vec![0; 4080];
    let (mut received, mut since) = (0, None);
    let (mut sent, mut worst) = (0, Duration::ZERO);
    let _ = lab.rig.wait(3_000, || {
        let _ = lab.peer.send(there, &data, SockFlags::NONE);
        while let Ok(length) = lab.rig.device.recv(here, &mut buf, SockFlags::NONE) {
            received += length;
            let _ = lab.peer.send(there, &data, SockFlags::NONE);
        }
        let begun = *since.get_or_insert(lab.rig.now());
        worst = worst.max(lab.rig.now().saturating_since(begun));
        if lab.rig.device.send(other, b"tick", SockFlags::NONE).is_ok() {
            (sent, since) = (sent + 1, None);
        }
        Err::<(), _>(nb::Error::WouldBlock)
    });
    println!("beside {received} bytes of a stream {sent} writes, the slowest {worst:?}");
    assert!(sent > 10 && worst < Duration::from_millis(300), "{sent} writes, {worst:?}");
    assert!(lab.drain(other_there) >= 4 * 10);
}
