//! The chips at serial lines, and what is expected of their drivers.

use core::time::Duration;

use espat::Espat;
use netdev::Netdev;
use netdev_sim::{Internet, UartBench, VirtualClock};
use rtl8720dn::Rtl8720dn;

use crate::lab::CHIP;
use crate::uart::{Case, Goals};

/// A chip with its firmware.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A modem that is asked for what came.
    Espat(&'static espat_sim::Persona),
    /// A modem that sends by itself what came.
    EspatActive(&'static espat_sim::Persona),
    Rtl8720dn(&'static rtl8720dn_sim::Persona),
}

/// One after the other: every firmware at every rate, then a ring that is small.
pub(crate) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for persona in ESPAT {
        for (baud, share, hello) in RATES {
            let goals = espat_goals([1024.0 + 62.0, 1.0], [share; 2], hello);
            all.push(case(Kind::Espat(persona), baud, 2_304, goals));
        }
    }
    let newest = &espat_sim::Persona::V4_1;
    let active = espat_goals([1024.0 + 16.0, 0.0], [90.0; 2], 35.0);
    all.push(case(Kind::EspatActive(newest), 115_200, 4_096, active));
    let small = espat_goals([2_000.0, 16.0], [90.0, 30.0], 35.0);
    all.push(case(Kind::Espat(newest), 115_200, 128, small));
    let persona = &rtl8720dn_sim::Persona::SEEED_2_1_3;
    let goals = |received, turns, share| Goals {
        bytes: [1024.0 + 40.0, received],
        turns: [1.0, turns],
        shares: [96.0, share],
        hello: 12.0,
        idle: 3_000.0,
    };
    all.push(case(Kind::Rtl8720dn(persona), 614_400, 4_096, goals(1024.0 + 48.0, 1.0, 96.0)));
    all.push(case(Kind::Rtl8720dn(persona), 614_400, 256, goals(1_600.0, 11.0, 50.0)));
    all
}

/// Sending costs the same in both ways of receiving.
fn espat_goals(received: [f64; 2], shares: [f64; 2], hello: f64) -> Goals {
    let [bytes, turns] = received;
    Goals { bytes: [1024.0 + 58.0, bytes], turns: [2.0, turns], shares, hello, idle: 0.0 }
}

fn case(kind: Kind, baud: u32, ring: usize, goals: Goals) -> Case {
    let (chip, latency) = match kind {
        Kind::Espat(persona) => (format!("espat {}", persona.version), ROUND_TRIP),
        Kind::EspatActive(persona) => (format!("espat {}, active", persona.version), ROUND_TRIP),
        Kind::Rtl8720dn(persona) => (format!("rtl8720dn {}", persona.version), CALL),
    };
    Case { name: format!("{chip}, {baud}, ring of {ring}"), kind, baud, latency, ring, goals }
}

/// A joined chip on a line, in virtual time.
pub(crate) fn make(
    case: &Case,
    internet: &Internet,
    clock: &VirtualClock,
) -> (UartBench, &'static dyn Netdev) {
    match case.kind {
        Kind::Espat(persona) => espat(case, persona, false, internet, clock),
        Kind::EspatActive(persona) => espat(case, persona, true, internet, clock),
        Kind::Rtl8720dn(persona) => rtl8720dn(case, persona, internet, clock),
    }
}

fn espat(
    case: &Case,
    persona: &'static espat_sim::Persona,
    active: bool,
    internet: &Internet,
    clock: &VirtualClock,
) -> (UartBench, &'static dyn Netdev) {
    let mut config = espat_sim::Config::new(persona);
    (config.latency, config.baud) = (case.latency, case.baud);
    let modem = espat_sim::Modem::new(config, Box::new(internet.node(CHIP)));
    let bench = UartBench::new(modem, clock.clone(), case.baud);
    let state = espat::State::<_>::new(bench.link(case.ring)).at_baud(case.baud);
    let state = if active { state.receiving_actively() } else { state };
    let state = Box::leak(Box::new(state));
    (bench, Box::leak(Box::new(Espat::new(state, clock.with_alarms()))))
}

fn rtl8720dn(
    case: &Case,
    persona: &'static rtl8720dn_sim::Persona,
    internet: &Internet,
    clock: &VirtualClock,
) -> (UartBench, &'static dyn Netdev) {
    let config = rtl8720dn_sim::Config::new(persona).brisk(case.latency);
    let chip = rtl8720dn_sim::Chip::new(config, Box::new(internet.node(CHIP)));
    let bench = UartBench::new(chip, clock.clone(), case.baud);
    let state = Box::leak(Box::new(rtl8720dn::State::<_>::new(bench.link(case.ring))));
    (bench, Box::leak(Box::new(Rtl8720dn::new(state, clock.with_alarms()))))
}

/// Firmwares that take 8,192 bytes at once.
const ESPAT: [&espat_sim::Persona; 3] =
    [&espat_sim::Persona::V2_4, &espat_sim::Persona::V4_1, &espat_sim::Persona::V5_0];
/// Rates, the least share of them that payload gets, and the longest hello in milliseconds.
const RATES: [(u32, f64, f64); 3] =
    [(115_200, 90.0, 35.0), (921_600, 90.0, 8.0), (2_000_000, 85.0, 8.0)];
/// What the modem's firmware takes for each round trip.
const ROUND_TRIP: Duration = Duration::from_millis(1);
/// What the co-processor's firmware takes for a call.
const CALL: Duration = Duration::from_micros(300);
