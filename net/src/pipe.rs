//! Two ends joined in memory, without a buffer between them.

mod lane;

use core::fmt;

use crate::conn::one_by_one;
use crate::methods::conn_methods;
use crate::side::{Entry, Owner, Promise, Sides};
use crate::socket::wait;
use crate::{Addr, Cause, Error, Instant, Netdev, Network, Op, Side, SockFd, WriteError};
use lane::{Lane, Pulled};

/// Two connected ends in memory: Go's `Pipe`. For tests, and to join what reads with what writes.
///
/// Nothing is kept in between: a write ends when all its bytes were read, and a read takes from one
/// write only. A write of nothing waits for a read, too, which gets 0: the one case in which 0 is not
/// the end. A write that meets its deadline tells how much was read; the rest is never seen.
///
/// Time and idling are those of the device, which carries no byte.
///
/// ```
/// # fn with(device: &'static dyn net::Netdev) -> Result<(), net::Error> {
/// let mut pipe = net::Pipe::new(device);
/// let (ours, theirs) = pipe.ends();
/// assert!(ours.try_write(b"hello").is_err(), "nobody reads yet");
/// let mut buf = [0; 8];
/// assert_eq!(theirs.read(&mut buf)?, 5);
/// assert_eq!(ours.try_write(b"hello"), Ok(5));
/// # Ok(()) }
/// ```
pub struct Pipe {
    device: &'static dyn Netdev,
    /// What each end keeps.
    sides: [Sides; 2],
    /// What each end writes into.
    lanes: [Lane; 2],
}

impl Pipe {
    /// A pipe that waits as this device does.
    #[must_use]
    pub const fn new(device: &'static dyn Netdev) -> Self {
        Self { device, sides: [Sides::new(), Sides::new()], lanes: [Lane::new(), Lane::new()] }
    }

    /// Its two ends, new and open. Dropping one closes it.
    pub fn ends(&mut self) -> (PipeEnd<'_>, PipeEnd<'_>) {
        *self = Self::new(self.device);
        let Self { device, sides: [near, far], lanes: [there, back] } = self;
        let ours = End { device: *device, own: near, other: far, out: there, into: back };
        let theirs = End { device: *device, own: far, other: near, out: back, into: there };
        (PipeEnd { end: ours }, PipeEnd { end: theirs })
    }
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe").finish_non_exhaustive()
    }
}

/// One end of a [`Pipe`]. Both addresses print as `pipe`.
///
/// After either end was closed its deadlines cannot be set any more; closing again is fine.
pub struct PipeEnd<'p> {
    end: End<'p>,
}

conn_methods!(PipeEnd<'_>);

impl<'p> PipeEnd<'p> {
    pub(crate) const fn inner(&self) -> &End<'p> {
        &self.end
    }
}

impl fmt::Debug for PipeEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PipeEnd")
    }
}

pub(crate) struct End<'p> {
    device: &'static dyn Netdev,
    own: &'p Sides,
    other: &'p Sides,
    out: &'p Lane,
    into: &'p Lane,
}

impl End<'_> {
    pub(crate) const fn device(&self) -> &'static dyn Netdev {
        self.device
    }

    /// No device knows a pipe.
    pub(crate) const fn socket(&self) -> Option<SockFd> {
        None
    }

    pub(crate) fn read(&self, buf: &mut [u8]) -> Result<usize, Error> {
        let mut pulled = Pulled::new();
        let mut turn = None;
        let done = self.run(Side::Read, &mut || self.read_step(&mut turn, buf, &mut pulled));
        match done {
            // What was read before the writer went away counts.
            Err(_) if pulled.count > 0 => Ok(pulled.count),
            done => done.map(|()| pulled.count).map_err(|cause| failed(Op::Read, cause)),
        }
    }

    pub(crate) fn try_read(&self, buf: &mut [u8]) -> nb::Result<usize, Error> {
        let mut pulled = Pulled::new();
        let mut turn = None;
        let done = self.once(Side::Read, &mut || self.read_step(&mut turn, buf, &mut pulled));
        match done {
            Err(_) if pulled.count > 0 => Ok(pulled.count),
            done => done.map(|()| pulled.count).map_err(|why| why.map(|c| failed(Op::Read, c))),
        }
    }

    pub(crate) fn write(&self, data: &[u8]) -> Result<usize, WriteError> {
        let mut turn = None;
        let mut written = 0;
        loop {
            let rest = data.get(written..).unwrap_or_default();
            let step = &mut || self.write_step(&mut turn, rest, rest.len());
            let done = self.run(Side::Write, step);
            let (taken, all) = if turn.is_some() { self.out.finish() } else { (0, false) };
            written += taken;
            match done {
                // That the end was closed after the last byte was read, or time ran out, is no matter.
                Err(cause) if !(all && written >= data.len()) => {
                    return Err(WriteError { written, error: failed(Op::Write, cause) });
                }
                _ if written >= data.len() => return Ok(written),
                _ => {} // some were on offer before, by `try_write`
            }
        }
    }

    pub(crate) fn write_parts(&self, parts: &[&[u8]]) -> Result<usize, WriteError> {
        one_by_one(parts, |part| self.write(part))
    }

    pub(crate) fn try_write(&self, data: &[u8]) -> nb::Result<usize, Error> {
        let mut turn = None;
        let offer = data.len().min(lane::STAGE);
        let step = &mut || self.write_step(&mut turn, data, offer);
        let done = self.once(Side::Write, step);
        match (done, &mut turn) {
            (Err(nb::Error::WouldBlock), Some(turn)) if self.out.taken() == 0 => {
                turn.next = Owner::Promised(Promise::of(data.get(..offer).unwrap_or_default()));
                Err(nb::Error::WouldBlock)
            }
            // A part was read: the rest is for the next call.
            (Err(nb::Error::WouldBlock) | Ok(()), Some(_)) => Ok(self.out.finish().0),
            (Ok(()), None) => Ok(0),
            (Err(why), _) => Err(why.map(|cause| failed(Op::Write, cause))),
        }
    }

    pub(crate) fn close(&self) -> Result<(), Error> {
        self.own.close();
        Ok(())
    }

    pub(crate) const fn local_addr(&self) -> Option<Addr> {
        Some(Addr::Pipe)
    }

    pub(crate) const fn remote_addr(&self) -> Option<Addr> {
        Some(Addr::Pipe)
    }

    pub(crate) fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.set_read_deadline(at)?;
        self.set_write_deadline(at)
    }

    pub(crate) fn set_read_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.move_deadline(Side::Read, at)
    }

    pub(crate) fn set_write_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.move_deadline(Side::Write, at)
    }

    fn move_deadline(&self, side: Side, at: Option<Instant>) -> Result<(), Error> {
        if self.own.closed() || self.other.closed() {
            return Err(failed(Op::Set, Cause::ClosedPipe));
        }
        self.own.set_deadline(side, at);
        Ok(())
    }

    fn read_step<'a>(
        &'a self,
        turn: &mut Option<Turn<'a>>,
        buf: &mut [u8],
        pulled: &mut Pulled,
    ) -> nb::Result<(), Cause> {
        if self.own.closed() {
            return Err(nb::Error::Other(Cause::ClosedPipe));
        }
        if self.other.closed() || buf.is_empty() {
            return Ok(()); // the end
        }
        self.enter(turn, Side::Read, &[])?;
        if self.into.pull(buf, pulled) { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }

    fn write_step<'a>(
        &'a self,
        turn: &mut Option<Turn<'a>>,
        data: &[u8],
        offer: usize,
    ) -> nb::Result<(), Cause> {
        if self.own.closed() || self.other.closed() {
            return Err(nb::Error::Other(Cause::ClosedPipe));
        }
        self.enter(turn, Side::Write, data)?;
        if self.out.push(data, offer) { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }

    fn enter<'a>(
        &'a self,
        turn: &mut Option<Turn<'a>>,
        side: Side,
        bytes: &[u8],
    ) -> nb::Result<(), Cause> {
        if turn.is_none() {
            match self.own.enter(side, bytes) {
                Entry::Entered => *turn = Some(Turn { sides: self.own, side, next: Owner::Free }),
                Entry::Occupied | Entry::Spoilt => return Err(nb::Error::WouldBlock),
            }
        }
        Ok(())
    }

    /// Waits. That an end is closed counts before a deadline that has passed.
    fn run(
        &self,
        side: Side,
        step: &mut dyn FnMut() -> nb::Result<(), Cause>,
    ) -> Result<(), Cause> {
        if self.own.closed() || self.other.closed() {
            return step().map_err(|error| match error {
                nb::Error::Other(cause) => cause,
                nb::Error::WouldBlock => Cause::ClosedPipe,
            });
        }
        wait(self.device, &|| self.own.deadline(side), step)
    }

    fn once(
        &self,
        side: Side,
        step: &mut dyn FnMut() -> nb::Result<(), Cause>,
    ) -> nb::Result<(), Cause> {
        let open = !self.own.closed() && !self.other.closed();
        let passed = |at| self.device.platform().now() >= at;
        if open && self.own.deadline(side).is_some_and(passed) {
            return Err(nb::Error::Other(Cause::DeadlineExceeded));
        }
        step()
    }
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.own.close();
    }
}

/// The right to one side. Given back on every path, a panic included.
struct Turn<'a> {
    sides: &'a Sides,
    side: Side,
    next: Owner,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.sides.leave(self.side, self.next);
    }
}

const fn failed(op: Op, cause: Cause) -> Error {
    Error { network: Some(Network::Pipe), ..Error::new(op, cause) }
}
