//! Values in messages: arguments as the firmware's shims read them, replies as they write them.

use crate::frame::MESSAGE_MAX;

/// What a message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: u8,
    pub(crate) method: u8,
    pub(crate) service: u8,
    pub(crate) version: u8,
    pub(crate) sequence: u32,
}

/// Message types.
pub(crate) const INVOCATION: u8 = 0;
pub(crate) const ONEWAY: u8 = 1;
pub(crate) const REPLY: u8 = 2;
/// The only codec version there is.
pub(crate) const VERSION: u8 = 1;
/// Bytes of a message's header.
pub(crate) const HEADER: usize = 8;

impl Header {
    /// Reads a header; what is missing is zero.
    pub(crate) fn read(message: &[u8]) -> Self {
        let mut all = [0; HEADER];
        all.iter_mut().zip(message).for_each(|(to, byte)| *to = *byte);
        let [kind, method, service, version, a, b, c, d] = all;
        Self { kind, method, service, version, sequence: u32::from_le_bytes([a, b, c, d]) }
    }

    pub(crate) fn with(self, payload: &[u8]) -> Vec<u8> {
        let mut message = vec![self.kind, self.method, self.service, self.version];
        message.extend_from_slice(&self.sequence.to_le_bytes());
        message.extend_from_slice(payload);
        message
    }
}

/// How a value is written. Signatures are texts such as `str ?secret u32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number of so many bytes.
    Unsigned(usize),
    Signed(usize),
    Str,
    /// A string that a trace does not show.
    Secret,
    Bin,
    /// A `bin` with an IPv4 address, addresses of an interface, a `sockaddr`.
    Addresses,
    /// Bytes without a length.
    Raw(usize),
}

impl Kind {
    /// The kinds of a signature, and whether each may be null.
    pub(crate) fn list(signature: &'static str) -> impl Iterator<Item = (Self, bool)> {
        signature.split_whitespace().map(|word| {
            let plain = word.strip_prefix('?');
            (Self::of(plain.unwrap_or(word)), plain.is_some())
        })
    }

    fn of(word: &str) -> Self {
        match word {
            "u8" | "bool" => Self::Unsigned(1),
            "u16" => Self::Unsigned(2),
            "i8" => Self::Signed(1),
            "i32" => Self::Signed(4),
            "str" => Self::Str,
            "secret" => Self::Secret,
            "bin" => Self::Bin,
            "addr" => Self::Addresses,
            "u8[6]" => Self::Raw(6),
            "u8[18]" => Self::Raw(18),
            _ => Self::Unsigned(4),
        }
    }
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Number(u32),
    Bytes(Vec<u8>),
    Null,
}

/// Why a shim never comes to the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A length that leads out of the message buffer: the codec gives up, nobody is told.
    Garbled,
    /// A `bin` without bytes: nothing is allocated for it, and the firmware stops for ever.
    EmptyBin,
}

/// A cursor over the message buffer. The buffer is longer than the message: what lies behind the
/// message is read as well, as zeros.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { message, at: HEADER }
    }

    fn take(&mut self, count: usize) -> Result<Vec<u8>, Refusal> {
        if count > MESSAGE_MAX.saturating_sub(self.at) {
            return Err(Refusal::Garbled);
        }
        let there = self.message.get(self.at..).unwrap_or(&[]);
        let mut taken: Vec<u8> = there.iter().take(count).copied().collect();
        taken.resize(count, 0);
        self.at += count;
        Ok(taken)
    }

    fn number(&mut self, size: usize) -> Result<u32, Refusal> {
        let bytes = self.take(size)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| (number << 8) | u32::from(*byte)))
    }

    fn sized(&mut self) -> Result<Vec<u8>, Refusal> {
        let length = self.number(4)?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    pub(crate) fn value(&mut self, kind: Kind, nullable: bool) -> Result<Value, Refusal> {
        if nullable && self.number(1)? == 1 {
            return Ok(Value::Null);
        }
        Ok(match kind {
            Kind::Unsigned(size) => Value::Number(self.number(size)?),
            Kind::Signed(1) => Value::Number(sign_extended(self.number(1)?)),
            Kind::Signed(size) => Value::Number(self.number(size)?),
            Kind::Str | Kind::Secret => Value::Bytes(self.sized()?),
            Kind::Raw(size) => Value::Bytes(self.take(size)?),
            Kind::Bin | Kind::Addresses => Value::Bytes(self.sized()?),
        })
    }

    /// Bytes that were read and are not in the message.
    pub(crate) fn missing(&self) -> usize {
        self.at.saturating_sub(self.message.len())
    }

    /// Bytes of the message that were not read.
    pub(crate) fn left(&self) -> usize {
        self.message.len().saturating_sub(self.at)
    }
}

fn sign_extended(byte: u32) -> u32 {
    if byte & 0x80 == 0 { byte } else { byte | 0xFFFF_FF00 }
}

/// The arguments of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Args(Vec<Value>);

impl Args {
    /// Reads what `signature` says, in that order.
    pub(crate) fn read(reader: &mut Reader<'_>, signature: &'static str) -> Result<Self, Refusal> {
        let mut all = Vec::new();
        for (kind, nullable) in Kind::list(signature) {
            let value = reader.value(kind, nullable)?;
            let bin = matches!(kind, Kind::Bin | Kind::Addresses);
            if bin && value == Value::Bytes(Vec::new()) {
                return Err(Refusal::EmptyBin);
            }
            all.push(value);
        }
        Ok(Self(all))
    }

    pub(crate) fn values(&self) -> &[Value] {
        &self.0
    }

    /// A number as it stands in the message.
    pub(crate) fn number(&self, index: usize) -> u32 {
        match self.0.get(index) {
            Some(Value::Number(number)) => *number,
            _ => 0,
        }
    }

    pub(crate) fn signed(&self, index: usize) -> i32 {
        self.number(index).cast_signed()
    }

    pub(crate) fn byte(&self, index: usize) -> u8 {
        let [low, ..] = self.number(index).to_le_bytes();
        low
    }

    pub(crate) fn short(&self, index: usize) -> u16 {
        let [low, high, ..] = self.number(index).to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    pub(crate) fn size(&self, index: usize) -> usize {
        usize::try_from(self.number(index)).unwrap_or(usize::MAX)
    }

    /// Bytes, none for null.
    pub(crate) fn bytes(&self, index: usize) -> &[u8] {
        self.nullable(index).unwrap_or(&[])
    }

    pub(crate) fn nullable(&self, index: usize) -> Option<&[u8]> {
        match self.0.get(index) {
            Some(Value::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    /// A string up to its first NUL, as C reads it.
    pub(crate) fn text(&self, index: usize) -> String {
        let bytes = self.bytes(index).split(|byte| *byte == 0).next().unwrap_or(&[]);
        String::from_utf8_lossy(bytes).into_owned()
    }
}

/// The payload of a message that goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Out(Vec<u8>);

impl Out {
    pub(crate) fn u8(self, value: u8) -> Self {
        self.raw(&[value])
    }

    pub(crate) fn u16(self, value: u16) -> Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn u32(self, value: u32) -> Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn i8(self, value: i8) -> Self {
        self.raw(&value.to_le_bytes())
    }

    pub(crate) fn i32(self, value: i32) -> Self {
        self.raw(&value.to_le_bytes())
    }

    /// A `bin`, or a `str`.
    pub(crate) fn bin(self, bytes: &[u8]) -> Self {
        self.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX)).raw(bytes)
    }

    pub(crate) fn nullable(self, bytes: Option<&[u8]>) -> Self {
        match bytes {
            Some(bytes) => self.u8(0).bin(bytes),
            None => self.u8(1),
        }
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<i32> for Out {
    fn from(value: i32) -> Self {
        Self::default().i32(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(signature: &'static str, payload: &[u8]) -> (Result<Args, Refusal>, usize, usize) {
        let message = [&[0; HEADER], payload].concat();
        let mut reader = Reader::new(&message);
        let args = Args::read(&mut reader, signature);
        (args, reader.missing(), reader.left())
    }

    #[test]
    fn values_are_read_in_order() {
        let payload = [2, 0, 0, 0, b'a', b'p', 1, 4, 0, 0x40, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFA, 9];
        let (args, missing, left) = read("str ?secret u32 i32 i8", &payload);
        let args = args.unwrap();
        assert_eq!((args.text(0).as_str(), args.nullable(1)), ("ap", None));
        assert_eq!((args.number(2), args.signed(3), args.signed(4)), (0x0040_0004, -1, -6));
        assert_eq!((missing, left), (0, 1));
    }

    #[test]
    fn what_is_missing_is_zero() {
        let (args, missing, _) = read("i32 u8[6]", &[7]);
        let args = args.unwrap();
        assert_eq!((args.signed(0), args.bytes(1), missing), (7, [0; 6].as_slice(), 9));
    }

    #[test]
    fn an_empty_bin_is_fatal_and_an_empty_str_is_not() {
        assert_eq!(read("str", &[0; 4]).0.unwrap().text(0), "");
        assert_eq!(read("bin", &[0; 4]).0.unwrap_err(), Refusal::EmptyBin);
        assert_eq!(read("?bin", &[1]).0.unwrap().nullable(0), None);
    }

    #[test]
    fn no_length_leads_out_of_the_buffer() {
        assert_eq!(read("bin", &[0xFF; 4]).0.unwrap_err(), Refusal::Garbled);
        assert_eq!(read("str", &[0xF4, 0x0F, 0, 0]).0.unwrap().bytes(0).len(), 4084);
        assert_eq!(read("str", &[0xF5, 0x0F, 0, 0]).0.unwrap_err(), Refusal::Garbled);
    }
}
