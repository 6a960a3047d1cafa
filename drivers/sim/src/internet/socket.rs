//! The sockets of a node: what has arrived, and what may be sent.

use core::net::SocketAddrV4;
use std::collections::VecDeque;

use netdev::{Error, Instant};

use crate::Sock;

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(Tcp),
    Listener(Listener),
    Udp(Udp),
}

#[derive(Debug)]
pub(super) struct Listener {
    pub(super) port: u16,
    pub(super) backlog: usize,
    pub(super) queue: VecDeque<Sock>,
}

#[derive(Debug)]
pub(super) struct Udp {
    pub(super) port: u16,
    pub(super) queue: VecDeque<(SocketAddrV4, Vec<u8>)>,
}

#[derive(Debug)]
pub(super) struct Tcp {
    pub(super) local: SocketAddrV4,
    pub(super) remote: SocketAddrV4,
    pub(super) state: State,
    /// How many bytes the peer has room for.
    pub(super) credit: usize,
    pub(super) received: VecDeque<u8>,
    /// The peer sends no more.
    pub(super) peer_ended: bool,
    pub(super) read_ended: bool,
    pub(super) write_ended: bool,
    /// When the last thing sent arrives: nothing overtakes it.
    pub(super) last_arrival: Instant,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    Connecting,
    Connected(Sock),
    Failed(Error),
    Reset,
}

impl Listener {
    pub(super) fn new(port: u16, backlog: u16) -> Self {
        Self { port, backlog: usize::from(backlog).max(1), queue: [].into() }
    }
}

impl Tcp {
    pub(super) fn new(local: SocketAddrV4, remote: SocketAddrV4) -> Self {
        Self {
            local,
            remote,
            state: State::Connecting,
            credit: 0,
            received: VecDeque::new(),
            peer_ended: false,
            read_ended: false,
            write_ended: false,
            last_arrival: Instant::START,
        }
    }

    pub(super) fn connected(&self) -> nb::Result<(), Error> {
        match self.state {
            State::Connecting => Err(nb::Error::WouldBlock),
            State::Failed(error) => Err(nb::Error::Other(error)),
            State::Connected(_) | State::Reset => Ok(()),
        }
    }

    /// How much of `data` may go, and to whom.
    pub(super) fn room_for(&self, data: &[u8]) -> nb::Result<(Sock, usize), Error> {
        let peer = self.peer()?;
        if self.write_ended {
            return Err(nb::Error::Other(Error::BrokenPipe));
        }
        match self.credit.min(data.len()) {
            0 if !data.is_empty() => Err(nb::Error::WouldBlock),
            length => Ok((peer, length)),
        }
    }

    pub(super) fn recv(&mut self, buf: &mut [u8], peek: bool) -> nb::Result<usize, Error> {
        if matches!(self.state, State::Connecting | State::Failed(_)) {
            return Err(nb::Error::Other(Error::NotConnected));
        }
        let length = self.received.len().min(buf.len());
        if length == 0 && !buf.is_empty() && !self.read_ended {
            match self.state {
                State::Reset => return Err(nb::Error::Other(Error::ConnectionReset)),
                _ if !self.peer_ended => return Err(nb::Error::WouldBlock),
                _ => {}
            }
        }
        for (to, byte) in buf.iter_mut().zip(&self.received) {
            *to = *byte;
        }
        if !peek {
            self.received.drain(..length);
        }
        Ok(length)
    }

    pub(super) fn peer(&self) -> Result<Sock, Error> {
        match self.state {
            State::Connected(peer) => Ok(peer),
            State::Reset => Err(Error::ConnectionReset),
            State::Connecting | State::Failed(_) => Err(Error::NotConnected),
        }
    }
}

impl Socket {
    pub(super) fn tcp(&mut self) -> Result<&mut Tcp, Error> {
        match self {
            Self::Tcp(tcp) => Ok(tcp),
            Self::Listener(_) => Err(Error::NotConnected),
            Self::Udp(_) => Err(Error::DestinationRequired),
        }
    }

    pub(super) fn listener(&mut self) -> Result<&mut Listener, Error> {
        if let Self::Listener(listener) = self { Ok(listener) } else { Err(Error::InvalidState) }
    }

    pub(super) fn udp(&mut self) -> Result<&mut Udp, Error> {
        if let Self::Udp(udp) = self { Ok(udp) } else { Err(Error::InvalidState) }
    }

    /// Whether this socket has that port for itself, among the sockets of its kind.
    pub(super) fn holds(&self, port: u16, datagrams: bool) -> bool {
        match self {
            Self::Tcp(tcp) => !datagrams && tcp.local.port() == port,
            Self::Listener(listener) => !datagrams && listener.port == port,
            Self::Udp(udp) => datagrams && udp.port == port,
        }
    }
}
