//! Name lookups: one that blocks, and one that calls back.

use netdev::{Error, Instant};

use crate::codec::{Args, Out};
use crate::firmware::{Firmware, PendingName};
use crate::lwip::Lookup;
use crate::wait::{Step, Wait};

const NO_MEMORY: i8 = -1;
const IN_PROGRESS: i8 = -5;
const NOT_FOUND: i8 = -6;
const BAD_NAME: i8 = -16;
/// Questions that the resolver has room for.
const QUERIES: usize = 4;
/// What stands in memory that nobody has set.
const UNDEFINED: [u8; 4] = [0xA4, 0x5C, 0x01, 0x10];

impl Firmware {
    pub(crate) fn names(&mut self, id: u8, args: &Args, now: Instant) -> Step {
        let name = args.text(0);
        if name.is_empty() {
            return refused(BAD_NAME);
        }
        if id == 25 {
            let until = now + self.setup.lookup_limit;
            return self.resume_lookup(Lookup { name, until }, now);
        }
        if let Some(addr) = self.lwip.known(&name, now) {
            return found(addr.octets());
        }
        if self.lookups.len() >= QUERIES {
            return refused(NO_MEMORY);
        }
        let arg = args.nullable(2).map(<[u8]>::to_vec);
        let until = now + self.setup.lookup_limit;
        self.lookups.push(PendingName { name, arg, until });
        refused(IN_PROGRESS)
    }

    pub(crate) fn resume_lookup(&mut self, lookup: Lookup, now: Instant) -> Step {
        match self.lwip.lookup(&lookup.name, now) {
            Ok(addr) => found(addr.octets()),
            Err(nb::Error::WouldBlock) if now < lookup.until => Step::Wait(Wait::Lookup(lookup)),
            Err(_) => refused(NOT_FOUND),
        }
    }

    /// Goes on with the lookups that call back. One that fails is never heard of again: its null
    /// address is refused by the codec.
    pub(crate) fn look_up(&mut self, now: Instant) {
        let mut index = 0;
        while let Some(pending) = self.lookups.get(index) {
            if self.callbacks.stalls_ip_task() {
                return;
            }
            let answer = match self.lwip.lookup(&pending.name, now) {
                Err(nb::Error::WouldBlock) if now < pending.until => {
                    index += 1;
                    continue;
                }
                Err(nb::Error::WouldBlock) => Err(Error::TimedOut),
                Err(nb::Error::Other(error)) => Err(error),
                Ok(addr) => Ok(addr),
            };
            let pending = self.lookups.remove(index);
            if let Ok(addr) = answer {
                self.callbacks.dns_found(&pending.name, addr, pending.arg.as_deref());
            }
        }
    }
}

fn found(addr: [u8; 4]) -> Step {
    Out::default().bin(&addr).i8(0).into()
}

fn refused(code: i8) -> Step {
    Out::default().bin(&UNDEFINED).i8(code).into()
}
