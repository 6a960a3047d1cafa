//! The stricter texts of Go's `net/netip`: zones pass, prefixes have no leading zeros, and an IPv4
//! address inside IPv6 stays one.

use core::net::{IpAddr, SocketAddr};

use crate::ParseError;

/// An address and its zone, empty for none. Go's `netip.ParseAddr`.
///
/// # Errors
/// A [`ParseError`] that holds the text.
pub fn parse_addr(text: &str) -> Result<(IpAddr, &str), ParseError<'_>> {
    addr(text).ok_or(ParseError { kind: "IP address", text })
}

/// An address, its zone, and a port. Go's `netip.ParseAddrPort`: IPv6 has to stand in brackets.
///
/// # Errors
/// A [`ParseError`] that holds the text.
pub fn parse_addr_port(text: &str) -> Result<(SocketAddr, &str), ParseError<'_>> {
    addr_port(text).ok_or(ParseError { kind: "IP address and port", text })
}

/// An address and the length of its network's prefix. Go's `netip.ParsePrefix`.
///
/// # Errors
/// A [`ParseError`] that holds the text.
pub fn parse_prefix(text: &str) -> Result<(IpAddr, u8), ParseError<'_>> {
    prefix(text).ok_or(ParseError { kind: "IP prefix", text })
}

pub(crate) fn addr(text: &str) -> Option<(IpAddr, &str)> {
    match text.split_once('%') {
        None => Some((text.parse().ok()?, "")),
        Some((_, "")) => None,
        Some((ip, zone)) => Some((IpAddr::V6(ip.parse().ok()?), zone)),
    }
}

fn addr_port(text: &str) -> Option<(SocketAddr, &str)> {
    let (ip, port) = text.rsplit_once(':')?;
    let inside = ip.strip_prefix('[').and_then(|ip| ip.strip_suffix(']'));
    let (ip, zone) = addr(inside.unwrap_or(ip))?;
    let port = port.parse().ok().filter(|_| !port.starts_with('+'))?;
    (ip.is_ipv6() == inside.is_some()).then_some((SocketAddr::new(ip, port), zone))
}

fn prefix(text: &str) -> Option<(IpAddr, u8)> {
    let (ip, bits) = text.rsplit_once('/')?;
    let ip: IpAddr = ip.parse().ok()?;
    if bits.starts_with('+') || (bits.len() > 1 && bits.starts_with('0')) {
        return None;
    }
    let longest = if ip.is_ipv4() { 32 } else { 128 };
    bits.parse().ok().filter(|bits| *bits <= longest).map(|bits| (ip, bits))
}
