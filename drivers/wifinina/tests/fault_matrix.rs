//! Every byte of a hello exchange, spoilt in every way: each run ends, tells what it can notice, and
//! leaves a driver that works, with all its sockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail as tests do"
)]

mod common;

use core::fmt::Debug;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::Noise;
use common::lab::{Lab, Verdict, run};
use netdev::Instant;
use netdev_sim::{BusEvent, BusObserver};
use wifinina_sim::Persona;

/// The firmware whose commands the tables are about.
const REFERENCE: &Persona = &Persona::ARDUINO_2_0_0;

/// What each byte of an exchange is, in the order in which they cross the bus: those that are read, and
/// those that are written.
fn fields(persona: &'static Persona) -> [Vec<Field>; 2] {
    let lab = Lab::new(persona);
    let cycles = Arc::new(Mutex::new(Vec::new()));
    lab.rig.bench.observe(Box::new(Recorder(cycles.clone())));
    assert_eq!(lab.hello(), Verdict::Intact);
    let cycles = cycles.lock().unwrap();
    let (mut read, mut written) = (Vec::new(), Vec::new());
    for (mosi, miso) in cycles.iter() {
        if mosi[0] == 0xE0 {
            written.extend(fields_of(mosi, [0x44, 0x45, 0x46, 0x77, 0x79].contains(&mosi[1])));
        } else {
            read.extend(fields_of(miso, [0xC5, 0xF8, 0xFA].contains(&miso[1])));
        }
    }
    [read, written]
}

/// What was clocked, cycle by cycle.
struct Recorder(Arc<Mutex<Vec<Cycle>>>);

/// What went to the chip, and what came from it.
type Cycle = (Vec<u8>, Vec<u8>);

impl BusObserver for Recorder {
    fn event(&mut self, _: Instant, event: BusEvent<'_>) {
        let mut cycles = self.0.lock().unwrap();
        match event {
            BusEvent::ChipSelect { low: true } => cycles.push((Vec::new(), Vec::new())),
            BusEvent::Bytes { mosi, miso, .. } => {
                let (sent, came) = cycles.last_mut().unwrap();
                sent.extend_from_slice(mosi);
                came.extend_from_slice(miso);
            }
            _ => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Field {
    Start,
    Code,
    Count,
    Length,
    End,
    Padding,
    /// A slot or a descriptor.
    Socket,
    AddressAndPort,
    /// A count of bytes, a flag, a state.
    Number,
    Payload,
}

/// The bytes of a frame.
fn fields_of(frame: &[u8], wide: bool) -> Vec<Field> {
    let (code, mut at) = (frame[1], 3);
    let mut fields = vec![Field::Start, Field::Code, Field::Count];
    for param in 0..frame[2] {
        let head = if wide { 2 } else { 1 };
        let length = frame[at..at + head].iter().fold(0, |n, &byte| n * 256 + usize::from(byte));
        fields.extend(vec![Field::Length; head]);
        fields.extend(vec![param_of(code, param); length]);
        at += head + length;
    }
    fields.push(Field::End);
    fields.resize(frame.len(), Field::Padding);
    fields
}

/// A command's parameter, or with bit 7 of the code set a reply's.
fn param_of(code: u8, param: u8) -> Field {
    match (code, param) {
        (0x44, 1) | (0xC5, 0) => Field::Payload,
        (0xBA, _) | (0xFF, 1 | 2) => Field::AddressAndPort,
        (0x2B | 0x2E | 0x2F | 0x3A | 0x44 | 0x45 | 0x7B | 0x7F, 0) | (0xAB, 0) => Field::Socket,
        _ => Field::Number,
    }
}

/// Counts by what was spoilt, and by what came of it.
type Tally<K> = BTreeMap<K, BTreeMap<Verdict, usize>>;

/// The tally of flips as it stands in docs/firmware/wifinina.md.
fn table(tally: &Tally<(&'static str, Field)>) -> String {
    let mut text = String::from(
        "| | field | flips | harmless | told | not told |\n|---|---|---|---|---|---|\n",
    );
    for ((wire, field), verdicts) in tally {
        let of = |verdict| verdicts.get(&verdict).copied().unwrap_or(0);
        let [harmless, told, untold] =
            [Verdict::Intact, Verdict::Noticed, Verdict::Unnoticed].map(of);
        let all = harmless + told + untold;
        text += &format!("| {wire} | {field:?} | {all} | {harmless} | {told} | {untold} |\n");
    }
    text
}

fn spoil(
    wire: usize,
    at: usize,
    noise: Noise,
    case: &dyn Debug,
    persona: &'static Persona,
) -> Verdict {
    let place = Some((at, noise));
    run(persona, |faults| *[&mut faults.in_read, &mut faults.in_write][wire] = place, case)
}

const WIRES: [&str; 2] = ["from the chip", "to the chip"];

#[test]
fn every_bit_may_flip_and_what_the_protocol_lets_it_notice_is_noticed() {
    let mut tally = Tally::new();
    for (wire, fields) in fields(REFERENCE).iter().enumerate() {
        for (at, field) in fields.iter().enumerate() {
            for bit in 0..8 {
                let case = (WIRES[wire], field, "byte", at, "bit", bit);
                let verdict = spoil(wire, at, Noise::Flip(1 << bit), &case, REFERENCE);
                let counts: &mut BTreeMap<_, _> = tally.entry((WIRES[wire], *field)).or_default();
                *counts.entry(verdict).or_default() += 1;
            }
        }
    }
    let table = table(&tally);
    println!("{table}");
    for ((wire, field), verdicts) in &tally {
        let can_be_noticed = ![Field::Payload, Field::Number].contains(field);
        let untold = verdicts.get(&Verdict::Unnoticed).filter(|_| can_be_noticed);
        assert_eq!(untold, None, "flips of {field:?} {wire}");
    }
    let page = include_str!("../../../docs/firmware/wifinina.md");
    assert!(page.contains(&table), "docs/firmware/wifinina.md has another table");
}

#[test]
fn every_byte_may_be_lost_doubled_or_have_another_before_it() {
    let noises =
        [Noise::Drop, Noise::Double, Noise::Insert(0x00), Noise::Insert(0xE0), Noise::Truncate];
    for (wire, fields) in fields(REFERENCE).iter().enumerate() {
        let mut tally = Tally::new();
        for (at, field) in fields.iter().enumerate() {
            for noise in noises {
                let case = (WIRES[wire], field, "byte", at, noise);
                let verdict = spoil(wire, at, noise, &case, REFERENCE);
                let told = wire == 1 || verdict != Verdict::Unnoticed;
                assert!(told, "{case:?}: the reply is out of shape and nobody is told");
                *tally.entry(noise).or_default().entry(verdict).or_default() += 1;
            }
        }
        println!("{}", WIRES[wire]);
        for (noise, verdicts) in tally {
            println!("  {noise:?}: {verdicts:?}");
        }
    }
}

#[test]
fn every_byte_may_be_spoilt_on_every_firmware() {
    for persona in Persona::ALL {
        let mut verdicts = BTreeMap::<_, usize>::new();
        for (wire, fields) in fields(persona).iter().enumerate() {
            for (at, field) in fields.iter().enumerate() {
                for noise in [Noise::Flip(0x10), Noise::Drop, Noise::Insert(0xFF)] {
                    let case = (WIRES[wire], field, "byte", at, noise);
                    let verdict = spoil(wire, at, noise, &case, persona);
                    *verdicts.entry(verdict).or_default() += 1;
                }
            }
        }
        println!("{}: {verdicts:?}", persona.name);
    }
}

#[test]
fn without_a_fault_nothing_is_amiss() {
    for persona in Persona::ALL {
        assert_eq!(run(persona, |_| {}, &"no fault"), Verdict::Intact);
    }
}
