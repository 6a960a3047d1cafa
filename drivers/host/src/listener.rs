//! Listeners.

use core::net::SocketAddr;
use std::sync::Arc;

use mio::net::{TcpListener, TcpStream};
use netdev::{Error, SockFd, SockType};

use crate::error::translate;
use crate::flags::{ASIDE, READ, SURE};
use crate::reactor::Reactor;
use crate::socket::{Io, Phase, Socket};

impl Socket {
    pub(crate) fn listen(&self, reactor: &Reactor, fd: SockFd, backlog: u16) -> Result<(), Error> {
        if self.kind() != SockType::Stream {
            return Err(Error::Unsupported);
        }
        let mut fresh = self.fresh();
        let raw = fresh.as_ref().ok_or(Error::InvalidState)?;
        raw.listen(i32::from(backlog).max(1)).map_err(|error| translate(&error))?;
        let raw = fresh.take().ok_or(Error::InvalidState)?;
        let mut listener = TcpListener::from_std(raw.into());
        let watched = reactor.watch(&mut listener, fd);
        self.become_io(Io::Listener(listener));
        drop(fresh);
        watched.map_err(|error| translate(&error))?;
        self.enter(Phase::Listening);
        Ok(())
    }

    pub(crate) fn accept(&self, reactor: &Reactor) -> nb::Result<(SockFd, SocketAddr), Error> {
        let (Phase::Listening, Some(Io::Listener(listener))) = (self.phase(), self.io()) else {
            return Err(nb::Error::Other(Error::InvalidState));
        };
        let (stream, peer) = match self.taken_ahead() {
            Some(taken) => taken,
            None => self.take_next(listener)?,
        };
        // Linux passes the listener's own setting on.
        if !cfg!(target_os = "linux") {
            let _ = stream.set_nodelay(true);
        }
        let socket = Arc::new(Self::accepted(self.family()));
        let Ok(fd) = reactor.sockets().open(Arc::clone(&socket)) else {
            self.aside().accepted = Some((stream, peer));
            self.flags().set(ASIDE);
            return Err(nb::Error::Other(Error::NoSockets));
        };
        let mut stream = stream;
        if let Err(error) = reactor.watch(&mut stream, fd) {
            reactor.sockets().close(fd);
            return Err(nb::Error::Other(translate(&error)));
        }
        socket.become_io(Io::Stream(stream));
        Ok((fd, peer))
    }

    /// Takes a connection so as to know that there is one; the next accept hands it out.
    pub(crate) fn accept_ahead(&self, listener: &TcpListener) -> nb::Result<(), Error> {
        let taken = self.take_next(listener)?;
        self.aside().accepted = Some(taken);
        self.flags().set(ASIDE);
        Ok(())
    }

    fn taken_ahead(&self) -> Option<(TcpStream, SocketAddr)> {
        if !self.flags().has(ASIDE) {
            return None;
        }
        let accepted = self.aside().accepted.take();
        self.flags().clear(ASIDE | SURE);
        accepted
    }

    /// Skips connections that were broken off before anybody took them.
    fn take_next(&self, listener: &TcpListener) -> nb::Result<(TcpStream, SocketAddr), Error> {
        loop {
            match self.attempt(READ, || listener.accept(), |_| false) {
                Err(nb::Error::Other(Error::ConnectionReset)) => {}
                answer => return answer,
            }
        }
    }
}
