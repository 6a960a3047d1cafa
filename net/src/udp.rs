//! UDP: connections with one peer, and end points without.

use core::fmt;
use core::net::SocketAddr;

use crate::methods::conn_methods;
use crate::socket::Socket;
use crate::{
    Addr, Cause, DeviceError, Error, Instant, Netdev, Op, PacketConn, Side, SockFd, SockFlags,
};

/// A UDP socket: Go's `net.UDPConn`.
///
/// From [`dial`](crate::dial) it has a peer: `read` and `write` speak with that one only, and
/// [`write_to`](Self::write_to) is refused. From [`listen_packet`](crate::listen_packet) it has
/// none: `read_from` and `write_to` speak with everybody, and `write` is refused.
///
/// A read gives one datagram; what does not fit the buffer is lost, and 0 is an empty datagram.
pub struct UdpConn {
    socket: Socket,
}

conn_methods!(UdpConn);

impl UdpConn {
    pub(crate) const fn new(socket: Socket) -> Self {
        Self { socket }
    }

    pub(crate) const fn inner(&self) -> &Socket {
        &self.socket
    }

    /// Waits for a datagram; see [`PacketConn::read_from`].
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_from(&self, buf: &mut [u8]) -> Result<(usize, SocketAddr), Error> {
        let mut got = None;
        self.socket
            .run(Side::Read, &mut || {
                got = Some(self.socket.receive_from(buf)?);
                Ok(())
            })
            .map_err(|cause| self.socket.error(Op::Read, cause))?;
        self.received(got)
    }

    /// Tries to read once; see [`PacketConn::try_read_from`].
    ///
    /// # Errors
    /// As [`try_read`](Self::try_read).
    pub fn try_read_from(&self, buf: &mut [u8]) -> nb::Result<(usize, SocketAddr), Error> {
        let mut got = None;
        self.socket
            .try_run(Side::Read, &[], &mut || {
                got = Some(self.socket.receive_from(buf)?);
                Ok(())
            })
            .map_err(|error| error.map(|cause| self.socket.error(Op::Read, cause)))?;
        Ok(self.received(got)?)
    }

    /// Sends one datagram, which may be empty.
    ///
    /// # Errors
    /// As [`write`](Self::write); `WriteToConnected` if there is a peer.
    pub fn write_to(&self, data: &[u8], to: SocketAddr) -> Result<usize, Error> {
        self.free_to_choose()
            .and_then(|()| {
                let sent = self.socket.send_all(data, &|data| self.send_to(data, to));
                sent.map_err(|(_, cause)| cause)
            })
            .map_err(|cause| self.socket.error_to(Op::Write, Some(Addr::Udp(to)), cause))
    }

    /// Tries to send once; see [`PacketConn::try_write_to`].
    ///
    /// # Errors
    /// As [`try_write`](Self::try_write); `WriteToConnected` if there is a peer.
    pub fn try_write_to(&self, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error> {
        self.free_to_choose()
            .map_err(nb::Error::Other)
            .and_then(|()| self.socket.try_send(data, &|data| self.send_to(data, to)))
            .map_err(|error| {
                error.map(|cause| self.socket.error_to(Op::Write, Some(Addr::Udp(to)), cause))
            })
    }

    /// Lets datagrams go to the broadcast address.
    ///
    /// # Errors
    /// `Closed`, or the device's: `Unsupported` where it cannot.
    pub fn set_broadcast(&self, on: bool) -> Result<(), Error> {
        self.socket.set_option(crate::SockOpt::Broadcast(on))
    }

    fn send_to(&self, data: &[u8], to: SocketAddr) -> nb::Result<usize, DeviceError> {
        self.socket.device().send_to(self.socket.fd(), data, to, SockFlags::NONE)
    }

    fn free_to_choose(&self) -> Result<(), Cause> {
        self.socket.remote().map_or(Ok(()), |_| Err(Cause::WriteToConnected))
    }

    fn received(&self, got: Option<(usize, SocketAddr)>) -> Result<(usize, SocketAddr), Error> {
        got.ok_or_else(|| self.socket.error(Op::Read, Cause::Device(DeviceError::InvalidState)))
    }
}

impl PacketConn for UdpConn {
    fn device(&self) -> &'static dyn Netdev {
        self.socket.device()
    }

    fn socket(&self) -> Option<SockFd> {
        self.socket.socket()
    }

    fn read_from(&self, buf: &mut [u8]) -> Result<(usize, SocketAddr), Error> {
        Self::read_from(self, buf)
    }

    fn write_to(&self, data: &[u8], to: SocketAddr) -> Result<usize, Error> {
        Self::write_to(self, data, to)
    }

    fn try_read_from(&self, buf: &mut [u8]) -> nb::Result<(usize, SocketAddr), Error> {
        Self::try_read_from(self, buf)
    }

    fn try_write_to(&self, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error> {
        Self::try_write_to(self, data, to)
    }

    fn close(&self) -> Result<(), Error> {
        self.socket.close()
    }

    fn local_addr(&self) -> Option<Addr> {
        self.socket.local_addr()
    }

    fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.socket.set_deadline(at)
    }

    fn set_read_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.socket.set_read_deadline(at)
    }

    fn set_write_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.socket.set_write_deadline(at)
    }
}

impl fmt::Debug for UdpConn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UdpConn").field(&self.socket).finish()
    }
}
