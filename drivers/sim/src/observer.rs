//! Who looks on while bytes cross a bus: a trace, a recorder for a logic analyser's viewer.

use core::time::Duration;

use netdev::Instant;

use crate::{Lines, Wire};

/// Sees what happens on a bus, in order. Called with the bus held: it must not touch it.
pub trait BusObserver: Send {
    /// Something happened; `at` is when it began.
    fn event(&mut self, at: Instant, event: BusEvent<'_>);
}

/// Something that happened on an SPI bus or on the lines beside it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BusEvent<'a> {
    /// Chip-select fell (`low`) or rose.
    ChipSelect {
        /// Whether the chip is selected now.
        low: bool,
    },
    /// Bytes were clocked.
    Bytes {
        /// From the host.
        mosi: &'a [u8],
        /// From the chip, as many.
        miso: &'a [u8],
        /// How long it took at the bus's rate.
        took: Duration,
    },
    /// Lines that the chip drives have changed. A model moves on when it is looked at, so a change
    /// shows when the host next does anything.
    Lines(Lines),
    /// The reset line was driven.
    Reset {
        /// Whether the chip is held in reset.
        asserted: bool,
    },
    /// GPIO0 was driven to a level, or released, by the host.
    Gpio0 {
        /// The level, if driven.
        driven: Option<bool>,
    },
}

/// Sees what happens on a serial line, in order. Called with the line held: it must not touch it.
pub trait LineObserver: Send {
    /// Something happened; `at` is when it was over.
    fn event(&mut self, at: Instant, event: LineEvent<'_>);
}

/// Something that happened on a serial line or on the pins beside it.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEvent<'a> {
    /// These bytes have arrived, as the receiver sees them: one at a time where the line is paced.
    Bytes {
        /// Which way.
        wire: Wire,
        /// What arrived.
        bytes: &'a [u8],
        /// How long it was under way.
        took: Duration,
    },
    /// The chip was switched off or on.
    Enabled(bool),
    /// The host changed its rate.
    Baud(u32),
    /// The host's RTS, where it is wired: whether the chip may send.
    Rts {
        /// Whether it may.
        clear: bool,
    },
}
