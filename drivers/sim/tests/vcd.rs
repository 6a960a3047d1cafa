//! The recording for logic analysers' viewers, read back.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers fail as tests do"
)]

use core::time::Duration;
use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::spi::SpiBus;
use netdev::{Instant, StdPlatform};
use netdev_sim::{Lines, Pace, Polarity, SpiBench, SpiChip, Vcd, VirtualClock};

/// Busy for 50 us after each cycle; answers with the complement; has data once it was selected.
#[derive(Default)]
struct Toy {
    busy_until: Instant,
    data_ready: bool,
}

impl SpiChip for Toy {
    fn select(&mut self, _: Instant) {
        self.data_ready = true;
    }
    fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], _: Instant) {
        for (sent, answer) in mosi.iter().zip(miso) {
            *answer = !*sent;
        }
    }
    fn deselect(&mut self, now: Instant) {
        self.busy_until = now + Duration::from_micros(50);
    }
    fn lines(&mut self, now: Instant) -> Lines {
        Lines { busy: now < self.busy_until, data_ready: self.data_ready }
    }
    fn set_reset(&mut self, _: bool, _: Instant) {}
    fn set_gpio0(&mut self, _: Option<bool>, _: Instant) {}
}

/// A file that stays in reach.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn dump(&self) -> Dump {
        Dump::parse(core::str::from_utf8(&self.0.lock().unwrap()).unwrap())
    }
}

/// A value change dump, checked against its grammar.
struct Dump {
    /// Time, name, value.
    changes: Vec<(u64, String, String)>,
}

impl Dump {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("$enddefinitions $end\n").unwrap();
        assert!(head.contains("$timescale 1 ns $end\n"));
        let mut vars = HashMap::new();
        for line in head.lines().filter(|line| line.starts_with("$var")) {
            let words: Vec<&str> = line.split(' ').collect();
            let [_, "wire", width, id, name, "$end"] = words[..] else { panic!("{line}") };
            assert!(vars.insert(id, (width.parse::<usize>().unwrap(), name)).is_none());
        }
        let mut changes = Vec::new();
        let mut now = None;
        for line in body.lines() {
            if let Some(time) = line.strip_prefix('#') {
                let time: u64 = time.parse().unwrap();
                assert!(now.is_none_or(|now| now < time), "time goes on: {line}");
                now = Some(time);
            } else if !line.starts_with('$') {
                let (value, id) = match line.strip_prefix('b') {
                    Some(vector) => vector.split_once(' ').unwrap(),
                    None => line.split_at(1),
                };
                let (width, name) = vars[id];
                assert!(!value.is_empty() && value.len() <= width, "{line}");
                assert!(value.chars().all(|c| "01z".contains(c)), "{line}");
                changes.push((now.unwrap(), name.to_owned(), value.to_owned()));
            }
        }
        Self { changes }
    }

    fn of(&self, name: &str) -> Vec<(u64, &str)> {
        let mine = self.changes.iter().filter(|(_, its, _)| its == name);
        mine.map(|(at, _, value)| (*at, value.as_str())).collect()
    }

    /// The bytes that a line carried, each with its time.
    fn bytes(&self, name: &str) -> Vec<(u64, u8)> {
        let values = self.of(name).into_iter().filter(|(_, value)| *value != "z");
        values.map(|(at, value)| (at, u8::from_str_radix(value, 2).unwrap())).collect()
    }
}

fn bench(clock: impl Pace + 'static, hz: u32) -> (SpiBench, Shared) {
    let (bench, file) = (SpiBench::new(Toy::default(), clock, hz), Shared::default());
    bench.observe(Box::new(Vcd::new(file.clone()).unwrap()));
    (bench, file)
}

#[test]
fn lines_and_bytes_stand_at_their_times() {
    let clock = VirtualClock::new();
    let (bench, file) = bench(clock.clone(), 8_000_000);
    let mut reset = bench.reset(Polarity::ActiveLow);
    clock.spend(Duration::from_micros(10));
    reset.set_low().unwrap();
    clock.spend(Duration::from_micros(10));
    reset.set_high().unwrap();
    clock.spend(Duration::from_micros(80));
    bench.chip_select().set_low().unwrap();
    bench.bus().write(&[0xE0, 0x37, 0x37]).unwrap();
    bench.chip_select().set_high().unwrap();
    clock.spend(Duration::from_micros(97));
    bench.ready().is_high().unwrap();
    bench.chip_select().set_low().unwrap();
    bench.chip_select().set_high().unwrap();
    let dump = file.dump();
    assert_eq!(dump.of("reset"), [(0, "1"), (10_000, "0"), (20_000, "1")]);
    let cs = [(0, "1"), (100_000, "0"), (103_000, "1"), (201_000, "0"), (201_000, "1")];
    assert_eq!(dump.of("cs"), cs);
    let ready = [(0, "1"), (10_000, "0"), (103_000, "1"), (201_000, "0"), (201_000, "1")];
    assert_eq!(dump.of("ready"), ready);
    assert_eq!(dump.of("gpio0"), [(0, "0"), (100_000, "1")]);
    assert_eq!(dump.bytes("mosi"), [(100_000, 0xE0), (101_000, 0x37), (102_000, 0x37)]);
    assert_eq!(dump.bytes("miso"), [(100_000, 0x1F), (101_000, 0xC8), (102_000, 0xC8)]);
    assert_eq!(dump.of("mosi").last(), Some(&(103_000, "z")));
    let rises = dump.of("byte").iter().filter(|(_, value)| *value == "1").count();
    assert_eq!(rises, 3, "equal bytes are two");
}

#[test]
fn gpio0_shows_whoever_drives_it() {
    let clock = VirtualClock::new();
    let (bench, file) = bench(clock.clone(), 8_000_000);
    let mut gpio0 = bench.gpio0();
    clock.spend(Duration::from_micros(5));
    gpio0.drive(true).unwrap();
    clock.spend(Duration::from_micros(5));
    gpio0.drive(false).unwrap();
    bench.chip_select().set_low().unwrap();
    clock.spend(Duration::from_micros(5));
    gpio0.release().unwrap();
    bench.chip_select().set_high().unwrap();
    let expected = [(0, "0"), (5_000, "1"), (10_000, "0"), (15_000, "1")];
    assert_eq!(file.dump().of("gpio0"), expected);
}

#[test]
fn a_fast_bus_has_room_between_microseconds() {
    let (bench, file) = bench(VirtualClock::new(), 20_000_000);
    bench.chip_select().set_low().unwrap();
    bench.bus().write(&[1, 2, 3, 4, 5]).unwrap();
    bench.chip_select().set_high().unwrap();
    let times: Vec<u64> = file.dump().bytes("mosi").iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [0, 400, 800, 1_200, 1_600]);
}

#[test]
fn on_a_real_clock_time_never_goes_back_and_no_byte_is_missing() {
    let (bench, file) = bench(StdPlatform::new(), 1_000_000);
    let data: Vec<u8> = (0..=255).collect();
    for _ in 0..20 {
        bench.chip_select().set_low().unwrap();
        bench.bus().write(&data).unwrap();
        bench.chip_select().set_high().unwrap();
    }
    let bytes: Vec<u8> = file.dump().bytes("mosi").iter().map(|(_, byte)| *byte).collect();
    assert_eq!(bytes, data.repeat(20));
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    struct Full(u8);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 1 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(bytes.len()) }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bench = SpiBench::new(Toy::default(), VirtualClock::new(), 8_000_000);
    bench.observe(Box::new(Vcd::new(Full(0)).unwrap()));
    for _ in 0..3 {
        bench.chip_select().set_low().unwrap();
        bench.bus().write(b"on it goes").unwrap();
        bench.chip_select().set_high().unwrap();
    }
    assert_eq!(bench.counters().bytes, 30);
}
