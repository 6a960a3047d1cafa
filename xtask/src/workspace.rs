//! What is in the workspace, as cargo tells it.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Outcome, process};

/// Members that serve the workspace itself and are nobody's dependency.
const NOT_PUBLIC: &[&str] = &["examples", "xtask"];

/// The workspace.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) members: Vec<Member>,
}

/// A package of the workspace.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Features in alphabetical order, without `default`.
    pub(crate) features: Vec<String>,
    pub(crate) version: String,
    pub(crate) rust_version: String,
    has_library: bool,
}

impl Workspace {
    /// Asks cargo about the workspace around the current folder.
    pub(crate) fn load() -> Outcome<Self> {
        let metadata = metadata(&["--no-deps"])?;
        let path = |key: &str| PathBuf::from(text(&metadata, key));
        let members = list(&metadata, "packages").iter().map(Member::new).collect();
        Ok(Self { root: path("workspace_root"), target: path("target_directory"), members })
    }

    /// The packages that others depend on.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.is_public_library())
    }

    /// Packages under the root that the workspace leaves out, in alphabetical order.
    pub(crate) fn outsiders(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect_packages(&self.root, &mut found);
        found.retain(|folder| {
            *folder != self.root && !self.members.iter().any(|member| member.folder == *folder)
        });
        found.sort();
        found
    }
}

impl Member {
    fn new(package: &Value) -> Self {
        let manifest = PathBuf::from(text(package, "manifest_path"));
        let features = package.get("features").and_then(Value::as_object).into_iter();
        let names = features.flat_map(serde_json::Map::keys);
        let is_library = |target: &Value| list(target, "kind").iter().any(|kind| kind == "lib");
        Self {
            name: text(package, "name"),
            folder: manifest.parent().map(Path::to_path_buf).unwrap_or_default(),
            features: names.filter(|name| *name != "default").cloned().collect(),
            version: text(package, "version"),
            rust_version: text(package, "rust_version"),
            has_library: list(package, "targets").iter().any(is_library),
        }
    }

    /// Whether programs outside this repository depend on it.
    pub(crate) fn is_public_library(&self) -> bool {
        self.has_library && !NOT_PUBLIC.contains(&self.name.as_str())
    }
}

/// What `cargo metadata` says, with these extra arguments.
pub(crate) fn metadata(arguments: &[&str]) -> Outcome<Value> {
    let mut command = process::cargo();
    command.args(["metadata", "--format-version", "1"]).args(arguments);
    let said = process::capture(&mut command)?;
    serde_json::from_str(&said).map_err(|error| format!("cargo metadata: {error}"))
}

/// The items of an array inside a JSON object; none for anything else.
pub(crate) fn list<'a>(object: &'a Value, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A text inside a JSON object; empty for anything else.
pub(crate) fn text(object: &Value, key: &str) -> String {
    object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn collect_packages(folder: &Path, found: &mut Vec<PathBuf>) {
    if folder.join("Cargo.toml").is_file() {
        found.push(folder.to_path_buf());
    }
    for child in folders(folder) {
        let name = child.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name != "target" && !name.starts_with('.') {
            collect_packages(&child, found);
        }
    }
}

/// The folders directly inside `folder`, in alphabetical order.
pub(crate) fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut found: Vec<_> =
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_knows_its_members_and_what_it_leaves_out() {
        let workspace = Workspace::load().unwrap();
        let netdev = workspace.libraries().find(|member| member.name == "netdev").unwrap();
        assert!(netdev.features.contains(&"defmt".to_owned()));
        assert!(!netdev.features.contains(&"default".to_owned()));
        assert!(workspace.libraries().all(|member| member.name != "xtask"));
        assert!(workspace.outsiders().iter().all(|folder| !folder.ends_with("xtask")));
    }
}
