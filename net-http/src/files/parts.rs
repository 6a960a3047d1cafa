//! Several ranges in one answer (RFC 9110 section 14.6).

use core::fmt::{self, Write};

use super::content::Body;
use super::range::{Range, Ranges};
use crate::{Error, Request, ResponseWriter, Status};

/// An answer of several parts.
pub(crate) struct Parts<'a> {
    ranges: Ranges<'a>,
    size: u64,
    boundary: Boundary,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(w: &ResponseWriter<'_>, ranges: Ranges<'a>, size: u64) -> Self {
        let seed = w.exchange.now().as_micros() ^ size.rotate_left(40);
        Self { ranges, size, boundary: Boundary(seed) }
    }

    pub(crate) fn send(
        &self,
        w: &mut ResponseWriter<'_>,
        r: &Request<'_>,
        body: &mut Body<'_>,
    ) -> Result<(), Error> {
        // The type of the parts is set, and makes way for that of the whole.
        let mut kind = [0; KIND_MAX];
        let kind = w.header().get("Content-Type").map_or("", |text| kept(text, &mut kind));
        let length = self.length(kind);
        let mut header = w.header();
        let boundary = &self.boundary;
        header.set_display(
            "Content-Type",
            &format_args!("multipart/byteranges; boundary={boundary}"),
        );
        header.set_display("Content-Length", &length);
        w.write_header(Status::PARTIAL_CONTENT);
        if r.method() == "HEAD" {
            return Ok(());
        }
        for (index, range) in self.ranges.iter().enumerate() {
            write!(w, "{}", self.head(index, range, kind))?;
            body.write(w, range)?;
        }
        write!(w, "\r\n--{boundary}--\r\n")
    }

    /// Bytes of the whole body.
    fn length(&self, kind: &str) -> u64 {
        let mut count = Count(0);
        for (index, range) in self.ranges.iter().enumerate() {
            let _ = write!(count, "{}", self.head(index, range, kind));
            count.0 += range.length;
        }
        let _ = write!(count, "\r\n--{}--\r\n", self.boundary);
        count.0
    }

    /// What stands before a part.
    fn head<'s>(&'s self, index: usize, range: Range, kind: &'s str) -> Head<'s> {
        Head { first: index == 0, boundary: &self.boundary, range, size: self.size, kind }
    }
}

/// What stands before a part.
struct Head<'s> {
    first: bool,
    boundary: &'s Boundary,
    range: Range,
    size: u64,
    kind: &'s str,
}

impl fmt::Display for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = if self.first { "" } else { "\r\n" };
        let range = self.range.of(self.size);
        write!(f, "{start}--{}\r\nContent-Range: {range}\r\n", self.boundary)?;
        write!(f, "Content-Type: {}\r\n\r\n", self.kind)
    }
}

/// Sixty digits that no content is likely to hold.
struct Boundary(u64);

impl fmt::Display for Boundary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut state = self.0;
        (0..6).try_for_each(|_| {
            // Steps of the splitmix generator.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            write!(f, "{:010x}", (mixed ^ mixed >> 31) & 0xFF_FFFF_FFFF)
        })
    }
}

struct Count(u64);

impl Write for Count {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += u64::try_from(text.len()).unwrap_or(0);
        Ok(())
    }
}

/// Longest type that is repeated before each part.
const KIND_MAX: usize = 100;

fn kept<'b>(text: &str, room: &'b mut [u8]) -> &'b str {
    match room.get_mut(..text.len()) {
        Some(place) => {
            place.copy_from_slice(text.as_bytes());
            core::str::from_utf8(place).unwrap_or_default()
        }
        None => "application/octet-stream",
    }
}
