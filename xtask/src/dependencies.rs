//! Licences and versions of the dependencies, against `deny.toml`.
//!
//! `cargo deny` does this, and more, where it is installed. It is a large program to build for three
//! rules, so this small stand-in checks them elsewhere:
//! allowed licences, no second version of a package, nothing from outside the registry.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::baremetal::TARGETS;
use crate::workspace::{self, Workspace};
use crate::{Outcome, process};

/// Checks all dependencies of the workspace, on a PC and on every chip.
pub(crate) fn check(workspace: &Workspace) -> Outcome {
    if process::is_installed("cargo-deny") {
        let mut cargo = process::cargo();
        cargo.current_dir(&workspace.root);
        return process::run(cargo.args(["deny", "check", "bans", "licenses", "sources"]));
    }
    println!("cargo-deny is not installed; licences, versions and sources are checked by xtask");
    let path = workspace.root.join("deny.toml");
    let text = std::fs::read_to_string(&path).map_err(|error| format!("deny.toml: {error}"))?;
    let rules = Rules::read(&text);
    let wrong = rules.complaints(&packages()?);
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// What `deny.toml` says, as far as it is read here.
struct Rules {
    licences: Vec<String>,
    /// `name@version` of packages that may be there beside another version; the version may be cut
    /// short.
    skipped: Vec<String>,
}

/// A package of the dependency tree.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    licence: String,
    source: Option<String>,
}

impl Rules {
    fn read(deny_toml: &str) -> Self {
        Self { licences: strings_in(deny_toml, "allow"), skipped: strings_in(deny_toml, "skip") }
    }

    fn complaints(&self, packages: &BTreeSet<Package>) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for package in packages {
            let Package { name, version, licence, source } = package;
            if !is_allowed(licence, &self.licences) {
                wrong.push(format!("{name} {version}: licence `{licence}` is not allowed"));
            }
            if source.as_ref().is_some_and(|source| !source.starts_with("registry+")) {
                wrong.push(format!("{name} {version} does not come from the registry"));
            }
            if !self.is_skipped(package) {
                versions.entry(name).or_default().push(version);
            }
        }
        versions.retain(|_, versions| versions.len() > 1);
        let twice = versions.iter();
        wrong
            .extend(twice.map(|(name, versions)| format!("{name} twice: {}", versions.join(", "))));
        wrong
    }

    fn is_skipped(&self, package: &Package) -> bool {
        self.skipped.iter().any(|skipped| {
            let (name, version) = skipped.split_once('@').unwrap_or((skipped, ""));
            let version = version.trim_start_matches('=');
            let rest = package.version.strip_prefix(version);
            package.name == name
                && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }
}

/// The packages for this machine and for every chip.
fn packages() -> Outcome<BTreeSet<Package>> {
    let host = process::capture(std::process::Command::new("rustc").arg("-vV"))?;
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let mut found = BTreeSet::new();
    for target in TARGETS.iter().chain([&host]) {
        let metadata = workspace::metadata(&["--all-features", "--filter-platform", target])?;
        let reached =
            metadata.get("resolve").map_or(&[][..], |tree| workspace::list(tree, "nodes"));
        let reached: BTreeSet<String> =
            reached.iter().map(|node| workspace::text(node, "id")).collect();
        let packages = workspace::list(&metadata, "packages").iter();
        found.extend(
            packages.filter(|package| reached.contains(&workspace::text(package, "id"))).map(read),
        );
    }
    Ok(found)
}

fn read(package: &Value) -> Package {
    Package {
        name: workspace::text(package, "name"),
        version: workspace::text(package, "version"),
        licence: workspace::text(package, "license"),
        source: package.get("source").and_then(Value::as_str).map(str::to_owned),
    }
}

/// The quoted words of the list called `name`, without comments.
fn strings_in(toml: &str, name: &str) -> Vec<String> {
    let lines = toml.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let starts = |line: &&str| line.split_once('=').is_some_and(|(key, _)| key.trim() == name);
    let mut inside = Vec::new();
    for line in lines.skip_while(|line| !starts(line)) {
        inside.push(line);
        if line.ends_with(']') {
            break;
        }
    }
    let text = inside.join("\n");
    text.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a licence expression (SPDX, or the old `A/B`) can be met with the allowed licences.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    alternatives(&mut rest, allowed) && rest.is_empty()
}

fn alternatives(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = requirements(rest, allowed);
    while take(rest, "OR") {
        met |= requirements(rest, allowed);
    }
    met
}

fn requirements(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = licence(rest, allowed);
    while take(rest, "AND") {
        met &= licence(rest, allowed);
    }
    met
}

fn licence(rest: &mut &[&str], allowed: &[String]) -> bool {
    if take(rest, "(") {
        return alternatives(rest, allowed) & take(rest, ")");
    }
    let Some((first, mut after)) = rest.split_first() else { return false };
    let mut name = (*first).to_owned();
    if let ["WITH", exception, others @ ..] = after {
        name = format!("{name} WITH {exception}");
        after = others;
    }
    *rest = after;
    allowed.contains(&name)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let Some((first, after)) = rest.split_first() else { return false };
    let found = *first == word;
    if found {
        *rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        let registry = Some("registry+https://example.test".to_owned());
        let (name, version) = (name.to_owned(), version.to_owned());
        Package { name, version, licence: "MIT".into(), source: registry }
    }

    #[test]
    fn a_licence_expression_is_met_by_any_alternative_and_all_of_its_parts() {
        let allowed = ["MIT".to_owned(), "Unicode-3.0".to_owned()];
        assert!(is_allowed("MIT", &allowed));
        assert!(is_allowed("Apache-2.0 OR MIT", &allowed));
        assert!(is_allowed("MIT/Apache-2.0", &allowed));
        assert!(is_allowed("(MIT OR Apache-2.0) AND Unicode-3.0", &allowed));
        assert!(!is_allowed("MIT AND Zlib", &allowed));
        assert!(!is_allowed("Apache-2.0 WITH LLVM-exception", &allowed));
        assert!(!is_allowed("", &allowed));
        assert!(!is_allowed("(MIT", &allowed));
    }

    #[test]
    fn a_second_version_is_refused_unless_it_is_on_the_list() {
        let rules = Rules { licences: vec!["MIT".into()], skipped: vec!["old@0.6".into()] };
        let twice = |name| BTreeSet::from([package(name, "0.6.1"), package(name, "0.7.1")]);
        assert!(rules.complaints(&twice("old")).is_empty());
        assert_eq!(rules.complaints(&twice("new")), ["new twice: 0.6.1, 0.7.1"]);
        assert!(!rules.is_skipped(&package("old", "0.61.0")));
    }

    #[test]
    fn only_the_registry_is_a_source() {
        let rules = Rules { licences: vec!["MIT".into()], skipped: vec![] };
        let mut stray = package("stray", "1.0.0");
        stray.source = Some("git+https://example.test".into());
        assert_eq!(rules.complaints(&BTreeSet::from([stray])).len(), 1);
    }

    #[test]
    fn lists_of_deny_toml_are_read_without_their_comments() {
        let text =
            "[bans]\nskip = [\n  # not \"this\"\n  { crate = \"a@1\" },\n]\nallow = [\"MIT\"]";
        assert_eq!(strings_in(text, "skip"), ["a@1"]);
        assert_eq!(strings_in(text, "allow"), ["MIT"]);
        assert!(strings_in(text, "other").is_empty());
    }
}
