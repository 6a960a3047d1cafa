//! The methods of `wifi_drv`.

use netdev::Instant;

use crate::codec::{Args, Out};
use crate::firmware::Firmware;
use crate::records;
use crate::wait::{Step, Wait};
use crate::wifi::{Credentials, OwnAp};

const INVALID_KEY: i32 = 4;
const ERROR: i32 = -1;
const BAD_ARGUMENT: i32 = -2;
/// Records that a reply can carry, and that the firmware has.
const RECORDS: u16 = 60;

impl Firmware {
    pub(crate) fn drv(&mut self, id: u8, args: &Args, now: Instant) -> Step {
        match id {
            1 => self.start_join(join(args), now),
            2 => self.start_join(join_bssid(args), now),
            3 => {
                self.wifi.leave();
                Out::from(0).into()
            }
            4 => status(self.wifi.network().is_some()),
            5 => Out::from(i32::from(self.is_up(args.number(0)))).into(),
            6 => status(self.is_ready(args.number(0))),
            7 => self.set_mac(args.bytes(0)).into(),
            8 => Out::default().raw(&records::mac_text(self.setup.mac)).i32(0).into(),
            12 | 13 | 53 => Out::default().into(),
            14 => self.clients(args.short(0)),
            25..=30 => self.power(id, args, now),
            38 | 39 => self.start_ap(args, now),
            // A wrong pointer, and structures with pointers inside.
            40 | 50 | 51 => self.wild(),
            45 => self.restart_ap(args, now),
            46..=48 => self.autoreconnect(id, args),
            64..=67 => self.scan(id, args, now),
            _ => self.tell(id, args),
        }
    }

    /// What needs nothing but memory.
    fn tell(&mut self, id: u8, args: &Args) -> Step {
        let out = Out::default();
        let network = self.wifi.network();
        match id {
            15 => {
                let bssid = network.map_or([0; 6], |ap| ap.bssid);
                out.raw(&bssid).i32(if network.is_some() { 0 } else { ERROR })
            }
            16 => match network {
                Some(ap) => out.bin(&records::ap_info(ap)).u32(ap.security()).i32(0),
                None => out.bin(&[0; 88]).u32(0).i32(ERROR),
            },
            18 => out.u8(150).i32(0),
            19 => {
                let rssi = network.map_or(0, |ap| i32::from(ap.rssi));
                out.i32(rssi).i32(0)
            }
            20 => {
                self.knobs.channel = args.signed(0);
                out.i32(0)
            }
            21 => {
                let channel = network.map_or(self.knobs.channel, |ap| ap.channel.into());
                out.i32(channel).i32(0)
            }
            22 | 55 => {
                self.knobs.channel_plan = args.byte(0);
                out.i32(0)
            }
            33 => {
                self.knobs.lps_dtim = args.byte(0);
                out.i32(0)
            }
            34 => out.u8(self.knobs.lps_dtim).i32(0),
            41 => self.setting(args.bytes(0)),
            42 => {
                self.knobs.network_mode = args.number(0);
                out.i32(0)
            }
            43 => out.u32(self.knobs.network_mode).i32(0),
            49 => out.i32(self.wifi.last_error),
            54 => out.u32(0).i32(0),
            56 => out.u8(self.knobs.channel_plan).i32(0),
            60 => out.u8(2),
            62 => self.reconnect_data(),
            63 => {
                self.wifi.credentials = None;
                out.i32(1)
            }
            _ => out.i32(0),
        }
        .into()
    }

    fn start_join(&mut self, credentials: Credentials, now: Instant) -> Step {
        if !self.wifi.is_station() {
            return Out::from(ERROR).into();
        }
        let key = credentials.passphrase.as_deref().unwrap_or(&[]);
        if credentials.security & PSK != 0 && !(8..=64).contains(&key.len()) {
            return Out::from(INVALID_KEY).into();
        }
        self.wifi.leave();
        let works = self.wifi.prospect(&credentials).is_ok();
        let length = if works { self.setup.association } else { self.setup.failed_join };
        self.resume_join(credentials, now + length, now)
    }

    pub(crate) fn resume_join(
        &mut self,
        credentials: Credentials,
        until: Instant,
        now: Instant,
    ) -> Step {
        if now < until {
            return Step::Wait(Wait::Join { credentials, until });
        }
        let joined = self.wifi.join(credentials);
        if self.setup.late_connected_event {
            self.late_events.append(&mut self.wifi.events);
        }
        Out::from(if joined { 0 } else { ERROR }).into()
    }

    fn is_up(&self, interface: u32) -> bool {
        if interface == 1 { self.wifi.own_ap.is_some() } else { self.wifi.is_station() }
    }

    fn is_ready(&self, interface: u32) -> bool {
        if interface == 1 { self.wifi.own_ap.is_some() } else { self.wifi.network().is_some() }
    }

    /// Reads the address from text.
    pub(crate) fn set_mac(&mut self, text: &[u8]) -> Out {
        match records::parse_mac(text) {
            Some(mac) => {
                self.setup.mac = mac;
                Out::from(0)
            }
            None => Out::from(BAD_ARGUMENT),
        }
    }

    /// The list begins with a count, and is as long as was asked for: none at all is fatal.
    fn clients(&mut self, length: u16) -> Step {
        if length == 0 {
            self.monitor.count(|c| c.empty_bins += 1);
            return Step::Dead;
        }
        let stations = self.wifi.own_ap.as_ref().map_or(0, |own| own.stations);
        let mut list = vec![0; length.into()];
        let count = u32::from(stations).to_le_bytes();
        let members = STATION_MAC.iter().take(6 * usize::from(stations));
        let entries = count.iter().chain(members);
        list.iter_mut().zip(entries).for_each(|(to, byte)| *to = *byte);
        Out::default().bin(&list).i32(0).into()
    }

    fn power(&mut self, id: u8, args: &Args, now: Instant) -> Step {
        let done = now + self.setup.radio;
        match id {
            25 => Out::from(0).into(),
            26 => {
                self.wifi.events.push(crate::callback::Event::STA_STOP);
                Out::from(0).into()
            }
            27 if !self.wifi.on(args.number(0)) => Out::from(1).into(),
            27 => Step::At(done, Out::from(0)),
            29 => {
                self.wifi.mode = args.number(0);
                Out::from(0).into()
            }
            _ => {
                self.wifi.off();
                Step::At(done, Out::from(0))
            }
        }
    }

    fn start_ap(&mut self, args: &Args, now: Instant) -> Step {
        let ap = OwnAp {
            ssid: args.bytes(0).iter().take(32).copied().collect(),
            passphrase: args.bytes(1).to_vec(),
            security: args.number(2),
            channel: u8::try_from(args.signed(3)).unwrap_or(1),
            stations: 0,
        };
        self.become_ap(ap, now)
    }

    fn restart_ap(&mut self, args: &Args, now: Instant) -> Step {
        let text = |index: usize| args.bytes(index).split(|byte| *byte == 0).next().unwrap_or(&[]);
        let ap = OwnAp {
            ssid: text(0).to_vec(),
            passphrase: text(1).to_vec(),
            security: args.number(2),
            channel: u8::try_from(args.signed(3)).unwrap_or(1),
            stations: 0,
        };
        self.wifi.stop_ap();
        self.become_ap(ap, now)
    }

    fn become_ap(&mut self, ap: OwnAp, now: Instant) -> Step {
        if !self.wifi.may_be_ap() || ap.ssid.is_empty() {
            return Out::from(ERROR).into();
        }
        if ap.security & PSK != 0 && !(8..=64).contains(&ap.passphrase.len()) {
            return Out::from(INVALID_KEY).into();
        }
        self.wifi.start_ap(ap);
        Step::At(now + self.setup.access_point_start, Out::from(0))
    }

    fn autoreconnect(&mut self, id: u8, args: &Args) -> Step {
        if id == 48 {
            return Out::default().u8(self.wifi.autoreconnect).i32(0).into();
        }
        self.wifi.autoreconnect = args.byte(0);
        Out::from(0).into()
    }

    fn scan(&mut self, id: u8, args: &Args, now: Instant) -> Step {
        let found = u16::try_from(self.wifi.found.len()).unwrap_or(RECORDS);
        match (id, args.short(0)) {
            (64, _) => return status(self.wifi.start_scan(now)),
            (65, _) => Out::default().u8(u8::from(self.wifi.is_scanning())),
            (67, _) => Out::default().u16(found),
            (_, 0) => {
                self.monitor.count(|c| c.empty_bins += 1);
                return Step::Dead;
            }
            (_, count) if count > RECORDS => Out::default().bin(&[0]).i32(ERROR),
            (_, count) => {
                let mut list: Vec<u8> =
                    self.wifi.found.iter().flat_map(records::scan_record).collect();
                list.resize(usize::from(count) * records::SCAN_RECORD, 0);
                Out::default().bin(&list).i32(0)
            }
        }
        .into()
    }

    fn setting(&self, interface: &[u8]) -> Out {
        let own = self.wifi.own_ap.as_ref().filter(|_| interface.starts_with(b"wlan1"));
        let record = match (own, self.wifi.network(), &self.wifi.credentials) {
            (Some(own), ..) => {
                records::setting(2, &own.ssid, own.channel, own.security, &own.passphrase)
            }
            (None, Some(ap), Some(with)) => {
                let key = with.passphrase.as_deref().unwrap_or(&[]);
                records::setting(1, ap.ssid.as_bytes(), ap.channel, ap.security(), key)
            }
            _ => records::setting(self.wifi.mode, &[], 0, 0, &[]),
        };
        Out::default().bin(&record).i32(0)
    }

    /// The passphrase included, in clear text.
    fn reconnect_data(&self) -> Out {
        let [station, _] = &self.wifi.ip;
        match &self.wifi.credentials {
            Some(with) => {
                let channel = self.wifi.network().map_or(0, |ap| ap.channel);
                let record = records::reconnect(with, channel, station.addr);
                Out::default().bin(&record).i32(1)
            }
            None => Out::default().bin(&[0; 156]).i32(0),
        }
    }

    /// Something goes through a pointer that points nowhere.
    pub(crate) fn wild(&mut self) -> Step {
        self.monitor.count(|c| c.wild_pointers += 1);
        Step::Dead
    }
}

fn join(args: &Args) -> Credentials {
    Credentials {
        ssid: args.bytes(0).iter().take(32).copied().collect(),
        bssid: None,
        passphrase: args.nullable(1).map(<[u8]>::to_vec),
        security: args.number(2),
    }
}

fn join_bssid(args: &Args) -> Credentials {
    Credentials {
        ssid: args.bytes(1).iter().take(32).copied().collect(),
        bssid: Some(args.bytes(0).iter().take(6).copied().collect()),
        passphrase: args.nullable(2).map(<[u8]>::to_vec),
        security: args.number(3),
    }
}

fn status(fine: bool) -> Step {
    Out::from(if fine { 0 } else { ERROR }).into()
}

/// Security bits that stand for a passphrase.
const PSK: u32 = 0x00E0_0000;
/// The station that [`Monitor::set_station`](crate::Monitor::set_station) lets in.
const STATION_MAC: [u8; 6] = [0x02, 0x00, 0x5E, 0x40, 0x50, 0x60];
