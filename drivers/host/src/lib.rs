#![doc = include_str!("../README.md")]

mod datagram;
mod device;
mod error;
mod flags;
mod interest;
mod listener;
mod lookup;
mod reactor;
mod ready;
mod socket;
mod stream;
mod table;

pub use device::{HostDevice, Stats};
