//! What has come over the line, and where it belongs.

use core::time::Duration;

use netdev::{Error, Fault};
use netdev_uart::UartLink;

use crate::exchange::{Arrival, Flight, Phase, Sink};
use crate::op::Op;
use crate::reply::{self, Reply as Line, Wifi};
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

    fn take_held_line(&mut self, sink: &mut Sink<'_>) -> bool {
        if let Sink::Networks { found, len } = sink {
            let line = self.state.exchange.tokens.line();
            let value = line.get(b"+CWLAP:".len()..).unwrap_or_default();
            if let (Some(network), Some(place)) = (reply::access_point(value), found.get_mut(*len))
            {
                *place = network;
                *len += 1;
            }
        } else if self.now.saturating_since(self.state.exchange.heard_at) < HELD {
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
/// How long a line of a scan may wait for its caller.
const HELD: Duration = Duration::from_secs(1);
/// Before a command that was rejected is written again; doubles.
const BUSY_PAUSE: Duration = Duration::from_millis(20);
