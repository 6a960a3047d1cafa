//! Reads the recorded answers in `testdata`.

extern crate std;

use std::string::String;
use std::vec::Vec;

pub(crate) use serde_json::Value;

/// The cases of one file.
pub(crate) fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    match file["cases"].take() {
        Value::Array(cases) => cases,
        other => panic!("no cases: {other}"),
    }
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

/// Which cases failed, against those that are known to differ. Both ways: a listed case that passes
/// is a mistake too.
pub(crate) fn compare(failed: &[String], known: &[(&str, &str)]) {
    let unexpected: Vec<_> =
        failed.iter().filter(|line| !known.iter().any(|(id, _)| line.starts_with(id))).collect();
    let stale: Vec<_> =
        known.iter().filter(|(id, _)| !failed.iter().any(|line| line.starts_with(id))).collect();
    assert!(
        unexpected.is_empty() && stale.is_empty(),
        "unexpected: {unexpected:#?}\nlisted but passing: {stale:#?}"
    );
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
