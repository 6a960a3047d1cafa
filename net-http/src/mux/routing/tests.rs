extern crate std;

use super::*;
use crate::mux::pattern::PatternError;
use crate::vectors::{self, Value};
use crate::wire::target::Target;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

const KNOWN: &[(&str, &str)] = &[];

fn register<'p>(texts: impl Iterator<Item = &'p str>) -> Result<Vec<Pattern<'p>>, PatternError> {
    let mut patterns: Vec<Pattern<'p>> = Vec::new();
    for text in texts {
        let pattern = Pattern::parse(text)?;
        if patterns.iter().any(|earlier| pattern.conflicts_with(earlier)) {
            return Err(PatternError::Conflict);
        }
        patterns.push(pattern);
    }
    Ok(patterns)
}

#[test]
fn patterns_register_as_recorded() {
    for case in vectors::cases(include_str!("../../../testdata/mux_register.json")) {
        let texts: Vec<_> =
            case["in"]["patterns"].as_array().unwrap().iter().map(vectors::bytes).collect();
        let texts = texts.iter().map(|text| core::str::from_utf8(text).unwrap());
        let kind = match register(texts) {
            Ok(_) => None,
            Err(PatternError::Conflict) => Some("conflict"),
            Err(_) => Some("invalid"),
        };
        assert_eq!(kind, case["out"]["kind"].as_str(), "{case}");
    }
}

fn answer(patterns: &[Pattern<'_>], input: &Value) -> String {
    let method = input["method"].as_str().unwrap();
    let target = input["target"].as_str().unwrap();
    let Some(target) = Target::parse(target.as_bytes(), method == "CONNECT") else {
        return "bad target".to_string();
    };
    let host = if target.authority.is_empty() {
        input["host"].as_str().unwrap()
    } else {
        target.authority
    };
    let question = Question { method, host, path: target.path };
    let routes = patterns.iter().copied();
    let query = target
        .query
        .filter(|query| !query.is_empty())
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    match question.decide(&routes) {
        Decision::Route(pattern, place) => {
            assert_eq!(patterns.get(place).map(|at| at.text), Some(pattern.text));
            format!("200 {}", pattern.text)
        }
        Decision::Redirect(path) => format!("307 {path}{query}"),
        Decision::WrongMethod => format!("405 {}", question.allowed(&routes)),
        Decision::NotFound => "404".to_string(),
    }
}

#[test]
fn requests_are_routed_as_recorded() {
    let file: Value =
        serde_json::from_str(include_str!("../../../testdata/mux_match.json")).unwrap();
    let mut failed = Vec::new();
    for case in file["cases"].as_array().unwrap() {
        let (input, out) = (&case["in"], &case["out"]);
        let texts = file["shared"][input["set"].as_str().unwrap()].as_array().unwrap();
        let patterns = register(texts.iter().map(|text| text.as_str().unwrap())).unwrap();
        let status = out["status"].as_u64().unwrap();
        let detail = match status {
            200 => out["pattern"].as_str(),
            405 => out["allow"].as_str(),
            404 => None,
            _ => out["location"].as_str(),
        };
        let expected = detail.map_or(status.to_string(), |detail| format!("{status} {detail}"));
        let found = answer(&patterns, input);
        if found != expected {
            failed
                .push(format!("{} {found}, not {expected}: {input}", case["id"].as_str().unwrap()));
            continue;
        }
        let chosen = patterns.iter().find(|pattern| Some(pattern.text) == detail);
        let Some(values) = out["values"].as_object() else { continue };
        let path = Target::parse(input["target"].as_str().unwrap().as_bytes(), false).unwrap().path;
        for (name, value) in values {
            let found = chosen.unwrap().value(name, path).unwrap();
            assert!(found.bytes().eq(vectors::bytes(value)), "{case}");
        }
    }
    vectors::compare(&failed, KNOWN);
}
