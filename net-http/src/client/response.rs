//! An answer, as a client gets it.

use core::fmt;

use super::exchange::Incoming;
use crate::wire::fields::Framing;
use crate::wire::head::Fields;
use crate::{Error, Status, Version};

/// An answer: Go's `http.Response`. Its body is read from the connection as it is asked for; at its
/// end, after an error, and when this is dropped, the connection is closed.
pub struct Response<const HEAD: usize = 2048> {
    incoming: Incoming,
    buffer: [u8; HEAD],
}

impl<const HEAD: usize> Response<HEAD> {
    pub(crate) const fn new(incoming: Incoming, buffer: [u8; HEAD]) -> Self {
        Self { incoming, buffer }
    }

    /// Reads from the body. `Ok(0)` is its end.
    ///
    /// # Errors
    /// [`Error::UnexpectedEnd`], [`Error::BadChunk`], or what the connection says.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        let start = usize::from(self.incoming.head.length);
        let region = self.buffer.get_mut(start..).unwrap_or_default();
        self.incoming.read(region, buf)
    }

    /// Reads the whole body into `buf` and gives it back as a slice.
    ///
    /// # Errors
    /// As [`read`](Self::read); [`Error::BodyTooLarge`] if it does not fit.
    pub fn read_to_end<'b>(&mut self, buf: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut length = 0;
        while let Some(room) = buf.get_mut(length..).filter(|room| !room.is_empty()) {
            match self.read(room)? {
                0 => return Ok(buf.get(..length).unwrap_or_default()),
                count => length += count,
            }
        }
        match self.read(&mut [0])? {
            0 => Ok(buf),
            _ => Err(Error::BodyTooLarge),
        }
    }

    /// Reads the whole body, which may have up to `limit` bytes.
    ///
    /// # Errors
    /// As [`read`](Self::read); [`Error::BodyTooLarge`].
    #[cfg(feature = "alloc")]
    pub fn read_to_vec(&mut self, limit: usize) -> Result<alloc::vec::Vec<u8>, Error> {
        let (mut body, mut piece) = (alloc::vec::Vec::new(), [0; 512]);
        loop {
            let count = self.read(&mut piece)?;
            if count == 0 {
                return Ok(body);
            }
            if body.len() + count > limit {
                return Err(Error::BodyTooLarge);
            }
            body.extend_from_slice(piece.get(..count).unwrap_or_default());
        }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> Status {
        self.incoming.head.status
    }

    /// The protocol version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.incoming.head.version
    }

    /// Whether the server closes the connection behind this answer: Go's `Response.Close`.
    #[must_use]
    pub const fn server_closes(&self) -> bool {
        !self.incoming.head.keep_alive
    }

    /// The first value of a header field, whatever the case of its name. A value that is not UTF-8
    /// counts as absent; [`fields`](Self::fields) has it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.fields().value(name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// All header fields in the order they came.
    #[must_use]
    pub fn fields(&self) -> Fields<'_> {
        self.incoming.head.fields(&self.buffer)
    }

    /// How long the body is; `None` if only its end will show.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        match self.incoming.head.framing {
            Framing::None => Some(0),
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::UntilClose => None,
        }
    }
}

impl<const HEAD: usize> fmt::Debug for Response<HEAD> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response").field("status", &self.status()).finish_non_exhaustive()
    }
}

impl<const HEAD: usize> embedded_io::ErrorType for Response<HEAD> {
    type Error = Error;
}

impl<const HEAD: usize> embedded_io::Read for Response<HEAD> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        Self::read(self, buf)
    }
}
