//! When a look at the bus is worth it.

use core::time::Duration;

use netdev::{Instant, Readiness, SockFd};

use crate::boot::Power;
use crate::sockets::{Kind, Socket};
use crate::spi::SpiLink;
use crate::state::Core;

impl<L: SpiLink> Core<'_, L> {
    /// Whether a look at the bus is worth it: GPIO0 is high or not wired, or something happened
    /// lately, since the firmware evaluates GPIO0 only every 10 ms.
    pub(crate) fn bus_may_have_news(&mut self) -> bool {
        match self.state.exchange.link.data_ready() {
            Ok(Some(level)) => {
                if level != self.state.data_ready {
                    self.state.data_ready = level;
                    self.stir();
                }
                let now = self.call.now();
                if level {
                    self.state.news_since.get_or_insert(now);
                } else {
                    self.state.news_since = None;
                }
                level || now < self.state.active_until
            }
            Ok(None) | Err(_) => true,
        }
    }

    /// Whether GPIO0 is wired, so that a look at it is free of bus traffic.
    pub(crate) fn gpio0_is_wired(&mut self) -> bool {
        matches!(self.state.exchange.link.data_ready(), Ok(Some(_)))
    }

    /// When calling again could matter. A look that was due before is no reason to hurry: whoever
    /// waits for it has just tried, or waits no more.
    pub(crate) fn due(&mut self) -> Option<Instant> {
        if self.state.power != Power::On {
            return self.power_due();
        }
        let now = self.call.now();
        let cheap = self.gpio0_is_wired() || now < self.state.active_until;
        let worth_it = |socket: &&Socket| socket.awaited && (cheap || socket.looks_by_descriptor());
        let looks = self.state.sockets.iter().filter(worth_it).map(|socket| socket.look_at);
        looks.filter(|&at| at > now).min()
    }

    /// The next socket with news, as far as anything is known without asking the chip.
    pub(crate) fn next_ready(&mut self, after: Option<SockFd>) -> Readiness {
        let first = after.map_or(0, |fd| usize::from(fd.slot()) + 1);
        let known = |socket: &Socket| {
            socket.failed.is_some() || matches!(socket.kind, Kind::Ended | Kind::Gone)
        };
        let mut quiet = !self.bus_may_have_news();
        let now = self.call.now();
        for (slot, socket) in self.state.sockets.iter().enumerate() {
            let Some(fd) = self.shared.handles.handle(slot) else { continue };
            // One that comes before `after` may still have news that only the chip knows of.
            if known(socket) {
                if slot >= first {
                    return Readiness::Socket(fd);
                }
            } else {
                quiet &= socket.is_quiet(now);
            }
        }
        if quiet { Readiness::None } else { Readiness::Unknown }
    }

    /// Whether GPIO0 has been high for so long, and nobody found anything, that a connection must be
    /// hidden: the firmware takes some into a list that the accept flag does not look at (its two tasks
    /// share the listener without a lock).
    pub(crate) fn news_are_hidden(&self) -> bool {
        let since = self.state.news_since;
        since.is_some_and(|since| self.call.now().saturating_since(since) >= HIDDEN)
    }

    /// Something was found, which may be what GPIO0 was high for.
    pub(crate) fn found_news(&mut self) {
        self.state.news_since = None;
    }

    /// Something happened, or somebody suspects it: the bus is worth looks for a while.
    pub(crate) fn stir(&mut self) {
        self.state.active_until = self.call.now() + STIRRED;
    }
}

/// Between two looks for one socket that find nothing.
pub(crate) const LOOK: Duration = Duration::from_micros(1_500);
/// How long after something happened GPIO0 is not trusted to be up to date.
const STIRRED: Duration = Duration::from_millis(12);
/// How long GPIO0 is high for nothing before a listener is asked for hidden connections.
const HIDDEN: Duration = Duration::from_millis(100);
