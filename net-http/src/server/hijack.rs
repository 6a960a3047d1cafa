//! A connection that a handler has taken over.

use net::netdev::Side;
use net::{Addr, Instant};

use super::writer::{ResponseWriter, Taken};
use crate::Error;

/// A connection that speaks HTTP no more: what [`ResponseWriter::hijack`] gives. Go's `Hijacker`.
///
/// Reading starts with the bytes that came right behind the request. Nothing is sent but what is
/// written here, so the answer (`101 Switching Protocols`) is the handler's to write. When the handler
/// returns, the connection is closed, unless it was given [away](Self::detach).
///
/// While a read or a write waits, the server's other connections are looked after, but no other
/// handler starts; if one is due, the client has to move 1 KiB within
/// [`Limits::stall_time`](crate::Limits::stall_time), or the call fails with [`Error::TooSlow`]. What
/// goes on for longer than that is given away.
#[derive(Debug)]
pub struct Hijacked<'w, 'a> {
    writer: &'w mut ResponseWriter<'a>,
}

impl<'w, 'a> Hijacked<'w, 'a> {
    pub(crate) const fn new(writer: &'w mut ResponseWriter<'a>) -> Self {
        Self { writer }
    }

    /// Reads at least a byte; `Ok(0)` is the end of the client's side.
    ///
    /// # Errors
    /// [`Error::TooSlow`], or what the connection says.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        self.writer.exchange.read_behind(buf)
    }

    /// Writes all of `data` and tells its length.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn write(&mut self, data: &[u8]) -> Result<usize, Error> {
        self.writer.exchange.send(data).map(|()| data.len())
    }

    /// Sets the moment from which on reads fail; `None` for never.
    pub fn set_read_deadline(&mut self, at: Option<Instant>) {
        self.writer.exchange.set_deadline(Side::Read, at);
    }

    /// The same for writes.
    pub fn set_write_deadline(&mut self, at: Option<Instant>) {
        self.writer.exchange.set_deadline(Side::Write, at);
    }

    /// The time that deadlines are measured by.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.writer.exchange.now()
    }

    /// The client's address.
    #[must_use]
    pub fn remote_addr(&self) -> Option<Addr> {
        self.writer.exchange.addrs().1
    }

    /// When the handler has returned, the connection goes to what was named with
    /// [`Server::hand_over`](crate::Server::hand_over), and the server forgets it. Without that it is
    /// closed.
    pub fn detach(self) {
        self.writer.taken = Taken::Away;
    }
}

impl embedded_io::ErrorType for Hijacked<'_, '_> {
    type Error = Error;
}

impl embedded_io::Read for Hijacked<'_, '_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        Hijacked::read(self, buf)
    }
}

impl embedded_io::Write for Hijacked<'_, '_> {
    fn write(&mut self, data: &[u8]) -> Result<usize, Error> {
        Hijacked::write(self, data)
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
