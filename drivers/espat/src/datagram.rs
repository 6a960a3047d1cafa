//! UDP. The firmware's sockets are bound and never connected: whom to hear is this driver's business.

use core::net::{SocketAddr, SocketAddrV4};

use netdev::Error;
use netdev_uart::UartLink;

use crate::command::CIPSEND;
use crate::links::NOBODY;
use crate::op::Op;
use crate::ports::OTHER_PORTS;
use crate::sockets::{DATAGRAM_MAX, Kind};
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// Opens a datagram socket, on a port of our choice where none was asked for.
    pub(crate) fn open_datagram(&mut self, index: u8) -> nb::Result<(), Error> {
        let up = self.state.wifi.is_up();
        let socket = self.sound(index)?;
        match socket.kind {
            Kind::Datagram => return Ok(()),
            Kind::Opening => {}
            Kind::Fresh if !socket.dgram => return Err(Error::InvalidState.into()),
            Kind::Fresh => {
                if let Some(error) = socket.refused.take() {
                    return Err(error.into());
                }
                if !up {
                    return Err(Error::LinkDown.into());
                }
                socket.kind = Kind::Opening;
                if socket.port == 0 {
                    self.choose_port(index, OTHER_PORTS)?;
                }
                self.tend();
            }
            _ => return Err(Error::InvalidState.into()),
        }
        Err(nb::Error::WouldBlock)
    }

    /// Binds a datagram socket, which happens on the module at once.
    pub(crate) fn bind_datagram(&mut self, index: u8, local: SocketAddr) -> nb::Result<(), Error> {
        if self.sound(index)?.port == 0 {
            self.bind(index, local)?;
        } else if self.sound(index)?.kind == Kind::Datagram && self.sound(index)?.bound {
            return Err(Error::InvalidState.into());
        }
        self.open_datagram(index)?;
        self.socket(index)?.bound = true;
        Ok(())
    }

    /// Gives a datagram socket its peer. It hears nobody else from now on.
    pub(crate) fn connect_datagram(
        &mut self,
        index: u8,
        remote: SocketAddrV4,
    ) -> nb::Result<(), Error> {
        self.open_datagram(index)?;
        let socket = self.socket(index)?;
        socket.peer = remote;
        socket.connected = true;
        Ok(())
    }

    /// Sends one datagram, to the peer if no destination is given.
    pub(crate) fn send_datagram(
        &mut self,
        index: u8,
        data: &[u8],
        to: Option<SocketAddrV4>,
    ) -> nb::Result<usize, Error> {
        let socket = *self.sound(index)?;
        let to = match to {
            None if socket.connected => socket.peer,
            None => return Err(Error::DestinationRequired.into()),
            Some(_) if socket.connected => return Err(Error::InvalidState.into()),
            Some(to) if to.port() == 0 => return Err(Error::InvalidInput.into()),
            Some(to) => to,
        };
        if data.len() > usize::from(DATAGRAM_MAX) {
            return Err(Error::MessageTooLong.into());
        }
        self.open_datagram(index)?;
        // CIPSEND takes no empty payload, and has no other way to send a datagram.
        if data.is_empty() {
            return Ok(0);
        }
        if let Some(sent) = self.fetch_sent(index, data.len())? {
            return Ok(sent);
        }
        if self.state.exchange.is_out(Op::Send(index)) {
            return self.give_payload(index, data);
        }
        let Some(id) = socket.link else { return Err(Error::NotConnected.into()) };
        if !self.may_start(Op::Send(index)) {
            return Err(nb::Error::WouldBlock);
        }
        self.announce(index, data.len());
        // A destination sticks to the link until another is named.
        let named = socket.goes_to != to;
        self.socket(index)?.goes_to = to;
        let count = u32::try_from(data.len()).unwrap_or(0);
        self.post(Op::Send(index), |it| {
            it.start(CIPSEND).number(u32::from(id)).number(count);
            if named {
                it.remote(to);
            }
        })?;
        Err(nb::Error::WouldBlock)
    }

    /// Receives one datagram: its length, more than `buf` holds if it was cut, and its sender.
    pub(crate) fn recv_datagram(
        &mut self,
        index: u8,
        buf: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), Error> {
        loop {
            let socket = *self.sound(index)?;
            match socket.kind {
                Kind::Datagram => {}
                Kind::Opening => return Err(nb::Error::WouldBlock),
                _ => return Err(Error::InvalidState.into()),
            }
            let taken = self.state.stash.take_datagram(socket.tag, buf);
            let (len, from) = taken.ok_or(nb::Error::WouldBlock)?;
            let from = if from == NOBODY && socket.connected { socket.peer } else { from };
            // What came before there was a peer may be somebody else's.
            if !socket.connected || from == socket.peer {
                return Ok((len, SocketAddr::V4(from)));
            }
        }
    }

    /// Whether the owner of this tag wants to hear this sender.
    pub(crate) fn may_hear(&self, tag: u8, from: Option<SocketAddrV4>) -> bool {
        let mut sockets = self.state.sockets.iter();
        let owner = sockets.find(|socket| socket.tag == tag);
        owner.is_some_and(|it| !it.connected || from.is_none_or(|from| from == it.peer))
    }
}
