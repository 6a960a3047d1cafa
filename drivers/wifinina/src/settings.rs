//! What can be set and asked besides joining.

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use netdev::{Error, Fault, IpConfig, PowerMode};

use crate::command::{
    GET_CURR_RSSI, GET_TIME, OWN_NAME_MAX, PING, SET_DNS_CONFIG, SET_HOSTNAME, SET_IP_CONFIG,
    SET_POWER_MODE,
};
use crate::exchange::Owner;
use crate::spi::SpiLink;
use crate::state::Core;

impl<L: SpiLink> Core<'_, L> {
    pub(crate) fn rssi(&mut self) -> nb::Result<i16, Error> {
        if self.state.link.address().is_none() {
            return Err(Error::LinkDown.into());
        }
        let answer = self.ask(Owner::Query, &GET_CURR_RSSI, &[])?;
        let dbm = i32::from_le_bytes(answer.array().ok_or(Error::Fault(Fault::Frame))?);
        Ok(i16::try_from(dbm).map_err(|_| Error::Fault(Fault::Frame))?)
    }

    pub(crate) fn set_host_name(&mut self, name: &str) -> nb::Result<(), Error> {
        if name.is_empty() || name.len() > OWN_NAME_MAX || name.contains('\0') {
            return Err(Error::InvalidInput.into());
        }
        self.ask(Owner::Query, &SET_HOSTNAME, &[name.as_bytes()]).map(|_| ())
    }

    /// A static address stays until the chip is reset: the firmware has no way back to DHCP. It also
    /// clears the name servers, which are therefore set again.
    pub(crate) fn set_address(&mut self, config: Option<&IpConfig>) -> nb::Result<(), Error> {
        let Some(config) = config else {
            let never_set = self.state.link.static_address.is_none();
            return if never_set { Ok(()) } else { Err(Error::Unsupported.into()) };
        };
        let IpAddr::V4(addr) = config.addr else { return Err(Error::Unsupported.into()) };
        let gateway = ipv4(config.gateway)?;
        let [first, second] = config.dns;
        let servers = [ipv4(first)?, ipv4(second)?];
        if config.prefix > 32 {
            return Err(Error::InvalidInput.into());
        }
        let mask = u32::MAX.checked_shl(32 - u32::from(config.prefix)).unwrap_or(0);
        let address = [addr, gateway, mask.into()];
        if self.state.link.static_address != Some(address) {
            let [addr, gateway, mask] = address.map(|it| it.octets());
            // The value answered is 0 although it worked.
            self.ask(Owner::Link, &SET_IP_CONFIG, &[&[1], &addr, &gateway, &mask])?;
            self.state.link.static_address = Some(address);
        }
        self.give_name_servers(servers)?;
        self.state.link.set_address(*config);
        Ok(())
    }

    pub(crate) fn set_name_servers(&mut self, servers: &[IpAddr]) -> nb::Result<(), Error> {
        let (first, second) = match servers {
            [] => return Err(Error::InvalidInput.into()),
            [first] => (Some(*first), None),
            [first, second] => (Some(*first), Some(*second)),
            _ => return Err(Error::InvalidInput.into()),
        };
        let servers = [ipv4(first)?, ipv4(second)?];
        self.give_name_servers(servers)?;
        self.state.link.set_name_servers([first, second]);
        Ok(())
    }

    /// An unspecified address leaves that server as it is.
    fn give_name_servers(&mut self, [first, second]: [Ipv4Addr; 2]) -> nb::Result<(), Error> {
        let (first, second) = (first.octets(), second.octets());
        self.ask(Owner::Link, &SET_DNS_CONFIG, &[&[1], &first, &second]).map(|_| ())
    }

    pub(crate) fn set_power(&mut self, mode: PowerMode) -> nb::Result<(), Error> {
        let sleeps = match mode {
            PowerMode::Active => 0,
            PowerMode::Saving => 1,
            _ => return Err(Error::Unsupported.into()),
        };
        self.ask(Owner::Query, &SET_POWER_MODE, &[&[sleeps]]).map(|_| ())
    }

    pub(crate) fn ping(&mut self, host: IpAddr, hop_limit: u8) -> nb::Result<Duration, Error> {
        let IpAddr::V4(host) = host else { return Err(Error::Unsupported.into()) };
        let answer = self.ask(Owner::Ping, &PING, &[&host.octets(), &[hop_limit]])?;
        let ms = i16::from_le_bytes(answer.array().ok_or(Error::Fault(Fault::Frame))?);
        let ms = u64::try_from(ms).map_err(|_| Error::TimedOut)?;
        Ok(Duration::from_millis(ms))
    }

    /// Four bytes, or eight from firmware built on arduino-esp32; 0 until it knows.
    pub(crate) fn clock(&mut self) -> nb::Result<Option<u64>, Error> {
        let answer = self.ask(Owner::Query, &GET_TIME, &[])?;
        let seconds = match (answer.array(), answer.array()) {
            (Some(short), _) => u64::from(u32::from_le_bytes(short)),
            (None, Some(long)) => u64::from_le_bytes(long),
            (None, None) => return Err(Error::Fault(Fault::Frame).into()),
        };
        Ok((seconds != 0).then_some(seconds))
    }
}

fn ipv4(addr: Option<IpAddr>) -> Result<Ipv4Addr, Error> {
    match addr {
        None => Ok(Ipv4Addr::UNSPECIFIED),
        Some(IpAddr::V4(addr)) => Ok(addr),
        Some(IpAddr::V6(_)) => Err(Error::Unsupported),
    }
}
