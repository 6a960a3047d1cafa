//! What can go wrong.

use core::fmt;

use crate::PatternError;
use crate::wire::chunked::BadChunk;
use crate::wire::response::BadResponse;

/// Why an operation of this crate failed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// The connection, the listener or the device failed.
    Net(net::Error),
    /// A message stopped in the middle: its end never came.
    UnexpectedEnd,
    /// A body's chunks are malformed.
    BadChunk,
    /// A body is larger than the limit for it, or than the buffer it has to fit.
    BodyTooLarge,
    /// The body was given up: the answer began before the body was asked for, or an earlier read
    /// failed.
    BodyClosed,
    /// An answer with this status, or to this method, has no body.
    BodyNotAllowed,
    /// More bytes were written than the Content-Length that was set.
    ContentLength,
    /// The header fields do not fit the response buffer.
    HeaderTooLarge,
    /// What was to be sent could not be read.
    Content,
    /// The connection was taken over by the handler.
    Hijacked,
    /// The client was too slow while others waited, or slower than its limit.
    TooSlow,
    /// The server was told to stop and has stopped.
    ServerClosed,
    /// A pattern was not registered.
    Pattern(PatternError),
    /// This is no URL, or not one that can be asked for.
    BadUrl,
    /// The URL's scheme is not supported. `https` never becomes plain `http`.
    UnsupportedScheme,
    /// A method, a field name or a field value has bytes that it must not have.
    InvalidField,
    /// The answer is malformed.
    BadResponse(BadResponse),
}

impl Error {
    /// Whether time ran out.
    #[must_use]
    pub const fn timeout(&self) -> bool {
        match self {
            Self::Net(error) => error.timeout(),
            Self::TooSlow => true,
            _ => false,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Net(error) => return error.fmt(f),
            Self::Pattern(error) => return error.fmt(f),
            Self::BadResponse(error) => return error.fmt(f),
            Self::UnexpectedEnd => "unexpected end of message",
            Self::BadChunk => "malformed chunked encoding",
            Self::BodyTooLarge => "body too large",
            Self::BodyClosed => "read on a body that was given up",
            Self::BodyNotAllowed => "status or method does not allow a body",
            Self::ContentLength => "wrote more than the declared Content-Length",
            Self::HeaderTooLarge => "header fields do not fit the response buffer",
            Self::Content => "content cannot be read",
            Self::Hijacked => "connection has been hijacked",
            Self::TooSlow => "peer is too slow",
            Self::ServerClosed => "server closed",
            Self::BadUrl => "malformed URL",
            Self::UnsupportedScheme => "unsupported scheme",
            Self::InvalidField => "invalid method or header field",
        })
    }
}

impl fmt::Display for BadResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StatusLine => "malformed status line",
            Self::Field => "malformed header of the answer",
            Self::Length => "bad Content-Length in the answer",
            Self::Coding => "unsupported transfer encoding of the answer",
            Self::TooLarge => "header of the answer too large",
        })
    }
}

impl core::error::Error for Error {}
impl core::error::Error for BadResponse {}

impl From<net::Error> for Error {
    fn from(error: net::Error) -> Self {
        Self::Net(error)
    }
}

impl From<net::netdev::Error> for Error {
    fn from(error: net::netdev::Error) -> Self {
        Self::Net(net::Error::new(net::Op::Read, net::Cause::Device(error)))
    }
}

impl From<PatternError> for Error {
    fn from(error: PatternError) -> Self {
        Self::Pattern(error)
    }
}

impl From<BadChunk> for Error {
    fn from(_: BadChunk) -> Self {
        Self::BadChunk
    }
}

impl From<BadResponse> for Error {
    fn from(error: BadResponse) -> Self {
        Self::BadResponse(error)
    }
}

impl embedded_io::Error for Error {
    fn kind(&self) -> embedded_io::ErrorKind {
        use embedded_io::ErrorKind;
        match self {
            Self::Net(error) => embedded_io::Error::kind(error),
            Self::TooSlow => ErrorKind::TimedOut,
            Self::UnexpectedEnd | Self::BadChunk | Self::BadResponse(_) => ErrorKind::InvalidData,
            Self::BodyTooLarge | Self::HeaderTooLarge => ErrorKind::OutOfMemory,
            Self::BadUrl | Self::InvalidField | Self::Pattern(_) => ErrorKind::InvalidInput,
            Self::UnsupportedScheme => ErrorKind::Unsupported,
            _ => ErrorKind::Other,
        }
    }
}
