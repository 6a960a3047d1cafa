//! The serial lines of the chips that have one.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use netdev::{Instant, Netdev, SockFd, SockFlags, wait};
use netdev_sim::{LineEvent, LineObserver, UartBench, VirtualClock, Wire};

use crate::chips::{Kind, cases, make};
use crate::lab::{Lab, internet};
use crate::report::Report;

/// Everything about these lines.
pub(crate) fn measure(report: &mut Report) {
    for case in &cases() {
        kilobytes(report, case);
        bulk(report, case);
        hello(report, case);
        idle(report, case);
    }
}

/// A chip on a line, and what its driver has to reach there.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) baud: u32,
    /// From the end of a request until the firmware answers it.
    pub(crate) latency: Duration,
    /// What the host keeps until it is read.
    pub(crate) ring: usize,
    pub(crate) goals: Goals,
}

/// The worst that is good enough.
pub(crate) struct Goals {
    /// Bytes on the line, both ways, for a kilobyte sent and for one received.
    pub(crate) bytes: [f64; 2],
    /// How often the host begins to speak for each.
    pub(crate) turns: [f64; 2],
    /// Percent of the line that payload gets in bulk, sent and received.
    pub(crate) shares: [f64; 2],
    /// A request and its answer on a new connection, in milliseconds.
    pub(crate) hello: f64,
    /// Bytes a second, both ways, while a listener waits.
    pub(crate) idle: f64,
}

/// What a kilobyte costs.
fn kilobytes(report: &mut Report, case: &Case) {
    let line = Line::new(case);
    let (here, there) = line.lab.accepted_pair();
    let kilobyte = [7; 1024];
    line.lab.settle();
    line.clear();
    line.lab.send_all(here, &kilobyte);
    line.lab.drain_peer(there, 1024);
    line.lab.settle();
    let sent = line.counted();
    // What tells that something came is counted, too.
    line.clear();
    line.lab.peer_send(there, &kilobyte);
    line.lab.settle();
    line.recv_all(here, 1024);
    line.lab.settle();
    let received = line.counted();
    for (way, counted, goal) in [("sent", sent, 0), ("received", received, 1)] {
        let (bytes, turns) = counted;
        let name = |what| format!("{}: 1 KiB {way}: {what}", case.name);
        report.at_most(&name("bytes"), bytes, case.goals.bytes[goal]);
        report.at_most(&name("turns"), turns, case.goals.turns[goal]);
    }
}

/// Share of the line that payload gets.
fn bulk(report: &mut Report, case: &Case) {
    let name = |way| format!("{}: {way}: % of the line", case.name);
    let line = Line::new(case);
    let (here, there) = line.lab.accepted_pair();
    let data = vec![7; BULK];
    let (begun, mut sent) = (line.lab.now(), 0);
    while sent < BULK {
        sent += line.lab.send_some(here, &data[sent..]);
        line.lab.drain_peer(there, usize::MAX);
    }
    report.at_least(&name("send"), line.share(begun), Some(case.goals.shares[0]));

    let line = Line::new(case);
    let (here, there) = line.lab.accepted_pair();
    let (begun, mut given, mut received) = (line.lab.now(), 0, 0);
    let mut buf = [0; 2048];
    while received < BULK {
        if let Ok(more) = line.lab.peer.send(there, &data[given..], SockFlags::NONE) {
            given += more;
        }
        received += line.lab.recv(here, &mut buf);
    }
    report.at_least(&name("receive"), line.share(begun), Some(case.goals.shares[1]));
}

/// Accept, read a request, answer with 150 bytes, close: from the client's connect until it has the
/// answer's last byte.
fn hello(report: &mut Report, case: &Case) {
    let worst = (0..10).map(|number| {
        let line = Line::new(case);
        let lab = &line.lab;
        let (listener, addr) = lab.listener();
        lab.rest(Duration::from_micros(137_000 + number * 777));
        let begun = lab.now();
        let client = lab.peer_connect(addr);
        let (served, _) = lab.wait(|| lab.device.accept(listener));
        lab.peer_send(client, &[b'q'; 41]);
        line.recv_all(served, 41);
        lab.send_all(served, &[b'a'; 150]);
        lab.drain_peer(client, 150);
        let took = lab.now().saturating_since(begun);
        lab.device.close(served);
        took.as_secs_f64() * 1e3
    });
    let name = format!("{}: hello on a new connection: ms", case.name);
    report.at_most(&name, worst.fold(0.0, f64::max), case.goals.hello);
}

/// What an idle listener costs.
fn idle(report: &mut Report, case: &Case) {
    let line = Line::new(case);
    let (listener, _) = line.lab.listener();
    line.lab.rest(Duration::from_millis(500));
    line.clear();
    let until = line.lab.now() + Duration::from_secs(10);
    let nobody = wait(line.lab.device, || Some(until), || line.lab.device.accept(listener));
    assert!(nobody.is_err(), "nobody connects");
    let (bytes, _) = line.counted();
    let name = format!("{}: idle listener: bytes a second", case.name);
    report.at_most(&name, bytes / 10.0, case.goals.idle);
}

/// A joined chip on a line that is watched, and a peer.
struct Line {
    lab: Lab<UartBench>,
    turns: Arc<AtomicU64>,
    baud: u32,
}

impl Line {
    fn new(case: &Case) -> Self {
        let clock = VirtualClock::new();
        let internet = internet(&clock);
        let (bench, device) = make(case, &internet, &clock);
        let turns = Arc::new(AtomicU64::new(0));
        bench.observe(Box::new(Turns { turns: turns.clone(), last: None }));
        Self { lab: Lab::new(internet, bench, device), turns, baud: case.baud }
    }

    fn clear(&self) {
        self.lab.bench.clear_counters();
        self.turns.store(0, Ordering::Relaxed);
    }

    /// Bytes both ways, and turns.
    fn counted(&self) -> (f64, f64) {
        let counted = self.lab.bench.counters();
        assert_eq!(counted.overruns, 0, "nothing was lost");
        ((counted.written + counted.read) as f64, self.turns.load(Ordering::Relaxed) as f64)
    }

    fn recv_all(&self, fd: SockFd, length: usize) {
        let (mut got, mut buf) = (0, [0; 2048]);
        while got < length {
            got += self.lab.recv(fd, &mut buf);
        }
        assert_eq!(got, length);
    }

    fn share(&self, begun: Instant) -> f64 {
        let seconds = self.lab.now().saturating_since(begun).as_secs_f64();
        assert_eq!(self.lab.bench.counters().overruns, 0, "nothing was lost");
        100.0 * BULK as f64 / seconds / (f64::from(self.baud) / 10.0)
    }
}

/// Counts how often the host begins to speak after the chip.
struct Turns {
    turns: Arc<AtomicU64>,
    last: Option<Wire>,
}

impl LineObserver for Turns {
    fn event(&mut self, _: Instant, event: LineEvent<'_>) {
        let LineEvent::Bytes { wire, .. } = event else { return };
        if self.last.replace(wire) != Some(wire) && wire == Wire::Written {
            self.turns.fetch_add(1, Ordering::Relaxed);
        }
    }
}

const BULK: usize = 64 * 1024;
