//! The modem's own access point.

use core::net::Ipv4Addr;

use crate::commands::{Answer, Call, Reply};
use crate::firmware::Firmware;
use crate::params::Refusal;
use crate::settings::SoftAp;
use crate::station::{mac_arg, mac_text};

impl Firmware {
    pub(crate) fn needs_access_point(&self) -> Result<(), Refusal> {
        if self.ram.stored.wifi_mode & 2 != 0 { Ok(()) } else { Err(Refusal::STATE) }
    }

    pub(crate) fn station_joins(&mut self, mac: [u8; 6], addr: Ipv4Addr) {
        if self.needs_access_point().is_ok() && self.wifi.guests.iter().all(|(it, _)| *it != mac) {
            self.wifi.guests.push((mac, addr));
            let mac = mac_text(mac);
            self.say_wifi(format!("+STA_CONNECTED:\"{mac}\"\r\n").as_bytes());
            self.say_wifi(format!("+DIST_STA_IP:\"{mac}\",\"{addr}\"\r\n").as_bytes());
        }
    }

    pub(crate) fn station_leaves(&mut self, mac: [u8; 6]) {
        let before = self.wifi.guests.len();
        self.wifi.guests.retain(|(it, _)| *it != mac);
        if self.wifi.guests.len() < before {
            self.say_wifi(format!("+STA_DISCONNECTED:\"{}\"\r\n", mac_text(mac)).as_bytes());
        }
    }

    pub(crate) fn cwsap_query(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_access_point()?;
        let own = self.ram.stored.soft_ap.clone();
        let mut line = format!("+{}:\"", call.name).into_bytes();
        line.extend_from_slice(&own.ssid);
        line.extend_from_slice(b"\",\"");
        line.extend_from_slice(&own.passphrase);
        let SoftAp { channel, encryption, limit, hidden, .. } = own;
        line.extend_from_slice(
            format!("\",{channel},{encryption},{limit},{hidden}\r\n").as_bytes(),
        );
        self.say(&line);
        Ok(Reply::Ok)
    }

    pub(crate) fn cwsap(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_access_point()?;
        let args = &mut call.args;
        let ssid = args.text(1..=32)?;
        let passphrase = args.opt_text(0..=64)?.unwrap_or_default();
        let channel = args.number(1..=14)?;
        let encryption: u8 = args.number(0..=4)?;
        let limit = args.opt(1..=10)?.unwrap_or(4);
        let hidden = args.opt(0..=1)?.unwrap_or(0);
        args.end()?;
        if encryption == 1 || (encryption != 0 && passphrase.len() < 8) {
            return Err(Refusal::VALUE);
        }
        let own = SoftAp { ssid, passphrase, channel, encryption, limit, hidden };
        self.change(&call.name, |stored| stored.soft_ap = own.clone());
        Ok(Reply::Ok)
    }

    pub(crate) fn cwlif(&mut self, _: &mut Call<'_>) -> Answer {
        let prefix = if self.persona.is_old() { "" } else { "+CWLIF:" };
        for (mac, addr) in self.wifi.guests.clone() {
            self.say_line(&format!("{prefix}{addr},{}", mac_text(mac)));
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn cwqif(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_access_point()?;
        let one = if call.args.text_is_next() { Some(mac_arg(&mut call.args)?) } else { None };
        for (mac, _) in self.wifi.guests.clone() {
            if one.is_none_or(|one| one == mac) {
                self.station_leaves(mac);
            }
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn cwdhcp_query(&mut self, call: &mut Call<'_>) -> Answer {
        let bits = self.ram.stored.dhcp;
        // 1.x counts the other way round.
        let bits = if self.persona.is_old() { bits >> 1 | (bits & 1) << 1 } else { bits };
        self.say_info(&format!("+{}:{bits}", call.name));
        Ok(Reply::Ok)
    }

    pub(crate) fn cwdhcp(&mut self, call: &mut Call<'_>) -> Answer {
        let (first, second): (u8, u8) = (call.args.number(0..=3)?, call.args.number(0..=3)?);
        call.args.end()?;
        // 1.x: which interface (0 access point, 1 station, 2 both), then on or off.
        let (on, mask) = match (self.persona.is_old(), first) {
            (true, 0) => (second == 1, 2),
            (true, 1) => (second == 1, 1),
            (true, _) => (second == 1, 3),
            (false, 0 | 1) => (first == 1, second),
            (false, _) => return Err(Refusal::VALUE),
        };
        self.change(&call.name, |stored| {
            stored.dhcp = if on { stored.dhcp | mask } else { stored.dhcp & !mask };
            if on && mask & 1 != 0 {
                stored.static_address = None;
            }
        });
        Ok(Reply::Ok)
    }

    pub(crate) fn cwdhcps_query(&mut self, call: &mut Call<'_>) -> Answer {
        let (minutes, first, last) = self.ram.stored.leases;
        self.say_info(&format!("+{}:{minutes},{first},{last}", call.name));
        Ok(Reply::Ok)
    }

    pub(crate) fn cwdhcps(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_access_point()?;
        if call.args.flag()? {
            let minutes = call.args.number(1..=2880)?;
            let first = call.args.opt_addr()?.ok_or(Refusal::VALUE)?;
            let last = call.args.opt_addr()?.ok_or(Refusal::VALUE)?;
            self.change(&call.name, |stored| stored.leases = (minutes, first, last));
        }
        call.args.end()?;
        Ok(Reply::Ok)
    }

    pub(crate) fn cwhostname_query(&mut self, _: &mut Call<'_>) -> Answer {
        let mut line = b"+CWHOSTNAME:".to_vec();
        let [.., d, e, f] = self.ram.stored.station_mac;
        if self.ram.host_name.is_empty() {
            line.extend_from_slice(format!("ESP-{d:02X}{e:02X}{f:02X}").as_bytes());
        }
        line.extend_from_slice(&self.ram.host_name);
        line.extend_from_slice(b"\r\n");
        self.say(&line);
        Ok(Reply::Ok)
    }

    pub(crate) fn cwhostname(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_station()?;
        let name = call.args.text(1..=32)?;
        call.args.end()?;
        self.ram.host_name = name;
        Ok(Reply::Ok)
    }

    pub(crate) fn cwcountry_query(&mut self, call: &mut Call<'_>) -> Answer {
        let (policy, code, first, count) = self.ram.stored.country.clone();
        self.say_line(&format!("+{}:{policy},\"{code}\",{first},{count}", call.name));
        Ok(Reply::Ok)
    }

    pub(crate) fn cwcountry(&mut self, call: &mut Call<'_>) -> Answer {
        let policy = call.args.number(0..=1)?;
        let code = String::from_utf8(call.args.text(2..=3)?).map_err(|_| Refusal::VALUE)?;
        let first = call.args.number(1..=14)?;
        let count = call.args.number(1..=14)?;
        call.args.end()?;
        self.change(&call.name, |stored| stored.country = (policy, code.clone(), first, count));
        Ok(Reply::Ok)
    }
}
