//! Streams over real loopback sockets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use common::{LOOPBACK, Sock, device, noise, pair, wait};
use core::net::{IpAddr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use netdev::{
    AddressFamily, Error, Netdev, Protocol, Remote, Side, SockFlags, SockOpt, SockType, Stopped,
    TlsRoots,
};

const MIB: usize = 1 << 20;

#[test]
fn a_mebibyte_goes_each_way_intact() {
    let device = device();
    let data = noise(MIB);
    let (client, server) = pair(device);
    thread::scope(|scope| {
        scope.spawn(|| {
            client.send_all(&data).unwrap();
            client.shutdown(Side::Write).unwrap();
        });
        scope.spawn(|| {
            server.send_all(&data).unwrap();
            server.shutdown(Side::Write).unwrap();
        });
        let to_server = scope.spawn(|| server.read_to_end().unwrap());
        assert!(client.read_to_end().unwrap() == data);
        assert!(to_server.join().unwrap() == data);
    });
}

#[test]
fn it_speaks_to_sockets_that_are_not_its_own() {
    let device = device();
    let theirs = TcpListener::bind(LOOPBACK).unwrap();
    let socket = Sock::tcp(device);
    socket.connect(theirs.local_addr().unwrap()).unwrap();
    let (mut peer, from) = theirs.accept().unwrap();
    assert_eq!(from, socket.addr());
    assert_eq!(device.peer_addr(socket.fd), Ok(theirs.local_addr().unwrap()));
    peer.write_all(b"ping").unwrap();
    let mut buf = [0; 16];
    assert_eq!(socket.recv(&mut buf), Ok(4));
    socket.send_all(b"pong").unwrap();
    let mut answer = [0; 4];
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"pong");
}

#[test]
fn a_connection_without_a_listener_is_refused() {
    let device = device();
    let free = TcpListener::bind(LOOPBACK).unwrap().local_addr().unwrap();
    let socket = Sock::tcp(device);
    assert_eq!(socket.connect(free), Err(Stopped::Failed(Error::ConnectionRefused)));
    assert_eq!(socket.connect(free), Err(Stopped::Failed(Error::InvalidState)));
    assert_eq!(socket.recv(&mut [0; 8]), Err(Stopped::Failed(Error::NotConnected)));
}

#[test]
fn the_end_comes_after_all_data_and_stays() {
    let (client, server) = pair(device());
    client.send_all(b"last words").unwrap();
    drop(client);
    assert_eq!(server.read_to_end().unwrap(), b"last words");
    assert_eq!(server.recv(&mut [0; 8]), Ok(0));
    assert_eq!(server.recv(&mut [0; 8]), Ok(0));
}

#[test]
fn a_reset_is_told_apart_from_an_end() {
    let device = device();
    let (client, server) = pair(device);
    device.set_sock_opt(client.fd, SockOpt::Linger(Some(Duration::ZERO))).unwrap();
    drop(client);
    assert_eq!(server.recv(&mut [0; 8]), Err(Stopped::Failed(Error::ConnectionReset)));
    assert_eq!(server.send(b"x"), Err(Stopped::Failed(Error::BrokenPipe)));
}

#[test]
fn a_half_closed_connection_still_receives() {
    let (client, server) = pair(device());
    client.send_all(b"question").unwrap();
    client.shutdown(Side::Write).unwrap();
    assert_eq!(client.send(b"more"), Err(Stopped::Failed(Error::BrokenPipe)));
    assert_eq!(server.read_to_end().unwrap(), b"question");
    server.send_all(b"answer").unwrap();
    drop(server);
    assert_eq!(client.read_to_end().unwrap(), b"answer");
}

#[test]
fn ending_the_reading_side_ends_reads() {
    let (client, _server) = pair(device());
    client.shutdown(Side::Read).unwrap();
    assert_eq!(client.recv(&mut [0; 8]), Ok(0));
}

#[test]
fn what_is_peeked_at_stays() {
    let device = device();
    let (client, server) = pair(device);
    client.send_all(b"abc").unwrap();
    let mut buf = [0; 2];
    assert_eq!(server.peek(&mut buf), Ok(2));
    assert_eq!(server.peek(&mut buf), Ok(2));
    assert_eq!(server.recv(&mut buf), Ok(2));
    assert_eq!(&buf, b"ab");
    assert_eq!(server.recv(&mut buf), Ok(1));
    let again = device.recv(server.fd, &mut buf, SockFlags::NONE);
    assert_eq!(again, Err(nb::Error::WouldBlock));
    assert_eq!(device.send(server.fd, b"x", SockFlags::PEEK), other(Error::InvalidInput));
}

#[test]
fn empty_buffers_move_nothing() {
    let (client, server) = pair(device());
    assert_eq!(client.send(b""), Ok(0));
    assert_eq!(server.recv(&mut []), Ok(0));
    client.send_all(b"x").unwrap();
    assert_eq!(server.recv(&mut [0; 4]), Ok(1));
}

#[test]
fn a_full_pipe_takes_a_part_and_then_nothing() {
    let device = device();
    let (client, server) = pair(device);
    let data = noise(MIB);
    let mut sent = 0;
    loop {
        match device.send(client.fd, &data, SockFlags::NONE) {
            Ok(count) => sent += count,
            Err(error) => break assert_eq!(error, nb::Error::WouldBlock),
        }
        assert!(sent < 64 * MIB, "loopback has no such buffer");
    }
    client.shutdown(Side::Write).unwrap();
    assert_eq!(server.read_to_end().unwrap().len(), sent);
}

#[test]
fn many_sockets_keep_their_bytes_apart() {
    let device = device();
    let listener = Sock::listener(device);
    let clients: Vec<Sock> = (0..16).map(|_| Sock::tcp(device)).collect();
    for (n, client) in (0_u8..).zip(&clients) {
        client.connect(listener.addr()).unwrap();
        client.send_all(&[n; 3]).unwrap();
        client.shutdown(Side::Write).unwrap();
    }
    for n in 0..16 {
        let server = listener.accept();
        assert_eq!(server.read_to_end().unwrap(), [n; 3], "the backlog keeps its order");
    }
}

#[test]
fn a_closed_handle_stays_bad_for_every_call() {
    let device = device();
    let (client, _server) = pair(device);
    let fd = client.fd;
    drop(client);
    let _next = Sock::tcp(device);
    assert_eq!(device.recv(fd, &mut [0; 4], SockFlags::NONE), other(Error::BadSocket));
    assert_eq!(device.send(fd, b"x", SockFlags::NONE), other(Error::BadSocket));
    assert_eq!(device.connect(fd, Remote::Addr(LOOPBACK)), other(Error::BadSocket));
    assert_eq!(device.accept(fd), other(Error::BadSocket));
    assert_eq!(device.local_addr(fd), other(Error::BadSocket));
    assert_eq!(device.shutdown(fd, Side::Read), other(Error::BadSocket));
    device.close(fd);
}

#[test]
fn a_taken_port_is_told_and_comes_back_after_close() {
    let device = device();
    let first = Sock::listener(device);
    let addr = first.addr();
    assert_ne!(addr.port(), 0);
    let second = Sock::tcp(device);
    assert_eq!(device.bind(second.fd, addr), other(Error::AddrInUse));
    // A connection that was open leaves the port in TIME_WAIT, and that must not matter.
    let client = Sock::tcp(device);
    client.connect(addr).unwrap();
    drop(first.accept());
    drop(first);
    let third = Sock::tcp(device);
    device.bind(third.fd, addr).unwrap();
    device.listen(third.fd, 1).unwrap();
}

#[test]
fn a_foreign_address_cannot_be_bound() {
    let device = device();
    let socket = Sock::tcp(device);
    let theirs = SocketAddr::from(([192, 0, 2, 1], 0));
    assert_eq!(device.bind(socket.fd, theirs), other(Error::AddrNotAvailable));
    let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    assert_eq!(device.bind(socket.fd, v6), other(Error::InvalidInput));
    assert_eq!(device.connect(socket.fd, Remote::Addr(v6)), other(Error::InvalidInput));
    assert_eq!(device.connect(socket.fd, Remote::Host("a", 1)), other(Error::InvalidInput));
}

#[test]
fn a_client_can_choose_its_own_address() {
    let device = device();
    let listener = Sock::listener(device);
    let client = Sock::tcp(device);
    device.bind(client.fd, LOOPBACK).unwrap();
    let own = client.addr();
    client.connect(listener.addr()).unwrap();
    let (fd, from) = wait(device, || device.accept(listener.fd)).unwrap();
    assert_eq!(from, own);
    device.close(fd);
}

#[test]
fn ipv6_works_where_the_pc_has_it() {
    let Ok(theirs) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return println!("skipped: this PC has no IPv6 loopback");
    };
    drop(theirs);
    let device = device();
    let listener = Sock::of(device, AddressFamily::Inet6, SockType::Stream);
    device.bind(listener.fd, SocketAddr::from((Ipv6Addr::LOCALHOST, 0))).unwrap();
    device.listen(listener.fd, 1).unwrap();
    let client = Sock::of(device, AddressFamily::Inet6, SockType::Stream);
    client.connect(listener.addr()).unwrap();
    client.send_all(b"six").unwrap();
    drop(client);
    let server = listener.accept();
    assert_eq!(device.peer_addr(server.fd).unwrap().ip(), IpAddr::V6(Ipv6Addr::LOCALHOST));
    assert_eq!(server.read_to_end().unwrap(), b"six");
}

#[test]
fn an_ipv6_listener_leaves_the_ipv4_port_to_others() {
    let device = device();
    let six = Sock::of(device, AddressFamily::Inet6, SockType::Stream);
    if device.bind(six.fd, SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).is_err() {
        return println!("skipped: this PC has no IPv6");
    }
    device.listen(six.fd, 1).unwrap();
    let four = Sock::tcp(device);
    device.bind(four.fd, SocketAddr::from(([0, 0, 0, 0], six.addr().port()))).unwrap();
    device.listen(four.fd, 1).unwrap();
}

#[test]
fn options_are_set_or_refused_and_never_ignored() {
    let device = device();
    let (client, server) = pair(device);
    let udp = Sock::udp(device);
    for fd in [client.fd, server.fd] {
        let period = Duration::from_millis(1500);
        device.set_sock_opt(fd, SockOpt::KeepAlive(Some(period))).unwrap();
        device.set_sock_opt(fd, SockOpt::KeepAlive(None)).unwrap();
        device.set_sock_opt(fd, SockOpt::NoDelay(false)).unwrap();
        device.set_sock_opt(fd, SockOpt::Linger(Some(Duration::from_millis(1)))).unwrap();
        assert_eq!(device.set_sock_opt(fd, SockOpt::Broadcast(true)), other(Error::Unsupported));
        let roots = SockOpt::TlsRoots(TlsRoots::BuiltIn);
        assert_eq!(device.set_sock_opt(fd, roots), other(Error::Unsupported));
        assert_eq!(device.set_sock_opt(fd, SockOpt::TlsVerify(false)), other(Error::Unsupported));
    }
    device.set_sock_opt(udp.fd, SockOpt::Broadcast(true)).unwrap();
    assert_eq!(device.set_sock_opt(udp.fd, SockOpt::NoDelay(true)), other(Error::Unsupported));
    let tls = device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tls);
    assert_eq!(tls, other(Error::Unsupported));
}

#[test]
fn calls_that_do_not_fit_a_sockets_state_say_so() {
    let device = device();
    let socket = Sock::tcp(device);
    assert_eq!(device.accept(socket.fd), other(Error::InvalidState));
    assert_eq!(device.send(socket.fd, b"x", SockFlags::NONE), other(Error::NotConnected));
    assert_eq!(device.peer_addr(socket.fd), other(Error::NotConnected));
    assert_eq!(device.shutdown(socket.fd, Side::Write), other(Error::NotConnected));
    let listener = Sock::listener(device);
    let there = Remote::Addr(listener.addr());
    assert_eq!(device.connect(listener.fd, there), other(Error::InvalidState));
    assert_eq!(device.recv(listener.fd, &mut [0], SockFlags::NONE), other(Error::NotConnected));
    assert_eq!(device.listen(listener.fd, 1), other(Error::InvalidState));
}

#[test]
fn a_thousand_connections_leak_nothing() {
    let device = device();
    let listener = Sock::listener(device);
    for _ in 0..1000 {
        let client = TcpStream::connect(listener.addr()).unwrap();
        drop((listener.accept(), client));
    }
    assert_eq!(device.stats().open, 1);
    assert_eq!(device.stats().opened, 1001);
}

fn other<T>(error: Error) -> nb::Result<T, Error> {
    Err(nb::Error::Other(error))
}
