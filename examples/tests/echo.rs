//! The echo servers.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, UdpSocket};
use std::thread;

use common::{DEVICES, LIMIT, Running, connect};

const TCPECHO: &str = env!("CARGO_BIN_EXE_tcpecho");
const UDP_ECHO: &str = env!("CARGO_BIN_EXE_udp_echo");

#[test]
fn tcpecho_serves_several_clients_at_once() {
    for device in DEVICES {
        let (_server, addr) = Running::server(TCPECHO, &["--device", device]);
        thread::scope(|scope| {
            for n in 0..4_u8 {
                scope.spawn(move || {
                    let data: Vec<u8> = (0..50_000_u32).map(|at| at.to_le_bytes()[1] ^ n).collect();
                    let mut stream = connect(addr);
                    let mut writer = stream.try_clone().unwrap();
                    let sent = data.clone();
                    let writing = thread::spawn(move || writer.write_all(&sent).unwrap());
                    let mut back = vec![0; data.len()];
                    stream.read_exact(&mut back).unwrap();
                    writing.join().unwrap();
                    assert!(back == data, "{device}: client {n} got other bytes back");
                });
            }
        });
    }
}

#[test]
fn tcpecho_finishes_what_a_client_that_has_ended_still_gets() {
    let (_server, addr) = Running::server(TCPECHO, &["--device", "host"]);
    let mut stream = connect(addr);
    stream.write_all(&vec![b'e'; 9000]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    assert_eq!(back, vec![b'e'; 9000]);
}

#[test]
fn a_client_that_never_reads_stops_nobody_else() {
    for device in DEVICES {
        let (_server, addr) = Running::server(TCPECHO, &["--device", device]);
        let mut stalled = connect(addr);
        stalled.set_nonblocking(true).unwrap();
        let mut quick = connect(addr);
        for _ in 0..10 {
            // As much as the pipe takes.
            let _ = stalled.write_all(&vec![b's'; 1 << 20]);
            quick.write_all(b"still there?").unwrap();
            quick.read_exact(&mut [0; 12]).unwrap();
        }
    }
}

#[test]
fn udp_echo_sends_each_datagram_back() {
    for device in DEVICES {
        let (_server, addr) = Running::server(UDP_ECHO, &["--device", device]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        for length in [1, 17, 1400] {
            let data = vec![b'u'; length];
            socket.send_to(&data, addr).unwrap();
            let mut back = [0; 2000];
            let (got, from) = socket.recv_from(&mut back).unwrap();
            assert_eq!((&back[..got], from), (&data[..], addr), "{device}");
        }
    }
}
