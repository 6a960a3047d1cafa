//! Paths as a router sees them: segments, cleaned on the fly.

use core::fmt;

use crate::wire::ascii::piece;

/// The segments of a path behind its first slash: `/a/b/` has `a`, `b` and an empty one.
///
/// Cleaning (no empty or dot segments, `..` takes its predecessor away) happens while walking, so a
/// cleaned path is never stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segments<'a> {
    rest: Option<&'a str>,
    cleaning: bool,
    /// The last segment given was not empty, or none was given.
    open: bool,
    given: bool,
    extra_slash: bool,
    ends_in_slash: bool,
}

impl<'a> Segments<'a> {
    /// The segments of `path`, cleaned if need be.
    pub(crate) fn cleaned(path: &'a str) -> Self {
        let rest = Some(path.strip_prefix('/').unwrap_or(path));
        Self { rest, cleaning: !is_clean(path), ..Self::raw(path) }
    }

    /// The segments of `path` as they are.
    pub(crate) fn raw(path: &'a str) -> Self {
        Self {
            rest: path.strip_prefix('/'),
            cleaning: false,
            open: true,
            given: false,
            extra_slash: false,
            ends_in_slash: path.ends_with('/') || path.is_empty(),
        }
    }

    /// The same with a slash behind.
    pub(crate) fn with_slash(self) -> Self {
        Self { extra_slash: !self.has_final_slash(), ..self }
    }

    /// Whether the last segment is empty.
    pub(crate) fn has_final_slash(self) -> bool {
        self.last().is_none_or(str::is_empty)
    }

    fn next_kept(&mut self) -> Option<&'a str> {
        loop {
            let segment = piece(&mut self.rest, b'/')?;
            if !self.cleaning || !is_odd(segment) && !is_taken_away(self.rest) {
                return Some(segment);
            }
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if let Some(segment) = self.next_kept() {
            self.open = !segment.is_empty();
            self.given = true;
            return Some(segment);
        }
        let slash = self.extra_slash || self.cleaning && (self.ends_in_slash || !self.given);
        if slash && self.open {
            self.open = false;
            self.given = true;
            return Some("");
        }
        None
    }
}

impl fmt::Display for Segments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().try_for_each(|segment| {
            f.write_str("/")?;
            f.write_str(segment)
        })
    }
}

/// Whether a `..` among the segments that follow takes away the one before them.
fn is_taken_away(mut rest: Option<&str>) -> bool {
    let mut depth = 0_u32;
    while let Some(segment) = piece(&mut rest, b'/') {
        match segment.as_bytes() {
            [] | [b'.'] => {}
            [b'.', b'.'] if depth == 0 => return true,
            [b'.', b'.'] => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// Whether cleaning would change nothing.
pub(crate) fn is_clean(path: &str) -> bool {
    let Some(path) = path.strip_prefix('/') else { return false };
    let mut rest = Some(path);
    while let Some(segment) = piece(&mut rest, b'/') {
        let final_slash = segment.is_empty() && rest.is_none();
        if is_odd(segment) && !final_slash {
            return false;
        }
    }
    true
}

/// Whether cleaning leaves this segment out.
fn is_odd(segment: &str) -> bool {
    matches!(segment.as_bytes(), [] | [b'.'] | [b'.', b'.'])
}

#[cfg(test)]
pub(crate) mod tests {
    extern crate std;
    use super::*;
    use crate::vectors::Value;
    use std::string::{String, ToString};

    pub(crate) fn difference(case: &Value) -> Option<String> {
        let path = case["in"]["path"].as_str().unwrap();
        let cleaned = Segments::cleaned(path).to_string();
        let expected = case["out"]["mux_location"].as_str();
        let same = match expected {
            None => is_clean(path) && cleaned == path,
            Some(location) => !is_clean(path) && cleaned == location,
        };
        (!same).then_some(cleaned)
    }

    #[test]
    fn a_slash_is_added_once() {
        assert_eq!(Segments::cleaned("/a").with_slash().to_string(), "/a/");
        assert_eq!(Segments::cleaned("/a/./").with_slash().to_string(), "/a/");
        assert_eq!(Segments::raw("/").with_slash().to_string(), "/");
    }
}
