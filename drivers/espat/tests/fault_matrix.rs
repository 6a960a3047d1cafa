//! Every byte of a session lost, doubled or flipped; the module reset between any two bytes; silence
//! from any byte on. Each ends with the data intact, or with an error in time and a driver that works
//! afterwards.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod common;
#[path = "common/noisy.rs"]
mod noisy;

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::{CHIP, PEER, listen};
use espat::{Espat, State};
use espat_sim::{Config, Modem, Monitor, Persona};
use netdev::{
    AddressFamily, Error, Instant, Netdev, Network, Platform, Protocol, Remote, SockFd, SockFlags,
    SockType, Stopped, wait,
};
use netdev_sim::{Internet, SimDevice, UartBench, VirtualClock};
use noisy::{Noise, Noisy, Plan};

const QUESTION: &[u8] = b"What the device says, OK and ERROR and all.\r\nOK\r\n>";
const ANSWER: &[u8] = b"What the peer says.\r\n+IPD,4,3:abc\r\n4,CLOSED\r\nSEND OK\r\n+++";

/// A joined device on a line whose faults are planned.
struct Lab {
    device: &'static Espat<'static, Noisy, VirtualClock>,
    plan: Arc<Mutex<Plan>>,
    monitor: Monitor,
    peer: &'static SimDevice,
    door: SockFd,
    at: SocketAddr,
    clock: VirtualClock,
}

impl Lab {
    fn new(persona: &'static Persona) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let mut config = Config::new(persona);
        if std::env::var_os("TRACE").is_some() {
            config.trace = Some(Box::new(|now, line| println!("{now} {line}")));
        }
        let modem = Modem::new(config, Box::new(internet.node(CHIP)));
        let monitor = modem.monitor();
        let bench = UartBench::new(modem, clock.clone(), 115_200);
        let plan = Arc::new(Mutex::new(Plan::default()));
        let link = Noisy::new(bench.link(2_304), plan.clone());
        let state = Box::leak(Box::new(State::new(link)));
        let device = Box::leak(Box::new(Espat::new(state, clock.clone())));
        let peer = SimDevice::on(&internet, PEER).leak();
        let (door, at) = listen(peer, PEER, 7);
        let lab = Self { device, plan, monitor, peer, door, at, clock };
        lab.join().unwrap();
        lab.plan.lock().unwrap().restart();
        lab
    }

    fn join(&self) -> Result<(), Stopped> {
        let link = self.device.netlink().unwrap();
        wait(self.device, self.until(40), || link.join(&Network::wifi("test-ap", "test-pass")))
    }

    fn until(&self, seconds: u64) -> impl Fn() -> Option<Instant> + use<> {
        let at = self.clock.now() + Duration::from_secs(seconds);
        move || Some(at)
    }

    /// Connects, asks, is answered, and ends.
    fn session(&self) -> Outcome {
        let device = self.device;
        let opened = wait(device, self.until(5), || {
            device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp)
        });
        let Ok(here) = opened else { return Outcome::Failed("socket", opened.unwrap_err()) };
        let mut there = None;
        let outcome = self.talk(here, &mut there);
        device.close(here);
        let ended = there.map(|there| self.ends(there));
        self.settle(300);
        if let Some(there) = there {
            self.peer.close(there);
        }
        match (outcome, ended) {
            (Outcome::Intact, Some(false)) => Outcome::Wrong("the peer reads more, or no end"),
            (outcome, _) => outcome,
        }
    }

    fn talk(&self, here: SockFd, there: &mut Option<SockFd>) -> Outcome {
        let device = self.device;
        let to = Remote::Addr(self.at);
        if let Err(why) = wait(device, self.until(60), || device.connect(here, to)) {
            return Outcome::Failed("connect", why);
        }
        let Ok((peer_end, _)) = wait(self.peer, self.until(1), || self.peer.accept(self.door))
        else {
            return Outcome::Wrong("connected to nobody");
        };
        *there = Some(peer_end);
        let mut rest = QUESTION;
        while !rest.is_empty() {
            match wait(device, self.until(60), || device.send(here, rest, SockFlags::NONE)) {
                Ok(count) => rest = &rest[count..],
                Err(why) => return Outcome::Failed("send", why),
            }
        }
        match self.peer_reads(peer_end, QUESTION.len()) {
            Ok(seen) if seen == QUESTION => {}
            Ok(seen) => return Outcome::Other("the peer got", seen),
            Err(seen) => return Outcome::Other("the peer waits after", seen),
        }
        let _ =
            wait(self.peer, self.until(1), || self.peer.send(peer_end, ANSWER, SockFlags::NONE));
        let mut got = Vec::new();
        let mut buf = [0; 256];
        while got.len() < ANSWER.len() {
            match wait(device, self.until(60), || device.recv(here, &mut buf, SockFlags::NONE)) {
                Ok(0) => return Outcome::Other("the device reads the end after", got),
                Ok(count) => got.extend(&buf[..count]),
                Err(why) if ANSWER.starts_with(&got) => return Outcome::Failed("recv", why),
                Err(_) => return Outcome::Other("the device got", got),
            }
        }
        if got == ANSWER { Outcome::Intact } else { Outcome::Other("the device got", got) }
    }

    fn peer_reads(&self, there: SockFd, count: usize) -> Result<Vec<u8>, Vec<u8>> {
        let (mut got, mut buf) = (Vec::new(), [0; 256]);
        while got.len() < count {
            match wait(self.peer, self.until(2), || {
                self.device.drive();
                self.peer.recv(there, &mut buf, SockFlags::NONE)
            }) {
                Ok(more) if more > 0 => got.extend(&buf[..more]),
                _ => return Err(got),
            }
        }
        Ok(got)
    }

    /// Whether the peer reads nothing more than the end.
    fn ends(&self, there: SockFd) -> bool {
        let mut buf = [0; 256];
        let end = wait(self.peer, self.until(30), || {
            self.device.drive();
            self.peer.recv(there, &mut buf, SockFlags::NONE)
        });
        matches!(end, Ok(0) | Err(Stopped::Failed(Error::ConnectionReset)))
    }

    fn settle(&self, ms: u64) {
        let at = self.clock.now() + Duration::from_millis(ms);
        let never = || Err::<(), nb::Error<Error>>(nb::Error::WouldBlock);
        let _ = wait(self.device, || Some(at), never);
    }

    /// What is left of the device works, after joining again if the module was reset.
    fn works(&self) -> Result<(), String> {
        self.plan.lock().unwrap().restart();
        // What nobody took off the peer's listener.
        while self.peer.accept(self.door).is_ok() {}
        let mut last = Outcome::Intact;
        for _ in 0..4 {
            while self.peer.accept(self.door).is_ok() {}
            if self.device.addr().is_err()
                && let Err(why) = self.join()
            {
                last = Outcome::Failed("join", why);
                continue;
            }
            last = self.session();
            if matches!(last, Outcome::Intact) {
                return Ok(());
            }
        }
        Err(format!("afterwards: {last:?}"))
    }
}

/// What came of a session.
enum Outcome {
    Intact,
    Failed(&'static str, Stopped),
    /// Bytes that nobody sent, or fewer, and no error.
    Other(&'static str, Vec<u8>),
    Wrong(&'static str),
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intact => f.write_str("intact"),
            Self::Failed(call, why) => write!(f, "{call}: {why:?}"),
            Self::Other(what, bytes) => write!(f, "{what} {:?}", String::from_utf8_lossy(bytes)),
            Self::Wrong(what) => f.write_str(what),
        }
    }
}

/// The field of the byte at `at` of what crossed the line one way.
fn field(bytes: &[u8], at: usize, payload: &[u8]) -> String {
    let inside = bytes.windows(payload.len()).position(|it| it == payload);
    if inside.is_some_and(|start| (start..start + payload.len()).contains(&at)) {
        return "payload".into();
    }
    let start = bytes[..at].iter().rposition(|&byte| byte == b'\n').map_or(0, |it| it + 1);
    let line = &bytes[start..];
    let name: String = line
        .iter()
        .take_while(|byte| !matches!(**byte, b'=' | b':' | b'\r' | b'\n'))
        .map(|&byte| if byte.is_ascii_digit() { '#' } else { char::from(byte) })
        .collect();
    let nth = line[..at - start].iter().filter(|&&byte| matches!(byte, b',' | b'=' | b':')).count();
    let kind = match bytes[at] {
        b'\r' | b'\n' => "line end".into(),
        b'0'..=b'9' => format!("number {nth}"),
        _ => format!("text {nth}"),
    };
    format!("{name}: {kind}")
}

/// Runs a session with each fault, one lab each, and says which were not noticed, by field.
fn run(persona: &'static Persona, noises: &[Noise]) -> BTreeMap<String, (u32, String)> {
    let clean = Lab::new(persona);
    assert!(matches!(clean.session(), Outcome::Intact));
    let (read, written) = {
        let plan = clean.plan.lock().unwrap();
        (plan.read.clone(), plan.written.clone())
    };
    let mut unnoticed: BTreeMap<String, (u32, String)> = BTreeMap::new();
    let mut tried = 0;
    for (bytes, payload, reading) in [(&read, ANSWER, true), (&written, QUESTION, false)] {
        for at in 0..bytes.len() {
            for &noise in noises {
                let place = field(bytes, at, payload);
                let lab = Lab::new(persona);
                {
                    let mut plan = lab.plan.lock().unwrap();
                    let slot = if reading { &mut plan.in_read } else { &mut plan.in_write };
                    *slot = Some((at, noise));
                }
                let outcome = lab.session();
                let way = if reading { "from" } else { "to" };
                let told =
                    format!("{noise:?} of byte {at} {way} the module ({place}): {outcome:?}");
                // A module that is silent while nothing is asked is not missed.
                let missed = noise != Noise::Silence;
                if matches!(outcome, Outcome::Failed(_, Stopped::Deadline) if missed) {
                    panic!("{}: {told}", persona.name);
                }
                if matches!(outcome, Outcome::Other(..) | Outcome::Wrong(_)) {
                    let entry = unnoticed.entry(format!("{way} {place}")).or_default();
                    entry.0 += 1;
                    entry.1 = told.clone();
                }
                if std::env::var_os("PROGRESS").is_some() {
                    println!("{told}");
                }
                if let Err(why) = lab.works() {
                    panic!("{}: {told}; {why}", persona.name);
                }
                tried += 1;
            }
        }
    }
    println!("{}: {tried} faults, unnoticed:", persona.name);
    for (place, (count, example)) in &unnoticed {
        println!("  {count:4} {place}   e.g. {example}");
    }
    unnoticed
}

/// AT has no checksum: what is not noticed must be a field of this list.
fn only(unnoticed: &BTreeMap<String, (u32, String)>, allowed: &[&str]) {
    for (place, (_, example)) in unnoticed {
        assert!(allowed.contains(&place.as_str()), "{place}: {example}");
    }
}

#[test]
fn a_lost_or_doubled_byte_ends_well() {
    for persona in Persona::ALL {
        let unnoticed = run(persona, &[Noise::Drop, Noise::Double]);
        only(&unnoticed, &[]);
    }
}

#[test]
fn a_flipped_bit_ends_well() {
    let all: Vec<Noise> = (0..8).map(|bit| Noise::Flip(1 << bit)).collect();
    for persona in Persona::ALL {
        let reference = persona.version == Persona::V4_1.version;
        let noises = if reference { &all[..] } else { &[Noise::Flip(1), Noise::Flip(8)] };
        let unnoticed = run(persona, noises);
        only(&unnoticed, &["from payload", "to payload"]);
    }
}

/// The module starts anew, from power or by itself, as soon as so many bytes have come from it, or
/// have gone to it.
fn resets(persona: &'static Persona) {
    let clean = Lab::new(persona);
    assert!(matches!(clean.session(), Outcome::Intact));
    let (read, written) = {
        let plan = clean.plan.lock().unwrap();
        (plan.read.len(), plan.written.len())
    };
    let places = (0..read).map(|at| (at, true)).chain((0..written).map(|at| (at, false)));
    for (at, reading) in places {
        let lab = Lab::new(persona);
        let monitor = lab.monitor.clone();
        {
            let mut plan = lab.plan.lock().unwrap();
            let place = if reading { &mut plan.at_read } else { &mut plan.at_write };
            *place = Some((at, Box::new(move || monitor.reboot())));
        }
        let outcome = lab.session();
        let way = if reading { "from" } else { "to" };
        let told = format!("{}: reset after byte {at} {way} it: {outcome:?}", persona.name);
        assert!(!matches!(outcome, Outcome::Failed(_, Stopped::Deadline)), "{told}");
        assert!(matches!(outcome, Outcome::Intact | Outcome::Failed(..)), "{told}");
        if let Err(why) = lab.works() {
            panic!("{told}; {why}");
        }
    }
}

#[test]
fn a_reset_between_any_two_bytes_ends_well() {
    for persona in Persona::ALL {
        resets(persona);
    }
}

/// A module that talks all the time about what nobody asked for.
#[test]
fn a_flood_of_messages_harms_nothing() {
    for persona in Persona::ALL {
        let lab = Lab::new(persona);
        let monitor = lab.monitor.clone();
        let storm = move || {
            for line in FLOOD {
                monitor.say(line);
            }
        };
        lab.plan.lock().unwrap().at_each_write = Some(Box::new(storm));
        for _ in 0..3 {
            let outcome = lab.session();
            assert!(matches!(outcome, Outcome::Intact), "{}: {outcome:?}", persona.name);
        }
        lab.plan.lock().unwrap().restart();
        lab.works().unwrap();
    }
}

const FLOOD: [&[u8]; 8] = [
    b"+STA_CONNECTED:\"24:0a:c4:01:02:03\"\r\n",
    b"+DIST_STA_IP:\"24:0a:c4:01:02:03\",\"192.168.4.2\"\r\n",
    b"+STA_DISCONNECTED:\"24:0a:c4:01:02:03\"\r\n",
    b"+TIME_UPDATED\r\n",
    b"to read 75 bytes\r\n",
    b"I (325) wifi: state 0\r\n",
    b"WIFI GOT IPv6 LL\r\n",
    b"\r\n\r\n",
];

#[test]
fn silence_from_any_byte_on_ends_well() {
    for persona in Persona::ALL {
        let unnoticed = run(persona, &[Noise::Silence]);
        only(&unnoticed, &[]);
    }
}
