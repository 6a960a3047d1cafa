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
    /// How many of those with news have not been found yet.
    unfound: u8,
    /// Somebody had to wait for the last one: none until then.
    pub(crate) not_before: Instant,
}

impl Look {
    pub(crate) const NONE: Self = Self { over: 0, unfound: 0, not_before: Instant::START };

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
        if out || (now < socket.quiet_until && !socket.suspect) {
            return Err(nb::Error::WouldBlock);
        }
        Ok(())
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
        let (mut over, mut numbers) = (0, 0);
        for (index, socket) in self.state.sockets.iter().enumerate() {
            if let Some(id) = socket.id.filter(|_| waits(socket, now)) {
                over |= 1 << index;
                numbers |= 1_u8 << (id & 7);
            }
        }
        if over == 0 {
            return;
        }
        let last = i32::try_from(8 - numbers.leading_zeros()).unwrap_or(8);
        let (set, wait) = (fd_set(numbers), timeval(LENGTH));
        let values = [I32(last), Present(&set), Null, Null, Present(&wait)];
        if self.post(Owner::Look, &lwip::SELECT, &values, (0, 0, 0)).is_ok() {
            self.state.look.over = over;
            self.settle();
        }
    }

    /// The answer to a look: how many have something. `None`: it was lost.
    pub(crate) fn looked(&mut self, result: Option<i32>) {
        let quiet_until = self.call.now() + QUIET;
        let over = self.state.look.over;
        self.state.look.unfound = result.and_then(|it| u8::try_from(it).ok()).unwrap_or(0);
        for index in (0_u8..).take(SOCKETS).filter(|index| over & (1 << index) != 0) {
            let Ok(socket) = self.socket(index) else { return };
            match result {
                Some(0) => socket.quiet_until = quiet_until,
                _ => socket.suspect = true,
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
        let waiting = self.state.sockets.iter().filter(|socket| is_awaited(socket, now));
        let asks = waiting.map(|socket| match socket.suspect {
            true => now + SOON,
            false => socket.quiet_until,
        });
        let writes = self.state.sockets.iter().map(|socket| socket.write_at);
        let later = asks.chain(writes).chain([self.state.link.look_at]).filter(|&at| at > now);
        later.chain(line).min()
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

/// How long a look stays with the chip.
const LENGTH: Duration = Duration::from_millis(20);
/// How long a socket is believed to have nothing: a look, and its way there and back.
const QUIET: Duration = Duration::from_millis(25);
/// Before a socket is asked about again while nothing stays with the chip.
const AGAIN: Duration = Duration::from_millis(3);
/// How long nothing stays with the chip after somebody had to wait for that.
const BUSY: Duration = Duration::from_millis(50);
/// Who has not asked for so long does not wait any more.
const AWAITED: Duration = Duration::from_millis(30);
const SOON: Duration = Duration::from_micros(100);
