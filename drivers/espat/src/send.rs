//! Payload on its way: the prompt, the bytes straight from the caller, the verdict.

use core::time::Duration;

use netdev::{Error, Fault, Instant, Side};
use netdev_uart::UartLink;

use crate::arrivals::Final;
use crate::command::CANCEL;
use crate::exchange::{Flight, Phase};
use crate::op::Op;
use crate::setup::SEND_LIMIT_MS;
use crate::state::Core;

/// What holds a payload up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    No,
    /// A piece has to be on the wire first.
    Flush,
    /// The line is silent until then, so that what follows is a piece of its own.
    Until(Instant),
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// A send of so many bytes begins. Until its caller has fetched what came of it he has to come
    /// with the same bytes.
    pub(crate) fn announce(&mut self, index: u8, count: usize) {
        let now = self.now;
        if let Ok(socket) = self.socket(index) {
            socket.sending = u16::try_from(count).unwrap_or(u16::MAX);
            socket.writer_at = now;
            socket.hold = Hold::No;
        }
        self.shared.set_in_flight(index, Side::Write, true);
    }

    /// What came of the last send, if that is known and its caller was not told.
    pub(crate) fn fetch_sent(&mut self, index: u8, offered: usize) -> Result<Option<usize>, Error> {
        let now = self.now;
        let socket = self.socket(index)?;
        socket.writer_at = now;
        let count = usize::from(socket.sending);
        if self.shared.in_flight(usize::from(index), Side::Write) && offered < count {
            return Err(Error::InvalidInput);
        }
        let Some(sent) = self.socket(index)?.sent.take() else { return Ok(None) };
        self.unsent(index);
        sent.map(|()| Some(count))
    }

    /// The module has nothing of this socket's payload, and will not send any.
    pub(crate) fn unsent(&mut self, index: u8) {
        if let Ok(socket) = self.socket(index) {
            socket.sending = 0;
        }
        self.shared.set_in_flight(index, Side::Write, false);
    }

    /// The module waits for payload.
    pub(crate) fn prompt(&mut self) {
        let now = self.now;
        let Some(flight) = self.state.exchange.flight.as_mut() else { return self.suspect() };
        if flight.op.has_payload() && matches!(flight.phase, Phase::Waiting | Phase::Repeat(_)) {
            flight.phase = Phase::Payload(0);
            flight.deadline = now + STALLED;
        } else {
            self.suspect();
        }
    }

    /// Gives the line what it takes of the payload.
    pub(crate) fn give_payload(&mut self, index: u8, data: &[u8]) -> nb::Result<usize, Error> {
        let socket = *self.socket(index)?;
        let Some(flight) = self.state.exchange.flight else { return Err(nb::Error::WouldBlock) };
        let Phase::Payload(at) = flight.phase else { return Err(nb::Error::WouldBlock) };
        if socket.dgram && !self.hold_is_over(index, socket.hold) {
            return Err(nb::Error::WouldBlock);
        }
        let rest = data.get(usize::from(at)..usize::from(socket.sending)).unwrap_or_default();
        let piece = if socket.dgram { piece(rest) } else { rest.len() };
        let bytes = rest.get(..piece).unwrap_or(rest);
        let Ok(written) = self.state.exchange.write_payload(bytes, self.platform) else {
            self.line_failed();
            return Err(Error::Fault(Fault::Bus).into());
        };
        if written == piece && piece < rest.len() {
            self.socket(index)?.hold = Hold::Flush;
        }
        let at = at.saturating_add(u16::try_from(written).unwrap_or(u16::MAX));
        let now = self.platform.now();
        let verdict = self.verdict_limit(usize::from(socket.sending));
        if let Some(flight) = &mut self.state.exchange.flight {
            if at >= socket.sending {
                flight.phase = Phase::Sent;
                flight.turned_at = now;
                flight.deadline = now + verdict;
            } else {
                flight.phase = Phase::Payload(at);
                if written > 0 {
                    flight.deadline = now + STALLED;
                }
            }
        }
        Err(nb::Error::WouldBlock)
    }

    /// Whether the next piece may go out.
    fn hold_is_over(&mut self, index: u8, hold: Hold) -> bool {
        let now = self.now;
        let next = match hold {
            Hold::No => return true,
            Hold::Until(at) if now >= at => Hold::No,
            Hold::Until(_) => return false,
            Hold::Flush if self.state.exchange.link.flush().is_ok() => Hold::Until(now + GAP),
            Hold::Flush => return false,
        };
        if let Ok(socket) = self.socket(index) {
            socket.hold = next;
        }
        next == Hold::No
    }

    /// How long the module may take until it says whether it has passed the payload on: as long as a
    /// peer may hold it up, where it was told a limit.
    fn verdict_limit(&self, count: usize) -> Duration {
        let own = self.state.firmware.options.then_some(SEND_LIMIT_MS + 2_000);
        let limit = own.unwrap_or(VERDICT_MS);
        // What the line itself still holds comes on top.
        Duration::from_millis(u64::from(limit)) + self.state.exchange.wire_time(count)
    }

    /// `Recv <n> bytes`.
    pub(crate) fn payload_counted(&mut self, count: u16) {
        let Some(flight) = self.state.exchange.flight else { return self.suspect() };
        let Op::Send(index) = flight.op else { return self.suspect() };
        let expected = self.socket(index).map_or(0, |it| it.sending);
        let now = self.now;
        let whole = flight.phase == Phase::Sent && count == expected;
        if let Some(flight) = &mut self.state.exchange.flight {
            // A number that was damaged, on its way there or back.
            flight.surplus |= !whole;
            flight.phase = Phase::Counted;
            flight.turned_at = now;
        }
    }

    pub(crate) fn send_ended(&mut self, index: u8, flight: &Flight, result: Final) {
        let begun = matches!(flight.phase, Phase::Payload(_) | Phase::Sent | Phase::Counted);
        let Ok(socket) = self.socket(index) else { return };
        match result {
            Final::SendOk if !flight.surplus => {
                socket.strikes = 0;
                socket.sent = Some(Ok(()));
            }
            // The peer got other bytes than ours, or as many as nobody knows.
            Final::SendOk => self.send_spoilt(index, Error::Fault(Fault::Frame)),
            Final::Error if !begun => self.send_refused(index),
            Final::Canceled => self.unsent(index),
            _ => {
                let closed = socket.closed.is_some();
                let error = if closed { Error::BrokenPipe } else { Error::ConnectionReset };
                let error = if socket.dgram { Error::Unreachable } else { error };
                socket.sent = Some(Err(error));
                if !socket.dgram {
                    socket.write_failed = Some(error);
                }
            }
        }
    }

    fn send_spoilt(&mut self, index: u8, error: Error) {
        let Ok(socket) = self.socket(index) else { return };
        if socket.dgram {
            socket.sent = Some(Err(error));
        } else {
            self.fail_socket(index, error);
        }
    }

    /// The module does not take the command: usually its link is gone, and that is about to be told.
    fn send_refused(&mut self, index: u8) {
        self.unsent(index);
        let Ok(socket) = self.socket(index) else { return };
        socket.strikes = socket.strikes.saturating_add(1);
        if socket.strikes >= STRIKES && socket.closed.is_none() {
            self.fail_socket(index, Error::Fault(Fault::Chip(0)));
        }
        self.state.resync.links_wanted = true;
    }

    /// No answer came to a send. Whether the module may wait for payload, or for more of it.
    pub(crate) fn send_lost(&mut self, index: u8, flight: &Flight) -> bool {
        match flight.phase {
            Phase::Writing(_) | Phase::Waiting | Phase::Repeat(_) => self.unsent(index),
            Phase::Payload(_) | Phase::Sent => {
                self.state.resync.doubtful = Some(index);
            }
            Phase::Counted => {
                self.send_spoilt(index, Error::TimedOut);
                return false;
            }
        }
        true
    }

    /// A send whose payload went out, and nobody knows what became of it.
    pub(crate) fn send_doubtful(&mut self, index: u8) {
        self.send_spoilt(index, Error::Fault(Fault::Unresponsive));
    }
}

/// How much of `data` goes out as one payload without `+++` in it: alone on the line, those three
/// would end it.
pub(crate) fn without_cancel(data: &[u8]) -> usize {
    let found = data.windows(CANCEL.len()).position(|it| it == CANCEL);
    found.map_or(data.len(), |at| at + CANCEL.len() - 1)
}

/// The next piece of a datagram, which has to go out as one payload. Silence follows it unless it is
/// the last, so that no piece is `+++`.
pub(crate) fn piece(rest: &[u8]) -> usize {
    let found = rest.windows(CANCEL.len()).position(|it| it == CANCEL);
    found.map_or(rest.len(), |at| at + 1)
}

/// Before payload that is only `+++` for the firmware if it comes alone.
const GAP: Duration = Duration::from_millis(25);
/// How long the line may take nothing.
const STALLED: Duration = Duration::from_secs(5);
/// How long a verdict may take where the firmware knows no limit of its own.
const VERDICT_MS: u32 = 30_000;
const STRIKES: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trap_27_no_payload_of_a_stream_has_three_plusses_in_a_row() {
        for data in [&b"+++"[..], b"a+++b", b"++++++", b"++", b"+", b"abc", b"+a++b+++"] {
            let (mut rest, mut out) = (data, 0);
            while !rest.is_empty() {
                let count = without_cancel(rest);
                assert!(count > 0);
                assert!(!rest[..count].windows(3).any(|it| it == b"+++"));
                out += count;
                rest = &rest[count..];
            }
            assert_eq!(out, data.len());
        }
    }

    #[test]
    fn trap_27_no_piece_of_a_datagram_is_three_plusses() {
        for data in [&b"+++"[..], b"a+++b", b"++++++", b"x+++", b"+++x"] {
            let (mut rest, mut out) = (data, 0);
            while !rest.is_empty() {
                let count = piece(rest);
                assert!(count > 0 && &rest[..count] != b"+++");
                out += count;
                rest = &rest[count..];
            }
            assert_eq!(out, data.len());
        }
    }
}
