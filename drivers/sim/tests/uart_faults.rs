//! Faults of the simulated serial line: each kind, at its place, and by chance.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

mod uart_toy;

use core::time::Duration;

use netdev::Platform;
use netdev_sim::{Faults, Glitch, Rates, UartBench, VirtualClock, Wire};
use netdev_uart::UartLink;
use uart_toy::Toy;

/// 10 µs a byte.
const BAUD: u32 = 1_000_000;

struct Rig {
    toy: Toy,
    bench: UartBench,
    clock: VirtualClock,
    faults: Faults,
}

impl Rig {
    fn with(faults: Faults) -> Self {
        let (toy, clock) = (Toy::new(BAUD), VirtualClock::new());
        let bench = UartBench::new(toy.clone(), clock.clone(), BAUD);
        bench.set_faults(&faults);
        Self { toy, bench, clock, faults }
    }

    fn new() -> Self {
        Self::with(Faults::new())
    }

    fn pass(&self, micros: u64) {
        self.clock.idle(self.clock.now() + Duration::from_micros(micros));
    }

    /// What the chip hears of these.
    fn write(&self, bytes: &[u8]) -> Vec<u8> {
        let mut link = self.bench.link(1_024);
        let mut left = bytes;
        while !left.is_empty() {
            left = &left[link.write(left).unwrap()..];
        }
        while link.flush().is_err() {}
        self.toy.pieces().into_iter().flat_map(|(_, bytes)| bytes).collect()
    }

    /// What the host hears when the chip says these.
    fn read(&self, bytes: &[u8]) -> Vec<u8> {
        let mut link = self.bench.link(1_024);
        self.toy.say(self.clock.now(), bytes);
        self.pass(10 * bytes.len() as u64 + 20);
        let mut buf = [0; 1_024];
        let length = link.read(&mut buf).unwrap();
        buf[..length].to_vec()
    }
}

#[test]
fn bytes_change_vanish_and_multiply_at_their_places_on_the_way_in() {
    let rig = Rig::new();
    rig.faults.at(Wire::Read, 1, Glitch::Flip(0x20));
    rig.faults.at(Wire::Read, 2, Glitch::Drop);
    rig.faults.at(Wire::Read, 4, Glitch::Double);
    rig.faults.at(Wire::Read, 5, Glitch::Insert(b'!'));
    assert_eq!(rig.read(b"abcdefg"), b"aBdee!fg");
    assert_eq!(rig.faults.struck(), 4);
    assert_eq!(rig.faults.bytes(Wire::Read), 7);
    assert_eq!(rig.faults.bytes(Wire::Written), 0);
}

#[test]
fn and_on_the_way_out() {
    let rig = Rig::new();
    rig.faults.at(Wire::Written, 1, Glitch::Flip(0x20));
    rig.faults.at(Wire::Written, 2, Glitch::Drop);
    rig.faults.at(Wire::Written, 4, Glitch::Double);
    rig.faults.at(Wire::Written, 5, Glitch::Insert(b'!'));
    assert_eq!(rig.write(b"abcdefg"), b"aBdee!fg");
    assert_eq!(rig.write(b"sound"), b"sound");
}

#[test]
fn several_strike_one_byte() {
    let rig = Rig::new();
    rig.faults.at(Wire::Written, 0, Glitch::Insert(b'1'));
    rig.faults.at(Wire::Written, 0, Glitch::Drop);
    rig.faults.at(Wire::Written, 1, Glitch::Flip(1));
    rig.faults.at(Wire::Written, 1, Glitch::Double);
    assert_eq!(rig.write(b"ab"), b"1cc");
}

#[test]
fn what_is_cut_ends_with_the_run() {
    let rig = Rig::new();
    rig.faults.at(Wire::Written, 20, Glitch::Cut);
    assert_eq!(rig.write(&[7; 300]).len(), 20);
    assert_eq!(rig.write(b"whole"), b"whole");
    rig.faults.at(Wire::Read, 40, Glitch::Cut);
    assert_eq!(rig.read(&[7; 300]).len(), 40);
    assert_eq!(rig.read(b"whole"), b"whole");
}

#[test]
fn silence_is_silent_both_ways_until_it_is_over() {
    let rig = Rig::new();
    rig.faults.now(Glitch::Silence { length: Some(Duration::from_micros(500)) });
    assert_eq!(rig.write(b"lost"), b"");
    assert_eq!(rig.read(b"lost"), b"");
    rig.pass(500);
    assert_eq!(rig.write(b"back"), b"back");
    assert_eq!(rig.read(b"back"), b"back");
}

#[test]
fn a_reset_in_the_middle_takes_what_was_under_way() {
    let rig = Rig::new();
    rig.faults.at(Wire::Read, 3, Glitch::Reset);
    let heard = rig.read(b"abcdefgh");
    assert_eq!(rig.toy.events(), ["off", "on"]);
    // The byte whose arrival it struck was on the wire already.
    assert_eq!(heard, b"abcd");
    assert_eq!(rig.bench.counters().resets, 1);
    rig.faults.at(Wire::Written, 2, Glitch::Reset);
    assert_eq!(rig.write(b"abcdefgh"), b"cdefgh");
    assert_eq!(rig.toy.events(), ["off", "on"]);
}

#[test]
fn a_reset_may_come_while_nothing_moves() {
    let rig = Rig::new();
    rig.faults.now(Glitch::Reset);
    assert_eq!(rig.read(b""), b"");
    assert_eq!(rig.toy.events(), ["off", "on"]);
}

#[test]
fn a_stuck_cts_stops_the_host_where_it_is_wired() {
    let rig = Rig::new();
    rig.faults.now(Glitch::Stuck { high: true, length: Some(Duration::from_millis(5)) });
    assert_eq!(rig.write(b"not wired"), b"not wired");
    rig.bench.set_flow_control(true);
    let begun = rig.clock.now();
    assert_eq!(rig.write(b"wired"), b"wired");
    assert!(rig.clock.now().saturating_since(begun) > Duration::from_millis(4));
}

#[test]
fn the_same_seed_strikes_the_same_places() {
    let run = |seed| {
        let rig = Rig::with(Faults::random(seed, Rates::all_bytes(0.02)));
        let said: Vec<u8> = (0..=255).collect();
        (rig.write(&said), rig.read(&said), rig.faults.struck())
    };
    let (written, read, struck) = run(5);
    assert!((20..80).contains(&struck), "{struck}");
    assert_ne!(written, read);
    assert_eq!(run(5), (written.clone(), read, struck));
    assert_ne!(run(6).0, written);
}
