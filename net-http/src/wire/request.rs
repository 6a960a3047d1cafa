//! Heads of requests.

use super::ascii::{Span, is_host, is_token, same};
use super::fields::{BadFraming, Collected, Framing};
use super::head::{Fields, split_field, split_line};
use super::target::Target;
use super::version::Version;
use crate::Status;

/// The head of a request: where its parts are in the buffer, and what they mean.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestHead {
    pub(crate) method: Span,
    pub(crate) target: Span,
    /// Path and query of the target.
    pub(crate) path: Span,
    pub(crate) query: Span,
    pub(crate) host: Span,
    pub(crate) fields: Span,
    /// Bytes of the whole head.
    pub(crate) length: u16,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
    /// The client would keep the connection.
    pub(crate) keep_alive: bool,
    /// The client waits for `100 Continue` before it sends the body.
    pub(crate) expects_continue: bool,
    /// There is a length beside the coding.
    pub(crate) both: bool,
}

/// Why a request is answered by the server itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    BadRequest,
    FieldName,
    MissingHost,
    MalformedHost,
    HeadTooLarge,
    BodyTooLarge,
    Expectation,
    /// The first bytes of HTTP/2.
    Preface,
    Coding,
    Version,
    Timeout,
    /// A chunked body, and a head that leaves no room for its framing.
    LengthRequired,
    TargetTooLong,
    /// There is no place for a further connection.
    Crowded,
}

impl Refusal {
    pub(crate) const fn status(self) -> Status {
        match self {
            Self::BadRequest
            | Self::Preface
            | Self::FieldName
            | Self::MissingHost
            | Self::MalformedHost => Status::BAD_REQUEST,
            Self::HeadTooLarge => Status::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::BodyTooLarge => Status::REQUEST_ENTITY_TOO_LARGE,
            Self::Expectation => Status::EXPECTATION_FAILED,
            Self::Coding => Status::NOT_IMPLEMENTED,
            Self::Version => Status::HTTP_VERSION_NOT_SUPPORTED,
            Self::Timeout => Status::REQUEST_TIMEOUT,
            Self::LengthRequired => Status::LENGTH_REQUIRED,
            Self::TargetTooLong => Status::REQUEST_URI_TOO_LONG,
            Self::Crowded => Status::SERVICE_UNAVAILABLE,
        }
    }

    /// What is said beside the status text, or nothing.
    pub(crate) const fn reason(self) -> &'static str {
        match self {
            Self::FieldName => "invalid header name",
            Self::MissingHost => "missing required Host header",
            Self::MalformedHost => "malformed Host header",
            Self::Version => "unsupported protocol version",
            _ => "",
        }
    }
}

/// A request line that was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine<'a> {
    method: &'a [u8],
    target: &'a [u8],
    parts: Target<'a>,
    version: Version,
}

/// Method, target and version of a request line without its end.
pub(crate) fn request_line(line: &[u8]) -> Result<RequestLine<'_>, Refusal> {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Err(Refusal::BadRequest);
    };
    if !is_token(method) {
        return Err(Refusal::BadRequest);
    }
    let version = Version::parse(version).ok_or(Refusal::BadRequest)?;
    let parts = Target::parse(target, method == b"CONNECT").ok_or(Refusal::BadRequest)?;
    Ok(RequestLine { method, target, parts, version })
}

impl RequestHead {
    /// Reads a whole head, from the request line to the blank line.
    pub(crate) fn parse(head: &[u8], max_fields: u16) -> Result<Self, Refusal> {
        let (line, block) = split_line(head);
        let RequestLine { method, target, parts, version } = request_line(line)?;
        let span = |part: &[u8]| span_in(head, part);

        let mut collected = Collected::default();
        let (mut host, mut hosts, mut expect, mut count) = (&[][..], 0_u8, None, 0_u16);
        let mut rest = block;
        loop {
            let (line, next) = split_line(rest);
            if line.is_empty() {
                break;
            }
            rest = next;
            count = count.saturating_add(1);
            if count > max_fields {
                return Err(Refusal::HeadTooLarge);
            }
            let (name, value) = split_field(line)?;
            collected.note(name, value);
            match name.len() {
                4 if same(name, b"host") => {
                    hosts = hosts.saturating_add(1);
                    host = value;
                }
                6 if same(name, b"expect") => expect = Some(value),
                _ => {}
            }
        }
        let connect = method == b"CONNECT";
        check_version(method, target, version)?;
        let framing = collected.framing(version).map_err(Refusal::from)?.unwrap_or_default();
        check_host(host, hosts, connect, version)?;
        let named = parts.authority.as_bytes();
        let host = if named.is_empty() { host } else { named };
        Ok(Self {
            method: span(method),
            target: span(target),
            path: span(parts.path.as_bytes()),
            query: span(parts.query.unwrap_or_default().as_bytes()),
            host: span(host),
            fields: span(block),
            length: u16::try_from(head.len()).map_err(|_| Refusal::HeadTooLarge)?,
            version,
            framing,
            keep_alive: collected.keeps_alive(version),
            expects_continue: expects_continue(expect, version, framing)?,
            both: collected.has_both(),
        })
    }

    /// The fields, in the buffer that holds the head.
    pub(crate) fn fields<'a>(&self, buffer: &'a [u8]) -> Fields<'a> {
        Fields::new(self.fields.bytes(buffer))
    }
}

impl From<BadFraming> for Refusal {
    fn from(bad: BadFraming) -> Self {
        match bad {
            BadFraming::Coding => Self::Coding,
            BadFraming::Length | BadFraming::Trailer => Self::BadRequest,
        }
    }
}

/// Where `part` lies in `head`; both come from the same buffer.
fn span_in(head: &[u8], part: &[u8]) -> Span {
    let start = (part.as_ptr() as usize).wrapping_sub(head.as_ptr() as usize);
    if part.is_empty() { Span::default() } else { Span::new(start, start + part.len()) }
}

/// Any 1.x is served. The preface of HTTP/2 is malformed rather than another version.
fn check_version(method: &[u8], target: &[u8], version: Version) -> Result<(), Refusal> {
    match version {
        Version { major: 1, .. } => Ok(()),
        Version { major: 2, .. } if method == b"PRI" && target == b"*" => Err(Refusal::Preface),
        _ => Err(Refusal::Version),
    }
}

fn check_host(host: &[u8], hosts: u8, connect: bool, version: Version) -> Result<(), Refusal> {
    match hosts {
        0 if version >= Version::HTTP_11 && !connect => Err(Refusal::MissingHost),
        0 | 1 if is_host(host) => Ok(()),
        0 | 1 => Err(Refusal::MalformedHost),
        _ => Err(Refusal::BadRequest),
    }
}

fn expects_continue(
    expect: Option<&[u8]>,
    version: Version,
    framing: Framing,
) -> Result<bool, Refusal> {
    match expect {
        None | Some(b"") => Ok(false),
        Some(value) if same(value, b"100-continue") => {
            let has_body = !matches!(framing, Framing::None | Framing::Length(0));
            Ok(has_body && version >= Version::HTTP_11)
        }
        Some(_) => Err(Refusal::Expectation),
    }
}

#[cfg(test)]
pub(crate) mod tests;
