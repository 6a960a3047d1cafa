//! What happens on the line and in the chip, in the order of its moments.

mod arrive;

use netdev::Instant;
use netdev_uart::LineError;

use super::UartCounters;
use super::line::{Line, byte_nanos};
use super::ring::Ring;
use crate::{Faults, LineEvent, LineObserver, UartChip, Wire};

/// Both directions, the chip at one end, the host's UART at the other. Times are in nanoseconds.
pub(super) struct Wires {
    pub(super) chip: Box<dyn UartChip>,
    pub(super) observers: Vec<Box<dyn LineObserver>>,
    pub(super) faults: Option<Faults>,
    pub(super) counters: UartCounters,
    pub(super) paced: bool,
    pub(super) any_baud: bool,
    pub(super) flow_control: bool,
    pub(super) tx_fifo: usize,
    pub(super) broken: Option<LineError>,
    pub(super) ring: Ring,
    pub(super) baud: u32,
    enabled: bool,
    to_chip: Line,
    to_host: Line,
    /// What has arrived at the chip without a pause, and was not handed over yet.
    piece: Vec<u8>,
    time: u64,
    /// When the chip was last given its turn.
    stepped: u64,
    clear: bool,
    /// What has arrived, and nobody who looks on was told.
    untold_written: Vec<u8>,
    untold_read: Vec<u8>,
    /// What the chip may still say at this moment.
    budget: usize,
}

impl Wires {
    pub(super) fn new(chip: Box<dyn UartChip>, baud: u32, paced: bool) -> Self {
        Self {
            chip,
            observers: Vec::new(),
            faults: None,
            counters: UartCounters::default(),
            paced,
            any_baud: false,
            flow_control: false,
            tx_fifo: 16,
            broken: None,
            ring: Ring::new(1),
            baud,
            enabled: true,
            to_chip: Line::default(),
            to_host: Line::default(),
            piece: Vec::new(),
            time: 0,
            stepped: 0,
            clear: true,
            untold_written: Vec::new(),
            untold_read: Vec::new(),
            budget: AT_ONCE,
        }
    }

    /// Lets everything happen that is due.
    pub(super) fn catch_up(&mut self, now: Instant) {
        let now = nanos_of(now).max(self.time);
        self.budget = AT_ONCE;
        // Without pacing nothing is under way, and a chip that was not looked at was not there.
        while let Some(at) = self.next_event().filter(|at| self.paced && *at <= now) {
            self.time = self.time.max(at);
            self.happen();
        }
        self.time = now;
        self.step_chip();
        self.happen();
    }

    /// When something happens next that a host would be interrupted for, or that the chip does by
    /// itself.
    pub(super) fn next_alarm(&self) -> Option<Instant> {
        let left = self.to_chip.end().map(|end| {
            let full = self.to_chip.waiting() >= self.tx_fifo;
            end + if full { 0 } else { self.to_chip.waiting() as u64 * self.byte_nanos(self.baud) }
        });
        let at = [self.next_turn(), left, self.to_host.end()].into_iter().flatten().min()?;
        Some(Instant::from_micros(at.div_ceil(1_000)))
    }

    /// Takes a prefix of what the host has to say.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        for byte in bytes {
            if taken > 0 && !self.paced {
                self.to_chip.push(*byte, self.baud);
            } else if self.has_room() {
                self.to_chip.push(*byte, self.baud);
                self.start_lines();
            } else {
                break;
            }
            taken += 1;
        }
        if !self.paced {
            self.happen();
        }
        taken
    }

    /// What has come in.
    pub(super) fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        let read = self.ring.read(buf);
        self.tell_rts();
        if !self.paced {
            // There is room again.
            self.step_chip();
            self.happen();
        }
        read
    }

    /// Whether the transmitter has room for a byte.
    pub(super) fn has_room(&self) -> bool {
        if self.paced { self.to_chip.waiting() < self.tx_fifo } else { self.may_send() }
    }

    pub(super) fn is_flushed(&self) -> bool {
        self.to_chip.is_idle()
    }

    pub(super) fn set_baud(&mut self, baud: u32) {
        self.baud = baud.max(1);
        self.tell(LineEvent::Baud(baud));
    }

    /// The chip's enable pin.
    pub(super) fn set_enabled(&mut self, enabled: bool) {
        if core::mem::replace(&mut self.enabled, enabled) == enabled {
            return;
        }
        self.counters.resets += u64::from(enabled);
        self.forget();
        let now = self.now();
        self.chip.set_enabled(enabled, now);
        if enabled && !self.clear {
            // The line is as it was, and the chip has forgotten it.
            self.chip.set_clear_to_send(false, now);
        }
        self.tell(LineEvent::Enabled(enabled));
        self.stepped = self.time;
    }

    /// Tells the chip whether the host has room.
    pub(super) fn tell_rts(&mut self) {
        let clear = !self.flow_control || self.ring.free() > self.margin();
        if core::mem::replace(&mut self.clear, clear) != clear {
            let now = self.now();
            self.chip.set_clear_to_send(clear, now);
            self.tell(LineEvent::Rts { clear });
        }
    }

    fn next_event(&self) -> Option<u64> {
        [self.next_turn(), self.to_chip.end(), self.to_host.end()].into_iter().flatten().min()
    }

    /// When the chip does something by itself. A chip that says "now" for ever gets its turn once a
    /// microsecond.
    fn next_turn(&self) -> Option<u64> {
        let turn = self.chip.next_step().filter(|_| self.enabled);
        turn.map(|at| nanos_of(at).max(self.stepped + MOMENT))
    }

    fn happen(&mut self) {
        self.settle();
        while let Some(sent) = self.to_chip.arrived(self.time) {
            self.start_lines();
            self.arrive_at_chip(sent);
        }
        if self.next_turn().is_some_and(|turn| turn <= self.time) {
            self.step_chip();
        }
        while let Some(sent) = self.to_host.arrived(self.time) {
            let seen = self.to_host.seen(sent, self.time, self.baud);
            for seen in seen {
                self.arrive_at_host(seen.byte, seen.framed, sent.baud);
            }
            if self.to_host.is_idle() {
                self.step_chip();
            }
            self.start_lines();
            if let Some(faults) = self.faults.as_ref().filter(|_| self.to_host.is_idle()) {
                faults.pause(Wire::Read);
            }
        }
        self.tell_bytes();
    }

    /// Gives the chip its turn, and takes what it says if the line is free.
    fn step_chip(&mut self) {
        self.stepped = self.time;
        if !self.enabled {
            return;
        }
        let now = self.now();
        let mut buf = [0; AT_ONCE];
        let (room, baud) = (self.chip_room(), self.chip_baud());
        let length = self.chip.transmit(buf.get_mut(..room).unwrap_or_default(), now);
        for byte in buf.iter().take(length.min(room)) {
            self.to_host.push(*byte, baud);
        }
        self.budget -= length.min(self.budget);
        self.start_lines();
    }

    /// How much of what the chip has to say the line takes now.
    fn chip_room(&self) -> usize {
        match self.to_host.is_idle() {
            false => 0,
            // As much as the host has room for, so that nothing is lost for want of a rate.
            true if !self.paced => self.ring.free().min(self.budget),
            true if self.flow_control => 1,
            true => CHIP_FIFO,
        }
    }

    fn start_lines(&mut self) {
        let (time, paced) = (self.time, self.paced);
        let nanos = |baud| if paced { byte_nanos(baud) } else { 0 };
        self.to_host.start(time, nanos);
        if self.may_send() {
            self.to_chip.start(time, nanos);
        }
    }

    /// Whether the host may send, as far as it obeys CTS.
    fn may_send(&self) -> bool {
        if !self.flow_control {
            return true;
        }
        let ready = !self.enabled || self.chip.ready_to_receive();
        let faults = self.faults.as_ref();
        faults.map_or(ready, |faults| faults.clear_to_send(ready, self.now()))
    }

    /// The room in the ring at which the host stops the chip.
    fn margin(&self) -> usize {
        (self.ring.capacity() / 2).min(MARGIN)
    }

    fn chip_baud(&self) -> u32 {
        if self.any_baud { self.baud } else { self.chip.baud() }
    }

    /// What a byte takes.
    fn byte_nanos(&self, baud: u32) -> u64 {
        if self.paced { byte_nanos(baud) } else { 0 }
    }

    fn now(&self) -> Instant {
        Instant::from_micros(self.time / 1_000)
    }
}

fn nanos_of(at: Instant) -> u64 {
    at.as_micros().saturating_mul(1_000)
}

/// What the chip's UART holds.
const CHIP_FIFO: usize = 16;
/// What is taken from a chip at one moment without pacing.
const AT_ONCE: usize = 1024;
/// The shortest time between two turns of a chip.
const MOMENT: u64 = 1_000;
/// Room that is left when RTS goes off.
const MARGIN: usize = 32;
