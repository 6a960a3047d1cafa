//! Everything about the link besides joining, against the simulated firmware.
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
use core::time::Duration;

use common::{Mishap, Rig, When};
use netdev::{
    AccessPoint, AccessPointSettings, Auth, Error, Event, Fault, HardwareAddr, IpConfig,
    LinkStatus, Netdev, Netlink, Network, PowerMode, Stopped, wait,
};
use netdev_sim::{Loopback, VirtualClock};
use wifinina_sim::{Config, Persona};

type Device = Rig<VirtualClock>;

fn rig_with(change: impl FnOnce(&mut Config)) -> Device {
    let mut config = Config::default();
    change(&mut config);
    Rig::new(config, Loopback::new(), VirtualClock::new())
}

fn link<T>(
    rig: &Device,
    call: impl Fn(&dyn Netlink) -> nb::Result<T, Error>,
) -> Result<T, Stopped> {
    let link = rig.device.netlink().unwrap();
    wait(rig.device, rig.in_ms(20_000), || call(link))
}

#[test]
fn signal_strength_is_known_while_joined() {
    let rig = rig_with(|_| {});
    assert_eq!(link(&rig, |it| it.rssi()), Err(Stopped::Failed(Error::LinkDown)));
    let rig = rig.joined();
    assert_eq!(link(&rig, |it| it.rssi()), Ok(-42));
    rig.assert_faultless();
}

#[test]
fn a_scan_tells_everything_about_the_networks_around() {
    let rig = rig_with(|config| {
        let mut open = wifinina_sim::AccessPoint::new("cafe", "");
        open.bssid = [1, 2, 3, 4, 5, 6];
        open.channel = 11;
        open.rssi = -80;
        config.access_points.push(open);
    });
    let mut found = [AccessPoint::EMPTY; 4];
    let device = rig.device.netlink().unwrap();
    let count = wait(rig.device, rig.in_ms(20_000), || device.scan(&mut found));
    assert_eq!(count, Ok(2));
    assert_eq!((found[0].ssid(), found[0].auth), (&b"test-ap"[..], Auth::Wpa2));
    let cafe = found[1];
    assert_eq!((cafe.ssid(), cafe.auth, cafe.rssi), (&b"cafe"[..], Auth::Open, -80));
    assert_eq!((cafe.bssid, cafe.channel), (HardwareAddr([1, 2, 3, 4, 5, 6]), 11));
    rig.assert_faultless();
}

#[test]
fn a_scan_given_up_leaves_nothing_out_of_the_next_one() {
    let rig = rig_with(|config| {
        config.turnaround = Duration::from_millis(2);
        for n in 1..8 {
            let mut open = wifinina_sim::AccessPoint::new(&format!("cafe {n}"), "");
            open.rssi = -80;
            config.access_points.push(open);
        }
    });
    let device = rig.device.netlink().unwrap();
    let mut given_up = 0;
    for ms in 1..80 {
        let mut lost = [AccessPoint::EMPTY; 8];
        let early = wait(rig.device, rig.in_ms(2_500 + ms), || device.scan(&mut lost));
        given_up += u32::from(early == Err(Stopped::Deadline) && lost[0].rssi != 0);
        rig.device.platform().idle(rig.in_ms(1_500)().unwrap());
        let mut found = [AccessPoint::EMPTY; 8];
        let count = wait(rig.device, rig.in_ms(20_000), || device.scan(&mut found));
        assert_eq!(count, Ok(8), "after {ms} ms");
        let complete = |it: &AccessPoint| !it.ssid().is_empty() && it.rssi != 0 && it.channel != 0;
        assert!(found.iter().all(complete), "after {ms} ms: {found:?}");
    }
    assert!(given_up > 0, "none was given up among its details");
}

#[test]
fn a_scan_into_too_little_room_keeps_what_fits_and_ends_the_link() {
    let rig = rig_with(|config| {
        config.access_points.push(wifinina_sim::AccessPoint::new("cafe", ""));
    })
    .joined();
    while rig.device.next_event().is_some() {}
    let mut found = [AccessPoint::EMPTY; 1];
    let device = rig.device.netlink().unwrap();
    let count = wait(rig.device, rig.in_ms(20_000), || device.scan(&mut found));
    assert_eq!((count, found[0].ssid()), (Ok(1), &b"test-ap"[..]));
    assert_eq!(rig.device.next_event(), Some(Event::Down(Error::LinkDown)));
    rig.assert_faultless();
}

#[test]
fn an_access_point_of_our_own_has_an_address() {
    let rig = rig_with(|_| {});
    let settings = AccessPointSettings::new("mine", "my-passphrase");
    assert_eq!(link(&rig, |it| it.start_access_point(&settings)), Ok(()));
    assert_eq!(link(&rig, |it| it.status()), Ok(LinkStatus::AccessPoint(0)));
    assert!(wait(rig.device, rig.in_ms(100), || rig.device.addr()).is_ok());
    let short = AccessPointSettings::new("mine", "short");
    let refused = link(&rig, |it| it.start_access_point(&short));
    assert_eq!(refused, Err(Stopped::Failed(Error::InvalidInput)));
    rig.assert_faultless();
}

#[test]
fn an_access_point_is_open_on_every_firmware_until_the_chip_starts_anew() {
    for persona in Persona::ALL {
        let rig = rig_with(|config| config.persona = persona);
        assert!(link(&rig, |it| it.hardware_addr()).is_ok());
        // Older firmware does not know every question of the driver's at boot.
        rig.monitor.clear();
        let settings = AccessPointSettings::new("mine", "my-passphrase");
        assert_eq!(link(&rig, |it| it.start_access_point(&settings)), Ok(()));
        while rig.device.next_event().is_some() {}
        let status = link(&rig, |it| it.status());
        assert_eq!(status, Ok(LinkStatus::AccessPoint(0)), "{}", persona.name);
        assert!(wait(rig.device, rig.in_ms(100), || rig.device.addr()).is_ok());
        rig.assert_faultless();
        if persona.name.ends_with("3.3.0") {
            // Its status is the same before and after.
            continue;
        }
        let mut faults = rig.faults.lock().unwrap();
        faults.at_cycle = Some((faults.cycles, Mishap::Reboot(When::Before)));
        drop(faults);
        let _ = link(&rig, |it| it.hardware_addr());
        let status = link(&rig, |it| it.status());
        assert_eq!(status, Ok(LinkStatus::Down), "{}", persona.name);
        let mut events = core::iter::from_fn(|| rig.device.next_event());
        let down = Event::Down(Error::Fault(Fault::Restarted));
        assert!(events.any(|event| event == down), "{}", persona.name);
    }
}

#[test]
fn a_static_address_is_used_and_cannot_be_taken_back_before_a_reset() {
    let rig = rig_with(|_| {});
    assert_eq!(link(&rig, |it| it.set_address(None)), Ok(()), "nothing to take back");
    let mut config = IpConfig::new(Ipv4Addr::LOCALHOST.into(), 24);
    config.gateway = Some(Ipv4Addr::new(127, 0, 0, 254).into());
    config.dns = [Some(Ipv4Addr::new(9, 9, 9, 9).into()), None];
    assert_eq!(link(&rig, |it| it.set_address(Some(&config))), Ok(()));
    let rig = rig.joined();
    assert_eq!(wait(rig.device, rig.in_ms(100), || rig.device.addr()), Ok(config));
    let back = link(&rig, |it| it.set_address(None));
    assert_eq!(back, Err(Stopped::Failed(Error::Unsupported)));
    rig.assert_faultless();
}

#[test]
fn a_static_address_can_be_changed() {
    for persona in Persona::ALL {
        let rig = rig_with(|config| config.persona = persona);
        let first = IpConfig::new(Ipv4Addr::new(127, 0, 0, 7).into(), 24);
        assert_eq!(link(&rig, |it| it.set_address(Some(&first))), Ok(()));
        let rig = rig.joined();
        let addr = || wait(rig.device, rig.in_ms(100), || rig.device.addr());
        assert_eq!(addr(), Ok(first), "{}", persona.name);
        let mut second = IpConfig::new(Ipv4Addr::LOCALHOST.into(), 16);
        second.gateway = Some(Ipv4Addr::new(127, 0, 0, 254).into());
        assert_eq!(link(&rig, |it| it.set_address(Some(&second))), Ok(()));
        assert_eq!(addr(), Ok(second), "{}: at once", persona.name);
        assert_eq!(link(&rig, |it| it.leave()), Ok(()));
        let network = Network::wifi("test-ap", "test-pass");
        assert_eq!(link(&rig, |it| it.join(&network)), Ok(()));
        assert_eq!(addr(), Ok(second), "{}: what the chip says", persona.name);
        rig.assert_faultless();
    }
}

#[test]
fn name_servers_can_be_set() {
    let rig = rig_with(|_| {}).joined();
    let servers: [IpAddr; 2] = [[8, 8, 8, 8].into(), [1, 1, 1, 1].into()];
    assert_eq!(link(&rig, |it| it.set_name_servers(&servers)), Ok(()));
    let config = wait(rig.device, rig.in_ms(100), || rig.device.addr()).unwrap();
    assert_eq!(config.dns, servers.map(Some));
    let none = link(&rig, |it| it.set_name_servers(&[]));
    assert_eq!(none, Err(Stopped::Failed(Error::InvalidInput)));
    rig.assert_faultless();
}

#[test]
fn a_host_name_that_the_firmware_would_cut_is_refused() {
    let rig = rig_with(|_| {});
    assert_eq!(link(&rig, |it| it.set_host_name("lamp")), Ok(()));
    let long = "x".repeat(33);
    let refused = link(&rig, |it| it.set_host_name(&long));
    assert_eq!(refused, Err(Stopped::Failed(Error::InvalidInput)));
    assert_eq!(link(&rig, |it| it.set_power(PowerMode::Saving)), Ok(()));
    rig.assert_faultless();
}

#[test]
fn a_ping_tells_the_round_trip_or_that_nobody_answered() {
    let there = Ipv4Addr::new(192, 0, 2, 7);
    let rig = rig_with(|config| config.pingable.push((there, Duration::from_millis(30)))).joined();
    assert_eq!(link(&rig, |it| it.ping(there.into(), 64)), Ok(Duration::from_millis(30)));
    let gone = Ipv4Addr::new(192, 0, 2, 8);
    let silent = link(&rig, |it| it.ping(gone.into(), 64));
    assert_eq!(silent, Err(Stopped::Failed(Error::TimedOut)));
    rig.assert_faultless();
}

#[test]
fn the_chips_clock_is_unknown_until_it_was_set() {
    let unset = rig_with(|_| {}).joined();
    assert_eq!(link(&unset, |it| it.clock()), Ok(None));
    let set = rig_with(|config| config.unix_time = 1_800_000_000).joined();
    let time = link(&set, |it| it.clock()).unwrap();
    assert!(time.is_some_and(|time| (1_800_000_000..1_800_000_100).contains(&time)), "{time:?}");
}
