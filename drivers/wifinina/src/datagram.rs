//! UDP, by descriptor: slots would share one address between what is sent and what is received, and
//! pass on at most fifty datagrams a second.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use netdev::{Error, Fault};

use crate::command::{
    BIND, CONNECT, DATAGRAM_MAX, NO_SOCKET, RECVFROM, SENDTO, SOCK_DGRAM, SOCKET, errno,
};
use crate::exchange::Owner;
use crate::listener::OTHER_PORTS;
use crate::sockets::Kind;
use crate::spi::SpiLink;
use crate::state::Core;
use crate::stream::stream_error;

/// How far a datagram socket has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opening {
    Socket,
    Unblock(u8),
    Bind(u8),
}

impl Opening {
    /// The descriptor that the chip has to close if it goes no further.
    pub(crate) fn fd(self) -> Option<u8> {
        match self {
            Self::Socket => None,
            Self::Unblock(fd) | Self::Bind(fd) => Some(fd),
        }
    }
}

/// A datagram socket that is bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram {
    pub(crate) fd: u8,
    /// It has a peer, and hears nobody else.
    connected: bool,
}

impl<L: SpiLink> Core<'_, L> {
    /// Binds, to a port of our choice where none was asked for: the firmware would not tell its own.
    pub(crate) fn open_datagram(&mut self, index: u8) -> nb::Result<Datagram, Error> {
        loop {
            let socket = self.sound(index)?;
            let opening = match socket.kind {
                Kind::Datagram(datagram) => return Ok(datagram),
                Kind::Opening(opening) => opening,
                Kind::Fresh if socket.dgram => Opening::Socket,
                _ => return Err(Error::InvalidState.into()),
            };
            if socket.port == 0 {
                self.choose_port(index, OTHER_PORTS)?;
            }
            self.socket(index)?.kind = Kind::Opening(opening);
            let next = self.open_step(index, opening)?;
            self.socket(index)?.kind = next;
        }
    }

    fn open_step(&mut self, index: u8, opening: Opening) -> nb::Result<Kind, Error> {
        let owner = Owner::Write(index);
        Ok(match opening {
            Opening::Socket => {
                let fd = self.ask(owner, &SOCKET, &[&[SOCK_DGRAM], &[0]])?.byte();
                match fd.ok_or(Error::Fault(Fault::Frame))? {
                    NO_SOCKET => return Err(Error::NoSockets.into()),
                    fd => Kind::Opening(Opening::Unblock(fd)),
                }
            }
            Opening::Unblock(fd) => {
                self.unblock(owner, fd)?;
                Kind::Opening(Opening::Bind(fd))
            }
            Opening::Bind(fd) => {
                let port = self.socket(index)?.port.to_be_bytes();
                let answer = self.ask(owner, &BIND, &[&[fd], &port])?;
                if answer.is_zero() {
                    self.port_was_taken(index)?;
                    return Ok(Kind::Opening(Opening::Bind(fd)));
                }
                Kind::Datagram(Datagram { fd, connected: false })
            }
        })
    }

    /// Gives a datagram socket its peer. It hears nobody else from now on.
    pub(crate) fn connect_datagram(
        &mut self,
        index: u8,
        remote: SocketAddrV4,
    ) -> nb::Result<(), Error> {
        let Datagram { fd, .. } = self.open_datagram(index)?;
        let (ip, port) = (remote.ip().octets(), remote.port().to_be_bytes());
        let answer = self.ask(Owner::Write(index), &CONNECT, &[&[fd], &ip, &port])?;
        if answer.is_zero() && ![errno::NONE, errno::EINPROGRESS].contains(&answer.errno) {
            return Err(stream_error(answer.errno).into());
        }
        let socket = self.socket(index)?;
        socket.peer = remote;
        socket.kind = Kind::Datagram(Datagram { fd, connected: true });
        Ok(())
    }

    /// Sends one datagram, to the peer if no destination is given.
    pub(crate) fn send_datagram(
        &mut self,
        index: u8,
        data: &[u8],
        to: Option<SocketAddrV4>,
    ) -> nb::Result<usize, Error> {
        let Datagram { fd, connected } = self.open_datagram(index)?;
        let to = match to {
            None if connected => self.socket(index)?.peer,
            None => return Err(Error::DestinationRequired.into()),
            Some(_) if connected => return Err(Error::InvalidState.into()),
            Some(to) => to,
        };
        if data.len() > usize::from(DATAGRAM_MAX) {
            return Err(Error::MessageTooLong.into());
        }
        let (ip, port) = (to.ip().octets(), to.port().to_be_bytes());
        let answer = self.ask(Owner::Write(index), &SENDTO, &[&[fd], &ip, &port, data])?;
        let sent = answer.array().map_or(0, u16::from_be_bytes);
        match answer.errno {
            _ if usize::from(sent) == data.len() && !data.is_empty() => Ok(data.len()),
            errno::NONE if data.is_empty() => Ok(0),
            // No buffer for it just now.
            errno::NONE | errno::EAGAIN | errno::ENOBUFS => Err(nb::Error::WouldBlock),
            errno => Err(stream_error(errno).into()),
        }
    }

    /// Receives one datagram: its length, more than `buf` holds if it was cut, and its sender.
    pub(crate) fn recv_datagram(
        &mut self,
        index: u8,
        buf: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let Kind::Datagram(Datagram { fd, connected }) = self.sound(index)?.kind else {
            return Err(Error::InvalidState.into());
        };
        self.await_readable(index, fd)?;
        let room = buf.len().min(usize::from(DATAGRAM_MAX));
        let size = u16::try_from(room + 1).unwrap_or(DATAGRAM_MAX).to_le_bytes();
        let buf = buf.get_mut(..room).unwrap_or_default();
        let (len, answer) = self.read_data(index, &RECVFROM, &[&[fd], &size], buf)?;
        if len == 0 && answer.errno != errno::NONE {
            return match answer.errno {
                errno::EAGAIN => Err(nb::Error::WouldBlock),
                errno => Err(stream_error(errno).into()),
            };
        }
        self.socket(index)?.awaited = false;
        let [a, b, c, d, low, high] = answer.array().ok_or(Error::Fault(Fault::Frame))?;
        let from = SocketAddr::from((Ipv4Addr::new(a, b, c, d), u16::from_le_bytes([low, high])));
        // What came before there was a peer is still in the chip's queue.
        if connected && from != SocketAddr::V4(self.socket(index)?.peer) {
            return Err(nb::Error::WouldBlock);
        }
        Ok((len, from))
    }
}
