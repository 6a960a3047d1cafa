//! Addresses as the firmware lays them out.

use core::net::{Ipv4Addr, SocketAddrV4};

/// Bytes of a socket's address. Any other length is an error of the chip's.
pub(crate) const SOCKADDR: usize = 16;
/// The same, as the chip is told it.
pub(crate) const SOCKADDR_LEN: u32 = 16;

/// `sockaddr_in`: length, family, port and address in network order, eight zeros.
pub(crate) fn to_sockaddr(addr: SocketAddrV4) -> [u8; SOCKADDR] {
    let [high, low] = addr.port().to_be_bytes();
    let [a, b, c, d] = addr.ip().octets();
    [16, AF_INET, high, low, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// Reads one. `None` if its family is not IPv4: some firmwares copy back less than they should.
pub(crate) fn from_sockaddr(bytes: &[u8]) -> Option<SocketAddrV4> {
    let [_, AF_INET, high, low, a, b, c, d, ..] = *bytes else { return None };
    let port = u16::from_be_bytes([high, low]);
    Some(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
}

const AF_INET: u8 = 2;
