//! What the fields say about framing and about the connection (RFC 9112 sections 6 and 9).

use super::ascii::{decimal, has_token, same};
use super::version::Version;

/// How a body is delimited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    #[default]
    None,
    /// This many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Everything up to the end of the connection (answers only).
    UntilClose,
}

/// Why a message's framing cannot be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadFraming {
    Length,
    Coding,
    Trailer,
}

/// Gathers the fields that matter to everybody, while a head is walked.
#[derive(Debug, Default)]
pub(crate) struct Collected<'a> {
    length: Option<&'a [u8]>,
    lengths_differ: bool,
    codings: u8,
    not_chunked: bool,
    bad_trailer: bool,
    close: bool,
    keep_alive: bool,
}

impl<'a> Collected<'a> {
    /// Takes note of one field.
    pub(crate) fn note(&mut self, name: &[u8], value: &'a [u8]) {
        match name.len() {
            14 if same(name, b"content-length") => {
                self.lengths_differ |= self.length.is_some_and(|first| first != value);
                self.length = Some(value);
            }
            17 if same(name, b"transfer-encoding") => {
                self.codings = self.codings.saturating_add(1);
                self.not_chunked |= !same(value, b"chunked");
            }
            10 if same(name, b"connection") => {
                self.close |= has_token(value, b"close");
                self.keep_alive |= has_token(value, b"keep-alive");
            }
            7 if same(name, b"trailer") => {
                let names: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"trailer"];
                self.bad_trailer |= names.iter().any(|name| has_token(value, name));
            }
            _ => {}
        }
    }

    /// Whether the sender keeps the connection for a further message.
    pub(crate) fn keeps_alive(&self, version: Version) -> bool {
        !self.close && (version >= Version::HTTP_11 || self.keep_alive)
    }

    /// Whether the message has a length and a coding.
    pub(crate) const fn has_both(&self) -> bool {
        self.length.is_some() && self.codings > 0
    }

    /// How the body is delimited; `None` where no field says so.
    ///
    /// With both fields the length is ignored, as in Go (RFC 9112 section 6.3 asks for no more than
    /// that of a server that does not forward), but it must still be a number.
    pub(crate) fn framing(&self, version: Version) -> Result<Option<Framing>, BadFraming> {
        let chunked = self.codings > 0 && version >= Version::HTTP_11;
        if chunked && (self.codings > 1 || self.not_chunked) {
            return Err(BadFraming::Coding);
        }
        let length = self.length.map(|text| decimal(text).ok_or(BadFraming::Length)).transpose()?;
        if self.lengths_differ {
            return Err(BadFraming::Length);
        }
        if chunked && self.bad_trailer {
            return Err(BadFraming::Trailer);
        }
        Ok(if chunked { Some(Framing::Chunked) } else { length.map(Framing::Length) })
    }
}
