//! Joining and leaving a network.
//!
//! ```no_run
//! use net::link::{ConnectParams, NetlinkExt};
//!
//! fn online(device: &'static dyn net::Netdev) -> Result<(), net::Error> {
//!     net::use_device(device);
//!     device.net_connect(&ConnectParams::new("home", "correct horse"))
//! }
//! ```

use core::fmt;
use core::time::Duration;

use netdev::{Auth, Network};

use crate::socket::until;
use crate::{Cause, Error, Instant, Netdev, Op};

/// What to join, and how long to try. Made by [`ConnectParams::new`]; the rest has defaults.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConnectParams<'a> {
    /// Name of the network, 1 to 32 bytes.
    pub ssid: &'a str,
    /// Passphrase, 8 to 63 bytes; empty for an open network.
    pub passphrase: &'a str,
    /// How the network is protected, for devices whose firmware does not find out by itself.
    pub auth: Auth,
    /// Country whose rules the radio follows (ISO 3166-1 alpha-2).
    pub country: Option<[u8; 2]>,
    /// How long joining may take; zero means no limit.
    pub timeout: Duration,
}

impl<'a> ConnectParams<'a> {
    /// A Wi-Fi network, to be joined within 10 seconds.
    #[must_use]
    pub const fn new(ssid: &'a str, passphrase: &'a str) -> Self {
        let auth = if passphrase.is_empty() { Auth::Open } else { Auth::Wpa2 };
        Self { ssid, passphrase, auth, country: None, timeout: Duration::from_secs(10) }
    }

    /// The same, with another limit; zero means none.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The same, protected in this way.
    #[must_use]
    pub const fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// The same, by the rules of this country.
    #[must_use]
    pub const fn country(mut self, country: [u8; 2]) -> Self {
        self.country = Some(country);
        self
    }

    fn network(&self) -> Network<'a> {
        let mut network = Network::wifi(self.ssid, self.passphrase);
        if let Network::Wifi(wifi) = &mut network {
            wifi.auth = self.auth;
            wifi.country = self.country;
        }
        network
    }
}

/// The passphrase is left out.
impl fmt::Debug for ConnectParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectParams")
            .field("ssid", &self.ssid)
            .field("auth", &self.auth)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// The passphrase is left out.
#[cfg(feature = "defmt")]
impl defmt::Format for ConnectParams<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "ConnectParams {{ ssid: {}, auth: {}, .. }}", self.ssid, self.auth);
    }
}

/// What TinyGo's `netlink` has, for every device.
pub trait NetlinkExt {
    /// Joins a network and waits for an address. On a device without a link to be joined, a PC for
    /// one, there is nothing to do, which succeeds.
    ///
    /// If time runs out the chip may go on trying; calling again waits on, `net_disconnect` stops it.
    ///
    /// # Errors
    /// [`Cause::DeadlineExceeded`], or the device's: `NoSuchNetwork`, `AuthFailed`.
    fn net_connect(&self, params: &ConnectParams<'_>) -> Result<(), Error>;

    /// Leaves the network; connections end. Waits at most 10 seconds.
    ///
    /// # Errors
    /// [`Cause::DeadlineExceeded`], or the device's: `Fault`.
    fn net_disconnect(&self) -> Result<(), Error>;
}

impl NetlinkExt for dyn Netdev + '_ {
    fn net_connect(&self, params: &ConnectParams<'_>) -> Result<(), Error> {
        let Some(link) = self.netlink() else { return Ok(()) };
        let network = params.network();
        let deadline = limit(self, params.timeout);
        until(self, deadline, || link.join(&network)).map_err(|cause| failed(Op::Join, cause))
    }

    fn net_disconnect(&self) -> Result<(), Error> {
        let Some(link) = self.netlink() else { return Ok(()) };
        let deadline = limit(self, LEAVE);
        until(self, deadline, || link.leave()).map_err(|cause| failed(Op::Leave, cause))
    }
}

fn limit(device: &dyn Netdev, time: Duration) -> Option<Instant> {
    (!time.is_zero()).then(|| device.platform().now() + time)
}

fn failed(op: Op, cause: Cause) -> Error {
    netdev::warn!("{}: {}", op.name(), Error::new(op, cause));
    Error::new(op, cause)
}

const LEAVE: Duration = Duration::from_secs(10);
