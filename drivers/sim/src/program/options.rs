//! The command line.

use core::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Command, FromArgMatches};

use super::Program;
use crate::Rates;

/// What the command line says.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) listen: SocketAddr,
    pub(super) pty: bool,
    pub(super) expose: bool,
    pub(super) persona: &'static str,
    pub(super) access_points: Vec<AccessPoint>,
    pub(super) allow_outside: bool,
    pub(super) baud: Option<u32>,
    pub(super) reset_on_connect: bool,
    pub(super) trace: bool,
    pub(super) vcd: Option<PathBuf>,
    pub(super) faults: Option<Rates>,
    pub(super) seed: Option<u64>,
}

/// A network in reach of a chip.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessPoint {
    /// Its name, 1 to 32 bytes.
    pub ssid: String,
    /// What lets in, at most 63 bytes; empty for an open network.
    pub passphrase: String,
}

/// The full name of a firmware.
#[derive(Clone, Copy, Debug)]
struct Persona(&'static str);

#[derive(Args, Debug)]
struct Arguments {
    /// Where to listen; with port 0 the system chooses
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "pty")]
    listen: SocketAddr,

    /// Serve on a pseudo-terminal instead, whose path is told
    #[cfg_attr(not(unix), arg(skip))]
    #[cfg_attr(unix, arg(long))]
    pty: bool,

    /// Listen on an address that other computers reach; nothing protects the chip then
    #[arg(long)]
    expose: bool,

    /// Which firmware, by its full name or by its version alone
    #[arg(long, value_name = "NAME", value_parser = |text: &str| persona(&[], text))]
    persona: Persona,

    /// A network in reach, without passphrase an open one; the first is the strongest
    #[arg(long, value_name = "SSID:PASSPHRASE", value_parser = access_point,
          default_value = "test-ap:test-pass")]
    ap: Vec<AccessPoint>,

    /// Let the chip reach more than this PC: any address, names through the system's resolver
    #[arg(long)]
    allow_outside: bool,

    /// Let bytes take as long as on a line of this rate (8N1); otherwise they take no time
    #[arg(long, value_name = "RATE", value_parser = clap::value_parser!(u32).range(1..))]
    baud: Option<u32>,

    /// Reset the chip for each new client
    #[arg(long)]
    reset_on_connect: bool,

    /// Show the chip's commands and answers on stderr
    #[arg(long)]
    trace: bool,

    /// Record the line for GTKWave or PulseView
    #[arg(long, value_name = "FILE")]
    vcd: Option<PathBuf>,

    /// Faults on the line, each with its probability for a byte: flip, drop, double, insert, cut,
    /// stuck, silence, reset
    #[arg(long, value_name = "KIND[=RATE],...")]
    faults: Option<Rates>,

    /// What all faults follow from; by default something new, which stderr tells
    #[arg(long, value_name = "N", requires = "faults")]
    seed: Option<u64>,
}

impl Options {
    /// These, and the chip's own.
    pub(super) fn read<O: Args>(program: &Program) -> Result<(Self, O), clap::Error> {
        let command = Command::new(program.name).version(program.version);
        let personas = program.personas;
        let command = Arguments::augment_args(command)
            .mut_arg("listen", |it| it.required(false).default_value(program.listen))
            .mut_arg("persona", |it| {
                let usual = personas.first().copied().unwrap_or_default();
                it.value_parser(move |text: &str| persona(personas, text))
                    .required(false)
                    .default_value(usual)
            });
        // The comments of the two structs would tell about the program otherwise.
        let matches = O::augment_args(command).about(program.about).try_get_matches()?;
        let told = Arguments::from_arg_matches(&matches)?;
        let options = Self {
            listen: told.listen,
            pty: told.pty,
            expose: told.expose,
            persona: told.persona.0,
            access_points: told.ap,
            allow_outside: told.allow_outside,
            baud: told.baud,
            reset_on_connect: told.reset_on_connect,
            trace: told.trace,
            vcd: told.vcd,
            faults: told.faults,
            seed: told.seed,
        };
        Ok((options, O::from_arg_matches(&matches)?))
    }
}

/// `seeed-2.1.3` or `2.1.3`.
fn persona(known: &'static [&'static str], wanted: &str) -> Result<Persona, String> {
    let is_version = |name: &str| name.rsplit_once('-').is_some_and(|(_, it)| it == wanted);
    let found = known.iter().find(|name| **name == wanted || is_version(name));
    found.copied().map(Persona).ok_or_else(|| format!("there are {}", known.join(", ")))
}

fn access_point(text: &str) -> Result<AccessPoint, String> {
    let (ssid, passphrase) = text.split_once(':').unwrap_or((text, ""));
    if ssid.is_empty() || ssid.len() > 32 {
        return Err("a name has 1 to 32 bytes".to_owned());
    }
    if passphrase.len() > 63 {
        return Err("a passphrase has at most 63 bytes".to_owned());
    }
    Ok(AccessPoint { ssid: ssid.to_owned(), passphrase: passphrase.to_owned() })
}
