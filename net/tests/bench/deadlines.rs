//! Deadlines of reads, writes and accepts.

use std::sync::Arc;

use net::netdev::Platform;
use net::{Cause, Error, Op};

use crate::device::{Bench, ms};

fn assert_timed_out(error: Error, op: Op) {
    assert_eq!((error.op, error.cause), (op, Cause::DeadlineExceeded));
    assert!(error.timeout() && !error.is_closed());
}

#[test]
fn a_read_ends_at_its_deadline_and_not_before() {
    let bench = Bench::new();
    let (conn, _) = bench.conn();
    conn.set_read_deadline(Some(ms(30))).unwrap();
    assert_timed_out(conn.read(&mut [0; 8]).unwrap_err(), Op::Read);
    assert_eq!(bench.now(), ms(30));
}

#[test]
fn data_that_waits_is_not_given_once_the_deadline_has_passed() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.inbox.push_back((b"late".to_vec(), crate::device::US)));
    conn.set_read_deadline(Some(ms(0))).unwrap();
    let mut buf = [0; 8];
    assert_timed_out(conn.read(&mut buf).unwrap_err(), Op::Read);
    let nb::Error::Other(error) = conn.try_read(&mut buf).unwrap_err() else { panic!() };
    assert_timed_out(error, Op::Read);
    conn.set_read_deadline(None).unwrap();
    assert_eq!(conn.read(&mut buf), Ok(4));
}

#[test]
fn every_call_fails_until_the_deadline_is_moved() {
    let bench = Bench::new();
    let (conn, _) = bench.conn();
    conn.set_deadline(Some(ms(0))).unwrap();
    for _ in 0..2 {
        assert_timed_out(conn.read(&mut [0; 1]).unwrap_err(), Op::Read);
        assert_timed_out(conn.write(b"x").unwrap_err().error, Op::Write);
        assert_timed_out(conn.write(b"").unwrap_err().error, Op::Write);
    }
    conn.set_deadline(None).unwrap();
    assert_eq!(conn.write(b"x"), Ok(1));
}

#[test]
fn the_deadlines_of_the_two_sides_are_apart() {
    let bench = Bench::new();
    let (conn, _) = bench.conn();
    conn.set_read_deadline(Some(ms(0))).unwrap();
    assert_eq!(conn.write(b"x"), Ok(1));
}

#[test]
fn a_deadline_set_while_a_read_waits_ends_it() {
    let bench = Bench::new();
    let (conn, _) = bench.conn();
    let mover = Arc::clone(&conn);
    bench.at(40, move || mover.set_read_deadline(Some(ms(0))).unwrap());
    assert_timed_out(conn.read(&mut [0; 8]).unwrap_err(), Op::Read);
    assert_eq!(bench.now(), ms(40));
}

#[test]
fn a_deadline_moved_away_lets_a_read_wait_on() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    conn.set_read_deadline(Some(ms(50))).unwrap();
    let mover = Arc::clone(&conn);
    bench.at(40, move || mover.set_read_deadline(Some(ms(500))).unwrap());
    bench.at(200, move || bench.edit(fd, |sock| sock.ended = true));
    assert_eq!(conn.read(&mut [0; 8]), Ok(0));
}

#[test]
fn an_accept_ends_at_its_deadline() {
    let bench = Bench::new();
    let listener = net::listen_on(bench, "tcp", ":0").unwrap();
    listener.set_deadline(Some(ms(30))).unwrap();
    assert_timed_out(listener.accept().unwrap_err(), Op::Accept);
    assert_eq!(bench.now(), ms(30));
}

#[test]
fn a_datagram_read_ends_at_its_deadline() {
    let bench = Bench::new();
    let conn = net::listen_packet_on(bench, "udp", "127.0.0.1:0").unwrap();
    conn.set_read_deadline(Some(ms(30))).unwrap();
    assert_timed_out(conn.read_from(&mut [0; 8]).unwrap_err(), Op::Read);
}

#[test]
fn the_second_reader_keeps_its_deadline_while_it_waits_for_the_first() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.inbox.clear());
    let second = Arc::clone(&conn);
    // Runs in the middle of the first one's wait, like a thread that has the CPU just then.
    bench.at(10, move || {
        second.set_read_deadline(Some(ms(20))).unwrap();
        assert_timed_out(second.read(&mut [0; 8]).unwrap_err(), Op::Read);
        second.set_read_deadline(None).unwrap();
    });
    bench.at(30, move || bench.edit(fd, |sock| sock.ended = true));
    assert_eq!(conn.read(&mut [0; 8]), Ok(0));
}
