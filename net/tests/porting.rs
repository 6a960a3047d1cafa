//! The table in `docs/porting.md` is complete: every name of Go's surface, and every public name of
//! ours.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed, helpers included")]

use std::collections::BTreeSet;
use std::path::Path;

fn read(file: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(file)).unwrap()
}

/// The words of everything that stands between backticks, and the texts themselves.
fn names(table: &str) -> BTreeSet<&str> {
    let code = table.split('`').skip(1).step_by(2);
    let words = |code| core::iter::once(code).chain(split_words(code));
    code.flat_map(words).collect()
}

fn split_words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// What a crate exports: the names in its `pub use` lines.
fn exports(lib: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for (_, rest) in lib.match_indices("\npub use ").map(|(at, _)| lib.split_at(at + 9)) {
        let (item, _) = rest.split_once(';').unwrap();
        let list = item.rsplit("::").next().unwrap();
        let inside = item.split_once('{').map_or(list, |(_, inside)| inside.trim_end_matches('}'));
        for name in inside.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            found.insert(name.rsplit(" as ").next().unwrap());
        }
    }
    found
}

/// What a file declares for everybody: functions, types and constants outside of any block.
fn declared(source: &str) -> BTreeSet<&str> {
    let kinds = ["fn ", "struct ", "enum ", "trait ", "const ", "const fn "];
    source
        .lines()
        .filter_map(|line| line.strip_prefix("pub "))
        .filter_map(|line| kinds.iter().rev().find_map(|kind| line.strip_prefix(kind)))
        .filter_map(|rest| split_words(rest).next())
        .collect()
}

fn assert_listed(what: &str, wanted: &BTreeSet<&str>) {
    assert!(wanted.len() > 1, "{what}: only {wanted:?} were found");
    let table = read("docs/porting.md");
    let listed = names(&table);
    let missing: Vec<_> = wanted.iter().filter(|name| !listed.contains(**name)).collect();
    assert!(missing.is_empty(), "{what}: docs/porting.md lacks {missing:?}");
}

#[test]
fn every_name_of_gos_surface_is_listed() {
    let surface = read("net/testdata/surface.txt");
    assert_listed("Go", &surface.lines().collect());
}

#[test]
fn every_public_name_is_listed() {
    for lib in ["netdev/src/lib.rs", "net/src/lib.rs"] {
        assert_listed(lib, &exports(&read(lib)));
    }
    for module in ["net/src/link.rs", "net/src/netip.rs"] {
        let source = read(module);
        assert_listed(module, &exports(&source).union(&declared(&source)).copied().collect());
    }
}
