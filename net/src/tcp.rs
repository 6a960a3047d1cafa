//! TCP connections.

use core::fmt;
use core::time::Duration;

use crate::methods::conn_methods;
use crate::socket::Socket;
use crate::{Error, Side, SockOpt};

/// A TCP connection: Go's `net.TCPConn`. Made by [`dial`](crate::dial) and
/// [`TcpListener::accept`](crate::TcpListener::accept).
pub struct TcpConn {
    socket: Socket,
}

conn_methods!(TcpConn);

impl TcpConn {
    pub(crate) const fn new(socket: Socket) -> Self {
        Self { socket }
    }

    pub(crate) const fn inner(&self) -> &Socket {
        &self.socket
    }

    /// Ends our direction only: the peer reads the end, and we may still read.
    ///
    /// # Errors
    /// `Closed`, or the device's: `Unsupported` where it cannot.
    pub fn close_write(&self) -> Result<(), Error> {
        self.socket.shutdown(Side::Write)
    }

    /// Ends the peer's direction only: from now on we read the end.
    ///
    /// # Errors
    /// As [`close_write`](Self::close_write).
    pub fn close_read(&self) -> Result<(), Error> {
        self.socket.shutdown(Side::Read)
    }

    /// Sends small writes at once instead of gathering them.
    ///
    /// # Errors
    /// `Closed`, or the device's: `Unsupported` where it cannot.
    pub fn set_no_delay(&self, on: bool) -> Result<(), Error> {
        self.socket.set_option(SockOpt::NoDelay(on))
    }

    /// Asks a silent peer this often whether it still lives; `None` stops asking.
    ///
    /// # Errors
    /// As [`set_no_delay`](Self::set_no_delay).
    pub fn set_keep_alive(&self, period: Option<Duration>) -> Result<(), Error> {
        self.socket.set_option(SockOpt::KeepAlive(period))
    }

    /// How long close goes on sending what is queued. Zero throws it away and resets the
    /// connection; `None` is the device's own way.
    ///
    /// # Errors
    /// As [`set_no_delay`](Self::set_no_delay).
    pub fn set_linger(&self, time: Option<Duration>) -> Result<(), Error> {
        self.socket.set_option(SockOpt::Linger(time))
    }
}

impl fmt::Debug for TcpConn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TcpConn").field(&self.socket).finish()
    }
}
