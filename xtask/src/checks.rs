//! Checks of what is written down: lock files, change logs, front pages, the oldest compiler.

use std::path::Path;

use crate::workspace::{self, Workspace};
use crate::{Outcome, baremetal, process};

/// Every package has a lock file that fits its manifest.
pub(crate) fn lock_files(workspace: &Workspace) -> Outcome {
    let mut folders = vec![workspace.root.clone()];
    folders.extend(workspace.outsiders());
    let wrong = folders.iter().filter_map(|folder| lock_file(folder).err());
    complain(wrong)
}

fn lock_file(folder: &Path) -> Outcome {
    if !folder.join("Cargo.lock").is_file() {
        return Err(format!("{}: no Cargo.lock", folder.display()));
    }
    let mut cargo = process::cargo();
    cargo.current_dir(folder).args(["metadata", "--format-version", "1", "--locked"]);
    process::capture(&mut cargo).map(drop)
}

/// Every public library has a front page, and a change log that names its version or what is new.
pub(crate) fn front_pages(workspace: &Workspace) -> Outcome {
    let mut wrong = Vec::new();
    for library in workspace.libraries() {
        if read(&library.folder.join("README.md")).trim().is_empty() {
            wrong.push(format!("{}: README.md is missing or empty", library.name));
        }
        let log = read(&library.folder.join("CHANGELOG.md"));
        let headings = ["## [Unreleased]".to_owned(), format!("## [{}]", library.version)];
        if !headings.iter().any(|heading| log.contains(heading.as_str())) {
            let wanted = headings.join("` or `");
            wrong.push(format!("{}: CHANGELOG.md needs a heading `{wanted}`", library.name));
        }
    }
    complain(wrong.into_iter())
}

/// All packages name the same oldest compiler, and no dependency asks for a newer one.
///
/// This compares what manifests say; clippy's `incompatible_msrv` watches the standard library's
/// part. Neither replaces a build with that compiler.
pub(crate) fn oldest_compiler(workspace: &Workspace) -> Outcome {
    let (major, minor) = baremetal::OLDEST;
    let oldest = format!("{major}.{minor}");
    let members = workspace.members.iter().filter(|member| member.rust_version != oldest);
    let mut wrong: Vec<String> = members
        .map(|member| format!("{}: its rust-version is not {oldest}", member.name))
        .collect();
    for package in workspace::list(&workspace::metadata(&[])?, "packages") {
        let needed = workspace::text(package, "rust_version");
        if minor_of(&needed).is_some_and(|needed| needed > minor) {
            let name = workspace::text(package, "name");
            wrong.push(format!("{name} needs Rust {needed}, the workspace promises {oldest}"));
        }
    }
    complain(wrong.into_iter())
}

/// `88` of `1.88` or `1.88.0`.
fn minor_of(version: &str) -> Option<u32> {
    version.strip_prefix("1.")?.split('.').next()?.parse().ok()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn complain(wrong: impl Iterator<Item = String>) -> Outcome {
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_number_is_read_with_and_without_a_patch_number() {
        assert_eq!(minor_of("1.88"), Some(88));
        assert_eq!(minor_of("1.88.0"), Some(88));
        assert_eq!(minor_of(""), None);
    }
}
