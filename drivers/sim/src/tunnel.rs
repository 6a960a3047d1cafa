//! The tunnel: a co-processor's bus over TCP.
//!
//! So that a driver reaches a chip in another process (a simulated one, a bridge to a real board),
//! and a simulated chip can be driven by anybody's client.
//!
//! # A serial line
//!
//! [`UartServer`], [`UartClient`]: the TCP stream is the line. Raw bytes both ways, nothing added.
//! One client at a time: the connection of a second one ends at once, so that it does not wait for
//! what may never come. A new client finds the chip as the last one left it; what a chip says while
//! nobody is there is lost, as on a line without a listener. Pins are not carried.
//!
//! What the server reads from its client at once is one piece for the chip
//! ([`UartChip::receive`](crate::UartChip::receive)), unless the line is paced.
//!
//! # An SPI bus
//!
//! [`Server`], [`Client`]: the client clocks the bus. All integers are little endian, every request
//! starts with a u16:
//!
//! | op | request body | reply | meaning |
//! |---|---|---|---|
//! | 0x0000 to 0xFEFF | that many bytes MOSI | as many bytes MISO | one transaction: chip-select falls, bytes are clocked, chip-select rises. The chip does not wait: look at READY first. 0 is an empty chip-select pulse without a reply |
//! | 0xFFFF | none | u8 lines | read the lines: bit 0 READY (1: busy), bit 1 GPIO0 (1: something to read), bit 2 chip-select's level |
//! | 0xFFFE | none | u8 lines | hardware reset; the reply comes when the chip is first ready, at the latest after 3 s |
//! | 0xFFFD | u16 timeout in ms, u8 mask, u8 value | u8 lines | wait until (lines and mask) equals value, or the time is over: the lines that come back tell |
//! | 0xFFFC, 0xFFFB | none | u8 lines | chip-select low, high |
//! | 0xFFFA | u16 n, n bytes | n bytes | clock n bytes with chip-select as it stands |
//! | 0xFFF9 | none | u16 length, JSON | counters since the last clear |
//! | 0xFFF8 | none | u8 lines | clear the counters |
//!
//! Several clients may be connected and share the one bus. A chip-select that a client holds low
//! when it leaves rises. A reset keeps connections open. GPIO0 as boot strap is not carried. Any
//! other op ends the connection.

mod bus;
mod client;
mod pins;
mod requests;
mod server;
mod uart;
mod wire;

pub use client::Client;
pub use pins::{Bus, ChipSelect, Gpio0, Ready, Reset};
pub use server::{Builder, Meter, Server};
pub use uart::{UartBuilder, UartClient, UartServer};
pub use wire::Lost;

/// Longest transaction, and so the largest op that is one.
const LONGEST: u16 = 0xFEFF;
const LINES: u16 = 0xFFFF;
const RESET: u16 = 0xFFFE;
const WAIT: u16 = 0xFFFD;
const SELECT: u16 = 0xFFFC;
const DESELECT: u16 = 0xFFFB;
const CLOCK: u16 = 0xFFFA;
const COUNTERS: u16 = 0xFFF9;
const CLEAR: u16 = 0xFFF8;

/// Bits of the lines.
const BUSY: u8 = 1;
const DATA_READY: u8 = 1 << 1;
const DESELECTED: u8 = 1 << 2;
