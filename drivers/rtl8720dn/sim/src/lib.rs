#![doc = include_str!("../README.md")]

mod callback;
mod chip;
mod codec;
mod config;
mod counters;
mod crc;
mod drv;
mod errno;
mod faults;
mod firmware;
mod frame;
mod idl;
mod knobs;
mod lwip;
mod mbedtls;
mod mdns;
mod monitor;
mod names;
mod persona;
mod records;
mod serve;
mod tcpip;
mod trace;
mod transmit;
mod wait;
mod wifi;

pub use chip::Chip;
pub use config::{AccessPoint, Config, Trace};
pub use counters::Counters;
pub use faults::{Fault, FaultRates};
pub use mbedtls::TlsPeer;
pub use monitor::Monitor;
pub use persona::Persona;
