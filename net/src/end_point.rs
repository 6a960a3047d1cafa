//! End points as a caller writes them: an address that may be missing, a port, a zone by name.

use core::fmt;
use core::net::{IpAddr, SocketAddr, SocketAddrV6};

use crate::{AddrErrorKind, Cause, Network};

macro_rules! end_point {
    ($(#[$doc:meta])* $name:ident, $network:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name<'a> {
            /// The address; `None` where the text had no host.
            pub ip: Option<IpAddr>,
            /// The port.
            pub port: u16,
            /// The zone of an IPv6 address, empty for none.
            pub zone: &'a str,
        }

        impl $name<'_> {
            /// The network's name.
            #[must_use]
            pub const fn network(&self) -> &'static str {
                $network
            }

            /// The same for a socket: no address is the unspecified one of IPv4.
            ///
            /// Differs from Go: a zone is a number; a device with sockets on board has no interfaces
            /// by name.
            ///
            /// # Errors
            /// [`AddrErrorKind::UnknownZone`].
            pub fn socket_addr(&self) -> Result<SocketAddr, AddrErrorKind> {
                socket_addr(self.ip, self.zone, self.port)
            }
        }

        impl From<SocketAddr> for $name<'_> {
            fn from(addr: SocketAddr) -> Self {
                Self { ip: Some(addr.ip().to_canonical()), port: addr.port(), zone: "" }
            }
        }

        impl fmt::Display for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let host = ZonedIp { ip: self.ip, zone: self.zone };
                let six = matches!(self.ip, Some(ip) if ip.to_canonical().is_ipv6());
                if six || self.zone.contains(':') {
                    write!(f, "[{host}]:{}", self.port)
                } else {
                    write!(f, "{host}:{}", self.port)
                }
            }
        }
    };
}

end_point! {
    /// An end of a TCP connection: Go's `TCPAddr`. Prints as `10.0.0.1:80`, `[fe80::1%eth0]:80`, or
    /// `:80` without an address.
    TcpAddr, "tcp"
}

end_point! {
    /// An end of a UDP connection: Go's `UDPAddr`. Prints as [`TcpAddr`] does.
    UdpAddr, "udp"
}

/// An address with a zone: Go's `IPAddr`. Prints as `fe80::1%eth0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ZonedIp<'a> {
    /// The address; `None` where the text was empty.
    pub ip: Option<IpAddr>,
    /// The zone of an IPv6 address, empty for none.
    pub zone: &'a str,
}

impl ZonedIp<'_> {
    /// What Go calls this kind of address: `ip`.
    #[must_use]
    pub const fn network(&self) -> &'static str {
        "ip"
    }
}

impl From<IpAddr> for ZonedIp<'_> {
    fn from(ip: IpAddr) -> Self {
        Self { ip: Some(ip.to_canonical()), zone: "" }
    }
}

impl fmt::Display for ZonedIp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ip) = self.ip {
            write!(f, "{}", ip.to_canonical())?;
        }
        if self.zone.is_empty() { Ok(()) } else { write!(f, "%{}", self.zone) }
    }
}

/// Network names that stand for raw IP, with a protocol behind a colon or without.
pub(crate) fn check_ip_network(name: &str) -> Result<Option<Network>, Cause> {
    let (family, protocol) = name.rsplit_once(':').map_or((name, None), |(a, b)| (a, Some(b)));
    let family = match family {
        "ip" => None,
        "" if protocol.is_none() => None,
        "ip4" => Some(Network::Tcp4),
        "ip6" => Some(Network::Tcp6),
        _ => return Err(Cause::UnknownNetwork),
    };
    match protocol {
        Some(protocol) if !known_protocol(protocol) => Err(AddrErrorKind::UnknownProtocol.into()),
        _ => Ok(family),
    }
}

/// Numbers pass, and the few names that Go knows without asking the system.
fn known_protocol(protocol: &str) -> bool {
    let number = !protocol.is_empty() && protocol.bytes().all(|byte| byte.is_ascii_digit());
    let named = |known: &&str| known.eq_ignore_ascii_case(protocol);
    number || ["icmp", "igmp", "tcp", "udp", "ipv6-icmp"].iter().any(named)
}

pub(crate) fn socket_addr(
    ip: Option<IpAddr>,
    zone: &str,
    port: u16,
) -> Result<SocketAddr, AddrErrorKind> {
    match ip.unwrap_or(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED)) {
        IpAddr::V6(ip) if !zone.is_empty() => {
            let scope = zone.parse().map_err(|_| AddrErrorKind::UnknownZone)?;
            Ok(SocketAddrV6::new(ip, port, 0, scope).into())
        }
        ip => Ok(SocketAddr::new(ip, port)),
    }
}
