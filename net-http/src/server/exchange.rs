//! One request and its answer on the wire, while a handler runs.

use core::cell::{Cell, RefCell};
use core::time::Duration;

use net::netdev::{self, Stopped};
use net::{Addr, Conn, Instant};

use super::body::Body;
use super::core::Core;
use super::slot::Slots;
use crate::Error;

/// What a request and its answer need of the connection. They share it, hence `&self`.
pub(crate) trait Exchange {
    /// Reads from the body; `Ok(0)` is its end.
    fn read_body(&self, buf: &mut [u8]) -> Result<usize, Error>;
    /// Sends everything, waiting if need be.
    fn send(&self, data: &[u8]) -> Result<(), Error>;
    /// The answer begins: what is left of the body is taken off the connection, unless it is going
    /// to be closed. Tells whether it has to be closed.
    fn settle_body(&self, closing: bool) -> bool;
    /// Seconds since 1970.
    fn unix_time(&self) -> Option<u64>;
    /// Our address and the client's.
    fn addrs(&self) -> (Option<Addr>, Option<Addr>);
}

/// The real thing.
pub(crate) struct Live<'e, 'w> {
    conn: &'e dyn Conn,
    /// The whole body, if it has come.
    gathered: Option<&'e [u8]>,
    inner: RefCell<Inner<'e, 'w>>,
}

pub(crate) struct Inner<'e, 'w> {
    pub(crate) waiter: Waiter<'w>,
    pub(crate) body: Body,
    region: &'e mut [u8],
    /// How much of the gathered body was read.
    taken: usize,
    /// The client waits for `100 Continue` before it sends the body.
    owes_continue: bool,
    /// It did, at the start.
    waited: bool,
    /// The answer has begun.
    settled: bool,
    /// The answer began before the body was read, which is gone now.
    thrown_away: bool,
}

impl<'e, 'w> Live<'e, 'w> {
    pub(crate) fn new(
        conn: &'e dyn Conn,
        waiter: Waiter<'w>,
        body: Body,
        gathered: Option<&'e [u8]>,
        region: &'e mut [u8],
        owes_continue: bool,
    ) -> Self {
        let (taken, settled, thrown_away) = (0, false, false);
        let waited = owes_continue;
        let inner =
            Inner { waiter, body, region, taken, owes_continue, waited, settled, thrown_away };
        Self { conn, gathered, inner: RefCell::new(inner) }
    }

    pub(crate) fn into_inner(self) -> Inner<'e, 'w> {
        self.inner.into_inner()
    }
}

impl Exchange for Live<'_, '_> {
    fn read_body(&self, buf: &mut [u8]) -> Result<usize, Error> {
        let mut inner = self.inner.try_borrow_mut().map_err(|_| Error::BodyClosed)?;
        match self.gathered {
            Some(body) => inner.read_gathered(body, buf),
            None => inner.read(self.conn, buf),
        }
    }

    fn send(&self, data: &[u8]) -> Result<(), Error> {
        let mut inner = self.inner.try_borrow_mut().map_err(|_| Error::BodyClosed)?;
        inner.waiter.send(self.conn, data)
    }

    fn settle_body(&self, closing: bool) -> bool {
        let Ok(mut inner) = self.inner.try_borrow_mut() else { return true };
        inner.settle(self.conn, closing)
    }

    fn unix_time(&self) -> Option<u64> {
        self.conn.device().platform().unix_time()
    }

    fn addrs(&self) -> (Option<Addr>, Option<Addr>) {
        (self.conn.local_addr(), self.conn.remote_addr())
    }
}

impl Inner<'_, '_> {
    fn read_gathered(&mut self, body: &[u8], buf: &mut [u8]) -> Result<usize, Error> {
        let rest = body.get(self.taken..).unwrap_or_default();
        if self.settled && !rest.is_empty() {
            return Err(Error::BodyClosed);
        }
        let count = rest.len().min(buf.len());
        if let (Some(to), Some(from)) = (buf.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        self.taken += count;
        Ok(count)
    }

    fn read(&mut self, conn: &dyn Conn, buf: &mut [u8]) -> Result<usize, Error> {
        if let Some(error) = self.body.broken() {
            return Err(error);
        }
        if self.thrown_away {
            return Err(Error::BodyClosed);
        }
        if buf.is_empty() {
            return Ok(0);
        }
        if core::mem::take(&mut self.owes_continue) {
            self.waiter.send(conn, b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let result = self.read_on(conn, buf);
        if let Err(error) = result {
            self.body.give_up(error);
        }
        result
    }

    fn read_on(&mut self, conn: &dyn Conn, buf: &mut [u8]) -> Result<usize, Error> {
        loop {
            if self.body.has_raw() {
                self.body.decode(self.region)?;
            }
            let count = self.body.take(self.region, buf);
            if count > 0 || self.body.complete() {
                return Ok(count);
            }
            if let Some(left) = self.body.left() {
                // A body of known length goes past the buffer.
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
                let count = self.waiter.read(conn, buf.get_mut(..most).unwrap_or_default())?;
                self.body.passed_by(count)?;
                return Ok(count);
            }
            let count = self.waiter.read(conn, self.body.free(self.region))?;
            self.body.came(count);
        }
    }

    fn settle(&mut self, conn: &dyn Conn, closing: bool) -> bool {
        if core::mem::replace(&mut self.settled, true) {
            return closing;
        }
        if self.body.complete() {
            return closing;
        }
        if core::mem::take(&mut self.owes_continue) {
            self.body.give_up(Error::BodyClosed);
        }
        if closing || self.waited {
            return true;
        }
        if matches!(self.body.broken(), Some(Error::UnexpectedEnd)) && self.body.left().is_some() {
            // The client has closed already; Go says nothing of it, unless it was in a chunk.
            return false;
        }
        self.thrown_away = true;
        !self.drain(conn)
    }

    /// Reads the rest of the body and throws it away; `false` if that failed or is too much.
    fn drain(&mut self, conn: &dyn Conn) -> bool {
        let limit = self.waiter.core.limits.drain;
        if self.body.left().is_some_and(|left| left > limit) {
            return false;
        }
        let mut drained = 0_u64;
        loop {
            if self.body.decode(self.region).is_err() {
                return false;
            }
            drained += u64::try_from(self.body.ready_bytes(self.region).len()).unwrap_or(0);
            self.body.skip(usize::MAX);
            if self.body.complete() {
                return true;
            }
            if drained > limit {
                return false;
            }
            match self.waiter.read(conn, self.body.free(self.region)) {
                Ok(count) => self.body.came(count),
                Err(_) => return false,
            }
        }
    }
}

/// Waits for one client, while the others are looked after.
pub(crate) struct Waiter<'e> {
    pub(crate) core: &'e mut Core,
    pub(crate) others: &'e mut dyn Slots,
    /// Since when somebody waits for this handler to end, and the bytes moved since.
    held: Option<Instant>,
    moved: usize,
}

impl<'e> Waiter<'e> {
    pub(crate) fn new(core: &'e mut Core, others: &'e mut dyn Slots) -> Self {
        Self { core, others, held: None, moved: 0 }
    }

    /// Reads at least a byte.
    fn read(&mut self, conn: &dyn Conn, buf: &mut [u8]) -> Result<usize, Error> {
        let limit = self.core.limits.body_time;
        match self.wait(conn, limit, &mut || conn.try_read(buf))? {
            0 => Err(Error::UnexpectedEnd),
            count => Ok(count),
        }
    }

    /// Writes everything.
    pub(crate) fn send(&mut self, conn: &dyn Conn, mut data: &[u8]) -> Result<(), Error> {
        while !data.is_empty() {
            let count = self.write(conn, data)?;
            data = data.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    /// Writes at least a byte.
    pub(crate) fn write(&mut self, conn: &dyn Conn, data: &[u8]) -> Result<usize, Error> {
        let limit = self.core.limits.write_time;
        self.wait(conn, limit, &mut || conn.try_write(data))
    }

    fn wait(
        &mut self,
        conn: &dyn Conn,
        limit: Duration,
        step: &mut dyn FnMut() -> nb::Result<usize, net::Error>,
    ) -> Result<usize, Error> {
        match step() {
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(error)) => return Err(error.into()),
            Ok(count) => return Ok(self.progress(conn, count)),
        }
        let device = conn.device();
        let latest = device.platform().now() + limit;
        let until = Cell::new(latest);
        let waited = netdev::wait(
            device,
            || Some(until.get()),
            || match step() {
                Err(nb::Error::WouldBlock) => {
                    until.set(latest.min(self.look_after_others(device)));
                    Err(nb::Error::WouldBlock)
                }
                result => result.map_err(|error| error.map(Error::Net)),
            },
        );
        match waited {
            Ok(count) => Ok(self.progress(conn, count)),
            Err(Stopped::Failed(error)) => Err(error),
            Err(Stopped::Deadline) => Err(Error::TooSlow),
        }
    }

    /// One round for the other connections. Tells when this one must have moved on.
    fn look_after_others(&mut self, device: &dyn net::Netdev) -> Instant {
        self.core.round(self.others);
        if !self.core.somebody_waits() {
            self.held = None;
            return super::slot::NEVER;
        }
        let now = device.platform().now();
        if self.held.is_none() {
            self.held = Some(now);
            self.moved = 0;
        }
        self.held.unwrap_or(now) + self.core.limits.stall_time
    }

    /// Every [`STALL_BYTES`] give the client a new stretch of time.
    fn progress(&mut self, conn: &dyn Conn, count: usize) -> usize {
        self.moved = self.moved.saturating_add(count);
        if self.held.is_some() && self.moved >= STALL_BYTES {
            self.held = Some(conn.device().platform().now());
            self.moved = 0;
        }
        count
    }
}

/// What a client has to move within the stall time.
const STALL_BYTES: usize = 1024;
