//! TCP through the chip's model to the PC's own sockets, on the real clock: what the examples do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::large_stack_arrays,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::SocketAddr;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};

use common::Rig;
use netdev::{
    AddressFamily, Error, Netdev, Protocol, Remote, SockFd, SockFlags, SockType, StdPlatform,
    Stopped, wait,
};
use netdev_sim::Loopback;
use wifinina_sim::{Config, Persona};

fn rig() -> Rig<StdPlatform> {
    rig_of(&Persona::ARDUINO_2_0_0)
}

fn rig_of(persona: &'static Persona) -> Rig<StdPlatform> {
    Rig::new(Config::new(persona), Loopback::new(), StdPlatform::new()).joined()
}

fn socket(rig: &Rig<StdPlatform>) -> SockFd {
    wait(rig.device, rig.in_ms(1_000), || {
        rig.device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp)
    })
    .unwrap()
}

fn send_all(rig: &Rig<StdPlatform>, fd: SockFd, mut data: &[u8]) {
    while !data.is_empty() {
        let sent =
            wait(rig.device, rig.in_ms(5_000), || rig.device.send(fd, data, SockFlags::NONE));
        data = &data[sent.unwrap()..];
    }
}

fn recv_all(rig: &Rig<StdPlatform>, fd: SockFd) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), [0; 2048]);
    loop {
        let received =
            wait(rig.device, rig.in_ms(5_000), || rig.device.recv(fd, &mut buf, SockFlags::NONE));
        match received.unwrap() {
            0 => return all,
            len => all.extend_from_slice(&buf[..len]),
        }
    }
}

#[test]
fn a_client_sends_and_receives_to_the_end() {
    let rig = rig();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let peer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 5];
        stream.read_exact(&mut hello).unwrap();
        stream.write_all(b"world").unwrap();
        hello
    });
    let fd = socket(&rig);
    assert_eq!(
        wait(rig.device, rig.in_ms(5_000), || rig.device.connect(fd, Remote::Addr(addr))),
        Ok(())
    );
    send_all(&rig, fd, b"hello");
    assert_eq!(recv_all(&rig, fd), b"world");
    assert_eq!(&peer.join().unwrap(), b"hello");
    rig.device.close(fd);
    rig.assert_faultless();
}

#[test]
fn a_refused_connection_says_so() {
    let rig = rig();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);
    let fd = socket(&rig);
    let refused = wait(rig.device, rig.in_ms(5_000), || rig.device.connect(fd, Remote::Addr(addr)));
    assert_eq!(refused, Err(Stopped::Failed(Error::ConnectionRefused)));
    rig.device.close(fd);
    rig.assert_faultless();
}

#[test]
fn a_listener_serves_a_client_and_tells_its_address() {
    let rig = rig();
    let listener = socket(&rig);
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    wait(rig.device, rig.in_ms(1_000), || rig.device.bind(listener, any)).unwrap();
    wait(rig.device, rig.in_ms(1_000), || rig.device.listen(listener, 1)).unwrap();
    let addr = wait(rig.device, rig.in_ms(1_000), || rig.device.local_addr(listener)).unwrap();
    let peer = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(addr).unwrap();
        stream.write_all(b"hello").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        (stream.local_addr().unwrap(), answer)
    });
    let (fd, from) = wait(rig.device, rig.in_ms(5_000), || rig.device.accept(listener)).unwrap();
    let mut hello = [0; 16];
    let len =
        wait(rig.device, rig.in_ms(5_000), || rig.device.recv(fd, &mut hello, SockFlags::NONE));
    assert_eq!(&hello[..len.unwrap()], b"hello");
    send_all(&rig, fd, b"world");
    rig.device.close(fd);
    assert_eq!(peer.join().unwrap(), (from, b"world".to_vec()));
    rig.device.close(listener);
    rig.assert_faultless();
}

#[test]
fn a_megabyte_goes_each_way_intact() {
    let rig = rig();
    let pattern: Vec<u8> =
        (0..1 << 20).map(|i: u32| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let expected = pattern.clone();
    let peer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut all = vec![0; 1 << 20];
        stream.read_exact(&mut all).unwrap();
        assert!(all == expected, "what the peer got differs");
        stream.write_all(&all).unwrap();
    });
    let fd = socket(&rig);
    wait(rig.device, rig.in_ms(5_000), || rig.device.connect(fd, Remote::Addr(addr))).unwrap();
    send_all(&rig, fd, &pattern);
    assert!(recv_all(&rig, fd) == pattern, "what came back differs");
    peer.join().unwrap();
    rig.device.close(fd);
    rig.assert_faultless();
}

#[test]
fn datagrams_go_both_ways_with_their_addresses_empty_and_cut_ones_too() {
    datagrams(&rig(), true);
}

#[test]
fn datagrams_by_slot_go_both_ways_but_for_empty_ones() {
    datagrams(&rig_of(Persona::by_name("arduino-1.4.8").unwrap()), false);
}

fn datagrams(rig: &Rig<StdPlatform>, descriptors: bool) {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    peer.set_read_timeout(Some(core::time::Duration::from_secs(5))).unwrap();
    let to = peer.local_addr().unwrap();
    let fd = wait(rig.device, rig.in_ms(1_000), || {
        rig.device.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp)
    })
    .unwrap();
    let any = SocketAddr::from(([0, 0, 0, 0], 0));
    wait(rig.device, rig.in_ms(1_000), || rig.device.bind(fd, any)).unwrap();
    let here = wait(rig.device, rig.in_ms(1_000), || rig.device.local_addr(fd)).unwrap();
    for data in [&b"hello"[..], b"", &[7; 1472]] {
        let sent = wait(rig.device, rig.in_ms(1_000), || {
            rig.device.send_to(fd, data, to, SockFlags::NONE)
        });
        assert_eq!(sent, Ok(data.len()));
        let mut buf = [0; 2000];
        let (len, from) = peer.recv_from(&mut buf).unwrap();
        assert_eq!((&buf[..len], from), (data, here));
    }
    // A descriptor does not tell the true length of what was cut, only that it was.
    let cut = if descriptors { 101 } else { 1472 };
    for (data, room, told) in [(&b"hello"[..], 16, 5), (b"", 16, 0), (&[7; 1472], 100, cut)] {
        if data.is_empty() && !descriptors {
            continue;
        }
        peer.send_to(data, here).unwrap();
        let mut buf = vec![0; room];
        let received = wait(rig.device, rig.in_ms(5_000), || {
            rig.device.recv_from(fd, &mut buf, SockFlags::NONE)
        });
        assert_eq!(received, Ok((told, to)));
        assert_eq!(buf[..told.min(room)], data[..told.min(room)]);
    }
    let long = [0; 1473];
    let refused =
        wait(rig.device, rig.in_ms(1_000), || rig.device.send_to(fd, &long, to, SockFlags::NONE));
    assert_eq!(refused, Err(Stopped::Failed(Error::MessageTooLong)));
    let nowhere = wait(rig.device, rig.in_ms(1_000), || rig.device.send(fd, b"x", SockFlags::NONE));
    assert_eq!(nowhere, Err(Stopped::Failed(Error::DestinationRequired)));
    rig.device.close(fd);
    rig.assert_faultless();
}

#[test]
fn a_datagram_socket_with_a_peer_hears_nobody_else() {
    let rig = rig();
    let (peer, other) =
        (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let fd = wait(rig.device, rig.in_ms(1_000), || {
        rig.device.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp)
    })
    .unwrap();
    let to = Remote::Addr(peer.local_addr().unwrap());
    wait(rig.device, rig.in_ms(1_000), || rig.device.connect(fd, to)).unwrap();
    let here = wait(rig.device, rig.in_ms(1_000), || rig.device.local_addr(fd)).unwrap();
    other.send_to(b"not me", here).unwrap();
    peer.send_to(b"me", here).unwrap();
    let mut buf = [0; 16];
    let len = wait(rig.device, rig.in_ms(5_000), || rig.device.recv(fd, &mut buf, SockFlags::NONE));
    assert_eq!(&buf[..len.unwrap()], b"me");
    rig.device.close(fd);
    rig.assert_faultless();
}
