//! The worker task: one command at a time, some of which take long.

use core::time::Duration;

use netdev::Instant;

use crate::commands::Reply;
use crate::dial::Dial;
use crate::dns::{Lookup, Ping};
use crate::firmware::{Firmware, Restart};
use crate::input::Mode;
use crate::literals;
use crate::params::Refusal;
use crate::send::{Payload, Sending};
use crate::settings::Uart;

/// What the worker is at.
#[derive(Debug)]
pub(crate) enum Job {
    /// A command waits for its turn.
    Command {
        line: Vec<u8>,
        at: Instant,
    },
    /// A datagram's destination is looked up.
    Address(Box<Payload>),
    /// The prompt is due.
    Prompt {
        at: Instant,
        payload: Box<Payload>,
    },
    /// A payload goes to the network.
    Send(Box<Sending>),
    Dial(Box<Dial>),
    Lookup(Lookup),
    Ping(Ping),
    /// The radio joins; until when.
    Join {
        until: Instant,
    },
    Scan {
        at: Instant,
        ssid: Option<Vec<u8>>,
        bssid: Option<[u8; 6]>,
        channel: u8,
    },
    /// The new rate, once everything is out.
    Uart(Uart),
    /// The chip starts anew once everything is out, or at that moment; and when it does so.
    Restart {
        limit: Instant,
        at: Option<Instant>,
        restart: Restart,
    },
}

impl Firmware {
    /// Goes on with what the worker is at; whether something came of it.
    pub(crate) fn poll_worker(&mut self) -> bool {
        let ends = matches!(self.job, Some(Job::Restart { .. } | Job::Uart(_)));
        if self.out.room() == 0 && !ends {
            return false;
        }
        let Some(job) = self.job.take() else { return false };
        let left = match job {
            Job::Command { line, at } if at <= self.now => {
                self.execute(&line);
                None
            }
            Job::Prompt { at, payload } if at <= self.now => {
                self.prompt(*payload);
                None
            }
            Job::Address(payload) => self.find_peer(payload),
            Job::Send(sending) => self.push(sending).map(Job::Send),
            Job::Dial(dial) => self.dial(dial).map(Job::Dial),
            Job::Lookup(lookup) => self.look_up(lookup).map(Job::Lookup),
            Job::Ping(ping) => self.ping(ping).map(Job::Ping),
            Job::Join { until } => self.joining(until),
            Job::Scan { at, ssid, bssid, channel } if at <= self.now => {
                self.scanned(ssid.as_deref(), bssid, channel);
                None
            }
            Job::Uart(uart) if self.out.is_empty() => {
                self.ram.uart = uart;
                None
            }
            Job::Restart { limit, at, restart } => self.wind_down(limit, at, restart),
            waiting => Some(waiting),
        };
        let done = left.is_none();
        if left.is_some() {
            self.job = left;
        }
        done
    }

    /// When the worker goes on by itself.
    pub(crate) fn job_due(&self) -> Option<Instant> {
        match self.job.as_ref()? {
            Job::Command { at, .. } | Job::Prompt { at, .. } | Job::Scan { at, .. } => Some(*at),
            Job::Join { until } => Some(*until),
            Job::Send(sending) => sending.due(),
            Job::Dial(dial) => Some(dial.deadline),
            Job::Address(payload) => Some(payload.deadline),
            Job::Lookup(lookup) => Some(lookup.deadline),
            Job::Ping(ping) => Some(ping.due()),
            Job::Uart(_) => self.out.is_empty().then_some(self.now),
            Job::Restart { limit, at, .. } => at.or(Some(*limit)),
        }
    }

    /// Whether the network has to be looked at for the worker's sake.
    pub(crate) fn waits_for_network(&self) -> bool {
        use Job::{Address, Dial, Lookup, Ping, Send};
        let mode = match &self.mode {
            Mode::Pass(pass) => pass.waits_for_network(),
            Mode::Long(long) => long.waits_for_network(),
            Mode::Line | Mode::Payload(_) => false,
        };
        mode || matches!(self.job, Some(Send(_) | Dial(_) | Lookup(_) | Ping(_) | Address(_)))
    }

    /// Drops what a job holds.
    pub(crate) fn abandon(&mut self, job: Job) {
        if let Job::Dial(dial) = job {
            self.hang_up(&dial);
        }
    }

    fn execute(&mut self, line: &[u8]) {
        match self.dispatch(line) {
            Ok(Reply::Ok) => self.say(literals::OK),
            Ok(Reply::Said) => {}
            Ok(Reply::Wait(job)) => self.job = Some(job),
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// `ERROR`, with its number if that is wanted.
    pub(crate) fn refuse(&mut self, refusal: Refusal) {
        self.monitor.count(|c| {
            c.malformed_commands += u64::from(refusal.is_malformed());
            c.failed_commands += u64::from(refusal == Refusal::STATE);
        });
        if self.ram.syslog {
            self.say_line(&format!("ERR CODE:0x{:08x}", refusal.0));
        }
        self.say(literals::ERROR);
    }

    /// `AT+RST` and the like: everything goes out first.
    pub(crate) fn restart_job(&self) -> Job {
        let restart = Restart { sleep: Some(Duration::ZERO) };
        Job::Restart { limit: self.now + DRAIN_LIMIT, at: None, restart }
    }

    fn wind_down(&mut self, limit: Instant, at: Option<Instant>, restart: Restart) -> Option<Job> {
        let at = at
            .or_else(|| (self.out.is_empty() || limit <= self.now).then(|| self.now + RESET_DELAY));
        if at.is_some_and(|at| at <= self.now) {
            self.restart = Some(restart);
            return None;
        }
        Some(Job::Restart { limit, at, restart })
    }
}

/// How long a restart waits for what is still to be printed.
const DRAIN_LIMIT: Duration = Duration::from_secs(3);
/// From then on, until the reset.
const RESET_DELAY: Duration = Duration::from_millis(20);
