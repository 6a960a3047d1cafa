//! Names, and the four of them that the stack remembers.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netdev::{Error, Instant};

use super::Lwip;

#[derive(Default)]
pub(super) struct Names(Vec<(String, Ipv4Addr, Instant)>);

/// A name that a call waits for.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    pub(crate) name: String,
    pub(crate) until: Instant,
}

impl Names {
    fn get(&self, name: &str, now: Instant) -> Option<Ipv4Addr> {
        let known = self.0.iter().find(|(known, _, until)| known == name && now < *until);
        known.map(|(_, addr, _)| *addr)
    }

    fn put(&mut self, name: &str, addr: Ipv4Addr, now: Instant) {
        self.0.retain(|(known, ..)| known != name);
        if self.0.len() >= CACHED {
            self.0.remove(0);
        }
        self.0.push((name.to_owned(), addr, now + TIME_TO_LIVE));
    }
}

impl Lwip {
    /// An address that needs no server: a dotted quad, or a name asked for lately.
    pub(crate) fn known(&self, name: &str, now: Instant) -> Option<Ipv4Addr> {
        name.parse().ok().or_else(|| self.names.get(name, now))
    }

    /// Asks for a name's first IPv4 address; repeated until there is an answer.
    pub(crate) fn lookup(&mut self, name: &str, now: Instant) -> nb::Result<Ipv4Addr, Error> {
        if let Some(addr) = self.known(name, now) {
            return Ok(addr);
        }
        if !self.online || name.len() > NAME_MAX {
            return Err(nb::Error::Other(Error::HostUnknown));
        }
        let found = self.stack.lookup(name)?;
        let v4 = found.into_iter().find_map(|addr| match addr {
            IpAddr::V4(addr) => Some(addr),
            IpAddr::V6(_) => None,
        });
        let addr = v4.ok_or(nb::Error::Other(Error::HostUnknown))?;
        self.names.put(name, addr, now);
        Ok(addr)
    }
}

const CACHED: usize = 4;
const TIME_TO_LIVE: Duration = Duration::from_secs(60);
const NAME_MAX: usize = 255;
