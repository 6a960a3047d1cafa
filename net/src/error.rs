//! Which operation failed, on which connection, and why.

mod text;

use crate::{Addr, DeviceError, Network};

/// What every operation of this crate fails with: Go's `OpError`.
///
/// Prints as Go's does: `read tcp 10.0.0.2:49152->10.0.0.1:80: i/o timeout`.
///
/// Differs from Go: texts that the caller passed in (a name, a network, a malformed address) are not
/// repeated, because an error that is `Copy` and needs no heap cannot keep them. So a name that was
/// not found prints `dial tcp: lookup: no such host`; [`about`](Self::about) prints it with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Error {
    /// The operation.
    pub op: Op,
    /// The network, as the caller named it.
    pub network: Option<Network>,
    /// The local address, where an operation has two of them.
    pub source: Option<Addr>,
    /// The address that was operated on: the peer's, or our own for a listener.
    pub addr: Option<Addr>,
    /// Why it failed.
    pub cause: Cause,
}

impl Error {
    /// An error without network and addresses.
    #[must_use]
    pub const fn new(op: Op, cause: Cause) -> Self {
        Self { op, network: None, source: None, addr: None, cause }
    }

    /// Why it failed.
    #[must_use]
    pub const fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether time ran out: a deadline that has passed, or a peer that the device gave up on.
    #[must_use]
    pub const fn timeout(&self) -> bool {
        self.cause.timeout()
    }

    /// Whether it failed because the connection was closed on this side.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        matches!(self.cause, Cause::Closed)
    }
}

/// The operation that failed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Op {
    /// Making a connection.
    Dial,
    /// Making a listener or an unconnected datagram socket.
    Listen,
    /// Taking a connection from a listener.
    Accept,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Closing, one side or both.
    Close,
    /// Setting a deadline or an option.
    Set,
    /// Looking up a name or an address.
    Lookup,
    /// Joining a network.
    Join,
    /// Leaving a network.
    Leave,
    /// Asking about interfaces.
    Route,
}

impl Op {
    /// Go's name of the operation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dial => "dial",
            Self::Listen => "listen",
            Self::Accept => "accept",
            Self::Read => "read",
            Self::Write => "write",
            Self::Close => "close",
            Self::Set => "set",
            Self::Lookup => "lookup",
            Self::Join => "join",
            Self::Leave => "leave",
            Self::Route => "route",
        }
    }
}

/// Why an operation failed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Cause {
    /// The device says why.
    Device(DeviceError),
    /// The connection or listener was closed on this side. Go's `ErrClosed`.
    Closed,
    /// The deadline has passed. Go's `os.ErrDeadlineExceeded`.
    DeadlineExceeded,
    /// The address cannot be used.
    Address(AddrErrorKind),
    /// The network's name is not one of those that [`Network`] knows.
    UnknownNetwork,
    /// The address is empty.
    MissingAddress,
    /// A name, or the name of a port, led nowhere.
    Lookup(LookupErrorKind),
    /// An earlier write met its deadline while the device was busy with it. Nobody knows how much of
    /// it the peer will see, so nothing can be written after it; reading goes on.
    ///
    /// Differs from Go: there the system's buffer always tells what it took.
    Spoilt,
    /// A datagram with a destination, on a connection that has a peer.
    WriteToConnected,
    /// One end of a [pipe](crate::Pipe) was closed. Go's `io.ErrClosedPipe`.
    ClosedPipe,
    /// A number or a name that no interface of the device has.
    NoSuchInterface,
}

impl Cause {
    pub(crate) const fn timeout(self) -> bool {
        matches!(
            self,
            Self::DeadlineExceeded
                | Self::Lookup(
                    LookupErrorKind::TimedOut | LookupErrorKind::Failed(DeviceError::TimedOut)
                )
                | Self::Device(DeviceError::TimedOut)
        )
    }
}

/// What is wrong with an address.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum AddrErrorKind {
    /// There is no colon with a port behind it.
    MissingPort,
    /// More than one colon outside brackets.
    TooManyColons,
    /// A `[` without its `]`.
    MissingBracket,
    /// A `[` that is not the first character.
    UnexpectedOpenBracket,
    /// A `]` without its `[`.
    UnexpectedCloseBracket,
    /// The port is not within 0 to 65535.
    InvalidPort,
    /// No address of the family that the network asks for.
    NoSuitableAddress,
    /// A network of streams where datagrams are needed, or the other way round.
    UnexpectedType,
    /// The zone of an IPv6 address is not a number.
    UnknownZone,
    /// A local address of another family than the remote one.
    MismatchedLocalAddress,
    /// Not a link address.
    InvalidMac,
    /// The protocol behind the colon of an IP network's name.
    UnknownProtocol,
}

impl AddrErrorKind {
    /// A short text, as Go's where Go has one.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::MissingPort => "missing port in address",
            Self::TooManyColons => "too many colons in address",
            Self::MissingBracket => "missing ']' in address",
            Self::UnexpectedOpenBracket => "unexpected '[' in address",
            Self::UnexpectedCloseBracket => "unexpected ']' in address",
            Self::InvalidPort => "invalid port",
            Self::NoSuitableAddress => "no suitable address found",
            Self::UnexpectedType => "unexpected address type",
            Self::UnknownZone => "unknown IPv6 zone",
            Self::MismatchedLocalAddress => "mismatched local address type",
            Self::InvalidMac => "invalid MAC address",
            Self::UnknownProtocol => "unknown IP protocol specified",
        }
    }
}

/// Why a lookup failed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LookupErrorKind {
    /// The name has no address.
    NoSuchHost,
    /// No port is known by this name.
    UnknownPort,
    /// Nobody answered in time.
    TimedOut,
    /// The device could not ask.
    Failed(DeviceError),
}

impl LookupErrorKind {
    /// Whether the name is known to lead nowhere. Go's `DNSError.IsNotFound`.
    #[must_use]
    pub const fn is_not_found(self) -> bool {
        matches!(self, Self::NoSuchHost | Self::UnknownPort)
    }

    /// Whether time ran out. Go's `DNSError.Timeout`.
    #[must_use]
    pub const fn timeout(self) -> bool {
        matches!(self, Self::TimedOut | Self::Failed(DeviceError::TimedOut))
    }
}

/// A lookup that failed: why, and of which name. Go's `DNSError`; prints as
/// `lookup example.org: no such host`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DnsError<'a> {
    /// Why.
    pub kind: LookupErrorKind,
    /// The name.
    pub name: &'a str,
}

/// A literal that is not well formed: what it should be, and the text. Go's `ParseError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError<'a> {
    /// What it should be: `CIDR address`.
    pub kind: &'static str,
    /// The text.
    pub text: &'a str,
}

/// An address that is not well formed: what is wrong, and with which text. Go's `AddrError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddrError<'a> {
    /// What is wrong.
    pub kind: AddrErrorKind,
    /// The text.
    pub addr: &'a str,
}

/// A write that failed, and how much the device took before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct WriteError {
    /// How many bytes the device took for certain. After [`Cause::Spoilt`] set in, the peer may
    /// still get some more.
    pub written: usize,
    /// Why the rest was not taken.
    pub error: Error,
}

impl WriteError {
    /// Whether time ran out.
    #[must_use]
    pub const fn timeout(&self) -> bool {
        self.error.timeout()
    }
}

impl core::error::Error for Error {}
impl core::error::Error for Cause {}
impl core::error::Error for AddrErrorKind {}
impl core::error::Error for LookupErrorKind {}
impl core::error::Error for AddrError<'_> {}
impl core::error::Error for DnsError<'_> {}
impl core::error::Error for ParseError<'_> {}
impl core::error::Error for WriteError {}

impl From<DeviceError> for Cause {
    fn from(error: DeviceError) -> Self {
        Self::Device(error)
    }
}

impl From<AddrErrorKind> for Cause {
    fn from(kind: AddrErrorKind) -> Self {
        Self::Address(kind)
    }
}

impl From<AddrError<'_>> for Cause {
    fn from(error: AddrError<'_>) -> Self {
        Self::Address(error.kind)
    }
}

impl From<LookupErrorKind> for Cause {
    fn from(kind: LookupErrorKind) -> Self {
        Self::Lookup(kind)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        error.error
    }
}
