//! One socket of the system, never blocking, with the seam's errors.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};

use netdev::{Error, Fault, Side};
use socket2::{Domain, SockRef, Type};

#[derive(Debug)]
pub(super) enum Socket {
    Tcp {
        stream: TcpStream,
        connected: bool,
    },
    /// No connection came of it; `connected` says so each time.
    Failed(Error),
    Listener(TcpListener),
    Udp(UdpSocket),
}

impl Socket {
    pub(super) fn connect(from: Ipv4Addr, remote: SocketAddr) -> Result<Self, Error> {
        let socket = tcp().map_err(error)?;
        if from.is_loopback() && from != Ipv4Addr::LOCALHOST {
            socket.bind(&SocketAddrV4::new(from, 0).into()).map_err(error)?;
        }
        Ok(match socket.connect(&remote.into()) {
            Err(failed) if !is_in_progress(&failed) => Self::Failed(error(failed)),
            _ => Self::Tcp { stream: socket.into(), connected: false },
        })
    }

    pub(super) fn listen(addr: Ipv4Addr, port: u16, backlog: u16) -> Result<Self, Error> {
        let socket = tcp().map_err(error)?;
        // Elsewhere this lets two listeners share a port; here it only passes over TIME_WAIT.
        #[cfg(unix)]
        socket.set_reuse_address(true).map_err(error)?;
        socket.bind(&SocketAddrV4::new(addr, port).into()).map_err(error)?;
        socket.listen(i32::from(backlog)).map_err(error)?;
        Ok(Self::Listener(socket.into()))
    }

    pub(super) fn udp(addr: Ipv4Addr, port: u16) -> Result<Self, Error> {
        let socket = UdpSocket::bind((addr, port)).map_err(error)?;
        socket.set_nonblocking(true).map_err(error)?;
        Ok(Self::Udp(socket))
    }

    pub(super) fn connected(&mut self) -> nb::Result<(), Error> {
        let (stream, connected) = match self {
            Self::Tcp { connected: true, .. } => return Ok(()),
            Self::Tcp { stream, connected } => (stream, connected),
            Self::Failed(error) => return Err(nb::Error::Other(*error)),
            Self::Listener(_) | Self::Udp(_) => return Err(nb::Error::Other(Error::InvalidState)),
        };
        let failure = match (stream.take_error().map_err(error)?, stream.peer_addr()) {
            (Some(failed), _) => error(failed),
            (None, Err(_)) => return Err(nb::Error::WouldBlock),
            // Nobody listened, and the system gave the socket that very port: it met itself.
            (None, Ok(peer)) if stream.local_addr().is_ok_and(|local| local == peer) => {
                Error::ConnectionRefused
            }
            (None, Ok(_)) => {
                *connected = true;
                return Ok(());
            }
        };
        *self = Self::Failed(failure);
        Err(nb::Error::Other(failure))
    }

    pub(super) fn accept(&mut self) -> nb::Result<(Self, SocketAddr), Error> {
        let Self::Listener(listener) = self else {
            return Err(nb::Error::Other(Error::InvalidState));
        };
        let (stream, peer) = listener.accept().map_err(not_yet)?;
        stream.set_nonblocking(true).map_err(not_yet)?;
        let _ = stream.set_nodelay(true);
        Ok((Self::Tcp { stream, connected: true }, peer))
    }

    pub(super) fn send(&mut self, data: &[u8]) -> nb::Result<usize, Error> {
        self.stream()?.write(data).map_err(not_yet)
    }

    pub(super) fn recv(&mut self, buf: &mut [u8], peek: bool) -> nb::Result<usize, Error> {
        let mut stream = self.stream().map_err(|_| Error::NotConnected)?;
        if peek { stream.peek(buf) } else { stream.read(buf) }.map_err(not_yet)
    }

    pub(super) fn shutdown(&mut self, side: Side) -> Result<(), Error> {
        let how = match side {
            Side::Read => Shutdown::Read,
            Side::Write => Shutdown::Write,
        };
        self.stream().map_err(|_| Error::NotConnected)?.shutdown(how).map_err(error)
    }

    pub(super) fn send_to(&mut self, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error> {
        self.datagrams()?.send_to(data, to).map_err(not_yet)
    }

    pub(super) fn recv_from(
        &mut self,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let socket = self.datagrams()?;
        if peek { socket.peek_from(buf) } else { socket.recv_from(buf) }.map_err(not_yet)
    }

    pub(super) fn local_addr(&self) -> Result<SocketAddr, Error> {
        match self {
            Self::Tcp { stream, .. } => stream.local_addr(),
            Self::Listener(listener) => listener.local_addr(),
            Self::Udp(socket) => socket.local_addr(),
            Self::Failed(error) => return Err(*error),
        }
        .map_err(error)
    }

    /// Closes with a reset.
    pub(super) fn abort(self) {
        if let Self::Tcp { stream, .. } = self {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    }

    fn stream(&self) -> Result<&TcpStream, Error> {
        match self {
            Self::Tcp { stream, connected: true } => Ok(stream),
            Self::Udp(_) => Err(Error::DestinationRequired),
            Self::Tcp { .. } | Self::Failed(_) | Self::Listener(_) => Err(Error::NotConnected),
        }
    }

    fn datagrams(&self) -> Result<&UdpSocket, Error> {
        if let Self::Udp(socket) = self { Ok(socket) } else { Err(Error::InvalidState) }
    }
}

fn tcp() -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    let _ = socket.set_tcp_nodelay(true);
    Ok(socket)
}

fn is_in_progress(error: &io::Error) -> bool {
    // EINPROGRESS has no kind of its own in std: Linux; macOS and the BSDs.
    error.kind() == ErrorKind::WouldBlock || matches!(error.raw_os_error(), Some(115 | 36))
}

fn not_yet(failed: io::Error) -> nb::Error<Error> {
    match failed.kind() {
        // A connection that was gone before it was accepted is nobody's error.
        ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted => {
            nb::Error::WouldBlock
        }
        _ => nb::Error::Other(error(failed)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn error(failed: io::Error) -> Error {
    match failed.kind() {
        ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => Error::ConnectionReset,
        ErrorKind::BrokenPipe => Error::BrokenPipe,
        ErrorKind::NotConnected => Error::NotConnected,
        ErrorKind::AddrInUse => Error::AddrInUse,
        ErrorKind::AddrNotAvailable => Error::AddrNotAvailable,
        ErrorKind::TimedOut => Error::TimedOut,
        // Ports below 1024 are not for everybody.
        ErrorKind::PermissionDenied => Error::AddrNotAvailable,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
            Error::Unreachable
        }
        ErrorKind::InvalidInput => Error::InvalidInput,
        _ => match failed.raw_os_error() {
            // EMFILE, ENFILE: every descriptor is taken.
            Some(24 | 23) => Error::NoSockets,
            code => Fault::Chip(code.and_then(|code| u16::try_from(code).ok()).unwrap_or(0)).into(),
        },
    }
}
