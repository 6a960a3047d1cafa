//! A TCP socket: 7,300 bytes each way over a [`Stack`]'s connection.

use std::collections::VecDeque;

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use netdev::{Instant, Side};
use netdev_sim::{Sock, Stack};

use super::{local, v4};
use crate::errno::{
    EAGAIN, EALREADY, ECONNABORTED, ECONNRESET, EHOSTUNREACH, EINPROGRESS, EINVAL, EISCONN,
    ENOTCONN, Errno,
};

/// The send buffer, and the receive window.
pub(super) const BUFFER: usize = 7300;
/// Free bytes of the send buffer from which on a socket counts as writable.
const WRITABLE: usize = 3650;
/// Connections that wait to be accepted.
const BACKLOG: usize = 6;

#[derive(Default)]
pub(super) struct Stream {
    /// The port asked for, or picked; 0 is none.
    bound: u16,
    state: State,
    backlog: VecDeque<(Sock, SocketAddrV4)>,
    sending: VecDeque<u8>,
    received: VecDeque<u8>,
    end: Option<End>,
    /// The host sends, or reads, no more.
    write_ended: bool,
    read_ended: bool,
    /// The end was told to the peer.
    end_sent: bool,
    error: Option<Errno>,
}

#[derive(Clone, Copy, Default)]
enum State {
    #[default]
    Fresh,
    Listening(Sock),
    Connecting(Sock, SocketAddrV4, Instant),
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

    /// Port 0 asks for any free port: one that the stack would give is taken note of.
    pub(super) fn bind(&mut self, stack: &mut dyn Stack, port: u16) -> Result<(), Errno> {
        let State::Fresh = self.state else { return Err(EINVAL) };
        self.bound = port;
        if port == 0 {
            let probe = stack.listen(0, 1)?;
            self.bound = local(stack, probe).port();
            stack.close(probe);
        }
        Ok(())
    }

    pub(super) fn holds(&self, port: u16) -> bool {
        self.bound == port
    }

    pub(super) fn listen(&mut self, stack: &mut dyn Stack) -> Result<(), Errno> {
        match self.state {
            State::Fresh => {}
            State::Listening(_) => return Ok(()),
            _ => return Err(EINVAL),
        }
        let sock = stack.listen(self.bound, BACKLOG_OF_STACK)?;
        self.bound = local(stack, sock).port();
        self.state = State::Listening(sock);
        Ok(())
    }

    pub(super) fn accept(&mut self, non_blocking: bool) -> Result<(Sock, SocketAddrV4), Errno> {
        match self.state {
            State::Listening(_) => self.backlog.pop_front().ok_or(EAGAIN),
            _ if non_blocking => Err(EAGAIN),
            _ => Err(ENOTCONN),
        }
    }

    pub(super) fn connect(
        &mut self,
        stack: &mut dyn Stack,
        to: SocketAddrV4,
        online: bool,
        until: Instant,
    ) -> Result<(), Errno> {
        match self.state {
            State::Fresh => {}
            State::Connecting(..) => return Err(EALREADY),
            State::Connected(..) => return Err(EISCONN),
            State::Listening(_) => return Err(EINVAL),
            State::Failed(_) => return Err(ENOTCONN),
        }
        if !online {
            return Err(EHOSTUNREACH);
        }
        self.state = State::Connecting(stack.connect(SocketAddr::V4(to))?, to, until);
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

    fn fail(&mut self, stack: &mut dyn Stack, errno: Errno) {
        if let State::Connecting(sock, ..) = self.state {
            stack.close(sock);
            self.state = State::Failed(errno);
            self.error = Some(errno);
        }
    }

    /// What nobody has answered in time has failed.
    pub(super) fn expire(&mut self, stack: &mut dyn Stack, now: Instant) {
        if let State::Connecting(_, _, until) = self.state
            && until <= now
        {
            self.fail(stack, ECONNABORTED);
        }
    }

    /// Looks what the network did; tells how many peers it had to turn away, having room for
    /// `spare`.
    pub(super) fn poll(
        &mut self,
        stack: &mut dyn Stack,
        scratch: &mut [u8],
        spare: usize,
        now: Instant,
    ) -> u64 {
        match self.state {
            State::Fresh | State::Failed(_) => {}
            State::Listening(sock) => return self.fill_backlog(stack, sock, spare),
            State::Connecting(sock, peer, _) => {
                match stack.connected(sock) {
                    Ok(()) => self.state = State::Connected(sock, peer),
                    Err(nb::Error::WouldBlock) => {}
                    Err(nb::Error::Other(error)) => self.fail(stack, error.into()),
                }
                self.expire(stack, now);
            }
            State::Connected(sock, _) => {
                self.flush(stack, sock);
                self.pull(stack, sock, scratch);
            }
        }
        0
    }

    /// Beyond its six places, and beyond the `netconn`s that are left, peers are reset.
    fn fill_backlog(&mut self, stack: &mut dyn Stack, sock: Sock, spare: usize) -> u64 {
        let room = BACKLOG.min(self.backlog.len() + spare);
        let mut dropped = 0;
        for _ in 0..BACKLOG_OF_STACK {
            match stack.accept(sock) {
                Ok((peer, addr)) if self.backlog.len() < room => {
                    self.backlog.push_back((peer, v4(addr)));
                }
                Ok((peer, _)) => {
                    stack.abort(peer);
                    dropped += 1;
                }
                Err(_) => break,
            }
        }
        dropped
    }

    /// Fills the receive window.
    fn pull(&mut self, stack: &mut dyn Stack, sock: Sock, scratch: &mut [u8]) {
        for _ in 0..PULLS {
            if self.end.is_some() || self.received.len() >= BUFFER {
                return;
            }
            let room = BUFFER - self.received.len();
            let space = scratch.get_mut(..room).unwrap_or(&mut []);
            match stack.recv(sock, space, false) {
                Ok(0) => self.end = Some(End::Orderly),
                Ok(_) if self.read_ended => {}
                Ok(length) => self.received.extend(space.iter().take(length)),
                Err(nb::Error::WouldBlock) => return,
                Err(nb::Error::Other(_)) => self.reset(),
            }
        }
    }

    /// The connection broke: what was queued is lost, both ways.
    fn reset(&mut self) {
        self.end = Some(End::Reset);
        self.error = Some(ECONNRESET);
        self.received.clear();
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
        if self.write_ended && !self.end_sent && self.end != Some(End::Reset) {
            self.end_sent = stack.shutdown(sock, Side::Write).is_ok();
        }
    }

    /// Queues what fits of `data`: `EAGAIN` if not one byte does.
    pub(super) fn send(
        &mut self,
        stack: &mut dyn Stack,
        data: &[u8],
        online: bool,
    ) -> Result<usize, Errno> {
        let sock = match self.state {
            State::Connected(sock, _) => sock,
            State::Connecting(..) => return Err(EINPROGRESS),
            _ => return Err(ENOTCONN),
        };
        if self.end == Some(End::Reset) {
            return Err(ECONNRESET);
        }
        if self.write_ended {
            return Err(ENOTCONN);
        }
        let count = data.len().min(BUFFER - self.sending.len());
        self.sending.extend(data.iter().take(count));
        if online {
            self.flush(stack, sock);
        }
        match self.end {
            Some(End::Reset) => Err(ECONNRESET),
            _ if count == 0 => Err(EAGAIN),
            _ => Ok(count),
        }
    }

    /// Queued bytes, `None` at the end, `EAGAIN` if there are none yet.
    pub(super) fn recv(&mut self, limit: usize, peek: bool) -> Result<Option<Vec<u8>>, Errno> {
        match self.state {
            State::Connected(..) => {}
            State::Connecting(..) => return Err(EAGAIN),
            _ => return Err(ENOTCONN),
        }
        if self.received.is_empty() {
            return match self.end {
                Some(End::Reset) => Err(ECONNRESET),
                None if !self.read_ended => Err(EAGAIN),
                _ => Ok(None),
            };
        }
        let count = limit.min(self.received.len());
        Ok(Some(if peek {
            self.received.iter().take(count).copied().collect()
        } else {
            self.received.drain(..count).collect()
        }))
    }

    pub(super) fn shutdown(
        &mut self,
        stack: &mut dyn Stack,
        read: bool,
        write: bool,
    ) -> Result<(), Errno> {
        let State::Connected(sock, _) = self.state else { return Err(ENOTCONN) };
        if read {
            self.read_ended = true;
            self.received.clear();
        }
        if write {
            self.write_ended = true;
            self.flush(stack, sock);
        }
        Ok(())
    }

    pub(super) fn peer(&self) -> Result<SocketAddrV4, Errno> {
        match self.state {
            State::Connected(_, peer) if self.end != Some(End::Reset) => Ok(peer),
            _ => Err(ENOTCONN),
        }
    }

    pub(super) fn own_addr(&self, stack: &dyn Stack) -> SocketAddrV4 {
        match self.state {
            State::Connecting(sock, ..) | State::Connected(sock, _) => local(stack, sock),
            _ => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, self.bound),
        }
    }

    pub(super) fn is_listening(&self) -> bool {
        matches!(self.state, State::Listening(_))
    }

    pub(super) fn waiting(&self) -> usize {
        self.backlog.len()
    }

    pub(super) fn is_readable(&self) -> bool {
        match self.state {
            State::Listening(_) => !self.backlog.is_empty(),
            State::Connected(..) => !self.received.is_empty() || self.end.is_some(),
            State::Failed(_) => true,
            State::Fresh | State::Connecting(..) => false,
        }
    }

    pub(super) fn is_writable(&self) -> bool {
        match self.state {
            State::Connected(..) => BUFFER - self.sending.len() > WRITABLE,
            State::Failed(_) => true,
            State::Fresh | State::Listening(_) | State::Connecting(..) => false,
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        matches!(self.state, State::Failed(_)) || self.end == Some(End::Reset)
    }

    /// The error that waits to be asked for; asking takes it.
    pub(super) fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    pub(super) fn has_unsent(&self) -> bool {
        matches!(self.state, State::Connected(..))
            && (!self.sending.is_empty() || (self.write_ended && !self.end_sent))
    }

    /// Sends what is left, then closes; `false` while the peer does not take it. Unread bytes make
    /// it a reset.
    pub(super) fn finish(&mut self, stack: &mut dyn Stack) -> bool {
        if let State::Connected(sock, _) = self.state {
            if !self.received.is_empty() {
                stack.abort(sock);
                self.state = State::Fresh;
                return true;
            }
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
            stack.abort(sock);
        }
        match core::mem::take(&mut self.state) {
            State::Listening(sock) | State::Connecting(sock, ..) | State::Connected(sock, _) => {
                stack.close(sock);
            }
            State::Fresh | State::Failed(_) => {}
        }
    }
}

/// Connections that the stack below keeps for us; what does not fit here is turned away at a look.
const BACKLOG_OF_STACK: u16 = 16;
/// Pieces taken at one look.
const PULLS: usize = 16;
