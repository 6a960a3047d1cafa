//! Connections that come in.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Fault, SockFd};
use netdev_uart::UartLink;

use crate::address::{SOCKADDR, SOCKADDR_LEN, from_sockaddr};
use crate::codec::Answer;
use crate::codec::Value::{Bin, I32, Null, Present, U32};
use crate::exchange::Owner;
use crate::method::{QUICK_ACCEPT, lwip};
use crate::open::{fd_set, timeval};
use crate::sockets::{Guest, Kind, SOCKETS, Socket};
use crate::state::Core;

impl<L: UartLink> Core<'_, L> {
    pub(crate) fn accept(&mut self, index: u8) -> nb::Result<(SockFd, SocketAddr), Error> {
        if self.sound(index)?.kind != Kind::Listener {
            return Err(Error::InvalidState.into());
        }
        for _ in 0..STEPS {
            match self.sound(index)?.guest {
                Some(Guest { id, peer: Some(peer) }) => return self.admit(index, id, peer),
                Some(Guest { id, peer: None }) => self.ask_who(index, id)?,
                None => self.ask_for_guest(index)?,
            }
            self.settle();
        }
        Err(nb::Error::WouldBlock)
    }

    fn admit(
        &mut self,
        index: u8,
        id: u8,
        peer: SocketAddrV4,
    ) -> nb::Result<(SockFd, SocketAddr), Error> {
        let fd = self.shared.handles.open()?;
        let listener = self.socket(index)?;
        listener.guest = None;
        let port = listener.port;
        *self.socket(self.index(fd)?)? =
            Socket { kind: Kind::Stream, id: Some(id), port, peer, ..Socket::FRESH };
        Ok((fd, SocketAddr::V4(peer)))
    }

    /// Without a place for it a connection stays in the chip's queue: the firmware would take it off
    /// and break it.
    fn ask_for_guest(&mut self, index: u8) -> nb::Result<(), Error> {
        let number = self.sound(index)?.number()?;
        if !self.has_place() {
            return self.complain_if_somebody_waits(index, number);
        }
        self.await_news(index)?;
        let name = [0; SOCKADDR];
        let values = [I32(number), Bin(&name), U32(SOCKADDR_LEN)];
        let method = if self.is_one_of_many(index) { &QUICK_ACCEPT } else { &lwip::ACCEPT };
        self.post(Owner::Read(index), method, &values, (0, 0, 0))
    }

    fn has_place(&self) -> bool {
        let free = |slot: usize| {
            self.shared.handles.handle(slot).is_none() && !self.shared.handles.is_closing(slot)
        };
        let held = |socket: &Socket| {
            usize::from(socket.id.is_some()) + usize::from(socket.guest.is_some())
        };
        let numbers: usize = self.state.sockets.iter().map(held).sum();
        (0..SOCKETS).any(free) && numbers < SOCKETS
    }

    fn complain_if_somebody_waits(&mut self, index: u8, number: i32) -> nb::Result<(), Error> {
        if !self.is_out(Owner::Query(index)) {
            self.await_news(index)?;
        }
        let (set, wait) = (fd_set(1 << (number & 7)), timeval(Duration::ZERO));
        let values = [I32(number + 1), Present(&set), Null, Null, Present(&wait)];
        let answer = self.ask(Owner::Query(index), &lwip::SELECT, &values)?;
        if answer.result() == Some(1) {
            return Err(Error::NoSockets.into());
        }
        self.nothing_there(index);
        Err(nb::Error::WouldBlock)
    }

    /// The firmware keeps the peer's address to itself when it accepts.
    fn ask_who(&mut self, index: u8, id: u8) -> nb::Result<(), Error> {
        if self.is_out(Owner::Read(index)) {
            return Err(nb::Error::WouldBlock);
        }
        let values = [I32(id.into()), U32(SOCKADDR_LEN)];
        self.post(Owner::Read(index), &lwip::GETPEERNAME, &values, (0, 0, 0))
    }

    /// The answer to an accept.
    pub(crate) fn accepted(&mut self, index: u8, answer: &Result<Answer, Fault>) {
        let result = answer.as_ref().ok().and_then(Answer::result);
        match result.and_then(|id| u8::try_from(id).ok()) {
            Some(id) => {
                if let Ok(socket) = self.socket(index) {
                    socket.guest = Some(Guest { id, peer: None });
                }
                self.found(index);
            }
            None => {
                if answer.is_err() {
                    self.state.sweep = Some(0);
                }
                self.nothing_there(index);
            }
        }
    }

    /// The answer to the question who it is. Some firmwares copy back less than the whole address:
    /// the connection is good all the same.
    pub(crate) fn introduced(&mut self, index: u8, answer: &Result<Answer, Fault>) {
        let told = answer.as_ref().ok().filter(|answer| answer.result() == Some(0));
        let peer = told.and_then(Answer::blob).and_then(from_sockaddr);
        if let Ok(Socket { guest: Some(guest), .. }) = self.socket(index) {
            guest.peer = Some(peer.unwrap_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)));
        }
    }
}

/// Most steps in one call.
const STEPS: u32 = 4;
