//! `bench`: measurements that say how the project stands beside others.

mod size;
mod stack;

use crate::boards::Warnings;
use crate::workspace::Workspace;
use crate::{Outcome, only_flags};

pub(crate) const HELP: &str = "measure: `bench size` for flash, static RAM and worst stack";

pub(crate) fn run(arguments: &[String]) -> Outcome {
    match arguments.split_first() {
        Some((what, rest)) if what == "size" => {
            only_flags(rest, &[])?;
            size::run(&Workspace::load()?)
        }
        _ => Err("what to measure? there is `cargo xtask bench size`".into()),
    }
}

/// Builds what `bench size` measures, without the measuring.
pub(crate) fn build_only(workspace: &Workspace) -> Outcome {
    size::build(workspace, Warnings::Denied).map(drop)
}
