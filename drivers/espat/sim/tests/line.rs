//! On a serial line in virtual time: rates, pieces, and how much of the line is payload.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

use core::net::Ipv4Addr;
use core::time::Duration;

use espat_sim::{Config, Modem, Monitor, Persona};
use netdev::Platform;
use netdev_sim::{Internet, Node, SimLink, Sock, Stack, UartBench, VirtualClock};
use netdev_uart::UartLink;

const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// A host that does what the document says, and no more.
struct Host {
    clock: VirtualClock,
    link: SimLink,
    monitor: Monitor,
    peer: Node,
}

impl Host {
    fn new(baud: u32) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let mut config = Config::new(&Persona::V4_1);
        config.baud = baud;
        let modem = Modem::new(config, Box::new(internet.node(HERE)));
        let monitor = modem.monitor();
        let bench = UartBench::new(modem, clock.clone(), baud);
        let link = bench.link(2304);
        let mut host = Self { clock, link, monitor, peer: internet.node(PEER) };
        host.until("ready\r\n");
        for line in ["ATE0", "AT+CWMODE=1", "AT+CWJAP=\"test-ap\",\"test-pass\"", "AT+CIPMUX=1"] {
            host.ask(line);
        }
        host.ask("AT+CIPRECVTYPE=5,1");
        host
    }

    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let count = self.link.write(bytes).unwrap();
            bytes = &bytes[count..];
            if count == 0 {
                self.clock.idle(self.clock.now() + Duration::from_micros(20));
            }
        }
    }

    fn until(&mut self, end: &str) -> Vec<u8> {
        let mut said = Vec::new();
        let limit = self.clock.now() + Duration::from_secs(20);
        let mut buf = [0; 1];
        while !said.ends_with(end.as_bytes()) {
            match self.link.read(&mut buf).unwrap() {
                0 => self.clock.idle(self.clock.now() + Duration::from_micros(20)),
                _ => said.push(buf[0]),
            }
            assert!(self.clock.now() < limit, "{}", said.escape_ascii());
        }
        said
    }

    fn ask(&mut self, line: &str) -> Vec<u8> {
        self.write(format!("{line}\r\n").as_bytes());
        self.until("\r\nOK\r\n")
    }

    fn connect(&mut self) -> Sock {
        let listener = self.peer.listen(80, 1).unwrap();
        self.ask("AT+CIPSTART=4,\"TCP\",\"10.0.0.9\",80");
        self.peer.accept(listener).unwrap().0
    }

    /// The share of the line that payload had.
    fn share(&self, began: netdev::Instant, bytes: usize, baud: u32) -> f64 {
        let took = self.clock.now().saturating_since(began).as_secs_f64();
        let bits = u32::try_from(bytes).unwrap() * 10;
        f64::from(bits) / f64::from(baud) / took
    }
}

fn sending(baud: u32) -> f64 {
    let mut host = Host::new(baud);
    let peer = host.connect();
    let data: Vec<u8> = (0..4096_u32).map(|at| at.to_le_bytes()[0]).collect();
    let began = host.clock.now();
    let mut buf = vec![0; 4096];
    for _ in 0..10 {
        host.write(b"AT+CIPSEND=4,4096\r\n");
        host.until(">");
        host.write(&data);
        host.until("SEND OK\r\n");
        // The network takes a moment, too.
        host.clock.spend(Duration::from_micros(100));
        assert_eq!(host.peer.recv(peer, &mut buf, false), Ok(4096));
        assert_eq!(buf, data);
    }
    assert_eq!(host.monitor.counters().offences(), 0);
    host.share(began, 40_960, baud)
}

fn receiving(baud: u32) -> f64 {
    let mut host = Host::new(baud);
    let peer = host.connect();
    let data: Vec<u8> = (0..40_960_u32).map(|at| at.to_le_bytes()[0] & 0x7F).collect();
    assert_eq!(host.peer.send(peer, &data), Ok(40_960));
    host.until("\r\n+IPD,4,");
    host.until("\r\n");
    let began = host.clock.now();
    let mut got = Vec::new();
    while got.len() < data.len() {
        host.write(b"AT+CIPRECVDATA=4,2048\r\n");
        let head = host.until("2048,");
        assert!(head.ends_with(b"+CIPRECVDATA:2048,"), "{}", head.escape_ascii());
        let end = got.len() + 2048;
        while got.len() < end {
            let mut buf = vec![0; end - got.len()];
            let count = host.link.read(&mut buf).unwrap();
            got.extend_from_slice(&buf[..count]);
        }
        host.until("OK\r\n");
    }
    assert_eq!(got, data);
    assert_eq!(host.monitor.counters().offences(), 0);
    host.share(began, 40_960, baud)
}

#[test]
fn a_correct_host_gets_most_of_the_line() {
    for (baud, least) in [(115_200, 0.95), (921_600, 0.90), (2_000_000, 0.85)] {
        let (out, back) = (sending(baud), receiving(baud));
        assert!(out > least && back > least, "{baud}: {out:.3} out, {back:.3} back");
    }
}

#[test]
fn rates_change_together() {
    let mut host = Host::new(115_200);
    host.ask("AT+UART_CUR=921600,8,1,0,0");
    assert_eq!(host.link.flush(), Ok(()));
    host.link.set_baud(921_600).unwrap();
    host.clock.spend(Duration::from_millis(1));
    assert_eq!(host.ask("AT+UART_CUR?"), b"+UART_CUR:921600,8,1,0,0\r\n\r\nOK\r\n");
}

#[test]
fn at_the_wrong_rate_nothing_is_understood() {
    let mut host = Host::new(115_200);
    host.link.set_baud(9600).unwrap();
    host.write(b"AT\r\n");
    host.clock.spend(Duration::from_millis(100));
    host.link.set_baud(115_200).unwrap();
    while host.link.read(&mut [0; 64]) != Ok(0) {}
    // An end of line brings both back in step.
    host.write(b"\r\n");
    host.until("ERROR\r\n");
    assert_eq!(host.ask("AT"), b"\r\nOK\r\n");
}

#[test]
fn an_idle_connection_costs_nothing_on_the_line() {
    let mut host = Host::new(115_200);
    host.connect();
    let before = host.monitor.counters();
    host.clock.spend(Duration::from_secs(60));
    assert_eq!(host.link.read(&mut [0; 64]), Ok(0));
    let after = host.monitor.counters();
    assert_eq!((before.bytes_in, before.bytes_out), (after.bytes_in, after.bytes_out));
}
