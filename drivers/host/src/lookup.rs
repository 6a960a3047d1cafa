//! Name lookup: the system's resolver, which waits, on a thread of its own.

use core::net::IpAddr;
use std::net::ToSocketAddrs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use netdev::{AddressFamily, Error, Lookup};

use crate::reactor::Reactor;

#[derive(Debug, Default)]
pub(crate) struct Lookups(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    slots: Vec<Slot>,
    /// Threads that are out, those whose lookup was given up included.
    threads: usize,
}

#[derive(Debug)]
struct Slot {
    generation: u16,
    state: State,
}

#[derive(Debug)]
enum State {
    Free,
    Running,
    Done(Result<Vec<IpAddr>, Error>),
}

/// Lookups that may be open at once, and threads that may be out.
const MOST: usize = 256;
const MOST_THREADS: usize = 16;

impl Lookups {
    pub(crate) fn start(
        self: &Arc<Self>,
        reactor: &Arc<Reactor>,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        if let Ok(addr) = name.parse() {
            return Ok(self.lock().open(State::Done(wanted([addr], family)))?);
        }
        if !may_be_a_name(name) {
            return Err(nb::Error::Other(Error::HostUnknown));
        }
        let mut inner = self.lock();
        if inner.threads >= MOST_THREADS {
            return Err(nb::Error::WouldBlock);
        }
        let lookup = inner.open(State::Running)?;
        inner.threads += 1;
        drop(inner);
        let (lookups, reactor, name) = (Arc::clone(self), Arc::clone(reactor), name.to_owned());
        let work = move || {
            let answer = resolve(&name, family);
            lookups.lock().finish(lookup, answer);
            reactor.announce();
        };
        let thread = thread::Builder::new().name("lookup".to_owned()).spawn(work);
        if thread.is_err() {
            let mut inner = self.lock();
            inner.finish(lookup, Err(Error::NoSockets));
            inner.end(lookup);
            return Err(nb::Error::Other(Error::NoSockets));
        }
        Ok(lookup)
    }

    pub(crate) fn result(&self, lookup: Lookup, out: &mut [IpAddr]) -> nb::Result<usize, Error> {
        let mut inner = self.lock();
        match &inner.slot(lookup).ok_or(Error::BadSocket)?.state {
            State::Running => Err(nb::Error::WouldBlock),
            State::Done(Err(error)) => Err(nb::Error::Other(*error)),
            State::Done(Ok(_)) if out.is_empty() => Err(nb::Error::Other(Error::InvalidInput)),
            State::Done(Ok(found)) => {
                let count = found.len().min(out.len());
                out.iter_mut().zip(found).for_each(|(to, addr)| *to = *addr);
                Ok(count)
            }
            State::Free => Err(nb::Error::Other(Error::BadSocket)),
        }
    }

    pub(crate) fn end(&self, lookup: Lookup) {
        self.lock().end(lookup);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn open(&mut self, state: State) -> Result<Lookup, Error> {
        let free = self.slots.iter().position(|slot| matches!(slot.state, State::Free));
        let index = free.unwrap_or(self.slots.len());
        if index == self.slots.len() {
            if index >= MOST {
                return Err(Error::NoSockets);
            }
            self.slots.push(Slot { generation: 0, state: State::Free });
        }
        let number = u16::try_from(index).map_err(|_| Error::NoSockets)?;
        let slot = self.slots.get_mut(index).ok_or(Error::NoSockets)?;
        *slot = Slot { generation: slot.generation.wrapping_add(1), state };
        Ok(Lookup::new(number, slot.generation))
    }

    fn slot(&mut self, lookup: Lookup) -> Option<&mut Slot> {
        let slot = self.slots.get_mut(usize::from(lookup.slot()))?;
        (slot.generation == lookup.generation()).then_some(slot)
    }

    /// A thread has its answer, which nobody may want any more.
    fn finish(&mut self, lookup: Lookup, answer: Result<Vec<IpAddr>, Error>) {
        self.threads = self.threads.saturating_sub(1);
        if let Some(slot) = self.slot(lookup)
            && matches!(slot.state, State::Running)
        {
            slot.state = State::Done(answer);
        }
    }

    fn end(&mut self, lookup: Lookup) {
        if let Some(slot) = self.slot(lookup) {
            slot.state = State::Free;
        }
    }
}

fn resolve(name: &str, family: Option<AddressFamily>) -> Result<Vec<IpAddr>, Error> {
    let found = (name, 0).to_socket_addrs().map_err(|_| Error::HostUnknown)?;
    wanted(found.map(|addr| addr.ip()), family)
}

/// Those of the family asked for, each once.
fn wanted(
    found: impl IntoIterator<Item = IpAddr>,
    family: Option<AddressFamily>,
) -> Result<Vec<IpAddr>, Error> {
    let mut addrs = Vec::new();
    for addr in found {
        let own = if addr.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
        if family.is_none_or(|family| family == own) && !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    if addrs.is_empty() { Err(Error::HostUnknown) } else { Ok(addrs) }
}

/// A name has at most 253 bytes (RFC 1035 section 3.1), and none that would end or split it.
fn may_be_a_name(name: &str) -> bool {
    let length = name.trim_end_matches('.').len();
    (1..=253).contains(&length) && !name.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_texts_are_no_names() {
        for text in ["", ".", "two words", "nul\0inside", &"a".repeat(254)] {
            assert!(!may_be_a_name(text), "{text:?}");
        }
        assert!(may_be_a_name("localhost") && may_be_a_name("example.org."));
    }

    #[test]
    fn an_answer_for_a_lookup_that_was_given_up_reaches_nobody() {
        let mut inner = Inner::default();
        let first = inner.open(State::Running).unwrap();
        inner.end(first);
        let second = inner.open(State::Running).unwrap();
        assert_eq!(first.slot(), second.slot());
        inner.finish(first, Err(Error::HostUnknown));
        assert!(inner.slot(first).is_none());
        assert!(matches!(inner.slot(second).unwrap().state, State::Running));
    }
}
