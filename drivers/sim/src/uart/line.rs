//! One direction of a serial line: what waits, what is on the wire, and what the other end makes of it.

use std::collections::VecDeque;

/// A transmitter with its FIFO. Times are in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Line {
    fifo: VecDeque<Sent>,
    /// The byte on the wire, and when its stop bit ends.
    sending: Option<(Sent, u64)>,
    /// Until when the receiver is at a byte, and takes no start bit.
    deaf: u64,
}

/// A byte and the rate that it goes out at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) byte: u8,
    pub(super) baud: u32,
}

/// What a receiver makes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) byte: u8,
    /// Whether a stop bit was where one has to be.
    pub(super) framed: bool,
}

impl Line {
    pub(super) fn waiting(&self) -> usize {
        self.fifo.len()
    }

    pub(super) fn push(&mut self, byte: u8, baud: u32) {
        self.fifo.push_back(Sent { byte, baud });
    }

    /// Puts the next byte on the wire, if the wire is free.
    pub(super) fn start(&mut self, now: u64, nanos: impl Fn(u32) -> u64) {
        if self.sending.is_none() {
            let next = self.fifo.pop_front();
            self.sending = next.map(|sent| (sent, now + nanos(sent.baud)));
        }
    }

    /// The byte whose stop bit has ended by `now`.
    pub(super) fn arrived(&mut self, now: u64) -> Option<Sent> {
        let (sent, _) = self.sending.filter(|(_, end)| *end <= now)?;
        self.sending = None;
        Some(sent)
    }

    /// When the byte on the wire ends.
    pub(super) fn end(&self) -> Option<u64> {
        self.sending.map(|(_, end)| end)
    }

    /// Nothing waits and nothing is on the wire.
    pub(super) fn is_idle(&self) -> bool {
        self.sending.is_none() && self.fifo.is_empty()
    }

    /// The transmitter was reset.
    pub(super) fn clear(&mut self) {
        self.fifo.clear();
        self.sending = None;
        self.deaf = 0;
    }

    /// What a receiver at `baud` makes of a byte that has just arrived.
    pub(super) fn seen(&mut self, sent: Sent, now: u64, baud: u32) -> Vec<Seen> {
        let began = now.saturating_sub(byte_nanos(sent.baud));
        if began < self.deaf {
            return Vec::new();
        }
        let seen = sampled(sent, baud);
        let stop = byte_nanos(baud) * 95 / 100;
        self.deaf = if sent.baud == baud || seen.is_empty() { 0 } else { began + stop };
        seen
    }
}

/// What a byte takes on the wire: a start bit, eight of data, a stop bit.
pub(super) fn byte_nanos(baud: u32) -> u64 {
    let baud = u64::from(baud.max(1));
    (10 * 1_000_000_000 + baud / 2) / baud
}

/// Samples one frame in the middles of the receiver's bits; after the frame the line is high.
fn sampled(sent: Sent, baud: u32) -> Vec<Seen> {
    if sent.baud == baud {
        return vec![Seen { byte: sent.byte, framed: true }];
    }
    let (sender, receiver) = (u64::from(sent.baud.max(1)), u64::from(baud.max(1)));
    // In halves of the sender's bits, times the receiver's rate, so that all is whole.
    let level = |place: u64| {
        let bit = u32::try_from(place / (2 * receiver)).unwrap_or(u32::MAX);
        match bit {
            0 => false,
            1..=8 => sent.byte >> (bit - 1) & 1 == 1,
            _ => true,
        }
    };
    let mut seen = Vec::new();
    let mut start = 0;
    while seen.len() < 64 {
        let sample = |nth: u64| level(start + (2 * nth + 1) * sender);
        if !sample(0) {
            let byte = (0..8).filter(|bit| sample(bit + 1)).fold(0, |byte, bit| byte | 1 << bit);
            seen.push(Seen { byte, framed: sample(9) });
        }
        // The next start bit is the next falling edge behind the stop bit's middle.
        let resumes = (start + 19 * sender) / (2 * receiver);
        let edge = (resumes + 1..9)
            .find(|bit| level((bit - 1) * 2 * receiver) && !level(bit * 2 * receiver));
        let Some(edge) = edge else { break };
        start = edge * 2 * receiver;
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(byte: u8, sender: u32, receiver: u32) -> Vec<Seen> {
        sampled(Sent { byte, baud: sender }, receiver)
    }

    #[test]
    fn rates_that_differ_by_three_in_a_hundred_understand_each_other() {
        for byte in 0..=255 {
            for receiver in [111_700, 115_200, 118_700] {
                let expected = vec![Seen { byte, framed: true }];
                assert_eq!(read(byte, 115_200, receiver), expected, "{byte:02x} at {receiver}");
            }
        }
    }

    #[test]
    fn a_receiver_of_twice_the_rate_sees_each_bit_twice() {
        // 0x55 goes out as 0 1 0 1 0 1 0 1 0 1; where the first byte has its stop bit, it is low.
        let seen = read(0x55, 9_600, 19_200);
        assert_eq!(seen[0], Seen { byte: 0x66, framed: false });
        assert_eq!(seen.len(), 2);
    }

    #[test]
    fn a_receiver_of_half_the_rate_skips_bits() {
        // It samples where every second bit begins: bit 0 is its start bit, then bits 2, 4 and 6.
        let seen = read(0b1010_1010, 19_200, 9_600);
        assert_eq!(seen, [Seen { byte: 0b1111_1000, framed: true }]);
        assert_eq!(read(0xFF, 19_200, 9_600), []);
    }

    #[test]
    fn a_byte_takes_ten_bits() {
        assert_eq!(byte_nanos(115_200), 86_806);
        assert_eq!(byte_nanos(1_000_000), 10_000);
    }
}
