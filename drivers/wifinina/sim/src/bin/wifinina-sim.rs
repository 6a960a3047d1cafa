//! A simulated WiFiNINA co-processor behind a TCP port, for anybody's driver.

use core::fmt;
use core::net::SocketAddr;
#[cfg(unix)]
use core::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use core::time::Duration;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
#[cfg(unix)]
use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use clap::Parser;
use netdev::StdPlatform;
use netdev_sim::tunnel::{Meter, Server};
use netdev_sim::{BusCounters, Faults, Loopback, Rates, SpiBench, Vcd};
use wifinina_sim::{AccessPoint, Chip, Config, Monitor, Persona};

/// A simulated WiFiNINA co-processor (ESP32 with nina-fw) whose SPI bus is reached over TCP. Behind
/// it are this PC's own loopback sockets.
///
/// The first line on stdout is LISTEN and the address. What crossed the bus and what the real firmware
/// would have choked on is asked for through the tunnel, and told on stderr when SIGINT or SIGTERM ends
/// the program.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Where to listen; with port 0 the system chooses
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:7701")]
    listen: SocketAddr,

    /// Listen on an address that other computers reach; nothing protects the bus then
    #[arg(long)]
    expose: bool,

    /// Which firmware, by its full name or by its version alone
    #[arg(long, value_parser = persona, default_value = Persona::ARDUINO_2_0_0.name)]
    persona: &'static Persona,

    /// A network in reach, without passphrase an open one; the first is the strongest
    #[arg(long, value_name = "SSID:PASSPHRASE", value_parser = access_point,
          default_value = "test-ap:test-pass")]
    ap: Vec<AccessPoint>,

    /// Let the chip reach more than this PC: any address, names through the system's resolver
    #[arg(long)]
    allow_outside: bool,

    /// Show the commands and their replies on stderr as they cross the bus
    #[arg(long)]
    trace: bool,

    /// Record the bus for GTKWave or PulseView
    #[arg(long, value_name = "FILE")]
    vcd: Option<PathBuf>,

    /// Faults on the bus, each with its probability for a byte: flip, drop, double, insert, cut,
    /// stuck, silence, reset
    #[arg(long, value_name = "KIND[=RATE],...")]
    faults: Option<Rates>,

    /// What all faults follow from; by default something new, which stderr tells
    #[arg(long, value_name = "N", requires = "faults")]
    seed: Option<u64>,
}

fn main() -> ExitCode {
    let done = match Options::try_parse() {
        Ok(options) => serve(options),
        Err(answer) if answer.exit_code() == 0 => answer.print().map_err(Failure::new),
        Err(error) => Err(Failure::usage(first_paragraph(&error))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "wifinina-sim: {}", failure.text);
            ExitCode::from(failure.code)
        }
    }
}

fn serve(options: Options) -> Result<(), Failure> {
    let mut stack = Loopback::new();
    if options.allow_outside {
        stack = stack.allow_outside();
    }
    let mut config = Config::new(options.persona);
    config.access_points = in_order_of_strength(options.ap);
    if options.trace {
        config.trace = Some(Box::new(netdev_sim::on_stderr));
    }
    let chip = Chip::new(config, Box::new(stack));
    let monitor = chip.monitor();
    let bench = SpiBench::new(chip, StdPlatform::new(), BUS_HZ);
    if let Some(path) = options.vcd {
        let fail = |error| Failure::new(format_args!("--vcd {}: {error}", path.display()));
        let recording = File::create(&path).and_then(Vcd::new).map_err(fail)?;
        bench.observe(Box::new(recording));
    }
    let faults = options.faults.map(|rates| faults(rates, options.seed));
    if let Some(faults) = &faults {
        bench.set_faults(faults);
    }
    let ends = Ends::catch().map_err(Failure::new)?;
    let meter = ChipMeter { monitor, faults };
    let server = Server::builder(bench.clone()).meter(meter.clone());
    let server = if options.expose { server.allow_outside() } else { server };
    let server = server.listen(options.listen).map_err(|error| {
        let text = format!("--listen {}: {error}", options.listen);
        match error.kind() {
            ErrorKind::PermissionDenied if !options.expose => Failure::usage(text + " by --expose"),
            _ => Failure::new(text),
        }
    })?;
    announce(server.addr());
    ends.wait();
    drop(server);
    tell(bench.counters(), &meter);
    Ok(())
}

/// The counters as the last line on stderr. If nobody reads it, nobody misses it.
fn tell(bus: BusCounters, meter: &ChipMeter) {
    let mut all = vec![("cs_cycles", bus.cs_cycles), ("bytes", bus.bytes), ("resets", bus.resets)];
    all.extend(meter.read());
    let all: Vec<String> = all.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let _ = writeln!(io::stderr(), "wifinina-sim: {}", all.join(", "));
}

/// SIGINT and SIGTERM, where there are such things.
struct Ends {
    #[cfg(unix)]
    came: Arc<AtomicBool>,
}

impl Ends {
    #[cfg(unix)]
    fn catch() -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // A second one ends the program on the spot.
            signal_hook::flag::register_conditional_shutdown(signal, 1, came.clone())?;
            signal_hook::flag::register(signal, came.clone())?;
        }
        Ok(Self { came })
    }

    #[cfg(unix)]
    fn wait(&self) {
        while !self.came.load(Ordering::Relaxed) {
            thread::sleep(ROUND);
        }
    }

    #[cfg(not(unix))]
    fn catch() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    fn wait(&self) {
        loop {
            thread::park();
        }
    }
}

/// The first line on stdout. If nobody reads it, nobody waits for it.
fn announce(addr: SocketAddr) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "LISTEN {addr}").and_then(|()| out.flush());
}

/// A seed that nobody chose is told, so that what happens can be had again.
fn faults(rates: Rates, seed: Option<u64>) -> Faults {
    let seed = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        now.as_secs() ^ u64::from(now.subsec_nanos())
    });
    let _ = writeln!(io::stderr(), "wifinina-sim: bus faults of seed {seed}");
    Faults::random(seed, rates)
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

fn persona(wanted: &str) -> Result<&'static Persona, String> {
    let found = Persona::ALL.into_iter().find(|it| it.name == wanted || it.version == wanted);
    found.ok_or_else(|| {
        let known: Vec<&str> = Persona::ALL.iter().map(|it| it.name).collect();
        format!("there are {}", known.join(", "))
    })
}

fn access_point(text: &str) -> Result<AccessPoint, String> {
    let (ssid, passphrase) = text.split_once(':').unwrap_or((text, ""));
    if ssid.is_empty() || ssid.len() > 32 {
        return Err("a name has 1 to 32 bytes".to_owned());
    }
    if passphrase.len() > 63 {
        return Err("a passphrase has at most 63 bytes".to_owned());
    }
    Ok(AccessPoint::new(ssid, passphrase))
}

/// Each a little further away than the one before, and with an address of its own.
fn in_order_of_strength(mut points: Vec<AccessPoint>) -> Vec<AccessPoint> {
    for (point, step) in points.iter_mut().zip(0_u8..10) {
        point.rssi -= 5 * i32::from(step);
        if let Some(last) = point.bssid.last_mut() {
            *last = last.wrapping_add(step);
        }
    }
    points
}

/// The chip's own counters through the tunnel, and how many faults struck.
#[derive(Clone)]
struct ChipMeter {
    monitor: Monitor,
    faults: Option<Faults>,
}

impl Meter for ChipMeter {
    fn read(&self) -> Vec<(&'static str, u64)> {
        let counters = self.monitor.counters();
        let mut all = vec![
            ("commands", counters.commands),
            ("replies", counters.replies),
            ("blocked_commands", counters.blocked_commands),
            ("joins", counters.joins),
            ("datagrams_dropped", counters.datagrams_dropped),
            ("peers_dropped", counters.peers_dropped),
            ("empty_cycles", counters.empty_cycles),
            ("over_reads", counters.over_reads),
            ("offences", counters.offences()),
        ];
        all.extend(counters.offence_list());
        all.extend(self.faults.iter().map(|faults| ("faults", faults.struck())));
        all
    }

    fn clear(&self) {
        self.monitor.clear();
    }
}

/// Between two looks whether the program is to end.
#[cfg(unix)]
const ROUND: Duration = Duration::from_millis(20);
/// The rate that the firmware's makers recommend. A real clock is not slowed down by it.
const BUS_HZ: u32 = 8_000_000;
