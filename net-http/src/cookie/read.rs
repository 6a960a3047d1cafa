//! Cookies as they come.

use core::fmt;

use super::{Cookie, SameSite};
use crate::wire::ascii::{cut, is_token, piece, same};
use crate::wire::date;

/// What is wrong with a cookie.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BadCookie {
    /// There is none.
    Blank,
    /// No equals sign.
    NoEquals,
    /// The name is no token.
    Name,
    /// The value has bytes that must not be sent.
    Value,
    /// The path has bytes that must not be sent.
    Path,
    /// The domain is no name and no IPv4 address.
    Domain,
    /// It expires before 1601.
    Expires,
    /// A partitioned cookie has to be a secure one.
    Partitioned,
}

impl fmt::Display for BadCookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blank => "blank cookie",
            Self::NoEquals => "'=' not found in cookie",
            Self::Name => "invalid cookie name",
            Self::Value => "invalid cookie value",
            Self::Path => "invalid cookie path",
            Self::Domain => "invalid cookie domain",
            Self::Expires => "invalid cookie expiry",
            Self::Partitioned => "partitioned cookies must be secure",
        })
    }
}

impl core::error::Error for BadCookie {}

/// The cookies of one Cookie field; malformed ones are left out.
pub(super) fn cookies(field: &[u8]) -> impl Iterator<Item = Cookie<'_>> {
    // Each one is judged for itself; but bytes beyond ASCII make it malformed in any case.
    field.split(|&byte| byte == b';').filter_map(|part| {
        let part = core::str::from_utf8(part).ok()?;
        let part = trimmed(part);
        let (name, value) = cut(part, b'=').unwrap_or((part, ""));
        let name = trimmed(name);
        let (value, quoted) = unquoted(value, true)?;
        is_token(name.as_bytes()).then(|| Cookie { quoted, ..Cookie::new(name, value) })
    })
}

impl<'a> Cookie<'a> {
    /// Reads one Cookie field: every cookie in it must be sound.
    ///
    /// # Errors
    /// What is wrong with the first that is not.
    pub fn parse_all(
        field: &'a str,
    ) -> Result<impl Iterator<Item = Self> + Clone + use<'a>, BadCookie> {
        let field = trimmed(field);
        if field.is_empty() {
            return Err(BadCookie::Blank);
        }
        let all = field.split(';').map(|part| Self::strict(trimmed(part)));
        match all.clone().find_map(Result::err) {
            Some(bad) => Err(bad),
            None => Ok(all.flatten()),
        }
    }

    fn strict(part: &'a str) -> Result<Self, BadCookie> {
        let (name, value) = cut(part, b'=').ok_or(BadCookie::NoEquals)?;
        let (value, quoted) = unquoted(value, true).ok_or(BadCookie::Value)?;
        if !is_token(name.as_bytes()) {
            return Err(BadCookie::Name);
        }
        Ok(Self { quoted, ..Self::new(name, value) })
    }

    /// Reads a Set-Cookie field. Attributes that are unknown or malformed are left to
    /// [`unparsed`](Self::unparsed).
    ///
    /// # Errors
    /// What is wrong with the name or the value.
    pub fn parse_set_cookie(field: &'a str) -> Result<Self, BadCookie> {
        let field = trimmed(field);
        if field.is_empty() {
            return Err(BadCookie::Blank);
        }
        let (pair, attributes) = cut(field, b';').unwrap_or((field, ""));
        let (name, value) = cut(trimmed(pair), b'=').ok_or(BadCookie::NoEquals)?;
        let name = trimmed(name);
        if !is_token(name.as_bytes()) {
            return Err(BadCookie::Name);
        }
        let (value, quoted) = unquoted(value, true).ok_or(BadCookie::Value)?;
        let mut cookie = Self { quoted, attributes, ..Self::new(name, value) };
        for attribute in attributes.split(';').map(trimmed) {
            cookie.take_attribute(attribute);
        }
        Ok(cookie)
    }

    /// The attributes that were not understood.
    pub fn unparsed(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let known = |attribute: &&str| Self::default().take_attribute(attribute);
        let attributes = self.attributes.split(';').map(trimmed);
        attributes.filter(move |attribute| !attribute.is_empty() && !known(attribute))
    }

    /// What the last attribute says that has this name, as it came.
    #[must_use]
    pub fn raw_attribute(&self, name: &str) -> Option<&'a str> {
        let mut found = None;
        let mut rest = Some(self.attributes);
        while let Some(attribute) = piece(&mut rest, b';') {
            match cut(trimmed(attribute), b'=') {
                Some((have, value)) if same(have.as_bytes(), name.as_bytes()) => {
                    found = Some(value);
                }
                _ => {}
            }
        }
        found
    }

    /// Takes note of one attribute; `false` if it was not understood.
    fn take_attribute(&mut self, attribute: &'a str) -> bool {
        let (name, value) = cut(attribute, b'=').unwrap_or((attribute, ""));
        let Some((value, _)) = unquoted(value, false) else { return false };
        let is = |known: &[u8]| same(name.as_bytes(), known);
        if !name.is_ascii() {
            return true;
        } else if is(b"path") {
            self.path = value;
        } else if is(b"domain") {
            self.domain = value;
        } else if is(b"secure") {
            self.secure = true;
        } else if is(b"httponly") {
            self.http_only = true;
        } else if is(b"partitioned") {
            self.partitioned = true;
        } else if is(b"samesite") {
            self.same_site = Some(same_site(value.as_bytes()));
        } else if is(b"max-age") {
            let Some(seconds) = max_age(value) else { return false };
            self.max_age = Some(seconds);
        } else if is(b"expires") {
            self.expires = date::parse_expires(value);
            return self.expires.is_some();
        } else {
            return attribute.is_empty();
        }
        true
    }
}

fn same_site(value: &[u8]) -> SameSite {
    match value {
        value if same(value, b"lax") => SameSite::Lax,
        value if same(value, b"strict") => SameSite::Strict,
        value if same(value, b"none") => SameSite::None,
        _ => SameSite::Default,
    }
}

/// Seconds; everything up to 0 means now, and is -1. No leading zeros.
fn max_age(value: &str) -> Option<i64> {
    let seconds: i64 = value.parse().ok()?;
    if seconds != 0 && value.starts_with('0') {
        return None;
    }
    Some(if seconds <= 0 { -1 } else { seconds })
}

/// A value without its quotes, and whether it had some; `None` if it has bytes that it must not have.
fn unquoted(value: &str, quotes: bool) -> Option<(&str, bool)> {
    let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let (value, quoted) = match inside {
        Some(inside) if quotes => (inside, true),
        _ => (value, false),
    };
    value.bytes().all(is_value_byte).then_some((value, quoted))
}

pub(super) fn is_value_byte(byte: u8) -> bool {
    (b' '..0x7F).contains(&byte) && !matches!(byte, b'"' | b';' | b'\\')
}

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}
