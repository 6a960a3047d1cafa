#![doc = include_str!("../README.md")]
#![no_std]

mod address;
mod ahead;
mod boot;
mod codec;
mod crc;
mod datagram;
mod device;
mod exchange;
mod frame;
#[cfg(test)]
mod golden;
mod listener;
mod look;
mod lookup;
mod method;
mod open;
mod options;
mod ports;
mod reader;
mod resync;
mod scan;
mod settings;
mod shared;
mod sockets;
mod state;
mod stream;
mod turn;
mod wifi;
mod writer;

pub use device::Rtl8720dn;
pub use state::State;
