//! Header fields of an answer, kept as the lines that go on the wire.

use core::fmt;

use crate::wire::ascii::{is_token_byte, same};
use crate::wire::head::Fields;

/// The fields of an answer: Go's `w.Header()`.
///
/// They are written straight into the response buffer. When it is full, that is remembered: the next
/// write fails with [`HeaderTooLarge`](crate::Error::HeaderTooLarge), and if nothing was sent yet,
/// the client gets status 500. Once the status is written, changes have no effect.
///
/// Differs from Go: fields go out in the order they were set.
pub struct Header<'w> {
    pub(crate) lines: &'w mut Lines,
    /// Where the lines may lie.
    pub(crate) room: &'w mut [u8],
}

/// How much of the room the lines take, and what else was said about them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lines {
    pub(crate) length: usize,
    pub(crate) frozen: bool,
    pub(crate) too_large: bool,
    pub(crate) no_date: bool,
    pub(crate) no_type: bool,
}

impl Header<'_> {
    /// Sets a field, in place of all of this name. The name is spelled canonically (`X-Ab-Cd`),
    /// line ends in the value become spaces, and its ends are trimmed. A name that is no token is
    /// left out.
    pub fn set(&mut self, name: &str, value: &str) {
        self.del(name);
        self.add(name, value);
    }

    /// The same for a value that has to be printed, such as a number.
    pub fn set_display(&mut self, name: &str, value: &dyn fmt::Display) {
        self.del(name);
        self.add_display(name, value);
    }

    /// Adds a field beside those of the same name.
    pub fn add(&mut self, name: &str, value: &str) {
        self.add_with(name, &mut |line| line.push(value.as_bytes()));
    }

    /// The same for a value that has to be printed.
    pub fn add_display(&mut self, name: &str, value: &dyn fmt::Display) {
        self.add_with(name, &mut |line| {
            let _ = fmt::Write::write_fmt(line, format_args!("{value}"));
        });
    }

    fn add_with(&mut self, name: &str, value: &mut dyn FnMut(&mut Line<'_>)) {
        if self.lines.frozen || name.is_empty() || !name.bytes().all(is_token_byte) {
            return;
        }
        let start = self.lines.length;
        let mut line = Line { room: self.room, at: start, over: false };
        line.name(name);
        line.push(b": ");
        let from = line.at;
        value(&mut line);
        line.tidy(from);
        line.push(b"\r\n");
        if line.over {
            self.lines.too_large = true;
        } else {
            self.lines.length = line.at;
        }
    }

    /// Takes all fields of this name away.
    pub fn del(&mut self, name: &str) {
        if self.lines.frozen {
            return;
        }
        self.lines.length = remove(self.room, self.lines.length, name);
    }

    /// The first value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let lines = self.room.get(..self.lines.length).unwrap_or_default();
        Fields::new(lines).value(name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Asks the server not to add a `Date` or `Content-Type` of its own. Other names only lose their
    /// fields. Go does this with a nil value.
    pub fn omit(&mut self, name: &str) {
        self.del(name);
        if !self.lines.frozen {
            self.lines.no_date |= same(name.as_bytes(), b"date");
            self.lines.no_type |= same(name.as_bytes(), b"content-type");
        }
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.room.get(..self.lines.length).unwrap_or_default();
        f.write_str(core::str::from_utf8(lines).unwrap_or_default())
    }
}

/// Removes all lines of a name from the first `length` bytes and tells how many remain.
pub(crate) fn remove(room: &mut [u8], length: usize, name: &str) -> usize {
    let (mut at, mut kept) = (0, 0);
    while at < length {
        let line = room.get(at..length).unwrap_or_default();
        let size = line.iter().position(|&byte| byte == b'\n').map_or(line.len(), |end| end + 1);
        let named = line.get(name.len()) == Some(&b':')
            && line.get(..name.len()).is_some_and(|have| same(have, name.as_bytes()));
        if !named {
            room.copy_within(at..at + size, kept);
            kept += size;
        }
        at += size;
    }
    kept
}

/// Writes bytes one after the other, and remembers when there were too many.
pub(crate) struct Line<'a> {
    pub(crate) room: &'a mut [u8],
    pub(crate) at: usize,
    pub(crate) over: bool,
}

impl Line<'_> {
    #[inline(never)]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match self.room.get_mut(self.at..self.at + bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                self.at += bytes.len();
            }
            None => self.over = true,
        }
    }

    #[inline(never)]
    pub(crate) fn field(&mut self, name: &[u8], value: &[u8]) {
        self.push(name);
        self.push(value);
        self.push(b"\r\n");
    }

    /// A name as Go spells it: upper case at the start and behind hyphens, else lower.
    fn name(&mut self, name: &str) {
        let start = self.at;
        self.push(name.as_bytes());
        let mut upper = true;
        for byte in self.room.get_mut(start..self.at).unwrap_or_default() {
            *byte = if upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
            upper = *byte == b'-';
        }
    }

    /// Makes what was pushed since `from` a value: line ends become spaces, and the ends are trimmed.
    fn tidy(&mut self, from: usize) {
        let value = self.room.get_mut(from..self.at).unwrap_or_default();
        for byte in value.iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')) {
            *byte = b' ';
        }
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let behind = value.iter().rev().take_while(blank).count();
        let before = value.iter().take_while(blank).count().min(value.len() - behind);
        value.copy_within(before.., 0);
        self.at -= before + behind;
    }
}

impl fmt::Write for Line<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// The canonical spelling of a field name; a name that is no token stays as it is.
#[must_use]
pub fn canonical_header_key(name: &str) -> impl fmt::Display + '_ {
    Canonical(name)
}

struct Canonical<'a>(&'a str);

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.bytes().all(is_token_byte) {
            return f.write_str(self.0);
        }
        let mut upper = true;
        for letter in self.0.chars() {
            let letter =
                if upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
            fmt::Write::write_char(f, letter)?;
            upper = letter == '-';
        }
        Ok(())
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

    fn with(build: impl FnOnce(&mut Header<'_>)) -> String {
        let (mut lines, mut room) = (Lines::default(), [0_u8; 96]);
        let mut header = Header { lines: &mut lines, room: &mut room };
        build(&mut header);
        assert!(header.lines.length <= 96);
        std::format!("{header:?}")
    }

    pub(crate) fn key_difference(case: &Value) -> Option<String> {
        let name = case["in"]["s"].as_str()?;
        let canonical = canonical_header_key(name).to_string();
        (case["out"]["canonical"] != canonical).then_some(canonical)
    }

    /// Go writes what is in a map, sorted; here the fields stand in the order they were set, and in
    /// the spelling of the wire.
    pub(crate) fn write_difference(case: &Value) -> Option<String> {
        let (mut lines, mut room) = (Lines::default(), std::vec![0_u8; 8192]);
        let mut header = Header { lines: &mut lines, room: &mut room };
        let excluded: Vec<_> =
            case["in"]["exclude"].as_array().into_iter().flatten().map(vectors::bytes).collect();
        let (mut spelled, mut text) = (true, true);
        for (name, value) in vectors::pairs(&case["in"]["header"]) {
            let name_is_out = excluded.contains(&name);
            let (Ok(name), Ok(value)) = (String::from_utf8(name), String::from_utf8(value)) else {
                text = false;
                continue;
            };
            spelled &= canonical_header_key(&name).to_string() == name;
            if !name_is_out {
                header.add(&name, &value);
            }
        }
        let found = room[..lines.length].to_vec();
        let meant = match (text, spelled) {
            (false, _) => "values are text",
            (_, false) => "names are spelled canonically",
            _ => "",
        };
        let meant = if meant.is_empty() {
            meant.to_string()
        } else {
            format!("{}{meant} ", vectors::MEANT)
        };
        (found != vectors::bytes(&case["out"]["wire"]))
            .then(|| format!("{meant}{:?}", String::from_utf8_lossy(&found)))
    }

    #[test]
    fn fields_are_set_added_and_removed() {
        let text = with(|header| {
            header.set("x-a", "1");
            header.add("X-B", "2");
            header.add("x-b", "3");
            header.set("X-A", "4");
            assert_eq!(header.get("x-b"), Some("2"));
            header.del("X-B");
            header.set_display("content-length", &12);
            header.omit("date");
        });
        assert_eq!(text, "X-A: 4\r\nContent-Length: 12\r\n");
    }

    #[test]
    fn no_value_and_no_name_can_end_a_line() {
        let text = with(|header| {
            header.set("X-Clean", " a\r\nb ");
            header.set("bad key", "x");
            header.set("", "x");
            header.set("X-Empty", "  ");
            header.set("X-Colon", "a:");
            header.set("X\r\nY", "x");
        });
        assert_eq!(text, "X-Clean: a  b\r\nX-Empty: \r\nX-Colon: a:\r\n");
    }

    #[test]
    fn what_does_not_fit_is_told_and_leaves_nothing_behind() {
        let (mut lines, mut room) = (Lines::default(), [0_u8; 16]);
        let mut header = Header { lines: &mut lines, room: &mut room };
        header.set("A", "b");
        header.set("X-Long", "0123456789");
        assert_eq!(std::format!("{header:?}"), "A: b\r\n");
        assert!(lines.too_large);
    }
}
