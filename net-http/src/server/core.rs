//! What a server does between handlers: accepts, reads, flushes, watches deadlines.

use net::netdev::Readiness;
use net::{Cause, Conn, DeviceError, Instant, Netdev};

use super::Limits;
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
    unknown: usize,
    /// No deadline is before this.
    earliest: Instant,
    /// Accepting failed: not again before this.
    accept_at: Instant,
    accept_pause: u16,
    /// Somebody cannot be accepted, for lack of a place.
    crowded: bool,
}

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Close,
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
            earliest: NEVER,
            accept_at: Instant::START,
            accept_pause: 0,
            crowded: false,
        }
    }

    pub(crate) fn now(&self) -> Instant {
        self.device.platform().now()
    }

    /// Whether a handler that goes on waiting keeps somebody from being served.
    pub(crate) fn somebody_waits(&self) -> bool {
        self.ready > 0 || self.crowded
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
        self.crowded = false;
        let listener = slots.listener();
        let (mut busy, mut after) = (false, None);
        // A device that walks in circles does not catch us.
        for _ in 0..slots.count() + STRANGERS {
            match self.device.next_ready(after) {
                Readiness::None => break,
                Readiness::Unknown => return self.look_everywhere(slots, now) || busy,
                Readiness::Socket(fd) => {
                    after = Some(fd);
                    if listener == Some(fd) {
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

    /// Accepts what waits, as long as there is place.
    fn accept(&mut self, slots: &mut dyn Slots, now: Instant) -> bool {
        let mut busy = false;
        if self.stopping || now < self.accept_at {
            return false;
        }
        for _ in 0..slots.count() {
            let free = (self.open < self.most(slots.count()))
                .then(|| (0..slots.count()).find(|index| slots.is_free(*index)))
                .flatten();
            let Some(index) = free.or_else(|| self.dispensable(slots, now)) else {
                self.crowded = true;
                break;
            };
            let before = slots.view(index).map(|view| (view.state.phase, view.state.fd.is_some()));
            match slots.accept(index, now) {
                Ok(()) => {
                    if let Some((phase, known)) = before {
                        self.forget(phase, known);
                    }
                    self.accept_pause = 0;
                    busy = true;
                    self.welcome(slots, index, now);
                }
                Err(nb::Error::WouldBlock) => break,
                Err(nb::Error::Other(error)) => {
                    self.accept_failed(slots, error, now);
                    break;
                }
            }
        }
        busy
    }

    fn welcome(&mut self, slots: &mut dyn Slots, index: usize, now: Instant) {
        let Some(view) = slots.view(index) else { return };
        self.open += 1;
        self.unknown += usize::from(view.state.fd.is_none());
        let deadline = now + self.limits.head_time;
        self.enter(view.state, Phase::Head, deadline);
        self.serve(slots, index, now);
    }

    /// A device without a free socket gets one back; what is passing is tried again, later and
    /// later; anything else ends the server.
    fn accept_failed(&mut self, slots: &mut dyn Slots, error: net::Error, now: Instant) {
        match error.cause() {
            Cause::Device(DeviceError::NoSockets) => {
                if let Some(index) = self.dispensable(slots, now) {
                    self.close(slots, index);
                    return;
                }
                self.crowded = true;
            }
            Cause::Device(
                DeviceError::ConnectionReset
                | DeviceError::TimedOut
                | DeviceError::LinkDown
                | DeviceError::Unreachable
                | DeviceError::Fault(_),
            ) => {}
            _ => self.failed = Some(error),
        }
        self.accept_pause = (self.accept_pause * 2).clamp(5, 1000);
        self.accept_at = now + core::time::Duration::from_millis(u64::from(self.accept_pause));
    }

    /// How many connections to keep: the device needs a socket for the listener, and one to accept
    /// with before another is given up.
    fn most(&self, places: usize) -> usize {
        match usize::from(self.device.capabilities().sockets) {
            0 => places,
            sockets => places.min(sockets.saturating_sub(2).max(1)),
        }
    }

    /// The connection that can be missed most: one that is ending, or the one that has been idle
    /// for longest. Then clients that keep a place without asking for anything, or that let the rest
    /// of a request wait: a browser opens connections ahead, and eight silent ones are no reason to
    /// let nobody in.
    fn dispensable(&self, slots: &mut dyn Slots, now: Instant) -> Option<usize> {
        let patience = self.limits.stall_time;
        let mut best = None;
        for index in 0..slots.count() {
            let Some(view) = slots.view(index) else { continue };
            let state = view.state;
            let silent = now.saturating_since(state.touched) >= patience;
            let begun = state.deadline - self.limits.head_time;
            let rank = match state.phase {
                Phase::Linger => 0,
                Phase::Idle => 1,
                Phase::Head if silent && state.filled == 0 => 2,
                Phase::Head | Phase::Body if silent => 3,
                Phase::Head if now.saturating_since(begun) >= patience * 2 => 4,
                _ => continue,
            };
            if best.is_none_or(|(least, _)| (rank, state.touched) < least) {
                best = Some(((rank, state.touched), index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// Takes one connection a step on.
    fn serve(&mut self, slots: &mut dyn Slots, index: usize, now: Instant) -> bool {
        let Some(view) = slots.view(index) else { return false };
        match self.step(view, now) {
            Err(nb::Error::WouldBlock) => false,
            Ok(Verdict::Keep) => true,
            Ok(Verdict::Close) | Err(nb::Error::Other(())) => {
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
                end_our_side(view.conn);
                let deadline = now + LINGER_TIME;
                self.enter(view.state, Phase::Linger, deadline);
                Verdict::Keep
            }
            Then::Next => self.next_request(view, now),
        }
    }
}

/// Tells the peer that nothing more comes. Where the device cannot, the peer learns it from close.
fn end_our_side(conn: &dyn Conn) {
    if let Some(fd) = conn.socket() {
        let _ = conn.device().shutdown(fd, net::netdev::Side::Write);
    }
}

/// Sockets of others that may be ready, too.
const STRANGERS: usize = 64;
/// How long a peer gets to read the last answer.
const LINGER_TIME: core::time::Duration = core::time::Duration::from_millis(500);
/// How long a connection that has said nothing may stay while the server stops.
const NEWCOMER_TIME: core::time::Duration = core::time::Duration::from_secs(5);
