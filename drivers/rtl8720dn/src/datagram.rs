//! Datagrams.

use core::net::{SocketAddr, SocketAddrV4};

use netdev::{Error, Fault};
use netdev_uart::UartLink;

use crate::address::{SOCKADDR_LEN, to_sockaddr};
use crate::codec::Value::{Bin, Data, I32, U32};
use crate::exchange::Owner;
use crate::method::{QUICK_RECVFROM, errno, lwip, most, value};
use crate::open::socket_error;
use crate::sockets::Kind;
use crate::state::Core;

impl<L: UartLink> Core<'_, L> {
    /// Gives a datagram socket its peer. It hears nobody else from now on.
    pub(crate) fn connect_datagram(
        &mut self,
        index: u8,
        remote: SocketAddrV4,
    ) -> nb::Result<(), Error> {
        self.open(index, false)?;
        let number = self.sound(index)?.number()?;
        let name = to_sockaddr(remote);
        let values = [I32(number), Bin(&name), U32(SOCKADDR_LEN)];
        let answer = self.ask(Owner::Write(index), &lwip::CONNECT, &values)?;
        if answer.result() != Some(0) {
            return Err(socket_error(answer.errno).into());
        }
        let socket = self.sound(index)?;
        socket.peer = remote;
        socket.kind = Kind::Datagram(true);
        Ok(())
    }

    /// Sends one datagram, to the peer if no destination is given.
    pub(crate) fn send_datagram(
        &mut self,
        index: u8,
        data: &[u8],
        to: Option<SocketAddrV4>,
    ) -> nb::Result<usize, Error> {
        self.open(index, false)?;
        let socket = self.sound(index)?;
        let connected = socket.kind == Kind::Datagram(true);
        let to = match to {
            None if connected => socket.peer,
            None => return Err(Error::DestinationRequired.into()),
            Some(_) if connected => return Err(Error::InvalidState.into()),
            Some(to) => to,
        };
        if data.len() > usize::from(most::DATAGRAM) {
            return Err(Error::MessageTooLong.into());
        }
        // The firmware would ask its heap for no bytes, and stand still until it is reset.
        if data.is_empty() {
            return Ok(0);
        }
        if socket.sending != 0 && usize::from(socket.sending) != data.len() {
            return Err(Error::InvalidInput.into());
        }
        let number = socket.number()?;
        let name = to_sockaddr(to);
        let flags = I32(value::MSG_DONTWAIT);
        let values = [I32(number), Data(data), flags, Bin(&name), U32(SOCKADDR_LEN)];
        let answer = self.ask_sending(index, &lwip::SENDTO, data.len(), &values)?;
        match answer.errno {
            _ if answer.result().and_then(|it| usize::try_from(it).ok()) == Some(data.len()) => {
                Ok(data.len())
            }
            // No buffer for it just now.
            errno::EAGAIN | errno::ENOMEM | errno::ENOBUFS => Err(nb::Error::WouldBlock),
            0 => Err(Error::Fault(Fault::Frame).into()),
            errno => Err(socket_error(errno).into()),
        }
    }

    /// Receives one datagram: its true length, more than `buf` holds if it was cut, and its sender.
    /// The chip is asked for as much as there is room for in any case: what it sends is the datagram
    /// and no more.
    pub(crate) fn recv_datagram(
        &mut self,
        index: u8,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        if let Some(found) = self.fetch_datagram(index, buf, peek) {
            return Ok(found);
        }
        let socket = self.sound(index)?;
        if !matches!(socket.kind, Kind::Datagram(_)) {
            return Err(Error::InvalidState.into());
        }
        let number = socket.number()?;
        self.await_news(index)?;
        // The rest of one that is cut is lost.
        let (at, room) = self.room(most::RECVFROM, most::DATAGRAM.into())?;
        let flags = value::MSG_DONTWAIT | if peek { value::MSG_PEEK } else { 0 };
        let asked = u32::try_from(room).unwrap_or(0);
        let values = [I32(number), U32(asked), I32(flags), U32(SOCKADDR_LEN), U32(0)];
        let answer = (at, room, u8::from(peek));
        let many = self.is_one_of_many(index);
        let method = if many { &QUICK_RECVFROM } else { &lwip::RECVFROM };
        self.post(Owner::Read(index), method, &values, answer)?;
        self.settle();
        self.fetch_datagram(index, buf, peek).ok_or(nb::Error::WouldBlock)
    }

    fn fetch_datagram(
        &mut self,
        index: u8,
        buf: &mut [u8],
        peek: bool,
    ) -> Option<(usize, SocketAddr)> {
        let parked = self.parked(index, peek)?;
        let socket = self.socket(index).ok()?;
        // What came before there was a peer may still be in the chip's queue.
        let stranger = socket.kind == Kind::Datagram(true) && parked.from != socket.peer;
        if stranger || parked.peeked || !peek {
            socket.parked = None;
        }
        if stranger {
            return None;
        }
        self.copy(parked, buf);
        Some((parked.len, SocketAddr::V4(parked.from)))
    }
}
