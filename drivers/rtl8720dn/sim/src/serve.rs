//! The server task: one message after the other, and nothing else while one is being worked on.

use core::time::Duration;

use netdev::Instant;

use crate::codec::{Header, Out};
use crate::frame::{Assembler, Framed, Ring};
use crate::idl::Method;
use crate::wait::Wait;

/// Ring, frames, and what the task is at.
pub(crate) struct Server {
    ring: Ring,
    assembler: Assembler,
    pub(crate) task: Task,
    /// When the first byte of those in the ring came in.
    fed: Instant,
    tick: Duration,
}

/// What the task does.
pub(crate) enum Task {
    /// Reads the ring. It looked, or will look, at that moment, and each tick after it.
    Reading(Instant),
    /// Waits for the network or the radio. The sockets are looked at again then.
    Blocked { call: Call, wait: Wait, look: Instant },
    /// Works until then, and has this to say.
    Working { call: Call, until: Instant, out: Option<Out> },
    /// Sends, until so many bytes have gone out since the start.
    Sending(u64),
    /// For ever.
    Stopped,
}

/// A call that is being worked on.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) header: Header,
    pub(crate) method: &'static Method,
    /// What a trace shows of it.
    pub(crate) text: String,
    /// The reply does not come before.
    pub(crate) earliest: Instant,
    pub(crate) blocked: bool,
    /// The reply will have a wrong checksum.
    pub(crate) corrupt: bool,
}

impl Server {
    pub(crate) fn new(tick: Duration, baud: u32) -> Self {
        Self {
            ring: Ring::new(baud),
            assembler: Assembler::default(),
            task: Task::Stopped,
            fed: Instant::START,
            tick,
        }
    }

    /// The task starts, with nothing read.
    pub(crate) fn start(&mut self, now: Instant) {
        self.clear();
        self.task = Task::Reading(now);
    }

    /// Off: everything is forgotten. Tells whether a frame was left unfinished.
    pub(crate) fn clear(&mut self) -> bool {
        let torn = self.assembler.is_amid();
        self.ring.clear();
        self.assembler.clear();
        self.task = Task::Stopped;
        torn
    }

    /// So many bytes come in.
    pub(crate) fn announce(&mut self, count: usize, now: Instant) {
        self.ring.announce(count, now);
    }

    /// One of them.
    pub(crate) fn feed(&mut self, byte: u8, now: Instant) {
        if self.ring.is_empty() {
            self.fed = now;
        }
        self.ring.push(byte);
    }

    /// Drops what found the ring full; tells how much that was.
    pub(crate) fn settle(&mut self, now: Instant) -> u64 {
        u64::try_from(self.ring.settle(now)).unwrap_or(0)
    }

    /// The ring is full, and nothing keeps the task from reading: on a line without pacing the
    /// bytes came faster than they can.
    pub(crate) fn is_pressed(&self) -> bool {
        self.ring.is_full() && matches!(self.task, Task::Reading(_))
    }

    /// When the task, reading, next finds a byte.
    pub(crate) fn next_read(&self) -> Option<Instant> {
        let Task::Reading(since) = self.task else { return None };
        if self.ring.is_empty() {
            return None;
        }
        if self.fed <= since {
            return Some(since);
        }
        let tick = self.tick.as_micros();
        if tick == 0 {
            return Some(self.fed);
        }
        let slept = self.fed.saturating_since(since).as_micros();
        let naps = u64::try_from(slept.div_ceil(tick) * tick).unwrap_or(u64::MAX);
        Some(since + Duration::from_micros(naps))
    }

    /// Reads until a frame is whole or the ring is empty. After a message the task sleeps a tick,
    /// after what is no message it reads on.
    pub(crate) fn read(&mut self, at: Instant) -> Option<Framed> {
        self.task = Task::Reading(at);
        while let Some(byte) = self.ring.pop() {
            if let Some(framed) = self.assembler.push(byte) {
                if let Framed::Message(_) = framed {
                    self.rest(at);
                }
                return Some(framed);
            }
        }
        None
    }

    /// The task sleeps a tick, then reads.
    pub(crate) fn rest(&mut self, at: Instant) {
        self.task = Task::Reading(at + self.tick);
    }
}
