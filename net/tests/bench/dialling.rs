//! Dialling: names, addresses, limits, errors.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use net::netdev::Platform;
use net::{AddrErrorKind, Cause, DeviceError, Dialer, LookupErrorKind};

use crate::device::{Bench, ms};

fn peer(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn a_literal_address_never_reaches_the_name_lookup() {
    let bench = Bench::new();
    bench.state().peers.insert(peer("10.0.0.1:80"), Ok(()));
    bench.state().peers.insert(peer("[fe80::1%4]:80"), Ok(()));
    let conn = net::dial_on(bench, "tcp", "10.0.0.1:http").unwrap();
    assert_eq!(conn.remote_addr().unwrap().to_string(), "10.0.0.1:80");
    assert_eq!(conn.local_addr().unwrap().to_string(), "127.0.0.1:49152");
    net::dial_on(bench, "tcp", "[::ffff:10.0.0.1]:80").unwrap();
    net::dial_on(bench, "tcp", "[fe80::1%4]:80").unwrap();
    assert!(bench.state().asked.is_empty());
}

#[test]
fn a_name_is_looked_up_and_the_lookup_ended() {
    let bench = Bench::new();
    bench.state().peers.insert(peer("10.0.0.1:80"), Ok(()));
    bench.at(20, || bench_name(bench, "example.com", &["10.0.0.1"]));
    net::dial_on(bench, "tcp", "example.com:80").unwrap();
    assert_eq!(bench.now(), ms(20));
    bench_name(bench, "localhost", &["127.0.0.1"]);
    bench.state().peers.insert(peer("127.0.0.1:80"), Ok(()));
    net::dial_on(bench, "tcp", "localhost:80").unwrap();
    assert_eq!(bench.state().asked, ["example.com", "localhost"]);
    assert!(bench.state().lookups.is_empty(), "every lookup was ended");
}

fn bench_name(bench: &Bench, name: &str, ips: &[&str]) {
    bench.state().names.insert(name.to_string(), ips.iter().map(|text| ip(text)).collect());
}

#[test]
fn an_unknown_name_is_a_lookup_error() {
    let bench = Bench::new();
    bench_name(bench, "nosuch.example", &[]);
    let error = net::dial_on(bench, "tcp", "nosuch.example:80").unwrap_err();
    assert_eq!(error.cause, Cause::Lookup(LookupErrorKind::NoSuchHost));
    assert_eq!(error.to_string(), "dial tcp: lookup: no such host");
    assert!(bench.state().lookups.is_empty());
}

#[test]
fn one_limit_holds_for_lookup_and_connect_together() {
    let bench = Bench::new();
    let dialer = Dialer::on(bench).timeout(Duration::from_millis(3000));
    let error = dialer.dial("tcp", "silent.example:80").unwrap_err();
    assert_eq!(error.cause, Cause::Lookup(LookupErrorKind::TimedOut));
    assert!(error.timeout());
    assert_eq!((bench.now(), bench.state().lookups.len()), (ms(3000), 0));

    bench.at(5000, || bench_name(bench, "slow.example", &["10.0.0.1"]));
    let error = dialer.dial("tcp", "slow.example:80").unwrap_err();
    assert_eq!(error.to_string(), "dial tcp 10.0.0.1:80: i/o timeout");
    assert!(error.timeout());
    assert_eq!((bench.now(), bench.open_sockets()), (ms(6000), 0));
}

#[test]
fn the_addresses_of_a_name_are_tried_in_turn_and_share_the_time() {
    let bench = Bench::new();
    bench_name(bench, "many.example", &["10.0.0.1", "10.0.0.2", "10.0.0.3"]);
    bench.state().peers.insert(peer("10.0.0.3:80"), Ok(()));
    bench.state().peers.insert(peer("10.0.0.1:80"), Err(DeviceError::ConnectionRefused));
    let dialer = Dialer::on(bench).timeout(Duration::from_secs(10));
    let conn = dialer.dial("tcp", "many.example:80").unwrap();
    assert_eq!(conn.remote_addr().unwrap().to_string(), "10.0.0.3:80");
    assert_eq!(bench.now(), ms(5000), "the second got half of the time");
    drop(conn);
    assert_eq!(bench.open_sockets(), 0);

    bench.state().peers.insert(peer("10.0.0.3:80"), Err(DeviceError::Unreachable));
    let error = dialer.dial("tcp", "many.example:80").unwrap_err();
    assert_eq!(error.to_string(), "dial tcp 10.0.0.1:80: connect: connection refused");
}

#[test]
fn a_network_of_one_family_takes_addresses_of_that_family_only() {
    let bench = Bench::new();
    bench_name(bench, "both.example", &["2001:db8::1", "10.0.0.1"]);
    bench.state().peers.insert(peer("10.0.0.1:80"), Ok(()));
    bench.state().peers.insert(peer("[2001:db8::1]:80"), Ok(()));
    let four = net::dial_on(bench, "tcp4", "both.example:80").unwrap();
    let six = net::dial_on(bench, "tcp6", "both.example:80").unwrap();
    assert_eq!(four.remote_addr().unwrap().to_string(), "10.0.0.1:80");
    assert_eq!(six.remote_addr().unwrap().to_string(), "[2001:db8::1]:80");
    bench_name(bench, "four.example", &["10.0.0.1"]);
    let error = net::dial_on(bench, "tcp6", "four.example:80").unwrap_err();
    assert_eq!(error.cause, Cause::Lookup(LookupErrorKind::NoSuchHost));
}

#[test]
fn no_host_or_an_unspecified_one_means_this_machine() {
    let bench = Bench::new();
    bench.state().peers.insert(peer("127.0.0.1:80"), Ok(()));
    bench.state().peers.insert(peer("[::1]:80"), Ok(()));
    for (network, addr, at) in [
        ("tcp", ":80", "127.0.0.1:80"),
        ("tcp", "0.0.0.0:80", "127.0.0.1:80"),
        ("tcp4", "[::]:80", "127.0.0.1:80"),
        ("tcp", "[::]:80", "[::1]:80"),
        ("tcp6", ":80", "[::1]:80"),
    ] {
        let conn = net::dial_on(bench, network, addr).unwrap();
        assert_eq!(conn.remote_addr().unwrap().to_string(), at);
    }
}

#[test]
fn a_failed_dial_closes_its_socket() {
    let bench = Bench::new();
    bench.state().peers.insert(peer("10.0.0.1:80"), Err(DeviceError::ConnectionRefused));
    let error = Dialer::on(bench).dial_tcp(peer("10.0.0.1:80")).unwrap_err();
    assert_eq!(error.to_string(), "dial tcp 10.0.0.1:80: connect: connection refused");
    assert_eq!(bench.open_sockets(), 0);
    bench.state().no_sockets = true;
    let error = Dialer::on(bench).dial_tcp(peer("10.0.0.1:80")).unwrap_err();
    assert_eq!(error.to_string(), "dial tcp 10.0.0.1:80: socket: no more sockets");
}

#[test]
fn options_of_a_dialer_reach_the_socket() {
    let bench = Bench::new();
    bench.state().peers.insert(peer("10.0.0.1:80"), Ok(()));
    let dialer = Dialer::on(bench)
        .local_addr(peer("127.0.0.1:4711"))
        .keep_alive(Some(Duration::from_secs(15)))
        .timeout(Duration::ZERO)
        .deadline(ms(50));
    let conn = dialer.dial("tcp", "10.0.0.1:80").unwrap();
    assert_eq!(conn.local_addr().unwrap().to_string(), "127.0.0.1:4711");
    assert_eq!(bench.state().options, ["KeepAlive(Some(15s))"]);
    bench.state().peers.clear();
    let error = dialer.dial("tcp", "10.0.0.1:80").unwrap_err();
    assert_eq!(error.to_string(), "dial tcp 127.0.0.1:4711->10.0.0.1:80: i/o timeout");
    assert_eq!(bench.now(), ms(50));
    let error = dialer.dial("tcp", "[::1]:80").unwrap_err();
    assert_eq!(error.cause, Cause::Address(AddrErrorKind::MismatchedLocalAddress));
}

#[test]
fn without_a_device_everything_says_so() {
    let error = net::dial("tcp", "10.0.0.1:80").unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::NoDevice));
    assert_eq!(error.to_string(), "dial tcp 10.0.0.1:80: no network device registered");
    let error = net::dial_timeout("tcp", "example.com:80", Duration::from_secs(1)).unwrap_err();
    assert_eq!(error.to_string(), "dial tcp: lookup: no network device registered");
    assert!(net::listen("tcp", ":80").is_err() && net::listen_packet("udp", ":80").is_err());
}

/// The recorded errors, less the texts of the caller that ours do not repeat.
#[test]
fn malformed_arguments_fail_as_recorded() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../testdata/dial_errors.json")).unwrap();
    let mut checked = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let (input, wanted) = (&case["in"], &case["out"]);
        let part = |name: &str| input[name].as_str().unwrap_or_default();
        let (network, addr) = (part("network"), part("address"));
        let bench = Bench::new();
        bench.state().peers.insert(peer("127.0.0.1:0"), Err(DeviceError::ConnectionRefused));
        let failed = match part("op") {
            "dial" => net::dial_on(bench, network, addr).map(drop),
            "listen" => net::listen_on(bench, network, addr).map(drop),
            "listen_packet" => net::listen_packet_on(bench, network, addr).map(drop),
            _ => continue,
        };
        checked += 1;
        let Err(error) = failed else {
            assert_eq!(wanted["ok"], true, "{case}");
            continue;
        };
        let mut text = wanted["error"].as_str().unwrap().to_string();
        let repeated = [
            wanted["addr_error"]["addr"].as_str().map(|addr| format!(" address {addr}:")),
            wanted["dns_error"]["name"].as_str().map(|name| format!(" {name}")),
            wanted["unknown_network"].as_str().map(|name| format!(" {name}")),
        ];
        if error.addr.is_none() {
            for part in repeated.into_iter().flatten().filter(|part| part != " ") {
                text = text.replace(&part, "");
            }
        }
        assert_eq!(error.to_string(), text.trim_end(), "{case}");
        assert_eq!(wanted["timeout"].as_bool(), Some(error.timeout()), "{case}");
    }
    assert!(checked > 30, "{checked}");
}
