//! Streams: connecting, sending, receiving.

use core::net::SocketAddr;
use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;
use netdev::{AddressFamily, Error, Side, SockFd};

use crate::error::{in_progress, translate};
use crate::flags::{READ, READ_END, WRITE, WRITE_END};
use crate::reactor::Reactor;
use crate::socket::{Io, Phase, Socket};

impl Socket {
    /// Begins to connect, or looks how far it got.
    pub(crate) fn connect_stream(
        &self,
        reactor: &Reactor,
        fd: SockFd,
        remote: SocketAddr,
    ) -> nb::Result<(), Error> {
        match (self.phase(), self.io()) {
            (Phase::Fresh, _) => {
                self.begin_connect(reactor, fd, remote)?;
                self.stream_of().map_or(Err(nb::Error::WouldBlock), |s| self.finish_connect(s))
            }
            (Phase::Connecting, Some(Io::Stream(stream))) => self.finish_connect(stream),
            // Another thread is between the two.
            (Phase::Connecting, _) => Err(nb::Error::WouldBlock),
            _ => Err(nb::Error::Other(Error::InvalidState)),
        }
    }

    fn begin_connect(
        &self,
        reactor: &Reactor,
        fd: SockFd,
        remote: SocketAddr,
    ) -> Result<(), Error> {
        if AddressFamily::of(&remote) != self.family() {
            return Err(Error::InvalidInput);
        }
        let raw = self.fresh().take().ok_or(Error::InvalidState)?;
        self.enter(Phase::Connecting);
        let begun = match raw.connect(&remote.into()) {
            Err(error) if !in_progress(&error) => Err(error),
            _ => Ok(()),
        };
        // On loopback it is often over by now, one way or the other.
        self.flags().raise(WRITE);
        let mut stream = TcpStream::from_std(raw.into());
        begun.and_then(|()| reactor.watch(&mut stream, fd)).map_err(|error| {
            self.enter(Phase::Failed);
            translate(&error)
        })?;
        self.become_io(Io::Stream(stream));
        Ok(())
    }

    fn finish_connect(&self, stream: &TcpStream) -> nb::Result<(), Error> {
        let connected = || match stream.take_error() {
            Ok(None) => stream.peer_addr().map(drop).map_err(|error| match error.kind() {
                io::ErrorKind::NotConnected => io::ErrorKind::WouldBlock.into(),
                _ => error,
            }),
            Ok(Some(error)) | Err(error) => Err(error),
        };
        let answer = self.attempt(WRITE, connected, |()| false);
        match answer {
            Ok(()) => self.enter(Phase::Connected),
            Err(nb::Error::Other(_)) => self.enter(Phase::Failed),
            Err(nb::Error::WouldBlock) => {}
        }
        answer
    }

    pub(crate) fn send_stream(&self, data: &[u8]) -> nb::Result<usize, Error> {
        let stream = self.connected()?;
        if data.is_empty() {
            return Ok(0);
        }
        let mut stream = stream;
        self.attempt(WRITE, || stream.write(data), |&sent| PARTIAL_IS_ALL && sent < data.len())
    }

    pub(crate) fn recv_stream(&self, buf: &mut [u8], peek: bool) -> nb::Result<usize, Error> {
        let stream = self.connected()?;
        if buf.is_empty() {
            return Ok(0);
        }
        self.take_error()?;
        let (mut source, room) = (stream, buf.len());
        let got = if peek {
            self.attempt(READ, || stream.peek(buf), |_| false)
        } else {
            self.attempt(READ, || source.read(buf), |&got| PARTIAL_IS_ALL && got < room)
        };
        if got == Ok(0) {
            self.flags().set(READ | READ_END);
        }
        got
    }

    pub(crate) fn shutdown_stream(&self, side: Side) -> Result<(), Error> {
        let (how, bits) = match side {
            Side::Read => (Shutdown::Read, READ | READ_END),
            Side::Write => (Shutdown::Write, WRITE | WRITE_END),
        };
        self.connected()?.shutdown(how).map_err(|error| translate(&error))?;
        // A call that waits on this side has its answer now.
        self.flags().raise(bits);
        Ok(())
    }

    fn connected(&self) -> Result<&TcpStream, Error> {
        let stream = self.stream_of().filter(|_| self.phase() == Phase::Connected);
        stream.ok_or(Error::NotConnected)
    }

    fn stream_of(&self) -> Option<&TcpStream> {
        match self.io() {
            Some(Io::Stream(stream)) => Some(stream),
            _ => None,
        }
    }
}

/// Where a partial transfer means that the system will tell when there is more: it saves the call
/// that would be told "not yet". True of epoll and kqueue, which report every change.
const PARTIAL_IS_ALL: bool = cfg!(unix);
