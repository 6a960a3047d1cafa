//! Sends clients elsewhere.

use core::fmt::{self, Write};

use crate::wire::ascii::{cut, cut_last, escapes_are_sound};
use crate::{Error, Request, ResponseWriter, Status};

/// Sends the client to another URL: Go's `http.Redirect`.
///
/// A relative `url` is made absolute against the path of the request, and cleaned. The answer has a
/// short page with a link, for GET.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn redirect(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    url: &str,
    status: Status,
) -> Result<(), Error> {
    if !is_relative(url) {
        return redirect_to(w, r, &url, status);
    }
    let folder = match url.starts_with('/') {
        true => "",
        false => cut_last(r.path, b'/').map_or("", |(folder, _)| folder),
    };
    let (path, query) = match cut(url, b'?') {
        Some((path, query)) => (path, Some(query)),
        None => (url, None),
    };
    redirect_to(w, r, &Cleaned { folder, path, query }, status)
}

/// The same with a URL that is final.
pub(crate) fn redirect_to(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    url: &dyn fmt::Display,
    status: Status,
) -> Result<(), Error> {
    let mut header = w.header();
    let typed = header.get("Content-Type").is_some();
    header.set_display("Location", &Through(url, &escape_others));
    if !typed && matches!(r.method(), "GET" | "HEAD") {
        header.set("Content-Type", "text/html; charset=utf-8");
    }
    w.write_header(status);
    if typed || r.method() != "GET" {
        return Ok(());
    }
    w.write(b"<a href=\"")?;
    write!(w, "{}", Through(url, &escape_html))?;
    w.write(b"\">")?;
    w.write(status.text().as_bytes())?;
    w.write(b"</a>.\n\n").map(drop)
}

/// Whether a URL has neither scheme nor host, as far as it is one.
fn is_relative(url: &str) -> bool {
    if let Some(behind) = url.strip_prefix("//") {
        return matches!(behind.as_bytes().first(), None | Some(b'/' | b'?' | b'#'));
    }
    let end = url.bytes().position(|byte| b":/?#".contains(&byte));
    let colon = end.and_then(|end| url.as_bytes().get(end)) == Some(&b':');
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let controls = url.bytes().any(|byte| byte < b' ' || byte == 0x7F);
    !colon && !controls && escapes_are_sound(path)
}

/// A path behind a folder, without dots and empty segments.
#[derive(Clone, Copy)]
struct Cleaned<'a> {
    folder: &'a str,
    path: &'a str,
    query: Option<&'a str>,
}

impl fmt::Display for Cleaned<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.split('/').map(|part| (part, true));
        let mut rest = folder.chain(self.path.split('/').map(|part| (part, false)));
        let mut slash = false;
        while let Some((part, of_folder)) = rest.next() {
            if matches!(part, "" | "." | "..") || is_taken_away(rest.clone().map(|(part, _)| part))
            {
                continue;
            }
            f.write_str("/")?;
            slash = true;
            match of_folder {
                // What the client sent is escaped as Go escapes paths.
                true => part.bytes().try_for_each(|byte| match byte.is_ascii() {
                    true => f.write_char(char::from(byte)),
                    false => write!(f, "%{byte:02X}"),
                })?,
                false => f.write_str(part)?,
            }
        }
        let ends_in_slash = self.path.ends_with('/') || self.path.is_empty();
        f.write_str(if ends_in_slash || !slash { "/" } else { "" })?;
        match self.query {
            Some(query) => write!(f, "?{query}"),
            None => Ok(()),
        }
    }
}

/// Whether a `..` among the segments that follow takes away the one before them.
fn is_taken_away<'a>(rest: impl Iterator<Item = &'a str>) -> bool {
    let mut depth = 0_u32;
    for part in rest {
        match part {
            "" | "." => {}
            ".." if depth == 0 => return true,
            ".." => depth -= 1,
            _ => depth += 1,
        }
    }
    false
}

/// A text whose letters go through a function.
struct Through<'a>(&'a dyn fmt::Display, &'a Letter);

/// Prints one letter, changed.
type Letter = dyn Fn(&mut fmt::Formatter<'_>, char) -> fmt::Result;

impl fmt::Display for Through<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Each(f, self.1), "{}", self.0)
    }
}

struct Each<'a, 'b>(&'a mut fmt::Formatter<'b>, &'a Letter);

impl Write for Each<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|letter| (self.1)(self.0, letter))
    }
}

/// Text that is safe inside HTML, also inside quotes.
fn escape_html(f: &mut fmt::Formatter<'_>, letter: char) -> fmt::Result {
    match letter {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&#34;"),
        '\'' => f.write_str("&#39;"),
        other => f.write_char(other),
    }
}

/// A field value without bytes beyond ASCII.
fn escape_others(f: &mut fmt::Formatter<'_>, letter: char) -> fmt::Result {
    if letter.is_ascii() {
        return f.write_char(letter);
    }
    let mut bytes = [0; 4];
    letter.encode_utf8(&mut bytes).bytes().try_for_each(|byte| write!(f, "%{byte:02x}"))
}
