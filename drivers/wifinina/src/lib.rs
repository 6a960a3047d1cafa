#![doc = include_str!("../README.md")]
#![no_std]

mod boot;
mod command;
mod connect;
mod datagram;
mod device;
mod exchange;
mod firmware;
mod frame;
mod identity;
mod listener;
mod look;
mod lookup;
mod ports;
mod scan;
mod settings;
mod shared;
mod slot_datagram;
mod sockets;
mod spi;
mod state;
mod strays;
mod stream;
mod wifi;

pub use device::Wifinina;
pub use spi::{BusError, Gpio0, NotWired, OpenDrain, SpiLink, SpiPins};
pub use state::State;
