//! Commands about the network that the station is in.

use core::time::Duration;

use crate::commands::{Answer, Call, Reply};
use crate::config::AccessPoint;
use crate::firmware::Firmware;
use crate::literals;
use crate::params::{Args, Refusal};
use crate::settings::Credentials;
use crate::worker::Job;

impl Firmware {
    pub(crate) fn cwinit_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line("+CWINIT:1");
        Ok(Reply::Ok)
    }

    pub(crate) fn cwinit(&mut self, call: &mut Call<'_>) -> Answer {
        call.args.flag()?;
        call.args.end()?;
        Ok(Reply::Ok)
    }

    pub(crate) fn cwmode_test(&mut self, call: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+{}:(1-3)", call.name));
        Ok(Reply::Ok)
    }

    pub(crate) fn cwmode_query(&mut self, call: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+{}:{}", call.name, self.ram.stored.wifi_mode));
        Ok(Reply::Ok)
    }

    pub(crate) fn cwmode(&mut self, call: &mut Call<'_>) -> Answer {
        let lowest = i64::from(self.persona.is_old());
        let mode: u8 = call.args.number(lowest..=3)?;
        let auto = call.args.opt::<u8>(0..=1)?.unwrap_or(1) == 1;
        call.args.end()?;
        let before = self.ram.stored.wifi_mode;
        self.change(&call.name, |stored| stored.wifi_mode = mode);
        if mode & 1 == 0 {
            self.leave();
        } else if before & 1 == 0 && auto {
            self.auto_connect();
        }
        Ok(Reply::Ok)
    }

    /// Changes a setting, in flash too if that is wanted.
    pub(crate) fn change(&mut self, name: &str, change: impl Fn(&mut crate::settings::Stored)) {
        change(&mut self.ram.stored);
        let keep = if self.persona.is_old() { !name.ends_with("_CUR") } else { self.ram.store };
        if keep {
            change(&mut self.nvs.stored);
        }
    }

    pub(crate) fn cwstate_query(&mut self, _: &mut Call<'_>) -> Answer {
        let state = self.wifi.state_number();
        let station = self.ram.stored.station.as_ref();
        let mut line = format!("+CWSTATE:{state},\"").into_bytes();
        line.extend_from_slice(station.map_or(&[][..], |it| &it.ssid));
        line.extend_from_slice(b"\"\r\n");
        self.say(&line);
        Ok(Reply::Ok)
    }

    pub(crate) fn cwjap_query(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_station()?;
        let options = self.ram.stored.station.as_ref().map_or([0; 4], |it| it.options);
        let Some(point) = self.wifi.joined().cloned() else {
            if self.persona.says_why {
                self.say(b"No AP\r\n");
            }
            return Ok(Reply::Ok);
        };
        let [pci, _, listen, scan] = options;
        let reconnect = i64::try_from(self.ram.stored.reconnect.0).unwrap_or(0);
        let numbers = [pci, reconnect, listen, scan, 0];
        let bssid = mac_text(point.bssid);
        let mut line = format!("+{}:\"{}\",\"{bssid}\",", call.name, point.ssid);
        line.push_str(&format!("{},{}", point.channel, point.rssi));
        for number in numbers.iter().take(self.persona.join_fields.saturating_sub(4)) {
            line.push_str(&format!(",{number}"));
        }
        self.say_line(&line);
        Ok(Reply::Ok)
    }

    pub(crate) fn cwjap(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_station()?;
        let old = self.ram.stored.station.clone();
        let args = &mut call.args;
        let ssid = args.opt_text(1..=32)?;
        let passphrase = args.opt_text(0..=64)?;
        let bssid = match args.opt_text(0..=17)? {
            None => None,
            Some(text) if text.is_empty() => None,
            Some(text) => Some(parse_mac(&text).ok_or(Refusal::VALUE)?),
        };
        let authentication: i64 = args.opt(0..=15)?.unwrap_or(0);
        let interval: Option<u64> = args.opt(0..=7200)?;
        let listen: i64 = args.opt(1..=100)?.unwrap_or(3);
        let scan: i64 = args.opt(0..=1)?.unwrap_or(0);
        let timeout: u64 = args.opt(3..=600)?.unwrap_or(15);
        let _: Option<u8> = args.opt(0..=3)?;
        args.end()?;
        let ssid = ssid.or_else(|| old.map(|it| it.ssid)).ok_or(Refusal::STATE)?;
        let options = [0, authentication, listen, scan];
        let station =
            Credentials { ssid, passphrase: passphrase.unwrap_or_default(), bssid, options };
        self.change(&call.name, |stored| {
            stored.station = Some(station.clone());
            stored.reconnect = (interval.unwrap_or(1), 0);
        });
        Ok(Reply::Wait(self.join(Duration::from_secs(timeout))))
    }

    pub(crate) fn cwjap_again(&mut self, _: &mut Call<'_>) -> Answer {
        self.needs_station()?;
        if self.ram.stored.station.is_none() {
            return Err(Refusal::STATE);
        }
        Ok(Reply::Wait(self.join(Duration::from_secs(15))))
    }

    fn join(&mut self, timeout: Duration) -> Job {
        self.begin_join(self.ram.stored.station.clone(), 1);
        Job::Join { until: self.now + timeout }
    }

    pub(crate) fn needs_station(&self) -> Result<(), Refusal> {
        if self.ram.stored.wifi_mode & 1 != 0 { Ok(()) } else { Err(Refusal::STATE) }
    }

    pub(crate) fn cwqap(&mut self, _: &mut Call<'_>) -> Answer {
        self.needs_station()?;
        let first = self.race();
        if first {
            self.leave();
        }
        self.say(literals::OK);
        if !first {
            self.leave();
        }
        Ok(Reply::Said)
    }

    pub(crate) fn cwreconncfg_query(&mut self, _: &mut Call<'_>) -> Answer {
        let (interval, count) = self.ram.stored.reconnect;
        self.say_line(&format!("+CWRECONNCFG:{interval},{count}"));
        Ok(Reply::Ok)
    }

    pub(crate) fn cwreconncfg(&mut self, call: &mut Call<'_>) -> Answer {
        let interval: u64 = call.args.number(0..=7200)?;
        let count: u32 = call.args.number(0..=1000)?;
        let _: Option<u8> = call.args.opt(0..=1)?;
        call.args.end()?;
        self.change(&call.name, |stored| stored.reconnect = (interval, count));
        Ok(Reply::Ok)
    }

    pub(crate) fn cwautoconn_query(&mut self, _: &mut Call<'_>) -> Answer {
        let line = format!("+CWAUTOCONN:{}", u8::from(self.nvs.auto_connect));
        self.say_info(&line);
        Ok(Reply::Ok)
    }

    pub(crate) fn cwautoconn(&mut self, call: &mut Call<'_>) -> Answer {
        let on = call.args.flag()?;
        call.args.end()?;
        self.nvs.auto_connect = on;
        Ok(Reply::Ok)
    }

    pub(crate) fn cwlap(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_station()?;
        let args = &mut call.args;
        let ssid = args.opt_text(0..=32)?.filter(|ssid| !ssid.is_empty());
        let bssid = match args.opt_text(0..=17)?.filter(|text| !text.is_empty()) {
            Some(text) => Some(parse_mac(&text).ok_or(Refusal::VALUE)?),
            None => None,
        };
        let channel: u8 = args.opt(0..=196)?.unwrap_or(0);
        let _: Option<u8> = args.opt(0..=1)?;
        for _ in 0..2 {
            let _: Option<u32> = args.opt(0..=1500)?;
        }
        for _ in 0..2 {
            let _: Option<u32> = args.opt(0..=i64::from(u32::MAX))?;
        }
        args.end()?;
        let at = self.now + self.setup.scan;
        Ok(Reply::Wait(Job::Scan { at, ssid, bssid, channel }))
    }

    /// The scan is over.
    pub(crate) fn scanned(&mut self, ssid: Option<&[u8]>, bssid: Option<[u8; 6]>, channel: u8) {
        let (sorted, mask, weakest, allowed) = self.ram.scan;
        let mut found = self.wifi.in_reach();
        found.retain(|it| {
            ssid.is_none_or(|ssid| it.ssid.as_bytes() == ssid)
                && bssid.is_none_or(|bssid| it.bssid == bssid)
                && (channel == 0 || it.channel == channel)
                && it.rssi >= weakest
                && allowed & 1 << encryption(it) != 0
        });
        if sorted {
            found.sort_by_key(|it| core::cmp::Reverse(it.rssi));
        }
        for point in found {
            let line = self.scan_line(&point, mask);
            self.say_line(&line);
        }
        self.say(literals::OK);
    }

    fn scan_line(&self, point: &AccessPoint, mask: u32) -> String {
        let code = encryption(point);
        let cipher = if code == 0 { 0 } else { 4 };
        let fields = [
            code.to_string(),
            format!("\"{}\"", point.ssid),
            point.rssi.to_string(),
            format!("\"{}\"", mac_text(point.bssid)),
            point.channel.to_string(),
            "-1".into(),
            "-1".into(),
            cipher.to_string(),
            cipher.to_string(),
            "7".into(),
            "0".into(),
        ];
        let shown = fields.into_iter().take(self.persona.scan_fields).enumerate();
        let shown = shown.filter(|(bit, _)| mask & 1 << bit != 0).map(|(_, field)| field);
        format!("+CWLAP:({})", shown.collect::<Vec<_>>().join(","))
    }

    pub(crate) fn cwlapopt(&mut self, call: &mut Call<'_>) -> Answer {
        let sorted = call.args.flag()?;
        let mask: u32 = call.args.number(0..=0x7FF)?;
        let weakest: i32 = call.args.opt(-100..=40)?.unwrap_or(-100);
        let allowed: u32 = call.args.opt(0..=i64::from(u32::MAX))?.unwrap_or(u32::MAX);
        call.args.end()?;
        self.ram.scan = (sorted, mask, weakest, allowed);
        Ok(Reply::Ok)
    }
}

/// The number of an encryption: 0 is open, 3 is WPA2.
fn encryption(point: &AccessPoint) -> u8 {
    if point.passphrase.is_empty() { 0 } else { 3 }
}

pub(crate) fn mac_text(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

pub(crate) fn parse_mac(text: &[u8]) -> Option<[u8; 6]> {
    let text = core::str::from_utf8(text).ok()?;
    let mut mac = [0; 6];
    let mut parts = text.split(':');
    for octet in &mut mac {
        let part = parts.next().filter(|part| part.len() == 2 && !part.starts_with('+'))?;
        *octet = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

/// A hardware address as a parameter.
pub(crate) fn mac_arg(args: &mut Args<'_>) -> Result<[u8; 6], Refusal> {
    parse_mac(&args.text(17..=17)?).ok_or(Refusal::VALUE)
}
