//! A simulated ESP-AT modem behind a TCP port or a pseudo-terminal, for anybody's driver.

use core::time::Duration;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use espat_sim::{AccessPoint, Config, Counters, FaultRates, Modem, Persona};
use netdev_sim::program::{self, Model, Program, Setup};

/// What only this modem has.
#[derive(Args, Debug)]
struct Own {
    /// Mischief of the firmware, each with its probability for an occasion: storm, slow-prompt,
    /// blank-prompt, busy, send-fail, closed-in-payload, mute, ready, garbage, partial-ipd, grab-id
    #[arg(long, value_name = "KIND[=RATE],...")]
    mischief: Option<FaultRates>,

    /// What the mischief follows from
    #[arg(long, value_name = "N", default_value_t = 1)]
    mischief_seed: u64,

    /// Let what is a race in the firmware end either way, as this number has it
    #[arg(long, value_name = "N")]
    races: Option<u64>,

    /// From the end of a command or payload until it is answered, in microseconds
    #[arg(long, value_name = "MICROS", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(..=10_000_000))]
    latency: u64,

    /// Give the line no more than so many bytes at a time
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..))]
    pieces: Option<u32>,

    /// Begin with the first network joined and stored, as a module that was used before
    #[arg(long)]
    joined: bool,
}

fn main() -> ExitCode {
    let program = Program {
        name: env!("CARGO_BIN_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        about: "A simulated ESP-AT modem. Behind it are this PC's own loopback sockets",
        listen: "127.0.0.1:7702",
        personas: &[
            Persona::V4_1.name,
            Persona::V1_7.name,
            Persona::V2_1.name,
            Persona::V2_4.name,
            Persona::V5_0.name,
        ],
    };
    program::run_with(&program, model)
}

fn model(setup: Setup, own: Own) -> Model<Modem> {
    let known = Persona::ALL.into_iter().find(|it| it.name == setup.persona);
    let mut config = Config::new(known.unwrap_or(&Persona::V4_1));
    config.access_points = in_order_of_strength(&setup.access_points);
    config.latency = Duration::from_micros(own.latency);
    config.unix_time = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|now| now.as_secs());
    config.races = own.races;
    config.faults = own.mischief.unwrap_or_default();
    config.fault_seed = own.mischief_seed;
    config.pieces = own.pieces.and_then(|pieces| usize::try_from(pieces).ok());
    let first = config.access_points.first().filter(|_| own.joined);
    config.stored = first.map(|point| (point.ssid.clone(), point.passphrase.clone()));
    if setup.trace {
        config.trace = Some(Box::new(netdev_sim::on_stderr));
    }
    let chip = Modem::new(config, setup.stack);
    let monitor = chip.monitor();
    Model { chip, counters: Box::new(move || counters(&monitor.counters())) }
}

/// Each a little further away than the one before, and with an address of its own.
fn in_order_of_strength(points: &[program::AccessPoint]) -> Vec<AccessPoint> {
    let numbered = points.iter().zip((0_u8..10).chain(core::iter::repeat(10)));
    numbered
        .map(|(point, step)| {
            let mut point = AccessPoint::new(&point.ssid, &point.passphrase);
            point.rssi -= 5 * i32::from(step);
            let [.., last] = &mut point.bssid;
            *last = last.wrapping_add(step);
            point
        })
        .collect()
}

fn counters(all: &Counters) -> Vec<(&'static str, u64)> {
    let mut told = vec![
        ("boots", all.boots),
        ("commands", all.commands),
        ("failed_commands", all.failed_commands),
        ("missing_commands", all.missing_commands),
        ("payload_in", all.payload_in),
        ("payload_out", all.payload_out),
        ("mischief", all.faults),
        ("offences", all.offences()),
    ];
    told.extend(all.offence_list());
    told
}
