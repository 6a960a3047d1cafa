//! `AT+CIPSEND` and `AT+CIPSENDEX`: prompt, payload, result.

use core::net::{SocketAddr, SocketAddrV4};
use core::time::Duration;

use netdev::Instant;

use crate::commands::{Answer, Call, Reply};
use crate::faults::Fault;
use crate::firmware::Firmware;
use crate::input::Mode;
use crate::links::Kind;
use crate::literals;
use crate::params::{Args, Refusal};
use crate::persona::Prompt;
use crate::worker::Job;

/// A payload that is awaited.
#[derive(Debug)]
pub(crate) struct Payload {
    id: usize,
    generation: u64,
    want: usize,
    /// Where a datagram goes.
    to: Option<SocketAddrV4>,
    /// The same by name, until that is known.
    host: Option<(String, u16)>,
    pub(crate) deadline: Instant,
    bytes: Vec<u8>,
    /// `\0` ends it early, and a backslash escapes.
    escaped: bool,
    /// A backslash has come, and what it is for has not.
    backslash: bool,
    long: bool,
}

/// A payload on its way into the network.
#[derive(Debug)]
pub(crate) struct Sending {
    id: usize,
    generation: u64,
    to: Option<SocketAddrV4>,
    bytes: Vec<u8>,
    sent: usize,
    /// When it begins.
    at: Instant,
    deadline: Option<Instant>,
    /// Everything is in the stack, and `SEND OK` is late.
    done: Option<Instant>,
    fails: bool,
}

impl Sending {
    pub(crate) fn due(&self) -> Option<Instant> {
        self.done.or(self.deadline).map_or(Some(self.at), |at| Some(at.max(self.at)))
    }
}

impl Firmware {
    pub(crate) fn cipsend(&mut self, call: &mut Call<'_>) -> Answer {
        let payload = self.send_args(&mut call.args, self.persona.send_limit, true)?;
        self.ready_to_prompt(payload)
    }

    pub(crate) fn cipsendex(&mut self, call: &mut Call<'_>) -> Answer {
        let mut payload = self.send_args(&mut call.args, self.persona.send_limit, false)?;
        payload.escaped = true;
        self.ready_to_prompt(payload)
    }

    pub(crate) fn cipsendl(&mut self, call: &mut Call<'_>) -> Answer {
        let mut payload = self.send_args(&mut call.args, LONGEST, true)?;
        payload.long = true;
        self.ready_to_prompt(payload)
    }

    fn send_args(
        &mut self,
        args: &mut Args<'_>,
        limit: usize,
        needed: bool,
    ) -> Result<Payload, Refusal> {
        let id = self.link_id(args)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let want = if needed { Some(args.number(1..=limit)?) } else { args.opt(1..=limit)? };
        let want = want.unwrap_or(self.persona.send_limit);
        let host = args.opt_text(1..=64)?;
        let port: Option<u16> = if host.is_some() { Some(args.number(1..=65_535)?) } else { None };
        args.end()?;
        if self.ram.passthrough {
            return Err(Refusal::STATE);
        }
        let Some(link) = self.open_link(id) else {
            return Err(self.refuse_in_words("link is not valid"));
        };
        let (kind, generation) = (link.kind, link.generation);
        let host = match (host, port) {
            (Some(host), Some(port)) if kind == Kind::Udp => {
                Some((String::from_utf8(host).map_err(|_| Refusal::VALUE)?, port))
            }
            (Some(_), _) => return Err(Refusal::STATE),
            _ => None,
        };
        Ok(Payload {
            id,
            generation,
            want,
            to: None,
            host,
            deadline: self.now + self.setup.lookup_limit,
            bytes: Vec::new(),
            escaped: false,
            backslash: false,
            long: false,
        })
    }

    fn ready_to_prompt(&mut self, payload: Payload) -> Answer {
        match payload.host {
            Some(_) => Ok(Reply::Wait(Job::Address(Box::new(payload)))),
            None => self.prompt_soon(payload),
        }
    }

    /// Finds out where a datagram is to go; the next thing to do.
    pub(crate) fn find_peer(&mut self, mut payload: Box<Payload>) -> Option<Job> {
        let (host, port) = payload.host.clone()?;
        let addr = match self.resolve(&host) {
            Ok(addrs) => addrs.first().copied(),
            Err(nb::Error::WouldBlock) if payload.deadline > self.now => {
                return Some(Job::Address(payload));
            }
            Err(_) => None,
        };
        let Some(addr) = addr else {
            self.refuse(Refusal::STATE);
            return None;
        };
        let to = SocketAddrV4::new(addr, port);
        payload.to = Some(to);
        // The peer is changed for good, whatever becomes of the datagram.
        if let Some(link) = self.open_link(payload.id) {
            link.remote = to;
        }
        match self.prompt_soon(*payload) {
            Ok(Reply::Wait(job)) => Some(job),
            _ => None,
        }
    }

    /// The prompt: in one piece, or `OK` at once and the rest a moment later.
    fn prompt_soon(&mut self, payload: Payload) -> Answer {
        let mut at = self.now;
        if self.persona.prompt != Prompt::Whole {
            self.say(literals::OK);
            at = at + PROMPT_GAP;
        }
        if self.strikes(Fault::SlowPrompt) {
            at = at + self.setup.fault_time;
        }
        let payload = Box::new(payload);
        Ok(Reply::Wait(Job::Prompt { at, payload }))
    }

    /// From now on bytes are payload. The mode changes before the prompt goes out.
    pub(crate) fn prompt(&mut self, payload: Payload) {
        let id = payload.id;
        self.mode = if payload.long {
            self.long_mode(id, payload.want, payload.generation)
        } else {
            Mode::Payload(payload)
        };
        self.say(match self.persona.prompt {
            Prompt::Whole => literals::OK_PROMPT,
            Prompt::Apart => literals::PROMPT_APART,
            Prompt::Blank => literals::PROMPT_BLANK,
        });
        if self.strikes(Fault::BlankPrompt) {
            self.say(b" ");
        }
        if self.strikes(Fault::ClosedInPayload) {
            self.close_link(id);
        }
    }

    pub(crate) fn payload_chunk(&mut self, mut payload: Payload, chunk: &[u8]) {
        if chunk == b"+++" {
            self.monitor.count(|c| c.canceled_sends += 1);
            return self.say(literals::SEND_CANCELED);
        }
        let used = payload.take(chunk);
        self.monitor.count(|c| c.payload_in += u64::try_from(used).unwrap_or(0));
        let complete = payload.bytes.len() >= payload.want || payload.want == 0;
        if !complete {
            self.mode = Mode::Payload(payload);
            return;
        }
        let surplus = chunk.get(used..).unwrap_or(&[]);
        let first = !surplus.is_empty() && self.race();
        if first {
            self.surplus(surplus);
        }
        let count = payload.bytes.len();
        self.say(format!("\r\nRecv {count} bytes\r\n").as_bytes());
        if !surplus.is_empty() && !first {
            self.surplus(surplus);
        }
        let timeout = self.slots.get(payload.id).map_or(0, |slot| slot.send_timeout);
        let at = self.now + self.setup.latency;
        let fails = self.strikes(Fault::SendFail);
        self.job = Some(Job::Send(Box::new(Sending {
            id: payload.id,
            generation: payload.generation,
            to: payload.to,
            bytes: payload.bytes,
            sent: 0,
            at,
            deadline: (timeout > 0).then(|| at + Duration::from_millis(timeout.into())),
            done: None,
            fails,
        })));
    }

    fn surplus(&mut self, surplus: &[u8]) {
        self.monitor.count(|c| c.surplus_payload += u64::try_from(surplus.len()).unwrap_or(0));
        self.reject(surplus);
    }

    /// Hands a payload to the network; what is left to do.
    pub(crate) fn push(&mut self, mut sending: Box<Sending>) -> Option<Box<Sending>> {
        if sending.at > self.now {
            return Some(sending);
        }
        if let Some(done) = sending.done {
            if done > self.now {
                return Some(sending);
            }
            self.say(literals::SEND_OK);
            return None;
        }
        let result =
            if sending.fails { Err(nb::Error::Other(())) } else { self.push_some(&mut sending) };
        match result {
            Ok(()) if self.race() => {
                // The lock is free again before the result is said: a reply may come first.
                sending.done = Some(self.now + SEND_OK_GAP);
                Some(sending)
            }
            Ok(()) => {
                self.say(literals::SEND_OK);
                None
            }
            Err(nb::Error::WouldBlock) if sending.deadline.is_none_or(|at| at > self.now) => {
                Some(sending)
            }
            Err(_) => {
                self.say(literals::SEND_FAIL);
                None
            }
        }
    }

    fn push_some(&mut self, sending: &mut Sending) -> nb::Result<(), ()> {
        let failed = nb::Error::Other(());
        let now = self.now;
        let link = self
            .links
            .get_mut(sending.id)
            .and_then(Option::as_mut)
            .filter(|link| !link.closed && link.generation == sending.generation);
        let link = link.ok_or(failed)?;
        let sock = link.sock.ok_or(nb::Error::Other(()))?;
        link.last_traffic = now;
        if link.kind == Kind::Udp {
            let to = sending.to.unwrap_or(link.remote);
            let sent = self.stack.send_to(sock, &sending.bytes, SocketAddr::V4(to));
            return sent.map(|_| ()).map_err(|error| error.map(|_| ()));
        }
        while sending.sent < sending.bytes.len() {
            let rest = sending.bytes.get(sending.sent..).unwrap_or(&[]);
            let count = self.stack.send(sock, rest).map_err(|error| error.map(|_| ()))?;
            sending.sent += count;
            if count == 0 {
                return Err(nb::Error::WouldBlock);
            }
        }
        Ok(())
    }

    /// Whether a send holds the lock that the socket task needs.
    pub(crate) fn is_sending(&self) -> bool {
        matches!(&self.job, Some(Job::Send(sending)) if sending.done.is_none())
    }
}

impl Payload {
    /// Takes bytes up to the end of the payload; how many these are.
    fn take(&mut self, chunk: &[u8]) -> usize {
        if !self.escaped {
            let count = chunk.len().min(self.want - self.bytes.len().min(self.want));
            self.bytes.extend(chunk.iter().take(count));
            return count;
        }
        for (index, byte) in chunk.iter().enumerate() {
            if self.bytes.len() >= self.want {
                return index;
            }
            match (core::mem::take(&mut self.backslash), byte) {
                (false, b'\\') => self.backslash = true,
                (true, b'0') => {
                    self.want = self.bytes.len();
                    return index + 1;
                }
                (_, byte) => self.bytes.push(*byte),
            }
        }
        chunk.len()
    }
}

/// From `OK` to the prompt, where the two are apart.
const PROMPT_GAP: Duration = Duration::from_micros(200);
/// How late `SEND OK` may be.
const SEND_OK_GAP: Duration = Duration::from_millis(3);
const LONGEST: usize = 0x7FFF_FFFF;
