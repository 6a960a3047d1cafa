//! The methods of `wifi_lwip`.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use netdev::Instant;

use super::transfer::sockaddr;
use super::{Body, Connecting, Form, Lwip};
use crate::codec::{Args, Out};
use crate::errno::{EAGAIN, EINPROGRESS, EIO, ENOTCONN, Errno};
use crate::wait::{Accept, Step, Wait};

impl Lwip {
    /// Carries a call out. 25 and 26 belong to somebody else.
    pub(crate) fn call(&mut self, method: u8, args: &Args, now: Instant) -> Step {
        let s = args.signed(0);
        match method {
            1 => self.start_accept(s, args.number(2), now),
            2 => self.bind_call(args).into(),
            3 => {
                let result = self.shutdown(s, args.signed(1));
                Out::from(self.result(result.map(|()| 0))).into()
            }
            4 => self.name(Self::peer, args).into(),
            5 => self.name(Self::own_addr, args).into(),
            6 => self.getsockopt(args).into(),
            7 => Out::from(self.setsockopt(args)).into(),
            8 => {
                let result = self.close(s);
                if result.is_err() {
                    self.monitor.count(|c| c.bad_sockets += 1);
                }
                Out::from(self.result(result.map(|()| 0))).into()
            }
            9 => self.start_connect(args, now),
            10 => {
                let result = self.listen(s);
                Out::from(self.result(result.map(|()| 0))).into()
            }
            11 => self.available(s, now),
            12 => self.receive(s, args.size(1), args.signed(2), Form::Recv, now),
            13 => self.receive(s, args.size(1), 0, Form::Recv, now),
            14 => {
                let length = args.number(3);
                self.check_length(length);
                self.receive(s, args.size(1), args.signed(2), Form::From(length), now)
            }
            15 => self.start_send(s, args.bytes(1), args.signed(2), None, now),
            17 => self.send_to(args, now),
            18 => {
                let result = self.socket(args.signed(1));
                Out::from(self.result(result)).into()
            }
            19 | 20 if method == 19 || args.signed(2) == 1 => {
                self.start_send(s, args.bytes(1), 0, None, now)
            }
            21 => self.select(args, now),
            22 => self.ioctl(args).into(),
            23 => Out::from(self.fcntl(args)).into(),
            24 => Out::from(self.errno).into(),
            // sendmsg, and writev of anything but one piece.
            _ => {
                self.monitor.count(|c| c.wild_pointers += 1);
                Step::Dead
            }
        }
    }

    fn start_accept(&mut self, s: i32, length: u32, now: Instant) -> Step {
        self.check_length(length);
        let (waits, limit) = match self.parts(s) {
            Ok((socket, _)) => (!socket.non_blocking, socket.receive_limit),
            Err(_) => (false, 0),
        };
        if waits && limit == 0 {
            self.monitor.count(|c| c.unbounded_calls += 1);
        }
        let until = (limit > 0).then(|| now + Duration::from_millis(limit.into()));
        self.resume_accept(Accept { s, length, waits, until }, now)
    }

    /// The peer's address is not told (quirk 8).
    pub(crate) fn resume_accept(&mut self, call: Accept, now: Instant) -> Step {
        let accepted = self.accept(call.s);
        let in_time = call.until.is_none_or(|until| now < until);
        if accepted == Err(EAGAIN) && call.waits && in_time {
            return Step::Wait(Wait::Accept(call));
        }
        let result = self.result(accepted);
        Out::default().u32(call.length).i32(result).into()
    }

    fn bind_call(&mut self, args: &Args) -> Out {
        let at = self.address(args.bytes(1), args.number(2));
        let result = at.and_then(|at| self.bind(args.signed(0), at));
        Out::from(self.result(result.map(|()| 0)))
    }

    fn start_connect(&mut self, args: &Args, now: Instant) -> Step {
        let s = args.signed(0);
        let to = self.address(args.bytes(1), args.number(2));
        match to.and_then(|to| self.connect(s, to, now)) {
            Ok(Connecting::Done) => Out::from(0).into(),
            Ok(Connecting::Started) if self.is_blocking(s) => {
                self.monitor.count(|c| c.unbounded_calls += 1);
                Step::Wait(Wait::Connect(s))
            }
            Ok(Connecting::Started) => Out::from(self.fail(EINPROGRESS)).into(),
            Err(errno) => Out::from(self.fail(errno)).into(),
        }
    }

    pub(crate) fn resume_connect(&mut self, s: i32) -> Step {
        match self.connection(s) {
            None => Step::Wait(Wait::Connect(s)),
            Some(result) => Out::from(self.result(result.map(|()| 0))).into(),
        }
    }

    fn is_blocking(&mut self, s: i32) -> bool {
        self.parts(s).is_ok_and(|(socket, _)| !socket.non_blocking)
    }

    fn send_to(&mut self, args: &Args, now: Instant) -> Step {
        match self.address(args.bytes(3), args.number(4)) {
            Ok(to) => self.start_send(args.signed(0), args.bytes(1), args.signed(2), Some(to), now),
            Err(errno) => Out::from(self.fail(errno)).into(),
        }
    }

    /// Looks twenty times, 20 ms each: 1 for data, 0 for the end, -1 for nothing.
    fn available(&mut self, s: i32, now: Instant) -> Step {
        self.monitor.count(|c| c.unbounded_calls += 1);
        self.resume_available(s, now + LOOK, now + LOOK * 40)
    }

    pub(crate) fn resume_available(&mut self, s: i32, now: Instant, until: Instant) -> Step {
        let found = match self.parts(s) {
            Err(errno) => return Out::from(self.fail(errno)).into(),
            Ok((socket, _)) => match &mut socket.body {
                Body::Stream(stream) => match stream.recv(1, true) {
                    Ok(Some(_)) => Some(1),
                    Ok(None) => Some(0),
                    Err(_) => None,
                },
                Body::Datagram(datagram) => datagram.is_readable().then_some(1),
                Body::Raw(raw) => raw.is_readable(now).then_some(1),
            },
        };
        match found {
            Some(found) => {
                if found == 0 {
                    self.fail(ENOTCONN);
                }
                Step::At(now, Out::from(found))
            }
            None if until <= now => Out::from(self.fail(EAGAIN)).into(),
            None => Step::Wait(Wait::Available { s, until }),
        }
    }

    fn name(&mut self, of: fn(&mut Self, i32) -> Result<SocketAddrV4, Errno>, args: &Args) -> Out {
        let length = args.number(1);
        self.check_length(length);
        let (mut bytes, result) = match of(self, args.signed(0)) {
            Ok(addr) => (sockaddr(addr), 0),
            Err(errno) => ([0; 16], self.fail(errno)),
        };
        if self.cuts_addresses {
            bytes.iter_mut().skip(1).for_each(|byte| *byte = 0);
        }
        Out::default().bin(&bytes).u32(length).i32(result)
    }

    fn check_length(&self, length: u32) {
        if length != 16 {
            self.monitor.count(|c| c.bad_address_lengths += 1);
        }
    }

    fn address(&self, bytes: &[u8], length: u32) -> Result<SocketAddrV4, Errno> {
        self.check_length(length);
        let &[_, family, high, low, a, b, c, d, ..] = bytes else { return Err(EIO) };
        if length != 16 || family != 2 {
            return Err(EIO);
        }
        let port = u16::from_be_bytes([high, low]);
        Ok(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
    }
}

/// How long `lwip_available` looks each time.
const LOOK: Duration = Duration::from_millis(20);
