//! Where the bus is with its faults: what is planned, what lasts, what struck.

use core::fmt;
use core::time::Duration;

use netdev::Instant;

use super::{Glitch, Host, Rates, Wire};
use crate::{Lines, SpiChip};

#[derive(Debug, Default)]
pub(super) struct State {
    seed: Option<u64>,
    random: u64,
    rates: Rates,
    planned: Vec<Strike>,
    pub(super) written: u64,
    pub(super) read: u64,
    /// The last byte that was read, and whether it comes again.
    last: u8,
    again: bool,
    cut: bool,
    /// Whether the rest of a burst on a serial line is lost.
    pub(super) cut_written: bool,
    pub(super) cut_read: bool,
    /// Struck while nobody knew the time: they begin with the next thing that happens.
    pub(super) waiting: Vec<Glitch>,
    pub(super) stuck: Option<(bool, End)>,
    pub(super) silence: Option<End>,
    /// What struck, as far as it is kept, and how often.
    log: Vec<Strike>,
    struck: u64,
    told: bool,
}

/// A glitch and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    wire: Wire,
    nth: u64,
    pub(super) glitch: Glitch,
}

/// When something that lasts is over; `None`: when the test says so.
pub(super) type End = Option<Instant>;

impl State {
    pub(super) fn random(seed: u64, rates: Rates) -> Self {
        Self { seed: Some(seed), random: seed, rates, ..Self::default() }
    }

    pub(super) fn plan(&mut self, wire: Wire, nth: u64, glitch: Glitch) {
        self.planned.push(Strike { wire, nth, glitch });
    }

    pub(super) fn strike_now(&mut self, glitch: Glitch) {
        match glitch {
            Glitch::Stuck { .. } | Glitch::Silence { .. } | Glitch::Reset => {
                self.note(Strike { wire: Wire::Read, nth: self.read, glitch });
                self.waiting.push(glitch);
            }
            _ => self.plan(Wire::Read, self.read, glitch),
        }
    }

    pub(super) fn clear(&mut self) {
        self.rates = Rates::default();
        self.planned.clear();
        self.waiting.clear();
        (self.again, self.cut) = (false, false);
        (self.cut_written, self.cut_read) = (false, false);
        (self.stuck, self.silence) = (None, None);
    }

    pub(super) fn restart(&mut self) {
        (self.written, self.read) = (0, 0);
    }

    pub(super) fn transfer(
        &mut self,
        chip: &mut dyn SpiChip,
        host: Host,
        mosi: &[u8],
        miso: &mut [u8],
        now: Instant,
    ) {
        if self.is_quiet(mosi.len() as u64, host, now) {
            chip.transfer(mosi, miso, now);
            self.last = miso.last().copied().unwrap_or(self.last);
            let count = mosi.len() as u64;
            self.written += if host.written { count } else { 0 };
            self.read += if host.read { count } else { 0 };
            return;
        }
        for (out, answer) in mosi.iter().zip(miso) {
            let mut slot = Slot::new(*out);
            if core::mem::take(&mut self.again) && host.read {
                slot.repeat(self.last);
            }
            for strike in self.due(host) {
                self.note(strike);
                self.strike(strike, &mut slot, chip, now);
            }
            self.written += u64::from(host.written);
            self.read += u64::from(host.read);
            let deaf = self.cut || self.is_silent(now);
            *answer = if deaf { FLOATING } else { slot.clock(chip, now) };
            self.last = *answer;
        }
    }

    /// What happens to the chip by itself; whether it sees chip-select.
    pub(super) fn settle(&mut self, chip: &mut dyn SpiChip, now: Instant) -> bool {
        for glitch in core::mem::take(&mut self.waiting) {
            self.begin(glitch, chip, now);
        }
        !self.is_silent(now)
    }

    pub(super) fn end_cycle(&mut self) {
        (self.again, self.cut) = (false, false);
    }

    pub(super) fn lines(&mut self, lines: Lines, now: Instant) -> Lines {
        let stuck = self.stuck.filter(|(_, end)| lasts(*end, now));
        Lines { busy: stuck.map_or(lines.busy, |(high, _)| high), ..lines }
    }

    pub(super) fn bytes(&self, wire: Wire) -> u64 {
        match wire {
            Wire::Written => self.written,
            Wire::Read => self.read,
        }
    }

    pub(super) fn struck(&self) -> u64 {
        self.struck
    }

    /// Whether there is something to tell that was not told.
    pub(super) fn is_news(&mut self) -> bool {
        !core::mem::replace(&mut self.told, true) && (self.struck > 0 || self.seed.is_some())
    }

    /// Whether nothing strikes any of the next bytes.
    fn is_quiet(&self, count: u64, host: Host, now: Instant) -> bool {
        let soon = |strike: &Strike| match strike.wire {
            Wire::Written => {
                host.written && (self.written..self.written + count).contains(&strike.nth)
            }
            Wire::Read => host.read && (self.read..self.read + count).contains(&strike.nth),
        };
        self.rates.is_zero()
            && !self.again
            && !self.cut
            && !self.is_silent(now)
            && !self.planned.iter().any(soon)
    }

    /// What strikes the next byte.
    pub(super) fn due(&mut self, host: Host) -> Vec<Strike> {
        let mut due = Vec::new();
        let wires =
            [(Wire::Written, host.written, self.written), (Wire::Read, host.read, self.read)];
        for (wire, used, nth) in wires {
            if !used {
                continue;
            }
            let here = |strike: &mut Strike| strike.wire == wire && strike.nth == nth;
            due.extend(self.planned.extract_if(.., here));
            let drawn = self.rates.draw(wire, &mut self.random);
            due.extend(drawn.map(|glitch| Strike { wire, nth, glitch }));
        }
        due
    }

    fn strike(&mut self, strike: Strike, slot: &mut Slot, chip: &mut dyn SpiChip, now: Instant) {
        match (strike.glitch, strike.wire) {
            (Glitch::Flip(bits), Wire::Written) => slot.out ^= bits,
            (Glitch::Flip(bits), Wire::Read) => slot.flips ^= bits,
            (Glitch::Drop, Wire::Written) => slot.clocked = false,
            (Glitch::Double, Wire::Written) | (Glitch::Drop, Wire::Read) => {
                slot.before = Some(slot.out);
            }
            (Glitch::Double, Wire::Read) => self.again = true,
            (Glitch::Insert(byte), Wire::Written) => slot.before = Some(byte),
            (Glitch::Insert(byte), Wire::Read) => slot.repeat(byte),
            (Glitch::Cut, _) => self.cut = true,
            (glitch, _) => self.begin(glitch, chip, now),
        }
    }

    fn begin(&mut self, glitch: Glitch, chip: &mut dyn SpiChip, now: Instant) {
        match glitch {
            Glitch::Stuck { high, length } => self.stuck = Some((high, ending(length, now))),
            Glitch::Silence { length } => self.silence = Some(ending(length, now)),
            Glitch::Reset => {
                chip.set_reset(true, now);
                chip.set_reset(false, now);
            }
            _ => {}
        }
    }

    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.silence.is_some_and(|end| lasts(end, now))
    }

    pub(super) fn note(&mut self, strike: Strike) {
        self.struck += 1;
        if self.log.len() < KEPT {
            self.log.push(strike);
        }
    }
}

pub(super) fn ending(length: Option<Duration>, now: Instant) -> End {
    length.map(|length| now + length)
}

fn lasts(end: End, now: Instant) -> bool {
    end.is_none_or(|end| now < end)
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seed {
            Some(seed) => write!(f, "bus faults of seed {seed}: ")?,
            None => write!(f, "bus faults as planned: ")?,
        }
        write!(f, "{} struck", self.struck)?;
        for Strike { wire, nth, glitch } in &self.log {
            let wire = match wire {
                Wire::Written => "written",
                Wire::Read => "read",
            };
            write!(f, "; byte {nth} {wire}: {glitch:?}")?;
        }
        if self.struck > self.log.len() as u64 { f.write_str("; ...") } else { Ok(()) }
    }
}

/// One byte's time on the bus.
struct Slot {
    /// What the chip is clocked with before, unseen by the host.
    before: Option<u8>,
    out: u8,
    /// Whether the chip gets its clocks.
    clocked: bool,
    /// What the host reads instead of the chip's answer.
    instead: Option<u8>,
    flips: u8,
}

impl Slot {
    fn new(out: u8) -> Self {
        Self { before: None, out, clocked: true, instead: None, flips: 0 }
    }

    /// The host reads this, and the chip knows nothing of it.
    fn repeat(&mut self, byte: u8) {
        self.instead = Some(byte);
        self.clocked = false;
    }

    fn clock(&self, chip: &mut dyn SpiChip, now: Instant) -> u8 {
        let mut answer = [FLOATING];
        if let Some(before) = self.before {
            chip.transfer(&[before], &mut [0], now);
        }
        if self.clocked {
            chip.transfer(&[self.out], &mut answer, now);
        }
        let [answer] = answer;
        self.instead.unwrap_or(answer) ^ self.flips
    }
}

/// What a line reads that nobody drives.
const FLOATING: u8 = 0xFF;
/// How much of what struck is told.
const KEPT: usize = 100;
