//! From `host:port` to addresses: literals here, names by the device.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::addr::canonical;
use crate::end_point::{check_ip_network, socket_addr};
use crate::lookup::{UNSPECIFIED, find_addrs};
use crate::netip;
use crate::ports::parse_port;
use crate::{
    Addr, AddrErrorKind, AddressFamily, Cause, Error, Instant, Netdev, Network, Op, TcpAddr,
    UdpAddr, ZonedIp, split_host_port,
};

/// Turns `host:port` into an address, with the registered device; see [`resolve_on`].
///
/// # Errors
/// As [`resolve_on`].
pub fn resolve(network: &str, addr: &str) -> Result<Addr, Error> {
    resolve_on(netdev::device(), network, addr)
}

/// Turns `host:port` into an address of either kind. An empty network means `tcp`, an empty host the
/// unspecified address. Literal addresses never reach the device.
///
/// # Errors
/// [`Cause::Address`] for a malformed address or one of another family than the network's,
/// [`Cause::Lookup`] for a name or the name of a port that leads nowhere.
pub fn resolve_on(device: &'static dyn Netdev, network: &str, addr: &str) -> Result<Addr, Error> {
    let name = if network.is_empty() { "tcp" } else { network };
    let network = Network::parse(name).map_err(failed(None))?;
    let parts = Parts::find(device, network, addr, prefers_six(addr));
    let (ip, zone, port) = parts.map_err(failed(Some(network)))?;
    let ip = Some(ip.unwrap_or(anywhere(network)));
    let addr = socket_addr(ip, zone, port).map_err(Cause::from).map_err(failed(Some(network)))?;
    Ok(network.addr(addr))
}

/// Turns `host:port` into an address with the registered device: Go's `ResolveTCPAddr`; see
/// [`resolve_tcp_addr_on`].
///
/// # Errors
/// As [`resolve_tcp_addr_on`].
pub fn resolve_tcp_addr<'a>(network: &str, addr: &'a str) -> Result<TcpAddr<'a>, Error> {
    resolve_tcp_addr_on(netdev::device(), network, addr)
}

/// Turns `host:port` into an address: Go's `ResolveTCPAddr`. An empty network means `tcp`; an empty
/// host gives an address without IP. Of a name's addresses an IPv4 one is taken, unless the name
/// stands in brackets. Literal addresses never reach the device.
///
/// # Errors
/// As [`resolve_on`]; [`Error::about`] prints them as Go does.
pub fn resolve_tcp_addr_on<'a>(
    device: &'static dyn Netdev,
    network: &str,
    addr: &'a str,
) -> Result<TcpAddr<'a>, Error> {
    let (ip, zone, port) = resolve_kind(device, network, "tcp", addr)?;
    Ok(TcpAddr { ip, port, zone })
}

/// Turns `host:port` into an address with the registered device: Go's `ResolveUDPAddr`; see
/// [`resolve_udp_addr_on`].
///
/// # Errors
/// As [`resolve_tcp_addr_on`].
pub fn resolve_udp_addr<'a>(network: &str, addr: &'a str) -> Result<UdpAddr<'a>, Error> {
    resolve_udp_addr_on(netdev::device(), network, addr)
}

/// Turns `host:port` into an address: Go's `ResolveUDPAddr`. An empty network means `udp`;
/// otherwise as [`resolve_tcp_addr_on`].
///
/// # Errors
/// As [`resolve_tcp_addr_on`].
pub fn resolve_udp_addr_on<'a>(
    device: &'static dyn Netdev,
    network: &str,
    addr: &'a str,
) -> Result<UdpAddr<'a>, Error> {
    let (ip, zone, port) = resolve_kind(device, network, "udp", addr)?;
    Ok(UdpAddr { ip, port, zone })
}

/// Turns a host into an address with the registered device: Go's `ResolveIPAddr`; see
/// [`resolve_ip_addr_on`].
///
/// # Errors
/// As [`resolve_ip_addr_on`].
pub fn resolve_ip_addr<'a>(network: &str, host: &'a str) -> Result<ZonedIp<'a>, Error> {
    resolve_ip_addr_on(netdev::device(), network, host)
}

/// Turns a host into an address: Go's `ResolveIPAddr`. The network is `ip`, `ip4` or `ip6`, and may
/// name a protocol behind a colon; an empty one means `ip`.
///
/// # Errors
/// As [`resolve_on`].
pub fn resolve_ip_addr_on<'a>(
    device: &'static dyn Netdev,
    network: &str,
    host: &'a str,
) -> Result<ZonedIp<'a>, Error> {
    let network = check_ip_network(network).map_err(failed(None))?.unwrap_or(Network::Tcp);
    let (ip, zone) = host_of(device, network, host, false).map_err(failed(None))?;
    Ok(ZonedIp { ip, zone })
}

fn resolve_kind<'a>(
    device: &'static dyn Netdev,
    network: &str,
    kind: &str,
    addr: &'a str,
) -> Result<Resolved<'a>, Error> {
    let name = if network.is_empty() { kind } else { network };
    let of_kind = name.strip_prefix(kind).map_or(Err(Cause::UnknownNetwork), |_| Ok(name));
    let network = of_kind.and_then(Network::parse).map_err(failed(None))?;
    Parts::find(device, network, addr, prefers_six(addr)).map_err(failed(Some(network)))
}

fn failed(network: Option<Network>) -> impl Fn(Cause) -> Error {
    move |cause| Error { network, ..Error::new(Op::Lookup, cause) }
}

/// Go takes an IPv6 address of a name only where the text asks for one.
fn prefers_six(addr: &str) -> bool {
    addr.starts_with('[')
}

type Resolved<'a> = (Option<IpAddr>, &'a str, u16);

/// `host:port`, taken apart.
struct Parts<'a> {
    host: &'a str,
    port: u16,
}

impl<'a> Parts<'a> {
    /// An empty text is no host and no port.
    fn split(network: Network, addr: &'a str) -> Result<Self, Cause> {
        if addr.is_empty() {
            return Ok(Self { host: "", port: 0 });
        }
        let (host, port) = split_host_port(addr)?;
        Ok(Self { host, port: parse_port(network, port)? })
    }

    fn find(
        device: &dyn Netdev,
        network: Network,
        addr: &'a str,
        six: bool,
    ) -> Result<Resolved<'a>, Cause> {
        let Self { host, port } = Self::split(network, addr)?;
        let (ip, zone) = host_of(device, network, host, six)?;
        Ok((ip, zone, port))
    }
}

/// The one address of a host, and its zone.
fn host_of<'a>(
    device: &dyn Netdev,
    network: Network,
    host: &'a str,
    six: bool,
) -> Result<(Option<IpAddr>, &'a str), Cause> {
    if host.is_empty() {
        return Ok((None, ""));
    }
    if let Some((ip, zone)) = netip::addr(host) {
        return Ok((Some(suitable(network, ip)?), zone));
    }
    let mut found = [UNSPECIFIED; Candidates::MOST];
    let count = find_addrs(device, network.family(), host, None, &mut found)?;
    let found = found.get(..count).unwrap_or_default();
    let wanted = found.iter().find(|ip| ip.is_ipv6() == six).or(found.first());
    Ok((wanted.copied(), ""))
}

/// The addresses that a text leads to, most wanted first, and the port for all of them.
pub(crate) struct Candidates {
    ips: [IpAddr; Self::MOST],
    count: usize,
    scope: u32,
    port: u16,
}

impl Candidates {
    /// Of a name with more addresses the rest is not tried.
    pub(crate) const MOST: usize = 6;

    pub(crate) const fn one(addr: SocketAddr) -> Self {
        let scope = match addr {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(addr) => addr.scope_id(),
        };
        Self { ips: [addr.ip(); Self::MOST], count: 1, scope, port: addr.port() }
    }

    /// Splits `addr` and looks its host up. An empty text leads to every address and any port.
    pub(crate) fn find(
        device: &dyn Netdev,
        network: Network,
        addr: &str,
        deadline: Option<Instant>,
    ) -> Result<Self, Cause> {
        let Parts { host, port } = Parts::split(network, addr)?;
        let mut found = Self { ips: [UNSPECIFIED; Self::MOST], count: 1, scope: 0, port };
        if host.is_empty() {
            found.ips = [anywhere(network); Self::MOST];
        } else if let Some((ip, zone)) = netip::addr(host) {
            found.take_literal(network, ip, zone)?;
        } else {
            let (family, ips) = (network.family(), &mut found.ips);
            found.count = find_addrs(device, family, host, deadline, ips)?;
        }
        Ok(found)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = SocketAddr> {
        self.ips.iter().take(self.count).map(|ip| self.with_port(*ip))
    }

    /// Those of one family, or all.
    pub(crate) fn of_family(&self, six: Option<bool>) -> impl Iterator<Item = SocketAddr> {
        self.iter().filter(move |addr| six.is_none_or(|six| addr.is_ipv6() == six))
    }

    fn with_port(&self, ip: IpAddr) -> SocketAddr {
        let mut addr = SocketAddr::new(ip, self.port);
        if let SocketAddr::V6(addr) = &mut addr {
            addr.set_scope_id(self.scope);
        }
        addr
    }

    fn take_literal(&mut self, network: Network, ip: IpAddr, zone: &str) -> Result<(), Cause> {
        let ip = suitable(network, ip)?;
        if !zone.is_empty() {
            self.scope = zone.parse().map_err(|_| AddrErrorKind::UnknownZone)?;
        }
        self.ips = [ip; Self::MOST];
        // A machine may be able to listen on `::` and not to connect to itself by IPv6.
        if ip == Ipv6Addr::UNSPECIFIED && network.family().is_none() {
            let [_, second, ..] = &mut self.ips;
            *second = UNSPECIFIED;
            self.count = 2;
        }
        Ok(())
    }
}

/// A literal as the network wants it. `::` stands for every address, those of IPv4 too.
fn suitable(network: Network, ip: IpAddr) -> Result<IpAddr, Cause> {
    let ip = ip.to_canonical();
    if network.allows(ip) {
        Ok(ip)
    } else if ip == Ipv6Addr::UNSPECIFIED {
        Ok(UNSPECIFIED)
    } else {
        Err(AddrErrorKind::NoSuitableAddress.into())
    }
}

/// What an empty host stands for.
const fn anywhere(network: Network) -> IpAddr {
    match network.family() {
        Some(AddressFamily::Inet6) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        _ => UNSPECIFIED,
    }
}

/// An address to connect to: the unspecified one means this machine.
pub(crate) fn to_dial(addr: SocketAddr) -> SocketAddr {
    let mut addr = canonical(addr);
    if addr.ip().is_unspecified() {
        addr.set_ip(match addr.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    addr
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn a_zone_is_a_number() {
        let scoped = resolve("tcp6", "[fe80::1%7]:80").unwrap();
        assert_eq!(scoped.to_string(), "[fe80::1%7]:80");
        let error = resolve("tcp6", "[fe80::1%eth0]:80").unwrap_err();
        assert_eq!(error.cause, Cause::Address(AddrErrorKind::UnknownZone));
    }

    #[test]
    fn dialling_nowhere_means_this_machine() {
        for (from, to) in [
            ("0.0.0.0:7", "127.0.0.1:7"),
            ("[::]:7", "[::1]:7"),
            ("[::ffff:0.0.0.0]:7", "127.0.0.1:7"),
            ("10.0.0.1:7", "10.0.0.1:7"),
        ] {
            assert_eq!(to_dial(from.parse().unwrap()), to.parse().unwrap());
        }
    }
}
