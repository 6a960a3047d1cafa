//! The crate on the PC's own sockets, on the loopback: the recorded scripts of connections, and what
//! threads do to each other. Ports are the system's choice, and nothing sleeps.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

use core::time::Duration;
use std::thread;

use net::{Cause, DeviceError, Dialer, Error, Instant, Netdev, Op, TcpConn, TcpListener};
use netdev_host::HostDevice;

fn host() -> &'static dyn Netdev {
    Box::leak(Box::new(HostDevice::new().unwrap()))
}

fn within(device: &dyn Netdev, millis: u64) -> Option<Instant> {
    Some(device.platform().now() + Duration::from_millis(millis))
}

fn listener(device: &'static dyn Netdev) -> (TcpListener, String) {
    let listener = net::listen_on(device, "tcp4", "127.0.0.1:0").unwrap();
    // A test that waits for ever tells less than one that fails.
    listener.set_deadline(within(device, 20_000)).unwrap();
    let addr = listener.addr().unwrap().to_string();
    (listener, addr)
}

/// Both ends of a connection: ours, and the peer's.
fn pair(device: &'static dyn Netdev) -> (TcpConn, TcpConn) {
    let (listener, addr) = listener(device);
    let ours = Dialer::on(device).dial_tcp(addr.parse().unwrap()).unwrap();
    let peers = listener.accept().unwrap();
    for conn in [&ours, &peers] {
        conn.set_deadline(within(device, 20_000)).unwrap();
    }
    (ours, peers)
}

fn read_full(conn: &TcpConn, buf: &mut [u8]) {
    let mut have = 0;
    while have < buf.len() {
        let count = conn.read(&mut buf[have..]).unwrap();
        assert_ne!(count, 0, "the end after {have} bytes");
        have += count;
    }
}

fn read_to_end(conn: &TcpConn) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), [0; 2048]);
    loop {
        match conn.read(&mut buf).unwrap() {
            0 => return all,
            count => all.extend(&buf[..count]),
        }
    }
}

fn assert_cause(error: Error, op: Op, cause: Cause) {
    assert_eq!((error.op, error.cause), (op, cause), "{error}");
}

#[test]
fn the_end_is_read_after_the_peer_closed_and_stays() {
    let (ours, peers) = pair(host());
    peers.write(b"hello").unwrap();
    peers.close().unwrap();
    let mut buf = [0; 5];
    read_full(&ours, &mut buf);
    assert_eq!(&buf, b"hello");
    assert_eq!(ours.read(&mut []), Ok(0));
    assert_eq!(ours.read(&mut buf), Ok(0));
    assert_eq!(ours.read(&mut buf), Ok(0));
}

#[test]
fn half_close_lets_the_answer_through() {
    let (ours, peers) = pair(host());
    ours.write(b"ask").unwrap();
    ours.close_write().unwrap();
    assert_eq!(read_to_end(&peers), b"ask");
    peers.write(b"answer").unwrap();
    peers.close().unwrap();
    assert_eq!(read_to_end(&ours), b"answer");
    assert!(ours.write(b"x").is_err());
}

#[test]
fn a_read_deadline_ends_reads_until_it_is_moved() {
    let device = host();
    let (ours, peers) = pair(device);
    ours.set_read_deadline(within(device, 30)).unwrap();
    let mut buf = [0; 8];
    for _ in 0..2 {
        assert_cause(ours.read(&mut buf).unwrap_err(), Op::Read, Cause::DeadlineExceeded);
    }
    assert_eq!(ours.write(b"x"), Ok(1), "the write side has its own");
    ours.set_read_deadline(within(device, 20_000)).unwrap();
    peers.write(b"ok").unwrap();
    assert_eq!(ours.read(&mut buf), Ok(2));
}

#[test]
fn a_write_deadline_in_the_middle_tells_how_much_went() {
    let device = host();
    let (ours, _peers) = pair(device);
    let much = vec![0; 64 << 20];
    ours.set_write_deadline(within(device, 100)).unwrap();
    let error = ours.write(&much).unwrap_err();
    assert!(error.written > 0 && error.written < much.len(), "{}", error.written);
    assert!(error.timeout());
}

#[test]
fn closing_from_another_thread_wakes_a_read_a_write_and_an_accept() {
    let device = host();
    let (ours, _peers) = pair(device);
    thread::scope(|scope| {
        let reader = scope.spawn(|| ours.read(&mut [0; 8]).unwrap_err());
        let writer = scope.spawn(|| ours.write(&vec![0; 64 << 20]).unwrap_err().error);
        scope.spawn(|| ours.close().unwrap());
        assert_cause(reader.join().unwrap(), Op::Read, Cause::Closed);
        assert_cause(writer.join().unwrap(), Op::Write, Cause::Closed);
    });
    assert_cause(ours.close().unwrap_err(), Op::Close, Cause::Closed);

    let (listener, _) = listener(device);
    thread::scope(|scope| {
        let accept = scope.spawn(|| listener.accept().map(drop).unwrap_err());
        scope.spawn(|| listener.close().unwrap());
        assert_cause(accept.join().unwrap(), Op::Accept, Cause::Closed);
    });
}

#[test]
fn a_client_may_write_before_anybody_accepts() {
    let device = host();
    let (listener, addr) = listener(device);
    let client = net::dial_on(device, "tcp", &addr).unwrap();
    client.write(b"early").unwrap();
    let conn = listener.accept().unwrap();
    let mut buf = [0; 5];
    read_full(&conn, &mut buf);
    assert_eq!(&buf, b"early");
    assert_eq!(conn.remote_addr(), client.local_addr());
    assert_eq!(conn.local_addr(), listener.addr());
}

#[test]
fn a_port_that_is_taken_is_told_as_go_tells_it() {
    let device = host();
    let (_listener, addr) = listener(device);
    let error = net::listen_on(device, "tcp4", &addr).unwrap_err();
    assert_eq!(error.to_string(), format!("listen tcp4 {addr}: bind: address already in use"));
}

#[test]
fn nobody_listening_is_a_refusal() {
    let device = host();
    let (listener, addr) = listener(device);
    drop(listener);
    let error = net::dial_on(device, "tcp", &addr).map(drop).unwrap_err();
    assert_cause(error, Op::Dial, Cause::Device(DeviceError::ConnectionRefused));
    assert_eq!(error.to_string(), format!("dial tcp {addr}: connect: connection refused"));
}

#[test]
fn this_machine_has_several_names() {
    let device = host();
    let (listener, addr) = listener(device);
    let port = addr.rsplit_once(':').unwrap().1;
    for host in ["", "0.0.0.0", "localhost", "127.0.0.1", "[::ffff:127.0.0.1]"] {
        let conn = net::dial_on(device, "tcp4", &format!("{host}:{port}")).unwrap();
        assert_eq!(conn.remote_addr(), listener.addr(), "{host}");
        listener.accept().unwrap();
    }
}

#[test]
fn a_reset_is_not_an_end() {
    let (ours, peers) = pair(host());
    peers.set_linger(Some(Duration::ZERO)).unwrap();
    peers.close().unwrap();
    let error = ours.read(&mut [0; 8]).unwrap_err();
    assert_cause(error, Op::Read, Cause::Device(DeviceError::ConnectionReset));
    assert!(error.to_string().ends_with(": read: connection reset by peer"), "{error}");
    assert!(ours.write(b"x").is_err());
}

#[test]
fn lines_of_two_writers_stay_whole() {
    let (ours, peers) = pair(host());
    let ours = &ours;
    let all = thread::scope(|scope| {
        let writers = [b'a', b'b'].map(|letter| {
            scope.spawn(move || {
                let mut line = vec![letter; 100];
                line[99] = b'\n';
                for _ in 0..200 {
                    assert_eq!(ours.write(&line), Ok(100));
                }
            })
        });
        let reader = scope.spawn(|| read_to_end(&peers));
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        ours.close_write().unwrap();
        reader.join().unwrap()
    });
    assert_eq!(all.len(), 40_000);
    let torn = all.chunks(100).filter(|line| line[..99].iter().any(|byte| *byte != line[0]));
    assert_eq!(torn.count(), 0);
}

#[test]
fn both_directions_flow_at_once() {
    let (ours, peers) = pair(host());
    let much: Vec<u8> = (0..2_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    thread::scope(|scope| {
        for conn in [&ours, &peers] {
            scope.spawn(|| {
                conn.write(&much).unwrap();
                conn.close_write().unwrap();
            });
            scope.spawn(|| assert!(read_to_end(conn) == much));
        }
    });
}

#[test]
fn datagrams_keep_their_bounds() {
    let device = host();
    let server = net::listen_packet_on(device, "udp4", "127.0.0.1:0").unwrap();
    server.set_deadline(within(device, 20_000)).unwrap();
    let addr = server.local_addr().unwrap();
    let net::Connection::Udp(client) = net::dial_on(device, "udp4", &addr.to_string()).unwrap()
    else {
        panic!("not UDP")
    };
    client.set_deadline(within(device, 20_000)).unwrap();
    let mut buf = [0; 16];
    assert_eq!(client.write(b"0123456789"), Ok(10));
    let (count, from) = server.read_from(&mut buf).unwrap();
    assert_eq!((count, Some(from)), (10, client.local_addr().unwrap().socket_addr()));
    server.write_to(&buf[..count], from).unwrap();
    server.write_to(b"next", from).unwrap();
    assert_eq!(client.read(&mut buf[..4]), Ok(4));
    assert_eq!(client.read(&mut buf), Ok(4), "the cut rest is gone");
    assert_eq!(&buf[..4], b"next");
    assert_eq!(client.write(b""), Ok(0));
    assert_eq!(server.read_from(&mut buf), Ok((0, from)));
    let error = client.write_to(b"x", from).unwrap_err();
    assert_cause(error, Op::Write, Cause::WriteToConnected);
    let error = server.write(b"x").unwrap_err().error;
    assert_cause(error, Op::Write, Cause::Device(DeviceError::DestinationRequired));
    assert_eq!(server.remote_addr(), None);

    thread::scope(|scope| {
        let reader = scope.spawn(|| server.read_from(&mut [0; 8]).unwrap_err());
        scope.spawn(|| server.close().unwrap());
        assert_cause(reader.join().unwrap(), Op::Read, Cause::Closed);
    });
}

#[test]
fn dropping_gives_sockets_back() {
    let device = host();
    let (listener, addr) = listener(device);
    for _ in 0..200 {
        let conn = net::dial_on(device, "tcp", &addr).unwrap();
        drop(listener.accept().unwrap());
        assert_eq!(conn.read(&mut [0; 1]), Ok(0), "the peer's end was closed");
    }
}

#[test]
fn joining_has_nothing_to_do_on_a_pc() {
    use net::link::{ConnectParams, NetlinkExt};
    assert_eq!(host().net_connect(&ConnectParams::new("home", "")), Ok(()));
    assert_eq!(host().net_disconnect(), Ok(()));
}

#[cfg(feature = "std")]
#[test]
fn std_io_reads_and_writes_through_a_shared_reference() {
    use std::io::{ErrorKind, Read, Write};
    let device = host();
    let (ours, peers) = pair(device);
    let (mut writer, mut reader) = (&ours, &peers);
    Write::write_all(&mut writer, b"hello").unwrap();
    let mut buf = [0; 5];
    Read::read_exact(&mut reader, &mut buf).unwrap();
    assert_eq!(&buf, b"hello");
    peers.set_read_deadline(within(device, 0)).unwrap();
    let error = Read::read(&mut reader, &mut buf).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert!(error.to_string().ends_with("i/o timeout"), "{error}");
}

#[test]
fn listening_everywhere_hears_both_families() {
    let device = host();
    let listener = net::listen_on(device, "tcp", ":0").unwrap();
    listener.set_deadline(within(device, 20_000)).unwrap();
    let addr = listener.addr().unwrap().socket_addr().unwrap();
    assert!(addr.is_ipv6() && addr.ip().is_unspecified(), "{addr}");
    for host in ["127.0.0.1", "[::1]", "localhost", ""] {
        let conn = net::dial_on(device, "tcp", &format!("{host}:{}", addr.port())).unwrap();
        let accepted = listener.accept().unwrap();
        assert_eq!(accepted.remote_addr(), conn.local_addr(), "{host}");
        assert_eq!(accepted.local_addr(), conn.remote_addr(), "{host}");
    }
    let four = net::listen_on(device, "tcp4", "0.0.0.0:0").unwrap();
    assert!(four.addr().unwrap().to_string().starts_with("0.0.0.0:"));
    let six = net::listen_on(device, "tcp6", "[::]:0").unwrap();
    let port = six.addr().unwrap().socket_addr().unwrap().port();
    assert!(net::dial_on(device, "tcp4", &format!("127.0.0.1:{port}")).is_err(), "IPv6 only");
    net::dial_on(device, "tcp6", &format!("[::1]:{port}")).unwrap();
}

#[test]
fn datagrams_of_both_families_reach_one_socket() {
    let device = host();
    let server = net::listen_packet_on(device, "udp", ":0").unwrap();
    server.set_deadline(within(device, 20_000)).unwrap();
    let port = server.local_addr().unwrap().socket_addr().unwrap().port();
    let mut buf = [0; 8];
    for host in ["127.0.0.1", "[::1]"] {
        let client = net::dial_on(device, "udp", &format!("{host}:{port}")).unwrap();
        client.set_deadline(within(device, 20_000)).unwrap();
        client.write(b"ask").unwrap();
        let (count, from) = server.read_from(&mut buf).unwrap();
        assert_eq!((count, Some(from)), (3, client.local_addr().unwrap().socket_addr()), "{host}");
        server.write_to(b"answer", from).unwrap();
        assert_eq!(client.read(&mut buf), Ok(6), "{host}");
    }
}

#[test]
fn a_zone_is_dialled_by_its_number() {
    let device = host();
    let listener = net::listen_on(device, "tcp6", "[::1%1]:0").unwrap();
    let port = listener.addr().unwrap().socket_addr().unwrap().port();
    net::dial_on(device, "tcp6", &format!("[::1%1]:{port}")).unwrap();
    let error = net::dial_on(device, "tcp6", "[::1%lo]:1").unwrap_err();
    let text = error.about("tcp6", "[::1%lo]:1").to_string();
    assert_eq!(text, "dial tcp6: address ::1%lo: unknown IPv6 zone");
}

#[test]
fn a_pc_tells_of_its_loopback() {
    let device = host();
    let lo = net::interface_by_index(device, 1).unwrap();
    assert_eq!((lo.name, lo.flags.to_string()), ("lo", "up|loopback|running".to_owned()));
    let addrs: Vec<String> =
        net::interface_addrs(device).unwrap().map(|(_, network)| network.to_string()).collect();
    assert_eq!(addrs, ["127.0.0.0/8"]);
    let error = net::interface_by_index(device, 2).unwrap_err();
    assert_eq!(error.to_string(), "route: no such network interface");
}

#[test]
fn a_name_has_addresses() {
    let mut found = [core::net::IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED); 8];
    let count = net::lookup_host_on(host(), "localhost", &mut found).unwrap();
    assert!(count > 0 && found[..count].iter().all(core::net::IpAddr::is_loopback));
    assert_eq!(net::lookup_host_on(host(), "::ffff:10.0.0.1", &mut found), Ok(1));
    assert_eq!(found[0].to_string(), "10.0.0.1");
}
