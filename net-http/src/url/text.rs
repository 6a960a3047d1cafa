//! URLs as text, with what has to be escaped.

use core::fmt::{self, Write};

use super::Url;
use crate::query::Encoded;
use crate::wire::ascii::cut;

/// The parts of a URL, each with bytes of its own that need no escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Host,
    Path,
    Segment,
    User,
    QueryComponent,
    Fragment,
}

/// Whether a byte stands for itself in this part.
pub(crate) fn is_sound(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return true;
    }
    let extra: &[u8] = match part {
        Part::Host => b"!$&'()*+,;=:[]<>\"",
        Part::Path => b"$&+,/:;=@",
        Part::Segment => b"$&+:=@",
        Part::User => b"$&+,;=",
        Part::QueryComponent => b"",
        Part::Fragment => b"$&+,/:;=?@!()*",
    };
    extra.contains(&byte)
}

/// A text with everything escaped that may not stand in a part.
struct Escaped<I>(I, Part);

impl<I: Iterator<Item = u8> + Clone> fmt::Display for Escaped<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.clone().try_for_each(|byte| match byte {
            b' ' if self.1 == Part::QueryComponent => f.write_char('+'),
            byte if is_sound(byte, self.1) => f.write_char(char::from(byte)),
            byte => write!(f, "%{byte:02X}"),
        })
    }
}

/// A text made fit for a name or a value of a query: Go's `url.QueryEscape`.
///
/// ```
/// assert_eq!(net_http::query_escape(b"a b&c").to_string(), "a+b%26c");
/// ```
#[must_use]
pub fn query_escape(text: &[u8]) -> impl fmt::Display + '_ {
    Escaped(text.iter().copied(), Part::QueryComponent)
}

/// A text made fit for one segment of a path: Go's `url.PathEscape`.
#[must_use]
pub fn path_escape(text: &[u8]) -> impl fmt::Display + '_ {
    Escaped(text.iter().copied(), Part::Segment)
}

/// A part as it came, if all of it may stand there; otherwise escaped anew.
pub(super) struct Normal<'a>(pub(super) &'a str, pub(super) Part);

impl fmt::Display for Normal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = |byte: u8| b"!$&'()*+,;=:@[]%".contains(&byte) || is_sound(byte, self.1);
        if self.0 == "*" || self.0.bytes().all(may) {
            return f.write_str(self.0);
        }
        Escaped(Encoded::path(self.0).bytes(), self.1).fmt(f)
    }
}

impl Url<'_> {
    /// The path with its escapes, as it is sent.
    #[must_use]
    pub fn escaped_path(&self) -> impl fmt::Display + '_ {
        Normal(self.path, Part::Path)
    }

    /// What a request line says: path and query.
    #[must_use]
    pub fn request_target(&self) -> impl fmt::Display + '_ {
        Target(self)
    }

    /// User, host and port, with what stands before them.
    pub(super) fn authority(&self) -> impl fmt::Display + '_ {
        Authority(self)
    }
}

struct Target<'u>(&'u Url<'u>);

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        if url.opaque.starts_with("//") {
            write!(f, "{}:{}", url.scheme, url.opaque)?;
        } else if !url.opaque.is_empty() {
            f.write_str(url.opaque)?;
        } else if url.path.is_empty() {
            f.write_str("/")?;
        } else {
            url.escaped_path().fmt(f)?;
        }
        url.query.map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

struct Authority<'u>(&'u Url<'u>);

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0;
        if url.scheme.is_empty() && url.host.is_empty() && url.user.is_none() || url.without_host {
            return Ok(());
        }
        if !url.host.is_empty() || !url.path.is_empty() || url.user.is_some() {
            f.write_str("//")?;
        }
        if let Some(user) = url.user {
            let escaped = |text| Escaped(Encoded::path(text).bytes(), Part::User);
            match cut(user, b':') {
                Some((name, password)) => write!(f, "{}:{}@", escaped(name), escaped(password))?,
                None => write!(f, "{}@", escaped(user))?,
            }
        }
        Escaped(Encoded::path(url.host).bytes(), Part::Host).fmt(f)
    }
}

impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.scheme.is_empty() {
            self.scheme.chars().try_for_each(|letter| f.write_char(letter.to_ascii_lowercase()))?;
            f.write_char(':')?;
        }
        if self.opaque.is_empty() {
            self.authority().fmt(f)?;
            let first = self.path.split('/').next().unwrap_or_default();
            let alone = self.scheme.is_empty() && self.host.is_empty() && self.user.is_none();
            f.write_str(if alone && first.contains(':') { "./" } else { "" })?;
            self.escaped_path().fmt(f)?;
        } else {
            f.write_str(self.opaque)?;
        }
        if let Some(query) = self.query {
            write!(f, "?{query}")?;
        }
        if self.fragment.is_empty() {
            return Ok(());
        }
        write!(f, "#{}", Normal(self.fragment, Part::Fragment))
    }
}
