#![no_std]
#![doc = include_str!("../README.md")]

mod arrivals;
mod boot;
mod command;
mod connect;
mod datagram;
mod device;
mod exchange;
mod finish;
mod firmware;
mod links;
mod listener;
mod lookup;
mod op;
mod ports;
mod query;
mod reply;
mod resync;
mod send;
mod setup;
mod shared;
mod sockets;
mod stash;
mod state;
mod stream;
mod time;
mod token;
mod wifi;

pub use device::Espat;
pub use netdev_uart::{LineError, UartLink};
pub use state::State;
