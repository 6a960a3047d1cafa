//! Commands about addresses, links in general, and how links are closed.

use crate::commands::{Answer, Call, Reply};
use crate::firmware::Firmware;
use crate::links::{Kind, LINKS};
use crate::params::Refusal;
use crate::station::{mac_arg, mac_text};
use crate::wifi::IpInfo;

impl Firmware {
    pub(crate) fn mac_query(&mut self, call: &mut Call<'_>) -> Answer {
        let stored = &self.ram.stored;
        let mac = if call.stem() == "CIPSTAMAC" { stored.station_mac } else { stored.ap_mac };
        self.say_line(&format!("+{}:\"{}\"", call.name, mac_text(mac)));
        Ok(Reply::Ok)
    }

    pub(crate) fn mac(&mut self, call: &mut Call<'_>) -> Answer {
        let mac = mac_arg(&mut call.args)?;
        call.args.end()?;
        if mac[0] & 1 != 0 {
            return Err(Refusal::VALUE);
        }
        let station = call.stem() == "CIPSTAMAC";
        self.change(&call.name, |stored| {
            *(if station { &mut stored.station_mac } else { &mut stored.ap_mac }) = mac;
        });
        Ok(Reply::Ok)
    }

    fn say_addresses(&mut self, name: &str, info: IpInfo) {
        self.say_line(&format!("+{name}:ip:\"{}\"", info.addr));
        self.say_line(&format!("+{name}:gateway:\"{}\"", info.gateway));
        self.say_line(&format!("+{name}:netmask:\"{}\"", info.mask));
    }

    pub(crate) fn cipsta_query(&mut self, call: &mut Call<'_>) -> Answer {
        let info = self.address();
        self.say_addresses(&call.name, info);
        if self.ram.stored.ipv6 {
            self.say_line(&format!("+{}:ip6ll:\"::\"", call.name));
            self.say_line(&format!("+{}:ip6gl:\"::\"", call.name));
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn cipsta(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_station()?;
        let info = address_args(call)?;
        self.change(&call.name, |stored| {
            stored.static_address = Some(info);
            stored.dhcp &= !1;
        });
        Ok(Reply::Ok)
    }

    pub(crate) fn cipap_query(&mut self, call: &mut Call<'_>) -> Answer {
        self.say_addresses(&call.name, self.ram.stored.ap_address);
        Ok(Reply::Ok)
    }

    pub(crate) fn cipap(&mut self, call: &mut Call<'_>) -> Answer {
        self.needs_access_point()?;
        let info = address_args(call)?;
        self.change(&call.name, |stored| stored.ap_address = info);
        Ok(Reply::Ok)
    }

    pub(crate) fn cifsr(&mut self, _: &mut Call<'_>) -> Answer {
        let mode = self.ram.stored.wifi_mode;
        if mode & 2 != 0 {
            let (addr, mac) = (self.ram.stored.ap_address.addr, self.ram.stored.ap_mac);
            self.say_line(&format!("+CIFSR:APIP,\"{addr}\""));
            self.say_line(&format!("+CIFSR:APMAC,\"{}\"", mac_text(mac)));
        }
        if mode & 1 != 0 {
            let (addr, mac) = (self.address().addr, self.ram.stored.station_mac);
            self.say_line(&format!("+CIFSR:STAIP,\"{addr}\""));
            self.say_line(&format!("+CIFSR:STAMAC,\"{}\"", mac_text(mac)));
        }
        if mode == 0 {
            return Err(Refusal::STATE);
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn cipv6_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+CIPV6:{}", u8::from(self.ram.stored.ipv6)));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipv6(&mut self, call: &mut Call<'_>) -> Answer {
        let on = call.args.flag()?;
        call.args.end()?;
        self.change("CIPV6", |stored| stored.ipv6 = on);
        Ok(Reply::Ok)
    }

    pub(crate) fn cipmux_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+CIPMUX:{}", u8::from(self.ram.multiple)));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipmux(&mut self, call: &mut Call<'_>) -> Answer {
        let multiple = call.args.flag()?;
        call.args.end()?;
        let any = !self.open_ids().is_empty();
        let refused = self.has_streams()
            || (!multiple && (any || self.server.is_some()))
            || (multiple && self.ram.passthrough);
        if refused {
            return Err(Refusal::STATE);
        }
        self.ram.multiple = multiple;
        Ok(Reply::Ok)
    }

    pub(crate) fn cipdinfo_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_info(&format!("+CIPDINFO:{}", self.ram.details));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipdinfo(&mut self, call: &mut Call<'_>) -> Answer {
        let on = call.args.flag()?;
        call.args.end()?;
        self.ram.details = on;
        Ok(Reply::Ok)
    }

    pub(crate) fn ciptcpopt_query(&mut self, _: &mut Call<'_>) -> Answer {
        let count = if self.ram.multiple { LINKS } else { 1 };
        for id in 0..count {
            let Some(slot) = self.slots.get(id) else { continue };
            let (linger, delay) = (slot.linger, u8::from(slot.no_delay));
            let (timeout, alive) = (slot.send_timeout, slot.keep_alive);
            self.say_line(&format!("+CIPTCPOPT:{id},{linger},{delay},{timeout},{alive}"));
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn ciptcpopt(&mut self, call: &mut Call<'_>) -> Answer {
        let args = &mut call.args;
        let id: usize = if self.ram.multiple { args.number(0..=5)? } else { 0 };
        let linger: Option<i32> = args.opt(-1..=10)?;
        let no_delay: Option<u8> = args.opt(0..=1)?;
        let timeout: Option<u32> = args.opt(0..=600_000)?;
        let alive: Option<u32> = args.opt(0..=7200)?;
        args.end()?;
        for (place, slot) in self.slots.iter_mut().enumerate() {
            if id != place && id != LINKS {
                continue;
            }
            slot.linger = linger.unwrap_or(slot.linger);
            slot.no_delay = no_delay.map_or(slot.no_delay, |value| value == 1);
            slot.send_timeout = timeout.unwrap_or(slot.send_timeout);
            slot.keep_alive = alive.unwrap_or(slot.keep_alive);
        }
        Ok(Reply::Ok)
    }

    pub(crate) fn cipreconnintv_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.say_line(&format!("+CIPRECONNINTV:{}", self.ram.reconnect_interval));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipreconnintv(&mut self, call: &mut Call<'_>) -> Answer {
        let interval = call.args.number(1..=36_000)?;
        call.args.end()?;
        self.ram.reconnect_interval = interval;
        Ok(Reply::Ok)
    }

    pub(crate) fn cipconnpersist_query(&mut self, _: &mut Call<'_>) -> Answer {
        let persist = u8::from(self.ram.persist).to_string();
        self.say_line(&format!("+CIPCONNPERSIST:{}", [persist.as_str(); LINKS].join(",")));
        Ok(Reply::Ok)
    }

    pub(crate) fn cipconnpersist(&mut self, call: &mut Call<'_>) -> Answer {
        let on = call.args.flag()?;
        call.args.end()?;
        self.ram.persist = on;
        Ok(Reply::Ok)
    }

    pub(crate) fn cipstate_query(&mut self, _: &mut Call<'_>) -> Answer {
        self.link_lines("CIPSTATE");
        Ok(Reply::Ok)
    }

    pub(crate) fn cipstatus(&mut self, _: &mut Call<'_>) -> Answer {
        let streams = self.has_streams();
        let off = self.ram.stored.wifi_mode == 0 && !self.persona.is_old();
        let number = match (off, streams) {
            (true, _) => 0,
            (false, true) => 3,
            (false, false) => self.wifi.status_number(),
        };
        self.say_line(&format!("STATUS:{number}"));
        self.link_lines("CIPSTATUS");
        Ok(Reply::Ok)
    }

    pub(crate) fn cipclose(&mut self, call: &mut Call<'_>) -> Answer {
        let id: usize = call.args.number(0..=5)?;
        call.args.end()?;
        if !self.ram.multiple {
            return Err(Refusal::STATE);
        }
        if id == LINKS {
            self.open_ids().into_iter().for_each(|id| self.close_link(id));
            return Ok(Reply::Ok);
        }
        self.hang_up_link(id)
    }

    pub(crate) fn cipclose_only(&mut self, _: &mut Call<'_>) -> Answer {
        if self.ram.multiple {
            return Err(Refusal::STATE);
        }
        self.hang_up_link(0)
    }

    fn hang_up_link(&mut self, id: usize) -> Answer {
        if !self.is_open(id) {
            // What could still be read of a closed link is gone.
            self.drop_link(id);
            return Err(self.refuse_in_words("UNLINK"));
        }
        let linger = self.slots.get(id).map_or(-1, |slot| slot.linger);
        let stream = self.open_link(id).is_some_and(|link| link.kind == Kind::Tcp);
        if let Some(sock) = self.open_link(id).and_then(|link| link.sock)
            && linger == 0
            && stream
        {
            self.stack.abort(sock);
        }
        self.close_link(id);
        Ok(Reply::Ok)
    }

    pub(crate) fn savetranslink(&mut self, call: &mut Call<'_>) -> Answer {
        if call.args.flag()? {
            self.monitor.count(|c| c.not_modelled += 1);
            return Err(Refusal::STATE);
        }
        call.args.end()?;
        Ok(Reply::Ok)
    }

    pub(crate) fn mdns(&mut self, call: &mut Call<'_>) -> Answer {
        let args = &mut call.args;
        let what: u8 = args.number(0..=2)?;
        if what == 2 {
            self.monitor.count(|c| c.not_modelled += 1);
            return Err(Refusal::STATE);
        }
        if what == 1 {
            args.text(1..=64)?;
            args.text(1..=64)?;
            let _: u16 = args.number(1..=65_535)?;
            args.opt_text(0..=64)?;
            args.opt_text(0..=8)?;
            let texts: usize = args.opt(0..=10)?.unwrap_or(0);
            for _ in 0..2 * texts {
                args.text(0..=255)?;
            }
        }
        args.end()?;
        Ok(Reply::Ok)
    }
}

fn address_args(call: &mut Call<'_>) -> Result<IpInfo, Refusal> {
    let addr = call.args.opt_addr()?.ok_or(Refusal::VALUE)?;
    let gateway = call.args.opt_addr()?;
    let mask = call.args.opt_addr()?;
    call.args.end()?;
    let like = IpInfo::leased(addr, None);
    Ok(IpInfo { addr, gateway: gateway.unwrap_or(like.gateway), mask: mask.unwrap_or(like.mask) })
}
