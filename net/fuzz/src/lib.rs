//! What the fuzzer does with the parsers: any text. Nothing may panic, and what is accepted prints as
//! a text that means the same.

use std::net::IpAddr;

use net::{Cause, IpBytes, IpExt, LookupErrorKind, Mask, netip};

/// Addresses as texts and as bytes.
pub fn addresses(input: &[u8]) {
    let ip = IpBytes(input).ip();
    assert_eq!(ip.is_some(), matches!(input.len(), 4 | 16));
    assert_eq!(net::parse_ip(&IpBytes(input).to_string()), ip);
    let Some(text) = text(input) else { return };
    let ip = net::parse_ip(text);
    if let Some(ip) = ip {
        assert_eq!(ip, ip.to_canonical());
        assert_eq!(net::parse_ip(&ip.to_string()), Some(ip));
        assert!(ip.equal(&IpAddr::V6(ip.to16())));
        assert_eq!(ip.to4().is_some(), ip.is_ipv4());
        assert_eq!(ip.default_mask().is_some(), ip.is_ipv4());
        classes_agree(ip);
    }
    let strict = netip::parse_addr(text);
    // Without a zone both readers accept the same texts.
    let zone = strict.map_or("", |(_, zone)| zone);
    if zone.is_empty() {
        assert_eq!(strict.ok().map(|(ip, _)| ip.to_canonical()), ip);
    } else {
        assert!(ip.is_none() && text.ends_with(zone));
    }
    if let Ok((addr, zone)) = netip::parse_addr_port(text) {
        let zone = if zone.is_empty() { String::new() } else { format!("%{zone}") };
        let host = format!("{}{zone}", addr.ip());
        let printed = net::join_host_port(&host, &addr.port().to_string()).to_string();
        assert_eq!(netip::parse_addr_port(&printed).map(|(addr, _)| addr), Ok(addr));
    }
}

/// An address is of one kind only.
fn classes_agree(ip: IpAddr) {
    if ip.is_global_unicast() {
        assert!(!ip.is_loopback() && !ip.is_multicast() && !ip.is_link_local_unicast());
    }
    if ip.is_interface_local_multicast() || ip.is_link_local_multicast() {
        assert!(ip.is_multicast());
    }
}

/// Networks and masks.
pub fn networks(input: &[u8]) {
    if let Some(mask) = Mask::new(input) {
        assert_eq!(mask.as_bytes(), input);
        let size = mask.size();
        if let Some((ones, bits)) = size.filter(|(_, bits)| matches!(bits, 32 | 128)) {
            assert_eq!(Mask::cidr(ones, bits), Some(mask));
        }
        assert!(!mask.to_string().is_empty());
    }
    let Some(text) = text(input) else { return };
    if let Ok((ip, network)) = net::parse_cidr(text) {
        assert!(network.contains(network.ip()));
        // As in Go, a short prefix makes an IPv6 network of an IPv4 address inside IPv6.
        assert_eq!(network.contains(ip), ip.is_ipv4() == network.ip().is_ipv4());
        let (_, again) = net::parse_cidr(&network.to_string()).unwrap();
        assert_eq!(again.ip(), network.ip());
        assert_eq!(again.to_string(), network.to_string());
    }
    if let Ok((ip, ones)) = netip::parse_prefix(text) {
        assert_eq!(netip::parse_prefix(&format!("{ip}/{ones}")), Ok((ip, ones)));
        // Where the strict reader accepts, so does the other.
        assert!(net::parse_cidr(text).is_ok());
    }
}

/// Link addresses.
pub fn macs(input: &[u8]) {
    let Some(text) = text(input) else { return };
    match net::parse_mac(text) {
        Ok(mac) => {
            assert!(matches!(mac.as_bytes().len(), 6 | 8 | 20));
            assert_eq!(net::parse_mac(&mac.to_string()), Ok(mac));
        }
        Err(error) => assert_eq!(error.addr, text),
    }
}

/// `host:port`, both ways.
pub fn host_ports(input: &[u8]) {
    let Some(text) = text(input) else { return };
    match net::split_host_port(text) {
        Ok((host, port)) => {
            let joined = net::join_host_port(host, port).to_string();
            assert_eq!(net::split_host_port(&joined), Ok((host, port)));
        }
        Err(error) => assert!(error.to_string().contains(text)),
    }
}

/// Networks, end points and ports by name; there is no device that could be asked for a name.
pub fn end_points(input: &[u8]) {
    let Some(text) = text(input) else { return };
    let (network, addr) = text.split_once(' ').unwrap_or(("tcp", text));
    if let Ok(found) = net::resolve_tcp_addr(network, addr) {
        let printed = found.to_string();
        // Go prints a zone behind IPv4 inside IPv6, too, and cannot read that again.
        let readable = |ip: IpAddr| ip.is_ipv6() || found.zone.is_empty();
        if found.ip.is_some_and(readable) {
            assert_eq!(net::resolve_tcp_addr("tcp", &printed).map(|again| again.ip), Ok(found.ip));
        }
        let _ = found.socket_addr();
    }
    for error in [
        net::resolve_udp_addr(network, addr).map(drop).err(),
        net::resolve_ip_addr(network, addr).map(drop).err(),
        net::resolve(network, addr).map(drop).err(),
        net::lookup_port(network, addr).map(drop).err(),
        net::listen(network, addr).map(drop).err(),
        net::dial(network, addr).map(drop).err(),
    ]
    .into_iter()
    .flatten()
    {
        assert!(error.about(network, addr).to_string().starts_with(error.op.name()));
        let unknown = error.cause == Cause::Lookup(LookupErrorKind::UnknownPort);
        assert!(!unknown || error.cause.about(network, addr).to_string().ends_with("unknown port"));
    }
}

fn text(input: &[u8]) -> Option<&str> {
    std::str::from_utf8(input).ok()
}
