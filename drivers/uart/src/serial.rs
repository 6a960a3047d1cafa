//! A link made of what a board has.

use core::fmt;

use embedded_hal::digital::OutputPin;

use crate::{LineError, UartLink};

/// The receiving half of a UART. Nothing here waits.
pub trait Receive: Send {
    /// As [`UartLink::read`].
    ///
    /// # Errors
    /// As there.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError>;

    /// As [`UartLink::capacity`].
    fn capacity(&self) -> usize;
}

/// The transmitting half of a UART. Nothing here waits.
pub trait Transmit: Send {
    /// As [`UartLink::write`].
    ///
    /// # Errors
    /// As there.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError>;

    /// As [`UartLink::flush`].
    ///
    /// # Errors
    /// As there.
    fn flush(&mut self) -> nb::Result<(), LineError>;
}

/// Two halves that make a UART.
#[expect(clippy::exhaustive_structs, reason = "two halves are all there is")]
#[derive(Clone, Copy, Debug)]
pub struct Halves<R, T>(pub R, pub T);

impl<R: Receive, T: Send> Receive for Halves<R, T> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        self.0.read(buf)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<R: Send, T: Transmit> Transmit for Halves<R, T> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        self.1.write(bytes)
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        self.1.flush()
    }
}

/// A [`UartLink`] of a UART (an [`Io`](crate::Io), or [`Halves`]) and, where they are wired, an
/// enable pin and a way to change the rate.
pub struct Serial<U, E = NotWired, B = FixedBaud> {
    uart: U,
    enable: E,
    baud: B,
}

impl<U: Receive + Transmit> Serial<U> {
    /// A link whose rate is fixed and whose chip is always on.
    pub const fn new(uart: U) -> Self {
        Self { uart, enable: NotWired, baud: FixedBaud }
    }
}

impl<U, E, B> Serial<U, E, B> {
    /// With the pin that switches the chip on: CHIP_PU or EN, high is on.
    pub fn with_enable<P: OutputPin + Send>(self, pin: P) -> Serial<U, ActiveHigh<P>, B> {
        Serial { uart: self.uart, enable: ActiveHigh(pin), baud: self.baud }
    }

    /// With a way to change the rate.
    pub fn with_baud<F>(self, set: F) -> Serial<U, E, F>
    where
        F: FnMut(&mut U, u32) -> Result<(), LineError> + Send,
    {
        Serial { uart: self.uart, enable: self.enable, baud: set }
    }
}

impl<U, E, B> UartLink for Serial<U, E, B>
where
    U: Receive + Transmit,
    E: Enable,
    B: Baud<U>,
{
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        self.uart.read(buf)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        self.uart.write(bytes)
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        self.uart.flush()
    }

    fn capacity(&self) -> usize {
        self.uart.capacity().max(1)
    }

    fn set_baud(&mut self, baud: u32) -> Result<(), LineError> {
        self.baud.set(&mut self.uart, baud)
    }

    fn set_enabled(&mut self, enabled: bool) -> Result<(), LineError> {
        self.enable.set(enabled)
    }
}

impl<U, E, B> fmt::Debug for Serial<U, E, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serial").finish_non_exhaustive()
    }
}

/// What switches a chip on and off.
pub trait Enable: Send {
    /// Off or on.
    ///
    /// # Errors
    /// [`LineError::Unsupported`], [`LineError::Bus`].
    fn set(&mut self, enabled: bool) -> Result<(), LineError>;
}

/// The enable pin is not wired.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NotWired;

impl Enable for NotWired {
    fn set(&mut self, _: bool) -> Result<(), LineError> {
        Err(LineError::Unsupported)
    }
}

/// A pin that switches the chip on when it is high.
#[derive(Debug)]
pub struct ActiveHigh<P>(P);

impl<P: OutputPin + Send> Enable for ActiveHigh<P> {
    fn set(&mut self, enabled: bool) -> Result<(), LineError> {
        let moved = if enabled { self.0.set_high() } else { self.0.set_low() };
        moved.map_err(|_| LineError::Bus)
    }
}

/// What changes the rate of a UART.
pub trait Baud<U>: Send {
    /// To so many bits a second, both ways.
    ///
    /// # Errors
    /// [`LineError::Unsupported`], [`LineError::Bus`].
    fn set(&mut self, uart: &mut U, baud: u32) -> Result<(), LineError>;
}

/// The rate cannot be changed.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct FixedBaud;

impl<U> Baud<U> for FixedBaud {
    fn set(&mut self, _: &mut U, _: u32) -> Result<(), LineError> {
        Err(LineError::Unsupported)
    }
}

impl<U, F> Baud<U> for F
where
    F: FnMut(&mut U, u32) -> Result<(), LineError> + Send,
{
    fn set(&mut self, uart: &mut U, baud: u32) -> Result<(), LineError> {
        self(uart, baud)
    }
}
