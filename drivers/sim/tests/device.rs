//! Devices on the network in memory, through the seam. Nothing here sleeps.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{
    AddressFamily, Error, Netdev, Platform, Protocol, Readiness, Remote, Side, SockFd, SockFlags,
    SockOpt, SockType, StdPlatform, Stopped, wait,
};
use netdev_sim::{Internet, Loopback, SimDevice, VirtualClock};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const ANY: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const NO: SockFlags = SockFlags::NONE;

fn devices() -> (VirtualClock, Internet, SimDevice, SimDevice) {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    let (server, client) = (SimDevice::on(&internet, SERVER), SimDevice::on(&internet, CLIENT));
    (clock, internet, server, client)
}

/// Waits for an answer, for a minute at most.
fn settle<T>(
    device: &SimDevice,
    call: impl FnMut() -> nb::Result<T, Error>,
) -> Result<T, Stopped<Error>> {
    let deadline = device.platform().now() + Duration::from_secs(60);
    wait(device, || Some(deadline), call)
}

fn stream(device: &SimDevice) -> SockFd {
    device.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp).unwrap()
}

fn datagrams(device: &SimDevice, port: u16) -> SockFd {
    let fd = device.socket(AddressFamily::Inet, SockType::Dgram, Protocol::Udp).unwrap();
    device.bind(fd, (ANY, port).into()).unwrap();
    fd
}

fn listen(device: &SimDevice, port: u16, backlog: u16) -> SockFd {
    let fd = stream(device);
    device.bind(fd, (ANY, port).into()).unwrap();
    device.listen(fd, backlog).unwrap();
    fd
}

fn dial(device: &SimDevice, to: impl Into<SocketAddr>) -> Result<SockFd, Stopped<Error>> {
    let (fd, to) = (stream(device), to.into());
    settle(device, || device.connect(fd, Remote::Addr(to))).map(|()| fd)
}

fn pair(server: &SimDevice, client: &SimDevice) -> (SockFd, SockFd) {
    let listener = listen(server, 80, 1);
    let dialled = dial(client, (server.addr().unwrap().addr, 80)).unwrap();
    let (accepted, _) = settle(server, || server.accept(listener)).unwrap();
    server.close(listener);
    (accepted, dialled)
}

fn send_all(device: &SimDevice, fd: SockFd, mut data: &[u8]) {
    while !data.is_empty() {
        let sent = settle(device, || device.send(fd, data, NO)).unwrap();
        data = &data[sent..];
    }
}

fn recv_to_end(device: &SimDevice, fd: SockFd) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), [0; 1500]);
    loop {
        match settle(device, || device.recv(fd, &mut buf, NO)).unwrap() {
            0 => return all,
            length => all.extend_from_slice(&buf[..length]),
        }
    }
}

fn noise(length: u32, seed: u32) -> Vec<u8> {
    (0..length).map(|n| ((n ^ seed).wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Sends `data` and receives to the end at the same time, in one loop.
fn exchange(device: &SimDevice, fd: SockFd, data: &[u8]) -> Vec<u8> {
    let (mut rest, mut back, mut buf, mut ended) = (data, Vec::new(), [0; 1500], false);
    while !ended {
        settle(device, || {
            let mut moved = false;
            if let Ok(sent) = device.send(fd, rest, NO).map(|sent| (sent, !rest.is_empty())) {
                rest = &rest[sent.0..];
                moved |= sent.1;
                if sent.1 && rest.is_empty() {
                    device.shutdown(fd, Side::Write)?;
                }
            }
            match device.recv(fd, &mut buf, NO) {
                Ok(0) => ended = true,
                Ok(length) => back.extend_from_slice(&buf[..length]),
                Err(error) if !moved => return Err(error),
                Err(_) => {}
            }
            Ok(())
        })
        .unwrap();
    }
    back
}

#[test]
fn a_megabyte_each_way_at_once_is_intact_and_takes_the_time_of_its_windows() {
    let run = || {
        let (clock, internet, server, client) = devices();
        internet.set_delay(Duration::from_millis(20));
        let _registered = clock.register();
        let listener = listen(&server, 80, 1);
        let task = clock.spawn(move || {
            let (fd, _) = settle(&server, || server.accept(listener)).unwrap();
            let got = exchange(&server, fd, &noise(1 << 20, 1));
            server.close(fd);
            got
        });
        let fd = dial(&client, (SERVER, 80)).unwrap();
        let got = exchange(&client, fd, &noise(1 << 20, 2));
        assert!(got == noise(1 << 20, 1));
        assert!(task.join().unwrap() == noise(1 << 20, 2));
        clock.now()
    };
    let (took, again) = (run(), run());
    assert_eq!(took, again, "with two threads, to the microsecond");
    // A window of 64 KiB per 40 ms of round trip, and 16 of them.
    assert!((640_000..1_000_000).contains(&took.as_micros()), "{took}");
}

#[test]
fn a_stream_ends_after_all_its_data() {
    let (_, _, server, client) = devices();
    let (served, dialled) = pair(&server, &client);
    send_all(&client, dialled, b"all of it");
    client.close(dialled);
    assert_eq!(recv_to_end(&server, served), b"all of it");
    assert_eq!(server.recv(served, &mut [0; 4], NO), Ok(0));
}

#[test]
fn refused_and_silent_hosts_say_so_and_the_socket_can_call_again() {
    let (clock, internet, server, client) = devices();
    let fd = stream(&client);
    let call = |to: Ipv4Addr| settle(&client, || client.connect(fd, Remote::Addr((to, 80).into())));
    assert_eq!(call(SERVER), Err(Stopped::Failed(Error::ConnectionRefused)));
    internet.set_connect_timeout(Duration::from_secs(5));
    let start = clock.now();
    assert_eq!(call([10, 9, 9, 9].into()), Err(Stopped::Failed(Error::TimedOut)));
    assert_eq!(clock.now().saturating_since(start), Duration::from_secs(5));
    let _listener = listen(&server, 80, 1);
    assert_eq!(call(SERVER), Ok(()));
    assert_eq!(client.peer_addr(fd), Ok((SERVER, 80).into()));
}

#[test]
fn a_call_under_way_is_in_flight() {
    let (_, _, server, client) = devices();
    let _listener = listen(&server, 80, 1);
    let fd = stream(&client);
    let remote = Remote::Addr((SERVER, 80).into());
    assert_eq!(client.connect(fd, remote), Err(nb::Error::WouldBlock));
    assert!(client.in_flight(fd, Side::Write) && !client.in_flight(fd, Side::Read));
    let other = Remote::Addr((SERVER, 81).into());
    assert_eq!(client.connect(fd, other), Err(nb::Error::Other(Error::InvalidState)));
    assert_eq!(settle(&client, || client.connect(fd, remote)), Ok(()));
    assert!(!client.in_flight(fd, Side::Write));
}

#[test]
fn the_backlog_holds_so_many_and_the_next_one_comes_in_later() {
    let (clock, _, server, client) = devices();
    let listener = listen(&server, 80, 3);
    for _ in 0..3 {
        dial(&client, (SERVER, 80)).unwrap();
    }
    let late = stream(&client);
    let remote = Remote::Addr((SERVER, 80).into());
    let soon = clock.now() + Duration::from_millis(500);
    assert_eq!(
        wait(&client, || Some(soon), || client.connect(late, remote)),
        Err(Stopped::Deadline)
    );
    settle(&server, || server.accept(listener)).unwrap();
    assert_eq!(settle(&client, || client.connect(late, remote)), Ok(()));
}

#[test]
fn a_reset_is_told_and_linger_of_zero_makes_one() {
    let (_, _, server, client) = devices();
    let (served, dialled) = pair(&server, &client);
    server.set_sock_opt(served, SockOpt::Linger(Some(Duration::ZERO))).unwrap();
    server.close(served);
    let reset = Stopped::Failed(Error::ConnectionReset);
    assert_eq!(settle(&client, || client.recv(dialled, &mut [0; 4], NO)), Err(reset));
    let unsupported = nb::Error::Other(Error::Unsupported);
    let option = SockOpt::KeepAlive(Some(Duration::from_secs(1)));
    assert_eq!(client.set_sock_opt(dialled, option), Err(unsupported));
}

#[test]
fn half_close_leaves_the_other_direction_open() {
    let (_, _, server, client) = devices();
    let (served, dialled) = pair(&server, &client);
    send_all(&client, dialled, b"question");
    client.shutdown(dialled, Side::Write).unwrap();
    assert_eq!(recv_to_end(&server, served), b"question");
    send_all(&server, served, b"answer");
    server.close(served);
    assert_eq!(recv_to_end(&client, dialled), b"answer");
}

#[test]
fn sockets_run_out_and_a_connection_waits_for_one() {
    let (_, _, server, client) = devices();
    let server = server.with_sockets(2);
    let (listener, spare) = (listen(&server, 80, 4), stream(&server));
    assert_eq!(server.capabilities().sockets, 2);
    let none = nb::Error::Other(Error::NoSockets);
    let more = server.socket(AddressFamily::Inet, SockType::Stream, Protocol::Tcp);
    assert_eq!(more, Err(none));
    assert_eq!(server.accept(listener), Err(nb::Error::WouldBlock));
    let dialled = dial(&client, (SERVER, 80)).unwrap();
    assert_eq!(server.accept(listener), Err(nb::Error::Other(Error::NoSockets)));
    server.close(spare);
    let (served, _) = settle(&server, || server.accept(listener)).unwrap();
    send_all(&client, dialled, b"x");
    assert_eq!(settle(&server, || server.recv(served, &mut [0; 4], NO)), Ok(1));
}

#[test]
fn stale_handles_are_bad_also_when_the_slot_has_a_new_owner() {
    let (_, _, _, client) = devices();
    let first = stream(&client);
    client.close(first);
    client.close(first);
    let second = stream(&client);
    assert_eq!(first.slot(), second.slot());
    assert_eq!(client.local_addr(first), Err(nb::Error::Other(Error::BadSocket)));
    assert!(client.local_addr(second).is_ok());
}

#[test]
fn a_thousand_connections_leave_nothing_behind() {
    let (_, _, server, client) = devices();
    let (server, client) = (server.with_sockets(2), client.with_sockets(1));
    let listener = listen(&server, 80, 1);
    for _ in 0..1_000 {
        let dialled = dial(&client, (SERVER, 80)).unwrap();
        let (served, _) = settle(&server, || server.accept(listener)).unwrap();
        client.close(dialled);
        assert_eq!(recv_to_end(&server, served), b"");
        server.close(served);
    }
}

#[test]
fn readiness_is_honest_and_not_consumed() {
    let (_, _, server, client) = devices();
    let listener = listen(&server, 80, 4);
    let inbox = datagrams(&server, 53);
    assert_eq!(server.next_ready(None), Readiness::None);
    let dialled = dial(&client, (SERVER, 80)).unwrap();
    for _ in 0..3 {
        assert_eq!(server.next_ready(None), Readiness::Socket(listener));
        assert_eq!(server.next_ready(Some(listener)), Readiness::None);
    }
    let (served, _) = server.accept(listener).unwrap();
    assert_eq!(server.next_ready(None), Readiness::None);
    send_all(&client, dialled, b"x");
    let outbox = datagrams(&client, 0);
    client.send_to(outbox, b"", (SERVER, 53).into(), NO).unwrap();
    server.platform().idle(server.platform().now() + Duration::from_millis(1));
    assert_eq!(server.next_ready(None), Readiness::Socket(inbox));
    assert_eq!(server.next_ready(Some(inbox)), Readiness::Socket(served));
    assert_eq!(server.next_ready(Some(served)), Readiness::None);
    assert!(server.recv(served, &mut [0; 4], NO).is_ok());
    assert!(server.recv(inbox, &mut [0; 4], NO).is_ok());
    assert_eq!(server.next_ready(None), Readiness::None);
    client.close(dialled);
    server.platform().idle(server.platform().now() + Duration::from_millis(1));
    assert_eq!(server.next_ready(None), Readiness::Socket(served), "the end is news, too");
}

#[test]
fn ports_are_known_once_bound_and_taken_once() {
    let (_, _, server, client) = devices();
    let fd = stream(&server);
    server.bind(fd, (ANY, 0).into()).unwrap();
    let bound = server.local_addr(fd).unwrap();
    assert_ne!(bound.port(), 0);
    let other = stream(&server);
    let taken = nb::Error::Other(Error::AddrInUse);
    assert_eq!(server.bind(other, bound), Err(taken));
    let refused = Stopped::Failed(Error::ConnectionRefused);
    assert_eq!(dial(&client, (SERVER, bound.port())), Err(refused), "bound, but not listening");
    server.listen(fd, 1).unwrap();
    assert_eq!(server.local_addr(fd), Ok(bound));
    assert_eq!(server.bind(other, bound), Err(nb::Error::Other(Error::AddrInUse)));
    assert!(dial(&client, (SERVER, bound.port())).is_ok());
    let _same_number = datagrams(&server, bound.port());
    let elsewhere = server.bind(other, ([10, 0, 0, 77], 80).into());
    assert_eq!(elsewhere, Err(nb::Error::Other(Error::AddrNotAvailable)));
}

#[test]
fn a_socket_bound_to_loopback_hears_only_its_own_node() {
    let (clock, _, server, client) = devices();
    let listener = stream(&server);
    server.bind(listener, (Ipv4Addr::LOCALHOST, 80).into()).unwrap();
    server.listen(listener, 2).unwrap();
    let stranger = dial(&client, (SERVER, 80)).unwrap();
    assert_eq!(server.accept(listener), Err(nb::Error::WouldBlock));
    let reset = Stopped::Failed(Error::ConnectionReset);
    assert_eq!(settle(&client, || client.recv(stranger, &mut [0; 4], NO)), Err(reset));
    let own = dial(&server, (Ipv4Addr::LOCALHOST, 80)).unwrap();
    let (_, peer) = server.accept(listener).unwrap();
    assert_eq!(server.local_addr(own), Ok(peer));
    assert!(clock.now().as_micros() < 1_000_000);
}

#[test]
fn datagrams_have_senders_true_lengths_and_may_be_empty() {
    let (_, _, server, client) = devices();
    let (inbox, outbox) = (datagrams(&server, 53), datagrams(&client, 0));
    client.send_to(outbox, b"0123456789", (SERVER, 53).into(), NO).unwrap();
    client.send_to(outbox, b"", (SERVER, 53).into(), NO).unwrap();
    let mut buf = [0; 4];
    let (length, from) =
        settle(&server, || server.recv_from(inbox, &mut buf, SockFlags::PEEK)).unwrap();
    assert_eq!((length, &buf), (10, b"0123"));
    assert_eq!(from, (CLIENT, client.local_addr(outbox).unwrap().port()).into());
    assert_eq!(server.recv(inbox, &mut buf, NO), Ok(4), "a receive tells what it filled");
    assert_eq!(server.recv_from(inbox, &mut buf, NO), Ok((0, from)));
    let unknown = client.send(outbox, b"x", NO);
    assert_eq!(unknown, Err(nb::Error::Other(Error::DestinationRequired)));
}

#[test]
fn a_datagram_socket_with_a_peer_hears_only_that_one() {
    let (_, internet, server, client) = devices();
    let third = SimDevice::on(&internet, [10, 0, 0, 3].into());
    let (inbox, outbox, noise) =
        (datagrams(&server, 53), datagrams(&client, 1000), datagrams(&third, 1000));
    server.connect(inbox, Remote::Addr((CLIENT, 1000).into())).unwrap();
    third.send_to(noise, b"noise", (SERVER, 53).into(), NO).unwrap();
    client.send_to(outbox, b"call", (SERVER, 53).into(), NO).unwrap();
    let mut buf = [0; 8];
    assert_eq!(settle(&server, || server.recv(inbox, &mut buf, NO)), Ok(4));
    assert_eq!(&buf[..4], b"call");
    server.send(inbox, b"back", NO).unwrap();
    assert_eq!(settle(&client, || client.recv(outbox, &mut buf, NO)), Ok(4));
    let elsewhere = server.send_to(inbox, b"x", (CLIENT, 1).into(), NO);
    assert_eq!(elsewhere, Err(nb::Error::Other(Error::InvalidState)));
}

#[test]
fn names_are_looked_up_by_token() {
    let (_, internet, server, _) = devices();
    internet.name("host.test", CLIENT);
    internet.name("host.test", SERVER);
    let look = |name: &str, family| {
        let token = server.get_host_by_name(name, family)?;
        let mut out = [IpAddr::from([0; 4]); 4];
        let found = settle(&server, || server.lookup_result(token, &mut out));
        server.end_lookup(token);
        let mut one = [IpAddr::from([0; 4])];
        let ended = server.lookup_result(token, &mut one);
        assert_eq!(ended, Err(nb::Error::Other(Error::BadSocket)));
        found.map(|length| out[..length].to_vec()).map_err(|stopped| match stopped {
            Stopped::Failed(error) => nb::Error::Other(error),
            Stopped::Deadline => nb::Error::WouldBlock,
        })
    };
    let unknown = || Err(nb::Error::Other(Error::HostUnknown));
    assert_eq!(look("host.test", None), Ok(vec![CLIENT.into(), SERVER.into()]));
    assert_eq!(look("10.1.1.1", None), Ok(vec![[10, 1, 1, 1].into()]));
    assert_eq!(look("host.test", Some(AddressFamily::Inet6)), unknown());
    assert_eq!(look("other.test", None), unknown());
    assert_eq!(look("no name", None), unknown());
    assert_eq!(look(&"x".repeat(64), None), unknown());
    assert_eq!(look("", None), unknown());
}

#[test]
fn what_the_device_does_not_have_is_unsupported() {
    let (_, _, server, _) = devices();
    let unsupported = || Err(nb::Error::Other(Error::Unsupported));
    use {AddressFamily as Family, Protocol as Proto, SockType as Type};
    assert_eq!(server.socket(Family::Inet6, Type::Stream, Proto::Tcp), unsupported());
    assert_eq!(server.socket(Family::Inet, Type::Stream, Proto::Tls), unsupported());
    let fd = stream(&server);
    let host = server.connect(fd, Remote::Host("host.test", 80));
    assert_eq!(host, Err(nb::Error::Other(Error::InvalidInput)));
}

#[test]
fn two_devices_on_real_loopback_sockets_talk() {
    let device = || SimDevice::new(Loopback::new(), StdPlatform::new());
    let (server, client) = (device(), device());
    let listener = listen(&server, 0, 1);
    let port = server.local_addr(listener).unwrap().port();
    let fd = dial(&client, (Ipv4Addr::LOCALHOST, port)).unwrap();
    let (served, _) = settle(&server, || server.accept(listener)).unwrap();
    send_all(&client, fd, b"over the kernel");
    client.close(fd);
    assert_eq!(recv_to_end(&server, served), b"over the kernel");
}
