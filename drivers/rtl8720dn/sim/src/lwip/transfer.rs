//! Receiving and sending, and what waits for it.

use core::net::SocketAddrV4;
use core::time::Duration;

use netdev::Instant;

use super::{Body, Got, Lwip};
use crate::codec::Out;
use crate::errno::{EAGAIN, ENOTCONN, Errno};
use crate::wait::{HEAP, Receive, Send, Step, Wait};

pub(super) const MSG_PEEK: i32 = 0x01;
pub(super) const MSG_DONTWAIT: i32 = 0x08;

/// Which call receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Recv,
    /// With the sender's address, and the length of it that is echoed.
    From(u32),
}

impl Lwip {
    /// When a receiving call has waited long enough: `Err` if it does not wait at all.
    fn receive_limit(&mut self, s: i32, flags: i32, now: Instant) -> Result<Option<Instant>, ()> {
        let Ok((socket, _)) = self.parts(s) else { return Err(()) };
        if socket.non_blocking || flags & MSG_DONTWAIT != 0 {
            return Err(());
        }
        let limit = socket.receive_limit;
        if limit == 0 {
            self.monitor.count(|c| c.unbounded_calls += 1);
            return Ok(None);
        }
        Ok(Some(now + Duration::from_millis(limit.into())))
    }

    pub(super) fn receive(
        &mut self,
        s: i32,
        limit: usize,
        flags: i32,
        form: Form,
        now: Instant,
    ) -> Step {
        let most = if form == Form::Recv { RECV_MAX } else { RECVFROM_MAX };
        if limit > most {
            self.monitor.count(|c| c.oversize_requests += 1);
        }
        if limit > HEAP {
            self.monitor.count(|c| c.heap_exhaustions += 1);
            return Step::Dead;
        }
        let (waits, until) = match self.receive_limit(s, flags, now) {
            Ok(until) => (true, until),
            Err(()) => (false, None),
        };
        self.resume_receive(Receive { s, limit, flags, form, waits, until }, now)
    }

    pub(crate) fn resume_receive(&mut self, call: Receive, now: Instant) -> Step {
        let got = self.take(call.s, call.limit, call.flags & MSG_PEEK != 0, now);
        let in_time = call.until.is_none_or(|until| now < until);
        if got.as_ref().is_err_and(|errno| *errno == EAGAIN) && call.waits && in_time {
            return Step::Wait(Wait::Receive(call));
        }
        let (mut data, from, result) = match got {
            Ok(Got::Data(data, from)) => {
                let length = i32::try_from(data.len()).unwrap_or(i32::MAX);
                (data, Some(from), length)
            }
            Ok(Got::End) => {
                self.fail(ENOTCONN);
                (Vec::new(), None, 0)
            }
            Err(errno) => (Vec::new(), None, self.fail(errno)),
        };
        // One byte is sent, even if it means nothing (quirk 10).
        data.resize(data.len().max(1), 0);
        let out = Out::default().bin(&data);
        match call.form {
            Form::Recv => out.i32(result),
            Form::From(length) => {
                let addr = from.map_or([0; 16], sockaddr);
                out.bin(&addr).u32(length).i32(result)
            }
        }
        .into()
    }

    pub(crate) fn take(
        &mut self,
        s: i32,
        limit: usize,
        peek: bool,
        now: Instant,
    ) -> Result<Got, Errno> {
        let (socket, _) = self.parts(s)?;
        Ok(match &mut socket.body {
            Body::Stream(stream) => match stream.recv(limit, peek)? {
                Some(data) => Got::Data(data, stream.peer()?),
                None => Got::End,
            },
            Body::Datagram(datagram) => {
                let (data, from) = datagram.recv(limit, peek)?;
                Got::Data(data, from)
            }
            Body::Raw(raw) => {
                let (data, from) = raw.recv(limit, peek, now)?;
                Got::Data(data, from)
            }
        })
    }

    pub(super) fn start_send(
        &mut self,
        s: i32,
        data: &[u8],
        flags: i32,
        to: Option<SocketAddrV4>,
        now: Instant,
    ) -> Step {
        let (waits, limit, is_stream) = match self.parts(s) {
            Ok((socket, _)) => (
                !socket.non_blocking && flags & MSG_DONTWAIT == 0,
                socket.send_limit,
                matches!(socket.body, Body::Stream(_)),
            ),
            Err(errno) => return Out::from(self.fail(errno)).into(),
        };
        if waits && is_stream && limit == 0 {
            self.monitor.count(|c| c.unbounded_calls += 1);
        }
        let until = (limit > 0).then(|| now + Duration::from_millis(limit.into()));
        self.resume_send(Send { s, data: data.to_vec(), sent: 0, to, waits, until }, now)
    }

    pub(crate) fn resume_send(&mut self, mut call: Send, now: Instant) -> Step {
        loop {
            match self.put(&call, now) {
                Ok(count) => call.sent += count,
                Err(EAGAIN) if call.waits && call.until.is_none_or(|until| now < until) => {
                    return Step::Wait(Wait::Send(call));
                }
                Err(EAGAIN) if call.sent > 0 => break,
                Err(errno) => return Out::from(self.fail(errno)).into(),
            }
            if call.sent >= call.data.len() || !call.waits {
                break;
            }
        }
        Out::from(i32::try_from(call.sent).unwrap_or(i32::MAX)).into()
    }

    fn put(&mut self, call: &Send, now: Instant) -> Result<usize, Errno> {
        let online = self.online;
        let answered = call.to.and_then(|to| self.echo_delay(*to.ip()));
        let (socket, stack) = self.parts(call.s)?;
        let left = call.data.get(call.sent..).unwrap_or(&[]);
        match &mut socket.body {
            Body::Stream(stream) => stream.send(stack, left, online),
            Body::Datagram(datagram) => datagram.send_to(stack, left, call.to, online),
            Body::Raw(raw) => {
                let to = call.to.or(raw.peer).ok_or(ENOTCONN)?;
                let from = SocketAddrV4::new(stack.addr(), 0);
                raw.send(left, from, *to.ip(), answered.filter(|_| online), now);
                Ok(left.len())
            }
        }
    }

    /// Sends a prefix of `data` on a stream.
    pub(crate) fn write(&mut self, s: i32, data: &[u8]) -> Result<usize, Errno> {
        let online = self.online;
        let (socket, stack) = self.parts(s)?;
        match &mut socket.body {
            Body::Stream(stream) => stream.send(stack, data, online),
            Body::Datagram(_) | Body::Raw(_) => Err(ENOTCONN),
        }
    }

    pub(crate) fn make_non_blocking(&mut self, s: i32) {
        if let Ok((socket, _)) = self.parts(s) {
            socket.non_blocking = true;
        }
    }

    fn echo_delay(&self, to: core::net::Ipv4Addr) -> Option<Duration> {
        if to == self.stack.addr() {
            return Some(Duration::from_millis(1));
        }
        self.pingable.iter().find(|(addr, _)| *addr == to).map(|(_, delay)| *delay)
    }
}

/// The 16 bytes of an address.
pub(super) fn sockaddr(addr: SocketAddrV4) -> [u8; 16] {
    let [high, low] = addr.port().to_be_bytes();
    let [a, b, c, d] = addr.ip().octets();
    [16, 2, high, low, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// The most that fits a reply.
const RECV_MAX: usize = 4080;
const RECVFROM_MAX: usize = 4056;
