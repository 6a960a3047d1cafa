//! What is known about a socket's readiness, in one word.

use core::sync::atomic::{AtomicU32, Ordering};

/// Readiness as the system last told it.
///
/// The system tells changes only. A flag that is set means "try", one that is not means "nothing to
/// do, do not even ask". A count in the upper bits makes sure that a flag is never taken back by a
/// call that began before the system set it.
#[derive(Debug)]
pub(crate) struct Flags(AtomicU32);

/// Receiving or accepting may have something.
pub(crate) const READ: u32 = 1;
/// Sending may have room, or a connect may be over.
pub(crate) const WRITE: u32 = 1 << 1;
/// Nothing was taken since the system set `READ`: there is something for sure.
pub(crate) const SURE: u32 = 1 << 2;
/// The stream's end or an error arrived: `READ` stays.
pub(crate) const READ_END: u32 = 1 << 3;
/// No more room will come: `WRITE` stays.
pub(crate) const WRITE_END: u32 = 1 << 4;
/// An error or a connection was put aside by a look ahead.
pub(crate) const ASIDE: u32 = 1 << 5;

const COUNT_ONE: u32 = 1 << 8;
const COUNT: u32 = !(COUNT_ONE - 1);

impl Flags {
    pub(crate) const fn new(bits: u32) -> Self {
        Self(AtomicU32::new(bits))
    }

    pub(crate) fn load(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn has(&self, bits: u32) -> bool {
        self.load() & bits != 0
    }

    /// The system told something new.
    pub(crate) fn raise(&self, bits: u32) {
        self.change(|word| word.wrapping_add(COUNT_ONE) | bits);
    }

    /// Sets bits that are not the system's.
    pub(crate) fn set(&self, bits: u32) {
        self.change(|word| word | bits);
    }

    /// Takes bits back, whatever the system told meanwhile.
    pub(crate) fn clear(&self, bits: u32) {
        self.change(|word| word & !bits);
    }

    /// Takes `bits` back, unless the system told something since `seen` was loaded.
    pub(crate) fn lower(&self, seen: u32, bits: u32) {
        self.change(|word| if word & COUNT == seen & COUNT { word & !bits } else { word });
    }

    fn change(&self, f: impl Fn(u32) -> u32) {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let next = f(word);
            if next == word {
                return;
            }
            match self.0.compare_exchange_weak(word, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_since_a_call_began_are_not_taken_back_by_it() {
        let flags = Flags::new(READ | WRITE);
        let seen = flags.load();
        flags.raise(READ);
        flags.lower(seen, READ);
        assert!(flags.has(READ));
        flags.lower(flags.load(), READ);
        assert!(!flags.has(READ) && flags.has(WRITE));
    }

    #[test]
    fn the_count_wraps_without_touching_the_flags() {
        let flags = Flags::new(COUNT | SURE);
        flags.raise(READ);
        assert_eq!(flags.load(), READ | SURE);
    }
}
