//! Everything that the firmware remembers, and how it moves on.

use core::time::Duration;
use std::collections::VecDeque;

use netdev::Instant;
use netdev_sim::Stack;

use crate::boot_log;
use crate::config::{Config, Trace};
use crate::counters::{Event, Monitor};
use crate::faults::{Dice, Fault, FaultRates};
use crate::input::Mode;
use crate::links::{LINKS, Link, Slot};
use crate::literals;
use crate::output::Output;
use crate::persona::Persona;
use crate::server::Server;
use crate::settings::{Nvs, Ram};
use crate::setup::Setup;
use crate::time::Clock;
use crate::wifi::Wifi;
use crate::worker::Job;

pub(crate) struct Firmware {
    pub(crate) persona: &'static Persona,
    pub(crate) setup: Setup,
    pub(crate) monitor: Monitor,
    pub(crate) stack: Box<dyn Stack>,
    pub(crate) out: Output,
    /// Forgotten at every start.
    pub(crate) ram: Ram,
    /// Kept until `AT+RESTORE`.
    pub(crate) nvs: Nvs,
    pub(crate) wifi: Wifi,
    pub(crate) clock: Clock,
    pub(crate) links: [Option<Link>; LINKS],
    pub(crate) slots: [Slot; LINKS],
    pub(crate) server: Option<Server>,
    /// Chunks that could not be looked at yet.
    pub(crate) held: VecDeque<Vec<u8>>,
    /// A command line as far as it has come.
    pub(crate) line: Vec<u8>,
    pub(crate) mode: Mode,
    /// What the worker task is at; `None`: the parser takes commands.
    pub(crate) job: Option<Job>,
    /// The chip is to start anew.
    pub(crate) restart: Option<Restart>,
    pub(crate) now: Instant,
    /// Counts links, so that one that took another's place is noticed.
    pub(crate) generation: u64,
    faults: FaultRates,
    dice: Dice,
    races: Option<Dice>,
    /// The firmware hangs until then: nothing is heard and nothing said.
    deaf_until: Instant,
    trace: Option<Trace>,
    /// What is read from the network goes through here.
    pub(crate) scratch: Vec<u8>,
}

/// A start to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Restart {
    /// How long the chip sleeps before; `None`: until it is reset.
    pub(crate) sleep: Option<Duration>,
}

impl Firmware {
    pub(crate) fn new(mut config: Config, stack: Box<dyn Stack>, monitor: Monitor) -> Self {
        let persona = config.persona;
        let nvs = Nvs::factory(&config);
        Self {
            persona,
            ram: Ram::new(&nvs),
            wifi: Wifi::new(&mut config),
            clock: Clock::new(&config),
            nvs,
            monitor,
            out: Output::default(),
            links: [const { None }; LINKS],
            slots: [const { Slot::NEW }; LINKS],
            server: None,
            held: VecDeque::new(),
            line: Vec::new(),
            mode: Mode::Line,
            job: None,
            restart: None,
            now: Instant::START,
            generation: 0,
            faults: config.faults,
            dice: Dice::new(config.fault_seed),
            races: config.races.map(Dice::new),
            deaf_until: Instant::START,
            trace: config.trace.take(),
            scratch: Vec::new(),
            setup: Setup::new(config, stack.addr()),
            stack,
        }
    }

    /// The firmware starts: everything but the flash is forgotten.
    pub(crate) fn start(&mut self, now: Instant) {
        self.now = now;
        self.ram = Ram::new(&self.nvs);
        self.wifi.start(&self.ram);
        self.monitor.count(|c| c.boots += 1);
        self.say(literals::READY);
        self.auto_connect();
    }

    /// The ROM says something, where that can be heard.
    pub(crate) fn log_boot(&mut self) {
        if self.persona.boot_log {
            self.print(&boot_log::noise(self.nvs.uart.baud));
        }
    }

    /// Power goes, or the chip is reset: sockets are gone, and what was not yet sent.
    pub(crate) fn stop(&mut self) {
        for place in 0..LINKS {
            self.drop_link(place);
        }
        self.drop_server();
        if let Some(job) = self.job.take() {
            self.abandon(job);
        }
        self.slots = [const { Slot::NEW }; LINKS];
        self.line.clear();
        self.held.clear();
        self.mode = Mode::Line;
        self.restart = None;
        self.out.clear();
        self.clock.stop();
        self.deaf_until = Instant::START;
    }

    /// Lets radio, worker and network do what they did in the meantime.
    pub(crate) fn poll(&mut self, now: Instant) {
        self.now = self.now.max(now);
        if self.is_deaf() {
            return;
        }
        for event in self.monitor.take_events() {
            self.happen(event);
        }
        for _ in 0..STEPS {
            let moved =
                self.poll_held() | self.poll_wifi() | self.poll_clock() | self.poll_worker();
            if !(self.poll_sockets() | moved) || self.restart.is_some() {
                break;
            }
        }
    }

    /// When something happens by itself, if nothing comes in until then.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        if self.is_deaf() {
            return Some(self.deaf_until);
        }
        let network =
            (self.has_sockets() || self.waits_for_network()).then(|| self.now + self.setup.poll);
        let stall = self.out.stalled_until();
        let pass = if let Mode::Pass(pass) = &self.mode { pass.due() } else { None };
        let all =
            [pass, self.wifi.next_event(), self.clock.next_event(), self.job_due(), network, stall];
        all.into_iter().flatten().min()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Reboot => self.restart = Some(Restart { sleep: Some(Duration::ZERO) }),
            Event::Say(bytes) => self.say(&bytes),
            Event::StationJoins(mac, addr) => self.station_joins(mac, addr),
            Event::StationLeaves(mac) => self.station_leaves(mac),
            Event::Leases(given) => self.wifi.set_leases(given, self.now),
            Event::Reach(ssid, in_reach) => {
                self.wifi.set_in_reach(ssid.as_deref(), in_reach);
                if !in_reach {
                    self.access_point_lost();
                }
            }
        }
    }

    /// Prints a literal.
    pub(crate) fn say(&mut self, literal: &[u8]) {
        if self.strikes(Fault::Storm) {
            let line = self.dice.one_of(STORM.len());
            if let Some(line) = STORM.get(line) {
                self.print(line);
            }
        }
        if self.strikes(Fault::Garbage) {
            let noise: Vec<u8> = (0..4).map(|_| self.dice.roll().to_le_bytes()[0]).collect();
            self.print(&noise);
        }
        self.print(literal);
    }

    /// Prints a literal and an end of line.
    pub(crate) fn say_line(&mut self, text: &str) {
        let mut literal = text.as_bytes().to_vec();
        literal.extend_from_slice(b"\r\n");
        self.say(&literal);
    }

    /// Prints a block of received data, which nothing comes between.
    pub(crate) fn say_block(&mut self, block: &[u8]) {
        if self.strikes(Fault::PartialIpd) {
            let until = self.now + self.setup.fault_time;
            self.trace(|| format!("< {} (and a stall)", quoted(block)));
            self.out.put_stalled(block, until);
        } else {
            self.say(block);
        }
    }

    fn print(&mut self, bytes: &[u8]) {
        self.trace(|| format!("< {}", quoted(bytes)));
        self.out.put(bytes);
    }

    pub(crate) fn trace(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace(self.now, &line());
        }
    }

    /// Whether this occasion is one for that fault.
    pub(crate) fn strikes(&mut self, fault: Fault) -> bool {
        let struck = self.monitor.disarm(fault) || self.dice.strikes(self.faults.rate(fault));
        if struck {
            self.monitor.count(|c| c.faults += 1);
            self.trace(|| format!("! {fault:?}"));
        }
        struck
    }

    /// The same by chance alone.
    pub(crate) fn rate_strikes(&mut self, fault: Fault) -> bool {
        self.dice.strikes(self.faults.rate(fault))
    }

    /// The module hangs for a while.
    pub(crate) fn fall_silent(&mut self) {
        self.deaf_until = self.now + self.setup.fault_time;
    }

    pub(crate) fn is_deaf(&self) -> bool {
        self.now < self.deaf_until
    }

    /// How a race between two tasks ends: `false` is the usual order.
    pub(crate) fn race(&mut self) -> bool {
        self.races.as_mut().is_some_and(|dice| dice.roll() & 1 == 1)
    }
}

/// Bytes as a trace shows them: long ones cut.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let more = if bytes.len() > SHOWN { format!(" ... {} bytes", bytes.len()) } else { "".into() };
    format!("\"{}\"{more}", shown.escape_ascii())
}

/// What one look may set off; more is for the next look.
const STEPS: usize = 256;
const SHOWN: usize = 80;
/// Lines that may come at any time and say nothing about links.
const STORM: [&[u8]; 4] = [
    b"+TIME_UPDATED\r\n",
    b"+STA_CONNECTED:\"02:11:22:33:44:55\"\r\n",
    b"+DIST_STA_IP:\"02:11:22:33:44:55\",\"192.168.4.2\"\r\n",
    b"to read 75 bytes\r\n",
];
