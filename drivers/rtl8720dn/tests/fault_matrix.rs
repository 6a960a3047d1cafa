//! Every byte of a hello exchange, spoilt in every way: each run ends in time, wrong bytes are never
//! taken for right ones, and what is left is a driver that works.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeMap;

use common::Rig;
use netdev::{
    AddressFamily, Error, LinkStatus, Netdev, Netlink, Network, Protocol, Remote, SockFd,
    SockFlags, SockType, Stopped, wait,
};
use netdev_sim::{Faults, Glitch, Internet, SimDevice, VirtualClock, Wire};
use rtl8720dn_sim::Config;

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: chip\r\n\r\n0123456789";
const ANSWER: [u8; 150] = [b'a'; 150];
/// How long each call of the exchange may take, and how much longer to notice that.
const CALL: Duration = Duration::from_millis(800);
const OVERSHOOT: Duration = Duration::from_millis(20);

/// What one exchange came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// Both sides have their bytes.
    Intact,
    /// Some call failed or ran out of time.
    Noticed,
}

struct Lab {
    rig: Rig<VirtualClock>,
    peer: &'static SimDevice,
    faults: Faults,
    listener: Option<SockFd>,
    clients: Vec<u16>,
}

impl Lab {
    fn new() -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        internet.set_delay(Duration::ZERO);
        let config = Config::default().brisk(Duration::from_micros(50));
        let rig = Rig::new(config, internet.node(CHIP), clock).joined();
        let peer = SimDevice::on(&internet, PEER).leak();
        let faults = Faults::new();
        rig.bench.set_faults(&faults);
        Self { rig, peer, faults, listener: None, clients: Vec::new() }
    }

    /// One bounded call; it may not overshoot.
    fn call<T>(&self, op: impl FnMut() -> nb::Result<T, Error>) -> Result<T, Stopped> {
        let deadline = self.rig.now() + CALL;
        let done = wait(self.rig.device, || Some(deadline), op);
        assert!(self.rig.now() <= deadline + OVERSHOOT, "a deadline was overshot");
        done
    }

    /// A listener, the old one where it still is one.
    fn listen(&mut self) -> Result<SockFd, Stopped> {
        let device = self.rig.device;
        if let Some(fd) = self.listener {
            match device.accept(fd) {
                Err(nb::Error::WouldBlock) => return Ok(fd),
                Ok((guest, _)) => {
                    device.close(guest);
                    return Ok(fd);
                }
                Err(_) => device.close(fd),
            }
        }
        self.listener = None;
        let (kind, family) = (SockType::Stream, AddressFamily::Inet);
        let fd = self.call(|| device.socket(family, kind, Protocol::Tcp))?;
        let done = self.call(|| device.bind(fd, SocketAddr::from(([0; 4], 80))));
        let done = done.and_then(|()| self.call(|| device.listen(fd, 4)));
        match done {
            Ok(()) => self.listener = Some(fd),
            Err(_) => device.close(fd),
        }
        done.map(|()| fd)
    }

    /// A client says hello and is answered.
    fn hello(&mut self) -> Verdict {
        let Ok(listener) = self.listen() else { return Verdict::Noticed };
        let (kind, family) = (SockType::Stream, AddressFamily::Inet);
        let client = self.peer.socket(family, kind, Protocol::Tcp).unwrap();
        let to = Remote::Addr(SocketAddr::from((CHIP, 80)));
        let _ = self.peer.connect(client, to);
        if let Ok(local) = self.peer.local_addr(client) {
            self.clients.push(local.port());
        }
        let verdict = self.serve(listener, client);
        self.peer.close(client);
        self.rig.device.drive();
        verdict
    }

    fn serve(&self, listener: SockFd, client: SockFd) -> Verdict {
        let (device, peer) = (self.rig.device, self.peer);
        let Ok(served) = self.accept(listener, client) else { return Verdict::Noticed };
        peer.send(client, REQUEST, SockFlags::NONE).expect("room for a request");
        let mut request = Vec::new();
        let mut buf = [0; 16];
        let mut failed = false;
        while request.len() < REQUEST.len() && !failed {
            match self.call(|| device.recv(served, &mut buf, SockFlags::NONE)) {
                Ok(len @ 1..) => request.extend_from_slice(&buf[..len]),
                _ => failed = true,
            }
        }
        let mut sent = 0;
        while sent < ANSWER.len() && !failed {
            match self.call(|| device.send(served, &ANSWER[sent..], SockFlags::NONE)) {
                Ok(len) => sent += len,
                Err(_) => failed = true,
            }
        }
        device.close(served);
        let mut answer = Vec::new();
        let mut buf = [0; 256];
        let ended = self.call(|| {
            device.drive();
            loop {
                match peer.recv(client, &mut buf, SockFlags::NONE)? {
                    0 => return Ok(()),
                    len => answer.extend_from_slice(&buf[..len]),
                }
            }
        });
        assert!(REQUEST.starts_with(&request), "wrong bytes were received: {request:?}");
        assert!(ANSWER.starts_with(&answer), "wrong bytes were sent: {answer:?}");
        let all = request.len() == REQUEST.len() && answer.len() == ANSWER.len();
        if failed || ended.is_err() || !all { Verdict::Noticed } else { Verdict::Intact }
    }

    /// Accepts this client; who of an earlier exchange still stands at the door is sent away.
    fn accept(&self, listener: SockFd, client: SockFd) -> Result<SockFd, Stopped> {
        let device = self.rig.device;
        let mut buf = [0; 1];
        for _ in 0..20 {
            let (served, from) = self.call(|| {
                let _ = self.peer.recv(client, &mut buf, SockFlags::PEEK);
                device.accept(listener)
            })?;
            let local = self.peer.local_addr(client).map(|it| it.port()).ok();
            if from.ip() == PEER && Some(from.port()) == local {
                return Ok(served);
            }
            let known = from.ip() == PEER && self.clients.contains(&from.port());
            let untold = from.port() == 0;
            assert!(known || untold, "a stranger from {from}");
            device.close(served);
        }
        panic!("guests without end");
    }

    /// Spoils one byte of an exchange, and sees to it that all is well afterwards.
    fn spoil(&mut self, wire: Wire, at: u64, glitch: Glitch) -> Verdict {
        self.faults.restart();
        self.faults.at(wire, at, glitch);
        let verdict = self.hello();
        self.faults.clear();
        self.recover();
        verdict
    }

    /// What a program does that looks after its link.
    fn recover(&mut self) {
        let device = self.rig.device;
        while device.next_event().is_some() {}
        for _ in 0..20 {
            let network = Network::wifi("test-ap", "test-pass");
            let status = self.rig.wait(5_000, || device.status());
            if status != Ok(LinkStatus::Up) {
                let _ = self.rig.wait(5_000, || device.join(&network));
                continue;
            }
            if self.hello() == Verdict::Intact {
                return;
            }
        }
        panic!("the driver does not work any more");
    }

    /// All sockets of the chip can be had: none was lost on the way.
    fn count_sockets(&mut self) {
        let device = self.rig.device;
        if let Some(fd) = self.listener.take() {
            device.close(fd);
        }
        self.rig.pause(100);
        let any = SocketAddr::from(([0; 4], 0));
        let fds: Vec<_> = (0..8)
            .map(|_| {
                let fd = self.rig.socket(SockType::Dgram);
                self.rig.wait(1_000, || device.bind(fd, any)).expect("a socket is lost");
                fd
            })
            .collect();
        for fd in fds {
            device.close(fd);
        }
        self.rig.pause(100);
    }
}

/// How many bytes an exchange without a fault writes and reads.
fn lengths(lab: &mut Lab) -> [u64; 2] {
    assert_eq!(lab.hello(), Verdict::Intact, "the listener is opened");
    lab.faults.restart();
    assert_eq!(lab.hello(), Verdict::Intact);
    [lab.faults.bytes(Wire::Written), lab.faults.bytes(Wire::Read)]
}

fn every_byte(name: &str, glitches: &[Glitch]) {
    let mut lab = Lab::new();
    let lengths = lengths(&mut lab);
    for (wire, length) in [Wire::Written, Wire::Read].into_iter().zip(lengths) {
        let mut tally = BTreeMap::<Verdict, usize>::new();
        for at in 0..length {
            for &glitch in glitches {
                let verdict = {
                    let _case = Case(wire, at, glitch);
                    lab.spoil(wire, at, glitch)
                };
                *tally.entry(verdict).or_default() += 1;
            }
        }
        lab.count_sockets();
        println!("{name}, {wire:?}, {length} places: {tally:?}");
    }
}

/// Tells which case it was, should it fail.
struct Case(Wire, u64, Glitch);

impl Drop for Case {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:?} {} {:?}", self.0, self.1, self.2);
        }
    }
}

#[test]
fn every_byte_may_be_flipped() {
    every_byte("flip", &[Glitch::Flip(0x01), Glitch::Flip(0x80), Glitch::Flip(0xFF)]);
}

#[test]
fn every_byte_may_be_lost() {
    every_byte("drop", &[Glitch::Drop]);
}

#[test]
fn every_byte_may_come_twice_or_have_another_before_it() {
    every_byte("double", &[Glitch::Double, Glitch::Insert(0x00), Glitch::Insert(0xFF)]);
}

#[test]
fn every_frame_may_be_torn() {
    every_byte("cut", &[Glitch::Cut]);
}

#[test]
fn the_chip_may_reset_at_every_byte() {
    every_byte("reset", &[Glitch::Reset]);
}

#[test]
fn the_line_may_fall_silent_at_every_byte() {
    let length = Some(Duration::from_millis(300));
    every_byte("silence", &[Glitch::Silence { length }]);
}
