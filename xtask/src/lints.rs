//! Format, clippy and rustdoc, warnings denied.

use std::path::Path;
use std::process::Command;

use crate::workspace::{Member, Workspace};
use crate::{Outcome, process};

/// Whether every package is formatted, those outside the workspace too.
pub(crate) fn format(workspace: &Workspace) -> Outcome {
    process::run(cargo_in(&workspace.root).args(["fmt", "--all", "--check"]))?;
    for folder in workspace.outsiders() {
        process::run(cargo_in(&folder).args(["fmt", "--check"]))?;
    }
    Ok(())
}

/// Clippy on everything at once, tests and examples included, with default features.
pub(crate) fn clippy_everything(workspace: &Workspace) -> Outcome {
    let mut cargo = cargo_in(&workspace.root);
    cargo.args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]);
    process::run(&mut cargo)
}

/// Clippy on one library: without features, with each one alone, with all of them.
pub(crate) fn clippy_feature_sets(workspace: &Workspace, member: &Member) -> Outcome {
    let failures: Vec<String> = feature_sets(member)
        .iter()
        .filter_map(|set| clippy(workspace, member, set).err())
        .collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn clippy(workspace: &Workspace, member: &Member, features: &str) -> Outcome {
    let mut cargo = cargo_in(&workspace.root);
    cargo.args(["clippy", "--quiet", "--package", &member.name, "--no-default-features"]);
    cargo.args(["--features", features, "--", "--deny", "warnings"]);
    process::run(&mut cargo)
}

/// The documentation of every member with all features, as docs.rs would build it.
pub(crate) fn rustdoc(workspace: &Workspace) -> Outcome {
    let mut cargo = cargo_in(&workspace.root);
    cargo.args(["doc", "--quiet", "--workspace", "--no-deps", "--all-features"]);
    process::run(cargo.env("RUSTDOCFLAGS", "--deny warnings"))
}

/// No feature, each alone, all together; comma-separated, without repeats.
fn feature_sets(member: &Member) -> Vec<String> {
    let mut sets = vec![String::new()];
    sets.extend(member.features.iter().cloned());
    if member.features.len() > 1 {
        sets.push(member.features.join(","));
    }
    sets
}

fn cargo_in(folder: &Path) -> Command {
    let mut cargo = process::cargo();
    cargo.current_dir(folder);
    cargo
}
