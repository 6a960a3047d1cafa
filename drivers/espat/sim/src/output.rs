//! The firmware's transmit ring.

use std::collections::VecDeque;

use netdev::Instant;

/// Room in the ring; a task that writes more waits.
const RING: usize = 8192;

#[derive(Debug, Default)]
pub(crate) struct Output {
    ring: VecDeque<u8>,
    /// So many bytes may still go; the rest waits until that moment.
    stall: Option<(usize, Instant)>,
}

impl Output {
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.ring.extend(bytes);
    }

    /// Puts bytes whose second half is late.
    pub(crate) fn put_stalled(&mut self, bytes: &[u8], until: Instant) {
        self.stall = Some((self.ring.len() + bytes.len() / 2, until));
        self.put(bytes);
    }

    /// How many bytes a task can write without waiting.
    pub(crate) fn room(&self) -> usize {
        RING.saturating_sub(self.ring.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Moves a prefix to `buf`.
    pub(crate) fn take(&mut self, buf: &mut [u8], now: Instant) -> usize {
        let open = match self.stall {
            Some((open, until)) if until > now => open,
            _ => usize::MAX,
        };
        let count = buf.len().min(open).min(self.ring.len());
        for (to, byte) in buf.iter_mut().zip(self.ring.drain(..count)) {
            *to = byte;
        }
        self.stall = match self.stall {
            Some((open, until)) if until > now => Some((open - count, until)),
            _ => None,
        };
        count
    }

    pub(crate) fn stalled_until(&self) -> Option<Instant> {
        self.stall.map(|(_, until)| until)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
