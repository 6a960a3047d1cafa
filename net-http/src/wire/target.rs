//! Request targets (RFC 9112 section 3.2) and the URLs that clients are given.

use super::ascii::{cut, cut_last, escapes_are_sound};

/// A target or URL taken apart. Nothing is decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// What stands before `://`, as sent.
    pub(crate) scheme: Option<&'a str>,
    /// Host and port, without user information.
    pub(crate) authority: &'a str,
    /// From the first slash to the question mark.
    pub(crate) path: &'a str,
    /// Behind the question mark.
    pub(crate) query: Option<&'a str>,
    /// Whether a user name stands before the host.
    pub(crate) has_user: bool,
}

impl<'a> Target<'a> {
    /// Takes the target of a request line apart; `None` if it is not one.
    ///
    /// Differs from Go: bytes that are not UTF-8, and URLs without `//`, are refused.
    pub(crate) fn parse(text: &'a [u8], connect: bool) -> Option<Self> {
        let text = core::str::from_utf8(text).ok()?;
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7F) {
            return None;
        }
        if text.starts_with('/') {
            return Self::default().with_path(text);
        }
        if connect {
            return Self::default().with_authority(text);
        }
        if text == "*" {
            return Some(Self { path: text, ..Self::default() });
        }
        Self::absolute(text)
    }

    /// Takes an absolute URL apart.
    pub(crate) fn absolute(text: &'a str) -> Option<Self> {
        let (scheme, rest) = cut(text, b':')?;
        let rest = rest.strip_prefix("//")?;
        let mut letters = scheme.bytes();
        let well_formed = letters.next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && letters.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !well_formed {
            return None;
        }
        Self { scheme: Some(scheme), ..Self::default() }.with_authority(rest)
    }

    fn with_authority(self, text: &'a str) -> Option<Self> {
        let end = text.bytes().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(text.len());
        let (authority, path) = text.split_at_checked(end)?;
        let (user, host) = cut_last(authority, b'@').unwrap_or(("", authority));
        let sound = user.bytes().all(is_user_byte) && escapes_are_sound(user) && is_authority(host);
        let has_user = host.len() != authority.len();
        let split = Self { authority: host, has_user, ..self };
        if sound { split.with_path(path) } else { None }
    }

    fn with_path(self, text: &'a str) -> Option<Self> {
        let (path, query) = match cut(text, b'?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        escapes_are_sound(path).then_some(Self { path, query, ..self })
    }
}

/// Whether every `%` stands before two hex digits.
fn is_user_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%".contains(&byte)
}

/// Host, perhaps in brackets, and perhaps a port, which may be empty.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(inside) => match cut(inside, b']') {
            Some((host, port)) => (host, port),
            None => return false,
        },
        None => match text.bytes().position(|byte| byte == b':') {
            Some(colon) => text.split_at_checked(colon).unwrap_or_default(),
            None => (text, ""),
        },
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    let port_is_sound = port.is_empty() || digits.len() < port.len();
    port_is_sound
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !host.bytes().any(|byte| b"<>\"[]\\^`{|}@% ".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_hold_anything_that_is_no_control_byte() {
        let target = Target::parse(b"//user@host/a%2Fb?q=%zz#x", false).unwrap();
        assert_eq!((target.path, target.query), ("//user@host/a%2Fb", Some("q=%zz#x")));
        assert_eq!(target.authority, "");
        for bad in [&b"a"[..], b"", b"/%", b"/%z0", b"/a\x01", b"/\xFF", b"http:p", b"?a"] {
            assert_eq!(Target::parse(bad, false), None, "{bad:?}");
        }
    }

    #[test]
    fn absolute_targets_give_host_and_path() {
        let target = Target::parse(b"HTTP://u:p@[::1]:81/p?q", false).unwrap();
        assert_eq!((target.authority, target.path, target.query), ("[::1]:81", "/p", Some("q")));
        assert!(target.has_user);
        assert_eq!(Target::parse(b"http://o", false).unwrap().path, "");
        for bad in [&b"http://[::1/"[..], b"http://o:8a/", b"1x://o/", b"http://[]x/", b"://o"] {
            assert_eq!(Target::parse(bad, false), None, "{bad:?}");
        }
    }

    #[test]
    fn connect_names_host_and_port() {
        assert_eq!(Target::parse(b"h:80", true).unwrap().authority, "h:80");
        assert_eq!(Target::parse(b"/p", true).unwrap().path, "/p");
        assert_eq!(Target::parse(b"[::1", true), None);
    }
}
