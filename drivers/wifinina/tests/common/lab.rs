//! A hello exchange that may go wrong, and what is asked of the driver afterwards.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use core::cell::RefCell;
use core::fmt::Debug;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{
    AddressFamily, Error, Instant, Limits, LinkStatus, Netdev, Network, Protocol, Remote, SockFd,
    SockFlags, SockType, Stopped, wait,
};
use netdev_sim::{Internet, SimDevice, VirtualClock};
use wifinina_sim::{Config, Persona};

use super::net::{CHIP, PEER};
use super::{Faults, Rig};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: chip\r\n\r\n0123456789";
const ANSWER: [u8; 150] = [b'a'; 150];
/// How long each call of the exchange may take.
const CALL: Duration = Duration::from_millis(300);
/// How much longer it may take to notice that.
const OVERSHOOT: Duration = Duration::from_millis(50);

/// A joined chip that listens, and a peer that says hello to it.
pub(crate) struct Lab {
    pub(crate) rig: Rig<VirtualClock>,
    peer: &'static SimDevice,
    listener: SockFd,
    door: SocketAddr,
    /// Where and what goes wrong, for whoever reads a failure.
    case: String,
    /// Resets of the chip before anything went wrong.
    resets: u64,
    /// Ports of all clients so far.
    clients: RefCell<Vec<u16>>,
}

/// What one exchange came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// Both sides have their bytes.
    Intact,
    /// Some call failed or ran out of time.
    Noticed,
    /// Wrong bytes arrived, and nobody was told.
    Unnoticed,
}

/// Runs the exchange with one fault on that firmware, and says what came of it. Afterwards the line is
/// clear again, and the driver has to work, with all its sockets.
pub(crate) fn run(
    persona: &'static Persona,
    set: impl FnOnce(&mut Faults),
    case: &dyn Debug,
) -> Verdict {
    let mut lab = Lab::new(persona);
    lab.case = format!("{} {case:?}", persona.name);
    lab.clear_faults();
    set(&mut lab.rig.faults.lock().unwrap());
    let verdict = lab.hello();
    lab.clear_faults();
    lab.recover();
    lab.count_slots();
    verdict
}

impl Lab {
    pub(crate) fn new(persona: &'static Persona) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        internet.set_delay(Duration::ZERO);
        let mut config = Config::new(persona);
        // Short, because each of many thousand runs looks at READY all that time.
        config.turnaround = Duration::from_micros(5);
        let rig = Rig::new(config, internet.node(CHIP), clock).joined();
        let peer = SimDevice::on(&internet, PEER).leak();
        let listener = listen(&rig, 80).expect("nothing is wrong yet");
        let door = SocketAddr::from((CHIP, 80));
        let (case, clients) = ("no fault".to_owned(), RefCell::default());
        let resets = rig.bench.counters().resets;
        Self { rig, peer, listener, door, case, resets, clients }
    }

    /// The line is clear, and counts from 0 again.
    pub(crate) fn clear_faults(&self) {
        *self.rig.faults.lock().unwrap() = Faults::default();
        self.rig.monitor.exhaust_sockets(false);
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
        let late = self.now().saturating_since(deadline);
        assert!(late <= OVERSHOOT, "{}: a deadline was overshot by {late:?}", self.case);
        done
    }

    /// A client says hello and is answered.
    pub(crate) fn hello(&self) -> Verdict {
        let (device, peer) = (self.rig.device, self.peer);
        let client = self.connect();
        let verdict = self.serve(client);
        peer.close(client);
        let _ = device.drive();
        verdict
    }

    fn serve(&self, client: SockFd) -> Verdict {
        let (device, peer) = (self.rig.device, self.peer);
        let mut said = false;
        let served = match self.accept(client, &mut said) {
            Ok(served) => served,
            Err(verdict) => return verdict,
        };
        let mut request = [0; 256];
        let received = self.call(CALL, || {
            self.say(client, &mut said);
            device.recv(served, &mut request, SockFlags::NONE)
        });
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
        if wrong_request || (wrong_answer && !failed) {
            Verdict::Unnoticed
        } else if failed || ended.is_err() || answer.len() < ANSWER.len() {
            Verdict::Noticed
        } else {
            Verdict::Intact
        }
    }

    /// The client sends its request, once it is connected.
    fn say(&self, client: SockFd, said: &mut bool) {
        if !*said {
            let _ = self.peer.connect(client, Remote::Addr(self.door));
            *said = self.peer.send(client, REQUEST, SockFlags::NONE).is_ok();
        }
    }

    /// Accepts this client; whoever of an earlier exchange still stands at the door is sent away.
    fn accept(&self, client: SockFd, said: &mut bool) -> Result<SockFd, Verdict> {
        let device = self.rig.device;
        let local = self.peer.local_addr(client).expect("it is connected, or tries to").port();
        let speaks_first = device.capabilities().limits.contains(Limits::ACCEPTED_AFTER_DATA);
        let mut strangers = 0;
        for _ in 0..20 {
            let accepted = self.call(CALL, || {
                if speaks_first {
                    self.say(client, said);
                }
                device.accept(self.listener)
            });
            match accepted {
                Ok((served, from)) if from == SocketAddr::from((PEER, local)) => {
                    return Ok(served);
                }
                Ok((served, from)) => {
                    let known = from.ip() == PEER && self.clients.borrow().contains(&from.port());
                    strangers += usize::from(!known);
                    device.close(served);
                }
                Err(_) if strangers > 0 => return Err(Verdict::Unnoticed),
                Err(_) => return Err(Verdict::Noticed),
            }
        }
        panic!("{}: guests without end", self.case);
    }

    fn connect(&self) -> SockFd {
        let fd = connect(self.peer, self.door);
        let port = self.peer.local_addr(fd).expect("it has a port").port();
        self.clients.borrow_mut().push(port);
        fd
    }

    /// The line is clear again: hello works within a second, or within ten if the chip was reset and the
    /// program joins and listens again.
    fn recover(&mut self) {
        let begun = self.now();
        let mut last = Verdict::Noticed;
        for _ in 0..3 {
            self.repair();
            last = self.hello();
            if last == Verdict::Intact {
                break;
            }
        }
        assert_eq!(last, Verdict::Intact, "{}: hello afterwards", self.case);
        let took = self.now().saturating_since(begun);
        let reset = self.rig.bench.counters().resets > self.resets;
        let limit = Duration::from_secs(if reset { 10 } else { 1 });
        assert!(took <= limit, "{}: working again after {took:?}", self.case);
    }

    /// What a program does when something failed: looks after its link and its listener.
    fn repair(&mut self) {
        let device = self.rig.device;
        let link = device.netlink().expect("a link");
        if self.call(Duration::from_secs(5), || link.status()) != Ok(LinkStatus::Up) {
            let network = Network::wifi("test-ap", "test-pass");
            let joined = self.call(Duration::from_secs(8), || match link.join(&network) {
                // A chip that did not come up is tried again, and so is the join.
                Err(nb::Error::Other(Error::Fault(_))) => Err(nb::Error::WouldBlock),
                answer => answer,
            });
            assert_eq!(joined, Ok(()), "{}", self.case);
        }
        match device.accept(self.listener) {
            Ok((guest, _)) => device.close(guest),
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(_)) => {
                device.close(self.listener);
                self.listener =
                    listen(&self.rig, 80).unwrap_or_else(|it| panic!("{}: {it:?}", self.case));
            }
        }
    }

    /// Nothing leaks: as many clients at once as there are slots beside the listener.
    fn count_slots(&self) {
        let (device, peer) = (self.rig.device, self.peer);
        let mut open = Vec::new();
        for number in 1..device.capabilities().sockets {
            let client = connect(peer, self.door);
            let mut said = false;
            let accepted = self.accept(client, &mut said);
            let served =
                accepted.unwrap_or_else(|it| panic!("{}: client {number}: {it:?}", self.case));
            if said {
                // The firmware names one with unread data again and again, and none behind it.
                let read = self.call(CALL, || device.recv(served, &mut [0; 256], SockFlags::NONE));
                assert!(read.is_ok(), "{}: client {number}: {read:?}", self.case);
            }
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
