//! Answers that need nothing but a status, fields and a body.

use net_http::{self as http, GrowingMux, PatternError, Request, ResponseWriter, Status};

use crate::{Handled, number, pattern, plain_text};

pub(crate) fn register(mux: &mut GrowingMux<'static>) -> Result<(), PatternError> {
    crate::register(
        mux,
        &[
            ("/{$}", |w, _| say(w, "root\n")),
            ("/hello", |w, _| say(w, "hello")),
            ("/empty", |_, _| Ok(())),
            ("/chunked", chunked),
            ("/flush-first", flush_first),
            ("/big", big),
            ("/auto", |w, r| {
                plain_text(w);
                w.write(&pattern(number(r, "n", 100))).map(drop)
            }),
            ("/auto-two", auto_two),
            ("/sniff", sniff),
            ("/ct-none", |w, _| {
                w.header().omit("Content-Type");
                w.write(b"<html>").map(drop)
            }),
            ("/date-none", |w, _| {
                w.header().omit("Date");
                say(w, "no date")
            }),
            ("/status", status),
            ("/twice", |w, _| {
                plain_text(w);
                w.write_header(Status::CREATED);
                w.write_header(Status::INTERNAL_SERVER_ERROR);
                w.write(b"twice").map(drop)
            }),
            ("/cl-short", |w, _| with_field(w, "Content-Length", "10", "12345")),
            ("/cl-long", cl_long),
            ("/cl-bad", |w, _| with_field(w, "Content-Length", "x", "12345")),
            ("/te-set", |w, _| with_field(w, "Transfer-Encoding", "chunked", "12345")),
            ("/te-identity", |w, _| with_field(w, "Transfer-Encoding", "identity", "12345")),
            ("/close", |w, _| with_field(w, "Connection", "close", "bye")),
            ("/multi", multi),
            ("/early", early),
            ("GET /only-get", |w, _| say(w, "got")),
            ("POST /only-post", |w, _| say(w, "posted")),
            ("PUT /only-post", |w, _| say(w, "put")),
            ("/tree/", |w, r| {
                plain_text(w);
                write!(w, "tree {}", r.decoded_path())
            }),
            ("/item/{id}", |w, r| value(w, r, "item", "id")),
            ("/files/{path...}", |w, r| value(w, r, "files", "path")),
            ("/exact/{$}", |w, _| say(w, "exact")),
            ("vhost.example/vhost", |w, _| say(w, "vhost")),
        ],
    )
}

fn say(w: &mut ResponseWriter<'_>, text: &str) -> Handled {
    plain_text(w);
    w.write(text.as_bytes()).map(drop)
}

fn with_field(w: &mut ResponseWriter<'_>, name: &str, value: &str, text: &str) -> Handled {
    w.header().set(name, value);
    say(w, text)
}

fn value(w: &mut ResponseWriter<'_>, r: &Request<'_>, what: &str, name: &str) -> Handled {
    plain_text(w);
    write!(w, "{what} ")?;
    let value: Vec<u8> = r.path_value(name).into_iter().flat_map(|value| value.bytes()).collect();
    w.write(&value).map(drop)
}

fn chunked(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    plain_text(w);
    for index in 0..number(r, "n", 3) {
        writeln!(w, "chunk-{index}")?;
        w.flush()?;
    }
    Ok(())
}

fn flush_first(w: &mut ResponseWriter<'_>, _: &mut Request<'_>) -> Handled {
    plain_text(w);
    w.flush()?;
    w.write(b"after").map(drop)
}

fn big(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let length = number(r, "n", 100_000);
    w.header().set("Content-Type", "application/octet-stream");
    w.header().set_display("Content-Length", &length);
    w.write(&pattern(length)).map(drop)
}

fn auto_two(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    plain_text(w);
    let body = pattern(number(r, "n", 100));
    let (first, second) = body.split_at(body.len() / 2);
    w.write(first)?;
    w.write(second).map(drop)
}

fn sniff(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let data: Vec<u8> = r.query().get("d").into_iter().flat_map(|data| data.bytes()).collect();
    w.write(&data).map(drop)
}

fn status(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    plain_text(w);
    let code = u16::try_from(number(r, "code", 200)).ok().and_then(Status::new);
    // Go panics here.
    w.write_header(code.ok_or(http::Error::InvalidField)?);
    if r.query().get("body").is_none_or(|body| body != "0") {
        // Fails where the status allows no body, and nobody minds.
        let _ = w.write(b"body");
    }
    Ok(())
}

fn cl_long(w: &mut ResponseWriter<'_>, _: &mut Request<'_>) -> Handled {
    plain_text(w);
    w.header().set("Content-Length", "5");
    if w.write(b"1234567890").is_ok() || w.write(b"12345").is_ok() {
        return Err(http::Error::InvalidField);
    }
    Ok(())
}

fn multi(w: &mut ResponseWriter<'_>, _: &mut Request<'_>) -> Handled {
    plain_text(w);
    let mut header = w.header();
    header.add("X-Multi", "one");
    header.add("X-Multi", "two");
    header.set("X-Clean", " a\r\nb ");
    header.set("X-Empty", "");
    header.set("x-lower", "kept");
    header.set("bad key", "dropped");
    w.write(b"multi")?;
    w.header().set("X-Too-Late", "1");
    Ok(())
}

fn early(w: &mut ResponseWriter<'_>, _: &mut Request<'_>) -> Handled {
    w.header().set("Link", "</style.css>; rel=preload");
    w.write_header(Status::EARLY_HINTS);
    say(w, "late")
}
