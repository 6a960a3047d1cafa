//! The pin that tells the chip to wait.

use core::cell::Cell;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};

use critical_section::Mutex;
use embedded_hal::digital::OutputPin;

use crate::LineError;

/// RTS, active low, for a UART that does not drive it by itself. For a `static`: the interrupt
/// handler stops the chip, the reader lets it go on.
///
/// Choose the high mark so that what the chip sends before it obeys still fits: the FIFO of an ESP
/// holds 128 bytes, and it stops between two of them.
pub struct Rts<P> {
    pin: Mutex<Cell<Option<P>>>,
    stopped: AtomicBool,
    low: usize,
    high: usize,
}

impl<P: OutputPin> Rts<P> {
    /// Stops the chip when `high` bytes wait to be read, lets it go on when no more than `low` do.
    #[must_use]
    pub const fn new(low: usize, high: usize) -> Self {
        let pin = Mutex::new(Cell::new(None));
        Self { pin, stopped: AtomicBool::new(false), low, high }
    }

    /// Gives it its pin, and lets the chip send.
    ///
    /// # Errors
    /// [`LineError::Bus`] if the pin cannot be moved.
    pub fn install(&self, mut pin: P) -> Result<(), LineError> {
        let moved = pin.set_low().map_err(|_| LineError::Bus);
        critical_section::with(|cs| self.pin.borrow(cs).set(Some(pin)));
        self.stopped.store(false, Ordering::Relaxed);
        moved
    }

    /// So many bytes wait to be read.
    ///
    /// # Errors
    /// [`LineError::Bus`] if the pin cannot be moved.
    pub fn update(&self, waiting: usize) -> Result<(), LineError> {
        match self.stopped.load(Ordering::Relaxed) {
            false if waiting >= self.high => self.stop(true),
            true if waiting <= self.low => self.stop(false),
            _ => Ok(()),
        }
    }

    fn stop(&self, stop: bool) -> Result<(), LineError> {
        critical_section::with(|cs| {
            let Some(mut pin) = self.pin.borrow(cs).take() else { return Ok(()) };
            let moved = if stop { pin.set_high() } else { pin.set_low() };
            self.pin.borrow(cs).set(Some(pin));
            moved.map_err(|_| LineError::Bus)?;
            self.stopped.store(stop, Ordering::Relaxed);
            Ok(())
        })
    }
}

impl<P> fmt::Debug for Rts<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rts")
            .field("low", &self.low)
            .field("high", &self.high)
            .finish_non_exhaustive()
    }
}

/// What is told how full a ring is.
pub trait Watermark: Send {
    /// So many bytes wait to be read.
    ///
    /// # Errors
    /// [`LineError::Bus`] if a pin cannot be moved.
    fn update(&mut self, waiting: usize) -> Result<(), LineError>;
}

impl<P: OutputPin + Send> Watermark for &Rts<P> {
    fn update(&mut self, waiting: usize) -> Result<(), LineError> {
        Rts::update(self, waiting)
    }
}

/// There is no RTS, or the UART drives it by itself.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct NoRts;

impl Watermark for NoRts {
    fn update(&mut self, _: usize) -> Result<(), LineError> {
        Ok(())
    }
}
