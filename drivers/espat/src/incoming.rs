//! Counted data: whose they are, and to where they go.

use core::time::Duration;

use netdev::{Error, Fault};
use netdev_uart::{LineError, UartLink};

use crate::exchange::{Counted, Sink};
use crate::op::Op;
use crate::reply::Header;
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// Data are coming in.
    pub(crate) fn begin_data(&mut self, head: Header) {
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
    pub(crate) fn move_data(&mut self, sink: &mut Sink<'_>) -> bool {
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
            Err(LineError::Lost) => {
                self.bytes_lost();
                false
            }
            Err(_) => {
                self.line_failed();
                false
            }
        }
    }

    fn take_to_stash(&mut self, counted: &Counted) -> Result<usize, LineError> {
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
    ) -> Option<Result<usize, LineError>> {
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
        // Only what the command itself brings: others' data may come for ever.
        let asked = self.state.exchange.counted.is_some_and(|it| it.asked);
        if let Some(flight) = self.state.exchange.flight.as_mut().filter(|_| asked) {
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
}

/// What ends an answer behind its data.
const TAIL: usize = 6;
/// A reader who has not come for so long has given up.
const GIVEN_UP: Duration = Duration::from_millis(100);
/// How long data may hold up the line that somebody else needs.
const ORPHAN: Duration = Duration::from_secs(1);
/// The longest pause within what a firmware writes in one go.
const GAP: Duration = Duration::from_millis(250);
/// Data that were asked for give the result behind them so much more time.
const MOVING: Duration = Duration::from_secs(2);
