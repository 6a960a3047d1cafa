//! TCP listeners.

use core::cell::Cell;
use core::fmt;

use critical_section::Mutex;
use netdev::Fault;

use crate::link::supervised;
use crate::socket::Socket;
use crate::{
    Addr, AddressFamily, Cause, DeviceError, Error, Instant, Listener, Netdev, Op, Protocol, Side,
    SockFd, SockOpt, SockType, TcpConn,
};

/// A TCP listener: Go's `net.TCPListener`. Made by [`listen`](crate::listen).
///
/// When the chip was reset and a [`Supervisor`](crate::link::Supervisor) brings its link back, the
/// listener comes back with it, on the same port; who accepts just waits on.
pub struct TcpListener {
    socket: Socket,
    backlog: u16,
    stage: Mutex<Cell<Stage>>,
}

/// How far a listener has come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Listening,
    /// The chip has forgotten it.
    Lost,
    Opened,
    Bound,
}

impl TcpListener {
    pub(crate) const fn new(socket: Socket, backlog: u16) -> Self {
        Self { socket, backlog, stage: Mutex::new(Cell::new(Stage::Listening)) }
    }

    /// The device that it lives on.
    #[must_use]
    pub const fn device(&self) -> &'static dyn Netdev {
        self.socket.device()
    }

    /// The device's handle; `None` once closed, and while it comes back after a reset.
    #[must_use]
    pub fn socket(&self) -> Option<SockFd> {
        self.socket.socket().filter(|_| self.stage() == Stage::Listening)
    }

    /// Waits for the next connection; see [`Listener::accept`].
    ///
    /// # Errors
    /// `DeadlineExceeded`, `Closed`, or the device's. After `NoSockets` the connection still waits,
    /// and the listener goes on.
    pub fn accept(&self) -> Result<TcpConn, Error> {
        let mut accepted = None;
        self.socket
            .run(Side::Read, &mut || {
                accepted = Some(self.take()?);
                Ok(())
            })
            .map_err(|cause| self.error(cause))?;
        self.accepted(accepted)
    }

    /// Tries to take a connection once.
    ///
    /// # Errors
    /// As [`accept`](Self::accept); `WouldBlock` if there is none yet, or somebody else accepts.
    pub fn try_accept(&self) -> nb::Result<TcpConn, Error> {
        let mut accepted = None;
        self.socket
            .try_run(Side::Read, &[], &mut || {
                accepted = Some(self.take()?);
                Ok(())
            })
            .map_err(|error| error.map(|cause| self.error(cause)))?;
        Ok(self.accepted(accepted)?)
    }

    /// Stops listening; calls that wait end with `Closed`. Connections that were accepted go on.
    ///
    /// # Errors
    /// `Closed` if it was before.
    pub fn close(&self) -> Result<(), Error> {
        self.socket.give_up().map_err(|cause| self.socket.error_here(Op::Close, cause))
    }

    /// Where it listens, with the port that the device chose if none was asked for. Stays readable
    /// after close.
    #[must_use]
    pub fn addr(&self) -> Option<Addr> {
        self.socket.local_addr()
    }

    /// Sets the moment from which on accepting fails, calls that wait included; `None` for never.
    ///
    /// # Errors
    /// `Closed`.
    pub fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.socket.set_read_deadline(at)
    }

    fn take(&self) -> nb::Result<TcpConn, DeviceError> {
        let device = self.socket.device();
        if self.stage() != Stage::Listening && supervised(device) {
            self.come_back()?;
        }
        let (fd, peer) = device.accept(self.socket.fd()).map_err(|error| match error {
            nb::Error::Other(DeviceError::Fault(Fault::Restarted) | DeviceError::LinkDown)
                if supervised(device) =>
            {
                self.lose();
                nb::Error::WouldBlock
            }
            error => error,
        })?;
        let mut socket = Socket::adopt(device, fd, self.socket.network());
        socket.set_remote(peer);
        if socket.try_learn_local() && socket.local().is_none() {
            // The device cannot tell: it is the address that the peer connected to, at least.
            socket.assume_local(self.socket.local());
        }
        Ok(TcpConn::new(socket))
    }

    /// Listens again where it did before the chip was reset. Until the link is back that fails, and
    /// is tried again.
    fn come_back(&self) -> nb::Result<(), DeviceError> {
        let device = self.socket.device();
        while self.stage() != Stage::Listening {
            match self.next_stage() {
                Ok(stage) => self.set_stage(stage),
                Err(nb::Error::WouldBlock) => return Err(nb::Error::WouldBlock),
                Err(nb::Error::Other(error)) => {
                    self.lose();
                    let passes = matches!(
                        error,
                        DeviceError::LinkDown
                            | DeviceError::AddrNotAvailable
                            | DeviceError::NoSockets
                            | DeviceError::Fault(_)
                    );
                    if passes && supervised(device) {
                        return Err(nb::Error::WouldBlock);
                    }
                    return Err(nb::Error::Other(error));
                }
            }
        }
        Ok(())
    }

    fn next_stage(&self) -> nb::Result<Stage, DeviceError> {
        let (device, fd) = (self.socket.device(), self.socket.fd());
        let local = self.socket.local().ok_or(DeviceError::AddrNotAvailable)?;
        match self.stage() {
            Stage::Lost => {
                let family = AddressFamily::of(&local);
                let fd = device.socket(family, SockType::Stream, Protocol::Tcp)?;
                let wanted = self.socket.replace_fd(fd);
                if wanted { Ok(Stage::Opened) } else { Err(DeviceError::BadSocket.into()) }
            }
            Stage::Opened => {
                if local.is_ipv6() && local.ip().is_unspecified() {
                    let only = self.socket.network().family().is_some();
                    device.set_sock_opt(fd, SockOpt::Ipv6Only(only))?;
                }
                device.bind(fd, local)?;
                Ok(Stage::Bound)
            }
            Stage::Bound => {
                device.listen(fd, self.backlog)?;
                Ok(Stage::Listening)
            }
            Stage::Listening => Ok(Stage::Listening),
        }
    }

    /// Gives up the socket that the chip has forgotten.
    fn lose(&self) {
        self.socket.device().close(self.socket.fd());
        self.set_stage(Stage::Lost);
    }

    fn stage(&self) -> Stage {
        critical_section::with(|cs| self.stage.borrow(cs).get())
    }

    fn set_stage(&self, stage: Stage) {
        critical_section::with(|cs| self.stage.borrow(cs).set(stage));
    }

    fn accepted(&self, accepted: Option<TcpConn>) -> Result<TcpConn, Error> {
        accepted.ok_or_else(|| self.error(Cause::Device(DeviceError::InvalidState)))
    }

    fn error(&self, cause: Cause) -> Error {
        self.socket.error_here(Op::Accept, cause)
    }
}

impl Listener for TcpListener {
    type Conn = TcpConn;

    fn device(&self) -> &'static dyn Netdev {
        self.device()
    }

    fn socket(&self) -> Option<SockFd> {
        self.socket()
    }

    fn accept(&self) -> Result<TcpConn, Error> {
        self.accept()
    }

    fn try_accept(&self) -> nb::Result<TcpConn, Error> {
        self.try_accept()
    }

    fn close(&self) -> Result<(), Error> {
        self.close()
    }

    fn addr(&self) -> Option<Addr> {
        self.addr()
    }

    fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.set_deadline(at)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpListener").field(&self.socket).finish()
    }
}
