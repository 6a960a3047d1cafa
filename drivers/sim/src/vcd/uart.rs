//! A recording of a serial line.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::io::{self, Write};

use netdev::Instant;

use super::Dump;
use crate::{LineEvent, LineObserver, Wire};

/// Writes what happens on a serial line as a value change dump (IEEE 1364-2005 section 18), which
/// GTKWave and `PulseView` load: `tx` (to the chip) and `rx` (to the host) as vectors of 8 bits that
/// float between the bytes, `txd` and `rxd` as the lines themselves, bit by bit, which a viewer's
/// UART decoder reads; `enable` and `rts` as levels.
///
/// Bytes stand where they were on the wire, as the receiver saw them. Time never goes back: on a
/// real clock, where bytes take none, each is drawn 20 ns long and pushes the next one on.
///
/// Where bytes take time, each reaches the file a byte's time later, the last one when this is
/// dropped. The first error ends the recording.
pub struct UartVcd<W: Write> {
    dump: Dump<W>,
    /// What is to be written, in the order of its times; a byte is told when it is over, and one
    /// that began before may still come on the other wire.
    pending: BTreeMap<(u64, u64), Change>,
    order: u64,
    /// When the last byte on each wire ends.
    until: [u64; 2],
    /// What the longest byte took.
    longest: u64,
    failed: bool,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Level(char, bool),
    Byte(char, Option<u8>),
}

impl<W: Write> UartVcd<W> {
    /// Begins a recording: both lines at rest, the chip switched on.
    ///
    /// # Errors
    /// Those of writing.
    pub fn new(out: W) -> io::Result<Self> {
        Ok(Self {
            dump: Dump::new(out, HEADER)?,
            pending: BTreeMap::new(),
            order: 0,
            until: [0; 2],
            longest: 0,
            failed: false,
        })
    }

    fn record(&mut self, at: u64, event: LineEvent<'_>) {
        match event {
            LineEvent::Bytes { wire, bytes, took } => self.bytes(at, wire, bytes, took),
            LineEvent::Enabled(enabled) => self.change(at, Change::Level(ENABLE, enabled)),
            LineEvent::Rts { clear } => self.change(at, Change::Level(RTS, !clear)),
            LineEvent::Baud(_) => {}
        }
    }

    fn bytes(&mut self, end: u64, wire: Wire, bytes: &[u8], took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.longest = self.longest.max(took);
        let length = took.max(SHORTEST);
        let [written, read] = self.until;
        let (vector, line, until) = match wire {
            Wire::Written => (TX, TXD, written),
            Wire::Read => (RX, RXD, read),
        };
        let mut start = end.saturating_sub(length).max(until);
        for byte in bytes {
            self.change(start, Change::Byte(vector, Some(*byte)));
            self.change(start, Change::Level(line, false));
            for bit in 0..8_u32 {
                let at = start + length * u64::from(bit + 1) / 10;
                self.change(at, Change::Level(line, byte >> bit & 1 == 1));
            }
            self.change(start + length * 9 / 10, Change::Level(line, true));
            start = start.saturating_add(length);
            self.change(start, Change::Byte(vector, None));
        }
        self.until = match wire {
            Wire::Written => [start, read],
            Wire::Read => [written, start],
        };
    }

    fn change(&mut self, at: u64, change: Change) {
        self.order += 1;
        self.pending.insert((at, self.order), change);
    }

    /// Writes what nothing can come before any more.
    fn write_before(&mut self, end: u64) -> io::Result<()> {
        while let Some(next) = self.pending.first_entry().filter(|next| next.key().0 < end) {
            let ((at, _), change) = next.remove_entry();
            match change {
                Change::Level(line, high) => self.dump.level(at, line, high)?,
                Change::Byte(vector, byte) => self.dump.byte(at, vector, byte)?,
            }
        }
        self.dump.flush()
    }
}

impl<W: Write + Send> LineObserver for UartVcd<W> {
    fn event(&mut self, at: Instant, event: LineEvent<'_>) {
        if !self.failed {
            let at = at.as_micros().saturating_mul(1_000);
            self.record(at, event);
            // Where bytes take no time, none is on the other wire.
            let end = if self.longest == 0 { u64::MAX } else { at.saturating_sub(self.longest) };
            self.failed = self.write_before(end).is_err();
        }
    }
}

impl<W: Write> Drop for UartVcd<W> {
    fn drop(&mut self) {
        if !self.failed {
            // Nobody is left to tell that it failed.
            let _ = self.write_before(u64::MAX);
        }
    }
}

impl<W: Write> fmt::Debug for UartVcd<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UartVcd").field("time", &self.dump.time).finish_non_exhaustive()
    }
}

const TX: char = 't';
const RX: char = 'r';
const TXD: char = 'T';
const RXD: char = 'R';
const ENABLE: char = 'e';
const RTS: char = 's';

/// What a byte takes at least, so that its bits can be drawn.
const SHORTEST: u64 = 20;

/// Both lines at rest, the chip on.
const HEADER: &str = "\
$version netdev-sim $end
$timescale 1 ns $end
$scope module uart $end
$var wire 8 t tx $end
$var wire 8 r rx $end
$var wire 1 T txd $end
$var wire 1 R rxd $end
$var wire 1 e enable $end
$var wire 1 s rts $end
$upscope $end
$enddefinitions $end
#0
$dumpvars
bz t
bz r
1T
1R
1e
0s
$end
";
