//! Reset, boot, join and leave against the simulated firmware, in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::large_stack_arrays,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::{IpAddr, Ipv4Addr};

use common::Rig;
use netdev::{
    Error, Event, Fault, Features, HardwareAddr, LinkStatus, Netdev, Netlink, Network, Stopped,
    wait,
};
use netdev_sim::{Loopback, VirtualClock};
use wifinina_sim::Config;

fn rig() -> Rig<VirtualClock> {
    Rig::new(Config::default(), Loopback::new(), VirtualClock::new())
}

#[test]
fn the_first_call_boots_the_chip_and_asks_who_it_is() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let addr = wait(rig.device, rig.in_ms(2_000), || link.hardware_addr());
    assert_eq!(addr, Ok(HardwareAddr([0x24, 0x0A, 0xC4, 1, 2, 3])));
    assert!(rig.device.capabilities().has(Features::TCP_LISTEN));
    assert_eq!(rig.device.capabilities().sockets, 10);
    assert_eq!(rig.bench.counters().resets, 1);
    rig.assert_faultless();
}

#[test]
fn a_join_ends_with_an_address_and_an_event() {
    let rig = rig().joined();
    let config = wait(rig.device, rig.in_ms(100), || rig.device.addr()).unwrap();
    assert_eq!(config.addr, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(config.prefix, 8);
    assert_eq!(rig.device.next_event(), Some(Event::Up(config)));
    let link = rig.device.netlink().unwrap();
    assert_eq!(wait(rig.device, rig.in_ms(100), || link.status()), Ok(LinkStatus::Up));
    rig.assert_faultless();
}

#[test]
fn a_wrong_passphrase_and_a_network_that_is_not_there_are_told_apart() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let wrong = Network::wifi("test-ap", "not-the-passphrase");
    let refused = wait(rig.device, rig.in_ms(20_000), || link.join(&wrong));
    assert_eq!(refused, Err(Stopped::Failed(Error::AuthFailed)));
    let absent = Network::wifi("nowhere", "test-pass");
    let missing = wait(rig.device, rig.in_ms(20_000), || link.join(&absent));
    assert_eq!(missing, Err(Stopped::Failed(Error::NoSuchNetwork)));
    let right = Network::wifi("test-ap", "test-pass");
    assert_eq!(wait(rig.device, rig.in_ms(20_000), || link.join(&right)), Ok(()));
    rig.assert_faultless();
}

#[test]
fn credentials_that_would_overrun_the_firmware_never_reach_it() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let long = "x".repeat(64);
    for network in
        [Network::wifi("", ""), Network::wifi(&long[..33], ""), Network::wifi("a", &long)]
    {
        let answer = wait(rig.device, rig.in_ms(2_000), || link.join(&network));
        assert_eq!(answer, Err(Stopped::Failed(Error::InvalidInput)));
    }
}

#[test]
fn leaving_takes_the_address_away() {
    let rig = rig().joined();
    let link = rig.device.netlink().unwrap();
    assert_eq!(wait(rig.device, rig.in_ms(1_000), || link.leave()), Ok(()));
    let addr = wait(rig.device, rig.in_ms(1_000), || rig.device.addr());
    assert_eq!(addr, Err(Stopped::Failed(Error::LinkDown)));
    assert_eq!(wait(rig.device, rig.in_ms(1_000), || link.status()), Ok(LinkStatus::Down));
    rig.assert_faultless();
}

#[test]
fn a_reset_that_was_asked_for_takes_the_link_down_and_the_chip_comes_back() {
    let rig = rig().joined();
    let link = rig.device.netlink().unwrap();
    assert!(matches!(rig.device.next_event(), Some(Event::Up(_))));
    assert_eq!(wait(rig.device, rig.in_ms(2_000), || link.reset()), Ok(()));
    assert_eq!(rig.bench.counters().resets, 2);
    assert_eq!(rig.device.next_event(), Some(Event::Down(Error::Fault(Fault::Restarted))));
    let rig = rig.joined();
    assert!(matches!(rig.device.next_event(), Some(Event::Up(_))));
    rig.assert_faultless();
}

#[test]
fn names_are_looked_up_by_the_firmware() {
    let rig = Rig::new(
        Config::default(),
        Loopback::new().name("a.test", [127, 0, 0, 9].into()),
        VirtualClock::new(),
    )
    .joined();
    let lookup =
        wait(rig.device, rig.in_ms(1_000), || rig.device.get_host_by_name("a.test", None)).unwrap();
    let mut found = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2];
    let result =
        wait(rig.device, rig.in_ms(1_000), || rig.device.lookup_result(lookup, &mut found));
    assert_eq!((result, found[0]), (Ok(1), IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9))));
    rig.device.end_lookup(lookup);
    let stale = wait(rig.device, rig.in_ms(1_000), || rig.device.lookup_result(lookup, &mut found));
    assert_eq!(stale, Err(Stopped::Failed(Error::BadSocket)));

    let unknown =
        wait(rig.device, rig.in_ms(1_000), || rig.device.get_host_by_name("b.test", None)).unwrap();
    let result =
        wait(rig.device, rig.in_ms(1_000), || rig.device.lookup_result(unknown, &mut found));
    assert_eq!(result, Err(Stopped::Failed(Error::HostUnknown)));
    rig.assert_faultless();
}
