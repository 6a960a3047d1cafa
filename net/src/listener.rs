//! TCP listeners.

use core::fmt;

use crate::socket::Socket;
use crate::{
    Addr, Cause, DeviceError, Error, Instant, Listener, Netdev, Op, Side, SockFd, TcpConn,
};

/// A TCP listener: Go's `net.TCPListener`. Made by [`listen`](crate::listen).
pub struct TcpListener {
    socket: Socket,
}

impl TcpListener {
    pub(crate) const fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// The device that it lives on.
    #[must_use]
    pub const fn device(&self) -> &'static dyn Netdev {
        self.socket.device()
    }

    /// The device's handle; `None` once closed.
    #[must_use]
    pub fn socket(&self) -> Option<SockFd> {
        self.socket.socket()
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
        let (fd, peer) = device.accept(self.socket.fd())?;
        let mut socket = Socket::adopt(device, fd, self.socket.network());
        socket.set_remote(peer);
        if socket.try_learn_local() && socket.local().is_none() {
            // The device cannot tell: it is the address that the peer connected to, at least.
            socket.assume_local(self.socket.local());
        }
        Ok(TcpConn::new(socket))
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
