//! Percent-encoded text and `a=b&c=d` (the WHATWG form encoding, as Go reads it).

use core::fmt::{self, Write};

use crate::wire::ascii::{cut, escapes_are_sound, hex_digit};

/// A piece of a path, a query or a form as it was sent. Decoded while it is read, so it needs no
/// memory: print it, compare it, or copy it out.
#[derive(Clone, Copy)]
pub struct Encoded<'a> {
    text: &'a str,
    plus_is_space: bool,
}

impl<'a> Encoded<'a> {
    pub(crate) const fn path(text: &'a str) -> Self {
        Self { text, plus_is_space: false }
    }

    pub(crate) const fn query(text: &'a str) -> Self {
        Self { text, plus_is_space: true }
    }

    /// As it was sent.
    #[must_use]
    pub const fn as_sent(&self) -> &'a str {
        self.text
    }

    /// The text itself where nothing has to be decoded.
    #[must_use]
    pub fn plain(&self) -> Option<&'a str> {
        let encoded =
            self.text.bytes().any(|byte| byte == b'%' || self.plus_is_space && byte == b'+');
        if encoded { None } else { Some(self.text) }
    }

    /// The decoded bytes. An escape that is none stays as it is.
    pub fn bytes(&self) -> impl Iterator<Item = u8> + Clone + use<'a> {
        let plus_is_space = self.plus_is_space;
        let mut rest = self.text.as_bytes();
        core::iter::from_fn(move || decoded(&mut rest, plus_is_space))
    }

    /// Decodes into `buffer`; `None` if it is too small, or if the result is not UTF-8.
    pub fn copy_to<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str> {
        let mut length = 0;
        for byte in self.bytes() {
            *buffer.get_mut(length)? = byte;
            length += 1;
        }
        core::str::from_utf8(buffer.get(..length)?).ok()
    }

    /// Reads a number, a truth value and the like. Texts of up to 40 bytes.
    pub fn parse<T: core::str::FromStr>(&self) -> Option<T> {
        self.copy_to(&mut [0; 40])?.parse().ok()
    }

    /// Whether every escape is sound.
    pub(crate) fn is_sound(&self) -> bool {
        escapes_are_sound(self.text)
    }
}

/// Takes the next byte, decoded.
#[inline(never)]
fn decoded(rest: &mut &[u8], plus_is_space: bool) -> Option<u8> {
    let (&first, behind) = rest.split_first()?;
    *rest = behind;
    Some(match (first, behind) {
        (b'+', _) if plus_is_space => b' ',
        (b'%', [high, low, behind @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
            (Some(high), Some(low)) => {
                *rest = behind;
                high << 4 | low
            }
            _ => first,
        },
        _ => first,
    })
}

impl PartialEq<str> for Encoded<'_> {
    fn eq(&self, other: &str) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl PartialEq<&str> for Encoded<'_> {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl PartialEq for Encoded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes().eq(other.bytes())
    }
}

impl Eq for Encoded<'_> {}

impl fmt::Display for Encoded<'_> {
    /// Bytes that are not UTF-8 print as U+FFFD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(plain) = self.plain() {
            return f.write_str(plain);
        }
        let (mut held, mut length) = ([0_u8; 4], 0_usize);
        for byte in self.bytes() {
            if let Some(slot) = held.get_mut(length) {
                *slot = byte;
                length += 1;
            }
            match core::str::from_utf8(held.get(..length).unwrap_or_default()) {
                Ok(text) => f.write_str(text)?,
                Err(error) if error.error_len().is_none() => continue,
                Err(_) => f.write_char(char::REPLACEMENT_CHARACTER)?,
            }
            length = 0;
        }
        if length > 0 { f.write_char(char::REPLACEMENT_CHARACTER) } else { Ok(()) }
    }
}

impl fmt::Debug for Encoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text, f)
    }
}

/// Names and values of a query or a form, in the order they were sent.
///
/// As in Go, a pair with a bad escape or a semicolon is left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    text: &'a str,
}

impl<'a> Query<'a> {
    /// Reads `a=b&c=d`.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// As it was sent.
    #[must_use]
    pub const fn as_sent(&self) -> &'a str {
        self.text
    }

    /// The first value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Encoded<'a>> {
        self.pairs().find(|(have, _)| *have == *name).map(|(_, value)| value)
    }

    /// All pairs that are sound.
    pub fn pairs(&self) -> impl Iterator<Item = (Encoded<'a>, Encoded<'a>)> + Clone + use<'a> {
        self.text.split('&').filter(|pair| !pair.is_empty() && !pair.contains(';')).filter_map(
            |pair| {
                let (name, value) = cut(pair, b'=').unwrap_or((pair, ""));
                let (name, value) = (Encoded::query(name), Encoded::query(value));
                (name.is_sound() && value.is_sound()).then_some((name, value))
            },
        )
    }

    /// Whether some pair was left out.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.text.split('&').filter(|pair| !pair.is_empty()).count() != self.pairs().count()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use crate::vectors::{self, Value};
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    pub(crate) fn difference(case: &Value) -> Option<String> {
        let text = vectors::bytes(&case["in"]["s"]);
        let Ok(text) = core::str::from_utf8(&text) else {
            return Some(format!("{}a target is UTF-8", vectors::MEANT));
        };
        let query = Query::new(text);
        let mut found: Vec<(Vec<u8>, Vec<u8>)> = query
            .pairs()
            .map(|(name, value)| (name.bytes().collect(), value.bytes().collect()))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        let same = case["out"]["ok"] == !query.has_errors()
            && found == vectors::pairs(&case["out"]["values"]);
        (!same).then(|| format!("{found:?}"))
    }

    #[test]
    fn values_print_and_copy_decoded() {
        let query = Query::new("n=41&text=a+b%20%C3%A9%FF&bad=%");
        assert_eq!(query.get("n").and_then(|n| n.parse::<u8>()), Some(41));
        let text = query.get("text").unwrap();
        assert_eq!(text.to_string(), "a b é\u{FFFD}");
        assert_eq!(text.copy_to(&mut [0; 64]), None);
        assert_eq!(query.get("bad"), None);
        assert!(query.has_errors());
        assert_eq!(Encoded::path("a+b%2Fc"), "a+b/c");
    }
}
