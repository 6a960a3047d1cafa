//! UARTs of HALs with embedded-io's traits.

use embedded_io::{Error, ErrorKind, Read, ReadReady, Write, WriteReady};

use crate::{LineError, Receive, Transmit};

/// A HAL's UART behind the traits of embedded-io 0.7.
///
/// It is asked whether it is ready before each read, and before each byte that it is given, since
/// some HALs block until all of a slice is sent.
#[derive(Debug)]
pub struct Io<U> {
    uart: U,
    capacity: usize,
    is_idle: Option<fn(&mut U) -> bool>,
    /// What came after the bytes that the last read gave out.
    after: Option<LineError>,
}

impl<U> Io<U> {
    /// A UART that keeps so many bytes until they are read: its FIFO, or the HAL's buffer.
    pub const fn new(uart: U, capacity: usize) -> Self {
        Self { uart, capacity, is_idle: None, after: None }
    }

    /// With a way to see whether everything is sent. Without one, a flush waits for the HAL's: as
    /// long as its FIFO takes, and for ever if the chip holds CTS.
    #[must_use]
    pub fn with_idle(self, is_idle: fn(&mut U) -> bool) -> Self {
        Self { is_idle: Some(is_idle), ..self }
    }

    /// The UART itself.
    pub fn uart(&mut self) -> &mut U {
        &mut self.uart
    }
}

impl<U: Read + ReadReady + Send> Receive for Io<U> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        self.after.take().map_or(Ok(()), Err)?;
        let mut length = 0;
        while let Some(rest) = buf.get_mut(length..).filter(|rest| !rest.is_empty()) {
            let ready = self.uart.read_ready().map_err(lost);
            let read = ready.and_then(|ready| match ready {
                true => self.uart.read(rest).map_err(lost),
                false => Ok(0),
            });
            match read {
                Ok(0) => break,
                Ok(more) => length += more.min(rest.len()),
                Err(error) if length == 0 => return Err(error),
                Err(error) => {
                    self.after = Some(error);
                    break;
                }
            }
        }
        Ok(length)
    }

    fn capacity(&self) -> usize {
        self.capacity
    }
}

impl<U: Write + WriteReady + Send> Transmit for Io<U> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        let mut length = 0;
        for byte in bytes.chunks(1) {
            if !self.uart.write_ready().map_err(|_| LineError::Bus)? {
                break;
            }
            if self.uart.write(byte).map_err(|_| LineError::Bus)? == 0 {
                break;
            }
            length += 1;
        }
        Ok(length)
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        match self.is_idle {
            Some(is_idle) if is_idle(&mut self.uart) => Ok(()),
            Some(_) => Err(nb::Error::WouldBlock),
            None => self.uart.flush().map_err(|_| nb::Error::Other(LineError::Bus)),
        }
    }
}

/// HALs call an overrun, a framing or a parity error by many names; what is none of these is a
/// matter of the connection itself.
fn lost(error: impl Error) -> LineError {
    match error.kind() {
        ErrorKind::Other | ErrorKind::InvalidData | ErrorKind::OutOfMemory => LineError::Lost,
        _ => LineError::Bus,
    }
}
