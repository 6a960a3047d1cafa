//! Two devices on a network in memory, threads and all, in virtual time: minutes cost nothing, and a
//! moment is exact to a nap of the loop that waits.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::Arc;

use net::netdev::Platform;
use net::{Cause, Connection, DeviceError, Dialer, Instant, LookupErrorKind, Op, TcpConn};
use netdev_sim::{Internet, SimDevice, VirtualClock};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// The longest nap: how late a call may notice that it was closed, or its deadline moved.
const NAP: Duration = Duration::from_millis(10);

struct World {
    clock: VirtualClock,
    internet: Internet,
    client: &'static SimDevice,
    server: &'static SimDevice,
}

impl World {
    fn new() -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        internet.name("server.test", SERVER);
        let client = SimDevice::on(&internet, CLIENT).leak();
        let server = SimDevice::on(&internet, SERVER).leak();
        Self { clock, internet, client, server }
    }

    /// Both ends of a connection.
    fn pair(&self) -> (Arc<TcpConn>, Arc<TcpConn>) {
        let listener = net::listen_on(self.server, "tcp", ":80").unwrap();
        let conn = net::dial_on(self.client, "tcp", "server.test:http").unwrap();
        let Connection::Tcp(conn) = conn else { panic!("not TCP") };
        (Arc::new(conn), Arc::new(listener.accept().unwrap()))
    }

    /// Does `work` on another thread at this moment.
    fn at(&self, moment: Instant, work: impl FnOnce() + Send + 'static) -> netdev_sim::Task<()> {
        let clock = self.clock.clone();
        self.clock.spawn(move || {
            while clock.now() < moment {
                clock.idle(moment);
            }
            work();
        })
    }

    fn after(&self, length: Duration) -> Instant {
        self.clock.now() + length
    }

    fn assert_now(&self, moment: Instant) {
        let now = self.clock.now();
        assert!(now >= moment && now <= moment + NAP, "{now} is not {moment}");
    }
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn read_to_end(conn: &TcpConn) -> Vec<u8> {
    let (mut all, mut buf) = (Vec::new(), [0; 2048]);
    loop {
        match conn.read(&mut buf).unwrap() {
            0 => return all,
            count => all.extend(&buf[..count]),
        }
    }
}

#[test]
fn both_ends_know_each_other() {
    let world = World::new();
    let (ours, peers) = world.pair();
    assert_eq!(ours.remote_addr().unwrap().to_string(), "10.0.0.2:80");
    assert_eq!(ours.remote_addr(), peers.local_addr());
    assert_eq!(ours.local_addr(), peers.remote_addr());
}

#[test]
fn an_hour_passes_until_a_deadline() {
    let world = World::new();
    let _turn = world.clock.register();
    let (ours, _peers) = world.pair();
    let deadline = world.after(seconds(3600));
    ours.set_read_deadline(Some(deadline)).unwrap();
    let error = ours.read(&mut [0; 8]).unwrap_err();
    assert_eq!((error.op, error.cause), (Op::Read, Cause::DeadlineExceeded));
    world.assert_now(deadline);
}

#[test]
fn closing_from_another_thread_is_noticed_within_a_nap() {
    let world = World::new();
    let _turn = world.clock.register();
    let (ours, _peers) = world.pair();
    let moment = world.after(seconds(3));
    let closer = Arc::clone(&ours);
    let task = world.at(moment, move || closer.close().unwrap());
    let error = ours.read(&mut [0; 8]).unwrap_err();
    assert!(error.is_closed());
    world.assert_now(moment);
    task.join().unwrap();

    let listener = Arc::new(net::listen_on(world.server, "tcp", ":81").unwrap());
    let moment = world.after(seconds(3));
    let closer = Arc::clone(&listener);
    let task = world.at(moment, move || closer.close().unwrap());
    assert!(listener.accept().map(drop).unwrap_err().is_closed());
    world.assert_now(moment);
    task.join().unwrap();
}

#[test]
fn a_deadline_moved_by_another_thread_is_noticed_within_a_nap() {
    let world = World::new();
    let _turn = world.clock.register();
    let (ours, _peers) = world.pair();
    let (moved, new) = (world.after(seconds(2)), world.after(seconds(60)));
    ours.set_read_deadline(Some(world.after(seconds(5)))).unwrap();
    let mover = Arc::clone(&ours);
    let task = world.at(moved, move || mover.set_read_deadline(Some(new)).unwrap());
    assert!(ours.read(&mut [0; 8]).unwrap_err().timeout());
    world.assert_now(new);
    task.join().unwrap();

    let past = world.after(seconds(2));
    ours.set_read_deadline(None).unwrap();
    let mover = Arc::clone(&ours);
    let task = world.at(past, move || mover.set_read_deadline(Some(Instant::START)).unwrap());
    assert!(ours.read(&mut [0; 8]).unwrap_err().timeout());
    world.assert_now(past);
    task.join().unwrap();
}

#[test]
fn a_peer_that_stops_reading_stops_the_writer_at_its_deadline() {
    let world = World::new();
    let _turn = world.clock.register();
    let (ours, peers) = world.pair();
    let much: Vec<u8> = (0..1_000_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let deadline = world.after(seconds(30));
    ours.set_write_deadline(Some(deadline)).unwrap();
    let error = ours.write(&much).unwrap_err();
    assert!(error.timeout() && error.written > 0 && error.written < much.len());
    world.assert_now(deadline);

    // The count is right: writing on from there gives the peer every byte once.
    ours.set_write_deadline(None).unwrap();
    let (rest, writer) = (much[error.written..].to_vec(), Arc::clone(&ours));
    let task = world.clock.spawn(move || {
        writer.write(&rest).unwrap();
        writer.close_write().unwrap();
    });
    assert!(read_to_end(&peers) == much);
    task.join().unwrap();
}

#[test]
fn two_readers_share_what_comes_and_neither_loses_any() {
    let world = World::new();
    let _turn = world.clock.register();
    let (ours, peers) = world.pair();
    let tasks = [(); 2].map(|()| {
        let conn = Arc::clone(&ours);
        world.clock.spawn(move || {
            let (mut total, mut buf) = (0, [0; 64]);
            loop {
                match conn.read(&mut buf).unwrap() {
                    0 => return total,
                    count => total += count,
                }
            }
        })
    });
    for _ in 0..100 {
        peers.write(&[7; 33]).unwrap();
    }
    peers.close().unwrap();
    assert_eq!(tasks.into_iter().map(|task| task.join().unwrap()).sum::<usize>(), 3300);
}

#[test]
fn lines_of_two_writers_stay_whole() {
    let world = World::new();
    let _turn = world.clock.register();
    let (ours, peers) = world.pair();
    let tasks = [b'a', b'b'].map(|letter| {
        let conn = Arc::clone(&ours);
        world.clock.spawn(move || {
            for _ in 0..20 {
                // Larger than what the network takes at once.
                conn.write(&vec![letter; 30_000]).unwrap();
            }
        })
    });
    let reader = world.clock.spawn(move || read_to_end(&peers));
    tasks.into_iter().for_each(|task| task.join().unwrap());
    ours.close().unwrap();
    let all = reader.join().unwrap();
    assert_eq!(all.len(), 1_200_000);
    let torn = all.chunks(30_000).filter(|write| write.iter().any(|byte| *byte != write[0]));
    assert_eq!(torn.count(), 0);
}

#[test]
fn a_dial_gives_up_when_it_said_and_the_device_when_it_does() {
    let world = World::new();
    let _turn = world.clock.register();
    let start = world.clock.now();
    let dialer = Dialer::on(world.client).timeout(seconds(3));
    let error = dialer.dial("tcp", "10.9.9.9:80").map(drop).unwrap_err();
    assert_eq!(error.to_string(), "dial tcp 10.9.9.9:80: i/o timeout");
    world.assert_now(start + seconds(3));

    let start = world.clock.now();
    world.internet.set_connect_timeout(seconds(20));
    let error = net::dial_on(world.client, "tcp", "10.9.9.9:80").map(drop).unwrap_err();
    assert_eq!(error.cause, Cause::Device(DeviceError::TimedOut));
    assert!(error.timeout());
    world.assert_now(start + seconds(20));
}

#[test]
fn names_and_refusals_are_told() {
    let world = World::new();
    let error = net::dial_on(world.client, "tcp", "nobody.test:80").map(drop).unwrap_err();
    assert_eq!(error.cause, Cause::Lookup(LookupErrorKind::NoSuchHost));
    let error = net::dial_on(world.client, "tcp", "server.test:81").map(drop).unwrap_err();
    assert_eq!(error.to_string(), "dial tcp 10.0.0.2:81: connect: connection refused");
}

#[test]
fn datagrams_arrive_whole_or_cut_or_empty() {
    let world = World::new();
    let server = net::listen_packet_on(world.server, "udp", ":7").unwrap();
    let client = net::dial_on(world.client, "udp", "server.test:7").unwrap();
    client.write(b"").unwrap();
    client.write(b"0123456789").unwrap();
    let mut buf = [0; 4];
    let (count, from) = server.read_from(&mut buf).unwrap();
    let port = client.local_addr().unwrap().socket_addr().unwrap().port();
    assert_eq!((count, from), (0, (CLIENT, port).into()));
    assert_eq!(server.read_from(&mut buf), Ok((4, from)));
    assert_eq!(server.write_to(b"back", from), Ok(4));
    assert_eq!(client.read(&mut buf), Ok(4));
}

#[test]
fn a_device_out_of_sockets_leaves_the_client_in_the_queue() {
    let world = World::new();
    let _turn = world.clock.register();
    let device = SimDevice::on(&world.internet, Ipv4Addr::new(10, 0, 0, 3)).with_sockets(2).leak();
    let listener = net::listen_on(device, "tcp", ":80").unwrap();
    let clients = [(); 2].map(|()| net::dial_on(world.client, "tcp", "10.0.0.3:80").unwrap());
    let first = listener.accept().unwrap();
    let error = listener.accept().map(drop).unwrap_err();
    assert_eq!((error.op, error.cause), (Op::Accept, Cause::Device(DeviceError::NoSockets)));
    drop(first);
    let second = listener.accept().unwrap();
    assert_eq!(second.remote_addr(), clients[1].local_addr());
}
