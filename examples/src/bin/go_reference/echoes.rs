//! What was asked, said again.

use std::collections::BTreeMap;

use net_http::{self as http, GrowingMux, PatternError, Query, Request, ResponseWriter, Status};

use crate::bodies::read_all;
use crate::{Handled, plain_text};

pub(crate) fn register(mux: &mut GrowingMux<'static>) -> Result<(), PatternError> {
    crate::register(
        mux,
        &[("/echo", echo), ("/headers", headers), ("/query", query), ("/form", form)],
    )
}

/// Names, each with its values in the order they came.
#[derive(Default)]
pub(crate) struct Pairs(BTreeMap<Vec<u8>, Vec<Vec<u8>>>);

impl Pairs {
    /// A field, its name spelled canonically.
    pub(crate) fn add_field(&mut self, name: &str, value: &[u8]) {
        self.add(http::canonical_header_key(name).to_string().into_bytes(), value.to_vec());
    }

    /// A field that is to come, and may not.
    pub(crate) fn declare(&mut self, name: &[u8]) {
        let name = http::canonical_header_key(&String::from_utf8_lossy(name)).to_string();
        self.0.entry(name.into_bytes()).or_default();
    }

    fn add(&mut self, name: Vec<u8>, value: Vec<u8>) {
        self.0.entry(name).or_default().push(value);
    }

    fn add_query(&mut self, query: &Query<'_>) {
        for (name, value) in query.pairs() {
            self.add(name.bytes().collect(), value.bytes().collect());
        }
    }

    /// `NAME=VALUE|VALUE` and a line end for each, sorted.
    pub(crate) fn write(&self, w: &mut ResponseWriter<'_>) -> Handled {
        for (name, values) in &self.0 {
            w.write(&[name, &b"="[..], &values.join(&b'|'), b"\n"].concat())?;
        }
        Ok(())
    }
}

fn echo(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let (body, whole) = read_all(r);
    if !whole {
        return http::error(w, "body error", Status::BAD_REQUEST);
    }
    let kind = r.header("Content-Type").filter(|kind| !kind.is_empty());
    let mut header = w.header();
    header.set("Content-Type", kind.unwrap_or("application/octet-stream"));
    header.set("X-Method", r.method());
    match r.content_length() {
        Some(length) => header.set_display("X-Content-Length", &length),
        None => header.set("X-Content-Length", "-1"),
    }
    let coding = if r.content_length().is_none() { "chunked" } else { "" };
    header.set("X-Transfer-Encoding", coding);
    w.write(&body).map(drop)
}

fn headers(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    plain_text(w);
    let version = r.version();
    write!(w, "method={}\nuri={}\n", r.method(), r.target())?;
    write!(w, "proto=HTTP/{}.{}\nhost={}\npath=", version.major, version.minor, r.host())?;
    w.write(&r.decoded_path().bytes().collect::<Vec<u8>>())?;
    w.write(b"\n")?;
    let mut pairs = Pairs::default();
    // Go's server keeps these for itself.
    let own = ["Host", "Transfer-Encoding", "Trailer"];
    for (name, value) in r.fields() {
        if !own.iter().any(|own| name.eq_ignore_ascii_case(own)) {
            pairs.add_field(name, value);
        }
    }
    // And it understands what came before Cache-Control.
    if r.header("Pragma") == Some("no-cache") && r.header("Cache-Control").is_none() {
        pairs.add_field("Cache-Control", b"no-cache");
    }
    pairs.write(w)
}

fn query(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    plain_text(w);
    let mut pairs = Pairs::default();
    pairs.add_query(&r.query());
    pairs.write(w)
}

fn form(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let (query, mut room) = (r.query(), vec![0; 1 << 20]);
    let post = match r.read_form(&mut room) {
        Ok(post) if !post.has_errors() && !query.has_errors() => post,
        _ => return http::error(w, "form error", Status::BAD_REQUEST),
    };
    plain_text(w);
    let (mut both, mut alone) = (Pairs::default(), Pairs::default());
    both.add_query(&post);
    both.add_query(&query);
    alone.add_query(&post);
    w.write(b"form\n")?;
    both.write(w)?;
    w.write(b"post\n")?;
    alone.write(w)
}
