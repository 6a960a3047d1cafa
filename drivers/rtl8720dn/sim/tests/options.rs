//! Socket options, flags and requests, section 9.1 of the document.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod common;

use common::calls::{DONTWAIT, payload};
use common::{Host, LWIP, millis};
use netdev_sim::Stack;

const SOL_SOCKET: i32 = 0xFFF;
const TCP: i32 = 6;

fn value(reply: &[u8]) -> i32 {
    i32::from_le_bytes(reply[4..8].try_into().unwrap())
}

#[test]
fn options_keep_their_values() {
    let mut host = Host::joined();
    let s = host.stream();
    let all = [(SOL_SOCKET, 4), (SOL_SOCKET, 8), (SOL_SOCKET, 0x20), (0, 1), (0, 2)];
    let tcp = [(TCP, 1), (TCP, 2), (TCP, 3), (TCP, 4), (TCP, 5)];
    for (level, name) in all.into_iter().chain(tcp) {
        assert_eq!(host.set_option(s, level, name, 7), 0, "{level} {name}");
        let reply = host.option(s, level, name);
        assert_eq!((value(&reply), reply.len()), (7, 16), "{level} {name}");
        assert_eq!(reply[8..12], [4, 0, 0, 0], "the length is echoed");
    }
    assert_eq!(host.counters().offences(), 0);
}

#[test]
fn what_is_not_there_is_92() {
    let mut host = Host::joined();
    let s = host.stream();
    for name in [0x80, 0x1001, 0x1002, 0x1007, 0x1008, 0x100A, 0x2000] {
        assert_eq!((host.set_option(s, SOL_SOCKET, name, 1), host.errno()), (-1, 92), "{name:x}");
    }
    assert_eq!((host.set_option(s, TCP, 6, 1), host.errno()), (-1, 92));
    let udp = host.socket(2);
    assert_eq!((host.set_option(udp, TCP, 1, 1), host.errno()), (-1, 92));
    assert_eq!(host.set_option(udp, SOL_SOCKET, 0x100A, 1), 0);
}

#[test]
fn short_values_and_listeners_are_22() {
    let mut host = Host::joined();
    let s = host.listen(80);
    assert_eq!((host.set_option(s, TCP, 1, 1), host.errno()), (-1, 22));
    let short = payload().i32(s).i32(SOL_SOCKET).i32(8).bin(&[1, 0]).u32(2).0;
    assert_eq!((host.status(LWIP, 7, &short), host.errno()), (-1, 22));
    let reply = host.call(LWIP, 6, &short);
    assert_eq!((reply.len(), common::hex(&reply[10..])), (14, "ff ff ff ff".to_owned()));
}

#[test]
fn type_and_listening_can_be_asked_for() {
    let mut host = Host::joined();
    let (stream, listener, udp) = (host.stream(), host.listen(80), host.socket(2));
    assert_eq!(value(&host.option(stream, SOL_SOCKET, 0x1008)), 1);
    assert_eq!(value(&host.option(udp, SOL_SOCKET, 0x1008)), 2);
    assert_eq!(value(&host.option(stream, SOL_SOCKET, 2)), 0);
    assert_eq!(value(&host.option(listener, SOL_SOCKET, 2)), 1);
}

#[test]
fn a_time_out_is_4_bytes_of_milliseconds_or_a_timeval() {
    let mut host = Host::joined();
    let (s, _peer) = host.connected(80);
    assert_eq!(host.set_option(s, SOL_SOCKET, 0x1006, 1500), 0);
    let long = payload().i32(s).i32(SOL_SOCKET).i32(0x1006).bin(&[0; 8]).u32(8).0;
    let reply = host.call(LWIP, 6, &long);
    assert_eq!(reply[4..12], [1, 0, 0, 0, 0x20, 0xA1, 7, 0], "1 s and 500000 us");
    let timeval = [0, 0, 0, 0, 0x20, 0xA1, 7, 0];
    let set = payload().i32(s).i32(SOL_SOCKET).i32(0x1006).bin(&timeval).u32(8).0;
    assert_eq!(host.status(LWIP, 7, &set), 0);
    assert_eq!(value(&host.option(s, SOL_SOCKET, 0x1006)), 500);
}

#[test]
fn o_nonblock_is_1_and_any_other_bit_is_38() {
    let mut host = Host::joined();
    let s = host.socket(1);
    for flags in [0x4000, 0x800, 3] {
        let call = payload().i32(s).i32(4).i32(flags).0;
        assert_eq!((host.status(LWIP, 23, &call), host.errno()), (-1, 38));
        assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(3).i32(0).0), 0, "it still blocks");
    }
    host.set_non_blocking(s);
    assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(3).i32(0).0), 1);
    assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(9).i32(0).0), -1);
}

#[test]
fn fionbio_is_the_only_request() {
    let mut host = Host::joined();
    let s = host.socket(1);
    let fionbio = |value: u8| payload().i32(s).u32(0x8004_667E).bin(&[value, 0, 0, 0]).0;
    let reply = host.call(LWIP, 22, &fionbio(1));
    assert_eq!(reply, [4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], "the argument comes back");
    assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(3).i32(0).0), 1);
    host.call(LWIP, 22, &fionbio(0));
    assert_eq!(host.status(LWIP, 23, &payload().i32(s).i32(3).i32(0).0), 0);
}

#[test]
fn dontwait_does_not_wait_on_a_blocking_socket() {
    let mut host = Host::joined();
    let (s, peer) = host.connected(80);
    host.status(LWIP, 23, &payload().i32(s).i32(4).i32(0).0);
    assert_eq!((host.recv(s, 64, DONTWAIT).result, host.errno()), (-1, 11));
    host.peer.send(peer, b"x").unwrap();
    host.pass(millis(5));
    assert_eq!(host.recv(s, 64, DONTWAIT).result, 1);
    assert_eq!(host.counters().offences(), 0);
}
