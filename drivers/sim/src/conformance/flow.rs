//! Bytes on their way, in both directions at once if need be, without a thread.

use netdev::{SockFlags, Stopped};

use super::pair::QUIET;
use super::sock::{LONG, Sock};
use super::{Check, failed};
use crate::clock::split_mix;

/// Bytes that go from one end of a connection to the other, and what has become of them.
pub(super) struct Flow<'a> {
    from: &'a Sock,
    to: &'a Sock,
    data: &'a [u8],
    sent: usize,
    received: usize,
    buf: Vec<u8>,
}

impl<'a> Flow<'a> {
    pub(super) fn new(from: &'a Sock, to: &'a Sock, data: &'a [u8]) -> Self {
        Self { from, to, data, sent: 0, received: 0, buf: vec![0; ROOM] }
    }

    /// The same when so much was sent already.
    pub(super) fn resumed(from: &'a Sock, to: &'a Sock, data: &'a [u8], sent: usize) -> Self {
        Self { sent, ..Self::new(from, to, data) }
    }

    fn is_done(&self) -> bool {
        self.received == self.data.len()
    }

    /// Tries each side once. `true` if anything moved.
    fn step(&mut self) -> Result<bool, Stuck> {
        let mut moved = self.step_send()?;
        if !self.is_done() {
            moved |= self.step_recv()?;
        }
        Ok(moved)
    }

    fn step_send(&mut self) -> Result<bool, Stuck> {
        let rest = self.data.get(self.sent..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(false);
        }
        let sent = self.from.party.netdev().send(self.from.fd, rest, SockFlags::NONE);
        match sent {
            Ok(0) => Err(self.stuck("send took nothing and said so")),
            Ok(count) if count > rest.len() => Err(self.stuck("send took more than there was")),
            Ok(count) => {
                self.sent += count;
                Ok(true)
            }
            Err(nb::Error::WouldBlock) => Ok(false),
            Err(nb::Error::Other(error)) => Err(self.stuck(&format!("send: {error}"))),
        }
    }

    fn step_recv(&mut self) -> Result<bool, Stuck> {
        let received = self.to.party.netdev().recv(self.to.fd, &mut self.buf, SockFlags::NONE);
        let count = match received {
            Ok(0) => return Err(self.stuck("the end came early")),
            Ok(count) => count,
            Err(nb::Error::WouldBlock) => return Ok(false),
            Err(nb::Error::Other(error)) => return Err(self.stuck(&format!("recv: {error}"))),
        };
        let seen = self.buf.get(..count);
        let expected = self.data.get(self.received..self.received + count);
        if seen.is_none() || seen != expected {
            return Err(self.stuck(&format!("{count} bytes came that are not those sent")));
        }
        self.received += count;
        Ok(true)
    }

    fn stuck(&self, why: &str) -> Stuck {
        let Self { sent, received, data, .. } = self;
        Stuck(format!("{why}, after {sent} bytes sent and {received} received of {}", data.len()))
    }
}

/// Why it does not go on.
struct Stuck(String);

/// Moves all flows on until each has delivered all its bytes.
pub(super) fn pump(flows: &mut [Flow<'_>]) -> Check {
    while !flows.iter().all(Flow::is_done) {
        let Some(party) = flows.first().map(|flow| flow.from.party) else { return Ok(()) };
        let mut stuck = None;
        let moved = party.try_for(LONG, || {
            let mut moved = false;
            for flow in &mut *flows {
                match flow.step() {
                    Ok(it) => moved |= it,
                    Err(why) => stuck = Some(why),
                }
            }
            if moved || stuck.is_some() { Ok(()) } else { Err(nb::Error::WouldBlock) }
        });
        if let Some(Stuck(why)) = stuck {
            return failed(why);
        }
        if moved.is_err() {
            let told: Vec<_> = flows.iter().map(|flow| flow.stuck("nothing moves").0).collect();
            return failed(told.join("; "));
        }
    }
    Ok(())
}

/// Sends pieces on a connection whose peer does not read, until nothing was taken for a while. Tells
/// how much was taken, and the last answer.
pub(super) fn fill(sock: &Sock, data: &[u8]) -> (usize, Result<usize, Stopped>) {
    let mut taken = 0;
    loop {
        let rest = data.get(taken..).unwrap_or_default();
        let piece = rest.get(..PIECE).unwrap_or_default();
        let answer = sock.try_for(QUIET, |device, fd| device.send(fd, piece, SockFlags::NONE));
        match answer {
            Ok(count) if (1..=piece.len()).contains(&count) => taken += count,
            _ => return (taken, answer),
        }
    }
}

/// Bytes that repeat only after a long while, others for each seed.
pub(super) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(split_mix(&mut state).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Bytes asked for at once: more than any chip gives.
const ROOM: usize = 8192;
/// Bytes offered at once where the peer does not read.
pub(super) const PIECE: usize = 4096;
