//! Joining and leaving a network, and keeping it joined.
//!
//! ```no_run
//! use net::link::{ConnectParams, NetlinkExt};
//!
//! fn online(device: &'static dyn net::Netdev) -> Result<(), net::Error> {
//!     net::use_device(device);
//!     device.net_connect(&ConnectParams::new("home", "correct horse"))
//! }
//! ```
//!
//! [`net_connect`](NetlinkExt::net_connect) joins and is done. A [`Supervisor`] stays: it notices that
//! the link or the chip died, and brings both back.

mod join;
mod params;
mod roster;
mod supervisor;

use netdev::AccessPoint;

pub use params::{ConnectParams, DEFAULT_CONNECT_TIMEOUT, Mode};
pub use supervisor::{LinkEvent, LinkState, Supervisor};

use crate::socket::{until, wait};
use crate::{Cause, Error, Instant, Netdev, Op};
use core::time::Duration;
use join::Joiner;

pub(crate) use roster::supervised;

/// What TinyGo's `netlink` has, for every device.
pub trait NetlinkExt {
    /// Joins a network and waits for an address: the first of those named that lets us in. On a
    /// device without a link to be joined, a PC for one, there is nothing to do, which succeeds.
    ///
    /// If time runs out the chip may go on trying; calling again waits on, `net_disconnect` stops it.
    ///
    /// # Errors
    /// [`Cause::DeadlineExceeded`], or the device's: `NoSuchNetwork`, `AuthFailed`; `Unsupported` for
    /// a setting that it does not have.
    fn net_connect(&self, params: &ConnectParams<'_>) -> Result<(), Error>;

    /// As [`net_connect`](Self::net_connect), the strongest of the networks first. `found` is where
    /// the device puts what it hears.
    ///
    /// # Errors
    /// As [`net_connect`](Self::net_connect).
    fn net_connect_strongest(
        &self,
        params: &ConnectParams<'_>,
        found: &mut [AccessPoint],
    ) -> Result<(), Error>;

    /// Leaves the network; connections end. Waits at most 10 seconds. A [`Supervisor`] of this device
    /// stops.
    ///
    /// # Errors
    /// [`Cause::DeadlineExceeded`], or the device's: `Fault`.
    fn net_disconnect(&self) -> Result<(), Error>;

    /// Has the [`Supervisor`] of this device call `notify` when the link goes up or down.
    ///
    /// # Errors
    /// `Unsupported` if no supervisor was started for it: without one nobody would call.
    fn net_notify(&self, notify: fn(LinkEvent)) -> Result<(), Error>;
}

impl NetlinkExt for dyn Netdev + '_ {
    /// Inlined, so that a program whose parameters are known to be simple is not given the rest.
    #[inline(always)]
    fn net_connect(&self, params: &ConnectParams<'_>) -> Result<(), Error> {
        if params.are_simple() { connect_once(self, params) } else { connect(self, params, None) }
    }

    fn net_connect_strongest(
        &self,
        params: &ConnectParams<'_>,
        found: &mut [AccessPoint],
    ) -> Result<(), Error> {
        connect(self, params, Some(found))
    }

    fn net_disconnect(&self) -> Result<(), Error> {
        roster::of(self, |supervisor| supervisor.stand_down());
        let Some(link) = self.netlink() else { return Ok(()) };
        let deadline = Some(self.platform().now() + LEAVE);
        until(self, deadline, || link.leave()).map_err(|cause| failed(Op::Leave, cause))
    }

    fn net_notify(&self, notify: fn(LinkEvent)) -> Result<(), Error> {
        let found = roster::of(self, |supervisor| supervisor.notify(notify));
        let nobody = Cause::Device(netdev::Error::Unsupported);
        if found { Ok(()) } else { Err(failed(Op::Join, nobody)) }
    }
}

/// One network, one attempt, no settings.
fn connect_once(device: &dyn Netdev, params: &ConnectParams<'_>) -> Result<(), Error> {
    let Some(link) = device.netlink() else { return Ok(()) };
    let network = params.network(0);
    let deadline = limit(device.platform().now(), params.timeout);
    until(device, deadline, || link.join(&network)).map_err(|cause| failed(Op::Join, cause))
}

fn connect(
    device: &dyn Netdev,
    params: &ConnectParams<'_>,
    mut found: Option<&mut [AccessPoint]>,
) -> Result<(), Error> {
    let Some(link) = device.netlink() else { return Ok(()) };
    let mut joiner = Joiner::new(found.is_some());
    let mut step = |end: &mut Option<Result<(), Cause>>| {
        let now = device.platform().now();
        let found = found.as_deref_mut();
        let done = joiner.step(&mut join::Call { device, link, params, found, now });
        *end = match done {
            Err(nb::Error::WouldBlock) => None,
            Err(nb::Error::Other(cause)) => Some(Err(cause)),
            Ok(()) => Some(Ok(())),
        };
        joiner.until()
    };
    loop {
        let mut end = None;
        // The wait ends when a phase has to, which the next step sees.
        let next = step(&mut end);
        let waited = wait(device, &|| next, &mut || match end {
            Some(_) => Ok(()),
            None => {
                step(&mut end);
                end.map_or(Err(nb::Error::WouldBlock), |_| Ok(()))
            }
        });
        match (end, waited) {
            (Some(end), _) => return end.map_err(|cause| failed(Op::Join, cause)),
            (None, Err(cause)) if cause != Cause::DeadlineExceeded => {
                return Err(failed(Op::Join, cause));
            }
            (None, _) => {}
        }
    }
}

fn failed(op: Op, cause: Cause) -> Error {
    netdev::warn!("{}: {}", op.name(), Error::new(op, cause));
    Error::new(op, cause)
}

/// The moment `time` from now; `None` for no limit.
fn limit(now: Instant, time: Duration) -> Option<Instant> {
    (!time.is_zero()).then(|| now + time)
}

const LEAVE: Duration = Duration::from_secs(10);
