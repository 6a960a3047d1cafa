//! Reading from streams.

use std::sync::Arc;

use net::{Cause, DeviceError};

use crate::device::{Bench, US};

#[test]
fn the_end_of_a_stream_stays() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| {
        sock.inbox.push_back((b"hello".to_vec(), US));
        sock.ended = true;
    });
    let mut buf = [0; 3];
    assert_eq!((conn.read(&mut buf), &buf), (Ok(3), b"hel"));
    assert_eq!((conn.read(&mut buf), &buf[..2]), (Ok(2), &b"lo"[..]));
    for _ in 0..3 {
        assert_eq!(conn.read(&mut buf), Ok(0));
        assert_eq!(conn.try_read(&mut buf), Ok(0));
    }
}

#[test]
fn an_empty_buffer_gets_nothing_at_once() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    assert_eq!(conn.read(&mut []), Ok(0), "nothing to read");
    assert_eq!(conn.try_read(&mut []), Ok(0));
    bench.edit(fd, |sock| sock.inbox.push_back((b"x".to_vec(), US)));
    assert_eq!(conn.read(&mut []), Ok(0), "something to read");
    assert_eq!(conn.read(&mut [0; 4]), Ok(1));
    bench.edit(fd, |sock| sock.ended = true);
    assert_eq!(conn.read(&mut []), Ok(0), "at the end");
}

#[test]
fn a_reset_is_not_an_end() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| sock.reset = true);
    let error = conn.read(&mut [0; 4]).unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::ConnectionReset));
    assert_eq!(
        error.to_string(),
        "read tcp 127.0.0.1:49152->10.0.0.1:80: read: connection reset by peer"
    );
    assert!(conn.write(b"x").is_err());
}

#[test]
fn trying_to_read_does_not_wait_for_data_nor_for_another_reader() {
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    assert_eq!(conn.try_read(&mut [0; 4]), Err(nb::Error::WouldBlock));
    let second = Arc::clone(&conn);
    bench.at(10, move || {
        bench.edit(fd, |sock| sock.inbox.push_back((b"first".to_vec(), US)));
        assert_eq!(second.try_read(&mut [0; 8]), Err(nb::Error::WouldBlock), "the side is taken");
    });
    assert_eq!(conn.read(&mut [0; 8]), Ok(5));
    assert_eq!(conn.try_read(&mut [0; 8]), Err(nb::Error::WouldBlock), "the side is free again");
}

#[test]
fn embedded_io_reads_and_writes_through_a_shared_reference() {
    use embedded_io::{Read, Write};
    let bench = Bench::new();
    let (conn, fd) = bench.conn();
    bench.edit(fd, |sock| {
        sock.inbox.push_back((b"hello".to_vec(), US));
        sock.piece = 2;
    });
    let (mut reader, mut writer) = (&*conn, &*conn);
    let mut buf = [0; 5];
    reader.read_exact(&mut buf).unwrap();
    writer.write_all(&buf).unwrap();
    writer.flush().unwrap();
    bench.edit(fd, |sock| assert_eq!(sock.sent, b"hello"));
}
