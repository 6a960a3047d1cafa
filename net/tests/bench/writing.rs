//! Writing to streams: whole, in part, and given up half-way.

use std::sync::Arc;
use std::thread;

use net::netdev::Platform;
use net::{Cause, Op};

use crate::device::{Bench, ms};

#[test]
fn a_write_goes_on_until_all_is_taken() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.piece = 3);
    assert_eq!(conn.write(b"hello, world"), Ok(12));
    bench.edit(fd, |sock| assert_eq!(sock.sent, b"hello, world"));
}

#[test]
fn an_empty_write_does_nothing() {
    let bench = Bench::new();
    let (conn, _) = bench.conn();
    assert_eq!(conn.write(b""), Ok(0), "the device asserts that it is not asked");
    assert_eq!(conn.try_write(b""), Ok(0));
}

#[test]
fn a_deadline_in_the_middle_tells_how_much_went() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.room = 4);
    conn.set_write_deadline(Some(ms(30))).unwrap();
    let error = conn.write(b"hello, world").unwrap_err();
    assert_eq!(error.written, 4);
    assert!(error.timeout());
    assert_eq!(error.to_string(), "write tcp 127.0.0.1:49152->10.0.0.1:80: i/o timeout");
    // The device had nothing in hand, so the connection is as good as before.
    conn.set_write_deadline(None).unwrap();
    bench.edit(fd, |sock| sock.room = 100);
    assert_eq!(conn.write(b"o"), Ok(1));
}

#[test]
fn bytes_taken_before_a_failure_are_told_first_by_the_io_traits() {
    use embedded_io::{Error as _, ErrorKind, Write};
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.room = 4);
    conn.set_write_deadline(Some(ms(30))).unwrap();
    let mut writer = &*conn;
    assert_eq!(Write::write(&mut writer, b"hello, world"), Ok(4));
    assert_eq!(Write::write(&mut writer, b"o, world").unwrap_err().kind(), ErrorKind::TimedOut);
}

#[test]
fn a_write_given_up_while_the_chip_has_it_spoils_the_write_side_only() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.posting = true);
    conn.set_write_deadline(Some(ms(30))).unwrap();
    let error = conn.write(b"hello").unwrap_err();
    assert_eq!((error.written, error.timeout()), (0, true));
    conn.set_write_deadline(None).unwrap();
    bench.answer(fd, 5);
    for _ in 0..2 {
        let error = conn.write(b"hello").unwrap_err();
        assert_eq!((error.written, error.error.cause), (0, Cause::Spoilt));
        let nb::Error::Other(error) = conn.try_write(b"hello").unwrap_err() else { panic!() };
        assert_eq!((error.op, error.cause, error.timeout()), (Op::Write, Cause::Spoilt, false));
    }
    bench.edit(fd, |sock| sock.ended = true);
    assert_eq!(conn.read(&mut [0; 4]), Ok(0), "reading goes on");
    conn.close().unwrap();
    assert_eq!(conn.write(b"x").unwrap_err().error.cause, Cause::Closed);
}

#[test]
fn a_posted_write_is_repeated_until_the_chip_answers() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.posting = true);
    bench.at(10, move || bench.answer(fd, 2));
    bench.at(40, move || bench.answer(fd, 3));
    assert_eq!(conn.write(b"hello"), Ok(5));
    bench.edit(fd, |sock| assert_eq!(sock.sent, b"hello"));
}

#[test]
fn nobody_gets_between_a_try_and_its_repetition() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.posting = true);
    assert_eq!(conn.try_write(b"mine"), Err(nb::Error::WouldBlock));
    assert_eq!(conn.try_write(b"your"), Err(nb::Error::WouldBlock), "the chip has other bytes");
    assert_eq!(conn.try_write(b"mi"), Err(nb::Error::WouldBlock), "fewer than it has");
    bench.at(20, move || bench.answer(fd, 4));
    conn.set_write_deadline(Some(ms(10))).unwrap();
    let error = conn.write(b"your").unwrap_err();
    assert_eq!((error.written, error.error.cause), (0, Cause::DeadlineExceeded));
    conn.set_write_deadline(None).unwrap();
    // Waiting for what was tried before is a repetition, too, and may bring more.
    bench.at(30, move || bench.answer(fd, 2));
    assert_eq!(conn.write(b"mine!!"), Ok(6));
    bench.edit(fd, |sock| assert_eq!(sock.sent, b"mine!!"));
}

#[test]
fn a_deadline_does_not_spoil_what_was_only_tried() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.posting = true);
    assert_eq!(conn.try_write(b"mine"), Err(nb::Error::WouldBlock));
    conn.set_write_deadline(Some(bench.now())).unwrap();
    let nb::Error::Other(error) = conn.try_write(b"mine").unwrap_err() else { panic!() };
    assert!(error.timeout());
    conn.set_write_deadline(None).unwrap();
    bench.answer(fd, 4);
    assert_eq!(conn.try_write(b"mine"), Ok(4));
}

#[test]
fn trying_to_write_while_another_writes_is_not_yet() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.room = 2);
    let second = Arc::clone(&conn);
    bench.at(10, move || {
        bench.edit(fd, |sock| sock.room = 10);
        assert_eq!(second.try_write(b"x"), Err(nb::Error::WouldBlock));
    });
    assert_eq!(conn.write(b"hello"), Ok(5));
    assert_eq!(conn.try_write(b"x"), Ok(1));
    bench.edit(fd, |sock| assert_eq!(sock.sent, b"hellox"));
}

#[test]
fn lines_of_two_writers_stay_whole() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.piece = 7);
    thread::scope(|scope| {
        for letter in [b'a', b'b'] {
            let conn = &conn;
            scope.spawn(move || {
                for _ in 0..200 {
                    let mut line = [letter; 100];
                    line[99] = b'\n';
                    assert_eq!(conn.write(&line), Ok(100));
                }
            });
        }
    });
    let sent = bench.edit(fd, |sock| core::mem::take(&mut sock.sent));
    assert_eq!(sent.len(), 40_000);
    let torn = sent.chunks(100).filter(|line| line[..99].iter().any(|byte| *byte != line[0]));
    assert_eq!(torn.count(), 0);
}

#[test]
fn a_panic_in_the_middle_gives_the_side_back() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.room = 1);
    bench.at(10, || panic!("in somebody's platform"));
    let writer = Arc::clone(&conn);
    assert!(thread::spawn(move || writer.write(b"hello")).join().is_err());
    bench.edit(fd, |sock| sock.room = 100);
    assert_eq!(conn.write(b"next"), Ok(4));
}

#[test]
fn short_slices_leave_in_one_send_and_long_ones_as_they_are() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    let long = vec![b'x'; 2000];
    assert_eq!(conn.write_parts(&[b"GET ", b"/", b"", b"\r\n\r\n"]), Ok(9));
    assert_eq!(bench.edit(fd, |sock| core::mem::take(&mut sock.sends)), [9]);
    assert_eq!(conn.write_parts(&[b"head", &long, b"tail", b"!"]), Ok(2009));
    assert_eq!(bench.edit(fd, |sock| core::mem::take(&mut sock.sends)), [4, 2000, 5]);
    let sent = bench.edit(fd, |sock| core::mem::take(&mut sock.sent));
    assert_eq!(sent, [b"GET /\r\n\r\nhead", &long[..], b"tail!"].concat());
    bench.edit(fd, |sock| sock.room = 10);
    conn.set_write_deadline(Some(ms(1000))).unwrap();
    let error = conn.write_parts(&[b"12345678", &long]).unwrap_err();
    assert_eq!((error.written, error.timeout()), (10, true));
}
