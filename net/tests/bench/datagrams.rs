//! Datagrams, with a peer and without.

use net::{Cause, Conn, Connection, DeviceError, PacketConn};

use crate::device::{Bench, US};

#[test]
fn a_dialled_socket_speaks_with_its_peer_only() {
    let bench = Bench::new();
    let peer = "10.0.0.1:53".parse().unwrap();
    bench.state().peers.insert(peer, Ok(()));
    let conn = net::dial_on(bench, "udp", "10.0.0.1:domain").unwrap();
    let fd = conn.socket().unwrap();
    assert_eq!(conn.write(b"query"), Ok(5));
    assert_eq!(conn.write(b""), Ok(0), "an empty datagram");
    bench.edit(fd, |sock| {
        assert_eq!(sock.datagrams_sent, [(b"query".to_vec(), None), (Vec::new(), None)]);
        sock.inbox.extend([
            (b"0123456789".to_vec(), peer),
            (Vec::new(), peer),
            (b"x".to_vec(), peer),
        ]);
    });
    let mut buf = [0; 4];
    assert_eq!((conn.read(&mut buf), &buf), (Ok(4), b"0123"), "the rest is lost");
    assert_eq!(conn.read(&mut buf), Ok(0), "an empty datagram");
    let Connection::Udp(conn) = conn else { panic!() };
    assert_eq!(conn.read_from(&mut buf), Ok((1, peer)));
    let to = "10.0.0.9:53".parse().unwrap();
    let error = conn.write_to(b"x", to).unwrap_err();
    assert_eq!(error.cause, Cause::WriteToConnected);
    assert_eq!(
        error.to_string(),
        "write udp 127.0.0.1:49152->10.0.0.9:53: use of WriteTo with pre-connected connection"
    );
    assert_eq!(conn.try_write_to(b"x", to), Err(nb::Error::Other(error)));
}

#[test]
fn a_socket_without_peer_speaks_with_everybody() {
    let bench = Bench::new();
    let conn = net::listen_packet_on(bench, "udp", "127.0.0.1:0").unwrap();
    let fd = conn.socket().unwrap();
    assert_eq!(conn.local_addr().unwrap().to_string(), format!("127.0.0.1:{}", 50_000 + fd.slot()));
    assert_eq!(Conn::remote_addr(&conn), None);
    let to = "10.0.0.9:7".parse().unwrap();
    assert_eq!(conn.write_to(b"", to), Ok(0));
    assert_eq!(conn.try_write_to(b"abc", to), Ok(3));
    bench.edit(fd, |sock| {
        assert_eq!(sock.datagrams_sent, [(Vec::new(), Some(to)), (b"abc".to_vec(), Some(to))]);
        sock.inbox.extend([(b"0123456789".to_vec(), to), (Vec::new(), US), (b"x".to_vec(), to)]);
    });
    let mut buf = [0; 4];
    assert_eq!(conn.read_from(&mut buf), Ok((4, to)), "cut, and the count is of what is there");
    assert_eq!(PacketConn::read_from(&conn, &mut buf), Ok((0, US)));
    assert_eq!(conn.read(&mut buf), Ok(1), "reading without asking from whom");
    assert_eq!(conn.try_read_from(&mut buf), Err(nb::Error::WouldBlock));

    let error = conn.write(b"x").unwrap_err().error;
    assert_eq!(error.cause, Cause::Device(DeviceError::DestinationRequired));
    assert!(error.to_string().ends_with(": write: destination address required"), "{error}");
}

#[test]
fn streams_and_datagrams_are_not_mixed_up() {
    let bench = Bench::new();
    let error = net::listen_packet_on(bench, "tcp", "127.0.0.1:0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "listen tcp 127.0.0.1:0: address 127.0.0.1:0: unexpected address type"
    );
    let error = net::listen_on(bench, "udp", "127.0.0.1:0").unwrap_err();
    assert_eq!(
        error.to_string(),
        "listen udp 127.0.0.1:0: address 127.0.0.1:0: unexpected address type"
    );
}
