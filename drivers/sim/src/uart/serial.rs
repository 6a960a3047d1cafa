//! The host's end of a simulated line, as a HAL shows it.

use core::fmt;
use core::time::Duration;

use embedded_io::{ErrorKind, ErrorType, Read, ReadReady, Write, WriteReady};
use netdev_uart::LineError;

use super::UartBench;

/// The host's UART on an [`UartBench`]. Clones are the same UART, so that one can read and the
/// other write.
#[derive(Clone, Debug)]
pub struct SimSerial {
    bench: UartBench,
}

impl SimSerial {
    pub(super) fn new(bench: UartBench) -> Self {
        Self { bench }
    }

    /// Waits until it is so, but not for ever: a test that would hang fails.
    fn until(&self, mut so: impl FnMut() -> Result<bool, LineError>) -> Result<(), SerialFault> {
        for _ in 0..WAITS {
            if so()? {
                return Ok(());
            }
            self.bench.pause(WAIT);
        }
        Err(SerialFault::Stuck)
    }
}

impl ErrorType for SimSerial {
    type Error = SerialFault;
}

impl Read for SimSerial {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, SerialFault> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.until(|| self.bench.look(|wires| Ok(!wires.ring.is_empty())))?;
        Ok(self.bench.look(|wires| wires.read(buf))?)
    }
}

impl ReadReady for SimSerial {
    fn read_ready(&mut self) -> Result<bool, SerialFault> {
        Ok(self.bench.look(|wires| Ok(!wires.ring.is_empty()))?)
    }
}

impl Write for SimSerial {
    fn write(&mut self, buf: &[u8]) -> Result<usize, SerialFault> {
        if buf.is_empty() {
            return Ok(0);
        }
        self.until(|| self.bench.look(|wires| Ok(wires.has_room())))?;
        Ok(self.bench.look(|wires| Ok(wires.write(buf)))?)
    }

    fn flush(&mut self) -> Result<(), SerialFault> {
        self.until(|| self.bench.look(|wires| Ok(wires.is_flushed())))
    }
}

impl WriteReady for SimSerial {
    fn write_ready(&mut self) -> Result<bool, SerialFault> {
        Ok(self.bench.look(|wires| Ok(wires.has_room()))?)
    }
}

/// Why a simulated UART did not work.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SerialFault {
    /// Bytes were lost.
    Overrun,
    /// Nothing came, or nothing went, for a minute of virtual time.
    Stuck,
    /// The bench was told to fail.
    Broken,
}

impl From<LineError> for SerialFault {
    fn from(error: LineError) -> Self {
        match error {
            LineError::Lost => Self::Overrun,
            _ => Self::Broken,
        }
    }
}

impl embedded_io::Error for SerialFault {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Overrun => ErrorKind::InvalidData,
            Self::Stuck => ErrorKind::TimedOut,
            Self::Broken => ErrorKind::Other,
        }
    }
}

impl fmt::Display for SerialFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overrun => "simulated UART: bytes were lost",
            Self::Stuck => "simulated UART: nothing moves",
            Self::Broken => "simulated UART: broken",
        })
    }
}

impl core::error::Error for SerialFault {}

/// Between two looks of somebody who waits.
const WAIT: Duration = Duration::from_micros(100);
/// A minute of them.
const WAITS: u32 = 600_000;
