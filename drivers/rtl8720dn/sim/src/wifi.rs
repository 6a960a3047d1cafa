//! The radio: networks in reach, joining and losing them, scans, the chip's own access point.

use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;

use crate::callback::Event;
use crate::config::{AccessPoint, Config};

/// Modes of the radio.
pub(crate) const NONE: u32 = 0;
pub(crate) const STATION: u32 = 1;
pub(crate) const ACCESS_POINT: u32 = 2;
pub(crate) const BOTH: u32 = 3;

const REASON_NO_AP: u8 = 201;
const REASON_AUTH: u8 = 202;
const REASON_HANDSHAKE: u8 = 204;
const REASON_LEFT: u8 = 205;

pub(crate) const NO_ERROR: i32 = 0;
const NO_NETWORK: i32 = 1;
const CONNECT_FAILED: i32 = 2;
const WRONG_PASSWORD: i32 = 3;
pub(crate) const DHCP_FAILED: i32 = 4;
const UNKNOWN: i32 = 5;

/// Addresses of an interface, in the order of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IpInfo {
    pub(crate) addr: Ipv4Addr,
    pub(crate) mask: Ipv4Addr,
    pub(crate) gateway: Ipv4Addr,
}

impl IpInfo {
    pub(crate) const NONE: Self = Self {
        addr: Ipv4Addr::UNSPECIFIED,
        mask: Ipv4Addr::UNSPECIFIED,
        gateway: Ipv4Addr::UNSPECIFIED,
    };
    /// What the DHCP client takes when no server answers.
    pub(crate) const FALLBACK: Self = Self {
        addr: Ipv4Addr::new(192, 168, 1, 80),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        gateway: Ipv4Addr::new(192, 168, 1, 1),
    };
    /// The chip's own access point.
    const OWN: Self = Self {
        addr: Ipv4Addr::new(192, 168, 1, 1),
        mask: Ipv4Addr::new(255, 255, 255, 0),
        gateway: Ipv4Addr::new(192, 168, 1, 1),
    };

    /// What a DHCP server would have given with `addr`.
    pub(crate) fn leased(addr: Ipv4Addr, network: Option<(Ipv4Addr, Ipv4Addr)>) -> Self {
        if let Some((gateway, mask)) = network {
            return Self { addr, mask, gateway };
        }
        if addr.is_loopback() {
            return Self { addr, mask: Ipv4Addr::new(255, 0, 0, 0), gateway: addr };
        }
        let [a, b, c, d] = addr.octets();
        let gateway = Ipv4Addr::new(a, b, c, if d == 1 { 254 } else { 1 });
        Self { addr, mask: Ipv4Addr::new(255, 255, 255, 0), gateway }
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let mut words = bytes.chunks_exact(4).map(|word| match *word {
            [a, b, c, d] => Ipv4Addr::new(a, b, c, d),
            _ => Ipv4Addr::UNSPECIFIED,
        });
        let mut next = || words.next().unwrap_or(Ipv4Addr::UNSPECIFIED);
        Self { addr: next(), mask: next(), gateway: next() }
    }

    pub(crate) fn bytes(self) -> [u8; 12] {
        let mut all = [0; 12];
        let words = [self.addr.octets(), self.mask.octets(), self.gateway.octets()];
        all.iter_mut().zip(words.iter().flatten()).for_each(|(to, byte)| *to = *byte);
        all
    }
}

/// Whom to join, and with what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Credentials {
    pub(crate) ssid: Vec<u8>,
    pub(crate) bssid: Option<Vec<u8>>,
    pub(crate) passphrase: Option<Vec<u8>>,
    pub(crate) security: u32,
}

/// The access point that the chip itself is.
#[derive(Clone, Debug)]
pub(crate) struct OwnAp {
    pub(crate) ssid: Vec<u8>,
    pub(crate) passphrase: Vec<u8>,
    pub(crate) security: u32,
    pub(crate) channel: u8,
    pub(crate) stations: u8,
}

struct Network {
    ap: AccessPoint,
    there: bool,
}

pub(crate) struct Wifi {
    pub(crate) running: bool,
    pub(crate) mode: u32,
    pub(crate) last_error: i32,
    pub(crate) autoreconnect: u8,
    /// Of the station and of the access point.
    pub(crate) ip: [IpInfo; 2],
    pub(crate) dns: [Ipv4Addr; 2],
    pub(crate) own_ap: Option<OwnAp>,
    pub(crate) found: Vec<AccessPoint>,
    pub(crate) dhcp_answers: bool,
    /// What the host has not been told yet.
    pub(crate) events: Vec<Event>,
    networks: Vec<Network>,
    joined: Option<usize>,
    /// Of the last join that worked; kept for joining again.
    pub(crate) credentials: Option<Credentials>,
    scan_ends: Option<Instant>,
    rejoins_at: Option<Instant>,
    lease: IpInfo,
    scan: Duration,
    association: Duration,
}

impl Wifi {
    pub(crate) fn new(config: &Config, lease: IpInfo) -> Self {
        let networks = config.access_points.iter();
        Self {
            running: true,
            mode: NONE,
            last_error: UNKNOWN,
            autoreconnect: 0,
            ip: [IpInfo::NONE, IpInfo::OWN],
            dns: [Ipv4Addr::UNSPECIFIED; 2],
            own_ap: None,
            found: Vec::new(),
            dhcp_answers: !config.dhcp_is_silent,
            events: Vec::new(),
            networks: networks.map(|ap| Network { ap: ap.clone(), there: true }).collect(),
            joined: None,
            credentials: None,
            scan_ends: None,
            rejoins_at: None,
            lease,
            scan: config.scan,
            association: config.association,
        }
    }

    /// As after a boot: the driver runs, in no mode (which is why `wifi_off` comes before
    /// `wifi_on`). The world around the chip is as before.
    pub(crate) fn reset(&mut self) {
        self.running = true;
        self.mode = NONE;
        self.last_error = UNKNOWN;
        self.autoreconnect = 0;
        self.ip = [IpInfo::NONE, IpInfo::OWN];
        self.dns = [Ipv4Addr::UNSPECIFIED; 2];
        self.own_ap = None;
        self.found.clear();
        self.events.clear();
        self.joined = None;
        self.credentials = None;
        self.scan_ends = None;
        self.rejoins_at = None;
    }

    /// `false` if it runs already; then nothing changes.
    pub(crate) fn on(&mut self, mode: u32) -> bool {
        if self.running {
            return false;
        }
        self.running = true;
        self.mode = mode;
        if matches!(mode, STATION | BOTH) {
            self.events.push(Event::STA_START);
        }
        true
    }

    pub(crate) fn off(&mut self) {
        self.leave();
        self.stop_ap();
        self.scan_ends = None;
        self.running = false;
        self.mode = NONE;
    }

    pub(crate) fn is_station(&self) -> bool {
        self.running && matches!(self.mode, STATION | BOTH)
    }

    pub(crate) fn may_be_ap(&self) -> bool {
        self.running && matches!(self.mode, ACCESS_POINT | BOTH)
    }

    /// Whether a join with these would work now; if not, the firmware's error and the reason.
    pub(crate) fn prospect(&self, wanted: &Credentials) -> Result<usize, (i32, u8)> {
        let fits = |network: &&Network| {
            let named = network.ap.ssid.as_bytes() == wanted.ssid.as_slice();
            let addressed = |bssid: &Vec<u8>| network.ap.bssid.as_slice() == bssid.as_slice();
            network.there && wanted.bssid.as_ref().map_or(named, addressed)
        };
        let index = self.networks.iter().position(|network| fits(&network));
        let Some((index, ap)) = index.and_then(|at| Some((at, &self.networks.get(at)?.ap))) else {
            return Err((NO_NETWORK, REASON_NO_AP));
        };
        let open = ap.passphrase.is_empty();
        if open != (wanted.security == 0) {
            return Err((CONNECT_FAILED, REASON_AUTH));
        }
        let right = wanted.passphrase.as_deref() == Some(ap.passphrase.as_bytes());
        if open || right { Ok(index) } else { Err((WRONG_PASSWORD, REASON_HANDSHAKE)) }
    }

    /// The end of a join: it worked, or it did not.
    pub(crate) fn join(&mut self, wanted: Credentials) -> bool {
        self.rejoins_at = None;
        match self.prospect(&wanted) {
            Ok(index) => {
                self.joined = Some(index);
                self.last_error = NO_ERROR;
                self.credentials = Some(wanted);
                if let Some(network) = self.networks.get(index) {
                    let event = Event::connected(&network.ap);
                    self.tell_station(event);
                }
                true
            }
            Err((error, reason)) => {
                self.last_error = error;
                self.tell_station(Event::disconnected(&wanted.ssid, [0; 6], reason));
                false
            }
        }
    }

    /// Gives the network up; `false` if there was none.
    pub(crate) fn leave(&mut self) -> bool {
        self.rejoins_at = None;
        let Some(network) = self.joined.take().and_then(|index| self.networks.get(index)) else {
            return false;
        };
        let ssid = network.ap.ssid.clone();
        let event = Event::disconnected(ssid.as_bytes(), network.ap.bssid, REASON_LEFT);
        self.tell_station(event);
        true
    }

    /// Only a chip in station mode and nothing else speaks of connections.
    fn tell_station(&mut self, event: Event) {
        if self.mode == STATION {
            self.events.push(event);
        }
    }

    /// An access point goes away, or all of them.
    pub(crate) fn vanish(&mut self, ssid: Option<&str>) {
        for network in &mut self.networks {
            network.there &= ssid.is_some_and(|ssid| network.ap.ssid != ssid);
        }
        let lost = |index: &usize| self.networks.get(*index).is_none_or(|it| !it.there);
        if self.joined.as_ref().is_some_and(lost) {
            self.joined = None;
            self.last_error = NO_NETWORK;
            self.tell_station(Event::STA_LOST);
        }
    }

    /// An access point is there again, or all of them.
    pub(crate) fn come_back(&mut self, ssid: Option<&str>, now: Instant) {
        for network in &mut self.networks {
            network.there |= ssid.is_none_or(|ssid| network.ap.ssid == ssid);
        }
        if self.joined.is_none() && self.autoreconnect != 0 && self.credentials.is_some() {
            self.rejoins_at = Some(now + self.association);
        }
    }

    /// The address comes; `false` if none does.
    pub(crate) fn lease(&mut self) -> bool {
        let served = self.joined.is_some() && self.dhcp_answers;
        let ip = if served { self.lease } else { IpInfo::FALLBACK };
        self.set_ip(ip);
        if served {
            self.dns = [ip.gateway, Ipv4Addr::UNSPECIFIED];
        } else {
            self.last_error = DHCP_FAILED;
        }
        self.events.push(Event::got_ip(ip.addr, ip.mask, ip.gateway));
        served
    }

    pub(crate) fn set_ip(&mut self, ip: IpInfo) {
        let [station, _] = &mut self.ip;
        *station = ip;
    }

    /// There is a way out for packets.
    pub(crate) fn online(&self) -> bool {
        let [station, _] = &self.ip;
        let leased = *station != IpInfo::NONE && *station != IpInfo::FALLBACK;
        (self.joined.is_some() && leased) || self.own_ap.is_some()
    }

    /// The network that the station is in.
    pub(crate) fn network(&self) -> Option<&AccessPoint> {
        self.networks.get(self.joined?).map(|network| &network.ap)
    }

    pub(crate) fn start_scan(&mut self, now: Instant) -> bool {
        let starts = self.running && self.mode != NONE;
        if starts {
            self.scan_ends = Some(now + self.scan);
        }
        starts
    }

    pub(crate) fn is_scanning(&self) -> bool {
        self.scan_ends.is_some()
    }

    pub(crate) fn start_ap(&mut self, ap: OwnAp) {
        self.own_ap = Some(ap);
        self.events.push(Event::AP_START);
    }

    pub(crate) fn stop_ap(&mut self) {
        if self.own_ap.take().is_some() {
            self.events.push(Event::AP_STOP);
        }
    }

    /// A station joins the chip's own access point, or leaves it.
    pub(crate) fn set_station(&mut self, there: bool) {
        if let Some(own) = &mut self.own_ap {
            own.stations = u8::from(there);
            let event = if there { Event::AP_STACONNECTED } else { Event::AP_STADISCONNECTED };
            self.events.push(event);
        }
    }

    /// The earliest moment at which something will happen by itself.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        [self.scan_ends, self.rejoins_at].into_iter().flatten().min()
    }

    /// Lets happen what was due by `now`.
    pub(crate) fn advance(&mut self, now: Instant) {
        if self.scan_ends.is_some_and(|at| at <= now) {
            self.scan_ends = None;
            let there = self.networks.iter().filter(|network| network.there);
            self.found = there.map(|network| network.ap.clone()).take(SCAN_MAX).collect();
            self.events.push(Event::SCAN_DONE);
        }
        if self.rejoins_at.is_some_and(|at| at <= now) {
            self.rejoins_at = None;
            if let Some(credentials) = self.credentials.clone()
                && self.join(credentials)
            {
                self.lease();
            }
        }
    }
}

/// Networks that the firmware remembers of a scan.
const SCAN_MAX: usize = 60;
