//! Runs the cases of a group and compares the differences with those that are written down.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What became of a case: `Err` says what was answered instead.
pub(crate) type Verdict = Result<(), String>;

/// A difference that is meant.
pub(crate) struct Rule {
    /// Its name in `docs/porting.md`, behind the group's.
    pub(crate) name: &'static str,
    /// Which cases it is about.
    pub(crate) covers: fn(&Value) -> bool,
    /// Whether a case of it is among those in `testdata/`.
    pub(crate) seen: bool,
}

/// Runs every case of a group; fails if any differs that no rule covers, or does not although one
/// does.
pub(crate) fn run(group: &str, rules: &[Rule], check: impl Fn(&Value, &Value) -> Verdict) {
    assert_same_list(group, rules);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut failed = Vec::new();
    for folder in [own.clone()].into_iter().chain(more_folders()) {
        let file = folder.join(format!("{group}.json"));
        if !file.exists() && folder != own {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let vectors: Value = serde_json::from_str(&text).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        let outcome = run_file(cases, rules, &check);
        report(group, &folder, cases.len(), &outcome);
        if folder == own {
            let unseen = rules.iter().filter(|rule| rule.seen && !outcome.used.contains(rule.name));
            failed.extend(unseen.map(|rule| format!("no case differs by the rule {}", rule.name)));
        }
        failed.extend(outcome.failed);
    }
    assert!(failed.is_empty(), "{group}:\n{}", failed.join("\n"));
}

#[derive(Default)]
struct Outcome {
    differing: usize,
    used: BTreeSet<&'static str>,
    failed: Vec<String>,
}

fn run_file(
    cases: &[Value],
    rules: &[Rule],
    check: &impl Fn(&Value, &Value) -> Verdict,
) -> Outcome {
    let mut outcome = Outcome::default();
    for case in cases {
        let rule = rules.iter().find(|rule| (rule.covers)(&case["in"]));
        match (check(&case["in"], &case["out"]), rule) {
            (Ok(()), None) => {}
            (Err(_), Some(rule)) => {
                outcome.differing += 1;
                outcome.used.insert(rule.name);
            }
            (Ok(()), Some(rule)) => outcome.failed.push(format!(
                "{}: answers as Go does, although listed as {}",
                case["id"], rule.name
            )),
            (Err(found), None) => outcome.failed.push(format!("{}: {found}\n  {case}", case["id"])),
        }
    }
    outcome
}

/// Past the capture of the test harness where somebody asked for more folders.
fn report(group: &str, folder: &Path, cases: usize, outcome: &Outcome) {
    let failed: Vec<&str> =
        outcome.failed.iter().map(|text| text.split('\n').next().unwrap_or_default()).collect();
    let line = format!(
        "{group} in {}: {cases} cases, {} differ as listed, {} failed{}{}\n",
        folder.display(),
        outcome.differing,
        failed.len(),
        if failed.is_empty() { "" } else { ": " },
        failed.join("; ")
    );
    if more_folders().is_empty() {
        eprint!("{line}");
    } else {
        std::io::stderr().write_all(line.as_bytes()).unwrap();
    }
}

fn more_folders() -> Vec<PathBuf> {
    let named = std::env::var_os("GO_VECTORS").unwrap_or_default();
    std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// Every rule has a line of its own in the table of differences, and every line its rule.
fn assert_same_list(group: &str, rules: &[Rule]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/porting.md");
    let text = std::fs::read_to_string(path).unwrap();
    let start = format!("Differs from Go: (vectors `{group}/");
    let listed: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(&start))
        .filter_map(|rest| rest.split_once("`)").map(|(name, _)| name))
        .collect();
    let named: BTreeSet<&str> = rules.iter().map(|rule| rule.name).collect();
    assert_eq!(listed, named, "{group}: docs/porting.md lists other differences than the test");
}

/// Compares one value with what was recorded under `name`.
pub(crate) fn same(name: &str, wanted: &Value, got: impl Into<Value>) -> Verdict {
    let (got, wanted) = (got.into(), &wanted[name]);
    if *wanted == got { Ok(()) } else { Err(format!("{name} is {got}, not {wanted}")) }
}

/// A text of the input; texts that are not UTF-8 cannot be passed to functions that take `&str`.
pub(crate) fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    input[name].as_str().unwrap_or_else(|| panic!("{name} is no text: {input}"))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}
