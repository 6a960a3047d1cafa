//! The chip: power, the UART, and the tasks between them.

use core::time::Duration;

use netdev::Instant;
use netdev_sim::{Stack, UartChip};

use crate::codec::{Header, Out, REPLY};
use crate::config::{Config, Trace};
use crate::counters::Counters;
use crate::faults::{Dice, Fault};
use crate::firmware::{Dispatch, Firmware};
use crate::frame::{Framed, frame};
use crate::monitor::{Monitor, Order};
use crate::serve::{Call, Server, Task};
use crate::trace;
use crate::transmit::Transmitter;
use crate::wait::Step;

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

    /// Runs the server task and the others up to the present.
    fn run(&mut self) {
        loop {
            let task = self.next_task().filter(|at| *at <= self.now);
            let other = self.firmware.next_event().filter(|at| *at <= self.now);
            match (task, other) {
                (task, Some(at)) if task.is_none_or(|own| at < own) => {
                    self.firmware.advance(at.max(self.now))
                }
                (Some(at), _) => self.work(at),
                _ => break,
            }
            self.speak();
        }
    }

    /// When the server task does its next step.
    fn next_task(&self) -> Option<Instant> {
        match &self.server.task {
            Task::Reading(_) => self.server.next_read(),
            Task::Working { until, .. } => Some(*until),
            Task::Sending(mark) => self.line.has_sent(*mark).then_some(self.now),
            Task::Blocked { wait, look, .. } => {
                let (until, looks) = wait.until();
                [until, looks.then_some(*look)].into_iter().flatten().min()
            }
            Task::Stopped => None,
        }
    }

    /// Bytes for which the ring had no room are lost.
    fn settle(&mut self, at: Instant) {
        let lost = self.server.settle(at);
        if lost > 0 {
            self.monitor.count(|c| c.ring_overflows += lost);
            self.tell(|| format!("the receive ring is full: {lost} bytes are lost"));
        }
    }

    fn work(&mut self, at: Instant) {
        if !matches!(self.server.task, Task::Reading(_)) {
            self.settle(at);
        }
        match core::mem::replace(&mut self.server.task, Task::Stopped) {
            Task::Reading(since) => {
                self.server.task = Task::Reading(since);
                self.read(at);
            }
            Task::Blocked { call, wait, .. } => {
                let step = self.firmware.resume(wait, at);
                self.follow(call, step, at);
            }
            Task::Working { call, out, .. } => self.finish(&call, out, at),
            Task::Sending(_) => {
                self.firmware.after_reply();
                self.server.rest(at);
            }
            Task::Stopped => {}
        }
    }

    /// Reads up to the next message, or all there is.
    fn read(&mut self, at: Instant) {
        let mut empty = 0;
        while let Some(framed) = self.server.read(at) {
            match framed {
                Framed::Message(message) => {
                    self.take(&message, at);
                    break;
                }
                Framed::BadCrc(size) => {
                    self.monitor.count(|c| c.bad_crcs += 1);
                    self.tell(|| format!("frame of {size} bytes with a wrong checksum: dropped"));
                }
                Framed::Empty => empty += 1,
                Framed::Oversize(size) => {
                    self.monitor.count(|c| c.oversize_frames += 1);
                    self.tell(|| format!("frame of {size} bytes announced: alignment is lost"));
                }
            }
        }
        if empty > 0 {
            self.monitor.count(|c| c.empty_frames += empty);
            self.tell(|| format!("{empty} frames of nothing: dropped"));
        }
    }

    fn take(&mut self, message: &[u8], at: Instant) {
        if at < self.registered {
            self.monitor.count(|c| c.early_calls += 1);
            self.tell(|| "call before the services are there: dropped".to_owned());
            return;
        }
        match self.firmware.dispatch(message, at) {
            Dispatch::Call { header, method, step } => {
                let wanted = self.trace.is_some();
                let text = if wanted { trace::call_text(method, message) } else { String::new() };
                let earliest = at + self.call;
                let call = Call { header, method, text, earliest, blocked: false, corrupt: false };
                self.follow(call, step, at);
            }
            Dispatch::Dropped(text) => self.tell(|| text),
        }
    }

    /// What a handler said, turned into what the task does next.
    fn follow(&mut self, mut call: Call, step: Step, at: Instant) {
        let (until, out) = match step {
            Step::Done(out) => (at, Some(out)),
            Step::At(until, out) => (until, Some(out)),
            Step::Silence => (at, None),
            Step::Dead if self.immortal => (at, None),
            Step::Dead => {
                self.server.task = Task::Stopped;
                self.tell(|| format!("{}: the chip stops for ever", call.text));
                return;
            }
            Step::Wait(wait) => {
                self.monitor.count(|c| c.blocked_calls += u64::from(!call.blocked));
                call.blocked = true;
                // What comes soon is seen at once, what is long awaited a little later.
                let waited = self.now.saturating_since(call.earliest);
                let look = self.now + (waited / 4).clamp(self.look, self.look * 4);
                self.server.task = Task::Blocked { call, wait, look };
                return;
            }
        };
        let mut until = until.max(call.earliest);
        let fault = out.is_some().then(|| self.fault()).flatten();
        let mut out = out;
        match fault {
            Some(Fault::DropReply) => out = None,
            Some(Fault::DelayReply(delay)) => until = until + delay,
            Some(Fault::EventAmidCall) => self.firmware.say_something(),
            Some(Fault::CallbackAmidCall) => self.firmware.call_host(),
            Some(Fault::CorruptReply) => call.corrupt = true,
            Some(Fault::Halt) => {
                self.server.task = Task::Stopped;
                return;
            }
            None => {}
        }
        self.server.task = Task::Working { call, until, out };
    }

    fn fault(&mut self) -> Option<Fault> {
        let fault = self.monitor.take_fault().or_else(|| self.dice.draw());
        self.monitor.count(|c| c.faults += u64::from(fault.is_some()));
        fault
    }

    /// The call is done: its reply goes out, if there is one to send.
    fn finish(&mut self, call: &Call, out: Option<Out>, at: Instant) {
        self.server.rest(at);
        let Some(out) = out else {
            self.tell(|| format!("{} -> no reply", call.text));
            return;
        };
        if call.header.kind != crate::codec::INVOCATION {
            self.tell(|| format!("{} (oneway)", call.text));
            return;
        }
        if self.trace.is_some() {
            let text = format!("{} -> {}", call.text, trace::reply_text(call.method, out.bytes()));
            self.tell(|| text);
        }
        let message = Header { kind: REPLY, ..call.header }.with(out.bytes());
        match self.queue(&message, call.corrupt, at) {
            Some(mark) => {
                self.monitor.count(|c| c.replies += 1);
                self.server.task = Task::Sending(mark);
            }
            None => {
                self.monitor.count(|c| c.oversize_replies += 1);
                self.tell(|| "the reply does not fit: dropped".to_owned());
            }
        }
    }

    /// Frames a message for the line; `None` if it is too long.
    fn queue(&mut self, message: &[u8], corrupt: bool, at: Instant) -> Option<u64> {
        let (mut header, body) = frame(message)?;
        if corrupt {
            header.iter_mut().skip(2).for_each(|byte| *byte = !*byte);
        }
        self.line.push(&header, at);
        Some(self.line.push(body, at + self.gap))
    }

    /// Puts events and callbacks on the line.
    fn speak(&mut self) {
        while let Some(outgoing) = self.firmware.callbacks.next() {
            let two_way = outgoing.two_way;
            self.monitor.count(|c| {
                c.events += u64::from(!two_way);
                c.callbacks += u64::from(two_way);
            });
            self.queue(&outgoing.message, false, self.now);
            self.tell(|| outgoing.text);
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
