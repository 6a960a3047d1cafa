//! `bench`: measurements that say how the project stands beside others.

mod http;
mod simulator;
mod size;
mod stack;
mod visit;

use crate::boards::Warnings;
use crate::workspace::Workspace;
use crate::{Outcome, only_flags, process};

pub(crate) const HELP: &str = "measure: `bench size` for flash, static RAM and worst stack, \
    `bench http` for the server on this PC beside hyper and Go, `bench wire` for what crosses the bus and how fast";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    match arguments.split_first() {
        Some((what, rest)) if what == "size" => {
            only_flags(rest, &[])?;
            size::run(&Workspace::load()?)
        }
        Some((what, rest)) if what == "http" => {
            only_flags(rest, &[])?;
            http::run(&Workspace::load()?)
        }
        Some((what, rest)) if what == "wire" => {
            only_flags(rest, &[])?;
            wire()
        }
        _ => Err("what to measure? there are `bench size`, `bench http` and `bench wire`".into()),
    }
}

/// Bus traffic and virtual times of the simulated chips; fails if one misses its limit.
fn wire() -> Outcome {
    let arguments = ["bench", "--quiet", "--package", "examples", "--bench", "wire"];
    process::run(process::cargo().args(arguments))
}

/// Builds what `bench size` measures, without the measuring.
pub(crate) fn build_only(workspace: &Workspace) -> Outcome {
    size::build(workspace, Warnings::Denied).map(drop)
}
