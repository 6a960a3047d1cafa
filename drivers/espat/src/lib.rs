#![no_std]
#![doc = include_str!("../README.md")]

mod access_point;
mod arrivals;
mod boot;
mod command;
mod connect;
mod datagram;
mod device;
mod exchange;
mod finish;
mod firmware;
mod incoming;
mod links;
mod listener;
mod lookup;
mod modes;
mod op;
mod ports;
mod query;
mod reply;
mod resync;
mod scan;
mod send;
mod setup;
mod shared;
mod sockets;
mod stash;
mod state;
mod stream;
mod tend;
mod time;
mod token;
mod wifi;

pub use device::Espat;
pub use netdev_uart::{LineError, UartLink};
pub use state::State;
