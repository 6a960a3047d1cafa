//! The radio as a station: joining, losing and finding networks.

use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;

use crate::config::{AccessPoint, Config};
use crate::firmware::Firmware;
use crate::links::{Kind, LINKS};
use crate::literals;
use crate::passthrough::Pass;
use crate::settings::{Credentials, Ram};
use crate::worker::Job;

/// Addresses of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IpInfo {
    pub(crate) addr: Ipv4Addr,
    pub(crate) gateway: Ipv4Addr,
    pub(crate) mask: Ipv4Addr,
}

impl IpInfo {
    pub(crate) const NONE: Self = Self {
        addr: Ipv4Addr::UNSPECIFIED,
        gateway: Ipv4Addr::UNSPECIFIED,
        mask: Ipv4Addr::UNSPECIFIED,
    };

    /// What a DHCP server would have given with `addr`.
    pub(crate) fn leased(addr: Ipv4Addr, network: Option<(Ipv4Addr, Ipv4Addr)>) -> Self {
        if let Some((gateway, mask)) = network {
            return Self { addr, gateway, mask };
        }
        if addr.is_loopback() {
            return Self { addr, gateway: addr, mask: Ipv4Addr::new(255, 0, 0, 0) };
        }
        let [a, b, c, _] = addr.octets();
        let gateway = Ipv4Addr::new(a, b, c, 1);
        Self { addr, gateway, mask: Ipv4Addr::new(255, 255, 255, 0) }
    }
}

/// Why a join failed: the number in `+CWJAP:`.
const TIMED_OUT: u8 = 1;
const WRONG_PASSWORD: u8 = 2;
const NOT_FOUND: u8 = 3;

pub(crate) struct Wifi {
    points: Vec<(AccessPoint, bool)>,
    leases: bool,
    association: Duration,
    dhcp: Duration,
    state: State,
    /// What is joined, or tried, or lost.
    target: Option<Credentials>,
    /// Attempts that are left; `None`: without end.
    attempts: Option<u32>,
    joined_before: bool,
    linked_before: bool,
    /// Who is in our own access point.
    pub(crate) guests: Vec<([u8; 6], Ipv4Addr)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing was tried since the start.
    Never,
    /// An attempt ends then.
    Associating(Instant),
    /// Associated with that network; the address comes then, if ever.
    Leasing(usize, Option<Instant>),
    Up(usize),
    /// The next attempt begins then.
    Waiting(Instant),
    Down,
}

impl Wifi {
    pub(crate) fn new(config: &mut Config) -> Self {
        let points = core::mem::take(&mut config.access_points);
        Self {
            points: points.into_iter().map(|point| (point, true)).collect(),
            leases: true,
            association: config.association,
            dhcp: config.dhcp,
            state: State::Never,
            target: None,
            attempts: None,
            joined_before: false,
            linked_before: false,
            guests: Vec::new(),
        }
    }

    pub(crate) fn start(&mut self, ram: &Ram) {
        self.state = State::Never;
        self.target = ram.stored.station.clone();
        self.attempts = None;
        self.joined_before = false;
        self.linked_before = false;
        self.guests.clear();
    }

    pub(crate) fn next_event(&self) -> Option<Instant> {
        match self.state {
            State::Associating(at) | State::Leasing(_, Some(at)) | State::Waiting(at) => Some(at),
            State::Never | State::Leasing(_, None) | State::Up(_) | State::Down => None,
        }
    }

    pub(crate) fn set_leases(&mut self, given: bool, now: Instant) {
        self.leases = given;
        if let State::Leasing(_, at) = &mut self.state {
            *at = given.then(|| now + self.dhcp);
        }
    }

    pub(crate) fn set_in_reach(&mut self, ssid: Option<&str>, in_reach: bool) {
        for (point, reachable) in &mut self.points {
            if ssid.is_none_or(|ssid| ssid == point.ssid) {
                *reachable = in_reach;
            }
        }
    }

    pub(crate) fn note_link(&mut self) {
        self.linked_before = true;
    }

    /// The networks in reach, as a scan finds them.
    pub(crate) fn in_reach(&self) -> Vec<AccessPoint> {
        self.points.iter().filter(|(_, here)| *here).map(|(point, _)| point.clone()).collect()
    }

    /// The network that the station is in.
    pub(crate) fn joined(&self) -> Option<&AccessPoint> {
        match self.state {
            State::Leasing(point, _) | State::Up(point) => Some(&self.points.get(point)?.0),
            _ => None,
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// As `AT+CWSTATE?` counts.
    pub(crate) fn state_number(&self) -> u8 {
        match self.state {
            State::Never => 0,
            State::Leasing(..) => 1,
            State::Up(_) => 2,
            State::Associating(_) | State::Waiting(_) => 3,
            State::Down => 4,
        }
    }

    /// As `AT+CIPSTATUS` counts, without regard to links.
    pub(crate) fn status_number(&self) -> u8 {
        match self.state {
            State::Up(_) if self.linked_before => 4,
            State::Up(_) => 2,
            State::Never if !self.joined_before => 1,
            _ => 5,
        }
    }

    /// Which network an attempt ends up in.
    fn attempt(&self) -> Result<usize, u8> {
        let target = self.target.as_ref().ok_or(NOT_FOUND)?;
        let named = |point: &AccessPoint| {
            point.ssid.as_bytes() == target.ssid
                && target.bssid.is_none_or(|bssid| bssid == point.bssid)
        };
        let mut found = self.points.iter().enumerate().filter(|(_, (it, here))| *here && named(it));
        let (index, (point, _)) = found.next().ok_or(NOT_FOUND)?;
        let right = point.passphrase.as_bytes() == target.passphrase;
        if right || point.passphrase.is_empty() { Ok(index) } else { Err(WRONG_PASSWORD) }
    }
}

impl Firmware {
    /// The station's address.
    pub(crate) fn address(&self) -> IpInfo {
        let given = self.ram.stored.static_address;
        match given {
            Some(address) => address,
            None if self.wifi.is_up() => self.setup.lease,
            None => IpInfo::NONE,
        }
    }

    /// There is a way to a network.
    pub(crate) fn is_online(&self) -> bool {
        self.wifi.is_up() || self.ram.stored.wifi_mode & 2 != 0
    }

    pub(crate) fn auto_connect(&mut self) {
        let wanted = self.nvs.auto_connect && self.ram.stored.wifi_mode & 1 != 0;
        if wanted && self.ram.stored.station.is_some() {
            self.begin_join(self.ram.stored.station.clone(), self.ram.stored.reconnect.1);
        }
    }

    pub(crate) fn begin_join(&mut self, target: Option<Credentials>, attempts: u32) {
        self.leave();
        self.wifi.target = target;
        self.wifi.attempts = (attempts > 0).then_some(attempts);
        self.wifi.state = State::Associating(self.now + self.wifi.association);
    }

    /// Out of the network, if the station is in one, and no more attempts.
    pub(crate) fn leave(&mut self) {
        let joined = self.wifi.joined().is_some();
        if self.wifi.state != State::Never {
            self.wifi.state = State::Down;
        }
        if joined {
            self.disconnected();
        }
    }

    /// Some access point went out of reach.
    pub(crate) fn access_point_lost(&mut self) {
        let (State::Leasing(point, _) | State::Up(point)) = self.wifi.state else { return };
        if self.wifi.points.get(point).is_none_or(|(_, here)| *here) {
            return;
        }
        let interval = self.ram.stored.reconnect.0;
        self.wifi.state = match interval {
            0 => State::Down,
            _ => State::Waiting(self.now + Duration::from_secs(interval)),
        };
        self.wifi.attempts = Some(self.ram.stored.reconnect.1).filter(|count| *count > 0);
        self.disconnected();
    }

    /// The network is gone: that is said, and links close.
    fn disconnected(&mut self) {
        let first = self.race();
        if first {
            self.close_streams();
        }
        self.say_wifi(literals::WIFI_DISCONNECT);
        if !first {
            self.close_streams();
        }
    }

    fn close_streams(&mut self) {
        for id in 0..LINKS {
            let keeps = self.persona.keeps_unread && (self.ram.persist || self.is_passive(id));
            let persists = self.ram.persist;
            let Some(link) = self.open_link(id).filter(|link| link.kind == Kind::Tcp) else {
                continue;
            };
            if keeps && (persists || link.available() > 0) {
                link.ended = true;
                if let Some(sock) = link.sock.take() {
                    self.stack.abort(sock);
                }
            } else {
                self.close_link(id);
            }
        }
    }

    pub(crate) fn say_wifi(&mut self, line: &[u8]) {
        if self.speaks_while_passing() {
            self.say(line);
        }
    }

    /// Whether lines about the state of things may be said now.
    pub(crate) fn speaks_while_passing(&self) -> bool {
        !Pass::is_on(&self.mode) || self.ram.stored.sysmsg & 4 != 0
    }

    /// The radio moves on; whether something happened.
    pub(crate) fn poll_wifi(&mut self) -> bool {
        match self.wifi.state {
            State::Associating(at) if at <= self.now => self.associated(at),
            State::Leasing(point, Some(at)) if at <= self.now => {
                self.wifi.state = State::Up(point);
                self.wifi.joined_before = true;
                self.say_wifi(literals::WIFI_GOT_IP);
                if let Some(Job::Join { .. }) = self.job {
                    self.job = None;
                    self.say(literals::OK);
                }
                if self.ram.stored.ipv6 {
                    self.say_wifi(b"WIFI GOT IPv6 LL\r\n");
                }
            }
            State::Waiting(at) if at <= self.now => {
                self.wifi.state = State::Associating(at + self.wifi.association);
            }
            _ => return false,
        }
        true
    }

    fn associated(&mut self, at: Instant) {
        match self.wifi.attempt() {
            Ok(point) => {
                let fixed = self.ram.stored.static_address.is_some();
                let lease = if fixed { Some(at) } else { Some(at + self.wifi.dhcp) };
                self.wifi.state =
                    State::Leasing(point, lease.filter(|_| fixed || self.wifi.leases));
                self.say_wifi(literals::WIFI_CONNECTED);
            }
            Err(code) if matches!(self.job, Some(Job::Join { .. })) => self.join_failed(code),
            Err(_) => {
                let left = self.wifi.attempts.map(|count| count.saturating_sub(1));
                self.wifi.attempts = left;
                let interval = self.ram.stored.reconnect.0;
                self.wifi.state = match (left, interval) {
                    (Some(0), _) | (_, 0) => State::Down,
                    _ => State::Waiting(at + Duration::from_secs(interval)),
                };
            }
        }
    }

    fn join_failed(&mut self, code: u8) {
        self.job = None;
        self.wifi.state = State::Down;
        self.monitor.count(|c| c.failed_commands += 1);
        self.say_line(&format!("+CWJAP:{code}"));
        self.say(if self.persona.is_old() { literals::FAIL } else { literals::ERROR });
    }

    /// The worker waits for a join; then what it still waits for.
    pub(crate) fn joining(&mut self, until: Instant) -> Option<Job> {
        if until > self.now {
            return Some(Job::Join { until });
        }
        let associated = self.wifi.joined().is_some();
        self.join_failed(TIMED_OUT);
        if associated {
            self.disconnected();
        }
        None
    }
}
