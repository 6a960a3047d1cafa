//! UARTs of HALs that are still at embedded-io 0.6.

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use embedded_io_06 as v06;

/// A UART with the traits of embedded-io 0.6, as one with those of 0.7: for [`Io`](crate::Io).
#[expect(clippy::exhaustive_structs, reason = "it is the UART, and nothing else")]
#[derive(Clone, Copy, Debug)]
pub struct V06<U>(pub U);

/// An error of embedded-io 0.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error06<E>(E);

impl<E: v06::Error> core::fmt::Display for Error06<E> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

impl<E: v06::Error> core::error::Error for Error06<E> {}

impl<E: v06::Error> embedded_io::Error for Error06<E> {
    /// As far as it matters here: damaged bytes, or a line that failed.
    fn kind(&self) -> ErrorKind {
        match self.0.kind() {
            v06::ErrorKind::Other => ErrorKind::Other,
            v06::ErrorKind::InvalidData => ErrorKind::InvalidData,
            v06::ErrorKind::OutOfMemory => ErrorKind::OutOfMemory,
            v06::ErrorKind::TimedOut => ErrorKind::TimedOut,
            _ => ErrorKind::BrokenPipe,
        }
    }
}

impl<U: v06::ErrorType> ErrorType for V06<U> {
    type Error = Error06<U::Error>;
}

impl<U: v06::Read> Read for V06<U> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, Self::Error> {
        self.0.read(buf).map_err(Error06)
    }
}

impl<U: v06::ReadReady> ReadReady for V06<U> {
    fn read_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.read_ready().map_err(Error06)
    }
}

impl<U: v06::Write> Write for V06<U> {
    fn write(&mut self, buf: &[u8]) -> Result<usize, Self::Error> {
        self.0.write(buf).map_err(Error06)
    }

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.0.flush().map_err(Error06)
    }
}

impl<U: v06::WriteReady> WriteReady for V06<U> {
    fn write_ready(&mut self) -> Result<bool, Self::Error> {
        self.0.write_ready().map_err(Error06)
    }
}
