//! The Range field (RFC 9110 section 14).

use core::fmt;

/// Bytes of a content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) start: u64,
    pub(crate) length: u64,
}

/// What a client asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    Everything,
    One(Range),
    /// Several: walked again each time they are needed, and so never stored.
    Several(Ranges<'a>),
}

/// Why it cannot have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadRange {
    Malformed,
    /// Everything lies behind the end.
    NoOverlap,
}

impl fmt::Display for BadRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "invalid range",
            Self::NoOverlap => "invalid range: failed to overlap",
        })
    }
}

/// Reads a Range field for a content of this size.
pub(crate) fn parse(field: &str, size: u64) -> Result<Asked<'_>, BadRange> {
    if field.is_empty() {
        return Ok(Asked::Everything);
    }
    let list = field.strip_prefix("bytes=").ok_or(BadRange::Malformed)?;
    let (mut first, mut count, mut sum, mut outside) = (None, 0_u32, 0_u64, false);
    for piece in pieces(list) {
        match one(piece, size)? {
            Some(range) => {
                first = first.or(Some(range));
                count += 1;
                sum = sum.saturating_add(range.length);
            }
            None => outside = true,
        }
    }
    match first {
        // An empty content satisfies nobody; some clients ask for ranges of everything.
        None if outside && size > 0 => Err(BadRange::NoOverlap),
        // More than everything is asked for by mistake, or to do harm.
        Some(_) if sum > size || count > RANGES_MAX => Ok(Asked::Everything),
        Some(range) if count == 1 => Ok(Asked::One(range)),
        Some(_) => Ok(Asked::Several(Ranges { list, size })),
        None => Ok(Asked::Everything),
    }
}

/// Ranges of one request.
const RANGES_MAX: u32 = 200;

/// The ranges of a list that was checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ranges<'a> {
    list: &'a str,
    size: u64,
}

impl<'a> Ranges<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = Range> + use<'a> {
        pieces(self.list).filter_map(move |piece| one(piece, self.size).ok().flatten())
    }
}

fn pieces(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(blank_trimmed).filter(|piece| !piece.is_empty())
}

fn blank_trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// `0-4`, `5-` or `-6`. `None`: it lies behind the end.
fn one(piece: &str, size: u64) -> Result<Option<Range>, BadRange> {
    let (start, end) = piece.split_once('-').ok_or(BadRange::Malformed)?;
    let (start, end) = (blank_trimmed(start), blank_trimmed(end));
    if start.is_empty() {
        let length = number(end).ok_or(BadRange::Malformed)?.min(size);
        return Ok(Some(Range { start: size - length, length }));
    }
    let start = number(start).ok_or(BadRange::Malformed)?;
    if start >= size {
        return Ok(None);
    }
    let last = match end {
        "" => size - 1,
        end => number(end).filter(|end| *end >= start).ok_or(BadRange::Malformed)?.min(size - 1),
    };
    Ok(Some(Range { start, length: last - start + 1 }))
}

/// Digits, perhaps behind a plus sign.
fn number(text: &str) -> Option<u64> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    crate::wire::ascii::decimal(digits.as_bytes())
}

impl Range {
    /// As the value of Content-Range.
    pub(crate) fn of(self, size: u64) -> impl fmt::Display {
        struct Of(Range, u64);
        impl fmt::Display for Of {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Self(Range { start, length }, size) = self;
                write!(f, "bytes {start}-{}/{size}", (start + length).saturating_sub(1))
            }
        }
        Of(self, size)
    }
}
