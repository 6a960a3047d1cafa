//! Frames: commands to bytes, replies to values. Pure, and knows no bus.
//!
//! A command is `E0 code count`, then length and bytes of each parameter, `EE`, and zeros up to a
//! multiple of four. A reply is the same with bit 7 of the code set, or `EF 00 EE` for "no".

use crate::command::Command;

pub(crate) const START: u8 = 0xE0;
pub(crate) const ERROR: u8 = 0xEF;
pub(crate) const END: u8 = 0xEE;
pub(crate) const REPLY: u8 = 0x80;

/// Bytes that every reply has: start, code, count, and a length or the end.
pub(crate) const HEAD: usize = 4;
/// Start, code, count and the wide length of a data reply.
pub(crate) const DATA_HEAD: usize = 5;

/// Address, length and bytes of the port, length of the data.
pub(crate) const SENDER_HEAD: usize = 10;

/// Longest run of small parameters that reaches the bus in one piece.
const GATHERED: usize = 32;

/// Gathers a command's bytes so that small ones reach the bus in one piece, and large parameters go
/// straight from the caller's slice.
pub(crate) struct Writer<W> {
    write: W,
    gathered: [u8; GATHERED],
    len: usize,
    total: usize,
}

impl<E, W: FnMut(&[u8]) -> Result<(), E>> Writer<W> {
    /// Writes the whole frame of a command through `write`.
    pub(crate) fn frame(command: &Command, params: &[&[u8]], write: W) -> Result<(), E> {
        let mut writer = Self { write, gathered: [0; GATHERED], len: 0, total: 0 };
        let count = u8::try_from(params.len()).unwrap_or(u8::MAX);
        writer.put(&[START, command.code, count])?;
        for param in params {
            let [.., high, low] = param.len().to_be_bytes();
            if command.wide {
                writer.put(&[high, low])?;
            } else {
                writer.put(&[low])?;
            }
            writer.put(param)?;
        }
        writer.put(&[END])?;
        // Zeros: byte 6 of AVAIL_DATA_TCP is read from the padding when its second parameter is
        // left out, and the last 1 to 3 bytes of an odd length may be lost.
        let padding = writer.total.next_multiple_of(4) - writer.total;
        writer.put([0; 3].get(..padding).unwrap_or_default())?;
        writer.flush()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), E> {
        self.total += bytes.len();
        if bytes.len() > GATHERED - self.len {
            self.flush()?;
        }
        match self.gathered.get_mut(self.len..self.len + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
                Ok(())
            }
            None => (self.write)(bytes),
        }
    }

    fn flush(&mut self) -> Result<(), E> {
        let len = core::mem::take(&mut self.len);
        match self.gathered.get(..len) {
            Some(bytes) if len > 0 => (self.write)(bytes),
            _ => Ok(()),
        }
    }
}

/// Why bytes are no reply to the command that is out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// The frame is not one that the protocol allows here.
    Frame,
    /// `EF`: the firmware does not know the command, or could not do it.
    Rejected,
}

/// What a reply says: the bytes of its parameters, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    bytes: [u8; Self::ROOM],
    len: u8,
    /// What ERRNO said behind an answer of 0.
    pub(crate) errno: u8,
}

impl Answer {
    /// What the longest answer needs: a version, in 16 bytes with its NUL.
    pub(crate) const ROOM: usize = 16;

    pub(crate) const EMPTY: Self = Self { bytes: [0; Self::ROOM], len: 0, errno: 0 };

    fn append(&mut self, param: &[u8]) -> Option<()> {
        let start = usize::from(self.len);
        self.bytes.get_mut(start..start + param.len())?.copy_from_slice(param);
        self.len += u8::try_from(param.len()).ok()?;
        Some(())
    }

    /// All bytes of all parameters.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The answer as exactly `N` bytes.
    pub(crate) fn array<const N: usize>(&self) -> Option<[u8; N]> {
        self.bytes().try_into().ok()
    }

    /// The answer as one byte.
    pub(crate) fn byte(&self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    /// Whether every byte is zero, or there is none: how these replies say "no" or "nothing".
    pub(crate) fn is_zero(&self) -> bool {
        self.bytes().iter().all(|&byte| byte == 0)
    }

    /// The same answer with the error number that came behind it.
    pub(crate) fn with_errno(mut self, errno: u8) -> Self {
        self.errno = errno;
        self
    }
}

/// Reads a reply parameter by parameter, so that nothing is clocked beyond its end.
pub(crate) struct Reader {
    answer: Answer,
    params: u8,
    next: u8,
    /// Lengths of the parameters to come, where they are known one by one.
    shape: &'static [u8],
}

impl Reader {
    /// Reads the first bytes of a reply.
    pub(crate) fn new(command: &Command, head: [u8; HEAD]) -> Result<Self, Malformed> {
        let [start, code, params, next] = head;
        let (shape, (fewest, _)) = (command.shape, command.answer);
        let fits = match params {
            0 => next == END && fewest == 0,
            1 => shape.is_empty(),
            several => usize::from(several) == shape.len(),
        };
        match start {
            ERROR => Err(Malformed::Rejected),
            START if code == command.code | REPLY && fits => {
                let mut reader = Self { answer: Answer::EMPTY, params, next, shape };
                reader.check_length().map(|()| reader)
            }
            _ => Err(Malformed::Frame),
        }
    }

    /// Whether the next parameter is as long as it should be.
    fn check_length(&mut self) -> Result<(), Malformed> {
        if let [length, rest @ ..] = self.shape {
            if *length != self.next {
                return Err(Malformed::Frame);
            }
            self.shape = rest;
        }
        Ok(())
    }

    /// How many bytes to clock next: a parameter and what stands behind it. `None`: that was all.
    pub(crate) fn wants(&self) -> Option<usize> {
        (self.params > 0).then_some(usize::from(self.next) + 1)
    }

    /// Takes those bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let (&next, param) = bytes.split_last().ok_or(Malformed::Frame)?;
        self.answer.append(param).ok_or(Malformed::Frame)?;
        self.params = self.params.saturating_sub(1);
        self.next = next;
        match self.params {
            0 if next == END => Ok(()),
            0 => Err(Malformed::Frame),
            _ => self.check_length(),
        }
    }

    /// What the reply says, if that can be an answer to the command.
    pub(crate) fn finish(self, command: &Command) -> Result<Answer, Malformed> {
        let (fewest, most) = command.answer;
        let fits = (fewest..=most).contains(&self.answer.len);
        if fits { Ok(self.answer) } else { Err(Malformed::Frame) }
    }
}

/// Reads the first five bytes of a data reply: the length of its first parameter.
pub(crate) fn data_len(command: &Command, head: [u8; DATA_HEAD]) -> Result<usize, Malformed> {
    let [start, code, params, high, low] = head;
    let expected = if command.sender { 3 } else { 1 };
    match start {
        ERROR => Err(Malformed::Rejected),
        START if code == command.code | REPLY && params == expected => {
            Ok(usize::from(u16::from_be_bytes([high, low])))
        }
        _ => Err(Malformed::Frame),
    }
}

/// Reads what stands between such a head, whose length was an address's, and the data: who sent
/// them, as an answer of six bytes (port little endian), and their length.
pub(crate) fn sender(head: [u8; SENDER_HEAD]) -> Result<(Answer, usize), Malformed> {
    let [a, b, c, d, 0, 2, port_low, port_high, high, low] = head else {
        return Err(Malformed::Frame);
    };
    let mut answer = Answer::EMPTY;
    answer.append(&[a, b, c, d, port_low, port_high]).ok_or(Malformed::Frame)?;
    Ok((answer, usize::from(u16::from_be_bytes([high, low]))))
}

#[cfg(test)]
mod tests;
