#![doc = include_str!("../README.md")]

mod chip;
mod clock;
pub mod conformance;
mod device;
mod faults;
mod internet;
mod loopback;
mod observer;
mod onlooker;
mod pace;
#[cfg(feature = "program")]
pub mod program;
mod spi;
mod stack;
pub mod tunnel;
mod uart;
mod uart_chip;
mod vcd;

pub use chip::{Lines, SpiChip};
pub use clock::{AlarmClock, Registered, Task, VirtualClock};
pub use device::SimDevice;
pub use faults::{BadRates, Faults, Glitch, Rates, Wire};
pub use internet::{Internet, Node};
pub use loopback::Loopback;
pub use observer::{BusEvent, BusObserver, LineEvent, LineObserver};
pub use onlooker::on_stderr;
pub use pace::Pace;
pub use spi::{
    BusCounters, BusFault, ChipSelect, Gpio0, OpenDrainGpio0, Polarity, ReadyLine, ResetLine,
    SimSpi, SpiBench,
};
pub use stack::{Sock, Stack};
pub use uart::{SerialFault, SimLink, SimSerial, UartBench, UartCounters};
pub use uart_chip::UartChip;
pub use vcd::{UartVcd, Vcd};
