//! The task behind the GPIO0 line: it looks whether something can be read, and is the only one
//! that receives datagrams and takes peers in advance.

use netdev::Instant;

use crate::firmware::Firmware;
use crate::slots::Kind;

/// A semaphore of two, given after every command and every packet; and the line.
#[derive(Debug, Default)]
pub(crate) struct Updater {
    given: u8,
    asleep_until: Option<Instant>,
    /// A level that comes when a receiving look has slept its extra tick.
    coming: Option<(Instant, bool)>,
    level: bool,
}

/// What a look found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) readable: bool,
    /// A datagram was received, which costs a tick more.
    pub(crate) received: bool,
}

impl Updater {
    pub(crate) fn give(&mut self) {
        self.given = 2.min(self.given + 1);
    }

    pub(crate) fn level(&self) -> bool {
        self.level
    }

    /// When the task has something to do next, at `now` or later; `None` while it is blocked.
    pub(crate) fn next_event(&self, now: Instant) -> Option<Instant> {
        let coming = self.coming.map(|(at, _)| at);
        let wakes = match self.asleep_until {
            Some(at) => Some(at),
            None => (self.given > 0).then_some(now),
        };
        coming.into_iter().chain(wakes).min()
    }
}

impl Firmware {
    /// Runs the updater at `at`, a moment that [`Updater::next_event`] named.
    pub(crate) fn update_gpio0(&mut self, at: Instant) {
        if let Some((_, level)) = self.updater.coming.take_if(|(due, _)| *due <= at) {
            self.updater.level = level;
        }
        if self.updater.asleep_until.is_some_and(|until| until > at) {
            return;
        }
        self.updater.asleep_until = None;
        if self.updater.given == 0 {
            return;
        }
        self.updater.given -= 1;
        // Each task of the firmware has an errno of its own; the one here is the command loop's.
        let errno = self.errno;
        let look = self.look();
        self.errno = errno;
        let tick = self.persona.tick;
        if look.received && !tick.is_zero() {
            self.updater.coming = Some((at + tick, look.readable));
            self.updater.asleep_until = Some(at + tick + tick);
        } else {
            self.updater.level = look.readable;
            self.updater.asleep_until = (!tick.is_zero()).then_some(at + tick);
        }
    }

    /// Goes through the slots up to the first that is readable (Q5).
    fn look(&mut self) -> Look {
        let mut received = false;
        for slot in 0..self.persona.sockets {
            let look = match self.slot_kind(slot) {
                Kind::Tcp if self.server_is_live(slot) => self.look_at_server(slot),
                Kind::Tcp => self.look_at_client(slot),
                Kind::Udp => self.look_at_datagrams(slot),
                Kind::Free => Look::default(),
            };
            received |= look.received;
            if look.readable {
                return Look { readable: true, received };
            }
        }
        Look { readable: false, received }
    }

    /// Takes a peer in advance; without one, readable if a known peer has data.
    fn look_at_server(&mut self, slot: u8) -> Look {
        let readable = self.prefetch(slot) || self.server_available(slot).is_some();
        Look { readable, received: false }
    }

    fn look_at_client(&mut self, slot: u8) -> Look {
        let readable = self.client_connected(slot) && self.client_available(slot) > 0;
        Look { readable, received: false }
    }
}
