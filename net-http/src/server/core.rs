//! What a server does between handlers: accepts, reads, flushes, watches deadlines.

use net::netdev::Readiness;
use net::{Conn, Instant, Netdev, SockFd};

use super::Limits;
use super::admission::Admission;
use super::slot::{NEVER, Phase, Slots, State, Then, View};

/// The part of a server that does not depend on types and sizes.
pub(crate) struct Core {
    pub(crate) device: &'static dyn Netdev,
    pub(crate) limits: Limits,
    /// Nothing new is accepted, and answers say `Connection: close`.
    pub(crate) stopping: bool,
    /// What ended the listener.
    pub(crate) failed: Option<net::Error>,
    pub(crate) open: usize,
    pub(crate) ready: usize,
    flushing: usize,
    /// Connections that the device does not know: they have to be tried.
    pub(super) unknown: usize,
    /// Where the last look at the device had to stop.
    seen: Option<SockFd>,
    /// No deadline is before this.
    earliest: Instant,
    pub(super) admission: Admission,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Close,
    /// The connection goes to somebody else.
    Detach,
}

impl Core {
    pub(crate) const fn new(device: &'static dyn Netdev, limits: Limits) -> Self {
        Self {
            device,
            limits,
            stopping: false,
            failed: None,
            open: 0,
            ready: 0,
            flushing: 0,
            unknown: 0,
            seen: None,
            earliest: NEVER,
            admission: Admission::new(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.device.platform().now()
    }

    /// Whether a handler that goes on waiting keeps somebody from being served.
    pub(crate) fn somebody_waits(&self) -> bool {
        self.ready > 0 || self.admission.is_crowded()
    }

    /// Looks after every connection once. `false`: there was nothing to do.
    pub(crate) fn round(&mut self, slots: &mut dyn Slots) -> bool {
        let now = self.now();
        let mut busy = self.expire(slots, now);
        busy |= self.look(slots, now);
        if self.flushing > 0 {
            for index in 0..slots.count() {
                busy |= self.flush(slots, index, now);
            }
        }
        busy
    }

    /// Serves what the device says has something to read or to accept.
    fn look(&mut self, slots: &mut dyn Slots, now: Instant) -> bool {
        let listener = slots.listener();
        let (mut busy, mut knocks) = (false, listener.is_none());
        let mut after = self.seen.take();
        // Others may have many sockets ready on this device: the next round goes on behind them.
        for turn in 0..=slots.count() + STRANGERS {
            match self.device.next_ready(after) {
                Readiness::None if after.is_none() || turn > 0 => break,
                Readiness::None => after = None,
                Readiness::Unknown => return self.look_everywhere(slots, now) || busy,
                Readiness::Socket(fd) => {
                    after = Some(fd);
                    if turn == slots.count() + STRANGERS {
                        self.seen = after;
                    }
                    if listener == Some(fd) {
                        knocks = true;
                        busy |= self.accept(slots, now);
                    } else if let Some(index) = slots.find(fd) {
                        busy |= self.serve(slots, index, now);
                    }
                }
            }
        }
        if listener.is_none() {
            busy |= self.accept(slots, now);
        }
        if !knocks {
            self.admission.nobody_waits();
        }
        if self.unknown > 0 {
            for index in 0..slots.count() {
                let known = slots.view(index).is_none_or(|view| view.state.fd.is_some());
                busy |= !known && self.serve(slots, index, now);
            }
        }
        busy
    }

    fn look_everywhere(&mut self, slots: &mut dyn Slots, now: Instant) -> bool {
        let mut busy = self.accept(slots, now);
        for index in 0..slots.count() {
            busy |= self.serve(slots, index, now);
        }
        busy
    }

    /// Takes one connection a step on.
    pub(super) fn serve(&mut self, slots: &mut dyn Slots, index: usize, now: Instant) -> bool {
        let Some(view) = slots.view(index) else { return false };
        match self.step(view, now) {
            Err(nb::Error::WouldBlock) => false,
            Ok(Verdict::Keep) => true,
            Ok(Verdict::Close | Verdict::Detach) | Err(nb::Error::Other(())) => {
                self.close(slots, index);
                true
            }
        }
    }

    fn flush(&mut self, slots: &mut dyn Slots, index: usize, now: Instant) -> bool {
        let flushing = |view: View<'_>| matches!(view.state.phase, Phase::Flush { .. });
        slots.view(index).is_some_and(flushing) && self.serve(slots, index, now)
    }

    /// Ends what has taken too long.
    fn expire(&mut self, slots: &mut dyn Slots, now: Instant) -> bool {
        if now < self.earliest {
            return false;
        }
        self.earliest = NEVER;
        let mut busy = false;
        for index in 0..slots.count() {
            let Some(view) = slots.view(index) else { continue };
            if view.state.deadline > now {
                self.earliest = self.earliest.min(view.state.deadline);
                continue;
            }
            busy = true;
            if self.too_late(view, now) == Verdict::Close {
                self.close(slots, index);
            }
        }
        busy
    }

    /// Stops accepting and lets go of whoever has no request going.
    pub(crate) fn stop(&mut self, slots: &mut dyn Slots) {
        self.stopping = true;
        let soon = self.now() + NEWCOMER_TIME;
        for index in 0..slots.count() {
            let Some(view) = slots.view(index) else { continue };
            match view.state.phase {
                Phase::Idle => self.close(slots, index),
                Phase::Head if view.state.filled == 0 => {
                    let deadline = view.state.deadline.min(soon);
                    self.enter(view.state, Phase::Head, deadline);
                }
                _ => {}
            }
        }
    }

    pub(crate) fn close(&mut self, slots: &mut dyn Slots, index: usize) {
        if let Some(view) = slots.view(index) {
            let (phase, known) = (view.state.phase, view.state.fd.is_some());
            self.forget(phase, known);
            slots.close(index);
        }
    }

    /// A connection in this phase is gone.
    pub(crate) fn forget(&mut self, phase: Phase, known: bool) {
        self.open = self.open.saturating_sub(1);
        self.unknown = self.unknown.saturating_sub(usize::from(!known));
        self.leave(phase);
    }

    pub(crate) fn enter(&mut self, state: &mut State, phase: Phase, deadline: Instant) {
        self.leave(state.phase);
        match phase {
            Phase::Ready => self.ready += 1,
            Phase::Flush { .. } => self.flushing += 1,
            _ => {}
        }
        state.phase = phase;
        state.deadline = deadline;
        self.earliest = self.earliest.min(deadline);
    }

    fn leave(&mut self, phase: Phase) {
        match phase {
            Phase::Ready => self.ready = self.ready.saturating_sub(1),
            Phase::Flush { .. } => self.flushing = self.flushing.saturating_sub(1),
            _ => {}
        }
    }

    /// An answer is out, as far as the buffer goes: on with `state.then`.
    pub(crate) fn answered(&mut self, view: View<'_>, now: Instant) -> Verdict {
        match view.state.then {
            Then::Close => Verdict::Close,
            Then::Linger => {
                let deadline = now + end_our_side(view.conn);
                self.enter(view.state, Phase::Linger, deadline);
                Verdict::Keep
            }
            Then::Next => self.next_request(view, now),
        }
    }
}

/// Tells the peer that nothing more comes, and how long to wait for it to have read the answer. Where
/// the device cannot, the peer learns it from close, and so has to have it sooner.
fn end_our_side(conn: &dyn Conn) -> core::time::Duration {
    let side = net::netdev::Side::Write;
    match conn.socket().map(|fd| conn.device().shutdown(fd, side)) {
        Some(Err(nb::Error::Other(_))) => LINGER_TIME / 5,
        _ => LINGER_TIME,
    }
}

/// Sockets of others that may be ready, too.
const STRANGERS: usize = 64;
/// How long a peer gets to read the last answer.
const LINGER_TIME: core::time::Duration = core::time::Duration::from_millis(500);
/// How long a connection that has said nothing may stay while the server stops.
const NEWCOMER_TIME: core::time::Duration = core::time::Duration::from_secs(5);
