//! What goes wrong on a bus: told place by place, or by chance from a seed.

mod line;
mod rates;
mod state;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netdev::Instant;

use crate::{Lines, SpiChip};

pub(crate) use line::Crossed;
pub use rates::{BadRates, Rates};
use state::State;

/// Faults of a bus or a line, set with [`SpiBench::set_faults`](crate::SpiBench::set_faults) or
/// [`UartBench::set_faults`](crate::UartBench::set_faults). Clones are the same.
///
/// Either a test names a place: "the fifth byte that is read from now on". Or chance strikes at a
/// rate, and all of it follows from a seed. A test that fails with faults around prints the seed and
/// what struck.
///
/// Bytes count on two wires, each from 0: those that the host **writes** (it has something to say)
/// and those that it **reads** (it wants to know). A full-duplex transfer is both. A place counts
/// what the host clocks, whatever becomes of it; on a serial line, what arrives.
///
/// ```
/// use embedded_hal::spi::SpiBus;
/// use netdev_sim::{Faults, Glitch, SpiBench, VirtualClock, Wire};
/// # use netdev::Instant;
/// # use netdev_sim::{Lines, SpiChip};
/// # struct Counting(u8);
/// # impl SpiChip for Counting {
/// #   fn select(&mut self, _: Instant) {}
/// #   fn transfer(&mut self, _: &[u8], miso: &mut [u8], _: Instant) {
/// #       for answer in miso { *answer = self.0; self.0 += 1; }
/// #   }
/// #   fn deselect(&mut self, _: Instant) {}
/// #   fn lines(&mut self, _: Instant) -> Lines { Lines::default() }
/// #   fn set_reset(&mut self, _: bool, _: Instant) {}
/// #   fn set_gpio0(&mut self, _: Option<bool>, _: Instant) {}
/// # }
///
/// # fn main() -> Result<(), netdev_sim::BusFault> {
/// let bench = SpiBench::new(Counting(0), VirtualClock::new(), 8_000_000);
/// let faults = Faults::new();
/// bench.set_faults(&faults);
/// faults.at(Wire::Read, 1, Glitch::Drop);
/// faults.at(Wire::Read, 3, Glitch::Flip(0x80));
/// let mut answer = [0; 5];
/// bench.bus().read(&mut answer)?;
/// assert_eq!(answer, [0, 2, 3, 0x84, 5]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Faults {
    state: Arc<Mutex<State>>,
}

/// A direction, as the host sees it.
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wire {
    /// From the host to the chip.
    Written,
    /// From the chip to the host.
    Read,
}

/// One thing that goes wrong. What a serial line has instead stands in brackets.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Glitch {
    /// These bits of the byte change.
    Flip(u8),
    /// The byte is lost: written, the chip misses its clocks; read, the host does. [It does not
    /// arrive.]
    Drop,
    /// The byte comes twice.
    Double,
    /// This byte comes before it. (For more of them: at the places behind it, too.) [It takes no
    /// time.]
    Insert(u8),
    /// Neither this byte nor any other until chip-select rises; the host reads 0xFF. [Until the next
    /// pause on this wire; nothing is read.]
    Cut,
    /// READY stays at this level, from now on for so long, or until [`Faults::clear`]. [The host's
    /// CTS does; high is stop.]
    Stuck {
        /// High is busy.
        high: bool,
        /// How long.
        length: Option<Duration>,
    },
    /// The chip is cut off, from now on for so long or until [`Faults::clear`]: it sees chip-select
    /// high and no clock, and the host reads 0xFF. Its own lines go on. [Nothing arrives, either
    /// way.]
    Silence {
        /// How long.
        length: Option<Duration>,
    },
    /// The chip resets, as if its supply had dipped; RESET does not show it. [What was under way
    /// from it is gone.]
    Reset,
}

/// What the host clocks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Host {
    written: bool,
    read: bool,
}

impl Host {
    /// It has something to say, and drops what comes.
    pub(crate) const WRITES: Self = Self { written: true, read: false };
    /// It wants to know, and sends filler.
    pub(crate) const READS: Self = Self { written: false, read: true };
    /// Both.
    pub(crate) const TRANSFERS: Self = Self { written: true, read: true };
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Faults {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with(State::default())
    }

    /// Chance strikes each byte at these rates.
    #[must_use]
    pub fn random(seed: u64, rates: Rates) -> Self {
        Self::with(State::random(seed, rates))
    }

    fn with(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Plans a glitch at the `nth` byte on a wire, from 0, since the beginning or the last
    /// [`restart`](Self::restart). Several may be planned, at one place too.
    pub fn at(&self, wire: Wire, nth: u64, glitch: Glitch) {
        self.state().plan(wire, nth, glitch);
    }

    /// Lets it strike now: what is about bytes, at the next one that is read.
    pub fn now(&self, glitch: Glitch) {
        self.state().strike_now(glitch);
    }

    /// The bus is sound from now on: plans, chance and what lasts are over. What was counted and
    /// what struck stays.
    pub fn clear(&self) {
        self.state().clear();
    }

    /// Counts bytes from 0 again.
    pub fn restart(&self) {
        self.state().restart();
    }

    /// How many bytes crossed a wire.
    #[must_use]
    pub fn bytes(&self, wire: Wire) -> u64 {
        self.state().bytes(wire)
    }

    /// How many glitches struck.
    #[must_use]
    pub fn struck(&self) -> u64 {
        self.state().struck()
    }

    /// Clocks bytes through the faults.
    pub(crate) fn transfer(
        &self,
        chip: &mut dyn SpiChip,
        host: Host,
        mosi: &[u8],
        miso: &mut [u8],
        now: Instant,
    ) {
        self.state().transfer(chip, host, mosi, miso, now);
    }

    /// What happens to the chip by itself; says whether it sees chip-select.
    pub(crate) fn settle(&self, chip: &mut dyn SpiChip, now: Instant) -> bool {
        self.state().settle(chip, now)
    }

    pub(crate) fn end_cycle(&self) {
        self.state().end_cycle();
    }

    pub(crate) fn lines(&self, lines: Lines, now: Instant) -> Lines {
        self.state().lines(lines, now)
    }

    /// Lets one byte cross a serial line.
    pub(crate) fn cross(&self, wire: Wire, byte: u8, now: Instant) -> Crossed {
        self.state().cross(wire, byte, now)
    }

    /// What struck between the bytes of a serial line; says whether the chip resets.
    pub(crate) fn settle_line(&self, now: Instant) -> bool {
        self.state().settle_line(now)
    }

    /// The chip's RTS, as it reaches the host.
    pub(crate) fn clear_to_send(&self, ready: bool, now: Instant) -> bool {
        !self.lines(Lines { busy: !ready, data_ready: false }, now).busy
    }

    /// A pause on a serial line: what was cut is whole again.
    pub(crate) fn pause(&self, wire: Wire) {
        self.state().pause(wire);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The seed, and what struck: enough to have it again.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(f)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Faults({self})")
    }
}

/// Tells a test that fails what struck.
impl Drop for Faults {
    fn drop(&mut self) {
        if std::thread::panicking() && self.state().is_news() {
            eprintln!("{self}");
        }
    }
}
