//! `AT+CIPDOMAIN`, `AT+PING` and `AT+CIPDNS`.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netdev::{Error, Instant};

use crate::commands::{Answer, Call, Reply};
use crate::firmware::Firmware;
use crate::literals;
use crate::params::Refusal;
use crate::worker::Job;

/// A name that is being looked up.
#[derive(Debug)]
pub(crate) struct Lookup {
    name: String,
    all: bool,
    pub(crate) deadline: Instant,
}

/// A ping under way.
#[derive(Debug)]
pub(crate) struct Ping {
    name: String,
    deadline: Instant,
    /// When the answer is there, and after how long.
    answer: Option<(Instant, Duration)>,
}

impl Ping {
    pub(crate) fn due(&self) -> Instant {
        self.answer.map_or(self.deadline, |(at, _)| at)
    }
}

impl Firmware {
    /// The IPv4 addresses of a name.
    pub(crate) fn resolve(&mut self, name: &str) -> nb::Result<Vec<Ipv4Addr>, Error> {
        if let Ok(addr) = name.parse() {
            return Ok(vec![addr]);
        }
        if !self.is_online() {
            return Err(nb::Error::Other(Error::HostUnknown));
        }
        let found: Vec<Ipv4Addr> = self
            .stack
            .lookup(name)?
            .into_iter()
            .filter_map(|addr| match addr {
                IpAddr::V4(addr) => Some(addr),
                IpAddr::V6(_) => None,
            })
            .collect();
        if found.is_empty() { Err(nb::Error::Other(Error::HostUnknown)) } else { Ok(found) }
    }

    pub(crate) fn cipdomain(&mut self, call: &mut Call<'_>) -> Answer {
        let args = &mut call.args;
        let name = String::from_utf8(args.text(1..=255)?).map_err(|_| Refusal::VALUE)?;
        let family: u8 = args.opt(1..=3)?.unwrap_or(1);
        let newer = self.persona.timeouts;
        let timeout = if newer { args.opt::<u64>(0..=60_000)? } else { None };
        let all = if newer { args.opt::<u8>(0..=1)?.unwrap_or(0) == 1 } else { false };
        args.end()?;
        if family == 3 {
            self.monitor.count(|c| c.not_modelled += 1);
            return Err(Refusal::STATE);
        }
        let limit = match timeout {
            Some(millis) if millis > 0 => Duration::from_millis(millis),
            _ => self.setup.lookup_limit,
        };
        Ok(Reply::Wait(Job::Lookup(Lookup { name, all, deadline: self.now + limit })))
    }

    /// Goes on with a lookup; what is left of it.
    pub(crate) fn look_up(&mut self, lookup: Lookup) -> Option<Lookup> {
        match self.resolve(&lookup.name) {
            Ok(addrs) => {
                let count = if lookup.all { addrs.len() } else { 1 };
                for addr in addrs.iter().take(count) {
                    let quote = if self.persona.quotes_domain { "\"" } else { "" };
                    self.say_line(&format!("+CIPDOMAIN:{quote}{addr}{quote}"));
                }
                self.say(literals::OK);
            }
            Err(nb::Error::WouldBlock) if lookup.deadline > self.now => return Some(lookup),
            Err(_) => {
                if self.persona.says_why {
                    self.say(b"DNS Fail\r\n");
                }
                self.refuse(Refusal::STATE);
            }
        }
        None
    }

    pub(crate) fn ping_command(&mut self, call: &mut Call<'_>) -> Answer {
        let name = String::from_utf8(call.args.text(1..=255)?).map_err(|_| Refusal::VALUE)?;
        call.args.end()?;
        let deadline = self.now + self.setup.lookup_limit;
        Ok(Reply::Wait(Job::Ping(Ping { name, deadline, answer: None })))
    }

    /// Goes on with a ping; what is left of it.
    pub(crate) fn ping(&mut self, mut ping: Ping) -> Option<Ping> {
        if ping.answer.is_none() {
            match self.resolve(&ping.name) {
                Ok(addrs) => {
                    let time = addrs.first().and_then(|addr| self.ping_time(*addr));
                    ping.answer = time.map(|time| (self.now + time, time));
                    if time.is_none() {
                        // One request, and nobody answers it.
                        ping.name = Ipv4Addr::UNSPECIFIED.to_string();
                        ping.deadline = ping.deadline.min(self.now + PING_LIMIT);
                    }
                }
                Err(nb::Error::WouldBlock) => {}
                Err(nb::Error::Other(_)) => ping.deadline = self.now,
            }
        }
        match ping.answer {
            Some((at, time)) if at <= self.now => {
                let millis = time.as_millis();
                let old = self.persona.is_old();
                self.say_line(&if old { format!("+{millis}") } else { format!("+PING:{millis}") });
                self.say(literals::OK);
                None
            }
            None if ping.deadline <= self.now => {
                self.say_line(if self.persona.is_old() { "+timeout" } else { "+PING:TIMEOUT" });
                self.refuse(Refusal::STATE);
                None
            }
            _ => Some(ping),
        }
    }

    fn ping_time(&self, addr: Ipv4Addr) -> Option<Duration> {
        if !self.is_online() || addr.is_unspecified() {
            return None;
        }
        let near = [self.setup.lease.addr, self.setup.lease.gateway];
        let known = self.setup.pingable.iter().find(|(it, _)| *it == addr);
        known.map(|(_, time)| *time).or_else(|| {
            (near.contains(&addr) || addr.is_loopback()).then_some(Duration::from_millis(1))
        })
    }

    pub(crate) fn cipdns_query(&mut self, call: &mut Call<'_>) -> Answer {
        let by_hand = !self.ram.stored.dns.is_empty();
        let mut servers = self.ram.stored.dns.clone();
        if !by_hand {
            servers = vec![self.setup.lease.gateway];
        }
        if self.persona.is_old() {
            for server in servers {
                self.say_line(&format!("+{}:{server}", call.name));
            }
            return Ok(Reply::Ok);
        }
        let mut line = format!("+CIPDNS:{}", u8::from(by_hand));
        for server in servers {
            line.push_str(&format!(",\"{server}\""));
        }
        self.say_line(&line);
        Ok(Reply::Ok)
    }

    pub(crate) fn cipdns(&mut self, call: &mut Call<'_>) -> Answer {
        let by_hand = call.args.flag()?;
        let mut servers = Vec::new();
        for _ in 0..3 {
            servers.extend(call.args.opt_addr()?);
        }
        call.args.end()?;
        let twice = servers
            .iter()
            .enumerate()
            .any(|(at, it)| servers.iter().skip(at + 1).any(|other| it == other));
        if twice {
            return Err(Refusal::VALUE);
        }
        if by_hand && servers.is_empty() {
            servers = DEFAULT_DNS.to_vec();
        }
        if !by_hand {
            servers.clear();
        }
        self.change(&call.name, |stored| stored.dns.clone_from(&servers));
        Ok(Reply::Ok)
    }
}

/// How long an answer to a ping is waited for.
const PING_LIMIT: Duration = Duration::from_secs(1);
const DEFAULT_DNS: [Ipv4Addr; 3] = [
    Ipv4Addr::new(208, 67, 222, 222),
    Ipv4Addr::new(114, 114, 114, 114),
    Ipv4Addr::new(8, 8, 8, 8),
];
