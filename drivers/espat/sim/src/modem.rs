//! The modem as the line sees it: power, chunks, bytes.

use core::fmt;
use core::time::Duration;

use netdev::Instant;
use netdev_sim::{Stack, UartChip};

use crate::config::{Chunks, Config};
use crate::counters::{Counters, Monitor};
use crate::firmware::Firmware;
use crate::input::Mode;

/// A simulated ESP-AT modem. It has no thread and no clock: each call tells the time.
pub struct Modem {
    firmware: Firmware,
    monitor: Monitor,
    power: Power,
    boot: Duration,
    chunks: Chunks,
    /// Bytes that may belong to one chunk, and when the last of them came.
    gathered: Vec<u8>,
    last_byte: Instant,
    pieces: usize,
    clear_to_send: bool,
    now: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Off,
    /// Powered, and nobody has told the time yet.
    Fresh,
    Booting(Instant),
    /// Deep sleep; `None`: until it is reset.
    Asleep(Option<Instant>),
    Running,
}

impl Modem {
    /// A modem that is switched on, with that network behind it; it boots from the moment of the
    /// first call.
    #[must_use]
    pub fn new(config: Config, stack: Box<dyn Stack>) -> Self {
        let monitor = Monitor::default();
        Self {
            power: Power::Fresh,
            boot: config.boot,
            chunks: config.chunks,
            gathered: Vec::new(),
            last_byte: Instant::START,
            pieces: config.pieces.unwrap_or(usize::MAX).max(1),
            clear_to_send: true,
            now: Instant::START,
            firmware: Firmware::new(config, stack, monitor.clone()),
            monitor,
        }
    }

    /// A handle on the counters and on what happens around the modem.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Counts since the last clear.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.monitor.counters()
    }

    /// Moves on to `now`.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        for _ in 0..TURNS {
            match self.power {
                Power::Fresh => self.boot(self.now),
                Power::Booting(at) if at <= self.now => {
                    self.power = Power::Running;
                    self.firmware.start(at);
                }
                Power::Asleep(Some(at)) if at <= self.now => self.boot(at),
                Power::Running => {
                    self.flush_if_due();
                    self.firmware.poll(self.now);
                    let Some(restart) = self.firmware.restart.take() else { return };
                    self.shut_down(Power::Asleep(restart.sleep.map(|sleep| self.now + sleep)));
                }
                Power::Off | Power::Booting(_) | Power::Asleep(_) => return,
            }
        }
    }

    fn boot(&mut self, at: Instant) {
        self.firmware.log_boot();
        self.power = Power::Booting(at + self.boot);
    }

    fn shut_down(&mut self, power: Power) {
        self.firmware.stop();
        self.gathered.clear();
        self.firmware.ram.uart = self.firmware.nvs.uart;
        self.power = power;
    }

    /// The gathered bytes are a chunk once the line was silent.
    fn flush_if_due(&mut self) {
        if !self.gathered.is_empty() && self.last_byte + self.silence() <= self.now {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let chunk = core::mem::take(&mut self.gathered);
        if !chunk.is_empty() {
            self.firmware.take_chunk(&chunk, self.now);
        }
    }

    /// Ten bytes' time: then the UART gives what it has.
    fn silence(&self) -> Duration {
        let baud = u64::from(self.firmware.ram.uart.baud.max(1));
        Duration::from_micros(SILENT_BITS * 1_000_000 / baud)
    }

    fn gather(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.gathered.push(*byte);
            if self.gathered.len() >= FIFO {
                self.flush();
            }
        }
        self.last_byte = self.now;
    }
}

impl UartChip for Modem {
    fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.advance(now);
        if bytes.is_empty() {
            return;
        }
        let count = u64::try_from(bytes.len()).unwrap_or(0);
        self.monitor.count(|c| c.bytes_in += count);
        if self.power != Power::Running {
            self.monitor.count(|c| c.bytes_while_down += count);
            return;
        }
        let alone = match self.chunks {
            Chunks::Calls => true,
            Chunks::Line => false,
            Chunks::Auto => bytes.len() > 1,
        };
        if alone {
            self.flush();
            self.firmware.take_chunk(bytes, self.now);
        } else {
            self.gather(bytes);
        }
        self.advance(now);
    }

    fn transmit(&mut self, buf: &mut [u8], now: Instant) -> usize {
        self.advance(now);
        let held = self.firmware.ram.uart.flow & 2 != 0 && !self.clear_to_send;
        if matches!(self.power, Power::Off | Power::Asleep(_)) || held {
            return 0;
        }
        let limit = buf.len().min(self.pieces);
        let count = self.firmware.out.take(buf.get_mut(..limit).unwrap_or(&mut []), self.now);
        self.monitor.count(|c| c.bytes_out += u64::try_from(count).unwrap_or(0));
        if count > 0 {
            // A full ring may have held the firmware up, a drained one lets a new rate begin.
            self.advance(now);
        }
        count
    }

    fn next_step(&self) -> Option<Instant> {
        match self.power {
            Power::Off | Power::Asleep(None) => None,
            Power::Fresh => Some(self.now),
            Power::Booting(at) | Power::Asleep(Some(at)) => Some(at),
            Power::Running => {
                let chunk = (!self.gathered.is_empty()).then(|| self.last_byte + self.silence());
                [self.firmware.next_event(), chunk].into_iter().flatten().min()
            }
        }
    }

    fn baud(&self) -> u32 {
        self.firmware.ram.uart.baud
    }

    fn set_enabled(&mut self, enabled: bool, now: Instant) {
        self.advance(now);
        match (enabled, self.power) {
            (true, Power::Off) => self.boot(self.now),
            (false, _) => self.shut_down(Power::Off),
            (true, _) => {}
        }
    }

    fn set_clear_to_send(&mut self, clear: bool, now: Instant) {
        self.advance(now);
        self.clear_to_send = clear;
    }

    fn ready_to_receive(&self) -> bool {
        if self.firmware.ram.uart.flow & 1 == 0 {
            return true;
        }
        match &self.firmware.mode {
            Mode::Long(long) => long.has_room(),
            Mode::Pass(pass) => pass.has_room(),
            Mode::Line | Mode::Payload(_) => true,
        }
    }
}

impl fmt::Debug for Modem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Modem")
            .field("persona", &self.firmware.persona.name)
            .field("power", &self.power)
            .field("mode", &self.firmware.mode)
            .field("job", &self.firmware.job)
            .finish_non_exhaustive()
    }
}

/// The UART's threshold for an interrupt.
const FIFO: usize = 120;
/// Ten bytes of ten bits.
const SILENT_BITS: u64 = 100;
/// Changes of power that one call may see.
const TURNS: usize = 8;
