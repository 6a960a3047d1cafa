//! What can be asked and set beside joining.

use core::net::{IpAddr, Ipv4Addr};

use netdev::{Error, Fault, HardwareAddr, IpConfig, PowerMode};
use netdev_uart::UartLink;

use crate::codec::Value::{Bin, U32};
use crate::exchange::Owner;
use crate::method::{tcpip, value, wifi};
use crate::state::Core;
use crate::wifi::NO_SOCKET;

impl<L: UartLink> Core<'_, L> {
    pub(crate) fn hardware_addr(&mut self) -> nb::Result<HardwareAddr, Error> {
        let answer = self.ask(Owner::Query(NO_SOCKET), &wifi::GET_MAC_ADDRESS, &[])?;
        Ok(mac(answer.bytes()).ok_or(Error::Fault(Fault::Frame))?)
    }

    pub(crate) fn rssi(&mut self) -> nb::Result<i16, Error> {
        if !self.state.link.is_joined() {
            return Err(Error::LinkDown.into());
        }
        let answer = self.ask(Owner::Query(NO_SOCKET), &wifi::GET_RSSI, &[])?;
        let rssi = answer.bytes().first_chunk().copied().map(i32::from_le_bytes);
        let rssi = rssi.and_then(|it| i16::try_from(it).ok());
        Ok(rssi.ok_or(Error::Fault(Fault::Frame))?)
    }

    pub(crate) fn set_power(&mut self, mode: PowerMode) -> nb::Result<(), Error> {
        let method = match mode {
            PowerMode::Active => &wifi::DISABLE_POWERSAVE,
            PowerMode::Saving => &wifi::ENABLE_POWERSAVE,
            _ => return Err(Error::Unsupported.into()),
        };
        self.ask(Owner::Query(NO_SOCKET), method, &[]).map(|_| ())
    }

    /// Noted for the next join.
    pub(crate) fn set_address(&mut self, config: Option<&IpConfig>) -> nb::Result<(), Error> {
        if let Some(config) = config {
            if !config.addr.is_ipv4() {
                return Err(Error::Unsupported.into());
            }
            if config.prefix > 32 {
                return Err(Error::InvalidInput.into());
            }
        }
        self.state.link.fixed = config.copied();
        if let Some(config) = config.filter(|config| config.dns.iter().any(Option::is_some)) {
            self.state.link.name_servers = config.dns.map(|server| server.and_then(v4));
        }
        Ok(())
    }

    pub(crate) fn set_name_servers(&mut self, servers: &[IpAddr]) -> nb::Result<(), Error> {
        let mut chosen = [None; 2];
        if servers.len() > chosen.len() {
            return Err(Error::InvalidInput.into());
        }
        for (place, server) in chosen.iter_mut().zip(servers) {
            *place = Some(v4(*server).ok_or(Error::Unsupported)?);
        }
        self.state.link.name_servers = chosen;
        if !self.state.link.is_up() {
            return Ok(());
        }
        while self.state.link.names_set < 2 {
            let which = self.state.link.names_set;
            self.set_name_server(Owner::Query(NO_SOCKET), which)?;
            self.state.link.names_set += 1;
        }
        self.state.link.names_set = 0;
        if let Some(config) = &mut self.state.link.config {
            config.dns = chosen.map(|server| server.map(IpAddr::V4));
        }
        Ok(())
    }

    pub(crate) fn set_name_server(&mut self, owner: Owner, which: u8) -> nb::Result<(), Error> {
        let server = self.state.link.name_servers.get(usize::from(which)).copied().flatten();
        let Some(server) = server else { return Ok(()) };
        let octets = server.octets();
        let values = [U32(value::STATION), U32(which.into()), Bin(&octets)];
        self.ask(owner, &tcpip::SET_DNS_INFO, &values).map(|_| ())
    }
}

/// Text of two digits a byte, and a zero behind it.
fn mac(text: &[u8]) -> Option<HardwareAddr> {
    let mut octets = [0; 6];
    for (octet, digits) in octets.iter_mut().zip(text.chunks(3)) {
        let digits = core::str::from_utf8(digits.get(..2)?).ok()?;
        *octet = u8::from_str_radix(digits, 16).ok()?;
    }
    (text.len() >= 17).then_some(HardwareAddr(octets))
}

/// The mask comes before the gateway.
pub(crate) fn ip_info(config: &IpConfig) -> [u8; 12] {
    let addr = v4(config.addr).unwrap_or(Ipv4Addr::UNSPECIFIED).octets();
    let gateway = config.gateway.and_then(v4).unwrap_or(Ipv4Addr::UNSPECIFIED).octets();
    let host = u32::MAX.checked_shr(config.prefix.into()).unwrap_or(0);
    let mut info = [0; 12];
    let octets = addr.into_iter().chain((!host).to_be_bytes()).chain(gateway);
    for (place, octet) in info.iter_mut().zip(octets) {
        *place = octet;
    }
    info
}

fn v4(addr: IpAddr) -> Option<Ipv4Addr> {
    match addr {
        IpAddr::V4(addr) => Some(addr),
        IpAddr::V6(_) => None,
    }
}
