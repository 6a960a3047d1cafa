//! Sending and receiving on a connection.

use core::time::Duration;

use netdev::{Error, Fault, Side, SockOpt};
use netdev_uart::UartLink;

use crate::command::{CIPRECVDATA, CIPSEND};
use crate::exchange::{Flight, Phase, Sink};
use crate::links::LinkState;
use crate::op::Op;
use crate::send::without_cancel;
use crate::sockets::{Kind, Socket};
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// A connection that stands, or has ended.
    fn stream(&mut self, index: u8) -> Result<&mut Socket, Error> {
        let socket = self.sound(index)?;
        if socket.kind == Kind::Stream { Ok(socket) } else { Err(Error::NotConnected) }
    }

    pub(crate) fn send(&mut self, index: u8, data: &[u8]) -> nb::Result<usize, Error> {
        self.stream(index)?;
        if data.is_empty() {
            return Ok(0);
        }
        if let Some(sent) = self.fetch_sent(index, data.len())? {
            return Ok(sent);
        }
        if self.state.exchange.is_out(Op::Send(index)) {
            return self.give_payload(index, data);
        }
        let socket = self.stream(index)?;
        if let Some(error) = socket.write_failed {
            return Err(error.into());
        }
        let Some(id) = socket.link.filter(|_| socket.closed.is_none()) else {
            return Err(Error::BrokenPipe.into());
        };
        if !self.may_start(Op::Send(index)) {
            return Err(nb::Error::WouldBlock);
        }
        let most = data.len().min(self.state.firmware.send_max());
        let count = without_cancel(data.get(..most).unwrap_or(data));
        self.announce(index, count);
        self.post(Op::Send(index), |it| {
            it.start(CIPSEND).number(u32::from(id)).number(u32::try_from(count).unwrap_or(0));
        })?;
        Err(nb::Error::WouldBlock)
    }

    pub(crate) fn recv(&mut self, index: u8, buf: &mut [u8]) -> nb::Result<usize, Error> {
        let now = self.now;
        let socket = self.stream(index)?;
        socket.reader_at = now;
        socket.room = u16::try_from(buf.len()).unwrap_or(u16::MAX);
        let tag = socket.tag;
        if buf.is_empty() {
            return Ok(0);
        }
        if let Some(count) = self.take_stashed(tag, buf) {
            return Ok(count);
        }
        let mut sink = Sink::Data { tag, buf, len: 0 };
        let entered = self.enter(&mut sink);
        let len = if let Sink::Data { len, .. } = sink { len } else { 0 };
        self.stream(index)?;
        if len > 0 {
            return self.hand_over(tag, buf, len);
        }
        if let Some(count) = self.take_stashed(tag, buf) {
            return Ok(count);
        }
        entered?;
        self.ask_for_data(index, buf.len())
    }

    /// Bytes that were asked for are handed over once what follows them has shown that none is missing.
    /// Until then they are kept.
    fn hand_over(&mut self, tag: u8, buf: &mut [u8], len: usize) -> nb::Result<usize, Error> {
        if !self.is_unproven(tag) {
            return Ok(len);
        }
        let left = self.state.exchange.counted.map_or(0, |it| it.left);
        let size = u16::try_from(len).unwrap_or(u16::MAX).saturating_add(left);
        if !self.state.stash.begin(tag, size, None) {
            return Ok(len);
        }
        let room = self.state.stash.room().and_then(|room| room.get_mut(..len));
        if let (Some(room), Some(bytes)) = (room, buf.get(..len)) {
            room.copy_from_slice(bytes);
            self.state.stash.fill(len);
        }
        if let Some(counted) = self.state.exchange.counted.as_mut().filter(|it| it.left > 0) {
            counted.stashing = true;
        }
        Err(nb::Error::WouldBlock)
    }

    /// Whether the end of what was asked for, for this tag, has not come yet.
    pub(crate) fn is_unproven(&self, tag: u8) -> bool {
        let exchange = &self.state.exchange;
        let reading = exchange.flight.is_some_and(|it| matches!(it.op, Op::Receive(..)));
        let coming = exchange.counted.is_some_and(|it| it.asked && it.tag == tag);
        coming || (reading && exchange.data_just_ended == tag)
    }

    fn take_stashed(&mut self, tag: u8, buf: &mut [u8]) -> Option<usize> {
        if self.is_unproven(tag) { None } else { self.state.stash.take(tag, buf) }
    }

    /// Nothing is here: asks the module for what waits there, if anything does.
    fn ask_for_data(&mut self, index: u8, room: usize) -> nb::Result<usize, Error> {
        let socket = *self.stream(index)?;
        let coming = self.state.exchange.counted.is_some_and(|it| it.tag == socket.tag);
        if coming || self.is_reading(index) {
            return Err(nb::Error::WouldBlock);
        }
        let Some((id, link)) = socket.link.and_then(|id| Some((id, *self.link(id)?))) else {
            self.socket(index)?.end_read = true;
            return Ok(0);
        };
        if link.avail == 0 {
            // What is left of a closed link is known once its length was asked for.
            if link.state == LinkState::ClosedWithData && !self.inventory_is_due() {
                self.free_link(id);
                self.socket(index)?.end_read = true;
                return Ok(0);
            }
            return Err(nb::Error::WouldBlock);
        }
        let op = Op::Receive(index, id);
        if self.now < link.notice_until || !self.may_start(op) {
            return Err(nb::Error::WouldBlock);
        }
        let want = usize::from(link.avail).min(room).min(self.read_max(socket.strikes));
        let want = u16::try_from(want).unwrap_or(u16::MAX);
        self.socket(index)?.asked = want;
        self.shared.set_in_flight(index, Side::Read, true);
        self.post(op, |it| {
            it.start(CIPRECVDATA).number(u32::from(id)).number(u32::from(want));
        })?;
        Err(nb::Error::WouldBlock)
    }

    /// What fits into the line's ring, less a margin for messages that nobody asked for. After a
    /// refusal less is asked for: the firmware takes the memory for it from its heap.
    fn read_max(&self, strikes: u8) -> usize {
        let capacity = self.state.exchange.link.capacity();
        let margin = MARGIN.min(capacity / 2);
        let most = READ_MAX >> strikes.min(5);
        (capacity - margin).clamp(1, most)
    }

    fn is_reading(&self, index: u8) -> bool {
        let flight = self.state.exchange.flight;
        flight.is_some_and(|it| matches!(it.op, Op::Receive(reader, _) if reader == index))
    }

    pub(crate) fn receive_ended(&mut self, index: u8, id: u8, flight: &Flight, ok: bool) {
        self.shared.set_in_flight(index, Side::Read, false);
        let pause = self.state.exchange.wire_time(NOTICE) + NOTICE_PAUSE;
        let now = self.now;
        let Ok(socket) = self.socket(index) else { return };
        if ok && flight.evidence {
            socket.strikes = 0;
            let drained = self.link(id).is_some_and(|it| it.avail == 0);
            if drained && self.state.firmware.is_nonos() {
                // It says only once that something waits, and nothing of what came since.
                self.state.resync.lengths_wanted = true;
            }
            if let Some(link) = self.link(id).filter(|it| it.avail > 0) {
                // A fresh notice is on its way, and says more exactly what is left.
                link.notice_until = now + pause;
            }
            return;
        }
        socket.strikes = socket.strikes.saturating_add(1);
        let hopeless = socket.strikes >= STRIKES;
        let ours = socket.link == Some(id);
        let Some(link) = self.link(id).filter(|_| ours) else { return };
        link.avail = 0;
        if link.state == LinkState::ClosedWithData {
            return;
        }
        if hopeless {
            self.fail_socket(index, Error::Fault(Fault::Chip(0)));
        } else {
            self.state.resync.lengths_wanted = true;
            self.state.resync.links_wanted = true;
        }
    }

    /// What the module sent is lost if it sent anything, and the stream would have a hole.
    pub(crate) fn receive_lost(&mut self, index: u8, flight: &Flight) {
        self.shared.set_in_flight(index, Side::Read, false);
        if flight.heard {
            self.fail_socket(index, Error::Fault(Fault::Frame));
        }
    }

    /// The connection's own port, which the firmware tells when it lists its links.
    pub(crate) fn local_port(&mut self, index: u8) -> nb::Result<u16, Error> {
        let socket = *self.socket(index)?;
        if socket.port != 0 {
            return Ok(socket.port);
        }
        let Some(link) = socket.link.and_then(|id| self.link(id).copied()) else {
            return Err(Error::Unsupported.into());
        };
        if link.local_port != 0 {
            self.socket(index)?.port = link.local_port;
            return Ok(link.local_port);
        }
        if link.state != LinkState::Up {
            return Err(Error::NotConnected.into());
        }
        self.state.resync.links_wanted = true;
        self.tend_inventory();
        Err(nb::Error::WouldBlock)
    }

    pub(crate) fn set_option(&mut self, index: u8, option: SockOpt<'_>) -> nb::Result<(), Error> {
        let known = self.state.firmware.options;
        let socket = self.sound(index)?;
        match option {
            SockOpt::NoDelay(on) if known && !socket.dgram => socket.no_delay = on,
            SockOpt::KeepAlive(period) if known && !socket.dgram => {
                let seconds = period.map_or(0, |it| it.as_secs().clamp(1, KEEP_ALIVE_MAX));
                socket.keep_alive = u16::try_from(seconds).unwrap_or(0);
            }
            // The firmware sets it on each socket that may need it.
            SockOpt::Broadcast(true) if socket.dgram => return Ok(()),
            _ => return Err(Error::Unsupported.into()),
        }
        socket.options_set = false;
        if socket.kind == Kind::Stream {
            self.tend_sockets();
        }
        Ok(())
    }

    pub(crate) fn check_abandoned(&mut self) {
        let Some(flight) = self.state.exchange.flight else { return };
        let Op::Send(index) = flight.op else { return };
        let now = self.now;
        let writer = self.socket(index).map_or(now, |it| it.writer_at);
        let away = self.now.saturating_since(writer.max(flight.since));
        if matches!(flight.phase, Phase::Payload(_)) && away >= ABANDONED {
            self.abandon_payload();
        }
    }
}

/// The most that is asked for at once.
const READ_MAX: usize = 2048;
/// Room that is left in the line's ring for messages that nobody asked for.
const MARGIN: usize = 256;
/// A notice that says what is left, and how long it may take to begin.
const NOTICE: usize = 20;
const NOTICE_PAUSE: Duration = Duration::from_micros(300);
const STRIKES: u8 = 8;
/// In seconds.
const KEEP_ALIVE_MAX: u64 = 7_200;
/// A writer who has not come for so long has given up.
const ABANDONED: Duration = Duration::from_secs(1);
