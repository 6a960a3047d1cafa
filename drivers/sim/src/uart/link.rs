//! The host's end of a simulated line, as drivers see it.

use netdev_uart::{LineError, UartLink};

use super::UartBench;

/// The host's UART on an [`UartBench`], and the chip's enable pin.
#[derive(Clone, Debug)]
pub struct SimLink {
    bench: UartBench,
    fixed_baud: bool,
    enable_pin: bool,
}

impl SimLink {
    pub(super) fn new(bench: UartBench) -> Self {
        Self { bench, fixed_baud: false, enable_pin: true }
    }

    /// The same UART, whose rate cannot be changed.
    #[must_use]
    pub fn with_fixed_baud(self) -> Self {
        Self { fixed_baud: true, ..self }
    }

    /// The same UART on a board where the enable pin is not wired.
    #[must_use]
    pub fn without_enable_pin(self) -> Self {
        Self { enable_pin: false, ..self }
    }
}

impl UartLink for SimLink {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        self.bench.look(|wires| wires.read(buf))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        self.bench.look(|wires| Ok(wires.write(bytes)))
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        let flushed = self.bench.look(|wires| Ok(wires.is_flushed()))?;
        if flushed { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }

    fn capacity(&self) -> usize {
        self.bench.capacity()
    }

    fn set_baud(&mut self, baud: u32) -> Result<(), LineError> {
        if self.fixed_baud {
            return Err(LineError::Unsupported);
        }
        self.bench.look(|wires| {
            wires.set_baud(baud);
            Ok(())
        })
    }

    fn set_enabled(&mut self, enabled: bool) -> Result<(), LineError> {
        if !self.enable_pin {
            return Err(LineError::Unsupported);
        }
        self.bench.look(|wires| {
            wires.set_enabled(enabled);
            Ok(())
        })
    }
}
