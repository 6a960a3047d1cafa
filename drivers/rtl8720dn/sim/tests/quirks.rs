//! The quirks of the document, by their numbers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers fail as tests do"
)]

mod common;

use core::time::Duration;

use common::calls::{DONTWAIT, payload, sockaddr};
use common::{DRV, Host, LWIP, PEER, SYSTEM, TCPIP, framed, invocation, millis};
use netdev_sim::{Stack, UartChip};
use rtl8720dn_sim::{Config, Persona};

/// The chip answers no more, until its enable pin falls and rises.
fn is_dead_until_reset(host: &mut Host) {
    host.pass(Duration::from_secs(100));
    assert!(!host.is_alive());
    let now = host.now();
    host.chip.set_enabled(false, now);
    host.chip.set_enabled(true, now);
    host.pass(millis(310));
    assert!(host.is_alive());
}

fn dies_of(service: u8, method: u8, payload: &[u8], offence: &str) {
    let mut host = Host::joined();
    host.socket(1);
    assert_eq!(host.call_within(service, method, payload, millis(100)), None, "{offence}");
    assert_eq!(host.offences(), [(offence, 1)], "{service}.{method}");
    is_dead_until_reset(&mut host);

    let mut config = Config::default();
    config.immortal = true;
    let mut host = Host::joined_with(config);
    assert_eq!(host.call_within(service, method, payload, millis(100)), None);
    assert!(host.is_alive(), "an immortal chip counts and goes on");
    assert_eq!(host.counters().offences(), 1);
}

#[test]
fn quirk_01_an_empty_bin_kills_the_chip() {
    dies_of(LWIP, 15, &payload().i32(0).bin(&[]).i32(8).0, "empty_bins");
    dies_of(DRV, 66, &[0, 0], "empty_bins");
    dies_of(DRV, 14, &[0, 0], "empty_bins");
}

#[test]
fn quirk_02_a_reply_that_does_not_fit_is_dropped_with_its_data() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    host.peer.send(peer, &vec![7; 5000]).unwrap();
    host.pass(millis(5));
    let request = payload().i32(s).u32(4081).i32(DONTWAIT).u32(0).0;
    assert_eq!(host.call_within(LWIP, 12, &request, millis(500)), None);
    assert_eq!(host.offences(), [("oversize_requests", 1), ("oversize_replies", 1)]);
    let rest = host.recv(s, 4080, DONTWAIT);
    assert_eq!((rest.result, rest.blob.len()), (919, 919));
}

#[test]
fn quirk_03_unknown_ids_bad_checksums_and_versions_meet_silence() {
    // In detail: tests/frames.rs.
    let mut host = Host::booted(Config::default());
    host.send(&framed(&invocation(77, 1, 1, &[])));
    host.send(&[9, 0, 1, 2, 0, 2, 1, 1, 3, 0, 0, 0, 0xA5]);
    host.send(&framed(&[0, 2, 1, 9, 1, 0, 0, 0, 0xA5]));
    host.pass(millis(20));
    assert!(host.messages().is_empty() && host.is_alive());
}

#[test]
fn quirk_04_an_oversize_or_torn_frame_misaligns_for_good() {
    // In detail: tests/frames.rs.
    let mut host = Host::booted(Config::default());
    host.send(&[0xFF, 0xFF, 0, 0, 0, 0x0F, 0, 0]);
    for _ in 0..30 {
        assert!(!host.is_alive());
    }
}

#[test]
fn quirk_05_missing_arguments_are_zeros_and_the_call_is_made() {
    let mut host = Host::booted(Config::default());
    assert_eq!(host.call(SYSTEM, 2, &[]), [0]);
    assert_eq!(host.offences(), [("missing_arguments", 1)]);
    // socket() with a type of 0.
    assert_eq!(host.status(LWIP, 18, &[2, 0, 0, 0]), -1);
    assert_eq!(host.errno(), 22);
}

#[test]
fn quirk_06_a_blocking_call_freezes_all_others() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    let blocked = {
        assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(4).i32(0).0), 0);
        host.request(LWIP, 12, &payload().i32(s).u32(64).i32(0).u32(0).0)
    };
    let waiting = host.request(SYSTEM, 2, &[1]);
    host.pass(Duration::from_secs(30));
    assert!(host.messages().is_empty());
    host.peer.send(peer, b"go").unwrap();
    assert!(host.reply(blocked, millis(20)).is_some());
    assert!(host.reply(waiting, millis(20)).is_some());
    assert_eq!(host.offences(), [("unbounded_calls", 1)]);
    assert_eq!(host.counters().blocked_calls, 3, "join, DHCP, recv");
}

#[test]
fn quirk_07_the_time_out_of_recv_is_ignored_and_that_of_the_socket_counts() {
    let mut host = Host::joined();
    let (s, _peer) = host.connected(80);
    assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(4).i32(0).0), 0);
    let with_timeout = payload().i32(s).u32(64).i32(0).u32(50).0;
    assert_eq!(host.call_within(LWIP, 12, &with_timeout, Duration::from_secs(10)), None);

    let mut host = Host::joined();
    let (s, _peer) = host.connected(80);
    assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(4).i32(0).0), 0);
    assert_eq!(host.set_option(s, 0xFFF, 0x1006, 50), 0);
    let (got, took) = host.timed(|host| host.recv(s, 64, 0).result);
    assert_eq!((got, host.errno()), (-1, 11));
    assert!((millis(50)..millis(55)).contains(&took), "{took:?}");
    assert_eq!(host.counters().unbounded_calls, 0);
}

#[test]
fn quirk_08_accept_does_not_tell_the_peer() {
    let mut host = Host::joined();
    let listener = host.listen(80);
    host.peer.connect((common::CHIP, 80).into()).unwrap();
    host.pass(millis(5));
    let reply = host.call(LWIP, 1, &payload().i32(listener).bin(&[0; 16]).u32(16).0);
    assert_eq!(reply, [16, 0, 0, 0, 1, 0, 0, 0], "an echoed length and a number");
}

#[test]
fn quirk_09_select_tells_a_number_only() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    let (t, _other) = host.connected(81);
    host.peer.send(peer, b"x").unwrap();
    host.pass(millis(5));
    let mask = 1 << s | 1 << t;
    assert_eq!(host.select(mask, 0, 0), 1);
    assert_eq!(host.select(mask, mask, 0), 3);
    let set = payload().i32(8).u8(0).bin(&[mask; 8]).u8(1).u8(1).u8(0).bin(&[0; 8]).0;
    assert_eq!(host.call(LWIP, 21, &set).len(), 4);
}

#[test]
fn quirk_10_a_result_of_nothing_carries_a_byte() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    let nothing = host.recv(s, 64, DONTWAIT);
    assert_eq!((nothing.result, nothing.blob), (-1, vec![0]));
    host.peer.close(peer);
    host.pass(millis(5));
    let end = host.recv(s, 64, DONTWAIT);
    assert_eq!((end.result, end.blob), (0, vec![0]));
    let (result, blob, address) = host.recv_from(s, 64, DONTWAIT);
    assert_eq!((result, blob, address), (0, vec![0], vec![0; 16]));
}

#[test]
fn quirk_11_errno_is_sticky_and_shared() {
    let mut host = Host::joined();
    let (s, _peer) = host.connected(80);
    assert_eq!(host.recv(s, 64, DONTWAIT).result, -1);
    assert_eq!(host.errno(), 11);
    let other = host.stream();
    assert_eq!((host.errno(), host.write(s, b"fine", DONTWAIT)), (11, 4));
    assert_eq!(host.errno(), 11, "success does not clear it");
    assert_eq!(host.write(other, b"early", DONTWAIT), -1);
    assert_eq!(host.errno(), 107, "whichever socket it was");
}

#[test]
fn quirk_12_addresses_may_be_cut_to_their_first_byte() {
    let names = |persona: &'static Persona| {
        let mut host = Host::joined_with(Config::new(persona));
        let (s, _peer) = host.connected(80);
        let whole = host.call(LWIP, 4, &payload().i32(s).u32(16).0);
        host.monitor.set_truncate_addresses(true);
        let cut = host.call(LWIP, 4, &payload().i32(s).u32(16).0);
        (whole, cut)
    };
    let (whole, cut) = names(&Persona::SEEED_2_1_3);
    assert_eq!(whole[4..20], sockaddr(PEER, 80));
    assert_eq!(cut[4..20], [16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let (whole, cut) = names(&Persona::SEEED_2_1_0);
    assert_eq!(whole, cut, "before 2.1.1 the caller's length counted");
}

#[test]
fn quirk_13_a_refused_connection_is_a_reset() {
    let mut host = Host::joined();
    let s = host.stream();
    assert_eq!((host.connect(s, 81), host.errno()), (-1, 115));
    host.pass(millis(5));
    assert_eq!((host.select(0, 1 << s, 0), host.so_error(s)), (1, 104));
    let s = host.socket(1);
    assert_eq!((host.connect(s, 81), host.errno()), (-1, 104));
    assert_eq!((host.connect(s, 81), host.errno()), (-1, 107), "a second try fails otherwise");
}

#[test]
fn quirk_14_the_end_of_a_stream_sets_errno_107() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    host.peer.send(peer, b"bye").unwrap();
    host.peer.close(peer);
    host.pass(millis(5));
    assert_eq!(host.recv(s, 64, DONTWAIT).result, 3);
    assert_eq!(host.errno(), 115);
    for _ in 0..3 {
        assert_eq!((host.recv(s, 64, DONTWAIT).result, host.errno()), (0, 107));
    }
}

#[test]
fn quirk_15_events_come_between_request_and_reply_with_garbage_in_them() {
    let mut host = Host::booted(Config::default());
    host.status(DRV, 28, &[]);
    let request = host.request(DRV, 27, &[1, 0, 0, 0]);
    host.pass(millis(50));
    let event = host.messages().remove(0);
    assert_eq!((event.kind, event.service, event.method, event.sequence), (1, 19, 1, 1));
    assert_eq!(event.payload[..8], [48, 0, 0, 0, 2, 0x42, 0x22, 0xF7]);
    assert_eq!(event.payload.len(), 52);
    assert!(host.reply(request, millis(100)).is_some(), "the reply comes after it");
}

#[test]
fn quirk_16_a_two_way_callback_stalls_the_ip_task() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    host.monitor.call_host();
    host.peer.send(peer, b"x").unwrap();
    host.pass(millis(20));
    let call = host.messages().remove(0);
    assert_eq!((call.kind, call.service, call.method), (0, 19, 2));
    assert_eq!(host.recv(s, 64, DONTWAIT).result, -1, "nothing comes in");
    assert!(host.is_alive());

    let mut reply = invocation(19, 2, call.sequence, &[]);
    reply[0] = 2;
    host.send(&framed(&reply));
    host.pass(millis(20));
    assert_eq!(host.recv(s, 64, DONTWAIT).result, 1);
    assert_eq!((host.counters().callbacks, host.counters().callback_replies), (1, 1));
    assert_eq!(host.counters().offences(), 0);

    // A call that needs the IP task, and then no reply of the host is read any more.
    host.monitor.call_host();
    host.pass(millis(20));
    let call = host.messages().remove(0);
    let stuck = host.request(LWIP, 15, &payload().i32(s).bin(b"y").i32(DONTWAIT).0);
    let mut reply = invocation(19, 2, call.sequence, &[]);
    reply[0] = 2;
    host.send(&framed(&reply));
    assert!(host.reply(stuck, Duration::from_secs(600)).is_none());
}

#[test]
fn quirk_17_names_fail_with_codes_of_one_byte() {
    let mut host = Host::joined();
    host.internet.name("known.test", [10, 0, 0, 9].into());
    let mut ask = |name: &str| host.call(LWIP, 25, &payload().bin(name.as_bytes()).0);
    assert_eq!(ask("known.test"), [4, 0, 0, 0, 10, 0, 0, 9, 0]);
    assert_eq!(ask("1.2.3.4"), [4, 0, 0, 0, 1, 2, 3, 4, 0]);
    let unknown = ask("unknown.test");
    assert_eq!((unknown.len(), unknown[8].cast_signed()), (9, -6));
    assert_eq!(ask("")[8].cast_signed(), -16);
}

#[test]
fn quirk_18_wifi_on_says_1_when_it_is_on_and_changes_nothing() {
    let mut host = Host::booted(Config::default());
    assert_eq!(host.status(DRV, 27, &[1, 0, 0, 0]), 1, "the driver runs after a boot");
    assert_eq!(host.status(DRV, 5, &[0; 4]), 0, "in no mode");
    host.radio_on(1);
    assert_eq!(host.status(DRV, 27, &[2, 0, 0, 0]), 1);
    assert_eq!(host.status(DRV, 5, &[0; 4]), 1);
}

#[test]
fn quirk_19_dhcp_that_fails_still_tells_an_address() {
    let mut config = Config::default();
    config.dhcp_is_silent = true;
    let mut host = Host::booted(config);
    host.radio_on(1);
    assert_eq!(host.connect_wifi("test-ap", Some("test-pass"), 0x40_0004), 0);
    host.messages();
    let (result, took) = host.timed(|host| host.status(TCPIP, 13, &[0; 4]));
    assert_eq!(result, -1);
    assert!((60..=63).contains(&took.as_secs()), "{took:?}");
    let event = host.messages().remove(0);
    assert_eq!((event.payload[4], &event.payload[8..12]), (7, &[192, 168, 1, 80][..]));
    assert_eq!(host.call(TCPIP, 7, &[0; 4])[4..8], [192, 168, 1, 80]);
    assert_eq!(host.status(DRV, 49, &[]), 4);
    let s = host.stream();
    assert_eq!((host.connect(s, 80), host.errno()), (-1, 113));
}

#[test]
fn quirk_20_the_version_can_be_asked_for_again_and_again() {
    let mut host = Host::booted(Config::default());
    for _ in 0..50 {
        assert_eq!(host.call(SYSTEM, 1, &[]), b"\x05\0\0\x002.1.3");
        assert_eq!(host.call(TCPIP, 36, &payload().bin(&[10, 0, 0, 1]).0), b"\x08\0\0\x0010.0.0.1");
    }
}

#[test]
fn quirk_21_set_hostname_does_nothing_and_get_hostname_kills() {
    let mut host = Host::booted(Config::default());
    assert_eq!(host.status(TCPIP, 15, &payload().u32(0).bin(b"wio").0), 0);
    dies_of(TCPIP, 16, &[0; 4], "wild_pointers");
}

#[test]
fn quirk_22_sendmsg_kills() {
    let call = payload().i32(0).bin(&[0; 16]).bin(b"x").bin(b"x").i32(0).i32(0).0;
    dies_of(LWIP, 16, &call, "wild_pointers");
    dies_of(LWIP, 20, &payload().i32(0).bin(b"x").i32(2).0, "wild_pointers");
}

#[test]
fn quirk_23_channels_and_custom_elements_go_through_wild_pointers() {
    dies_of(DRV, 40, &payload().bin(&[1]).u8(1).0, "wild_pointers");
    dies_of(DRV, 50, &payload().bin(&[1]).0, "wild_pointers");
    dies_of(DRV, 51, &payload().bin(&[1]).i32(0).0, "wild_pointers");
}

#[test]
fn quirk_27_connected_tells_the_length_of_the_name() {
    let mut host = Host::booted(Config::default());
    host.radio_on(1);
    host.connect_wifi("test-ap", Some("test-pass"), 0x40_0004);
    let all = host.messages();
    let event = all.iter().find(|it| it.kind == 1 && it.payload[4] == 4).unwrap();
    let body = &event.payload[8..];
    assert_eq!((&body[..8], body[32]), (b"test-ap\0".as_slice(), 7));
    assert_eq!((&body[33..39], body[39], body[40]), (&[2, 0, 0x5E, 0x10, 0x20, 0x30][..], 6, 4));
}

#[test]
fn quirk_28_a_hardware_address_is_text_with_a_nul() {
    let mut host = Host::booted(Config::default());
    assert_eq!(host.call(DRV, 8, &[]), b"2c:f7:f1:00:00:01\0\0\0\0\0");
    assert_eq!(host.call(TCPIP, 17, &[0; 4])[4..22], *b"2c:f7:f1:00:00:01\0");
    assert_eq!(host.status(DRV, 7, &payload().bin(b"02:00:00:aa:bb:cc\0").0), 0);
    assert_eq!(&host.call(DRV, 8, &[])[..18], b"02:00:00:aa:bb:cc\0");
}

#[test]
fn quirk_29_available_is_slow_and_fionread_is_not_there() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    let (found, took) = host.timed(|host| host.status(LWIP, 11, &payload().i32(s).0));
    assert!(found == -1 && (790..=810).contains(&took.as_millis()), "{found} {took:?}");
    host.peer.send(peer, b"x").unwrap();
    host.pass(millis(5));
    let (found, took) = host.timed(|host| host.status(LWIP, 11, &payload().i32(s).0));
    assert!(found == 1 && (20..=25).contains(&took.as_millis()), "{found} {took:?}");
    let ioctl = payload().i32(s).u32(0x4004_667F).bin(&[0; 4]).0;
    assert_eq!((host.status(LWIP, 22, &ioctl), host.errno()), (-1, 38));
}

#[test]
fn quirk_30_what_does_not_fit_the_ring_is_lost_and_breaks_the_frames() {
    let mut host = Host::joined();
    let select = payload().i32(0).u8(1).u8(1).u8(1).u8(0).bin(&[1, 0, 0, 0, 0, 0, 0, 0]).0;
    let blocked = host.request(LWIP, 21, &select);
    host.pass(millis(100));
    let burst: Vec<u8> = (0..400).flat_map(|n| framed(&invocation(1, 2, n, &[1, 2]))).collect();
    host.send(&burst);
    assert!(host.reply(blocked, millis(1100)).is_some());
    assert_eq!(host.counters().ring_overflows, 400 * 14 - 4095);
    host.pass(Duration::from_secs(2));
    assert_eq!(host.messages().len(), 4095 / 14);
    assert!(!host.is_alive(), "the last frame in the ring waits for its end");
}

#[test]
fn quirk_31_records_beyond_the_count_are_there_and_mean_nothing() {
    let mut host = Host::booted(Config::default());
    host.radio_on(1);
    assert_eq!(host.status(DRV, 64, &[]), 0);
    host.pass(Duration::from_secs(3));
    assert_eq!(host.call(DRV, 67, &[]), [1, 0]);
    let records = host.call(DRV, 66, &[3, 0]);
    assert_eq!(records.len(), 4 + 3 * 62 + 4);
    assert_eq!(&records[4..12], b"\x07test-ap");
    assert_eq!(host.call(DRV, 66, &[61, 0]), [1, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
}

#[test]
fn quirk_32_the_first_frames_after_a_boot_may_be_lost() {
    let mut host = Host::powered(Config::default());
    host.pass(millis(301));
    assert!(!host.is_alive());
    assert_eq!(host.offences(), [("early_calls", 1)]);
    assert!(host.is_alive());
}
