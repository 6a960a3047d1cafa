//! Builds of the libraries for chips without an operating system.

use std::path::Path;

use crate::baremetal::{Compiler, Library, TARGETS};
use crate::workspace::{Member, Workspace};
use crate::{Outcome, process};

/// The libraries that must build with `core` alone.
const CRATES: &[&str] =
    &["netdev", "net", "net-http", "netdev-uart", "wifinina", "espat", "rtl8720dn"];

/// Features that are switched on together in a second build.
const FEATURES: &[&str] = &["defmt", "log"];

/// Builds that need the same target.
pub(crate) struct Builds {
    pub(crate) name: String,
    pub(crate) target: &'static str,
}

/// One set of builds for each target.
pub(crate) fn all() -> impl Iterator<Item = Builds> {
    TARGETS.iter().map(|target| Builds { name: format!("core-only builds for {target}"), target })
}

impl Builds {
    /// The compiler for these builds; an error says how to get one.
    pub(crate) fn compiler(&self) -> Outcome<Compiler> {
        Compiler::find(self.target)
            .map_err(|reason| format!("{reason}; get it with `cargo xtask setup`"))
    }

    /// Builds every crate, without features and with those that can be combined there.
    pub(crate) fn run(&self, workspace: &Workspace, compiler: &Compiler) -> Outcome {
        let failures: Vec<String> =
            CRATES.iter().filter_map(|name| build(workspace, compiler, name).err()).collect();
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    }
}

fn build(workspace: &Workspace, compiler: &Compiler, name: &str) -> Outcome {
    let member = workspace.members.iter().find(|member| member.name == name);
    let member = member.ok_or_else(|| format!("{name} is not in the workspace"))?;
    for features in feature_sets(member) {
        let mut cargo = compiler.cargo("build", Library::Core);
        cargo.current_dir(&workspace.root);
        cargo.arg("--target-dir").arg(target_folder(&workspace.target));
        cargo.args(["--quiet", "--package", name, "--no-default-features"]);
        cargo.args(["--features", &features]);
        process::run(&mut cargo)?;
    }
    Ok(())
}

/// Where builds for boards go: apart, because another compiler may make them.
pub(crate) fn target_folder(target: &Path) -> std::path::PathBuf {
    target.join("bare-metal")
}

fn feature_sets(member: &Member) -> Vec<String> {
    let has = |name: &&&str| member.features.iter().any(|feature| feature == **name);
    let together: Vec<&str> = FEATURES.iter().filter(has).copied().collect();
    if together.is_empty() { vec![String::new()] } else { vec![String::new(), together.join(",")] }
}
