//! Bytes of the line to messages and back: the receive ring, and the frame layer that trusts every
//! length it reads.

use std::collections::VecDeque;

use crate::crc::crc16;

/// The largest message, in either direction.
pub(crate) const MESSAGE_MAX: usize = 4096;
/// What the receive ring holds; the interrupt drops what comes beyond.
const RING: usize = 4095;
const HEADER: usize = 4;

/// The buffer between the UART's interrupt and the server task.
#[derive(Debug, Default)]
pub(crate) struct Ring(VecDeque<u8>);

impl Ring {
    /// Takes a byte, or drops it (`false`) when it is full.
    pub(crate) fn push(&mut self, byte: u8) -> bool {
        let room = !self.is_full();
        if room {
            self.0.push_back(byte);
        }
        room
    }

    pub(crate) fn pop(&mut self) -> Option<u8> {
        self.0.pop_front()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= RING
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
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
    fn zeros_are_dropped_four_at_a_time() {
        let mut assembler = Assembler::default();
        assert_eq!(feed(&mut assembler, &[0; 9]), [Framed::Empty, Framed::Empty]);
        assert!(assembler.is_amid());
    }
}
