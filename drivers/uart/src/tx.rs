//! What a driver writes and an interrupt sends.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crate::positions::Positions;
use crate::{LineError, Transmit};

/// A ring of N bytes that a driver fills and an interrupt handler empties. For a `static`, with a
/// HAL that cannot tell whether a write would block.
///
/// One context writes and one pops.
pub struct TxRing<const N: usize> {
    bytes: [AtomicU8; N],
    at: Positions<N>,
    held: AtomicBool,
}

impl<const N: usize> Default for TxRing<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> TxRing<N> {
    /// An empty ring.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: [const { AtomicU8::new(0) }; N],
            at: Positions::new(),
            held: AtomicBool::new(false),
        }
    }

    /// The next byte to send, for an interrupt handler whose transmitter has room. `None`: there is
    /// none now; switch the interrupt off, the [writer](Self::writer) starts it again.
    pub fn pop(&self) -> Option<u8> {
        if self.held.load(Ordering::Relaxed) {
            return None;
        }
        let head = self.at.head();
        if head == self.at.tail() {
            return None;
        }
        let byte = self.bytes.get(Positions::<N>::place(head))?.load(Ordering::Relaxed);
        self.at.set_head(Positions::<N>::after(head, 1));
        Some(byte)
    }

    /// Holds everything back, or lets it go: the chip's RTS, for a UART that does not obey it by
    /// itself. Start the interrupt after letting go.
    pub fn hold(&self, held: bool) {
        self.held.store(held, Ordering::Relaxed);
    }

    /// Whether every byte was popped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.at.len() == 0
    }

    /// The writing end. There is to be one.
    ///
    /// `start` switches the transmitter's interrupt on; it is called whenever something waits.
    /// `is_idle` tells whether the UART itself has sent everything that it was given.
    #[must_use]
    pub fn writer<S, I>(&self, start: S, is_idle: I) -> TxWriter<'_, N, S, I>
    where
        S: FnMut(),
        I: FnMut() -> bool,
    {
        TxWriter { ring: self, start, is_idle }
    }

    fn push(&self, byte: u8) -> bool {
        let tail = self.at.tail();
        if Positions::<N>::between(self.at.head(), tail) >= N {
            return false;
        }
        let Some(place) = self.bytes.get(Positions::<N>::place(tail)) else { return false };
        place.store(byte, Ordering::Relaxed);
        self.at.set_tail(Positions::<N>::after(tail, 1));
        true
    }
}

impl<const N: usize> fmt::Debug for TxRing<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxRing").field("len", &self.at.len()).finish_non_exhaustive()
    }
}

/// The writing end of a [`TxRing`].
pub struct TxWriter<'a, const N: usize, S, I> {
    ring: &'a TxRing<N>,
    start: S,
    is_idle: I,
}

impl<const N: usize, S, I> Transmit for TxWriter<'_, N, S, I>
where
    S: FnMut() + Send,
    I: FnMut() -> bool + Send,
{
    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        let taken = bytes.iter().take_while(|byte| self.ring.push(**byte)).count();
        if !self.ring.is_empty() {
            (self.start)();
        }
        Ok(taken)
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        if !self.ring.is_empty() {
            (self.start)();
            return Err(nb::Error::WouldBlock);
        }
        if (self.is_idle)() { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }
}

impl<const N: usize, S, I> fmt::Debug for TxWriter<'_, N, S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TxWriter").field("ring", &self.ring).finish_non_exhaustive()
    }
}
