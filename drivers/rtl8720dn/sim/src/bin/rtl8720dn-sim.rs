//! A simulated RTL8720DN behind a TCP port or a pseudo-terminal, for anybody's driver.

use core::time::Duration;
use std::process::ExitCode;

use clap::Args;
use netdev_sim::program::{self, Model, Program, Setup};
use rtl8720dn_sim::{AccessPoint, Chip, Config, Counters, FaultRates, Persona};

/// What only this chip has.
#[derive(Args, Debug)]
struct Own {
    /// Mischief of the firmware, each with its probability for a reply: drop, corrupt, delay,
    /// event, callback, halt; and truncate, which cuts addresses
    #[arg(long, value_name = "KIND[=RATE],...")]
    mischief: Option<FaultRates>,

    /// What the mischief follows from
    #[arg(long, value_name = "N", default_value_t = 1)]
    mischief_seed: u64,

    /// From the end of a request until its reply, in microseconds
    #[arg(long, value_name = "MICROS", default_value_t = 200,
          value_parser = clap::value_parser!(u64).range(..=10_000_000))]
    latency: u64,

    /// How long the firmware sleeps between two looks for bytes, in microseconds
    #[arg(long, value_name = "MICROS", default_value_t = 1000,
          value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    tick: u64,

    /// How long the chip is deaf after a reset, in milliseconds
    #[arg(long, value_name = "MILLIS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(..=60_000))]
    boot: u64,

    /// Survive what stops the real firmware for ever (an empty binary argument, a wild pointer)
    #[arg(long)]
    immortal: bool,
}

fn main() -> ExitCode {
    let program = Program {
        name: env!("CARGO_BIN_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        about: "A simulated RTL8720DN with Seeed's firmware for the Wio Terminal. Behind it are \
                this PC's own loopback sockets",
        listen: "127.0.0.1:7703",
        personas: &[
            Persona::SEEED_2_1_3.name,
            Persona::SEEED_2_1_2.name,
            Persona::SEEED_2_1_0.name,
            Persona::SEEED_2_0_4.name,
            Persona::SEEED_2_0_1.name,
        ],
    };
    program::run_with(&program, model)
}

fn model(setup: Setup, own: Own) -> Model<Chip> {
    let mut config = Config::new(Persona::by_name(setup.persona).unwrap_or(&Persona::SEEED_2_1_3));
    config.access_points = in_order_of_strength(&setup.access_points);
    config.call = Duration::from_micros(own.latency);
    config.tick = Duration::from_micros(own.tick);
    config.boot = Duration::from_millis(own.boot);
    config.booted = true;
    config.immortal = own.immortal;
    config.faults = own.mischief.unwrap_or_default();
    config.faults.seed = own.mischief_seed;
    if setup.trace {
        config.trace = Some(Box::new(netdev_sim::on_stderr));
    }
    let chip = Chip::new(config, setup.stack);
    let monitor = chip.monitor();
    Model { chip, counters: Box::new(move || counters(&monitor.counters())) }
}

/// Each a little further away than the one before, and with an address of its own.
fn in_order_of_strength(points: &[program::AccessPoint]) -> Vec<AccessPoint> {
    let numbered = points.iter().zip((0_u8..10).chain(core::iter::repeat(10)));
    numbered
        .map(|(point, step)| {
            let mut point = AccessPoint::new(&point.ssid, &point.passphrase);
            point.rssi -= 5 * i16::from(step);
            let [.., last] = &mut point.bssid;
            *last = last.wrapping_add(step);
            point
        })
        .collect()
}

fn counters(all: &Counters) -> Vec<(&'static str, u64)> {
    let mut told = vec![
        ("boots", all.boots),
        ("calls", all.calls),
        ("blocked_calls", all.blocked_calls),
        ("replies", all.replies),
        ("events", all.events),
        ("callbacks", all.callbacks),
        ("callback_replies", all.callback_replies),
        ("peers_dropped", all.peers_dropped),
        ("datagrams_dropped", all.datagrams_dropped),
        ("mischief", all.faults),
        ("offences", all.offences()),
    ];
    told.extend(all.offence_list());
    told
}
