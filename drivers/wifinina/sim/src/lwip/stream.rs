//! A TCP socket of the pool: queues of 5,744 bytes each way over a [`Stack`]'s connection.

use std::collections::VecDeque;

use core::net::{SocketAddr, SocketAddrV4};

use netdev_sim::{Sock, Stack};

use super::{
    EAGAIN, EALREADY, EHOSTUNREACH, EINPROGRESS, EINVAL, EISCONN, ENOTCONN, Errno, QUEUE,
    Readiness, v4,
};
use crate::errno::ECONNRESET;

#[derive(Default)]
pub(super) struct Stream {
    /// The port asked for; 0 is none.
    pub(super) bound: u16,
    state: State,
    /// Accepted by the network, not by the firmware: where the network does not tell who waits.
    backlog: VecDeque<(Sock, SocketAddrV4)>,
    /// How many waited when somebody last looked, where it does.
    waited: usize,
    room: usize,
    /// Bytes that a look at the connection found; they stay there until they are read, so that a
    /// close with unread data is a reset.
    queued: usize,
    end: Option<End>,
    sending: VecDeque<u8>,
    error: Option<Errno>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Fresh,
    Listening(Sock),
    Connecting(Sock, SocketAddrV4),
    Connected(Sock, SocketAddrV4),
    Failed(Errno),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Orderly,
    Reset,
}

impl Stream {
    pub(super) fn connected(sock: Sock, peer: SocketAddrV4) -> Self {
        Self { state: State::Connected(sock, peer), ..Self::default() }
    }

    pub(super) fn listen(&mut self, stack: &mut dyn Stack, backlog: u8) -> Result<(), Errno> {
        let State::Fresh = self.state else { return Err(EINVAL) };
        let room = backlog.max(1);
        self.state = State::Listening(stack.listen(self.bound, room.into())?);
        self.room = room.into();
        Ok(())
    }

    pub(super) fn accept(&mut self, stack: &mut dyn Stack) -> Result<(Sock, SocketAddrV4), Errno> {
        let State::Listening(sock) = self.state else { return Err(EINVAL) };
        self.look_at_backlog(stack);
        if let Some(first) = self.backlog.pop_front() {
            return Ok(first);
        }
        let (peer, addr) = stack.accept(sock).map_err(|_| EAGAIN)?;
        self.waited = self.waited.saturating_sub(1);
        Ok((peer, v4(addr)))
    }

    pub(super) fn connect(
        &mut self,
        stack: &mut dyn Stack,
        to: SocketAddrV4,
        online: bool,
    ) -> Result<(), Errno> {
        match self.state {
            State::Fresh | State::Failed(_) => {}
            State::Connecting(..) => return Err(EALREADY),
            State::Connected(..) => return Err(EISCONN),
            State::Listening(_) => return Err(EINVAL),
        }
        if !online {
            return Err(EHOSTUNREACH);
        }
        self.state = State::Connecting(stack.connect(SocketAddr::V4(to))?, to);
        Ok(())
    }

    /// `None` while the connection is being made.
    pub(super) fn connection(&self) -> Option<Result<(), Errno>> {
        match self.state {
            State::Connecting(..) => None,
            State::Connected(..) => Some(Ok(())),
            State::Failed(errno) => Some(Err(errno)),
            State::Fresh | State::Listening(_) => Some(Err(ENOTCONN)),
        }
    }

    pub(super) fn fail(&mut self, stack: &mut dyn Stack, errno: Errno) {
        if let State::Connecting(sock, _) = self.state {
            stack.close(sock);
            self.state = State::Failed(errno);
            self.error = Some(errno);
        }
    }

    /// Looks what the network did; says whether anything came in.
    pub(super) fn poll(&mut self, stack: &mut dyn Stack, scratch: &mut [u8]) -> bool {
        match self.state {
            State::Fresh | State::Failed(_) => false,
            State::Listening(_) => self.look_at_backlog(stack),
            State::Connecting(sock, peer) => match stack.connected(sock) {
                Ok(()) => {
                    self.state = State::Connected(sock, peer);
                    true
                }
                Err(nb::Error::WouldBlock) => false,
                Err(nb::Error::Other(error)) => {
                    self.fail(stack, error.into());
                    true
                }
            },
            State::Connected(sock, _) => {
                self.flush(stack, sock);
                self.look(stack, sock, scratch)
            }
        }
    }

    /// Whether somebody came since the last look. The network queues as many as were asked for; one
    /// that does not tell how many has them taken off, and so queues as many again.
    fn look_at_backlog(&mut self, stack: &mut dyn Stack) -> bool {
        let State::Listening(sock) = self.state else { return false };
        if let Some(waiting) = stack.waiting(sock) {
            return core::mem::replace(&mut self.waited, waiting) < waiting;
        }
        let before = self.backlog.len();
        while self.backlog.len() < self.room {
            match stack.accept(sock) {
                Ok((peer, addr)) => self.backlog.push_back((peer, v4(addr))),
                Err(_) => break,
            }
        }
        self.backlog.len() > before
    }

    fn look(&mut self, stack: &mut dyn Stack, sock: Sock, scratch: &mut [u8]) -> bool {
        if self.end.is_some() || self.queued == QUEUE {
            return false;
        }
        match stack.recv(sock, scratch, true) {
            Ok(0) => self.end = Some(End::Orderly),
            Ok(length) => {
                let more = length > self.queued;
                self.queued = length;
                return more;
            }
            Err(nb::Error::WouldBlock) => return false,
            Err(nb::Error::Other(_)) => self.reset(),
        }
        true
    }

    /// The connection broke: what was queued is discarded.
    fn reset(&mut self) {
        self.end = Some(End::Reset);
        self.error = Some(ECONNRESET);
        self.queued = 0;
        self.sending.clear();
    }

    fn flush(&mut self, stack: &mut dyn Stack, sock: Sock) {
        while !self.sending.is_empty() {
            let (front, _) = self.sending.as_slices();
            match stack.send(sock, front) {
                Ok(count) if count > 0 => drop(self.sending.drain(..count)),
                Ok(_) | Err(nb::Error::WouldBlock) => return,
                Err(nb::Error::Other(_)) => return self.reset(),
            }
        }
    }

    pub(super) fn send(&mut self, stack: &mut dyn Stack, data: &[u8]) -> Result<usize, Errno> {
        let sock = match self.state {
            State::Connected(sock, _) => sock,
            State::Connecting(..) => return Err(EINPROGRESS),
            _ => return Err(ENOTCONN),
        };
        self.flush(stack, sock);
        if self.end == Some(End::Reset) {
            return Err(self.take_error().unwrap_or(ENOTCONN));
        }
        let count = data.len().min(QUEUE - self.sending.len());
        self.sending.extend(data.iter().take(count));
        self.flush(stack, sock);
        if count == 0 && !data.is_empty() { Err(EAGAIN) } else { Ok(count) }
    }

    pub(super) fn recv(
        &mut self,
        stack: &mut dyn Stack,
        buffer: &mut [u8],
        peek: bool,
    ) -> Result<usize, Errno> {
        let State::Connected(sock, _) = self.state else { return Err(ENOTCONN) };
        let limit = buffer.len().min(self.queued);
        if limit == 0 {
            return match self.end {
                None => Err(EAGAIN),
                Some(End::Orderly) => Err(ENOTCONN),
                Some(End::Reset) => Err(self.take_error().unwrap_or(ENOTCONN)),
            };
        }
        match stack.recv(sock, buffer.get_mut(..limit).unwrap_or(&mut []), peek) {
            Ok(length) => {
                self.queued -= if peek { 0 } else { length };
                Ok(length)
            }
            Err(nb::Error::WouldBlock) => Err(EAGAIN),
            Err(nb::Error::Other(_)) => {
                self.reset();
                Err(ECONNRESET)
            }
        }
    }

    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    pub(super) fn peer(&self) -> Result<SocketAddrV4, Errno> {
        match self.state {
            State::Connected(_, peer) if self.end != Some(End::Reset) => Ok(peer),
            _ => Err(ENOTCONN),
        }
    }

    pub(super) fn has_local_addr(&self) -> bool {
        matches!(self.state, State::Connecting(..) | State::Connected(..))
    }

    pub(super) fn readiness(&self) -> Readiness {
        match self.state {
            State::Fresh | State::Connecting(..) => Readiness::default(),
            State::Failed(_) => Readiness { readable: true, writable: true, failed: true },
            State::Listening(_) => {
                let readable = !self.backlog.is_empty() || self.waited > 0;
                Readiness { readable, ..Readiness::default() }
            }
            State::Connected(..) => Readiness {
                readable: self.queued > 0 || self.end.is_some(),
                writable: self.sending.len() < QUEUE || self.end == Some(End::Reset),
                failed: self.end == Some(End::Reset),
            },
        }
    }

    pub(super) fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    /// Sends what is left, then closes; `false` while the peer does not take it.
    pub(super) fn finish(&mut self, stack: &mut dyn Stack) -> bool {
        if let State::Connected(sock, _) = self.state {
            self.flush(stack, sock);
            if !self.sending.is_empty() {
                return false;
            }
        }
        self.abandon(stack);
        true
    }

    /// Closes at once.
    pub(super) fn abandon(&mut self, stack: &mut dyn Stack) {
        for (sock, _) in self.backlog.drain(..) {
            stack.close(sock);
        }
        match core::mem::take(&mut self.state) {
            State::Listening(sock) | State::Connecting(sock, _) | State::Connected(sock, _) => {
                stack.close(sock);
            }
            State::Fresh | State::Failed(_) => {}
        }
    }
}
