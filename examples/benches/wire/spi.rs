//! The SPI bus of a WiFiNINA chip.
//!
//! Times are those of a bus of 8 or 20 MHz with a chip that needs a given time from chip-select's
//! rise until READY.

use core::time::Duration;

use net_http as http;
use netdev::{Instant, Netdev, SockFlags, wait};
use netdev_sim::{Polarity, SpiBench, VirtualClock};
use wifinina::{Gpio0, NotWired, OpenDrain, SpiPins, State, Wifinina};
use wifinina_sim::{Chip, Config};

use crate::lab::{CHIP, Lab, PEER, internet};
use crate::report::Report;

const TURNAROUNDS_US: [u64; 3] = [0, 140, 1_200];
const YARDSTICK_US: u64 = 140;
const BULK: usize = 512 * 1024;

/// Everything about this bus.
pub(crate) fn measure(report: &mut Report) {
    counts(report);
    rates(report);
    keep_alive(report);
    latencies(report);
    polls(report);
}

/// Bus traffic of single operations.
fn counts(report: &mut Report) {
    let lab = lab(8_000_000, 0, true);
    let (here, there) = lab.pair();
    let kilobyte = [7; 1024];

    lab.bench.clear_counters();
    lab.send_all(here, &kilobyte);
    let sent = lab.bench.counters();
    report.at_most("1 KiB sent: chip-select cycles", sent.cs_cycles as f64, 2.0);
    report.at_most("1 KiB sent: bytes", sent.bytes as f64, 1_044.0);
    lab.drain_peer(there, 1024);

    lab.peer_send(there, &kilobyte);
    lab.settle();
    lab.bench.clear_counters();
    let mut buf = [0; 2048];
    let len = lab.recv(here, &mut buf);
    let received = lab.bench.counters();
    assert_eq!(len, 1024, "it came in one piece");
    report.at_most("1 KiB received: chip-select cycles", received.cs_cycles as f64, 2.0);
    report.at_most("1 KiB received: bytes", received.bytes as f64, 1_044.0);

    let large = vec![7; 64 * 1024];
    lab.bench.clear_counters();
    let mut rest: &[u8] = &large;
    while !rest.is_empty() {
        rest = &rest[lab.send_some(here, rest)..];
        lab.drain_peer(there, usize::MAX);
    }
    let cycles = lab.bench.counters().cs_cycles as f64 / 64.0;
    report.at_most("64 KiB in large writes: cycles per KiB", cycles, 0.55);
}

/// Share of the bus that payload gets in bulk.
fn rates(report: &mut Report) {
    for (hz, goals) in [(8_000_000_u32, [80.0, 90.0]), (20_000_000, [65.0, 80.0])] {
        for (chunk, goal) in [1_436, 4_076].into_iter().zip(goals) {
            for turnaround in TURNAROUNDS_US {
                let limit = (turnaround <= YARDSTICK_US).then_some(goal);
                for (way, share) in [
                    ("send", bulk_send(hz, turnaround, chunk)),
                    ("receive", bulk_receive(hz, turnaround, chunk)),
                ] {
                    let name = format!(
                        "{way} at {} MHz, {chunk} bytes a command, chip {turnaround} us: % of the bus",
                        hz / 1_000_000
                    );
                    report.at_least(&name, share, limit);
                }
            }
        }
    }
}

fn bulk_send(hz: u32, turnaround: u64, chunk: usize) -> f64 {
    let lab = lab(hz, turnaround, true);
    let (here, there) = lab.accepted_pair();
    let data = vec![7; chunk];
    let begun = lab.now();
    let mut sent = 0;
    while sent < BULK {
        sent += lab.send_some(here, &data);
        lab.drain_peer(there, usize::MAX);
    }
    share(&lab, sent, begun, hz)
}

fn bulk_receive(hz: u32, turnaround: u64, chunk: usize) -> f64 {
    let lab = lab(hz, turnaround, true);
    let (here, there) = lab.accepted_pair();
    let data = vec![7; 16 * 1024];
    let mut buf = vec![0; chunk];
    lab.peer_send(there, &data);
    lab.settle();
    let begun = lab.now();
    let mut received = 0;
    while received < BULK {
        received += lab.recv(here, &mut buf);
        let _ = lab.peer.send(there, &data, SockFlags::NONE);
    }
    share(&lab, received, begun, hz)
}

/// A keep-alive GET of a small page from a client that asks again as soon as it has its answer. The
/// looks that find nothing are in the count.
fn keep_alive(report: &mut Report) {
    const REQUESTS: usize = 50;
    let lab = lab(8_000_000, YARDSTICK_US, true);
    let listener = net::listen_on(lab.device, "tcp", "0.0.0.0:80").expect("the port is free");
    let page = |w: &mut http::ResponseWriter<'_>, _: &mut http::Request<'_>| {
        w.write(&[b'a'; 150]).map(drop)
    };
    let mut server = http::Server::<_, 2>::new(listener, &page);
    let client = lab.peer_connect_while((CHIP, 80).into(), || {
        let _ = server.poll();
    });
    lab.bench.clear_counters();
    for _ in 0..REQUESTS {
        lab.peer_send(client, b"GET / HTTP/1.1\r\nHost: chip\r\n\r\n");
        let mut pieces = 0;
        lab.wait(|| {
            let _ = server.poll();
            let mut buf = [0; 1024];
            let len = lab.peer.recv(client, &mut buf, SockFlags::NONE)?;
            pieces += 1;
            if buf[..len].ends_with(&[b'a'; 150]) { Ok(()) } else { Err(nb::Error::WouldBlock) }
        });
        assert_eq!(pieces, 1, "the answer is one send");
    }
    let cycles = lab.bench.counters().cs_cycles as f64 / REQUESTS as f64;
    report.at_most("keep-alive GET, polls included: chip-select cycles", cycles, 8.0);
}

/// How long things take that somebody waits for.
fn latencies(report: &mut Report) {
    for turnaround in TURNAROUNDS_US {
        let limit = |ms| (turnaround <= YARDSTICK_US).then_some(ms);
        let hello = (0..20).map(|n| hello(turnaround, n)).fold(0.0, f64::max);
        let name = format!("hello on a new connection, chip {turnaround} us: ms");
        report.at_most_if(&name, hello, limit(5.0));
        let worst = (0..20).map(|n| delivery(turnaround, n, false)).fold(0.0, f64::max);
        let name = format!("data comes to a waiting read (accepted), chip {turnaround} us: ms");
        report.at_most_if(&name, worst, limit(2.0));
        let worst = (0..20).map(|n| delivery(turnaround, n, true)).fold(0.0, f64::max);
        let name = format!("data comes to a waiting read (dialled), chip {turnaround} us: ms");
        report.at_most_if(&name, worst, limit(2.0));
    }
}

/// Accept, read a request, answer with 150 bytes, close: from the client's connect until it has the
/// answer's last byte.
fn hello(turnaround: u64, number: u64) -> f64 {
    let lab = lab(8_000_000, turnaround, true);
    let (listener, addr) = lab.listener();
    lab.rest(Duration::from_micros(137_000 + number * 777));
    let begun = lab.now();
    let client = lab.peer_connect(addr);
    let (served, _) = lab.wait(|| lab.device.accept(listener));
    lab.peer_send(client, &[b'q'; 41]);
    let mut request = [0; 256];
    assert_eq!(lab.recv(served, &mut request), 41, "the whole request");
    lab.send_all(served, &[b'a'; 150]);
    lab.drain_peer(client, 150);
    let took = lab.now().saturating_since(begun);
    lab.device.close(served);
    took.as_secs_f64() * 1e3
}

/// From the moment when data reach the chip until a read that has been waiting returns.
fn delivery(turnaround: u64, number: u64, dialled: bool) -> f64 {
    let lab = lab(8_000_000, turnaround, true);
    let (here, there) = if dialled { lab.pair() } else { lab.accepted_pair() };
    // The network holds the data back, so that they come when nobody happens to look.
    let delay = Duration::from_micros(50_000 + number * 777);
    lab.internet.set_delay_between(PEER, CHIP, delay);
    lab.peer_send(there, b"news");
    let arrives = lab.now() + delay;
    assert_eq!(lab.recv(here, &mut [0; 64]), 4);
    lab.now().saturating_since(arrives).as_secs_f64() * 1e3
}

/// What an idle listener costs.
fn polls(report: &mut Report) {
    for (wired, limit) in [(true, 0.0), (false, 100.0)] {
        let lab = lab(8_000_000, YARDSTICK_US, wired);
        let (listener, _) = lab.listener();
        lab.rest(Duration::from_millis(100));
        lab.bench.clear_counters();
        let until = lab.now() + Duration::from_secs(10);
        let nobody = wait(lab.device, || Some(until), || lab.device.accept(listener));
        assert!(nobody.is_err(), "nobody connects");
        let polls = lab.bench.counters().cs_cycles as f64 / 2.0 / 10.0;
        let wired = if wired { "GPIO0 wired" } else { "no GPIO0" };
        report.at_most(&format!("idle listener, {wired}: polls a second"), polls, limit);
    }
}

/// A joined chip, and a peer.
fn lab(hz: u32, turnaround_us: u64, wired: bool) -> Lab<SpiBench> {
    let clock = VirtualClock::new();
    let internet = internet(&clock);
    let mut config = Config::default();
    config.turnaround = Duration::from_micros(turnaround_us);
    let chip = Chip::new(config, Box::new(internet.node(CHIP)));
    let bench = SpiBench::new(chip, clock.clone(), hz);
    let device = device(&bench, clock, wired);
    Lab::new(internet, bench, device)
}

fn share(lab: &Lab<SpiBench>, bytes: usize, begun: Instant, hz: u32) -> f64 {
    let seconds = lab.now().saturating_since(begun).as_secs_f64();
    100.0 * bytes as f64 / seconds / (f64::from(hz) / 8.0)
}

fn device(bench: &SpiBench, clock: VirtualClock, wired: bool) -> &'static dyn Netdev {
    if wired {
        leaked(bench, clock, OpenDrain::new(bench.open_drain_gpio0()))
    } else {
        leaked(bench, clock, NotWired)
    }
}

fn leaked(
    bench: &SpiBench,
    clock: VirtualClock,
    gpio0: impl Gpio0 + 'static,
) -> &'static dyn Netdev {
    let (cs, ready) = (bench.chip_select(), bench.ready());
    let pins = SpiPins::new(bench.bus(), cs, ready, bench.reset(Polarity::ActiveLow), gpio0);
    Box::leak(Box::new(Wifinina::new(Box::leak(Box::new(State::new(pins))), clock)))
}
