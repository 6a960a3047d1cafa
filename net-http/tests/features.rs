//! What handlers can do, from the outside, in virtual time.
#![allow(
    clippy::indexing_slicing,
    clippy::large_stack_arrays,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

mod common;

use core::time::Duration;

use common::Bench;
use net_http::{self as http, Limits, Request, ResponseWriter, Status};

type Handled = Result<(), http::Error>;

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: h\r\n{fields}\r\n")
}

fn sum(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let (mut buf, mut length) = ([0; 100], 0);
    while let count @ 1.. = r.read(&mut buf)? {
        length += count;
    }
    w.header().set("Trailer", "X-Sum");
    for (name, value) in r.trailers() {
        write!(w, "{name}={};", String::from_utf8_lossy(value))?;
    }
    assert_eq!(w.trailer("Content-Length", "1"), Err(http::Error::InvalidField));
    assert_eq!(w.trailer("bad name", "1"), Err(http::Error::InvalidField));
    w.trailer("x-sum", &length.to_string())?;
    w.trailer("X-Late", "a\r\nb")
}

#[test]
fn trailers_come_and_go_however_large_the_body_is() {
    let bench = Bench::new(&sum);
    for size in [0, 5, 900, 3000] {
        let mut raw =
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".to_string();
        for _ in 0..size / 5 {
            raw += "5\r\nhello\r\n";
        }
        raw += "0\r\nX-A: 1\r\nX-B:  2 \r\n\r\n";
        let (text, closed) = bench.ask((raw + &get("/", "")).as_bytes());
        let end = format!("X-A=1;X-B=2;\r\n0\r\nX-Sum: {size}\r\nX-Late: a  b\r\n\r\n");
        assert!(text.contains(&end) && text.contains("\r\nTrailer: X-Sum\r\n"), "{text}");
        assert!(text.ends_with("0\r\nX-Sum: 0\r\nX-Late: a  b\r\n\r\n") && !closed, "{text}");
    }
    let (text, closed) = bench.ask(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi");
    assert!(closed && !text.contains("X-Sum: "), "{text}");
}

fn many_trailers(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let count = r.query().get("n").and_then(|n| n.parse::<usize>()).unwrap_or(0);
    w.write(&[b'x'; 1900])?;
    for index in 0..count {
        w.trailer(&format!("X-{index}"), "0123456789")?;
    }
    Ok(())
}

#[test]
fn trailers_that_do_not_fit_cut_the_answer_and_never_the_body() {
    let bench = Bench::new(&many_trailers);
    let (text, _) = bench.ask(get("/?n=40", "").as_bytes());
    assert!(text.ends_with("\r\nX-38: 0123456789\r\nX-39: 0123456789\r\n\r\n"), "{text}");
    assert!(text.contains(&"x".repeat(1900)));
    let (text, closed) = bench.ask(get("/?n=400", "").as_bytes());
    assert!(closed && !text.contains("X-"), "{text}");
}

fn shout(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    if r.path() != "/shout" {
        return http::not_found(w);
    }
    let mut conn = w.hijack()?;
    conn.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")?;
    conn.set_read_deadline(Some(conn.now() + Duration::from_secs(5)));
    let mut line = [0; 32];
    loop {
        match conn.read(&mut line) {
            Ok(0) => return conn.write(b"END").map(drop),
            Ok(count) => drop(conn.write(&line[..count].to_ascii_uppercase())?),
            Err(error) => return conn.write(format!("{error}").as_bytes()).map(drop),
        }
    }
}

#[test]
fn a_hijacked_connection_starts_with_what_came_behind_the_request() {
    let bench = Bench::new(&shout);
    let conn = bench.dial();
    conn.write((get("/shout", "") + "one").as_bytes()).unwrap();
    let (text, closed) = bench.hear(&conn);
    assert!(text.ends_with("\r\n\r\nONE") && !closed, "{text}");
    conn.write(b"two").unwrap();
    conn.close_write().unwrap();
    assert_eq!(bench.hear(&conn), ("TWOEND".into(), true));
    // A body that was gathered stands between.
    let raw = "POST /shout HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbodythree";
    let conn = bench.dial();
    conn.write(raw.as_bytes()).unwrap();
    assert!(bench.hear(&conn).0.ends_with("\r\n\r\nTHREE"));
    bench.clock.spend(Duration::from_secs(5));
    assert_eq!(bench.hear(&conn), ("peer is too slow".into(), true));
}

#[test]
fn a_hijacked_connection_holds_up_nobody_for_long() {
    let bench = Bench::new(&shout);
    let hijacked = bench.dial();
    hijacked.write(get("/shout", "").as_bytes()).unwrap();
    bench.clock.spend(Duration::from_millis(50));
    let conn = bench.dial();
    conn.write(get("/", "").as_bytes()).unwrap();
    bench.clock.spend(Duration::from_millis(1200));
    let (text, _) = bench.hear(&conn);
    assert!(text.starts_with("HTTP/1.1 404"), "{text}");
    let (text, closed) = bench.hear(&hijacked);
    assert!(closed && text.ends_with("peer is too slow"), "{text} {closed}");
}

fn limited(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let mut body = [0; 64];
    match r.read_to_end(&mut body) {
        Ok(body) => write!(w, "{}", body.len()),
        Err(error) => {
            w.write_header(Status::REQUEST_ENTITY_TOO_LARGE);
            write!(w, "{error}")
        }
    }
}

#[test]
fn a_limited_body_ends_the_connection_when_it_is_too_large() {
    static LIMITED: http::MaxBytes<fn(&mut ResponseWriter<'_>, &mut Request<'_>) -> Handled> =
        http::max_bytes(10, limited);
    let bench = Bench::new(&LIMITED);
    for (size, chunked, fits) in
        [(10, false, true), (10, true, true), (11, false, false), (11, true, false)]
    {
        let body = "x".repeat(size);
        let raw = match chunked {
            true => format!("Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n{body}\r\n0\r\n\r\n"),
            false => format!("Content-Length: {size}\r\n\r\n{body}"),
        };
        let (text, closed) = bench.ask(format!("POST / HTTP/1.1\r\nHost: h\r\n{raw}").as_bytes());
        assert_eq!((text.starts_with("HTTP/1.1 200"), closed), (fits, !fits), "{text}");
    }
}

static FILES: &[(&str, &[u8])] = &[
    ("index.html", b"<p>index</p>"),
    ("a.txt", b"0123456789"),
    ("sub/index.html", b"<p>sub</p>"),
    ("bare/b.json", b"{}"),
];

static TREE: http::StripPrefix<'static, http::FileServer<http::Assets<'static>>> =
    http::strip_prefix(
        "/s/",
        http::FileServer::new(http::Assets::new(FILES).modified(1_704_164_645)),
    );

#[test]
fn files_are_served_with_their_types_ranges_and_redirects() {
    let bench = Bench::new(&TREE);
    let cases = [
        ("/s/", "", 200, "Content-Type: text/html; charset=utf-8", "<p>index</p>"),
        ("/s/a.txt", "", 200, "Accept-Ranges: bytes", "0123456789"),
        ("/s/a.txt", "Range: bytes=2-4\r\n", 206, "Content-Range: bytes 2-4/10", "234"),
        ("/s/a.txt", "Range: bytes=20-\r\n", 416, "Content-Range: bytes */10", "invalid range"),
        ("/s/bare/b.json", "", 200, "Content-Type: application/json", "{}"),
        ("/s/sub", "", 301, "Location: sub/", ""),
        ("/s/sub?q", "", 301, "Location: sub/?q", ""),
        ("/s/index.html", "", 301, "Location: ./", ""),
        ("/s/a.txt/", "", 301, "Location: ../a.txt", ""),
        ("/s/bare/", "", 404, "", ""),
        ("/s/none", "", 404, "", ""),
        ("/other", "", 404, "", ""),
        ("/s/%2e%2e/%2e%2e/a.txt", "", 200, "", "0123456789"),
        ("/s/x%2f..%2fsub", "", 404, "", ""),
    ];
    for (target, fields, status, field, body) in cases {
        let (text, closed) = bench.ask(get(target, fields).as_bytes());
        let (head, found) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")) && !closed, "{target}: {text}");
        assert!(head.contains(field) && found.starts_with(body), "{target}: {text}");
    }
    let since = "If-Modified-Since: Tue, 02 Jan 2024 03:04:05 GMT\r\n";
    assert!(bench.ask(get("/s/a.txt", since).as_bytes()).0.starts_with("HTTP/1.1 304 "));
    let (text, _) = bench.ask(get("/s/a.txt", "Range: bytes=0-1,8-\r\n").as_bytes());
    assert!(text.contains("\r\nContent-Range: bytes 8-9/10\r\n"), "{text}");
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.ends_with(&format!("\r\nContent-Length: {}", body.len())), "{text}");
}

fn cookie(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let user = r.basic_auth(&mut [0; 32]).map_or(String::new(), |(user, _)| user.to_string());
    let seen = r.cookie("n").and_then(|cookie| cookie.value.parse().ok()).unwrap_or(0_u32);
    let next = (seen + 1).to_string();
    let mut cookie = http::Cookie::new("n", &next);
    cookie.http_only = true;
    http::set_cookie(w, &cookie);
    write!(w, "{user} {seen}")
}

#[test]
fn cookies_and_credentials_are_understood() {
    let bench = Bench::new(&cookie);
    let fields = "Cookie: a=b; n=41\r\nAuthorization: Basic dTpw\r\n";
    let (text, _) = bench.ask(get("/", fields).as_bytes());
    assert!(text.contains("Set-Cookie: n=42; HttpOnly\r\n") && text.ends_with("u 41"), "{text}");
}

fn hello(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let _ = r.read(&mut [0; 8]);
    w.write(b"hello").map(drop)
}

#[test]
fn limits_that_are_set_are_told_apart() {
    let mut limits = Limits::new();
    limits.target = 20;
    limits.strict_framing = true;
    let bench = Bench::with::<4, 256>(limits, &hello);
    let long_head = format!("X: {}\r\nTransfer-Encoding: chunked\r\n", "x".repeat(180));
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    for (target, fields, status) in [
        ("/01234567890123456789", "", 414),
        ("/", long_head.as_str(), 411),
        ("/", both, 400),
        ("/0123456789012345678", "", 200),
    ] {
        let (text, closed) = bench.ask(get(target, fields).as_bytes());
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {text}");
        assert_eq!(closed, status != 200);
    }
}

fn wait(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let there = r.pause(Duration::from_secs(3));
    write!(w, "{there}")
}

#[test]
fn a_handler_that_waits_learns_that_its_client_has_gone() {
    let bench = Bench::new(&wait);
    let start = bench.now();
    assert!(bench.ask(get("/", "").as_bytes()).0.is_empty());
    let conn = bench.dial();
    conn.write(get("/", "").as_bytes()).unwrap();
    conn.close_write().unwrap();
    bench.clock.spend(Duration::from_secs(8));
    let (text, closed) = bench.hear(&conn);
    assert!(text.ends_with("\r\n\r\nfalse") && closed, "{text}");
    assert!(bench.now() - start > Duration::from_secs(6));
}
