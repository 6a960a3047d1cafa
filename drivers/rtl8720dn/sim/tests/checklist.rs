//! The points of the simulator's checklist that no other file tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod common;

use core::time::Duration;

use common::calls::{DONTWAIT, payload};
use common::{Host, LWIP, SYSTEM, framed, invocation, millis};
use netdev_sim::{Stack, UartChip};
use rtl8720dn_sim::{Config, Fault, FaultRates};

fn ack(host: &mut Host) -> Option<Vec<u8>> {
    host.call_within(SYSTEM, 2, &[7], millis(200))
}

#[test]
fn point_01_bytes_before_the_boot_is_over_are_discarded() {
    let mut host = Host::powered(Config::default());
    let frame = framed(&invocation(SYSTEM, 2, 1, &[1]));
    host.send(&frame);
    host.pass(millis(299));
    host.send(&frame[..6]);
    host.pass(millis(11));
    assert!(host.messages().is_empty());
    assert_eq!(host.offences(), [("bytes_while_down", 19)]);
    // The rest of a frame that straddles the opening is a frame of its own, and torn.
    host.send(&frame[6..]);
    host.pass(millis(50));
    assert!(!host.is_alive());
}

#[test]
fn point_01_garbage_may_precede_the_first_frame() {
    let mut config = Config::default();
    config.boot_garbage = vec![0xC0, 0xFF, 0xEE];
    let mut host = Host::powered(config);
    host.pass(millis(299));
    assert!(host.received.is_empty());
    host.pass(millis(2));
    assert_eq!(host.received, [0xC0, 0xFF, 0xEE]);
}

#[test]
fn point_02_the_enable_pin_clears_everything() {
    let mut host = Host::joined();
    let (_, peer) = host.connected(80);
    let now = host.now();
    host.chip.set_enabled(false, now);
    assert_eq!(host.chip.next_step(), None);
    host.send(&framed(&invocation(SYSTEM, 2, 1, &[1])));
    host.pass(Duration::from_secs(5));
    assert!(host.messages().is_empty());
    let mut buf = [0; 4];
    assert_eq!(host.peer.recv(peer, &mut buf, false), Ok(0), "the connection is gone");
    let now = host.now();
    host.chip.set_enabled(true, now);
    host.pass(millis(310));
    assert_eq!(host.status(14, 4, &[]), -1);
    assert_eq!((host.socket(1), host.errno()), (0, 0));
    host.monitor.send_event([9; 48]);
    host.pass(millis(5));
    assert_eq!(host.messages()[0].sequence, 1);
}

#[test]
fn point_08_the_errors_of_the_host_are_mapped() {
    // Refused, timed out, no route: tests/sockets.rs.
    let mut host = Host::joined();
    let s = host.socket(1);
    assert_eq!((host.connect(s, 4), host.errno()), (-1, 104));
}

#[test]
fn point_09_a_name_that_is_not_literal_comes_by_callback() {
    let mut host = Host::joined();
    host.internet.name("far.test", [10, 0, 0, 9].into());
    let ask =
        |name: &str| payload().bin(name.as_bytes()).u32(0x1000).u8(0).bin(&[1, 2, 3, 4]).u8(0).0;
    assert_eq!(host.call(LWIP, 26, &ask("1.2.3.4")), [4, 0, 0, 0, 1, 2, 3, 4, 0]);
    assert_eq!(host.call(LWIP, 26, &ask("far.test"))[8].cast_signed(), -5);
    host.pass(millis(50));
    let call = host.messages().remove(0);
    assert_eq!((call.kind, call.service, call.method), (0, 19, 2));
    let expected = payload().bin(b"far.test").bin(&[10, 0, 0, 9]).u8(0).bin(&[1, 2, 3, 4]).0;
    assert_eq!(call.payload, expected);
    let mut reply = invocation(19, 2, call.sequence, &[0; 4]);
    reply[0] = 2;
    host.send(&framed(&reply));
    host.pass(millis(5));
    assert_eq!(host.call(LWIP, 26, &ask("far.test"))[4..], [10, 0, 0, 9, 0], "it is remembered");
    assert_eq!(host.call(LWIP, 26, &ask("nowhere.test"))[8].cast_signed(), -5);
    host.pass(Duration::from_secs(20));
    assert!(host.messages().is_empty(), "a failure is never told");
    assert_eq!(host.counters().callback_replies, 1);
}

#[test]
fn point_11_a_reply_is_dropped() {
    let mut host = Host::booted(Config::default());
    host.monitor.strike(Fault::DropReply);
    assert_eq!((ack(&mut host), ack(&mut host)), (None, Some(vec![7])));
    assert_eq!((host.counters().calls, host.counters().faults), (2, 1));
}

#[test]
fn point_11_a_reply_has_a_wrong_checksum() {
    let mut host = Host::booted(Config::default());
    host.monitor.strike(Fault::CorruptReply);
    let sequence = host.request(SYSTEM, 2, &[7]);
    let reply = host.reply(sequence, millis(50)).unwrap();
    assert!(!reply.sound && reply.payload == [7]);
    let sequence = host.request(SYSTEM, 2, &[7]);
    assert!(host.reply(sequence, millis(50)).unwrap().sound);
}

#[test]
fn point_11_a_reply_is_late_and_everything_behind_it() {
    let mut host = Host::booted(Config::default());
    host.monitor.strike(Fault::DelayReply(millis(700)));
    let (first, second) = (host.request(SYSTEM, 2, &[1]), host.request(SYSTEM, 2, &[2]));
    host.pass(millis(690));
    assert!(host.messages().is_empty());
    assert!(host.reply(first, millis(20)).is_some() && host.reply(second, millis(20)).is_some());
}

#[test]
fn point_11_an_event_or_a_callback_comes_amid_a_call() {
    let mut host = Host::booted(Config::default());
    host.monitor.strike(Fault::EventAmidCall);
    host.monitor.strike(Fault::CallbackAmidCall);
    host.request(SYSTEM, 2, &[1]);
    host.request(SYSTEM, 2, &[2]);
    host.pass(millis(50));
    let all: Vec<(u8, u8)> = host.messages().iter().map(|it| (it.kind, it.service)).collect();
    assert_eq!(all, [(1, 19), (2, 1), (0, 19), (2, 1)]);
}

#[test]
fn point_11_the_chip_halts() {
    let mut host = Host::booted(Config::default());
    host.monitor.strike(Fault::Halt);
    assert_eq!((ack(&mut host), ack(&mut host)), (None, None));
    host.monitor.reboot();
    host.pass(millis(310));
    assert_eq!(ack(&mut host), Some(vec![7]));
    host.monitor.halt();
    assert_eq!(ack(&mut host), None);
}

#[test]
fn faults_by_chance_follow_from_their_seed() {
    let run = |seed| {
        let mut config = Config::default();
        config.faults = "drop=0.2,corrupt=0.2,event=0.2".parse().unwrap();
        config.faults.seed = seed;
        let mut host = Host::booted(config);
        let burst: Vec<u8> =
            (0..100).flat_map(|n| framed(&invocation(SYSTEM, 2, n, &[1]))).collect();
        host.send(&burst);
        host.pass(millis(500));
        host.messages().into_iter().map(|it| (it.sequence, it.sound)).collect::<Vec<_>>()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
    assert_eq!(FaultRates::default(), FaultRates::default());
}

#[test]
fn the_wrong_way_out_of_an_address_is_a_config_switch_too() {
    let mut config = Config::default();
    config.faults.truncate_addresses = true;
    let mut host = Host::joined_with(config);
    let (s, _peer) = host.connected(80);
    assert_eq!(host.call(LWIP, 4, &payload().i32(s).u32(16).0)[4..8], [16, 0, 0, 0]);
}

#[test]
fn a_trace_shows_calls_replies_and_what_goes_wrong() {
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut config = Config::default();
    let sink = lines.clone();
    config.trace = Some(Box::new(move |_, line| sink.lock().unwrap().push(line.to_owned())));
    let mut host = Host::joined_with(config);
    let (s, _peer) = host.connected(80);
    host.write(s, b"hi", DONTWAIT);
    let mut bad = framed(&invocation(SYSTEM, 2, 1, &[1]));
    bad[2] ^= 1;
    host.send(&bad);
    host.pass(millis(5));
    let lines = lines.lock().unwrap().join("\n");
    for line in [
        "wifi_event_callback STA_START",
        "wifi_on 1 -> 0",
        "wifi_connect \"test-ap\" (9 secret) 0x400004 -1 0 -> 0",
        "lwip_connect 0 10.0.0.1:80 16 -> -1",
        "lwip_errno -> 115",
        "lwip_send 0 2 bytes \"hi\" 8 -> 2",
        "frame of 9 bytes with a wrong checksum: dropped",
    ] {
        assert!(lines.contains(line), "{line} is not in\n{lines}");
    }
    assert!(!lines.contains("test-pass"));
}
