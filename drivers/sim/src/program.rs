//! What the programs of simulated UART chips have in common: options, the server, how they end.

mod options;
mod signals;

use core::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Args;
use netdev::StdPlatform;

use crate::tunnel::UartServer;
use crate::{Faults, Loopback, Rates, Stack, UartBench, UartChip, UartCounters, UartVcd};

pub use options::AccessPoint;
use options::Options;
use signals::{Signal, Signals};

/// A program that serves a simulated chip's serial line.
///
/// The first line on stdout is LISTEN and the place: an address, or the path of a pseudo-terminal.
/// SIGHUP resets the chip; SIGINT and SIGTERM end the program, which tells its counters on stderr
/// then.
#[expect(clippy::exhaustive_structs, reason = "written down by each program")]
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// Its name.
    pub name: &'static str,
    /// Its version: `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// What it is, in a sentence for the help.
    pub about: &'static str,
    /// Where it listens unless told otherwise, such as `127.0.0.1:7702`.
    pub listen: &'static str,
    /// The names of the firmwares that it knows, such as `seeed-2.1.3`, for which `2.1.3` will do;
    /// the first is the usual one.
    pub personas: &'static [&'static str],
}

/// What the options say about the chip.
#[non_exhaustive]
pub struct Setup {
    /// One of [`Program::personas`].
    pub persona: &'static str,
    /// Networks in reach; the first is the strongest.
    pub access_points: Vec<AccessPoint>,
    /// What lies behind the chip: this PC's sockets.
    pub stack: Box<dyn Stack>,
    /// Whether to show the chip's commands on stderr.
    pub trace: bool,
}

/// No options of its own.
#[derive(Args, Debug)]
struct NoMore {}

/// A chip, and what it counts by itself.
#[expect(clippy::exhaustive_structs, reason = "made by each program")]
pub struct Model<C> {
    /// The chip.
    pub chip: C,
    /// Names and values, told at the end beside those of the line.
    pub counters: Box<dyn Fn() -> Vec<(&'static str, u64)>>,
}

/// Reads the options, makes the chip, serves it.
pub fn run<C>(program: &Program, model: impl FnOnce(Setup) -> Model<C>) -> ExitCode
where
    C: UartChip + 'static,
{
    run_with(program, |setup, NoMore {}| model(setup))
}

/// As [`run`], for a chip with options `O` of its own.
pub fn run_with<O, C>(program: &Program, model: impl FnOnce(Setup, O) -> Model<C>) -> ExitCode
where
    O: Args,
    C: UartChip + 'static,
{
    let done = match Options::read(program) {
        Ok((options, own)) => serve(program, options, |setup| model(setup, own)),
        Err(answer) if answer.exit_code() == 0 => answer.print().map_err(Failure::new),
        Err(error) => Err(Failure::usage(first_paragraph(&error))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "{}: {}", program.name, failure.text);
            ExitCode::from(failure.code)
        }
    }
}

fn serve<C>(
    program: &Program,
    options: Options,
    model: impl FnOnce(Setup) -> Model<C>,
) -> Result<(), Failure>
where
    C: UartChip + 'static,
{
    let signals = Signals::catch().map_err(Failure::new)?;
    let stack = Loopback::new();
    let setup = Setup {
        persona: options.persona,
        stack: Box::new(if options.allow_outside { stack.allow_outside() } else { stack }),
        access_points: options.access_points.clone(),
        trace: options.trace,
    };
    let model = model(setup);
    let bench = UartBench::new(model.chip, StdPlatform::new(), options.baud.unwrap_or(115_200));
    bench.set_paced(options.baud.is_some());
    if let Some(path) = &options.vcd {
        let fail = |error| Failure::new(format_args!("--vcd {}: {error}", path.display()));
        let recording = File::create(path).and_then(UartVcd::new).map_err(fail)?;
        bench.observe(Box::new(recording));
    }
    let faults = options.faults.map(|rates| faults(program, rates, options.seed));
    if let Some(faults) = &faults {
        bench.set_faults(faults);
    }
    let server = listen(&bench, &options)?;
    announce(server.place());
    while let Signal::HangUp = signals.wait() {
        bench.set_enabled(false);
        bench.set_enabled(true);
    }
    drop(server);
    tell(program, bench.counters(), faults.as_ref(), &(model.counters)());
    Ok(())
}

fn listen(bench: &UartBench, options: &Options) -> Result<UartServer, Failure> {
    let mut server = UartServer::builder(bench);
    if options.expose {
        server = server.allow_outside();
    }
    if options.reset_on_connect {
        server = server.reset_on_connect();
    }
    #[cfg(unix)]
    if options.pty {
        return server.pty().map_err(|error| Failure::new(format_args!("--pty: {error}")));
    }
    server.listen(options.listen).map_err(|error| {
        let text = format!("--listen {}: {error}", options.listen);
        match error.kind() {
            ErrorKind::PermissionDenied if !options.expose => Failure::usage(text + " by --expose"),
            _ => Failure::new(text),
        }
    })
}

/// The first line on stdout. If nobody reads it, nobody waits for it.
fn announce(place: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "LISTEN {place}").and_then(|()| out.flush());
}

/// A seed that nobody chose is told, so that what happens can be had again.
fn faults(program: &Program, rates: Rates, seed: Option<u64>) -> Faults {
    let seed = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        now.as_secs() ^ u64::from(now.subsec_nanos())
    });
    let _ = writeln!(io::stderr(), "{}: line faults of seed {seed}", program.name);
    Faults::random(seed, rates)
}

/// The last line on stderr. If nobody reads it, nobody misses it.
fn tell(
    program: &Program,
    line: UartCounters,
    faults: Option<&Faults>,
    chip: &[(&'static str, u64)],
) {
    let mut all = vec![
        ("written", line.written),
        ("read", line.read),
        ("overruns", line.overruns),
        ("resets", line.resets),
    ];
    all.extend(faults.map(|faults| ("faults", faults.struck())));
    all.extend(chip);
    let all: Vec<String> = all.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let _ = writeln!(io::stderr(), "{}: {}", program.name, all.join(", "));
}

/// Why the program gives up, and its exit code.
struct Failure {
    code: u8,
    text: String,
}

impl Failure {
    fn new(text: impl fmt::Display) -> Self {
        Self { code: 1, text: text.to_string() }
    }

    fn usage(text: impl fmt::Display) -> Self {
        Self { code: 2, text: text.to_string() }
    }
}

/// What is wrong with the command line, in one line, without the hints below it.
fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let line = lines.collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").map(str::to_owned).unwrap_or(line)
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("persona", &self.persona)
            .field("access_points", &self.access_points)
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}

impl<C> fmt::Debug for Model<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").finish_non_exhaustive()
    }
}
