//! Boot, join, leave and the rest of the link against the simulated firmware, in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::{IpAddr, Ipv4Addr};

use common::Rig;
use netdev::{
    AccessPoint, AccessPointSettings, Auth, Error, Event, Fault, HardwareAddr, IpConfig,
    LinkStatus, Netdev, Netlink, Network, PowerMode, Stopped,
};
use netdev_sim::{Loopback, VirtualClock};
use rtl8720dn_sim::{Config, Persona};

fn rig() -> Rig<VirtualClock> {
    Rig::new(Config::default(), Loopback::new(), VirtualClock::new())
}

#[test]
fn the_first_call_boots_the_chip() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let addr = rig.wait(2_000, || link.hardware_addr());
    assert_eq!(addr, Ok(HardwareAddr([0x2C, 0xF7, 0xF1, 0, 0, 1])), "quirk 28: text, and a zero");
    assert_eq!(rig.device.capabilities().sockets, 8);
    assert_eq!(rig.bench.counters().resets, 1);
    rig.assert_faultless();
}

#[test]
fn firmware_before_2_1_2_is_found_at_its_own_rate() {
    for persona in [&Persona::SEEED_2_0_1, &Persona::SEEED_2_0_4, &Persona::SEEED_2_1_0] {
        let rig = Rig::new(Config::new(persona), Loopback::new(), VirtualClock::new()).joined();
        let link = rig.device.netlink().unwrap();
        assert_eq!(rig.wait(100, || link.status()), Ok(LinkStatus::Up));
        assert!(matches!(rig.device.next_event(), Some(Event::Up(_))));
        rig.assert_faultless();
    }
}

#[test]
fn a_join_ends_with_an_address_and_an_event() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let network = Network::wifi("test-ap", "test-pass");
    assert_eq!(link.join(&network), Err(nb::Error::WouldBlock));
    rig.wait(5_000, || link.join(&network)).unwrap();
    let config = rig.wait(100, || rig.device.addr()).unwrap();
    assert_eq!(config.addr, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(config.prefix, 8);
    assert_eq!(rig.device.next_event(), Some(Event::Up(config)));
    assert_eq!(rig.wait(100, || link.status()), Ok(LinkStatus::Up));
    assert!(rig.wait(100, || link.rssi()).unwrap() < 0);
    rig.assert_faultless();
}

#[test]
fn a_wrong_passphrase_and_a_network_that_is_not_there_are_told_apart() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let wrong = Network::wifi("test-ap", "not-the-passphrase");
    let refused = rig.wait(30_000, || link.join(&wrong));
    assert_eq!(refused, Err(Stopped::Failed(Error::AuthFailed)));
    let absent = Network::wifi("nowhere", "test-pass");
    let missing = rig.wait(30_000, || link.join(&absent));
    assert_eq!(missing, Err(Stopped::Failed(Error::NoSuchNetwork)));
    let right = Network::wifi("test-ap", "test-pass");
    assert_eq!(rig.wait(20_000, || link.join(&right)), Ok(()));
    rig.assert_faultless();
}

#[test]
fn credentials_that_the_firmware_would_cut_never_reach_it() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let long = "x".repeat(65);
    for network in [
        Network::wifi("", ""),
        Network::wifi(&long[..33], ""),
        Network::wifi("a", &long),
        Network::wifi("a", "short"),
    ] {
        let answer = rig.wait(2_000, || link.join(&network));
        assert_eq!(answer, Err(Stopped::Failed(Error::InvalidInput)));
    }
}

#[test]
fn leaving_takes_the_address_away() {
    let rig = rig().joined();
    let link = rig.device.netlink().unwrap();
    assert_eq!(rig.wait(1_000, || link.leave()), Ok(()));
    assert_eq!(rig.wait(1_000, || rig.device.addr()), Err(Stopped::Failed(Error::LinkDown)));
    assert_eq!(rig.wait(1_000, || link.status()), Ok(LinkStatus::Down));
    rig.assert_faultless();
}

#[test]
fn a_network_that_goes_away_is_an_event() {
    let rig = rig().joined();
    assert!(matches!(rig.device.next_event(), Some(Event::Up(_))));
    rig.monitor.lose_access_points();
    rig.pause(1_000);
    assert_eq!(rig.device.next_event(), Some(Event::Down(Error::LinkDown)));
    rig.monitor.restore_access_points();
    let rig = rig.joined();
    assert!(matches!(rig.device.next_event(), Some(Event::Up(_))));
}

#[test]
fn a_reset_that_was_asked_for_takes_the_link_down_and_the_chip_comes_back() {
    let rig = rig().joined();
    let link = rig.device.netlink().unwrap();
    assert!(matches!(rig.device.next_event(), Some(Event::Up(_))));
    assert_eq!(rig.wait(2_000, || link.reset()), Ok(()));
    assert_eq!(rig.bench.counters().resets, 2);
    assert_eq!(rig.device.next_event(), Some(Event::Down(Error::Fault(Fault::Restarted))));
    let rig = rig.joined();
    assert!(matches!(rig.device.next_event(), Some(Event::Up(_))));
    rig.assert_faultless();
}

#[test]
fn quirk_19_an_address_that_dhcp_did_not_give_is_none() {
    let mut config = Config::default();
    config.dhcp_is_silent = true;
    let rig = Rig::new(config, Loopback::new(), VirtualClock::new());
    let link = rig.device.netlink().unwrap();
    let network = Network::wifi("test-ap", "test-pass");
    let answer = rig.wait(90_000, || link.join(&network));
    assert_eq!(answer, Err(Stopped::Failed(Error::TimedOut)));
    assert_eq!(rig.wait(100, || rig.device.addr()), Err(Stopped::Failed(Error::LinkDown)));
    assert_eq!(rig.device.next_event(), None);
    rig.assert_faultless();
}

#[test]
fn a_static_address_and_name_servers_are_used_by_the_next_join() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let addr = |last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    let mut config = IpConfig::new(addr(1), 24);
    config.gateway = Some(addr(254));
    config.dns = [Some(addr(7)), Some(addr(8))];
    rig.wait(2_000, || link.set_address(Some(&config))).unwrap();
    let rig = rig.joined();
    assert_eq!(rig.wait(100, || rig.device.addr()), Ok(config));
    let link = rig.device.netlink().unwrap();
    rig.wait(1_000, || link.set_name_servers(&[addr(9)])).unwrap();
    assert_eq!(rig.wait(100, || rig.device.addr()).unwrap().dns, [Some(addr(9)), None]);
    rig.wait(100, || link.set_address(None)).unwrap();
    rig.assert_faultless();
}

#[test]
fn quirk_31_a_scan_tells_what_it_found_and_no_more() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let mut found = [AccessPoint::EMPTY; 4];
    let count = rig.wait(10_000, || link.scan(&mut found)).unwrap();
    assert_eq!(count, 1);
    assert_eq!(found[0].ssid(), b"test-ap");
    assert_eq!(found[0].auth, Auth::Wpa2);
    assert!(found[0].channel > 0 && found[0].rssi < 0);
    rig.monitor.lose_access_points();
    assert_eq!(rig.wait(10_000, || link.scan(&mut found)), Ok(0));
    rig.assert_faultless();
}

#[test]
fn an_access_point_of_our_own_counts_its_stations() {
    let rig = rig();
    let link = rig.device.netlink().unwrap();
    let settings = AccessPointSettings::new("terminal", "passphrase");
    rig.wait(10_000, || link.start_access_point(&settings)).unwrap();
    assert_eq!(rig.wait(100, || link.status()), Ok(LinkStatus::AccessPoint(0)));
    rig.monitor.set_station(true);
    rig.pause(100);
    assert_eq!(rig.wait(100, || link.status()), Ok(LinkStatus::AccessPoint(1)));
    rig.assert_faultless();
}

#[test]
fn the_radio_can_be_told_to_sleep() {
    let rig = rig().joined();
    let link = rig.device.netlink().unwrap();
    for mode in [PowerMode::Saving, PowerMode::Active] {
        rig.wait(1_000, || link.set_power(mode)).unwrap();
    }
    rig.assert_faultless();
}

#[test]
fn names_are_looked_up_by_the_firmware() {
    let names = Loopback::new().name("a.test", [127, 0, 0, 9].into());
    let rig = Rig::new(Config::default(), names, VirtualClock::new()).joined();
    let device = rig.device;
    let mut found = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2];
    let lookup = rig.wait(1_000, || device.get_host_by_name("a.test", None)).unwrap();
    assert_eq!(rig.wait(1_000, || device.lookup_result(lookup, &mut found)), Ok(1));
    assert_eq!(found[0], IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)));
    device.end_lookup(lookup);
    let stale = rig.wait(1_000, || device.lookup_result(lookup, &mut found));
    assert_eq!(stale, Err(Stopped::Failed(Error::BadSocket)));
    rig.assert_faultless();
}

#[test]
fn quirk_17_a_name_without_an_address_is_unknown_whatever_the_code() {
    let rig = rig().joined();
    let device = rig.device;
    let mut found = [IpAddr::V4(Ipv4Addr::UNSPECIFIED); 2];
    let long = format!("{}.test", "a".repeat(240));
    for name in ["b.test", &long] {
        let unknown = rig.wait(1_000, || device.get_host_by_name(name, None)).unwrap();
        let result = rig.wait(30_000, || device.lookup_result(unknown, &mut found));
        assert_eq!(result, Err(Stopped::Failed(Error::HostUnknown)));
        device.end_lookup(unknown);
    }
    rig.assert_faultless();
}
