//! Answers on their way to whoever asked, and questions with one answer.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netdev::{Error, Fault, HardwareAddr, Instant, IpConfig, PowerMode};
use netdev_uart::UartLink;

use crate::command::{CIPDNS, CIPSTA, CIPSTAMAC, CWDHCP, CWHOSTNAME, CWJAP, CWLIF, PING, SLEEP};
use crate::op::{Op, Query};
use crate::reply;
use crate::state::Core;

/// What an answer said before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// A line of it made sense.
    pub(crate) seen: bool,
    /// A code, a strength, a time in milliseconds, a count.
    pub(crate) number: u32,
    pub(crate) addrs: [Option<Ipv4Addr>; 3],
    pub(crate) mac: Option<HardwareAddr>,
    /// Bit by bit: links that were listed.
    pub(crate) links: u8,
    pub(crate) unix: Option<u64>,
}

impl Reply {
    pub(crate) const NOTHING: Self =
        Self { seen: false, number: 0, addrs: [None; 3], mac: None, links: 0, unix: None };
}

impl Reply {
    /// Notes a line `+NAME:value` that belongs to no list.
    pub(crate) fn note(&mut self, name: &[u8], value: &[u8]) {
        let text = value.strip_prefix(b"ip:").map(|it| (0, it));
        let text = text.or_else(|| value.strip_prefix(b"gateway:").map(|it| (1, it)));
        let text = text.or_else(|| value.strip_prefix(b"netmask:").map(|it| (2, it)));
        match name {
            b"CIPSTA" | b"CIPAP" => {
                if let Some((place, text)) = text
                    && let Some(place) = self.addrs.get_mut(place)
                {
                    *place = reply::addr(text);
                    self.seen = true;
                }
            }
            b"CIPDNS" | b"CIPDOMAIN" => {
                for addr in reply::Fields(value).filter_map(reply::addr) {
                    if let Some(place) = self.addrs.iter_mut().find(|it| it.is_none()) {
                        *place = Some(addr);
                    }
                }
            }
            b"CIPSTAMAC" => self.mac = reply::mac(value),
            b"CWJAP" if value.starts_with(b"\"") => {
                if let Some(rssi) = reply::joined_rssi(value) {
                    (self.seen, self.number) = (true, u32::from(rssi.unsigned_abs()));
                }
            }
            b"CWJAP" | b"PING" | b"CIPMUX" => {
                if let Some(number) = reply::number(value) {
                    (self.seen, self.number) = (true, number);
                }
            }
            b"CWLIF" => self.number += 1,
            b"CIPSNTPTIME" => self.unix = reply::time(value),
            _ => {}
        }
    }
}

/// An answer that whoever asked has not fetched yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mail {
    pub(crate) op: Op,
    pub(crate) answer: Result<Reply, Error>,
    pub(crate) at: Instant,
}

/// One for each kind of question.
#[derive(Debug)]
pub(crate) struct Mails([Option<Mail>; 3]);

impl Mails {
    pub(crate) const fn new() -> Self {
        Self([None; 3])
    }

    pub(crate) fn put(&mut self, mail: Mail) {
        if let Some(place) = self.place(mail.op) {
            *place = Some(mail);
        }
    }

    /// The answer to this question; one that was left lying is nobody's any more.
    pub(crate) fn take(&mut self, op: Op, now: Instant) -> Option<Result<Reply, Error>> {
        let mail = self.place(op)?.take_if(|mail| mail.op == op)?;
        (now.saturating_since(mail.at) < STALE).then_some(mail.answer)
    }

    pub(crate) fn has(&mut self, op: Op) -> bool {
        self.place(op).is_some_and(|place| place.is_some_and(|mail| mail.op == op))
    }

    pub(crate) fn drop_link(&mut self) {
        let [link, ..] = &mut self.0;
        *link = None;
    }

    pub(crate) fn clear(&mut self) {
        self.0 = [None; 3];
    }

    fn place(&mut self, op: Op) -> Option<&mut Option<Mail>> {
        let [link, query, rest] = &mut self.0;
        Some(match op {
            Op::Link(_) => link,
            Op::Query(_) => query,
            _ => rest,
        })
    }
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn hardware_addr(&mut self) -> nb::Result<HardwareAddr, Error> {
        let reply = self.ask(Op::Query(Query::Mac), |it| {
            it.start(CIPSTAMAC).query();
        })?;
        Ok(reply.mac.ok_or(Error::Fault(Fault::Frame))?)
    }

    pub(crate) fn rssi(&mut self) -> nb::Result<i16, Error> {
        let suffixed = self.state.firmware.suffixed;
        let reply = self.ask(Op::Query(Query::Rssi), |it| {
            it.start(CWJAP).current(suffixed).query();
        })?;
        let strength = reply.seen.then_some(reply.number).ok_or(Error::LinkDown)?;
        Ok(i16::try_from(strength).map_or(0, |it| -it))
    }

    /// How many stations our own access point has.
    pub(crate) fn stations(&mut self) -> nb::Result<u8, Error> {
        let reply = self.ask(Op::Query(Query::Stations), |it| {
            it.start(CWLIF);
        })?;
        Ok(u8::try_from(reply.number).unwrap_or(u8::MAX))
    }

    pub(crate) fn set_address(&mut self, config: Option<&IpConfig>) -> nb::Result<(), Error> {
        let suffixed = self.state.firmware.suffixed;
        let Some(config) = config else {
            self.ask(Op::Query(Query::SetDhcp), |it| {
                it.start(CWDHCP).current(suffixed).number(1).number(1);
            })?;
            return Ok(());
        };
        let IpAddr::V4(addr) = config.addr else { return Err(Error::Unsupported.into()) };
        let gateway = match config.gateway {
            Some(IpAddr::V4(gateway)) => gateway,
            Some(IpAddr::V6(_)) => return Err(Error::Unsupported.into()),
            None => addr,
        };
        let ones = u32::from(config.prefix.min(32));
        let mask = u32::MAX.checked_shl(32 - ones).unwrap_or(0);
        self.ask(Op::Query(Query::SetAddress), |it| {
            it.start(CIPSTA).current(suffixed).addr(addr).addr(gateway).addr(mask.into());
        })?;
        self.state.wifi.set_address(config);
        Ok(())
    }

    pub(crate) fn set_host_name(&mut self, name: &str) -> nb::Result<(), Error> {
        if name.is_empty() || name.len() > HOST_NAME_MAX || !printable(name) {
            return Err(Error::InvalidInput.into());
        }
        self.ask(Op::Query(Query::SetHostName), |it| {
            it.start(CWHOSTNAME).text(name);
        })?;
        Ok(())
    }

    pub(crate) fn set_name_servers(&mut self, servers: &[IpAddr]) -> nb::Result<(), Error> {
        let most = if self.state.firmware.is_nonos() { 2 } else { 3 };
        let repeated = (1..servers.len())
            .any(|at| servers.iter().take(at).any(|it| Some(it) == servers.get(at)));
        if servers.len() > most || repeated {
            return Err(Error::InvalidInput.into());
        }
        if servers.iter().any(IpAddr::is_ipv6) {
            return Err(Error::Unsupported.into());
        }
        let suffixed = self.state.firmware.suffixed;
        self.ask(Op::Query(Query::SetNameServers), |it| {
            it.start(CIPDNS).current(suffixed).number(u32::from(!servers.is_empty()));
            for server in servers {
                if let IpAddr::V4(server) = server {
                    it.addr(*server);
                }
            }
        })?;
        let mut told = [None; 2];
        for (place, server) in told.iter_mut().zip(servers) {
            *place = Some(*server);
        }
        self.state.wifi.set_name_servers(told);
        Ok(())
    }

    pub(crate) fn set_power(&mut self, mode: PowerMode) -> nb::Result<(), Error> {
        let sleep = match mode {
            PowerMode::Active => 0,
            PowerMode::Saving => 1,
            _ => return Err(Error::Unsupported.into()),
        };
        self.ask(Op::Query(Query::SetPower), |it| {
            it.start(SLEEP).number(sleep);
        })?;
        Ok(())
    }

    /// The firmware sends one echo request with a hop limit of its own.
    pub(crate) fn ping(&mut self, host: IpAddr) -> nb::Result<Duration, Error> {
        let IpAddr::V4(host) = host else { return Err(Error::Unsupported.into()) };
        let reply = self.ask(Op::Query(Query::Ping), |it| {
            it.start(PING).addr(host);
        })?;
        if !reply.seen {
            return Err(Error::TimedOut.into());
        }
        Ok(Duration::from_millis(u64::from(reply.number)))
    }
}

/// Text that can stand in a command.
pub(crate) fn printable(text: &str) -> bool {
    !text.bytes().any(|byte| matches!(byte, 0 | b'\r' | b'\n'))
}

/// After this long nobody will come for an answer.
const STALE: Duration = Duration::from_secs(2);
const HOST_NAME_MAX: usize = 32;
