//! One content over HTTP: conditions, ranges, type.

#[cfg(feature = "alloc")]
use alloc::boxed::Box;

use super::conditions::{Verdict, not_modified, weigh};
use super::mime::{extension, type_by_extension};
use super::parts::Parts;
use super::range::{self, Asked, Range};
use crate::wire::date;
use crate::wire::sniff::{SNIFFED, detect_content_type};
use crate::{Error, Request, ResponseWriter, Status};

/// Bytes of a known number that can be read from anywhere: a file.
pub trait Content {
    /// How many there are.
    fn size(&self) -> u64;

    /// Reads some from this place on and tells how many; 0 only at the end.
    ///
    /// # Errors
    /// Any, which ends the answer: [`Error::Content`] if there is no better one.
    fn read_at(&mut self, at: u64, buf: &mut [u8]) -> Result<usize, Error>;
}

/// Where the bytes are.
pub(crate) enum Body<'f> {
    Static(&'static [u8]),
    Read(&'f mut dyn Content),
    #[cfg(feature = "alloc")]
    Owned(Box<dyn Content + Send>),
}

/// Answers with a content: Go's `ServeContent`. Honours ranges and conditions; the type is told by the
/// extension of `name`, or else by the first bytes, unless the handler has set one. `modified` is in
/// seconds since 1970. A tag that was set as `Etag` counts in conditions.
///
/// The content is read while the handler runs.
///
/// # Errors
/// As [`ResponseWriter::write`], or what reading says.
pub fn serve_content(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    name: &str,
    modified: Option<u64>,
    content: &mut dyn Content,
) -> Result<(), Error> {
    serve_body(w, r, name, modified, Body::Read(content))
}

/// The same for what is part of the program. The server sends it beside its other work, without a copy.
///
/// # Errors
/// As [`ResponseWriter::write`].
pub fn serve_static(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    name: &str,
    modified: Option<u64>,
    data: &'static [u8],
) -> Result<(), Error> {
    serve_body(w, r, name, modified, Body::Static(data))
}

pub(crate) fn serve_body(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    name: &str,
    modified: Option<u64>,
    mut body: Body<'_>,
) -> Result<(), Error> {
    let modified = modified.filter(|unix| *unix > 0);
    if let Some(unix) = modified.and_then(|unix| i64::try_from(unix).ok()) {
        let date = date::format(unix);
        w.header().set("Last-Modified", core::str::from_utf8(&date).unwrap_or_default());
    }
    let ranges = match weigh(w, r, modified) {
        Verdict::Go { ranges } => ranges,
        Verdict::NotModified => {
            not_modified(w);
            return Ok(());
        }
        Verdict::Failed => {
            w.write_header(Status::PRECONDITION_FAILED);
            return Ok(());
        }
    };
    if w.header().get("Content-Type").is_none() && !w.lines.no_type {
        let known = type_by_extension(extension(name));
        let kind = known.map_or_else(|| body.sniff(), Ok)?;
        w.header().set("Content-Type", kind);
    }
    let size = body.size();
    let field = if ranges { r.header("Range").unwrap_or_default() } else { "" };
    let asked = match range::parse(field, size) {
        Ok(asked) => asked,
        Err(bad) => {
            if bad == range::BadRange::NoOverlap {
                w.header().set_display("Content-Range", &format_args!("bytes */{size}"));
            }
            let others = ["Content-Encoding", "Etag", "Last-Modified", "Cache-Control"];
            others.iter().for_each(|name| w.header().del(name));
            let status = Status::REQUESTED_RANGE_NOT_SATISFIABLE;
            return crate::helpers::error_page(w, &bad, status);
        }
    };
    w.header().set("Accept-Ranges", "bytes");
    match asked {
        Asked::Everything => send(w, r, body, Range { start: 0, length: size }, Status::OK),
        Asked::One(range) => {
            w.header().set_display("Content-Range", &range.of(size));
            send(w, r, body, range, Status::PARTIAL_CONTENT)
        }
        Asked::Several(ranges) => Parts::new(w, ranges, size).send(w, r, &mut body),
    }
}

fn send(
    w: &mut ResponseWriter<'_>,
    r: &Request<'_>,
    body: Body<'_>,
    range: Range,
    status: Status,
) -> Result<(), Error> {
    w.header().set_display("Content-Length", &range.length);
    w.write_header(status);
    if r.method() == "HEAD" {
        return Ok(());
    }
    match body {
        Body::Static(data) => w.write_static(part(data, range)).map(drop),
        Body::Read(content) => copy(w, content, range),
        #[cfg(feature = "alloc")]
        Body::Owned(content) => w.write_owned(content, range.start, range.length),
    }
}

fn part(data: &'static [u8], Range { start, length }: Range) -> &'static [u8] {
    let start = usize::try_from(start).unwrap_or(usize::MAX);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    data.get(start..).and_then(|data| data.get(..length)).unwrap_or_default()
}

fn copy(w: &mut ResponseWriter<'_>, content: &mut dyn Content, range: Range) -> Result<(), Error> {
    let (mut at, end) = (range.start, range.start + range.length);
    let mut room = [0; 512];
    while at < end {
        let most = usize::try_from(end - at).unwrap_or(usize::MAX).min(room.len());
        let buf = room.get_mut(..most).unwrap_or_default();
        let count = content.read_at(at, buf)?.min(most);
        if count == 0 {
            return Err(Error::Content);
        }
        w.write(buf.get(..count).unwrap_or_default())?;
        at += u64::try_from(count).unwrap_or(u64::MAX);
    }
    Ok(())
}

impl Body<'_> {
    fn size(&self) -> u64 {
        match self {
            Self::Static(data) => u64::try_from(data.len()).unwrap_or(u64::MAX),
            Self::Read(content) => content.size(),
            #[cfg(feature = "alloc")]
            Self::Owned(content) => content.size(),
        }
    }

    fn sniff(&mut self) -> Result<&'static str, Error> {
        let mut room = [0; SNIFFED];
        let count = match self {
            Self::Static(data) => return Ok(detect_content_type(data)),
            Self::Read(content) => content.read_at(0, &mut room)?,
            #[cfg(feature = "alloc")]
            Self::Owned(content) => content.read_at(0, &mut room)?,
        };
        Ok(detect_content_type(room.get(..count).unwrap_or_default()))
    }

    /// Writes some bytes, while the handler runs.
    pub(crate) fn write(&mut self, w: &mut ResponseWriter<'_>, range: Range) -> Result<(), Error> {
        match self {
            Self::Static(data) => w.write(part(data, range)).map(drop),
            Self::Read(content) => copy(w, *content, range),
            #[cfg(feature = "alloc")]
            Self::Owned(content) => copy(w, &mut **content, range),
        }
    }
}
