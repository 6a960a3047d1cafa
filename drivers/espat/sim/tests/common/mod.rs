//! A modem on a table: virtual time, a network in memory, and whoever is at the other end.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do, and no test needs all of them"
)]

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use espat_sim::{Config, Counters, Modem, Monitor, Persona};
use netdev::Platform;
use netdev_sim::{Internet, Node, Sock, Stack, UartChip, VirtualClock};

pub(crate) const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

pub(crate) struct Bench {
    pub(crate) clock: VirtualClock,
    pub(crate) internet: Internet,
    pub(crate) modem: Modem,
    pub(crate) monitor: Monitor,
    pub(crate) peer: Node,
}

impl Bench {
    /// Switched on, `ready` not yet read.
    pub(crate) fn cold(config: Config) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let modem = Modem::new(config, Box::new(internet.node(HERE)));
        let (monitor, peer) = (modem.monitor(), internet.node(PEER));
        internet.name("peer.test", PEER);
        Self { clock, internet, modem, monitor, peer }
    }

    /// Started, with echo off.
    pub(crate) fn with(config: Config) -> Self {
        let mut bench = Self::cold(config);
        assert!(bench.run(400).ends_with("\r\nready\r\n"));
        assert_eq!(bench.ask("ATE0"), "ATE0\r\n\r\nOK\r\n");
        bench
    }

    pub(crate) fn new(persona: &'static Persona) -> Self {
        Self::with(Config::new(persona))
    }

    /// Started, joined, with several links, and nothing said of it.
    pub(crate) fn online(persona: &'static Persona) -> Self {
        Self::online_with(Config::new(persona))
    }

    pub(crate) fn online_with(config: Config) -> Self {
        let mut bench = Self::with(config);
        assert_eq!(bench.ask("AT+CWMODE=1"), "\r\nOK\r\n");
        let joined = bench.ask_for("AT+CWJAP=\"test-ap\",\"test-pass\"", 300);
        assert_eq!(joined, "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n");
        assert_eq!(bench.ask("AT+CIPMUX=1"), "\r\nOK\r\n");
        bench
    }

    /// Lets so many milliseconds pass; what the modem said.
    pub(crate) fn run(&mut self, millis: u64) -> String {
        let mut said = Vec::new();
        let end = self.clock.now() + Duration::from_millis(millis);
        let mut buf = vec![0; 4096];
        while self.clock.now() < end {
            self.clock.spend(Duration::from_micros(100));
            let count = self.modem.transmit(&mut buf, self.clock.now());
            said.extend_from_slice(&buf[..count]);
        }
        text(&said)
    }

    /// One chunk, and what was said within 10 ms.
    pub(crate) fn chunk(&mut self, bytes: &[u8]) -> String {
        self.chunk_for(bytes, 10)
    }

    pub(crate) fn chunk_for(&mut self, bytes: &[u8], millis: u64) -> String {
        self.modem.receive(bytes, self.clock.now());
        self.run(millis)
    }

    /// One chunk, and nobody looks what comes of it yet.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.modem.receive(bytes, self.clock.now());
    }

    /// A command, and what was said within 10 ms.
    pub(crate) fn ask(&mut self, command: &str) -> String {
        self.ask_for(command, 10)
    }

    pub(crate) fn ask_for(&mut self, command: &str, millis: u64) -> String {
        self.chunk_for(format!("{command}\r\n").as_bytes(), millis)
    }

    /// Commands that have nothing to tell.
    pub(crate) fn set(&mut self, commands: &[&str]) {
        for command in commands {
            assert_eq!(self.ask(command), "\r\nOK\r\n", "{command}");
        }
    }

    /// The other end listens; give the listener to [`Self::caller`].
    pub(crate) fn serve(&mut self, port: u16) -> Sock {
        self.peer.listen(port, 5).unwrap()
    }

    /// Takes the connection that the modem has made.
    pub(crate) fn caller(&mut self, listener: Sock) -> Sock {
        self.peer.accept(listener).unwrap().0
    }

    /// Link `id` to a port of the other end, which is returned.
    pub(crate) fn link(&mut self, id: u8, port: u16) -> Sock {
        let listener = self.serve(port);
        let said = self.ask(&format!("AT+CIPSTART={id},\"TCP\",\"10.0.0.9\",{port}"));
        assert_eq!(said, format!("{id},CONNECT\r\n\r\nOK\r\n"));
        self.caller(listener)
    }

    /// The other end calls the modem's server.
    pub(crate) fn call(&mut self, port: u16) -> Sock {
        self.peer.connect(SocketAddr::from((HERE, port))).unwrap()
    }

    /// The other end sends.
    pub(crate) fn send(&mut self, sock: Sock, data: &[u8]) {
        assert_eq!(self.peer.send(sock, data), Ok(data.len()));
    }

    /// What has come to the other end.
    pub(crate) fn received(&mut self, sock: Sock) -> Vec<u8> {
        let mut all = Vec::new();
        let mut buf = vec![0; 4096];
        while let Ok(count @ 1..) = self.peer.recv(sock, &mut buf, false) {
            all.extend_from_slice(&buf[..count]);
        }
        all
    }

    pub(crate) fn counters(&self) -> Counters {
        self.monitor.counters()
    }

    /// The counters' offences, by name.
    pub(crate) fn offences(&self) -> Vec<(&'static str, u64)> {
        let list = self.counters().offence_list();
        list.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

/// Bytes as a string, one character for each.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
