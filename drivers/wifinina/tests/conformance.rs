//! The conformance suite on the driver over each firmware's model, in virtual time.
#![allow(clippy::print_stdout, reason = "a row that fails is to be read")]

mod common;

use core::net::Ipv4Addr;

use common::Rig;
use netdev_sim::conformance::{self, Bench, Outcome};
use netdev_sim::{Internet, SimDevice, VirtualClock};
use wifinina_sim::{Config, Persona};

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// What the firmware's page says of a row: the limit's name, or "ok".
fn documented(persona: &Persona, row: &str) -> &'static str {
    let page = include_str!("../../../docs/firmware/wifinina.md");
    let column = match persona.name {
        "arduino-2.0.0" => 2,
        "adafruit-3.3.0" => 4,
        _ => 3,
    };
    let start = format!("| {row} |");
    let line = page.lines().find(|line| line.starts_with(&start));
    let cell = line.and_then(|line| line.split('|').nth(column));
    cell.map_or("ok", |cell| cell.trim().trim_matches('`'))
}

/// What was seen of it, in the same words.
fn seen<'o>(row: &str, outcome: &'o Outcome) -> &'o str {
    match outcome {
        Outcome::Ok => "ok",
        Outcome::Unsupported if ["half close", "peek"].contains(&row) => "ok",
        Outcome::Unsupported => "unsupported",
        Outcome::Limited(reason) => reason.split(',').next().unwrap_or_default(),
        Outcome::Failed(why) => why,
    }
}

/// Runs the suite, and tells each row. What is limited stands on the firmware's page.
fn conform(persona: &'static Persona) {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    internet.name("peer.test", PEER);
    let config = Config::new(persona);
    let rig = Rig::new(config, internet.node(CHIP), clock.clone()).joined();
    let peer = SimDevice::on(&internet, PEER).leak();
    let bench = Bench::new(rig.device, CHIP.into(), peer, PEER.into())
        .in_virtual_time(&clock)
        .with_name("peer.test", Some(PEER.into()))
        .with_nobody_at(Ipv4Addr::new(10, 0, 0, 99).into());
    let mut surprises = Vec::new();
    let summary = conformance::run(&bench, &mut |name, outcome| {
        println!("{} {name}: {outcome}", persona.name);
        let (seen, documented) = (seen(name, outcome), documented(persona, name));
        if seen != documented {
            surprises.push(format!("{name}: {seen}, and the page says {documented}"));
        }
    });
    assert_eq!(summary.failed, 0, "{summary}");
    assert!(surprises.is_empty(), "{}: {surprises:?}", persona.name);
    rig.assert_faultless();
}

#[test]
fn arduino_2_0_0_conforms() {
    conform(&Persona::ARDUINO_2_0_0);
}

#[test]
fn arduino_1_4_8_conforms() {
    conform(&Persona::ARDUINO_1_4_8);
}

#[test]
fn adafruit_1_7_7_conforms() {
    conform(&Persona::ADAFRUIT_1_7_7);
}

#[test]
fn adafruit_3_3_0_conforms() {
    conform(&Persona::ADAFRUIT_3_3_0);
}
