//! The head of a frame: size, checksum, and what the message in it is about.

use crate::method::Method;

/// Four bytes of the frame and eight of the message.
pub(crate) const HEAD: usize = FRAME_HEAD + MESSAGE_HEAD;
/// Size and checksum, which the checksum does not cover.
pub(crate) const FRAME_HEAD: usize = 4;
const MESSAGE_HEAD: usize = 8;
/// Largest message: the firmware's buffer. A longer one costs it its place in the stream of bytes,
/// and a reply that would be longer is never sent.
pub(crate) const MESSAGE_MAX: usize = 4096;

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Asks for a reply.
    Invocation = 0,
    /// Does not.
    Oneway = 1,
    Reply = 2,
}

/// The first twelve bytes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Bytes of the message that follow the first four of the frame, the other eight here included.
    pub(crate) size: u16,
    pub(crate) crc: u16,
    pub(crate) kind: Kind,
    pub(crate) method: u8,
    pub(crate) service: u8,
    /// Chosen by the caller, echoed in the reply.
    pub(crate) sequence: u32,
}

impl Head {
    /// The head of a call with so many bytes of parameters. Its checksum is still to be filled in.
    pub(crate) fn call(method: &Method, sequence: u32, params: usize) -> Self {
        Self {
            size: u16::try_from(MESSAGE_HEAD + params).unwrap_or(u16::MAX),
            crc: 0,
            kind: Kind::Invocation,
            method: method.id,
            service: method.service,
            sequence,
        }
    }

    /// The head of the answer to a call of the chip's.
    pub(crate) fn reply_to(&self, params: usize) -> Self {
        let size = u16::try_from(MESSAGE_HEAD + params).unwrap_or(u16::MAX);
        Self { size, crc: 0, kind: Kind::Reply, ..*self }
    }

    pub(crate) fn to_bytes(self) -> [u8; HEAD] {
        let [size, size_high] = self.size.to_le_bytes();
        let [crc, crc_high] = self.crc.to_le_bytes();
        let [a, b, c, d] = self.sequence.to_le_bytes();
        let kind = self.kind as u8;
        [size, size_high, crc, crc_high, kind, self.method, self.service, CODEC, a, b, c, d]
    }

    /// Reads a head. `None`: no frame of this protocol begins like that.
    pub(crate) fn from_bytes(bytes: &[u8; HEAD]) -> Option<Self> {
        let [size, size_high, crc, crc_high, kind, method, service, codec, a, b, c, d] = *bytes;
        let head = Self {
            size: u16::from_le_bytes([size, size_high]),
            crc: u16::from_le_bytes([crc, crc_high]),
            kind: match kind {
                0 => Kind::Invocation,
                1 => Kind::Oneway,
                2 => Kind::Reply,
                _ => return None,
            },
            method,
            service,
            sequence: u32::from_le_bytes([a, b, c, d]),
        };
        let sizes = MESSAGE_HEAD..=MESSAGE_MAX;
        let sound = sizes.contains(&usize::from(head.size)) && codec == CODEC;
        (sound && (1..=SERVICES).contains(&service)).then_some(head)
    }

    /// Bytes that follow the head.
    pub(crate) fn params(&self) -> usize {
        usize::from(self.size).saturating_sub(MESSAGE_HEAD)
    }
}

/// Version of the codec. The firmware ignores every other.
const CODEC: u8 = 1;
/// Services are numbered from 1 to this.
const SERVICES: u8 = 19;
