//! One device, many threads.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests")]

mod common;

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::net::TcpStream;
use std::sync::mpsc;
use std::thread;

use common::{LONG, Sock, device, far, noise, pair};
use netdev::{Error, Netdev, Platform, SockFlags, Stopped};
use netdev_host::HostDevice;

/// As [`netdev::wait`], with naps so long that a lost wake-up is noticed.
fn block<T>(device: &HostDevice, mut op: impl FnMut() -> nb::Result<T, Error>) -> Result<T, Error> {
    let until = far(device);
    loop {
        match op() {
            Ok(value) => return Ok(value),
            Err(nb::Error::Other(error)) => return Err(error),
            Err(nb::Error::WouldBlock) => {}
        }
        device.drive();
        device.idle(until);
        assert!(device.now() < until, "a wake-up was lost");
    }
}

fn send_all(socket: &Sock, mut data: &[u8]) {
    while !data.is_empty() {
        let sent =
            block(socket.device, || socket.device.send(socket.fd, data, SockFlags::NONE)).unwrap();
        data = &data[sent..];
    }
}

fn recv_exact(socket: &Sock, buf: &mut [u8]) {
    let mut filled = 0;
    while filled < buf.len() {
        let rest = &mut buf[filled..];
        let got =
            block(socket.device, || socket.device.recv(socket.fd, rest, SockFlags::NONE)).unwrap();
        assert_ne!(got, 0, "early end");
        filled += got;
    }
}

#[test]
fn no_wake_up_is_lost_between_threads_that_answer_each_other() {
    let device = device();
    let pairs: Vec<(Sock, Sock)> = (0..4).map(|_| pair(device)).collect();
    thread::scope(|scope| {
        for (n, (client, server)) in (0_u8..).zip(&pairs) {
            scope.spawn(move || {
                for round in 0..1000_u32 {
                    let mut buf = [0; 5];
                    recv_exact(server, &mut buf);
                    assert_eq!(buf[..4], round.to_le_bytes());
                    send_all(server, &[n; 3]);
                }
            });
            scope.spawn(move || {
                for round in 0..1000_u32 {
                    let [a, b, c, d] = round.to_le_bytes();
                    send_all(client, &[a, b, c, d, n]);
                    let mut buf = [0; 3];
                    recv_exact(client, &mut buf);
                    assert_eq!(buf, [n; 3]);
                }
            });
        }
    });
}

#[test]
fn both_directions_of_one_connection_run_at_once() {
    let device = device();
    let (client, server) = pair(device);
    let data = noise(1 << 19);
    thread::scope(|scope| {
        scope.spawn(|| send_all(&client, &data));
        scope.spawn(|| send_all(&server, &data));
        let other = scope.spawn(|| {
            let mut got = vec![0; data.len()];
            recv_exact(&server, &mut got);
            assert!(got == data);
        });
        let mut got = vec![0; data.len()];
        recv_exact(&client, &mut got);
        assert!(got == data);
        other.join().unwrap();
    });
}

#[test]
fn closing_ends_a_call_that_another_thread_waits_in() {
    let device = device();
    let (client, server) = pair(device);
    let listener = Sock::listener(device);
    let (fd, listening) = (server.fd, listener.fd);
    let pending = AtomicBool::new(false);
    let (about_to, begun) = mpsc::channel();
    thread::scope(|scope| {
        let about_to_accept = about_to.clone();
        let reading = scope.spawn(move || {
            about_to.send(()).unwrap();
            block(device, || device.recv(fd, &mut [0; 4], SockFlags::NONE))
        });
        let accepting = scope.spawn(move || {
            about_to_accept.send(()).unwrap();
            block(device, || device.accept(listening)).map(drop)
        });
        for _ in 0..2 {
            begun.recv_timeout(LONG).unwrap();
        }
        pending.store(true, Ordering::Relaxed);
        drop((server, listener));
        assert_eq!(reading.join().unwrap(), Err(Error::BadSocket));
        assert_eq!(accepting.join().unwrap(), Err(Error::BadSocket));
    });
    assert_eq!(client.recv(&mut [0; 4]), Ok(0));
}

#[test]
fn a_deadline_moved_by_another_thread_ends_a_call() {
    use std::sync::Mutex;
    let device = device();
    let (_client, server) = pair(device);
    let deadline = Mutex::new(None);
    let (tried, told) = mpsc::channel();
    thread::scope(|scope| {
        let (server, deadline) = (&server, &deadline);
        let reading = scope.spawn(move || {
            netdev::wait(
                device,
                || *deadline.lock().unwrap(),
                || {
                    let _ = tried.send(());
                    device.recv(server.fd, &mut [0; 4], SockFlags::NONE)
                },
            )
        });
        told.recv_timeout(LONG).unwrap();
        *deadline.lock().unwrap() = Some(device.now());
        assert_eq!(reading.join().unwrap(), Err(Stopped::Deadline));
    });
}

#[test]
fn a_server_loop_and_blocking_clients_share_a_device() {
    use netdev::Readiness;
    let device = device();
    let listener = Sock::listener(device);
    let addr = listener.addr();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(move || {
                    for round in 0..200_u32 {
                        let client = Sock::tcp(device);
                        block(device, || device.connect(client.fd, netdev::Remote::Addr(addr)))
                            .unwrap();
                        send_all(&client, &round.to_le_bytes());
                        let mut buf = [0; 4];
                        recv_exact(&client, &mut buf);
                        assert_eq!(buf, round.to_le_bytes());
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            let mut conns: Vec<Sock> = Vec::new();
            while !done.load(Ordering::Relaxed) {
                while let Ok((fd, _)) = device.accept(listener.fd) {
                    conns.push(Sock { device, fd });
                }
                let mut after = None;
                while let Readiness::Socket(fd) = device.next_ready(after) {
                    after = Some(fd);
                    let Some(at) = conns.iter().position(|conn| conn.fd == fd) else { continue };
                    let mut buf = [0; 16];
                    match device.recv(fd, &mut buf, SockFlags::NONE) {
                        Ok(0) | Err(nb::Error::Other(_)) => drop(conns.swap_remove(at)),
                        Ok(got) => send_all(&conns[at], &buf[..got]),
                        Err(nb::Error::WouldBlock) => {}
                    }
                }
                device.idle(device.now() + Duration::from_millis(10));
            }
        });
        for client in clients {
            client.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    drop(TcpStream::connect(addr).unwrap());
}
