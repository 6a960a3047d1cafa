//! Socket semantics, section 10 of the document.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers fail as tests do"
)]

mod common;

use core::time::Duration;

use common::calls::{DONTWAIT, payload, sockaddr};
use common::{CHIP, Host, LWIP, PEER, millis};
use netdev::{Error, Side};
use netdev_sim::Stack;

const PEEK: i32 = 1;

fn shutdown(host: &mut Host, s: i32, how: i32) -> i32 {
    host.status(LWIP, 3, &payload().i32(s).i32(how).0)
}

fn blocking(host: &mut Host, s: i32) {
    assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(4).i32(0).0), 0);
}

#[test]
fn numbers_are_the_lowest_free_and_shared_by_all_kinds() {
    let mut host = Host::joined();
    for expected in 0..8 {
        assert_eq!(host.socket(1 + expected % 2), expected);
    }
    assert_eq!((host.socket(1), host.errno()), (-1, 105));
    assert_eq!((host.close(5), host.close(2)), (0, 0));
    assert_eq!((host.socket(2), host.socket(1)), (2, 5));
    assert_eq!(host.counters().offences(), 0);
}

#[test]
fn unknown_types_and_unused_numbers_fail() {
    let mut host = Host::joined();
    assert_eq!((host.socket(9), host.errno()), (-1, 22));
    for s in [0, 7, 8, -1] {
        assert_eq!((host.close(s), host.errno()), (-1, 9), "{s}");
        assert_eq!(host.recv(s, 10, DONTWAIT).result, -1);
    }
    assert_eq!(host.counters().bad_sockets, 8 + 4, "recv looks twice");
}

#[test]
fn connections_that_wait_take_sockets_too() {
    let mut host = Host::joined();
    let listener = host.listen(80);
    let mut peers: Vec<_> = (0..9).map(|_| host.peer.connect((CHIP, 80).into()).unwrap()).collect();
    host.pass(millis(5));
    // Looks at the network happen when something is called.
    host.select(1, 0, 1000);
    assert_eq!(host.counters().peers_dropped, 3, "six wait");
    assert_eq!(host.socket(1), 1);
    assert_eq!((host.socket(1), host.errno()), (-1, 105), "eight in all");
    assert_eq!(host.close(1), 0);
    for expected in 1..=6 {
        assert_eq!(host.accept(listener), expected);
    }
    assert_eq!((host.accept(listener), host.errno()), (-1, 11));
    let last = peers.pop().unwrap();
    assert_eq!(
        host.peer.recv(last, &mut [0; 4], false),
        Err(nb::Error::Other(Error::ConnectionReset))
    );
}

#[test]
fn an_accepted_socket_blocks_and_is_connected_both_ways() {
    let mut host = Host::joined();
    let listener = host.listen(80);
    let peer = host.peer.connect((CHIP, 80).into()).unwrap();
    host.pass(millis(5));
    let s = host.accept(listener);
    assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(3).i32(0).0), 0, "F_GETFL");
    host.peer.send(peer, b"hello").unwrap();
    assert_eq!(host.recv(s, 64, 0).blob, b"hello");
    assert_eq!(host.write(s, b"world", DONTWAIT), 5);
    host.pass(millis(5));
    let mut heard = [0; 8];
    assert_eq!(host.peer.recv(peer, &mut heard, false), Ok(5));
}

#[test]
fn accept_waits_for_a_peer_or_for_its_time_out() {
    let mut host = Host::joined();
    let listener = host.listen(80);
    blocking(&mut host, listener);
    assert_eq!(host.set_option(listener, 0xFFF, 0x1006, 300), 0);
    let (got, took) = host.timed(|host| host.accept(listener));
    assert_eq!((got, host.errno()), (-1, 11));
    assert!((300..=310).contains(&took.as_millis()), "{took:?}");

    let call = payload().i32(listener).bin(&[0; 16]).u32(16).0;
    let waiting = host.request(LWIP, 1, &call);
    host.pass(millis(100));
    host.peer.connect((CHIP, 80).into()).unwrap();
    assert_eq!(host.reply(waiting, millis(10)).unwrap().payload, [16, 0, 0, 0, 1, 0, 0, 0]);
}

#[test]
fn only_streams_listen_and_ports_are_taken_once() {
    let mut host = Host::joined();
    let udp = host.socket(2);
    assert_eq!(host.status(LWIP, 10, &payload().i32(udp).i32(1).0), -1);
    assert_eq!(host.errno(), 95);
    host.listen(80);
    let other = host.stream();
    assert_eq!((host.bind(other, 80), host.errno()), (-1, 98));
    assert_eq!((host.bind(other, 81), host.close(other)), (0, 0));
    let udp_too = host.socket(2);
    assert_eq!(host.bind(udp_too, 80), 0);
    assert_eq!((host.bind(udp, 80), host.errno()), (-1, 98));
}

#[test]
fn port_0_is_any_port_and_getsockname_tells_which() {
    let mut host = Host::joined();
    let s = host.stream();
    assert_eq!(host.bind(s, 0), 0);
    let name = host.call(LWIP, 5, &payload().i32(s).u32(16).0);
    let port = u16::from_be_bytes([name[6], name[7]]);
    assert!(port >= 49152);
    assert_eq!(host.status(LWIP, 10, &payload().i32(s).i32(1).0), 0);
    let again = host.call(LWIP, 5, &payload().i32(s).u32(16).0);
    assert_eq!(name, again);
    host.peer.connect((CHIP, port).into()).unwrap();
    host.pass(millis(5));
    assert_eq!(host.accept(s), 1);
    assert_eq!(host.status(LWIP, 4, &payload().i32(s).u32(16).0), -1, "a listener has no peer");
    assert_eq!(host.errno(), 107);
}

#[test]
fn connecting_goes_through_its_errors() {
    let mut host = Host::joined();
    host.peer.listen(80, 4).unwrap();
    let s = host.stream();
    host.internet.set_delay(millis(100));
    assert_eq!((host.connect(s, 80), host.errno()), (-1, 115));
    assert_eq!((host.connect(s, 80), host.errno()), (-1, 114));
    assert_eq!((host.select(0, 1 << s, 50_000), host.so_error(s)), (0, 0));
    assert_eq!(host.select(0, 1 << s, 500_000), 1, "writable once it stands");
    assert_eq!((host.connect(s, 80), host.errno()), (-1, 106));
}

#[test]
fn a_silent_host_fails_after_18_s() {
    let mut host = Host::joined();
    host.internet.set_connect_timeout(Duration::from_secs(60));
    let s = host.socket(1);
    let to = payload().i32(s).bin(&sockaddr([10, 9, 9, 9], 80)).u32(16).0;
    let (result, took) = host.timed(|host| host.status(LWIP, 9, &to));
    assert_eq!((result, host.errno()), (-1, 103));
    assert_eq!(took.as_secs(), 18);
}

#[test]
fn without_a_link_there_is_no_route() {
    let mut host = Host::booted(rtl8720dn_sim::Config::default());
    let s = host.stream();
    assert_eq!((host.connect(s, 80), host.errno()), (-1, 113));
    let udp = host.socket(2);
    assert_eq!((host.send_to(udp, b"x", 9), host.errno()), (-1, 113));
    assert_eq!(host.call(LWIP, 25, &payload().bin(b"a.test").0)[8].cast_signed(), -6);
}

#[test]
fn addresses_are_16_bytes_of_the_right_family() {
    let mut host = Host::joined();
    let s = host.stream();
    let mut bad = sockaddr(PEER, 80);
    assert_eq!(host.status(LWIP, 9, &payload().i32(s).bin(&bad).u32(15).0), -1);
    assert_eq!((host.errno(), host.offences()), (5, vec![("bad_address_lengths", 1)]));
    bad[1] = 10;
    assert_eq!(host.status(LWIP, 9, &payload().i32(s).bin(&bad).u32(16).0), -1);
    assert_eq!(host.errno(), 5);
}

#[test]
fn the_send_buffer_holds_7300_bytes_and_more_than_half_of_it_free_is_writable() {
    let mut host = Host::joined();
    host.peer.set_window(1000);
    let (s, peer) = host.connected(80);
    let data = vec![1; 4000];
    assert_eq!(host.write(s, &data, DONTWAIT), 4000, "1000 are on their way");
    assert_eq!(host.select(0, 1 << s, 0), 1);
    assert_eq!(host.write(s, &data, DONTWAIT), 4000);
    assert_eq!(host.select(0, 1 << s, 0), 0);
    assert_eq!(host.write(s, &data, DONTWAIT), 300, "a short count");
    assert_eq!((host.write(s, &data, DONTWAIT), host.errno()), (-1, 11));

    let mut read = 0;
    let mut buf = vec![0; 4096];
    for _ in 0..100 {
        host.pass(millis(1));
        read += host.peer.recv(peer, &mut buf, false).unwrap_or(0);
    }
    assert_eq!(read, 8300, "all of it goes out without anybody asking");
    assert_eq!(host.select(0, 1 << s, 0), 1);
}

#[test]
fn a_blocking_send_returns_when_all_is_in_the_buffer() {
    let mut host = Host::joined();
    host.peer.set_window(100);
    let (s, peer) = host.connected(80);
    blocking(&mut host, s);
    assert_eq!(host.write(s, &vec![1; 4000], 0), 4000);
    let blocked = host.request(LWIP, 15, &payload().i32(s).bin(&vec![2; 4000]).i32(0).0);
    assert!(host.reply(blocked, Duration::from_secs(100)).is_none());
    let mut buf = vec![0; 4096];
    for _ in 0..20 {
        let _ = host.peer.recv(peer, &mut buf, false);
        host.pass(millis(2));
    }
    assert_eq!(host.reply(blocked, millis(50)).unwrap().payload, 4000_i32.to_le_bytes());
    assert_eq!(host.counters().unbounded_calls, 2);
}

#[test]
fn a_send_time_out_ends_a_blocking_send_with_what_went() {
    let mut host = Host::joined();
    host.peer.set_window(100);
    let (s, _peer) = host.connected(80);
    blocking(&mut host, s);
    assert_eq!(host.set_option(s, 0xFFF, 0x1005, 200), 0);
    assert_eq!(host.write(s, &vec![1; 4000], 0), 4000);
    let (sent, took) = host.timed(|host| host.write(s, &vec![1; 4000], 0));
    assert_eq!(sent, 3400);
    assert!((200..=210).contains(&took.as_millis()), "{took:?}");
    assert_eq!((host.write(s, b"x", 0), host.errno()), (-1, 11));
}

#[test]
fn sending_fails_before_a_connection_after_its_end_and_after_a_reset() {
    let mut host = Host::joined();
    let fresh = host.stream();
    assert_eq!((host.write(fresh, b"x", DONTWAIT), host.errno()), (-1, 107));
    let (s, peer) = host.connected(80);
    host.peer.abort(peer);
    host.pass(millis(5));
    assert_eq!((host.write(s, b"x", DONTWAIT), host.errno()), (-1, 104));
    assert_eq!(host.so_error(s), 104);
    assert_eq!(host.so_error(s), 0, "asking takes it");
    let (t, _peer) = host.connected(81);
    assert_eq!(shutdown(&mut host, t, 1), 0);
    assert_eq!((host.write(t, b"x", DONTWAIT), host.errno()), (-1, 107));
}

#[test]
fn a_reset_loses_what_was_not_read() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    host.peer.send(peer, b"lost").unwrap();
    host.pass(millis(5));
    host.peer.abort(peer);
    host.pass(millis(5));
    assert_eq!((host.recv(s, 64, DONTWAIT).result, host.errno()), (-1, 104));
}

#[test]
fn receiving_takes_what_is_there_and_peeking_leaves_it() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    assert_eq!((host.recv(s, 0, DONTWAIT).result, host.errno()), (-1, 11));
    host.peer.send(peer, b"hello").unwrap();
    host.pass(millis(5));
    assert_eq!((host.recv(s, 0, DONTWAIT).result, host.recv(s, 0, DONTWAIT).blob), (0, vec![0]));
    assert_eq!(host.recv(s, 64, DONTWAIT | PEEK).blob, b"hello");
    assert_eq!(host.recv(s, 2, DONTWAIT).blob, b"he");
    let read = host.call(LWIP, 13, &payload().i32(s).u32(64).u32(0).0);
    assert_eq!(read, b"\x03\0\0\0llo\x03\0\0\0");
    host.peer.shutdown(peer, Side::Write).unwrap();
    host.pass(millis(5));
    assert_eq!((host.recv(s, 0, DONTWAIT).result, host.errno()), (0, 107));
    assert_eq!(host.write(s, b"still open", DONTWAIT), 10);
}

#[test]
fn the_window_holds_7300_bytes() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    host.peer.send(peer, &vec![9; 20_000]).unwrap();
    let mut total = 0;
    loop {
        host.pass(millis(2));
        let got = host.recv(s, 4080, DONTWAIT);
        if got.result <= 0 {
            break;
        }
        total += got.result;
    }
    assert_eq!((total, host.errno()), (20_000, 11));
}

#[test]
fn half_closes_reach_the_other_side() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    assert_eq!(host.write(s, b"last", DONTWAIT), 4);
    assert_eq!(shutdown(&mut host, s, 1), 0);
    host.pass(millis(5));
    let mut buf = [0; 8];
    assert_eq!(host.peer.recv(peer, &mut buf, false), Ok(4));
    assert_eq!(host.peer.recv(peer, &mut buf, false), Ok(0));
    host.peer.send(peer, b"reply").unwrap();
    host.pass(millis(5));
    assert_eq!(host.recv(s, 64, DONTWAIT).blob, b"reply");
    assert_eq!((shutdown(&mut host, s, 7), host.errno()), (-1, 22));
    let udp = host.socket(2);
    assert_eq!((shutdown(&mut host, udp, 2), host.errno()), (-1, 95));
    let fresh = host.socket(1);
    assert_eq!((shutdown(&mut host, fresh, 2), host.errno()), (-1, 107));
}

#[test]
fn closing_sends_the_rest_and_unread_bytes_make_it_a_reset() {
    let mut host = Host::joined();
    host.peer.set_window(100);
    let (s, peer) = host.connected(80);
    assert_eq!((host.write(s, &[3; 1000], DONTWAIT), host.close(s)), (1000, 0));
    assert_eq!(host.socket(1), s, "the number is free at once");
    let mut read = 0;
    let mut buf = [0; 512];
    for _ in 0..100 {
        host.pass(millis(1));
        read += host.peer.recv(peer, &mut buf, false).unwrap_or(0);
    }
    assert_eq!((read, host.peer.recv(peer, &mut buf, false)), (1000, Ok(0)));

    let (t, peer) = host.connected(81);
    host.peer.send(peer, b"unread").unwrap();
    host.pass(millis(5));
    assert_eq!((host.select(1 << t, 0, 0), host.close(t)), (1, 0));
    host.pass(millis(5));
    let got = host.peer.recv(peer, &mut buf, false);
    assert_eq!(got, Err(nb::Error::Other(Error::ConnectionReset)));
}

#[test]
fn datagrams_come_one_by_one_with_their_sender_and_six_wait() {
    let mut host = Host::joined();
    let s = host.socket(2);
    assert_eq!(host.bind(s, 5000), 0);
    let peer = host.peer.udp(6000).unwrap();
    for n in 0..9 {
        host.peer.send_to(peer, &[n; 20], (CHIP, 5000).into()).unwrap();
    }
    host.pass(millis(5));
    assert_eq!(host.select(1 << s, 0, 0), 1);
    assert_eq!(host.counters().datagrams_dropped, 3);
    let (result, data, from) = host.recv_from(s, 8, DONTWAIT);
    assert_eq!((result, data, from), (8, vec![0; 8], sockaddr(PEER, 6000)));
    for n in 1..6 {
        assert_eq!(host.recv(s, 64, DONTWAIT).blob, [n; 20], "the rest of the first is gone");
    }
    assert_eq!((host.recv(s, 64, DONTWAIT).result, host.errno()), (-1, 11));
    assert_eq!(host.counters().offences(), 0);
}

#[test]
fn datagrams_go_to_an_address_or_to_the_peer_of_the_socket() {
    let mut host = Host::joined();
    let peer = host.peer.udp(6000).unwrap();
    let stranger = host.peer.udp(6001).unwrap();
    let s = host.socket(2);
    assert_eq!((host.write(s, b"x", DONTWAIT), host.errno()), (-1, 113));
    assert_eq!(host.send_to(s, &vec![5; 4052], 6000), 4052);
    host.pass(millis(5));
    let mut buf = vec![0; 8192];
    let (length, from) = host.peer.recv_from(peer, &mut buf, false).unwrap();
    assert_eq!(length, 4052);
    assert_eq!(host.connect(s, 6000), 0);
    host.peer.send_to(stranger, b"no", from).unwrap();
    host.peer.send_to(peer, b"yes", from).unwrap();
    host.pass(millis(5));
    assert_eq!(host.recv(s, 64, DONTWAIT).blob, b"yes");
    assert_eq!(host.recv(s, 64, DONTWAIT).result, -1);
    assert_eq!(host.write(s, b"to the peer", DONTWAIT), 11);
}

#[test]
fn select_waits_for_the_first_and_tells_of_unknown_numbers() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    let (got, took) = host.timed(|host| host.select(1 << s, 0, 20_000));
    assert!(got == 0 && (20..=24).contains(&took.as_millis()), "{took:?}");
    let timeout = payload().i32(8).u8(0).bin(&[1 << s]).u8(1).u8(1).u8(0);
    let waiting = host.request(LWIP, 21, &timeout.bin(&[5, 0, 0, 0, 0, 0, 0, 0]).0);
    host.pass(millis(700));
    host.peer.send(peer, b"x").unwrap();
    assert_eq!(host.reply(waiting, millis(3)).unwrap().payload, [1, 0, 0, 0]);
    assert_eq!((host.select(1 << 6, 0, 0), host.errno()), (-1, 9));
    assert_eq!(host.counters().offences(), 1);
    let above = payload().i32(s).u8(0).bin(&[1 << s]).u8(1).u8(1).u8(0).bin(&[0; 8]);
    assert_eq!(host.status(LWIP, 21, &above.0), 0, "numbers from maxfdp1 on do not count");
}

#[test]
fn an_echo_request_over_a_raw_socket_comes_back_with_its_ip_header() {
    let mut config = rtl8720dn_sim::Config::default();
    config.pingable = vec![(PEER.into(), millis(30))];
    let mut host = Host::joined_with(config);
    let s = host.status(LWIP, 18, &payload().i32(2).i32(3).i32(1).0);
    let echo = [8, 0, 0xF7, 0xFD, 0, 1, 0, 1];
    let call = payload().i32(s).bin(&echo).i32(0).bin(&sockaddr(PEER, 0)).u32(16).0;
    assert_eq!(host.status(LWIP, 17, &call), 8);
    assert_eq!(host.recv(s, 64, DONTWAIT).result, -1);
    host.pass(millis(40));
    let (result, data, from) = host.recv_from(s, 64, DONTWAIT);
    assert_eq!((result, from), (28, sockaddr(PEER, 0)));
    assert_eq!((data[0], data[9], &data[12..16], &data[16..20]), (0x45, 1, &PEER[..], &CHIP[..]));
    assert_eq!(data[20..], [0, 0, 0xFF, 0xFD, 0, 1, 0, 1]);
}
