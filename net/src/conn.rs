//! What connections and listeners of every kind have in common.

use core::net::SocketAddr;

use crate::methods::conn_methods;
use crate::socket::Socket;
use crate::{Addr, Error, Instant, Netdev, SockFd, TcpConn, UdpConn, WriteError};

/// A connection: Go's `net.Conn`.
///
/// Everything works on `&self`, from several threads at once: one reads while another writes, a
/// second reader or writer waits for the first, and [`close`](Self::close) wakes them all.
pub trait Conn {
    /// The device that it lives on.
    fn device(&self) -> &'static dyn Netdev;

    /// The device's handle, to be compared with what [`Netdev::next_ready`] tells. `None` once
    /// closed, and for connections that no device knows.
    fn socket(&self) -> Option<SockFd>;

    /// Waits for data and reads it into a prefix of `buf`.
    ///
    /// On a stream `Ok(0)` is the end, which stays; with datagrams it is an empty one. An empty
    /// `buf` gives 0 at once. Data that waits is not given once the read deadline has passed.
    ///
    /// # Errors
    /// [`DeadlineExceeded`](crate::Cause::DeadlineExceeded), [`Closed`](crate::Cause::Closed), or the
    /// device's.
    fn read(&self, buf: &mut [u8]) -> Result<usize, Error>;

    /// Writes all of `data` and tells its length. A write stays whole: no other gets in between.
    ///
    /// On a stream an empty `data` does nothing; otherwise it is an empty datagram.
    ///
    /// # Errors
    /// As [`read`](Self::read), with how much the device took before. If the write deadline passes
    /// while the chip is busy with a part, the write side is [spoilt](crate::Cause::Spoilt).
    fn write(&self, data: &[u8]) -> Result<usize, WriteError>;

    /// Writes several slices in order and tells their length together. On a TCP connection they are
    /// one write, and short ones leave in one send; elsewhere each is a write of its own.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    fn write_parts(&self, parts: &[&[u8]]) -> Result<usize, WriteError>
    where
        Self: Sized,
    {
        one_by_one(parts, |part| self.write(part))
    }

    /// Tries to read once.
    ///
    /// # Errors
    /// As [`read`](Self::read); `WouldBlock` if there is nothing yet, or somebody else reads.
    fn try_read(&self, buf: &mut [u8]) -> nb::Result<usize, Error>;

    /// Tries to write a prefix of `data` once and tells its length.
    ///
    /// After `WouldBlock` call again with the same bytes, or with more behind them: the chip may
    /// have them already. Until then no other write gets through; one that brings other bytes waits
    /// (or gets `WouldBlock`, when it only tries).
    ///
    /// # Errors
    /// As [`read`](Self::read); `WouldBlock` if nothing is taken yet, or somebody else writes.
    fn try_write(&self, data: &[u8]) -> nb::Result<usize, Error>;

    /// Closes; calls that wait end with [`Closed`](crate::Cause::Closed). Dropping closes too.
    ///
    /// # Errors
    /// `Closed` if it was before.
    fn close(&self) -> Result<(), Error>;

    /// Our end, if the device knows it. Stays readable after close.
    fn local_addr(&self) -> Option<Addr>;

    /// The peer's end. Stays readable after close.
    fn remote_addr(&self) -> Option<Addr>;

    /// Sets both deadlines; see [`set_read_deadline`](Self::set_read_deadline).
    ///
    /// # Errors
    /// `Closed`.
    fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error>;

    /// Sets the moment from which on reads fail; `None` for never. Holds for reads that wait, too,
    /// until it is moved.
    ///
    /// # Errors
    /// `Closed`.
    fn set_read_deadline(&self, at: Option<Instant>) -> Result<(), Error>;

    /// The same for writes.
    ///
    /// # Errors
    /// `Closed`.
    fn set_write_deadline(&self, at: Option<Instant>) -> Result<(), Error>;
}

/// Writes each slice by itself.
pub(crate) fn one_by_one(
    parts: &[&[u8]],
    write: impl Fn(&[u8]) -> Result<usize, WriteError>,
) -> Result<usize, WriteError> {
    let mut written = 0;
    for part in parts {
        written += write(part)
            .map_err(|error| WriteError { written: written + error.written, ..error })?;
    }
    Ok(written)
}

/// Something that connections come from: Go's `net.Listener`.
pub trait Listener {
    /// What it gives.
    type Conn: Conn;

    /// The device that it lives on.
    fn device(&self) -> &'static dyn Netdev;

    /// The device's handle, to be compared with what [`Netdev::next_ready`] tells. `None` once
    /// closed.
    fn socket(&self) -> Option<SockFd>;

    /// Waits for the next connection.
    ///
    /// # Errors
    /// [`DeadlineExceeded`](crate::Cause::DeadlineExceeded), [`Closed`](crate::Cause::Closed), or the
    /// device's: after `NoSockets` the connection still waits, and the listener goes on.
    fn accept(&self) -> Result<Self::Conn, Error>;

    /// Tries to take a connection once.
    ///
    /// # Errors
    /// As [`accept`](Self::accept); `WouldBlock` if there is none yet.
    fn try_accept(&self) -> nb::Result<Self::Conn, Error>;

    /// Stops listening; calls that wait end with [`Closed`](crate::Cause::Closed). Connections that
    /// were accepted go on. Dropping closes too.
    ///
    /// # Errors
    /// `Closed` if it was before.
    fn close(&self) -> Result<(), Error>;

    /// Where it listens, with the port that the device chose if none was asked for.
    fn addr(&self) -> Option<Addr>;

    /// Sets the moment from which on accepting fails; `None` for never.
    ///
    /// # Errors
    /// `Closed`.
    fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error>;
}

/// An end point of datagrams: Go's `net.PacketConn`.
pub trait PacketConn {
    /// The device that it lives on.
    fn device(&self) -> &'static dyn Netdev;

    /// The device's handle, to be compared with what [`Netdev::next_ready`] tells. `None` once
    /// closed.
    fn socket(&self) -> Option<SockFd>;

    /// Waits for a datagram and tells how much of `buf` it fills, and its sender. What does not fit
    /// is lost; 0 is an empty datagram.
    ///
    /// # Errors
    /// As [`Conn::read`].
    fn read_from(&self, buf: &mut [u8]) -> Result<(usize, SocketAddr), Error>;

    /// Sends one datagram.
    ///
    /// # Errors
    /// As [`Conn::write`]; [`WriteToConnected`](crate::Cause::WriteToConnected) if there is a peer.
    fn write_to(&self, data: &[u8], to: SocketAddr) -> Result<usize, Error>;

    /// Tries to read once.
    ///
    /// # Errors
    /// As [`read_from`](Self::read_from); `WouldBlock` if there is nothing yet, or somebody else
    /// reads.
    fn try_read_from(&self, buf: &mut [u8]) -> nb::Result<(usize, SocketAddr), Error>;

    /// Tries to send once; see [`Conn::try_write`].
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to); `WouldBlock` if it is not taken yet, or somebody else
    /// writes.
    fn try_write_to(&self, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error>;

    /// Closes; calls that wait end with [`Closed`](crate::Cause::Closed). Dropping closes too.
    ///
    /// # Errors
    /// `Closed` if it was before.
    fn close(&self) -> Result<(), Error>;

    /// Our end. Stays readable after close.
    fn local_addr(&self) -> Option<Addr>;

    /// Sets both deadlines; see [`Conn::set_read_deadline`].
    ///
    /// # Errors
    /// `Closed`.
    fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error>;

    /// Sets the deadline of reads.
    ///
    /// # Errors
    /// `Closed`.
    fn set_read_deadline(&self, at: Option<Instant>) -> Result<(), Error>;

    /// Sets the deadline of writes.
    ///
    /// # Errors
    /// `Closed`.
    fn set_write_deadline(&self, at: Option<Instant>) -> Result<(), Error>;
}

/// A connection of whatever kind was dialled.
#[non_exhaustive]
#[derive(Debug)]
pub enum Connection {
    /// TCP.
    Tcp(TcpConn),
    /// UDP, with the dialled address as its only peer.
    Udp(UdpConn),
}

conn_methods!(Connection);

impl Connection {
    pub(crate) const fn inner(&self) -> &Socket {
        match self {
            Self::Tcp(conn) => conn.inner(),
            Self::Udp(conn) => conn.inner(),
        }
    }
}

impl From<TcpConn> for Connection {
    fn from(conn: TcpConn) -> Self {
        Self::Tcp(conn)
    }
}

impl From<UdpConn> for Connection {
    fn from(conn: UdpConn) -> Self {
        Self::Udp(conn)
    }
}
