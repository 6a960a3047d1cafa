//! Reads the recorded answers: those in `testdata`, and further ones in the folders that the variable
//! `GO_VECTORS` names.

extern crate std;

use std::format;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;

pub(crate) use serde_json::Value;

/// One kind of recorded answers.
pub(crate) struct Group {
    name: &'static str,
    /// Its file in `testdata`.
    file: &'static str,
    /// What differs from the recording, or nothing. What differs on purpose starts with [`MEANT`].
    difference: fn(&Value) -> Option<String>,
}

/// The group of this name, compared by this function.
macro_rules! group {
    ($name:literal, $difference:expr) => {
        $crate::vectors::Group::new(
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/", $name, ".json")),
            $difference,
        )
    };
}
pub(crate) use group;

/// How a difference begins that is meant.
pub(crate) const MEANT: &str = "meant: ";

impl Group {
    pub(crate) const fn new(
        name: &'static str,
        file: &'static str,
        difference: fn(&Value) -> Option<String>,
    ) -> Self {
        Self { name, file, difference }
    }

    /// Compares every case of `testdata` with what docs/porting.md lists, both ways.
    pub(crate) fn check(&self) {
        let failed = self.failed(self.file);
        let listed = listed();
        let id = |line: &String| line.split(' ').next().unwrap().to_string();
        let all = format!("{}-*", self.name);
        let known = |id: &String| listed.contains(id) || listed.contains(&all);
        let unexpected: Vec<_> = failed.iter().filter(|line| !known(&id(line))).collect();
        let failing: Vec<_> = failed.iter().map(id).collect();
        let stale: Vec<_> = listed
            .iter()
            .filter(|id| id.rsplit_once('-').is_some_and(|(group, _)| group == self.name))
            .filter(|id| if **id == all { failing.is_empty() } else { !failing.contains(id) })
            .collect();
        assert!(
            unexpected.is_empty() && stale.is_empty(),
            "{}: not in docs/porting.md: {unexpected:#?}\nthere, but like Go: {stale:#?}",
            self.name
        );
    }

    /// The cases of a file that differ: id and difference.
    fn failed(&self, file: &str) -> Vec<String> {
        let judged = cases(file).into_iter().filter_map(|case| {
            let difference = (self.difference)(&case)?;
            Some(format!("{} {difference}", case["id"].as_str().unwrap()))
        });
        judged.collect()
    }
}

/// The cases that docs/porting.md names as different, by their ids.
fn listed() -> Vec<String> {
    let text = include_str!("../../docs/porting.md");
    let ids = text.split('`').filter(|word| {
        word.rsplit_once('-').is_some_and(|(_, number)| {
            number == "*" || number.len() == 10 && number.bytes().all(|b| b.is_ascii_hexdigit())
        })
    });
    ids.map(str::to_string).collect()
}

/// All that this crate compares.
fn groups() -> Vec<&'static Group> {
    let mut all = Vec::new();
    all.extend(crate::cookie::tests::GROUPS.iter());
    all.push(&crate::auth::tests::GROUP);
    all.extend(crate::recorder::tests::GROUPS.iter());
    all.extend(crate::wire::vectors::GROUPS.iter());
    all.extend(crate::mux::vectors::GROUPS.iter());
    all.extend(crate::url::tests::GROUPS.iter());
    all
}

/// `GO_VECTORS=folder:folder cargo test -p net-http vectors -- --nocapture` compares what is there, and
/// tells how many cases ran and which failed.
#[test]
fn further_recordings_are_answered_too() {
    let folders = std::env::var("GO_VECTORS").unwrap_or_default();
    let mut wrong = Vec::new();
    for folder in folders.split(':').filter(|folder| !folder.is_empty()) {
        for group in groups() {
            let path = Path::new(folder).join(format!("{}.json", group.name));
            let Ok(file) = std::fs::read_to_string(&path) else { continue };
            let failed = group.failed(&file);
            let (meant, failed): (Vec<_>, Vec<_>) =
                failed.into_iter().partition(|line| line.contains(MEANT));
            std::println!(
                "{}: {} cases, {} differ on purpose, {} failed",
                path.display(),
                cases(&file).len(),
                meant.len(),
                failed.len()
            );
            failed.iter().for_each(|line| std::println!("  {line}"));
            wrong.extend(failed);
        }
    }
    assert!(wrong.is_empty(), "{} cases differ from Go", wrong.len());
}

/// The cases of one file. What they share goes along with each.
pub(crate) fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    let shared = file["shared"].take();
    let Value::Array(mut cases) = file["cases"].take() else { panic!("no cases") };
    if !shared.is_null() {
        cases.iter_mut().for_each(|case| case["shared"] = shared.clone());
    }
    cases
}

/// A text, which is a string or `{"b64": ...}`.
pub(crate) fn bytes(text: &Value) -> Vec<u8> {
    match text {
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Object(parts) => base64(parts["b64"].as_str().unwrap()),
        _ => Vec::new(),
    }
}

/// A raw message: `name` holds base64.
pub(crate) fn raw(value: &Value, name: &str) -> Vec<u8> {
    base64(value[name].as_str().unwrap())
}

/// The names and values of a recorded header or form.
pub(crate) fn pairs(list: &Value) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut all = Vec::new();
    for pair in list.as_array().into_iter().flatten() {
        for value in pair[1].as_array().into_iter().flatten() {
            all.push((bytes(&pair[0]), bytes(value)));
        }
    }
    all
}

fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let (mut bits, mut held, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        bits = bits << 6 | u32::from(digit(byte));
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xFF).unwrap());
        }
    }
    out
}
