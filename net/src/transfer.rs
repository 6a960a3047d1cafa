//! What connections do with their socket: bytes, closing, deadlines, options.

use core::net::SocketAddr;

use crate::addr::canonical;
use crate::conn::one_by_one;
use crate::socket::{Socket, Turn};
use crate::{Addr, Cause, DeviceError, Error, Instant, Op, Side, SockFlags, SockOpt, WriteError};

/// One send on the device.
type Send<'a> = dyn Fn(&[u8]) -> nb::Result<usize, DeviceError> + 'a;

impl Socket {
    pub(crate) fn read(&self, buf: &mut [u8]) -> Result<usize, Error> {
        let mut count = 0;
        self.read_by(buf.is_empty(), &mut || {
            count = self.receive(buf)?;
            Ok(())
        })
        .map_err(|cause| self.error(Op::Read, cause))?;
        Ok(count)
    }

    pub(crate) fn try_read(&self, buf: &mut [u8]) -> nb::Result<usize, Error> {
        if buf.is_empty() {
            return Ok(self.read(buf)?);
        }
        let mut count = 0;
        self.try_run(Side::Read, &[], &mut || {
            count = self.receive(buf)?;
            Ok(())
        })
        .map_err(|error| error.map(|cause| self.error(Op::Read, cause)))?;
        Ok(count)
    }

    pub(crate) fn write(&self, data: &[u8]) -> Result<usize, WriteError> {
        self.send_all(data, &|rest| self.send(rest))
            .map_err(|(written, cause)| WriteError { written, error: self.error(Op::Write, cause) })
    }

    pub(crate) fn try_write(&self, data: &[u8]) -> nb::Result<usize, Error> {
        self.try_send(data, &|data| self.send(data))
            .map_err(|error| error.map(|cause| self.error(Op::Write, cause)))
    }

    /// Writes several slices while nobody else writes. Short ones are gathered, so that they leave
    /// in one send.
    pub(crate) fn write_parts(&self, parts: &[&[u8]]) -> Result<usize, WriteError> {
        if self.network().is_udp() {
            return one_by_one(parts, |part| self.write(part));
        }
        let (mut turn, mut total) = (None, 0);
        let (mut room, mut filled) = ([0; GATHER], 0);
        let mut send = |data: &[u8]| {
            let sent = self.send_in(&mut turn, data, &|rest| self.send(rest));
            total += sent.map_err(|(written, cause)| WriteError {
                written: total + written,
                error: self.error(Op::Write, cause),
            })?;
            Ok(())
        };
        for part in parts {
            if filled + part.len() > GATHER {
                send(room.get(..filled).unwrap_or_default())?;
                filled = 0;
            }
            match room.get_mut(filled..filled + part.len()) {
                Some(place) => place.copy_from_slice(part),
                None => send(part)?,
            }
            filled = if part.len() > GATHER { 0 } else { filled + part.len() };
        }
        send(room.get(..filled).unwrap_or_default())?;
        Ok(total)
    }

    /// Waits to send all of `data`; with a datagram, in one step. On failure tells how much the
    /// device took.
    pub(crate) fn send_all(&self, data: &[u8], send: &Send<'_>) -> Result<usize, (usize, Cause)> {
        self.send_in(&mut None, data, send)
    }

    fn send_in<'a>(
        &'a self,
        turn: &mut Option<Turn<'a>>,
        data: &[u8],
        send: &Send<'_>,
    ) -> Result<usize, (usize, Cause)> {
        let mut written = 0;
        loop {
            let rest = data.get(written..).unwrap_or_default();
            let mut sent = 0;
            self.run_in(turn, Side::Write, rest, &mut || {
                sent = self.send_some(rest, send)?;
                Ok(())
            })
            .map_err(|cause| (written, cause))?;
            written += sent;
            if written >= data.len() || self.network().is_udp() {
                return Ok(written);
            }
        }
    }

    /// Tries to send once.
    pub(crate) fn try_send(&self, data: &[u8], send: &Send<'_>) -> nb::Result<usize, Cause> {
        let mut sent = 0;
        self.try_run(Side::Write, data, &mut || {
            sent = self.send_some(data, send)?;
            Ok(())
        })?;
        Ok(sent)
    }

    /// Ends one direction, after the call that is under way there.
    pub(crate) fn shutdown(&self, side: Side) -> Result<(), Error> {
        self.run(side, &mut || self.device().shutdown(self.fd(), side))
            .map_err(|cause| self.error(Op::Close, cause))
    }

    /// Closes. What others wait for ends with [`Cause::Closed`].
    pub(crate) fn close(&self) -> Result<(), Error> {
        self.give_up().map_err(|cause| self.error(Op::Close, cause))
    }

    pub(crate) fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.set_read_deadline(at)?;
        self.set_write_deadline(at)
    }

    pub(crate) fn set_read_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.move_deadline(Side::Read, at)
    }

    pub(crate) fn set_write_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.move_deadline(Side::Write, at)
    }

    pub(crate) fn set_option(&self, option: SockOpt<'_>) -> Result<(), Error> {
        self.control(&mut || self.device().set_sock_opt(self.fd(), option))
            .map_err(|cause| self.error_here(Op::Set, cause))
    }

    /// The error of an operation between our address and the peer's.
    pub(crate) fn error(&self, op: Op, cause: Cause) -> Error {
        self.error_to(op, self.remote_addr(), cause)
    }

    /// The same with another peer.
    pub(crate) fn error_to(&self, op: Op, addr: Option<Addr>, cause: Cause) -> Error {
        Error { op, network: Some(self.network()), source: self.local_addr(), addr, cause }
    }

    /// The error of an operation on our own address.
    pub(crate) fn error_here(&self, op: Op, cause: Cause) -> Error {
        Error { op, network: Some(self.network()), source: None, addr: self.local_addr(), cause }
    }

    /// Waits for a read; one into an empty buffer only asks whether the connection is open.
    fn read_by(
        &self,
        empty: bool,
        step: &mut dyn FnMut() -> nb::Result<(), DeviceError>,
    ) -> Result<(), Cause> {
        if !empty {
            self.run(Side::Read, step)
        } else if self.sides().closed() {
            Err(Cause::Closed)
        } else {
            Ok(())
        }
    }

    fn receive(&self, buf: &mut [u8]) -> nb::Result<usize, DeviceError> {
        let count = if self.unconnected() {
            self.device().recv_from(self.fd(), buf, SockFlags::NONE)?.0
        } else {
            self.device().recv(self.fd(), buf, SockFlags::NONE)?
        };
        Ok(count.min(buf.len()))
    }

    pub(crate) fn receive_from(
        &self,
        buf: &mut [u8],
    ) -> nb::Result<(usize, SocketAddr), DeviceError> {
        let (count, from) = match self.remote() {
            Some(peer) => (self.device().recv(self.fd(), buf, SockFlags::NONE)?, peer),
            None => self.device().recv_from(self.fd(), buf, SockFlags::NONE)?,
        };
        Ok((count.min(buf.len()), canonical(from)))
    }

    fn send(&self, data: &[u8]) -> nb::Result<usize, DeviceError> {
        if self.unconnected() {
            return Err(nb::Error::Other(DeviceError::DestinationRequired));
        }
        self.device().send(self.fd(), data, SockFlags::NONE)
    }

    /// With nothing to say on a stream, having the turn is all.
    fn send_some(&self, data: &[u8], send: &Send<'_>) -> nb::Result<usize, DeviceError> {
        if data.is_empty() && !self.network().is_udp() {
            return Ok(0);
        }
        Ok(send(data)?.min(data.len()))
    }

    fn unconnected(&self) -> bool {
        self.network().is_udp() && self.remote().is_none()
    }

    fn move_deadline(&self, side: Side, at: Option<Instant>) -> Result<(), Error> {
        if self.sides().closed() {
            return Err(self.error_here(Op::Set, Cause::Closed));
        }
        self.sides().set_deadline(side, at);
        Ok(())
    }
}

/// Slices up to this length together are copied so that they leave at once.
const GATHER: usize = 512;
