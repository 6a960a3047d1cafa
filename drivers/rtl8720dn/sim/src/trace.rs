//! Calls and replies in words.

use core::fmt::Write;

use crate::codec::{Args, HEADER, Kind, Reader, Value};
use crate::idl::Method;

/// A call, such as `lwip_socket 2 1 6`.
pub(crate) fn call_text(method: &'static Method, message: &[u8]) -> String {
    let mut text = method.name.to_owned();
    values(&mut text, method.request, message);
    text
}

/// What a reply says.
pub(crate) fn reply_text(method: &'static Method, payload: &[u8]) -> String {
    let mut text = String::new();
    let message = [&[0; HEADER], payload].concat();
    values(&mut text, method.reply, &message);
    if text.is_empty() { "done".into() } else { text.trim_start().into() }
}

fn values(text: &mut String, signature: &'static str, message: &[u8]) {
    let mut reader = Reader::new(message);
    let Ok(args) = Args::read(&mut reader, signature) else {
        let _ = write!(text, " {}", hex(message.get(HEADER..).unwrap_or(&[])));
        return;
    };
    for ((kind, _), value) in Kind::list(signature).zip(args.values()) {
        let _ = match (kind, value) {
            (_, Value::Null) => write!(text, " null"),
            (Kind::Signed(_), Value::Number(number)) => write!(text, " {}", number.cast_signed()),
            (_, Value::Number(number)) if *number > 0xFFFF => write!(text, " {number:#x}"),
            (_, Value::Number(number)) => write!(text, " {number}"),
            (Kind::Secret, Value::Bytes(bytes)) => write!(text, " ({} secret)", bytes.len()),
            (Kind::Str, Value::Bytes(bytes)) => {
                write!(text, " \"{}\"", shown(bytes).escape_ascii())
            }
            (Kind::Addresses, Value::Bytes(bytes)) => addresses(text, bytes),
            (Kind::Raw(18), Value::Bytes(bytes)) => {
                write!(text, " {}", bytes.strip_suffix(&[0]).unwrap_or(bytes).escape_ascii())
            }
            (_, Value::Bytes(bytes)) => data(text, bytes),
        };
    }
}

/// A socket address, or one to three IPv4 addresses.
fn addresses(text: &mut String, bytes: &[u8]) -> core::fmt::Result {
    if let &[_, _, high, low, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0] = bytes {
        return write!(text, " {a}.{b}.{c}.{d}:{}", u16::from_be_bytes([high, low]));
    }
    if !bytes.len().is_multiple_of(4) || bytes.len() > 12 {
        return data(text, bytes);
    }
    for word in bytes.chunks(4) {
        let quad: Vec<String> = word.iter().map(u8::to_string).collect();
        write!(text, " {}", quad.join("."))?;
    }
    Ok(())
}

/// Payload: its length and its beginning.
fn data(text: &mut String, bytes: &[u8]) -> core::fmt::Result {
    let more = if bytes.len() > SHOWN { "..." } else { "" };
    let start = shown(bytes).escape_ascii();
    write!(text, " {} bytes \"{start}\"{more}", bytes.len())
}

fn shown(bytes: &[u8]) -> &[u8] {
    bytes.get(..SHOWN).unwrap_or(bytes)
}

fn hex(bytes: &[u8]) -> String {
    let text: Vec<String> = shown(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    text.join(" ")
}

const SHOWN: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::idl::{self, Found};
    use crate::persona::Persona;

    fn method(service: u8, id: u8) -> &'static Method {
        match idl::find(&Persona::SEEED_2_1_3, service, id) {
            Found::Method(method) => method,
            _ => panic!("{service} {id}"),
        }
    }

    #[test]
    fn calls_read_like_the_interface() {
        let connect = b"\0\x09\x10\x01\x0e\0\0\0\0\0\0\0\x10\0\0\0\x10\x02\x1e\x46\x7f\0\0\x01\0\0\0\0\0\0\0\0\x10\0\0\0";
        assert_eq!(call_text(method(16, 9), connect), "lwip_connect 0 127.0.0.1:7750 16");
        assert_eq!(reply_text(method(16, 9), &[0xFF; 4]), "-1");
        assert_eq!(reply_text(method(17, 3), &[]), "done");
    }

    #[test]
    fn passphrases_are_not_shown() {
        let join = b"\0\x01\x0e\x01\x07\0\0\0\x02\0\0\0ap\0\x03\0\0\0key\x04\0\x40\0\xff\xff\xff\xff\0\0\0\0";
        let text = call_text(method(14, 1), join);
        assert_eq!(text, "wifi_connect \"ap\" (3 secret) 0x400004 -1 0");
    }
}
