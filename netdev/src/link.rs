//! The link below a device: joining a network, and what happens to it.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::{Error, Fault, IpConfig};

/// The link of a device, where there is one to be joined.
///
/// Mechanism only: retries, back-off and the watchdog live in `net`, once for every driver. Like
/// [`Netdev`](crate::Netdev), no method waits, and a call that answered `WouldBlock` is repeated.
pub trait Netlink: Sync {
    /// Joins a network; `WouldBlock` until the link is up and the device has an address.
    ///
    /// # Errors
    /// `NoSuchNetwork`, `AuthFailed`, `TimedOut`, as far as the firmware tells them apart.
    fn join(&self, network: &Network<'_>) -> nb::Result<(), Error>;

    /// Leaves the network. Open connections end.
    ///
    /// # Errors
    /// Only `Fault`.
    fn leave(&self) -> nb::Result<(), Error>;

    /// How the link stands.
    ///
    /// # Errors
    /// Only `Fault`.
    fn status(&self) -> nb::Result<LinkStatus, Error>;

    /// Resets the chip; `WouldBlock` until it has booted. Its sockets and its link are gone.
    ///
    /// # Errors
    /// `Fault` if it does not come up again.
    fn reset(&self) -> nb::Result<(), Error>;

    /// The device's link address.
    ///
    /// # Errors
    /// Only `Fault`.
    fn hardware_addr(&self) -> nb::Result<HardwareAddr, Error>;

    /// The oldest event not yet taken. Pulled, never called back: no user code runs in a driver.
    fn next_event(&self) -> Option<Event>;

    // From here on the default answers `Unsupported`.

    /// Looks for networks; fills a prefix of `found` and tells its length. May end the link.
    ///
    /// # Errors
    /// `Fault`.
    fn scan(&self, found: &mut [AccessPoint]) -> nb::Result<usize, Error> {
        let _ = found;
        unsupported()
    }

    /// Strength of the network joined, in dBm.
    ///
    /// # Errors
    /// `LinkDown` without one.
    fn rssi(&self) -> nb::Result<i16, Error> {
        unsupported()
    }

    /// Opens an access point of our own; `WouldBlock` until it is up.
    ///
    /// # Errors
    /// `InvalidInput` for a name or passphrase that the firmware refuses.
    fn start_access_point(&self, settings: &AccessPointSettings<'_>) -> nb::Result<(), Error> {
        let _ = settings;
        unsupported()
    }

    /// Sets a static address; `None` returns to DHCP. Takes effect with the next join at the latest.
    ///
    /// # Errors
    /// `Unsupported` where the firmware has no way back to DHCP.
    fn set_address(&self, config: Option<&IpConfig>) -> nb::Result<(), Error> {
        let _ = config;
        unsupported()
    }

    /// Sets the name that DHCP servers are told. Takes effect with the next join at the latest.
    ///
    /// # Errors
    /// `InvalidInput` for a name that the firmware would cut.
    fn set_host_name(&self, name: &str) -> nb::Result<(), Error> {
        let _ = name;
        unsupported()
    }

    /// Sets the name servers.
    ///
    /// # Errors
    /// `InvalidInput` for more than the firmware holds.
    fn set_name_servers(&self, servers: &[IpAddr]) -> nb::Result<(), Error> {
        let _ = servers;
        unsupported()
    }

    /// Sets how much the radio sleeps.
    ///
    /// # Errors
    /// Only `Fault`.
    fn set_power(&self, mode: PowerMode) -> nb::Result<(), Error> {
        let _ = mode;
        unsupported()
    }

    /// Sends one echo request (RFC 792) and tells the round trip; `WouldBlock` until it is back.
    ///
    /// # Errors
    /// `TimedOut`.
    fn ping(&self, host: IpAddr, hop_limit: u8) -> nb::Result<Duration, Error> {
        let _ = (host, hop_limit);
        unsupported()
    }

    /// The chip's clock, in seconds since 1970-01-01 UTC; `None` until it knows.
    ///
    /// # Errors
    /// Only `Fault`.
    fn clock(&self) -> nb::Result<Option<u64>, Error> {
        unsupported()
    }
}

fn unsupported<T>() -> nb::Result<T, Error> {
    Err(nb::Error::Other(Error::Unsupported))
}

/// What to join.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Network<'a> {
    /// A Wi-Fi network.
    Wifi(Wifi<'a>),
}

impl<'a> Network<'a> {
    /// A Wi-Fi network; an empty passphrase means an open one.
    #[must_use]
    pub const fn wifi(ssid: &'a str, passphrase: &'a str) -> Self {
        Self::Wifi(Wifi { ssid, passphrase, auth: Auth::Wpa2, country: None })
    }
}

/// A Wi-Fi network to join. Made by [`Network::wifi`]; the rest has defaults.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Wifi<'a> {
    /// Name of the network, 1 to 32 bytes.
    pub ssid: &'a str,
    /// Passphrase, 8 to 63 bytes; empty for an open network.
    pub passphrase: &'a str,
    /// How the network is protected. Drivers whose firmware finds out by itself do not look at it.
    pub auth: Auth,
    /// Country whose rules the radio follows (ISO 3166-1 alpha-2).
    pub country: Option<[u8; 2]>,
}

/// The passphrase is left out.
impl fmt::Debug for Wifi<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wifi")
            .field("ssid", &self.ssid)
            .field("auth", &self.auth)
            .field("country", &self.country)
            .finish_non_exhaustive()
    }
}

/// The passphrase is left out.
#[cfg(feature = "defmt")]
impl defmt::Format for Wifi<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Wifi {{ ssid: {}, auth: {}, .. }}", self.ssid, self.auth);
    }
}

/// How a Wi-Fi network is protected.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Auth {
    /// Not at all.
    Open,
    /// WEP, broken since 2001.
    Wep,
    /// WPA.
    Wpa,
    /// WPA2.
    #[default]
    Wpa2,
    /// WPA and WPA2 side by side.
    Wpa2Mixed,
    /// WPA3.
    Wpa3,
    /// Something that the firmware reports and has no name for here.
    Other,
}

/// An access point of our own.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccessPointSettings<'a> {
    /// Name of the network, 1 to 32 bytes.
    pub ssid: &'a str,
    /// Passphrase, 8 to 63 bytes; empty for an open network.
    pub passphrase: &'a str,
    /// Radio channel.
    pub channel: u8,
}

impl<'a> AccessPointSettings<'a> {
    /// An access point on channel 1; an empty passphrase makes it an open one.
    #[must_use]
    pub const fn new(ssid: &'a str, passphrase: &'a str) -> Self {
        Self { ssid, passphrase, channel: 1 }
    }
}

/// The passphrase is left out.
impl fmt::Debug for AccessPointSettings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessPointSettings")
            .field("ssid", &self.ssid)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// The passphrase is left out.
#[cfg(feature = "defmt")]
impl defmt::Format for AccessPointSettings<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "AccessPointSettings {{ ssid: {}, channel: {}, .. }}",
            self.ssid,
            self.channel
        );
    }
}

/// A network that a scan found.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AccessPoint {
    /// Its name: the first `ssid_len` bytes count. Usually UTF-8, but nothing says it must be.
    pub ssid: [u8; 32],
    /// Length of the name.
    pub ssid_len: u8,
    /// Its link address.
    pub bssid: HardwareAddr,
    /// Radio channel.
    pub channel: u8,
    /// Strength in dBm.
    pub rssi: i16,
    /// How it is protected.
    pub auth: Auth,
}

impl AccessPoint {
    /// A place for a result, to make the array for [`Netlink::scan`] of.
    pub const EMPTY: Self = Self {
        ssid: [0; 32],
        ssid_len: 0,
        bssid: HardwareAddr([0; 6]),
        channel: 0,
        rssi: 0,
        auth: Auth::Open,
    };

    /// The bytes of its name.
    #[must_use]
    pub fn ssid(&self) -> &[u8] {
        self.ssid.get(..usize::from(self.ssid_len)).unwrap_or(&self.ssid)
    }
}

/// How a link stands.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LinkStatus {
    /// No network joined.
    Down,
    /// A join is under way.
    Joining,
    /// Joined, with an address.
    Up,
    /// Our own access point is open, with this many stations as far as the firmware tells.
    AccessPoint(u8),
}

/// How much the radio sleeps.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum PowerMode {
    /// Always on: shortest answers.
    Active,
    /// Asleep between beacons.
    Saving,
}

/// An EUI-48 link address. Prints as `24:0a:c4:01:02:03`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct HardwareAddr(pub [u8; 6]);

impl fmt::Display for HardwareAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// Something that happened to a link.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event {
    /// The link is up, with this address.
    Up(IpConfig),
    /// The link went down, and why as far as the firmware tells.
    Down(Error),
    /// The chip misbehaved; what the driver did about it stands in its documentation.
    Fault(Fault),
    /// Nobody took earlier events, and they are lost.
    Lagged,
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn a_passphrase_is_not_printed() {
        let text = format!("{:?}", Network::wifi("home", "correct horse"));
        assert!(text.contains("home") && !text.contains("horse"), "{text}");
    }

    #[test]
    fn link_addresses_print_with_colons() {
        assert_eq!(format!("{}", HardwareAddr([0x24, 0x0a, 0xc4, 1, 2, 3])), "24:0a:c4:01:02:03");
    }
}
