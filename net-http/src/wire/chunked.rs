//! The chunked transfer coding (RFC 9112 section 7.1).

use core::fmt;

use super::ascii::{hex_digit, is_token_byte, is_value_byte};

/// Finds the data between the chunk lines. Bytes go in as they come; the data is never copied.
#[derive(Clone, Copy, Debug)]
pub struct Decoder {
    state: State,
    /// Data bytes of this chunk that are still to come, or the size read so far.
    left: u64,
    /// Bytes of the line so far.
    line: u16,
    /// How far framing outweighs data, so that tiny chunks with long extensions end.
    excess: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size,
    SizeEnd,
    Extension,
    SizeLineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLineFeed,
    LastLineFeed,
    End,
}

/// What [`Decoder::advance`] stopped at.
#[expect(clippy::exhaustive_enums, reason = "a body goes on, or has data, or has ended")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// All bytes are used up, and more must come.
    More,
    /// This many bytes that follow are data; [`Decoder::take`] tells how many were taken.
    Data(usize),
    /// The body has ended; what follows belongs to the next message.
    End,
}

/// The bytes are not chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BadChunk;

impl fmt::Display for BadChunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("malformed chunked encoding")
    }
}

impl core::error::Error for BadChunk {}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Longest chunk line, and longest trailer section, in bytes.
    const LINE_MAX: u16 = 4096;
    /// Framing may outweigh the data by this much.
    const EXCESS_MAX: u32 = 16 * 1024;
    /// Hex digits that a size may have: a 17th is an error, not a wrap.
    const SIZE_DIGITS: u16 = 16;

    /// A decoder at the start of a body.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Size, left: 0, line: 0, excess: 0 }
    }

    /// Goes over framing until data, the end, or the end of `input`. Tells how many bytes it went
    /// over; the data it found lies behind them.
    ///
    /// # Errors
    /// [`BadChunk`], from then on for every call.
    pub fn advance(&mut self, input: &[u8]) -> Result<(usize, Step), BadChunk> {
        let mut used = 0;
        loop {
            if self.state == State::Data {
                let here = input.len().saturating_sub(used);
                let data = usize::try_from(self.left).unwrap_or(usize::MAX).min(here);
                return Ok((used, if data == 0 { Step::More } else { Step::Data(data) }));
            }
            if self.state == State::End {
                return Ok((used, Step::End));
            }
            let Some(&byte) = input.get(used) else {
                return Ok((used, Step::More));
            };
            used += 1;
            self.state = self.next(byte)?;
        }
    }

    /// `count` bytes of the data that was found have been taken.
    pub fn take(&mut self, count: usize) {
        self.left = self.left.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        if self.left == 0 && self.state == State::Data {
            self.state = State::DataReturn;
        }
    }

    /// Whether the end of the body has been seen.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.state == State::End
    }

    /// Bytes of the trailer section that were gone over, its blank line included.
    pub(crate) fn trailer_bytes(&self) -> u16 {
        match self.state {
            State::TrailerStart
            | State::TrailerName
            | State::TrailerValue
            | State::TrailerLineFeed
            | State::LastLineFeed
            | State::End => self.line,
            _ => 0,
        }
    }

    /// Whether the last chunk has been seen, and of the trailer section at most its blank line.
    #[cfg(test)]
    pub(crate) fn in_trailer(&self) -> bool {
        matches!(self.state, State::TrailerStart | State::LastLineFeed | State::End)
    }

    fn next(&mut self, byte: u8) -> Result<State, BadChunk> {
        self.line = self.line.saturating_add(1);
        if self.line > Self::LINE_MAX {
            return Err(BadChunk);
        }
        let next = match (self.state, byte) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => self.size_digit(byte)?,
            (State::Size, _) if self.line == 1 => return Err(BadChunk),
            (State::Size | State::SizeEnd, b' ' | b'\t') => State::SizeEnd,
            (State::Size | State::SizeEnd, b';') => State::Extension,
            (State::Size | State::SizeEnd | State::Extension, b'\r') => State::SizeLineFeed,
            (State::Extension, b'\n') => return Err(BadChunk),
            (State::Extension, _) => State::Extension,
            (State::SizeLineFeed, b'\n') => self.size_line_ended()?,
            (State::DataReturn, b'\r') => State::DataLineFeed,
            (State::DataLineFeed, b'\n') => {
                self.line = 0;
                State::Size
            }
            _ => return self.next_in_trailer(byte),
        };
        Ok(next)
    }

    fn next_in_trailer(&mut self, byte: u8) -> Result<State, BadChunk> {
        Ok(match (self.state, byte) {
            (State::TrailerStart, b'\r') => State::LastLineFeed,
            (State::LastLineFeed, b'\n') => State::End,
            (State::TrailerStart | State::TrailerName, _) if is_token_byte(byte) => {
                State::TrailerName
            }
            (State::TrailerName, b':') => State::TrailerValue,
            (State::TrailerValue, b'\r') => State::TrailerLineFeed,
            (State::TrailerLineFeed, b'\n') => State::TrailerStart,
            (State::TrailerValue, _) if is_value_byte(byte) => State::TrailerValue,
            _ => return Err(BadChunk),
        })
    }

    fn size_digit(&mut self, byte: u8) -> Result<State, BadChunk> {
        if self.line > Self::SIZE_DIGITS {
            return Err(BadChunk);
        }
        if self.line == 1 {
            self.left = 0;
        }
        self.left = self.left << 4 | u64::from(hex_digit(byte).unwrap_or(0));
        Ok(State::Size)
    }

    fn size_line_ended(&mut self) -> Result<State, BadChunk> {
        let cost = u64::from(self.excess) + u64::from(self.line);
        let excess = cost.saturating_sub(self.left.saturating_mul(2).saturating_add(16));
        self.excess = u32::try_from(excess).unwrap_or(u32::MAX);
        if self.excess > Self::EXCESS_MAX {
            return Err(BadChunk);
        }
        self.line = 0;
        Ok(if self.left == 0 { State::TrailerStart } else { State::Data })
    }
}

/// The line before a chunk of `length` bytes: lower-case hex and CR LF, at the end of the array.
pub(crate) struct SizeLine {
    bytes: [u8; Self::MAX],
    start: u8,
}

impl SizeLine {
    /// Sixteen digits and CR LF.
    const MAX: usize = 18;

    pub(crate) fn new(length: usize) -> Self {
        let mut line = Self { bytes: [b'\n'; Self::MAX], start: 16 };
        let mut rest = length;
        for (index, slot) in line.bytes.iter_mut().enumerate().rev().skip(1) {
            if index == 16 {
                *slot = b'\r';
                continue;
            }
            *slot = b"0123456789abcdef".get(rest % 16).copied().unwrap_or(b'0');
            rest /= 16;
            if rest == 0 {
                line.start = u8::try_from(index).unwrap_or(0);
                break;
            }
        }
        line
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(usize::from(self.start)..).unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests;
