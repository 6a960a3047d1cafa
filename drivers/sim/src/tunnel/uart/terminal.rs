//! A pseudo-terminal as a place for a client.

use core::time::Duration;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;

use serial2::SerialPort;

use super::place::{Heard, Place};

/// The master's end of a pseudo-terminal.
#[derive(Debug)]
pub(super) struct Terminal {
    master: SerialPort,
    here: bool,
    /// What a client said before anybody saw that it had come.
    held: Vec<u8>,
}

impl Terminal {
    /// A new one, and the path of its other end.
    pub(super) fn open() -> io::Result<(Self, String)> {
        let (mut master, slave) = SerialPort::pair()?;
        master.set_read_timeout(Duration::ZERO)?;
        master.set_write_timeout(Duration::ZERO)?;
        let path = fs::read_link(format!("/proc/self/fd/{}", slave.as_raw_fd()))?;
        let path = path.to_str().map(str::to_owned).ok_or(ErrorKind::InvalidData)?;
        // While nobody has the other end open, reading fails: so it shows who is there.
        drop(slave);
        Ok((Self { master, here: false, held: Vec::new() }, path))
    }
}

impl Place for Terminal {
    fn hear(&mut self, buf: &mut [u8]) -> Heard {
        if !self.held.is_empty() {
            let length = self.held.len().min(buf.len());
            for (place, byte) in buf.iter_mut().zip(self.held.drain(..length)) {
                *place = byte;
            }
            return Heard::Bytes(length);
        }
        let heard = match self.master.read(buf) {
            Ok(length @ 1..) => Heard::Bytes(length),
            Err(error) if is_not_yet(&error) => Heard::Nothing,
            _ => Heard::Nobody,
        };
        let was_here = core::mem::replace(&mut self.here, heard != Heard::Nobody);
        match heard {
            Heard::Bytes(length) if !was_here => {
                self.held = buf.get(..length).unwrap_or_default().to_vec();
                Heard::Somebody
            }
            Heard::Nothing if !was_here => Heard::Somebody,
            _ => heard,
        }
    }

    fn say(&mut self, bytes: &[u8]) -> usize {
        if !self.here || bytes.is_empty() {
            return bytes.len();
        }
        match self.master.write(bytes) {
            Ok(length) => length,
            Err(error) if is_not_yet(&error) => 0,
            Err(_) => bytes.len(),
        }
    }
}

fn is_not_yet(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
