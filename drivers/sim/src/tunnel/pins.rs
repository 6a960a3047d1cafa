//! Bus and lines of a tunnel, as embedded-hal sees them.

use embedded_hal::digital::{self, InputPin, OutputPin};
use embedded_hal::spi::{self, SpiBus};

use super::client::Client;
use super::wire::Lost;
use super::{BUSY, DATA_READY};
use crate::Polarity;

/// The bus of a [`Client`]. Bytes of a write are on their way when it returns, and reach the bus
/// before anything that is done later.
#[derive(Clone, Debug)]
pub struct Bus {
    client: Client,
}

/// Chip-select of a [`Client`]: low selects.
#[derive(Clone, Debug)]
pub struct ChipSelect {
    client: Client,
}

/// READY of a [`Client`]: high is busy.
#[derive(Clone, Debug)]
pub struct Ready {
    client: Client,
}

/// RESET of a [`Client`]. A tunnel carries the whole pulse as one: asserting does nothing, releasing
/// an asserted line resets the chip, and until it is ready again it reads as busy.
#[derive(Debug)]
pub struct Reset {
    client: Client,
    polarity: Polarity,
    asserted: bool,
}

/// GPIO0 of a [`Client`]. The boot strap is not carried, so setting it does nothing; it reads as the
/// chip sets it.
#[derive(Clone, Debug)]
pub struct Gpio0 {
    client: Client,
}

impl Bus {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl spi::ErrorType for Bus {
    type Error = Lost;
}

impl SpiBus<u8> for Bus {
    /// Sends zeros.
    fn read(&mut self, words: &mut [u8]) -> Result<(), Lost> {
        words.fill(0);
        self.transfer_in_place(words)
    }

    fn write(&mut self, words: &[u8]) -> Result<(), Lost> {
        self.client.wire().write(words)
    }

    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), Lost> {
        let mut words = write.to_vec();
        words.resize(read.len().max(write.len()), 0);
        self.transfer_in_place(&mut words)?;
        for (word, byte) in read.iter_mut().zip(words) {
            *word = byte;
        }
        Ok(())
    }

    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), Lost> {
        self.client.wire().transfer(words)
    }

    fn flush(&mut self) -> Result<(), Lost> {
        Ok(())
    }
}

impl ChipSelect {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl digital::ErrorType for ChipSelect {
    type Error = Lost;
}

impl OutputPin for ChipSelect {
    fn set_low(&mut self) -> Result<(), Lost> {
        self.client.wire().select(true)
    }

    fn set_high(&mut self) -> Result<(), Lost> {
        self.client.wire().select(false)
    }
}

impl Ready {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl digital::ErrorType for Ready {
    type Error = Lost;
}

impl InputPin for Ready {
    fn is_high(&mut self) -> Result<bool, Lost> {
        self.client.wire().lines().map(|lines| lines & BUSY != 0)
    }

    fn is_low(&mut self) -> Result<bool, Lost> {
        self.is_high().map(|high| !high)
    }
}

impl Reset {
    pub(super) fn new(client: Client, polarity: Polarity) -> Self {
        Self { client, polarity, asserted: false }
    }

    fn set(&mut self, asserted: bool) -> Result<(), Lost> {
        if core::mem::replace(&mut self.asserted, asserted) && !asserted {
            return self.client.wire().reset();
        }
        Ok(())
    }
}

impl digital::ErrorType for Reset {
    type Error = Lost;
}

impl OutputPin for Reset {
    fn set_low(&mut self) -> Result<(), Lost> {
        self.set(self.polarity == Polarity::ActiveLow)
    }

    fn set_high(&mut self) -> Result<(), Lost> {
        self.set(self.polarity == Polarity::ActiveHigh)
    }
}

impl Gpio0 {
    pub(super) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl digital::ErrorType for Gpio0 {
    type Error = Lost;
}

impl OutputPin for Gpio0 {
    fn set_low(&mut self) -> Result<(), Lost> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Lost> {
        Ok(())
    }
}

impl InputPin for Gpio0 {
    fn is_high(&mut self) -> Result<bool, Lost> {
        self.client.wire().lines().map(|lines| lines & DATA_READY != 0)
    }

    fn is_low(&mut self) -> Result<bool, Lost> {
        self.is_high().map(|high| !high)
    }
}
