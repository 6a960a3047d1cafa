//! The network in memory, stack by stack. Nothing here sleeps.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{Error, Instant, Platform, Side};
use netdev_sim::{Internet, Node, Sock, Stack, VirtualClock};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

struct Net {
    clock: VirtualClock,
    internet: Internet,
    server: Node,
    client: Node,
}

impl Net {
    fn new() -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let (server, client) = (internet.node(SERVER), internet.node(CLIENT));
        Self { clock, internet, server, client }
    }

    fn pass(&self, millis: u64) {
        self.clock.spend(Duration::from_millis(millis));
    }

    fn pair(&mut self) -> (Sock, Sock) {
        let listener = self.server.listen(80, 4).unwrap();
        let client = self.client.connect(at(SERVER, 80)).unwrap();
        self.pass(1);
        assert_eq!(self.client.connected(client), Ok(()));
        let (server, peer) = self.server.accept(listener).unwrap();
        assert_eq!(peer, self.client.local_addr(client).unwrap());
        self.server.close(listener);
        (server, client)
    }
}

fn at(ip: Ipv4Addr, port: u16) -> SocketAddr {
    (ip, port).into()
}

fn failed<T>(error: Error) -> nb::Result<T, Error> {
    Err(nb::Error::Other(error))
}

fn not_yet<T>() -> nb::Result<T, Error> {
    Err(nb::Error::WouldBlock)
}

#[test]
fn connecting_takes_a_round_trip_and_data_one_way() {
    let mut net = Net::new();
    net.internet.set_delay_between(CLIENT, SERVER, Duration::from_millis(30));
    net.internet.set_delay_between(SERVER, CLIENT, Duration::from_millis(10));
    let listener = net.server.listen(80, 1).unwrap();
    let sock = net.client.connect(at(SERVER, 80)).unwrap();
    net.pass(39);
    assert_eq!(net.client.connected(sock), not_yet());
    net.pass(1);
    assert_eq!(net.client.connected(sock), Ok(()));
    let (served, _) = net.server.accept(listener).unwrap();
    assert_eq!(net.client.send(sock, b"ping"), Ok(4));
    net.pass(29);
    let mut buf = [0; 9];
    assert_eq!(net.server.recv(served, &mut buf, false), not_yet());
    net.pass(1);
    assert_eq!(net.server.recv(served, &mut buf, false), Ok(4));
}

#[test]
fn nobody_listens_is_refused_after_a_round_trip() {
    let mut net = Net::new();
    let sock = net.client.connect(at(SERVER, 81)).unwrap();
    assert_eq!(net.client.connected(sock), not_yet());
    net.pass(1);
    assert_eq!(net.client.connected(sock), failed(Error::ConnectionRefused));
    assert_eq!(net.client.send(sock, b"x"), failed(Error::NotConnected));
}

#[test]
fn a_host_that_is_not_there_times_out() {
    let mut net = Net::new();
    let sock = net.client.connect(at([10, 9, 9, 9].into(), 80)).unwrap();
    net.pass(17_999);
    assert_eq!(net.client.connected(sock), not_yet());
    net.pass(1);
    assert_eq!(net.client.connected(sock), failed(Error::TimedOut));
    net.internet.set_connect_timeout(Duration::from_secs(1));
    let sock = net.client.connect(at([10, 9, 9, 9].into(), 80)).unwrap();
    net.pass(1_000);
    assert_eq!(net.client.connected(sock), failed(Error::TimedOut));
}

#[test]
fn a_full_backlog_lets_callers_try_again() {
    let mut net = Net::new();
    let listener = net.server.listen(80, 2).unwrap();
    let socks = [(); 3].map(|()| net.client.connect(at(SERVER, 80)).unwrap());
    net.pass(10);
    let connected = socks.map(|sock| net.client.connected(sock));
    assert_eq!(connected, [Ok(()), Ok(()), not_yet()]);
    assert!(net.server.accept(listener).is_ok());
    net.pass(980);
    assert_eq!(net.client.connected(socks[2]), not_yet(), "tried again after a second");
    net.pass(20);
    assert_eq!(net.client.connected(socks[2]), Ok(()));
}

#[test]
fn a_window_that_is_full_gives_partial_sends_and_then_not_yet() {
    let mut net = Net::new();
    net.server.set_window(1_000);
    let (server, client) = net.pair();
    assert_eq!(net.client.send(client, &[1; 600]), Ok(600));
    assert_eq!(net.client.send(client, &[2; 600]), Ok(400));
    assert_eq!(net.client.send(client, &[3; 600]), not_yet());
    assert_eq!(net.client.send(client, b""), Ok(0));
    net.pass(1);
    let mut buf = [0; 250];
    assert_eq!(net.server.recv(server, &mut buf, false), Ok(250));
    assert_eq!(net.client.send(client, &[3; 600]), not_yet(), "nobody told the client yet");
    net.pass(1);
    assert_eq!(net.client.send(client, &[3; 600]), Ok(250));
}

#[test]
fn peeked_bytes_stay() {
    let mut net = Net::new();
    let (server, client) = net.pair();
    net.client.send(client, b"abc").unwrap();
    net.pass(1);
    let mut buf = [0; 8];
    for _ in 0..2 {
        assert_eq!(net.server.recv(server, &mut buf, true), Ok(3));
    }
    assert_eq!(net.server.recv(server, &mut buf[..2], false), Ok(2));
    assert_eq!(net.server.recv(server, &mut buf, false), Ok(1));
    assert_eq!(net.server.recv(server, &mut buf, false), not_yet());
}

#[test]
fn the_end_comes_after_all_data_and_stays() {
    let mut net = Net::new();
    let (server, client) = net.pair();
    net.client.send(client, b"last words").unwrap();
    net.client.close(client);
    net.pass(1);
    let mut buf = [0; 16];
    assert_eq!(net.server.recv(server, &mut buf, false), Ok(10));
    assert_eq!(net.server.recv(server, &mut buf, false), Ok(0));
    assert_eq!(net.server.recv(server, &mut buf, false), Ok(0));
}

#[test]
fn data_for_a_closed_socket_brings_a_reset() {
    let mut net = Net::new();
    let (server, client) = net.pair();
    net.client.close(client);
    net.pass(1);
    assert_eq!(net.server.send(server, b"too late"), Ok(8));
    net.pass(1);
    assert_eq!(net.server.send(server, b"again"), failed(Error::ConnectionReset));
    assert_eq!(net.server.recv(server, &mut [0; 4], false), failed(Error::ConnectionReset));
}

#[test]
fn closing_with_unread_data_resets_and_so_does_an_abort() {
    for abort in [false, true] {
        let mut net = Net::new();
        let (server, client) = net.pair();
        if abort {
            net.server.abort(server);
        } else {
            net.client.send(client, b"never read").unwrap();
            net.pass(1);
            net.server.close(server);
        }
        net.pass(1);
        assert_eq!(net.client.recv(client, &mut [0; 4], false), failed(Error::ConnectionReset));
    }
}

#[test]
fn what_arrived_before_a_reset_can_still_be_read() {
    let mut net = Net::new();
    let (server, client) = net.pair();
    net.server.send(server, b"abc").unwrap();
    net.server.abort(server);
    net.pass(1);
    assert_eq!(net.client.recv(client, &mut [0; 8], false), Ok(3));
    assert_eq!(net.client.recv(client, &mut [0; 8], false), failed(Error::ConnectionReset));
}

#[test]
fn half_close_ends_one_direction_only() {
    let mut net = Net::new();
    let (server, client) = net.pair();
    net.client.shutdown(client, Side::Write).unwrap();
    net.client.shutdown(client, Side::Write).unwrap();
    assert_eq!(net.client.send(client, b"x"), failed(Error::BrokenPipe));
    net.pass(1);
    assert_eq!(net.server.recv(server, &mut [0; 4], false), Ok(0));
    net.server.send(server, b"answer").unwrap();
    net.pass(1);
    assert_eq!(net.client.recv(client, &mut [0; 9], false), Ok(6));
}

#[test]
fn what_arrives_after_reading_was_shut_down_is_thrown_away() {
    let mut net = Net::new();
    net.server.set_window(100);
    let (server, client) = net.pair();
    net.client.send(client, &[0; 60]).unwrap();
    net.pass(1);
    net.server.shutdown(server, Side::Read).unwrap();
    assert_eq!(net.server.recv(server, &mut [0; 4], false), Ok(0));
    for _ in 0..9 {
        net.pass(1);
        assert_eq!(net.client.send(client, &[0; 60]), Ok(60), "there is room again");
    }
}

#[test]
fn closing_a_listener_resets_whom_nobody_accepted() {
    let mut net = Net::new();
    let listener = net.server.listen(80, 4).unwrap();
    let sock = net.client.connect(at(SERVER, 80)).unwrap();
    net.pass(1);
    assert_eq!(net.client.connected(sock), Ok(()));
    net.server.close(listener);
    net.pass(1);
    assert_eq!(net.client.recv(sock, &mut [0; 1], false), failed(Error::ConnectionReset));
}

#[test]
fn a_caller_that_gives_up_leaves_a_broken_connection_behind() {
    let mut net = Net::new();
    let listener = net.server.listen(80, 4).unwrap();
    let sock = net.client.connect(at(SERVER, 80)).unwrap();
    net.client.close(sock);
    net.pass(1);
    let (served, _) = net.server.accept(listener).unwrap();
    assert_eq!(net.server.recv(served, &mut [0; 1], false), failed(Error::ConnectionReset));
}

#[test]
fn ports_are_taken_once_and_chosen_from_49152_on() {
    let mut net = Net::new();
    let first = net.server.listen(80, 1).unwrap();
    assert_eq!(net.server.listen(80, 1), Err(Error::AddrInUse));
    assert!(net.server.udp(80).is_ok(), "UDP has ports of its own");
    assert_eq!(net.server.udp(80), Err(Error::AddrInUse));
    assert!(net.client.listen(80, 1).is_ok(), "another node, too");
    net.server.close(first);
    assert!(net.server.listen(80, 1).is_ok());
    let chosen = net.server.listen(0, 1).unwrap();
    assert!(net.server.local_addr(chosen).unwrap().port() >= 49_152);
}

#[test]
fn a_port_can_be_listened_on_again_while_its_connections_live() {
    let mut net = Net::new();
    let (server, _) = net.pair();
    let listener = net.server.listen(80, 1).unwrap();
    assert_eq!(net.server.local_addr(server).unwrap().port(), 80);
    assert_eq!(net.server.local_addr(listener).unwrap().port(), 80);
}

#[test]
fn a_node_reaches_itself_by_loopback_at_once() {
    let mut net = Net::new();
    let listener = net.server.listen(80, 1).unwrap();
    let sock = net.server.connect(at(Ipv4Addr::LOCALHOST, 80)).unwrap();
    assert_eq!(net.server.connected(sock), Ok(()));
    let (served, peer) = net.server.accept(listener).unwrap();
    assert!(peer.ip().is_loopback());
    net.server.send(served, b"self").unwrap();
    assert_eq!(net.server.recv(sock, &mut [0; 9], false), Ok(4));
    net.server.close(served);
    assert_eq!(net.server.recv(sock, &mut [0; 9], false), Ok(0));
}

#[test]
fn datagrams_keep_their_bounds_and_tell_their_true_length() {
    let mut net = Net::new();
    let server = net.server.udp(53).unwrap();
    let client = net.client.udp(0).unwrap();
    net.client.send_to(client, b"0123456789", at(SERVER, 53)).unwrap();
    net.client.send_to(client, b"", at(SERVER, 53)).unwrap();
    let mut buf = [0; 4];
    assert_eq!(net.server.recv_from(server, &mut buf, false), not_yet());
    net.pass(1);
    let from = at(CLIENT, net.client.local_addr(client).unwrap().port());
    assert_eq!(net.server.recv_from(server, &mut buf, true), Ok((10, from)));
    assert_eq!(net.server.recv_from(server, &mut buf, false), Ok((10, from)));
    assert_eq!(&buf, b"0123");
    assert_eq!(net.server.recv_from(server, &mut buf, false), Ok((0, from)));
    let huge = vec![0; 65_508];
    assert_eq!(net.client.send_to(client, &huge, from), failed(Error::MessageTooLong));
    assert_eq!(net.client.send(client, b"x"), failed(Error::DestinationRequired));
    assert_eq!(net.client.recv(client, &mut buf, false), failed(Error::NotConnected));
}

#[test]
fn a_burst_of_datagrams_fills_the_queue_and_the_rest_is_lost() {
    let mut net = Net::new();
    let server = net.server.udp(53).unwrap();
    let client = net.client.udp(0).unwrap();
    for number in 0..20 {
        net.client.send_to(client, &[number], at(SERVER, 53)).unwrap();
    }
    net.pass(1);
    let mut buf = [0; 1];
    for number in 0..16 {
        assert!(net.server.recv_from(server, &mut buf, false).is_ok());
        assert_eq!(buf, [number]);
    }
    assert_eq!(net.server.recv_from(server, &mut buf, false), not_yet());
}

#[test]
fn names_answer_after_one_delay() {
    let mut net = Net::new();
    net.internet.name("Host.Test", SERVER);
    assert_eq!(net.client.lookup("host.test"), not_yet());
    assert_eq!(net.client.lookup("nobody.test"), not_yet());
    net.pass(1);
    assert_eq!(net.client.lookup("host.test"), Ok(vec![SERVER.into()]));
    assert_eq!(net.client.lookup("nobody.test"), failed(Error::HostUnknown));
    assert_eq!(net.client.lookup("10.1.2.3"), Ok(vec![[10, 1, 2, 3].into()]));
    assert_eq!(net.client.lookup("localhost"), Ok(vec![[127, 0, 0, 1].into()]));
}

#[test]
fn a_link_that_is_down_holds_streams_and_loses_datagrams() {
    let mut net = Net::new();
    let (server, client) = net.pair();
    let inbox = net.server.udp(53).unwrap();
    let outbox = net.client.udp(0).unwrap();
    net.server.set_link(false);
    net.client.send(client, b"first").unwrap();
    net.client.send_to(outbox, b"lost", at(SERVER, 53)).unwrap();
    net.pass(50);
    net.client.send(client, b" second").unwrap();
    let mut buf = [0; 32];
    net.pass(50);
    assert_eq!(net.server.recv(server, &mut buf, false), not_yet());
    net.server.set_link(true);
    net.client.send(client, b" third").unwrap();
    net.pass(50);
    let length = net.server.recv(server, &mut buf, false).unwrap();
    assert_eq!(&buf[..length], b"first second third");
    assert_eq!(net.server.recv_from(inbox, &mut buf, false), not_yet());
}

#[test]
fn without_a_link_calls_and_lookups_time_out() {
    let mut net = Net::new();
    net.internet.name("host.test", SERVER);
    let _listener = net.server.listen(80, 1).unwrap();
    net.client.set_link(false);
    let sock = net.client.connect(at(SERVER, 80)).unwrap();
    assert_eq!(net.client.lookup("host.test"), not_yet());
    net.pass(18_000);
    assert_eq!(net.client.connected(sock), failed(Error::TimedOut));
    assert_eq!(net.client.lookup("host.test"), failed(Error::TimedOut));
}

#[test]
fn a_call_outlives_a_short_outage() {
    let mut net = Net::new();
    let _listener = net.server.listen(80, 1).unwrap();
    net.server.set_link(false);
    let sock = net.client.connect(at(SERVER, 80)).unwrap();
    net.pass(2_000);
    net.server.set_link(true);
    net.pass(1_500);
    assert_eq!(net.client.connected(sock), Ok(()));
}

#[test]
fn nothing_overtakes_when_the_way_gets_shorter() {
    let mut net = Net::new();
    let (server, client) = net.pair();
    net.internet.set_delay(Duration::from_millis(500));
    net.client.send(client, b"slow ").unwrap();
    net.internet.set_delay(Duration::ZERO);
    net.client.send(client, b"fast").unwrap();
    net.client.close(client);
    assert_eq!(net.server.recv(server, &mut [0; 9], false), not_yet());
    net.pass(500);
    let mut buf = [0; 16];
    assert_eq!(net.server.recv(server, &mut buf, false), Ok(9));
    assert_eq!(&buf[..9], b"slow fast");
    assert_eq!(net.server.recv(server, &mut buf, false), Ok(0));
}

#[test]
fn an_arrival_rings_the_clock() {
    let mut net = Net::new();
    let inbox = net.server.udp(53).unwrap();
    let outbox = net.client.udp(0).unwrap();
    net.internet.set_delay(Duration::from_millis(3));
    net.client.send_to(outbox, b"now", at(SERVER, 53)).unwrap();
    net.clock.with_alarms().idle(Instant::from_micros(1_000_000));
    assert_eq!(net.clock.now(), Instant::from_micros(3_000));
    assert!(net.server.recv_from(inbox, &mut [0; 4], false).is_ok());
}

#[test]
fn sockets_of_another_node_and_closed_ones_are_bad() {
    let mut net = Net::new();
    let (server, client) = net.pair();
    assert_eq!(net.client.send(server, b"x"), failed(Error::BadSocket));
    net.client.close(client);
    net.client.close(client);
    assert_eq!(net.client.send(client, b"x"), failed(Error::BadSocket));
    net.client.close(server);
    net.pass(1);
    assert_eq!(net.server.recv(server, &mut [0; 1], false), Ok(0), "it was not the client's");
}
