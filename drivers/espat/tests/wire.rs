//! What crosses the line, byte by byte, and how much of it is payload.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "numbers are to be read, and helpers fail as tests do"
)]

#[path = "common/wire.rs"]
mod wire;

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use espat_sim::Persona;
use netdev::{Instant, Netdev, Platform, SockFlags, wait};
use netdev_sim::{LineEvent, LineObserver, Wire};
use wire::{Cost, Line};

/// Those with the literals of 2.4 on.
const NEW: [&Persona; 3] = [&Persona::V2_4, &Persona::V4_1, &Persona::V5_0];

#[test]
fn a_kilobyte_sent_costs_58_bytes_and_two_round_trips() {
    for persona in NEW {
        let cost = Line::new(persona).lab().cost_of_sending(1024);
        assert_eq!(cost, Cost { overhead: 58, round_trips: 2 }, "{}", persona.name);
    }
}

#[test]
fn a_kilobyte_asked_for_costs_62_bytes_and_one_round_trip() {
    for persona in NEW {
        let cost = Line::new(persona).lab().cost_of_receiving(1024);
        assert_eq!(cost, Cost { overhead: 62, round_trips: 1 }, "{}", persona.name);
    }
}

#[test]
fn a_kilobyte_that_comes_by_itself_costs_16_bytes() {
    for persona in NEW {
        let cost = Line { active: true, ..Line::new(persona) }.lab().cost_of_receiving(1024);
        assert_eq!(cost, Cost { overhead: 16, round_trips: 0 }, "{}", persona.name);
    }
}

#[test]
fn bulk_data_get_the_line() {
    let goals = [(115_200, 90.0, 40_000), (921_600, 90.0, 120_000), (2_000_000, 85.0, 120_000)];
    for (baud, least, total) in goals {
        bulk(&Persona::V4_1, baud, least, total);
    }
}

#[test]
fn bulk_data_get_the_line_with_the_oldest_and_the_newest_of_them() {
    for persona in [&Persona::V2_4, &Persona::V5_0] {
        bulk(persona, 921_600, 90.0, 120_000);
    }
}

fn bulk(persona: &'static Persona, baud: u32, least: f64, total: usize) {
    let line = Line { baud, ..Line::new(persona) };
    for chunk in [4_096, 8_192] {
        let share = line.lab().rate_of_sending(chunk, total);
        println!("{} sending {chunk} at {baud}: {share:.1} %", persona.name);
        assert!(share >= least);
    }
    let share = line.lab().rate_of_receiving(2_048, total);
    println!("{} receiving 2048 at {baud}: {share:.1} %", persona.name);
    assert!(share >= least);
}

#[test]
fn a_ring_of_128_bytes_is_enough_for_any_size() {
    for persona in Persona::ALL {
        let lab = Line { ring: 128, ..Line::new(persona) }.lab();
        let (here, there) = lab.pair();
        let data: Vec<u8> =
            (0..20_000_u32).map(|it| it.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let mut offered = 0;
        let mut got: Vec<u8> = Vec::new();
        let mut buf = [0; 1500];
        let limit = lab.clock.now() + Duration::from_secs(60);
        while got.len() < data.len() {
            let count = wait(
                lab.device,
                || Some(limit),
                || {
                    if let Ok(count) = lab.peer.send(there, &data[offered..], SockFlags::NONE) {
                        offered += count;
                    }
                    lab.device.recv(here, &mut buf, SockFlags::NONE)
                },
            );
            got.extend(&buf[..count.unwrap()]);
        }
        assert_eq!(got, data, "{}", persona.name);
        assert_eq!(lab.bench.counters().overruns, 0, "{}", persona.name);
        lab.send_all(here, &data);
    }
}

#[test]
fn idle_connections_cost_nothing_on_the_line() {
    for persona in Persona::ALL {
        let lab = Line::new(persona).lab();
        let pairs = [lab.pair(), lab.pair(), lab.pair()];
        lab.pause(2_000);
        lab.clear();
        let mut buf = [0; 64];
        let until = lab.clock.now() + Duration::from_secs(60);
        let silent = wait(
            lab.device,
            || Some(until),
            || lab.device.recv(pairs[0].0, &mut buf, SockFlags::NONE),
        );
        assert!(silent.is_err());
        let line = lab.bench.counters();
        assert_eq!((line.written, line.read), (0, 0), "{}", persona.name);
    }
}

/// Notes when the last byte to the host came.
struct LastByte(Arc<AtomicU64>);

impl LineObserver for LastByte {
    fn event(&mut self, at: Instant, event: LineEvent<'_>) {
        if let LineEvent::Bytes { wire: Wire::Read, .. } = event {
            self.0.store(at.as_micros(), Ordering::Relaxed);
        }
    }
}

#[test]
fn data_are_delivered_within_two_milliseconds_of_their_last_byte() {
    for persona in Persona::ALL {
        for active in [false, true] {
            for (baud, count) in [(115_200, 1), (115_200, 1_400), (921_600, 300)] {
                let lab = Line { active, baud, ..Line::new(persona) }.lab();
                let last = Arc::new(AtomicU64::new(0));
                lab.bench.observe(Box::new(LastByte(last.clone())));
                let (here, there) = lab.pair();
                for round in 0..5 {
                    lab.pause(100 + round * 7);
                    let data = vec![7; count];
                    assert_eq!(lab.peer.send(there, &data, SockFlags::NONE), Ok(count));
                    let (mut got, mut buf) = (0, [0; 2048]);
                    let limit = lab.clock.now() + Duration::from_secs(5);
                    while got < count {
                        let read = wait(
                            lab.device,
                            || Some(limit),
                            || lab.device.recv(here, &mut buf, SockFlags::NONE),
                        );
                        got += read.unwrap();
                    }
                    let came = Instant::from_micros(last.load(Ordering::Relaxed));
                    let late = lab.clock.now().saturating_since(came);
                    let told = (persona.name, active, baud, count, late);
                    assert!(late <= Duration::from_millis(2), "{told:?}");
                }
            }
        }
    }
}
