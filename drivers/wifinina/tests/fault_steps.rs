//! Every step of a hello exchange, at which the chip stumbles: READY sticks, the chip starts anew, the
//! link goes, the answer is late or has garbage before it, no socket is left. Each run ends in time, and
//! leaves a driver that works, with all its sockets.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests fail as tests do")]

mod common;

use core::time::Duration;
use std::collections::BTreeMap;

use common::lab::{Lab, Verdict, run};
use common::{Mishap, When};
use wifinina_sim::Persona;

/// How many chip-select cycles an exchange without a fault has.
fn steps(persona: &'static Persona) -> usize {
    let lab = Lab::new(persona);
    lab.clear_faults();
    assert_eq!(lab.hello(), Verdict::Intact);
    lab.rig.faults.lock().unwrap().cycles
}

/// Each mishap at each step on each firmware; whether bytes may be lost is the caller's business.
fn at_each_step(mishaps: &[Mishap]) {
    for persona in Persona::ALL {
        let steps = steps(persona);
        for &mishap in mishaps {
            let mut verdicts = BTreeMap::<Verdict, usize>::new();
            for step in 0..steps {
                let set = |faults: &mut common::Faults| faults.at_cycle = Some((step, mishap));
                let verdict = run(persona, set, &(mishap, "at step", step));
                assert_ne!(
                    verdict,
                    Verdict::Unnoticed,
                    "{} {mishap:?} at step {step}",
                    persona.name
                );
                *verdicts.entry(verdict).or_default() += 1;
            }
            println!("{} {mishap:?}, {steps} steps: {verdicts:?}", persona.name);
        }
    }
}

#[test]
fn ready_may_stick_at_either_level() {
    at_each_step(&[Mishap::Stuck(true), Mishap::Stuck(false)]);
}

#[test]
fn the_chip_may_start_anew() {
    at_each_step(&[When::Before, When::Inside, When::Behind].map(Mishap::Reboot));
}

#[test]
fn the_link_may_go() {
    at_each_step(&[Mishap::LinkDrop]);
}

#[test]
fn an_answer_may_be_late() {
    at_each_step(&[3, 50, 600, 1_500].map(|ms| Mishap::Late(Duration::from_millis(ms))));
}

#[test]
fn garbage_may_come_before_an_answer() {
    let garbage = [1, 2, 3, 10]
        .into_iter()
        .flat_map(|count| [0x00, 0xFF, 0x55, 0xE0, 0xEF].map(|byte| Mishap::Garbage(count, byte)));
    at_each_step(&garbage.collect::<Vec<_>>());
}

#[test]
fn the_chip_may_run_out_of_sockets() {
    at_each_step(&[Mishap::Exhausted]);
}
