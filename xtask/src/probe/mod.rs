//! `probe`: sends scripts of raw bytes to the reference server, and compares its answers with those
//! recorded from Go.

mod answer;
mod base64;
mod compare;
mod run;
mod script;
mod server;
mod sha256;

use core::sync::atomic::{AtomicUsize, Ordering};
use std::path::PathBuf;
use std::sync::Mutex;

use crate::Outcome;
use crate::workspace::Workspace;
use compare::{Difference, differences};
use script::{Meant, Probe, Recording};
use server::Server;

pub(crate) const HELP: &str = "compare the reference server with Go's, over raw bytes: \
    `probe [--device URL] [--addr HOST:PORT] [--probes FOLDER] [--set NAME] [--core] [--only TEXT] [-j N] [-v]`";

/// What the command line asks for.
struct Options {
    device: String,
    addr: Option<String>,
    folder: Option<PathBuf>,
    set: String,
    core_only: bool,
    only: String,
    jobs: usize,
    verbose: bool,
}

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments)?;
    let workspace = Workspace::load()?;
    let own = workspace.root.join("net-http/testdata/probes");
    let folder = options.folder.as_ref().unwrap_or(&own);
    let recording = Recording::load(&folder.join("golden.json"))?;
    let mut probes = script::load(&folder.join(format!("{}.json", options.set)))?;
    probes.retain(|probe| (probe.core || !options.core_only) && probe.is_named(&options.only));
    if probes.is_empty() {
        return Err("no script is left to be sent".into());
    }
    let server = match &options.addr {
        Some(addr) => Server::elsewhere(addr)?,
        None => Server::start(&workspace, &options.device)?,
    };
    let verdicts = send_all(&server, &probes, &recording, options.jobs);
    let meant = Meant::load(&workspace.root, &options.device)?;
    report(&probes, &verdicts, &meant, &options)
}

/// Sends every script, some at a time.
fn send_all(
    server: &Server,
    probes: &[Probe],
    recording: &Recording,
    jobs: usize,
) -> Vec<Vec<Difference>> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(vec![Vec::new(); probes.len()]);
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, 32) {
            scope.spawn(|| {
                while let Some((index, probe)) = nth(probes, next.fetch_add(1, Ordering::Relaxed)) {
                    let verdict = match recording.of(&probe.id) {
                        Some(wanted) => differences(wanted, &run::run(&server.addr, probe)),
                        None => vec![Difference::major("there is no recording")],
                    };
                    if let Ok(mut verdicts) = verdicts.lock()
                        && let Some(place) = verdicts.get_mut(index)
                    {
                        *place = verdict;
                    }
                }
            });
        }
    });
    verdicts.into_inner().unwrap_or_default()
}

fn nth(probes: &[Probe], index: usize) -> Option<(usize, &Probe)> {
    Some((index, probes.get(index)?))
}

/// Prints what differs. Major differences fail, unless docs/porting.md says that they are meant; if it
/// says so of a script that answers as Go does, that fails too.
fn report(
    probes: &[Probe],
    verdicts: &[Vec<Difference>],
    meant: &Meant,
    options: &Options,
) -> Outcome {
    let (mut like, mut minor, mut wrong, mut on_purpose, mut stale) = (0, 0, 0, 0, 0);
    for (probe, verdict) in probes.iter().zip(verdicts) {
        let major = verdict.iter().any(|difference| difference.major);
        let (word, count) = match (major, meant.is_meant(&probe.id)) {
            (true, (true, _)) => ("meant", &mut on_purpose),
            (true, (false, _)) => ("MAJOR", &mut wrong),
            (false, (_, true)) => ("STALE", &mut stale),
            (false, _) if verdict.is_empty() => ("like Go", &mut like),
            (false, _) => ("minor", &mut minor),
        };
        *count += 1;
        let shown = options.verbose || !matches!(word, "like Go" | "minor");
        if shown {
            let level = if probe.core { "core" } else { "detail" };
            println!("{word:<7} {level:<6} {}", probe.id);
            verdict.iter().for_each(|difference| println!("        {}", difference.text));
        }
    }
    println!(
        "{} scripts: {like} like Go, {minor} with minor differences, {on_purpose} meant, {wrong} MAJOR",
        probes.len()
    );
    match wrong + stale {
        0 => Ok(()),
        _ if stale > 0 => Err("docs/porting.md lists scripts that are answered as Go does".into()),
        _ => Err(format!("{wrong} scripts differ from Go")),
    }
}

impl Options {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let mut options = Self {
            device: "host".into(),
            addr: None,
            folder: None,
            set: "public".into(),
            core_only: false,
            only: String::new(),
            jobs: 0,
            verbose: false,
        };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value =
                || rest.next().cloned().ok_or_else(|| format!("{argument} takes a value"));
            match argument.as_str() {
                "--device" => options.device = value()?,
                "--addr" => options.addr = Some(value()?),
                "--probes" => options.folder = Some(value()?.into()),
                "--set" => options.set = value()?,
                "--only" => options.only = value()?,
                "--core" => options.core_only = true,
                "-j" => options.jobs = value()?.parse().map_err(|_| "-j takes a number")?,
                "-v" => options.verbose = true,
                other => return Err(format!("unknown argument `{other}`")),
            }
        }
        if options.jobs == 0 {
            // A chip has few sockets, and one server for all of them.
            options.jobs = if options.device == "host" { 8 } else { 1 };
        }
        Ok(options)
    }
}
