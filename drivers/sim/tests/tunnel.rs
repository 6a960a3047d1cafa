//! The tunnel's server under a client that speaks bytes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod toy;

use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};

use netdev::StdPlatform;
use netdev_sim::tunnel::{Meter, Server};
use netdev_sim::{BusFault, SpiBench};

use toy::{LIMIT, Rig, Toy, rig, until};

/// A client that speaks bytes.
struct Raw(TcpStream);

impl Raw {
    fn to(rig: &Rig) -> Self {
        let stream = TcpStream::connect(rig.server.addr()).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    fn send(&mut self, op: u16, body: &[u8]) {
        let mut request = op.to_le_bytes().to_vec();
        request.extend_from_slice(body);
        self.0.write_all(&request).unwrap();
    }

    fn recv(&mut self, length: usize) -> Vec<u8> {
        let mut reply = vec![0; length];
        self.0.read_exact(&mut reply).unwrap();
        reply
    }

    fn lines(&mut self, op: u16, body: &[u8]) -> u8 {
        self.send(op, body);
        self.recv(1)[0]
    }

    fn is_ended(&mut self) -> bool {
        match self.0.read(&mut [0]) {
            Ok(length) => length == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn a_transaction_is_one_chip_select_cycle() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    raw.send(3, b"abc");
    assert_eq!(raw.recv(3), [!b'a', !b'b', !b'c']);
    assert_eq!(rig.chip.heard(), ["select", "abc", "deselect"]);
    assert_eq!(rig.bench.counters().cs_cycles, 1);
}

#[test]
fn an_empty_transaction_is_a_pulse_without_a_reply() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    raw.send(0, b"");
    assert_eq!(raw.lines(0xFFFF, b""), 4, "the next reply is that of the next request");
    assert_eq!(rig.chip.heard(), ["select", "deselect"]);
}

#[test]
fn the_longest_transaction_goes_through_in_one_piece() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    raw.send(0xFEFF, &vec![0x5A; 0xFEFF]);
    assert_eq!(raw.recv(0xFEFF), vec![0xA5; 0xFEFF]);
    let counters = rig.bench.counters();
    assert_eq!((counters.cs_cycles, counters.bytes), (1, 0xFEFF));
}

#[test]
fn the_lines_are_ready_gpio0_and_chip_select() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    for (busy, data_ready, lines) in [(false, false, 4), (true, false, 5), (false, true, 6)] {
        rig.chip.set(busy, data_ready);
        assert_eq!(raw.lines(0xFFFF, b""), lines);
    }
    rig.chip.set(true, true);
    assert_eq!(raw.lines(0xFFFC, b""), 3, "chip-select low");
    assert_eq!(raw.lines(0xFFFF, b""), 3);
    assert_eq!(raw.lines(0xFFFB, b""), 7, "and high");
}

#[test]
fn a_message_can_be_clocked_in_pieces() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    assert_eq!(raw.lines(0xFFFC, b""), 0);
    raw.send(0xFFFA, b"\x02\0ab");
    assert_eq!(raw.recv(2), [!b'a', !b'b']);
    raw.send(0xFFFA, b"\0\0");
    raw.send(0xFFFA, b"\x01\0c");
    assert_eq!(raw.recv(1), [!b'c']);
    assert_eq!(raw.lines(0xFFFB, b""), 4);
    assert_eq!(rig.chip.heard(), ["select", "ab", "c", "deselect"]);
    raw.send(0xFFFA, b"\x01\0d");
    assert_eq!(raw.recv(1), [!b'd'], "chip-select as it stands: high");
    assert_eq!(rig.chip.heard(), ["d"]);
}

#[test]
fn requests_that_come_in_one_packet_or_byte_by_byte_are_the_same() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    raw.0.write_all(b"\xFF\xFF\x01\0a\xFC\xFF\xFA\xFF\x01\0b\xFB\xFF").unwrap();
    assert_eq!(raw.recv(5), [4, !b'a', 0, !b'b', 4]);
    for byte in b"\xFF\xFF\x01\0a" {
        raw.0.write_all(&[*byte]).unwrap();
    }
    assert_eq!(raw.recv(2), [4, !b'a']);
}

#[test]
fn a_wait_ends_when_the_lines_are_so_or_the_time_is_over() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    assert_eq!(raw.lines(0xFFFD, &[0x60, 0xEA, 1, 0]), 4, "so already");
    rig.chip.set(true, false);
    assert_eq!(raw.lines(0xFFFD, &[0, 0, 1, 0]), 5, "no time at all");
    let begun = std::time::Instant::now();
    assert_eq!(raw.lines(0xFFFD, &[20, 0, 1, 0]), 5);
    assert!(begun.elapsed() >= Duration::from_millis(20));
    raw.send(0xFFFD, &[0x60, 0xEA, 3, 2]);
    rig.chip.set(false, true);
    assert_eq!(raw.recv(1), [6]);
}

#[test]
fn others_have_the_bus_while_one_waits() {
    let rig = rig();
    let (mut waiting, mut other) = (Raw::to(&rig), Raw::to(&rig));
    waiting.send(0xFFFD, &[0x60, 0xEA, 2, 2]);
    for _ in 0..10 {
        other.send(1, b"x");
        assert_eq!(other.recv(1), [!b'x']);
    }
    rig.chip.set(false, true);
    assert_eq!(waiting.recv(1), [6]);
}

#[test]
fn a_reset_answers_when_the_chip_is_ready_and_keeps_connections_open() {
    let rig = rig();
    let (mut raw, mut other) = (Raw::to(&rig), Raw::to(&rig));
    assert_eq!(raw.lines(0xFFFE, b""), 4);
    assert_eq!(rig.chip.heard(), ["reset true", "reset false"]);
    rig.chip.0.lock().unwrap().boots_slowly = true;
    raw.send(0xFFFE, b"");
    until(|| rig.bench.counters().resets == 2);
    assert_eq!(other.lines(0xFFFF, b""), 5, "others are not blocked");
    raw.0.set_nonblocking(true).unwrap();
    assert_eq!(raw.0.read(&mut [0]).map_err(|error| error.kind()), Err(ErrorKind::WouldBlock));
    raw.0.set_nonblocking(false).unwrap();
    rig.chip.set(false, false);
    assert_eq!(raw.recv(1), [4]);
    assert_eq!(other.lines(0xFFFF, b""), 4);
}

#[test]
fn a_reset_of_a_chip_that_never_is_ready_answers_after_three_seconds() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    rig.chip.0.lock().unwrap().boots_slowly = true;
    let begun = std::time::Instant::now();
    assert_eq!(raw.lines(0xFFFE, b""), 5);
    let took = begun.elapsed().as_millis();
    assert!((3_000..4_000).contains(&took), "{took} ms");
}

#[test]
fn counters_are_an_object_of_numbers_and_can_be_cleared() {
    struct Chip(Arc<Mutex<u64>>);
    impl Meter for Chip {
        fn read(&self) -> Vec<(&'static str, u64)> {
            vec![("commands", *self.0.lock().unwrap()), ("bytes", 99)]
        }
        fn clear(&self) {
            *self.0.lock().unwrap() = 0;
        }
    }
    let chip = Toy::default();
    let bench = SpiBench::new(chip.clone(), StdPlatform::new(), 8_000_000);
    let meter = Chip(Arc::new(Mutex::new(7)));
    let server = Server::builder(bench.clone()).meter(meter).listen("127.0.0.1:0").unwrap();
    let rig = Rig { chip, bench, server };
    let mut raw = Raw::to(&rig);
    let counters = |raw: &mut Raw| {
        raw.send(0xFFF9, b"");
        let length = u16::from_le_bytes(raw.recv(2).try_into().unwrap());
        String::from_utf8(raw.recv(length.into())).unwrap()
    };
    raw.send(6, b"abcdef");
    raw.recv(6);
    raw.lines(0xFFFE, b"");
    rig.chip.set(true, false);
    raw.send(0, b"");
    assert_eq!(
        counters(&mut raw),
        "{\"cs_cycles\":2,\"bytes\":6,\"resets\":1,\"cs_low_while_busy\":1,\
         \"unaligned_commands\":1,\"commands\":7}"
    );
    assert_eq!(raw.lines(0xFFF8, b""), 5);
    assert_eq!(
        counters(&mut raw),
        "{\"cs_cycles\":0,\"bytes\":0,\"resets\":0,\"cs_low_while_busy\":0,\
         \"unaligned_commands\":0,\"commands\":0}"
    );
}

#[test]
fn an_op_that_does_not_exist_ends_the_connection_and_no_other() {
    let rig = rig();
    let mut other = Raw::to(&rig);
    for op in [0xFF00_u16, 0xFF7F, 0xFFF7] {
        let mut raw = Raw::to(&rig);
        raw.send(1, b"a");
        raw.send(op, b"");
        assert_eq!(raw.recv(1), [!b'a'], "what came before is answered");
        assert!(raw.is_ended(), "{op:#x}");
    }
    assert_eq!(other.lines(0xFFFF, b""), 4);
}

#[test]
fn chip_select_that_a_client_holds_low_rises_when_it_leaves() {
    let rig = rig();
    let mut other = Raw::to(&rig);
    let mut raw = Raw::to(&rig);
    assert_eq!(raw.lines(0xFFFC, b""), 0);
    assert_eq!(other.lines(0xFFFF, b""), 0, "one bus for all");
    drop(raw);
    assert_eq!(other.lines(0xFFFD, &[0x60, 0xEA, 4, 4]), 4);
    assert_eq!(rig.chip.heard(), ["select", "deselect"]);
}

#[test]
fn it_rises_also_when_a_client_leaves_in_the_middle_of_a_request_or_of_a_wait() {
    let rig = rig();
    let mut other = Raw::to(&rig);
    let leavings: [&[u8]; 3] =
        [b"\xFC\xFF\xFA\xFF\x05\0ab", b"\xFC\xFF\xFD", b"\xFC\xFF\xFD\xFF\xFF\xFF\x01\x01"];
    for leaving in leavings {
        let mut raw = Raw::to(&rig);
        raw.0.write_all(leaving).unwrap();
        assert_eq!(raw.recv(1), [0]);
        drop(raw);
        assert_eq!(other.lines(0xFFFD, &[0x60, 0xEA, 4, 4]), 4);
        assert_eq!(rig.chip.heard(), ["select", "deselect"], "half a request is none");
    }
}

#[test]
fn it_stays_low_when_another_client_leaves() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    let mut other = Raw::to(&rig);
    assert_eq!(raw.lines(0xFFFC, b""), 0);
    other.send(0xFF00, b"");
    assert!(other.is_ended());
    assert_eq!(raw.lines(0xFFFF, b""), 0);
}

#[test]
fn a_client_that_says_it_has_no_more_requests_still_gets_its_answers() {
    let rig = rig();
    let mut raw = Raw::to(&rig);
    raw.send(0xFFFD, &[0x60, 0xEA, 2, 2]);
    raw.send(1, b"a");
    raw.0.shutdown(Shutdown::Write).unwrap();
    rig.chip.set(false, true);
    assert_eq!(raw.recv(2), [6, !b'a']);
    assert!(raw.is_ended());
}

#[test]
fn the_chip_is_looked_at_while_nobody_talks() {
    let rig = rig();
    let looks = || rig.chip.0.lock().unwrap().looks;
    let before = looks();
    until(|| looks() > before + 3);
}

#[test]
fn a_bus_that_is_broken_ends_connections() {
    let rig = rig();
    rig.bench.set_broken(Some(BusFault::Transfer));
    let mut raw = Raw::to(&rig);
    raw.send(1, b"a");
    assert!(raw.is_ended());
    rig.bench.set_broken(None);
    assert_eq!(Raw::to(&rig).lines(0xFFFF, b""), 4);
}

#[test]
fn it_listens_on_loopback_only_unless_allowed() {
    let bench = || SpiBench::new(Toy::default(), StdPlatform::new(), 8_000_000);
    let refused = Server::builder(bench()).listen("0.0.0.0:0").map_err(|error| error.kind());
    assert_eq!(refused.unwrap_err(), ErrorKind::PermissionDenied);
    assert!(Server::builder(bench()).allow_outside().listen("0.0.0.0:0").is_ok());
}

#[test]
fn dropping_the_server_ends_connections_and_waits() {
    let rig = rig();
    let (mut raw, mut waiting) = (Raw::to(&rig), Raw::to(&rig));
    assert_eq!(raw.lines(0xFFFF, b""), 4);
    assert_eq!(waiting.lines(0xFFFF, b""), 4);
    waiting.send(0xFFFD, &[0xFF, 0xFF, 2, 2]);
    drop(rig.server);
    assert!(raw.is_ended());
    waiting.recv(1);
    assert!(waiting.is_ended());
}
