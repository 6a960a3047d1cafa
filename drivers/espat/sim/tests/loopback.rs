//! Over the PC's own sockets, in real time: what the program does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

use core::time::Duration;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use espat_sim::{Config, Modem, Persona};
use netdev::{Platform, StdPlatform};
use netdev_sim::{Loopback, UartChip};

struct Table {
    modem: Modem,
    clock: StdPlatform,
}

impl Table {
    fn new() -> Self {
        let mut config = Config::new(&Persona::V4_1);
        config.boot = Duration::from_millis(1);
        (config.association, config.dhcp) = (Duration::from_millis(1), Duration::from_millis(1));
        config.latency = Duration::from_micros(100);
        let modem = Modem::new(config, Box::new(Loopback::new()));
        let mut table = Self { modem, clock: StdPlatform::new() };
        table.until("ready\r\n");
        for line in ["ATE0", "AT+CWMODE=1", "AT+CWJAP=\"test-ap\",\"test-pass\"", "AT+CIPMUX=1"] {
            table.ask(line);
        }
        table
    }

    /// Listens to the modem until it has said that, 10 s at most.
    fn until(&mut self, end: &str) -> Vec<u8> {
        let mut said = Vec::new();
        let mut buf = vec![0; 4096];
        let limit = self.clock.now() + Duration::from_secs(10);
        while !said.ends_with(end.as_bytes()) {
            assert!(self.clock.now() < limit, "{}", said.escape_ascii());
            let count = self.modem.transmit(&mut buf, self.clock.now());
            said.extend_from_slice(&buf[..count]);
            if count == 0 {
                thread::sleep(Duration::from_micros(100));
            }
        }
        said
    }

    fn ask(&mut self, line: &str) -> Vec<u8> {
        self.modem.receive(format!("{line}\r\n").as_bytes(), self.clock.now());
        self.until("\r\nOK\r\n")
    }
}

#[test]
fn a_client_and_a_server_of_this_pc_are_reached() {
    let mut table = Table::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let said = table.ask(&format!("AT+CIPSTART=4,\"TCP\",\"127.0.0.1\",{port}"));
    assert_eq!(said, b"4,CONNECT\r\n\r\nOK\r\n");
    let (mut peer, _) = listener.accept().unwrap();
    table.modem.receive(b"AT+CIPSEND=4,5\r\n", table.clock.now());
    table.until(">");
    table.modem.receive(b"hello", table.clock.now());
    table.until("SEND OK\r\n");
    let mut got = [0; 5];
    peer.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"hello");
    peer.write_all(b"back").unwrap();
    assert_eq!(table.until("back\r\n"), b"\r\n+IPD,4,4:back\r\n");
    drop(peer);
    assert_eq!(table.until("CLOSED\r\n"), b"4,CLOSED\r\n");
    let said = table.ask("AT+CIPDOMAIN=\"localhost\"");
    assert_eq!(said, b"+CIPDOMAIN:\"127.0.0.1\"\r\n\r\nOK\r\n");
}

#[test]
fn what_is_not_read_reaches_the_peer_as_back_pressure() {
    let mut table = Table::new();
    table.ask("AT+CIPRECVTYPE=5,1");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    table.ask(&format!("AT+CIPSTART=4,\"TCP\",\"127.0.0.1\",{port}"));
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_nonblocking(true).unwrap();
    let piece = vec![b'x'; 65_536];
    let mut sent = 0_usize;
    let mut full = 0;
    while full < 20 {
        match peer.write(&piece) {
            Ok(count) => (sent, full) = (sent + count, 0),
            Err(_) => full += 1,
        }
        table.modem.transmit(&mut [0; 64], table.clock.now());
        thread::sleep(Duration::from_millis(1));
        assert!(sent < 64 << 20, "nothing stops it");
    }
    let said = table.ask("AT+CIPRECVLEN?");
    assert!(said.ends_with(b"+CIPRECVLEN:0,0,0,0,5760\r\n\r\nOK\r\n"), "{}", said.escape_ascii());
    // Reading makes room.
    for _ in 0..40 {
        table.modem.receive(b"AT+CIPRECVDATA=4,5760\r\n", table.clock.now());
        table.until("\r\n+IPD,4,5760\r\n");
    }
}

#[test]
fn callers_of_this_pc_come_in() {
    let mut table = Table::new();
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    table.ask(&format!("AT+CIPSERVER=1,{port}"));
    let mut caller = TcpStream::connect(("127.0.0.1", port)).unwrap();
    assert_eq!(table.until("CONNECT\r\n"), b"0,CONNECT\r\n");
    caller.write_all(b"hi").unwrap();
    assert_eq!(table.until("hi\r\n"), b"\r\n+IPD,0,2:hi\r\n");
    table.ask("AT+CIPCLOSE=0");
    assert_eq!(caller.read(&mut [0; 4]).unwrap(), 0);
}
