//! The bus: chip-select, READY, reset and the boot strap. Moves bytes and knows no meaning.

use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::spi::SpiBus;

/// The lines between the host and the co-processor.
///
/// Not `embedded_hal::spi::SpiDevice`: this chip wants chip-select low, *then* answers on READY,
/// *then* is clocked, and a transaction of `SpiDevice` cannot say that. Implemented by [`SpiPins`];
/// write another one to share the bus with other chips.
pub trait SpiLink: Send {
    /// Pulls chip-select low.
    ///
    /// # Errors
    /// [`BusError`] if a pin cannot be moved; so for all of these.
    fn select(&mut self) -> Result<(), BusError>;

    /// Waits until the last bit is on the wire, then lets chip-select rise, also if that failed.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    fn deselect(&mut self) -> Result<(), BusError>;

    /// Clocks bytes out; what comes in is dropped.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    fn write(&mut self, bytes: &[u8]) -> Result<(), BusError>;

    /// Clocks bytes in.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    fn read(&mut self, bytes: &mut [u8]) -> Result<(), BusError>;

    /// Whether READY is high: the chip is busy, or has seen chip-select fall.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    fn busy(&mut self) -> Result<bool, BusError>;

    /// GPIO0: whether the chip has something to be read. `None` where it is not wired.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    fn data_ready(&mut self) -> Result<Option<bool>, BusError>;

    /// Holds the chip in reset (`true`), or lets it boot.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    fn set_reset(&mut self, asserted: bool) -> Result<(), BusError>;

    /// Drives GPIO0 high, which a reset needs to boot from flash (`true`), or releases it so that
    /// the chip can drive it.
    ///
    /// # Errors
    /// As [`select`](Self::select).
    fn set_boot_strap(&mut self, driven_high: bool) -> Result<(), BusError>;
}

/// A pin or the bus reported an error. Which one is the HAL's business.
#[expect(clippy::exhaustive_structs, reason = "it carries nothing, on purpose")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BusError;

/// The GPIO0 line, which changes direction: an output during reset, an input afterwards.
pub trait Gpio0: Send {
    /// Makes it an output and drives it high.
    ///
    /// # Errors
    /// [`BusError`] if the pin cannot be moved; so for all of these.
    fn drive_high(&mut self) -> Result<(), BusError>;

    /// Makes it an input.
    ///
    /// # Errors
    /// As [`drive_high`](Self::drive_high).
    fn release(&mut self) -> Result<(), BusError>;

    /// Its level while released; `None` where it cannot be read.
    ///
    /// # Errors
    /// As [`drive_high`](Self::drive_high).
    fn is_high(&mut self) -> Result<Option<bool>, BusError>;
}

/// GPIO0 is not wired to the host; a pull-up on the board makes the chip boot.
#[expect(clippy::exhaustive_structs, reason = "there is nothing to say about no wire")]
#[derive(Clone, Copy, Debug)]
pub struct NotWired;

impl Gpio0 for NotWired {
    fn drive_high(&mut self) -> Result<(), BusError> {
        Ok(())
    }

    fn release(&mut self) -> Result<(), BusError> {
        Ok(())
    }

    fn is_high(&mut self) -> Result<Option<bool>, BusError> {
        Ok(None)
    }
}

/// GPIO0 on a pin that is an open-drain output and can be read: high is released.
#[derive(Debug)]
pub struct OpenDrain<PIN>(PIN);

impl<PIN> OpenDrain<PIN> {
    /// Takes the pin.
    pub const fn new(pin: PIN) -> Self {
        Self(pin)
    }
}

impl<PIN: InputPin + OutputPin + Send> Gpio0 for OpenDrain<PIN> {
    fn drive_high(&mut self) -> Result<(), BusError> {
        self.0.set_high().map_err(|_| BusError)
    }

    fn release(&mut self) -> Result<(), BusError> {
        self.0.set_high().map_err(|_| BusError)
    }

    fn is_high(&mut self) -> Result<Option<bool>, BusError> {
        self.0.is_high().map(Some).map_err(|_| BusError)
    }
}

/// The lines on an SPI bus and pins of embedded-hal. Mode 0, most significant bit first, at most
/// 8 MHz.
#[derive(Debug)]
pub struct SpiPins<SPI, CS, READY, RESET, GPIO0> {
    spi: SPI,
    cs: CS,
    ready: READY,
    reset: RESET,
    gpio0: GPIO0,
    reset_high: bool,
}

impl<SPI, CS, READY, RESET, GPIO0> SpiPins<SPI, CS, READY, RESET, GPIO0> {
    /// Takes bus and pins. RESET is active low, as on most boards.
    pub const fn new(spi: SPI, cs: CS, ready: READY, reset: RESET, gpio0: GPIO0) -> Self {
        Self { spi, cs, ready, reset, gpio0, reset_high: false }
    }

    /// For boards that invert RESET (MKR WiFi 1010): active high.
    #[must_use]
    pub const fn reset_active_high(mut self) -> Self {
        self.reset_high = true;
        self
    }
}

impl<SPI, CS, READY, RESET, GPIO0> SpiLink for SpiPins<SPI, CS, READY, RESET, GPIO0>
where
    SPI: SpiBus<u8> + Send,
    CS: OutputPin + Send,
    READY: InputPin + Send,
    RESET: OutputPin + Send,
    GPIO0: Gpio0,
{
    fn select(&mut self) -> Result<(), BusError> {
        self.cs.set_low().map_err(|_| BusError)
    }

    fn deselect(&mut self) -> Result<(), BusError> {
        let flushed = self.spi.flush().map_err(|_| BusError);
        self.cs.set_high().map_err(|_| BusError)?;
        flushed
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BusError> {
        self.spi.write(bytes).map_err(|_| BusError)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), BusError> {
        self.spi.read(bytes).map_err(|_| BusError)
    }

    fn busy(&mut self) -> Result<bool, BusError> {
        self.ready.is_high().map_err(|_| BusError)
    }

    fn data_ready(&mut self) -> Result<Option<bool>, BusError> {
        self.gpio0.is_high()
    }

    fn set_reset(&mut self, asserted: bool) -> Result<(), BusError> {
        let level =
            if asserted == self.reset_high { OutputPin::set_high } else { OutputPin::set_low };
        level(&mut self.reset).map_err(|_| BusError)
    }

    fn set_boot_strap(&mut self, driven_high: bool) -> Result<(), BusError> {
        if driven_high { self.gpio0.drive_high() } else { self.gpio0.release() }
    }
}
