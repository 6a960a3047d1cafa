extern crate std;

use super::*;
use crate::vectors::{self, Value};
use crate::wire::chunked::{Decoder, Step};
use crate::wire::head::{Finder, Found};
use std::format;
use std::string::String;
use std::vec::Vec;

fn body(head: &ResponseHead, mut raw: &[u8]) -> (Result<Vec<u8>, ()>, Vec<u8>) {
    match head.framing {
        Framing::None => (Ok(Vec::new()), raw.to_vec()),
        Framing::UntilClose => (Ok(raw.to_vec()), Vec::new()),
        Framing::Length(length) => {
            match raw.split_at_checked(usize::try_from(length).unwrap_or(usize::MAX)) {
                Some((body, rest)) => (Ok(body.to_vec()), rest.to_vec()),
                None => (Err(()), Vec::new()),
            }
        }
        Framing::Chunked => {
            let (mut decoder, mut body) = (Decoder::new(), Vec::new());
            loop {
                let Ok((skipped, step)) = decoder.advance(raw) else {
                    return (Err(()), Vec::new());
                };
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
    }
}

/// Why we are stricter than the recorded codec.
fn leave(raw: &[u8]) -> &'static str {
    let line = split_line(raw).0;
    let below_100 = line.get(8..10).is_some_and(|start| start == b" 0");
    let end = raw.windows(3).position(|bytes| bytes == b"\n\r\n").unwrap_or(raw.len());
    let spaced = |line: &[u8]| {
        let colon = line.iter().position(|&byte| byte == b':').unwrap_or(0);
        line.starts_with(b" ") || line[..colon].contains(&b' ')
    };
    if below_100 {
        "a code below 100 is refused (RFC 9110 section 15)"
    } else if raw[line.len()..end].split(|&byte| byte == b'\n').any(spaced) {
        "a space before the colon, or a fold, is refused (RFC 9112 section 5)"
    } else {
        ""
    }
}

pub(crate) fn difference(case: &Value) -> Option<String> {
    let raw = vectors::raw(&case["in"], "raw_b64");
    let method = case["in"]["method"].as_str().unwrap();
    let difference = compare(method, &raw, &case["out"])?;
    let shown = String::from_utf8_lossy(&raw[..raw.len().min(90)]).into_owned();
    let meant = match leave(&raw) {
        "" => String::new(),
        why => format!("{}{why}: ", vectors::MEANT),
    };
    Some(format!("{meant}{difference} {shown:?}"))
}

fn compare(method: &str, raw: &[u8], out: &Value) -> Option<String> {
    let ok = out["ok"].as_bool().unwrap();
    let parsed = match Finder::default().find(raw) {
        Found::End(end) => ResponseHead::parse(&raw[..end], method == "HEAD"),
        Found::More { .. } => Err(BadResponse::StatusLine),
    };
    let head = match parsed {
        Ok(head) if ok => head,
        Ok(_) => return Some(format!("passes: {}", out["error"])),
        Err(error) => return ok.then(|| format!("refused: {error:?}, not {out}")),
    };
    if u64::from(head.status.code()) != out["code"].as_u64().unwrap() {
        return Some(format!("{:?}", head.status));
    }
    let (body, rest) = body(&head, &raw[usize::from(head.length)..]);
    let body_ok = out.get("body_error").is_none_or(Value::is_null);
    if body.is_ok() != body_ok {
        return Some(format!("body {body:?}, not {}", out["body_error"]));
    }
    let same = body == Ok(vectors::bytes(&out["body"])) && rest == vectors::bytes(&out["rest"]);
    if body_ok && !same {
        return Some(format!("body {body:?} rest {rest:?}, not {out}"));
    }
    (head.keep_alive == out["close"].as_bool().unwrap())
        .then(|| format!("keep {}", head.keep_alive))
}

/// There is nothing that writes a recorded answer: the server composes its own (see the probes), and
/// the client only reads.
pub(crate) fn write_difference(_: &Value) -> Option<String> {
    Some(format!("{}there is no Response.Write", vectors::MEANT))
}
