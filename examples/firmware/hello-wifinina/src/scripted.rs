//! Bus and pins that lead to the scripted chip instead of the board's port.

use core::cell::RefCell;
use core::convert::Infallible;

use critical_section::Mutex;
use embedded_hal::digital::{ErrorType as PinErrorType, InputPin, OutputPin};
use embedded_hal::spi::{ErrorType as BusErrorType, SpiBus};
use wifinina::{BusError, Gpio0, SpiPins};

use crate::chip::Chip;

static CHIP: Mutex<RefCell<Chip>> = Mutex::new(RefCell::new(Chip::new()));

fn with_chip<R>(f: impl FnOnce(&mut Chip) -> R) -> R {
    critical_section::with(|section| f(&mut CHIP.borrow_ref_mut(section)))
}

/// The lines to the chip, as the driver takes them.
pub type Link = SpiPins<Bus, Select, Ready, Ignored, Ignored>;

/// The lines.
pub fn link() -> Link {
    SpiPins::new(Bus, Select, Ready, Ignored, Ignored)
}

/// The bus.
pub struct Bus;

impl BusErrorType for Bus {
    type Error = Infallible;
}

impl SpiBus for Bus {
    fn read(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        with_chip(|chip| words.iter_mut().for_each(|word| *word = chip.exchange(0xFF)));
        Ok(())
    }

    fn write(&mut self, words: &[u8]) -> Result<(), Infallible> {
        with_chip(|chip| {
            for word in words {
                chip.exchange(*word);
            }
        });
        Ok(())
    }

    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), Infallible> {
        with_chip(|chip| {
            for index in 0..read.len().max(write.len()) {
                let got = chip.exchange(write.get(index).copied().unwrap_or(0xFF));
                if let Some(place) = read.get_mut(index) {
                    *place = got;
                }
            }
        });
        Ok(())
    }

    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        with_chip(|chip| words.iter_mut().for_each(|word| *word = chip.exchange(*word)));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Chip-select.
pub struct Select;

impl PinErrorType for Select {
    type Error = Infallible;
}

impl OutputPin for Select {
    fn set_low(&mut self) -> Result<(), Infallible> {
        with_chip(Chip::select);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        with_chip(Chip::deselect);
        Ok(())
    }
}

/// The ready line: high while the chip is busy or selected.
pub struct Ready;

impl PinErrorType for Ready {
    type Error = Infallible;
}

impl InputPin for Ready {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(with_chip(|chip| chip.is_selected()))
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|high| !high)
    }
}

/// A pin that the scripted chip does not look at. Read, it says that there may be data.
pub struct Ignored;

impl PinErrorType for Ignored {
    type Error = Infallible;
}

impl OutputPin for Ignored {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Gpio0 for Ignored {
    fn drive_high(&mut self) -> Result<(), BusError> {
        Ok(())
    }

    fn release(&mut self) -> Result<(), BusError> {
        Ok(())
    }

    fn is_high(&mut self) -> Result<Option<bool>, BusError> {
        Ok(Some(true))
    }
}
