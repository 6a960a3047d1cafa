//! What to join, and how hard to try.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use netdev::{AccessPointSettings, Auth, IpConfig, Network};

/// How long joining one network may take, unless said otherwise.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Station or access point.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Mode {
    /// Join a network.
    #[default]
    Station,
    /// Be one.
    AccessPoint,
}

/// What to join, and how long to try. Made by [`ConnectParams::new`]; the rest has defaults.
///
/// Differs from Go: one attempt is made unless more are asked for, where TinyGo tries for ever.
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
    /// How long joining one network may take; zero means no limit.
    pub timeout: Duration,
    /// Station or access point.
    pub mode: Mode,
    /// Radio channel of an access point.
    pub channel: u8,
    /// More networks, to be tried in this order when the first cannot be joined.
    pub others: &'a [Network<'a>],
    /// How often all networks are tried again before giving up; `None` for ever. Once a
    /// [`Supervisor`](super::Supervisor) was up, it never gives up.
    pub retries: Option<u16>,
    /// Pause before the first retry. It doubles with each one, up to `longest_pause`, and is
    /// shortened at random by up to a half, so that many devices do not all come at once.
    pub pause: Duration,
    /// Longest pause between retries.
    pub longest_pause: Duration,
    /// The name that DHCP servers are told.
    pub host_name: Option<&'a str>,
    /// A static address instead of DHCP.
    pub address: Option<IpConfig>,
    /// Name servers instead of those that DHCP names.
    pub name_servers: &'a [IpAddr],
}

impl<'a> ConnectParams<'a> {
    /// A Wi-Fi network, to be joined within 10 seconds.
    #[must_use]
    pub const fn new(ssid: &'a str, passphrase: &'a str) -> Self {
        let auth = if passphrase.is_empty() { Auth::Open } else { Auth::Wpa2 };
        Self {
            ssid,
            passphrase,
            auth,
            country: None,
            timeout: DEFAULT_CONNECT_TIMEOUT,
            mode: Mode::Station,
            channel: 1,
            others: &[],
            retries: Some(0),
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            host_name: None,
            address: None,
            name_servers: &[],
        }
    }

    /// An access point of our own.
    #[must_use]
    pub const fn access_point(ssid: &'a str, passphrase: &'a str) -> Self {
        Self { mode: Mode::AccessPoint, ..Self::new(ssid, passphrase) }
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

    /// The same, on this radio channel, for an access point.
    #[must_use]
    pub const fn channel(mut self, channel: u8) -> Self {
        self.channel = channel;
        self
    }

    /// The same, with more networks behind the first. At most 31 of them count.
    #[must_use]
    pub const fn others(mut self, networks: &'a [Network<'a>]) -> Self {
        self.others = networks;
        self
    }

    /// The same, trying again so often; `None` for ever.
    #[must_use]
    pub const fn retries(mut self, retries: Option<u16>) -> Self {
        self.retries = retries;
        self
    }

    /// The same, with pauses between retries from `first` doubling to `longest`.
    #[must_use]
    pub const fn pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.pause = first;
        self.longest_pause = longest;
        self
    }

    /// The same, with this name for DHCP servers.
    #[must_use]
    pub const fn host_name(mut self, name: &'a str) -> Self {
        self.host_name = Some(name);
        self
    }

    /// The same, with this address instead of one from DHCP.
    #[must_use]
    pub const fn address(mut self, config: IpConfig) -> Self {
        self.address = Some(config);
        self
    }

    /// The same, with these name servers.
    #[must_use]
    pub const fn name_servers(mut self, servers: &'a [IpAddr]) -> Self {
        self.name_servers = servers;
        self
    }

    /// Whether one attempt to join one network is all that is asked for.
    #[inline(always)]
    pub(super) const fn are_simple(&self) -> bool {
        matches!((self.mode, self.retries), (Mode::Station, Some(0)))
            && self.others.is_empty()
            && self.name_servers.is_empty()
            && self.host_name.is_none()
            && self.address.is_none()
    }

    /// How many networks are named.
    pub(super) fn count(&self) -> usize {
        (1 + self.others.len()).min(32)
    }

    /// One of them, the first being 0.
    pub(super) fn network(&self, at: usize) -> Network<'a> {
        let mut network = Network::wifi(self.ssid, self.passphrase);
        if let Network::Wifi(wifi) = &mut network {
            wifi.auth = self.auth;
            wifi.country = self.country;
        }
        at.checked_sub(1).and_then(|at| self.others.get(at)).copied().unwrap_or(network)
    }

    pub(super) const fn own_access_point(&self) -> AccessPointSettings<'a> {
        let mut settings = AccessPointSettings::new(self.ssid, self.passphrase);
        settings.channel = self.channel;
        settings
    }
}

/// The passphrase is left out.
impl fmt::Debug for ConnectParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectParams")
            .field("mode", &self.mode)
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
