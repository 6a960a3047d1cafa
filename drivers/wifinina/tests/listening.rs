//! Listeners and what comes in through them, on firmware whose quirks the driver has to know.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use common::Rig;
use netdev::{
    AddressFamily, Error, Limits, Netdev, Platform, Protocol, Remote, SockFd, SockFlags, SockType,
    wait,
};
use netdev_sim::{Internet, SimDevice, VirtualClock};
use wifinina_sim::{Config, Persona};

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// A joined chip with that firmware, and a peer.
struct Net {
    rig: Rig<VirtualClock>,
    peer: &'static SimDevice,
    clock: VirtualClock,
}

fn net(persona: &'static Persona) -> Net {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    let config = Config::new(persona);
    let rig = Rig::new(config, internet.node(CHIP), clock.clone()).joined();
    Net { rig, peer: SimDevice::on(&internet, PEER).leak(), clock }
}

impl Net {
    fn until<T>(&self, op: impl FnMut() -> nb::Result<T, Error>) -> T {
        wait(self.rig.device, self.rig.in_ms(30_000), op).unwrap()
    }

    fn socket(&self, device: &dyn Netdev) -> SockFd {
        self.until(|| device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp))
    }

    /// A listener on a port of the device's choice.
    fn listener(&self) -> (SockFd, SocketAddr) {
        let device = self.rig.device;
        let fd = self.socket(device);
        self.until(|| device.bind(fd, (Ipv4Addr::UNSPECIFIED, 0).into()));
        self.until(|| device.listen(fd, 4));
        (fd, self.until(|| device.local_addr(fd)))
    }

    /// The peer's end of a connection over which it has sent a byte, and the driver's.
    fn accepted(&self, listener: SockFd, to: SocketAddr) -> (SockFd, SockFd) {
        let there = self.socket(self.peer);
        self.until(|| self.peer.connect(there, Remote::Addr(to)));
        self.until(|| self.peer.send(there, b"x", SockFlags::NONE));
        let (here, _) = self.until(|| self.rig.device.accept(listener));
        assert_eq!(self.recv(here), Ok(1));
        (there, here)
    }

    fn recv(&self, fd: SockFd) -> nb::Result<usize, Error> {
        let mut buf = [0; 8];
        Ok(self.until(|| self.rig.device.recv(fd, &mut buf, SockFlags::NONE)))
    }
}

#[test]
fn port_0_is_that_of_a_listener_that_nobody_holds() {
    let net = net(&Persona::ARDUINO_2_0_0);
    // More than the chip has sockets: each that was not reused would cost one until reset.
    let mut ports = Vec::new();
    for _ in 0..15 {
        let (listener, addr) = net.listener();
        ports.push(addr.port());
        net.rig.device.close(listener);
    }
    ports.dedup();
    assert_eq!(ports.len(), 1);
    let (one, other) = (net.listener(), net.listener());
    assert_ne!(one.1, other.1, "one that is held is not handed out again");
    net.rig.assert_faultless();
}

#[test]
fn adafruit_3_gets_back_what_was_accepted_and_ended_by_the_peer() {
    let net = net(&Persona::ADAFRUIT_3_3_0);
    let (listener, addr) = net.listener();
    for _ in 0..12 {
        let (there, here) = net.accepted(listener, addr);
        net.peer.close(there);
        assert_eq!(net.recv(here), Ok(0));
        net.rig.device.close(here);
    }
    net.rig.assert_faultless();
}

#[test]
fn adafruit_3_may_wait_ten_seconds_for_a_peer_that_does_not_read() {
    let net = net(&Persona::ADAFRUIT_3_3_0);
    let device = net.rig.device;
    assert!(device.capabilities().limits.contains(Limits::WRITE_CAN_STALL_CHIP));
    let (listener, addr) = net.listener();
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
    let net = net(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    assert!(device.capabilities().limits.contains(Limits::ACCEPTED_AFTER_DATA));
    let (listener, addr) = net.listener();
    let there = net.socket(net.peer);
    net.until(|| net.peer.connect(there, Remote::Addr(addr)));
    let short = net.rig.in_ms(200);
    assert!(wait(device, short, || device.accept(listener)).is_err(), "it has sent nothing");
    net.until(|| net.peer.send(there, b"hello", SockFlags::NONE));
    let (here, _) = net.until(|| device.accept(listener));
    let short = net.rig.in_ms(200);
    assert!(wait(device, short, || device.accept(listener)).is_err(), "nobody else came");
    assert_eq!(net.recv(here), Ok(5));
    net.rig.assert_faultless();
}

#[test]
fn without_the_accept_flag_connections_by_turns_leave_no_descriptor_behind() {
    let net = net(&Persona::ARDUINO_1_4_8);
    let device = net.rig.device;
    let (listener, addr) = net.listener();
    let door = net.socket(net.peer);
    net.until(|| net.peer.bind(door, (Ipv4Addr::UNSPECIFIED, 7).into()));
    net.until(|| net.peer.listen(door, 4));
    // A descriptor that is free only between two commands has been somebody else's in the meantime.
    for _ in 0..200 {
        let (there, here) = net.accepted(listener, addr);
        device.close(here);
        net.peer.close(there);
        let dialled = net.socket(device);
        net.until(|| device.connect(dialled, Remote::Addr((PEER, 7).into())));
        let (there, _) = net.until(|| net.peer.accept(door));
        device.close(dialled);
        net.peer.close(there);
    }
    assert_eq!(net.rig.monitor.counters().peers_dropped, 0);
    net.rig.assert_faultless();
}
