//! Whether a slot still holds the connection that it was accepted for.
//!
//! Firmware without the accept flag keeps a list of what came in. Its walk over that list closes the
//! descriptor of a connection that has ended, while the slot goes on holding the number; the next
//! connection may get the same number, and with it the slot (Arduino 1.4.8, Adafruit 1.7.7). So the
//! slot of such a connection is asked whose it is before it is spoken to.

use core::time::Duration;

use netdev::{Error, Instant};

use crate::command::{GET_CLIENT_STATE_TCP, GET_REMOTE_DATA, STATE_CONNECTED, STOP_CLIENT_TCP};
use crate::exchange::Owner;
use crate::frame::Answer;
use crate::sockets::{Channel, Kind};
use crate::spi::SpiLink;
use crate::state::Core;
use crate::stream::Stream;

/// What is known about whose slot it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    trusted_until: Instant,
    /// How often in a row somebody else's address was answered.
    strangers: u8,
}

impl Identity {
    /// A connection whose peer was asked for at that time.
    pub(crate) fn seen(at: Instant) -> Self {
        Self { trusted_until: at + TRUST, strangers: 0 }
    }

    /// Whether nobody has asked for so long that a listener should.
    pub(crate) fn is_old(&self, now: Instant) -> bool {
        now.saturating_since(self.trusted_until) >= OLD
    }
}

impl<L: SpiLink> Core<'_, L> {
    /// Whether a connection's slot is still its own. If not, the connection has ended, and says so
    /// from now on; the slot is left to its listener.
    pub(crate) fn identify(&mut self, index: u8, owner: Owner) -> nb::Result<bool, Error> {
        loop {
            let now = self.call.now();
            let socket = self.socket(index)?;
            let (peer, kind) = (socket.peer, socket.kind);
            let Kind::Stream(Stream { channel: Channel::Slot(slot), identity, .. }) = kind else {
                return Ok(matches!(kind, Kind::Stream(_)));
            };
            let Some(Identity { trusted_until, strangers }) = identity else { return Ok(true) };
            let sure = strangers >= SURE;
            match self.under_way(owner) {
                None if now < trusted_until && !sure => return Ok(true),
                None => {}
                Some(code) if code == GET_REMOTE_DATA.code && !sure => {}
                Some(code) if code == GET_CLIENT_STATE_TCP.code && sure => {}
                // What was asked while the slot was trusted.
                Some(_) => return Ok(true),
            }
            if sure {
                if self.slot_is_alive(owner, slot)? {
                    self.leave_slot(index, slot);
                }
                return Ok(false);
            }
            let answer = self.ask_again(owner, slot)?;
            let [a, b, c, d] = peer.ip().octets();
            let [high, low] = peer.port().to_be_bytes();
            let ours = answer.array() == Some([a, b, c, d, high, low]);
            self.set_identity(
                index,
                if ours {
                    Identity::seen(now)
                } else {
                    Identity { trusted_until, strangers: strangers + 1 }
                },
            );
            if ours {
                return Ok(true);
            }
        }
    }

    /// Data came, so the slot was the connection's own just now.
    pub(crate) fn trust(&mut self, index: u8) {
        let now = self.call.now();
        self.set_identity(index, Identity::seen(now));
    }

    /// A garbled answer says nothing about anybody.
    fn ask_again(&mut self, owner: Owner, slot: u8) -> nb::Result<Answer, Error> {
        match self.ask(owner, &GET_REMOTE_DATA, &[&[slot]]) {
            Err(nb::Error::Other(_)) => self.ask(owner, &GET_REMOTE_DATA, &[&[slot]]),
            answer => answer,
        }
    }

    fn set_identity(&mut self, index: u8, new: Identity) {
        if let Ok(socket) = self.socket(index)
            && let Kind::Stream(Stream { identity: Some(identity), .. }) = &mut socket.kind
        {
            *identity = new;
        }
    }

    /// The slot is somebody else's now, who has not been accepted yet: its listener will name it.
    fn leave_slot(&mut self, index: u8, slot: u8) {
        if let Ok(socket) = self.socket(index) {
            socket.kind = Kind::Ended;
        }
        self.clear_in_flight(index);
        self.state.left.add(slot);
    }

    /// Closes a connection on the chip: whether that is done.
    pub(crate) fn end_stream(&mut self, index: u8, stream: Stream) -> bool {
        let owner = Owner::Write(index);
        if stream.identity.is_some() {
            let ours = [GET_REMOTE_DATA.code, GET_CLIENT_STATE_TCP.code, STOP_CLIENT_TCP.code];
            match self.under_way(owner) {
                Some(code) if ours.contains(&code) => {}
                Some(_) => self.drop_mail(owner),
                None if !self.may_free_descriptor() => return false,
                None => {}
            }
            match self.identify(index, owner) {
                Ok(false) => return self.forget_spawned(index),
                Err(nb::Error::WouldBlock) => return false,
                Ok(true) | Err(nb::Error::Other(_)) => {}
            }
        }
        if !self.stop(index, stream.channel) {
            return false;
        }
        if stream.identity.is_some() {
            self.descriptor_was_freed();
        }
        self.forget_spawned(index)
    }

    /// Whether a descriptor of the firmware's list may be freed now.
    ///
    /// Its entry is dropped by the next walk, unless the number is somebody else's by then: whoever
    /// waits at the door gets it, in the very question that walks. Once the ten places are full of
    /// such entries, every further connection is lost. So when they may be, listeners are left alone
    /// for a while; the firmware's other task then takes whoever waits, with another number.
    pub(crate) fn may_free_descriptor(&mut self) -> bool {
        let taken = self.state.spawned.stale.saturating_add(self.spawned_streams());
        if taken < PLACES || self.listeners_are_quiet() {
            return true;
        }
        self.state.spawned.hold_until = self.state.spawned.walked_at + QUIET + HOLD;
        false
    }

    /// Notes what freeing a descriptor left in the firmware's list.
    pub(crate) fn descriptor_was_freed(&mut self) {
        if !self.listeners_are_quiet() {
            self.state.spawned.stale = self.state.spawned.stale.saturating_add(1);
        } else if self.spawned_streams() <= 1 {
            self.state.spawned.stale = 0;
        }
    }

    /// A listener is asked, which walks.
    pub(crate) fn walks(&mut self) {
        self.state.spawned.walked_at = self.call.now();
    }

    /// Whether listeners are to be left alone.
    pub(crate) fn listeners_are_held(&self) -> bool {
        self.call.now() < self.state.spawned.hold_until
    }

    fn listeners_are_quiet(&self) -> bool {
        self.call.now().saturating_since(self.state.spawned.walked_at) >= QUIET
    }

    /// Whether closed connections of the list are still to be stopped on the chip.
    pub(crate) fn more_are_stopped_first(&self) -> bool {
        self.state.sockets.iter().enumerate().any(|(index, socket)| {
            let spawned = matches!(socket.kind, Kind::Stream(Stream { identity: Some(_), .. }));
            spawned && self.shared.handles.is_closing(index)
        })
    }

    fn spawned_streams(&self) -> u8 {
        let spawned = |kind: &Kind| matches!(kind, Kind::Stream(Stream { identity: Some(_), .. }));
        let count = self.state.sockets.iter().filter(|socket| spawned(&socket.kind)).count();
        u8::try_from(count).unwrap_or(PLACES)
    }

    /// Looks after slots that were left: whoever had one may have gone without a word.
    pub(crate) fn look_after_left(&mut self) {
        let Some(slot) = self.state.left.next() else { return };
        if self.slot_is_known(slot) {
            return self.state.left.remove(slot);
        }
        if self.call.now() < self.state.left.look_at && !self.is_out(Owner::Sweep) {
            return;
        }
        let answer = self.ask(Owner::Sweep, &GET_CLIENT_STATE_TCP, &[&[slot]]);
        match answer.map(|answer| answer.byte() == Some(STATE_CONNECTED)) {
            Err(nb::Error::WouldBlock) => return,
            Ok(false) => self.state.left.remove(slot),
            Ok(true) | Err(nb::Error::Other(_)) => self.state.left.turn(slot),
        }
        self.state.left.look_at = self.call.now() + OLD;
    }
}

/// What is known about the list that firmware without the accept flag keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spawned {
    /// Entries that may be left of connections that are closed.
    stale: u8,
    /// When a listener was last asked.
    walked_at: Instant,
    /// Until when none is asked.
    hold_until: Instant,
}

impl Spawned {
    pub(crate) const NONE: Self =
        Self { stale: 0, walked_at: Instant::START, hold_until: Instant::START };
}

/// Slots that are connected, and not ours yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    slots: u16,
    after: u8,
    look_at: Instant,
}

impl Left {
    pub(crate) const NONE: Self = Self { slots: 0, after: 0, look_at: Instant::START };

    pub(crate) fn add(&mut self, slot: u8) {
        self.slots |= 1 << (slot % 16);
    }

    pub(crate) fn remove(&mut self, slot: u8) {
        self.slots &= !(1 << (slot % 16));
    }

    pub(crate) fn contains(&self, slot: u8) -> bool {
        self.slots & 1 << (slot % 16) != 0
    }

    /// The one to be looked after.
    fn next(&self) -> Option<u8> {
        let mut turns = (self.after..16).chain(0..self.after);
        turns.find(|&slot| self.contains(slot))
    }

    /// The one behind this is next.
    fn turn(&mut self, slot: u8) {
        self.after = (slot + 1) % 16;
    }
}

/// How long a slot is believed to be whose it was. The firmware frees a descriptor and gives it away
/// in two looks, which are a tick of 10 ms apart.
const TRUST: Duration = Duration::from_millis(5);
/// After how long a listener that names a slot asks whose it is.
const OLD: Duration = Duration::from_millis(100);
/// How many strangers it takes.
const SURE: u8 = 2;
/// Places of the firmware's list, less two to be on the safe side.
const PLACES: u8 = 8;
/// When whoever waits has been taken by the firmware's other task: two ticks and a bit.
const QUIET: Duration = Duration::from_millis(25);
/// How much longer listeners are left alone for whoever waits for that.
const HOLD: Duration = Duration::from_millis(20);
