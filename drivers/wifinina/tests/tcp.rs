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

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use common::Rig;
use common::net::{
    CHIP, Net, PEER, accept, connect, listen, net, peer_listener, recv_some, send_all, socket, soon,
};
use netdev::{Error, Instant, Netdev, Readiness, Remote, Side, SockFlags, Stopped, wait};
use netdev_sim::{Internet, Node, SimDevice, Sock, Stack, VirtualClock};
use wifinina_sim::Config;

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
    let Net { rig, peer, internet, .. } = net();
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

#[test]
fn a_smaller_read_while_one_is_in_flight_is_refused_and_harms_nothing() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    let client = connect(peer, addr).unwrap();
    let (served, _) = accept(rig.device, listener);
    send_all(peer, client, b"hello");
    let mut large = [0; 1024];
    rig.faults.lock().unwrap().slow = true;
    let slow = rig.device.recv(served, &mut large, SockFlags::NONE);
    assert_eq!(slow, Err(nb::Error::WouldBlock));
    assert!(rig.device.in_flight(served, Side::Read));
    *rig.faults.lock().unwrap() = common::Faults::default();
    let small = rig.device.recv(served, &mut [0; 16], SockFlags::NONE);
    assert_eq!(small, Err(nb::Error::Other(Error::InvalidInput)));
    let again = rig.device.recv(served, &mut large, SockFlags::NONE);
    assert_eq!((again, &large[..5]), (Ok(5), &b"hello"[..]));
}

#[test]
fn a_walk_over_what_is_ready_forgets_no_socket_before_one_that_has_ended() {
    let Net { rig, peer, .. } = net();
    let (listener, addr) = listen(rig.device, 80);
    let mut pairs = Vec::new();
    for _ in 0..2 {
        let client = connect(peer, addr).unwrap();
        pairs.push((client, accept(rig.device, listener).0));
    }
    let [(first, _), (second, ended)] = pairs[..] else { panic!("two of them") };
    peer.close(second);
    assert_eq!(recv_some(rig.device, ended).unwrap(), b"");
    peer.close(first);
    rig.device.platform().idle(rig.device.platform().now() + Duration::from_secs(2));
    assert_eq!(rig.device.next_ready(None), Readiness::Socket(ended));
    assert_eq!(rig.device.next_ready(Some(ended)), Readiness::Unknown, "the first is due");
}

/// The firmware's two tasks share a listener without a lock. Here a connection comes only to the third
/// who asks in one moment, and so lands in the list that the accept flag does not show.
struct Racy {
    node: Node,
    clock: VirtualClock,
    asked: (Instant, u8),
}

impl Stack for Racy {
    fn accept(&mut self, listener: Sock) -> nb::Result<(Sock, SocketAddr), Error> {
        let now = netdev::Platform::now(&self.clock);
        let (at, times) = self.asked;
        self.asked = (now, if at == now { times + 1 } else { 1 });
        if self.asked.1 == 3 { self.node.accept(listener) } else { Err(nb::Error::WouldBlock) }
    }

    fn addr(&self) -> Ipv4Addr {
        self.node.addr()
    }
    fn connect(&mut self, remote: SocketAddr) -> Result<Sock, Error> {
        self.node.connect(remote)
    }
    fn connected(&mut self, sock: Sock) -> nb::Result<(), Error> {
        self.node.connected(sock)
    }
    fn listen(&mut self, port: u16, backlog: u16) -> Result<Sock, Error> {
        self.node.listen(port, backlog)
    }
    fn send(&mut self, sock: Sock, data: &[u8]) -> nb::Result<usize, Error> {
        self.node.send(sock, data)
    }
    fn recv(&mut self, sock: Sock, buf: &mut [u8], peek: bool) -> nb::Result<usize, Error> {
        self.node.recv(sock, buf, peek)
    }
    fn shutdown(&mut self, sock: Sock, side: Side) -> Result<(), Error> {
        self.node.shutdown(sock, side)
    }
    fn close(&mut self, sock: Sock) {
        self.node.close(sock);
    }
    fn udp(&mut self, port: u16) -> Result<Sock, Error> {
        self.node.udp(port)
    }
    fn send_to(&mut self, sock: Sock, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error> {
        self.node.send_to(sock, data, to)
    }
    fn recv_from(
        &mut self,
        sock: Sock,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        self.node.recv_from(sock, buf, peek)
    }
    fn local_addr(&self, sock: Sock) -> Result<SocketAddr, Error> {
        self.node.local_addr(sock)
    }
    fn lookup(&mut self, name: &str) -> nb::Result<Vec<IpAddr>, Error> {
        self.node.lookup(name)
    }
}

#[test]
fn q27_a_connection_that_slips_into_the_wrong_list_is_found_once_it_has_sent_something() {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    let asked = (Instant::START, 0);
    let stack = Racy { node: internet.node(CHIP), clock: clock.clone(), asked };
    let rig = Rig::new(Config::default(), stack, clock).joined();
    let peer = SimDevice::on(&internet, PEER).leak();
    let (listener, addr) = listen(rig.device, 80);
    for round in 0..20_u8 {
        let client = connect(peer, addr).unwrap();
        send_all(peer, client, &[round]);
        let (served, _) = accept(rig.device, listener);
        assert_eq!(recv_some(rig.device, served).unwrap(), [round]);
        rig.device.close(served);
        peer.close(client);
    }
}

#[test]
fn a_local_port_that_the_firmware_has_no_place_for_is_refused_and_not_ignored() {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    let old = wifinina_sim::Persona::by_name("arduino-1.4.8").unwrap();
    let rig = Rig::new(Config::new(old), internet.node(CHIP), clock).joined();
    let fd = socket(rig.device);
    let local = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 5_000));
    wait(rig.device, soon(rig.device), || rig.device.bind(fd, local)).unwrap();
    let to = Remote::Addr(SocketAddr::from((PEER, 80)));
    let refused = wait(rig.device, soon(rig.device), || rig.device.connect(fd, to));
    assert_eq!(refused, Err(Stopped::Failed(Error::Unsupported)));
}
