//! Bus and pins of the MPS2 board: its SPI controller (PL022) and a GPIO port (CMSDK).

use core::convert::Infallible;

use embedded_hal::digital::{ErrorType as PinErrorType, InputPin, OutputPin};
use embedded_hal::spi::{ErrorType as BusErrorType, SpiBus};
use wifinina::{BusError, Gpio0, SpiPins};

use crate::register::Register;

const SPI: usize = 0x4002_0000;
const PORT: usize = 0x4001_0000;

/// The lines to the chip, as the driver takes them.
pub type Link = SpiPins<Bus, Output, Input, Output, BootPin>;

/// Starts the bus and the pins.
pub fn link() -> Link {
    SpiPins::new(Bus::start(), Output::new(0), Input::new(1), Output::new(2), BootPin::new(3))
}

/// The SPI controller.
pub struct Bus {
    data: Register,
    status: Register,
}

/// The transmit queue has room.
const NOT_FULL: u32 = 1 << 1;
/// The receive queue has a byte.
const NOT_EMPTY: u32 = 1 << 2;
/// A byte is on its way.
const BUSY: u32 = 1 << 4;

impl Bus {
    fn start() -> Self {
        // SAFETY: registers of the PL022 of this chip.
        let [control_0, control_1, data, status, prescale] =
            [0x00, 0x04, 0x08, 0x0C, 0x10].map(|offset| unsafe { Register::at(SPI + offset) });
        prescale.write(2);
        // Eight bits, mode 0, the prescaled clock undivided.
        control_0.write(0x07);
        control_1.write(0x02);
        Self { data, status }
    }

    fn exchange(&mut self, byte: u8) -> u8 {
        while self.status.read() & NOT_FULL == 0 {}
        self.data.write(byte.into());
        while self.status.read() & NOT_EMPTY == 0 {}
        self.data.read() as u8
    }
}

impl BusErrorType for Bus {
    type Error = Infallible;
}

impl SpiBus for Bus {
    fn read(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        words.iter_mut().for_each(|word| *word = self.exchange(0xFF));
        Ok(())
    }

    fn write(&mut self, words: &[u8]) -> Result<(), Infallible> {
        for word in words {
            self.exchange(*word);
        }
        Ok(())
    }

    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), Infallible> {
        for index in 0..read.len().max(write.len()) {
            let got = self.exchange(write.get(index).copied().unwrap_or(0xFF));
            if let Some(place) = read.get_mut(index) {
                *place = got;
            }
        }
        Ok(())
    }

    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), Infallible> {
        words.iter_mut().for_each(|word| *word = self.exchange(*word));
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        while self.status.read() & BUSY != 0 {}
        Ok(())
    }
}

/// A port pin that is driven.
pub struct Output {
    output: Register,
    enable: Register,
    bit: u32,
}

impl Output {
    fn new(number: u32) -> Self {
        // SAFETY: registers of the GPIO port of this chip.
        let [output, enable] = [0x04, 0x10].map(|offset| unsafe { Register::at(PORT + offset) });
        let pin = Self { output, enable, bit: 1 << number };
        pin.enable();
        pin
    }

    fn enable(&self) {
        self.enable.write(self.bit);
    }
}

impl PinErrorType for Output {
    type Error = Infallible;
}

impl OutputPin for Output {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.output.write(self.output.read() & !self.bit);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.output.write(self.output.read() | self.bit);
        Ok(())
    }
}

/// A port pin that is read.
pub struct Input {
    data: Register,
    bit: u32,
}

impl Input {
    fn new(number: u32) -> Self {
        // SAFETY: a register of the GPIO port of this chip.
        let data = unsafe { Register::at(PORT) };
        Self { data, bit: 1 << number }
    }
}

impl PinErrorType for Input {
    type Error = Infallible;
}

impl InputPin for Input {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.data.read() & self.bit != 0)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(self.data.read() & self.bit == 0)
    }
}

/// The port pin that is driven while the chip boots, and read afterwards.
pub struct BootPin {
    output: Output,
    input: Input,
    disable: Register,
}

impl BootPin {
    fn new(number: u32) -> Self {
        // SAFETY: a register of the GPIO port of this chip.
        let disable = unsafe { Register::at(PORT + 0x14) };
        Self { output: Output::new(number), input: Input::new(number), disable }
    }
}

impl Gpio0 for BootPin {
    fn drive_high(&mut self) -> Result<(), BusError> {
        let Ok(()) = self.output.set_high();
        self.output.enable();
        Ok(())
    }

    fn release(&mut self) -> Result<(), BusError> {
        self.disable.write(self.output.bit);
        Ok(())
    }

    fn is_high(&mut self) -> Result<Option<bool>, BusError> {
        let Ok(high) = self.input.is_high();
        Ok(Some(high))
    }
}
