//! Sending and receiving on a connection.

use core::time::Duration;

use netdev::{Error, Fault, Instant, Side};

use crate::command::{
    Command, GET_CLIENT_STATE_TCP, GET_DATABUF_MAX, GET_DATABUF_TCP, POLL, POLL_FAILED,
    POLL_READABLE, RECV, RECV_MAX, SEND, SEND_BLOCKING_MAX, SEND_DATA_TCP, SEND_DATA_TCP_BLOCKING,
    SEND_DATA_TCP_PATIENT, SEND_MAX, STATE_CONNECTED, errno,
};
use crate::exchange::Owner;
use crate::frame::Answer;
use crate::identity::Identity;
use crate::look::LOOK;
use crate::sockets::{Channel, Kind};
use crate::spi::SpiLink;
use crate::state::Core;

/// A connection that stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    pub(crate) channel: Channel,
    /// A write of ours stops the whole chip while the peer does not read.
    blocking: bool,
    /// Where its slot may come to be somebody else's: whose it is.
    pub(crate) identity: Option<Identity>,
    /// The peer's end was read; the descriptor still has to be closed.
    ended: bool,
    /// Data are likely: the last look found some, or there was none yet. So they are asked for at
    /// once, and not first whether there are any.
    flowing: bool,
    /// Bytes of the send that is out.
    sending: Option<u16>,
    /// The reader asks whether the connection still stands.
    checking: bool,
    /// How often in a row a send took nothing.
    stalls: u8,
    /// The send that took nothing asks whether the connection still stands.
    stalled: bool,
    /// From when on sends that take nothing make the connection doubtful.
    doubt_at: Option<Instant>,
    /// When the next send is worth a try after one that took nothing.
    send_at: Instant,
    /// When the chip may next be asked whether the connection still stands.
    state_at: Instant,
}

impl Stream {
    pub(crate) fn new(channel: Channel, blocking: bool) -> Self {
        Self {
            channel,
            blocking,
            identity: None,
            ended: false,
            flowing: true,
            sending: None,
            checking: false,
            stalls: 0,
            stalled: false,
            doubt_at: None,
            send_at: Instant::START,
            state_at: Instant::START,
        }
    }

    /// How much to send at once. After a send that took nothing a short one is tried, so that a peer
    /// which does not read costs the bus little.
    fn piece(&self) -> usize {
        match self.stalls {
            0 if self.blocking => SEND_BLOCKING_MAX,
            0 => SEND_MAX,
            _ => TRIAL,
        }
    }

    /// Whether there is nothing to report while GPIO0 is low: an end does not raise it.
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        matches!(self.channel, Channel::Slot(_)) && !self.ended && now < self.state_at
    }
}

impl<L: SpiLink> Core<'_, L> {
    pub(crate) fn send(&mut self, index: u8, data: &[u8]) -> nb::Result<usize, Error> {
        let stream = *self.stream(index)?;
        if stream.stalled {
            self.send_state(index, stream)?;
        }
        if !self.identify(index, Owner::Write(index))? {
            return Err(Error::BrokenPipe.into());
        }
        if data.is_empty() {
            return Ok(0);
        }
        let len = match stream.sending {
            Some(len) if usize::from(len) > data.len() => return Err(Error::InvalidInput.into()),
            Some(len) => usize::from(len),
            None if self.call.now() < stream.send_at => return Err(nb::Error::WouldBlock),
            None => data.len().min(stream.piece()),
        };
        let data = data.get(..len).unwrap_or(data);
        let patient = self.state.firmware.arduino_esp32;
        let (command, id) = match stream.channel {
            Channel::Slot(slot) if stream.blocking && patient => (&SEND_DATA_TCP_PATIENT, slot),
            Channel::Slot(slot) if stream.blocking => (&SEND_DATA_TCP_BLOCKING, slot),
            Channel::Slot(slot) => (&SEND_DATA_TCP, slot),
            Channel::Descriptor(fd) => (&SEND, fd),
        };
        let asked = self.ask(Owner::Write(index), command, &[&[id], data]);
        let in_flight = self.shared.in_flight(usize::from(index), Side::Write);
        let stream = self.stream(index)?;
        stream.sending = if in_flight { u16::try_from(len).ok() } else { None };
        match asked {
            Ok(answer) => self.sent(index, answer, len),
            Err(nb::Error::WouldBlock) => Err(nb::Error::WouldBlock),
            Err(nb::Error::Other(error)) => {
                // Nobody knows how much of it the chip took: bytes must not be sent twice.
                self.fail_socket(index, error);
                Err(error.into())
            }
        }
    }

    fn sent(&mut self, index: u8, answer: Answer, len: usize) -> nb::Result<usize, Error> {
        let stream = *self.stream(index)?;
        let count = match (stream.channel, answer.array()) {
            (Channel::Slot(_), Some(bytes)) => u16::from_le_bytes(bytes),
            (Channel::Descriptor(_), Some(bytes)) => u16::from_be_bytes(bytes),
            // Taken nothing, and the reason came along.
            (Channel::Descriptor(_), None) if answer.bytes().is_empty() => 0,
            (_, None) => return Err(self.broken(index)),
        };
        let count = usize::from(count);
        if count > len {
            return Err(self.broken(index));
        }
        if count > 0 {
            let stream = self.stream(index)?;
            stream.doubt_at = None;
            stream.stalls = 0;
            return Ok(count);
        }
        let now = self.call.now();
        let stalled = self.stream(index)?;
        stalled.send_at = now + RETRY * (1 << stalled.stalls.min(2));
        stalled.stalls = stalled.stalls.saturating_add(1);
        self.socket(index)?.awaited = true;
        match stream.channel {
            Channel::Descriptor(_) => match answer.errno {
                errno::EAGAIN | errno::NONE => Err(nb::Error::WouldBlock),
                errno => Err(self.broken_by(index, errno).into()),
            },
            Channel::Slot(_) => self.send_stalled(index),
        }
    }

    /// A slot took nothing: usually its send buffer is full. Only when that lasts is the chip asked
    /// whether the connection still stands: it closes one whose peer has ended its direction, and
    /// what is in flight would be the last that goes out.
    fn send_stalled(&mut self, index: u8) -> nb::Result<usize, Error> {
        let now = self.call.now();
        let stream = self.stream(index)?;
        match stream.doubt_at {
            None => stream.doubt_at = Some(now + STATE),
            Some(at) if now >= at => {
                stream.stalled = true;
                let stream = *stream;
                self.send_state(index, stream)?;
            }
            Some(_) => {}
        }
        Err(nb::Error::WouldBlock)
    }

    /// The chip says that it took more than it was given, or nothing that makes sense.
    fn broken(&mut self, index: u8) -> nb::Error<Error> {
        let error = Error::Fault(Fault::Frame);
        self.fail_socket(index, error);
        error.into()
    }

    /// A slot took nothing: is its send buffer full, or is the connection gone? What the answer
    /// means for the slot is settled where it arrives.
    fn send_state(&mut self, index: u8, stream: Stream) -> nb::Result<(), Error> {
        if let Channel::Slot(slot) = stream.channel
            && !self.slot_is_alive(Owner::Write(index), slot)?
        {
            return Err(Error::BrokenPipe.into());
        }
        let stream = self.stream(index)?;
        stream.stalled = false;
        stream.doubt_at = None;
        Ok(())
    }

    pub(crate) fn recv(&mut self, index: u8, buf: &mut [u8]) -> nb::Result<usize, Error> {
        let Kind::Stream(stream) = self.sound(index)?.kind else {
            return self.not_a_stream(index).map(|()| 0).map_err(Into::into);
        };
        if stream.ended || buf.is_empty() {
            return Ok(0);
        }
        let received = match stream.channel {
            Channel::Slot(slot) => self.recv_slot(index, stream, slot, buf),
            Channel::Descriptor(fd) => self.recv_descriptor(index, stream, fd, buf),
        };
        match received {
            Ok(len) => {
                self.socket(index)?.awaited = false;
                Ok(len)
            }
            Err(nb::Error::WouldBlock) => Err(nb::Error::WouldBlock),
            // Too little room for the receive that is in flight; nothing has happened to it.
            Err(nb::Error::Other(Error::InvalidInput)) => Err(Error::InvalidInput.into()),
            Err(nb::Error::Other(error)) => {
                // What the chip sent is lost, and the stream would have a hole.
                self.fail_socket(index, error);
                Err(error.into())
            }
        }
    }

    fn recv_slot(
        &mut self,
        index: u8,
        stream: Stream,
        slot: u8,
        buf: &mut [u8],
    ) -> nb::Result<usize, Error> {
        let owner = Owner::Read(index);
        if !stream.checking && self.may_look(index)? {
            if !self.identify(index, owner)? {
                return Ok(0);
            }
            let room = buf.len().min(GET_DATABUF_MAX);
            let size = u16::try_from(room).unwrap_or(u16::MAX).to_le_bytes();
            let buf = buf.get_mut(..room).unwrap_or_default();
            let (len, _) = self.read_data(index, &GET_DATABUF_TCP, &[&[slot], &size], buf)?;
            if len > 0 {
                self.found_news();
                self.trust(index);
                return Ok(len);
            }
            self.look_later(index, LOOK);
        }
        // An end of stream does not raise GPIO0, so the connection itself is asked about, seldom.
        let now = self.call.now();
        if !stream.checking && now < stream.state_at {
            return Err(nb::Error::WouldBlock);
        }
        if !stream.checking && stream.identity.is_some() {
            if !self.identify(index, owner)? {
                return Ok(0);
            }
            if !self.may_free_descriptor() {
                return Err(nb::Error::WouldBlock);
            }
        }
        self.stream(index)?.checking = true;
        let alive = self.slot_is_alive(owner, slot)?;
        if !alive {
            return Ok(0);
        }
        let stream = self.stream(index)?;
        stream.checking = false;
        stream.state_at = now + STATE;
        Err(nb::Error::WouldBlock)
    }

    fn recv_descriptor(
        &mut self,
        index: u8,
        stream: Stream,
        fd: u8,
        buf: &mut [u8],
    ) -> nb::Result<usize, Error> {
        if !stream.flowing {
            self.await_readable(index, fd)?;
        }
        self.stream(index)?.flowing = true;
        let room = buf.len().min(RECV_MAX);
        let size = u16::try_from(room).unwrap_or(u16::MAX).to_le_bytes();
        let buf = buf.get_mut(..room).unwrap_or_default();
        let (len, answer) = self.read_data(index, &RECV, &[&[fd], &size], buf)?;
        if len > 0 {
            return Ok(len);
        }
        self.stream(index)?.flowing = false;
        match answer.errno {
            errno::ENOTCONN => {
                self.stream(index)?.ended = true;
                Ok(0)
            }
            errno::EAGAIN | errno::NONE => {
                self.look_later(index, LOOK_BY_DESCRIPTOR);
                Err(nb::Error::WouldBlock)
            }
            errno => Err(self.broken_by(index, errno).into()),
        }
    }

    /// The connection of a descriptor is over. A number that the chip does not know is not closed: it
    /// may be somebody else's by then.
    fn broken_by(&mut self, index: u8, errno: u8) -> Error {
        let error = stream_error(errno);
        if errno == errno::EBADF {
            self.lose_socket(index, error);
        } else {
            self.fail_socket(index, error);
        }
        error
    }

    /// Asks the chip whether a descriptor has something to read, now and then.
    pub(crate) fn await_readable(&mut self, index: u8, fd: u8) -> nb::Result<(), Error> {
        let owner = Owner::Read(index);
        if self.reading(index) {
            return Ok(());
        }
        if !self.is_out(owner) && self.call.now() < self.socket(index)?.look_at {
            self.socket(index)?.awaited = true;
            return Err(nb::Error::WouldBlock);
        }
        let flags = self.ask(owner, &POLL, &[&[fd]])?.byte().unwrap_or(POLL_FAILED);
        // If the firmware cannot even look, the receive tells why.
        if flags & (POLL_FAILED | POLL_READABLE) == 0 {
            self.look_later(index, LOOK_BY_DESCRIPTOR);
            return Err(nb::Error::WouldBlock);
        }
        Ok(())
    }

    /// One data command. While it is out the reader must bring at least as much room as before.
    pub(crate) fn read_data(
        &mut self,
        index: u8,
        command: &'static Command,
        params: &[&[u8]],
        buf: &mut [u8],
    ) -> nb::Result<(usize, Answer), Error> {
        let was_out = self.reading(index);
        if was_out && buf.len() < usize::from(self.socket(index)?.asked) {
            return Err(Error::InvalidInput.into());
        }
        let room = u16::try_from(buf.len()).unwrap_or(u16::MAX);
        let answer = self.ask_data(Owner::Read(index), command, params, buf);
        if !was_out {
            self.socket(index)?.asked = room;
        }
        answer
    }

    /// Whether the chip still holds the connection of a slot. If not, it has given the slot back. A
    /// garbled answer is asked for once more, at once: later the slot may be somebody else's.
    pub(crate) fn slot_is_alive(&mut self, owner: Owner, slot: u8) -> nb::Result<bool, Error> {
        let state = match self.ask(owner, &GET_CLIENT_STATE_TCP, &[&[slot]]) {
            Err(nb::Error::Other(_)) => self.ask(owner, &GET_CLIENT_STATE_TCP, &[&[slot]]),
            answer => answer,
        }?;
        Ok(state.byte() == Some(STATE_CONNECTED))
    }

    /// Called where the answer arrives: a slot that the chip gave back may be handed out again by
    /// the very next command, so nobody may speak to it any more. Adafruit 3 gives only slots back
    /// that it connected itself, so what was accepted there is still to be stopped.
    pub(crate) fn slot_ended(&mut self, index: u8) {
        let held = self.state.firmware.arduino_esp32;
        let spawned = |kind: Kind| matches!(kind, Kind::Stream(Stream { identity: Some(_), .. }));
        if self.socket(index).is_ok_and(|socket| spawned(socket.kind)) {
            self.descriptor_was_freed();
        }
        if let Ok(socket) = self.socket(index) {
            match &mut socket.kind {
                Kind::Listener(_) => return self.guest_ended(index),
                Kind::Stream(stream) if held => stream.ended = true,
                kind => *kind = Kind::Ended,
            }
        }
        self.clear_in_flight(index);
    }

    /// Whether the bus is worth a look for this socket's sake now, or its question is already out.
    pub(crate) fn may_look(&mut self, index: u8) -> Result<bool, Error> {
        if self.is_out(Owner::Read(index)) {
            return Ok(true);
        }
        if self.call.now() >= self.socket(index)?.look_at {
            if self.bus_may_have_news() {
                return Ok(true);
            }
            self.look_later(index, LOOK);
        }
        self.socket(index)?.awaited = true;
        Ok(false)
    }

    pub(crate) fn is_out(&self, owner: Owner) -> bool {
        self.state.exchange.flight().is_some_and(|flight| flight.owner == owner)
    }

    pub(crate) fn reading(&self, index: u8) -> bool {
        self.shared.in_flight(usize::from(index), Side::Read)
    }

    fn stream(&mut self, index: u8) -> Result<&mut Stream, Error> {
        if !matches!(self.sound(index)?.kind, Kind::Stream(_)) {
            self.not_a_stream(index)?;
        }
        match &mut self.sound(index)?.kind {
            Kind::Stream(stream) => Ok(stream),
            _ => Err(Error::BrokenPipe),
        }
    }

    /// Why there is no stream: it never was one, or it has ended (`Ok`).
    fn not_a_stream(&mut self, index: u8) -> Result<(), Error> {
        match self.sound(index)?.kind {
            Kind::Stream(_) | Kind::Ended => Ok(()),
            Kind::Gone => Err(Error::ConnectionReset),
            _ => Err(Error::NotConnected),
        }
    }
}

pub(crate) fn stream_error(errno: u8) -> Error {
    match errno {
        // A number that the chip knows no more: it closed the connection, with its link.
        errno::EBADF | errno::ECONNRESET | errno::ECONNABORTED => Error::ConnectionReset,
        errno::ENOTCONN => Error::BrokenPipe,
        errno::ETIMEDOUT => Error::TimedOut,
        errno::EHOSTUNREACH => Error::Unreachable,
        other => Error::Fault(Fault::Chip(u16::from(other))),
    }
}

/// The same for a descriptor, whose news take two questions: one whether there are any.
const LOOK_BY_DESCRIPTOR: Duration = Duration::from_millis(1);
/// Between two questions whether a slot is still connected.
const STATE: Duration = Duration::from_millis(500);
/// Before the next try to send after one that took nothing, and up to four times as long later: the
/// peer has to acknowledge first.
const RETRY: Duration = Duration::from_millis(2);
/// Bytes of such a try.
const TRIAL: usize = 64;
