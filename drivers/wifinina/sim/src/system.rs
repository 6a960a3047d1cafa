//! Commands about the station, the access point and the chip itself (0x10 to 0x3E, less sockets).

use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;

use crate::config::AccessPoint;
use crate::firmware::{Firmware, Step};
use crate::frame::{Command, END, REPLY_FLAG, Reply, START};
use crate::persona::Core;
use crate::wifi::{IpInfo, NO_SSID_AVAIL, SCAN_COMPLETED};

const ENC_WPA2: u8 = 4;
const ENC_OPEN: u8 = 7;
/// The SDK's numbers, as Adafruit 3.x sends them for scan results.
const AUTH_OPEN: u8 = 0;
const AUTH_WPA2: u8 = 3;
const PING_LIMIT: Duration = Duration::from_secs(5);

impl Firmware {
    pub(crate) fn system_command(&mut self, command: &Command, now: Instant) -> Step {
        match command.opcode() {
            0x10 => self.set_net(command, now),
            0x11 => self.set_passphrase(command, now),
            0x12 => self.set_key(command, now),
            0x14 => self.set_ip_config(command).into(),
            0x15 => self.set_dns_config(command).into(),
            0x16 => self.set_host_name(command).into(),
            0x17 => Reply::ok().into(),
            0x18 | 0x19 => self.set_access_point(command, now),
            0x1A => {
                self.debug = command.byte(4) != 0;
                Reply::ok().into()
            }
            0x1B => Reply::bytes(&self.setup.celsius.to_le_bytes()).into(),
            0x1E => {
                let servers = self.wifi.dns.map(|addr| addr.octets().to_vec());
                Reply::Params(servers.to_vec()).into()
            }
            0x1F => Reply::u8(self.wifi.reason).into(),
            _ => Reply::Error.into(),
        }
    }

    pub(crate) fn status_command(&mut self, command: &Command, now: Instant) -> Step {
        match command.opcode() {
            0x20 => Reply::u8(self.wifi.status).into(),
            0x21 => self.ip_addr().into(),
            0x22 => Reply::bytes(&ordered(self.setup.mac, self.persona.mac_reversed)).into(),
            0x23 => Reply::bytes(&self.current_ssid()).into(),
            0x24 => self.current_bssid().into(),
            0x25 => {
                let rssi = self.wifi.network().map_or(0, |ap| ap.rssi);
                Reply::bytes(&rssi.to_le_bytes()).into()
            }
            0x26 => Reply::u8(self.current_encryption()).into(),
            0x27 => self.scan_networks(now),
            0x30 => {
                let change = self.wifi.stop(now);
                self.link_changed(change);
                Reply::ok().into()
            }
            0x32 | 0x33 | 0x3C | 0x3D => self.scan_result(command).into(),
            0x36 => Reply::ok().into(),
            0x37 => {
                let mut version = self.persona.version.as_bytes().to_vec();
                version.push(0);
                Reply::bytes(&version).into()
            }
            0x3B => self.time(now).into(),
            0x3E => self.ping(command, now),
            _ => Reply::Error.into(),
        }
    }

    fn set_net(&mut self, command: &Command, now: Instant) -> Step {
        let (ssid, _) = command.string(3);
        self.join(ssid, Vec::new(), now)
    }

    fn set_passphrase(&mut self, command: &Command, now: Instant) -> Step {
        let (ssid, next) = command.string(3);
        let (passphrase, _) = command.string(next);
        self.join(ssid, passphrase, now)
    }

    /// The index is ignored, the key taken for a passphrase.
    fn set_key(&mut self, command: &Command, now: Instant) -> Step {
        let (ssid, next) = command.string(3);
        let (key, _) = command.string(next + 2);
        self.join(ssid, key, now)
    }

    /// Arduino's `SET_ENT` joins, and no access point here takes part; what Adafruit's commands
    /// store is not used.
    pub(crate) fn enterprise_command(&mut self, command: &Command, now: Instant) -> Step {
        self.monitor.count(|c| c.not_modelled += 1);
        if self.persona.has(0x41) {
            return Reply::ok().into();
        }
        let ssid = command.bytes(8, command.u16_be(6).into());
        self.join(ssid, Vec::new(), now)
    }

    /// Restarts the radio and answers before the access point does.
    fn join(&mut self, ssid: Vec<u8>, passphrase: Vec<u8>, now: Instant) -> Step {
        self.monitor.count(|c| c.joins += 1);
        let started = now + self.setup.restart;
        let change = self.wifi.join(ssid, passphrase, started);
        self.link_changed(change);
        Step::At(started, Reply::ok())
    }

    /// Answers 0 although it worked (Q16).
    fn set_ip_config(&mut self, command: &Command) -> Reply {
        let (addr, gateway, mask) = (command.ip(6), command.ip(11), command.ip(16));
        self.wifi.set_static(IpInfo { addr, mask, gateway });
        Reply::u8(0)
    }

    fn set_dns_config(&mut self, command: &Command) -> Reply {
        for (server, at) in self.wifi.dns.iter_mut().zip([6, 11]) {
            let addr = command.ip(at);
            if !addr.is_unspecified() {
                *server = addr;
            }
        }
        Reply::ok()
    }

    fn set_host_name(&mut self, command: &Command) -> Reply {
        let (mut name, _) = command.string(3);
        name.truncate(32);
        self.host_name = name;
        Reply::ok()
    }

    fn set_access_point(&mut self, command: &Command, now: Instant) -> Step {
        let (ssid, next) = command.string(3);
        let passphrase = (command.opcode() == 0x19).then(|| command.string(next).0);
        if self.persona.access_point_status {
            self.wifi.status = NO_SSID_AVAIL;
        }
        let change = self.wifi.stop(now);
        self.link_changed(change);
        let started = self.wifi.start_ap(ssid, passphrase.as_deref());
        self.lwip.set_online(started);
        Step::At(now + self.setup.access_point_start, Reply::flag(started))
    }

    /// Address, mask, gateway; what was true last, connected or not.
    fn ip_addr(&self) -> Reply {
        let IpInfo { addr, mask, gateway } = self.wifi.ip;
        Reply::Params([addr, mask, gateway].map(|addr| addr.octets().to_vec()).to_vec())
    }

    fn current_ssid(&self) -> Vec<u8> {
        match (&self.wifi.own_ap, self.wifi.network()) {
            (Some(own), _) => own.ssid.clone(),
            (None, Some(ap)) => ap.ssid.clone().into_bytes(),
            (None, None) => Vec::new(),
        }
    }

    fn current_bssid(&self) -> Reply {
        let bssid = match (&self.wifi.own_ap, self.wifi.network()) {
            (Some(_), _) => ordered(self.setup.mac, self.persona.mac_reversed),
            (None, Some(ap)) => ordered(ap.bssid, self.persona.bssid_reversed),
            (None, None) => [0; 6],
        };
        Reply::bytes(&bssid)
    }

    /// Without a link the record is zeros, which reads as an open network (Q26).
    fn current_encryption(&self) -> u8 {
        let protected = match (&self.wifi.own_ap, self.wifi.network()) {
            (Some(own), _) => own.protected,
            (None, Some(ap)) => !ap.passphrase.is_empty(),
            (None, None) => false,
        };
        if protected { ENC_WPA2 } else { ENC_OPEN }
    }

    /// Restarts the radio as a station: an existing link is lost (Q25).
    fn scan_networks(&mut self, now: Instant) -> Step {
        let change = self.wifi.stop(now);
        self.link_changed(change);
        if self.setup.scan_fails {
            return Step::At(now + self.setup.scan, self.failed_scan());
        }
        self.scanned = self.wifi.visible();
        self.wifi.status = SCAN_COMPLETED;
        let names = self.scanned.iter().map(|ap| ap.ssid.clone().into_bytes()).collect();
        Step::At(now + self.setup.scan, Reply::Params(names))
    }

    /// Adafruit 3.x takes the error for a count (Q30).
    fn failed_scan(&mut self) -> Reply {
        self.scanned.clear();
        if self.persona.core == Core::Nina {
            self.wifi.status = NO_SSID_AVAIL;
            return Reply::Params(vec![]);
        }
        Reply::Raw(vec![START, 0x27 | REPLY_FLAG, 254, END])
    }

    fn scan_result(&mut self, command: &Command) -> Reply {
        let Some(ap) = self.scanned.get(usize::from(command.byte(4))) else {
            self.monitor.count(|c| c.bad_indices += 1);
            let width = match command.opcode() {
                0x32 => 4,
                0x3C => 6,
                _ => 1,
            };
            return Reply::bytes(&self.noise.bytes(width));
        };
        match command.opcode() {
            0x32 => Reply::bytes(&ap.rssi.to_le_bytes()),
            0x33 => Reply::u8(self.scanned_encryption(ap)),
            0x3C => Reply::bytes(&ordered(ap.bssid, self.persona.bssid_reversed)),
            _ => Reply::u8(ap.channel),
        }
    }

    fn scanned_encryption(&self, ap: &AccessPoint) -> u8 {
        match (self.persona.raw_encryption, ap.passphrase.is_empty()) {
            (false, true) => ENC_OPEN,
            (false, false) => ENC_WPA2,
            (true, true) => AUTH_OPEN,
            (true, false) => AUTH_WPA2,
        }
    }

    fn time(&self, now: Instant) -> Reply {
        let time = match self.setup.unix_time {
            0 => 0,
            start => start + now.as_micros() / 1_000_000,
        };
        let width = usize::from(self.persona.time_bytes);
        Reply::bytes(time.to_le_bytes().get(..width).unwrap_or(&[]))
    }

    /// Milliseconds in whole ticks, or -1 after five seconds.
    fn ping(&self, command: &Command, now: Instant) -> Step {
        let target = command.ip(4);
        let online = self.wifi.ip != IpInfo::NONE;
        let Some(time) = self.echo_time(target).filter(|_| online) else {
            return Step::At(now + PING_LIMIT, Reply::bytes(&(-1_i16).to_le_bytes()));
        };
        let tick = self.persona.tick.max(Duration::from_millis(1)).as_millis();
        let ticks = i16::try_from(time.as_millis() / tick * tick).unwrap_or(i16::MAX);
        Step::At(now + time, Reply::bytes(&ticks.to_le_bytes()))
    }

    fn echo_time(&self, target: Ipv4Addr) -> Option<Duration> {
        if target.is_loopback()
            || target == self.wifi.ip.addr
            || target == self.wifi.lease().gateway
        {
            return Some(Duration::ZERO);
        }
        self.setup.pingable.iter().find(|(addr, _)| *addr == target).map(|(_, time)| *time)
    }
}

fn ordered(mut addr: [u8; 6], reversed: bool) -> [u8; 6] {
    if reversed {
        addr.reverse();
    }
    addr
}
