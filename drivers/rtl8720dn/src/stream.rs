//! Sending and receiving on a connection.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Fault};
use netdev_uart::UartLink;

use crate::address::{SOCKADDR, from_sockaddr};
use crate::codec::Value::{Data, I32, U32};
use crate::codec::{Answer, Value};
use crate::exchange::{Flight, Owner};
use crate::method::{Method, QUICK_RECV, errno, lwip, most, value};
use crate::open::socket_error;
use crate::sockets::{Kind, Parked};
use crate::state::Core;

impl<L: UartLink> Core<'_, L> {
    pub(crate) fn send(&mut self, index: u8, data: &[u8]) -> nb::Result<usize, Error> {
        let socket = self.sound(index)?;
        match socket.kind {
            Kind::Stream if socket.shut => return Err(Error::BrokenPipe.into()),
            Kind::Stream => {}
            _ => return Err(Error::NotConnected.into()),
        }
        if data.is_empty() {
            return Ok(0);
        }
        let was_full = self.sound(index)?.stalled;
        if was_full && !self.is_writable(index)? {
            return Err(nb::Error::WouldBlock);
        }
        let socket = self.sound(index)?;
        socket.stalled = false;
        let number = socket.number()?;
        // Writable is a socket with so much room, and what does not fit would cross the line again.
        let largest = if was_full { WRITABLE_ROOM } else { most::SEND };
        let len = match usize::from(socket.sending) {
            0 => data.len().min(largest),
            len if len > data.len() => return Err(Error::InvalidInput.into()),
            len => len,
        };
        let data = data.get(..len).unwrap_or(data);
        let values = [I32(number), Data(data), I32(value::MSG_DONTWAIT)];
        let answer = self.ask_sending(index, &lwip::SEND, len, &values)?;
        let (result, errno) = (answer.result(), answer.errno);
        match result.and_then(|it| usize::try_from(it).ok()) {
            Some(sent @ 1..) if sent <= len => Ok(sent),
            Some(1..) => Err(self.broken(index).into()),
            _ => match errno {
                0 | errno::EAGAIN | errno::ENOMEM | errno::ENOBUFS => {
                    self.sound(index)?.stalled = true;
                    Err(nb::Error::WouldBlock)
                }
                errno => {
                    let error = socket_error(errno);
                    self.fail_socket(index, error);
                    Err(error.into())
                }
            },
        }
    }

    /// A call with a caller's bytes: while the chip is being given them or has them, the caller has
    /// to come back with the same.
    pub(crate) fn ask_sending(
        &mut self,
        index: u8,
        method: &'static Method,
        len: usize,
        values: &[Value<'_>],
    ) -> nb::Result<Answer, Error> {
        let answer = self.ask(Owner::Write(index), method, values);
        let in_flight = self.is_out(Owner::Write(index));
        self.shared.set_sending(usize::from(index), in_flight);
        let dgram = self.socket(index)?.dgram;
        self.socket(index)?.sending = if in_flight { u16::try_from(len).unwrap_or(0) } else { 0 };
        if let (Err(nb::Error::Other(error)), false) = (&answer, dgram) {
            // Nobody knows how much of it the chip took: bytes must not be sent twice.
            self.fail_socket(index, *error);
        }
        answer
    }

    pub(crate) fn recv(
        &mut self,
        index: u8,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<usize, Error> {
        if let Some(parked) = self.parked(index, peek) {
            return Ok(self.fetch(index, parked, buf, peek));
        }
        let socket = self.sound(index)?;
        if socket.kind != Kind::Stream {
            return Err(Error::NotConnected.into());
        }
        if socket.ended || buf.is_empty() {
            return Ok(0);
        }
        let number = socket.number()?;
        self.await_news(index)?;
        let (at, room) = self.room(buf.len().min(most::RECV), LITTLE)?;
        let flags = value::MSG_DONTWAIT | if peek { value::MSG_PEEK } else { 0 };
        self.socket(index)?.wanted = u16::try_from(room).unwrap_or(0);
        let asked = u32::try_from(room).unwrap_or(0);
        let values = [I32(number), U32(asked), I32(flags), U32(0)];
        let answer = (at, room, u8::from(peek));
        let method = if self.is_one_of_many(index) { &QUICK_RECV } else { &lwip::RECV };
        self.post(Owner::Read(index), method, &values, answer)?;
        self.settle();
        let Some(parked) = self.parked(index, peek) else { return Err(nb::Error::WouldBlock) };
        Ok(self.fetch(index, parked, buf, peek))
    }

    /// What lies here for this reader. What was only peeked at is nothing for one who takes.
    pub(crate) fn parked(&mut self, index: u8, peek: bool) -> Option<Parked> {
        let socket = self.socket(index).ok()?;
        let parked = socket.parked?;
        if parked.peeked && !peek {
            socket.parked = None;
        }
        socket.parked
    }

    /// Hands out what has come, or as much of it as there is room for.
    fn fetch(&mut self, index: u8, parked: Parked, buf: &mut [u8], peek: bool) -> usize {
        let count = self.copy(parked, buf);
        let Parked { at, len, peeked, .. } = parked;
        let rest = Parked { at: at + count, len: len - count, since: self.call.now(), ..parked };
        if let Ok(socket) = self.socket(index)
            && (peeked || !peek)
        {
            socket.parked = (rest.len > 0 && !peeked).then_some(rest);
        }
        count
    }

    pub(crate) fn copy(&self, parked: Parked, buf: &mut [u8]) -> usize {
        let Parked { at, len, .. } = parked;
        let data = self.data.get(at..at + len).unwrap_or_default();
        let count = data.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), data.get(..count)) {
            to.copy_from_slice(from);
        }
        count
    }

    /// Where the next data go, and how many. They must find room in the ring of the line as well:
    /// nothing stops the chip while it sends.
    /// `least` is what is worth a call of its own where others' data lie here as well.
    pub(crate) fn room(
        &mut self,
        wanted: usize,
        least: usize,
    ) -> nb::Result<(usize, usize), Error> {
        let taken = self.state.sockets.iter().filter_map(|socket| socket.parked);
        let scanned = self.state.scan.taken();
        let end = taken.clone().map(|parked| parked.at + parked.len).max().unwrap_or(0);
        let end = end.max(scanned);
        let begin = taken.map(|parked| parked.at).min().unwrap_or(0);
        let begin = if scanned > 0 { 0 } else { begin };
        let behind = self.data.len().saturating_sub(end);
        let (at, free) = if begin > behind { (0, begin) } else { (end, behind) };
        let most = wanted.min(self.data.len()).min(self.ring());
        let room = most.min(free);
        if end > 0 && room < most.min(least) {
            self.forget_unfetched();
            return Err(nb::Error::WouldBlock);
        }
        Ok((at, room.max(1)))
    }

    /// What the ring of the line holds of data.
    pub(crate) fn ring(&self) -> usize {
        let capacity = self.state.exchange.link.capacity();
        capacity.saturating_sub(MARGIN).max(capacity / 4)
    }

    /// Bytes whose reader does not come are in everybody's way. After a while they are dropped, and
    /// their socket fails: never are bytes missing without an error.
    fn forget_unfetched(&mut self) {
        let now = self.call.now();
        for index in (0_u8..).take(crate::sockets::SOCKETS) {
            let Ok(socket) = self.socket(index) else { return };
            let old = |it: &Parked| now.saturating_since(it.since) >= UNFETCHED;
            if let Some(parked) = socket.parked.take_if(|it| old(it))
                && !parked.peeked
                && !socket.dgram
            {
                self.fail_socket(index, Error::Fault(Fault::Unresponsive));
            }
        }
    }

    /// The answer to a receive.
    pub(crate) fn received(
        &mut self,
        index: u8,
        flight: &Flight,
        answer: &Result<Answer, Fault>,
        data: usize,
    ) {
        let now = self.call.now();
        let dgram = self.socket(index).is_ok_and(|socket| socket.dgram);
        let answer = match answer {
            Ok(answer) => answer,
            Err(_) if dgram => return self.nothing_there(index),
            // What the chip took off its queue is lost, and the stream would have a hole.
            Err(fault) => return self.fail_socket(index, Error::Fault(*fault)),
        };
        let result = answer.result().and_then(|it| usize::try_from(it).ok());
        let parked = |len| Parked {
            at: flight.room_at,
            len,
            peeked: flight.note != 0,
            from: sender(answer).unwrap_or(NOBODY),
            since: now,
        };
        match result {
            Some(len @ 1..) if len == data => {
                if let Ok(socket) = self.socket(index) {
                    socket.flows = len == flight.room && !dgram;
                }
                self.park(index, parked(len));
            }
            // The one byte that comes with it means nothing.
            Some(0) if dgram => self.park(index, parked(0)),
            Some(0) => {
                if let Ok(socket) = self.socket(index) {
                    socket.ended = true;
                }
                self.found(index);
            }
            Some(_) => {
                self.broken(index);
            }
            None => match answer.errno {
                0 | errno::EAGAIN => self.nothing_there(index),
                _ if dgram => self.nothing_there(index),
                errno::ENOTCONN => self.fail_socket(index, Error::NotConnected),
                errno => self.fail_socket(index, socket_error(errno)),
            },
        }
    }

    fn park(&mut self, index: u8, parked: Parked) {
        if let Ok(socket) = self.socket(index) {
            socket.parked = Some(parked);
        }
        self.found(index);
    }

    /// The chip says what makes no sense.
    fn broken(&mut self, index: u8) -> Error {
        let error = Error::Fault(Fault::Frame);
        self.fail_socket(index, error);
        error
    }
}

/// Behind the data lies the sender, where one was asked for.
fn sender(answer: &Answer) -> Option<SocketAddrV4> {
    let from = answer.bytes().get(8..8 + SOCKADDR)?;
    from_sockaddr(from)
}

const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
/// What a socket that the chip calls writable has room for at least.
const WRITABLE_ROOM: usize = 3650;
/// What may come beside the data: the rest of their frame, and two events.
const MARGIN: usize = 160;
/// Less than this is not worth a call of its own.
const LITTLE: usize = 64;
/// How long data may lie here while somebody else needs the room.
const UNFETCHED: Duration = Duration::from_secs(1);
