//! How the WiFi module and the LED are wired to the processor.

use arduino_nano33iot as bsp;
use bsp::hal::clock::GenericClockController;
use bsp::hal::ehal::digital::{InputPin as _, OutputPin as _};
use bsp::hal::fugit::RateExtU32;
use bsp::hal::gpio::{DynPin, FloatingInput, PA08, PA14, PA17, PA28, Pin, PushPullOutput};
use bsp::hal::pac::{CorePeripherals, Peripherals};
use wifinina::{BusError, Gpio0, SpiPins};

/// The board's clock; the core runs at 48 MHz once `start` is through.
pub type Clock = systick_clock::Clock<48_000_000>;

/// Fastest bus clock that the module's firmware is specified for.
const SPI_HZ: u32 = 8_000_000;

/// The lines to the module, as the driver takes them.
pub type Link = SpiPins<bsp::NinaSpi, ChipSelect, Ready, Reset, BootPin>;

/// Chip-select.
type ChipSelect = Pin<PA14, PushPullOutput>;
/// High while the module is busy.
type Ready = Pin<PA28, FloatingInput>;
/// Low: the module is held in reset.
type Reset = Pin<PA08, PushPullOutput>;

/// GPIO0 of the module: must be high while it boots, then tells of waiting data.
pub struct BootPin(DynPin);

impl Gpio0 for BootPin {
    fn drive_high(&mut self) -> Result<(), BusError> {
        self.0.into_push_pull_output();
        self.0.set_high().map_err(|_| BusError)
    }

    fn release(&mut self) -> Result<(), BusError> {
        self.0.into_floating_input();
        Ok(())
    }

    fn is_high(&mut self) -> Result<Option<bool>, BusError> {
        self.0.is_high().map(Some).map_err(|_| BusError)
    }
}

/// The yellow LED beside the USB socket; high lights it.
pub type Led = Pin<PA17, PushPullOutput>;

/// What is on the board.
pub struct Parts {
    pub clock: Clock,
    pub link: Link,
    pub led: Led,
}

/// Sets up clocks, timer and pins.
///
/// `None` if the peripherals were already taken.
pub fn start() -> Option<Parts> {
    let mut chip = Peripherals::take()?;
    let core = CorePeripherals::take()?;
    let mut clocks = GenericClockController::with_internal_32kosc(
        chip.gclk,
        &mut chip.pm,
        &mut chip.sysctrl,
        &mut chip.nvmctrl,
    );
    let clock = Clock::start(core.SYST);
    let pins = bsp::Pins::new(chip.port);
    let spi = bsp::nina_spi_master(
        &mut clocks,
        SPI_HZ.Hz(),
        chip.sercom2,
        &mut chip.pm,
        pins.nina_sck,
        pins.nina_mosi,
        pins.nina_miso,
    );
    let boot = BootPin(pins.nina_gpio0.into());
    let (select, ready) = (pins.nina_cs.into(), pins.nina_ack.into());
    let link = SpiPins::new(spi, select, ready, pins.nina_resetn.into(), boot);
    Some(Parts { clock, link, led: pins.led_sck.into() })
}
