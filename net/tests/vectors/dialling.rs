//! What `host:port` leads to, and what dialling and listening fail with.

use core::net::IpAddr;

use net::{Dialer, Error, Instant, IpExt, IpNet, Mask, Netdev, TcpAddr, UdpAddr, ZonedIp};
use netdev_host::HostDevice;
use serde_json::{Value, json};

use crate::harness::{Rule, Verdict, hex, run, same, text};

fn host() -> &'static dyn Netdev {
    Box::leak(Box::new(HostDevice::new().unwrap()))
}

#[test]
fn resolving() {
    let device = host();
    run("resolve_addr", &[], |input, wanted| {
        let (network, addr) = (text(input, "network"), text(input, "address"));
        let found = match text(input, "kind") {
            "tcp" => net::resolve_tcp_addr_on(device, network, addr).map(|found| {
                (found.ip, Some(found.port), found.zone, found.to_string(), found.network())
            }),
            "udp" => net::resolve_udp_addr_on(device, network, addr).map(|found| {
                (found.ip, Some(found.port), found.zone, found.to_string(), found.network())
            }),
            "ip" => net::resolve_ip_addr_on(device, network, addr)
                .map(|found| (found.ip, None, found.zone, found.to_string(), found.network())),
            other => return Err(format!("this test does not know {other}")),
        };
        same("ok", wanted, found.is_ok())?;
        match found {
            Ok((ip, port, zone, printed, kind)) => {
                same("ip", wanted, ip.map(|ip| hex(&ip.to16().octets())))?;
                same("port", wanted, port)?;
                same("zone", wanted, zone)?;
                same("network", wanted, kind)?;
                same("string", wanted, printed)
            }
            Err(error) => {
                same("timeout", wanted, error.timeout())?;
                let network = if network.is_empty() { text(input, "kind") } else { network };
                same("error", wanted, error.cause.about(network, addr).to_string())
            }
        }
    });
}

#[test]
fn dialling_and_listening() {
    let raw = |input: &Value| {
        let network = input["network"].as_str().unwrap_or_default();
        let family = network.split(':').next().unwrap_or_default();
        ["ip", "ip4", "ip6", "unix", "unixgram", "unixpacket"].contains(&family)
    };
    let rules = [
        Rule { name: "raw_and_unix", covers: raw, seen: false },
        Rule {
            name: "unix_addr",
            covers: |input| input["what"].as_str().is_some_and(|what| what.starts_with("unix")),
            seen: true,
        },
        Rule {
            name: "port_range",
            covers: |input| input["what"].as_str().is_some_and(|what| what.contains("port ")),
            seen: true,
        },
        Rule {
            name: "kind_of_local_addr",
            covers: |input| input["op"] == json!("dial_mismatched_local_addr"),
            seen: true,
        },
    ];
    let device = host();
    run("dial_errors", &rules, |input, wanted| {
        if input["op"] == json!("addr_string") {
            return same("string", wanted, printed(text(input, "what"))?);
        }
        let (network, addr) = (text(input, "network"), text(input, "address"));
        let outcome = match text(input, "op") {
            "dial" => net::dial_on(device, network, addr).map(drop),
            "listen" => net::listen_on(device, network, addr).map(drop),
            "listen_packet" => net::listen_packet_on(device, network, addr).map(drop),
            // Durations are not negative here: the same is a deadline that has passed.
            "dial_timeout_negative" => {
                Dialer::on(device).deadline(Instant::START).dial(network, addr).map(drop)
            }
            other => return Err(format!("this test does not know {other}")),
        };
        same_error(wanted, outcome, network, addr)
    });
}

fn same_error(wanted: &Value, got: Result<(), Error>, network: &str, addr: &str) -> Verdict {
    same("ok", wanted, got.is_ok())?;
    let Err(error) = got else { return Ok(()) };
    same("error", wanted, error.about(network, addr).to_string())?;
    same("timeout", wanted, error.timeout())?;
    let op = &wanted["op_error"];
    same("op", op, error.op.name())?;
    same("net", op, network)?;
    same("has_addr", op, error.addr.is_some())?;
    same("has_source", op, error.source.is_some())
}

/// The end points that Go was asked to print. What it was given is in the name of the case.
fn printed(what: &str) -> Result<String, String> {
    let ip = |text: &str| text.parse::<IpAddr>().ok();
    let zone = if what.contains("zone") { "eth0" } else { "" };
    let addr = match what.split_once(' ').map_or("", |(_, rest)| rest) {
        "v4" | "v4 zone" => ip("1.2.3.4"),
        "v6" => ip("::1"),
        "v6 zone" => ip("fe80::1"),
        "zone no ip" | "no ip" | "empty" => None,
        "nil" => return Ok(String::from("<nil>")), // a missing one is `None`, and nothing prints
        _ => None,
    };
    match what {
        "unspecified v4" => Ok(TcpAddr { ip: ip("0.0.0.0"), port: 80, zone }.to_string()),
        "unspecified v6" => Ok(TcpAddr { ip: ip("::"), port: 80, zone }.to_string()),
        _ if what.contains("port ") || what.starts_with("unix") => Ok(String::new()),
        _ if what.starts_with("tcp") => Ok(TcpAddr { ip: addr, port: 80, zone }.to_string()),
        _ if what.starts_with("udp") => Ok(UdpAddr { ip: addr, port: 80, zone }.to_string()),
        _ if what.starts_with("ipnet") => {
            let mask = Mask::cidr(8, 32).unwrap();
            Ok(IpNet::new(ip("10.0.0.0").unwrap(), mask).unwrap().to_string())
        }
        _ if what.starts_with("ip ") => Ok(ZonedIp { ip: addr, zone }.to_string()),
        other => Err(format!("this test does not know {other}")),
    }
}
