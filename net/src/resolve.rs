//! From `host:port` to addresses: literals here, names by the device.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::addr::canonical;
use crate::ports::parse_port;
use crate::socket::until;
use crate::{
    Addr, AddrErrorKind, AddressFamily, Cause, DeviceError, Error, Instant, LookupErrorKind,
    Netdev, Network, Op, split_host_port,
};

/// Turns `host:port` into an address, with the registered device; see [`resolve_on`].
///
/// # Errors
/// As [`resolve_on`].
pub fn resolve(network: &str, addr: &str) -> Result<Addr, Error> {
    resolve_on(netdev::device(), network, addr)
}

/// Turns `host:port` into an address: Go's `ResolveTCPAddr` and `ResolveUDPAddr`. An empty network
/// means `tcp`. Literal addresses never reach the device.
///
/// Differs from Go: an empty host gives the unspecified address and not one without IP.
///
/// # Errors
/// [`Cause::Address`] for a malformed address or one of another family than the network's,
/// [`Cause::Lookup`] for a name or the name of a port that leads nowhere.
pub fn resolve_on(device: &'static dyn Netdev, network: &str, addr: &str) -> Result<Addr, Error> {
    let name = if network.is_empty() { "tcp" } else { network };
    let network = Network::parse(name).map_err(|cause| Error::new(Op::Lookup, cause))?;
    Candidates::find(device, network, addr, None)
        .and_then(|found| found.iter().next().ok_or(AddrErrorKind::NoSuitableAddress.into()))
        .map(|found| network.addr(found))
        .map_err(|cause| Error { network: Some(network), ..Error::new(Op::Lookup, cause) })
}

/// The addresses that a name has, most wanted first, and the port for all of them.
pub(crate) struct Candidates {
    ips: [IpAddr; Self::MOST],
    count: usize,
    scope: u32,
    port: u16,
}

impl Candidates {
    /// Of a name with more addresses the rest is not tried.
    const MOST: usize = 4;

    /// Splits `addr` and looks its host up.
    pub(crate) fn find(
        device: &dyn Netdev,
        network: Network,
        addr: &str,
        deadline: Option<Instant>,
    ) -> Result<Self, Cause> {
        let (host, port) = split_host_port(addr)?;
        let port = parse_port(network, port)?;
        match literal(host)? {
            _ if host.is_empty() => Ok(Self::one(anywhere(network), 0, port)),
            Some((ip, scope)) => Ok(Self::one(suitable(network, ip)?, scope, port)),
            None => Self::look_up(device, network, host, port, deadline),
        }
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = SocketAddr> {
        self.ips.iter().take(self.count).map(|ip| match *ip {
            IpAddr::V4(ip) => SocketAddr::new(ip.into(), self.port),
            IpAddr::V6(ip) => SocketAddrV6::new(ip, self.port, 0, self.scope).into(),
        })
    }

    const fn one(ip: IpAddr, scope: u32, port: u16) -> Self {
        Self { ips: [ip; Self::MOST], count: 1, scope, port }
    }

    fn push(&mut self, ip: IpAddr) {
        if let Some(place) = self.ips.get_mut(self.count) {
            *place = ip;
            self.count += 1;
        }
    }

    fn look_up(
        device: &dyn Netdev,
        network: Network,
        name: &str,
        port: u16,
        deadline: Option<Instant>,
    ) -> Result<Self, Cause> {
        let mut answer = [UNSPECIFIED; Self::MOST];
        let count = ask(device, name, network.family(), deadline, &mut answer)
            .map_err(|cause| Cause::Lookup(why(cause)))?;
        let mut found = Self { ips: answer, count: 0, scope: 0, port };
        for ip in answer.iter().take(count).map(IpAddr::to_canonical) {
            if network.allows(ip) {
                found.push(ip);
            }
        }
        if found.count == 0 { Err(AddrErrorKind::NoSuitableAddress.into()) } else { Ok(found) }
    }
}

const UNSPECIFIED: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Asks the device for the addresses of a name.
fn ask(
    device: &dyn Netdev,
    name: &str,
    family: Option<AddressFamily>,
    deadline: Option<Instant>,
    answer: &mut [IpAddr],
) -> Result<usize, Cause> {
    let token = until(device, deadline, || device.get_host_by_name(name, family))?;
    let lookup = Ended { device, token };
    until(device, deadline, || device.lookup_result(lookup.token, answer))
}

/// Ends a lookup on every path.
struct Ended<'a> {
    device: &'a dyn Netdev,
    token: netdev::Lookup,
}

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.device.end_lookup(self.token);
    }
}

fn why(cause: Cause) -> LookupErrorKind {
    match cause {
        Cause::DeadlineExceeded | Cause::Device(DeviceError::TimedOut) => LookupErrorKind::TimedOut,
        Cause::Device(error) if error != DeviceError::HostUnknown => LookupErrorKind::Failed(error),
        _ => LookupErrorKind::NoSuchHost,
    }
}

/// The address and the zone that a host is written as, or `None` for a name.
///
/// Differs from Go: zones are numbers; a device with sockets on board has no interfaces by name.
fn literal(host: &str) -> Result<Option<(IpAddr, u32)>, Cause> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(Some((ip.to_canonical(), 0)));
    }
    let Some((ip, zone)) = host.split_once('%') else { return Ok(None) };
    let Ok(ip) = ip.parse::<Ipv6Addr>() else { return Ok(None) };
    match zone.parse() {
        Ok(zone) => Ok(Some((ip.into(), zone))),
        Err(_) => Err(AddrErrorKind::UnknownZone.into()),
    }
}

/// A literal as the network wants it. `::` stands for every address, those of IPv4 too.
fn suitable(network: Network, ip: IpAddr) -> Result<IpAddr, Cause> {
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

    /// The texts that Go repeats and we do not, cut out of what it prints.
    fn without_names(case: &serde_json::Value) -> std::string::String {
        let wanted = &case["out"];
        if let Some(error) = wanted["addr_error"]["err"].as_str() {
            error.into()
        } else if let Some(error) = wanted["dns_error"]["err"].as_str() {
            std::format!("lookup: {error}")
        } else {
            "unknown network".into()
        }
    }

    #[test]
    fn literals_resolve_as_recorded() {
        let text = include_str!("../testdata/resolve_addr.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut checked = 0;
        for case in vectors["cases"].as_array().unwrap() {
            let part = |name: &str| case["in"][name].as_str().unwrap();
            let addr = part("address");
            // Raw IP is out of scope, and so are zones by name.
            if part("kind") == "ip" || addr.contains("%e") || addr.contains("%l") {
                continue;
            }
            let network = if part("network").is_empty() { part("kind") } else { part("network") };
            let (text, wanted) = match resolve(network, addr) {
                Ok(found) => {
                    let wanted = case["out"]["string"].as_str().unwrap_or_default();
                    let host = if network.ends_with('6') { "[::]" } else { "0.0.0.0" };
                    let missing = if wanted.starts_with(':') { host } else { "" };
                    (found.to_string(), missing.to_string() + wanted)
                }
                Err(error) => (error.cause.to_string(), without_names(case)),
            };
            assert_eq!(text, wanted, "{case}");
            checked += 1;
        }
        assert!(checked > 80, "{checked}");
    }

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
