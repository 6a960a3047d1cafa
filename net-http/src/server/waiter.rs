//! Waits for one client, while the others are looked after.

use core::cell::Cell;
use core::time::Duration;

use net::netdev::{self, Side, Stopped};
use net::{Conn, Instant, Netdev};

use super::core::Core;
use super::slot::{NEVER, Slots};
use crate::Error;

/// What a handler waits with.
pub(crate) struct Waiter<'e> {
    pub(crate) core: &'e mut Core,
    pub(crate) others: &'e mut dyn Slots,
    read: Pace,
    write: Pace,
    /// Since when somebody waits for this handler to end.
    held: Option<Instant>,
    /// Bytes moved since.
    moved: usize,
}

/// How fast one direction has to be.
#[derive(Clone, Copy, Default)]
struct Pace {
    /// Since when the client is waited for to move a further KiB.
    since: Option<Instant>,
    moved: usize,
    /// What the handler has set instead.
    set: Option<Option<Instant>>,
}

impl Pace {
    /// The moment by which the client must have moved on.
    fn latest(&mut self, now: Instant, limit: Duration) -> Option<Instant> {
        self.set.unwrap_or_else(|| Some(*self.since.get_or_insert(now) + limit))
    }

    fn progress(&mut self, count: usize) {
        self.moved = self.moved.saturating_add(count);
        if self.moved >= STRETCH {
            self.moved = 0;
            self.since = None;
        }
    }
}

impl<'e> Waiter<'e> {
    pub(crate) fn new(core: &'e mut Core, others: &'e mut dyn Slots) -> Self {
        let (read, write) = (Pace::default(), Pace::default());
        Self { core, others, read, write, held: None, moved: 0 }
    }

    pub(crate) fn set_deadline(&mut self, side: Side, at: Option<Instant>) {
        self.pace(side).set = Some(at);
    }

    fn pace(&mut self, side: Side) -> &mut Pace {
        if side == Side::Read { &mut self.read } else { &mut self.write }
    }

    /// Reads; `Ok(0)` is the end of the client's side.
    pub(crate) fn read(&mut self, conn: &dyn Conn, buf: &mut [u8]) -> Result<usize, Error> {
        self.wait(conn, Side::Read, &mut || conn.try_read(buf))
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
        self.wait(conn, Side::Write, &mut || conn.try_write(data))
    }

    fn wait(
        &mut self,
        conn: &dyn Conn,
        side: Side,
        step: &mut dyn FnMut() -> nb::Result<usize, net::Error>,
    ) -> Result<usize, Error> {
        let set = self.pace(side).set.flatten();
        let device = conn.device();
        if set.is_none_or(|at| device.platform().now() < at) {
            match step() {
                Err(nb::Error::WouldBlock) => {}
                Err(nb::Error::Other(error)) => return Err(error.into()),
                Ok(count) => return Ok(self.progress(device, side, count)),
            }
        }
        let limits = &self.core.limits;
        let limit = if side == Side::Read { limits.body_time } else { limits.write_time };
        let latest = self.pace(side).latest(device.platform().now(), limit);
        let until = Cell::new(latest);
        let waited = netdev::wait(
            device,
            || until.get(),
            || match step() {
                Err(nb::Error::WouldBlock) => {
                    let held = self.look_after_others(device);
                    until.set(Some(latest.unwrap_or(NEVER).min(held)));
                    Err(nb::Error::WouldBlock)
                }
                result => result.map_err(|error| error.map(Error::Net)),
            },
        );
        match waited {
            Ok(count) => Ok(self.progress(device, side, count)),
            Err(Stopped::Failed(error)) => Err(error),
            Err(Stopped::Deadline) => Err(Error::TooSlow),
        }
    }

    /// Lets time pass; what the client sends meanwhile goes into `room`, and `come` counts it. Tells
    /// whether the client's side has ended.
    pub(crate) fn pause(
        &mut self,
        conn: &dyn Conn,
        until: Instant,
        room: &mut [u8],
        come: &mut usize,
    ) -> bool {
        let (device, mut gone) = (conn.device(), false);
        let _: Result<(), Stopped<Error>> = netdev::wait(
            device,
            || Some(until),
            || {
                let free = room.get_mut(*come..).unwrap_or_default();
                if !gone && !free.is_empty() {
                    match conn.try_read(free) {
                        Ok(0) | Err(nb::Error::Other(_)) => gone = true,
                        Ok(count) => *come += count,
                        Err(nb::Error::WouldBlock) => {}
                    }
                }
                self.core.round(self.others);
                Err(nb::Error::WouldBlock)
            },
        );
        // This was not the client's fault.
        self.held = None;
        gone
    }

    /// One round for the other connections. Tells when this one must have moved on.
    fn look_after_others(&mut self, device: &dyn Netdev) -> Instant {
        self.core.round(self.others);
        if !self.core.somebody_waits() {
            self.held = None;
            return NEVER;
        }
        let now = device.platform().now();
        if self.held.is_none() {
            self.held = Some(now);
            self.moved = 0;
        }
        self.held.unwrap_or(now) + self.core.limits.stall_time
    }

    /// Every [`STRETCH`] gives the client a new stretch of time.
    fn progress(&mut self, device: &dyn Netdev, side: Side, count: usize) -> usize {
        self.pace(side).progress(count);
        self.moved = self.moved.saturating_add(count);
        if self.held.is_some() && self.moved >= STRETCH {
            self.held = Some(device.platform().now());
            self.moved = 0;
        }
        count
    }
}

/// What a client has to move within each limit of time, in bytes.
pub(crate) const STRETCH: usize = 1024;
