//! Frames and messages, from the document.

/// A message that the chip sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) method: u8,
    pub(crate) service: u8,
    pub(crate) version: u8,
    pub(crate) sequence: u32,
    pub(crate) payload: Vec<u8>,
    /// The checksum was right.
    pub(crate) sound: bool,
    /// As it came.
    pub(crate) frame: Vec<u8>,
}

pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0xEF4A_u16;
    for byte in bytes {
        for bit in (0..8).rev() {
            let carry = (crc >> 15) ^ u16::from(byte >> bit & 1) == 1;
            crc = (crc << 1) ^ if carry { 0x1021 } else { 0 };
        }
    }
    crc
}

pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = (message.len() as u16).to_le_bytes().to_vec();
    frame.extend(crc16(message).to_le_bytes());
    frame.extend_from_slice(message);
    frame
}

pub(crate) fn invocation(service: u8, method: u8, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![0, method, service, 1];
    message.extend(sequence.to_le_bytes());
    message.extend_from_slice(payload);
    message
}

/// Takes the whole frames out of `bytes`.
pub(crate) fn split(bytes: &mut Vec<u8>) -> Vec<Message> {
    let mut all = Vec::new();
    while bytes.len() >= 4 {
        let size = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
        if bytes.len() < 4 + size {
            break;
        }
        let frame: Vec<u8> = bytes.drain(..4 + size).collect();
        assert!(size >= 8, "a message is at least its header: {}", hex(&frame));
        let message = &frame[4..];
        all.push(Message {
            kind: message[0],
            method: message[1],
            service: message[2],
            version: message[3],
            sequence: u32::from_le_bytes(message[4..8].try_into().unwrap()),
            payload: message[8..].to_vec(),
            sound: crc16(message).to_le_bytes() == frame[2..4],
            frame,
        });
    }
    all
}

pub(crate) fn last_i32(payload: &[u8]) -> i32 {
    let start = payload.len() - 4;
    i32::from_le_bytes(payload[start..].try_into().unwrap())
}

/// Bytes from hex, blanks ignored.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let text: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    text.join(" ")
}
