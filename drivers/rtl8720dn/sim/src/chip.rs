//! The chip: power, the UART, and the tasks between them.

mod work;

use core::time::Duration;

use netdev::Instant;
use netdev_sim::{Stack, UartChip};

use crate::config::{Config, Trace};
use crate::counters::Counters;
use crate::faults::Dice;
use crate::firmware::Firmware;
use crate::monitor::{Monitor, Order};
use crate::serve::{Server, Task};
use crate::transmit::Transmitter;

/// A simulated co-processor. It has power from the start, and boots.
pub struct Chip {
    power: Power,
    server: Server,
    line: Transmitter,
    firmware: Firmware,
    monitor: Monitor,
    dice: Dice,
    now: Instant,
    /// Nothing happens by itself before that.
    next: Option<Instant>,
    /// From then on the services are there.
    registered: Instant,
    baud: u32,
    boot: Duration,
    registration: Duration,
    call: Duration,
    gap: Duration,
    look: Duration,
    immortal: bool,
    garbage: Vec<u8>,
    trace: Option<Trace>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Off,
    Booting { until: Instant },
    Running,
}

impl Chip {
    /// A chip on `stack`, in the surroundings of `config`.
    #[must_use]
    pub fn new(config: Config, stack: Box<dyn Stack>) -> Self {
        let monitor = Monitor::default();
        let mut chip = Self {
            power: Power::Off,
            server: Server::new(config.tick, config.persona.baud),
            line: Transmitter::default(),
            firmware: Firmware::new(&config, stack, monitor.clone()),
            monitor,
            dice: Dice::new(config.faults),
            now: Instant::START,
            next: None,
            registered: Instant::START,
            baud: config.persona.baud,
            boot: config.boot,
            registration: config.registration,
            call: config.call,
            gap: config.gap,
            look: config.look,
            immortal: config.immortal,
            garbage: config.boot_garbage,
            trace: config.trace,
        };
        if config.booted {
            chip.open(Instant::START);
            chip.registered = Instant::START;
        } else {
            chip.switch_on();
        }
        chip.next = chip.find_next();
        chip
    }

    /// A handle that stays when the chip is given away.
    #[must_use]
    pub fn monitor(&self) -> Monitor {
        self.monitor.clone()
    }

    /// Counts since the last clear.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.monitor.counters()
    }

    /// Moves on to `now`: what the chip does by itself happens in the order of time.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        // A line is looked at far more often than anything happens.
        if self.monitor.has_orders() || self.next.is_some_and(|at| at <= self.now) {
            self.move_on();
        }
    }

    fn move_on(&mut self) {
        for order in self.monitor.take_orders() {
            self.obey(order);
        }
        if let Power::Booting { until } = self.power
            && until <= self.now
        {
            self.open(until);
        }
        if self.power == Power::Running {
            self.run();
            self.speak();
        }
        self.next = self.find_next();
    }

    fn find_next(&self) -> Option<Instant> {
        match self.power {
            Power::Off => None,
            Power::Booting { until } => Some(until),
            Power::Running => {
                // What is due already waits for the line, and the line knows.
                let piece = self.line.next().filter(|at| *at > self.now);
                let steps = [self.next_task(), self.firmware.next_event(), piece];
                steps.into_iter().flatten().min()
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Reboot if self.power != Power::Off => {
                self.tell(|| "the chip restarts".to_owned());
                self.switch_off();
                self.switch_on();
            }
            Order::Halt => self.server.task = Task::Stopped,
            order => self.firmware.obey(order, self.now),
        }
    }

    fn switch_on(&mut self) {
        self.power = Power::Booting { until: self.now + self.boot };
    }

    fn switch_off(&mut self) {
        let torn = self.server.clear();
        self.monitor.count(|c| c.torn_frames += u64::from(torn));
        self.power = Power::Off;
        self.line.clear();
        self.firmware.reset();
    }

    /// The UART opens, and the server task starts.
    fn open(&mut self, at: Instant) {
        self.power = Power::Running;
        self.registered = at + self.registration;
        self.server.start(at);
        self.line.push(&self.garbage, at);
        self.monitor.count(|c| c.boots += 1);
    }

    fn tell(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace(self.now, &text());
        }
    }
}

impl UartChip for Chip {
    fn receive(&mut self, bytes: &[u8], now: Instant) {
        self.advance(now);
        let count = u64::try_from(bytes.len()).unwrap_or(0);
        if self.power != Power::Running {
            self.monitor.count(|c| c.bytes_while_down += count);
            return;
        }
        self.monitor.count(|c| c.bytes_in += count);
        self.server.announce(bytes.len(), self.now);
        for byte in bytes {
            if self.server.is_pressed() {
                self.read(self.now);
                self.run();
            }
            self.server.feed(*byte, self.now);
        }
        self.settle(self.now);
        self.move_on();
    }

    fn transmit(&mut self, buf: &mut [u8], now: Instant) -> usize {
        self.advance(now);
        let count = self.line.take(buf, self.now);
        if count > 0 {
            self.monitor.count(|c| c.bytes_out += u64::try_from(count).unwrap_or(0));
            self.move_on();
        }
        count
    }

    fn next_step(&self) -> Option<Instant> {
        self.next
    }

    fn baud(&self) -> u32 {
        self.baud
    }

    fn set_enabled(&mut self, enabled: bool, now: Instant) {
        self.advance(now);
        match (enabled, self.power) {
            (false, Power::Booting { .. } | Power::Running) => self.switch_off(),
            (true, Power::Off) => self.switch_on(),
            _ => {}
        }
        self.next = self.find_next();
    }
}

impl core::fmt::Debug for Chip {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Chip")
            .field("persona", &self.firmware.persona.name)
            .field("power", &self.power)
            .finish_non_exhaustive()
    }
}
