//! What an interrupt receives and a driver reads.

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use crate::positions::Positions;
use crate::rts::{NoRts, Watermark};
use crate::{LineError, Receive};

/// A ring of N bytes that an interrupt handler fills and a driver empties. For a `static`.
///
/// One context pushes and one reads; with more, bytes may get lost or come twice, and nothing worse.
/// What does not fit is lost, and the reader is told so at that place. Up to four gaps are
/// remembered at once; if a fifth comes before the first was read, it lasts until then.
///
/// No compare-and-swap is used. Interrupts are off for a few instructions when bytes are lost, and
/// only then.
pub struct RxRing<const N: usize> {
    bytes: [AtomicU8; N],
    at: Positions<N>,
    /// Positions of the first byte after each gap.
    gaps: [AtomicUsize; GAPS],
    gaps_at: Positions<GAPS>,
    /// Bytes were lost behind everything that is here. The reader changes it only with interrupts
    /// off.
    lossy: AtomicBool,
    lost: AtomicU32,
}

impl<const N: usize> Default for RxRing<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> RxRing<N> {
    /// An empty ring.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            bytes: [const { AtomicU8::new(0) }; N],
            at: Positions::new(),
            gaps: [const { AtomicUsize::new(0) }; GAPS],
            gaps_at: Positions::new(),
            lossy: AtomicBool::new(false),
            lost: AtomicU32::new(0),
        }
    }

    /// Keeps a byte that came in. `false`: there was no room, and it is lost.
    pub fn push(&self, byte: u8) -> bool {
        let tail = self.at.tail();
        let full = Positions::<N>::between(self.at.head(), tail) >= N;
        if full || (self.lossy.load(Ordering::Relaxed) && !self.end_gap(tail)) {
            self.lossy.store(true, Ordering::Relaxed);
            self.lost.store(self.lost().wrapping_add(1), Ordering::Relaxed);
            return false;
        }
        let Some(place) = self.bytes.get(Positions::<N>::place(tail)) else { return false };
        place.store(byte, Ordering::Relaxed);
        self.at.set_tail(Positions::<N>::after(tail, 1));
        true
    }

    /// Bytes were lost here, or damaged: the UART says that it was overrun, or that a frame or its
    /// parity was wrong.
    pub fn lose(&self) {
        self.lossy.store(true, Ordering::Relaxed);
    }

    /// How many bytes wait to be read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// Whether no byte waits to be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes were lost for want of room, since the start.
    #[must_use]
    pub fn lost(&self) -> u32 {
        self.lost.load(Ordering::Relaxed)
    }

    /// The reading end. There is to be one.
    #[must_use]
    pub fn reader(&self) -> RxReader<'_, N> {
        RxReader { ring: self, rts: NoRts }
    }

    /// Ends a gap at this position. `false`: no more gaps can be remembered.
    fn end_gap(&self, tail: usize) -> bool {
        critical_section::with(|_| {
            if !self.lossy.load(Ordering::Relaxed) {
                // The reader was here in between, and knows.
                return true;
            }
            let end = self.gaps_at.tail();
            if self.gaps_at.len() >= GAPS {
                return false;
            }
            let Some(gap) = self.gaps.get(Positions::<GAPS>::place(end)) else { return false };
            gap.store(tail, Ordering::Relaxed);
            self.gaps_at.set_tail(Positions::<GAPS>::after(end, 1));
            self.lossy.store(false, Ordering::Relaxed);
            true
        })
    }

    fn read(&self, buf: &mut [u8]) -> Result<usize, LineError> {
        let head = self.at.head();
        // First the end, then the gaps: whoever sees a byte sees the gap before it.
        let tail = self.at.tail();
        let next = self.next_gap();
        if next == Some(head) {
            self.gaps_at.set_head(Positions::<GAPS>::after(self.gaps_at.head(), 1));
            return Err(LineError::Lost);
        }
        if head == tail {
            return if self.ends_in_gap() { Err(LineError::Lost) } else { Ok(0) };
        }
        let before = Positions::<N>::between(head, next.unwrap_or(tail));
        let length = before.min(buf.len());
        for (nth, place) in buf.iter_mut().take(length).enumerate() {
            let byte = self.bytes.get(Positions::<N>::place(Positions::<N>::after(head, nth)));
            *place = byte.map_or(0, |byte| byte.load(Ordering::Relaxed));
        }
        self.at.set_head(Positions::<N>::after(head, length));
        Ok(length)
    }

    fn next_gap(&self) -> Option<usize> {
        if self.gaps_at.len() == 0 {
            return None;
        }
        let gap = self.gaps.get(Positions::<GAPS>::place(self.gaps_at.head()));
        gap.map(|gap| gap.load(Ordering::Relaxed))
    }

    /// Whether bytes were lost behind the last one that was read, and nothing came since.
    fn ends_in_gap(&self) -> bool {
        self.lossy.load(Ordering::Relaxed)
            && critical_section::with(|_| {
                let ends = self.at.len() == 0 && self.lossy.load(Ordering::Relaxed);
                if ends {
                    self.lossy.store(false, Ordering::Relaxed);
                }
                ends
            })
    }
}

impl<const N: usize> fmt::Debug for RxRing<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RxRing").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The reading end of an [`RxRing`].
#[derive(Debug)]
pub struct RxReader<'a, const N: usize, R = NoRts> {
    ring: &'a RxRing<N>,
    rts: R,
}

impl<'a, const N: usize> RxReader<'a, N> {
    /// Lets the chip go on when there is room again. The interrupt handler stops it, by
    /// [`Rts::update`](crate::Rts::update) after each byte.
    #[must_use]
    pub fn with_rts<R: Watermark>(self, rts: R) -> RxReader<'a, N, R> {
        RxReader { ring: self.ring, rts }
    }
}

impl<const N: usize, R: Watermark> Receive for RxReader<'_, N, R> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        let read = self.ring.read(buf);
        self.rts.update(self.ring.len())?;
        read
    }

    fn capacity(&self) -> usize {
        N
    }
}

/// How many gaps are remembered.
const GAPS: usize = 4;
