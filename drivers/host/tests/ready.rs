//! `next_ready` and `idle`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod common;

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::thread;

use common::{LOOPBACK, Sock, device, far, pair, wait};
use core::time::Duration;
use netdev::{Error, Netdev, Platform, Readiness, SockFd, SockFlags, SockOpt, Stopped};
use netdev_host::HostDevice;

/// Idles until something is ready, and tells what all of it is.
fn ready(device: &HostDevice) -> Vec<SockFd> {
    wait(device, || match walk(device) {
        none if none.is_empty() => Err(nb::Error::WouldBlock),
        some => Ok(some),
    })
    .unwrap()
}

fn walk(device: &HostDevice) -> Vec<SockFd> {
    let mut found: Vec<SockFd> = Vec::new();
    while let Readiness::Socket(fd) = device.next_ready(found.last().copied()) {
        assert!(found.len() < 10_000, "the walk ends");
        found.push(fd);
    }
    found
}

#[test]
fn readiness_is_a_level_and_honest() {
    let device = device();
    let (client, server) = pair(device);
    assert_eq!(walk(device), []);
    client.send_all(b"four").unwrap();
    assert_eq!(ready(device), [server.fd]);
    assert_eq!(walk(device), [server.fd], "asking takes nothing");
    let mut buf = [0; 2];
    assert_eq!(server.recv(&mut buf), Ok(2));
    assert_eq!(walk(device), [server.fd], "two bytes are left");
    assert_eq!(server.recv(&mut buf), Ok(2));
    assert_eq!(walk(device), [], "the buffer was just full, and there is nothing more");
    drop(client);
    assert_eq!(ready(device), [server.fd], "an end is something to report");
    assert_eq!(server.recv(&mut buf), Ok(0));
    assert_eq!(walk(device), [server.fd], "and stays");
}

#[test]
fn a_listener_is_ready_while_connections_wait() {
    let device = device();
    let listener = Sock::listener(device);
    let _first = TcpStream::connect(listener.addr()).unwrap();
    let _second = TcpStream::connect(listener.addr()).unwrap();
    assert_eq!(ready(device), [listener.fd]);
    let a = listener.accept();
    assert_eq!(walk(device), [listener.fd]);
    assert_eq!(walk(device), [listener.fd]);
    let b = listener.accept();
    assert_eq!(walk(device), [], "nobody waits any more");
    assert_ne!(a.fd, b.fd);
    let again = device.accept(listener.fd);
    assert_eq!(again, Err(nb::Error::WouldBlock));
}

#[test]
fn datagrams_and_their_errors_are_ready() {
    let device = device();
    let (a, b) = (Sock::bound_udp(device), Sock::bound_udp(device));
    a.send_to(b"1", b.addr()).unwrap();
    a.send_to(b"2", b.addr()).unwrap();
    assert_eq!(ready(device), [b.fd]);
    assert_eq!(b.recv(&mut [0; 4]), Ok(1));
    assert_eq!(walk(device), [b.fd]);
    assert_eq!(b.recv(&mut [0; 4]), Ok(1));
    assert_eq!(walk(device), []);

    let gone = UdpSocket::bind(LOOPBACK).unwrap().local_addr().unwrap();
    a.connect(gone).unwrap();
    a.send(b"x").unwrap();
    assert_eq!(ready(device), [a.fd]);
    assert_eq!(a.recv(&mut [0; 4]), Err(Stopped::Failed(Error::ConnectionRefused)));
    assert_eq!(walk(device), []);
}

#[test]
fn a_reset_seen_by_looking_ahead_is_not_lost() {
    let device = device();
    let (client, server) = pair(device);
    client.send_all(b"xy").unwrap();
    assert_eq!(ready(device), [server.fd]);
    assert_eq!(server.recv(&mut [0; 2]), Ok(2));
    device.set_sock_opt(client.fd, SockOpt::Linger(Some(Duration::ZERO))).unwrap();
    drop(client);
    assert_eq!(walk(device), [server.fd], "the look ahead finds the reset");
    let reset = Err(nb::Error::Other(Error::ConnectionReset));
    assert_eq!(device.recv(server.fd, &mut [0; 4], SockFlags::NONE), reset);
}

#[test]
fn the_walk_finds_each_of_many_and_skips_the_closed() {
    let device = device();
    let pairs: Vec<(Sock, Sock)> = (0..50).map(|_| pair(device)).collect();
    let mut expected = Vec::new();
    for (client, server) in pairs.iter().step_by(3) {
        client.send_all(b"!").unwrap();
        expected.push(server.fd);
    }
    expected.sort_by_key(|fd| fd.slot());
    let mut found = Vec::new();
    wait(device, || {
        found = walk(device);
        if found.len() == expected.len() { Ok(()) } else { Err(nb::Error::WouldBlock) }
    })
    .unwrap();
    assert_eq!(found, expected);
    drop(pairs);
    assert_eq!(walk(device), []);
}

#[test]
fn nothing_to_do_makes_no_system_call_and_idling_does_not_spin() {
    let device = device();
    let (_client, server) = pair(device);
    let before = device.stats().polls;
    let deadline = device.now() + Duration::from_millis(300);
    let mut tries = 0;
    let mut buf = [0; 16];
    let end = netdev::wait(
        device,
        || Some(deadline),
        || {
            tries += 1;
            device.recv(server.fd, &mut buf, SockFlags::NONE)
        },
    );
    assert_eq!(end, Err(Stopped::Deadline));
    let polls = device.stats().polls - before;
    assert!(tries < 100, "{tries} tries in 300 ms");
    assert!(polls < 150, "{polls} polls in 300 ms");
}

#[test]
fn naps_shorter_than_the_systems_timer_do_not_spin_either() {
    let device = device();
    let until = device.now() + Duration::from_millis(50);
    let mut naps = 0;
    while device.now() < until {
        device.idle((device.now() + Duration::from_micros(200)).min(until));
        naps += 1;
    }
    assert!(naps < 50 * 6, "{naps} naps of 200 us in 50 ms");
}

#[test]
fn idling_ends_when_data_come() {
    let device = device();
    let listener = Sock::listener(device);
    let mut peer = TcpStream::connect(listener.addr()).unwrap();
    let server = listener.accept();
    let mut buf = [0; 16];
    let mut step = || device.recv(server.fd, &mut buf, SockFlags::NONE);
    assert_eq!(step(), Err(nb::Error::WouldBlock));
    thread::scope(|scope| {
        scope.spawn(|| peer.write_all(b"wake up").unwrap());
        let until = far(device);
        let mut naps = 0;
        while step() == Err(nb::Error::WouldBlock) {
            device.idle(until);
            naps += 1;
        }
        assert!(device.now() < until, "idle slept through");
        assert!(naps < 10, "{naps} naps");
    });
}

#[test]
fn plain_repetition_gets_there_too() {
    let device = device();
    let (client, server) = pair(device);
    client.send_all(b"x").unwrap();
    // Neither driven nor idled in between.
    assert_eq!(nb::block!(device.recv(server.fd, &mut [0; 4], SockFlags::NONE)), Ok(1));
}
