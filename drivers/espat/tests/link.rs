//! Booting, joining, and everything else about the link, on every persona.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;

use common::{CHIP, Parts, Rig, recv_exactly, send_all};
use espat::State;
use espat_sim::{AccessPoint as Near, Fault, Persona};
use netdev::{
    AccessPoint, AccessPointSettings, Auth, Error, Event, Fault as Failure, HardwareAddr, IpConfig,
    LinkStatus, Netdev, Netlink, Network, Platform, PowerMode, Stopped, wait,
};

fn link<T>(
    rig: &Rig,
    mut call: impl FnMut(&dyn Netlink) -> nb::Result<T, Error>,
) -> Result<T, Stopped> {
    let link = rig.device.netlink().unwrap();
    wait(rig.device, rig.in_ms(60_000), || call(link))
}

#[test]
fn every_persona_boots_joins_and_talks() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona).joined();
        assert_eq!(rig.device.addr().unwrap().addr, CHIP);
        let (here, there) = rig.dialled();
        send_all(rig.device, here, b"hello");
        assert_eq!(recv_exactly(rig.peer, there, 5), b"hello");
        send_all(rig.peer, there, b"hello back");
        assert_eq!(recv_exactly(rig.device, here, 10), b"hello back");
        rig.device.close(here);
        rig.pause(100);
        rig.assert_faultless();
    }
}

#[test]
fn a_wrong_passphrase_and_a_network_that_is_not_there_are_told_apart() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona);
        let wrong = link(&rig, |it| it.join(&Network::wifi("test-ap", "wrong-pass")));
        assert_eq!(wrong, Err(Stopped::Failed(Error::AuthFailed)), "{}", persona.name);
        let nowhere = link(&rig, |it| it.join(&Network::wifi("nowhere", "test-pass")));
        assert_eq!(nowhere, Err(Stopped::Failed(Error::NoSuchNetwork)), "{}", persona.name);
        rig.joined().assert_faultless();
    }
}

#[test]
fn a_lost_link_is_told_and_comes_back_by_itself() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona).joined();
        let netlink = rig.device.netlink().unwrap();
        while netlink.next_event().is_some() {}
        rig.monitor.vanish();
        rig.pause(10_000);
        assert_eq!(netlink.next_event(), Some(Event::Down(Error::LinkDown)), "{}", persona.name);
        assert_eq!(link(&rig, |it| it.status()), Ok(LinkStatus::Down));
        rig.monitor.come_back();
        rig.pause(20_000);
        assert!(matches!(netlink.next_event(), Some(Event::Up(_))), "{}", persona.name);
        assert_eq!(link(&rig, |it| it.status()), Ok(LinkStatus::Up));
    }
}

#[test]
fn a_scan_tells_about_the_networks_around() {
    for persona in Persona::ALL {
        let mut parts = Parts::new(persona);
        let mut odd = Near::new("caf\"e, \\bar", "");
        (odd.bssid, odd.channel, odd.rssi) = ([2, 2, 3, 4, 5, 6], 11, -80);
        parts.config.access_points.push(odd);
        let rig = parts.rig();
        let mut found = [AccessPoint::EMPTY; 8];
        let count = link(&rig, |it| it.scan(&mut found)).unwrap();
        assert_eq!(count, 2, "{}", persona.name);
        assert_eq!(found[0].ssid(), b"test-ap");
        assert_ne!(found[0].auth, Auth::Open);
        assert_eq!(found[1].ssid(), b"caf\"e, \\bar");
        assert_eq!((found[1].channel, found[1].rssi, found[1].auth), (11, -80, Auth::Open));
        assert_eq!(found[1].bssid, HardwareAddr([2, 2, 3, 4, 5, 6]));
        rig.joined().assert_faultless();
    }
}

#[test]
fn names_that_need_escapes_are_joined() {
    for persona in Persona::ALL {
        let mut parts = Parts::new(persona);
        parts.config.access_points = vec![Near::new("ab\\,c", "0123456789\"\\")];
        let rig = parts.rig();
        let joined = link(&rig, |it| it.join(&Network::wifi("ab\\,c", "0123456789\"\\")));
        assert_eq!(joined, Ok(()), "{}", persona.name);
        rig.assert_faultless();
    }
}

#[test]
fn strength_address_and_power_are_told_and_set() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona);
        assert_eq!(link(&rig, |it| it.rssi()), Err(Stopped::Failed(Error::LinkDown)));
        let mac = HardwareAddr([0x24, 0x0A, 0xC4, 1, 2, 4]);
        assert_eq!(link(&rig, |it| it.hardware_addr()), Ok(mac), "{}", persona.name);
        let rig = rig.joined();
        assert_eq!(link(&rig, |it| it.rssi()), Ok(-42), "{}", persona.name);
        assert_eq!(link(&rig, |it| it.set_power(PowerMode::Saving)), Ok(()));
        assert_eq!(link(&rig, |it| it.set_power(PowerMode::Active)), Ok(()));
        assert_eq!(link(&rig, |it| it.set_host_name("kettle")), Ok(()), "{}", persona.name);
        let long = "k".repeat(33);
        let refused = link(&rig, |it| it.set_host_name(&long));
        assert_eq!(refused, Err(Stopped::Failed(Error::InvalidInput)));
        let servers =
            [IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9)), IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1))];
        assert_eq!(link(&rig, |it| it.set_name_servers(&servers)), Ok(()), "{}", persona.name);
        assert_eq!(rig.device.addr().unwrap().dns, servers.map(Some));
        rig.assert_faultless();
    }
}

#[test]
fn a_static_address_is_set_and_dhcp_comes_back() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona);
        let mut config = IpConfig::new(CHIP.into(), 16);
        config.gateway = Some(Ipv4Addr::new(10, 0, 0, 1).into());
        assert_eq!(link(&rig, |it| it.set_address(Some(&config))), Ok(()), "{}", persona.name);
        let rig = rig.joined();
        let told = rig.device.addr().unwrap();
        assert_eq!((told.addr, told.prefix, told.gateway), (CHIP.into(), 16, config.gateway));
        assert_eq!(link(&rig, |it| it.set_address(None)), Ok(()), "{}", persona.name);
        rig.assert_faultless();
    }
}

#[test]
fn an_access_point_of_our_own_opens_and_counts_its_stations() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona);
        let settings = AccessPointSettings::new("our-ap", "our-pass");
        assert_eq!(link(&rig, |it| it.start_access_point(&settings)), Ok(()), "{}", persona.name);
        assert!(rig.device.addr().is_ok());
        assert_eq!(link(&rig, |it| it.status()), Ok(LinkStatus::AccessPoint(0)));
        rig.monitor.station_joins([2, 0, 0, 0, 0, 1], Ipv4Addr::new(192, 168, 4, 2));
        rig.pause(50);
        let status = link(&rig, |it| it.status());
        // NonOS lists them without a name that could be told from noise.
        let counted = u8::from(persona.name != "1.7");
        assert_eq!(status, Ok(LinkStatus::AccessPoint(counted)), "{}", persona.name);
        rig.joined().assert_faultless();
    }
}

#[test]
fn a_ping_tells_how_long_it_took_or_that_nobody_answers() {
    for persona in Persona::ALL {
        let there = Ipv4Addr::new(10, 0, 0, 77);
        let mut parts = Parts::new(persona);
        parts.config.pingable.push((there, Duration::from_millis(30)));
        let rig = parts.rig().joined();
        let took = link(&rig, |it| it.ping(there.into(), 64));
        assert_eq!(took, Ok(Duration::from_millis(30)), "{}", persona.name);
        let gone = Ipv4Addr::new(10, 0, 0, 78);
        let silent = link(&rig, |it| it.ping(gone.into(), 64));
        assert_eq!(silent, Err(Stopped::Failed(Error::TimedOut)), "{}", persona.name);
        let other = link(&rig, |it| it.ping(there.into(), 3));
        assert_eq!(other, Err(Stopped::Failed(Error::Unsupported)), "it cannot be chosen");
        rig.assert_faultless();
    }
}

#[test]
fn the_module_keeps_the_time_and_gives_it_to_a_platform_that_has_none() {
    for persona in Persona::ALL {
        let mut parts = Parts::new(persona);
        parts.config.unix_time = Some(1_800_000_000);
        let rig = parts.rig().joined();
        assert_eq!(link(&rig, |it| it.clock()), Ok(None), "{}: not yet", persona.name);
        rig.pause(5_000);
        let told = link(&rig, |it| it.clock()).unwrap().unwrap();
        let expected = 1_800_000_000 + rig.clock.now().as_micros() / 1_000_000;
        assert!(told.abs_diff(expected) <= 1, "{}: {told}", persona.name);
        rig.assert_faultless();
    }
}

#[test]
fn the_rate_is_raised_and_the_module_understood_there() {
    for persona in Persona::ALL {
        let mut parts = Parts::new(persona);
        parts.state = |link| State::new(link).raised_to(921_600);
        let rig = parts.rig().joined();
        let (here, there) = rig.dialled();
        let begun = rig.clock.now();
        let data = vec![7; 20_000];
        send_all(rig.device, here, &data);
        let took = rig.clock.now().saturating_since(begun);
        assert!(took < Duration::from_millis(700), "{}: {took:?}", persona.name);
        assert_eq!(recv_exactly(rig.peer, there, 20_000), data);
        rig.assert_faultless();
    }
}

#[test]
fn a_module_at_another_rate_is_found() {
    for baud in [9_600, 57_600, 921_600] {
        let mut parts = Parts::new(&Persona::V4_1);
        parts.config.baud = baud;
        let rig = parts.rig();
        let network = Network::wifi("test-ap", "test-pass");
        assert_eq!(link(&rig, |it| it.join(&network)), Ok(()), "{baud}");
        let (here, there) = rig.dialled();
        send_all(rig.device, here, b"hello");
        assert_eq!(recv_exactly(rig.peer, there, 5), b"hello");
    }
}

#[test]
fn without_the_enable_pin_the_module_is_reset_by_command() {
    for persona in Persona::ALL {
        let mut parts = Parts::new(persona);
        parts.state = |link| State::new(link.without_enable_pin());
        let rig = parts.rig();
        let network = Network::wifi("test-ap", "test-pass");
        assert_eq!(link(&rig, |it| it.join(&network)), Ok(()), "{}", persona.name);
        rig.dialled();
        // A module that has been on for long is reset, since nobody knows what it is at.
        let boots = rig.monitor.counters().boots;
        assert_eq!(link(&rig, |it| it.reset()), Ok(()), "{}", persona.name);
        assert_eq!(rig.monitor.counters().boots, boots + 1, "{}", persona.name);
        assert_eq!(link(&rig, |it| it.join(&network)), Ok(()), "{}", persona.name);
        rig.dialled();
    }
}

#[test]
fn a_rate_that_cannot_be_changed_is_kept() {
    let mut parts = Parts::new(&Persona::V4_1);
    parts.state = |link| State::new(link.with_fixed_baud()).raised_to(921_600);
    let rig = parts.rig().joined();
    rig.dialled();
}

#[test]
fn a_module_that_starts_anew_is_set_up_again_at_its_own_rate() {
    let mut parts = Parts::new(&Persona::V4_1);
    parts.state = |link| State::new(link).raised_to(921_600);
    let rig = parts.rig().joined();
    let (here, _) = rig.dialled();
    rig.monitor.reboot();
    rig.pause(1_000);
    let ended = common::recv_some(rig.device, here);
    let send = wait(rig.device, rig.in_ms(30_000), || {
        rig.device.send(here, b"x", netdev::SockFlags::NONE)
    });
    assert!(send.is_err(), "{ended:?} {send:?}");
    rig.device.close(here);
    let network = Network::wifi("test-ap", "test-pass");
    assert_eq!(link(&rig, |it| it.join(&network)), Ok(()));
    rig.dialled();
}

#[test]
fn a_reset_that_is_asked_for_is_one() {
    for persona in Persona::ALL {
        let rig = Rig::new(persona).joined();
        let (here, _) = rig.dialled();
        assert_eq!(link(&rig, |it| it.reset()), Ok(()), "{}", persona.name);
        let lost = common::recv_some(rig.device, here);
        assert_eq!(lost, Err(Stopped::Failed(Error::Fault(Failure::Restarted))));
        rig.device.close(here);
        rig.joined().dialled();
    }
}

#[test]
fn faults_of_the_firmware_by_chance_harm_nothing() {
    for persona in Persona::ALL {
        for (name, fault) in Fault::ALL {
            let rig = Rig::new(persona).joined();
            rig.monitor.arm(fault);
            let Ok(here) = try_talk(&rig) else { continue };
            rig.device.close(here);
            rig.pause(3_000);
            if rig.device.addr().is_err() {
                let network = Network::wifi("test-ap", "test-pass");
                assert_eq!(link(&rig, |it| it.join(&network)), Ok(()), "{} {name}", persona.name);
            }
            let again = try_talk(&rig);
            assert!(again.is_ok(), "{} {name}: {again:?}", persona.name);
        }
    }
}

/// Connects, sends and receives; what comes is right, or an error.
fn try_talk(rig: &Rig) -> Result<netdev::SockFd, Stopped> {
    use netdev::SockFlags;
    let (door, at) = common::listen(rig.peer, common::PEER, 0);
    let here = common::connect(rig.device, at)?;
    let (there, _) = common::accept(rig.peer, door);
    rig.peer.close(door);
    let mut rest: &[u8] = b"hello";
    while !rest.is_empty() {
        let sent =
            wait(rig.device, rig.in_ms(60_000), || rig.device.send(here, rest, SockFlags::NONE));
        rest = &rest[sent?..];
    }
    assert_eq!(recv_exactly(rig.peer, there, 5), b"hello");
    send_all(rig.peer, there, b"hello back");
    let mut got = Vec::new();
    while got.len() < 10 {
        let mut buf = [0; 64];
        let len = wait(rig.device, rig.in_ms(60_000), || {
            rig.device.recv(here, &mut buf, SockFlags::NONE)
        })?;
        if len == 0 {
            return Err(Stopped::Failed(Error::ConnectionReset));
        }
        got.extend(&buf[..len]);
        assert!(b"hello back".starts_with(&got), "{got:?}");
    }
    Ok(here)
}
