//! How an answer differs from the recorded one, and whether that matters.

use core::fmt::Debug;
use std::collections::BTreeSet;

use super::answer::{Answer, Answered};

/// One difference.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// A client can tell, and may rely on it.
    pub(crate) major: bool,
    pub(crate) text: String,
}

impl Difference {
    pub(crate) fn major(text: impl Into<String>) -> Self {
        Self { major: true, text: text.into() }
    }
}

/// Collects differences.
#[derive(Default)]
struct Differences {
    all: Vec<Difference>,
    /// Which answer it is.
    place: String,
}

impl Differences {
    fn note<T: PartialEq + Debug + ?Sized>(&mut self, major: bool, what: &str, got: &T, want: &T) {
        if got != want {
            let place = &self.place;
            let text = format!("{place}{what} {got:.80?}, not {want:.80?}");
            self.all.push(Difference { major, text });
        }
    }
}

pub(crate) fn differences(want: &Answered, got: &Answered) -> Vec<Difference> {
    if !got.error.is_empty() {
        return vec![Difference::major(&got.error)];
    }
    let mut found = Differences::default();
    found.note(true, "answers:", &got.answers.len(), &want.answers.len());
    if !want.any_closed {
        found.note(true, "closed:", &got.closed, &want.closed);
    }
    found.note(true, "extra bytes", &got.extra, &want.extra);
    for (index, (want, got)) in want.answers.iter().zip(&got.answers).enumerate() {
        found.place = format!("answer {}: ", index + 1);
        compare(&mut found, want, got);
    }
    found.all
}

fn compare(found: &mut Differences, want: &Answer, got: &Answer) {
    found.note(true, "status", &got.status, &want.status);
    if got.status != want.status {
        return;
    }
    let codes = |answer: &Answer| answer.interim.iter().map(|(code, _)| *code).collect::<Vec<_>>();
    found.note(true, "interim answers", &codes(got), &codes(want));
    found.note(false, "fields of interim answers", &got.interim, &want.interim);
    found.note(true, "framing", &got.framing, &want.framing);
    found.note(true, "body:", &got.body.error, &want.body.error);
    let refused = want.status >= 400;
    let same_body = got.body.content == want.body.content && got.body.length == want.body.length;
    // The wording of an error page is nobody's business.
    found.note(!refused, "body length", &got.body.length, &want.body.length);
    found.note(!refused, "body", &got.body.content, &want.body.content);
    found.note(true, "trailers", &got.trailers, &want.trailers);
    found.note(false, "reason", &got.reason, &want.reason);
    found.note(false, "version", &got.proto, &want.proto);
    let names: BTreeSet<&String> = want.fields.keys().chain(got.fields.keys()).collect();
    for name in names {
        let excused = refused
            && (matches!(name.as_str(), "Content-Type" | "X-Content-Type-Options")
                || name == "Content-Length" && !same_body);
        let matters = KEY_FIELDS.contains(&name.as_str()) || name.starts_with("X-");
        let (got, want) = (got.fields.get(name), want.fields.get(name));
        found.note(matters && !excused, name, &got, &want);
    }
}

/// Fields that clients rely on.
const KEY_FIELDS: &[&str] = &[
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Content-Type",
    "Location",
    "Allow",
    "Set-Cookie",
    "Www-Authenticate",
    "Trailer",
    "Upgrade",
    "Date",
    "Content-Range",
    "Accept-Ranges",
    "Last-Modified",
    "Etag",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(data: &str) -> Answered {
        Answered::parse(data.as_bytes(), &[], false)
    }

    #[test]
    fn what_clients_rely_on_is_major_and_the_rest_is_not() {
        let want = answered("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: a\r\n\r\nhi");
        let judge = |data: &str| {
            let found = differences(&want, &answered(data));
            (found.len(), found.iter().filter(|difference| difference.major).count())
        };
        assert_eq!(judge("HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 2\r\n\r\nhi"), (0, 0));
        assert_eq!(judge("HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n\r\nhi"), (2, 0));
        assert_eq!(judge("HTTP/1.1 201 OK\r\nContent-Length: 2\r\n\r\nhi"), (1, 1));
        assert_eq!(judge("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: a\r\n\r\nho"), (1, 1));
    }
}
