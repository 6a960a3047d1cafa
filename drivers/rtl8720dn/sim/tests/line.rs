//! The chip on the bench's serial line, at its own speed and in virtual time.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "helpers fail as tests do"
)]

mod common;

use core::time::Duration;

use common::calls::{DONTWAIT, Payload, payload, sockaddr};
use common::{CHIP, DRV, LWIP, PEER, SYSTEM, TCPIP, framed, invocation};
use netdev::Platform;
use netdev_sim::{Internet, Node, Sock, Stack, UartBench, VirtualClock};
use netdev_uart::UartLink;
use rtl8720dn_sim::{Chip, Config, Monitor, Persona};

struct Line {
    clock: VirtualClock,
    link: Box<dyn UartLink>,
    peer: Node,
    monitor: Monitor,
    sequence: u32,
    /// Bytes that were taken and not looked at yet.
    rest: Vec<u8>,
}

impl Line {
    fn new(config: Config) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let baud = config.persona.baud;
        let chip = Chip::new(config, Box::new(internet.node(CHIP.into())));
        let monitor = chip.monitor();
        let bench = UartBench::new(chip, clock.clone(), baud);
        let link = Box::new(bench.link(8192));
        let peer = internet.node(PEER.into());
        clock.spend(Duration::from_millis(500));
        Self { clock, link, peer, monitor, sequence: 0, rest: Vec::new() }
    }

    fn send(&mut self, service: u8, method: u8, payload: &[u8]) -> u32 {
        self.sequence += 1;
        let frame = framed(&invocation(service, method, self.sequence, payload));
        let mut sent = 0;
        while sent < frame.len() {
            let taken = self.link.write(&frame[sent..]).unwrap();
            sent += taken;
            if taken == 0 {
                self.clock.spend(Duration::from_micros(20));
            }
        }
        self.sequence
    }

    fn reply(&mut self, sequence: u32) -> Vec<u8> {
        let limit = self.clock.now() + Duration::from_secs(5);
        loop {
            let size = self.rest.get(..2).map(|size| 4 + u16::from_le_bytes([size[0], size[1]]));
            if let Some(size) = size.map(usize::from).filter(|size| self.rest.len() >= *size) {
                let frame: Vec<u8> = self.rest.drain(..size).collect();
                if frame[4] == 2 && frame[8..12] == sequence.to_le_bytes() {
                    return frame[12..].to_vec();
                }
                continue;
            }
            let mut buf = [0; 512];
            let count = self.link.read(&mut buf).unwrap();
            self.rest.extend_from_slice(&buf[..count]);
            if count == 0 {
                assert!(self.clock.now() < limit, "no reply to {sequence}");
                self.clock.spend(Duration::from_micros(20));
            }
        }
    }

    fn call(&mut self, service: u8, method: u8, payload: &[u8]) -> Vec<u8> {
        let sequence = self.send(service, method, payload);
        self.reply(sequence)
    }

    fn status(&mut self, service: u8, method: u8, payload: Payload) -> i32 {
        let reply = self.call(service, method, &payload.0);
        i32::from_le_bytes(reply[reply.len() - 4..].try_into().unwrap())
    }

    /// A non-blocking stream to a peer.
    fn connected(&mut self) -> (i32, Sock) {
        self.call(DRV, 28, &[]);
        self.call(DRV, 27, &[1, 0, 0, 0]);
        let join = payload().bin(b"test-ap").u8(0).bin(b"test-pass").u32(0x40_0004).i32(-1).u32(0);
        assert_eq!(self.status(DRV, 1, join), 0);
        assert_eq!(self.status(TCPIP, 13, payload().u32(0)), 0);
        let listener = self.peer.listen(80, 1).unwrap();
        let s = self.status(LWIP, 18, payload().i32(2).i32(1).i32(6));
        assert_eq!(self.status(LWIP, 23, payload().i32(s).i32(4).i32(1)), 0);
        let to = payload().i32(s).bin(&sockaddr(PEER, 80)).u32(16);
        assert_eq!(self.status(LWIP, 9, to), -1);
        self.clock.spend(Duration::from_millis(5));
        (s, self.peer.accept(listener).unwrap().0)
    }
}

fn quick() -> Config {
    Config::default().brisk(Duration::from_micros(300))
}

/// Bytes a second, of what the line can carry.
fn share(bytes: usize, took: Duration, baud: u32) -> f64 {
    bytes as f64 / took.as_secs_f64() / (f64::from(baud) / 10.0)
}

#[test]
fn an_acknowledgement_takes_two_frames_and_the_call() {
    let mut line = Line::new(quick());
    let start = line.clock.now();
    assert_eq!(line.call(SYSTEM, 2, &[7]), [7]);
    let took = line.clock.now().saturating_since(start);
    // 26 bytes of 16.3 us, 300 us of work, and the looks at the line.
    assert!((720..=790).contains(&took.as_micros()), "{took:?}");
    let slow = &mut Line::new(Config::default());
    let start = slow.clock.now();
    slow.call(SYSTEM, 2, &[7]);
    let took = slow.clock.now().saturating_since(start);
    assert!((600..=3000).contains(&took.as_micros()), "{took:?}");
}

#[test]
fn the_line_can_be_filled_both_ways() {
    for persona in [&Persona::SEEED_2_1_3, &Persona::SEEED_2_0_4] {
        let mut config = quick();
        config.persona = persona;
        let mut line = Line::new(config);
        let (s, peer) = line.connected();
        line.monitor.clear();
        let start = line.clock.now();
        let mut heard = vec![0; 8192];
        for _ in 0..20 {
            let send = payload().i32(s).bin(&vec![1; 4076]).i32(DONTWAIT);
            assert_eq!(line.status(LWIP, 15, send), 4076);
            while line.peer.recv(peer, &mut heard, false).is_ok() {}
        }
        let sent = share(20 * 4076, line.clock.now().saturating_since(start), persona.baud);

        let start = line.clock.now();
        let mut got = 0;
        while got < 80_000 {
            let _ = line.peer.send(peer, &heard);
            let reply = line.call(LWIP, 12, &payload().i32(s).u32(4080).i32(DONTWAIT).u32(0).0);
            got += u32::from_le_bytes(reply[..4].try_into().unwrap()) as usize;
        }
        let received = share(got, line.clock.now().saturating_since(start), persona.baud);
        println!("{}: sent {sent:.4}, received {received:.4} of the line", persona.name);
        assert!(sent > 0.95 && received > 0.95, "{}: {sent} {received}", persona.name);
        assert_eq!(line.monitor.counters().offences(), 0);
    }
}

#[test]
fn calls_may_overlap_the_replies_before_them() {
    let mut line = Line::new(quick());
    let (s, peer) = line.connected();
    line.monitor.clear();
    let mut heard = vec![0; 8192];
    let mut last = None;
    let start = line.clock.now();
    for _ in 0..20 {
        let send = payload().i32(s).bin(&vec![1; 4076]).i32(DONTWAIT);
        let sequence = line.send(LWIP, 15, &send.0);
        if let Some(before) = last.replace(sequence) {
            assert_eq!(line.reply(before), 4076_i32.to_le_bytes());
        }
        while line.peer.recv(peer, &mut heard, false).is_ok() {}
    }
    line.reply(last.unwrap());
    let sent = share(20 * 4076, line.clock.now().saturating_since(start), 614_400);
    println!("pipelined: {sent:.4} of the line");
    assert!(sent > 0.985, "{sent}");
    assert_eq!(line.monitor.counters().offences(), 0);
}
