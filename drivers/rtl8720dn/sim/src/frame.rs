//! Bytes of the line to messages and back: the receive ring, and the frame layer that trusts every
//! length it reads.

use core::time::Duration;
use std::collections::VecDeque;

use netdev::Instant;

use crate::crc::crc16;

/// The largest message, in either direction.
pub(crate) const MESSAGE_MAX: usize = 4096;
/// What the receive ring holds; the interrupt drops what comes beyond.
const RING: usize = 4095;
/// With what counts as being on its way.
const RING_MAX: usize = 65_536;
const HEADER: usize = 4;
/// Ten bits, in millionths of a second at one bit a second.
const BYTE: u64 = 10_000_000;

/// The buffer between the UART's interrupt and the server task.
///
/// Bytes may be handed over faster than the line can carry them, where nothing is paced. Those that
/// the line could not have brought yet count as still on their way: they fill the ring when they
/// would have arrived.
#[derive(Debug)]
pub(crate) struct Ring {
    bytes: VecDeque<u8>,
    /// Bytes that would still be on their way, as of `looked`.
    under_way: u64,
    looked: Instant,
    baud: u64,
}

impl Ring {
    pub(crate) fn new(baud: u32) -> Self {
        Self {
            bytes: VecDeque::new(),
            under_way: 0,
            looked: Instant::START,
            baud: baud.max(1).into(),
        }
    }

    /// So many bytes are about to be pushed.
    pub(crate) fn announce(&mut self, count: usize, now: Instant) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        let passed = now.saturating_since(self.looked);
        let passed = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX);
        let carried = passed.saturating_mul(self.baud) / BYTE;
        self.under_way = self.under_way.saturating_add(count);
        if self.under_way <= carried {
            self.under_way = 0;
            self.looked = now;
        } else {
            self.under_way -= carried;
            // What is left of a byte's time counts next time.
            self.looked = self.looked + Duration::from_micros(carried * BYTE / self.baud);
        }
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.bytes.push_back(byte);
    }

    pub(crate) fn pop(&mut self) -> Option<u8> {
        self.bytes.pop_front()
    }

    /// Drops what came in while the ring was full, the newest; tells how much that was.
    pub(crate) fn settle(&mut self, now: Instant) -> usize {
        self.announce(0, now);
        let room = RING.saturating_add(usize::try_from(self.under_way).unwrap_or(0)).min(RING_MAX);
        let lost = self.bytes.len().saturating_sub(room);
        self.bytes.truncate(room);
        lost
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= RING
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.under_way = 0;
    }
}

/// What the frame layer made of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framed {
    /// A message with the right checksum.
    Message(Vec<u8>),
    /// Dropped, and the next frame begins where it should.
    BadCrc(usize),
    /// A header that announces nothing.
    Empty,
    /// A header that announces too much. Its body is taken for headers: alignment is lost.
    Oversize(usize),
}

/// Puts frames together, byte by byte, and waits for ever for the rest of one.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    header: Vec<u8>,
    body: Vec<u8>,
}

impl Assembler {
    pub(crate) fn push(&mut self, byte: u8) -> Option<Framed> {
        if let &[a, b, c, d] = self.header.as_slice() {
            self.body.push(byte);
            let (size, crc) = (u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d]));
            return (self.body.len() >= size.into()).then(|| self.finish(crc));
        }
        self.header.push(byte);
        let &[a, b, ..] = self.header.as_slice() else { return None };
        let size = usize::from(u16::from_le_bytes([a, b]));
        if self.header.len() < HEADER || (1..=MESSAGE_MAX).contains(&size) {
            return None;
        }
        self.header.clear();
        Some(if size == 0 { Framed::Empty } else { Framed::Oversize(size) })
    }

    fn finish(&mut self, crc: u16) -> Framed {
        self.header.clear();
        let body = core::mem::take(&mut self.body);
        if crc16(&body) == crc { Framed::Message(body) } else { Framed::BadCrc(body.len()) }
    }

    /// Whether a frame has begun and not ended.
    pub(crate) fn is_amid(&self) -> bool {
        !self.header.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Header and body of a frame, which the firmware writes one after the other. A message that is too
/// long has none.
pub(crate) fn frame(message: &[u8]) -> Option<([u8; HEADER], &[u8])> {
    let size = u16::try_from(message.len()).ok().filter(|_| message.len() <= MESSAGE_MAX)?;
    let [a, b] = size.to_le_bytes();
    let [c, d] = crc16(message).to_le_bytes();
    Some(([a, b, c, d], message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(assembler: &mut Assembler, bytes: &[u8]) -> Vec<Framed> {
        bytes.iter().filter_map(|byte| assembler.push(*byte)).collect()
    }

    fn framed(message: &[u8]) -> Vec<u8> {
        let (header, body) = frame(message).unwrap();
        [&header, body].concat()
    }

    #[test]
    fn frames_come_out_as_they_went_in() {
        let mut assembler = Assembler::default();
        for length in [1, 2, 8, 4095, 4096] {
            let message = vec![0x5A; length];
            let out = feed(&mut assembler, &framed(&message));
            assert_eq!(out, [Framed::Message(message)], "{length}");
            assert!(!assembler.is_amid());
        }
    }

    #[test]
    fn a_message_that_is_too_long_has_no_frame() {
        assert!(frame(&vec![0; 4096]).is_some());
        assert!(frame(&vec![0; 4097]).is_none());
    }

    #[test]
    fn a_bad_checksum_costs_one_frame_and_a_bad_length_the_alignment() {
        let mut assembler = Assembler::default();
        let mut bad = framed(b"hello");
        bad[6] ^= 1;
        bad.extend(framed(b"again"));
        let out = feed(&mut assembler, &bad);
        assert_eq!(out, [Framed::BadCrc(5), Framed::Message(b"again".to_vec())]);

        let mut long = vec![0x01, 0x10, 0, 0];
        long.extend(framed(b"hi"));
        long.extend(framed(b"ho"));
        let out = feed(&mut assembler, &long);
        assert!(matches!(out[..], [Framed::Oversize(4097), Framed::Message(_), ..]), "{out:?}");
        let out = feed(&mut assembler, &[0xFF, 0xFF, 1, 2, 0x99, 0x99, 3, 4]);
        assert_eq!(out, [Framed::Oversize(0xFFFF), Framed::Oversize(0x9999)]);
    }

    #[test]
    fn the_ring_holds_4095_bytes_and_what_the_line_could_not_have_brought() {
        let at = Instant::from_micros;
        let mut ring = Ring::new(614_400);
        let mut push = |count: usize, now: u64| {
            ring.announce(count, at(now));
            (0..count).for_each(|_| ring.push(0));
            ring.settle(at(now))
        };
        assert_eq!(push(4100, 1_000_000), 5, "they had time to arrive");
        assert_eq!(push(1000, 1_000_000), 0, "these had not");
        assert_eq!(ring.settle(at(1_008_138)), 499);
        assert_eq!(ring.settle(at(2_000_000)), 501);
    }

    #[test]
    fn zeros_are_dropped_four_at_a_time() {
        let mut assembler = Assembler::default();
        assert_eq!(feed(&mut assembler, &[0; 9]), [Framed::Empty, Framed::Empty]);
        assert!(assembler.is_amid());
    }
}
