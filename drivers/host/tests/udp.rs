//! Datagrams over real loopback sockets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod common;

use std::net::UdpSocket;

use common::{LOOPBACK, Sock, device, noise};
use netdev::{Error, Netdev, Remote, Side, SockFlags, Stopped};

#[test]
fn datagrams_go_both_ways_with_their_senders() {
    let device = device();
    let (a, b) = (Sock::bound_udp(device), Sock::bound_udp(device));
    assert_eq!(a.send_to(b"hello", b.addr()), Ok(5));
    let mut buf = [0; 32];
    assert_eq!(b.recv_from(&mut buf), Ok((5, a.addr())));
    assert_eq!(&buf[..5], b"hello");
    assert_eq!(b.send_to(b"hi", a.addr()), Ok(2));
    assert_eq!(a.recv_from(&mut buf), Ok((2, b.addr())));
}

#[test]
fn an_empty_datagram_is_no_end() {
    let device = device();
    let (a, b) = (Sock::bound_udp(device), Sock::bound_udp(device));
    assert_eq!(a.send_to(b"", b.addr()), Ok(0));
    assert_eq!(a.send_to(b"x", b.addr()), Ok(1));
    let mut buf = [0; 4];
    assert_eq!(b.recv_from(&mut buf), Ok((0, a.addr())));
    assert_eq!(b.recv(&mut buf), Ok(1));
}

#[test]
fn a_cut_datagram_tells_its_true_length_and_the_rest_is_lost() {
    let device = device();
    let (a, b) = (Sock::bound_udp(device), Sock::bound_udp(device));
    let data = noise(9000);
    a.send_to(&data, b.addr()).unwrap();
    a.send_to(&data, b.addr()).unwrap();
    a.send_to(b"next", b.addr()).unwrap();
    let mut buf = [0; 100];
    assert_eq!(b.recv_from(&mut buf), Ok((9000, a.addr())));
    assert_eq!(buf[..], data[..100]);
    assert_eq!(b.recv(&mut buf), Ok(100), "recv tells what is in the buffer");
    assert_eq!(b.recv_from(&mut buf), Ok((4, a.addr())));
}

#[test]
fn a_peeked_datagram_stays_whole() {
    let device = device();
    let (a, b) = (Sock::bound_udp(device), Sock::bound_udp(device));
    a.send_to(b"whole", b.addr()).unwrap();
    let mut buf = [0; 2];
    assert_eq!(b.peek(&mut buf), Ok(2));
    let mut large = vec![0; 70_000];
    assert_eq!(b.recv_from(&mut large), Ok((5, a.addr())));
}

#[test]
fn the_largest_datagram_goes_and_a_larger_one_does_not() {
    let device = device();
    let (a, b) = (Sock::bound_udp(device), Sock::bound_udp(device));
    let largest = usize::from(device.capabilities().datagram);
    let data = noise(largest + 1);
    let too_long = Err(Stopped::Failed(Error::MessageTooLong));
    assert_eq!(a.send_to(&data, b.addr()), too_long);
    assert_eq!(a.send_to(&data[..largest], b.addr()), Ok(largest));
    let mut buf = vec![0; largest];
    assert_eq!(b.recv_from(&mut buf), Ok((largest, a.addr())));
    assert!(buf == data[..largest]);
}

#[test]
fn a_connected_socket_hears_its_peer_only() {
    let device = device();
    let peer = UdpSocket::bind(LOOPBACK).unwrap();
    let stranger = UdpSocket::bind(LOOPBACK).unwrap();
    let socket = Sock::udp(device);
    socket.connect(peer.local_addr().unwrap()).unwrap();
    assert_ne!(socket.addr().port(), 0);
    stranger.send_to(b"noise", socket.addr()).unwrap();
    peer.send_to(b"news", socket.addr()).unwrap();
    let mut buf = [0; 16];
    assert_eq!(socket.recv(&mut buf), Ok(4));
    socket.send(b"thanks").unwrap();
    assert_eq!(peer.recv(&mut buf).unwrap(), 6);
}

#[test]
fn destinations_are_needed_or_refused() {
    let device = device();
    let (a, b) = (Sock::bound_udp(device), Sock::bound_udp(device));
    let needed = Err(Stopped::Failed(Error::DestinationRequired));
    assert_eq!(a.send(b"x"), needed);
    a.connect(b.addr()).unwrap();
    assert_eq!(a.send_to(b"x", b.addr()), Err(Stopped::Failed(Error::InvalidState)));
    assert_eq!(a.send(b""), Ok(0));
    assert_eq!(b.recv(&mut [0; 4]), Ok(0));
    let unsupported = Err(nb::Error::Other(Error::Unsupported));
    assert_eq!(device.shutdown(a.fd, Side::Write), unsupported);
    assert_eq!(device.listen(a.fd, 1), Err(nb::Error::Other(Error::Unsupported)));
}

#[test]
fn a_refused_datagram_is_reported_once() {
    let device = device();
    let gone = UdpSocket::bind(LOOPBACK).unwrap().local_addr().unwrap();
    let socket = Sock::udp(device);
    socket.connect(gone).unwrap();
    socket.send(b"anybody?").unwrap();
    let refused = Err(Stopped::Failed(Error::ConnectionRefused));
    assert_eq!(socket.recv(&mut [0; 4]), refused);
    let again = device.recv(socket.fd, &mut [0; 4], SockFlags::NONE);
    assert_eq!(again, Err(nb::Error::WouldBlock));
}

#[test]
fn a_peer_can_be_changed() {
    let device = device();
    let (first, second) = (Sock::bound_udp(device), Sock::bound_udp(device));
    let socket = Sock::udp(device);
    for peer in [&first, &second] {
        device.connect(socket.fd, Remote::Addr(peer.addr())).unwrap();
        socket.send(b"hi").unwrap();
        assert_eq!(peer.recv(&mut [0; 4]), Ok(2));
    }
}
