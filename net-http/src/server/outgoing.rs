//! The head and the framing of an answer, in the response buffer. Pure: no I/O.
//!
//! The buffer holds `[status line | fields | free | size line | body | tail]`. When the head is
//! final it is moved next to the body, so that both go out in one write.

use crate::header::{Line, Lines, remove};
use crate::wire::ascii::{decimal, has_token, same};
use crate::wire::chunked::SizeLine;
use crate::wire::date;
use crate::wire::head::Fields;
use crate::wire::sniff::detect_content_type;
use crate::{Error, Status};

/// What lies before the body: status line, fields, size line. More fields take from the body.
pub(crate) const HEAD_ROOM: usize = 512;
/// What lies behind it: the end of a chunk, and the last chunk.
pub(crate) const TAIL_ROOM: usize = 8;
/// `HTTP/1.1 511 Network Authentication Required` is the longest status line.
const STATUS_ROOM: usize = 48;
/// What the server adds: Date, Content-Type, a length or coding, Connection, the blank line, and the
/// line ends and size of a chunk.
const ADDED_ROOM: usize = 176;

/// What is known about an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    pub(crate) to_head: bool,
    /// The client speaks 1.1 or later.
    pub(crate) modern: bool,
    /// The client would keep the connection.
    pub(crate) keep_alive: bool,
    pub(crate) status: Option<Status>,
    pub(crate) declared: Option<u64>,
    pub(crate) written: u64,
    pub(crate) head_sent: bool,
    /// The connection ends with this answer.
    pub(crate) close: bool,
    /// The end of a chunk is owed.
    pub(crate) chunk_open: bool,
    /// Fields follow the body.
    pub(crate) has_trailers: bool,
    chunked: bool,
    /// Where the head lies while it is not yet wrapped up with the body.
    head: (usize, usize),
    /// The handler set a Connection field, and it says close.
    connection_set: bool,
    says_close: bool,
    coding: Coding,
    typed: bool,
    dated: bool,
}

/// What the handler set as Transfer-Encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Unset,
    Identity,
    Other,
}

impl Outgoing {
    pub(crate) const fn new(to_head: bool, modern: bool, keep_alive: bool) -> Self {
        Self {
            to_head,
            modern,
            keep_alive,
            status: None,
            declared: None,
            written: 0,
            head_sent: false,
            close: false,
            chunk_open: false,
            has_trailers: false,
            chunked: false,
            head: (0, 0),
            connection_set: false,
            says_close: false,
            coding: Coding::Unset,
            typed: false,
            dated: false,
        }
    }

    pub(crate) fn start_over(&mut self) {
        *self = Self::new(self.to_head, self.modern, self.keep_alive);
    }

    /// Where fields may lie.
    pub(crate) fn field_room(buffer: &mut [u8]) -> &mut [u8] {
        let end = buffer.len().saturating_sub(ADDED_ROOM + TAIL_ROOM);
        buffer.get_mut(STATUS_ROOM..end).unwrap_or_default()
    }

    /// Where the body starts, with fields of this length.
    pub(crate) fn body_start(&self, fields: usize, buffer: usize) -> usize {
        HEAD_ROOM.max(STATUS_ROOM + fields + ADDED_ROOM).min(buffer.saturating_sub(TAIL_ROOM))
    }

    /// Takes note of what the handler set.
    pub(crate) fn read_fields(&mut self, buffer: &mut [u8], lines: &mut Lines) {
        let room = buffer.get_mut(STATUS_ROOM..).unwrap_or_default();
        let mut fields = Fields::new(room.get(..lines.length).unwrap_or_default());
        let mut framing = false;
        while let Some((name, value)) = fields.next_field() {
            match name.len() {
                10 if same(name, b"Connection") => {
                    self.connection_set = true;
                    self.says_close |= has_token(value, b"close");
                }
                12 | 16 if same(name, b"Content-Type") || same(name, b"Content-Encoding") => {
                    self.typed = true;
                }
                14 if same(name, b"Content-Length") => {
                    self.declared = if framing { self.declared } else { decimal(value) };
                    framing = true;
                }
                17 if same(name, b"Transfer-Encoding") => {
                    let identity = same(value, b"identity");
                    self.coding = if identity { Coding::Identity } else { Coding::Other };
                }
                4 if same(name, b"Date") => self.dated = true,
                7 if same(name, b"Trailer") => self.has_trailers = true,
                _ => {}
            }
        }
        if framing {
            lines.length = remove(room, lines.length, "Content-Length");
        }
        if self.coding != Coding::Unset {
            lines.length = remove(room, lines.length, "Transfer-Encoding");
        }
        if self.coding == Coding::Other {
            self.declared = None;
        }
        self.typed |= lines.no_type || self.coding != Coding::Unset;
        self.dated |= lines.no_date;
    }

    pub(crate) fn allows_body(&self) -> bool {
        self.status.is_none_or(Status::allows_body)
    }

    /// Whether bytes of the body are sent at all.
    pub(crate) fn sends_body(&self) -> bool {
        !self.to_head && self.allows_body()
    }

    pub(crate) fn can_declare(&self) -> bool {
        self.coding == Coding::Unset && !self.has_trailers
    }

    /// Whether the connection ends for reasons of the answer's. `whole`: all of the body is there.
    pub(crate) fn wants_close(&self, whole: bool) -> bool {
        let length_known =
            self.declared.is_some() || whole && self.can_declare() || !self.sends_body();
        let until_close = self.sends_body()
            && self.declared.is_none()
            && (self.coding == Coding::Identity || !length_known && !self.modern);
        !self.keep_alive || self.says_close || until_close
    }

    /// An interim answer: where it lies. The fields stay.
    pub(crate) fn interim(
        &self,
        buffer: &mut [u8],
        fields: usize,
        status: Status,
    ) -> Result<(usize, usize), Error> {
        let mut line = Line { room: buffer, at: STATUS_ROOM + fields, over: false };
        line.push(b"\r\n");
        let (end, over) = (line.at, line.over);
        let start = status_line(buffer, status, self.modern);
        if over { Err(Error::HeaderTooLarge) } else { Ok((start, end)) }
    }

    /// Makes the head final. `whole`: the length of the body, if all of it is in the buffer.
    pub(crate) fn compose(
        &mut self,
        buffer: &mut [u8],
        lines: &mut Lines,
        body: (usize, usize),
        whole: Option<usize>,
        unix: Option<u64>,
    ) -> Result<(), Error> {
        let status = self.status.unwrap_or(Status::OK);
        self.frame(whole);
        let room = buffer.get_mut(STATUS_ROOM..).unwrap_or_default();
        if self.close && !self.says_close {
            lines.length = remove(room, lines.length, "Connection");
        }
        if status == Status::NOT_MODIFIED {
            lines.length = remove(room, lines.length, "Content-Type");
        }
        let content = buffer.get(body.0..body.1).unwrap_or_default();
        let content = if self.allows_body() && !self.typed { content } else { &[] };
        let kind = if content.is_empty() { "" } else { detect_content_type(content) };
        let (room, _) = buffer.split_at_mut_checked(body.0).ok_or(Error::HeaderTooLarge)?;
        let mut line = Line { room, at: STATUS_ROOM + lines.length, over: false };
        if !kind.is_empty() {
            line.field(b"Content-Type: ", kind.as_bytes());
        }
        if let Some(unix) = unix.filter(|_| !self.dated) {
            line.field(b"Date: ", &date::format(i64::try_from(unix).unwrap_or(0)));
        }
        if self.chunked {
            line.field(b"Transfer-Encoding: ", b"chunked");
        } else if let Some(length) = self.declared.filter(|_| status.allows_body()) {
            line.field(b"Content-Length: ", Digits::new(length).bytes());
        }
        if self.close && self.modern && !self.says_close {
            line.field(b"Connection: ", b"close");
        } else if !self.close && !self.modern && !self.connection_set {
            line.field(b"Connection: ", b"keep-alive");
        }
        line.push(b"\r\n");
        let (end, over) = (line.at, line.over);
        self.head_sent = true;
        self.head = (status_line(buffer, status, self.modern), end);
        if over { Err(Error::HeaderTooLarge) } else { Ok(()) }
    }

    /// Decides how the body is delimited.
    fn frame(&mut self, whole: Option<usize>) {
        let counts = self.allows_body() && self.can_declare() && self.declared.is_none();
        if let Some(length) = whole.filter(|length| counts && !(self.to_head && *length == 0)) {
            self.declared = u64::try_from(length).ok();
        }
        self.chunked = self.sends_body()
            && self.declared.is_none()
            && self.modern
            && self.coding != Coding::Identity;
    }

    /// Makes what is in the buffer ready to be sent, with the head before it if that is still there,
    /// and as a chunk that goes on with `more` bytes if chunks it is. Tells where it lies.
    pub(crate) fn wrap(
        &mut self,
        buffer: &mut [u8],
        body: (usize, usize),
        more: usize,
    ) -> (usize, usize) {
        let head = core::mem::take(&mut self.head);
        if !self.sends_body() {
            return head;
        }
        let (mut start, mut end) = body;
        let length = end.saturating_sub(start);
        if self.chunked && length + more > 0 {
            start = put_before(buffer, start, SizeLine::new(length + more).bytes());
            if self.chunk_open {
                start = put_before(buffer, start, b"\r\n");
            }
            self.chunk_open = more > 0;
            if more == 0 {
                end = put_behind(buffer, end, b"\r\n");
            }
        }
        let size = head.1 - head.0;
        if size > 0 && size <= start {
            buffer.copy_within(head.0..head.1, start - size);
            start -= size;
        }
        (start, end)
    }

    /// The last of the answer: what is in the buffer and, with chunks, their end, and as many bytes
    /// of trailers, which lie at the end of the buffer.
    pub(crate) fn last(
        &mut self,
        buffer: &mut [u8],
        body: (usize, usize),
        trailers: usize,
    ) -> (usize, usize) {
        let (start, mut end) = self.wrap(buffer, body, 0);
        if self.chunked {
            if core::mem::take(&mut self.chunk_open) {
                end = put_behind(buffer, end, b"\r\n");
            }
            end = put_behind(buffer, end, b"0\r\n");
            let lines = buffer.len().saturating_sub(trailers);
            buffer.copy_within(lines.., end.min(lines));
            end = put_behind(buffer, end + trailers, b"\r\n");
        }
        (start, end)
    }
}

fn put_before(buffer: &mut [u8], end: usize, data: &[u8]) -> usize {
    let start = end.saturating_sub(data.len());
    if let Some(place) = buffer.get_mut(start..start + data.len()) {
        place.copy_from_slice(data);
    }
    start
}

fn put_behind(buffer: &mut [u8], start: usize, data: &[u8]) -> usize {
    match buffer.get_mut(start..start + data.len()) {
        Some(place) => {
            place.copy_from_slice(data);
            start + data.len()
        }
        None => start,
    }
}

/// Writes the status line right before the fields, and tells where it starts.
fn status_line(buffer: &mut [u8], status: Status, modern: bool) -> usize {
    let mut text = [0; STATUS_ROOM];
    let mut line = Line { room: &mut text, at: 0, over: false };
    line.push(if modern { b"HTTP/1.1 " } else { b"HTTP/1.0 " });
    let code = Digits::new(u64::from(status.code()));
    line.push(code.bytes());
    if status.text().is_empty() {
        line.push(b" status code ");
        line.push(code.bytes());
    } else {
        line.push(b" ");
        line.push(status.text().as_bytes());
    }
    line.push(b"\r\n");
    let length = line.at;
    put_before(buffer, STATUS_ROOM, text.get(..length).unwrap_or_default())
}

/// A number in decimal.
pub(crate) struct Digits {
    text: [u8; 20],
    start: usize,
}

impl Digits {
    #[inline(never)]
    pub(crate) fn new(mut number: u64) -> Self {
        let mut digits = Self { text: [b'0'; 20], start: 20 };
        for slot in digits.text.iter_mut().rev() {
            *slot = b'0' + u8::try_from(number % 10).unwrap_or(0);
            digits.start -= 1;
            number /= 10;
            if number == 0 {
                break;
            }
        }
        digits
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.text.get(self.start..).unwrap_or_default()
    }
}
