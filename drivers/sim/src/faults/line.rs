//! Faults as a serial line has them: bytes cross one at a time, each way by itself.

use netdev::Instant;

use super::state::{State, ending};
use super::{Glitch, Host, Wire};

/// What became of a byte on a serial line.
#[derive(Debug)]
pub(crate) struct Crossed {
    /// What arrives instead.
    pub(crate) bytes: Vec<u8>,
    /// Whether the chip resets before that.
    pub(crate) reset: bool,
}

impl State {
    /// Lets one byte cross a serial line. Answers what arrives, and whether the chip resets.
    pub(super) fn cross(&mut self, wire: Wire, byte: u8, now: Instant) -> Crossed {
        let host = Host { written: wire == Wire::Written, read: wire == Wire::Read };
        let mut crossed = Crossed { bytes: vec![byte], reset: false };
        for strike in self.due(host) {
            self.note(strike);
            match strike.glitch {
                Glitch::Flip(bits) => {
                    crossed.bytes.iter_mut().rev().take(1).for_each(|byte| *byte ^= bits);
                }
                Glitch::Drop => drop(crossed.bytes.pop()),
                Glitch::Double => crossed.bytes.extend(crossed.bytes.last().copied()),
                Glitch::Insert(other) => crossed.bytes.insert(0, other),
                Glitch::Cut => *self.cut_line(wire) = true,
                Glitch::Reset => crossed.reset = true,
                Glitch::Stuck { high, length } => self.stuck = Some((high, ending(length, now))),
                Glitch::Silence { length } => self.silence = Some(ending(length, now)),
            }
        }
        self.written += u64::from(host.written);
        self.read += u64::from(host.read);
        if *self.cut_line(wire) || self.is_silent(now) {
            crossed.bytes.clear();
        }
        crossed
    }

    /// What struck between the bytes of a serial line; whether the chip resets.
    pub(super) fn settle_line(&mut self, now: Instant) -> bool {
        let mut reset = false;
        for glitch in core::mem::take(&mut self.waiting) {
            match glitch {
                Glitch::Stuck { high, length } => self.stuck = Some((high, ending(length, now))),
                Glitch::Silence { length } => self.silence = Some(ending(length, now)),
                Glitch::Reset => reset = true,
                _ => {}
            }
        }
        reset
    }

    /// A pause on a serial line.
    pub(super) fn pause(&mut self, wire: Wire) {
        *self.cut_line(wire) = false;
    }

    fn cut_line(&mut self, wire: Wire) -> &mut bool {
        match wire {
            Wire::Written => &mut self.cut_written,
            Wire::Read => &mut self.cut_read,
        }
    }
}
