//! Serving a connection of the application's own.

use core::cell::Cell;
use core::fmt;

use net::netdev::{self, Netdev, SockFd, Stopped};
use net::{Addr, Conn, Error as NetError, Instant, Listener};

use super::Server;
use crate::{Error, Handler};

/// Serves one connection, wherever it comes from, until it ends: a serial line, a tunnel, one end of a
/// pipe. For limits and sizes of one's own, make a [`Server`] with a [`OneConn`].
///
/// # Errors
/// What ends the server; that the connection ended is none.
pub fn serve_conn<C: Conn>(conn: C, handler: &dyn Handler) -> Result<(), Error> {
    Server::<_, 1>::new(OneConn::new(conn), handler).serve_conn()
}

/// A listener that gives one connection, which is there already.
///
/// ```no_run
/// use net_http as http;
///
/// # fn serve(conn: net::TcpConn, handler: &dyn http::Handler) -> Result<(), http::Error> {
/// let mut server = http::Server::<_, 1, 4096>::new(http::OneConn::new(conn), handler);
/// server.serve_conn()
/// # }
/// ```
pub struct OneConn<C> {
    conn: Cell<Option<C>>,
    device: &'static dyn Netdev,
    addr: Option<Addr>,
}

impl<C: Conn> OneConn<C> {
    /// A listener for this connection.
    pub fn new(conn: C) -> Self {
        let (device, addr) = (conn.device(), conn.local_addr());
        Self { conn: Cell::new(Some(conn)), device, addr }
    }
}

impl<C: Conn> Listener for OneConn<C> {
    type Conn = C;

    fn device(&self) -> &'static dyn Netdev {
        self.device
    }

    fn socket(&self) -> Option<SockFd> {
        None
    }

    fn accept(&self) -> Result<C, NetError> {
        let cause = net::Cause::Closed;
        self.conn.take().ok_or_else(|| NetError::new(net::Op::Accept, cause))
    }

    fn try_accept(&self) -> nb::Result<C, NetError> {
        self.conn.take().ok_or(nb::Error::WouldBlock)
    }

    fn close(&self) -> Result<(), NetError> {
        self.conn.take();
        Ok(())
    }

    fn addr(&self) -> Option<Addr> {
        self.addr
    }

    fn set_deadline(&self, _: Option<Instant>) -> Result<(), NetError> {
        Ok(())
    }
}

impl<C> fmt::Debug for OneConn<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OneConn").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl<C: Conn, const CONNS: usize, const HEAD: usize, const OUT: usize>
    Server<'_, OneConn<C>, CONNS, HEAD, OUT>
{
    /// Serves until the connection ends.
    ///
    /// # Errors
    /// As [`serve`](Self::serve).
    pub fn serve_conn(&mut self) -> Result<(), Error> {
        let device = self.core.device;
        let mut begun = false;
        let over = netdev::wait(
            device,
            || None,
            || loop {
                match self.poll() {
                    Err(nb::Error::WouldBlock) if begun && self.connections() == 0 => return Ok(()),
                    Ok(()) => begun = true,
                    Err(error) => return Err(error),
                }
            },
        );
        match over {
            Ok(()) | Err(Stopped::Deadline | Stopped::Failed(Error::ServerClosed)) => Ok(()),
            Err(Stopped::Failed(error)) => Err(error),
        }
    }
}
