//! The radio: joining and leaving, scans, the chip's own access point, addresses, and a link that
//! is lost.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod common;

use core::time::Duration;

use common::calls::{DONTWAIT, payload};
use common::{DRV, Host, TCPIP, millis};
use netdev_sim::{Stack, UartChip};
use rtl8720dn_sim::{AccessPoint, Config, Persona};

const WPA2: u32 = 0x40_0004;

fn on() -> Host {
    let mut host = Host::booted(Config::default());
    host.radio_on(1);
    host.messages();
    host
}

fn last_error(host: &mut Host) -> i32 {
    host.status(DRV, 49, &[])
}

/// Reason of a disconnection.
fn reason(host: &mut Host) -> u8 {
    let all = host.messages();
    let event = all.iter().find(|it| it.kind == 1 && it.payload[4] == 5).unwrap();
    event.payload[8 + 39]
}

#[test]
fn a_join_ends_in_a_network_and_dhcp_in_an_address() {
    let mut host = on();
    assert_eq!(last_error(&mut host), 5);
    assert_eq!(host.status(DRV, 4, &[]), -1);
    assert_eq!(host.connect_wifi("test-ap", Some("test-pass"), WPA2), 0);
    assert_eq!(host.events(), [4]);
    assert_eq!((host.status(DRV, 4, &[]), last_error(&mut host)), (0, 0));
    assert_eq!(host.status(DRV, 6, &[0; 4]), 0);
    assert_eq!(host.call(TCPIP, 7, &[0; 4])[4..16], [0; 12]);
    assert_eq!(host.status(TCPIP, 13, &[0; 4]), 0);
    assert_eq!(host.events(), [7]);
    let info = host.call(TCPIP, 7, &[0; 4]);
    assert_eq!(info[4..16], [10, 0, 0, 2, 255, 255, 255, 0, 10, 0, 0, 1]);
    let dns = payload().u32(0).u32(0).0;
    assert_eq!(host.call(TCPIP, 10, &dns), [4, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(host.call(DRV, 19, &[])[..4], (-42_i32).to_le_bytes());
    assert_eq!(host.call(DRV, 15, &[])[..6], [2, 0, 0x5E, 0x10, 0x20, 0x30]);
    assert_eq!(host.counters().offences(), 0);
}

#[test]
fn joins_fail_as_the_firmware_fails() {
    let mut host = on();
    assert_eq!(host.connect_wifi("elsewhere", Some("test-pass"), WPA2), -1);
    assert_eq!((last_error(&mut host), reason(&mut host)), (1, 201));
    assert_eq!(host.connect_wifi("test-ap", Some("wrong-pass"), WPA2), -1);
    assert_eq!((last_error(&mut host), reason(&mut host)), (3, 204));
    assert_eq!(host.connect_wifi("test-ap", None, 0), -1);
    assert_eq!((last_error(&mut host), reason(&mut host)), (2, 202));
    let (short, took) = host.timed(|host| host.connect_wifi("test-ap", Some("short"), WPA2));
    assert_eq!(short, 4);
    assert!(took < millis(10), "not even tried: {took:?}");
    assert!(host.events().is_empty());
    assert_eq!(host.status(TCPIP, 13, &[0; 4]), -1, "no link, no DHCP");
}

#[test]
fn an_open_network_takes_no_passphrase() {
    let mut config = Config::default();
    config.access_points = vec![AccessPoint::new("open", "")];
    let mut host = Host::booted(config);
    host.radio_on(1);
    assert_eq!(host.connect_wifi("open", Some("password"), WPA2), -1);
    assert_eq!(host.connect_wifi("open", None, 0), 0);
}

#[test]
fn a_network_can_be_joined_by_its_hardware_address() {
    let mut host = on();
    let call = payload().bin(&[2, 0, 0x5E, 0x10, 0x20, 0x30]).u8(1).bin(b"test-pass");
    assert_eq!(host.status(DRV, 2, &call.u32(WPA2).i32(-1).u32(0).0), 0);
    assert_eq!(host.status(DRV, 4, &[]), 0);
}

#[test]
fn the_connected_event_may_follow_the_reply() {
    let mut config = Config::default();
    config.late_connected_event = true;
    let mut host = Host::booted(config);
    host.radio_on(1);
    host.messages();
    let join = payload().bin(b"test-ap").u8(0).bin(b"test-pass").u32(WPA2).i32(-1).u32(0);
    host.request(DRV, 1, &join.0);
    host.pass(millis(300));
    let kinds: Vec<u8> = host.messages().iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [2, 1], "the reply, then the event");
}

#[test]
fn only_a_plain_station_tells_of_connections() {
    let mut host = Host::booted(Config::default());
    host.radio_on(3);
    assert_eq!(host.events(), [2], "STA_START in both modes");
    assert_eq!(host.connect_wifi("test-ap", Some("test-pass"), WPA2), 0);
    assert!(host.events().is_empty());
    host.status(DRV, 28, &[]);
    host.radio_on(2);
    assert!(host.events().is_empty());
    assert_eq!(host.connect_wifi("test-ap", Some("test-pass"), WPA2), -1);
}

#[test]
fn leaving_is_told_and_ends_all_traffic() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    assert_eq!(host.status(DRV, 3, &[]), 0);
    assert_eq!(host.events(), [5]);
    assert_eq!(host.status(DRV, 4, &[]), -1);
    host.peer.send(peer, b"x").unwrap();
    host.pass(millis(5));
    assert_eq!(host.recv(s, 64, DONTWAIT).result, -1);
    assert_eq!(host.status(DRV, 3, &[]), 0, "twice does not hurt");
    assert!(host.events().is_empty());
}

#[test]
fn an_access_point_that_vanishes_is_told_and_one_that_returns_is_not() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    host.monitor.lose_access_points();
    host.pass(millis(5));
    assert_eq!((host.events(), host.status(DRV, 4, &[])), (vec![5], -1));
    assert_eq!(
        (host.connect_wifi("test-ap", Some("test-pass"), WPA2), last_error(&mut host)),
        (-1, 1)
    );
    host.messages();
    assert_eq!(host.write(s, b"kept", DONTWAIT), 4, "it stays in the send buffer");
    host.monitor.restore_access_points();
    host.pass(Duration::from_secs(10));
    assert!(host.events().is_empty());
    assert_eq!(host.connect_wifi("test-ap", Some("test-pass"), WPA2), 0);
    host.pass(millis(5));
    let mut buf = [0; 8];
    assert_eq!(host.peer.recv(peer, &mut buf, false), Ok(4), "with the address it still has");
}

#[test]
fn the_firmware_joins_again_by_itself_if_it_is_told_to() {
    let mut host = Host::joined();
    assert_eq!(host.status(DRV, 47, &[2]), 0);
    assert_eq!(host.call(DRV, 48, &[])[..1], [2]);
    host.monitor.lose_access_point("test-ap");
    host.pass(Duration::from_secs(5));
    assert_eq!(host.events(), [5]);
    host.monitor.restore_access_point("test-ap");
    host.pass(Duration::from_secs(5));
    assert_eq!((host.events(), host.status(DRV, 4, &[])), (vec![4, 7], 0));
}

#[test]
fn a_chip_that_restarts_forgets_everything() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    host.monitor.reboot();
    host.pass(millis(400));
    assert_eq!(host.counters().boots, 2);
    assert_eq!((host.recv(s, 64, DONTWAIT).result, host.errno()), (-1, 9));
    assert_eq!(host.status(DRV, 4, &[]), -1);
    assert_eq!(host.status(DRV, 27, &[1, 0, 0, 0]), 1);
    let mut buf = [0; 4];
    assert_ne!(host.peer.recv(peer, &mut buf, false), Err(nb::Error::WouldBlock));
    host.messages();
    host.monitor.send_event([1; 48]);
    host.pass(millis(5));
    assert_eq!(host.messages()[0].sequence, 1, "the chip counts anew");
}

#[test]
fn dhcp_may_fall_silent_and_come_back() {
    let mut host = Host::joined();
    host.monitor.set_dhcp(false);
    assert_eq!(host.status(TCPIP, 13, &[0; 4]), -1);
    let waiting = host.request(TCPIP, 13, &[0; 4]);
    host.pass(Duration::from_secs(10));
    host.monitor.lose_access_points();
    assert_eq!(host.reply(waiting, Duration::from_secs(60)).unwrap().payload, [0xFF; 4]);
}

#[test]
fn a_static_address_needs_no_dhcp() {
    let mut host = on();
    assert_eq!(host.connect_wifi("test-ap", Some("test-pass"), WPA2), 0);
    let info = [10, 0, 0, 2, 255, 0, 0, 0, 10, 0, 0, 1];
    assert_eq!(host.status(TCPIP, 8, &payload().u32(0).bin(&info).0), 0);
    assert_eq!(host.status(TCPIP, 9, &payload().u32(0).u32(1).bin(&[9, 9, 9, 9]).0), 0);
    assert_eq!(host.call(TCPIP, 7, &[0; 4])[4..16], info);
    let backup = payload().u32(0).u32(1).0;
    assert_eq!(host.call(TCPIP, 10, &backup)[4..8], [9, 9, 9, 9]);
    host.connected(80);
}

#[test]
fn a_scan_ends_in_an_event_and_records() {
    let mut config = Config::default();
    let mut far = AccessPoint::new("far", "");
    far.rssi = -80;
    far.channel = 44;
    config.access_points.push(far);
    let mut host = Host::booted(config);
    assert_eq!(host.status(DRV, 64, &[]), -1, "not without the radio");
    host.radio_on(1);
    host.messages();
    assert_eq!((host.status(DRV, 64, &[]), host.call(DRV, 65, &[])), (0, vec![1]));
    assert_eq!(host.call(DRV, 67, &[]), [0, 0]);
    host.pass(Duration::from_secs(3));
    assert_eq!((host.events(), host.call(DRV, 65, &[])), (vec![1], vec![0]));
    assert_eq!(host.call(DRV, 67, &[]), [2, 0]);
    let records = host.call(DRV, 66, &[2, 0]);
    assert_eq!(records.len(), 4 + 124 + 4);
    let far = &records[66..128];
    assert_eq!((&far[..5], &far[40..42]), (&b"\x03far\0"[..], &(-80_i16).to_le_bytes()[..]));
    assert_eq!((far[54], far[58], &far[46..50]), (44, 0, &[0; 4][..]));
}

#[test]
fn the_chip_is_an_access_point_too() {
    let mut host = on();
    let start = payload().bin(b"wio").u8(0).bin(b"password").u32(WPA2).i32(6).0;
    assert_eq!(host.status(DRV, 38, &start), -1, "not as a station");
    host.status(DRV, 28, &[]);
    host.radio_on(2);
    host.messages();
    let short = payload().bin(b"wio").u8(0).bin(b"short").u32(WPA2).i32(6).0;
    assert_eq!(host.status(DRV, 38, &short), 4);
    assert_eq!((host.status(DRV, 38, &start), host.events()), (0, vec![14]));
    assert_eq!(host.status(DRV, 5, &[1, 0, 0, 0]), 1);
    assert_eq!(host.call(TCPIP, 7, &[1, 0, 0, 0])[4..8], [192, 168, 1, 1]);
    let setting = host.call(DRV, 41, &payload().bin(b"wlan1").0);
    assert_eq!((&setting[8..12], setting[4 + 37]), (&b"wio\0"[..], 6));
    host.listen(80);

    host.monitor.set_station(true);
    host.pass(millis(5));
    assert_eq!(host.events(), [16]);
    let list = host.call(DRV, 14, &[16, 0]);
    assert_eq!((list.len(), &list[4..8]), (4 + 16 + 4, &[1, 0, 0, 0][..]));
    host.monitor.set_station(false);
    host.pass(millis(5));
    assert_eq!(host.events(), [17]);
    host.status(DRV, 28, &[]);
    assert_eq!(host.events(), [15]);
}

#[test]
fn what_was_joined_can_be_read_back_in_clear_text() {
    let mut host = Host::joined();
    let data = host.call(DRV, 62, &[]);
    assert_eq!(data.len(), 4 + 156 + 4);
    assert_eq!((&data[4..12], &data[40..50]), (&b"test-ap\0"[..], &b"test-pass\0"[..]));
    assert_eq!((&data[156..160], data[160]), (&[10, 0, 0, 2][..], 1));
    assert_eq!(host.status(DRV, 63, &[]), 1);
    assert_eq!(host.status(DRV, 62, &[]), 0);
    let info = host.call(DRV, 16, &[]);
    assert_eq!((info.len(), info[4 + 18], &info[4 + 19..4 + 26]), (100, 7, &b"test-ap"[..]));
}

#[test]
fn every_persona_has_its_own_services() {
    for persona in Persona::ALL {
        let mut host = Host::booted(Config::new(persona));
        assert_eq!(host.chip.baud(), persona.baud);
        assert_eq!(host.call(1, 1, &[])[4..], *persona.version.as_bytes());
        host.radio_on(1);
        let event = host.messages().remove(0);
        assert_eq!(event.service, persona.callback_service, "{}", persona.name);
        let mdns = host.call_within(18, 1, &[], millis(50)).is_some();
        assert_eq!(mdns, persona.mdns, "{}", persona.name);
        let clear = host.call_within(14, 63, &[], millis(50)).is_some();
        assert_eq!(clear, persona.clears_reconnect_data, "{}", persona.name);
        let raw = host.call_within(15, 27, &[0], millis(50));
        assert_eq!(raw.is_some(), persona.raw_tcp, "{}", persona.name);
        if let Some(raw) = raw {
            assert_eq!(raw[4..], [[0; 32].as_slice(), &(-16_i32).to_le_bytes()].concat());
        }
        let sum = host.call_within(15, 37, &payload().bin(&[1, 2, 3]).0, millis(50));
        assert_eq!(sum, persona.address_helpers.then(|| (!0x0204_u16).to_le_bytes().to_vec()));
    }
}

#[test]
fn every_method_of_every_service_answers_or_is_known_not_to() {
    let mut config = Config::default();
    config.immortal = true;
    let mut host = Host::joined_with(config);
    let handle = host.call(17, 1, &[]);
    let sizes = [(1, 2), (14, 67), (15, 37), (16, 26), (17, 25), (18, 14)];
    let silent =
        [(14, 40), (14, 50), (14, 51), (15, 16), (16, 16), (16, 20), (17, 9), (18, 12), (18, 13)];
    for (service, last) in sizes {
        for method in 1..=last {
            // Ones everywhere: every bin has bytes, every select a time-out of none.
            let mut call = match service {
                17 => handle.clone(),
                _ => payload().i32(0).0,
            };
            call.extend([1, 0, 0, 0].repeat(60));
            let reply = host.call_within(service, method, &call, Duration::from_secs(20));
            let known = silent.contains(&(service, method));
            if reply.is_none() && !known {
                assert!(host.is_alive(), "{service}.{method}");
                assert!(
                    host.offences().iter().any(|(name, _)| {
                        ["empty_bins", "garbled_arguments", "wild_pointers"].contains(name)
                    }),
                    "{service}.{method}: {:?}",
                    host.offences()
                );
            }
            host.monitor.clear();
        }
    }
}
