//! `setup`: installs what building for boards and fuzzing need.

use core::time::Duration;
use std::path::Path;
use std::process::Command;

use crate::baremetal::{Compiler, DEBIAN_PACKAGES, TARGETS};
use crate::workspace::Workspace;
use crate::{Outcome, fuzz, only_flags, process};

pub(crate) const HELP: &str =
    "install what is missing for boards and for fuzzing (--qemu: also what measures stacks)";

/// Longest wait for one library from rustup; a machine without its servers must not hang.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);
/// Longest wait for one run of apt-get.
const APT_LIMIT: Duration = Duration::from_secs(600);

/// QEMU's machines with Arm processors.
pub(crate) const QEMU: &str = "qemu-system-arm";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    only_flags(arguments, &["--qemu"])?;
    let mut nothing_done = true;
    for target in missing_targets() {
        nothing_done = false;
        add_with_rustup(target);
    }
    if !missing_targets().is_empty() {
        nothing_done = false;
        add_debian_compiler()?;
    }
    if arguments.iter().any(|argument| argument == "--qemu") && !process::is_installed(QEMU) {
        nothing_done = false;
        install(&[QEMU])?;
    }
    if fuzz::set_up(&Workspace::load()?)? {
        nothing_done = false;
    }
    if nothing_done {
        println!("setup: nothing to do");
    }
    report()
}

/// Targets that no compiler here builds for, or links for.
fn missing_targets() -> Vec<&'static str> {
    let works = |target: &&'static str| {
        Compiler::find(target).and_then(|compiler| compiler.can_link()).is_ok()
    };
    TARGETS.iter().copied().filter(|target| !works(target)).collect()
}

/// Asks rustup for the library of a target; whether that worked is seen afterwards.
fn add_with_rustup(target: &str) {
    if !process::is_installed("rustup") {
        println!("setup: no rustup here to get {target} from");
        return;
    }
    println!("setup: rustup target add {target}");
    let mut command = Command::new("rustup");
    command
        .args(["target", "add", target])
        .env("RUSTUP_MAX_RETRIES", "0")
        .env("RUST_BACKTRACE", "0");
    if let Err(reason) = process::run_within(&mut command, RUSTUP_LIMIT) {
        println!("setup: {reason}");
    }
}

fn add_debian_compiler() -> Outcome {
    println!("setup: rustup has not got every target; using Debian's compiler instead");
    install(DEBIAN_PACKAGES)?;
    let linkless = |target: &&&'static str| {
        Compiler::find(target).is_ok_and(|compiler| compiler.can_link().is_err())
    };
    if TARGETS.iter().any(|target| linkless(&target)) { install(&["lld"]) } else { Ok(()) }
}

/// Installs Debian packages. Never removes one to make room.
fn install(packages: &[&str]) -> Outcome {
    let names = packages.join(" ");
    if !Path::new("/etc/debian_version").exists() {
        return Err(format!("this is no Debian system; get the equivalents of: {names}"));
    }
    if !is_root()? {
        return Err(format!("not root; run: apt-get install {names}"));
    }
    apt_get(&["update"])?;
    let options = ["install", "--yes", "--no-remove", "--no-install-recommends"];
    apt_get(&[&options[..], packages].concat())
        .map_err(|reason| format!("{reason}; nothing was removed to make room for {names}"))
}

fn apt_get(arguments: &[&str]) -> Outcome {
    println!("setup: apt-get {}", arguments.join(" "));
    let mut command = Command::new("apt-get");
    command.arg("-qq").args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    process::run_within(&mut command, APT_LIMIT)
}

fn is_root() -> Outcome<bool> {
    Ok(process::capture(Command::new("id").arg("-u"))?.trim() == "0")
}

/// Says which compiler serves each target.
fn report() -> Outcome {
    for target in TARGETS {
        let compiler = Compiler::find(target)?;
        compiler.can_link()?;
        println!("setup: {target}: {}", compiler.describe());
    }
    if process::is_installed(QEMU) {
        println!("setup: {QEMU}: installed");
    } else {
        println!(
            "setup: {QEMU}: not installed; only `cargo xtask bench size` uses it \
             (`cargo xtask setup --qemu`)"
        );
    }
    Ok(())
}
