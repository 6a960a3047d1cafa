//! Network masks, and networks by address and mask.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::ip::hex;
use crate::{IpExt, ParseError};

/// A network mask: Go's `IPMask`. Prints in hex, without any bytes as `<nil>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Mask {
    bytes: [u8; 16],
    len: u8,
}

impl Mask {
    /// A mask of up to 16 bytes; `None` for more.
    #[must_use]
    pub fn new(mask: &[u8]) -> Option<Self> {
        let mut bytes = [0; 16];
        bytes.get_mut(..mask.len())?.copy_from_slice(mask);
        Some(Self { bytes, len: u8::try_from(mask.len()).ok()? })
    }

    /// A mask of `ones` ones, then zeros up to `bits`, which is 32 or 128: Go's `CIDRMask`.
    #[must_use]
    pub fn cidr(ones: u8, bits: u8) -> Option<Self> {
        if !matches!(bits, 32 | 128) || ones > bits {
            return None;
        }
        let mask = u128::MAX.checked_shl(128 - u32::from(ones)).unwrap_or(0);
        Self::new(mask.to_be_bytes().get(..usize::from(bits / 8))?)
    }

    /// A mask for IPv4: Go's `IPv4Mask`.
    #[must_use]
    pub fn v4(a: u8, b: u8, c: u8, d: u8) -> Self {
        Self::new(&[a, b, c, d]).unwrap_or_default()
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// How many ones it begins with and how many bits it has: Go's `Size`. `None` for one in which
    /// a one follows a zero, where Go says `(0, 0)`.
    #[must_use]
    pub fn size(&self) -> Option<(u8, u8)> {
        let value = u128::from_be_bytes(self.bytes);
        let ones = value.leading_ones();
        let rest = value.checked_shl(ones).unwrap_or(0);
        (rest == 0).then_some((u8::try_from(ones).ok()?, self.len.checked_mul(8)?))
    }

    /// The address with every bit cleared that is not set in the mask: Go's `IP.Mask`. `None` if the
    /// mask is for the other family.
    #[must_use]
    pub fn apply(&self, ip: IpAddr) -> Option<IpAddr> {
        let value = u128::from_be_bytes(self.bytes);
        match self.len {
            4 => {
                let [a, b, c, d, ..] = self.bytes;
                let mask = u32::from_be_bytes([a, b, c, d]);
                ip.to4().map(|ip| Ipv4Addr::from_bits(ip.to_bits() & mask).into())
            }
            16 => {
                let masked = Ipv6Addr::from_bits(ip.to16().to_bits() & value);
                Some(IpAddr::from(masked).to_canonical())
            }
            _ => None,
        }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.len == 0 { f.write_str("<nil>") } else { hex(self.as_bytes(), f) }
    }
}

/// A network: Go's `IPNet`. Prints as `10.0.0.0/8`, or with the mask in hex if its ones are not all
/// at its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct IpNet {
    ip: IpAddr,
    mask: Mask,
}

impl IpNet {
    /// The network of this address; `None` if the mask is for the other family.
    #[must_use]
    pub fn new(ip: IpAddr, mask: Mask) -> Option<Self> {
        Some(Self { ip: mask.apply(ip)?, mask })
    }

    /// The network's own address.
    #[must_use]
    pub const fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Its mask.
    #[must_use]
    pub const fn mask(&self) -> Mask {
        self.mask
    }

    /// What Go calls this kind of address: `ip+net`.
    #[must_use]
    pub const fn network(&self) -> &'static str {
        "ip+net"
    }

    /// Whether the address is in this network.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        ip.is_ipv4() == self.ip.is_ipv4() && self.mask.apply(ip) == self.mask.apply(self.ip)
    }

    /// The mask in the length of the address.
    fn own_mask(&self) -> Mask {
        let bytes = self.mask.as_bytes();
        let last = bytes.get(12..).filter(|_| self.ip.is_ipv4());
        last.and_then(Mask::new).unwrap_or(self.mask)
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mask = self.own_mask();
        match mask.size() {
            Some((ones, _)) => write!(f, "{}/{ones}", self.ip),
            None => write!(f, "{}/{mask}", self.ip),
        }
    }
}

/// Reads an address and the length of its network's prefix: Go's `ParseCIDR`.
///
/// # Errors
/// A [`ParseError`] that holds the text.
///
/// ```
/// let (ip, network) = net::parse_cidr("192.168.1.5/24")?;
/// assert_eq!(network.to_string(), "192.168.1.0/24");
/// assert!(network.contains(ip));
/// # Ok::<(), net::ParseError>(())
/// ```
pub fn parse_cidr(text: &str) -> Result<(IpAddr, IpNet), ParseError<'_>> {
    cidr(text).ok_or(ParseError { kind: "CIDR address", text })
}

fn cidr(text: &str) -> Option<(IpAddr, IpNet)> {
    let (addr, length) = text.split_once('/')?;
    let ip: IpAddr = addr.parse().ok()?;
    // The length counts in the family of the text, also for IPv4 inside IPv6.
    let bits = if ip.is_ipv4() { 32 } else { 128 };
    let ones = decimal(length)?;
    Some((ip.to_canonical(), IpNet::new(ip, Mask::cidr(ones, bits)?)?))
}

/// Digits and nothing else; leading zeros pass.
fn decimal(text: &str) -> Option<u8> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}
