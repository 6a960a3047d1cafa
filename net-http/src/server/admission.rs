//! Who gets in: accepts, makes room, turns away.

use core::time::Duration;

use net::{Cause, DeviceError, Instant};

use super::core::Core;
use super::slot::{Phase, Slots, State};
use super::steps::refusal_text;
use crate::header::Line;
use crate::wire::request::Refusal;

/// What is known about accepting.
pub(crate) struct Admission {
    /// Accepting failed: not again before this.
    again_at: Instant,
    pause: u16,
    /// Since when somebody cannot be accepted, for lack of a place.
    crowded: Option<Instant>,
}

impl Admission {
    pub(crate) const fn new() -> Self {
        Self { again_at: Instant::START, pause: 0, crowded: None }
    }

    pub(crate) const fn is_crowded(&self) -> bool {
        self.crowded.is_some()
    }

    pub(crate) const fn nobody_waits(&mut self) {
        self.crowded = None;
    }
}

impl Core {
    /// Accepts what waits, as long as there is place.
    pub(super) fn accept(&mut self, slots: &mut dyn Slots, now: Instant) -> bool {
        let mut busy = false;
        if self.stopping || now < self.admission.again_at {
            return false;
        }
        for _ in 0..slots.count() {
            let free = (self.open < self.most(slots.count()))
                .then(|| (0..slots.count()).find(|index| slots.is_free(*index)))
                .flatten();
            let Some(index) = free.or_else(|| self.dispensable(slots, now)) else {
                return self.crowd(slots, now) || busy;
            };
            let before = slots.view(index).map(|view| (view.state.phase, view.state.fd.is_some()));
            match slots.accept(index, now) {
                Ok(()) => {
                    if let Some((phase, known)) = before {
                        self.forget(phase, known);
                    }
                    self.admission.pause = 0;
                    busy = true;
                    self.welcome(slots, index, now);
                }
                Err(nb::Error::WouldBlock) => {
                    self.admission.nobody_waits();
                    break;
                }
                Err(nb::Error::Other(error)) => {
                    self.accept_failed(slots, error, now);
                    break;
                }
            }
        }
        busy
    }

    fn welcome(&mut self, slots: &mut dyn Slots, index: usize, now: Instant) {
        self.admission.nobody_waits();
        let Some(view) = slots.view(index) else { return };
        self.open += 1;
        self.unknown += usize::from(view.state.fd.is_none());
        let deadline = now + self.limits.head_time;
        self.enter(view.state, Phase::Head, deadline);
        self.serve(slots, index, now);
    }

    /// Somebody may wait, and nobody can go. If that lasts, those who come are told so.
    fn crowd(&mut self, slots: &mut dyn Slots, now: Instant) -> bool {
        let since = *self.admission.crowded.get_or_insert(now);
        if now.saturating_since(since) < self.limits.head_time {
            return false;
        }
        let mut text = [0; REFUSAL_MAX];
        let mut line = Line { room: &mut text, at: 0, over: false };
        refusal_text(&mut line, Refusal::Crowded, None);
        let length = line.at;
        let turned_away = slots.turn_away(text.get(..length).unwrap_or_default()).is_ok();
        if turned_away {
            net::netdev::warn!("no place for a further connection");
        }
        turned_away
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
                self.admission.crowded.get_or_insert(now);
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
        net::netdev::warn!("accept: {}", error);
        let pause = (self.admission.pause * 2).clamp(5, 1000);
        self.admission.pause = pause;
        self.admission.again_at = now + Duration::from_millis(u64::from(pause));
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
    /// for longest. Then clients that keep a place without getting on: that ask for nothing, send by
    /// the byte, or do not take their answer.
    fn dispensable(&self, slots: &mut dyn Slots, now: Instant) -> Option<usize> {
        let mut best = None;
        for index in 0..slots.count() {
            let Some(view) = slots.view(index) else { continue };
            let Some(rank) = self.rank(view.state, now) else { continue };
            if best.is_none_or(|(least, _)| (rank, view.state.touched) < least) {
                best = Some(((rank, view.state.touched), index));
            }
        }
        best.map(|(_, index)| index)
    }

    /// How soon this connection makes room for another; `None`: it does not.
    fn rank(&self, state: &State, now: Instant) -> Option<u8> {
        let patience = self.limits.stall_time;
        let silent = now.saturating_since(state.touched) >= patience;
        let lasts = |limit| now.saturating_since(state.deadline - limit) >= patience * 2;
        match state.phase {
            Phase::Linger => Some(0),
            Phase::Idle => Some(1),
            Phase::Head if silent && state.filled == 0 => Some(2),
            Phase::Head | Phase::Body if silent => Some(3),
            Phase::Head if lasts(self.limits.head_time) => Some(4),
            Phase::Body if lasts(self.limits.body_time) => Some(4),
            Phase::Flush { .. } if now.saturating_since(state.touched) >= patience * 2 => Some(5),
            _ => None,
        }
    }
}

/// Room for the longest answer of the server's own.
const REFUSAL_MAX: usize = 192;
