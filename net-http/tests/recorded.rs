//! Recorded answers that need a whole server.
#![allow(
    clippy::indexing_slicing,
    clippy::large_stack_arrays,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

mod common;

use std::collections::BTreeMap;

use common::Bench;
use net_http::{self as http, Encoded, Limits, Query, Request, ResponseWriter, Status};
use serde_json::{Value, json};

fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    file["cases"].as_array_mut().unwrap().drain(..).collect()
}

/// The body of an answer, and its head.
fn split(answer: &str) -> (&str, &str) {
    answer.split_once("\r\n\r\n").unwrap()
}

fn pairs<'a>(queries: &[Query<'a>]) -> Vec<(String, Vec<String>)> {
    let text = |text: Encoded<'a>| String::from_utf8(text.bytes().collect()).unwrap();
    let mut all = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in queries.iter().flat_map(Query::pairs) {
        all.entry(text(name)).or_default().push(text(value));
    }
    all.into_iter().collect()
}

fn form(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), http::Error> {
    let (query, post) = (r.query(), r.post_form());
    let value =
        |value: Option<Encoded<'_>>| value.map(|value| value.to_string()).unwrap_or_default();
    let out = json!({
        "form": pairs(&[post, query]),
        "form_value_a": value(r.form_value("a")),
        "ok": !query.has_errors() && !post.has_errors(),
        "post_form": pairs(&[post]),
        "post_form_value_a": value(post.get("a")),
    });
    let text = out.to_string();
    w.header().set_display("Content-Length", &text.len());
    w.write(text.as_bytes()).map(|_| ())
}

#[test]
fn forms_are_read_as_recorded() {
    let bench = Bench::with::<4, 8192>(Limits::new(), &form);
    for mut case in cases(include_str!("../testdata/parse_form.json")) {
        let input = &case["in"];
        let (method, target) =
            (input["method"].as_str().unwrap(), input["target"].as_str().unwrap());
        // The answer to HEAD would not show, and DELETE has no form either.
        let method = if method == "HEAD" { "DELETE" } else { method };
        let body = input["body"].as_str().unwrap();
        let kind = input["content_type"].as_str().map(|kind| format!("Content-Type: {kind}\r\n"));
        let (answer, _) = bench.ask(
            format!(
                "{method} {target} HTTP/1.1\r\nHost: h\r\n{}Content-Length: {}\r\n\r\n{body}",
                kind.unwrap_or_default(),
                body.len()
            )
            .as_bytes(),
        );
        let found: Value =
            serde_json::from_str(split(&answer).1).unwrap_or_else(|_| panic!("{case}: {answer}"));
        let out = case["out"].as_object_mut().unwrap();
        if let Some(error) = out.remove("error")
            && error.as_str().is_some_and(|error| error.starts_with("mime: "))
        {
            // A malformed Content-Type is no form here, and nothing else.
            out.insert("ok".into(), true.into());
        }
        assert_eq!(found, case["out"], "{case}");
    }
}

fn error_page(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), http::Error> {
    let case: Value = serde_json::from_slice(r.body().unwrap_or_default()).unwrap();
    for field in case["header"].as_array().unwrap() {
        for value in field[1].as_array().unwrap() {
            w.header().add(field[0].as_str().unwrap(), value.as_str().unwrap());
        }
    }
    if case["op"] == "not_found" {
        return http::not_found(w);
    }
    let code = u16::try_from(case["code"].as_u64().unwrap()).unwrap();
    http::error(w, case["text"].as_str().unwrap(), Status::new(code).unwrap())
}

#[test]
fn error_pages_answer_as_recorded() {
    let bench = Bench::with::<4, 8192>(Limits::new(), &error_page);
    for case in cases(include_str!("../testdata/error_helper.json")) {
        let body = case["in"].to_string();
        let head = format!("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n", body.len());
        let (answer, _) = bench.ask((head + &body).as_bytes());
        let (head, body) = split(&answer);
        let out = &case["out"];
        assert_eq!(body, out["body"].as_str().unwrap(), "{case}");
        assert!(head.starts_with(&format!("HTTP/1.1 {} ", out["status"])), "{case}: {head}");
        let mut fields: Vec<_> = head
            .lines()
            .skip(1)
            .filter(|line| !line.starts_with("Content-Length: "))
            .map(str::to_string)
            .collect();
        fields.sort();
        let expected: Vec<_> = out["header"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| {
                format!("{}: {}", field[0].as_str().unwrap(), field[1][0].as_str().unwrap())
            })
            .collect();
        assert_eq!(fields, expected, "{case}");
    }
}
