//! The numbers that `lwip_errno` tells.

use netdev::Error;

/// Why a socket call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) i32);

pub(crate) const EIO: Errno = Errno(5);
pub(crate) const EBADF: Errno = Errno(9);
pub(crate) const EAGAIN: Errno = Errno(11);
pub(crate) const EINVAL: Errno = Errno(22);
pub(crate) const ENFILE: Errno = Errno(23);
pub(crate) const ENOSYS: Errno = Errno(38);
pub(crate) const ENOPROTOOPT: Errno = Errno(92);
pub(crate) const EOPNOTSUPP: Errno = Errno(95);
pub(crate) const EADDRINUSE: Errno = Errno(98);
pub(crate) const ECONNABORTED: Errno = Errno(103);
pub(crate) const ECONNRESET: Errno = Errno(104);
pub(crate) const ENOBUFS: Errno = Errno(105);
pub(crate) const EISCONN: Errno = Errno(106);
pub(crate) const ENOTCONN: Errno = Errno(107);
pub(crate) const EHOSTUNREACH: Errno = Errno(113);
pub(crate) const EALREADY: Errno = Errno(114);
pub(crate) const EINPROGRESS: Errno = Errno(115);

impl From<Error> for Errno {
    /// As the firmware's stack names them: a refused connection counts as reset, one that nobody
    /// answers as aborted.
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionRefused | Error::ConnectionReset | Error::BrokenPipe => ECONNRESET,
            Error::TimedOut => ECONNABORTED,
            Error::Unreachable | Error::LinkDown => EHOSTUNREACH,
            Error::AddrInUse | Error::AddrNotAvailable => EADDRINUSE,
            Error::NotConnected | Error::DestinationRequired => ENOTCONN,
            Error::NoSockets => ENOBUFS,
            Error::InvalidInput | Error::InvalidState => EINVAL,
            _ => EIO,
        }
    }
}
