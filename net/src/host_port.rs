//! The text form `host:port`.

use core::fmt;

use crate::{AddrError, AddrErrorKind};

/// Splits `host:port`, `[host]:port` or `[host%zone]:port` at its last colon. Brackets are taken off;
/// host and port may be empty and are not looked at further.
///
/// # Errors
/// What is wrong with the text, and the text.
///
/// ```
/// assert_eq!(net::split_host_port("[::1]:80"), Ok(("::1", "80")));
/// ```
pub fn split_host_port(text: &str) -> Result<(&str, &str), AddrError<'_>> {
    split(text).map_err(|kind| AddrError { kind, addr: text })
}

/// Puts host and port together; a host with a colon gets brackets.
///
/// ```
/// assert_eq!(net::join_host_port("::1", "80").to_string(), "[::1]:80");
/// ```
#[must_use]
pub const fn join_host_port<'a>(host: &'a str, port: &'a str) -> HostPort<'a> {
    HostPort { host, port }
}

/// Host and port; prints as one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPort<'a> {
    host: &'a str,
    port: &'a str,
}

impl fmt::Display for HostPort<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn split(text: &str) -> Result<(&str, &str), AddrErrorKind> {
    let (before, port) = text.rsplit_once(':').ok_or(AddrErrorKind::MissingPort)?;
    let host = match before.strip_prefix('[') {
        Some(inside) => bracketed(inside, port)?,
        None if text.starts_with('[') => return Err(AddrErrorKind::MissingBracket),
        None if before.contains(':') => return Err(AddrErrorKind::TooManyColons),
        None => before,
    };
    if host.contains('[') || port.contains('[') {
        Err(AddrErrorKind::UnexpectedOpenBracket)
    } else if host.contains(']') || port.contains(']') {
        Err(AddrErrorKind::UnexpectedCloseBracket)
    } else {
        Ok((host, port))
    }
}

/// The host of `[inside`, which reaches up to the last colon: its first `]` must be its last
/// character.
fn bracketed<'a>(inside: &'a str, port: &str) -> Result<&'a str, AddrErrorKind> {
    match inside.split_once(']') {
        Some((host, "")) => Ok(host),
        Some((_, after)) if after.starts_with(':') => Err(AddrErrorKind::TooManyColons),
        None if !port.contains(']') => Err(AddrErrorKind::MissingBracket),
        // The last colon is one inside the brackets, or something else follows them.
        _ => Err(AddrErrorKind::MissingPort),
    }
}
