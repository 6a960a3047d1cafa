//! What errors print as.

use core::fmt;

use super::{
    AddrError, AddrErrorKind, Cause, DnsError, Error, LookupErrorKind, Op, ParseError, WriteError,
};
use crate::DeviceError;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.cause == Cause::ClosedPipe {
            return self.cause.fmt(f); // Go does not wrap this one
        }
        f.write_str(self.op.name())?;
        if let Some(network) = self.network {
            write!(f, " {network}")?;
        }
        match (self.source, self.addr) {
            (Some(source), Some(addr)) => write!(f, " {source}->{addr}")?,
            (Some(addr), None) | (None, Some(addr)) => write!(f, " {addr}")?,
            (None, None) => {}
        }
        f.write_str(": ")?;
        match (self.cause, self.addr) {
            (Cause::Device(error), _) => write!(f, "{}{error}", call(self.op, error)),
            (Cause::Address(kind), Some(addr)) => write!(f, "address {addr}: {kind}"),
            (cause, _) => cause.fmt(f),
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(error) => error.fmt(f),
            Self::Closed => f.write_str("use of closed network connection"),
            Self::DeadlineExceeded => f.write_str("i/o timeout"),
            Self::Address(kind) => kind.fmt(f),
            Self::UnknownNetwork => f.write_str("unknown network"),
            Self::MissingAddress => f.write_str("missing address"),
            Self::Lookup(kind) => write!(f, "lookup: {kind}"),
            Self::Spoilt => f.write_str("an earlier write was left unfinished"),
            Self::WriteToConnected => f.write_str("use of WriteTo with pre-connected connection"),
            Self::ClosedPipe => f.write_str("io: read/write on closed pipe"),
            Self::NoSuchInterface => f.write_str("no such network interface"),
        }
    }
}

impl fmt::Display for AddrErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Display for LookupErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchHost => f.write_str("no such host"),
            Self::UnknownPort => f.write_str("unknown port"),
            Self::TimedOut => f.write_str("i/o timeout"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for AddrError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.addr.is_empty() {
            write!(f, "address {}: ", self.addr)?;
        }
        self.kind.fmt(f)
    }
}

impl fmt::Display for DnsError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lookup {}: {}", self.name, self.kind)
    }
}

impl fmt::Display for ParseError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid {}: {}", self.kind, self.text)
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

/// The socket call that must have given `error`, printed before its text as Go does.
const fn call(op: Op, error: DeviceError) -> &'static str {
    match (op, error) {
        (
            _,
            DeviceError::NoDevice
            | DeviceError::Deadlock
            | DeviceError::Tls(_)
            | DeviceError::Fault(_),
        )
        | (Op::Lookup | Op::Join | Op::Leave | Op::Route, _) => "",
        (Op::Dial | Op::Listen, DeviceError::NoSockets) => "socket: ",
        (Op::Dial, DeviceError::AddrInUse) => "bind: ",
        (Op::Listen, DeviceError::AddrInUse | DeviceError::AddrNotAvailable) => "bind: ",
        (Op::Dial, _) => "connect: ",
        (Op::Listen, _) => "listen: ",
        (Op::Accept, _) => "accept: ",
        (Op::Read, _) => "read: ",
        (Op::Write, _) => "write: ",
        (Op::Close, _) => "shutdown: ",
        (Op::Set, _) => "setsockopt: ",
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::{Addr, Network};
    use core::net::SocketAddr;
    use std::string::ToString;

    fn tcp(port: u16) -> Option<Addr> {
        Some(Addr::Tcp(SocketAddr::from(([127, 0, 0, 1], port))))
    }

    #[test]
    fn missing_parts_leave_no_gap() {
        let mut error = Error::new(Op::Read, Cause::DeadlineExceeded);
        assert_eq!(error.to_string(), "read: i/o timeout");
        error.network = Some(Network::Tcp4);
        assert_eq!(error.to_string(), "read tcp4: i/o timeout");
        error.source = tcp(1);
        assert_eq!(error.to_string(), "read tcp4 127.0.0.1:1: i/o timeout");
        error.addr = tcp(2);
        assert_eq!(error.to_string(), "read tcp4 127.0.0.1:1->127.0.0.1:2: i/o timeout");
        error.source = None;
        assert_eq!(error.to_string(), "read tcp4 127.0.0.1:2: i/o timeout");
    }

    #[test]
    fn a_device_error_names_the_socket_call() {
        for (op, error, text) in [
            (Op::Dial, DeviceError::ConnectionRefused, "dial: connect: connection refused"),
            (Op::Listen, DeviceError::AddrInUse, "listen: bind: address already in use"),
            (Op::Read, DeviceError::ConnectionReset, "read: read: connection reset by peer"),
            (Op::Dial, DeviceError::NoDevice, "dial: no network device registered"),
            (Op::Dial, DeviceError::NoSockets, "dial: socket: no more sockets"),
        ] {
            assert_eq!(Error::new(op, Cause::Device(error)).to_string(), text);
        }
    }

    #[test]
    fn errors_stay_small() {
        assert!(size_of::<Cause>() <= 8, "{}", size_of::<Cause>());
        assert!(size_of::<Error>() <= 80, "{}", size_of::<Error>());
    }

    #[test]
    fn only_time_counts_as_timeout() {
        assert!(Error::new(Op::Read, Cause::DeadlineExceeded).timeout());
        assert!(Error::new(Op::Dial, Cause::Device(DeviceError::TimedOut)).timeout());
        assert!(Error::new(Op::Dial, Cause::Lookup(LookupErrorKind::TimedOut)).timeout());
        let closed = Error::new(Op::Read, Cause::Closed);
        assert!(!closed.timeout() && closed.is_closed());
    }
}
