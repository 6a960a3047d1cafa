//! What the host has received and not read yet.

use std::collections::VecDeque;

use netdev_uart::LineError;

/// A ring of bytes that knows where some are missing.
#[derive(Debug)]
pub(super) struct Ring {
    items: VecDeque<Item>,
    bytes: usize,
    capacity: usize,
    /// Bytes were lost behind everything that is here.
    gap: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Byte(u8),
    Gap,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self { items: VecDeque::new(), bytes: 0, capacity: capacity.max(1), gap: false }
    }

    /// What no longer fits is lost.
    pub(super) fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
    }

    /// Whether there was room for it.
    pub(super) fn push(&mut self, byte: u8) -> bool {
        if self.free() == 0 {
            self.gap = true;
            return false;
        }
        if core::mem::take(&mut self.gap) {
            self.items.push_back(Item::Gap);
        }
        self.items.push_back(Item::Byte(byte));
        self.bytes += 1;
        true
    }

    /// Bytes are missing here.
    pub(super) fn lose(&mut self) {
        self.gap = true;
    }

    pub(super) fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        if self.items.front() == Some(&Item::Gap) {
            self.items.pop_front();
            return Err(LineError::Lost);
        }
        if self.items.is_empty() && core::mem::take(&mut self.gap) {
            return Err(LineError::Lost);
        }
        let mut length = 0;
        for place in buf {
            let Some(Item::Byte(byte)) = self.items.front() else { break };
            *place = *byte;
            self.items.pop_front();
            length += 1;
        }
        self.bytes -= length;
        Ok(length)
    }

    /// Whether a read has something to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty() && !self.gap
    }

    pub(super) fn free(&self) -> usize {
        self.capacity.saturating_sub(self.bytes)
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_told_once_at_its_place() {
        let mut ring = Ring::new(2);
        let mut buf = [0; 8];
        assert!(ring.push(1) && ring.push(2));
        assert!(!ring.push(3) && !ring.push(4));
        assert_eq!(ring.read(&mut buf[..1]), Ok(1));
        assert!(ring.push(5));
        assert_eq!(ring.read(&mut buf), Ok(1));
        assert_eq!(buf[0], 2);
        assert_eq!(ring.read(&mut buf), Err(LineError::Lost));
        assert_eq!(ring.read(&mut buf), Ok(1));
        assert_eq!(buf[0], 5);
        assert_eq!(ring.read(&mut buf), Ok(0));
    }

    #[test]
    fn a_gap_at_the_end_is_told_when_everything_before_it_was_read() {
        let mut ring = Ring::new(1);
        assert!(ring.push(1) && !ring.push(2));
        assert_eq!(ring.read(&mut [0; 4]), Ok(1));
        assert!(!ring.is_empty());
        assert_eq!(ring.read(&mut [0; 4]), Err(LineError::Lost));
        assert_eq!(ring.read(&mut [0; 4]), Ok(0));
        assert!(ring.push(3));
        assert_eq!(ring.read(&mut [0; 4]), Ok(1));
    }
}
