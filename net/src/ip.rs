//! IP addresses as Go's `net` reads, prints and classes them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::Mask;

/// Reads an address: Go's `ParseIP`. An IPv4 address inside IPv6 gives the IPv4 address; zones are
/// refused.
///
/// ```
/// assert_eq!(net::parse_ip("::ffff:10.0.0.1"), Some([10, 0, 0, 1].into()));
/// assert_eq!(net::parse_ip("10.0.0.01"), None);
/// ```
#[must_use]
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(|ip: IpAddr| ip.to_canonical())
}

/// The methods of Go's `IP` that [`IpAddr`] lacks or has otherwise.
///
/// For all of them an IPv4 address inside IPv6 is the IPv4 address. `is_unspecified`, `is_loopback`
/// and `is_multicast` of [`IpAddr`] answer as Go's, once the address is canonical, as it is wherever
/// this crate hands one out.
pub trait IpExt {
    /// The address as IPv4, if it is one or holds one.
    #[must_use]
    fn to4(&self) -> Option<Ipv4Addr>;
    /// The address in 16 bytes.
    #[must_use]
    fn to16(&self) -> Ipv6Addr;
    /// Whether both are the same address: an IPv4 address equals the IPv6 address that holds it.
    #[must_use]
    fn equal(&self, other: &IpAddr) -> bool;
    /// The mask of the address's class, for IPv4 only.
    #[must_use]
    fn default_mask(&self) -> Option<Mask>;
    /// Whether it is set aside for private networks: 10/8, 172.16/12, 192.168/16, fc00::/7.
    #[must_use]
    fn is_private(&self) -> bool;
    /// Whether it reaches the members of a group on this interface only. IPv6 only.
    #[must_use]
    fn is_interface_local_multicast(&self) -> bool;
    /// Whether it reaches the members of a group on this link only.
    #[must_use]
    fn is_link_local_multicast(&self) -> bool;
    /// Whether it is one host's on this link only: 169.254/16, fe80::/10.
    #[must_use]
    fn is_link_local_unicast(&self) -> bool;
    /// Whether it is one host's address beyond the link; private addresses are, too.
    #[must_use]
    fn is_global_unicast(&self) -> bool;
}

impl IpExt for IpAddr {
    fn to4(&self) -> Option<Ipv4Addr> {
        match self.to_canonical() {
            Self::V4(ip) => Some(ip),
            Self::V6(_) => None,
        }
    }

    fn to16(&self) -> Ipv6Addr {
        match self {
            Self::V4(ip) => ip.to_ipv6_mapped(),
            Self::V6(ip) => *ip,
        }
    }

    fn equal(&self, other: &IpAddr) -> bool {
        self.to16() == other.to16()
    }

    fn default_mask(&self) -> Option<Mask> {
        let ones = match self.to4()?.octets() {
            [..0x80, ..] => 8,
            [..0xC0, ..] => 16,
            _ => 24,
        };
        Mask::cidr(ones, 32)
    }

    fn is_private(&self) -> bool {
        match self.to_canonical() {
            Self::V4(ip) => ip.is_private(),
            Self::V6(ip) => ip.is_unique_local(),
        }
    }

    fn is_interface_local_multicast(&self) -> bool {
        multicast_scope(self) == Some(1)
    }

    fn is_link_local_multicast(&self) -> bool {
        match self.to4() {
            Some(ip) => matches!(ip.octets(), [224, 0, 0, _]),
            None => multicast_scope(self) == Some(2),
        }
    }

    fn is_link_local_unicast(&self) -> bool {
        match self.to_canonical() {
            Self::V4(ip) => ip.is_link_local(),
            Self::V6(ip) => ip.is_unicast_link_local(),
        }
    }

    fn is_global_unicast(&self) -> bool {
        let ip = self.to_canonical();
        !(ip.is_unspecified()
            || ip.is_loopback()
            || ip.is_multicast()
            || ip.is_link_local_unicast()
            || ip == Ipv4Addr::BROADCAST)
    }
}

/// The low half of the second byte (RFC 4291 section 2.7); `None` for all but IPv6 groups.
fn multicast_scope(ip: &IpAddr) -> Option<u8> {
    match ip.to_canonical() {
        IpAddr::V6(ip) => match ip.octets() {
            [0xFF, second, ..] => Some(second & 0x0F),
            _ => None,
        },
        IpAddr::V4(_) => None,
    }
}

/// An address as bytes of any length, Go's `IP` type: 4 or 16 of them are an address, none are nil.
///
/// Prints as the address, `<nil>`, or `?` and the bytes in hex.
///
/// ```
/// assert_eq!(net::IpBytes(&[10, 0, 0, 1]).to_string(), "10.0.0.1");
/// assert_eq!(net::IpBytes(&[1, 2, 3]).to_string(), "?010203");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpBytes<'a>(pub &'a [u8]);

impl IpBytes<'_> {
    /// The address, if the length is that of one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        let four = || <[u8; 4]>::try_from(self.0).ok().map(IpAddr::from);
        let sixteen =
            || <[u8; 16]>::try_from(self.0).ok().map(|ip| IpAddr::from(ip).to_canonical());
        four().or_else(sixteen)
    }
}

impl fmt::Display for IpBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip() {
            Some(ip) => ip.fmt(f),
            None if self.0.is_empty() => f.write_str("<nil>"),
            None => {
                f.write_str("?")?;
                hex(self.0, f)
            }
        }
    }
}

/// Two lower-case digits for each byte.
pub(crate) fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Addresses with a meaning of their own, under Go's names.
pub mod well_known {
    use core::net::{Ipv4Addr, Ipv6Addr};

    /// Length of an IPv4 address in bytes.
    pub const IPV4_LEN: usize = 4;
    /// Length of an IPv6 address in bytes.
    pub const IPV6_LEN: usize = 16;
    /// Everybody on the link.
    pub const IPV4_BCAST: Ipv4Addr = Ipv4Addr::BROADCAST;
    /// All systems on the link.
    pub const IPV4_ALLSYS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
    /// All routers on the link.
    pub const IPV4_ALLROUTER: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
    /// No address, or all of them.
    pub const IPV4_ZERO: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
    /// No address, or all of them.
    pub const IPV6_ZERO: Ipv6Addr = Ipv6Addr::UNSPECIFIED;
    /// The same under its other name.
    pub const IPV6_UNSPECIFIED: Ipv6Addr = Ipv6Addr::UNSPECIFIED;
    /// This machine.
    pub const IPV6_LOOPBACK: Ipv6Addr = Ipv6Addr::LOCALHOST;
    /// All nodes on the interface.
    pub const IPV6_INTERFACE_LOCAL_ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xFF01, 0, 0, 0, 0, 0, 0, 1);
    /// All nodes on the link.
    pub const IPV6_LINK_LOCAL_ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 1);
    /// All routers on the link.
    pub const IPV6_LINK_LOCAL_ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xFF02, 0, 0, 0, 0, 0, 0, 2);
}
