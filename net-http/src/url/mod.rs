//! URLs, as Go's `net/url` reads and prints them.

mod join;
mod text;

pub use text::{path_escape, query_escape};

use core::fmt;

use crate::query::{Encoded, Query};
use crate::wire::ascii::{cut, cut_last, escapes_are_sound, hex_digit};
use text::{Part, is_sound};

/// A URL, taken apart. Everything is a slice of the text, with its escapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Url<'a> {
    scheme: &'a str,
    /// What follows a scheme without a slash: `mailto:a@b`.
    opaque: &'a str,
    user: Option<&'a str>,
    /// With its port.
    host: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    fragment: &'a str,
    /// A scheme is followed by a path, with nothing between.
    without_host: bool,
}

/// A text is no URL.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BadUrl {
    /// A control byte.
    Control,
    /// Nothing stands before the colon.
    NoScheme,
    /// Neither a path nor an absolute URL.
    NotForRequest,
    /// A relative path with a colon in its first segment.
    Colon,
    /// A percent sign without two hexadecimal digits, or with some that may not stand there.
    Escape,
    /// The user name has bytes that it must not have.
    User,
    /// The host has bytes that it must not have, or is no address inside brackets.
    Host,
    /// The port is no number.
    Port,
}

impl fmt::Display for BadUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "invalid control character in URL",
            Self::NoScheme => "missing protocol scheme",
            Self::NotForRequest => "invalid URI for request",
            Self::Colon => "first path segment in URL cannot contain colon",
            Self::Escape => "invalid URL escape",
            Self::User => "invalid userinfo",
            Self::Host => "invalid host",
            Self::Port => "invalid port after host",
        })
    }
}

impl core::error::Error for BadUrl {}

impl<'a> Url<'a> {
    /// Takes a URL apart, absolute or relative: Go's `url.Parse`.
    ///
    /// ```
    /// let url = net_http::Url::parse("http://u@h:81/a%20b?q=1#top")?;
    /// assert_eq!((url.host_name(), url.port()), ("h", "81"));
    /// assert_eq!(url.path(), "/a b");
    /// assert_eq!(url.query().get("q"), net_http::Query::new("q=1").get("q"));
    /// # Ok::<(), net_http::BadUrl>(())
    /// ```
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn parse(text: &'a str) -> Result<Self, BadUrl> {
        let (url, fragment) = cut(text, b'#').unwrap_or((text, ""));
        let parsed = Self::take_apart(url, false)?;
        if has_control(fragment) {
            return Err(BadUrl::Control);
        }
        if !escapes_are_sound(fragment) {
            return Err(BadUrl::Escape);
        }
        Ok(Self { fragment, ..parsed })
    }

    /// Takes the target of a request apart, which is a path or an absolute URL, without a fragment:
    /// Go's `url.ParseRequestURI`.
    ///
    /// # Errors
    /// [`BadUrl`].
    pub fn parse_request(text: &'a str) -> Result<Self, BadUrl> {
        Self::take_apart(text, true)
    }

    fn take_apart(text: &'a str, for_request: bool) -> Result<Self, BadUrl> {
        if has_control(text) {
            return Err(BadUrl::Control);
        }
        if text.is_empty() && for_request {
            return Err(BadUrl::NotForRequest);
        }
        if text == "*" {
            return Ok(Self { path: text, ..Self::default() });
        }
        let (scheme, rest) = split_scheme(text)?;
        let (rest, query) = match cut(rest, b'?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (rest, None),
        };
        let url = Self { scheme, query, ..Self::default() };
        if !rest.starts_with('/') {
            return url.without_slash(rest, for_request);
        }
        let with_host = !scheme.is_empty() || !for_request && !rest.starts_with("///");
        match rest.strip_prefix("//").filter(|_| with_host) {
            Some(behind) => url.with_authority(behind),
            None => Self { without_host: !scheme.is_empty(), ..url }.with_path(rest),
        }
    }

    /// `mailto:a@b`, or a relative path.
    fn without_slash(self, rest: &'a str, for_request: bool) -> Result<Self, BadUrl> {
        if !self.scheme.is_empty() {
            return Ok(Self { opaque: rest, ..self });
        }
        if for_request {
            return Err(BadUrl::NotForRequest);
        }
        let (first, _) = cut(rest, b'/').unwrap_or((rest, ""));
        if first.bytes().any(|byte| byte == b':') {
            Err(BadUrl::Colon)
        } else {
            self.with_path(rest)
        }
    }

    fn with_authority(self, text: &'a str) -> Result<Self, BadUrl> {
        let slash = text.bytes().position(|byte| byte == b'/').unwrap_or(text.len());
        let (authority, path) = text.split_at_checked(slash).unwrap_or_default();
        let (user, host) = match cut_last(authority, b'@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        check_host(host, matches!(self.scheme.as_bytes(), b"http" | b"https"))?;
        if let Some(user) = user {
            let fits =
                |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            if !user.bytes().all(fits) {
                return Err(BadUrl::User);
            }
            if !escapes_are_sound(user) {
                return Err(BadUrl::Escape);
            }
        }
        Self { user, host, ..self }.with_path(path)
    }

    fn with_path(self, path: &'a str) -> Result<Self, BadUrl> {
        if escapes_are_sound(path) { Ok(Self { path, ..self }) } else { Err(BadUrl::Escape) }
    }

    /// What stands before the colon, as sent; empty in a relative URL.
    #[must_use]
    pub const fn scheme(&self) -> &'a str {
        self.scheme
    }

    /// Whether there is a scheme.
    #[must_use]
    pub const fn is_absolute(&self) -> bool {
        !self.scheme.is_empty()
    }

    /// What follows a scheme without a slash.
    #[must_use]
    pub const fn opaque(&self) -> &'a str {
        self.opaque
    }

    /// The user name, and the password if there is one.
    #[must_use]
    pub fn user(&self) -> Option<(Encoded<'a>, Option<Encoded<'a>>)> {
        let user = self.user?;
        Some(match cut(user, b':') {
            Some((name, password)) => (Encoded::path(name), Some(Encoded::path(password))),
            None => (Encoded::path(user), None),
        })
    }

    /// Host and port.
    #[must_use]
    pub const fn host(&self) -> Encoded<'a> {
        Encoded::path(self.host)
    }

    /// The host as sent, without its port and without brackets.
    #[must_use]
    pub fn host_name(&self) -> &'a str {
        let host = self.split_port().0;
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The port; empty if there is none.
    #[must_use]
    pub fn port(&self) -> &'a str {
        self.split_port().1
    }

    fn split_port(&self) -> (&'a str, &'a str) {
        match cut_last(self.host, b':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => (host, port),
            _ => (self.host, ""),
        }
    }

    /// The path.
    #[must_use]
    pub const fn path(&self) -> Encoded<'a> {
        Encoded::path(self.path)
    }

    /// The query.
    #[must_use]
    pub fn query(&self) -> Query<'a> {
        Query::new(self.query.unwrap_or_default())
    }

    /// What stands behind the `#`.
    #[must_use]
    pub const fn fragment(&self) -> Encoded<'a> {
        Encoded::path(self.fragment)
    }
}

fn has_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' || byte == 0x7F)
}

/// What stands before the first colon, if that is a scheme, and what follows.
fn split_scheme(text: &str) -> Result<(&str, &str), BadUrl> {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    match text.bytes().position(|byte| !inside(byte)) {
        Some(0) if text.starts_with(':') => Err(BadUrl::NoScheme),
        Some(end) if text.as_bytes().get(end) == Some(&b':') => {
            let (scheme, rest) = text.split_at_checked(end).unwrap_or_default();
            let starts_well = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
            if starts_well {
                Ok((scheme, rest.get(1..).unwrap_or_default()))
            } else {
                Ok(("", text))
            }
        }
        _ => Ok(("", text)),
    }
}

/// Host and port: an address in brackets, or a name. With `strict` a name has no colon.
fn check_host(text: &str, strict: bool) -> Result<(), BadUrl> {
    let Some(bracket) = text.bytes().rposition(|byte| byte == b'[') else {
        let colon = match strict {
            true => text.bytes().position(|byte| byte == b':'),
            false => text.bytes().rposition(|byte| byte == b':'),
        };
        let (_, port) = text.split_at_checked(colon.unwrap_or(text.len())).unwrap_or_default();
        check_port(port)?;
        return check_name(text);
    };
    let (inside, port) =
        text.get(bracket + 1..).and_then(|rest| cut_last(rest, b']')).ok_or(BadUrl::Host)?;
    check_port(port)?;
    if bracket > 0 {
        return Err(BadUrl::Host);
    }
    let at = inside.as_bytes().windows(3).position(|bytes| bytes == b"%25");
    let (addr, zone) = inside.split_at_checked(at.unwrap_or(inside.len())).unwrap_or_default();
    check_name(addr)?;
    check_zone(zone)?;
    let empty_zone = at.is_some() && zone.len() == 3;
    match addr.parse::<core::net::Ipv6Addr>() {
        Ok(_) if !empty_zone => Ok(()),
        _ => Err(BadUrl::Host),
    }
}

fn check_port(text: &str) -> Result<(), BadUrl> {
    let digits = text.strip_prefix(':').unwrap_or(text);
    let sound =
        text.is_empty() || digits.len() < text.len() && digits.bytes().all(|b| b.is_ascii_digit());
    if sound { Ok(()) } else { Err(BadUrl::Port) }
}

/// In a host only bytes beyond ASCII, and the percent sign, may be escaped.
fn check_name(text: &str) -> Result<(), BadUrl> {
    check_host_bytes(text, |decoded, escape| decoded >= 0x80 || escape.eq(b"%25"))
}

/// In a zone everything may be escaped that could stand there, and spaces.
fn check_zone(text: &str) -> Result<(), BadUrl> {
    let may = |byte: u8, escape: &[u8]| {
        escape.eq(b"%25") || byte == b' ' || byte < 0x80 && is_sound(byte, Part::Host)
    };
    check_host_bytes(text, may)
}

fn check_host_bytes(text: &str, may: impl Fn(u8, &[u8]) -> bool) -> Result<(), BadUrl> {
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        if *first == b'%' {
            let escape = rest.get(..3).ok_or(BadUrl::Escape)?;
            let [_, high, low] = escape else { return Err(BadUrl::Escape) };
            let decoded = hex_digit(*high).zip(hex_digit(*low)).map(|(high, low)| high << 4 | low);
            if !decoded.is_some_and(|decoded| may(decoded, escape)) {
                return Err(BadUrl::Escape);
            }
            rest = rest.get(3..).unwrap_or_default();
        } else if *first < 0x80 && !is_sound(*first, Part::Host) {
            return Err(BadUrl::Host);
        } else {
            rest = behind;
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
