//! The chip on the network in memory, in virtual time.

mod common;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use common::{data_command, framed, hex, millis};
use netdev::Platform;
use netdev_sim::{AlarmClock, Internet, Node, SpiChip, Stack, VirtualClock};
use wifinina_sim::{Chip, Config};

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// A host that sleeps until an alarm, as one with interrupts on READY and GPIO0 does.
struct Sleeper {
    chip: Chip,
    clock: AlarmClock,
    peer: Node,
}

impl Sleeper {
    fn joined() -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let mut config = Config::default();
        let alarms = clock.clone();
        config.alarm = Some(Box::new(move |at| alarms.set_alarm(at)));
        let chip = Chip::new(config, Box::new(internet.node(CHIP)));
        let mut host = Self { chip, clock: clock.with_alarms(), peer: internet.node(PEER) };
        host.call(&framed("11 02 07 746573742d6170 09 746573742d70617373"));
        host.sleep_until(|lines| !lines.busy);
        host.wait(millis(1));
        while hex(&host.call(&framed("20 00"))) != "e0 a0 01 01 03 ee 00 00" {
            host.wait(millis(10));
        }
        host
    }

    fn sleep_until(&mut self, done: impl Fn(netdev_sim::Lines) -> bool) -> Duration {
        let start = self.clock.now();
        while !done(self.chip.lines(self.clock.now())) {
            assert!(self.clock.now() < start + millis(60_000), "asleep for ever");
            self.clock.idle(start + millis(60_001));
        }
        self.clock.now().saturating_since(start)
    }

    /// Alarms end a nap early.
    fn wait(&mut self, length: Duration) {
        let end = self.clock.now() + length;
        while self.clock.now() < end {
            self.clock.idle(end);
            self.chip.lines(self.clock.now());
        }
    }

    fn cycle(&mut self, mosi: &[u8]) -> Vec<u8> {
        self.sleep_until(|lines| !lines.busy);
        let (now, mut miso) = (self.clock.now(), vec![0; mosi.len()]);
        self.chip.select(now);
        self.chip.transfer(mosi, &mut miso, now);
        self.chip.deselect(now);
        miso
    }

    fn call(&mut self, command: &[u8]) -> Vec<u8> {
        self.cycle(command);
        let mut reply = self.cycle(&vec![0xFF; 4100]);
        let length = reply.iter().rposition(|byte| *byte != 0xFF).map_or(0, |at| at + 1);
        reply.truncate(length);
        reply
    }
}

#[test]
fn a_page_is_served_over_the_network_in_memory() {
    let mut host = Sleeper::joined();
    let address = hex(&host.call(&framed("21 00")));
    assert_eq!(address, "e0 a1 03 04 0a 00 00 02 04 ff ff ff 00 04 0a 00 00 01 ee 00");
    host.call(&framed("28 03 02 0050 01 00 01 00"));
    host.wait(millis(50));
    let sock = host.peer.connect(SocketAddr::from((CHIP, 80))).unwrap();
    let waited = host.sleep_until(|lines| lines.data_ready);
    assert!(waited < millis(2), "GPIO0 rose after {waited:?}");
    host.wait(millis(1));
    host.peer.send(sock, b"GET /").unwrap();
    host.wait(millis(2));
    assert_eq!(hex(&host.call(&framed("2b 02 01 00 01 01"))), "e0 ab 01 02 01 00 ee 00");
    let request = host.call(&framed("45 02 0001 01 0002 6400"));
    assert_eq!(hex(&request), "e0 c5 01 00 05 47 45 54 20 2f ee 00");
    host.call(&data_command(0x44, 1, b"hello"));
    host.call(&framed("2e 01 01 01"));
    host.wait(millis(5));
    let mut page = [0; 16];
    assert_eq!(host.peer.recv(sock, &mut page, false), Ok(5));
    assert_eq!(host.peer.recv(sock, &mut page, false), Ok(0));
    assert_eq!(host.chip.counters().offences(), 0);
}

#[test]
fn unread_data_makes_a_stop_a_reset() {
    let mut host = Sleeper::joined();
    host.call(&framed("28 03 02 0050 01 00 01 00"));
    let sock = host.peer.connect(SocketAddr::from((CHIP, 80))).unwrap();
    host.wait(millis(2));
    host.peer.send(sock, b"never read").unwrap();
    host.wait(millis(5));
    host.call(&framed("2b 02 01 00 01 01"));
    host.call(&framed("2e 01 01 01"));
    host.wait(millis(5));
    let answer = host.peer.recv(sock, &mut [0; 4], false);
    assert_eq!(answer, Err(nb::Error::Other(netdev::Error::ConnectionReset)));
}

#[test]
fn a_host_that_is_not_there_fails_after_eighteen_seconds() {
    let mut host = Sleeper::joined();
    let start = host.clock.now();
    let reply = host.call(&framed("2d 04 04 0a000063 02 0050 01 00 01 00"));
    assert_eq!(hex(&reply), "e0 ad 00 ee");
    let took = host.clock.now().saturating_since(start);
    assert!((17_900..18_200).contains(&took.as_millis()), "{took:?}");
}

#[test]
fn one_peer_waits_in_the_backlog_and_one_is_taken_in_advance() {
    let mut host = Sleeper::joined();
    host.call(&framed("28 03 02 0050 01 00 01 00"));
    host.wait(millis(50));
    let callers: Vec<_> =
        (0..4).map(|_| host.peer.connect(SocketAddr::from((CHIP, 80))).unwrap()).collect();
    // Less than until those who were turned away try again.
    host.wait(millis(200));
    let stand = callers.iter().filter(|&&caller| host.peer.connected(caller).is_ok()).count();
    assert_eq!(
        stand, 1,
        "they came in one moment, and the firmware's other task had no look between"
    );
    host.wait(millis(4_000));
    let stand = callers.iter().filter(|&&caller| host.peer.connected(caller).is_ok()).count();
    assert_eq!(stand, 2, "nobody asked for them");
}
