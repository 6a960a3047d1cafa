extern crate std;

use super::*;
use crate::vectors::{self, MEANT, Value};
use crate::{Encoded, Query, Status};
use std::format;
use std::string::ToString;

/// A request as the recordings describe one.
fn request(method: &str, target: &str, fields: &[(Vec<u8>, Vec<u8>)], body: &[u8]) -> Vec<u8> {
    let mut raw = format!("{method} {target} HTTP/1.1\r\nHost: h\r\n").into_bytes();
    for (name, value) in fields {
        raw.extend([name, &b": "[..], value, b"\r\n"].concat());
    }
    raw.extend(format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes());
    raw.extend_from_slice(body);
    raw
}

/// The fields of an answer in the order of their names, without those named.
fn sorted(answer: &Answer, without: &[&str]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let fields = answer.fields.iter().filter(|(name, _)| !without.contains(&name.as_str()));
    let mut fields: Vec<_> =
        fields.map(|(name, value)| (name.clone().into_bytes(), value.clone())).collect();
    fields.sort();
    fields
}

fn status(value: &Value) -> Status {
    Status::new(u16::try_from(value.as_u64().unwrap()).unwrap()).unwrap()
}

fn redirect_difference(case: &Value) -> Option<String> {
    let (input, out) = (&case["in"], &case["out"]);
    let (target, method) = (input["target"].as_str().unwrap(), input["method"].as_str().unwrap());
    // Go was called with these; on the wire a target has a path, and no spaces.
    let target = if target.is_empty() { "/" } else { target };
    let target = target.replace(' ', "%20");
    let raw = request(method, &target, &[], b"");
    let answer = ask(&raw, |w: &mut ResponseWriter<'_>, r: &mut Request<'_>| {
        if let Some(kind) = input["content_type"].as_str() {
            w.header().set("Content-Type", kind);
        }
        crate::redirect(w, r, input["url"].as_str().unwrap(), status(&input["code"]))
    });
    let Some(answer) = answer else { return Some("no answer".to_string()) };
    let value = |name: &str| {
        let found = answer.fields.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
    };
    let facts = [
        u64::from(answer.status) == out["status"].as_u64().unwrap(),
        value("Location") == out["location"].as_str().unwrap(),
        value("Content-Type") == out["content_type"].as_str().unwrap(),
        answer.body == vectors::bytes(&out["body"]),
    ];
    facts.contains(&false).then(|| {
        format!("{facts:?} {} {:?}", value("Location"), String::from_utf8_lossy(&answer.body))
    })
}

static CONTENT: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn content_difference(case: &Value) -> Option<String> {
    let (input, out) = (&case["in"], &case["out"]);
    let raw =
        request(input["method"].as_str().unwrap(), "/", &vectors::pairs(&input["header"]), b"");
    let answer = ask(&raw, |w: &mut ResponseWriter<'_>, r: &mut Request<'_>| {
        for (name, value) in vectors::pairs(&input["set"]) {
            let text = |bytes| String::from_utf8(bytes).unwrap();
            w.header().set(&text(name), &text(value));
        }
        let modified = input["modtime_unix"].as_u64();
        crate::serve_static(w, r, input["name"].as_str().unwrap(), modified, CONTENT)
    });
    let Some(answer) = answer else { return Some("no answer".to_string()) };
    // On the wire there is a length where Go's function alone sets none.
    let set = out["header"].as_array().unwrap().iter().any(|field| field[0] == "Content-Length");
    let without: &[&str] = if set { &[] } else { &["Content-Length"] };
    let boundary = answer
        .fields
        .iter()
        .find_map(|(_, value)| {
            String::from_utf8_lossy(value).split_once("boundary=")?.1.to_string().into()
        })
        .unwrap_or_else(|| "no boundary".to_string());
    let plain = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&boundary, "BOUNDARY");
    let found: Vec<_> =
        sorted(&answer, without).iter().map(|(name, value)| (plain(name), plain(value))).collect();
    let expected: Vec<_> = vectors::pairs(&out["header"])
        .iter()
        .map(|(name, value)| (plain(name), plain(value)))
        .collect();
    let facts = [
        u64::from(answer.status) == out["status"].as_u64().unwrap(),
        found == expected,
        plain(&answer.body) == String::from_utf8(vectors::bytes(&out["body"])).unwrap(),
    ];
    facts
        .contains(&false)
        .then(|| format!("{facts:?} {} {found:?} {:?}", answer.status, plain(&answer.body)))
}

fn error_difference(case: &Value) -> Option<String> {
    let (input, out) = (&case["in"], &case["out"]);
    let answer =
        ask(&request("GET", "/", &[], b""), |w: &mut ResponseWriter<'_>, _: &mut Request<'_>| {
            for (name, value) in vectors::pairs(&input["header"]) {
                let text = |bytes| String::from_utf8(bytes).unwrap();
                w.header().add(&text(name), &text(value));
            }
            match input["op"].as_str() {
                Some("not_found") => crate::not_found(w),
                _ => crate::error(w, input["text"].as_str().unwrap(), status(&input["code"])),
            }
        });
    let answer = answer.unwrap();
    let facts = [
        u64::from(answer.status) == out["status"].as_u64().unwrap(),
        sorted(&answer, &["Content-Length"]) == vectors::pairs(&out["header"]),
        answer.body == vectors::bytes(&out["body"]),
    ];
    facts.contains(&false).then(|| format!("{facts:?} {:?}", answer.fields))
}

/// Names and values, decoded, in the order of the names.
fn decoded(queries: &[Query<'_>]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let bytes = |text: Encoded<'_>| text.bytes().collect::<Vec<u8>>();
    let mut all: Vec<_> = queries
        .iter()
        .flat_map(Query::pairs)
        .map(|(name, value)| (bytes(name), bytes(value)))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn form_difference(case: &Value) -> Option<String> {
    let (input, out) = (&case["in"], &case["out"]);
    let kind = input["content_type"].as_str();
    let kind: Vec<_> =
        kind.map(|kind| (b"Content-Type".to_vec(), kind.into())).into_iter().collect();
    let body = vectors::bytes(&input["body"]);
    let raw =
        request(input["method"].as_str().unwrap(), input["target"].as_str().unwrap(), &kind, &body);
    let facts = RefCell::new(None);
    let _ = ask(&raw, |_: &mut ResponseWriter<'_>, r: &mut Request<'_>| {
        let (query, post) = (r.query(), r.post_form());
        let value =
            |value: Option<Encoded<'_>>| value.map(|value| value.to_string()).unwrap_or_default();
        // A malformed Content-Type is no form here, and nothing else.
        let type_error = out["error"].as_str().is_some_and(|error| error.starts_with("mime: "));
        *facts.borrow_mut() = Some([
            decoded(&[post, query]) == vectors::pairs(&out["form"]),
            decoded(&[post]) == vectors::pairs(&out["post_form"]),
            value(r.form_value("a")) == out["form_value_a"].as_str().unwrap(),
            value(post.get("a")) == out["post_form_value_a"].as_str().unwrap(),
            (out["ok"] == true || type_error) != (query.has_errors() || post.has_errors()),
        ]);
    });
    match facts.into_inner() {
        None => Some(format!("{MEANT}the target is refused")),
        Some(facts) => facts.contains(&false).then(|| format!("{facts:?}")),
    }
}

pub(crate) static GROUPS: [vectors::Group; 4] = [
    vectors::group!("redirect", redirect_difference),
    vectors::group!("serve_content", content_difference),
    vectors::group!("error_helper", error_difference),
    vectors::group!("parse_form", form_difference),
];

#[test]
fn helpers_answer_as_recorded() {
    GROUPS.iter().for_each(vectors::Group::check);
}
