//! The `Read` and `Write` of `embedded_io` and `std::io`.

use crate::{Cause, Connection, Error, LookupErrorKind, TcpConn, WriteError};

impl embedded_io::Error for Error {
    fn kind(&self) -> embedded_io::ErrorKind {
        use embedded_io::ErrorKind;
        match self.cause {
            Cause::Device(error) | Cause::Lookup(LookupErrorKind::Failed(error)) => error.kind(),
            Cause::DeadlineExceeded | Cause::Lookup(LookupErrorKind::TimedOut) => {
                ErrorKind::TimedOut
            }
            Cause::Closed => ErrorKind::NotConnected,
            Cause::Lookup(_) | Cause::NoSuchInterface => ErrorKind::NotFound,
            Cause::Spoilt | Cause::ClosedPipe => ErrorKind::BrokenPipe,
            Cause::Address(_)
            | Cause::UnknownNetwork
            | Cause::MissingAddress
            | Cause::WriteToConnected => ErrorKind::InvalidInput,
        }
    }
}

#[cfg(feature = "std")]
impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        Self::new(embedded_io::Error::kind(&error).into(), error)
    }
}

#[cfg(feature = "std")]
impl From<WriteError> for std::io::Error {
    fn from(error: WriteError) -> Self {
        error.error.into()
    }
}

/// These traits cannot tell of a failure and of the bytes before it at once. The bytes go first:
/// what ended the write (a deadline, a close, a reset) ends the next one, too.
fn told(outcome: Result<usize, WriteError>) -> Result<usize, Error> {
    match outcome {
        Err(WriteError { written, .. }) if written > 0 => Ok(written),
        outcome => Ok(outcome?),
    }
}

macro_rules! io_traits {
    ($($type:ty)+) => {$(
        impl embedded_io::ErrorType for $type {
            type Error = Error;
        }

        impl embedded_io::Read for $type {
            fn read(&mut self, buf: &mut [u8]) -> Result<usize, Error> {
                (*self).inner().read(buf)
            }
        }

        impl embedded_io::Write for $type {
            fn write(&mut self, data: &[u8]) -> Result<usize, Error> {
                told((*self).inner().write(data))
            }

            fn flush(&mut self) -> Result<(), Error> {
                Ok(())
            }
        }

        #[cfg(feature = "std")]
        impl std::io::Read for $type {
            fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
                Ok((*self).inner().read(buf)?)
            }
        }

        #[cfg(feature = "std")]
        impl std::io::Write for $type {
            fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
                Ok(told((*self).inner().write(data))?)
            }

            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
    )+};
}

io_traits!(TcpConn &TcpConn Connection &Connection);
