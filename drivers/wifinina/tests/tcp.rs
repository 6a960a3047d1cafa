//! Connections through the simulated chip in virtual time, with peers on the same network in memory.
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

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use common::Rig;
use netdev::{
    AddressFamily, Error, Instant, Netdev, Protocol, Remote, Side, SockFd, SockFlags, SockType,
    Stopped, wait,
};
use netdev_sim::{Internet, SimDevice, VirtualClock};
use wifinina_sim::Config;

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// A joined chip and a peer's device, one clock.
struct Net {
    rig: Rig<VirtualClock>,
    peer: &'static SimDevice,
    internet: Internet,
}

fn net() -> Net {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    let rig = Rig::new(Config::default(), internet.node(CHIP), clock).joined();
    let peer = SimDevice::on(&internet, PEER).leak();
    Net { rig, peer, internet }
}

fn soon(device: &dyn Netdev) -> impl Fn() -> Option<Instant> + use<> {
    let at = device.platform().now() + Duration::from_secs(20);
    move || Some(at)
}

fn socket(device: &dyn Netdev) -> SockFd {
    let open = || device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp);
    wait(device, soon(device), open).unwrap()
}

fn listen(device: &dyn Netdev, port: u16) -> (SockFd, SocketAddr) {
    let fd = socket(device);
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    wait(device, soon(device), || device.bind(fd, any)).unwrap();
    wait(device, soon(device), || device.listen(fd, 4)).unwrap();
    let port = wait(device, soon(device), || device.local_addr(fd)).unwrap().port();
    (fd, SocketAddr::from((CHIP, port)))
}

fn connect(device: &dyn Netdev, to: SocketAddr) -> Result<SockFd, Stopped> {
    let fd = socket(device);
    wait(device, soon(device), || device.connect(fd, Remote::Addr(to))).map(|()| fd)
}

fn send_all(device: &dyn Netdev, fd: SockFd, mut data: &[u8]) {
    while !data.is_empty() {
        let sent = wait(device, soon(device), || device.send(fd, data, SockFlags::NONE)).unwrap();
        data = &data[sent..];
    }
}

fn recv_some(device: &dyn Netdev, fd: SockFd) -> Result<Vec<u8>, Stopped> {
    let mut buf = [0; 2048];
    let len = wait(device, soon(device), || device.recv(fd, &mut buf, SockFlags::NONE))?;
    Ok(buf[..len].to_vec())
}

fn accept(device: &dyn Netdev, fd: SockFd) -> (SockFd, SocketAddr) {
    wait(device, soon(device), || device.accept(fd)).unwrap()
}

#[test]
fn eight_clients_at_once_are_served_each_with_its_own_bytes() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    let mut pairs = Vec::new();
    for number in 0..8_u8 {
        let client = connect(peer, addr).unwrap();
        let (served, _) = accept(rig.device, listener);
        pairs.push((number, client, served));
    }
    for &(number, client, _) in &pairs {
        send_all(peer, client, &[number; 100]);
    }
    for &(number, client, served) in pairs.iter().rev() {
        let mut got = Vec::new();
        while got.len() < 100 {
            got.extend(recv_some(rig.device, served).unwrap());
        }
        assert_eq!(got, [number; 100]);
        send_all(rig.device, served, &[number + 100; 50]);
        assert_eq!(recv_some(peer, client).unwrap(), [number + 100; 50]);
    }
    rig.assert_faultless();
}

#[test]
fn a_client_that_never_reads_does_not_stop_the_chip() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    let stalled = connect(peer, addr).unwrap();
    let (to_stalled, _) = accept(rig.device, listener);
    // As much as the chip and the network take; the peer reads none of it.
    let mut taken = 0;
    let half_a_second = {
        let at = rig.device.platform().now() + Duration::from_millis(500);
        move || Some(at)
    };
    loop {
        let more = wait(rig.device, half_a_second, || {
            rig.device.send(to_stalled, &[7; 1000], SockFlags::NONE)
        });
        match more {
            Ok(sent) => taken += sent,
            Err(stopped) => {
                assert_eq!(stopped, Stopped::Deadline);
                break;
            }
        }
        assert!(taken < 1 << 20, "somebody swallows it all");
    }
    assert!(!rig.device.in_flight(to_stalled, Side::Write), "the chip was not left with a call");
    let lively = connect(peer, addr).unwrap();
    let (to_lively, _) = accept(rig.device, listener);
    send_all(rig.device, to_lively, b"still here");
    assert_eq!(recv_some(peer, lively).unwrap(), b"still here");
    // And what was taken arrives when the peer reads again, not a byte more or less.
    rig.device.close(to_stalled);
    let (mut got, mut buf) = (0, [0; 2048]);
    loop {
        let read = wait(peer, soon(peer), || {
            // The model moves only when somebody looks at it.
            rig.device.drive();
            peer.recv(stalled, &mut buf, SockFlags::NONE)
        });
        let bytes = &buf[..read.unwrap()];
        assert!(bytes.iter().all(|&byte| byte == 7));
        got += bytes.len();
        if bytes.is_empty() {
            break;
        }
    }
    assert_eq!(got, taken);
    rig.assert_faultless();
}

#[test]
fn a_host_that_does_not_answer_freezes_nobody() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    let nowhere = SocketAddr::from(([10, 0, 0, 77], 80));
    let lost = socket(rig.device);
    let begun = rig.device.connect(lost, Remote::Addr(nowhere));
    assert_eq!(begun, Err(nb::Error::WouldBlock));
    let client = connect(peer, addr).unwrap();
    let (served, _) = accept(rig.device, listener);
    send_all(rig.device, served, b"meanwhile");
    assert_eq!(recv_some(peer, client).unwrap(), b"meanwhile");
    let ended =
        wait(rig.device, soon(rig.device), || rig.device.connect(lost, Remote::Addr(nowhere)));
    assert!(
        matches!(ended, Err(Stopped::Failed(Error::TimedOut | Error::Unreachable))),
        "{ended:?}"
    );
    rig.device.close(lost);
    rig.assert_faultless();
}

#[test]
fn the_end_comes_after_all_data_and_stays() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    let client = connect(peer, addr).unwrap();
    let (served, _) = accept(rig.device, listener);
    send_all(peer, client, b"last words");
    peer.close(client);
    assert_eq!(recv_some(rig.device, served).unwrap(), b"last words");
    assert_eq!(recv_some(rig.device, served).unwrap(), b"");
    assert_eq!(recv_some(rig.device, served).unwrap(), b"");
    let late =
        wait(rig.device, soon(rig.device), || rig.device.send(served, b"x", SockFlags::NONE));
    assert_eq!(late, Err(Stopped::Failed(Error::BrokenPipe)));
    rig.device.close(served);
    rig.assert_faultless();
}

#[test]
fn a_port_can_be_listened_on_again_after_its_listener_was_closed() {
    let Net { rig, peer, .. } = net();
    for _ in 0..3 {
        let (listener, addr) = listen(rig.device, 8080);
        let taken = socket(rig.device);
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 8080));
        let refused = wait(rig.device, soon(rig.device), || rig.device.bind(taken, any));
        assert_eq!(refused, Err(Stopped::Failed(Error::AddrInUse)));
        rig.device.close(taken);
        let client = connect(peer, addr).unwrap();
        let (served, from) = accept(rig.device, listener);
        assert_eq!(from.ip(), PEER);
        rig.device.close(served);
        assert_eq!(recv_some(peer, client).unwrap(), b"");
        peer.close(client);
        rig.device.close(listener);
    }
    rig.assert_faultless();
}

#[test]
fn whoever_connects_to_a_closed_listener_is_not_left_hanging() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    rig.device.close(listener);
    let stray = connect(peer, addr).unwrap();
    // Somebody uses the device for something else; that empties the listener.
    for _ in 0..100 {
        rig.device.drive();
        rig.device.platform().idle(rig.device.platform().now() + Duration::from_millis(10));
    }
    let end = recv_some(peer, stray);
    assert!(
        matches!(&end, Ok(none) if none.is_empty())
            || end == Err(Stopped::Failed(Error::ConnectionReset))
    );
    rig.assert_faultless();
}

#[test]
fn stale_handles_reach_nobody() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    let _client = connect(peer, addr).unwrap();
    let (served, _) = accept(rig.device, listener);
    rig.device.close(served);
    let bad = Err(nb::Error::Other(Error::BadSocket));
    assert_eq!(rig.device.send(served, b"x", SockFlags::NONE), bad);
    let again = connect(peer, addr).unwrap();
    let (newer, _) = accept(rig.device, listener);
    assert_ne!(served, newer);
    assert_eq!(rig.device.send(served, b"x", SockFlags::NONE), bad);
    send_all(rig.device, newer, b"y");
    assert_eq!(recv_some(peer, again).unwrap(), b"y");
}

#[test]
fn two_hundred_connections_leave_nothing_behind() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    for round in 0..200_u32 {
        let client = connect(peer, addr).unwrap();
        let (served, _) = accept(rig.device, listener);
        send_all(rig.device, served, &round.to_le_bytes());
        assert_eq!(recv_some(peer, client).unwrap(), round.to_le_bytes());
        rig.device.close(served);
        peer.close(client);
    }
    for round in 0..200_u32 {
        let (door, at) = peer_listener(peer);
        let out = connect(rig.device, at).unwrap();
        let (inside, _) = accept(peer, door);
        send_all(rig.device, out, &round.to_le_bytes());
        assert_eq!(recv_some(peer, inside).unwrap(), round.to_le_bytes());
        rig.device.close(out);
        peer.close(inside);
        peer.close(door);
    }
    rig.assert_faultless();
}

fn peer_listener(peer: &SimDevice) -> (SockFd, SocketAddr) {
    let fd = socket(peer);
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    wait(peer, soon(peer), || peer.bind(fd, any)).unwrap();
    wait(peer, soon(peer), || peer.listen(fd, 4)).unwrap();
    let port = wait(peer, soon(peer), || peer.local_addr(fd)).unwrap().port();
    (fd, SocketAddr::from((PEER, port)))
}

#[test]
fn an_idle_listener_costs_no_bus_traffic_while_gpio0_is_low() {
    let Net { rig, .. } = net();
    let (listener, _) = listen(rig.device, 80);
    let pause = |ms| {
        let at = rig.device.platform().now() + Duration::from_millis(ms);
        let nobody = wait(rig.device, move || Some(at), || rig.device.accept(listener));
        assert_eq!(nobody, Err(Stopped::Deadline));
    };
    pause(100);
    let before = rig.bench.counters().cs_cycles;
    pause(10_000);
    assert_eq!(rig.bench.counters().cs_cycles, before);
}

#[test]
fn a_lost_link_ends_connections_with_an_error_that_says_so() {
    let Net { rig, peer, internet } = net();
    let (listener, addr) = listen(rig.device, 80);
    let _client = connect(peer, addr).unwrap();
    let (served, _) = accept(rig.device, listener);
    rig.monitor.drop_link(200);
    let link = rig.device.netlink().unwrap();
    let status = wait(rig.device, soon(rig.device), || link.status());
    assert_eq!(status, Ok(netdev::LinkStatus::Down));
    assert_eq!(recv_some(rig.device, served), Err(Stopped::Failed(Error::LinkDown)));
    drop(internet);
}
