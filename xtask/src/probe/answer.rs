//! Answers in a form that can be compared.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{base64, sha256};

/// Fields by name, spelled canonically.
pub(crate) type Fields = BTreeMap<String, Vec<String>>;

/// What one script met.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    pub(crate) answers: Vec<Answer>,
    /// Bytes that are no whole answer.
    pub(crate) extra: String,
    pub(crate) closed: bool,
    /// Whether the server closes afterwards does not count.
    pub(crate) any_closed: bool,
    pub(crate) error: String,
}

/// One answer.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) interim: Vec<(u64, Fields)>,
    pub(crate) proto: String,
    pub(crate) status: u64,
    pub(crate) reason: String,
    /// none, length, chunked, close or upgrade.
    pub(crate) framing: String,
    pub(crate) fields: Fields,
    pub(crate) body: Body,
    pub(crate) trailers: Fields,
}

/// A body, short ones as they are.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Body {
    pub(crate) length: u64,
    pub(crate) content: String,
    pub(crate) error: String,
}

impl Answered {
    pub(crate) fn failed(error: &std::io::Error) -> Self {
        Self { error: error.to_string(), ..Self::default() }
    }

    /// From a recording.
    pub(crate) fn recorded(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        Some(Self {
            answers: value["responses"].as_array()?.iter().map(recorded).collect(),
            extra: text("extra"),
            closed: value["closed"] == true,
            any_closed: value["any_closed"] == true,
            error: text("error"),
        })
    }

    /// Cuts what came into answers.
    pub(crate) fn parse(mut data: &[u8], methods: &[String], closed: bool) -> Self {
        let mut found = Self { closed, ..Self::default() };
        while !data.is_empty() {
            let method = methods.get(found.answers.len()).map_or("GET", String::as_str);
            let Some((answer, rest)) = Answer::parse(data, method, closed) else {
                found.extra = text_of(data);
                break;
            };
            let broken = matches!(answer.body.error.as_str(), "truncated" | "bad framing");
            found.answers.push(answer);
            data = if broken { &[] } else { rest };
        }
        found
    }
}

fn recorded(value: &Value) -> Answer {
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    let interim = value["interim"].as_array().map(Vec::as_slice).unwrap_or_default();
    let content = ["body", "body_b64", "body_sha256"].map(text).concat();
    Answer {
        interim: interim
            .iter()
            .map(|interim| (interim["status"].as_u64().unwrap_or(0), fields(&interim["headers"])))
            .collect(),
        proto: text("proto"),
        status: value["status"].as_u64().unwrap_or(0),
        reason: text("reason"),
        framing: text("framing"),
        fields: fields(&value["headers"]),
        body: Body {
            length: value["body_len"].as_u64().unwrap_or(0),
            content,
            error: text("body_error"),
        },
        trailers: fields(&value["trailers"]),
    }
}

fn fields(value: &Value) -> Fields {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let all = value.as_object().into_iter().flatten();
    all.map(|(name, values)| {
        (name.clone(), values.as_array().into_iter().flatten().map(text).collect())
    })
    .collect()
}

impl Answer {
    /// The answer that `data` starts with, and what follows; `None` if there is no whole head.
    fn parse<'d>(mut data: &'d [u8], method: &str, closed: bool) -> Option<(Self, &'d [u8])> {
        let mut answer = Self::default();
        let rest = loop {
            let whole = head(data);
            let Some((line, fields, rest)) = whole else {
                // Interim answers and nothing after them.
                let only = !answer.interim.is_empty() && data.is_empty();
                answer.framing = "none".into();
                return only.then_some((answer, data));
            };
            let mut words = line.splitn(3, ' ');
            let proto = words.next().filter(|proto| proto.starts_with("HTTP/"))?.to_owned();
            let status = words.next()?.parse().ok()?;
            if (100..200).contains(&status) && status != 101 {
                answer.interim.push((status, fields));
                data = rest;
                continue;
            }
            let reason = words.next().unwrap_or_default().to_owned();
            answer = Self { proto, status, reason, fields, interim: answer.interim, ..answer };
            break rest;
        };
        let rest = answer.take_body(rest, method, closed);
        Some((answer, rest))
    }

    fn take_body<'d>(&mut self, data: &'d [u8], method: &str, closed: bool) -> &'d [u8] {
        let first = |name: &str| self.fields.get(name).and_then(|values| values.first()).cloned();
        let bodiless = method == "HEAD"
            || matches!(self.status, 204 | 304)
            || method == "CONNECT" && self.status == 200;
        let chunked = first("Transfer-Encoding").is_some_and(|coding| coding == "chunked");
        let length: Option<usize> = first("Content-Length").and_then(|length| length.parse().ok());
        let mut body: (&[u8], &[u8], &str) = (data, &[], "");
        let mut unchunked = Vec::new();
        self.framing = match length {
            _ if self.status == 101 => {
                body = (data, &[], "");
                "upgrade"
            }
            _ if bodiless => {
                body = (&[], data, "");
                "none"
            }
            _ if chunked && self.proto == "HTTP/1.1" => {
                let (rest, error) = unchunk(data, &mut unchunked, &mut self.trailers);
                body = (&unchunked, rest, error);
                "chunked"
            }
            Some(length) => {
                body = match data.split_at_checked(length) {
                    Some((body, rest)) => (body, rest, ""),
                    None => (data, &[], "truncated"),
                };
                "length"
            }
            None => {
                body.2 = if closed { "" } else { "no end" };
                body.1 = &[];
                "close"
            }
        }
        .into();
        let (content, rest, error) = body;
        self.body = Body {
            length: content.len() as u64,
            content: match content.len() {
                601.. => sha256::hex(content),
                _ => core::str::from_utf8(content)
                    .map_or_else(|_| base64::encode(content), str::to_owned),
            },
            error: error.into(),
        };
        rest
    }
}

/// Status line, fields, and what follows.
fn head(data: &[u8]) -> Option<(String, Fields, &[u8])> {
    let (line, mut rest) = line(data)?;
    let first = String::from_utf8_lossy(line).into_owned();
    let mut fields = Fields::new();
    loop {
        let (next, behind) = self::line(rest)?;
        rest = behind;
        if next.is_empty() {
            return Some((first, fields, rest));
        }
        note(&mut fields, next);
    }
}

fn line(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    let line = data.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), data.get(end + 1..)?))
}

fn note(fields: &mut Fields, line: &[u8]) {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
    let (name, value) = line.split_at(colon);
    let name = canonical(&String::from_utf8_lossy(name));
    let value = text_of(value.get(1..).unwrap_or_default().trim_ascii());
    let value = if name == "Date" && is_date(&value) { "<date>".into() } else { value };
    fields.entry(name).or_default().push(value);
}

fn canonical(name: &str) -> String {
    let mut upper = true;
    let spell = |letter: char| {
        let spelled = if upper { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
        upper = letter == '-';
        spelled
    };
    name.chars().map(spell).collect()
}

/// Whether this looks like `Tue, 02 Jan 2024 03:04:05 GMT`.
fn is_date(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|letter| match letter {
            '0'..='9' => '0',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            other => other,
        })
        .collect();
    shape == "Aaa, 00 Aaa 0000 00:00:00 AAA" && text.ends_with(" GMT")
}

fn text_of(bytes: &[u8]) -> String {
    core::str::from_utf8(bytes)
        .map_or_else(|_| format!("b64:{}", base64::encode(bytes)), str::to_owned)
}

/// Takes chunks and trailers off; what follows, and what is wrong.
fn unchunk<'d>(
    mut data: &'d [u8],
    body: &mut Vec<u8>,
    trailers: &mut Fields,
) -> (&'d [u8], &'static str) {
    loop {
        let Some((size, rest)) = line(data) else { return (&[], "truncated") };
        let size = core::str::from_utf8(size).unwrap_or_default();
        let Ok(size) = usize::from_str_radix(size, 16) else { return (&[], "bad framing") };
        if size == 0 {
            data = rest;
            break;
        }
        let Some((chunk, rest)) = rest.split_at_checked(size) else {
            body.extend_from_slice(rest);
            return (&[], "truncated");
        };
        body.extend_from_slice(chunk);
        match rest {
            [b'\r', b'\n', rest @ ..] => data = rest,
            [] | [b'\r'] => return (&[], "truncated"),
            _ => return (&[], "bad framing"),
        }
    }
    loop {
        let Some((next, rest)) = line(data) else { return (&[], "truncated") };
        data = rest;
        if next.is_empty() {
            return (data, "");
        }
        note(trailers, next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(data: &str, method: &str) -> Answered {
        Answered::parse(data.as_bytes(), &[method.to_owned()], false)
    }

    #[test]
    fn answers_are_cut_where_their_bodies_end() {
        let two = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 404 Not Found\r\n\
                   Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-a: 1\r\n\r\n";
        let found = parsed(two, "GET");
        assert_eq!(found.answers.len(), 2);
        let framings: Vec<_> = found.answers.iter().map(|answer| &answer.framing).collect();
        assert_eq!(framings, ["length", "chunked"]);
        assert_eq!(found.answers[1].trailers["X-A"], ["1"]);
        assert_eq!(found.extra, "");
    }

    #[test]
    fn what_is_cut_off_is_told() {
        let found = parsed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "GET");
        assert_eq!(found.answers[0].body.error, "truncated");
        assert_eq!(parsed("HTTP/1.1 200 OK\r\nA: b", "GET").extra, "HTTP/1.1 200 OK\r\nA: b");
        let head = parsed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "HEAD");
        assert_eq!(head.answers[0].framing, "none");
    }
}
