//! When the chip is asked for news.
//!
//! Who waits is asked about at once. If nothing is there, one question over all who wait stays with
//! the chip for up to 20 ms and comes back as soon as there is something; it tells how many have
//! something and not which, so that those who wait ask again. While somebody writes, nothing stays
//! with the chip, and whoever waits asks now and then.

use core::time::Duration;

use netdev::{Instant, Readiness, SockFd};
use netdev_uart::UartLink;

use crate::boot::Power;
use crate::codec::Value::{I32, Null, Present};
use crate::exchange::Owner;
use crate::method::lwip;
use crate::open::{fd_set, timeval};
use crate::sockets::{Kind, SOCKETS, Socket};
use crate::state::Core;

/// The look over all sockets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Those it was about, by their places in the table.
    over: u8,
    /// The half of them that was asked about then.
    half: u8,
    /// How many of those with news have not been found yet.
    unfound: u8,
    /// They were not found by asking quickly: something failed there.
    thorough: bool,
    /// Somebody had to wait for the last one: none until then.
    pub(crate) not_before: Instant,
}

impl Look {
    pub(crate) const NONE: Self =
        Self { over: 0, half: 0, unfound: 0, thorough: false, not_before: Instant::START };

    pub(crate) fn was_in_the_way(&mut self, now: Instant) {
        self.not_before = now + BUSY;
    }
}

impl<L: UartLink> Core<'_, L> {
    /// Goes on only if it is worth asking about this socket now, and nothing is asked yet.
    pub(crate) fn await_news(&mut self, index: u8) -> nb::Result<(), netdev::Error> {
        let now = self.call.now();
        let out = self.is_out(Owner::Read(index));
        let socket = self.socket(index)?;
        socket.awaited_at = now;
        if out || !self.wants_news(index) {
            return Err(nb::Error::WouldBlock);
        }
        Ok(())
    }

    /// Whether something may have come for this socket.
    pub(crate) fn wants_news(&self, index: u8) -> bool {
        let now = self.call.now();
        let socket = self.state.sockets.get(usize::from(index));
        socket.is_some_and(|socket| now >= socket.quiet_until || socket.suspect)
    }

    /// Whether a look found something, and this is one of several that it can be about.
    pub(crate) fn is_one_of_many(&self, index: u8) -> bool {
        let suspects = || self.state.sockets.iter().filter(|socket| socket.suspect);
        let suspect = self.state.sockets.get(usize::from(index)).is_some_and(|it| it.suspect);
        suspect && !self.state.look.thorough && suspects().count() > 1
    }

    /// The chip was asked about this socket, and has nothing.
    pub(crate) fn nothing_there(&mut self, index: u8) {
        let now = self.call.now();
        let mut pause = QUIET;
        if now < self.state.look.not_before {
            // All who wait together ask no oftener than one alone.
            let waiting = self.state.sockets.iter().filter(|socket| is_awaited(socket, now));
            pause = LENGTH.min(AGAIN * u32::try_from(waiting.count()).unwrap_or(1));
        }
        if let Ok(socket) = self.socket(index) {
            socket.quiet_until = now + pause;
            socket.suspect = false;
        }
        let look = &mut self.state.look;
        let over = !self.state.sockets.iter().any(|socket| socket.suspect);
        look.thorough |= over && look.unfound > 0;
    }

    /// The chip has something for this socket. The others may have nothing then.
    pub(crate) fn found(&mut self, index: u8) {
        let quiet_until = self.call.now() + AGAIN;
        if let Ok(socket) = self.socket(index) {
            if !core::mem::take(&mut socket.suspect) {
                return;
            }
            socket.quiet_until = Instant::START;
        }
        let look = &mut self.state.look;
        look.thorough = false;
        look.unfound = look.unfound.saturating_sub(1);
        if look.unfound == 0 {
            for socket in self.state.sockets.iter_mut().filter(|socket| socket.suspect) {
                socket.suspect = false;
                socket.quiet_until = quiet_until;
            }
        }
    }

    /// Begins a look if somebody waits and nobody has anything better to do with the chip.
    pub(crate) fn look(&mut self) {
        let now = self.call.now();
        if now < self.state.look.not_before || !self.state.exchange.is_free() {
            return;
        }
        let waiting = (0..).zip(&self.state.sockets).filter(|(_, socket)| waits(socket, now));
        let over = waiting.fold(0, |over, (index, _): (u8, _)| over | 1 << index);
        if over != 0 && self.select(over, LENGTH, FIRST) {
            self.state.look.over = over;
            self.settle();
        }
    }

    /// Asks how many of these sockets have something. Whether that could be asked.
    fn select(&mut self, over: u8, wait: Duration, note: u8) -> bool {
        let asked = (0..).zip(&self.state.sockets).filter(|(index, _)| over & (1_u8 << index) != 0);
        let ids = asked.filter_map(|(_, socket)| socket.id);
        let numbers = ids.fold(0, |numbers, id| numbers | 1_u8 << (id & 7));
        let last = i32::try_from(8 - numbers.leading_zeros()).unwrap_or(8);
        let (set, wait) = (fd_set(numbers), timeval(wait));
        let values = [I32(last), Present(&set), Null, Null, Present(&wait)];
        self.post(Owner::Look, &lwip::SELECT, &values, (0, 0, note)).is_ok()
    }

    /// The answer to a look: how many have something. `None`: it was lost.
    pub(crate) fn looked(&mut self, note: u8, result: Option<i32>) {
        let count = result.and_then(|it| u8::try_from(it).ok()).unwrap_or(0);
        if note == FIRST && result.is_some() {
            self.all_quiet();
        }
        let look = &mut self.state.look;
        look.thorough = false;
        match (note, count) {
            (FIRST, 0) if result == Some(0) => return,
            (FIRST, _) => look.unfound = count,
            (_, 0) => look.over &= !look.half,
            _ => {
                look.over &= look.half;
                look.unfound = count;
            }
        }
        // Many who ask in vain take longer than asking which half it is.
        let over = look.over;
        let few = over.count_ones() <= FEW || u32::from(look.unfound) * FEW >= over.count_ones();
        let half = (0..8).map(|bit| over & (u8::MAX >> (7 - bit)));
        let half = half.into_iter().find(|half| half.count_ones() * 2 >= over.count_ones());
        look.half = half.unwrap_or(over);
        let half = look.half;
        if !few && self.select(half, Duration::ZERO, NARROWER) {
            return;
        }
        for index in (0_u8..).take(SOCKETS).filter(|index| over & (1 << index) != 0) {
            if let Ok(socket) = self.socket(index) {
                socket.suspect = true;
            }
        }
    }

    /// Whoever is not found to have something has nothing.
    fn all_quiet(&mut self) {
        let quiet_until = self.call.now() + QUIET;
        let over = self.state.look.over;
        for index in (0_u8..).take(SOCKETS).filter(|index| over & (1 << index) != 0) {
            if let Ok(socket) = self.socket(index) {
                socket.quiet_until = quiet_until;
            }
        }
    }

    /// When calling again could matter.
    pub(crate) fn due(&mut self) -> Option<Instant> {
        if !matches!(self.state.power, Power::On) {
            return self.power_due();
        }
        let now = self.call.now();
        let line = self.state.exchange.due(now);
        let turn = self.turn_due().filter(|&at| at > now);
        let waiting = self.state.sockets.iter().filter(|socket| is_awaited(socket, now));
        let asks = waiting.map(|socket| match socket.suspect {
            true => now + SOON,
            false => socket.quiet_until,
        });
        let writes = self.state.sockets.iter().map(|socket| socket.write_at);
        let later = asks.chain(writes).chain([self.state.link.look_at]).filter(|&at| at > now);
        later.chain(line).chain(turn).min()
    }

    /// The next socket with news, as far as anything is known without asking the chip.
    pub(crate) fn next_ready(&self, after: Option<SockFd>) -> Readiness {
        let first = after.map_or(0, |fd| usize::from(fd.slot()) + 1);
        for (slot, socket) in self.state.sockets.iter().enumerate().skip(first) {
            let news = socket.failed.is_some()
                || socket.parked.is_some_and(|parked| !parked.peeked)
                || socket.ended
                || socket.guest.is_some_and(|guest| guest.peer.is_some());
            if let Some(fd) = self.shared.handles.handle(slot).filter(|_| news) {
                return Readiness::Socket(fd);
            }
        }
        Readiness::Unknown
    }
}

fn is_awaited(socket: &Socket, now: Instant) -> bool {
    socket.awaited_at != Instant::START && now.saturating_since(socket.awaited_at) < AWAITED
}

/// Whether a look is worth it for this one: somebody waits, and the chip said that nothing is there.
fn waits(socket: &Socket, now: Instant) -> bool {
    let open = matches!(socket.kind, Kind::Stream | Kind::Listener | Kind::Datagram(_));
    let news = socket.failed.is_some() || socket.ended || socket.parked.is_some();
    let asked = socket.quiet_until > now && !socket.suspect && socket.guest.is_none();
    open && !news && asked && is_awaited(socket, now)
}

/// A look, and the question about half of those that it was about.
const FIRST: u8 = 0;
const NARROWER: u8 = 1;
/// So many are asked one after the other.
const FEW: u32 = 2;
/// How long a look stays with the chip.
const LENGTH: Duration = Duration::from_millis(20);
/// How long a socket is believed to have nothing: a look, and its way there and back.
const QUIET: Duration = Duration::from_millis(30);
/// Before a socket is asked about again while nothing stays with the chip.
const AGAIN: Duration = Duration::from_millis(3);
/// How long nothing stays with the chip after somebody had to wait for that.
const BUSY: Duration = Duration::from_millis(50);
/// Who has not asked for so long does not wait any more.
const AWAITED: Duration = Duration::from_millis(30);
const SOON: Duration = Duration::from_micros(100);
