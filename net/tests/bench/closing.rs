//! Closing, and what it does to others.

use std::sync::Arc;

use net::{Cause, Error, Op};

use crate::device::{Bench, US, ms};

fn assert_closed(error: Error, op: Op) {
    assert_eq!((error.op, error.cause), (op, Cause::Closed));
    assert!(error.is_closed() && !error.timeout());
}

#[test]
fn closing_wakes_a_read_a_write_and_an_accept() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    let closer = Arc::clone(&conn);
    bench.at(10, move || closer.close().unwrap());
    assert_closed(conn.read(&mut [0; 8]).unwrap_err(), Op::Read);

    let (conn, fd2) = bench.conn();
    assert_ne!(fd, fd2);
    bench.edit(fd2, |sock| sock.room = 3);
    let closer = Arc::clone(&conn);
    bench.at(20, move || closer.close().unwrap());
    let error = conn.write(b"hello").unwrap_err();
    assert_eq!(error.written, 3);
    assert_closed(error.error, Op::Write);

    let listener = Arc::new(net::listen_on(bench, "tcp", ":0").unwrap());
    let closer = Arc::clone(&listener);
    bench.at(30, move || closer.close().unwrap());
    assert_closed(listener.accept().unwrap_err(), Op::Accept);

    let packets = Arc::new(net::listen_packet_on(bench, "udp", ":0").unwrap());
    let closer = Arc::clone(&packets);
    bench.at(40, move || closer.close().unwrap());
    assert_closed(packets.read_from(&mut [0; 8]).unwrap_err(), Op::Read);
}

#[test]
fn closing_wakes_a_write_that_waits_for_another() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.room = 0);
    let (second, closer) = (Arc::clone(&conn), Arc::clone(&conn));
    bench.at(10, move || assert_closed(second.write(b"b").unwrap_err().error, Op::Write));
    bench.at(20, move || closer.close().unwrap());
    assert_closed(conn.write(b"a").unwrap_err().error, Op::Write);
}

#[test]
fn after_close_everything_is_closed_but_the_addresses() {
    let bench = Bench::new();
    let (conn, _) = bench.conn();
    let (local, remote) = (conn.local_addr(), conn.remote_addr());
    assert!(local.is_some() && remote.is_some());
    conn.close().unwrap();
    assert_closed(conn.close().unwrap_err(), Op::Close);
    assert_closed(conn.read(&mut [0; 1]).unwrap_err(), Op::Read);
    assert_closed(conn.read(&mut []).unwrap_err(), Op::Read);
    assert_closed(conn.write(b"").unwrap_err().error, Op::Write);
    assert_closed(conn.set_deadline(Some(ms(5))).unwrap_err(), Op::Set);
    assert_closed(conn.set_read_deadline(None).unwrap_err(), Op::Set);
    assert_closed(conn.set_no_delay(true).unwrap_err(), Op::Set);
    assert_closed(conn.close_write().unwrap_err(), Op::Close);
    assert_eq!((conn.local_addr(), conn.remote_addr()), (local, remote));
    assert_eq!(conn.socket(), None);
    let text = conn.close().unwrap_err().to_string();
    assert_eq!(text, "close tcp 127.0.0.1:49152->10.0.0.1:80: use of closed network connection");
}

#[test]
fn dropping_closes_once() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    drop(conn);
    assert_eq!(bench.state().closed, [fd.slot()]);

    let (conn, fd2) = bench.conn();
    conn.close().unwrap();
    drop(conn);
    assert_eq!(bench.state().closed, [fd.slot(), fd2.slot()]);

    drop(net::listen_on(bench, "tcp", ":0").unwrap());
    drop(net::listen_packet_on(bench, "udp", ":0").unwrap());
    assert_eq!(bench.open_sockets(), 0);
}

#[test]
fn half_close_ends_one_direction_after_the_write_that_is_under_way() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.room = 2);
    let closer = Arc::clone(&conn);
    bench.at(10, move || {
        closer.set_write_deadline(Some(ms(15))).unwrap();
        let error = closer.close_write().unwrap_err();
        assert_eq!((error.op, error.cause), (Op::Close, Cause::DeadlineExceeded));
        closer.set_write_deadline(None).unwrap();
    });
    bench.at(20, move || bench.edit(fd, |sock| sock.room = 10));
    assert_eq!(conn.write(b"hello"), Ok(5));
    conn.close_write().unwrap();
    bench.edit(fd, |sock| sock.inbox.push_back((b"bye".to_vec(), US)));
    assert_eq!(conn.read(&mut [0; 8]), Ok(3));
    conn.close_read().unwrap();
    bench.edit(fd, |sock| assert_eq!(sock.shut.len(), 2));
}
