//! What a driver needs of a serial line.

use core::fmt;

/// A serial line to a co-processor, and the pin that switches the chip on. Nothing here waits.
///
/// What comes in is kept in a ring of [`capacity`](Self::capacity) bytes until it is read: a driver
/// asks its chip for no more than that at a time.
pub trait UartLink: Send {
    /// Takes what has come in into a prefix of `buf`; 0 is nothing, and not an end.
    ///
    /// # Errors
    /// [`LineError::Lost`] once for each gap, at its place: everything before it has been read, what
    /// is read next came after it. [`LineError::Bus`] if the line itself fails.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError>;

    /// Gives the line a prefix of `bytes`, as much as it takes at once; 0 is nothing, not an end.
    ///
    /// # Errors
    /// [`LineError::Bus`] if the line fails.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError>;

    /// Whether the last bit of everything written is on the wire; `WouldBlock` until then.
    ///
    /// # Errors
    /// [`LineError::Bus`] if the line fails.
    fn flush(&mut self) -> nb::Result<(), LineError>;

    /// How many bytes the line keeps until they are read, at least 1. Everything beyond that is lost,
    /// unless the chip obeys RTS.
    fn capacity(&self) -> usize;

    /// Switches both directions to another rate, in bits per second. Call it with everything flushed.
    ///
    /// # Errors
    /// [`LineError::Unsupported`] where the rate is fixed, [`LineError::Bus`] if the line fails.
    fn set_baud(&mut self, baud: u32) -> Result<(), LineError> {
        let _ = baud;
        Err(LineError::Unsupported)
    }

    /// Switches the chip off (`false`: reset asserted, CHIP_PU or EN low) or on.
    ///
    /// # Errors
    /// [`LineError::Unsupported`] where the pin is not wired, [`LineError::Bus`] if it cannot be moved.
    fn set_enabled(&mut self, enabled: bool) -> Result<(), LineError> {
        let _ = enabled;
        Err(LineError::Unsupported)
    }
}

/// What a serial line reports. The precise cause is the HAL's business.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineError {
    /// Bytes were lost or damaged here: overrun, framing, parity. The line goes on.
    Lost,
    /// The line or a pin failed.
    Bus,
    /// This line cannot do that.
    Unsupported,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "bytes were lost on the serial line",
            Self::Bus => "the serial line failed",
            Self::Unsupported => "the serial line cannot do that",
        })
    }
}

impl core::error::Error for LineError {}
