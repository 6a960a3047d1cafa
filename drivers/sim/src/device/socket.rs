//! One socket of the device: what state it is in, and which calls fit.

use core::net::{Ipv4Addr, SocketAddr};

use netdev::{Error, Side};

use crate::{Sock, Stack};

pub(super) struct Socket {
    state: State,
    reset_on_close: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// A stream that does nothing yet, perhaps with an address.
    Fresh {
        local: Option<SocketAddr>,
    },
    Calling {
        sock: Sock,
        remote: SocketAddr,
    },
    Connected {
        sock: Sock,
        remote: SocketAddr,
    },
    /// `waiting` was taken off the stack's queue to see whether there is one.
    Listening {
        sock: Sock,
        local: SocketAddr,
        waiting: Option<(Sock, SocketAddr)>,
    },
    /// `open` from the first use on.
    Datagrams {
        open: Option<Datagrams>,
        peer: Option<SocketAddr>,
    },
}

#[derive(Clone, Copy, Debug)]
struct Datagrams {
    sock: Sock,
    local: SocketAddr,
}

impl Socket {
    pub(super) fn stream() -> Self {
        Self::new(State::Fresh { local: None })
    }

    pub(super) fn datagrams() -> Self {
        Self::new(State::Datagrams { open: None, peer: None })
    }

    pub(super) fn accepted(sock: Sock, remote: SocketAddr) -> Self {
        Self::new(State::Connected { sock, remote })
    }

    fn new(state: State) -> Self {
        Self { state, reset_on_close: false }
    }

    pub(super) fn set_reset_on_close(&mut self, reset: bool) {
        self.reset_on_close = reset;
    }

    pub(super) fn close(self, stack: &mut dyn Stack) {
        match self.state {
            State::Connected { sock, .. } if self.reset_on_close => stack.abort(sock),
            State::Calling { sock, .. } | State::Connected { sock, .. } => stack.close(sock),
            State::Listening { sock, waiting, .. } => {
                stack.close(sock);
                if let Some((sock, _)) = waiting {
                    stack.abort(sock);
                }
            }
            State::Datagrams { open: Some(Datagrams { sock, .. }), .. } => stack.close(sock),
            State::Fresh { .. } | State::Datagrams { open: None, .. } => {}
        }
    }

    /// Binds; `kept` are the ports of streams that are bound and do not listen yet.
    pub(super) fn bind(
        &mut self,
        stack: &mut dyn Stack,
        local: SocketAddr,
        kept: &[u16],
    ) -> nb::Result<(), Error> {
        let SocketAddr::V4(wanted) = local else {
            return Err(nb::Error::Other(Error::InvalidInput));
        };
        let ip = wanted.ip();
        if !ip.is_unspecified() && !ip.is_loopback() && *ip != stack.addr() {
            return Err(nb::Error::Other(Error::AddrNotAvailable));
        }
        match &mut self.state {
            State::Fresh { local: own @ None } => {
                let port = free_port(stack, local.port(), kept)?;
                *own = Some(SocketAddr::new(local.ip(), port));
                Ok(())
            }
            State::Datagrams { open: open @ None, .. } => {
                *open = Some(Datagrams::open(stack, local)?);
                Ok(())
            }
            _ => Err(nb::Error::Other(Error::InvalidState)),
        }
    }

    pub(super) fn listen(&mut self, stack: &mut dyn Stack, backlog: u16) -> nb::Result<(), Error> {
        let State::Fresh { local } = self.state else {
            return Err(nb::Error::Other(Error::InvalidState));
        };
        let local = local.unwrap_or(ANY);
        let sock = stack.listen(local.port(), backlog)?;
        let port = stack.local_addr(sock)?.port();
        let local = SocketAddr::new(local.ip(), port);
        self.state = State::Listening { sock, local, waiting: None };
        Ok(())
    }

    /// The connection that waits to be accepted. It goes on waiting until [`taken`](Self::taken).
    pub(super) fn waiting(
        &mut self,
        stack: &mut dyn Stack,
    ) -> nb::Result<(Sock, SocketAddr), Error> {
        let State::Listening { sock, local, waiting } = &mut self.state else {
            return Err(nb::Error::Other(Error::InvalidState));
        };
        loop {
            if let Some(waiting) = waiting {
                return Ok(*waiting);
            }
            let (accepted, peer) = stack.accept(*sock)?;
            if admits(*local, peer) {
                *waiting = Some((accepted, peer));
            } else {
                stack.abort(accepted);
            }
        }
    }

    pub(super) fn taken(&mut self) {
        if let State::Listening { waiting, .. } = &mut self.state {
            *waiting = None;
        }
    }

    pub(super) fn connect(
        &mut self,
        stack: &mut dyn Stack,
        remote: SocketAddr,
    ) -> nb::Result<(), Error> {
        match &mut self.state {
            State::Fresh { local: None } => {
                let sock = stack.connect(remote)?;
                self.state = State::Calling { sock, remote };
                self.finish_call(stack)
            }
            // A stack chooses the address that it calls from by itself.
            State::Fresh { local: Some(_) } => Err(nb::Error::Other(Error::Unsupported)),
            State::Calling { remote: called, .. } if *called == remote => self.finish_call(stack),
            State::Calling { .. } | State::Connected { .. } | State::Listening { .. } => {
                Err(nb::Error::Other(Error::InvalidState))
            }
            State::Datagrams { open, peer } => {
                if remote.is_ipv6() {
                    return Err(nb::Error::Other(Error::Unsupported));
                }
                Datagrams::ensure(open, stack)?;
                *peer = Some(remote);
                Ok(())
            }
        }
    }

    fn finish_call(&mut self, stack: &mut dyn Stack) -> nb::Result<(), Error> {
        let State::Calling { sock, remote } = self.state else { return Ok(()) };
        let answer = stack.connected(sock);
        match answer {
            Ok(()) => self.state = State::Connected { sock, remote },
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(_)) => {
                stack.close(sock);
                self.state = State::Fresh { local: None };
            }
        }
        answer
    }

    pub(super) fn send(&mut self, stack: &mut dyn Stack, data: &[u8]) -> nb::Result<usize, Error> {
        match &mut self.state {
            State::Connected { sock, .. } => stack.send(*sock, data),
            State::Datagrams { open, peer } => {
                let peer = peer.ok_or(Error::DestinationRequired)?;
                let sock = Datagrams::ensure(open, stack)?.sock;
                stack.send_to(sock, data, peer)
            }
            _ => Err(nb::Error::Other(Error::NotConnected)),
        }
    }

    pub(super) fn send_to(
        &mut self,
        stack: &mut dyn Stack,
        data: &[u8],
        to: SocketAddr,
    ) -> nb::Result<usize, Error> {
        let State::Datagrams { open, peer: None } = &mut self.state else {
            return Err(nb::Error::Other(Error::InvalidState));
        };
        let sock = Datagrams::ensure(open, stack)?.sock;
        stack.send_to(sock, data, to)
    }

    pub(super) fn recv(
        &mut self,
        stack: &mut dyn Stack,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<usize, Error> {
        match self.state {
            State::Connected { sock, .. } => stack.recv(sock, buf, peek),
            State::Datagrams { .. } => {
                let (length, _) = self.recv_from(stack, buf, peek)?;
                Ok(length.min(buf.len()))
            }
            _ => Err(nb::Error::Other(Error::NotConnected)),
        }
    }

    pub(super) fn recv_from(
        &mut self,
        stack: &mut dyn Stack,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let State::Datagrams { open, peer } = &mut self.state else {
            return Err(nb::Error::Other(Error::InvalidState));
        };
        let Datagrams { sock, local } = *Datagrams::ensure(open, stack)?;
        loop {
            let (_, from) = stack.recv_from(sock, &mut [], true)?;
            if admits(local, from) && peer.is_none_or(|peer| peer == from) {
                return stack.recv_from(sock, buf, peek);
            }
            stack.recv_from(sock, &mut [], false)?;
        }
    }

    pub(super) fn shutdown(&mut self, stack: &mut dyn Stack, side: Side) -> nb::Result<(), Error> {
        let State::Connected { sock, .. } = self.state else {
            return Err(nb::Error::Other(Error::NotConnected));
        };
        Ok(stack.shutdown(sock, side)?)
    }

    /// Whether a receive or an accept would have an answer.
    pub(super) fn is_ready(&mut self, stack: &mut dyn Stack) -> bool {
        let not_yet = match self.state {
            State::Fresh { .. } | State::Calling { .. } => true,
            State::Connected { .. } => self.recv(stack, &mut [0], true) == WOULD_BLOCK,
            State::Listening { .. } => self.waiting(stack) == Err(nb::Error::WouldBlock),
            State::Datagrams { open: None, .. } => true,
            State::Datagrams { .. } => self.recv(stack, &mut [], true) == WOULD_BLOCK,
        };
        !not_yet
    }

    pub(super) fn local_addr(&self, stack: &dyn Stack) -> Result<SocketAddr, Error> {
        match self.state {
            State::Fresh { local } => Ok(local.unwrap_or(ANY)),
            State::Calling { sock, .. } | State::Connected { sock, .. } => stack.local_addr(sock),
            State::Listening { local, .. } => Ok(local),
            State::Datagrams { open, .. } => Ok(open.map_or(ANY, |open| open.local)),
        }
    }

    pub(super) fn peer_addr(&self) -> Result<SocketAddr, Error> {
        match self.state {
            State::Connected { remote, .. } => Ok(remote),
            State::Datagrams { peer, .. } => peer.ok_or(Error::NotConnected),
            _ => Err(Error::NotConnected),
        }
    }

    pub(super) fn is_calling(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    /// The port of a stream that is bound and does not listen yet.
    pub(super) fn kept_port(&self) -> Option<u16> {
        if let State::Fresh { local: Some(local) } = self.state { Some(local.port()) } else { None }
    }
}

impl Datagrams {
    fn open(stack: &mut dyn Stack, local: SocketAddr) -> Result<Self, Error> {
        let sock = stack.udp(local.port())?;
        let port = stack.local_addr(sock)?.port();
        Ok(Self { sock, local: SocketAddr::new(local.ip(), port) })
    }

    fn ensure<'a>(open: &'a mut Option<Self>, stack: &mut dyn Stack) -> Result<&'a Self, Error> {
        match open {
            Some(open) => Ok(open),
            None => Ok(open.insert(Self::open(stack, ANY)?)),
        }
    }
}

/// A stack cannot keep a port for a stream that does not listen. Listening for a moment shows whether
/// a port is free, and chooses one for 0.
fn free_port(stack: &mut dyn Stack, port: u16, kept: &[u16]) -> Result<u16, Error> {
    for _ in 0..=kept.len() {
        let probe = stack.listen(port, 1)?;
        let found = stack.local_addr(probe).map(|local| local.port());
        stack.close(probe);
        let found = found?;
        if !kept.contains(&found) {
            return Ok(found);
        }
    }
    Err(Error::AddrInUse)
}

/// A socket bound to a loopback address hears only its own node; a stack hears everybody.
fn admits(local: SocketAddr, from: SocketAddr) -> bool {
    !local.ip().is_loopback() || from.ip().is_loopback()
}

const ANY: SocketAddr = SocketAddr::new(core::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
const WOULD_BLOCK: nb::Result<usize, Error> = Err(nb::Error::WouldBlock);
