//! Bytes of commands and replies; knows neither the bus nor what a command does.

use core::net::Ipv4Addr;

/// What the slave's DMA buffer holds: longer commands are cut here.
pub(crate) const BUFFER: usize = 4092;
pub(crate) const START: u8 = 0xE0;
pub(crate) const END: u8 = 0xEE;
pub(crate) const ERROR: u8 = 0xEF;
pub(crate) const REPLY_FLAG: u8 = 0x80;

/// A command as the handlers see it: a zeroed buffer with what came in, read at fixed offsets.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    bytes: Vec<u8>,
}

impl Command {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.get(..BUFFER).unwrap_or(bytes).to_vec() }
    }

    /// What came in, without the zeros behind.
    pub(crate) fn received(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.byte(1)
    }

    pub(crate) fn byte(&self, at: usize) -> u8 {
        self.bytes.get(at).copied().unwrap_or(0)
    }

    pub(crate) fn u16_be(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.byte(at), self.byte(at + 1)])
    }

    pub(crate) fn u16_le(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.byte(at), self.byte(at + 1)])
    }

    pub(crate) fn u32_le(&self, at: usize) -> u32 {
        u32::from_le_bytes([self.byte(at), self.byte(at + 1), self.byte(at + 2), self.byte(at + 3)])
    }

    pub(crate) fn ip(&self, at: usize) -> Ipv4Addr {
        Ipv4Addr::new(self.byte(at), self.byte(at + 1), self.byte(at + 2), self.byte(at + 3))
    }

    /// `length` bytes from `at`; what never came in reads as zero, what lies past the buffer not
    /// at all.
    pub(crate) fn bytes(&self, at: usize, length: usize) -> Vec<u8> {
        let end = (at + length).min(BUFFER);
        (at..end).map(|index| self.byte(index)).collect()
    }

    /// A string param whose one-byte length is at `at`, and the offset behind it.
    pub(crate) fn string(&self, at: usize) -> (Vec<u8>, usize) {
        let length = usize::from(self.byte(at));
        (self.bytes(at + 1, length), at + 1 + length)
    }
}

/// What a handler answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Params with one-byte lengths.
    Params(Vec<Vec<u8>>),
    /// Params with two-byte lengths, big-endian.
    Wide(Vec<Vec<u8>>),
    /// The handler returned length 0, or there is none.
    Error,
    /// What the handler left in the buffer. Nothing at all is a reply without bytes.
    Raw(Vec<u8>),
}

impl Reply {
    pub(crate) fn u8(value: u8) -> Self {
        Self::Params(vec![vec![value]])
    }

    pub(crate) fn ok() -> Self {
        Self::u8(1)
    }

    /// 1 or 0.
    pub(crate) fn flag(value: bool) -> Self {
        Self::u8(u8::from(value))
    }

    pub(crate) fn bytes(value: &[u8]) -> Self {
        Self::Params(vec![value.to_vec()])
    }

    pub(crate) fn ip(value: Ipv4Addr) -> Self {
        Self::bytes(&value.octets())
    }

    /// The bytes that are armed: padded with zeros to whole words, cut at the buffer's end.
    pub(crate) fn encode(&self, opcode: u8) -> Vec<u8> {
        let mut out = vec![START, opcode | REPLY_FLAG];
        match self {
            Self::Params(params) => {
                out.push(low(params.len()));
                for param in params {
                    out.push(low(param.len()));
                    out.extend_from_slice(param);
                }
                out.push(END);
            }
            Self::Wide(params) => {
                out.push(low(params.len()));
                for param in params {
                    out.push(low(param.len() >> 8));
                    out.push(low(param.len()));
                    out.extend_from_slice(param);
                }
                out.push(END);
            }
            Self::Error => out = vec![ERROR, 0, END],
            Self::Raw(bytes) => out.clone_from(bytes),
        }
        out.resize(out.len().next_multiple_of(4), 0);
        out.truncate(BUFFER);
        out
    }
}

/// The low byte of a count, as C's conversion to `uint8_t` keeps it.
fn low(count: usize) -> u8 {
    count.to_le_bytes().first().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_never_came_read_as_zero() {
        let command = Command::new(&[0xE0, 0x2B, 0x01, 0x01, 0x00]);
        assert_eq!(command.byte(6), 0);
        assert_eq!(command.bytes(4, 3), [0, 0, 0]);
        assert_eq!(command.bytes(BUFFER - 1, 9).len(), 1);
    }

    #[test]
    fn replies_are_whole_words() {
        assert_eq!(Reply::ok().encode(0x2A), [0xE0, 0xAA, 1, 1, 1, 0xEE, 0, 0]);
        assert_eq!(Reply::Error.encode(0x38), [0xEF, 0, 0xEE, 0]);
        assert_eq!(Reply::Params(vec![]).encode(0x2D), [0xE0, 0xAD, 0, 0xEE]);
        assert_eq!(Reply::Wide(vec![vec![]]).encode(0x45), [0xE0, 0xC5, 1, 0, 0, 0xEE, 0, 0]);
    }
}
