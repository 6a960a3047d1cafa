//! Networks by name, and the addresses of connections.

use core::fmt;
use core::net::{IpAddr, SocketAddr};

use crate::{AddressFamily, Cause};

/// A network, by the names that Go gives them.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Network {
    /// `tcp`
    Tcp,
    /// `tcp4`: TCP over IPv4 only.
    Tcp4,
    /// `tcp6`: TCP over IPv6 only.
    Tcp6,
    /// `udp`
    Udp,
    /// `udp4`: UDP over IPv4 only.
    Udp4,
    /// `udp6`: UDP over IPv6 only.
    Udp6,
    /// `pipe`: in memory; not a network that can be dialled.
    Pipe,
}

impl Network {
    /// The network of this name. Names are lower case.
    ///
    /// # Errors
    /// [`Cause::UnknownNetwork`].
    pub fn parse(name: &str) -> Result<Self, Cause> {
        [Self::Tcp, Self::Tcp4, Self::Tcp6, Self::Udp, Self::Udp4, Self::Udp6]
            .into_iter()
            .find(|network| network.name() == name)
            .ok_or(Cause::UnknownNetwork)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tcp4 => "tcp4",
            Self::Tcp6 => "tcp6",
            Self::Udp => "udp",
            Self::Udp4 => "udp4",
            Self::Udp6 => "udp6",
            Self::Pipe => "pipe",
        }
    }

    /// Whether it carries datagrams.
    #[must_use]
    pub const fn is_udp(self) -> bool {
        matches!(self, Self::Udp | Self::Udp4 | Self::Udp6)
    }

    /// The one address family that it allows, if it does not allow both.
    #[must_use]
    pub const fn family(self) -> Option<AddressFamily> {
        match self {
            Self::Tcp | Self::Udp | Self::Pipe => None,
            Self::Tcp4 | Self::Udp4 => Some(AddressFamily::Inet),
            Self::Tcp6 | Self::Udp6 => Some(AddressFamily::Inet6),
        }
    }

    /// Whether an address is of a family that it allows.
    pub(crate) fn allows(self, ip: IpAddr) -> bool {
        match self.family() {
            None => true,
            Some(AddressFamily::Inet) => ip.is_ipv4(),
            Some(_) => ip.is_ipv6(),
        }
    }

    pub(crate) const fn addr(self, addr: SocketAddr) -> Addr {
        if self.is_udp() { Addr::Udp(addr) } else { Addr::Tcp(addr) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One end of a connection.
///
/// Prints as `10.0.0.1:80` or `[::1]:80`; an IPv4 address inside IPv6 prints as the IPv4 address.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Addr {
    /// An end of a TCP connection.
    Tcp(SocketAddr),
    /// An end of a UDP connection.
    Udp(SocketAddr),
    /// An end of a pipe.
    Pipe,
}

impl Addr {
    /// `tcp`, `udp` or `pipe`.
    #[must_use]
    pub const fn network(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Udp(_) => "udp",
            Self::Pipe => "pipe",
        }
    }

    /// Address and port, where this kind has them.
    #[must_use]
    pub const fn socket_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(addr) | Self::Udp(addr) => Some(*addr),
            Self::Pipe => None,
        }
    }
}

impl fmt::Display for Addr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addr) | Self::Udp(addr) => canonical(*addr).fmt(f),
            Self::Pipe => f.write_str("pipe"),
        }
    }
}

/// An IPv4 address inside IPv6 as what it is; everything else unchanged.
pub(crate) fn canonical(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), addr.port()),
        IpAddr::V6(_) => addr,
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn network_names_are_exact() {
        assert_eq!(Network::parse("udp6"), Ok(Network::Udp6));
        for name in ["", "TCP", "tcp5", "ip", "unix", "tcp:6"] {
            assert_eq!(Network::parse(name), Err(Cause::UnknownNetwork), "{name}");
        }
    }

    #[test]
    fn ipv4_inside_ipv6_prints_as_ipv4() {
        for (text, printed) in [
            ("[::ffff:1.2.3.4]:80", "1.2.3.4:80"),
            ("[::1]:80", "[::1]:80"),
            ("[fe80::1%3]:80", "[fe80::1%3]:80"),
            ("0.0.0.0:80", "0.0.0.0:80"),
        ] {
            assert_eq!(Addr::Tcp(text.parse().unwrap()).to_string(), printed);
        }
    }
}
