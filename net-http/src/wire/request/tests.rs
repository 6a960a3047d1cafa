extern crate std;

use super::*;
use crate::vectors::{self, Value};
use crate::wire::chunked::{Decoder, Step};
use crate::wire::head::{Finder, Found};
use std::format;
use std::string::String;
use std::vec::Vec;

/// Checks that Go makes in the server, behind the recorded codec.
const BY_THE_SERVER: [Refusal; 4] =
    [Refusal::MissingHost, Refusal::MalformedHost, Refusal::FieldName, Refusal::Version];

struct Parsed {
    head: RequestHead,
    body: Result<Vec<u8>, ()>,
    rest: Vec<u8>,
}

fn parse(raw: &[u8]) -> Result<Parsed, Refusal> {
    let Found::End(end) = Finder::default().find(raw) else { return Err(Refusal::Timeout) };
    let head = RequestHead::parse(&raw[..end], 500)?;
    let (body, rest) = match head.framing {
        Framing::Length(length) => {
            let length = usize::try_from(length).unwrap();
            match raw[end..].split_at_checked(length) {
                Some((body, rest)) => (Ok(body.to_vec()), rest.to_vec()),
                None => (Err(()), Vec::new()),
            }
        }
        Framing::Chunked => chunked(&raw[end..]),
        _ => (Ok(Vec::new()), raw[end..].to_vec()),
    };
    Ok(Parsed { head, body, rest })
}

fn chunked(mut raw: &[u8]) -> (Result<Vec<u8>, ()>, Vec<u8>) {
    let (mut decoder, mut body) = (Decoder::new(), Vec::new());
    loop {
        let Ok((skipped, step)) = decoder.advance(raw) else { return (Err(()), Vec::new()) };
        raw = &raw[skipped..];
        match step {
            Step::End => return (Ok(body), raw.to_vec()),
            Step::More => return (Err(()), Vec::new()),
            Step::Data(length) => {
                body.extend_from_slice(&raw[..length]);
                decoder.take(length);
                raw = &raw[length..];
            }
        }
    }
}

/// Why we are stricter than the recorded codec, with leave of the standards.
fn leave(raw: &[u8]) -> &'static str {
    let end = raw.windows(3).position(|bytes| bytes == b"\n\r\n").unwrap_or(raw.len());
    let (line, fields) = split_line(&raw[..end]);
    let target = line.split(|&byte| byte == b' ').nth(1).unwrap_or_default();
    if raw.starts_with(b"PRI * HTTP/2") {
        "the preface of HTTP/2 is refused by Go's server, here already in the codec"
    } else if fields
        .split(|&byte| byte == b'\n')
        .any(|line| line.starts_with(b" ") || line.starts_with(b"\t"))
    {
        "folded lines are refused"
    } else if core::str::from_utf8(target).is_err() {
        "a target that is not UTF-8 is refused"
    } else if !target.starts_with(b"/") && !target.windows(3).any(|bytes| bytes == b"://") {
        "a URL without // is refused as a target"
    } else {
        ""
    }
}

/// What differs from the recording, or nothing.
pub(crate) fn difference(case: &Value) -> Option<String> {
    let raw = vectors::raw(&case["in"], "raw_b64");
    let difference = compare(&raw, &case["out"])?;
    let shown = String::from_utf8_lossy(&raw[..raw.len().min(90)]).into_owned();
    let meant = match leave(&raw) {
        "" => String::new(),
        why => format!("{}{why}: ", vectors::MEANT),
    };
    Some(format!("{meant}{difference} {shown:?}"))
}

fn compare(raw: &[u8], out: &Value) -> Option<String> {
    let ok = out["ok"].as_bool().unwrap();
    let parsed = match parse(raw) {
        Ok(parsed) if ok => parsed,
        Ok(_) => return Some(format!("passes: {}", out["error"])),
        Err(refusal) if ok && BY_THE_SERVER.contains(&refusal) => return None,
        Err(refusal) => return ok.then(|| format!("refused: {refusal:?}")),
    };
    let head = &parsed.head;
    let text = |span: Span| span.bytes(raw).to_vec();
    if text(head.method) != vectors::bytes(&out["method"])
        || text(head.target) != vectors::bytes(&out["request_uri"])
        || text(head.host) != vectors::bytes(&out["host"])
    {
        return Some(format!("start line: {head:?}"));
    }
    let length = match head.framing {
        Framing::Length(length) => i64::try_from(length).unwrap(),
        Framing::Chunked => -1,
        _ => 0,
    };
    if Some(length) != out["content_length"].as_i64() {
        return Some(format!("length {length}, not {}", out["content_length"]));
    }
    if head.keep_alive == out["close"].as_bool().unwrap() {
        return Some(format!("keep-alive {}", head.keep_alive));
    }
    let body_ok = out.get("body_error").is_none_or(Value::is_null);
    if parsed.body.is_ok() != body_ok {
        return Some(format!("body {:?}, not {}", parsed.body, out["body_error"]));
    }
    if body_ok
        && (parsed.body.ok() != Some(vectors::bytes(&out["body"]))
            || parsed.rest != vectors::bytes(&out["rest"]))
    {
        return Some(format!("body or rest {:?}", out["body"]));
    }
    fields(head, raw, &out["header"])
}

fn fields(head: &RequestHead, raw: &[u8], header: &Value) -> Option<String> {
    for pair in header.as_array().unwrap() {
        let name = pair[0].as_str().unwrap();
        if matches!(name, "Content-Length" | "Cache-Control" | "Trailer") {
            continue;
        }
        let expected: Vec<_> = pair[1].as_array().unwrap().iter().map(vectors::bytes).collect();
        let found: Vec<_> = head.fields(raw).values(name).map(<[u8]>::to_vec).collect();
        if found != expected {
            return Some(format!("{name}: {found:?}"));
        }
    }
    None
}

#[test]
fn heads_pass_only_where_httparse_passes_them_too() {
    for case in vectors::cases(include_str!("../../../testdata/read_request.json")) {
        let raw = vectors::raw(&case["in"], "raw_b64");
        let Found::End(end) = Finder::default().find(&raw) else { continue };
        let mut changed = raw[..end].to_vec();
        for at in 0..end.min(120) {
            for byte in [b'\0', b'\r', b'\n', b' ', b':', b'\t', 0x7F, b'a', b'(', 0xE9] {
                let kept = core::mem::replace(&mut changed[at], byte);
                assert_both(&changed);
                changed[at] = kept;
            }
        }
    }
}

fn assert_both(raw: &[u8]) {
    let Found::End(end) = Finder::default().find(raw) else { return };
    let head = &raw[..end];
    let Ok(ours) = RequestHead::parse(head, 500) else { return };
    let mut fields = std::vec![httparse::EMPTY_HEADER; 600];
    let mut theirs = httparse::Request::new(&mut fields);
    let shown = String::from_utf8_lossy(head);
    if ours.version > Version::HTTP_11 || ours.target.bytes(head).is_empty() {
        return;
    }
    assert_eq!(theirs.parse(head), Ok(httparse::Status::Complete(end)), "{shown:?}");
    assert_eq!(theirs.path, Some(ours.target.text(head)), "{shown:?}");
    let same = theirs.headers.iter().map(|field| (field.name, field.value));
    assert!(ours.fields(head).eq(same), "{shown:?}");
}

#[test]
fn a_request_line_can_be_judged_before_the_rest_has_come() {
    assert!(request_line(b"GET / HTTP/1.1").is_ok());
    for bad in [&b""[..], b"HELLO", b"GET /", b"GET  / HTTP/1.1", b"\x16\x03\x01 a b"] {
        assert_eq!(request_line(bad).err(), Some(Refusal::BadRequest), "{bad:?}");
    }
}
