extern crate std;

use super::text::Normal;
use super::*;
use crate::vectors::{self, MEANT, Value};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn decoded(text: Encoded<'_>) -> Vec<u8> {
    text.bytes().collect()
}

fn name(text: &str) -> Vec<u8> {
    decoded(Encoded::path(text))
}

fn compare(
    text: &Value,
    out: &Value,
    parse: fn(&str) -> Result<Url<'_>, BadUrl>,
) -> Option<String> {
    let bytes = vectors::bytes(text);
    let Ok(text) = core::str::from_utf8(&bytes) else {
        return Some(format!("{MEANT}a URL is UTF-8"));
    };
    let url = match parse(text) {
        Ok(url) => url,
        Err(bad) => return (out["ok"] == true).then(|| format!("{text:?}: {bad}")),
    };
    if out["ok"] == false {
        return Some(format!("{text:?} passes: {}", out["inner"]));
    }
    let string = |name: &str| String::from_utf8(vectors::bytes(&out[name])).unwrap();
    let raw_path = Normal(url.path, Part::Path);
    let facts = [
        url.scheme().to_ascii_lowercase() == string("scheme"),
        url.opaque() == string("opaque"),
        decoded(url.host()) == vectors::bytes(&out["host"]),
        name(url.host_name()) == vectors::bytes(&out["hostname"]),
        url.port() == string("port"),
        decoded(url.path()) == vectors::bytes(&out["path"]),
        raw_path.to_string() == string("escaped_path"),
        url.query().as_sent() == string("raw_query"),
        decoded(url.fragment()) == vectors::bytes(&out["fragment"]),
        url.request_target().to_string() == string("request_uri"),
        out["string"].is_null() || url.to_string() == string("string"),
        user(&url) == recorded_user(&out["user"]),
        url.is_absolute() == (out["abs"] == true),
    ];
    facts.contains(&false).then(|| format!("{text:?} {facts:?} {url} {}", url.request_target()))
}

type User = (Vec<u8>, Option<Vec<u8>>);

fn user(url: &Url<'_>) -> Option<User> {
    url.user().map(|(name, password)| (decoded(name), password.map(decoded)))
}

fn recorded_user(value: &Value) -> Option<User> {
    let password = (value["has_password"] == true).then(|| vectors::bytes(&value["password"]));
    value.is_object().then(|| (vectors::bytes(&value["name"]), password))
}

fn parse_difference(case: &Value) -> Option<String> {
    compare(&case["in"]["s"], &case["out"], |text| Url::parse(text))
}

fn request_difference(case: &Value) -> Option<String> {
    compare(&case["in"]["s"], &case["out"], |text| Url::parse_request(text))
}

fn resolve_difference(case: &Value) -> Option<String> {
    let text = |name: &str| String::from_utf8(vectors::bytes(&case["in"][name])).unwrap();
    let (base, reference) = (text("base"), text("ref"));
    let (Ok(base), Ok(reference)) = (Url::parse(&base), Url::parse(&reference)) else {
        return Some(format!("{base} or {reference} is refused"));
    };
    let mut room = [0; 1000];
    let found = base.join(&reference, &mut room);
    (found != case["out"]["string"].as_str()).then(|| format!("{base} {reference}: {found:?}"))
}

fn escape_difference(case: &Value) -> Option<String> {
    let (bytes, out) = (vectors::bytes(&case["in"]["s"]), &case["out"]);
    let mut facts = std::vec![
        query_escape(&bytes).to_string().into_bytes() == vectors::bytes(&out["query_escape"]),
        path_escape(&bytes).to_string().into_bytes() == vectors::bytes(&out["path_escape"]),
    ];
    if let Ok(text) = core::str::from_utf8(&bytes) {
        for (kind, encoded) in [("query", Encoded::query(text)), ("path", Encoded::path(text))] {
            let unescaped = &out[format!("{kind}_unescape")];
            facts.push(encoded.is_sound() != unescaped.is_null());
            facts.push(unescaped.is_null() || decoded(encoded) == vectors::bytes(unescaped));
        }
    }
    facts.contains(&false).then(|| format!("{facts:?}"))
}

pub(crate) static GROUPS: [vectors::Group; 4] = [
    vectors::group!("url_parse", parse_difference),
    vectors::group!("url_request_uri", request_difference),
    vectors::group!("url_resolve", resolve_difference),
    vectors::group!("url_escape", escape_difference),
];

#[test]
fn urls_answer_as_recorded() {
    GROUPS.iter().for_each(vectors::Group::check);
}

#[test]
fn what_does_not_fit_is_told() {
    let base = Url::parse("http://h/a").unwrap();
    let reference = Url::parse("b/../c?d").unwrap();
    for length in 0..40 {
        let mut room = std::vec![0; length];
        let found = base.join(&reference, &mut room);
        assert!(matches!(found, None | Some("http://h/c?d")), "{length} {found:?}");
    }
    assert!(base.join(&reference, &mut [0; 14]).is_some());
}
