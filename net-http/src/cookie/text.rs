//! Cookies as they are sent.

use core::fmt::{self, Write};

use super::read::is_value_byte;
use super::{BadCookie, Cookie, SameSite};
use crate::wire::ascii::is_token;
use crate::wire::date;

impl fmt::Display for Cookie<'_> {
    /// As the value of Set-Cookie; nothing if the name is no token. What must not be sent is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.has_name() {
            return Ok(());
        }
        write!(f, "{}={}", self.name, Value(self))?;
        if !self.path.is_empty() {
            f.write_str("; Path=")?;
            write_some(f, self.path, is_path_byte)?;
        }
        if is_domain(self.domain) {
            write!(f, "; Domain={}", self.domain.strip_prefix('.').unwrap_or(self.domain))?;
        }
        if let Some(unix) = self.expires.filter(|unix| *unix >= YEAR_1601) {
            let date = date::format(unix);
            write!(f, "; Expires={}", core::str::from_utf8(&date).unwrap_or_default())?;
        }
        if let Some(seconds) = self.max_age {
            write!(f, "; Max-Age={}", seconds.max(0))?;
        }
        f.write_str(if self.http_only { "; HttpOnly" } else { "" })?;
        f.write_str(if self.secure { "; Secure" } else { "" })?;
        f.write_str(match self.same_site {
            None | Some(SameSite::Default) => "",
            Some(SameSite::Lax) => "; SameSite=Lax",
            Some(SameSite::Strict) => "; SameSite=Strict",
            Some(SameSite::None) => "; SameSite=None",
        })?;
        f.write_str(if self.partitioned { "; Partitioned" } else { "" })
    }
}

impl Cookie<'_> {
    pub(super) fn has_name(&self) -> bool {
        is_token(self.name.as_bytes())
    }

    /// As one of the pairs of a request's Cookie field.
    #[must_use]
    pub fn pair(&self) -> impl fmt::Display + '_ {
        Pair(self)
    }

    /// Whether all of it may be sent.
    ///
    /// # Errors
    /// What may not.
    pub fn validate(&self) -> Result<(), BadCookie> {
        if !self.has_name() {
            Err(BadCookie::Name)
        } else if self.expires.is_some_and(|unix| unix < YEAR_1601) {
            Err(BadCookie::Expires)
        } else if !self.value.bytes().all(is_value_byte) {
            Err(BadCookie::Value)
        } else if !self.path.bytes().all(is_path_byte) {
            Err(BadCookie::Path)
        } else if !self.domain.is_empty() && !is_domain(self.domain) {
            Err(BadCookie::Domain)
        } else if self.partitioned && !self.secure {
            Err(BadCookie::Partitioned)
        } else {
            Ok(())
        }
    }
}

struct Pair<'c>(&'c Cookie<'c>);

impl fmt::Display for Pair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.name.chars().try_for_each(|letter| {
            f.write_char(if matches!(letter, '\r' | '\n') { '-' } else { letter })
        })?;
        write!(f, "={}", Value(self.0))
    }
}

/// The value, in quotes where it had some or needs them.
struct Value<'c>(&'c Cookie<'c>);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sent = self.0.value.bytes().filter(|byte| is_value_byte(*byte)).peekable();
        let quotes = sent.peek().is_some()
            && (self.0.quoted || sent.any(|byte| matches!(byte, b' ' | b',')));
        f.write_str(if quotes { "\"" } else { "" })?;
        write_some(f, self.0.value, is_value_byte)?;
        f.write_str(if quotes { "\"" } else { "" })
    }
}

fn write_some(f: &mut fmt::Formatter<'_>, text: &str, wanted: fn(u8) -> bool) -> fmt::Result {
    let mut sent = text.bytes().filter(|byte| wanted(*byte));
    sent.try_for_each(|byte| f.write_char(char::from(byte)))
}

fn is_path_byte(byte: u8) -> bool {
    (b' '..0x7F).contains(&byte) && byte != b';'
}

/// A name of labels, perhaps behind a dot, or an IPv4 address.
fn is_domain(text: &str) -> bool {
    let name = text.strip_prefix('.').unwrap_or(text);
    if name.is_empty() || text.len() > 255 {
        return false;
    }
    if text.parse::<core::net::Ipv4Addr>().is_ok() {
        return true;
    }
    let labels = name.strip_suffix('.').unwrap_or(name);
    let label = |label: &str| {
        (1..64).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    labels.split('.').all(label) && name.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// 1601-01-01, in seconds since 1970.
const YEAR_1601: i64 = -11_644_473_600;
