#![no_std]
#![doc = include_str!("../README.md")]

mod io;
mod link;
mod positions;
mod rts;
mod rx;
mod serial;
mod tx;
#[cfg(feature = "embedded-io-06")]
mod v06;

pub use io::Io;
pub use link::{LineError, UartLink};
pub use rts::{NoRts, Rts, Watermark};
pub use rx::{RxReader, RxRing};
pub use serial::{
    ActiveHigh, Baud, Enable, FixedBaud, Halves, NotWired, Receive, Serial, Transmit,
};
pub use tx::{TxRing, TxWriter};
#[cfg(feature = "embedded-io-06")]
pub use v06::{Error06, V06};
