//! Conditional requests (RFC 9110 section 13).

use crate::wire::date;
use crate::{Request, ResponseWriter, Status};

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Answer, and with ranges if that is asked for.
    Go { ranges: bool },
    /// The client has it: 304.
    NotModified,
    /// 412.
    Failed,
}

/// Weighs the conditions of a request against the tag that was set and the date of the last change.
pub(crate) fn weigh(w: &mut ResponseWriter<'_>, r: &Request<'_>, modified: Option<u64>) -> Verdict {
    let header = w.header();
    let tag = header.get("Etag").unwrap_or_default();
    let modified = modified.and_then(|unix| i64::try_from(unix).ok());
    let safe = matches!(r.method(), "GET" | "HEAD");
    let field = |name| r.header(name).filter(|value| !value.is_empty());
    let since = |name| field(name).and_then(date::parse);

    let unchanged = match (field("If-Match"), since("If-Unmodified-Since"), modified) {
        (Some(list), _, _) => any_tag(list, |other| strong(other, tag)),
        (None, Some(date), Some(modified)) => modified <= date,
        _ => true,
    };
    if !unchanged {
        return Verdict::Failed;
    }
    let known = match (field("If-None-Match"), since("If-Modified-Since"), modified) {
        (Some(list), _, _) => any_tag(list, |other| weak(other, tag)),
        (None, Some(date), Some(modified)) => safe && modified <= date,
        _ => false,
    };
    match known {
        true if safe => Verdict::NotModified,
        true => Verdict::Failed,
        false => {
            Verdict::Go { ranges: field("If-Range").is_none_or(|have| same(have, tag, modified)) }
        }
    }
}

/// What the answer to a client that has the content does not say.
pub(crate) fn not_modified(w: &mut ResponseWriter<'_>) {
    let mut header = w.header();
    header.del("Content-Type");
    header.del("Content-Length");
    header.del("Content-Encoding");
    if header.get("Etag").is_some_and(|tag| !tag.is_empty()) {
        header.del("Last-Modified");
    }
    w.write_header(Status::NOT_MODIFIED);
}

/// Whether If-Range names what is there: a tag, or the exact date.
fn same(have: &str, tag: &str, modified: Option<i64>) -> bool {
    match first_tag(have) {
        Some((have, _)) => strong(have, tag),
        None => modified.is_some() && date::parse(have) == modified,
    }
}

/// Whether a list has a tag that fits. A malformed list ends where it is malformed.
fn any_tag(mut list: &str, fits: impl Fn(&str) -> bool) -> bool {
    loop {
        list = list.trim_start_matches([' ', '\t']);
        if let Some(behind) = list.strip_prefix(',') {
            list = behind;
            continue;
        }
        if list.starts_with('*') {
            return true;
        }
        let Some((tag, behind)) = first_tag(list) else { return false };
        if fits(tag) {
            return true;
        }
        list = behind;
    }
}

/// The tag that a text starts with, and what follows.
fn first_tag(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let inside = quoted.strip_prefix('"')?;
    let sound = |byte: u8| byte == 0x21 || (0x23..=0x7E).contains(&byte) || byte >= 0x80;
    let end = inside.bytes().position(|byte| !sound(byte))?;
    if inside.as_bytes().get(end) != Some(&b'"') {
        return None;
    }
    text.split_at_checked(text.len() - inside.len() + end + 1)
}

fn strong(a: &str, b: &str) -> bool {
    a == b && a.starts_with('"')
}

fn weak(a: &str, b: &str) -> bool {
    a.strip_prefix("W/").unwrap_or(a) == b.strip_prefix("W/").unwrap_or(b)
}
