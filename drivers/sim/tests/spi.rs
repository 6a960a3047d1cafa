//! The simulated SPI bus: time, lines, counters, what an observer sees.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::time::Duration;
use std::sync::{Arc, Mutex};

use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::spi::SpiBus;
use netdev::{Instant, Platform, StdPlatform};
use netdev_sim::{
    BusEvent, BusFault, BusObserver, Lines, Polarity, SpiBench, SpiChip, VirtualClock,
};

type Heard = Arc<Mutex<Vec<String>>>;

/// Busy for 50 us after each cycle; says what it heard; has data after it heard 'd'.
#[derive(Default)]
struct Toy {
    heard: Heard,
    busy_until: Instant,
    data: bool,
    reset: bool,
}

impl Toy {
    fn note(&self, text: String) {
        self.heard.lock().unwrap().push(text);
    }
}

impl SpiChip for Toy {
    fn select(&mut self, now: Instant) {
        self.note(format!("{now} select"));
    }
    fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], now: Instant) {
        self.data |= mosi.contains(&b'd');
        miso.fill(0x5A);
        self.note(format!("{now} {}", mosi.escape_ascii()));
    }
    fn deselect(&mut self, now: Instant) {
        self.busy_until = now + Duration::from_micros(50);
        self.note(format!("{now} deselect"));
    }
    fn lines(&mut self, now: Instant) -> Lines {
        Lines { busy: self.reset || now < self.busy_until, data_ready: self.data }
    }
    fn set_reset(&mut self, asserted: bool, now: Instant) {
        self.reset = asserted;
        self.note(format!("{now} reset {asserted}"));
    }
    fn set_gpio0(&mut self, level: Option<bool>, now: Instant) {
        self.note(format!("{now} gpio0 {level:?}"));
    }
}

fn bench() -> (SpiBench, VirtualClock, Heard) {
    let (toy, clock) = (Toy::default(), VirtualClock::new());
    let heard = toy.heard.clone();
    (SpiBench::new(toy, clock.clone(), 8_000_000), clock, heard)
}

#[test]
fn bytes_take_the_time_of_their_bits() {
    let (bench, clock, heard) = bench();
    let (mut bus, mut cs) = (bench.bus(), bench.chip_select());
    cs.set_low().unwrap();
    bus.write(&[b'a'; 100]).unwrap();
    let mut answer = [0; 20];
    bus.read(&mut answer).unwrap();
    cs.set_high().unwrap();
    assert_eq!(clock.now(), Instant::from_micros(120));
    assert_eq!(answer, [0x5A; 20]);
    let heard = heard.lock().unwrap();
    assert_eq!(heard[0], "0.000000 select");
    assert_eq!(heard[2], format!("0.000100 {}", "\\x00".repeat(20)));
    assert_eq!(heard[3], "0.000120 deselect");
}

#[test]
fn a_driver_that_spins_on_ready_sees_time_pass() {
    let (bench, clock, _) = bench();
    let (mut cs, mut ready) = (bench.chip_select(), bench.ready());
    cs.set_low().unwrap();
    cs.set_high().unwrap();
    let mut looks = 0;
    while ready.is_high().unwrap() {
        looks += 1;
    }
    assert_eq!((looks, clock.now()), (49, Instant::from_micros(50)));
}

#[test]
fn counters_tell_cycles_bytes_and_bad_manners() {
    let (bench, clock, _) = bench();
    let (mut bus, mut cs) = (bench.bus(), bench.chip_select());
    let mut cycle = |bytes: &[u8]| {
        cs.set_low().unwrap();
        bus.write(bytes).unwrap();
        cs.set_high().unwrap();
    };
    cycle(b"abcd");
    cycle(b"abcdef"); // busy, and no multiple of four
    clock.spend(Duration::from_millis(1));
    cycle(&[0xFF; 3]); // filler: a reply is being read
    let counters = bench.counters();
    assert_eq!((counters.cs_cycles, counters.bytes), (3, 13));
    assert_eq!((counters.cs_low_while_busy, counters.unaligned_commands), (1, 1));
    bench.clear_counters();
    assert_eq!(bench.counters().bytes, 0);
    bench.chip_select().set_high().unwrap();
    assert_eq!(bench.counters().cs_cycles, 0, "high already");
}

#[test]
fn a_chip_that_turns_busy_because_it_is_selected_was_ready_when_it_was() {
    #[derive(Default)]
    struct Shy(bool);
    impl SpiChip for Shy {
        fn select(&mut self, _: Instant) {
            self.0 = true;
        }
        fn transfer(&mut self, _: &[u8], _: &mut [u8], _: Instant) {}
        fn deselect(&mut self, _: Instant) {
            self.0 = false;
        }
        fn lines(&mut self, _: Instant) -> Lines {
            Lines { busy: self.0, data_ready: false }
        }
        fn set_reset(&mut self, _: bool, _: Instant) {}
        fn set_gpio0(&mut self, _: Option<bool>, _: Instant) {}
    }
    let bench = SpiBench::new(Shy::default(), VirtualClock::new(), 8_000_000);
    bench.chip_select().set_low().unwrap();
    assert_eq!(bench.ready().is_high(), Ok(true));
    bench.chip_select().set_high().unwrap();
    assert_eq!((bench.counters().cs_cycles, bench.counters().cs_low_while_busy), (1, 0));
}

#[test]
fn reset_obeys_its_polarity_and_counts_releases() {
    for (polarity, on) in [(Polarity::ActiveLow, false), (Polarity::ActiveHigh, true)] {
        let (bench, _, heard) = bench();
        let mut reset = bench.reset(polarity);
        reset.set_state((!on).into()).unwrap();
        assert_eq!(*heard.lock().unwrap(), [""; 0], "it was out of reset before");
        reset.set_state(on.into()).unwrap();
        assert!(bench.ready().is_high().unwrap());
        reset.set_state((!on).into()).unwrap();
        assert!(bench.ready().is_low().unwrap());
        assert_eq!(bench.counters().resets, 1);
    }
}

#[test]
fn gpio0_is_the_hosts_while_driven_and_the_chips_when_released() {
    let (bench, _, heard) = bench();
    let mut gpio0 = bench.gpio0();
    gpio0.set_high().unwrap();
    assert!(gpio0.is_high().unwrap());
    gpio0.release().unwrap();
    assert!(gpio0.is_low().unwrap());
    assert_eq!(*heard.lock().unwrap(), ["0.000000 gpio0 Some(true)", "0.000001 gpio0 None"]);
    bench.chip_select().set_low().unwrap();
    bench.bus().write(b"d").unwrap();
    assert!(gpio0.is_high().unwrap());
}

#[test]
fn an_open_drain_gpio0_is_the_chips_while_it_is_high() {
    let (bench, _, heard) = bench();
    let mut gpio0 = bench.open_drain_gpio0();
    gpio0.set_low().unwrap();
    assert!(gpio0.is_low().unwrap());
    gpio0.set_high().unwrap();
    bench.chip_select().set_low().unwrap();
    bench.bus().write(b"d").unwrap();
    assert!(gpio0.is_high().unwrap());
    assert_eq!(heard.lock().unwrap()[..2], ["0.000000 gpio0 Some(false)", "0.000001 gpio0 None"]);
}

#[test]
fn a_transfer_of_unequal_halves_clocks_the_longer_one() {
    let (bench, _, heard) = bench();
    let mut answer = [0; 2];
    bench.bus().transfer(&mut answer, b"abc").unwrap();
    let mut longer = [0; 4];
    bench.bus().transfer(&mut longer, b"z").unwrap();
    assert_eq!((answer, longer), ([0x5A; 2], [0x5A; 4]));
    assert_eq!(*heard.lock().unwrap(), ["0.000000 abc", "0.000003 z\\x00\\x00\\x00"]);
}

#[test]
fn a_broken_bus_says_so_and_the_chip_hears_nothing() {
    let (bench, _, heard) = bench();
    bench.set_broken(Some(BusFault::Transfer));
    assert_eq!(bench.bus().write(b"a"), Err(BusFault::Transfer));
    assert_eq!(bench.ready().is_high(), Err(BusFault::Transfer));
    assert_eq!(bench.chip_select().set_low(), Err(BusFault::Transfer));
    bench.set_broken(None);
    assert_eq!(bench.bus().write(b"b"), Ok(()));
    assert_eq!(heard.lock().unwrap().len(), 1);
}

#[test]
fn on_real_time_the_bus_is_not_slowed_down() {
    let real = std::time::Instant::now();
    let bench = SpiBench::new(Toy::default(), StdPlatform::new(), 1);
    bench.bus().write(&[0; 1000]).unwrap();
    assert!(real.elapsed() < Duration::from_secs(100));
}

#[test]
fn an_observer_sees_everything_in_order() {
    struct Log(Heard);
    impl BusObserver for Log {
        fn event(&mut self, at: Instant, event: BusEvent<'_>) {
            let text = match event {
                BusEvent::ChipSelect { low } => format!("select {low}"),
                BusEvent::Bytes { mosi, miso, took } => {
                    format!("{} {} {took:?}", mosi.escape_ascii(), miso.escape_ascii())
                }
                BusEvent::Lines(lines) => format!("lines {} {}", lines.busy, lines.data_ready),
                BusEvent::Reset { asserted } => format!("reset {asserted}"),
                other => format!("{other:?}"),
            };
            self.0.lock().unwrap().push(format!("{} {text}", at.as_micros()));
        }
    }
    let (bench, _, _) = bench();
    let log = Arc::default();
    bench.observe(Box::new(Log(Arc::clone(&log))));
    let mut reset = bench.reset(Polarity::ActiveLow);
    reset.set_low().unwrap();
    reset.set_high().unwrap();
    bench.chip_select().set_low().unwrap();
    bench.bus().write(b"d").unwrap();
    bench.chip_select().set_high().unwrap();
    let expected = [
        "0 reset true",
        "0 lines true false",
        "0 reset false",
        "0 lines false false",
        "0 select true",
        "0 d Z 1µs",
        "0 lines false true",
        "1 select false",
        "1 lines true true",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}
