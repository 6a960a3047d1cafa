//! One request and its answer on the wire, while a handler runs.

use core::cell::{OnceCell, RefCell, RefMut};

use net::netdev::Side;
use net::{Addr, Conn, Instant};

use super::body::Body;
use super::waiter::Waiter;
use crate::Error;

/// What a request and its answer need of the connection. They share it, hence `&self`.
pub(crate) trait Exchange {
    /// Reads from the body; `Ok(0)` is its end.
    fn read_body(&self, buf: &mut [u8]) -> Result<usize, Error>;
    /// From now on at most so many bytes of the body are read.
    fn limit_body(&self, bytes: u64);
    /// The trailer section, once the body was read to its end.
    fn trailers(&self) -> &[u8];
    /// Sends everything, waiting if need be.
    fn send(&self, data: &[u8]) -> Result<(), Error>;
    /// The answer begins: what is left of the body is taken off the connection, unless it is going
    /// to be closed. Tells whether it has to be closed.
    fn settle_body(&self, closing: bool) -> bool;
    /// Reads what comes behind the request, of whatever kind.
    fn read_behind(&self, buf: &mut [u8]) -> Result<usize, Error>;
    /// From now on one direction ends then, or never, whatever the server's limits say.
    fn set_deadline(&self, side: Side, at: Option<Instant>);
    /// Lets time pass while the other connections are looked after. `false`: the client has gone.
    fn pause(&self, until: Instant) -> bool;
    /// The time on the device's clock.
    fn now(&self) -> Instant;
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
    trailers: OnceCell<&'e [u8]>,
    inner: RefCell<Inner<'e, 'w>>,
}

pub(crate) struct Inner<'e, 'w> {
    pub(crate) waiter: Waiter<'w>,
    pub(crate) body: Body,
    /// The buffer behind the head, or what is left of it.
    region: &'e mut [u8],
    /// How much of it is gone: the body's offsets count from where it began.
    base: usize,
    /// How much of the gathered body was read.
    taken: usize,
    /// How much the handler still lets in.
    allowance: Option<u64>,
    /// The client waits for `100 Continue` before it sends the body.
    owes_continue: bool,
    /// It did, at the start.
    waited: bool,
    /// The answer has begun.
    settled: bool,
    /// The answer began before the body was read, which is gone now.
    thrown_away: bool,
    /// The client's side has ended.
    pub(crate) ended: bool,
}

impl<'e, 'w> Live<'e, 'w> {
    /// `region`: the buffer behind the head.
    pub(crate) fn new(
        conn: &'e dyn Conn,
        waiter: Waiter<'w>,
        body: Body,
        region: &'e mut [u8],
        expects_continue: bool,
    ) -> Self {
        let waited = expects_continue && !body.complete();
        let inner = Inner {
            waiter,
            body,
            region,
            base: 0,
            taken: 0,
            allowance: None,
            owes_continue: waited,
            waited,
            settled: false,
            thrown_away: false,
            ended: false,
        };
        let live =
            Self { conn, gathered: None, trailers: OnceCell::new(), inner: RefCell::new(inner) };
        live.with_gathered()
    }

    /// A body that is there as a whole is shared from now on.
    fn with_gathered(mut self) -> Self {
        let inner = self.inner.get_mut();
        if inner.body.complete() {
            self.gathered = Some(inner.share(inner.body.end_of_ready()));
            let trailers = inner.share(inner.body.trailers().len());
            let _ = self.trailers.set(trailers);
        }
        self
    }

    pub(crate) const fn gathered(&self) -> Option<&'e [u8]> {
        self.gathered
    }

    pub(crate) fn into_inner(self) -> Inner<'e, 'w> {
        self.inner.into_inner()
    }

    fn inner(&self) -> Result<RefMut<'_, Inner<'e, 'w>>, Error> {
        self.inner.try_borrow_mut().map_err(|_| Error::BodyClosed)
    }
}

impl Exchange for Live<'_, '_> {
    fn read_body(&self, buf: &mut [u8]) -> Result<usize, Error> {
        let mut inner = self.inner()?;
        let count = match inner.allowance {
            None => inner.read(self.conn, self.gathered, buf)?,
            Some(0) if !buf.is_empty() => {
                if inner.read(self.conn, self.gathered, &mut [0])? > 0 {
                    inner.body.give_up(Error::BodyTooLarge);
                    return Err(Error::BodyTooLarge);
                }
                0
            }
            Some(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
                let buf = buf.get_mut(..most).unwrap_or_default();
                let count = inner.read(self.conn, self.gathered, buf)?;
                inner.allowance = Some(left - u64::try_from(count).unwrap_or(0).min(left));
                count
            }
        };
        if count == 0 && self.gathered.is_none() && inner.body.complete() && inner.body.is_taken() {
            self.trailers.get_or_init(|| inner.share_trailers());
        }
        Ok(count)
    }

    fn limit_body(&self, bytes: u64) {
        if let Ok(mut inner) = self.inner() {
            inner.allowance = Some(inner.allowance.map_or(bytes, |had| had.min(bytes)));
        }
    }

    fn trailers(&self) -> &[u8] {
        self.trailers.get().copied().unwrap_or_default()
    }

    fn send(&self, data: &[u8]) -> Result<(), Error> {
        self.inner()?.waiter.send(self.conn, data)
    }

    fn settle_body(&self, closing: bool) -> bool {
        let Ok(mut inner) = self.inner() else { return true };
        inner.settle(self.conn, closing)
    }

    fn read_behind(&self, buf: &mut [u8]) -> Result<usize, Error> {
        self.inner()?.read_behind(self.conn, buf)
    }

    fn set_deadline(&self, side: Side, at: Option<Instant>) {
        if let Ok(mut inner) = self.inner() {
            inner.waiter.set_deadline(side, at);
        }
    }

    fn pause(&self, until: Instant) -> bool {
        self.inner().is_ok_and(|mut inner| inner.pause(self.conn, until))
    }

    fn now(&self) -> Instant {
        self.conn.device().platform().now()
    }

    fn unix_time(&self) -> Option<u64> {
        self.conn.device().platform().unix_time()
    }

    fn addrs(&self) -> (Option<Addr>, Option<Addr>) {
        (self.conn.local_addr(), self.conn.remote_addr())
    }
}

impl<'e> Inner<'e, '_> {
    fn read(
        &mut self,
        conn: &dyn Conn,
        gathered: Option<&[u8]>,
        buf: &mut [u8],
    ) -> Result<usize, Error> {
        match gathered {
            Some(body) => self.read_gathered(body, buf),
            None => self.read_coming(conn, buf),
        }
    }

    fn read_gathered(&mut self, body: &[u8], buf: &mut [u8]) -> Result<usize, Error> {
        if let Some(error) = self.body.broken() {
            return Err(error);
        }
        let rest = body.get(self.taken..).unwrap_or_default();
        if self.settled && !rest.is_empty() {
            return Err(Error::BodyClosed);
        }
        let count = copy(rest, buf);
        self.taken += count;
        Ok(count)
    }

    fn read_coming(&mut self, conn: &dyn Conn, buf: &mut [u8]) -> Result<usize, Error> {
        if self.thrown_away {
            return Err(self.body.broken().unwrap_or(Error::BodyClosed));
        }
        let ready = self.body.take(self.region, buf);
        if ready > 0 || buf.is_empty() {
            return Ok(ready);
        }
        if let Some(error) = self.body.broken() {
            return Err(error);
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
            let decoded = if self.body.has_raw() { self.body.decode(self.region) } else { Ok(()) };
            let count = self.body.take(self.region, buf);
            if count > 0 || self.body.complete() {
                return Ok(count);
            }
            decoded?;
            if let Some(left) = self.body.left() {
                // A body of known length goes past the buffer.
                let most = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
                let count = self.receive(conn, buf.get_mut(..most).unwrap_or_default())?;
                self.body.passed_by(count)?;
                return Ok(count);
            }
            self.receive_into_region(conn)?;
        }
    }

    fn receive(&mut self, conn: &dyn Conn, buf: &mut [u8]) -> Result<usize, Error> {
        match self.waiter.read(conn, buf)? {
            0 => {
                self.ended = true;
                Err(Error::UnexpectedEnd)
            }
            count => Ok(count),
        }
    }

    fn receive_into_region(&mut self, conn: &dyn Conn) -> Result<(), Error> {
        let free = self.body.free(self.region);
        if free.is_empty() {
            // Trailers that do not fit.
            return Err(Error::BodyTooLarge);
        }
        match self.waiter.read(conn, free)? {
            0 => {
                self.ended = true;
                Err(Error::UnexpectedEnd)
            }
            count => {
                self.body.came(count);
                Ok(())
            }
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
            if drained > limit || self.receive_into_region(conn).is_err() {
                return false;
            }
        }
    }

    /// Gives the first bytes of the region away, to be shared.
    fn share(&mut self, length: usize) -> &'e [u8] {
        let region = core::mem::take(&mut self.region);
        let (shared, rest) = region.split_at_mut(length.min(region.len()));
        self.region = rest;
        self.base += shared.len();
        shared
    }

    /// The trailers of a body of which nothing else is left to read.
    fn share_trailers(&mut self) -> &'e [u8] {
        let range = self.body.trailers();
        let shared = self.share(range.end.saturating_sub(self.base));
        shared.get(shared.len().saturating_sub(range.len())..).unwrap_or_default()
    }

    fn read_behind(&mut self, conn: &dyn Conn, buf: &mut [u8]) -> Result<usize, Error> {
        let next = self.body.next_request();
        let start = next.start.saturating_sub(self.base);
        let here = self.region.get(start..next.end.saturating_sub(self.base)).unwrap_or_default();
        if here.is_empty() || buf.is_empty() {
            return self.waiter.read(conn, buf);
        }
        let count = copy(here, buf);
        self.body.pass_raw(count);
        Ok(count)
    }

    /// Looks at the connection while time passes; what comes belongs to a further request.
    fn pause(&mut self, conn: &dyn Conn, until: Instant) -> bool {
        let end = self.body.next_request().end.saturating_sub(self.base);
        let whole = self.body.complete() && !self.ended;
        let mut come = 0;
        let room = if whole { self.region.get_mut(end..).unwrap_or_default() } else { &mut [] };
        let gone = self.waiter.pause(conn, until, room, &mut come);
        self.body.came(come);
        self.ended |= gone;
        !self.ended
    }
}

/// Copies as much as there is room for.
fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let count = from.len().min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(..count), from.get(..count)) {
        to.copy_from_slice(from);
    }
    count
}
