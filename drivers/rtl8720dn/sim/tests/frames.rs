//! The frame and message layers, and every case in which the chip says nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod common;

use core::time::Duration;

use common::{Host, SYSTEM, framed, invocation, millis};
use netdev_sim::UartChip;
use rtl8720dn_sim::Config;

fn host() -> Host {
    Host::booted(Config::default())
}

fn ack(sequence: u32) -> Vec<u8> {
    framed(&invocation(SYSTEM, 2, sequence, &[0xA5]))
}

/// Nothing comes, and the next call works.
fn says_nothing(host: &mut Host, bytes: &[u8], offence: &str) {
    host.send(bytes);
    host.pass(millis(50));
    assert!(host.messages().is_empty(), "{offence}");
    assert_eq!(host.offences(), [(offence, 1)]);
    assert!(host.is_alive(), "{offence}");
    host.monitor.clear();
}

#[test]
fn a_wrong_checksum_is_dropped_and_the_alignment_stays() {
    let mut host = host();
    for at in [2, 3, 4, 8, 12] {
        let mut frame = ack(9);
        frame[at] ^= 0x10;
        says_nothing(&mut host, &frame, "bad_crcs");
    }
}

#[test]
fn another_codec_version_is_dropped() {
    let mut message = invocation(SYSTEM, 2, 9, &[1]);
    message[3] = 2;
    says_nothing(&mut host(), &framed(&message), "bad_versions");
}

#[test]
fn unknown_services_and_methods_are_dropped() {
    let mut host = host();
    says_nothing(&mut host, &framed(&invocation(99, 1, 9, &[])), "unknown_services");
    says_nothing(&mut host, &framed(&invocation(19, 1, 9, &[])), "unknown_services");
    says_nothing(&mut host, &framed(&invocation(SYSTEM, 3, 9, &[])), "unknown_methods");
    says_nothing(&mut host, &framed(&invocation(16, 27, 9, &[])), "unknown_methods");
    says_nothing(&mut host, &framed(&invocation(2, 1, 9, &[])), "not_modelled");
}

#[test]
fn a_notification_and_a_reply_to_nothing_are_dropped() {
    let mut host = host();
    let mut message = invocation(SYSTEM, 2, 9, &[1]);
    message[0] = 3;
    says_nothing(&mut host, &framed(&message), "bad_types");
    message[0] = 2;
    says_nothing(&mut host, &framed(&message), "stray_replies");
}

#[test]
fn an_empty_frame_is_dropped() {
    says_nothing(&mut host(), &[0, 0, 0x4A, 0xEF], "empty_frames");
    says_nothing(&mut host(), &[0, 0, 0, 0], "empty_frames");
}

#[test]
fn a_oneway_call_is_carried_out_and_not_answered() {
    let mut host = host();
    let mut message = invocation(SYSTEM, 2, 9, &[1]);
    message[0] = 1;
    host.send(&framed(&message));
    host.pass(millis(50));
    assert!(host.messages().is_empty());
    assert_eq!((host.counters().calls, host.counters().offences()), (1, 0));
}

#[test]
fn a_length_that_leads_out_of_the_buffer_is_not_answered() {
    let mut host = host();
    let call = framed(&invocation(16, 25, 9, &[0xFF, 0xFF, 0, 0, b'a']));
    says_nothing(&mut host, &call, "garbled_arguments");
}

#[test]
fn a_frame_that_announces_too_much_loses_the_alignment() {
    let mut host = host();
    // The body is taken for headers: here for one that waits for 0x0101 bytes.
    host.send(&[0x01, 0x10, 0, 0, 0x01, 0x01, 0, 0]);
    for sequence in 0..10 {
        host.send(&ack(sequence));
    }
    host.pass(millis(50));
    assert!(host.messages().is_empty());
    assert_eq!(host.counters().oversize_frames, 1);
}

#[test]
fn a_torn_frame_swallows_what_follows_until_the_chip_is_switched_off() {
    let mut host = host();
    let mut torn = framed(&invocation(16, 15, 1, &[0x55; 1000]));
    torn.truncate(20);
    host.send(&torn);
    host.pass(Duration::from_secs(60));
    for sequence in 0..20 {
        host.send(&ack(sequence));
    }
    host.pass(Duration::from_secs(60));
    assert!(host.messages().is_empty());

    let now = host.now();
    host.chip.set_enabled(false, now);
    assert_eq!(host.counters().torn_frames, 1);
    host.chip.set_enabled(true, now);
    host.pass(millis(310));
    assert!(host.is_alive());
}

#[test]
fn a_flood_of_zeros_may_bring_the_alignment_back() {
    let mut host = host();
    let mut torn = framed(&invocation(16, 15, 1, &[0x55; 1000]));
    torn.truncate(500);
    host.send(&torn);
    let mut chance = 1_u32;
    for _ in 0..20 {
        chance = chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let extra = usize::try_from(chance >> 30).unwrap();
        host.send(&vec![0; 4100 + extra]);
        host.pass(millis(100));
        if host.is_alive() {
            return;
        }
    }
    panic!("twenty floods did not help: {:?}", host.offences());
}

#[test]
fn a_burst_of_calls_is_answered_in_order() {
    let mut host = host();
    let burst: Vec<u8> = (100..120).flat_map(ack).collect();
    host.send(&burst);
    host.pass(millis(100));
    let sequences: Vec<u32> = host.messages().iter().map(|it| it.sequence).collect();
    assert_eq!(sequences, (100..120).collect::<Vec<_>>());
}

#[test]
fn sequences_are_echoed_whatever_they_are() {
    let mut host = host();
    for sequence in [7, 7, 0, u32::MAX, 1] {
        host.send(&ack(sequence));
        assert_eq!(host.reply(sequence, millis(50)).unwrap().payload, [0xA5]);
    }
    assert_eq!(host.counters().offences(), 0);
}

#[test]
fn bytes_behind_the_arguments_are_ignored() {
    let mut host = host();
    assert_eq!(host.call(SYSTEM, 2, &[1, 2, 3]), [1]);
    assert_eq!((host.counters().trailing_bytes, host.counters().offences()), (2, 0));
}

#[test]
fn bytes_may_come_one_by_one() {
    let mut host = host();
    for byte in ack(5) {
        host.send(&[byte]);
        host.pass(millis(3));
    }
    assert_eq!(host.reply(5, millis(50)).unwrap().payload, [0xA5]);
}

#[test]
fn the_largest_message_fits() {
    let mut host = host();
    host.send(&framed(&invocation(SYSTEM, 2, 5, &vec![7; 4088])));
    assert_eq!(host.reply(5, millis(50)).unwrap().payload, [7]);
    assert_eq!(host.counters().offences(), 0);
}

#[test]
fn a_reply_can_pause_between_its_header_and_its_body() {
    let mut config = Config::default();
    config.gap = millis(20);
    let mut host = Host::booted(config);
    host.send(&ack(5));
    host.pass(millis(10));
    assert_eq!(host.received.len(), 4);
    host.pass(millis(20));
    assert_eq!(host.messages().len(), 1);
}

#[test]
fn a_call_takes_its_time_and_the_task_sleeps_between_calls() {
    let mut config = Config::default();
    config.call = millis(5);
    config.tick = millis(10);
    let mut host = Host::booted(config);
    host.pass(millis(100));
    host.send(&[ack(1), ack(2)].concat());
    let (first, took) = host.timed(|host| host.reply(1, millis(100)).is_some());
    assert!(first && (millis(5)..=millis(16)).contains(&took), "{took:?}");
    let (second, took) = host.timed(|host| host.reply(2, millis(100)).is_some());
    assert!(second && (millis(14)..=millis(16)).contains(&took), "{took:?}");

    let mut brisk = Host::booted(Config::default().brisk(Duration::from_micros(300)));
    brisk.send(&ack(1));
    let (_, took) = brisk.timed(|host| host.reply(1, millis(100)).unwrap());
    assert!(took <= Duration::from_micros(500), "{took:?}");
}
