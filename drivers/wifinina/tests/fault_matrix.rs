//! Every byte of a hello exchange, spoilt in every way: each run ends, tells what it can notice, and
//! leaves a driver that works.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::large_stack_arrays,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::cell::RefCell;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

use common::{Noise, Rig};
use netdev::{
    AddressFamily, Error, Instant, LinkStatus, Netdev, Network, Protocol, Remote, SockFd,
    SockFlags, SockType, Stopped, wait,
};
use netdev_sim::{Internet, SimDevice, VirtualClock};
use wifinina_sim::Config;

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: chip\r\n\r\n0123456789";
const ANSWER: [u8; 150] = [b'a'; 150];
/// How long each call of the exchange may take.
const CALL: Duration = Duration::from_millis(300);
/// How much longer it may take to notice that.
const OVERSHOOT: Duration = Duration::from_millis(50);

struct Lab {
    rig: Rig<VirtualClock>,
    peer: &'static SimDevice,
    listener: SockFd,
    door: SocketAddr,
    /// Ports of all clients so far.
    clients: RefCell<Vec<u16>>,
}

/// What one exchange came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// Both sides have their bytes.
    Intact,
    /// Some call failed or ran out of time.
    Noticed,
    /// Wrong bytes arrived, and nobody was told.
    Unnoticed,
}

impl Lab {
    fn new() -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        internet.set_delay(Duration::ZERO);
        let mut config = Config::default();
        // Short, because each of many thousand runs looks at READY all that time.
        config.turnaround = Duration::from_micros(5);
        let rig = Rig::new(config, internet.node(CHIP), clock).joined();
        let peer = SimDevice::on(&internet, PEER).leak();
        let listener = listen(&rig, 80).expect("nothing is wrong yet");
        let door = SocketAddr::from((CHIP, 80));
        Self { rig, peer, listener, door, clients: RefCell::default() }
    }

    fn now(&self) -> Instant {
        self.rig.device.platform().now()
    }

    /// One bounded call; it may not overshoot.
    fn call<T>(
        &self,
        limit: Duration,
        op: impl FnMut() -> nb::Result<T, Error>,
    ) -> Result<T, Stopped> {
        let deadline = self.now() + limit;
        let done = wait(self.rig.device, || Some(deadline), op);
        assert!(self.now() <= deadline + OVERSHOOT, "a deadline was overshot");
        done
    }

    /// A client says hello and is answered.
    fn hello(&self) -> Verdict {
        let (device, peer) = (self.rig.device, self.peer);
        let client = self.connect();
        let verdict = self.serve(client);
        peer.close(client);
        let _ = device.drive();
        verdict
    }

    fn serve(&self, client: SockFd) -> Verdict {
        let (device, peer) = (self.rig.device, self.peer);
        let served = match self.accept(client) {
            Ok(served) => served,
            Err(verdict) => return verdict,
        };
        peer.send(client, REQUEST, SockFlags::NONE).expect("room for a request");
        let mut request = [0; 256];
        let received = self.call(CALL, || device.recv(served, &mut request, SockFlags::NONE));
        let mut sent = 0;
        let mut failed = received.is_err();
        while sent < ANSWER.len() && !failed {
            match self.call(CALL, || device.send(served, &ANSWER[sent..], SockFlags::NONE)) {
                Ok(len) => sent += len,
                Err(_) => failed = true,
            }
        }
        device.close(served);
        let mut answer = Vec::new();
        let mut buf = [0; 256];
        let ended = self.call(CALL, || {
            device.drive();
            loop {
                match peer.recv(client, &mut buf, SockFlags::NONE)? {
                    0 => return Ok(()),
                    len => answer.extend_from_slice(&buf[..len]),
                }
            }
        });
        let wrong_request = received.is_ok_and(|len| !REQUEST.starts_with(&request[..len]));
        let wrong_answer = !ANSWER.starts_with(&answer);
        if wrong_request || wrong_answer {
            Verdict::Unnoticed
        } else if failed || ended.is_err() || answer.len() < ANSWER.len() {
            Verdict::Noticed
        } else {
            Verdict::Intact
        }
    }

    /// Accepts this client; whoever of an earlier exchange still stands at the door is sent away.
    fn accept(&self, client: SockFd) -> Result<SockFd, Verdict> {
        let device = self.rig.device;
        let local = self.peer.local_addr(client).expect("it is connected, or tries to").port();
        let mut strangers = 0;
        for _ in 0..20 {
            match self.call(CALL, || device.accept(self.listener)) {
                Ok((served, from)) if from == SocketAddr::from((PEER, local)) => return Ok(served),
                Ok((served, from)) => {
                    let known = from.ip() == PEER && self.clients.borrow().contains(&from.port());
                    strangers += usize::from(!known);
                    device.close(served);
                }
                Err(_) if strangers > 0 => return Err(Verdict::Unnoticed),
                Err(_) => return Err(Verdict::Noticed),
            }
        }
        panic!("guests without end");
    }

    fn connect(&self) -> SockFd {
        let fd = connect(self.peer, self.door);
        let port = self.peer.local_addr(fd).expect("it has a port").port();
        self.clients.borrow_mut().push(port);
        fd
    }

    /// The line is clear again: hello works within a second, or within ten if the chip had to be
    /// reset and the program joins and listens again.
    fn recover(&mut self, case: &dyn core::fmt::Debug) {
        let begun = self.now();
        let resets = self.rig.bench.counters().resets;
        let mut last = Verdict::Noticed;
        for _ in 0..3 {
            self.repair(case);
            last = self.hello();
            if last == Verdict::Intact {
                break;
            }
        }
        assert_eq!(last, Verdict::Intact, "{case:?}: hello afterwards");
        let took = self.now().saturating_since(begun);
        let reset = self.rig.bench.counters().resets > resets;
        let limit = Duration::from_secs(if reset { 10 } else { 1 });
        assert!(took <= limit, "{case:?}: working again after {took:?}");
    }

    /// What a program does when something failed: looks after its link and its listener.
    fn repair(&mut self, case: &dyn core::fmt::Debug) {
        let device = self.rig.device;
        let link = device.netlink().expect("a link");
        if self.call(Duration::from_secs(5), || link.status()) != Ok(LinkStatus::Up) {
            let network = Network::wifi("test-ap", "test-pass");
            let joined = self.call(Duration::from_secs(8), || link.join(&network));
            assert_eq!(joined, Ok(()), "{case:?}");
        }
        match device.accept(self.listener) {
            Ok((guest, _)) => device.close(guest),
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(_)) => {
                device.close(self.listener);
                self.listener =
                    listen(&self.rig, 80).unwrap_or_else(|it| panic!("{case:?}: {it:?}"));
            }
        }
    }

    /// Nothing leaks: as many clients at once as there are slots beside the listener.
    fn count_slots(&self, case: &dyn core::fmt::Debug) {
        let (device, peer) = (self.rig.device, self.peer);
        let mut open = Vec::new();
        for number in 0..9 {
            let client = connect(peer, self.door);
            let accepted = self.call(CALL, || device.accept(self.listener));
            let (served, _) =
                accepted.unwrap_or_else(|stopped| panic!("{case:?}: client {number}: {stopped:?}"));
            open.push((client, served));
        }
        for (client, served) in open {
            device.close(served);
            peer.close(client);
        }
    }
}

fn listen(rig: &Rig<VirtualClock>, port: u16) -> Result<SockFd, Stopped> {
    let device = rig.device;
    let fd = wait(device, rig.in_ms(1_000), || {
        device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp)
    })?;
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    wait(device, rig.in_ms(1_000), || device.bind(fd, any))?;
    wait(device, rig.in_ms(1_000), || device.listen(fd, 1))?;
    Ok(fd)
}

fn connect(peer: &SimDevice, to: SocketAddr) -> SockFd {
    let open = || peer.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp);
    let fd = wait(peer, || None, open).expect("the peer has sockets");
    let _ = peer.connect(fd, Remote::Addr(to));
    fd
}

/// Runs the exchange with one fault, and says what came of it.
fn run(set: impl FnOnce(&mut common::Faults), case: &dyn core::fmt::Debug) -> Verdict {
    let mut lab = Lab::new();
    {
        let mut faults = lab.rig.faults.lock().unwrap();
        (faults.read, faults.written) = (0, 0);
        set(&mut faults);
    }
    let verdict = lab.hello();
    *lab.rig.faults.lock().unwrap() = common::Faults::default();
    lab.recover(case);
    lab.count_slots(case);
    verdict
}

/// How many bytes an exchange without a fault reads and writes.
fn length() -> (usize, usize) {
    let lab = Lab::new();
    {
        let mut faults = lab.rig.faults.lock().unwrap();
        (faults.read, faults.written) = (0, 0);
    }
    assert_eq!(lab.hello(), Verdict::Intact);
    let faults = lab.rig.faults.lock().unwrap();
    (faults.read, faults.written)
}

fn noises() -> Vec<Noise> {
    let flips = (0..8).map(|bit| Noise::Flip(1 << bit));
    flips.chain([Noise::Drop, Noise::Double, Noise::Insert(0x00), Noise::Insert(0xE0)]).collect()
}

fn table(name: &str, verdicts: &BTreeMap<(&'static str, Verdict), usize>) {
    println!("{name}");
    for ((kind, verdict), count) in verdicts {
        println!("  {kind:<10} {verdict:?}: {count}");
    }
}

fn kind(noise: Noise) -> &'static str {
    match noise {
        Noise::Flip(_) => "flip",
        Noise::Drop => "drop",
        Noise::Double => "double",
        Noise::Insert(_) => "insert",
        Noise::Truncate => "truncate",
    }
}

#[test]
fn every_byte_that_the_chip_sends_may_be_spoilt() {
    let mut verdicts = BTreeMap::new();
    for at in 0..length().0 {
        for noise in noises().into_iter().chain([Noise::Truncate]) {
            let verdict = run(|faults| faults.in_read = Some((at, noise)), &("read", at, noise));
            *verdicts.entry((kind(noise), verdict)).or_default() += 1;
        }
    }
    table("bytes from the chip", &verdicts);
}

#[test]
fn every_byte_that_the_chip_is_sent_may_be_spoilt() {
    let mut verdicts = BTreeMap::new();
    for at in 0..length().1 {
        for noise in noises() {
            let verdict = run(|faults| faults.in_write = Some((at, noise)), &("write", at, noise));
            *verdicts.entry((kind(noise), verdict)).or_default() += 1;
        }
    }
    table("bytes to the chip", &verdicts);
}

#[test]
fn without_a_fault_nothing_is_amiss() {
    assert_eq!(run(|_| {}, &"no fault"), Verdict::Intact);
}
