//! Bytes and what they may be: tokens, field values, numbers (RFC 9110 section 5.6).

/// A part of a connection's buffer, by offsets: small, and free of lifetimes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    /// Bytes `start..end`; offsets past 65,535 give an empty span.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        match (u16::try_from(start), u16::try_from(end)) {
            (Ok(start), Ok(end)) => Self { start, end },
            _ => Self::default(),
        }
    }

    pub(crate) const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    pub(crate) fn bytes(self, buffer: &[u8]) -> &[u8] {
        buffer.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// The bytes as text; empty if they are not UTF-8.
    pub(crate) fn text(self, buffer: &[u8]) -> &str {
        core::str::from_utf8(self.bytes(buffer)).unwrap_or_default()
    }
}

/// Bit `b % 32` of word `b / 32` is set for the bytes of a token.
const TOKEN: [u32; 4] = bits(b"!#$%&'*+-.^_`|~");
/// What may stand in a Host field: registered names, addresses, ports, and what URLs escape with.
const HOST: [u32; 4] = bits(b"!$%&'()*+,-.:;=[]_~");

const fn bits(extra: &[u8]) -> [u32; 4] {
    let mut set = [0_u32; 4];
    let mut byte = 0_u8;
    while byte < 128 {
        let mut wanted = byte.is_ascii_alphanumeric();
        let mut index = 0;
        while index < extra.len() {
            #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
            if extra[index] == byte {
                wanted = true;
            }
            index += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        if wanted {
            set[(byte / 32) as usize] |= 1 << (byte % 32);
        }
        byte += 1;
    }
    set
}

fn in_set(set: [u32; 4], byte: u8) -> bool {
    set.get(usize::from(byte / 32)).is_some_and(|word| word >> (byte % 32) & 1 == 1)
}

pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'-' || in_set(TOKEN, byte)
}

/// Whether `text` is a token: a method, a field name.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is_token_byte(byte))
}

/// Whether a Host field may say this. An empty one may.
pub(crate) fn is_host(text: &[u8]) -> bool {
    text.iter().all(|&byte| in_set(HOST, byte))
}

/// Whether a field value may say this: tabs, visible bytes and those from 0x80.
pub(crate) fn is_value(text: &[u8]) -> bool {
    let mut rest = text;
    // Words without a byte below space and without 0x7F are fine; others are looked at bytewise.
    while let Some((word, behind)) = split_word(rest) {
        let plain = !has_below(word, b' ') && !has_byte(word, 0x7F);
        if !plain && !rest.iter().take(WORD).all(|&byte| is_value_byte(byte)) {
            return false;
        }
        rest = behind;
    }
    rest.iter().all(|&byte| is_value_byte(byte))
}

/// Where a byte stands first.
pub(crate) fn find(text: &[u8], byte: u8) -> Option<usize> {
    let mut rest = text;
    while let Some((word, behind)) = split_word(rest) {
        if has_byte(word, byte) {
            break;
        }
        rest = behind;
    }
    let at = rest.iter().position(|&here| here == byte)?;
    Some(text.len() - rest.len() + at)
}

/// How many bytes are looked at together: eight where that is a register, otherwise none, since small
/// chips load words from aligned places only.
const WORD: usize = if cfg!(target_pointer_width = "64") { 8 } else { usize::MAX };

fn split_word(text: &[u8]) -> Option<(u64, &[u8])> {
    if WORD == usize::MAX {
        return None;
    }
    let (word, rest) = text.split_first_chunk()?;
    Some((u64::from_le_bytes(*word), rest))
}

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// Whether a byte of the word is less than `limit`, which is at most 0x80.
const fn has_below(word: u64, limit: u8) -> bool {
    word.wrapping_sub(ONES * limit as u64) & !word & TOPS != 0
}

/// Whether a byte of the word is this one.
const fn has_byte(word: u64, byte: u8) -> bool {
    has_below(word ^ (ONES * byte as u64), 1)
}

pub(crate) const fn is_value_byte(byte: u8) -> bool {
    byte >= b' ' && byte != 0x7F || byte == b'\t'
}

/// Without the spaces and tabs at both ends.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Digits only, up to 2^63 - 1: what Content-Length may say.
pub(crate) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    let mut value = 0_u64;
    for &byte in text {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    i64::try_from(value).ok().map(|_| value)
}

pub(crate) const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Whether a comma-separated list has this token, in any case.
pub(crate) fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|&byte| byte == b',').any(|item| same(trim(item), token))
}

/// Whether two texts are the same but for the case of ASCII letters.
#[inline(never)]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// What stands before and behind the first `byte`, which is ASCII. Smaller than `str::split_once`.
#[inline(never)]
pub(crate) fn cut(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|here| here == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// What stands before and behind the last `byte`, which is ASCII.
#[inline(never)]
pub(crate) fn cut_last(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().rposition(|here| here == byte)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The next piece of a text that is split at every `byte`, which is ASCII; `rest` is `None` behind
/// the last one.
#[inline(never)]
pub(crate) fn piece<'a>(rest: &mut Option<&'a str>, byte: u8) -> Option<&'a str> {
    let text = (*rest)?;
    let (piece, behind) = match cut(text, byte) {
        Some((piece, behind)) => (piece, Some(behind)),
        None => (text, None),
    };
    *rest = behind;
    Some(piece)
}

/// Whether two hex digits stand behind every percent sign.
#[inline(never)]
pub(crate) fn escapes_are_sound(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = match (first, behind) {
            (b'%', [high, low, behind @ ..])
                if hex_digit(*high).is_some() && hex_digit(*low).is_some() =>
            {
                behind
            }
            (b'%', _) => return false,
            _ => behind,
        };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_only() {
        assert_eq!(decimal(b"007"), Some(7));
        assert_eq!(decimal(b"9223372036854775807"), Some(i64::MAX.unsigned_abs()));
        for bad in [&b""[..], b"9223372036854775808", b"+5", b"-1", b"0x5", b"5 ", b"5,5"] {
            assert_eq!(decimal(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn tokens_and_hosts_are_what_the_standards_say() {
        assert!(is_token(b"X!#$%&'*+-.^_`|~09"));
        assert!(!is_token(b"") && !is_token(b"a b") && !is_token(b"a:") && !is_token(b"\xC3"));
        assert!(is_host(b"") && is_host(b"[::1]:80") && is_host(b"a.example"));
        assert!(!is_host(b"a b") && !is_host(b"a/b") && !is_host(b"a@b") && !is_host(b"\""));
    }

    #[test]
    fn words_are_judged_as_their_bytes_are() {
        for length in 0..20 {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut text = [b'a'; 20];
                    text[at] = byte;
                    let text = &text[..length];
                    assert_eq!(is_value(text), text.iter().all(|&byte| is_value_byte(byte)));
                    assert_eq!(find(text, byte), text.iter().position(|&here| here == byte));
                    assert_eq!(find(text, b'b').is_some(), byte == b'b');
                }
            }
        }
    }

    #[test]
    fn lists_are_searched_by_whole_tokens() {
        assert!(has_token(b"x , Close", b"close"));
        assert!(!has_token(b"closed", b"close") && !has_token(b"", b"close"));
    }
}
