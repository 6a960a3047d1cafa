//! How a handler answers.

use core::fmt;

use net::Instant;
use net::netdev::Side;

use super::exchange::Exchange;
use super::hijack::Hijacked;
use super::outgoing::{HEAD_ROOM, Outgoing, TAIL_ROOM};
use super::source::Source;
use crate::header::{Header, Lines};
use crate::{Error, Status};

/// Answers a request: Go's `http.ResponseWriter`.
///
/// What is written gathers in the server's response buffer. An answer that fits goes out in one
/// write to the device, head and `Content-Length` included. A longer one, or one that is
/// [flushed](Self::flush), goes out in chunks (to an HTTP/1.0 client: until the connection closes),
/// unless the handler has set its `Content-Length`. `write!(w, ...)` works.
pub struct ResponseWriter<'a> {
    pub(crate) exchange: &'a dyn Exchange,
    pub(crate) buffer: &'a mut [u8],
    pub(crate) lines: Lines,
    pub(crate) out: Outgoing,
    /// The body in the buffer.
    pub(crate) body: (usize, usize),
    /// What has already gone wrong.
    pub(crate) failed: Option<Error>,
    /// Sent by the server when the handler is done.
    pub(crate) source: Source,
    /// Length of the trailers, which lie at the end of the buffer.
    trailers: usize,
    pub(crate) taken: Taken,
}

/// Whether the handler has taken the connection over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    No,
    /// It ends with the handler.
    Here,
    /// It goes to somebody else.
    Away,
}

impl<'a> ResponseWriter<'a> {
    pub(crate) fn new(exchange: &'a dyn Exchange, buffer: &'a mut [u8], out: Outgoing) -> Self {
        Self {
            exchange,
            buffer,
            lines: Lines::default(),
            out,
            body: (HEAD_ROOM, HEAD_ROOM),
            failed: None,
            source: Source::None,
            trailers: 0,
            taken: Taken::No,
        }
    }

    /// The header fields of the answer. To be set before the status or anything else is written.
    pub fn header(&mut self) -> Header<'_> {
        Header { lines: &mut self.lines, room: Outgoing::field_room(self.buffer) }
    }

    /// Writes the status. The first one counts; without any it is 200. The header fields are as they
    /// are now.
    ///
    /// A 1xx status other than 101 goes out at once, with the fields set so far, and the final one
    /// may follow.
    pub fn write_header(&mut self, status: Status) {
        if self.out.status.is_some() {
            return;
        }
        if status.is_informational() && status != Status::SWITCHING_PROTOCOLS {
            let range = self.out.interim(self.buffer, self.lines.length, status);
            let result = range.and_then(|range| self.send(range));
            self.failed = self.failed.or(result.err());
            return;
        }
        self.lines.frozen = true;
        self.out.status = Some(status);
        self.out.read_fields(self.buffer, &mut self.lines);
        let start = self.out.body_start(self.lines.length, self.buffer.len());
        self.body = (start, start);
        if self.lines.too_large {
            self.failed = self.failed.or(Some(Error::HeaderTooLarge));
        }
    }

    /// Writes to the body, all of `data`, and tells its length.
    ///
    /// # Errors
    /// [`Error::BodyNotAllowed`] with a status without body; [`Error::ContentLength`] if it is more
    /// than was announced (nothing of it is sent then); [`Error::HeaderTooLarge`]; what the
    /// connection says, or [`Error::TooSlow`]. After an error every write fails.
    pub fn write(&mut self, data: &[u8]) -> Result<usize, Error> {
        if self.out.status.is_none() {
            self.write_header(Status::OK);
        }
        if let Some(error) = self.failed {
            return Err(error);
        }
        if data.is_empty() {
            return Ok(0);
        }
        if !self.out.allows_body() {
            return Err(Error::BodyNotAllowed);
        }
        let written = self.out.written.saturating_add(length(data));
        if self.out.declared.is_some_and(|declared| written > declared) {
            self.failed = Some(Error::ContentLength);
            return Err(Error::ContentLength);
        }
        self.out.written = written;
        let result = self.put(data);
        self.failed = self.failed.or(result.err());
        result.map(|()| data.len())
    }

    /// As [`write`](Self::write) for a whole body that lives as long as the program: if it does not fit
    /// the response buffer it is not copied, and the server sends it after the handler has returned,
    /// beside its other work.
    ///
    /// After another write it is the same as `write`.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_static(&mut self, data: &'static [u8]) -> Result<usize, Error> {
        if self.out.status.is_none() {
            self.write_header(Status::OK);
        }
        let untouched = self.out.written == 0 && !self.out.head_sent && self.failed.is_none();
        let whole = self.out.declared.is_none_or(|declared| declared == length(data));
        let fits = data.len() <= self.end().saturating_sub(self.body.0);
        if fits || !untouched || !whole || !self.out.allows_body() || !self.out.can_declare() {
            return self.write(data);
        }
        self.out.declared = Some(length(data));
        self.out.written = length(data);
        self.source = Source::Static(data);
        Ok(data.len())
    }

    /// The same for what is read while it is sent.
    #[cfg(feature = "alloc")]
    pub(crate) fn write_owned(
        &mut self,
        content: alloc::boxed::Box<dyn crate::files::Content + Send>,
        start: u64,
        length: u64,
    ) -> Result<(), Error> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        if !self.out.allows_body() {
            return Err(Error::BodyNotAllowed);
        }
        self.out.written = length;
        self.source = Source::Read(content, start, length);
        Ok(())
    }

    /// Adds a trailer: a field that goes out behind the body. It does so only in chunks, which HTTP/1.0
    /// clients do not know; a handler that names it in `Trailer` before its first write gets them in
    /// any case.
    ///
    /// # Errors
    /// [`Error::InvalidField`] for a name that is none, or is not allowed there;
    /// [`Error::HeaderTooLarge`] if the response buffer has no room for it; as [`write`](Self::write).
    pub fn trailer(&mut self, name: &str, value: &str) -> Result<(), Error> {
        let framing = ["Content-Length", "Transfer-Encoding", "Trailer"];
        if framing.iter().any(|bad| name.eq_ignore_ascii_case(bad)) {
            return Err(Error::InvalidField);
        }
        if let Some(length) = self.put_trailer(name, value) {
            return if length > 0 { Ok(()) } else { Err(Error::InvalidField) };
        }
        self.flush()?;
        self.put_trailer(name, value).map(drop).ok_or(Error::HeaderTooLarge)
    }

    /// Tells the length of the line; `None` if there is no room for it.
    fn put_trailer(&mut self, name: &str, value: &str) -> Option<usize> {
        let end = self.buffer.len().checked_sub(self.trailers)?;
        let free = self.buffer.get_mut(self.body.1 + TAIL_ROOM..end)?;
        // The line is made in the first half, and moved behind the others.
        let half = free.len() / 2;
        let mut lines = Lines::default();
        Header { lines: &mut lines, room: free.get_mut(..half)? }.add(name, value);
        if lines.too_large {
            return None;
        }
        let length = lines.length;
        let made = self.body.1 + TAIL_ROOM;
        self.buffer.get_mut(end - length..)?.rotate_left(length);
        self.buffer.copy_within(made..made + length, self.buffer.len() - length);
        self.trailers += length;
        Some(length)
    }

    /// Takes the connection over, before anything was answered.
    ///
    /// # Errors
    /// [`Error::Hijacked`] if that was done before, or the answer has begun.
    pub fn hijack(&mut self) -> Result<Hijacked<'_, 'a>, Error> {
        if self.taken != Taken::No || self.out.head_sent {
            return Err(Error::Hijacked);
        }
        self.taken = Taken::Here;
        self.failed = Some(Error::Hijacked);
        Ok(Hijacked::new(self))
    }

    /// From this moment on the body of the request cannot be read; `None` for never. In place of
    /// [`Limits::body_time`](crate::Limits::body_time), for this request.
    pub fn set_read_deadline(&mut self, at: Option<Instant>) {
        self.exchange.set_deadline(Side::Read, at);
    }

    /// From this moment on the answer cannot be written; `None` for never. In place of
    /// [`Limits::write_time`](crate::Limits::write_time), while the handler runs.
    pub fn set_write_deadline(&mut self, at: Option<Instant>) {
        self.exchange.set_deadline(Side::Write, at);
    }

    /// Sends what was written so far, header included.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn flush(&mut self) -> Result<(), Error> {
        if self.out.status.is_none() {
            self.write_header(Status::OK);
        }
        match self.failed {
            Some(error) => Err(error),
            None => {
                let result = self.send_source().and_then(|()| self.send_body());
                self.failed = result.err();
                result
            }
        }
    }

    /// What `write!(w, ...)` calls.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn write_fmt(&mut self, args: fmt::Arguments<'_>) -> Result<(), Error> {
        match fmt::Write::write_fmt(self, args) {
            Ok(()) => Ok(()),
            Err(fmt::Error) => Err(self.failed.unwrap_or(Error::BodyNotAllowed)),
        }
    }

    /// Bytes of body written so far.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.out.written
    }

    /// The status, once it is written.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        self.out.status
    }

    fn put(&mut self, data: &[u8]) -> Result<(), Error> {
        self.send_source()?;
        let later = self.fill(data);
        if later.is_empty() {
            return Ok(());
        }
        if !self.out.head_sent {
            self.commit(None)?;
        }
        if later.len() < self.end().saturating_sub(self.body.0) {
            self.send_chunk(0)?;
            self.fill(later);
            return Ok(());
        }
        // What is larger than the buffer goes past it.
        self.send_chunk(later.len())?;
        if self.out.sends_body() { self.exchange.send(later) } else { Ok(()) }
    }

    /// Copies into the buffer what has room there, and gives back the rest.
    fn fill<'d>(&mut self, data: &'d [u8]) -> &'d [u8] {
        let room = self.end().saturating_sub(self.body.1);
        let (now, later) = data.split_at_checked(room).unwrap_or((data, &[]));
        if let Some(place) = self.buffer.get_mut(self.body.1..self.body.1 + now.len()) {
            place.copy_from_slice(now);
            self.body.1 += now.len();
        }
        later
    }

    /// Where a body in the buffer ends at the latest.
    fn end(&self) -> usize {
        self.buffer.len().saturating_sub(TAIL_ROOM + self.trailers)
    }

    /// A body of its own kind that did not stay alone goes out now.
    fn send_source(&mut self) -> Result<(), Error> {
        let source = core::mem::take(&mut self.source);
        if source.is_empty() {
            return Ok(());
        }
        self.send_body()?;
        match source {
            _ if !self.out.sends_body() => Ok(()),
            Source::None => Ok(()),
            Source::Static(data) => self.exchange.send(data),
            #[cfg(feature = "alloc")]
            mut source @ Source::Read(..) => {
                while !source.is_empty() {
                    let room = self.buffer.get_mut(HEAD_ROOM..).unwrap_or_default();
                    let count = source.read(room).ok_or(Error::UnexpectedEnd)?;
                    self.send((HEAD_ROOM, HEAD_ROOM + count))?;
                }
                Ok(())
            }
        }
    }

    fn send_body(&mut self) -> Result<(), Error> {
        if !self.out.head_sent {
            self.commit(None)?;
        }
        self.send_chunk(0)
    }

    /// Sends what is in the buffer, as a chunk that goes on with `more` bytes, if chunks it is.
    fn send_chunk(&mut self, more: usize) -> Result<(), Error> {
        let range = self.out.wrap(self.buffer, self.body, more);
        self.body.1 = self.body.0;
        self.send(range)
    }

    /// The head is final now. `whole`: the length of the body, if all of it is in the buffer.
    fn commit(&mut self, whole: Option<usize>) -> Result<(), Error> {
        self.out.has_trailers |= self.trailers > 0;
        let closing = self.out.wants_close(whole.is_some());
        self.out.close = self.exchange.settle_body(closing) || closing;
        let date = self.exchange.unix_time();
        self.out.compose(self.buffer, &mut self.lines, self.body, whole, date)
    }

    fn send(&mut self, range: (usize, usize)) -> Result<(), Error> {
        match self.buffer.get(range.0..range.1) {
            Some([]) | None => Ok(()),
            Some(data) => self.exchange.send(data),
        }
    }

    /// The handler is done: makes the rest ready to be sent, and tells where it lies.
    pub(crate) fn finish(&mut self) -> Result<(usize, usize), Error> {
        if self.taken != Taken::No {
            return Ok((0, 0));
        }
        if self.out.status.is_none() {
            self.write_header(Status::OK);
        }
        if matches!(self.failed, Some(Error::HeaderTooLarge)) && !self.out.head_sent {
            net::netdev::warn!("the header fields do not fit the response buffer");
            self.start_over();
            self.write_header(Status::INTERNAL_SERVER_ERROR);
            let _ = self.write(b"500 Internal Server Error\n");
        }
        match self.failed {
            None | Some(Error::ContentLength) => {}
            Some(error) => return Err(error),
        }
        if !self.out.head_sent {
            self.commit(Some(self.body.1 - self.body.0))?;
        }
        if self.out.written < self.out.declared.unwrap_or(0) && self.out.sends_body() {
            self.out.close = true;
        }
        let body = self.body;
        if !self.out.sends_body() {
            self.source = Source::None;
        }
        Ok(self.out.last(self.buffer, body, self.trailers))
    }

    fn start_over(&mut self) {
        self.lines = Lines::default();
        self.failed = None;
        self.source = Source::None;
        self.trailers = 0;
        self.out.start_over();
    }
}

fn length(data: &[u8]) -> u64 {
    u64::try_from(data.len()).unwrap_or(u64::MAX)
}

impl fmt::Write for ResponseWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write(text.as_bytes()).map(|_| ()).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for ResponseWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseWriter")
            .field("status", &self.out.status)
            .field("written", &self.out.written)
            .finish_non_exhaustive()
    }
}

impl embedded_io::ErrorType for ResponseWriter<'_> {
    type Error = Error;
}

impl embedded_io::Write for ResponseWriter<'_> {
    fn write(&mut self, data: &[u8]) -> Result<usize, Error> {
        ResponseWriter::write(self, data)
    }

    fn flush(&mut self) -> Result<(), Error> {
        ResponseWriter::flush(self)
    }
}
