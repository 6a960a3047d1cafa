//! Error numbers as the firmware's C library has them (newlib).

use netdev::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub(crate) u8);

pub(crate) const EBADF: Errno = Errno(9);
pub(crate) const EAGAIN: Errno = Errno(11);
pub(crate) const ENOMEM: Errno = Errno(12);
pub(crate) const EINVAL: Errno = Errno(22);
pub(crate) const ENFILE: Errno = Errno(23);
pub(crate) const ECONNRESET: Errno = Errno(104);
pub(crate) const ENOPROTOOPT: Errno = Errno(109);
pub(crate) const EADDRINUSE: Errno = Errno(112);
pub(crate) const ECONNABORTED: Errno = Errno(113);
pub(crate) const EHOSTUNREACH: Errno = Errno(118);
pub(crate) const EINPROGRESS: Errno = Errno(119);
pub(crate) const EALREADY: Errno = Errno(120);
pub(crate) const EDESTADDRREQ: Errno = Errno(121);
pub(crate) const EISCONN: Errno = Errno(127);
pub(crate) const ENOTCONN: Errno = Errno(128);

impl From<Error> for Errno {
    /// As lwIP's `err_to_errno`: a connection attempt that nobody answers is aborted, not timed
    /// out, and a refused one counts as reset.
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionRefused | Error::ConnectionReset => ECONNRESET,
            Error::TimedOut => ECONNABORTED,
            Error::Unreachable | Error::LinkDown => EHOSTUNREACH,
            Error::NotConnected | Error::BrokenPipe => ENOTCONN,
            Error::AddrInUse => EADDRINUSE,
            Error::BadSocket => EBADF,
            Error::DestinationRequired => EDESTADDRREQ,
            Error::MessageTooLong | Error::NoSockets => ENOMEM,
            _ => EINVAL,
        }
    }
}
