//! The conformance suite on the driver over each firmware's model, in virtual time.
#![allow(clippy::print_stdout, reason = "a row that fails is to be read")]

mod common;

use core::net::Ipv4Addr;

use common::Rig;
use netdev_sim::conformance::{self, Bench};
use netdev_sim::{Internet, SimDevice, VirtualClock};
use rtl8720dn_sim::{Config, Persona};

const CHIP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

/// Where writes are given up while the line carries them: each is finished with a wrong checksum.
const ABANDON: [&str; 2] = ["close ends a pending call", "deadlines moved while waiting"];

/// Runs the suite, and tells each row.
fn conform(persona: &'static Persona, connects: u32) {
    let clock = VirtualClock::new();
    let internet = Internet::new(&clock);
    internet.name("peer.test", PEER);
    let config = Config::new(persona);
    let rig = Rig::new(config, internet.node(CHIP), clock.clone()).joined();
    let peer = SimDevice::on(&internet, PEER).leak();
    let bench = Bench::new(rig.device, CHIP.into(), peer, PEER.into())
        .in_virtual_time(&clock)
        .with_name("peer.test", Some(PEER.into()))
        .with_nobody_at(Ipv4Addr::new(10, 0, 0, 99).into())
        .with_connects(connects);
    let only = std::env::var("ROW").unwrap_or_default();
    let wanted = |name: &str| name.contains(&only);
    let summary = conformance::run_some(&bench, wanted, &mut |name, outcome| {
        println!("{} {name}: {outcome}", persona.name);
        let counters = rig.monitor.counters();
        let abandoned = if ABANDON.contains(&name) { counters.bad_crcs } else { 0 };
        assert_eq!(counters.offences(), abandoned, "{name}: {:?}", counters.offence_list());
        rig.monitor.clear();
    });
    assert_eq!(summary.failed, 0, "{summary}");
}

#[test]
fn seeed_2_1_3_conforms() {
    conform(&Persona::SEEED_2_1_3, 1000);
}

#[test]
fn seeed_2_1_2_conforms() {
    conform(&Persona::SEEED_2_1_2, 20);
}

#[test]
fn seeed_2_1_0_conforms() {
    conform(&Persona::SEEED_2_1_0, 20);
}

#[test]
fn seeed_2_0_4_conforms() {
    conform(&Persona::SEEED_2_0_4, 20);
}

#[test]
fn seeed_2_0_1_conforms() {
    conform(&Persona::SEEED_2_0_1, 20);
}
