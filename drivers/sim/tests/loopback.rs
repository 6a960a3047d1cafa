//! The bridge to the PC's own loopback sockets, in real time.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Instant;

use netdev::{Error, Side};
use netdev_sim::{Loopback, Sock, Stack};

/// Repeats a call until it has an answer.
fn settle<T>(mut call: impl FnMut() -> nb::Result<T, Error>) -> Result<T, Error> {
    let start = Instant::now();
    loop {
        match call() {
            Err(nb::Error::WouldBlock) => std::thread::yield_now(),
            Err(nb::Error::Other(error)) => return Err(error),
            Ok(value) => return Ok(value),
        }
        assert!(start.elapsed() < Duration::from_secs(20), "still not yet");
    }
}

/// A connection between the bridge and a plain socket, dialled by the bridge.
fn pair(stack: &mut Loopback) -> (Sock, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sock = stack.connect(listener.local_addr().unwrap()).unwrap();
    settle(|| stack.connected(sock)).unwrap();
    (sock, listener.accept().unwrap().0)
}

fn refusing_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_megabyte_is_echoed_intact() {
    let mut stack = Loopback::new();
    let listener = stack.listen(0, 4).unwrap();
    let addr = stack.local_addr(listener).unwrap();
    let data: Vec<u8> =
        (0..1_u32 << 20).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let sent = data.clone();
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        let mut reader = stream.try_clone().unwrap();
        let writer = std::thread::spawn(move || {
            stream.write_all(&sent).unwrap();
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        writer.join().unwrap();
        back
    });
    let (sock, peer) = settle(|| stack.accept(listener)).unwrap();
    assert!(peer.ip().is_loopback());
    let mut buf = [0; 2048];
    loop {
        let length = settle(|| stack.recv(sock, &mut buf, false)).unwrap();
        if length == 0 {
            break;
        }
        let mut rest = &buf[..length];
        while !rest.is_empty() {
            let sent = settle(|| stack.send(sock, rest)).unwrap();
            rest = &rest[sent..];
        }
    }
    stack.close(sock);
    assert!(client.join().unwrap() == data);
}

#[test]
fn a_port_that_nobody_listens_on_refuses() {
    let mut stack = Loopback::new();
    let sock = stack.connect(refusing_port()).unwrap();
    assert_eq!(settle(|| stack.connected(sock)), Err(Error::ConnectionRefused));
    assert_eq!(settle(|| stack.connected(sock)), Err(Error::ConnectionRefused), "each time");
    assert_eq!(stack.send(sock, b"x"), Err(nb::Error::Other(Error::NotConnected)));
}

#[test]
fn the_outside_is_unreachable_unless_allowed() {
    let mut stack = Loopback::new();
    let outside: SocketAddr = "192.0.2.1:7".parse().unwrap();
    assert_eq!(stack.connect(outside), Err(Error::Unreachable));
    let udp = stack.udp(0).unwrap();
    assert_eq!(stack.send_to(udp, b"x", outside), Err(nb::Error::Other(Error::Unreachable)));
    let inet6: SocketAddr = "[::1]:7".parse().unwrap();
    assert_eq!(stack.connect(inet6), Err(Error::Unsupported));
    // An address that is not of loopback, although it leads there.
    let mut here = refusing_port();
    here.set_ip([0, 0, 0, 0].into());
    assert_eq!(stack.connect(here), Err(Error::Unreachable));
    let mut stack = stack.allow_outside();
    let sock = stack.connect(here).unwrap();
    assert_eq!(settle(|| stack.connected(sock)), Err(Error::ConnectionRefused));
}

#[test]
fn listeners_are_bound_to_loopback_only() {
    for addr in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 9)] {
        let mut stack = Loopback::at(addr).unwrap().allow_outside();
        let listener = stack.listen(0, 1).unwrap();
        assert_eq!(stack.local_addr(listener).unwrap().ip(), addr);
        assert_eq!(stack.addr(), addr);
    }
    assert_eq!(Loopback::at(Ipv4Addr::new(10, 0, 0, 1)).map(|_| ()), Err(Error::AddrNotAvailable));
}

#[test]
fn a_stack_at_another_loopback_address_calls_from_there() {
    let ours = Ipv4Addr::new(127, 0, 0, 9);
    let mut stack = Loopback::at(ours).unwrap();
    let (_, peer) = pair(&mut stack);
    assert_eq!(peer.peer_addr().unwrap().ip(), ours);
}

#[test]
fn a_taken_port_is_in_use() {
    let mut stack = Loopback::new();
    let listener = stack.listen(0, 1).unwrap();
    let port = stack.local_addr(listener).unwrap().port();
    assert_eq!(stack.listen(port, 1), Err(Error::AddrInUse));
    stack.close(listener);
    assert!(stack.listen(port, 1).is_ok());
    let udp = stack.udp(0).unwrap();
    let port = stack.local_addr(udp).unwrap().port();
    assert_eq!(stack.udp(port), Err(Error::AddrInUse));
}

#[test]
fn a_peer_that_does_not_read_gives_partial_sends_and_then_not_yet() {
    let mut stack = Loopback::new();
    let (sock, mut peer) = pair(&mut stack);
    let chunk = vec![7; 1 << 16];
    let mut taken = 0;
    let full = loop {
        match stack.send(sock, &chunk) {
            Ok(sent) => taken += sent,
            Err(error) => break error,
        }
    };
    assert_eq!(full, nb::Error::WouldBlock);
    stack.close(sock);
    let mut rest = Vec::new();
    peer.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), taken, "what was taken goes out after the close");
}

#[test]
fn peeked_bytes_stay_and_the_end_comes_after_all_data() {
    let mut stack = Loopback::new();
    let (sock, mut peer) = pair(&mut stack);
    peer.write_all(b"abc").unwrap();
    drop(peer);
    let mut buf = [0; 8];
    assert_eq!(settle(|| stack.recv(sock, &mut buf, true)), Ok(3));
    assert_eq!(settle(|| stack.recv(sock, &mut buf, false)), Ok(3));
    assert_eq!(&buf[..3], b"abc");
    assert_eq!(settle(|| stack.recv(sock, &mut buf, false)), Ok(0));
    assert_eq!(settle(|| stack.recv(sock, &mut buf, false)), Ok(0));
}

#[test]
fn half_close_ends_one_direction() {
    let mut stack = Loopback::new();
    let (sock, mut peer) = pair(&mut stack);
    stack.shutdown(sock, Side::Write).unwrap();
    assert_eq!(peer.read(&mut [0; 4]).unwrap(), 0);
    peer.write_all(b"still").unwrap();
    let mut buf = [0; 8];
    assert_eq!(settle(|| stack.recv(sock, &mut buf, false)), Ok(5));
    assert_eq!(stack.send(sock, b"x"), Err(nb::Error::Other(Error::BrokenPipe)));
}

#[test]
fn an_abort_resets_the_peer() {
    let mut stack = Loopback::new();
    let (sock, mut peer) = pair(&mut stack);
    stack.abort(sock);
    let error = peer.read(&mut [0; 4]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_by_the_peer_is_told() {
    let mut stack = Loopback::new();
    let (sock, mut peer) = pair(&mut stack);
    settle(|| stack.send(sock, b"never read")).unwrap();
    peer.read_exact(&mut [0; 1]).unwrap();
    drop(peer);
    assert_eq!(settle(|| stack.recv(sock, &mut [0; 4], false)), Err(Error::ConnectionReset));
}

#[test]
fn datagrams_keep_their_bounds_and_tell_their_true_length() {
    let mut stack = Loopback::new();
    let sock = stack.udp(0).unwrap();
    let here = stack.local_addr(sock).unwrap();
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let there = peer.local_addr().unwrap();
    peer.send_to(b"0123456789", here).unwrap();
    peer.send_to(b"", here).unwrap();
    let mut buf = [0; 4];
    assert_eq!(settle(|| stack.recv_from(sock, &mut buf, true)), Ok((10, there)));
    assert_eq!(settle(|| stack.recv_from(sock, &mut buf, false)), Ok((10, there)));
    assert_eq!(&buf, b"0123");
    assert_eq!(settle(|| stack.recv_from(sock, &mut buf, false)), Ok((0, there)));
    assert_eq!(stack.send_to(sock, b"back", there), Ok(4));
    assert_eq!(peer.recv_from(&mut buf).unwrap(), (4, here));
    let huge = vec![0; 65_508];
    assert_eq!(stack.send_to(sock, &huge, there), Err(nb::Error::Other(Error::MessageTooLong)));
    assert_eq!(stack.send(sock, b"x"), Err(nb::Error::Other(Error::DestinationRequired)));
    assert_eq!(stack.recv(sock, &mut buf, false), Err(nb::Error::Other(Error::NotConnected)));
}

#[test]
fn names_are_literals_localhost_and_those_given() {
    let mut stack = Loopback::new().name("Test.Example", Ipv4Addr::new(127, 0, 0, 3));
    let mut lookup = |name| settle(|| stack.lookup(name));
    assert_eq!(lookup("127.0.0.2"), Ok(vec![[127, 0, 0, 2].into()]));
    assert_eq!(lookup("localhost"), Ok(vec![[127, 0, 0, 1].into()]));
    assert_eq!(lookup("test.example."), Ok(vec![[127, 0, 0, 3].into()]));
    assert_eq!(lookup("elsewhere.example"), Err(Error::HostUnknown));
    let mut stack = stack.allow_outside();
    let unknown = settle(|| stack.lookup("no\0name"));
    assert_eq!(unknown, Err(Error::HostUnknown), "the resolver says so, from its thread");
}

#[test]
fn closed_sockets_are_bad() {
    let mut stack = Loopback::new();
    let (sock, _peer) = pair(&mut stack);
    stack.close(sock);
    stack.close(sock);
    let bad = nb::Error::Other(Error::BadSocket);
    assert_eq!(stack.recv(sock, &mut [0; 1], false), Err(bad));
    assert_eq!(stack.send(sock, b"x"), Err(nb::Error::Other(Error::BadSocket)));
    assert_eq!(stack.local_addr(sock), Err(Error::BadSocket));
}
