//! `getsockopt`, `setsockopt`, `ioctl`, `fcntl`.

use super::{Body, DGRAM, Lwip, RAW, STREAM, Socket};
use crate::codec::{Args, Out};
use crate::errno::{EINVAL, ENOPROTOOPT, ENOSYS, Errno};

pub(super) const SOL_SOCKET: i32 = 0xFFF;
const IP: i32 = 0;
const TCP: i32 = 6;

const SO_ACCEPTCONN: i32 = 0x0002;
pub(super) const SO_REUSEADDR: i32 = 0x0004;
const SO_KEEPALIVE: i32 = 0x0008;
const SO_BROADCAST: i32 = 0x0020;
const SO_SNDTIMEO: i32 = 0x1005;
const SO_RCVTIMEO: i32 = 0x1006;
const SO_ERROR: i32 = 0x1007;
const SO_TYPE: i32 = 0x1008;
const SO_NO_CHECK: i32 = 0x100A;
const IP_ADD_MEMBERSHIP: i32 = 3;
const IP_DROP_MEMBERSHIP: i32 = 4;

const FIONBIO: u32 = 0x8004_667E;
const F_GETFL: i32 = 3;
const F_SETFL: i32 = 4;

impl Socket {
    pub(super) fn option(&self, name: (i32, i32)) -> i32 {
        self.options.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value)
    }

    fn set_option(&mut self, name: (i32, i32), value: i32) {
        self.options.retain(|(known, _)| *known != name);
        self.options.push((name, value));
    }

    fn kind(&self) -> i32 {
        match &self.body {
            Body::Stream(_) => STREAM,
            Body::Datagram(_) => DGRAM,
            Body::Raw(_) => RAW,
        }
    }

    fn is_listening(&self) -> bool {
        matches!(&self.body, Body::Stream(stream) if stream.is_listening())
    }

    /// Whether there is such an option for a socket of this kind.
    fn knows(&self, (level, name): (i32, i32)) -> Result<(), Errno> {
        let known = match (level, name) {
            (SOL_SOCKET, SO_NO_CHECK) => self.kind() == DGRAM,
            (SOL_SOCKET, SO_REUSEADDR | SO_KEEPALIVE | SO_BROADCAST) | (IP, 1 | 2) => true,
            (TCP, 1..=5) => match self.kind() {
                STREAM if self.is_listening() => return Err(EINVAL),
                kind => kind == STREAM,
            },
            _ => false,
        };
        if known { Ok(()) } else { Err(ENOPROTOOPT) }
    }
}

impl Lwip {
    pub(super) fn getsockopt(&mut self, args: &Args) -> Out {
        let (s, level, name) = (args.signed(0), args.signed(1), args.signed(2));
        // What comes back is as long as what went in.
        let mut value = args.bytes(3).to_vec();
        let result = self.read_option(s, (level, name), &mut value);
        let result = self.result(result.map(|()| 0));
        Out::default().bin(&value).u32(args.number(4)).i32(result)
    }

    fn read_option(&mut self, s: i32, name: (i32, i32), value: &mut [u8]) -> Result<(), Errno> {
        let (socket, _) = self.parts(s)?;
        if value.len() < 4 {
            return Err(EINVAL);
        }
        let found = match name {
            (SOL_SOCKET, SO_ERROR) => match &mut socket.body {
                Body::Stream(stream) => stream.take_error().map_or(0, |errno| errno.0),
                Body::Datagram(_) | Body::Raw(_) => 0,
            },
            (SOL_SOCKET, SO_TYPE) => socket.kind(),
            (SOL_SOCKET, SO_ACCEPTCONN) => i32::from(socket.is_listening()),
            (SOL_SOCKET, SO_RCVTIMEO) => return write_time(socket.receive_limit, value),
            (SOL_SOCKET, SO_SNDTIMEO) => return write_time(socket.send_limit, value),
            name => {
                socket.knows(name)?;
                socket.option(name)
            }
        };
        write(found, value);
        Ok(())
    }

    pub(super) fn setsockopt(&mut self, args: &Args) -> i32 {
        let (s, level, name) = (args.signed(0), args.signed(1), args.signed(2));
        let length = args.size(4).min(args.bytes(3).len());
        let value = args.bytes(3).get(..length).unwrap_or(&[]);
        let result = self.write_option(s, (level, name), value);
        self.result(result.map(|()| 0))
    }

    fn write_option(&mut self, s: i32, name: (i32, i32), value: &[u8]) -> Result<(), Errno> {
        let (socket, _) = self.parts(s)?;
        let number = read(value).ok_or(EINVAL)?;
        match name {
            (SOL_SOCKET, SO_RCVTIMEO) => socket.receive_limit = read_time(value),
            (SOL_SOCKET, SO_SNDTIMEO) => socket.send_limit = read_time(value),
            (IP, IP_ADD_MEMBERSHIP | IP_DROP_MEMBERSHIP) if socket.kind() == DGRAM => {
                return if value.len() < 8 { Err(EINVAL) } else { Ok(()) };
            }
            name => {
                socket.knows(name)?;
                socket.set_option(name, number);
            }
        }
        Ok(())
    }

    pub(super) fn ioctl(&mut self, args: &Args) -> Out {
        let (s, command) = (args.signed(0), args.number(1));
        let arg = args.bytes(2);
        let result = self.parts(s).and_then(|(socket, _)| {
            if command != FIONBIO {
                return Err(ENOSYS);
            }
            socket.non_blocking = arg.iter().take(4).any(|byte| *byte != 0);
            Ok(0)
        });
        let result = self.result(result);
        Out::default().bin(arg).i32(result)
    }

    /// Any other flag than `O_NONBLOCK`, which is 1, is refused, and the socket stays as it is.
    pub(super) fn fcntl(&mut self, args: &Args) -> i32 {
        let (s, command, value) = (args.signed(0), args.signed(1), args.signed(2));
        let result = self.parts(s).and_then(|(socket, _)| match (command, value) {
            (F_GETFL, _) => Ok(i32::from(socket.non_blocking)),
            (F_SETFL, 0 | 1) => {
                socket.non_blocking = value == 1;
                Ok(0)
            }
            _ => Err(ENOSYS),
        });
        self.result(result)
    }
}

fn read(value: &[u8]) -> Option<i32> {
    let &[a, b, c, d, ..] = value else { return None };
    Some(i32::from_le_bytes([a, b, c, d]))
}

fn write(number: i32, value: &mut [u8]) {
    value.fill(0);
    value.iter_mut().zip(number.to_le_bytes()).for_each(|(to, byte)| *to = byte);
}

/// Four bytes are milliseconds, eight are a `timeval`.
fn read_time(value: &[u8]) -> u32 {
    let first = read(value).unwrap_or(0);
    let millis = match value.get(4..).and_then(read) {
        Some(micros) => first.saturating_mul(1000).saturating_add(micros / 1000),
        None => first,
    };
    u32::try_from(millis).unwrap_or(0)
}

fn write_time(millis: u32, value: &mut [u8]) -> Result<(), Errno> {
    let millis = i32::try_from(millis).unwrap_or(i32::MAX);
    if value.len() < 8 {
        write(millis, value);
        return Ok(());
    }
    let (seconds, micros) = value.split_at_mut(4);
    write(millis / 1000, seconds);
    write(millis % 1000 * 1000, micros);
    Ok(())
}
