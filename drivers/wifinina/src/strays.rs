//! Listeners that nobody holds any more, and slots that nobody knows of.

use core::time::Duration;

use netdev::{Error, Instant};

use crate::command::{AVAIL_DATA_TCP, GET_SOCKET, STOP_CLIENT_TCP};
use crate::exchange::Owner;
use crate::frame::Answer;
use crate::listener::{Guest, Listener, Visit};
use crate::sockets::SOCKETS;
use crate::spi::SpiLink;
use crate::state::Core;

/// A listener that nobody holds any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) slot: u8,
    pub(crate) port: u16,
    /// When it is next looked after.
    look_at: Instant,
    /// A connection that came in meanwhile and is to be closed.
    stray: Option<u8>,
}

impl<L: SpiLink> Core<'_, L> {
    /// A listener was closed. Keeps it; whether that is done.
    pub(crate) fn keep(&mut self, index: u8, listener: Listener) -> bool {
        let port = self.socket(index).map_or(0, |socket| socket.port);
        let stray = listener.guest.map(|guest| guest.slot);
        let kept = Kept { slot: listener.slot, port, look_at: Instant::START, stray };
        match self.state.kept.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(kept);
                true
            }
            None => false,
        }
    }

    /// A kept listener for this port. A stray it has becomes its first connection.
    pub(crate) fn kept_for(&mut self, port: u16) -> nb::Result<Option<Listener>, Error> {
        for place in (0_u8..).take(SOCKETS) {
            if self.kept(place).is_none_or(|kept| kept.port != port) {
                continue;
            }
            if self.is_out(Owner::Stray(place)) {
                return Err(nb::Error::WouldBlock);
            }
            let spawned = !self.state.firmware.accepts_silent();
            let kept = self.state.kept.get_mut(usize::from(place)).and_then(Option::take);
            return Ok(kept.map(|kept| {
                let guest = kept.stray.map(|slot| Guest::new(slot, spawned));
                Listener { guest, ..Listener::new(kept.slot) }
            }));
        }
        Ok(None)
    }

    /// Closes what came in on listeners that nobody holds, so that GPIO0 can fall again.
    pub(crate) fn drain_strays(&mut self) {
        for place in (0_u8..).take(SOCKETS) {
            let Some(kept) = self.kept(place).copied() else { continue };
            let owner = Owner::Stray(place);
            if let Some(slot) = kept.stray {
                let stopped = self.ask(owner, &STOP_CLIENT_TCP, &[&[slot]]).is_ok();
                if let Some(kept) = self.kept(place).filter(|_| stopped) {
                    kept.stray = None;
                }
            } else if self.is_out(owner)
                || (self.call.now() >= kept.look_at
                    && !self.listeners_are_held()
                    && self.bus_may_have_news())
            {
                self.walks();
                let asked = self.ask(owner, &AVAIL_DATA_TCP, &[&[kept.slot], &[1]]);
                let look_at = self.call.now() + STRAYS;
                if let Some(kept) = self.kept(place).filter(|_| asked.is_ok()) {
                    kept.look_at = look_at;
                }
            }
        }
    }

    /// Called where the answer arrives.
    pub(crate) fn strayed(&mut self, place: u8, answer: &Answer) {
        let stray = match self.new_guest(answer, false) {
            Visit::Guest(slot) => Some(slot),
            Visit::Nobody | Visit::Known(_) | Visit::Strange => None,
        };
        if let Some(kept) = self.kept(place) {
            kept.stray = stray;
        }
    }

    /// After a garbled answer to AVAIL_DATA_TCP a connection may hold a slot that nobody knows of.
    /// STOP does nothing to a free slot, so every slot that is not ours gets one. Without the accept
    /// flag a slot's number may be that of a connection which is still to come in: there it is left.
    pub(crate) fn sweep(&mut self) {
        self.look_after_left();
        if self.state.audit && self.state.sweep.is_none() {
            self.audit();
        }
        while let Some(slot) = self.state.sweep {
            let ours = self.slot_is_known(slot) || self.state.left.contains(slot);
            if !ours && !self.state.firmware.accepts_silent() {
                self.state.left.add(slot);
            } else if !ours && self.ask(Owner::Sweep, &STOP_CLIENT_TCP, &[&[slot]]) == WOULD_BLOCK {
                return;
            }
            let next = slot + 1;
            self.state.sweep = Some(next).filter(|&next| next < self.state.firmware.slots());
        }
    }

    /// The chip's lowest free slot: every one below it should be ours.
    fn audit(&mut self) {
        let Ok(answer) = self.ask(Owner::Sweep, &GET_SOCKET, &[]) else { return };
        self.state.audit = false;
        let lowest_free = answer.byte().unwrap_or(0).min(self.state.firmware.slots());
        let unknown = |slot| !self.slot_is_known(slot) && !self.state.left.contains(slot);
        if (0..lowest_free).any(unknown) {
            self.state.sweep = Some(0);
        }
    }

    pub(crate) fn slot_is_known(&self, slot: u8) -> bool {
        let kept = self.state.kept.iter().flatten();
        let mut kept = kept.flat_map(|kept| [Some(kept.slot), kept.stray]);
        let mut sockets = self.state.sockets.iter().flat_map(|socket| socket.slots());
        kept.any(|it| it == Some(slot)) || sockets.any(|it| it == Some(slot))
    }

    fn kept(&mut self, place: u8) -> Option<&mut Kept> {
        self.state.kept.get_mut(usize::from(place))?.as_mut()
    }
}

/// "Not yet", as an answer to compare with.
const WOULD_BLOCK: nb::Result<Answer, Error> = Err(nb::Error::WouldBlock);
/// Between two looks after a listener that nobody holds.
const STRAYS: Duration = Duration::from_millis(100);
