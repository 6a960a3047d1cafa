extern crate std;

use super::*;
use crate::mux::pattern::PatternError;
use crate::vectors::{self, Value};
use crate::wire::target::Target;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

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

pub(crate) fn register_difference(case: &Value) -> Option<String> {
    let texts: Vec<_> =
        case["in"]["patterns"].as_array().unwrap().iter().map(vectors::bytes).collect();
    let texts = texts.iter().map(|text| core::str::from_utf8(text).unwrap());
    let kind = match register(texts) {
        Ok(_) => None,
        Err(PatternError::Conflict) => Some("conflict"),
        Err(_) => Some("invalid"),
    };
    (kind != case["out"]["kind"].as_str()).then(|| format!("{kind:?}"))
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

pub(crate) fn match_difference(case: &Value) -> Option<String> {
    let (input, out) = (&case["in"], &case["out"]);
    let texts = case["shared"][input["set"].as_str().unwrap()].as_array().unwrap();
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
        return Some(format!("{found}, not {expected}"));
    }
    let chosen = patterns.iter().find(|pattern| Some(pattern.text) == detail);
    let path = Target::parse(input["target"].as_str().unwrap().as_bytes(), false)?.path;
    let mut values = out["values"].as_object().into_iter().flatten();
    let wrong = values.find(|(name, value)| {
        let found = chosen.and_then(|pattern| pattern.value(name, path));
        found.is_none_or(|found| !found.bytes().eq(vectors::bytes(value)))
    });
    wrong.map(|(name, value)| format!("{name} is not {value}"))
}
