//! What the tasks do: the server's, one message after the other, and the others' in between.

use netdev::Instant;

use super::Chip;
use crate::codec::{Header, INVOCATION, Out, REPLY};
use crate::faults::Fault;
use crate::firmware::Dispatch;
use crate::frame::{Framed, frame};
use crate::serve::{Call, Task};
use crate::trace;
use crate::wait::Step;

impl Chip {
    /// Runs the server task and the others up to the present.
    pub(super) fn run(&mut self) {
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
    pub(super) fn next_task(&self) -> Option<Instant> {
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
    pub(super) fn settle(&mut self, at: Instant) {
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
    pub(super) fn read(&mut self, at: Instant) {
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
        if call.header.kind != INVOCATION {
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
    pub(super) fn speak(&mut self) {
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
}
