//! The conformance suite on the driver over each firmware's model, in virtual time.
#![allow(clippy::print_stdout, reason = "a row that fails is to be read")]

mod common;

use core::net::Ipv4Addr;

use common::{CHIP, PEER, Parts};
use espat::State;
use espat_sim::Persona;
use netdev_sim::conformance::{self, Bench};

/// Runs the suite, and tells each row.
fn conform(parts: Parts, name: &str) {
    let rig = parts.rig().joined();
    let bench = Bench::new(rig.device, CHIP.into(), rig.peer, PEER.into())
        .in_virtual_time(&rig.clock)
        .with_name("peer.test", Some(PEER.into()))
        .with_nobody_at(Ipv4Addr::new(10, 0, 0, 99).into());
    let only = std::env::var("ROW").unwrap_or_default();
    let summary = conformance::run_some(&bench, |row| row.contains(&only), &mut |row, outcome| {
        println!("{name} {row}: {outcome}");
    });
    println!("{name}: {:?}", rig.bench.counters());
    assert_eq!(summary.failed, 0, "{summary}");
    rig.assert_faultless();
}

/// At a rate that keeps the suite short.
fn fast(persona: &'static Persona) -> Parts {
    let mut parts = Parts::new(persona);
    parts.baud = 921_600;
    parts.config.baud = 921_600;
    parts
}

#[test]
fn nonos_1_7_conforms() {
    conform(fast(&Persona::V1_7), "1.7");
}

#[test]
fn esp_at_2_1_conforms() {
    conform(fast(&Persona::V2_1), "2.1");
}

#[test]
fn esp_at_2_4_conforms() {
    conform(fast(&Persona::V2_4), "2.4");
}

#[test]
fn esp_at_4_1_conforms() {
    conform(fast(&Persona::V4_1), "4.1");
}

#[test]
fn esp_at_5_0_conforms() {
    conform(fast(&Persona::V5_0), "5.0");
}

#[test]
fn esp_at_4_1_conforms_when_data_come_by_themselves() {
    let mut parts = fast(&Persona::V4_1);
    parts.state = |link| State::new(link).receiving_actively();
    parts.ring = 16_384;
    conform(parts, "4.1 active");
}
