//! What waits for the line: frames of the server task and of the others, whole and in order.

use std::collections::VecDeque;

use netdev::Instant;

/// Bytes, each piece from its moment on.
#[derive(Debug, Default)]
pub(crate) struct Transmitter {
    pieces: VecDeque<(Instant, VecDeque<u8>)>,
    queued: u64,
    taken: u64,
}

impl Transmitter {
    /// Queues a piece; tells how many bytes will have gone out when it has.
    pub(crate) fn push(&mut self, bytes: &[u8], at: Instant) -> u64 {
        self.queued += u64::try_from(bytes.len()).unwrap_or(0);
        if !bytes.is_empty() {
            self.pieces.push_back((at, bytes.iter().copied().collect()));
        }
        self.queued
    }

    /// Moves what may go by `now` into a prefix of `buf`.
    pub(crate) fn take(&mut self, buf: &mut [u8], now: Instant) -> usize {
        let mut count = 0;
        for to in buf.iter_mut() {
            let Some((at, piece)) = self.pieces.front_mut() else { break };
            let Some(byte) = (*at <= now).then(|| piece.pop_front()).flatten() else { break };
            *to = byte;
            count += 1;
            if piece.is_empty() {
                self.pieces.pop_front();
            }
        }
        self.taken += u64::try_from(count).unwrap_or(0);
        count
    }

    /// Whether so many bytes have gone out.
    pub(crate) fn has_sent(&self, mark: u64) -> bool {
        self.taken >= mark
    }

    /// When the piece in front may go.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.pieces.front().map(|(at, _)| *at)
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_go_in_order_and_not_before_their_time() {
        let at = Instant::from_micros;
        let mut line = Transmitter::default();
        assert_eq!(line.push(&[1, 2], at(0)), 2);
        let mark = line.push(&[3], at(10));
        let mut buf = [0; 8];
        assert_eq!(line.take(&mut buf[..1], at(0)), 1);
        assert_eq!(line.take(&mut buf[1..], at(0)), 1);
        assert!(!line.has_sent(mark));
        assert_eq!(line.next(), Some(at(10)));
        assert_eq!(line.take(&mut buf[2..], at(10)), 1);
        assert!(line.has_sent(mark) && line.next().is_none());
        assert_eq!(buf[..3], [1, 2, 3]);
    }
}
