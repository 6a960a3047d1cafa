//! `boards`: builds the images under `examples/boards`.

use std::path::{Path, PathBuf};

use crate::baremetal::{Compiler, Library, TARGETS};
use crate::workspace::{self, Workspace};
use crate::{Outcome, core_only, elf, only_flags, process};

pub(crate) const HELP: &str =
    "build the board images and print their sizes (SSID and PASS name the network)";

/// What the images are built with where the environment names no network.
const STAND_INS: &[(&str, &str)] = &[("SSID", "test-ap"), ("PASS", "test-pass")];

pub(crate) fn run(arguments: &[String]) -> Outcome {
    only_flags(arguments, &[])?;
    build_all(&Workspace::load()?, Warnings::Shown)
}

/// What a warning of the compiler means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Warnings {
    /// The build goes on.
    Shown,
    /// The build fails.
    Denied,
}

/// Builds every board's image for its own target, in release mode.
pub(crate) fn build_all(workspace: &Workspace, warnings: Warnings) -> Outcome {
    for (name, stand_in) in STAND_INS {
        if std::env::var_os(name).is_none() {
            println!("{name} is not set: building with `{stand_in}`; set it to use a real network");
        }
    }
    for folder in workspace::folders(&workspace.root.join("examples/boards")) {
        if folder.join("Cargo.toml").is_file() {
            build(workspace, &folder, warnings)?;
        }
    }
    Ok(())
}

fn build(workspace: &Workspace, folder: &Path, warnings: Warnings) -> Outcome {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let target = target_of(folder)?;
    let image = build_image(workspace, folder, &compiler(target)?, &[], warnings)?;
    let sizes = elf::sizes(&image)?;
    println!("{name}: {} bytes of flash, {} of static RAM", sizes.flash, sizes.ram);
    println!("  {}", image.display());
    Ok(())
}

/// A compiler that can link for `target`; an error says how to get one.
fn compiler(target: &'static str) -> Outcome<Compiler> {
    let found = Compiler::find(target).and_then(|found| found.can_link().map(|()| found));
    found.map_err(|reason| format!("{reason}; get it with `cargo xtask setup`"))
}

/// Builds the package in `folder`, whose image bears the folder's name, and returns the image.
pub(crate) fn build_image(
    workspace: &Workspace,
    folder: &Path,
    compiler: &Compiler,
    features: &[&str],
    warnings: Warnings,
) -> Outcome<PathBuf> {
    let name = folder.file_name().unwrap_or_default();
    Ok(build_images(workspace, folder, compiler, features, warnings)?.join(name))
}

/// Builds the package in `folder`, and returns where its images are.
pub(crate) fn build_images(
    workspace: &Workspace,
    folder: &Path,
    compiler: &Compiler,
    features: &[&str],
    warnings: Warnings,
) -> Outcome<PathBuf> {
    let target_folder = core_only::target_folder(&workspace.target);
    let mut cargo = compiler.cargo("build", Library::Alloc);
    cargo.current_dir(folder).args(["--quiet", "--release", "--locked"]);
    cargo.arg("--target-dir").arg(&target_folder).args(["--features", &features.join(",")]);
    for (name, stand_in) in STAND_INS {
        if std::env::var_os(name).is_none() {
            cargo.env(name, stand_in);
        }
    }
    if warnings == Warnings::Denied {
        let target = target_of(folder)?;
        cargo.args(["--config", &format!("target.{target}.rustflags = ['--deny=warnings']")]);
    }
    process::run(&mut cargo)?;
    Ok(target_folder.join(target_of(folder)?).join("release"))
}

/// The target that the package's `.cargo/config.toml` sets.
fn target_of(folder: &Path) -> Outcome<&'static str> {
    let path = folder.join(".cargo/config.toml");
    let text =
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let named = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == "target").then(|| value.trim().trim_matches('"').to_owned())
    });
    let known = TARGETS.iter().find(|target| Some(**target) == named.as_deref());
    known.copied().ok_or_else(|| format!("{}: no known target", path.display()))
}
