//! Values of the interface as bytes: little-endian, unpadded.

use crate::crc::Crc;
use crate::frame::{FRAME_HEAD, HEAD, Head, MESSAGE_MAX};
use crate::method::Method;

/// A parameter of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    U8(u8),
    U16(u16),
    U32(u32),
    I32(i32),
    /// A text or a short blob: its length, and its bytes. An empty blob is never sent: the firmware
    /// asks its heap for no bytes, and stands still for ever.
    Bin(&'a [u8]),
    /// The same, in a place where there could be none.
    Present(&'a [u8]),
    /// None in that place.
    Null,
    /// A caller's bytes, which are not copied: a call has at most one of these.
    Data(&'a [u8]),
}

/// A call as bytes: all of it but the caller's own.
#[derive(Debug)]
pub(crate) struct Request {
    bytes: [u8; ROOM],
    len: usize,
    /// Where the caller's bytes belong, and how many.
    data_at: usize,
    data_len: usize,
    crc: u16,
}

impl Request {
    pub(crate) const EMPTY: Self =
        Self { bytes: [0; ROOM], len: 0, data_at: 0, data_len: 0, crc: 0 };

    /// Writes a call down. `None` if it is longer than the chip takes, or than there is room for.
    pub(crate) fn set_call(
        &mut self,
        method: &Method,
        sequence: u32,
        values: &[Value<'_>],
    ) -> Option<Head> {
        self.len = HEAD;
        self.data_len = 0;
        let mut data: &[u8] = &[];
        for value in values {
            if let Value::Data(bytes) = *value {
                self.push(&u32::try_from(bytes.len()).ok()?.to_le_bytes())?;
                self.data_at = self.len;
                self.data_len = bytes.len();
                data = bytes;
            } else {
                self.value(value)?;
            }
        }
        let params = self.len - HEAD + self.data_len;
        self.finish(Head::call(method, sequence, params), data)
    }

    /// Writes down the answer to a call of the chip's: a zero, which is what all of them want to hear.
    pub(crate) fn set_reply(&mut self, to: &Head) {
        self.len = HEAD;
        self.data_len = 0;
        if self.value(&Value::I32(0)).is_some() {
            self.finish(to.reply_to(4), &[]);
        }
    }

    fn finish(&mut self, head: Head, data: &[u8]) -> Option<Head> {
        if self.total() > FRAME_HEAD + MESSAGE_MAX {
            return None;
        }
        self.bytes.get_mut(..HEAD)?.copy_from_slice(&head.to_bytes());
        let mut crc = Crc::NEW;
        crc.update(self.bytes.get(FRAME_HEAD..self.before())?);
        crc.update(data);
        crc.update(self.after());
        self.crc = crc.value();
        let head = Head { crc: self.crc, ..head };
        self.bytes.get_mut(..HEAD)?.copy_from_slice(&head.to_bytes());
        Some(head)
    }

    fn value(&mut self, value: &Value<'_>) -> Option<()> {
        match *value {
            Value::U8(value) => self.push(&[value]),
            Value::U16(value) => self.push(&value.to_le_bytes()),
            Value::U32(value) => self.push(&value.to_le_bytes()),
            Value::I32(value) => self.push(&value.to_le_bytes()),
            Value::Null => self.push(&[1]),
            Value::Present(bytes) => {
                self.push(&[0])?;
                self.value(&Value::Bin(bytes))
            }
            Value::Bin(bytes) | Value::Data(bytes) => {
                self.push(&u32::try_from(bytes.len()).ok()?.to_le_bytes())?;
                self.push(bytes)
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len + bytes.len();
        self.bytes.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }

    /// Bytes of the whole frame.
    pub(crate) fn total(&self) -> usize {
        self.len + self.data_len
    }

    /// The checksum in its head.
    pub(crate) fn crc(&self) -> u16 {
        self.crc
    }

    /// The bytes from this place of the frame on, as far as they lie together. `data` are the caller's
    /// own; without them there is nothing in their place.
    pub(crate) fn rest<'a>(&'a self, at: usize, data: &'a [u8]) -> &'a [u8] {
        let before = self.before();
        if at < before {
            return self.bytes.get(at..before).unwrap_or_default();
        }
        let rest = at - before;
        if rest < self.data_len {
            return data.get(rest..self.data_len).unwrap_or_default();
        }
        self.after().get(rest - self.data_len..).unwrap_or_default()
    }

    fn before(&self) -> usize {
        if self.data_len == 0 { self.len } else { self.data_at }
    }

    fn after(&self) -> &[u8] {
        self.bytes.get(self.before()..self.len).unwrap_or_default()
    }
}

/// What a call answered, read from its beginning on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    bytes: [u8; Self::ROOM],
    len: u8,
    /// Why the result is -1, where that was asked for.
    pub(crate) errno: i32,
}

impl Answer {
    /// Longest answer that is kept: a datagram's, without its data. Of longer ones the beginning is.
    pub(crate) const ROOM: usize = 32;

    pub(crate) fn new(params: &[u8]) -> Self {
        let mut bytes = [0; Self::ROOM];
        let mut len = 0;
        for (place, byte) in bytes.iter_mut().zip(params) {
            *place = *byte;
            len += 1;
        }
        Self { bytes, len, errno: 0 }
    }

    pub(crate) fn because(self, errno: i32) -> Self {
        Self { errno, ..self }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// The value that the method returned, which comes last.
    pub(crate) fn result(&self) -> Option<i32> {
        self.bytes().last_chunk().copied().map(i32::from_le_bytes)
    }

    /// The blob at the beginning.
    pub(crate) fn blob(&self) -> Option<&[u8]> {
        let (len, rest) = self.bytes().split_first_chunk()?;
        rest.get(..usize::try_from(u32::from_le_bytes(*len)).ok()?)
    }

    /// The blob at the beginning, of this length.
    pub(crate) fn array<const N: usize>(&self) -> Option<[u8; N]> {
        self.blob()?.try_into().ok()
    }
}

/// The longest call without a caller's bytes is a join with its names.
const ROOM: usize = 144;
