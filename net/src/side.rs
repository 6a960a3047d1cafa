//! What a connection keeps for each of its sides: the deadline, and who has the side just now.

use core::cell::Cell;

use critical_section::Mutex;

use crate::{Instant, Side};

/// Both sides of a connection, and whether it is closed.
///
/// Words behind critical sections and no atomics: a Cortex-M0 has no compare-and-swap.
pub(crate) struct Sides {
    closed: Mutex<Cell<bool>>,
    read: Half,
    write: Half,
}

struct Half {
    deadline: Mutex<Cell<Option<Instant>>>,
    owner: Mutex<Cell<Owner>>,
}

/// Who may call the device for a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Nobody has it; the next to come may.
    Free,
    /// A call is under way.
    Busy,
    /// A `try_write` was answered "not yet" while the chip has these bytes. Whoever brings them
    /// again goes on with that call; everybody else waits.
    Promised(Promise),
    /// A write was given up while the chip had it. Lasts until close.
    Spoilt,
}

/// The bytes that a call in flight must be repeated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    len: usize,
    sum: u32,
}

/// What came of asking for a side.
pub(crate) enum Entry {
    Entered,
    Occupied,
    Spoilt,
}

impl Sides {
    pub(crate) const fn new() -> Self {
        Self { closed: Mutex::new(Cell::new(false)), read: Half::new(), write: Half::new() }
    }

    pub(crate) fn closed(&self) -> bool {
        critical_section::with(|cs| self.closed.borrow(cs).get())
    }

    /// Marks both sides as closed; `false` if they were before.
    pub(crate) fn close(&self) -> bool {
        critical_section::with(|cs| !self.closed.borrow(cs).replace(true))
    }

    pub(crate) fn deadline(&self, side: Side) -> Option<Instant> {
        critical_section::with(|cs| self.half(side).deadline.borrow(cs).get())
    }

    pub(crate) fn set_deadline(&self, side: Side, at: Option<Instant>) {
        critical_section::with(|cs| self.half(side).deadline.borrow(cs).set(at));
    }

    /// Takes a side for a call with these bytes.
    pub(crate) fn enter(&self, side: Side, bytes: &[u8]) -> Entry {
        let owner = &self.half(side).owner;
        let seen = critical_section::with(|cs| owner.borrow(cs).get());
        match seen {
            Owner::Free => {}
            // Summed up outside of the critical section; whether it still stands is checked inside.
            Owner::Promised(promise) if promise.kept_by(bytes) => {}
            Owner::Spoilt => return Entry::Spoilt,
            Owner::Busy | Owner::Promised(_) => return Entry::Occupied,
        }
        critical_section::with(|cs| {
            let owner = owner.borrow(cs);
            if owner.get() == seen {
                owner.set(Owner::Busy);
                Entry::Entered
            } else {
                Entry::Occupied
            }
        })
    }

    /// Gives a side that was entered to its next owner.
    pub(crate) fn leave(&self, side: Side, next: Owner) {
        critical_section::with(|cs| self.half(side).owner.borrow(cs).set(next));
    }

    const fn half(&self, side: Side) -> &Half {
        match side {
            Side::Read => &self.read,
            Side::Write => &self.write,
        }
    }
}

impl Half {
    const fn new() -> Self {
        Self { deadline: Mutex::new(Cell::new(None)), owner: Mutex::new(Cell::new(Owner::Free)) }
    }
}

impl Promise {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { len: bytes.len(), sum: sum(bytes) }
    }

    /// Whether these are the promised bytes, and perhaps more behind them.
    fn kept_by(self, bytes: &[u8]) -> bool {
        bytes.get(..self.len).is_some_and(|start| sum(start) == self.sum)
    }
}

/// FNV-1a in 32 bits: tells the bytes of two callers apart, no more is asked of it.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_fnv_1a() {
        assert_eq!(sum(b""), 0x811c_9dc5);
        assert_eq!(sum(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn promised_bytes_let_only_their_repetition_in() {
        let sides = Sides::new();
        assert!(matches!(sides.enter(Side::Write, b"abc"), Entry::Entered));
        assert!(matches!(sides.enter(Side::Write, b"abc"), Entry::Occupied));
        assert!(matches!(sides.enter(Side::Read, b""), Entry::Entered), "sides are apart");
        sides.leave(Side::Write, Owner::Promised(Promise::of(b"abc")));
        assert!(matches!(sides.enter(Side::Write, b"ab"), Entry::Occupied));
        assert!(matches!(sides.enter(Side::Write, b"abd"), Entry::Occupied));
        assert!(matches!(sides.enter(Side::Write, b"abcd"), Entry::Entered));
        sides.leave(Side::Write, Owner::Spoilt);
        assert!(matches!(sides.enter(Side::Write, b"abc"), Entry::Spoilt));
    }

    #[test]
    fn closing_is_told_once() {
        let sides = Sides::new();
        assert!(!sides.closed());
        assert!(sides.close());
        assert!(!sides.close());
        assert!(sides.closed());
    }
}
