//! The system's errors in the seam's words.

use std::io::{self, ErrorKind};

use netdev::{Error, Fault};

/// What the system means. A number that nobody foresaw is `Fault::Chip` with that number, so that it
/// can at least be looked up.
pub(crate) fn translate(error: &io::Error) -> Error {
    error.raw_os_error().and_then(by_number).or_else(|| by_kind(error.kind())).unwrap_or_else(
        || {
            let number = error.raw_os_error().and_then(|number| u16::try_from(number).ok());
            Error::Fault(Fault::Chip(number.unwrap_or(0)))
        },
    )
}

/// Whether a connect that does not wait has begun.
pub(crate) fn in_progress(error: &io::Error) -> bool {
    #[cfg(unix)]
    let begun = error.raw_os_error() == Some(libc::EINPROGRESS);
    #[cfg(not(unix))]
    let begun = error.kind() == ErrorKind::WouldBlock;
    begun
}

fn by_kind(kind: ErrorKind) -> Option<Error> {
    Some(match kind {
        ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => Error::ConnectionReset,
        ErrorKind::BrokenPipe => Error::BrokenPipe,
        ErrorKind::NotConnected => Error::NotConnected,
        ErrorKind::AddrInUse => Error::AddrInUse,
        ErrorKind::AddrNotAvailable => Error::AddrNotAvailable,
        ErrorKind::TimedOut => Error::TimedOut,
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Error::Unreachable,
        ErrorKind::NetworkDown => Error::LinkDown,
        // A firewall of this PC, or a broadcast without `SockOpt::Broadcast`.
        ErrorKind::PermissionDenied => Error::Unreachable,
        ErrorKind::InvalidInput => Error::InvalidInput,
        ErrorKind::Unsupported => Error::Unsupported,
        ErrorKind::OutOfMemory => Error::NoSockets,
        _ => return None,
    })
}

#[cfg(unix)]
fn by_number(number: i32) -> Option<Error> {
    Some(match number {
        libc::EMFILE | libc::ENFILE | libc::ENOBUFS => Error::NoSockets,
        libc::EMSGSIZE => Error::MessageTooLong,
        libc::EDESTADDRREQ => Error::DestinationRequired,
        libc::EISCONN | libc::EALREADY => Error::InvalidState,
        libc::EAFNOSUPPORT | libc::EOPNOTSUPP | libc::ENOPROTOOPT | libc::EPROTONOSUPPORT => {
            Error::Unsupported
        }
        _ => return None,
    })
}

/// The same by the numbers of Winsock.
#[cfg(not(unix))]
fn by_number(number: i32) -> Option<Error> {
    Some(match number {
        10024 | 10055 => Error::NoSockets,
        10040 => Error::MessageTooLong,
        10039 => Error::DestinationRequired,
        10037 | 10056 => Error::InvalidState,
        10042 | 10043 | 10045 | 10047 => Error::Unsupported,
        _ => return None,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn numbers_without_a_kind_are_known_and_the_rest_keep_their_number() {
        let told = |number| translate(&io::Error::from_raw_os_error(number));
        assert_eq!(told(libc::EMFILE), Error::NoSockets);
        assert_eq!(told(libc::EMSGSIZE), Error::MessageTooLong);
        assert_eq!(told(libc::ECONNREFUSED), Error::ConnectionRefused);
        assert_eq!(told(libc::EHOSTUNREACH), Error::Unreachable);
        assert_eq!(told(libc::EXDEV), Error::Fault(Fault::Chip(18)));
    }
}
