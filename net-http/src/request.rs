//! A request, as a handler sees it.

use core::fmt;
use core::time::Duration;

use net::Addr;

use crate::mux::Matched;
use crate::query::{Encoded, Query};
use crate::server::exchange::Exchange;
use crate::wire::fields::Framing;
use crate::wire::head::Fields;
use crate::wire::request::RequestHead;
use crate::{Error, Version};

/// A request: Go's `http.Request`. Everything is a slice of the connection's buffer.
pub struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) host: &'a str,
    pub(crate) fields: Fields<'a>,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
    pub(crate) matched: Matched<'a>,
    /// The whole body, where it fits the connection's buffer.
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) exchange: &'a dyn Exchange,
}

impl<'a> Request<'a> {
    pub(crate) fn new(
        buffer: &'a [u8],
        head: &RequestHead,
        body: Option<&'a [u8]>,
        exchange: &'a dyn Exchange,
    ) -> Self {
        Self {
            method: head.method.text(buffer),
            target: head.target.text(buffer),
            path: head.path.text(buffer),
            query: head.query.text(buffer),
            host: head.host.text(buffer),
            fields: head.fields(buffer),
            version: head.version,
            framing: head.framing,
            matched: Matched::NONE,
            body,
            exchange,
        }
    }

    /// Reads from the body. `Ok(0)` is its end.
    ///
    /// The body of a request that fits the connection's buffer is there already; otherwise this
    /// waits, and the server looks after its other connections meanwhile. A client that waits for
    /// `100 Continue` gets it now.
    ///
    /// # Errors
    /// [`Error::UnexpectedEnd`], [`Error::BadChunk`], [`Error::BodyTooLarge`], [`Error::TooSlow`];
    /// [`Error::BodyClosed`] if the answer began before the body was asked for.
    pub fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        self.exchange.read_body(buf)
    }

    /// Reads the whole body into `buf` and gives it back as a slice.
    ///
    /// # Errors
    /// As [`read`](Self::read); [`Error::BodyTooLarge`] if it does not fit.
    pub fn read_to_end<'b>(&mut self, buf: &'b mut [u8]) -> Result<&'b [u8], Error> {
        let mut length = 0;
        loop {
            let room = buf.get_mut(length..).unwrap_or_default();
            if room.is_empty() {
                return match self.read(&mut [0])? {
                    0 => Ok(buf),
                    _ => Err(Error::BodyTooLarge),
                };
            }
            match self.read(room)? {
                0 => return Ok(buf.get(..length).unwrap_or_default()),
                count => length += count,
            }
        }
    }

    /// The method, as sent.
    #[must_use]
    pub const fn method(&self) -> &'a str {
        self.method
    }

    /// The target of the request line, as sent: Go's `RequestURI`.
    #[must_use]
    pub const fn target(&self) -> &'a str {
        self.target
    }

    /// The path, as sent.
    ///
    /// Differs from Go: escapes stay; [`decoded_path`](Self::decoded_path) undoes them.
    #[must_use]
    pub const fn path(&self) -> &'a str {
        self.path
    }

    /// The path with its escapes undone while it is read.
    #[must_use]
    pub const fn decoded_path(&self) -> Encoded<'a> {
        Encoded::path(self.path)
    }

    /// The query: what stands behind the question mark of the target.
    #[must_use]
    pub const fn query(&self) -> Query<'a> {
        Query::new(self.query)
    }

    /// Host and port that the client wants to speak to: from the target, or else the Host field.
    #[must_use]
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The protocol version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The first value of a header field, whatever the case of its name. A value that is not UTF-8
    /// counts as absent; [`fields`](Self::fields) has it.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.fields.clone().value(name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// All header fields in the order they came.
    #[must_use]
    pub fn fields(&self) -> Fields<'a> {
        self.fields.clone()
    }

    /// How long the body is; `None` for a chunked one, whose length shows at its end.
    #[must_use]
    pub const fn content_length(&self) -> Option<u64> {
        match self.framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked => None,
            Framing::None | Framing::UntilClose => Some(0),
        }
    }

    /// The body, if it fitted the connection's buffer and so is there as a whole. Reading does not
    /// change it.
    #[must_use]
    pub const fn body(&self) -> Option<&'a [u8]> {
        self.body
    }

    /// The fields of a form that was sent in the body: with POST, PUT or PATCH, url-encoded, and
    /// small enough for the connection's buffer. Otherwise empty; [`read_form`](Self::read_form) takes a
    /// larger one.
    #[must_use]
    pub fn post_form(&self) -> Query<'a> {
        let body = self.body.filter(|_| self.has_form()).unwrap_or_default();
        Query::new(core::str::from_utf8(body).unwrap_or_default())
    }

    /// The same for a form of any size that fits `room`: what is not there yet is read.
    ///
    /// # Errors
    /// As [`read_to_end`](Self::read_to_end); [`Error::InvalidField`] for what is not text.
    pub fn read_form<'b>(&mut self, room: &'b mut [u8]) -> Result<Query<'b>, Error>
    where
        'a: 'b,
    {
        if !self.has_form() {
            return Ok(Query::default());
        }
        let body = match self.body {
            Some(body) => body,
            None => self.read_to_end(room)?,
        };
        core::str::from_utf8(body).map(Query::new).map_err(|_| Error::InvalidField)
    }

    /// Whether the body is a form.
    fn has_form(&self) -> bool {
        let kind = self.header("Content-Type").and_then(|kind| kind.split(';').next());
        let is_form = kind.is_some_and(|kind| {
            kind.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
        });
        is_form && matches!(self.method, "POST" | "PUT" | "PATCH")
    }

    /// The first value of this name in the form of the body, or else in the query.
    #[must_use]
    pub fn form_value(&self, name: &str) -> Option<Encoded<'a>> {
        self.post_form().get(name).or_else(|| self.query().get(name))
    }

    /// The pattern that led here; empty outside a router.
    #[must_use]
    pub const fn pattern(&self) -> &'a str {
        self.matched.pattern()
    }

    /// What the path has in the place of `{name}` or `{name...}` of the pattern.
    #[must_use]
    pub fn path_value(&self, name: &str) -> Option<Encoded<'a>> {
        self.matched.value(name)
    }

    /// From now on at most `bytes` of the body can be read: Go's `MaxBytesReader`. With more, reading
    /// fails with [`Error::BodyTooLarge`], and the connection is closed after the answer.
    pub fn limit_body(&mut self, bytes: u64) {
        let fits = |body: &&[u8]| u64::try_from(body.len()).is_ok_and(|length| length <= bytes);
        self.body = self.body.filter(fits);
        self.exchange.limit_body(bytes);
    }

    /// The fields behind a chunked body, once that was read to its end; before, and otherwise, none.
    #[must_use]
    pub fn trailers(&self) -> Fields<'a> {
        Fields::new(self.exchange.trailers())
    }

    /// Lets time pass. Unlike in a loop of the handler's own, the server's other connections are looked
    /// after, though no other handler starts. `false`: the client has shut its sending side, or is
    /// gone.
    pub fn pause(&mut self, length: Duration) -> bool {
        self.exchange.pause(self.exchange.now() + length)
    }

    /// The client's address.
    #[must_use]
    pub fn remote_addr(&self) -> Option<Addr> {
        self.exchange.addrs().1
    }

    /// The address the client connected to.
    #[must_use]
    pub fn local_addr(&self) -> Option<Addr> {
        self.exchange.addrs().0
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl embedded_io::ErrorType for Request<'_> {
    type Error = Error;
}

impl embedded_io::Read for Request<'_> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
        Request::read(self, buf)
    }
}
