//! What a simulated SPI co-processor looks like to the bus.

use netdev::Instant;

/// A co-processor's firmware and the pins it hangs on, seen from the bus.
///
/// Every call tells the time; a model moves itself on to that moment first. It has no thread and no
/// clock of its own, so that in virtual time a run is the same each time.
pub trait SpiChip: Send {
    /// Chip-select falls.
    fn select(&mut self, now: Instant);

    /// Clocks `mosi.len()` bytes both ways; `miso` has the same length. Chip-select may be high:
    /// then the chip hears nothing and what is read is undefined.
    fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], now: Instant);

    /// Chip-select rises.
    fn deselect(&mut self, now: Instant);

    /// The lines that the chip drives.
    fn lines(&mut self, now: Instant) -> Lines;

    /// The reset line: `true` holds the chip in reset, and releasing it boots.
    fn set_reset(&mut self, asserted: bool, now: Instant);

    /// GPIO0 as the host drives it: the boot strap. `None` is released.
    fn set_gpio0(&mut self, level: Option<bool>, now: Instant);
}

/// Levels of the lines that a chip drives.
#[expect(clippy::exhaustive_structs, reason = "these are the lines of the connector")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// READY, also called BUSY or ACK: `true` (high) is busy.
    pub busy: bool,
    /// GPIO0: `true` (high) when something can be read.
    pub data_ready: bool,
}
