extern crate std;

use super::*;
use crate::vectors::{self, Value};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

fn text(value: &Value) -> String {
    String::from_utf8(vectors::bytes(value)).unwrap()
}

/// A recorded cookie; empty parts are left out there.
fn recorded(value: &Value) -> (String, String, bool) {
    (text(&value["name"]), text(&value["value"]), value["quoted"] == true)
}

fn read_difference(case: &Value) -> Option<String> {
    let lines: Vec<_> =
        case["in"]["headers"].as_array().unwrap().iter().map(vectors::bytes).collect();
    let filter = case["in"]["filter"].as_str();
    let found: Vec<_> = lines
        .iter()
        .flat_map(|line| read::cookies(line))
        .filter(|cookie| filter.is_none_or(|name| cookie.name == name))
        .map(|cookie| (cookie.name.to_string(), cookie.value.to_string(), cookie.quoted))
        .collect();
    let expected: Vec<_> =
        case["out"]["cookies"].as_array().unwrap().iter().map(recorded).collect();
    if found != expected {
        return Some(format!("{found:?}, not {expected:?}"));
    }
    let strict = &case["out"]["strict"];
    if strict.is_null() {
        return None;
    }
    let line = String::from_utf8_lossy(&lines[0]);
    let found = Cookie::parse_all(&line).map(Iterator::count);
    let same = match &found {
        Ok(count) => strict["count"].as_u64() == u64::try_from(*count).ok(),
        Err(bad) => strict["error"].as_str().is_some_and(|text| text.ends_with(&bad.to_string())),
    };
    (!same).then(|| format!("strict {found:?}, not {strict}"))
}

fn set_difference(case: &Value) -> Option<String> {
    let line = text(&case["in"]["line"]);
    let out = &case["out"];
    let cookie = match Cookie::parse_set_cookie(&line) {
        Ok(cookie) => cookie,
        Err(bad) => {
            let same =
                out["strict_error"].as_str().is_some_and(|text| text.ends_with(&bad.to_string()));
            return (!same).then(|| format!("{bad}"));
        }
    };
    let expected = &out["cookie"];
    let unparsed: Vec<_> = cookie.unparsed().map(str::to_string).collect();
    let listed = expected["unparsed"].as_array().cloned().unwrap_or_default();
    let facts = [
        recorded(expected) == (cookie.name.to_string(), cookie.value.to_string(), cookie.quoted),
        text(&expected["path"]) == cookie.path && text(&expected["domain"]) == cookie.domain,
        expected["max_age"].as_i64() == cookie.max_age,
        expected["expires_unix"].as_i64() == cookie.expires,
        text(&expected["raw_expires"]) == cookie.raw_attribute("expires").unwrap_or_default(),
        (expected["secure"] == true) == cookie.secure,
        (expected["http_only"] == true) == cookie.http_only,
        (expected["partitioned"] == true) == cookie.partitioned,
        expected["same_site"].as_str() == cookie.same_site.map(word),
        unparsed == listed.iter().map(text).collect::<Vec<_>>(),
        out["string"].as_str() == Some(&cookie.to_string()),
    ];
    facts.contains(&false).then(|| format!("{cookie:?}: {facts:?}"))
}

const fn word(same_site: SameSite) -> &'static str {
    match same_site {
        SameSite::Default => "default",
        SameSite::Lax => "lax",
        SameSite::Strict => "strict",
        SameSite::None => "none",
    }
}

fn string_difference(case: &Value) -> Option<String> {
    let (input, out) = (&case["in"], &case["out"]);
    let (name, value) = (text(&input["name"]), text(&input["value"]));
    let (path, domain) = (text(&input["path"]), text(&input["domain"]));
    let same_site = [SameSite::Default, SameSite::Lax, SameSite::Strict, SameSite::None]
        .into_iter()
        .find(|same_site| input["same_site"] == word(*same_site));
    let mut cookie = Cookie::new(&name, &value);
    cookie.quoted = input["quoted"] == true;
    (cookie.path, cookie.domain) = (&path, &domain);
    cookie.expires = input["expires_unix"].as_i64();
    cookie.max_age = input["max_age"].as_i64().filter(|seconds| *seconds != 0);
    (cookie.secure, cookie.http_only) = (input["secure"] == true, input["http_only"] == true);
    (cookie.partitioned, cookie.same_site) = (input["partitioned"] == true, same_site);
    let facts = [
        cookie.to_string() == text(&out["string"]),
        format!("first=1; {}", cookie.pair()) == text(&out["add_cookie"]),
        cookie.validate().is_ok() == out["valid_error"].is_null(),
    ];
    facts.contains(&false).then(|| format!("{cookie} {} {facts:?}", cookie.pair()))
}

pub(crate) static GROUPS: [vectors::Group; 3] = [
    vectors::group!("cookies_read", read_difference),
    vectors::group!("cookies_set", set_difference),
    vectors::group!("cookie_string", string_difference),
];

#[test]
fn cookies_answer_as_recorded() {
    GROUPS.iter().for_each(vectors::Group::check);
}
