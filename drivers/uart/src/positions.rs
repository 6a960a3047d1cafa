//! Where a ring begins and ends, for one writer and one reader, without compare-and-swap.

use core::sync::atomic::{AtomicUsize, Ordering};

/// Two positions that run from 0 to 2 N, so that a full ring differs from an empty one. Only the
/// reader moves the head, only the writer the tail.
#[derive(Debug)]
pub(crate) struct Positions<const N: usize> {
    head: AtomicUsize,
    tail: AtomicUsize,
}

impl<const N: usize> Positions<N> {
    pub(crate) const fn new() -> Self {
        assert!(N > 0 && N <= usize::MAX / 4, "a ring holds at least one byte");
        Self { head: AtomicUsize::new(0), tail: AtomicUsize::new(0) }
    }

    /// Where the reader reads; what it has read may be overwritten.
    pub(crate) fn head(&self) -> usize {
        self.head.load(Ordering::Acquire)
    }

    /// Where the writer writes; everything before it is there.
    pub(crate) fn tail(&self) -> usize {
        self.tail.load(Ordering::Acquire)
    }

    pub(crate) fn set_head(&self, head: usize) {
        self.head.store(head, Ordering::Release);
    }

    pub(crate) fn set_tail(&self, tail: usize) {
        self.tail.store(tail, Ordering::Release);
    }

    pub(crate) fn len(&self) -> usize {
        Self::between(self.head(), self.tail())
    }

    /// How far it is from one position on to another.
    pub(crate) fn between(from: usize, to: usize) -> usize {
        if to >= from { to - from } else { 2 * N - from + to }
    }

    /// The position `steps` (at most N) further on.
    pub(crate) fn after(position: usize, steps: usize) -> usize {
        let next = position + steps;
        if next >= 2 * N { next - 2 * N } else { next }
    }

    /// The place in the ring that a position stands for.
    pub(crate) fn place(position: usize) -> usize {
        if position >= N { position - N } else { position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_go_round_twice_the_ring() {
        type P = Positions<3>;
        assert_eq!((P::after(2, 1), P::after(5, 1), P::after(4, 3)), (3, 0, 1));
        assert_eq!((P::place(2), P::place(3), P::place(5)), (2, 0, 2));
        assert_eq!((P::between(1, 4), P::between(5, 2), P::between(2, 2)), (3, 3, 0));
    }
}
