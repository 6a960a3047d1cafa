//! Addresses, masks, networks, `host:port`.

use core::net::IpAddr;

use net::{IpBytes, IpExt, Mask, netip};
use serde_json::{Value, json};

use crate::harness::{Verdict, bytes, hex, run, same, text};

fn fails(wanted: &Value) -> bool {
    wanted["ok"] == json!(false)
}

fn refused<E: core::fmt::Display>(wanted: &Value, error: E) -> Verdict {
    if fails(wanted) { Ok(()) } else { Err(format!("refused: {error}")) }
}

fn taken(wanted: &Value) -> Verdict {
    if fails(wanted) { Err("accepted".to_owned()) } else { Ok(()) }
}

/// The classes that Go asks an address for, as far as they were recorded.
fn same_classes(wanted: &Value, ip: Option<IpAddr>) -> Verdict {
    type Class = fn(&IpAddr) -> bool;
    let classes: [(&str, Class); 8] = [
        ("global_unicast", |ip| ip.is_global_unicast()),
        ("interface_local_multicast", |ip| ip.is_interface_local_multicast()),
        ("link_local_multicast", |ip| ip.is_link_local_multicast()),
        ("link_local_unicast", |ip| ip.is_link_local_unicast()),
        ("loopback", |ip| ip.to_canonical().is_loopback()),
        ("multicast", |ip| ip.to_canonical().is_multicast()),
        ("private", |ip| ip.is_private()),
        ("unspecified", |ip| ip.to_canonical().is_unspecified()),
    ];
    for (name, class) in classes {
        if !wanted["is"][name].is_null() {
            same(name, &wanted["is"], ip.is_some_and(|ip| class(&ip)))?;
        }
    }
    Ok(())
}

#[test]
fn texts_of_addresses() {
    run("parse_ip", &[], |input, wanted| {
        let Some(ip) = net::parse_ip(text(input, "s")) else { return refused(wanted, "no IP") };
        taken(wanted)?;
        same("hex16", wanted, hex(&ip.to16().octets()))?;
        same("v4", wanted, ip.to4().is_some())?;
        same("string", wanted, ip.to_string())?;
        same("default_mask", wanted, ip.default_mask().map(|mask| mask.to_string()))?;
        same_classes(wanted, Some(ip))
    });
}

#[test]
fn bytes_of_addresses() {
    run("ip_string", &[], |input, wanted| {
        let raw = bytes(input["hex"].as_str().unwrap_or_default());
        let ip = IpBytes(&raw).ip();
        same("string", wanted, IpBytes(&raw).to_string())?;
        same("to4", wanted, ip.and_then(|ip| ip.to4()).map(|ip| hex(&ip.octets())))?;
        same("to16", wanted, ip.map(|ip| hex(&ip.to16().octets())))?;
        // Marshalling is printing: of none an empty text, and of no address an error.
        match ip {
            Some(ip) => same("marshal", wanted, ip.to_string())?,
            None if raw.is_empty() => same("marshal", wanted, "")?,
            None if wanted["marshal_error"].is_null() => return Err("an error".to_owned()),
            None => {}
        }
        same_classes(wanted, ip)
    });
}

#[test]
fn addresses_of_the_device_interface() {
    run("parse_addr", &[], |input, wanted| match text(input, "op") {
        "addr" => match netip::parse_addr(text(input, "s")) {
            Err(error) => refused(wanted, error),
            Ok((ip, zone)) => {
                taken(wanted)?;
                let mapped = matches!(ip, IpAddr::V6(six) if six.to_ipv4_mapped().is_some());
                let print = |ip: IpAddr| {
                    let behind = if zone.is_empty() { "" } else { "%" };
                    format!("{ip}{behind}{zone}")
                };
                let raw = match ip {
                    IpAddr::V4(ip) => hex(&ip.octets()),
                    IpAddr::V6(ip) => hex(&ip.octets()),
                };
                same("hex", wanted, raw)?;
                same("bits", wanted, if ip.is_ipv4() { 32 } else { 128 })?;
                same("zone", wanted, zone)?;
                same("is4", wanted, ip.is_ipv4())?;
                same("is6", wanted, ip.is_ipv6())?;
                same("is4in6", wanted, mapped)?;
                same("string", wanted, print(ip))?;
                let bare = if mapped { ip.to_canonical().to_string() } else { print(ip) };
                same("unmap", wanted, bare)?;
                same_classes(wanted, Some(ip))
            }
        },
        "addrport" => match netip::parse_addr_port(text(input, "s")) {
            Err(error) => refused(wanted, error),
            Ok((addr, zone)) => {
                taken(wanted)?;
                let behind = if zone.is_empty() { "" } else { "%" };
                let ip = format!("{}{behind}{zone}", addr.ip());
                let whole = net::join_host_port(&ip, &addr.port().to_string()).to_string();
                same("addr", wanted, ip)?;
                same("port", wanted, addr.port())?;
                same("string", wanted, whole)
            }
        },
        "prefix" => match netip::parse_prefix(text(input, "s")) {
            Err(error) => refused(wanted, error),
            Ok((ip, ones)) => {
                taken(wanted)?;
                let bits = if ip.is_ipv4() { 32 } else { 128 };
                let masked = Mask::cidr(ones, bits).and_then(|mask| mask.apply(ip)).unwrap();
                same("bits", wanted, ones)?;
                same("string", wanted, format!("{ip}/{ones}"))?;
                same("masked", wanted, format!("{masked}/{ones}"))
            }
        },
        other => Err(format!("this test does not know {other}")),
    });
}

#[test]
fn texts_of_networks() {
    // The lengths of Go's slices are not compared: an `IpAddr` has no second form.
    run("parse_cidr", &[], |input, wanted| match net::parse_cidr(text(input, "s")) {
        Err(error) => {
            refused(wanted, error)?;
            same("error", wanted, error.to_string())?;
            same("type", wanted, error.kind)?;
            same("text", wanted, error.text)
        }
        Ok((ip, network)) => {
            taken(wanted)?;
            let size = network.mask().size();
            same("ip", wanted, ip.to_string())?;
            same("network", wanted, network.to_string())?;
            same("mask", wanted, network.mask().to_string())?;
            same("ones", wanted, size.map_or(0, |(ones, _)| ones))?;
            same("bits", wanted, size.map_or(0, |(_, bits)| bits))
        }
    });
}

#[test]
fn what_is_in_a_network() {
    run("cidr_contains", &[], |input, wanted| {
        let (_, network) =
            net::parse_cidr(text(input, "cidr")).map_err(|error| error.to_string())?;
        let ip = net::parse_ip(text(input, "ip"));
        same("contains", wanted, ip.is_some_and(|ip| network.contains(ip)))
    });
}

#[test]
fn masks() {
    run("ip_mask", &[], |input, wanted| match text(input, "op") {
        "cidr_mask" => {
            let number = |name: &str| u8::try_from(input[name].as_i64().unwrap()).ok();
            let mask = number("ones").zip(number("bits"));
            let mask = mask.and_then(|(ones, bits)| Mask::cidr(ones, bits));
            same("mask", wanted, mask.map(|mask| mask.to_string()))
        }
        "size" => {
            let raw = bytes(input["mask"].as_str().unwrap_or_default());
            let mask = Mask::new(&raw).ok_or("too long")?;
            let (ones, bits) = mask.size().unwrap_or((0, 0));
            same("ones", wanted, ones)?;
            same("bits", wanted, bits)?;
            same("string", wanted, mask.to_string())
        }
        "mask" => {
            let ip = net::parse_ip(text(input, "ip")).ok_or("no IP")?;
            let mask = Mask::new(&bytes(text(input, "mask"))).ok_or("too long")?;
            same("ip", wanted, mask.apply(ip).map(|ip| ip.to_string()))
        }
        other => Err(format!("this test does not know {other}")),
    });
}

#[test]
fn link_addresses() {
    run("parse_mac", &[], |input, wanted| match net::parse_mac(text(input, "s")) {
        Err(error) => {
            refused(wanted, error)?;
            same("err", wanted, error.kind.text())?;
            same("error", wanted, error.to_string())
        }
        Ok(mac) => {
            taken(wanted)?;
            same("hex", wanted, hex(mac.as_bytes()))?;
            same("len", wanted, mac.as_bytes().len())?;
            same("string", wanted, mac.to_string())
        }
    });
}

#[test]
fn host_and_port() {
    run("host_port", &[], |input, wanted| match text(input, "op") {
        "split" => match net::split_host_port(text(input, "s")) {
            Err(error) => {
                refused(wanted, error)?;
                same("err", wanted, error.kind.text())?;
                same("addr", wanted, error.addr)?;
                same("error", wanted, error.to_string())
            }
            Ok((host, port)) => {
                taken(wanted)?;
                same("host", wanted, host)?;
                same("port", wanted, port)
            }
        },
        "join" => {
            let joined = net::join_host_port(text(input, "host"), text(input, "port"));
            same("s", wanted, joined.to_string())
        }
        other => Err(format!("this test does not know {other}")),
    });
}
