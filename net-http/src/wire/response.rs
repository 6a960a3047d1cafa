//! Heads of answers, as a client reads them.

use super::ascii::Span;
use super::fields::{BadFraming, Collected, Framing};
use super::head::{Fields, split_field, split_line};
use super::version::Version;
use crate::Status;

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResponseHead {
    pub(crate) status: Status,
    pub(crate) fields: Span,
    /// Bytes of the whole head.
    pub(crate) length: u16,
    pub(crate) version: Version,
    pub(crate) framing: Framing,
    /// The server would keep the connection.
    pub(crate) keep_alive: bool,
}

/// Why a head is not that of an answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum BadResponse {
    /// No version, no code of three digits.
    StatusLine,
    /// A line that is no field.
    Field,
    /// A length that is no number, or two that differ.
    Length,
    /// A transfer coding other than chunked.
    Coding,
    /// The head is larger than the buffer for it.
    TooLarge,
}

impl ResponseHead {
    /// Reads a whole head. `to_head`: the request was HEAD, so no body follows.
    pub(crate) fn parse(head: &[u8], to_head: bool) -> Result<Self, BadResponse> {
        let (line, block) = split_line(head);
        let (version, status) = status_line(line).ok_or(BadResponse::StatusLine)?;
        let mut collected = Collected::default();
        let mut rest = block;
        loop {
            let (line, next) = split_line(rest);
            if line.is_empty() {
                break;
            }
            rest = next;
            let (name, value) = split_field(line).map_err(|_| BadResponse::Field)?;
            collected.note(name, value);
        }
        let framing = collected.framing(version).map_err(|bad| match bad {
            BadFraming::Length => BadResponse::Length,
            BadFraming::Coding => BadResponse::Coding,
            BadFraming::Trailer => BadResponse::Field,
        })?;
        let framing = match framing {
            _ if to_head || !status.allows_body() => Framing::None,
            Some(framing) => framing,
            None => Framing::UntilClose,
        };
        let start = head.len().saturating_sub(block.len());
        Ok(Self {
            status,
            fields: Span::new(start, head.len()),
            length: u16::try_from(head.len()).map_err(|_| BadResponse::TooLarge)?,
            version,
            framing,
            keep_alive: collected.keeps_alive(version) && framing != Framing::UntilClose,
        })
    }

    /// The fields, in the buffer that holds the head.
    pub(crate) fn fields<'a>(&self, buffer: &'a [u8]) -> Fields<'a> {
        Fields::new(self.fields.bytes(buffer))
    }
}

/// Version and code; the text behind them says nothing and may be missing.
fn status_line(line: &[u8]) -> Option<(Version, Status)> {
    let (version, mut rest) = line.split_at_checked(b"HTTP/1.1".len())?;
    let version = Version::parse(version)?;
    rest = rest.strip_prefix(b" ")?;
    while let [b' ', behind @ ..] = rest {
        rest = behind;
    }
    let code = rest.split(|&byte| byte == b' ').next()?;
    let [hundreds @ b'0'..=b'9', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = code else {
        return None;
    };
    let digit = |byte: &u8| u16::from(byte - b'0');
    Some((version, Status::new(digit(hundreds) * 100 + digit(tens) * 10 + digit(ones))?))
}

#[cfg(test)]
pub(crate) mod tests;
