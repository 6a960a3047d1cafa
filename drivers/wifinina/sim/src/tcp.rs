//! Streams and listeners of the slots: the firmware's client and server classes.

use core::net::SocketAddrV4;

use netdev::Instant;

use crate::errno::EAGAIN;
use crate::firmware::{Firmware, Step};
use crate::frame::Reply;
use crate::lwip::{Fd, STREAM};
use crate::persona::Core;
use crate::slots::Kind;
use crate::wait::{Wait, Write};

/// The listener of a slot. Nothing ever destroys it.
#[derive(Debug, Default)]
pub(crate) struct Server {
    port: u16,
    fd: Option<Fd>,
    /// A peer that the updater took in advance.
    prefetched: Option<Fd>,
    /// Peers of the mode without the accept flag.
    spawned: [Option<Fd>; 10],
}

impl Server {
    pub(crate) fn is_live(&self) -> bool {
        self.port != 0 && self.fd.is_some()
    }
}

impl Firmware {
    pub(crate) fn server_is_live(&self, slot: u8) -> bool {
        self.slot(slot).is_some_and(|at| at.server.is_live())
    }

    /// Listens, non-blocking. A listener that was there before is overwritten, not closed (Q6).
    pub(crate) fn begin_server(&mut self, slot: u8, port: u16) -> bool {
        // Adafruit 3.x: a listening slot says yes to every port (Q31).
        if self.persona.core == Core::Esp32 && self.server_is_live(slot) {
            return true;
        }
        let fd = self.listener(port);
        let Some(at) = self.slot_mut(slot) else { return false };
        at.server = Server { port, fd, ..Server::default() };
        fd.is_some()
    }

    fn listener(&mut self, port: u16) -> Option<Fd> {
        let made = self.lwip.socket(STREAM);
        let fd = self.note(made)?;
        let backlog = self.persona.backlog;
        let listening = self.lwip.bind(fd, port).and_then(|()| self.lwip.listen(fd, backlog));
        if self.note(listening).is_none() {
            let _ = self.lwip.close(fd);
            return None;
        }
        let _ = self.lwip.set_non_blocking(fd, true);
        Some(fd)
    }

    /// Starts the blocking connect; a descriptor that the slot held is overwritten (Q6).
    pub(crate) fn connect_client(&mut self, slot: u8, remote: SocketAddrV4, now: Instant) -> Step {
        let made = self.lwip.socket(STREAM);
        let Some(fd) = self.note(made) else { return Reply::Params(vec![]).into() };
        let started = self.lwip.connect(fd, remote);
        if self.note(started).is_none() {
            let _ = self.lwip.close(fd);
            return Reply::Params(vec![]).into();
        }
        let until = now + self.persona.connect_limit;
        self.begin(Wait::Client { slot, fd, until }, now)
    }

    /// The end of a blocking connect.
    pub(crate) fn client_connects(&mut self, slot: u8, fd: Fd, done: bool) -> Reply {
        if !done {
            let _ = self.lwip.close(fd);
            return Reply::Params(vec![]);
        }
        let _ = self.lwip.set_non_blocking(fd, true);
        self.set_kind(slot, Kind::Tcp);
        if let Some(at) = self.slot_mut(slot) {
            at.tcp = Some(fd);
            at.by_client = true;
        }
        Reply::ok()
    }

    pub(crate) fn stop_tcp(&mut self, slot: u8) {
        if let Some(fd) = self.slot_mut(slot).and_then(|at| at.tcp.take()) {
            let _ = self.lwip.close(fd);
        }
    }

    /// Readable bytes; an error closes and forgets the descriptor.
    pub(crate) fn client_available(&mut self, slot: u8) -> usize {
        let Some(fd) = self.slot(slot).and_then(|at| at.tcp) else { return 0 };
        self.descriptor_available(fd).unwrap_or_else(|| {
            self.forget(slot);
            0
        })
    }

    fn descriptor_available(&mut self, fd: Fd) -> Option<usize> {
        let available = self.lwip.available(fd).ok();
        if available.is_none() {
            let _ = self.lwip.close(fd);
        }
        available
    }

    /// The connected probe: a peer that closed counts as connected until its data is drained.
    pub(crate) fn client_connected(&mut self, slot: u8) -> bool {
        let Some(fd) = self.slot(slot).and_then(|at| at.tcp) else { return false };
        let connected = self.descriptor_connected(fd);
        if !connected {
            self.forget(slot);
        }
        connected
    }

    fn descriptor_connected(&mut self, fd: Fd) -> bool {
        match self.descriptor_available(fd) {
            None => return false,
            Some(0) => {}
            Some(_) => return true,
        }
        match self.lwip.recv(fd, 1, true) {
            Ok(bytes) if !bytes.is_empty() => true,
            Err(EAGAIN) => true,
            _ => {
                let _ = self.lwip.close(fd);
                false
            }
        }
    }

    fn forget(&mut self, slot: u8) {
        if let Some(at) = self.slot_mut(slot) {
            at.tcp = None;
        }
    }

    pub(crate) fn read_client(&mut self, slot: u8, limit: usize, peek: bool) -> Vec<u8> {
        let queued = self.client_available(slot);
        let Some(fd) = self.slot(slot).and_then(|at| at.tcp).filter(|_| queued > 0) else {
            return Vec::new();
        };
        let received = self.lwip.recv(fd, limit, peek);
        self.note(received).unwrap_or_default()
    }

    /// A listener writes to every peer of the mode without the accept flag.
    pub(crate) fn write_client(&mut self, slot: u8, data: Vec<u8>, now: Instant) -> Step {
        let Some(at) = self.slot(slot) else { return Reply::bytes(&[0, 0]).into() };
        let broadcast = at.server.is_live() && self.persona.core == Core::Nina;
        let targets = if broadcast {
            at.server.spawned.iter().flatten().copied().collect()
        } else {
            at.tcp.into_iter().collect()
        };
        self.begin(Wait::Write(Write::new(targets, data)), now)
    }

    /// The slot of a peer: a new one, or without `accept` one that has data. `None` if there is
    /// none, or no slot for it.
    pub(crate) fn server_client(&mut self, listener: u8, accept: bool) -> Option<u8> {
        let immediate = self.persona.core == Core::Esp32;
        if accept && self.free_slot().is_none() {
            return None;
        }
        let fd = if accept || immediate {
            self.server_accept(listener)?
        } else {
            self.server_available(listener)?
        };
        let known = (0..self.persona.sockets).find(|slot| {
            *slot != listener
                && self.slot(*slot).is_some_and(|at| at.kind == Kind::Tcp && at.tcp == Some(fd))
        });
        if known.is_some() {
            return known;
        }
        let Some(slot) = self.free_slot() else {
            if immediate {
                let _ = self.lwip.close(fd);
            }
            return None;
        };
        self.set_kind(slot, Kind::Tcp);
        if let Some(at) = self.slot_mut(slot) {
            at.tcp = Some(fd);
        }
        Some(slot)
    }

    /// Takes a peer in advance; `true` if one is held.
    pub(crate) fn prefetch(&mut self, slot: u8) -> bool {
        let Some(Server { fd: Some(fd), prefetched, .. }) = self.slot(slot).map(|at| &at.server)
        else {
            return false;
        };
        let (fd, held) = (*fd, *prefetched);
        let held = held.or_else(|| self.accept_from(fd));
        if let Some(at) = self.slot_mut(slot) {
            at.server.prefetched = held;
        }
        held.is_some()
    }

    fn server_accept(&mut self, slot: u8) -> Option<Fd> {
        let server = &mut self.slot_mut(slot)?.server;
        let (fd, held) = (server.fd?, server.prefetched.take());
        held.or_else(|| self.accept_from(fd))
    }

    fn accept_from(&mut self, listener: Fd) -> Option<Fd> {
        let accepted = self.lwip.accept(listener);
        self.note(accepted).map(|(fd, _)| fd)
    }

    /// Takes a peer into the spawned list, then finds the first of the list that has data.
    pub(crate) fn server_available(&mut self, slot: u8) -> Option<Fd> {
        let accepted = self.server_accept(slot);
        let spawned = &mut self.slot_mut(slot)?.server.spawned;
        if let Some(place) = spawned.iter_mut().find(|place| place.is_none()) {
            *place = accepted;
        }
        let mut list = *spawned;
        let mut ready = None;
        for place in &mut list {
            let Some(fd) = *place else { continue };
            if !self.descriptor_connected(fd) {
                *place = None;
            } else if self.descriptor_available(fd).is_some_and(|count| count > 0) {
                ready = Some(fd);
                break;
            }
        }
        self.slot_mut(slot)?.server.spawned = list;
        ready
    }
}
