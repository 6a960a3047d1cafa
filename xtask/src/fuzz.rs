//! `fuzz`: every fuzz target of the repository for a while, with cargo-fuzz.

use core::time::Duration;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::workspace::Workspace;
use crate::{Outcome, process};

pub(crate) const HELP: &str =
    "run every fuzz target on its corpus (--seconds N each, 30 by default, or --runs N each)";

/// The version that `setup` installs.
const VERSION: &str = "0.13.2";
/// Where it may take that long to be built.
const INSTALL_LIMIT: Duration = Duration::from_secs(600);
/// How long a target may go on after its time is up.
const GRACE: Duration = Duration::from_secs(60);
/// How many run side by side.
const AT_ONCE: usize = 2;
/// The end of a log that is shown for a target that failed.
const TAIL_LINES: usize = 40;

/// When a target has run enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Enough {
    Seconds(u64),
    Runs(u64),
}

/// A built target.
struct Target {
    name: String,
    program: PathBuf,
    corpus: PathBuf,
    /// Where what it finds is put.
    found: PathBuf,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let enough = parse(arguments)?;
    let workspace = Workspace::load()?;
    let Some(tool) = tool(&workspace) else {
        return Err("no cargo-fuzz; get a nightly compiler and run `cargo xtask setup`".into());
    };
    run_all(&workspace, &tool, enough)
}

/// The step of `ci`. Without a nightly compiler the corpora run as tests of their crates, and there
/// is nothing more to do here.
pub(crate) fn smoke(workspace: &Workspace) -> Outcome {
    if !has_nightly() {
        println!("no nightly compiler here: `test` runs the corpora");
        return Ok(());
    }
    let tool = tool(workspace).ok_or("no cargo-fuzz; get it with `cargo xtask setup`")?;
    run_all(workspace, &tool, Enough::Seconds(30))
}

/// Builds cargo-fuzz where a nightly compiler could use it. Tells whether there was anything to do.
pub(crate) fn set_up(workspace: &Workspace) -> Outcome<bool> {
    if !has_nightly() || tool(workspace).is_some() {
        return Ok(false);
    }
    println!("setup: cargo install cargo-fuzz");
    let mut cargo = process::cargo();
    cargo.args(["install", "--quiet", "--locked", "cargo-fuzz", "--version", VERSION, "--root"]);
    cargo.arg(tools(workspace));
    process::run_within(&mut cargo, INSTALL_LIMIT)?;
    Ok(true)
}

fn parse(arguments: &[String]) -> Outcome<Enough> {
    let number = |text: &String| text.parse().map_err(|_| format!("`{text}` is no number"));
    match arguments {
        [] => Ok(Enough::Seconds(30)),
        [flag, n] if flag == "--seconds" => number(n).map(Enough::Seconds),
        [flag, n] if flag == "--runs" => number(n).map(Enough::Runs),
        _ => Err("--seconds N or --runs N".into()),
    }
}

/// Whether rustup has a nightly compiler.
fn has_nightly() -> bool {
    let listed = process::capture(Command::new("rustup").args(["toolchain", "list"]));
    listed.is_ok_and(|names| names.lines().any(|name| name.starts_with("nightly")))
}

/// cargo-fuzz: the one that `setup` built, or one on the path.
fn tool(workspace: &Workspace) -> Option<PathBuf> {
    let own = tools(workspace).join("bin/cargo-fuzz");
    let on_path = || process::is_installed("cargo-fuzz").then(|| "cargo-fuzz".into());
    if own.is_file() { Some(own) } else { on_path() }
}

fn tools(workspace: &Workspace) -> PathBuf {
    workspace.target.join("tools")
}

fn run_all(workspace: &Workspace, tool: &Path, enough: Enough) -> Outcome {
    let mut targets = VecDeque::new();
    for package in packages(workspace) {
        targets.extend(build(workspace, tool, &package)?);
    }
    if targets.is_empty() {
        return Err("there is no fuzz target".into());
    }
    let count = targets.len();
    let waiting = Mutex::new(targets);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| work(&waiting, &failures, enough));
        }
    });
    let failures = failures.into_inner().unwrap_or_default();
    if failures.is_empty() {
        println!("{count} fuzz targets found nothing");
        return Ok(());
    }
    Err(failures.join("\n"))
}

/// Takes targets until none is left.
fn work(waiting: &Mutex<VecDeque<Target>>, failures: &Mutex<Vec<String>>, enough: Enough) {
    loop {
        let next = waiting.lock().ok().and_then(|mut targets| targets.pop_front());
        let Some(target) = next else { return };
        let outcome = target.run(enough);
        if let (Err(reason), Ok(mut failures)) = (outcome, failures.lock()) {
            failures.push(reason);
        }
    }
}

/// The packages of fuzz targets, which stand outside the workspace.
fn packages(workspace: &Workspace) -> Vec<PathBuf> {
    let is_fuzz = |folder: &PathBuf| {
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
        manifest.lines().any(|line| line.trim() == "cargo-fuzz = true")
    };
    workspace.outsiders().into_iter().filter(is_fuzz).collect()
}

/// Builds the targets of one package. Nothing here is unsafe, so no sanitizer is needed.
fn build(workspace: &Workspace, tool: &Path, package: &Path) -> Outcome<Vec<Target>> {
    let place = workspace.target.join("fuzz");
    let said = process::capture(fuzz(tool, "list", package).arg("--fuzz-dir").arg(package))?;
    let mut command = fuzz(tool, "build", package);
    command.arg("--fuzz-dir").arg(package).args(["--sanitizer", "none", "--target-dir"]);
    process::run(command.arg(place.join("build")))?;
    let within = package.strip_prefix(&workspace.root).unwrap_or(package);
    let area = within.display().to_string().replace("/fuzz", "").replace(['/', '\\'], "-");
    let mut targets = Vec::new();
    for name in said.lines().map(str::trim).filter(|name| !name.is_empty()) {
        let full = format!("{area}-{name}");
        let found = place.join(&full);
        fs::create_dir_all(found.join("new")).map_err(|error| error.to_string())?;
        // Packages share a folder for what they build, and may use a name twice.
        let program = found.join("program");
        let built = place.join("build").join(host()?).join("release").join(name);
        fs::copy(&built, &program).map_err(|error| format!("{}: {error}", built.display()))?;
        let corpus = package.join("corpus").join(name);
        targets.push(Target { name: full, program, corpus, found });
    }
    Ok(targets)
}

fn fuzz(tool: &Path, command: &str, package: &Path) -> Command {
    let mut fuzz = Command::new(tool);
    fuzz.arg(command).current_dir(package).env("RUSTUP_TOOLCHAIN", "nightly");
    // Of the compiler that runs this program.
    for stale in ["CARGO", "RUSTC", "RUSTDOC", "CARGO_TARGET_DIR"] {
        fuzz.env_remove(stale);
    }
    fuzz
}

/// The triple of this computer.
fn host() -> Outcome<String> {
    let said = process::capture(Command::new("rustc").arg("-vV"))?;
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not tell its host".into())
}

impl Target {
    /// Runs it; its output goes into a log, whose end shows where it failed.
    fn run(&self, enough: Enough) -> Outcome {
        let log = self.found.join("log");
        let output = File::create(&log).map_err(|error| error.to_string())?;
        let errors = output.try_clone().map_err(|error| error.to_string())?;
        let mut command = Command::new(&self.program);
        command.arg(self.found.join("new")).arg(&self.corpus).stdout(output).stderr(errors);
        command.arg(format!("-artifact_prefix={}/", self.found.display()));
        let limit = match enough {
            Enough::Seconds(n) => {
                command.arg(format!("-max_total_time={n}"));
                Duration::from_secs(n) + GRACE
            }
            Enough::Runs(n) => {
                command.arg(format!("-runs={n}"));
                Duration::from_secs(3600)
            }
        };
        let outcome = process::run_within(&mut command, limit);
        let said = String::from_utf8_lossy(&fs::read(&log).unwrap_or_default()).into_owned();
        match outcome {
            Ok(()) => {
                let done = said.lines().rev().find(|line| line.starts_with("Done "));
                println!("{}: {}", self.name, done.unwrap_or("done").trim_end());
                Ok(())
            }
            Err(reason) => Err(format!("{}: {reason}\n{}", self.name, tail(&said))),
        }
    }
}

/// The last lines of a log.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(TAIL_LINES);
    lines.get(first..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_names_a_time_or_a_number_of_runs() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(parse(&[]), Ok(Enough::Seconds(30)));
        assert_eq!(parse(&words("--seconds 5")), Ok(Enough::Seconds(5)));
        assert_eq!(parse(&words("--runs 1000000")), Ok(Enough::Runs(1_000_000)));
        assert!(parse(&words("--runs many")).is_err());
        assert!(parse(&words("--forever")).is_err());
    }

    #[test]
    fn the_fuzz_packages_are_found() {
        let found = packages(&Workspace::load().unwrap());
        assert!(found.iter().any(|folder| folder.ends_with("drivers/wifinina/fuzz")));
        assert!(found.iter().all(|folder| folder.join("fuzz_targets").is_dir()));
    }

    #[test]
    fn the_tail_of_a_log_is_its_last_lines() {
        let text: String = (0..100).map(|n| format!("{n}\n")).collect();
        assert_eq!(tail(&text).lines().count(), TAIL_LINES);
        assert!(tail(&text).ends_with("99"));
        assert_eq!(tail("a\nb"), "a\nb");
    }
}
