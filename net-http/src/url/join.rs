//! References relative to a URL (RFC 3986 section 5).

use core::fmt::Write;

use super::Url;
use super::text::{Normal, Part};
use crate::header::Line;
use crate::wire::ascii::cut_last;

impl Url<'_> {
    /// Writes what `reference` means, seen from here, into `room`: Go's `ResolveReference`. `None` if it
    /// does not fit.
    ///
    /// ```
    /// let base = net_http::Url::parse("http://h/a/b?q")?;
    /// let there = base.join(&net_http::Url::parse("../c#d")?, &mut [0; 64]).map(str::to_owned);
    /// assert_eq!(there.as_deref(), Some("http://h/c#d"));
    /// # Ok::<(), net_http::BadUrl>(())
    /// ```
    pub fn join<'b>(&self, reference: &Url<'_>, room: &'b mut [u8]) -> Option<&'b str> {
        let mut line = Line { room, at: 0, over: false };
        self.write_joined(reference, &mut line);
        let Line { room, at, over } = line;
        if over { None } else { core::str::from_utf8(room.get(..at)?).ok() }
    }

    fn write_joined(&self, reference: &Url<'_>, line: &mut Line<'_>) {
        let of_its_own =
            !reference.scheme.is_empty() || !reference.host.is_empty() || reference.user.is_some();
        let scheme = if reference.scheme.is_empty() { self.scheme } else { reference.scheme };
        let mut url = Url { scheme, ..*reference };
        let empty = reference.path.is_empty();
        if !of_its_own {
            if empty && reference.query.is_none() {
                url.query = self.query;
                if reference.fragment.is_empty() {
                    url.fragment = self.fragment;
                }
            }
            if empty && !self.opaque.is_empty() {
                url.opaque = self.opaque;
            } else {
                (url.host, url.user) = (self.host, self.user);
            }
        }
        let tail = Url { query: url.query, fragment: url.fragment, ..Url::default() };
        if !url.opaque.is_empty() {
            let _ = write!(line, "{url}");
            return;
        }
        let base = if of_its_own { "" } else { self.path };
        // Where there is a path, the authority has its slashes.
        url.path = if empty { base } else { reference.path };
        let head = Url { query: None, fragment: "", path: "", ..url };
        if !url.scheme.is_empty() {
            let _ = write!(line, "{}", Url { scheme: url.scheme, ..Url::default() });
        }
        let authority = Url { path: url.path, ..head };
        let _ = write!(line, "{}", authority.authority());
        resolve(line, base, reference.path);
        let _ = write!(line, "{tail}");
    }
}

/// Appends a path seen from another one, its dots resolved.
fn resolve(line: &mut Line<'_>, base: &str, path: &str) {
    let folder = match cut_last(base, b'/') {
        _ if path.starts_with('/') => "",
        Some(_) if path.is_empty() => base,
        Some((folder, _)) => base.get(..=folder.len()).unwrap_or_default(),
        None if path.is_empty() => base,
        None => "",
    };
    if folder.is_empty() && path.is_empty() {
        return;
    }
    let start = line.at;
    let (mut first, mut last) = (true, "");
    line.push(b"/");
    // The folder ends in a slash, or nothing follows it.
    let folder_parts = folder.strip_suffix('/').filter(|_| !path.is_empty()).unwrap_or(folder);
    let has_folder = !folder.is_empty();
    let parts = folder_parts.split('/').filter(|_| has_folder);
    let rest = path.split('/').filter(|_| !path.is_empty());
    for part in parts.chain(rest) {
        last = part;
        match part {
            "." => first = false,
            ".." => {
                let written = line.room.get(start + 1..line.at).unwrap_or_default();
                match written.iter().rposition(|byte| *byte == b'/') {
                    Some(slash) => line.at = start + 1 + slash,
                    None => {
                        line.at = (start + 1).min(line.at);
                        first = true;
                    }
                }
            }
            part => {
                line.push(if first { b"" } else { b"/" });
                let _ = write!(line, "{}", Normal(part, Part::Path));
                first = false;
            }
        }
    }
    if matches!(last, "." | "..") {
        line.push(b"/");
    }
    // A slash was written in front of everything, and the path has one of its own.
    if line.room.get(start..start + 2) == Some(b"//") && line.at > start + 1 {
        line.room.copy_within(start + 1..line.at, start);
        line.at -= 1;
    }
}
