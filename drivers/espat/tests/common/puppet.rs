//! A module that says what a test has it say, byte for byte, at the moment that the test wants.
#![allow(dead_code, reason = "each user takes a part of it")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use espat::{Espat, LineError, State, UartLink};
use netdev::{
    AddressFamily, Error, Instant, Netdev, Network, Platform, Protocol, Remote, SockFd, SockFlags,
    SockType, Stopped, wait,
};
use netdev_sim::VirtualClock;

pub(crate) const OK: &str = "\r\nOK\r\n";
pub(crate) const ERROR: &str = "\r\nERROR\r\n";
pub(crate) const PROMPT: &str = "\r\nOK\r\n\r\n>";

/// What the module says, and what it heard.
pub(crate) struct Puppet {
    version: &'static str,
    /// The next answers to commands that begin like this, in their order.
    answers: Vec<(String, String)>,
    /// Said once so much time has passed.
    later: Vec<(Instant, String)>,
    to_host: VecDeque<u8>,
    /// Bytes are missing before what is to be read next.
    pub(crate) lost: bool,
    line: Vec<u8>,
    /// Payload bytes that are still awaited; what has come of them.
    awaited: usize,
    payload: Vec<u8>,
    /// What is said behind the next payload, instead of what is usual.
    verdict: Option<String>,
    /// All commands, and all payloads, in their order.
    pub(crate) commands: Vec<String>,
    pub(crate) payloads: Vec<Vec<u8>>,
    /// When bytes last came from the host, and what has come without a pause.
    heard_at: Instant,
    pub(crate) pieces: Vec<Vec<u8>>,
    capacity: usize,
    now: Instant,
}

impl Puppet {
    /// The next command that begins like this is answered so.
    pub(crate) fn on(&mut self, command: &str, answer: &str) {
        self.answers.push((command.into(), answer.into()));
    }

    /// The next payload is answered so.
    pub(crate) fn on_payload(&mut self, answer: &str) {
        self.verdict = Some(answer.into());
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.to_host.extend(text.as_bytes());
    }

    pub(crate) fn say_later(&mut self, after: Duration, text: &str) {
        self.later.push((self.now + after, text.into()));
    }

    fn hear(&mut self, byte: u8) {
        if self.awaited > 0 {
            self.payload.push(byte);
            self.awaited -= 1;
            if self.awaited == 0 {
                self.payload_done();
            }
            return;
        }
        self.line.push(byte);
        if self.line.ends_with(b"\r\n") {
            let line = String::from_utf8_lossy(&self.line[..self.line.len() - 2]).into_owned();
            self.line.clear();
            self.obey(&line);
        }
    }

    fn payload_done(&mut self) {
        let count = self.payload.len();
        self.payloads.push(core::mem::take(&mut self.payload));
        let usual = format!("\r\nRecv {count} bytes\r\n\r\nSEND OK\r\n");
        let said = self.verdict.take().unwrap_or(usual);
        self.say(&said);
    }

    fn obey(&mut self, line: &str) {
        self.commands.push(line.into());
        let own = self.answers.iter().position(|(command, _)| line.starts_with(command.as_str()));
        let own = own.map(|at| self.answers.remove(at).1);
        let answer = own.unwrap_or_else(|| self.usual(line));
        if answer.ends_with('>') || answer.ends_with("> ") || answer.ends_with("(prompt lost)") {
            let count = line.split(',').nth(1).and_then(|it| it.parse().ok());
            self.awaited = count.unwrap_or(0);
        }
        self.say(answer.trim_end_matches("(prompt lost)"));
    }

    fn usual(&self, line: &str) -> String {
        let version = self.version;
        let said = match line.split(['=', '?']).next().unwrap_or_default() {
            "AT+GMR" => format!("AT version:{version}(test)\r\nSDK version:x\r\n"),
            "AT+CIPMUX" if line.ends_with('?') => "+CIPMUX:1\r\n".into(),
            "AT+CIPSTA" | "AT+CIPSTA_CUR" => {
                "+CIPSTA:ip:\"10.0.0.2\"\r\n+CIPSTA:gateway:\"10.0.0.1\"\r\n\
                +CIPSTA:netmask:\"255.255.255.0\"\r\n"
                    .into()
            }
            "AT+CWJAP" | "AT+CWJAP_CUR" => "WIFI CONNECTED\r\nWIFI GOT IP\r\n".into(),
            "AT+CIPRECVLEN" => "+CIPRECVLEN:0,0,0,0,0\r\n".into(),
            "AT+CIPSEND" => return PROMPT.into(),
            "AT+CIPSTART" => {
                let id = line.split(['=', ',']).nth(1).unwrap_or("4").to_owned();
                format!("{id},CONNECT\r\n")
            }
            "AT+CIPCLOSE" => format!("{},CLOSED\r\n", line.split('=').nth(1).unwrap_or("4")),
            _ => String::new(),
        };
        said + OK
    }

    fn pass(&mut self, now: Instant) {
        self.now = now;
        let due: Vec<usize> = (0..self.later.len()).filter(|&at| self.later[at].0 <= now).collect();
        for at in due.into_iter().rev() {
            let (_, text) = self.later.remove(at);
            self.say(&text);
        }
    }
}

/// The line to it: instant, and as patient as a test needs.
pub(crate) struct Strings {
    puppet: Arc<Mutex<Puppet>>,
    clock: VirtualClock,
}

impl Strings {
    fn pull(&self) -> MutexGuard<'_, Puppet> {
        self.clock.spend(Duration::from_micros(1));
        let mut puppet = self.puppet.lock().unwrap();
        puppet.pass(self.clock.now());
        puppet
    }
}

impl UartLink for Strings {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        let mut puppet = self.pull();
        if core::mem::take(&mut puppet.lost) {
            return Err(LineError::Lost);
        }
        let count = buf.len().min(puppet.to_host.len());
        for place in &mut buf[..count] {
            *place = puppet.to_host.pop_front().unwrap_or(0);
        }
        Ok(count)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        let mut puppet = self.pull();
        let now = puppet.now;
        if now.saturating_since(puppet.heard_at) >= Duration::from_millis(20) {
            puppet.pieces.push(Vec::new());
        }
        puppet.heard_at = now;
        if let Some(piece) = puppet.pieces.last_mut() {
            piece.extend(bytes);
        }
        let alone = puppet.pieces.last().is_some_and(|it| it == b"+++");
        if alone && puppet.awaited > 0 {
            puppet.awaited = 0;
            puppet.payload.clear();
            puppet.say("\r\nSEND Canceled\r\n");
            return Ok(bytes.len());
        }
        bytes.iter().for_each(|&byte| puppet.hear(byte));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.puppet.lock().unwrap().capacity
    }

    fn set_enabled(&mut self, enabled: bool) -> Result<(), LineError> {
        let mut puppet = self.pull();
        if enabled {
            puppet.line.clear();
            puppet.awaited = 0;
            puppet.commands.push("(reset)".into());
            puppet.say("\r\nready\r\n");
        }
        Ok(())
    }
}

/// A puppet on its strings, joined.
pub(crate) struct Show {
    pub(crate) device: &'static Espat<'static, Strings, VirtualClock>,
    pub(crate) puppet: Arc<Mutex<Puppet>>,
    pub(crate) clock: VirtualClock,
}

impl Show {
    /// A module that says it is of this version.
    pub(crate) fn new(version: &'static str) -> Self {
        Self::with(version, 2_304, |state| state)
    }

    pub(crate) fn with(
        version: &'static str,
        capacity: usize,
        change: fn(State<Strings>) -> State<Strings>,
    ) -> Self {
        let show = Self::dark(version, capacity, change);
        show.join();
        show.puppet().commands.clear();
        show
    }

    /// The same before the first call.
    pub(crate) fn dark(
        version: &'static str,
        capacity: usize,
        change: fn(State<Strings>) -> State<Strings>,
    ) -> Self {
        let clock = VirtualClock::new();
        let puppet = Arc::new(Mutex::new(Puppet {
            version,
            answers: Vec::new(),
            later: Vec::new(),
            to_host: VecDeque::new(),
            lost: false,
            line: Vec::new(),
            awaited: 0,
            payload: Vec::new(),
            verdict: None,
            commands: Vec::new(),
            payloads: Vec::new(),
            heard_at: Instant::START,
            pieces: Vec::new(),
            capacity,
            now: Instant::START,
        }));
        let strings = Strings { puppet: puppet.clone(), clock: clock.clone() };
        let state = Box::leak(Box::new(change(State::new(strings))));
        let device = Box::leak(Box::new(Espat::new(state, clock.clone())));
        Self { device, puppet, clock }
    }

    pub(crate) fn puppet(&self) -> MutexGuard<'_, Puppet> {
        self.puppet.lock().unwrap()
    }

    pub(crate) fn join(&self) {
        let link = self.device.netlink().unwrap();
        self.until(30, || link.join(&Network::wifi("home", "correct horse"))).unwrap();
    }

    pub(crate) fn until<T>(
        &self,
        seconds: u64,
        op: impl FnMut() -> nb::Result<T, Error>,
    ) -> Result<T, Stopped> {
        let at = self.clock.now() + Duration::from_secs(seconds);
        wait(self.device, || Some(at), op)
    }

    pub(crate) fn pause(&self, ms: u64) {
        let at = self.clock.now() + Duration::from_millis(ms);
        let never = || Err::<(), nb::Error<Error>>(nb::Error::WouldBlock);
        let _ = wait(self.device, || Some(at), never);
    }

    pub(crate) fn socket(&self) -> SockFd {
        let open = || self.device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp);
        self.until(5, open).unwrap()
    }

    pub(crate) fn try_connect(&self) -> Result<SockFd, Stopped> {
        let fd = self.socket();
        let to = Remote::Addr(SocketAddr::from((Ipv4Addr::new(10, 0, 0, 9), 7)));
        self.until(60, || self.device.connect(fd, to)).map(|()| fd)
    }

    pub(crate) fn connected(&self) -> SockFd {
        self.try_connect().unwrap()
    }

    pub(crate) fn listening(&self) -> SockFd {
        let fd = self.socket();
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 80));
        self.until(5, || self.device.bind(fd, any)).unwrap();
        self.until(5, || self.device.listen(fd, 4)).unwrap();
        fd
    }

    pub(crate) fn send(&self, fd: SockFd, data: &[u8]) -> Result<usize, Stopped> {
        self.until(60, || self.device.send(fd, data, SockFlags::NONE))
    }

    pub(crate) fn recv(&self, fd: SockFd) -> Result<Vec<u8>, Stopped> {
        self.recv_in(fd, 10)
    }

    pub(crate) fn recv_in(&self, fd: SockFd, seconds: u64) -> Result<Vec<u8>, Stopped> {
        let mut buf = vec![0; 2048];
        let len = self.until(seconds, || self.device.recv(fd, &mut buf, SockFlags::NONE))?;
        buf.truncate(len);
        Ok(buf)
    }

    /// The commands since the last look, and forgets them.
    pub(crate) fn commands(&self) -> Vec<String> {
        core::mem::take(&mut self.puppet().commands)
    }
}
