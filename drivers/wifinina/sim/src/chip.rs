//! The chip: power, the SPI slave, and the firmware's loop between them.

use core::time::Duration;

use netdev::Instant;
use netdev_sim::{Lines, SpiChip, Stack};

use crate::config::{Alarm, Config, Trace};
use crate::counters::{Counters, Monitor};
use crate::firmware::{Firmware, Step};
use crate::frame::Command;
use crate::ready::{Cycle, FILLER, Slave};
use crate::wait::Wait;
use crate::{strict, trace};

/// A simulated co-processor. It has power from the start, and boots.
pub struct Chip {
    power: Power,
    next: Next,
    slave: Slave,
    firmware: Firmware,
    monitor: Monitor,
    now: Instant,
    boot: Duration,
    turnaround: Duration,
    lose_partial_word: bool,
    /// GPIO0 as the host drives it.
    strap: Option<bool>,
    trace: Option<Trace>,
    alarm: Option<Alarm>,
    /// The alarm that was set last.
    rings: Option<Instant>,
    /// The command that is being answered: its text, and its opcode.
    traced: Option<(String, u8)>,
    armed: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Power {
    Reset,
    Booting {
        until: Instant,
    },
    Running,
    /// ROM downloader or Bluetooth: deaf until the next reset.
    Dead,
}

/// What the command loop does next.
enum Next {
    /// It waits for the host.
    Host,
    ArmReceive(Instant),
    ArmReply(Instant, Vec<u8>),
    Blocked {
        wait: Wait,
        opcode: u8,
        earliest: Instant,
    },
}

/// What a byte costs on the serial console while `SET_DEBUG` is on.
const DEBUG_BYTE: Duration = Duration::from_micros(174);

impl Chip {
    /// A chip on `stack`, in the surroundings of `config`.
    #[must_use]
    pub fn new(mut config: Config, stack: Box<dyn Stack>) -> Self {
        let monitor = Monitor::default();
        let firmware = Firmware::new(&mut config, stack, monitor.clone());
        Self {
            power: Power::Booting { until: Instant::START + config.boot },
            next: Next::Host,
            slave: Slave::default(),
            firmware,
            monitor,
            now: Instant::START,
            boot: config.boot,
            turnaround: config.turnaround,
            lose_partial_word: config.lose_partial_word,
            strap: None,
            trace: config.trace,
            alarm: config.alarm,
            rings: None,
            traced: None,
            armed: Vec::new(),
        }
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

    /// The next moment at which the chip does something by itself, if it knows; the network may
    /// come first.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        match self.power {
            Power::Reset | Power::Dead => None,
            Power::Booting { until } => Some(until),
            Power::Running => {
                let updater = self.firmware.updater.next_event(self.now);
                let radio = self.firmware.wifi.next_event();
                let wait = match &self.next {
                    Next::Blocked { wait, .. } => wait.until(),
                    _ => None,
                };
                [self.loop_event(), wait, updater, radio].into_iter().flatten().min()
            }
        }
    }

    fn loop_event(&self) -> Option<Instant> {
        match &self.next {
            Next::ArmReceive(at) | Next::ArmReply(at, _) => Some(*at),
            Next::Host | Next::Blocked { .. } => None,
        }
    }

    /// Moves on to `now`: what the chip does by itself happens in the order of time.
    fn advance(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if let Power::Booting { until } = self.power
            && until <= self.now
        {
            self.start(until);
        }
        if self.power == Power::Running {
            self.firmware.poll(self.now);
            self.resume();
            self.run_tasks();
        }
        self.ring();
    }

    /// Sets the alarm to the chip's next step.
    fn ring(&mut self) {
        if self.alarm.is_none() {
            return;
        }
        let next = self.next_event();
        if let (Some(alarm), Some(at)) = (&mut self.alarm, next)
            && self.rings != next
        {
            alarm(at);
        }
        self.rings = next;
    }

    /// Runs the command loop and the GPIO0 task up to the present.
    fn run_tasks(&mut self) {
        loop {
            let ours = self.loop_event().filter(|at| *at <= self.now);
            let task = self.firmware.updater.next_event(self.now).filter(|at| *at <= self.now);
            match (ours, task) {
                (Some(at), task) if task.is_none_or(|other| at <= other) => self.arm(),
                (_, Some(at)) => self.firmware.update_gpio0(at),
                _ => break,
            }
        }
    }

    /// The firmware starts. Chip-select low means that Bluetooth is wanted.
    fn start(&mut self, at: Instant) {
        if self.slave.is_selected() {
            self.monitor.count(|c| c.cs_low_at_boot += 1);
            self.power = Power::Dead;
            return;
        }
        self.power = Power::Running;
        self.next = Next::ArmReceive(at);
    }

    fn arm(&mut self) {
        match core::mem::replace(&mut self.next, Next::Host) {
            Next::ArmReceive(_) => self.slave.arm_receive(),
            Next::ArmReply(_, reply) => {
                self.firmware.updater.give();
                self.armed.clone_from(&reply);
                self.slave.arm_transmit(reply);
            }
            other => self.next = other,
        }
    }

    /// Goes on with a command that waits for the network.
    fn resume(&mut self) {
        match core::mem::replace(&mut self.next, Next::Host) {
            Next::Blocked { wait, opcode, earliest } => {
                let step = self.firmware.resume(wait, self.now);
                self.follow(step, opcode, earliest);
            }
            other => self.next = other,
        }
    }

    fn follow(&mut self, step: Step, opcode: u8, earliest: Instant) {
        let (at, reply) = match step {
            Step::Wait(wait) => {
                self.next = Next::Blocked { wait, opcode, earliest };
                return;
            }
            Step::At(at, reply) => (at, reply),
            Step::Done(reply) => (self.now, reply),
        };
        let bytes = reply.encode(opcode);
        let at = at.max(earliest) + self.printed(bytes.len());
        self.next = Next::ArmReply(at, bytes);
    }

    /// What it takes to print so many bytes, if they are printed.
    fn printed(&self, bytes: usize) -> Duration {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        if self.firmware.debug { DEBUG_BYTE * bytes } else { Duration::ZERO }
    }

    /// A whole command is in the buffer.
    fn execute(&mut self, bytes: &[u8], clocked: usize) {
        let command = Command::new(bytes);
        self.monitor.count(|c| c.commands += 1);
        strict::check(&command, clocked, self.firmware.persona, &self.monitor);
        if self.trace.is_some() {
            self.traced = Some((trace::command_text(bytes), command.opcode()));
        }
        let earliest = self.now + self.turnaround + self.printed(bytes.len());
        let step = self.firmware.execute(&command, self.now);
        self.follow(step, command.opcode(), earliest);
    }

    fn cycle(&mut self, cycle: Cycle) {
        let soon = self.now + self.turnaround;
        match cycle {
            Cycle::Deaf => {}
            Cycle::Empty => {
                self.monitor.count(|c| c.empty_cycles += 1);
                self.next = Next::ArmReceive(soon);
            }
            Cycle::Command { bytes, clocked } => self.execute(&bytes, clocked),
            Cycle::Reply { clocked, length, cut, swallowed } => {
                self.monitor.count(|c| {
                    c.replies += u64::from(clocked > 0);
                    c.replies_lost += u64::from(clocked == 0);
                    c.replies_cut += u64::from(cut && clocked > 0);
                    c.over_reads += u64::from(clocked > length);
                    c.commands_swallowed += u64::from(swallowed);
                });
                self.trace_reply(clocked, swallowed);
                self.next = Next::ArmReceive(soon);
            }
        }
    }

    fn trace_reply(&mut self, clocked: usize, swallowed: bool) {
        let (Some(trace), Some((command, opcode))) = (&mut self.trace, self.traced.take()) else {
            return;
        };
        let reply = trace::reply_text(opcode, &self.armed);
        let note = match (clocked, swallowed) {
            (0, _) => " (lost: nothing was clocked)",
            (_, true) => " (read by another command, which is lost)",
            _ => "",
        };
        trace(self.now, &format!("{command} -> {reply}{note}"));
    }
}

impl SpiChip for Chip {
    fn select(&mut self, now: Instant) {
        self.advance(now);
        if self.slave.is_selected() {
            return;
        }
        let armed = self.slave.select();
        let running = self.power == Power::Running;
        self.monitor.count(|c| {
            c.cs_cycles += 1;
            c.cs_low_while_busy += u64::from(running && !armed);
            c.cycles_while_down += u64::from(!running);
        });
    }

    fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], now: Instant) {
        // The network is looked at between the cycles.
        self.now = self.now.max(now);
        if self.power == Power::Running {
            self.run_tasks();
        }
        if self.slave.is_selected() {
            self.monitor.count(|c| c.bytes += u64::try_from(mosi.len()).unwrap_or(0));
            self.slave.transfer(mosi, miso);
        } else {
            miso.fill(FILLER);
        }
    }

    fn deselect(&mut self, now: Instant) {
        self.advance(now);
        if self.slave.is_selected() {
            let cycle = self.slave.deselect(self.lose_partial_word);
            self.cycle(cycle);
            self.advance(now);
        }
    }

    fn lines(&mut self, now: Instant) -> Lines {
        self.advance(now);
        let running = self.power == Power::Running;
        Lines {
            busy: !running || self.slave.is_busy(),
            data_ready: running && self.firmware.updater.level(),
        }
    }

    fn set_reset(&mut self, asserted: bool, now: Instant) {
        self.advance(now);
        if asserted && self.power != Power::Reset {
            self.power = Power::Reset;
            self.next = Next::Host;
            self.slave.disarm();
            self.firmware.reset();
            self.traced = None;
        } else if !asserted && self.power == Power::Reset {
            self.monitor.count(|c| c.resets += 1);
            self.power = match self.strap {
                Some(false) => Power::Dead,
                _ => Power::Booting { until: self.now + self.boot },
            };
        }
        self.ring();
    }

    fn set_gpio0(&mut self, level: Option<bool>, now: Instant) {
        self.advance(now);
        self.strap = level;
    }
}

impl core::fmt::Debug for Chip {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Chip")
            .field("persona", &self.firmware.persona.name)
            .field("power", &self.power)
            .field("slave", &self.slave)
            .finish_non_exhaustive()
    }
}
