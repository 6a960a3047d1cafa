//! One client's requests.

use core::time::Duration;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::net::{Shutdown, TcpStream};

use super::bus::{Id, SharedBus};
use super::{CLEAR, CLOCK, COUNTERS, DESELECT, LINES, LONGEST, RESET, SELECT, WAIT};
use crate::BusFault;

/// Serves a client until it leaves, or asks for what does not exist.
pub(super) fn serve(bus: &SharedBus, id: Id, stream: &TcpStream) {
    let requests =
        Requests { bus, id, stream, from: BufReader::new(stream), to: BufWriter::new(stream) };
    // Whatever ended it, it is over for this client.
    let _ = requests.run();
    let _ = stream.shutdown(Shutdown::Both);
}

struct Requests<'a> {
    bus: &'a SharedBus,
    id: Id,
    stream: &'a TcpStream,
    from: BufReader<&'a TcpStream>,
    to: BufWriter<&'a TcpStream>,
}

impl Drop for Requests<'_> {
    fn drop(&mut self) {
        self.bus.leave(self.id);
    }
}

impl Requests<'_> {
    fn run(mut self) -> io::Result<()> {
        loop {
            let op = u16::from_le_bytes(self.take()?);
            if !self.request(op)? {
                return self.to.flush();
            }
        }
    }

    /// Does what is asked for; `false` if there is no such op.
    fn request(&mut self, op: u16) -> io::Result<bool> {
        match op {
            0..=LONGEST => {
                let mosi = self.bytes(op)?;
                let miso = self.bus.transaction(&mosi).map_err(broken)?;
                self.to.write_all(&miso)?;
            }
            LINES => self.tell(self.bus.lines())?,
            RESET => self.reset()?,
            WAIT => self.wait()?,
            SELECT => self.tell(self.bus.select(self.id, true))?,
            DESELECT => self.tell(self.bus.select(self.id, false))?,
            CLOCK => {
                let count = u16::from_le_bytes(self.take()?);
                let mosi = self.bytes(count)?;
                let miso = self.bus.clock(&mosi).map_err(broken)?;
                self.to.write_all(&miso)?;
            }
            COUNTERS => {
                let json = self.bus.counters();
                let length = u16::try_from(json.len()).map_err(io::Error::other)?;
                self.to.write_all(&length.to_le_bytes())?;
                self.to.write_all(json.as_bytes())?;
            }
            CLEAR => {
                self.bus.clear_counters();
                self.tell(self.bus.lines())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn reset(&mut self) -> io::Result<()> {
        self.to.flush()?;
        let lines = self.bus.reset(|| self.notice_leaving());
        self.tell(lines)
    }

    fn wait(&mut self) -> io::Result<()> {
        let [low, high, mask, value] = self.take()?;
        self.to.flush()?;
        let limit = Duration::from_millis(u16::from_le_bytes([low, high]).into());
        let lines = self.bus.wait(limit, mask, value, || self.notice_leaving());
        self.tell(lines)
    }

    /// A client that leaves while it waits with chip-select low is missed at once, not after the
    /// wait: it can send nothing more, not even that chip-select is to rise.
    fn notice_leaving(&self) {
        if !self.bus.is_held_by(self.id) || !self.from.buffer().is_empty() {
            return;
        }
        let peeked = self
            .stream
            .set_nonblocking(true)
            .and_then(|()| self.stream.peek(&mut [0]))
            .map_err(|error| error.kind());
        // Fails only if the next call on the stream does, too.
        let _ = self.stream.set_nonblocking(false);
        if !matches!(peeked, Ok(1) | Err(io::ErrorKind::WouldBlock)) {
            self.bus.leave(self.id);
        }
    }

    fn tell(&mut self, lines: Result<u8, BusFault>) -> io::Result<()> {
        self.to.write_all(&[lines.map_err(broken)?])
    }

    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// The body of a request, whole: a client that leaves in the middle of one has not made it.
    fn bytes(&mut self, count: u16) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count.into()];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// Replies go out before anything is waited for; those to a batch of requests go together.
    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        if self.from.buffer().len() < bytes.len() {
            self.to.flush()?;
        }
        self.from.read_exact(bytes)
    }
}

fn broken(fault: BusFault) -> io::Error {
    io::Error::other(fault)
}
