//! What a thread that idles is waiting for.
//!
//! `idle` is told a moment and nothing else, and the system tells news only once, to whichever
//! thread asked. So each thread remembers which call answered "not yet" since it last idled.

use core::cell::Cell;

use netdev::{Side, SockFd};

/// What ends a thread's idling.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Interest {
    /// News about one side of one socket: the thread waits in a single call.
    Socket(SockFd, Side),
    /// Any news since the count of news was this.
    News(u64),
}

/// What the calling thread did since it last idled.
#[derive(Clone, Copy)]
struct Seen {
    /// Which device this is about; a thread that uses several in turn gets by with its naps.
    device: u64,
    /// The count of news when it last idled.
    news: u64,
    tried: Tried,
    /// How many naps in a row were too short for the system's timer.
    hasty: u8,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tried {
    Nothing,
    One(SockFd, Side),
    Several,
}

/// A count that no device reaches: whatever happened is news.
const NEVER: u64 = u64::MAX;

thread_local! {
    static SEEN: Cell<Seen> =
        const { Cell::new(Seen { device: 0, news: NEVER, tried: Tried::Nothing, hasty: 0 }) };
}

fn update(device: u64, f: impl FnOnce(&mut Seen)) {
    let mut seen = SEEN.get();
    if seen.device != device {
        seen = Seen { device, news: NEVER, tried: Tried::Nothing, hasty: 0 };
    }
    f(&mut seen);
    SEEN.set(seen);
}

/// The calling thread got "not yet" from a call on this side of this socket.
pub(crate) fn tried(device: u64, fd: SockFd, side: Side) {
    let now = Tried::One(fd, side);
    update(device, |seen| {
        let first = seen.tried == Tried::Nothing || seen.tried == now;
        seen.tried = if first { now } else { Tried::Several };
    });
}

/// The calling thread got "not yet" about something that is not one socket.
pub(crate) fn tried_several(device: u64) {
    update(device, |seen| seen.tried = Tried::Several);
}

/// What the calling thread waits for, `news` being the present count.
pub(crate) fn current(device: u64, news: u64) -> Interest {
    let seen = SEEN.get();
    match seen.tried {
        _ if seen.device != device => Interest::News(news),
        Tried::One(fd, side) => Interest::Socket(fd, side),
        Tried::Nothing | Tried::Several => Interest::News(seen.news),
    }
}

/// The calling thread is about to look at everything again.
pub(crate) fn forget(device: u64, news: u64) {
    update(device, |seen| {
        seen.tried = Tried::Nothing;
        seen.news = news;
    });
}

/// Whether the calling thread may come back early from one more nap that is too short to be slept
/// with an ear on the system.
pub(crate) fn may_hasten(device: u64) -> bool {
    let mut may = false;
    update(device, |seen| {
        may = seen.hasty < HASTY_NAPS;
        seen.hasty = seen.hasty.saturating_add(1);
    });
    may
}

/// Something happened, or a real nap was taken.
pub(crate) fn rested(device: u64) {
    update(device, |seen| seen.hasty = 0);
}

/// [`netdev::wait`] starts with naps of 100, 200, 400 and 800 microseconds.
const HASTY_NAPS: u8 = 4;
