//! The one listener that a module has, and the connections that come in through it.

use core::net::{Ipv4Addr, SocketAddr};

use netdev::{Error, Fault, SockFd};
use netdev_uart::UartLink;

use crate::command::{CIPSERVER, CIPSTO};
use crate::op::Op;
use crate::sockets::{Kind, SOCKETS};
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn listen(&mut self, index: u8) -> nb::Result<(), Error> {
        let socket = self.sound(index)?;
        if let Some(error) = socket.refused.take() {
            return Err(error.into());
        }
        match socket.kind {
            Kind::Listener => return Ok(()),
            Kind::Starting => return Err(nb::Error::WouldBlock),
            Kind::Fresh => {}
            _ => return Err(Error::InvalidState.into()),
        }
        if socket.port == 0 {
            self.bind(index, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        }
        // One at a time; the last one may be about to go.
        let mut others = (0_u8..).zip(&self.state.sockets).filter(|(other, it)| {
            *other != index && matches!(it.kind, Kind::Listener | Kind::Starting)
        });
        if let Some((other, _)) = others.next() {
            let closing = self.shared.handles.is_closing(usize::from(other));
            return Err(if closing { nb::Error::WouldBlock } else { Error::NoSockets.into() });
        }
        if !self.state.wifi.is_up() {
            return Err(Error::LinkDown.into());
        }
        self.socket(index)?.kind = Kind::Starting;
        self.tend();
        Err(nb::Error::WouldBlock)
    }

    pub(crate) fn serve(&mut self, index: u8) {
        let Ok(socket) = self.socket(index) else { return };
        let port = u32::from(socket.port);
        let _ = self.post(Op::Serve(index), |it| {
            it.start(CIPSERVER).number(1).number(port);
        });
    }

    pub(crate) fn serving(&mut self, index: u8, ok: bool) {
        if !ok {
            let up = self.state.wifi.is_up();
            self.port_was_taken_or(index, if up { Error::AddrInUse } else { Error::LinkDown });
            return;
        }
        if let Ok(socket) = self.socket(index) {
            socket.kind = Kind::Listener;
        }
        self.state.serving = true;
        // Left alone, some firmwares close what is idle for three minutes.
        let _ = self.post(Op::ServeTimeout, |it| {
            it.start(CIPSTO).number(0);
        });
    }

    /// Nobody knows whether it listens; started again with the same port it answers OK if it does.
    pub(crate) fn serve_lost(&mut self, index: u8) {
        let Ok(socket) = self.socket(index) else { return };
        socket.strikes = socket.strikes.saturating_add(1);
        if socket.strikes >= STRIKES {
            self.refuse(index, Error::Fault(Fault::Unresponsive));
        }
        self.state.serving = true;
    }

    /// Stops listening. Whether that is done. Connections that nobody has accepted are closed.
    pub(crate) fn stop_serving(&mut self) -> bool {
        for link in self.state.links.iter_mut().filter(|it| it.server && it.owner.is_none()) {
            link.stray = true;
        }
        if !self.state.serving {
            return true;
        }
        if self.is_idle() {
            let _ = self.post(Op::StopServing, |it| {
                it.start(CIPSERVER).number(0);
            });
        }
        false
    }

    /// What the answer is does not matter: without a server there is nothing to stop.
    pub(crate) fn stopped_serving(&mut self) {
        self.state.serving = false;
    }

    /// Takes the connection that came first.
    pub(crate) fn accept(&mut self, index: u8) -> nb::Result<(SockFd, SocketAddr), Error> {
        let socket = self.sound(index)?;
        let port = socket.port;
        match socket.kind {
            Kind::Listener => {}
            _ => return Err(Error::InvalidState.into()),
        }
        let guests = (0_u8..).zip(&self.state.links).filter(|(_, link)| link.is_guest());
        let first = guests.min_by_key(|(_, link)| link.came_at).map(|(id, link)| (id, *link));
        let Some((id, link)) = first else { return Err(nb::Error::WouldBlock) };
        let fd = self.shared.handles.open()?;
        let place = self.index(fd)?;
        if usize::from(place) < SOCKETS
            && let Some(link) = self.link(id)
        {
            link.owner = Some(place);
        }
        let socket = self.socket(place)?;
        socket.kind = Kind::Stream;
        (socket.link, socket.tag) = (Some(id), link.tag);
        (socket.peer, socket.port) = (link.peer, port);
        Ok((fd, SocketAddr::V4(link.peer)))
    }
}

const STRIKES: u8 = 4;
