//! The lines beside the bus, as pins of embedded-hal.

use embedded_hal::digital::{ErrorType, InputPin, OutputPin};

use super::{BusFault, SpiBench};

/// Which level of a line means "on".
#[expect(clippy::exhaustive_enums, reason = "a line has two levels")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polarity {
    /// Low is on, as on most boards.
    ActiveLow,
    /// High is on, where the board inverts.
    ActiveHigh,
}

/// Chip-select of an [`SpiBench`]: low selects.
#[derive(Clone, Debug)]
pub struct ChipSelect {
    bench: SpiBench,
}

impl ChipSelect {
    pub(super) fn new(bench: SpiBench) -> Self {
        Self { bench }
    }
}

impl ErrorType for ChipSelect {
    type Error = BusFault;
}

impl OutputPin for ChipSelect {
    fn set_low(&mut self) -> Result<(), BusFault> {
        self.bench.set_selected(true)
    }

    fn set_high(&mut self) -> Result<(), BusFault> {
        self.bench.set_selected(false)
    }
}

/// READY of an [`SpiBench`]: high is busy.
#[derive(Clone, Debug)]
pub struct ReadyLine {
    bench: SpiBench,
}

impl ReadyLine {
    pub(super) fn new(bench: SpiBench) -> Self {
        Self { bench }
    }
}

impl ErrorType for ReadyLine {
    type Error = BusFault;
}

impl InputPin for ReadyLine {
    fn is_high(&mut self) -> Result<bool, BusFault> {
        self.bench.lines().map(|lines| lines.busy)
    }

    fn is_low(&mut self) -> Result<bool, BusFault> {
        self.is_high().map(|high| !high)
    }
}

/// RESET of an [`SpiBench`].
#[derive(Clone, Debug)]
pub struct ResetLine {
    bench: SpiBench,
    polarity: Polarity,
}

impl ResetLine {
    pub(super) fn new(bench: SpiBench, polarity: Polarity) -> Self {
        Self { bench, polarity }
    }
}

impl ErrorType for ResetLine {
    type Error = BusFault;
}

impl OutputPin for ResetLine {
    fn set_low(&mut self) -> Result<(), BusFault> {
        self.bench.set_reset(self.polarity == Polarity::ActiveLow)
    }

    fn set_high(&mut self) -> Result<(), BusFault> {
        self.bench.set_reset(self.polarity == Polarity::ActiveHigh)
    }
}

/// GPIO0 of an [`SpiBench`]: the host drives it while the chip boots, then releases it, and the chip
/// says on it that something can be read (high).
///
/// As an [`OutputPin`] it is driven from the first level that is set until
/// [`release`](Self::release).
#[derive(Clone, Debug)]
pub struct Gpio0 {
    bench: SpiBench,
}

impl Gpio0 {
    pub(super) fn new(bench: SpiBench) -> Self {
        Self { bench }
    }

    /// Drives the line to a level.
    ///
    /// # Errors
    /// Only a fault that the bench was told to have.
    pub fn drive(&mut self, high: bool) -> Result<(), BusFault> {
        self.bench.set_gpio0(Some(high))
    }

    /// Lets go of the line; from now on the chip sets its level.
    ///
    /// # Errors
    /// Only a fault that the bench was told to have.
    pub fn release(&mut self) -> Result<(), BusFault> {
        self.bench.set_gpio0(None)
    }

    /// The level of the line, whoever drives it.
    ///
    /// # Errors
    /// Only a fault that the bench was told to have.
    pub fn level(&mut self) -> Result<bool, BusFault> {
        self.bench.gpio0_level()
    }
}

impl ErrorType for Gpio0 {
    type Error = BusFault;
}

impl OutputPin for Gpio0 {
    fn set_low(&mut self) -> Result<(), BusFault> {
        self.drive(false)
    }

    fn set_high(&mut self) -> Result<(), BusFault> {
        self.drive(true)
    }
}

impl InputPin for Gpio0 {
    fn is_high(&mut self) -> Result<bool, BusFault> {
        self.level()
    }

    fn is_low(&mut self) -> Result<bool, BusFault> {
        self.level().map(|high| !high)
    }
}

/// GPIO0 of an [`SpiBench`] on a pin that is an open-drain output and can be read: low is driven, high
/// is released.
#[derive(Clone, Debug)]
pub struct OpenDrainGpio0(Gpio0);

impl OpenDrainGpio0 {
    pub(super) fn new(bench: SpiBench) -> Self {
        Self(Gpio0::new(bench))
    }
}

impl ErrorType for OpenDrainGpio0 {
    type Error = BusFault;
}

impl OutputPin for OpenDrainGpio0 {
    fn set_low(&mut self) -> Result<(), BusFault> {
        self.0.drive(false)
    }

    fn set_high(&mut self) -> Result<(), BusFault> {
        self.0.release()
    }
}

impl InputPin for OpenDrainGpio0 {
    fn is_high(&mut self) -> Result<bool, BusFault> {
        self.0.level()
    }

    fn is_low(&mut self) -> Result<bool, BusFault> {
        self.0.level().map(|high| !high)
    }
}
