//! Lines of a message head: where it ends, and its fields one by one.

use super::ascii::{find, is_token, is_value, same, trim};
use super::request::Refusal;

/// Looks for the blank line, never at the same byte twice.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finder {
    /// Everything before this was looked at.
    seen: u16,
    /// Start of the line that is being looked at.
    line: u16,
}

/// What a [`Finder`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// No end yet. With the end of the first line, if that has just come.
    More { first_line: Option<usize> },
    /// The head takes this many bytes, blank line included.
    End(usize),
}

impl Finder {
    pub(crate) const fn new() -> Self {
        Self { seen: 0, line: 0 }
    }

    /// Goes on in a buffer that holds what it held before, and perhaps more behind it.
    pub(crate) fn find(&mut self, buffer: &[u8]) -> Found {
        let mut first_line = None;
        loop {
            let seen = usize::from(self.seen);
            let rest = buffer.get(seen..).unwrap_or_default();
            let Some(length) = find(rest, b'\n') else {
                self.seen = saturated(buffer.len());
                return Found::More { first_line };
            };
            let next = seen + length + 1;
            let start = usize::from(self.line);
            let line = buffer.get(start..next).unwrap_or_default();
            if matches!(line, b"\n" | b"\r\n") && start > 0 {
                return Found::End(next);
            }
            if start == 0 {
                first_line = Some(next);
            }
            self.seen = saturated(next);
            self.line = self.seen;
        }
    }
}

fn saturated(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}

/// The first line without its end (LF, or CR LF), and what follows.
pub(crate) fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some(end) = find(bytes, b'\n') else {
        return (bytes, &[]);
    };
    let line = bytes.get(..end).unwrap_or_default();
    let rest = bytes.get(end + 1..).unwrap_or_default();
    (line.strip_suffix(b"\r").unwrap_or(line), rest)
}

/// Checks one field line and takes it apart; the value is trimmed.
///
/// Differs from Go: a line that goes on in the next one is refused (RFC 9112 section 5.2 allows
/// both), so that nothing can hide in a fold.
pub(crate) fn split_field(line: &[u8]) -> Result<(&[u8], &[u8]), Refusal> {
    let colon = find(line, b':').ok_or(Refusal::BadRequest)?;
    let name = line.get(..colon).unwrap_or_default();
    let value = trim(line.get(colon + 1..).unwrap_or_default());
    if !is_value(value) {
        return Err(Refusal::BadRequest);
    }
    if !is_token(name) {
        let spaced = name.first().is_some_and(|byte| *byte != b' ')
            && name.split(|&byte| byte == b' ').all(|word| word.is_empty() || is_token(word));
        return Err(if spaced { Refusal::FieldName } else { Refusal::BadRequest });
    }
    Ok((name, value))
}

/// The fields of a block that was checked before: names as sent, values trimmed.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(block: &'a [u8]) -> Self {
        Self { rest: block }
    }

    /// The first value of a field, whatever the case of its name.
    pub fn value(mut self, name: &str) -> Option<&'a [u8]> {
        loop {
            let (have, value) = self.next_field()?;
            if have.len() == name.len() && same(have, name.as_bytes()) {
                return Some(value);
            }
        }
    }

    /// All values of a field in the order they came.
    pub fn values(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.filter(move |(have, _)| same(have.as_bytes(), name.as_bytes())).map(|(_, value)| value)
    }

    /// The next name and value.
    pub(crate) fn next_field(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let (line, rest) = split_line(self.rest);
        self.rest = rest;
        let colon = line.iter().position(|&byte| byte == b':')?;
        Some((line.get(..colon)?, trim(line.get(colon + 1..)?)))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.next_field()?;
        Some((core::str::from_utf8(name).ok()?, value))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use crate::header::canonical_header_key;
    use crate::vectors::{self, Value};
    use std::format;
    use std::string::{String, ToString};
    use std::vec::Vec;

    /// Reads fields up to the blank line; what follows it, or what is wrong.
    fn read(raw: &[u8], fields: &mut Vec<(Vec<u8>, Vec<u8>)>) -> Option<usize> {
        let mut rest = raw;
        loop {
            let end = rest.iter().position(|&byte| byte == b'\n')?;
            let (line, next) = split_line(rest);
            debug_assert_eq!(rest.len() - next.len(), end + 1);
            rest = next;
            if line.is_empty() {
                return Some(raw.len() - rest.len());
            }
            let (name, value) = split_field(line).ok()?;
            let name = canonical_header_key(core::str::from_utf8(name).ok()?).to_string();
            fields.push((name.into_bytes(), value.to_vec()));
        }
    }

    pub(crate) fn difference(case: &Value) -> Option<String> {
        let (raw, out) = (vectors::raw(&case["in"], "raw_b64"), &case["out"]);
        let mut fields = Vec::new();
        let read = read(&raw, &mut fields);
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        let same = match read {
            Some(end) => {
                out["ok"] == true
                    && fields == vectors::pairs(&out["header"])
                    && raw[end..] == vectors::bytes(&out["rest"])
            }
            None => out["ok"] == false,
        };
        let lines = || raw.split(|&byte| byte == b'\n');
        let folded = lines().any(|line| line.starts_with(b" ") || line.starts_with(b"\t"));
        let spaced = lines().any(|line| {
            let colon = line.iter().position(|&byte| byte == b':').unwrap_or(0);
            line[..colon].contains(&b' ')
        });
        let meant = if folded || spaced { vectors::MEANT } else { "" };
        (!same).then(|| format!("{meant}{:?}", String::from_utf8_lossy(&raw)))
    }

    #[test]
    fn the_end_is_found_wherever_the_bytes_are_cut() {
        for head in [&b"A b\r\nc: d\r\n\r\n"[..], b"A\nb: c\n\n", b"A\r\n\n", b"A\n\r\n"] {
            let mut finder = Finder::default();
            for cut in 0..head.len() {
                assert!(matches!(finder.find(&head[..cut]), Found::More { .. }), "{cut}");
            }
            assert_eq!(finder.find(head), Found::End(head.len()));
        }
    }

    #[test]
    fn the_first_line_is_told_once() {
        let mut finder = Finder::default();
        assert_eq!(finder.find(b"GET"), Found::More { first_line: None });
        assert_eq!(finder.find(b"GET\r\nA"), Found::More { first_line: Some(5) });
        assert_eq!(finder.find(b"GET\r\nA: b\r\n"), Found::More { first_line: None });
    }

    #[test]
    fn fields_are_walked_in_order() {
        let fields = Fields::new(b"Host: h\r\nA:  b \nx:\r\na: c\r\n\r\n");
        assert!(fields.clone().map(|(name, _)| name).eq(["Host", "A", "x", "a"]));
        assert_eq!(fields.clone().value("x"), Some(&b""[..]));
        assert!(fields.values("A").eq([&b"b"[..], b"c"]));
    }
}
