//! Faults of the simulated bus: each kind, at its place, and by chance.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::time::Duration;
use std::sync::{Arc, Mutex};

use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::spi::SpiBus;
use netdev::Instant;
use netdev_sim::{Faults, Glitch, Lines, Rates, SpiBench, SpiChip, VirtualClock, Wire};

/// Answers 0, 1, 2 and so on; keeps what it heard.
#[derive(Clone, Default)]
struct Toy(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    next: u8,
    bytes: Vec<u8>,
    events: Vec<&'static str>,
}

impl SpiChip for Toy {
    fn select(&mut self, _: Instant) {
        self.0.lock().unwrap().events.push("select");
    }
    fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], _: Instant) {
        let mut state = self.0.lock().unwrap();
        state.bytes.extend_from_slice(mosi);
        for answer in miso {
            *answer = state.next;
            state.next = state.next.wrapping_add(1);
        }
    }
    fn deselect(&mut self, _: Instant) {
        self.0.lock().unwrap().events.push("deselect");
    }
    fn lines(&mut self, _: Instant) -> Lines {
        Lines { busy: false, data_ready: true }
    }
    fn set_reset(&mut self, asserted: bool, _: Instant) {
        let mut state = self.0.lock().unwrap();
        state.next = 0x80;
        state.events.push(if asserted { "reset" } else { "boot" });
    }
    fn set_gpio0(&mut self, _: Option<bool>, _: Instant) {}
}

struct Rig {
    chip: Toy,
    bench: SpiBench,
    clock: VirtualClock,
    faults: Faults,
}

impl Rig {
    fn with(faults: Faults) -> Self {
        let (chip, clock) = (Toy::default(), VirtualClock::new());
        let bench = SpiBench::new(chip.clone(), clock.clone(), 8_000_000);
        bench.set_faults(&faults);
        Self { chip, bench, clock, faults }
    }

    fn new() -> Self {
        Self::with(Faults::new())
    }

    /// One cycle that reads.
    fn read<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.bench.chip_select().set_low().unwrap();
        self.bench.bus().read(&mut bytes).unwrap();
        self.bench.chip_select().set_high().unwrap();
        bytes
    }

    /// One cycle that writes: what the chip heard.
    fn write(&self, bytes: &[u8]) -> Vec<u8> {
        self.chip.0.lock().unwrap().bytes.clear();
        self.bench.chip_select().set_low().unwrap();
        self.bench.bus().write(bytes).unwrap();
        self.bench.chip_select().set_high().unwrap();
        self.chip.0.lock().unwrap().bytes.clone()
    }

    fn busy(&self) -> bool {
        self.bench.ready().is_high().unwrap()
    }

    fn events(&self) -> Vec<&'static str> {
        core::mem::take(&mut self.chip.0.lock().unwrap().events)
    }
}

#[test]
fn each_kind_changes_what_is_read_as_it_says() {
    for (glitch, read) in [
        (Glitch::Flip(0x41), [0, 1, 0x43, 3, 4]),
        (Glitch::Drop, [0, 1, 3, 4, 5]),
        (Glitch::Double, [0, 1, 2, 2, 3]),
        (Glitch::Insert(0xAA), [0, 1, 0xAA, 2, 3]),
        (Glitch::Cut, [0, 1, 0xFF, 0xFF, 0xFF]),
        (Glitch::Silence { length: None }, [0, 1, 0xFF, 0xFF, 0xFF]),
        (Glitch::Reset, [0, 1, 0x80, 0x81, 0x82]),
    ] {
        let rig = Rig::new();
        rig.faults.at(Wire::Read, 2, glitch);
        assert_eq!(rig.read::<5>(), read, "{glitch:?}");
        assert_eq!(rig.faults.struck(), 1);
    }
}

#[test]
fn each_kind_changes_what_is_written_as_it_says() {
    for (glitch, heard) in [
        (Glitch::Flip(0x20), &b"abCde"[..]),
        (Glitch::Drop, b"abde"),
        (Glitch::Double, b"abccde"),
        (Glitch::Insert(b'x'), b"abxcde"),
        (Glitch::Cut, b"ab"),
        (Glitch::Silence { length: None }, b"ab"),
        (Glitch::Reset, b"abcde"),
    ] {
        let rig = Rig::new();
        rig.faults.at(Wire::Written, 2, glitch);
        assert_eq!(rig.write(b"abcde"), heard, "{glitch:?}");
    }
}

#[test]
fn places_count_what_is_written_and_what_is_read_apart_and_across_cycles() {
    let rig = Rig::new();
    rig.faults.at(Wire::Read, 5, Glitch::Flip(1));
    rig.faults.at(Wire::Written, 5, Glitch::Flip(1));
    assert_eq!(rig.write(b"\0\0\0\0"), [0; 4]);
    assert_eq!(rig.read::<4>(), [4, 5, 6, 7]);
    assert_eq!(rig.write(b"\0\0"), [0, 1]);
    assert_eq!(rig.read::<2>(), [10, 10]);
    assert_eq!((rig.faults.bytes(Wire::Written), rig.faults.bytes(Wire::Read)), (6, 6));
    rig.faults.restart();
    rig.faults.at(Wire::Read, 0, Glitch::Flip(0x80));
    let mut both = [0; 1];
    rig.bench.bus().transfer(&mut both, &[7]).unwrap();
    assert_eq!(both, [0x80 | 12], "a transfer is both");
    assert_eq!((rig.faults.bytes(Wire::Written), rig.faults.bytes(Wire::Read)), (1, 1));
}

#[test]
fn several_strike_at_one_place_and_in_a_row() {
    let rig = Rig::new();
    for (nth, glitch) in [(0, 0xA0), (1, 0xA1), (2, 0xA2)] {
        rig.faults.at(Wire::Read, nth, Glitch::Insert(glitch));
    }
    rig.faults.at(Wire::Read, 4, Glitch::Flip(0x10));
    rig.faults.at(Wire::Read, 4, Glitch::Flip(0x20));
    assert_eq!(rig.read::<5>(), [0xA0, 0xA1, 0xA2, 0, 0x31], "garbage before it");
    rig.faults.at(Wire::Read, 9, Glitch::Double);
    rig.read::<5>();
    assert_eq!(rig.read::<1>(), [7], "a double at the end is over with its cycle");
}

#[test]
fn a_cut_lasts_until_chip_select_rises() {
    let rig = Rig::new();
    rig.faults.at(Wire::Written, 1, Glitch::Cut);
    assert_eq!(rig.write(b"abc"), b"a");
    assert_eq!(rig.write(b"abc"), b"abc");
}

#[test]
fn ready_is_stuck_for_its_time_or_until_the_bus_is_clear() {
    let rig = Rig::new();
    let length = Some(Duration::from_millis(20));
    rig.faults.at(Wire::Written, 3, Glitch::Stuck { high: true, length });
    rig.write(b"abc");
    assert!(!rig.busy());
    rig.write(b"d");
    assert!(rig.busy());
    rig.clock.spend(Duration::from_millis(20));
    assert!(!rig.busy(), "a reply that was late");
    rig.faults.now(Glitch::Stuck { high: true, length: None });
    rig.clock.spend(Duration::from_secs(3600));
    assert!(rig.busy() && rig.bench.gpio0().level().unwrap());
    rig.faults.clear();
    assert!(!rig.busy());
}

#[test]
fn a_silent_chip_is_cut_off_also_from_chip_select() {
    let rig = Rig::new();
    rig.faults.now(Glitch::Silence { length: Some(Duration::from_millis(1)) });
    assert_eq!(rig.write(b"abc"), b"");
    assert_eq!(rig.read::<2>(), [0xFF; 2]);
    assert_eq!(rig.events(), [""; 0]);
    let (mut cs, mut bus) = (rig.bench.chip_select(), rig.bench.bus());
    cs.set_low().unwrap();
    rig.clock.spend(Duration::from_millis(1));
    let mut answer = [0; 1];
    bus.read(&mut answer).unwrap();
    assert_eq!((answer, rig.events()), ([0], vec!["select"]), "back, in the middle of a cycle");
    rig.faults.at(Wire::Read, 3, Glitch::Silence { length: None });
    bus.read(&mut answer).unwrap();
    bus.read(&mut answer).unwrap();
    assert_eq!((answer, rig.events()), ([0xFF], vec!["deselect"]));
}

#[test]
fn a_reset_by_itself_happens_at_its_byte_or_now() {
    let rig = Rig::new();
    rig.faults.at(Wire::Read, 1, Glitch::Reset);
    rig.read::<2>();
    assert_eq!(rig.events(), ["select", "reset", "boot", "deselect"]);
    rig.faults.now(Glitch::Reset);
    assert!(!rig.busy());
    assert_eq!(rig.events(), ["reset", "boot"]);
    assert_eq!(rig.bench.counters().resets, 0, "the host did not");
}

#[test]
fn chance_follows_from_its_seed() {
    let run = |seed| {
        let rates = Rates::all_bytes(0.05);
        let rig = Rig::with(Faults::random(seed, rates));
        let seen: Vec<_> = (0..50).map(|_| (rig.write(&[7; 20]), rig.read::<20>())).collect();
        assert!(rig.faults.struck() > 100, "{}", rig.faults);
        assert!(rig.faults.to_string().starts_with(&format!("bus faults of seed {seed}: ")));
        (seen, rig.faults.to_string())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_clear_bus_is_sound() {
    let rig = Rig::with(Faults::random(1, Rates::all_bytes(0.5)));
    rig.read::<20>();
    rig.faults.clear();
    let struck = rig.faults.struck();
    let first = rig.read::<1>()[0];
    let expected: Vec<u8> = (1..=20).map(|i| first.wrapping_add(i)).collect();
    assert_eq!(rig.read::<20>(), expected[..]);
    assert_eq!((rig.write(b"abc"), rig.faults.struck()), (b"abc".to_vec(), struck));
}

#[test]
fn what_struck_can_be_told() {
    let rig = Rig::new();
    rig.faults.at(Wire::Read, 1, Glitch::Flip(8));
    rig.faults.at(Wire::Written, 0, Glitch::Drop);
    rig.faults.at(Wire::Written, 99, Glitch::Drop);
    rig.write(b"a");
    rig.read::<2>();
    let told = "bus faults as planned: 2 struck; byte 0 written: Drop; byte 1 read: Flip(8)";
    assert_eq!(rig.faults.to_string(), told);
}
