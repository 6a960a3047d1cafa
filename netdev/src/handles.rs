//! Handles with generations and close marks, for drivers.

use core::cell::Cell;

use critical_section::Mutex;

use crate::{Error, SockFd};

/// Which slots of a driver's socket table are open, for whom, and which wait to be given back.
///
/// Lives beside the driver's [`Exclusive`](crate::Exclusive) state, one word a slot, so that a close
/// in the middle of somebody's exchange is never lost: it is marked here, and whoever has the state
/// next gives the socket back.
#[derive(Debug)]
pub struct Handles<const N: usize> {
    words: [Mutex<Cell<Word>>; N],
}

#[derive(Clone, Copy, Debug)]
struct Word {
    generation: u16,
    state: State,
}

impl Word {
    const FREE: Self = Self { generation: 0, state: State::Free };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Open,
    Closing,
}

impl<const N: usize> Default for Handles<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Handles<N> {
    /// All slots free.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: [const { Mutex::new(Cell::new(Word::FREE)) }; N] }
    }

    /// Opens the lowest free slot.
    ///
    /// # Errors
    /// `NoSockets` when all are taken; `WouldBlock` when one of them waits to be given back.
    #[inline(never)]
    pub fn open(&self) -> nb::Result<SockFd, Error> {
        let mut closing = false;
        for (slot, word) in (0_u16..).zip(&self.words) {
            let opened = critical_section::with(|cs| {
                let Word { generation, state } = word.borrow(cs).get();
                closing |= state == State::Closing;
                (state == State::Free).then(|| {
                    let generation = generation.wrapping_add(1);
                    word.borrow(cs).set(Word { generation, state: State::Open });
                    SockFd::new(slot, generation)
                })
            });
            if let Some(fd) = opened {
                return Ok(fd);
            }
        }
        Err(if closing { nb::Error::WouldBlock } else { nb::Error::Other(Error::NoSockets) })
    }

    /// The slot behind a handle.
    ///
    /// # Errors
    /// `BadSocket` if it was closed, or never opened here.
    #[inline(never)]
    pub fn slot(&self, fd: SockFd) -> Result<usize, Error> {
        let slot = usize::from(fd.slot());
        let word = self.words.get(slot).ok_or(Error::BadSocket)?;
        let Word { generation, state } = critical_section::with(|cs| word.borrow(cs).get());
        if state == State::Open && generation == fd.generation() {
            Ok(slot)
        } else {
            Err(Error::BadSocket)
        }
    }

    /// The handle of an open slot.
    #[inline(never)]
    pub fn handle(&self, slot: usize) -> Option<SockFd> {
        let Word { generation, state } =
            critical_section::with(|cs| self.words.get(slot).map(|word| word.borrow(cs).get()))?;
        let slot = u16::try_from(slot).ok()?;
        (state == State::Open).then_some(SockFd::new(slot, generation))
    }

    /// Marks a socket as closed. From now on its handle is stale. `false` if it was before.
    #[inline(never)]
    pub fn mark_closed(&self, fd: SockFd) -> bool {
        let Some(word) = self.words.get(usize::from(fd.slot())) else { return false };
        critical_section::with(|cs| {
            let Word { generation, state } = word.borrow(cs).get();
            let live = state == State::Open && generation == fd.generation();
            if live {
                word.borrow(cs).set(Word { generation, state: State::Closing });
            }
            live
        })
    }

    /// Whether a slot was marked closed and waits to be given back.
    #[inline(never)]
    pub fn is_closing(&self, slot: usize) -> bool {
        self.words.get(slot).is_some_and(|word| {
            critical_section::with(|cs| word.borrow(cs).get().state == State::Closing)
        })
    }

    /// Gives a slot back after its socket was closed on the chip.
    #[inline(never)]
    pub fn release(&self, slot: usize) {
        if let Some(word) = self.words.get(slot) {
            critical_section::with(|cs| {
                let word = word.borrow(cs);
                word.set(Word { state: State::Free, ..word.get() });
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_handle_never_reaches_the_next_owner() {
        let handles = Handles::<1>::new();
        let first = handles.open().unwrap();
        assert_eq!(handles.slot(first), Ok(0));
        assert_eq!(handles.open(), Err(nb::Error::Other(Error::NoSockets)));
        assert!(handles.mark_closed(first));
        assert!(!handles.mark_closed(first), "closing twice is harmless");
        assert_eq!(handles.slot(first), Err(Error::BadSocket));
        assert_eq!(handles.open(), Err(nb::Error::WouldBlock), "a close is outstanding");
        assert!(handles.is_closing(0));
        handles.release(0);
        let second = handles.open().unwrap();
        assert_ne!(first, second);
        assert_eq!(handles.slot(first), Err(Error::BadSocket));
        assert_eq!(handles.handle(0), Some(second));
    }

    #[test]
    fn a_handle_from_nowhere_is_bad() {
        let handles = Handles::<2>::new();
        assert_eq!(handles.slot(SockFd::new(9, 1)), Err(Error::BadSocket));
        assert_eq!(handles.slot(SockFd::new(0, 0)), Err(Error::BadSocket));
        assert!(!handles.mark_closed(SockFd::new(9, 1)));
    }
}
