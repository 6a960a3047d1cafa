//! The body of a request, as far as it lies in the connection's buffer. Pure: no I/O.

use crate::Error;
use crate::wire::chunked::{Decoder, Step};
use crate::wire::fields::Framing;

/// Where the body stands. Offsets are those of the buffer behind the head:
/// `[.. | ready, decoded, not read yet | trailers | gap | raw, not decoded yet | free]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Body {
    coding: Coding,
    ready: (u16, u16),
    trailer: u16,
    raw: u16,
    filled: u16,
    /// Bytes given out or ready, for the limit.
    total: u64,
    limit: u64,
    broken: Option<Broken>,
}

/// Why no more can be read. Smaller than an [`Error`], of which every connection would keep one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Broken {
    End,
    Chunk,
    TooLarge,
    Closed,
    Slow,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        match error {
            Error::UnexpectedEnd => Self::End,
            Error::BadChunk => Self::Chunk,
            Error::BodyTooLarge => Self::TooLarge,
            Error::TooSlow => Self::Slow,
            _ => Self::Closed,
        }
    }
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::End => Self::UnexpectedEnd,
            Broken::Chunk => Self::BadChunk,
            Broken::TooLarge => Self::BodyTooLarge,
            Broken::Closed => Self::BodyClosed,
            Broken::Slow => Self::TooSlow,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Coding {
    Length(u64),
    Chunked(Decoder),
}

impl Body {
    /// Smallest room that chunk lines can be read in.
    pub(crate) const ROOM_MIN: usize = 32;

    /// No body.
    pub(crate) const fn none() -> Self {
        Self {
            coding: Coding::Length(0),
            ready: (0, 0),
            trailer: 0,
            raw: 0,
            filled: 0,
            total: 0,
            limit: 0,
            broken: None,
        }
    }

    /// A body of which `filled` raw bytes (and perhaps a next request) have come.
    pub(crate) fn new(framing: Framing, filled: usize, limit: u64) -> Self {
        let coding = match framing {
            Framing::Chunked => Coding::Chunked(Decoder::new()),
            Framing::Length(length) => Coding::Length(length),
            Framing::None => Coding::Length(0),
            Framing::UntilClose => Coding::Length(u64::MAX),
        };
        let filled = u16::try_from(filled).unwrap_or(u16::MAX);
        Self { coding, filled, limit, ..Self::none() }
    }

    /// Whether the end was seen and nothing was wrong.
    pub(crate) fn complete(&self) -> bool {
        self.broken.is_none()
            && match &self.coding {
                Coding::Length(left) => *left == 0,
                Coding::Chunked(decoder) => decoder.ended(),
            }
    }

    /// Whether the end of the connection is its end.
    pub(crate) fn ends_with_connection(&self) -> bool {
        self.limit == u64::MAX && self.left().is_some_and(|left| left > u64::MAX / 2)
    }

    /// Whether nothing decoded waits to be read.
    pub(crate) const fn is_taken(&self) -> bool {
        self.ready.0 == self.ready.1
    }

    /// What still has to come, if that is known.
    pub(crate) fn left(&self) -> Option<u64> {
        match self.coding {
            Coding::Length(left) => Some(left),
            Coding::Chunked(_) => None,
        }
    }

    pub(crate) fn broken(&self) -> Option<Error> {
        self.broken.map(Error::from)
    }

    /// The body is given up: behind what is ready, reading fails with `error`.
    pub(crate) fn give_up(&mut self, error: Error) {
        self.broken = self.broken.or(Some(error.into()));
    }

    /// Decodes what has come.
    pub(crate) fn decode(&mut self, region: &mut [u8]) -> Result<(), Error> {
        if let Some(error) = self.broken() {
            return Err(error);
        }
        let before = self.ready.1;
        let result = match self.coding {
            Coding::Length(left) => {
                let here = self.filled - self.raw;
                let taken = u16::try_from(left).unwrap_or(u16::MAX).min(here);
                if self.ready.0 == self.ready.1 {
                    self.ready = (self.raw, self.raw);
                }
                self.ready.1 += taken;
                self.raw += taken;
                self.coding = Coding::Length(left - u64::from(taken));
                self.count(u64::from(taken))
            }
            Coding::Chunked(ref mut decoder) => {
                let mut decoder = *decoder;
                let result = self.decode_chunks(&mut decoder, region);
                self.coding = Coding::Chunked(decoder);
                result.and_then(|()| self.count(u64::from(self.ready.1.saturating_sub(before))))
            }
        };
        if let Err(error) = result {
            let excess = self.total.saturating_sub(self.limit);
            self.ready.1 = self.ready.1.saturating_sub(u16::try_from(excess).unwrap_or(u16::MAX));
            self.ready.1 = self.ready.1.max(self.ready.0);
            self.give_up(error);
        }
        result
    }

    fn decode_chunks(&mut self, decoder: &mut Decoder, region: &mut [u8]) -> Result<(), Error> {
        loop {
            let raw = region.get(usize::from(self.raw)..usize::from(self.filled));
            let (skipped, step) = decoder.advance(raw.unwrap_or_default())?;
            self.raw += small(skipped);
            self.keep_trailers(decoder.trailer_bytes(), region);
            let Step::Data(length) = step else { break };
            let start = usize::from(self.raw);
            if start + length > region.len() {
                break;
            }
            region.copy_within(start..start + length, usize::from(self.ready.1));
            decoder.take(length);
            self.ready.1 += small(length);
            self.raw += small(length);
        }
        if self.raw == self.filled {
            self.raw = self.ready.1 + self.trailer;
            self.filled = self.raw;
        }
        Ok(())
    }

    /// `bytes` of the trailer section have come, the last of them right before `raw`: they gather
    /// behind the data.
    fn keep_trailers(&mut self, bytes: u16, region: &mut [u8]) {
        if bytes > self.trailer {
            let new = self.raw.saturating_sub(bytes - self.trailer);
            let to = usize::from(self.ready.1 + self.trailer);
            region.copy_within(usize::from(new)..usize::from(self.raw), to);
            self.trailer = bytes;
        }
    }

    /// Where the trailers lie, once the body is complete.
    pub(crate) fn trailers(&self) -> core::ops::Range<usize> {
        self.end_of_ready()..self.end_of_ready() + usize::from(self.trailer)
    }

    /// `count` bytes of a body of known length were read past the buffer.
    pub(crate) fn passed_by(&mut self, count: usize) -> Result<(), Error> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if let Coding::Length(left) = &mut self.coding {
            *left = left.saturating_sub(count);
        }
        self.count(count)
    }

    fn count(&mut self, count: u64) -> Result<(), Error> {
        self.total = self.total.saturating_add(count);
        if self.total > self.limit { Err(Error::BodyTooLarge) } else { Ok(()) }
    }

    /// Moves decoded bytes out.
    pub(crate) fn take(&mut self, region: &[u8], buf: &mut [u8]) -> usize {
        let count = self.ready_bytes(region).len().min(buf.len());
        let ready = self.ready_bytes(region);
        if let (Some(to), Some(from)) = (buf.get_mut(..count), ready.get(..count)) {
            to.copy_from_slice(from);
        }
        self.skip(count);
        count
    }

    /// Throws decoded bytes away.
    pub(crate) fn skip(&mut self, count: usize) {
        self.ready.0 = self.ready.0.saturating_add(small(count)).min(self.ready.1);
    }

    pub(crate) fn ready_bytes<'r>(&self, region: &'r [u8]) -> &'r [u8] {
        region.get(usize::from(self.ready.0)..usize::from(self.ready.1)).unwrap_or_default()
    }

    /// Whether there are raw bytes that have not been decoded.
    pub(crate) const fn has_raw(&self) -> bool {
        self.raw < self.filled
    }

    /// The end of what is taken, in offsets of the region.
    pub(crate) fn end_of_ready(&self) -> usize {
        usize::from(self.ready.1)
    }

    /// The free part of the region. Once everything ready is read, that is most of it.
    pub(crate) fn free<'r>(&mut self, region: &'r mut [u8]) -> &'r mut [u8] {
        if self.ready.0 == self.ready.1 && self.raw == self.filled {
            region.copy_within(self.trailers(), 0);
            self.ready = (0, 0);
            self.raw = self.trailer;
            self.filled = self.trailer;
        }
        let end = region.len().min(usize::from(u16::MAX));
        region.get_mut(usize::from(self.filled)..end).unwrap_or_default()
    }

    /// `count` bytes came into the free part.
    pub(crate) fn came(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(small(count));
    }

    /// `count` bytes behind the body were taken.
    pub(crate) fn pass_raw(&mut self, count: usize) {
        self.raw = self.raw.saturating_add(small(count)).min(self.filled);
    }

    /// Where in the region the bytes of the next request are.
    pub(crate) fn next_request(&self) -> core::ops::Range<usize> {
        usize::from(self.raw)..usize::from(self.filled)
    }
}

fn small(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    /// Feeds `raw` in pieces of `step` through a region of `room` bytes; gives the body and the
    /// bytes behind it that have come.
    fn run(
        framing: Framing,
        raw: &[u8],
        room: usize,
        step: usize,
    ) -> Result<(Vec<u8>, Vec<u8>), Error> {
        let mut region = std::vec![0_u8; room];
        let (mut body, mut out, mut at) = (Body::new(framing, 0, 1000), Vec::new(), 0);
        loop {
            body.decode(&mut region)?;
            let mut buf = [0; 7];
            loop {
                match body.take(&region, &mut buf) {
                    0 => break,
                    count => out.extend_from_slice(&buf[..count]),
                }
            }
            if body.complete() {
                let mut rest = region[body.next_request()].to_vec();
                rest.extend_from_slice(&raw[at..]);
                return Ok((out, rest));
            }
            let free = body.free(&mut region);
            let count = free.len().min(step).min(raw.len() - at);
            if count == 0 {
                return Err(Error::UnexpectedEnd);
            }
            free[..count].copy_from_slice(&raw[at..at + count]);
            at += count;
            body.came(count);
        }
    }

    #[test]
    fn bodies_come_whole_however_they_are_cut() {
        for step in 1..40 {
            for room in [32, 33, 64] {
                let chunked =
                    b"5\r\nhello\r\n1;x=y\r\n,\r\n17\r\n world, how are things?\r\n0\r\n\r\nGET";
                let (body, rest) = run(Framing::Chunked, chunked, room, step).unwrap();
                assert_eq!(body, b"hello, world, how are things?");
                assert_eq!(rest, b"GET");
                let (body, rest) = run(Framing::Length(11), b"hello worldGET", room, step).unwrap();
                assert_eq!((&body[..], &rest[..]), (&b"hello world"[..], &b"GET"[..]));
            }
        }
        assert_eq!(run(Framing::None, b"GET", 32, 3).unwrap().0, b"");
    }

    #[test]
    fn trailers_stay_behind_the_data_however_they_are_cut() {
        let raw = b"5\r\nhello\r\n0\r\nX-A: 1\r\nX-B: 2\r\n\r\nGET";
        for step in 1..40 {
            let mut region = [0_u8; 40];
            let (mut body, mut at) = (Body::new(Framing::Chunked, 0, 1000), 0);
            while !body.complete() {
                let free = body.free(&mut region);
                let count = free.len().min(step).min(raw.len() - at);
                free[..count].copy_from_slice(&raw[at..at + count]);
                at += count;
                body.came(count);
                body.decode(&mut region).unwrap();
                if step % 2 == 0 {
                    body.take(&region, &mut [0; 9]);
                }
            }
            assert_eq!(&region[body.trailers()], b"X-A: 1\r\nX-B: 2\r\n\r\n", "{step}");
            let mut rest = region[body.next_request()].to_vec();
            rest.extend_from_slice(&raw[at..]);
            assert_eq!(rest, b"GET");
        }
    }

    #[test]
    fn what_is_broken_stays_broken() {
        assert_eq!(run(Framing::Chunked, b"x\r\n", 32, 9).unwrap_err(), Error::BadChunk);
        assert_eq!(run(Framing::Length(5), b"hell", 32, 9).unwrap_err(), Error::UnexpectedEnd);
        let long = run(Framing::Length(1001), &[b'a'; 1001], 32, 32);
        assert_eq!(long.unwrap_err(), Error::BodyTooLarge);
    }
}
