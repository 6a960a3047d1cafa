//! What becomes of bytes at the ends of the line.

use core::time::Duration;

use super::Wires;
use crate::uart::line::Sent;
use crate::{LineEvent, Wire};

impl Wires {
    pub(super) fn arrive_at_chip(&mut self, sent: Sent) {
        let baud = self.chip_baud();
        let seen = self.to_chip.seen(sent, self.time, baud);
        let took = Duration::from_nanos(self.byte_nanos(sent.baud));
        for seen in seen {
            let arrived = self.cross(Wire::Written, seen.byte);
            self.count(Wire::Written, &arrived, took);
            if self.enabled {
                self.piece.extend_from_slice(&arrived);
            }
        }
        let pause = self.to_chip.end().is_none();
        if pause || (self.paced && self.piece.len() >= PIECE) {
            self.hand_over();
        }
        if let Some(faults) = self.faults.as_ref().filter(|_| pause) {
            faults.pause(Wire::Written);
        }
    }

    /// Gives the chip what has arrived.
    fn hand_over(&mut self) {
        let piece = core::mem::take(&mut self.piece);
        if self.enabled && !piece.is_empty() {
            let now = self.now();
            self.chip.receive(&piece, now);
            self.step_chip();
        }
    }

    pub(super) fn arrive_at_host(&mut self, byte: u8, framed: bool, baud: u32) {
        let arrived = self.cross(Wire::Read, byte);
        self.count(Wire::Read, &arrived, Duration::from_nanos(self.byte_nanos(baud)));
        for byte in arrived {
            self.take_in(byte, framed);
        }
    }

    fn take_in(&mut self, byte: u8, framed: bool) {
        if !framed {
            self.counters.framing_errors += 1;
            self.ring.lose();
        } else if !self.ring.push(byte) {
            self.counters.overruns += 1;
        }
        self.tell_rts();
    }

    fn cross(&mut self, wire: Wire, byte: u8) -> Vec<u8> {
        let Some(faults) = self.faults.clone() else { return vec![byte] };
        let crossed = faults.cross(wire, byte, self.now());
        if crossed.reset {
            self.reset();
        }
        crossed.bytes
    }

    /// What strikes between the bytes.
    pub(super) fn settle(&mut self) {
        let now = self.now();
        if self.faults.as_ref().is_some_and(|faults| faults.settle_line(now)) {
            self.reset();
        }
    }

    /// The chip resets by itself.
    fn reset(&mut self) {
        if self.enabled {
            self.set_enabled(false);
            self.set_enabled(true);
        }
    }

    /// What was under way on the chip's side is gone.
    pub(super) fn forget(&mut self) {
        self.piece.clear();
        self.to_host.clear();
    }

    fn count(&mut self, wire: Wire, bytes: &[u8], took: Duration) {
        let (counter, told) = match wire {
            Wire::Written => (&mut self.counters.written, &mut self.untold_written),
            Wire::Read => (&mut self.counters.read, &mut self.untold_read),
        };
        *counter += bytes.len() as u64;
        if bytes.is_empty() || self.observers.is_empty() {
            return;
        }
        if self.paced {
            self.tell(LineEvent::Bytes { wire, bytes, took });
        } else {
            told.extend_from_slice(bytes);
        }
    }

    /// Without pacing, what arrives at one moment is told as one.
    pub(super) fn tell_bytes(&mut self) {
        for wire in [Wire::Written, Wire::Read] {
            let bytes = core::mem::take(match wire {
                Wire::Written => &mut self.untold_written,
                Wire::Read => &mut self.untold_read,
            });
            if !bytes.is_empty() {
                self.tell(LineEvent::Bytes { wire, bytes: &bytes, took: Duration::ZERO });
            }
        }
    }

    pub(super) fn tell(&mut self, event: LineEvent<'_>) {
        let now = self.now();
        for observer in &mut self.observers {
            observer.event(now, event);
        }
    }
}

/// The longest piece: an ESP's UART interrupts at so many bytes.
const PIECE: usize = 120;
