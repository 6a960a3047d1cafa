//! Why an operation failed.

use core::fmt;

/// Why a device could not do what was asked. Small and `Copy`: it crosses a `dyn` call.
///
/// "Not yet" is not in here: it is [`nb::Error::WouldBlock`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Error {
    /// No device was registered with [`use_device`](crate::use_device).
    NoDevice,
    /// The device cannot do this, now or later. It never stands for "ignored".
    Unsupported,
    /// An argument that no device could accept, or fewer bytes than the call in flight had.
    InvalidInput,
    /// A stale handle, or one of another device.
    BadSocket,
    /// Every socket of the device is taken.
    NoSockets,
    /// The operation does not fit the state of the socket (connecting twice, listening while
    /// connected).
    InvalidState,
    /// The socket has no peer.
    NotConnected,
    /// A datagram socket without a peer was written to without a destination.
    DestinationRequired,
    /// The datagram is larger than the device can send in one piece.
    MessageTooLong,
    /// The peer, or something before it, stayed silent longer than the device waits. A caller's own
    /// deadline is [`Stopped::Deadline`](crate::Stopped::Deadline) and not this.
    TimedOut,
    /// The peer refused the connection.
    ConnectionRefused,
    /// The peer, or the network, broke the connection off. Data may be lost.
    ConnectionReset,
    /// The sending direction was closed, by us or by the peer.
    BrokenPipe,
    /// The local address or port is taken.
    AddrInUse,
    /// The local address is not one of the device's.
    AddrNotAvailable,
    /// No way to the peer's network or host.
    Unreachable,
    /// The name has no address.
    HostUnknown,
    /// The link is down: there is no network to speak to.
    LinkDown,
    /// The network refused the credentials.
    AuthFailed,
    /// The network is not there.
    NoSuchNetwork,
    /// A callback that runs inside a background step tried to wait.
    Deadlock,
    /// The TLS session the device runs could not be set up or kept.
    Tls(TlsError),
    /// The device itself misbehaved.
    Fault(Fault),
}

/// Why a TLS session failed, as far as a device tells.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TlsError {
    /// No trusted root signed the peer's certificate.
    Untrusted,
    /// The certificate is for another name.
    NameMismatch,
    /// The certificate is not valid at this time.
    Expired,
    /// The handshake failed for a reason that the device does not tell.
    Handshake,
    /// The peer's alert (RFC 8446 section 6).
    Alert(u8),
}

/// What went wrong between the driver and its chip.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fault {
    /// The bus (SPI, UART, pins) reported an error.
    Bus,
    /// The chip's answer is not one that the protocol allows.
    Frame,
    /// The chip did not answer within its bound.
    Unresponsive,
    /// The chip was reset; sockets and link that it held are gone.
    Restarted,
    /// The firmware's own code, listed in the driver's documentation.
    Chip(u16),
}

impl Error {
    /// A short text, lower case, as BSD's errno texts where there is one.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::NoDevice => "no network device registered",
            Self::Unsupported => "operation not supported by the device",
            Self::InvalidInput => "invalid argument",
            Self::BadSocket => "bad socket handle",
            Self::NoSockets => "no more sockets",
            Self::InvalidState => "operation does not fit the state of the socket",
            Self::NotConnected => "socket is not connected",
            Self::DestinationRequired => "destination address required",
            Self::MessageTooLong => "message too long",
            Self::TimedOut => "connection timed out",
            Self::ConnectionRefused => "connection refused",
            Self::ConnectionReset => "connection reset by peer",
            Self::BrokenPipe => "broken pipe",
            Self::AddrInUse => "address already in use",
            Self::AddrNotAvailable => "cannot assign requested address",
            Self::Unreachable => "network is unreachable",
            Self::HostUnknown => "no such host",
            Self::LinkDown => "network is down",
            Self::AuthFailed => "authentication failed",
            Self::NoSuchNetwork => "no such wireless network",
            Self::Deadlock => "resource deadlock avoided",
            Self::Tls(error) => error.text(),
            Self::Fault(fault) => fault.text(),
        }
    }
}

impl TlsError {
    /// A short text, lower case.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Untrusted => "tls: certificate signed by unknown authority",
            Self::NameMismatch => "tls: certificate is not valid for the host name",
            Self::Expired => "tls: certificate has expired or is not yet valid",
            Self::Handshake => "tls: handshake failure",
            Self::Alert(_) => "tls: alert from the peer",
        }
    }
}

impl Fault {
    /// A short text, lower case.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Bus => "network device: bus error",
            Self::Frame => "network device: malformed answer",
            Self::Unresponsive => "network device does not respond",
            Self::Restarted => "network device was reset",
            Self::Chip(_) => "network device: firmware error",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => error.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            other => f.write_str(other.text()),
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alert(code) => write!(f, "{} ({code})", self.text()),
            other => f.write_str(other.text()),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chip(code) => write!(f, "{} {code}", self.text()),
            other => f.write_str(other.text()),
        }
    }
}

impl core::error::Error for Error {}
impl core::error::Error for TlsError {}
impl core::error::Error for Fault {}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl embedded_io::Error for Error {
    fn kind(&self) -> embedded_io::ErrorKind {
        use embedded_io::ErrorKind;
        match self {
            Self::Unsupported => ErrorKind::Unsupported,
            Self::InvalidInput | Self::MessageTooLong => ErrorKind::InvalidInput,
            Self::NoSockets => ErrorKind::OutOfMemory,
            Self::NotConnected | Self::BadSocket => ErrorKind::NotConnected,
            Self::TimedOut => ErrorKind::TimedOut,
            Self::ConnectionRefused => ErrorKind::ConnectionRefused,
            Self::ConnectionReset => ErrorKind::ConnectionReset,
            Self::BrokenPipe => ErrorKind::BrokenPipe,
            Self::AddrInUse => ErrorKind::AddrInUse,
            Self::AddrNotAvailable => ErrorKind::AddrNotAvailable,
            Self::HostUnknown => ErrorKind::NotFound,
            Self::AuthFailed => ErrorKind::PermissionDenied,
            _ => ErrorKind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_small_enough_to_return_everywhere() {
        assert!(size_of::<Error>() <= 4);
        assert!(size_of::<nb::Result<u16, Error>>() <= 8);
    }

    #[test]
    fn nested_errors_print_their_detail() {
        extern crate std;
        use std::string::ToString;
        assert_eq!(Error::Fault(Fault::Chip(7)).to_string(), "network device: firmware error 7");
        assert_eq!(Error::Tls(TlsError::Alert(42)).to_string(), "tls: alert from the peer (42)");
        assert_eq!(Error::ConnectionRefused.to_string(), "connection refused");
    }
}
