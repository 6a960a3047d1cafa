//! A recording of an SPI bus.

use core::fmt;
use core::time::Duration;
use std::io::{self, Write};

use netdev::Instant;

use super::Dump;
use crate::{BusEvent, BusObserver, Lines};

/// Writes what happens on a bus as a value change dump (IEEE 1364-2005 section 18), which GTKWave
/// and `PulseView` load: the lines as levels, `mosi` and `miso` as vectors of 8 bits that float
/// between the bytes, and `byte`, which rises with each byte and falls in its middle, so that equal
/// bytes in a row can be told apart.
///
/// A line shows when the host next does anything after it changed, since a model moves on when it is
/// looked at. Time never goes back: on a real clock, which the bus does not slow down, bytes that
/// would overlap what comes next push it on.
///
/// What is written reaches the file while chip-select is high. The first error ends the recording.
///
/// ```
/// use embedded_hal::{digital::OutputPin, spi::SpiBus};
/// # use netdev::Instant;
/// # use netdev_sim::{Lines, SpiChip};
/// use netdev_sim::{SpiBench, Vcd, VirtualClock};
/// # struct Toy;
/// # impl SpiChip for Toy {
/// #   fn select(&mut self, _: Instant) {}
/// #   fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], _: Instant) { miso.copy_from_slice(mosi) }
/// #   fn deselect(&mut self, _: Instant) {}
/// #   fn lines(&mut self, _: Instant) -> Lines { Lines::default() }
/// #   fn set_reset(&mut self, _: bool, _: Instant) {}
/// #   fn set_gpio0(&mut self, _: Option<bool>, _: Instant) {}
/// # }
///
/// # fn main() -> Result<(), Box<dyn core::error::Error>> {
/// let bench = SpiBench::new(Toy, VirtualClock::new(), 8_000_000);
/// bench.observe(Box::new(Vcd::new(std::io::sink())?)); // a file, in real life
/// bench.chip_select().set_low()?;
/// bench.bus().write(b"hello")?;
/// bench.chip_select().set_high()?;
/// # Ok(()) }
/// ```
pub struct Vcd<W: Write> {
    dump: Dump<W>,
    /// When the bytes that were clocked last end.
    until: u64,
    lines: Lines,
    /// GPIO0 as the host drives it.
    driven: Option<bool>,
    gpio0: bool,
    selected: bool,
    failed: bool,
}

impl<W: Write> Vcd<W> {
    /// Begins a recording: all lines at rest.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(out: W) -> io::Result<Self> {
        Ok(Self {
            dump: Dump::new(out, HEADER)?,
            until: 0,
            lines: Lines { busy: true, data_ready: false },
            driven: None,
            gpio0: false,
            selected: false,
            failed: false,
        })
    }

    fn record(&mut self, at: Instant, event: BusEvent<'_>) -> io::Result<()> {
        let at = at.as_micros().saturating_mul(1_000).max(self.until);
        match event {
            BusEvent::ChipSelect { low } => {
                self.selected = low;
                self.dump.level(at, CS, !low)
            }
            BusEvent::Bytes { mosi, miso, took } => self.bytes(at, mosi, miso, took),
            BusEvent::Lines(lines) => {
                if lines.busy != self.lines.busy {
                    self.dump.level(at, READY, lines.busy)?;
                }
                self.lines = lines;
                self.set_gpio0(at)
            }
            BusEvent::Reset { asserted } => self.dump.level(at, RESET, !asserted),
            BusEvent::Gpio0 { driven } => {
                self.driven = driven;
                self.set_gpio0(at)
            }
        }
    }

    fn bytes(&mut self, at: u64, mosi: &[u8], miso: &[u8], took: Duration) -> io::Result<()> {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let step = took.checked_div(mosi.len() as u64).unwrap_or(0).max(2);
        let mut start = at;
        for (mosi, miso) in mosi.iter().zip(miso) {
            self.dump.byte(start, MOSI, Some(*mosi))?;
            self.dump.byte(start, MISO, Some(*miso))?;
            self.dump.level(start, BYTE, true)?;
            self.dump.level(start + step / 2, BYTE, false)?;
            start = start.saturating_add(step);
        }
        if !mosi.is_empty() {
            self.dump.byte(start, MOSI, None)?;
            self.dump.byte(start, MISO, None)?;
        }
        self.until = start;
        Ok(())
    }

    fn set_gpio0(&mut self, at: u64) -> io::Result<()> {
        let level = self.driven.unwrap_or(self.lines.data_ready);
        if core::mem::replace(&mut self.gpio0, level) == level {
            return Ok(());
        }
        self.dump.level(at, GPIO0, level)
    }
}

impl<W: Write + Send> BusObserver for Vcd<W> {
    fn event(&mut self, at: Instant, event: BusEvent<'_>) {
        if !self.failed {
            let done = self.record(at, event);
            let done = if self.selected { done } else { done.and_then(|()| self.dump.flush()) };
            self.failed = done.is_err();
        }
    }
}

impl<W: Write> fmt::Debug for Vcd<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vcd").field("time", &self.dump.time).finish_non_exhaustive()
    }
}

const CS: char = 'c';
const READY: char = 'r';
const GPIO0: char = 'g';
const RESET: char = 'x';
const BYTE: char = 'b';
const MOSI: char = 'o';
const MISO: char = 'i';

/// All lines at rest, and a chip that has not said yet that it is ready.
const HEADER: &str = "\
$version netdev-sim $end
$timescale 1 ns $end
$scope module spi $end
$var wire 1 c cs $end
$var wire 1 r ready $end
$var wire 1 g gpio0 $end
$var wire 1 x reset $end
$var wire 1 b byte $end
$var wire 8 o mosi $end
$var wire 8 i miso $end
$upscope $end
$enddefinitions $end
#0
$dumpvars
1c
1r
0g
1x
0b
bz o
bz i
$end
";
