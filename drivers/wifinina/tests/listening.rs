//! Listeners and what comes in through them, on firmware whose quirks the driver has to know.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::net::Ipv4Addr;
use core::time::Duration;

use common::net::{
    CHIP, WITHOUT_ACCEPT_FLAG, accept, connect, listen, net_of, peer_listener, recv_some, socket,
};
use netdev::{Error, Limits, Netdev, Platform, Remote, SockFlags, Stopped, wait};
use netdev_sim::Stack;
use wifinina_sim::Persona;

#[test]
fn port_0_is_that_of_a_listener_that_nobody_holds() {
    let net = net_of(&Persona::ARDUINO_2_0_0);
    // More than the chip has sockets: each that was not reused would cost one until reset.
    let mut ports = Vec::new();
    for _ in 0..15 {
        let (listener, addr) = listen(net.rig.device, 0);
        ports.push(addr.port());
        net.rig.device.close(listener);
    }
    ports.dedup();
    assert_eq!(ports.len(), 1);
    let (one, other) = (listen(net.rig.device, 0), listen(net.rig.device, 0));
    assert_ne!(one.1, other.1, "one that is held is not handed out again");
    net.rig.assert_faultless();
}

#[test]
fn adafruit_3_gets_back_what_was_accepted_and_ended_by_the_peer() {
    let net = net_of(&Persona::ADAFRUIT_3_3_0);
    let (listener, addr) = listen(net.rig.device, 0);
    for _ in 0..12 {
        let (there, here) = net.accepted(listener, addr);
        net.peer.close(there);
        assert_eq!(recv_some(net.rig.device, here).unwrap(), b"");
        net.rig.device.close(here);
    }
    net.rig.assert_faultless();
}

#[test]
fn adafruit_3_may_wait_ten_seconds_for_a_peer_that_does_not_read() {
    let net = net_of(&Persona::ADAFRUIT_3_3_0);
    let device = net.rig.device;
    assert!(device.capabilities().limits.contains(Limits::WRITE_CAN_STALL_CHIP));
    let (listener, addr) = listen(net.rig.device, 0);
    let (there, here) = net.accepted(listener, addr);
    let resets = net.rig.monitor.counters().resets;
    let end = net.clock.now() + Duration::from_secs(25);
    let mut taken = 0;
    while let Ok(count) =
        wait(device, || Some(end), || device.send(here, &[7; 1000], SockFlags::NONE))
    {
        taken += count;
        assert!(taken < 1 << 20, "somebody swallows it all");
    }
    assert_eq!(net.rig.monitor.counters().resets, resets, "the chip was not reset for it");
    // The chip has the last write, perhaps, and takes it or not; what comes are the same bytes.
    let (mut got, mut buf) = (0, [0; 2048]);
    while got < taken {
        let count = net.until(|| {
            device.drive();
            net.peer.recv(there, &mut buf, SockFlags::NONE)
        });
        assert!(count > 0 && buf[..count].iter().all(|&byte| byte == 7));
        got += count;
    }
}

#[test]
fn without_the_accept_flag_a_connection_is_accepted_once_although_it_is_named_again() {
    let net = net_of(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    assert!(device.capabilities().limits.contains(Limits::ACCEPTED_AFTER_DATA));
    let (listener, addr) = listen(net.rig.device, 0);
    let there = socket(net.peer);
    net.until(|| net.peer.connect(there, Remote::Addr(addr)));
    let short = net.rig.in_ms(200);
    assert!(wait(device, short, || device.accept(listener)).is_err(), "it has sent nothing");
    net.until(|| net.peer.send(there, b"hello", SockFlags::NONE));
    let (here, _) = net.until(|| device.accept(listener));
    let short = net.rig.in_ms(200);
    assert!(wait(device, short, || device.accept(listener)).is_err(), "nobody else came");
    assert_eq!(recv_some(device, here).unwrap(), b"hello");
    net.rig.assert_faultless();
}

#[test]
fn without_the_accept_flag_connections_by_turns_leave_no_descriptor_behind() {
    let net = net_of(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    let (listener, addr) = listen(net.rig.device, 0);
    let (door, at) = peer_listener(net.peer);
    // A descriptor that is free only between two commands has been somebody else's in the meantime.
    for _ in 0..200 {
        let (there, here) = net.accepted(listener, addr);
        device.close(here);
        net.peer.close(there);
        let dialled = connect(device, at).unwrap();
        let (there, _) = accept(net.peer, door);
        device.close(dialled);
        net.peer.close(there);
    }
    assert_eq!(net.rig.monitor.counters().peers_dropped, 0);
    net.rig.assert_faultless();
}

#[test]
fn a_port_that_is_taken_is_noticed_although_the_firmware_says_that_it_listens() {
    for persona in WITHOUT_ACCEPT_FLAG {
        let net = net_of(persona);
        let device = net.rig.device;
        // Somebody else on the chip's node: on a PC any other program.
        let mut node = net.internet.node(CHIP);
        node.listen(80, 1).unwrap();
        let fd = socket(device);
        let any = (Ipv4Addr::UNSPECIFIED, 80).into();
        net.until(|| device.bind(fd, any));
        let taken = wait(device, net.rig.in_ms(2_000), || device.listen(fd, 1));
        assert_eq!(taken, Err(Stopped::Failed(Error::AddrInUse)), "{}", persona.name);
        device.close(fd);
        for _ in 0..12 {
            let (listener, addr) = listen(device, 0);
            let (there, here) = net.accepted(listener, addr);
            device.close(here);
            net.peer.close(there);
            device.close(listener);
        }
        net.rig.assert_faultless();
    }
}
