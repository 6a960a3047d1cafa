//! Who is next when many want a device that serves one caller at a time.

use core::cell::Cell;
use core::fmt;
use core::time::Duration;

use critical_section::Mutex;

use crate::Instant;

/// The queue of those who found a device taken. Part of [`Exclusive`](crate::Exclusive), and used by
/// [`wait`](crate::wait()): a caller who never pauses would otherwise have the device each time that
/// another one looks.
///
/// Nobody is stuck in it: a turn that is not used passes after a while.
pub struct Turns {
    queue: Mutex<Cell<Queue>>,
}

#[derive(Clone, Copy)]
struct Queue {
    /// How often somebody found the device taken.
    refusals: u32,
    /// Tickets that are out, a bit for each, the lowest being `first`.
    waiting: u32,
    first: u32,
    /// The next ticket to be given out.
    next: u32,
    /// When `first` became the first.
    since: Instant,
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u32);

/// How long a turn may stay unused. Who waits for one comes by far more often.
const UNUSED: Duration = Duration::from_millis(20);

impl Turns {
    pub(crate) const fn new() -> Self {
        let queue = Queue { refusals: 0, waiting: 0, first: 0, next: 0, since: Instant::START };
        Self { queue: Mutex::new(Cell::new(queue)) }
    }

    /// Notes that somebody found the device taken.
    pub(crate) fn refuse(&self) {
        self.with(|queue| queue.refusals = queue.refusals.wrapping_add(1));
    }

    /// How often that was; only whether it changed means anything.
    pub(crate) fn refusals(&self) -> u32 {
        self.with(|queue| queue.refusals)
    }

    /// Whether the holder of this ticket, or somebody without one, may try now.
    pub(crate) fn may_try(&self, ticket: Option<Ticket>, now: Instant) -> bool {
        self.with(|queue| {
            let first = queue.waiting != 0;
            if first && ticket != Some(Ticket(queue.first)) && now >= queue.since + UNUSED {
                queue.leave(Ticket(queue.first), now);
            }
            queue.waiting == 0 || ticket == Some(Ticket(queue.first))
        })
    }

    /// Keeps the place of a ticket, or gives a new one; `None` while the queue is full.
    pub(crate) fn queue(&self, ticket: Option<Ticket>, now: Instant) -> Option<Ticket> {
        self.with(|queue| match ticket {
            Some(ticket) if queue.bit(ticket) & queue.waiting != 0 => Some(ticket),
            _ => queue.join(now),
        })
    }

    /// How many come before this ticket; all of them before somebody without one.
    pub(crate) fn ahead(&self, ticket: Option<Ticket>) -> u32 {
        self.with(|queue| {
            let before = ticket.map_or(u32::MAX, |ticket| queue.bit(ticket).wrapping_sub(1));
            (queue.waiting & before).count_ones()
        })
    }

    pub(crate) fn leave(&self, ticket: Ticket, now: Instant) {
        self.with(|queue| queue.leave(ticket, now));
    }

    fn with<R>(&self, act: impl FnOnce(&mut Queue) -> R) -> R {
        critical_section::with(|cs| {
            let cell = self.queue.borrow(cs);
            let mut queue = cell.get();
            let result = act(&mut queue);
            cell.set(queue);
            result
        })
    }
}

impl Queue {
    /// The bit of a ticket; 0 for one that is long gone.
    fn bit(&self, Ticket(number): Ticket) -> u32 {
        1_u32.checked_shl(number.wrapping_sub(self.first)).unwrap_or(0)
    }

    fn join(&mut self, now: Instant) -> Option<Ticket> {
        if self.waiting == 0 {
            (self.first, self.since) = (self.next, now);
        }
        let ticket = Ticket(self.next);
        let bit = self.bit(ticket);
        self.waiting |= bit;
        self.next = self.next.wrapping_add(u32::from(bit != 0));
        (bit != 0).then_some(ticket)
    }

    fn leave(&mut self, ticket: Ticket, now: Instant) {
        self.waiting &= !self.bit(ticket);
        let gone = self.waiting.trailing_zeros();
        if gone > 0 && self.waiting != 0 {
            self.waiting >>= gone;
            self.first = self.first.wrapping_add(gone);
            self.since = now;
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_micros(millis * 1000)
    }

    #[test]
    fn turns_come_in_order_and_leaving_passes_them_on() {
        let turns = Turns::new();
        assert!(turns.may_try(None, at(0)), "nobody waits");
        let [a, b, c] = [(); 3].map(|()| turns.queue(None, at(0)));
        assert!(turns.may_try(a, at(1)) && !turns.may_try(b, at(1)) && !turns.may_try(None, at(1)));
        turns.leave(b.unwrap(), at(2));
        turns.leave(a.unwrap(), at(2));
        assert!(turns.may_try(c, at(3)) && !turns.may_try(a, at(3)));
        assert_eq!(turns.queue(c, at(3)), c, "a place is kept");
        assert_eq!((turns.ahead(c), turns.ahead(None)), (0, 1));
        turns.leave(c.unwrap(), at(4));
        assert!(turns.may_try(None, at(4)));
    }

    #[test]
    fn a_turn_that_is_not_used_passes() {
        let turns = Turns::new();
        let [a, b] = [(); 2].map(|()| turns.queue(None, at(0)));
        assert_eq!((turns.ahead(a), turns.ahead(b)), (0, 1));
        assert!(!turns.may_try(b, at(19)));
        assert!(turns.may_try(b, at(20)));
        assert!(!turns.may_try(a, at(20)), "its place is gone");
        let again = turns.queue(a, at(21));
        assert!(again != a && !turns.may_try(again, at(21)));
        turns.leave(b.unwrap(), at(22));
        assert!(turns.may_try(again, at(22)));
    }

    #[test]
    fn a_full_queue_gives_no_ticket_until_somebody_leaves() {
        let turns = Turns::new();
        let first = turns.queue(None, at(0)).unwrap();
        for _ in 1..32 {
            assert!(turns.queue(None, at(0)).is_some());
        }
        assert_eq!(turns.queue(None, at(0)), None);
        turns.leave(first, at(1));
        assert!(turns.queue(None, at(1)).is_some());
    }

    #[test]
    fn numbers_go_round() {
        let turns = Turns::new();
        turns.with(|queue| queue.next = u32::MAX);
        let [a, b] = [(); 2].map(|()| turns.queue(None, at(0)));
        assert!(turns.may_try(a, at(0)) && !turns.may_try(b, at(0)));
        turns.leave(a.unwrap(), at(0));
        assert!(turns.may_try(b, at(0)));
    }
}
