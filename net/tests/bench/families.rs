//! Names with addresses of both families.

use core::net::SocketAddr;
use core::time::Duration;

use net::netdev::Platform;
use net::{Cause, DeviceError, Dialer};

use crate::device::{Bench, ms};

const SIX: &str = "[2001:db8::1]:80";
const FOUR: &str = "10.0.0.1:80";

fn peer(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// A device on which a name has an address of each family, IPv6 first.
fn both() -> &'static Bench {
    let bench = Bench::new();
    let ips = [SIX, FOUR].map(|text| peer(text).ip()).to_vec();
    bench.state().names.insert("both.example".to_owned(), ips);
    bench
}

fn dialled(bench: &'static Bench) -> String {
    let conn = net::dial_on(bench, "tcp", "both.example:80").unwrap();
    conn.remote_addr().unwrap().to_string()
}

#[test]
fn the_second_family_starts_300_ms_later() {
    let bench = both();
    bench.state().peers.insert(peer(FOUR), Ok(()));
    assert_eq!(dialled(bench), FOUR);
    assert_eq!(bench.now(), ms(300));
    assert_eq!(bench.state().tried, [peer(SIX), peer(FOUR)]);
    assert_eq!(bench.open_sockets(), 0, "the other attempt was given up");
}

#[test]
fn the_first_family_may_still_win() {
    let bench = both();
    bench.at(1000, || _ = bench.state().peers.insert(peer(SIX), Ok(())));
    assert_eq!(dialled(bench), SIX);
    assert!(bench.now() >= ms(1000) && bench.now() <= ms(1010), "{}", bench.now());
}

#[test]
fn a_family_that_is_quick_to_connect_is_alone() {
    let bench = both();
    bench.state().peers.insert(peer(SIX), Ok(()));
    bench.state().peers.insert(peer(FOUR), Ok(()));
    assert_eq!(dialled(bench), SIX);
    assert_eq!(bench.state().tried, [peer(SIX)]);
}

#[test]
fn a_refusal_starts_the_other_family_at_once() {
    let bench = both();
    bench.state().peers.insert(peer(SIX), Err(DeviceError::ConnectionRefused));
    bench.state().peers.insert(peer(FOUR), Ok(()));
    assert_eq!(dialled(bench), FOUR);
    assert_eq!(bench.now(), ms(0));
}

#[test]
fn a_device_without_ipv6_connects_over_ipv4() {
    let bench = both();
    bench.state().no_inet6 = true;
    bench.state().peers.insert(peer(FOUR), Ok(()));
    assert_eq!(dialled(bench), FOUR);
    assert_eq!(bench.now(), ms(0));
    let error = net::dial_on(bench, "tcp6", "both.example:80").unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::Unsupported));
    bench.state().peers.insert(peer(FOUR), Err(DeviceError::ConnectionRefused));
    let error = net::dial_on(bench, "tcp", "both.example:80").unwrap_err();
    assert_eq!(error.to_string(), "dial tcp 10.0.0.1:80: connect: connection refused");
}

#[test]
fn each_family_divides_the_time_among_its_own() {
    let bench = Bench::new();
    let ips = ["2001:db8::1", "2001:db8::2", "10.0.0.1"].map(|text| text.parse().unwrap());
    bench.state().names.insert("both.example".to_owned(), ips.to_vec());
    let dialer = Dialer::on(bench).timeout(Duration::from_secs(10));
    let error = dialer.dial("tcp", "both.example:80").unwrap_err();
    assert_eq!(error.to_string(), "dial tcp [2001:db8::1]:80: i/o timeout");
    assert_eq!(bench.now(), ms(10_000));
    assert_eq!(bench.open_sockets(), 0);
}

#[test]
fn a_lookup_full_of_ipv6_leaves_room_for_ipv4() {
    let bench = both();
    bench.state().no_inet6 = true;
    let many = (1..20).map(|n| core::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n).into());
    let four = core::iter::once(peer(FOUR).ip());
    bench.state().names.insert("both.example".to_owned(), many.chain(four).collect());
    bench.state().peers.insert(peer(FOUR), Ok(()));
    assert_eq!(dialled(bench), FOUR);
}
