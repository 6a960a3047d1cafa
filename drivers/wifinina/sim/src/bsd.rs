//! The BSD-style commands (0x70 to 0x7F) on raw descriptors.

use core::net::SocketAddrV4;
use core::time::Duration;

use netdev::Instant;

use crate::errno::{EINPROGRESS, EINVAL, ENOPROTOOPT, Errno};
use crate::firmware::{Firmware, Step};
use crate::frame::{Command, Reply};
use crate::lwip::{Fd, STREAM};
use crate::wait::Wait;

const FIONBIO: u32 = 0x8004_667E;
const FIONREAD: u32 = 0x4004_667F;
const SO_SNDTIMEO: u32 = 0x1005;
const SO_RCVTIMEO: u32 = 0x1006;
const SO_ERROR: u32 = 0x1007;
const SO_TYPE: u32 = 0x1008;
const SET_OPTIONS: [u32; 6] = [0x0004, 0x0008, 0x0020, 0x1002, SO_SNDTIMEO, SO_RCVTIMEO];
/// The firmware cuts larger requests for `SOCKET_RECV`, and not those for `SOCKET_RECVFROM`.
const LARGEST_RECV: u16 = 4076;

const READABLE: u8 = 0x01;
const WRITABLE: u8 = 0x02;
const EXCEPTION: u8 = 0x04;
const SELECT_FAILED: u8 = 0x80;

impl Firmware {
    pub(crate) fn bsd_command(&mut self, command: &Command, now: Instant) -> Step {
        let fd = command.byte(4);
        match command.opcode() {
            0x70 => {
                let made = self.lwip.socket(fd);
                Reply::u8(self.note(made).unwrap_or(255)).into()
            }
            0x71 => {
                let closed = self.lwip.close(fd);
                self.noted(closed).into()
            }
            0x72 => Reply::u8(self.errno).into(),
            0x73 => {
                let bound = self.lwip.bind(fd, command.u16_be(6));
                self.noted(bound).into()
            }
            0x74 => {
                let listening = self.lwip.listen(fd, command.byte(6));
                self.noted(listening).into()
            }
            0x75 => self.begin(Wait::Accept { fd }, now),
            0x76 => self.socket_connect(command, now),
            0x77 => self.socket_send(command, now),
            0x78 => {
                let limit = usize::from(command.u16_le(6).min(LARGEST_RECV));
                let until = self.time_limit(fd, SO_RCVTIMEO, now);
                self.begin(Wait::Recv { fd, limit, until }, now)
            }
            0x79 => self.socket_sendto(command, now),
            0x7A => self.socket_recvfrom(command, now),
            0x7B => self.socket_ioctl(command).into(),
            0x7C => Reply::u8(self.socket_poll(fd)).into(),
            0x7D => self.socket_setsockopt(command).into(),
            0x7E => self.socket_getsockopt(command).into(),
            _ => self.socket_getpeername(fd).into(),
        }
    }

    fn noted(&mut self, result: Result<(), Errno>) -> Reply {
        Reply::flag(self.note(result).is_some())
    }

    fn socket_connect(&mut self, command: &Command, now: Instant) -> Step {
        let fd = command.byte(4);
        let to = SocketAddrV4::new(command.ip(6), command.u16_be(11));
        let started = self.lwip.connect(fd, to);
        if self.note(started).is_none() {
            return Reply::u8(0).into();
        }
        if !self.lwip.is_blocking(fd) && self.lwip.kind(fd) == Ok(STREAM) {
            self.errno = EINPROGRESS.0;
            return Reply::u8(0).into();
        }
        let until = now + self.persona.connect_limit;
        self.begin(Wait::Connect { fd, until }, now)
    }

    fn socket_send(&mut self, command: &Command, now: Instant) -> Step {
        let fd = command.byte(5);
        let data = command.bytes(8, usize::from(command.u16_be(6)));
        let until = self.time_limit(fd, SO_SNDTIMEO, now);
        self.begin(Wait::Send { fd, data, sent: 0, until }, now)
    }

    fn socket_sendto(&mut self, command: &Command, now: Instant) -> Step {
        let fd = command.byte(5);
        let to = SocketAddrV4::new(command.ip(8), command.u16_be(14));
        let data = command.bytes(18, usize::from(command.u16_be(16)));
        if self.lwip.kind(fd) == Ok(STREAM) {
            let until = self.time_limit(fd, SO_SNDTIMEO, now);
            return self.begin(Wait::Send { fd, data, sent: 0, until }, now);
        }
        let result = self.lwip.send_to(fd, &data, to);
        let sent = self.note(result).unwrap_or(0);
        Reply::bytes(&u16::try_from(sent).unwrap_or(u16::MAX).to_be_bytes()).into()
    }

    fn socket_recvfrom(&mut self, command: &Command, now: Instant) -> Step {
        let (fd, limit) = (command.byte(4), command.u16_le(6));
        if limit > LARGEST_RECV {
            self.monitor.count(|c| c.oversize_requests += 1);
        }
        let until = self.time_limit(fd, SO_RCVTIMEO, now);
        self.begin(Wait::RecvFrom { fd, limit: limit.into(), until }, now)
    }

    /// The end of a wait on `fd`, if an option sets one (a C `struct timeval`).
    fn time_limit(&self, fd: Fd, option: u32, now: Instant) -> Option<Instant> {
        let value = self.lwip.option(fd, option).ok()??;
        let seconds = number(value);
        let micros = number(value.get(4..).unwrap_or(&[]));
        let length = Duration::from_secs(seconds.into()) + Duration::from_micros(micros.into());
        (!length.is_zero()).then(|| now + length)
    }

    /// The argument comes back, changed or not; nothing at all if it failed.
    fn socket_ioctl(&mut self, command: &Command) -> Reply {
        let (fd, request) = (command.byte(4), command.u32_le(6));
        let argument = command.bytes(11, command.byte(10).into());
        let result = match request {
            FIONBIO => {
                let on = number(&argument) != 0;
                self.lwip.set_non_blocking(fd, on).map(|()| argument)
            }
            FIONREAD => self.lwip.available(fd).map(|count| {
                let count = u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes();
                count.into_iter().chain(argument.into_iter().skip(4)).collect()
            }),
            _ => Err(EINVAL),
        };
        Reply::bytes(&self.note(result).unwrap_or_default())
    }

    /// Bit 0x04 comes from a set that nobody initialised (Q19).
    fn socket_poll(&mut self, fd: Fd) -> u8 {
        let readiness = self.lwip.readiness(fd);
        let Some(ready) = self.note(readiness) else { return SELECT_FAILED };
        let garbage = self.noise.byte() & EXCEPTION;
        let readable = if ready.readable { READABLE } else { 0 };
        let writable = if ready.writable { WRITABLE } else { 0 };
        readable | writable | garbage
    }

    fn socket_setsockopt(&mut self, command: &Command) -> Reply {
        let (fd, name) = (command.byte(4), command.u32_le(6));
        let value = command.bytes(11, command.byte(10).into());
        let result = if SET_OPTIONS.contains(&name) {
            self.lwip.set_option(fd, name, value)
        } else {
            Err(ENOPROTOOPT)
        };
        self.noted(result)
    }

    fn socket_getsockopt(&mut self, command: &Command) -> Reply {
        let (fd, name) = (command.byte(4), command.u32_le(6));
        let result = match name {
            SO_ERROR => {
                self.lwip.take_error(fd).map(|error| vec![error.map_or(0, |e| e.0), 0, 0, 0])
            }
            SO_TYPE => self.lwip.kind(fd).map(|kind| vec![kind, 0, 0, 0]),
            _ if SET_OPTIONS.contains(&name) => {
                self.lwip.option(fd, name).map(|value| value.unwrap_or(&[0; 4]).to_vec())
            }
            _ => Err(ENOPROTOOPT),
        };
        let mut value = self.note(result).unwrap_or_default();
        value.truncate(command.byte(11).into());
        Reply::bytes(&value)
    }

    /// Address and port are not written on failure (Q21).
    fn socket_getpeername(&mut self, fd: Fd) -> Reply {
        let peer = self.lwip.peer(fd);
        Reply::Params(match self.note(peer) {
            Some(peer) => {
                vec![vec![1], peer.ip().octets().to_vec(), peer.port().to_le_bytes().to_vec()]
            }
            None => vec![vec![0], self.noise.bytes(4), self.noise.bytes(2)],
        })
    }
}

/// The little-endian number at the start of `bytes`, of at most four.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
