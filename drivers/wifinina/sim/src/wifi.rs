//! The radio: joining, losing and leaving networks, and what the chip remembers of them.

use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;

use crate::config::AccessPoint;
use crate::persona::Persona;

pub(crate) const NO_SSID_AVAIL: u8 = 1;
pub(crate) const SCAN_COMPLETED: u8 = 2;
pub(crate) const CONNECTED: u8 = 3;
const CONNECT_FAILED: u8 = 4;
const CONNECTION_LOST: u8 = 5;
const DISCONNECTED: u8 = 6;
const AP_LISTENING: u8 = 7;
const AP_FAILED: u8 = 9;

const REASON_ASSOC_LEAVE: u8 = 8;
const REASON_HANDSHAKE: u8 = 15;
const REASON_BEACON_TIMEOUT: u8 = 200;
const REASON_NO_AP_FOUND: u8 = 201;
const REASON_AUTH_FAIL: u8 = 202;
const REASON_ASSOC_FAIL: u8 = 203;

/// Addresses of an interface.
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
}

/// What the radio did, for those who have to close sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Up,
    Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Associated(usize),
    GotAddress,
    Refused(u8),
    AddressLost,
}

/// How long the steps take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(crate) association: Duration,
    pub(crate) dhcp: Duration,
    pub(crate) address_kept: Duration,
}

pub(crate) struct Wifi {
    pub(crate) status: u8,
    pub(crate) reason: u8,
    /// The last addresses known; not cleared by a disconnect.
    pub(crate) ip: IpInfo,
    pub(crate) static_ip: Option<IpInfo>,
    pub(crate) dns: [Ipv4Addr; 2],
    pub(crate) own_ap: Option<OwnAp>,
    networks: Vec<AccessPoint>,
    associated: Option<usize>,
    events: Vec<(Instant, Event)>,
    credentials: (Vec<u8>, Vec<u8>),
    lease: IpInfo,
    timing: Timing,
    persona: &'static Persona,
}

/// The access point that the chip itself is.
#[derive(Clone, Debug)]
pub(crate) struct OwnAp {
    pub(crate) ssid: Vec<u8>,
    pub(crate) protected: bool,
}

impl Wifi {
    pub(crate) fn new(
        persona: &'static Persona,
        networks: Vec<AccessPoint>,
        lease: IpInfo,
        timing: Timing,
    ) -> Self {
        Self {
            status: persona.boot_status,
            reason: persona.boot_reason,
            ip: IpInfo::NONE,
            static_ip: None,
            dns: [Ipv4Addr::UNSPECIFIED; 2],
            own_ap: None,
            networks,
            associated: None,
            events: Vec::new(),
            credentials: (Vec::new(), Vec::new()),
            lease,
            timing,
            persona,
        }
    }

    /// As after a boot.
    pub(crate) fn reset(&mut self) {
        let networks = core::mem::take(&mut self.networks);
        *self = Self::new(self.persona, networks, self.lease, self.timing);
    }

    /// Starts to join; says whether a link had to be given up for it. With one, the status is 6
    /// between 1 and the end.
    pub(crate) fn join(
        &mut self,
        ssid: Vec<u8>,
        passphrase: Vec<u8>,
        from: Instant,
    ) -> Option<Change> {
        self.status = NO_SSID_AVAIL;
        let change = self.stop(from);
        self.credentials = (ssid, passphrase);
        self.attempt(from);
        change
    }

    fn attempt(&mut self, from: Instant) {
        let (ssid, passphrase) = &self.credentials;
        let found = self.networks.iter().position(|ap| ap.ssid.as_bytes() == ssid.as_slice());
        let event = match found.map(|index| (index, self.networks.get(index))) {
            Some((index, Some(ap)))
                if ap.passphrase.is_empty()
                    || ap.passphrase.as_bytes() == passphrase.as_slice() =>
            {
                Event::Associated(index)
            }
            Some(_) if passphrase.is_empty() => Event::Refused(REASON_AUTH_FAIL),
            Some(_) => Event::Refused(REASON_HANDSHAKE),
            None => Event::Refused(REASON_NO_AP_FOUND),
        };
        self.events.push((from + self.timing.association, event));
    }

    /// Stops the radio: a station's link and a running access point end.
    pub(crate) fn stop(&mut self, now: Instant) -> Option<Change> {
        if self.own_ap.take().is_some() {
            self.ip = IpInfo::NONE;
            if self.persona.access_point_status && self.status != NO_SSID_AVAIL {
                self.status = 0;
            }
            return Some(Change::Down);
        }
        let joining = self.events.iter().any(|(_, event)| *event != Event::AddressLost);
        self.events.retain(|(_, event)| *event == Event::AddressLost);
        let linked = self.associated.is_some();
        if linked || joining {
            self.disconnected(REASON_ASSOC_LEAVE, now);
        }
        linked.then_some(Change::Down)
    }

    /// The link breaks, for `reason`.
    pub(crate) fn drop_link(&mut self, reason: u8, now: Instant) -> Option<Change> {
        self.associated?;
        self.events.clear();
        self.disconnected(reason, now);
        if reason == REASON_ASSOC_FAIL {
            self.attempt(now);
        }
        Some(Change::Down)
    }

    /// Hears other networks from now on.
    pub(crate) fn set_networks(
        &mut self,
        networks: Vec<AccessPoint>,
        now: Instant,
    ) -> Option<Change> {
        let old = self.network().map(|network| network.ssid.clone());
        self.networks = networks;
        let still = self.networks.iter().position(|network| Some(&network.ssid) == old.as_ref());
        if self.associated.is_some() && still.is_none() {
            return self.drop_link(REASON_BEACON_TIMEOUT, now);
        }
        self.associated = self.associated.and(still);
        None
    }

    fn disconnected(&mut self, reason: u8, now: Instant) {
        let linked = self.associated.take().is_some();
        self.reason = reason;
        self.status = match reason {
            REASON_NO_AP_FOUND | REASON_AUTH_FAIL => CONNECT_FAILED,
            _ => DISCONNECTED,
        };
        if linked && self.ip != IpInfo::NONE {
            self.events.push((now + self.timing.address_kept, Event::AddressLost));
        }
    }

    /// Lets what was due by `now` happen.
    pub(crate) fn advance(&mut self, now: Instant) -> Option<Change> {
        let mut change = None;
        while let Some(due) = self.next_event().filter(|at| *at <= now) {
            let Some(index) = self.events.iter().position(|(at, _)| *at == due) else { break };
            let (at, event) = self.events.remove(index);
            change = self.happen(event, at).or(change);
        }
        change
    }

    fn happen(&mut self, event: Event, at: Instant) -> Option<Change> {
        match event {
            Event::Associated(index) => {
                self.associated = Some(index);
                self.reason = 0;
                self.events.retain(|(_, event)| *event != Event::AddressLost);
                if let Some(ip) = self.static_ip {
                    self.ip = ip;
                    self.status = CONNECTED;
                    return Some(Change::Up);
                }
                self.events.push((at + self.timing.dhcp, Event::GotAddress));
                None
            }
            Event::GotAddress => {
                self.ip = self.lease;
                self.dns = [self.lease.gateway, Ipv4Addr::UNSPECIFIED];
                self.status = CONNECTED;
                Some(Change::Up)
            }
            Event::Refused(reason) => {
                self.disconnected(reason, at);
                None
            }
            Event::AddressLost => {
                self.ip = IpInfo::NONE;
                self.status = CONNECTION_LOST;
                None
            }
        }
    }

    /// The earliest moment at which something will happen by itself.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        self.events.iter().map(|(at, _)| *at).min()
    }

    /// A static address, from now on and until the next reset. All name servers are forgotten.
    pub(crate) fn set_static(&mut self, ip: IpInfo) {
        self.static_ip = Some(ip);
        self.dns = [Ipv4Addr::UNSPECIFIED; 2];
        if self.associated.is_some() || self.own_ap.is_some() {
            self.ip = ip;
        }
    }

    /// Becomes an access point; `false` if the parameters do not do.
    pub(crate) fn start_ap(&mut self, ssid: Vec<u8>, passphrase: Option<&[u8]>) -> bool {
        if ssid.is_empty() || passphrase.is_some_and(|pass| pass.len() < 8) {
            if self.persona.access_point_status {
                self.status = AP_FAILED;
            }
            return false;
        }
        let own = Ipv4Addr::new(192, 168, 4, 1);
        let mask = Ipv4Addr::new(255, 255, 255, 0);
        self.ip = self.static_ip.unwrap_or(IpInfo { addr: own, mask, gateway: own });
        self.own_ap = Some(OwnAp { ssid, protected: passphrase.is_some() });
        if self.persona.access_point_status {
            self.status = AP_LISTENING;
        }
        true
    }

    /// The network that the station is in.
    pub(crate) fn network(&self) -> Option<&AccessPoint> {
        self.networks.get(self.associated?)
    }

    /// What a scan finds: hidden networks are skipped.
    pub(crate) fn visible(&self) -> Vec<AccessPoint> {
        let limit = usize::from(self.persona.scan_limit);
        self.networks.iter().filter(|ap| !ap.ssid.is_empty()).take(limit).cloned().collect()
    }

    pub(crate) fn lease(&self) -> IpInfo {
        self.lease
    }
}
