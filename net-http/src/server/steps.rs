//! The steps of one connection from accept to the moment its handler may start.

use net::Instant;

use super::body::Body;
use super::core::{Core, Verdict};
use super::outgoing::Digits;
use super::slot::{NEVER, Phase, State, Then, View};
use super::source::Source;
use super::waiter::STRETCH;
use crate::Error;
use crate::header::Line;
use crate::wire::date;
use crate::wire::fields::Framing;
use crate::wire::head::{Finder, Found, split_line};
use crate::wire::request::{Refusal, RequestHead, request_line};

/// What a step answers: `WouldBlock`, or what becomes of the connection. An error closes it.
type Step = nb::Result<Verdict, ()>;

impl Core {
    /// Takes a connection one step on.
    pub(crate) fn step(&mut self, mut view: View<'_>, now: Instant) -> Step {
        match view.state.phase {
            Phase::Free | Phase::Ready => Err(nb::Error::WouldBlock),
            Phase::Idle | Phase::Head => self.read_head(view, now),
            Phase::Body => self.read_body(view, now),
            Phase::Flush { from, to } => self.flush_on(view, from, to, now),
            Phase::Linger => linger(&mut view),
        }
    }

    fn read_head(&mut self, view: View<'_>, now: Instant) -> Step {
        let room = view.buffer.len().min(usize::from(u16::MAX));
        let free = view.buffer.get_mut(view.state.filled..room).unwrap_or_default();
        let count = view.conn.try_read(free).map_err(|error| error.map(|_| ()))?;
        view.state.touched = now;
        if count == 0 {
            view.state.ended = true;
            return Ok(match view.state.filled {
                0 => Verdict::Close,
                _ => self.refuse(view, Refusal::BadRequest, now),
            });
        }
        view.state.filled += count;
        if view.state.phase == Phase::Idle {
            let deadline = now + self.limits.head_time;
            self.enter(view.state, Phase::Head, deadline);
        }
        Ok(self.examine(view, now))
    }

    /// Looks whether a whole head has come.
    fn examine(&mut self, mut view: View<'_>, now: Instant) -> Verdict {
        skip_strays(&mut view);
        let View { state, buffer, .. } = &view;
        let have = buffer.get(..state.filled).unwrap_or_default();
        let full = state.filled >= buffer.len().min(usize::from(u16::MAX));
        let mut finder = state.finder;
        let found = finder.find(have);
        let head = match found {
            Found::More { first_line } => {
                let line = first_line.and_then(|end| have.get(..end));
                match line.map(|line| request_line(split_line(line).0)) {
                    Some(Err(refusal)) => Err(refusal),
                    _ if full => Err(Refusal::HeadTooLarge),
                    _ => {
                        view.state.finder = finder;
                        return Verdict::Keep;
                    }
                }
            }
            Found::End(end) => {
                RequestHead::parse(have.get(..end).unwrap_or_default(), self.limits.fields)
            }
        };
        match head.and_then(|head| self.accepts(&head, buffer.len()).map(|()| head)) {
            Ok(head) => self.begin(view, head, now),
            Err(refusal) => self.refuse(view, refusal, now),
        }
    }

    /// Whether the body that is announced can be taken.
    fn accepts(&self, head: &RequestHead, buffer: usize) -> Result<(), Refusal> {
        match head.framing {
            Framing::Length(length) if length > self.limits.body => Err(Refusal::BodyTooLarge),
            Framing::Chunked if usize::from(head.length) + Body::ROOM_MIN > buffer => {
                Err(Refusal::LengthRequired)
            }
            _ if head.target.len() > usize::from(self.limits.target) => Err(Refusal::TargetTooLong),
            Framing::Chunked if head.both && self.limits.strict_framing => Err(Refusal::BadRequest),
            _ => Ok(()),
        }
    }

    /// The head is there: gather the body if it fits, else on to the handler.
    fn begin(&mut self, view: View<'_>, head: RequestHead, now: Instant) -> Verdict {
        let View { state, buffer, .. } = view;
        let region = buffer.get_mut(usize::from(head.length)..).unwrap_or_default();
        let come = state.filled.saturating_sub(usize::from(head.length));
        state.body = Body::new(head.framing, come, self.limits.body);
        let fits = match head.framing {
            Framing::Length(length) => usize::try_from(length).is_ok_and(|len| len <= region.len()),
            _ => true,
        };
        state.head = Some(head);
        let waits = fits
            && !head.expects_continue
            && state.body.decode(region).is_ok()
            && !state.body.complete();
        if waits {
            self.enter(state, Phase::Body, now + self.limits.body_time);
        } else {
            self.enter(state, Phase::Ready, NEVER);
        }
        Verdict::Keep
    }

    fn read_body(&mut self, view: View<'_>, now: Instant) -> Step {
        let View { conn, state, buffer } = view;
        let start = state.head.map_or(0, |head| usize::from(head.length));
        let region = buffer.get_mut(start..).unwrap_or_default();
        let free = state.body.free(region);
        if free.is_empty() {
            // Chunks that do not fit: the handler reads them as they come.
            self.enter(state, Phase::Ready, NEVER);
            return Ok(Verdict::Keep);
        }
        let count = conn.try_read(free).map_err(|error| error.map(|_| ()))?;
        state.touched = now;
        if count == 0 {
            state.ended = true;
            state.body.give_up(Error::UnexpectedEnd);
        }
        state.body.came(count);
        if state.body.decode(region).is_err() || state.body.complete() {
            self.enter(state, Phase::Ready, NEVER);
        }
        Ok(Verdict::Keep)
    }

    /// Sends on what is left of an answer.
    fn flush_on(&mut self, view: View<'_>, mut from: u16, mut to: u16, now: Instant) -> Step {
        for _ in 0..WRITES_A_ROUND {
            if from >= to && !fill(view.state, view.buffer, &mut from, &mut to) {
                return Ok(Verdict::Close);
            }
            let tail = view.buffer.get(usize::from(from)..usize::from(to)).unwrap_or_default();
            let data = match view.state.source {
                Source::Static(source) if tail.is_empty() => source,
                _ => tail,
            };
            if data.is_empty() {
                return Ok(self.answered(view, now));
            }
            let written = view.conn.try_write(data);
            let count = match written {
                Ok(count) => count,
                Err(error) => {
                    view.state.phase = Phase::Flush { from, to };
                    return Err(error.map(|_| ()));
                }
            };
            match &mut view.state.source {
                Source::Static(source) if tail.is_empty() => {
                    *source = source.get(count..).unwrap_or_default();
                }
                _ => from = from.saturating_add(small(count)).min(to),
            }
            let deadline = self.flushed(view.state, count, now);
            self.enter(view.state, Phase::Flush { from, to }, deadline);
        }
        Ok(Verdict::Keep)
    }

    /// So much of an answer has gone. Every KiB gives the client a new stretch of time.
    fn flushed(&self, state: &mut State, count: usize, now: Instant) -> Instant {
        state.moved = state.moved.saturating_add(small(count));
        if usize::from(state.moved) < STRETCH {
            return state.deadline;
        }
        state.moved = 0;
        state.touched = now;
        now + self.limits.write_time
    }

    /// The answer is out and the connection stays.
    pub(crate) fn next_request(&mut self, view: View<'_>, now: Instant) -> Verdict {
        view.state.finder = Finder::new();
        view.state.head = None;
        if self.stopping {
            return Verdict::Close;
        }
        if view.state.filled == 0 {
            self.enter(view.state, Phase::Idle, now + self.limits.idle_time);
            return Verdict::Keep;
        }
        self.enter(view.state, Phase::Head, now + self.limits.head_time);
        self.examine(view, now)
    }

    /// The server itself answers that a request cannot be served, and closes.
    fn refuse(&mut self, view: View<'_>, refusal: Refusal, now: Instant) -> Verdict {
        let View { conn, state, buffer } = view;
        let (status, reason) = (refusal.status(), refusal.reason());
        net::netdev::debug!("refused: {} {}", status.code(), reason);
        let mut line = Line { room: buffer, at: 0, over: false };
        refusal_text(&mut line, refusal, self.device.platform().unix_time());
        if line.over {
            return Verdict::Close;
        }
        let to = u16::try_from(line.at).unwrap_or(0);
        state.filled = 0;
        state.moved = 0;
        state.touched = now;
        state.then = Then::Linger;
        self.enter(state, Phase::Flush { from: 0, to }, now + self.limits.write_time);
        match self.flush_on(View { conn, state, buffer }, 0, to, now) {
            Ok(verdict) => verdict,
            Err(nb::Error::WouldBlock) => Verdict::Keep,
            Err(nb::Error::Other(())) => Verdict::Close,
        }
    }

    /// The phase has lasted too long.
    pub(crate) fn too_late(&mut self, view: View<'_>, now: Instant) -> Verdict {
        let have = view.buffer.get(..view.state.filled).unwrap_or_default();
        let (nothing, half_a_line) = (have.is_empty(), !have.contains(&b'\n'));
        match view.state.phase {
            Phase::Head if nothing => Verdict::Close,
            Phase::Head if half_a_line => self.refuse(view, Refusal::BadRequest, now),
            Phase::Head | Phase::Body => self.refuse(view, Refusal::Timeout, now),
            Phase::Free | Phase::Ready => Verdict::Keep,
            Phase::Idle | Phase::Flush { .. } | Phase::Linger => Verdict::Close,
        }
    }
}

/// The server's own answer, as Go words it: most without a length, two without a body.
pub(super) fn refusal_text(line: &mut Line<'_>, refusal: Refusal, unix: Option<u64>) {
    let code = Digits::new(u64::from(refusal.status().code()));
    let (text, reason) = (refusal.status().text().as_bytes(), refusal.reason().as_bytes());
    let say = |line: &mut Line<'_>| {
        line.push(code.bytes());
        line.push(b" ");
        line.push(text);
        line.push(if reason.is_empty() { b"" } else { b": " });
        line.push(reason);
    };
    line.push(b"HTTP/1.1 ");
    say(line);
    line.push(b"\r\nConnection: close\r\n");
    match refusal {
        Refusal::Expectation | Refusal::Preface => {
            if let Some(unix) = unix {
                line.field(b"Date: ", &date::format(i64::try_from(unix).unwrap_or(0)));
            }
            line.push(b"Content-Length: 0\r\n\r\n");
        }
        _ => line.push(b"Content-Type: text/plain; charset=utf-8\r\n\r\n"),
    }
    match refusal {
        Refusal::Expectation | Refusal::Preface => {}
        Refusal::Coding => line.push(b"Unsupported transfer encoding"),
        _ => say(line),
    }
}

/// Fetches a further piece of an answer that is read while it is sent, into the free part of the
/// buffer. `false`: it cannot be read.
#[cfg(feature = "alloc")]
fn fill(state: &mut State, buffer: &mut [u8], from: &mut u16, to: &mut u16) -> bool {
    let room = buffer.get_mut(state.filled..).unwrap_or_default();
    let Some(count) = state.source.read(room) else { return false };
    *from = small(state.filled);
    *to = small(state.filled + count);
    true
}

/// Without a heap there are no such answers.
#[cfg(not(feature = "alloc"))]
const fn fill(_: &mut State, _: &mut [u8], _: &mut u16, _: &mut u16) -> bool {
    true
}

fn small(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// Throws away what the peer still sends.
/// Reads into the whole buffer: a device that has a receive in flight wants as much room as before.
fn linger(view: &mut View<'_>) -> Step {
    match view.conn.try_read(view.buffer).map_err(|error| error.map(|_| ()))? {
        0 => Ok(Verdict::Close),
        _ => Ok(Verdict::Keep),
    }
}

/// Drops the few line ends that some clients send behind the body of a POST.
fn skip_strays(view: &mut View<'_>) {
    let View { state, buffer, .. } = view;
    while state.strays > 0 && state.filled > 0 {
        if !matches!(buffer.first(), Some(b'\r' | b'\n')) {
            state.strays = 0;
            return;
        }
        buffer.copy_within(1..state.filled, 0);
        state.filled -= 1;
        state.strays -= 1;
    }
}

/// Writes that one connection gets in a round.
const WRITES_A_ROUND: usize = 8;
