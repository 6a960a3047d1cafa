//! Commands and replies as a line of text.

use core::fmt::Write;

use crate::command::{self, Field};
use crate::frame::{ERROR, REPLY_FLAG, START};
use crate::strict;

/// A command in words, such as `START_CLIENT_TCP 127.0.0.1:80 slot 0 TCP`.
#[must_use]
pub fn command_text(bytes: &[u8]) -> String {
    let (Some(start), Some(opcode)) = (bytes.first(), bytes.get(1)) else {
        return format!("? {}", hex(bytes));
    };
    let Some(info) = command::info(*opcode).filter(|_| *start == START) else {
        return format!("? {}", hex(bytes));
    };
    let mut text = info.name.to_string();
    let Some((params, _)) = strict::params(bytes, info.wide) else {
        let _ = write!(text, " malformed {}", hex(bytes));
        return text;
    };
    let shape = info.shapes.iter().find(|shape| shape.len() == params.len());
    let dummy = info.shapes.first().is_some_and(|shape| shape.is_empty());
    match shape {
        Some(_) if dummy => {}
        Some(shape) => fields(&mut text, shape, &params),
        None => params.iter().for_each(|param| {
            let _ = write!(text, " {}", hex(param));
        }),
    }
    text
}

/// The reply to a command with that opcode in words, such as `1`.
#[must_use]
pub fn reply_text(opcode: u8, bytes: &[u8]) -> String {
    if bytes.first() == Some(&ERROR) {
        return "error".into();
    }
    let wide = matches!(opcode, 0x45 | 0x78 | 0x7A);
    let sound = bytes.first() == Some(&START) && bytes.get(1) == Some(&(opcode | REPLY_FLAG));
    let Some((params, _)) = strict::params(bytes, wide).filter(|_| sound) else {
        return hex(bytes);
    };
    if params.is_empty() {
        return "nothing".into();
    }
    let mut text = String::new();
    let known = command::info(opcode).map_or(&[][..], |info| info.reply);
    if known.len() == params.len() {
        fields(&mut text, known, &params);
    } else {
        fields(&mut text, &vec![Field::Text(255); params.len()], &params);
    }
    text.trim_start().into()
}

fn fields(text: &mut String, shape: &[Field], params: &[&[u8]]) {
    let mut before = None;
    for (field, param) in shape.iter().zip(params) {
        let joint = match (before, field) {
            (Some(Field::Address), Field::Port | Field::PortLe) => ':',
            _ => ' ',
        };
        text.push(joint);
        field_text(text, *field, param);
        before = Some(*field);
    }
}

fn field_text(text: &mut String, field: Field, param: &[u8]) {
    let _ = match (field, param) {
        (Field::Slot, [slot]) => write!(text, "slot {slot}"),
        (Field::Descriptor, [fd]) => write!(text, "fd {fd}"),
        (Field::Mode, [mode]) => text.write_str(mode_name(*mode)),
        (Field::U8, [value]) => write!(text, "{value}"),
        (Field::U16 | Field::Size | Field::PortLe, &[a, b]) => {
            write!(text, "{}", u16::from_le_bytes([a, b]))
        }
        (Field::U16Be | Field::Port, &[a, b]) => write!(text, "{}", u16::from_be_bytes([a, b])),
        (Field::I16, &[a, b]) => write!(text, "{}", i16::from_le_bytes([a, b])),
        (Field::I32, &[a, b, c, d]) => write!(text, "{}", i32::from_le_bytes([a, b, c, d])),
        (Field::U32, &[a, b, c, d]) => write!(text, "{:#x}", u32::from_le_bytes([a, b, c, d])),
        (Field::F32, &[a, b, c, d]) => write!(text, "{}", f32::from_le_bytes([a, b, c, d])),
        (Field::Address, [a, b, c, d]) => write!(text, "{a}.{b}.{c}.{d}"),
        (Field::Text(_), bytes) => {
            let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
            write!(text, "\"{}\"", bytes.escape_ascii())
        }
        (Field::Secret(_), bytes) => write!(text, "({} secret bytes)", bytes.len()),
        (Field::Data(_), bytes) => data(text, bytes),
        (_, bytes) => text.write_str(&hex(bytes)),
    };
}

/// Payload: its length and its beginning.
fn data(text: &mut String, bytes: &[u8]) -> core::fmt::Result {
    const SHOWN: usize = 40;
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let more = if bytes.len() > SHOWN { "..." } else { "" };
    match bytes {
        [] => write!(text, "0 bytes"),
        _ => write!(text, "{} bytes \"{}\"{more}", bytes.len(), shown.escape_ascii()),
    }
}

fn mode_name(mode: u8) -> &'static str {
    match mode {
        0 => "TCP",
        1 => "UDP",
        2 => "TLS",
        3 => "MULTICAST",
        4 => "BEARSSL",
        _ => "unknown mode",
    }
}

fn hex(bytes: &[u8]) -> String {
    const SHOWN: usize = 16;
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let mut text: Vec<String> = shown.iter().map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > SHOWN {
        text.push("...".into());
    }
    text.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_like_the_firmware_names_them() {
        let connect = [0xE0, 0x2D, 4, 4, 127, 0, 0, 1, 2, 0, 80, 1, 0, 1, 0, 0xEE];
        assert_eq!(command_text(&connect), "START_CLIENT_TCP 127.0.0.1:80 slot 0 TCP");
        assert_eq!(command_text(&[0xE0, 0x37, 0, 0xEE]), "GET_FW_VERSION");
        let version = [0xE0, 0xB7, 1, 6, b'2', b'.', b'0', b'.', b'0', 0, 0xEE, 0];
        assert_eq!(reply_text(0x37, &version), "\"2.0.0\"");
        assert_eq!(reply_text(0x2D, &[0xE0, 0xAD, 1, 1, 1, 0xEE, 0, 0]), "1");
        assert_eq!(reply_text(0x2D, &[0xE0, 0xAD, 0, 0xEE]), "nothing");
        assert_eq!(reply_text(0x38, &[0xEF, 0, 0xEE, 0]), "error");
    }

    #[test]
    fn passphrases_are_not_shown() {
        let join = [0xE0, 0x11, 2, 2, b'a', b'p', 3, b'k', b'e', b'y', 0xEE, 0];
        assert_eq!(command_text(&join), "SET_PASSPHRASE \"ap\" (3 secret bytes)");
    }

    #[test]
    fn bytes_that_are_no_command_are_shown_as_they_are() {
        assert_eq!(command_text(&[0xFF, 0xFF]), "? ff ff");
        assert_eq!(command_text(&[0xE0, 0x2E, 1, 1]), "STOP_CLIENT_TCP malformed e0 2e 01 01");
    }
}
