//! What has come over the line, and where it belongs.

use core::time::Duration;

use netdev::{Error, Fault};
use netdev_uart::UartLink;

use crate::exchange::{Arrival, Counted, Flight, Phase, Sink};
use crate::op::Op;
use crate::reply::{self, Header, Reply as Line, Wifi};
use crate::sockets::SOCKETS;
use crate::state::Core;
use crate::token::Token;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// Takes what has come. Data whose owner is not there stay in the line's ring.
    pub(crate) fn pump(&mut self, sink: &mut Sink<'_>) {
        if self.is_deaf() {
            self.state.exchange.drain(self.now);
            return;
        }
        for _ in 0..STEPS {
            if self.state.scan_line_held && !self.take_held_line(sink) {
                return;
            }
            if self.state.exchange.counted.is_some() {
                if !self.move_data(sink) {
                    return;
                }
                continue;
            }
            match self.state.exchange.arrive(self.now) {
                Arrival::Nothing => return,
                Arrival::Token(token) => self.token(token),
                Arrival::Lost => self.bytes_lost(),
                Arrival::Broken => {
                    self.line_failed();
                    return;
                }
            }
            if self.is_deaf() {
                return;
            }
        }
    }

    fn token(&mut self, token: Token) {
        let behind_data = core::mem::take(&mut self.state.exchange.data_just_ended);
        match token {
            Token::Blank => {}
            Token::Prompt => self.prompt(),
            Token::Data(head) => self.begin_data(head),
            Token::Dropped => {
                self.fail_tag(behind_data, Error::Fault(Fault::Frame));
                self.strange(b"");
            }
            Token::Garbled => {
                self.fail_tag(behind_data, Error::Fault(Fault::Frame));
                self.out_of_phase();
            }
            Token::Line => {
                let known = self.line();
                if !known {
                    // Bytes of a block that was longer than its head said.
                    self.fail_tag(behind_data, Error::Fault(Fault::Frame));
                    let (line, len) = self.state.exchange.tokens.copy();
                    self.strange(line.get(..len).unwrap_or_default());
                }
            }
        }
    }

    /// A line that makes no sense. If it may have been the head of data, what follows may be anything,
    /// and must not be read as lines.
    fn strange(&mut self, line: &[u8]) {
        let reads = |it: Flight| matches!(it.op, Op::Receive(..)) && !it.evidence;
        let asked = self.state.exchange.flight.is_some_and(reads);
        let hidden = asked && (line.is_empty() || reply::looks_like(line, b"+CIPRECVDATA"));
        let active = self.state.links.iter().any(|link| link.active && !link.is_free());
        let pushed = active && (line.is_empty() || reply::looks_like(line, b"+IPD,"));
        if pushed {
            for index in (0_u8..).take(SOCKETS) {
                let id = self.socket(index).ok().and_then(|it| it.link.filter(|_| !it.dgram));
                let hit = id.and_then(|id| self.link(id)).is_some_and(|link| link.active);
                if hit {
                    self.fail_socket(index, Error::Fault(Fault::Frame));
                }
            }
        }
        if hidden || pushed { self.out_of_phase() } else { self.suspect() }
    }

    /// Whether the line made sense.
    fn line(&mut self) -> bool {
        let exchange = &self.state.exchange;
        let line = exchange.tokens.line();
        if exchange.command.is_echo(line) {
            self.state.boot.echoed = true;
            return true;
        }
        let said = reply::parse(line);
        match said {
            Line::Unknown => return false,
            // These come as heads of data, or damaged.
            Line::Info(name, _)
                if name != b"CIPRECVLEN" && reply::looks_like(name, b"CIPRECVDATA") =>
            {
                return false;
            }
            Line::Remark => {}
            Line::Ok => self.result(Final::Ok),
            Line::Error => self.result(Final::Error),
            Line::SendOk => self.result(Final::SendOk),
            Line::SendFail => self.result(Final::SendFail),
            Line::Canceled => self.result(Final::Canceled),
            Line::Busy => self.busy(),
            Line::Ready => self.restarted(),
            Line::Received(count) => self.payload_counted(count),
            Line::Up(id) => self.link_up(id, None),
            Line::LinkUp(info) => self.link_up(info.id, Some(info)),
            Line::Closed(id) => self.link_closed(id),
            Line::Waiting(id, len) => self.data_wait(id, len),
            Line::Wifi(Wifi::Connected) => {}
            Line::Wifi(Wifi::GotIp) => self.got_ip(),
            Line::Wifi(Wifi::Disconnected) => self.disconnected(),
            Line::TimeUpdated => self.state.time.wanted = true,
            Line::Info(..) => self.info(),
        }
        true
    }

    /// Data are coming in.
    fn begin_data(&mut self, head: Header) {
        let (tag, dgram) = match head.link {
            None => match self.asked_for(head.len) {
                Some(tag) => (tag, false),
                None => return self.out_of_phase(),
            },
            Some(id) => match self.link(id).copied().filter(|link| !link.is_free()) {
                Some(link) => (link.tag, link.udp),
                None => {
                    self.suspect();
                    (0, false)
                }
            },
        };
        let tag = if dgram && !self.may_hear(tag, head.from) { 0 } else { tag };
        let exchange = &mut self.state.exchange;
        let asked = head.link.is_none();
        // Few bytes stay in the inbox until the rest has come; what comes late is taken at once.
        let all_here = exchange.top_up(self.now);
        let on_the_way = usize::from(head.len).saturating_sub(exchange.in_hand());
        let batch =
            if asked { on_the_way + TAIL } else { on_the_way.min(exchange.link.capacity() / 2) };
        let wait = if all_here { exchange.wire_time(batch + 1) } else { Duration::ZERO };
        exchange.counted = Some(Counted {
            left: head.len,
            tag,
            dgram,
            stashing: false,
            asked,
            from: head.from,
            ripe: self.now + wait,
            since: self.now,
        });
    }

    /// Whose data these are, if somebody asked for as many. The id may have been given to another
    /// connection since: then they are that one's.
    fn asked_for(&mut self, len: u16) -> Option<u8> {
        let flight = self.state.exchange.flight.as_mut()?;
        let Op::Receive(index, id) = flight.op else { return None };
        flight.evidence = true;
        self.socket(index).ok().filter(|socket| len <= socket.asked)?;
        let link = self.link(id)?;
        link.avail = link.avail.saturating_sub(len);
        Some(link.tag)
    }

    /// Moves data on. `false`: they wait for somebody, or for more to come.
    fn move_data(&mut self, sink: &mut Sink<'_>) -> bool {
        let Some(counted) = self.state.exchange.counted else { return false };
        if counted.left == 0 {
            self.end_data(&counted);
            return true;
        }
        let moved = if counted.tag == 0 && !counted.stashing {
            let mut nowhere = [0; 64];
            let room = nowhere.len().min(usize::from(counted.left));
            self.state.exchange.take(nowhere.get_mut(..room).unwrap_or_default(), self.now)
        } else if counted.stashing {
            self.take_to_stash(&counted)
        } else if counted.dgram {
            return self.begin_stashing(&counted);
        } else {
            match self.take_to_sink(&counted, sink) {
                Some(moved) => moved,
                None => return self.must_stash(&counted) && self.begin_stashing(&counted),
            }
        };
        match moved {
            Ok(0) => {
                self.wait_for_rest();
                self.check_gap();
                false
            }
            Ok(count) => {
                self.data_moved(count);
                true
            }
            Err(netdev_uart::LineError::Lost) => {
                self.bytes_lost();
                false
            }
            Err(_) => {
                self.line_failed();
                false
            }
        }
    }

    fn take_to_stash(&mut self, counted: &Counted) -> Result<usize, netdev_uart::LineError> {
        let state = &mut *self.state;
        let room = state.stash.room().unwrap_or_default();
        let most = room.len().min(usize::from(counted.left));
        let count = state.exchange.take(room.get_mut(..most).unwrap_or_default(), self.now)?;
        state.stash.fill(count);
        Ok(count)
    }

    /// `None`: their reader is not there, has no room left, or it is not worth his while yet.
    fn take_to_sink(
        &mut self,
        counted: &Counted,
        sink: &mut Sink<'_>,
    ) -> Option<Result<usize, netdev_uart::LineError>> {
        let Sink::Data { tag, buf, len } = sink else { return None };
        let room = buf.get_mut(*len..).filter(|room| *tag == counted.tag && !room.is_empty())?;
        if counted.asked && room.len() < usize::from(counted.left) {
            return None;
        }
        let tail = if counted.asked { TAIL } else { 0 };
        if self.now < counted.ripe
            && usize::from(counted.left) + tail > self.state.exchange.in_hand()
            && *len == 0
        {
            return None;
        }
        let most = room.len().min(usize::from(counted.left));
        let moved = self.state.exchange.take(room.get_mut(..most)?, self.now);
        if let Ok(count) = moved {
            *len += count;
        }
        Some(moved)
    }

    fn data_moved(&mut self, count: usize) {
        let now = self.now;
        let full = self.state.stash.room().is_none_or(|room| room.is_empty());
        self.with_counted(|it| {
            it.left = it.left.saturating_sub(u16::try_from(count).unwrap_or(u16::MAX));
            it.since = now;
            it.stashing &= !full;
        });
        if let Some(flight) = &mut self.state.exchange.flight {
            flight.deadline = flight.deadline.max(now + MOVING);
        }
    }

    /// All that had come was taken: the rest is worth a look once it will have come.
    fn wait_for_rest(&mut self) {
        let exchange = &mut self.state.exchange;
        let half = exchange.link.capacity() / 2;
        let Some(counted) = exchange.counted else { return };
        let left = usize::from(counted.left);
        let batch = if counted.asked { left } else { left.min(half) };
        let ripe = self.now + exchange.wire_time(batch + 1);
        self.with_counted(|it| it.ripe = it.ripe.max(ripe));
    }

    fn end_data(&mut self, counted: &Counted) {
        self.state.exchange.counted = None;
        if !counted.dgram {
            self.state.exchange.data_just_ended = counted.tag;
        }
        if counted.asked || self.state.firmware.at_least(2, 4) {
            self.state.exchange.tokens.expect_tail();
        }
        if counted.tag == 0 {
            self.state.stash.forget(0);
        }
    }

    /// Somebody needs what comes behind data that nobody fetches.
    fn must_stash(&self, counted: &Counted) -> bool {
        if !counted.asked {
            return self.state.exchange.flight.is_some() || self.state.waiting.is_some();
        }
        let mut sockets = self.state.sockets.iter();
        let reader = sockets.find(|it| it.tag == counted.tag);
        // Given up, or come back with less room.
        reader.is_none_or(|it| {
            self.now.saturating_since(it.reader_at) >= GIVEN_UP || it.room < counted.left
        })
    }

    /// Whether there is room in the stash. Datagrams that find none are dropped once somebody needs
    /// the line, a stream fails when that has lasted.
    fn begin_stashing(&mut self, counted: &Counted) -> bool {
        let free = u16::try_from(self.state.stash.free()).unwrap_or(u16::MAX);
        let size = if counted.dgram { counted.left } else { counted.left.min(free) };
        let begun = size > 0 && self.state.stash.begin(counted.tag, size, counted.from);
        if begun {
            self.with_counted(|it| it.stashing = true);
            return true;
        }
        let waited = self.now.saturating_since(counted.since);
        let too_large = counted.dgram && usize::from(counted.left) + 11 > N;
        let needed = self.state.exchange.flight.is_some() || self.state.waiting.is_some();
        if counted.dgram {
            if needed || too_large {
                self.with_counted(|it| it.tag = 0);
            }
            return needed || too_large;
        }
        if waited >= ORPHAN {
            self.fail_tag(counted.tag, Error::Fault(Fault::Unresponsive));
            self.with_counted(|it| it.tag = 0);
            return true;
        }
        false
    }

    fn with_counted(&mut self, change: impl FnOnce(&mut Counted)) {
        if let Some(counted) = &mut self.state.exchange.counted {
            change(counted);
        }
    }

    /// A firmware writes head and data in one go. A pause within means that the rest will not come,
    /// and that what comes next is something else.
    fn check_gap(&mut self) {
        let silent = self.now.saturating_since(self.state.exchange.heard_at);
        if silent >= GAP {
            self.out_of_phase();
        }
    }

    fn take_held_line(&mut self, sink: &mut Sink<'_>) -> bool {
        if let Sink::Networks { found, len } = sink {
            let line = self.state.exchange.tokens.line();
            let value = line.get(b"+CWLAP:".len()..).unwrap_or_default();
            if let (Some(network), Some(place)) = (reply::access_point(value), found.get_mut(*len))
            {
                *place = network;
                *len += 1;
            }
        } else if self.now.saturating_since(self.state.exchange.heard_at) < ORPHAN {
            return false;
        }
        self.state.scan_line_held = false;
        true
    }

    /// `+NAME:` and its value, for the command that is out.
    fn info(&mut self) {
        let line = self.state.exchange.tokens.line();
        let Line::Info(name, value) = reply::parse(line) else { return };
        let name = name.strip_suffix(b"_CUR").unwrap_or(name);
        match (name, self.state.exchange.flight.map(|flight| flight.op)) {
            (b"CWLAP", Some(Op::Scan)) => self.state.scan_line_held = true,
            (b"CIPSTATE" | b"CIPSTATUS", Some(Op::Links)) => {
                if let Some(info) = reply::link_info(value) {
                    self.link_listed(info);
                }
            }
            (b"CIPRECVLEN", Some(Op::Lengths)) => {
                if let Some(lengths) = reply::lengths(value) {
                    self.lengths_told(lengths);
                }
            }
            (b"AT", _) => {
                let version = reply::version(value);
                self.state.boot.version = version;
                self.state.reply.seen = true;
            }
            (b"ERRNO", _) => {
                self.state.reply.number = u32::from(reply::hex_number(value).unwrap_or(0));
            }
            _ => self.state.reply.note(name, value),
        }
    }

    /// A result. One that comes while the command is not out yet belongs to an earlier one.
    fn result(&mut self, result: Final) {
        let Some(flight) = self.state.exchange.flight else { return };
        let heard = match flight.phase {
            Phase::Writing(_) => false,
            Phase::Repeat(_) => flight.evidence,
            Phase::Waiting | Phase::Payload(_) | Phase::Sent | Phase::Counted => true,
        };
        let fits = match (flight.op, result) {
            (Op::Send(_), Final::Ok) => false,
            (Op::Send(_), Final::SendOk) => matches!(flight.phase, Phase::Sent | Phase::Counted),
            (Op::Send(_), _) => true,
            (Op::Cancel, Final::Canceled) => true,
            (Op::Cancel, _) => false,
            (_, Final::Ok | Final::Error) => true,
            (_, Final::SendOk | Final::SendFail | Final::Canceled | Final::Silent) => false,
        };
        if heard && fits {
            self.finish(result);
        }
    }

    /// `busy`: what was sent is lost, and an earlier command still runs; unless it is about bytes
    /// behind the command or the payload, which then were more than they should have been.
    fn busy(&mut self) {
        let now = self.now;
        let Some(flight) = &mut self.state.exchange.flight else { return };
        match flight.phase {
            Phase::Payload(_) | Phase::Sent | Phase::Counted => flight.surplus = true,
            Phase::Waiting if !flight.evidence => {
                let pause = BUSY_PAUSE * (1 << flight.rejected.min(4));
                flight.rejected = flight.rejected.saturating_add(1);
                flight.phase = Phase::Repeat(now + pause);
                self.state.exchange.tokens.prompt_awaited = flight.op.has_payload();
            }
            _ => {}
        }
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Final {
    Ok,
    Error,
    SendOk,
    SendFail,
    Canceled,
    /// No answer came in time.
    Silent,
}

/// Tokens and moves a call makes at most.
const STEPS: u32 = 512;
/// Data that come give the answer behind them so much more time.
const MOVING: Duration = Duration::from_secs(2);
/// What ends an answer behind its data.
const TAIL: usize = 6;
/// A reader who has not come for so long has given up.
const GIVEN_UP: Duration = Duration::from_millis(100);
/// How long data may hold up the line that somebody else needs.
const ORPHAN: Duration = Duration::from_secs(1);
/// The longest pause within what a firmware writes in one go.
const GAP: Duration = Duration::from_millis(250);
/// Before a command that was rejected is written again; doubles.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
