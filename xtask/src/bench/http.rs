//! `bench http`: requests a second, CPU time and instructions of the server on this PC, beside hyper's
//! and, where there is a `go` command, Go's.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::workspace::Workspace;
use crate::{Outcome, process};

const PACKAGE: &str = "net-http/bench";
const PATHS: [&str; 2] = ["/hello", "/file"];
const CONNECTIONS: [&str; 2] = ["16", "64"];
/// How often each server is measured; the median counts.
const ROUNDS: usize = 5;
const SECONDS: &str = "1";
/// Requests of the two runs whose difference tells what one request costs.
const FEW: u64 = 500;
const MANY: u64 = 2500;

/// A server that is compared.
struct Contestant {
    name: &'static str,
    program: PathBuf,
    args: Vec<String>,
}

/// One measurement.
#[derive(Clone, Copy)]
struct Measured {
    /// Requests a second.
    rate: f64,
    /// Microseconds of CPU time for each.
    cpu: f64,
}

pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let folder = workspace.root.join(PACKAGE);
    let target = workspace.target.join("bench-http");
    let mut build = process::cargo();
    build.args(["build", "--release", "--quiet", "--target-dir"]).arg(&target);
    process::run(build.current_dir(&folder))?;
    let programs = target.join("release");
    let mut contestants = vec![
        Contestant { name: "net-http", program: programs.join("ours"), args: Vec::new() },
        Contestant { name: "hyper", program: programs.join("hypers"), args: Vec::new() },
    ];
    contestants.extend(go(&folder, &target));
    rates(&contestants, &programs.join("load"))?;
    if process::is_installed("valgrind") {
        instructions(&contestants, &programs.join("load"))
    } else {
        println!("no valgrind here: instructions are not counted");
        Ok(())
    }
}

/// Go's server, if it can be built here.
fn go(folder: &Path, target: &Path) -> Option<Contestant> {
    let program = target.join("go-server");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg(".").current_dir(folder.join("go"));
    build.envs([("CGO_ENABLED", "0"), ("GOTOOLCHAIN", "local"), ("GOFLAGS", "-mod=mod")]);
    match process::capture(&mut build) {
        Ok(_) => Some(Contestant { name: "Go", program, args: Vec::new() }),
        Err(reason) => {
            println!("without Go: {}", reason.lines().next().unwrap_or_default());
            None
        }
    }
}

/// A server that runs.
struct Running {
    child: Child,
    addr: String,
}

impl Running {
    fn start(mut command: Command) -> Outcome<Self> {
        let child = command.env("GOMAXPROCS", "1").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = child.spawn().map_err(|error| error.to_string())?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            let _ = BufReader::new(output).read_line(&mut line);
        }
        let addr = line.strip_prefix("LISTEN ").unwrap_or_default().trim().to_owned();
        let running = Self { child, addr };
        if running.addr.is_empty() { Err("a server did not start".into()) } else { Ok(running) }
    }

    /// Seconds of CPU time so far.
    fn cpu(&self) -> f64 {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = std::fs::read_to_string(path).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks: f64 =
            fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        ticks / TICKS_A_SECOND
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        process::end(&mut self.child);
    }
}

/// What Linux counts CPU time in.
const TICKS_A_SECOND: f64 = 100.0;

/// Measures everybody in turn, again and again, so that what else the machine does hits all alike.
fn rates(contestants: &[Contestant], load: &Path) -> Outcome {
    let started = contestants.iter().map(|it| Running::start(it.command(None)));
    let servers = started.collect::<Outcome<Vec<Running>>>()?;
    println!("{:<8} {:>5}  {:<9} {:>10} {:>8}", "page", "conns", "server", "requests/s", "CPU us");
    for path in PATHS {
        for connections in CONNECTIONS {
            let mut all = vec![Vec::new(); servers.len()];
            for _ in 0..ROUNDS {
                for (server, measured) in servers.iter().zip(&mut all) {
                    measured.push(measure(server, load, path, connections)?);
                }
            }
            report(path, connections, contestants, &all);
        }
    }
    Ok(())
}

fn measure(server: &Running, load: &Path, path: &str, connections: &str) -> Outcome<Measured> {
    let before = server.cpu();
    let (answered, seconds) = ask(load, &[&server.addr, path, connections, SECONDS], false)?;
    let cpu = server.cpu() - before;
    Ok(Measured { rate: answered / seconds, cpu: cpu * 1e6 / answered })
}

/// Runs the client; how many answers it got, and in what time.
fn ask(load: &Path, arguments: &[&str], lean: bool) -> Outcome<(f64, f64)> {
    let mut command = Command::new(load);
    command.args(arguments);
    if lean {
        command.env("LEAN", "1");
    }
    let told = process::capture(&mut command)?;
    let mut numbers = told.split_whitespace().filter_map(|word| word.parse().ok());
    numbers.next().zip(numbers.next()).ok_or_else(|| format!("the client says {told:?}"))
}

/// The medians, and how they stand to hyper's.
fn report(path: &str, connections: &str, contestants: &[Contestant], all: &[Vec<Measured>]) {
    let median = |measured: &[Measured], of: fn(&Measured) -> f64| {
        let mut values: Vec<f64> = measured.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let medians: Vec<(f64, f64)> =
        all.iter().map(|them| (median(them, |it| it.rate), median(them, |it| it.cpu))).collect();
    let (rate, cpu) = medians.get(1).copied().unwrap_or((f64::NAN, f64::NAN));
    for (contestant, (its_rate, its_cpu)) in contestants.iter().zip(&medians) {
        println!(
            "{path:<8} {connections:>5}  {:<9} {its_rate:>10.0} {its_cpu:>8.2}   {:.2} of hyper's rate, {:.2} of its CPU",
            contestant.name,
            its_rate / rate,
            its_cpu / cpu
        );
    }
}

/// User instructions of one request: the difference of a long and a short run, on one connection.
fn instructions(contestants: &[Contestant], load: &Path) -> Outcome {
    println!("\ninstructions for one request of /hello, by callgrind:");
    for lean in [true, false] {
        let what = if lean { "lean head" } else { "browser's head" };
        for contestant in contestants {
            let few = contestant.instructions(load, FEW, lean);
            let many = few.and_then(|few| Ok((few, contestant.instructions(load, MANY, lean)?)));
            match many {
                Ok((few, many)) => {
                    let each = many.saturating_sub(few) / (MANY - FEW);
                    println!("  {what:<15} {:<9} {each:>8}", contestant.name);
                }
                // Not every program runs under valgrind.
                Err(reason) => {
                    let reason = reason.lines().next().unwrap_or_default();
                    println!("  {what:<15} {:<9} not measured: {reason}", contestant.name);
                }
            }
        }
    }
    Ok(())
}

impl Contestant {
    /// Runs it, or lets something run it, until it has answered so often.
    fn command(&self, requests: Option<u64>) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args).args(requests.map(|requests| requests.to_string()));
        command
    }

    fn instructions(&self, load: &Path, requests: u64, lean: bool) -> Outcome<u64> {
        let log = std::env::temp_dir().join(format!("bench-http-{}.log", std::process::id()));
        let mut command = Command::new("valgrind");
        command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        command.arg(format!("--log-file={}", log.display())).arg(&self.program);
        command.args(&self.args).arg(requests.to_string());
        let mut server = Running::start(command)?;
        ask(load, &[&server.addr, "/hello", "1", &format!("{requests}x")], lean)?;
        server.child.wait().map_err(|error| error.to_string())?;
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let _ = std::fs::remove_file(&log);
        let counted = text.lines().find_map(|line| line.split("Collected : ").nth(1));
        let counted = counted.and_then(|count| count.trim().parse().ok());
        counted.ok_or_else(|| format!("callgrind says nothing of {}", self.name))
    }
}
