//! UDP: by descriptor where the firmware can. Slots share one address between what is sent and what
//! is received, and pass on at most fifty datagrams a second.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use netdev::{Error, Fault};

use crate::command::{
    AVAIL_DATA_TCP, BIND, CONNECT, DATAGRAM_MAX, GET_SOCKET, NO_SOCKET, RECVFROM, SENDTO,
    SOCK_DGRAM, SOCKET, START_SERVER_TCP, UDP_MODE, errno,
};
use crate::exchange::Owner;
use crate::ports::OTHER_PORTS;
use crate::slot_datagram::SlotDatagram;
use crate::sockets::{Channel, Kind};
use crate::spi::SpiLink;
use crate::state::Core;
use crate::stream::stream_error;

/// How far a datagram socket has come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opening {
    /// A descriptor is asked for, or a slot.
    Ask,
    Unblock(u8),
    Bind(Channel),
    /// A slot keeps what its last owner left unread, also over a close and a bind.
    Leftover(u8),
}

impl Opening {
    /// What the chip has to close if it goes no further.
    pub(crate) fn channel(self) -> Option<Channel> {
        match self {
            Self::Ask => None,
            Self::Unblock(fd) => Some(Channel::Descriptor(fd)),
            Self::Bind(channel) => Some(channel),
            Self::Leftover(slot) => Some(Channel::Slot(slot)),
        }
    }
}

/// A datagram socket that is bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram {
    pub(crate) channel: Channel,
    /// It has a peer, and hears nobody else.
    connected: bool,
    /// What a slot is doing.
    pub(crate) slot: SlotDatagram,
}

impl<L: SpiLink> Core<'_, L> {
    /// Binds, to a port of our choice where none was asked for: the firmware would not tell its own.
    pub(crate) fn open_datagram(&mut self, index: u8) -> nb::Result<Datagram, Error> {
        loop {
            let socket = self.sound(index)?;
            let opening = match socket.kind {
                Kind::Datagram(datagram) => return Ok(datagram),
                Kind::Opening(opening) => opening,
                Kind::Fresh if socket.dgram => Opening::Ask,
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
        let descriptors = self.state.firmware.descriptors;
        Ok(match opening {
            Opening::Ask => {
                let number = if descriptors {
                    self.ask(owner, &SOCKET, &[&[SOCK_DGRAM], &[0]])?.byte()
                } else {
                    self.ask(owner, &GET_SOCKET, &[])?.byte()
                };
                Kind::Opening(match number.ok_or(Error::Fault(Fault::Frame))? {
                    NO_SOCKET if descriptors => return Err(self.out_of_descriptors().into()),
                    NO_SOCKET => return Err(self.out_of_slots()),
                    fd if descriptors => Opening::Unblock(fd),
                    slot => Opening::Bind(Channel::Slot(slot)),
                })
            }
            Opening::Unblock(fd) => {
                self.unblock(owner, fd)?;
                Kind::Opening(Opening::Bind(Channel::Descriptor(fd)))
            }
            Opening::Bind(channel) => {
                let port = self.socket(index)?.port.to_be_bytes();
                let answer = match channel {
                    Channel::Descriptor(fd) => self.ask(owner, &BIND, &[&[fd], &port])?,
                    Channel::Slot(slot) => {
                        self.ask(owner, &START_SERVER_TCP, &[&port, &[slot], &[UDP_MODE]])?
                    }
                };
                if answer.is_zero() {
                    self.port_was_taken(index)?;
                    return Ok(Kind::Opening(opening));
                }
                match channel {
                    Channel::Slot(slot) => Kind::Opening(Opening::Leftover(slot)),
                    Channel::Descriptor(_) => open(channel, 0),
                }
            }
            Opening::Leftover(slot) => {
                let len = self.ask(owner, &AVAIL_DATA_TCP, &[&[slot]])?.array();
                let len = u16::from_le_bytes(len.ok_or(Error::Fault(Fault::Frame))?);
                open(Channel::Slot(slot), len)
            }
        })
    }

    /// Gives a datagram socket its peer. It hears nobody else from now on.
    pub(crate) fn connect_datagram(
        &mut self,
        index: u8,
        remote: SocketAddrV4,
    ) -> nb::Result<(), Error> {
        let datagram = self.open_datagram(index)?;
        if let Channel::Descriptor(fd) = datagram.channel {
            let (ip, port) = (remote.ip().octets(), remote.port().to_be_bytes());
            let answer = self.ask(Owner::Write(index), &CONNECT, &[&[fd], &ip, &port])?;
            if answer.is_zero() && ![errno::NONE, errno::EINPROGRESS].contains(&answer.errno) {
                return Err(stream_error(answer.errno).into());
            }
        }
        let socket = self.socket(index)?;
        socket.peer = remote;
        socket.kind = Kind::Datagram(Datagram { connected: true, ..datagram });
        Ok(())
    }

    /// Sends one datagram, to the peer if no destination is given.
    pub(crate) fn send_datagram(
        &mut self,
        index: u8,
        data: &[u8],
        to: Option<SocketAddrV4>,
    ) -> nb::Result<usize, Error> {
        let Datagram { channel, connected, .. } = self.open_datagram(index)?;
        let to = match to {
            None if connected => self.socket(index)?.peer,
            None => return Err(Error::DestinationRequired.into()),
            Some(_) if connected => return Err(Error::InvalidState.into()),
            Some(to) => to,
        };
        if data.len() > usize::from(DATAGRAM_MAX) {
            return Err(Error::MessageTooLong.into());
        }
        let fd = match channel {
            Channel::Descriptor(fd) => fd,
            Channel::Slot(slot) => return self.send_by_slot(index, slot, data, to),
        };
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
        let Kind::Datagram(Datagram { channel, connected, .. }) = self.sound(index)?.kind else {
            return Err(Error::InvalidState.into());
        };
        let (len, from) = match channel {
            Channel::Descriptor(fd) => self.recv_by_descriptor(index, fd, buf)?,
            Channel::Slot(slot) => self.recv_by_slot(index, slot, buf)?,
        };
        self.socket(index)?.awaited = false;
        // What came before there was a peer is still in the chip's queue.
        if connected && from != self.socket(index)?.peer {
            return Err(nb::Error::WouldBlock);
        }
        Ok((len, SocketAddr::V4(from)))
    }

    fn recv_by_descriptor(
        &mut self,
        index: u8,
        fd: u8,
        buf: &mut [u8],
    ) -> nb::Result<(usize, SocketAddrV4), Error> {
        self.await_readable(index, fd)?;
        let room = buf.len().min(usize::from(DATAGRAM_MAX));
        let size = u16::try_from(room + 1).unwrap_or(DATAGRAM_MAX).to_le_bytes();
        let buf = buf.get_mut(..room).unwrap_or_default();
        let (len, answer) = self.read_data(index, &RECVFROM, &[&[fd], &size], buf)?;
        match answer.errno {
            _ if len > 0 => {}
            errno::NONE => {}
            errno::EAGAIN => return Err(nb::Error::WouldBlock),
            errno => return Err(stream_error(errno).into()),
        }
        let [a, b, c, d, low, high] = answer.array().ok_or(Error::Fault(Fault::Frame))?;
        let from = SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), u16::from_le_bytes([low, high]));
        Ok((len, from))
    }
}

/// A datagram socket of which so many bytes are somebody else's.
fn open(channel: Channel, leftover: u16) -> Kind {
    Kind::Datagram(Datagram { channel, connected: false, slot: SlotDatagram::new(leftover) })
}
