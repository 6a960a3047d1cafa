//! The server from the outside, in virtual time.
#![allow(
    clippy::cast_possible_truncation,
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

fn hello(w: &mut ResponseWriter<'_>, _r: &mut Request<'_>) {
    let _ = w.write(b"hello");
}

fn echo(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let mut body = vec![0; 70_000];
    let length = match r.read_to_end(&mut body) {
        Ok(body) => body.len(),
        Err(_) => return http::error(w, "body error", Status::BAD_REQUEST),
    };
    w.header().set("Content-Type", "application/octet-stream");
    w.write(&body[..length]).map(|_| ())
}

fn big(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    let length = r.query().get("n").and_then(|n| n.parse()).unwrap_or(10_000);
    let body: Vec<u8> = (0..length).map(|at: usize| b'a' + (at % 26) as u8).collect();
    w.header().set("Content-Type", "text/plain");
    match r.query().get("piece").and_then(|n| n.parse()) {
        None => w.write(&body).map(|_| ()),
        Some(size) => body.chunks(size).try_for_each(|piece| w.write(piece).map(|_| ())),
    }
}

fn fail(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), ()> {
    let _ = w.write(b"lost");
    if r.query().get("late").is_some() {
        let _ = w.flush();
    }
    Err(())
}

static PAGE: [u8; 300_000] = [b'p'; 300_000];

fn page(w: &mut ResponseWriter<'_>, _r: &mut Request<'_>) -> Handled {
    w.header().set("Content-Type", "image/png");
    w.write_static(&PAGE).map(|_| ())
}

fn no_read(w: &mut ResponseWriter<'_>, _r: &mut Request<'_>) {
    let _ = w.write(b"noread");
}

fn headers(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    write!(w, "{} {} {} {:?}", r.method(), r.path(), r.host(), r.header("x-a"))
}

fn form(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    match r.form_value("led") {
        Some(value) => write!(w, "led={value}"),
        None => write!(w, "none"),
    }
}

fn mux(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), http::Failed> {
    let mut mux = http::ServeMux::<12>::new();
    let routes: [(&str, &dyn http::Handler); 9] = [
        ("/hello", &hello),
        ("/echo", &echo),
        ("/big", &big),
        ("/fail", &fail),
        ("/page", &page),
        ("/noread", &no_read),
        ("/headers/", &headers),
        ("GET /only-get", &hello),
        ("/form", &form),
    ];
    for (pattern, handler) in routes {
        mux.handle(pattern, handler).unwrap();
    }
    http::Handler::serve(&mux, w, r)
}

const GET: &str = "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
const HELLO: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn a_small_answer_has_its_length_and_the_connection_stays() {
    let bench = Bench::new(&mux);
    let conn = bench.dial();
    for _ in 0..3 {
        conn.write(GET.as_bytes()).unwrap();
        assert_eq!(bench.hear(&conn), (HELLO.to_string(), false));
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let bench = Bench::new(&mux);
    let all = "GET /headers/1 HTTP/1.1\r\nHost: h\r\n\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc\r\nGET /headers/2 HTTP/1.1\r\nHost: h\r\n\r\n";
    let (text, closed) = bench.ask(all.as_bytes());
    let bodies: Vec<_> = ["GET /headers/1 h None", "abc", "GET /headers/2 h None"]
        .iter()
        .map(|body| text.find(body).unwrap_or_else(|| panic!("{body}: {text}")))
        .collect();
    assert!(bodies.is_sorted() && !closed, "{text}");
}

#[test]
fn any_cut_of_the_bytes_gives_the_same_answers() {
    let request = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x\r\n world\r\n0\r\nX: y\r\n\r\nGET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
    let bench = Bench::new(&mux);
    for step in [1, 2, 3, 7, 50] {
        let conn = bench.dial();
        for piece in request.as_bytes().chunks(step) {
            conn.write(piece).unwrap();
            bench.clock.spend(Duration::from_millis(1));
        }
        let (text, closed) = bench.hear(&conn);
        assert!(text.contains("\r\n\r\nhello worldHTTP/1.1 200 OK"), "{step}: {text}");
        assert!(text.ends_with("\r\n\r\nhello") && !closed, "{step}: {text}");
    }
}

#[test]
fn head_has_the_header_of_get_and_no_body() {
    let bench = Bench::new(&mux);
    let (text, closed) = bench.ask(b"HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!((text.as_str(), closed), (HELLO.strip_suffix("hello").unwrap(), false));
    let (text, closed) = bench.ask(b"HEAD /big HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(
        (text.as_str(), closed),
        ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", false)
    );
}

fn unchunk(text: &str) -> String {
    let (head, mut rest) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Transfer-Encoding: chunked"), "{head}");
    let mut body = String::new();
    loop {
        let (size, behind) = rest.split_once("\r\n").unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            assert_eq!(behind, "\r\n");
            return body;
        }
        body.push_str(&behind[..size]);
        rest = behind[size..].strip_prefix("\r\n").unwrap();
    }
}

#[test]
fn a_long_answer_is_chunked_and_ends_with_the_connection_on_1_0() {
    let bench = Bench::new(&mux);
    for n in [2048, 2049, 4096, 10_000, 100_000] {
        for piece in ["", "&piece=1", "&piece=100", "&piece=2048", "&piece=3000"] {
            let target = format!("/big?n={n}{piece}");
            let (text, closed) =
                bench.ask(format!("GET {target} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes());
            let body = if n <= 2048 {
                assert!(text.contains("Content-Length: 2048\r\n"), "{text}");
                text.split_once("\r\n\r\n").unwrap().1.to_string()
            } else {
                unchunk(&text)
            };
            assert!(!closed && body.len() == n, "{target}: {}", body.len());
            assert!(body.bytes().enumerate().all(|(at, byte)| byte == b'a' + (at % 26) as u8));
            let (text, closed) = bench.ask(format!("GET {target} HTTP/1.0\r\n\r\n").as_bytes());
            assert!(closed && text.starts_with("HTTP/1.0 200 OK\r\n"), "{target}");
            assert_eq!(text.split_once("\r\n\r\n").unwrap().1, body);
        }
    }
}

#[test]
fn http_1_0_keeps_the_connection_only_if_asked() {
    let bench = Bench::new(&mux);
    let (text, closed) = bench.ask(b"GET /hello HTTP/1.0\r\n\r\n");
    assert!(closed && !text.contains("Connection"), "{text}");
    let (text, closed) = bench.ask(b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert!(!closed && text.contains("Connection: keep-alive\r\n"), "{text}");
    let (text, closed) =
        bench.ask(b"GET /hello HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n");
    assert!(closed && text.contains("Connection: close\r\n"), "{text}");
}

#[test]
fn bad_input_gets_its_status_and_the_server_goes_on() {
    let bench = Bench::new(&mux);
    let long = format!("GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n", "x".repeat(2000));
    let many = format!("GET / HTTP/1.1\r\nHost: h\r\n{}\r\n", "A:\r\n".repeat(501));
    let cases: &[(&str, u16)] = &[
        ("garbage\r\n", 400),
        ("\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: h\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\n", 417),
        (&long, 431),
        (&many, 431),
        ("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ];
    for (raw, status) in cases {
        let (text, closed) = bench.ask(raw.as_bytes());
        assert!(closed && text.starts_with(&format!("HTTP/1.1 {status} ")), "{raw:?}: {text}");
        assert!(text.contains("\r\nConnection: close\r\n"), "{raw:?}: {text}");
    }
    assert_eq!(bench.ask(GET.as_bytes()).0, HELLO);
}

#[test]
fn no_garbage_stops_the_server() {
    let bench = Bench::new(&mux);
    let mut seed = 7_u32;
    for round in 0..400 {
        let mut raw = if round % 2 == 0 { GET.as_bytes().to_vec() } else { Vec::new() };
        for _ in 0..round % 40 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = seed as usize / 7 % (raw.len() + 1);
            raw.insert(at, (seed >> 24) as u8);
        }
        let conn = bench.dial();
        let _ = conn.write(&raw);
        let _ = conn.close_write();
        let _ = bench.hear(&conn);
    }
    assert_eq!(bench.ask(GET.as_bytes()).0, HELLO);
}

#[test]
fn a_body_of_any_size_is_read() {
    let bench = Bench::new(&mux);
    for size in [0, 1, 900, 1024, 5000, 65_000] {
        let body: String = "0123456789".chars().cycle().take(size).collect();
        let plain =
            format!("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n{body}");
        let mut chunked =
            String::from("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in body.as_bytes().chunks(777) {
            chunked += &format!("{:x}\r\n{}\r\n", piece.len(), String::from_utf8_lossy(piece));
        }
        chunked += "0\r\n\r\n";
        for request in [plain, chunked] {
            let (text, closed) = bench.ask(request.as_bytes());
            let answer = if size > 2048 {
                unchunk(&text)
            } else {
                text.split_once("\r\n\r\n").unwrap().1.to_string()
            };
            assert!(!closed && answer == body, "{size}: {text:.300}");
        }
    }
}

#[test]
fn continue_is_sent_when_the_body_is_asked_for_and_not_before() {
    let bench = Bench::new(&mux);
    let conn = bench.dial();
    let head =
        "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n";
    conn.write(head.as_bytes()).unwrap();
    assert_eq!(bench.hear(&conn).0, "HTTP/1.1 100 Continue\r\n\r\n");
    conn.write(b"hello").unwrap();
    let (text, closed) = bench.hear(&conn);
    assert!(text.ends_with("\r\n\r\nhello") && !closed, "{text}");

    let (text, closed) = bench.ask(head.replace("echo", "noread").as_bytes());
    assert!(closed && text.starts_with("HTTP/1.1 200 OK") && text.ends_with("noread"), "{text}");
    assert!(text.contains("Connection: close"), "{text}");
}

#[test]
fn an_unread_body_is_drained_or_the_connection_ends() {
    let bench = Bench::new(&mux);
    let body = "x".repeat(100_000);
    let head = "POST /noread HTTP/1.1\r\nHost: h\r\nContent-Length: ";
    let (text, closed) = bench.ask(format!("{head}100000\r\n\r\n{body}{GET}").as_bytes());
    assert!(!closed && text.contains("noread") && text.ends_with("\r\n\r\nhello"), "{text}");
    let (text, closed) = bench.ask(format!("{head}300000\r\n\r\nx").as_bytes());
    assert!(closed && text.contains("Connection: close") && text.ends_with("noread"), "{text}");
}

#[test]
fn a_handler_that_fails_cuts_its_connection_only() {
    let bench = Bench::new(&mux);
    let other = bench.dial();
    other.write(&GET.as_bytes()[..10]).unwrap();
    assert_eq!(bench.ask(b"GET /fail HTTP/1.1\r\nHost: h\r\n\r\n"), (String::new(), true));
    let (text, closed) = bench.ask(b"GET /fail?late HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(closed && text.ends_with("4\r\nlost\r\n"), "{text}");
    other.write(&GET.as_bytes()[10..]).unwrap();
    assert_eq!(bench.hear(&other).0, HELLO);
}

#[test]
fn routes_answer_as_a_go_mux_does() {
    let bench = Bench::new(&mux);
    let ask = |line: &str| bench.ask(format!("{line} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).0;
    assert!(ask("POST /only-get").starts_with("HTTP/1.1 405 "));
    assert!(ask("POST /only-get").contains("\r\nAllow: GET, HEAD\r\n"));
    assert!(ask("GET /nothing").starts_with("HTTP/1.1 404 "));
    assert!(ask("GET /headers?a=b").contains("\r\nLocation: /headers/?a=b\r\n"));
    assert!(ask("GET /x/../hello").starts_with("HTTP/1.1 307 "));
    assert!(ask("GET /headers/a%20b").ends_with("GET /headers/a%20b h None"));
    assert!(ask("OPTIONS *").starts_with("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"));
}

#[test]
fn forms_come_from_the_body_or_the_query() {
    let bench = Bench::new(&mux);
    assert!(bench.ask(b"GET /form?led=o%6E HTTP/1.1\r\nHost: h\r\n\r\n").0.ends_with("led=on"));
    let post = "POST /form?led=x HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\na=b&led=+1";
    assert!(bench.ask(post.as_bytes()).0.ends_with("led= 1"));
}

#[test]
fn more_clients_than_connections_are_all_served() {
    let bench = Bench::with::<2, 512>(Limits::new(), &mux);
    let clients: Vec<_> = (0..12).map(|_| bench.dial()).collect();
    // Two of them have a place and are silent until the head's time is up.
    for client in clients.iter().rev() {
        client.write(GET.as_bytes()).unwrap();
    }
    let answered = clients.iter().filter(|client| bench.hear(client).0 == HELLO).count();
    assert_eq!(answered, 12);
}

#[test]
fn an_idle_connection_makes_room_when_the_device_has_no_socket_left() {
    let bench = Bench::on::<8, 512>(Limits::new(), &mux, 3);
    let clients: Vec<_> = (0..5)
        .map(|_| {
            let conn = bench.dial();
            conn.write(GET.as_bytes()).unwrap();
            assert_eq!(bench.hear(&conn).0, HELLO);
            conn
        })
        .collect();
    assert_eq!(clients.len(), 5);
}

#[test]
fn clients_that_hold_every_place_and_say_nothing_make_room_for_one_that_asks() {
    for part in
        [&b""[..], b"GET / HT", b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"]
    {
        let bench = Bench::new(&hello);
        let silent: Vec<_> = (0..4).map(|_| bench.dial()).collect();
        for conn in &silent {
            conn.write(part).unwrap();
        }
        bench.clock.spend(Duration::from_millis(100));
        let begun = bench.now();
        let conn = bench.dial();
        conn.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let mut piece = [0; 1024];
        conn.set_read_deadline(Some(bench.client_now() + Duration::from_secs(30))).unwrap();
        let count = conn.read(&mut piece).unwrap();
        assert!(piece[..count].starts_with(b"HTTP/1.1 200"), "{part:?}");
        let waited = bench.now() - begun;
        assert!(waited < Duration::from_millis(1_500), "{part:?}: it waited {waited:?}");
    }
}

#[test]
fn silent_clients_are_let_go_in_time() {
    let bench = Bench::new(&mux);
    let begun = bench.now();
    let silent = bench.dial();
    let half = bench.dial();
    half.write(b"GET /he").unwrap();
    let fields = bench.dial();
    fields.write(b"GET / HTTP/1.1\r\nHost: h").unwrap();
    let body = bench.dial();
    body.write(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel").unwrap();
    let mut all = [0; 512];
    let mut read = |conn: &net::TcpConn| {
        conn.set_read_deadline(None).unwrap();
        let count = conn.read(&mut all).unwrap();
        String::from_utf8_lossy(&all[..count]).into_owned()
    };
    assert_eq!(read(&silent), "");
    assert!(read(&half).starts_with("HTTP/1.1 400 "));
    assert!(read(&fields).starts_with("HTTP/1.1 408 "));
    let heads = bench.now() - begun;
    assert!(heads >= Duration::from_secs(10) && heads < Duration::from_secs(11), "{heads:?}");
    assert!(read(&body).starts_with("HTTP/1.1 408 "));
    assert!(bench.now() - begun < Duration::from_secs(61));
}

#[test]
fn a_client_that_never_reads_does_not_stop_the_server() {
    let bench = Bench::new(&mux);
    // It asks for a lot, written by the handler itself; it reads nothing.
    let greedy = bench.dial();
    greedy.write(b"GET /big?n=1000000 HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    bench.clock.spend(Duration::from_millis(50));
    let begun = bench.now();
    let conn = bench.dial();
    conn.write(GET.as_bytes()).unwrap();
    conn.set_read_deadline(None).unwrap();
    let mut answer = [0; 256];
    let count = conn.read(&mut answer).unwrap();
    assert!(answer[..count].ends_with(b"\r\n\r\nhello"));
    let waited = bench.now() - begun;
    assert!(waited < Duration::from_millis(1100), "{waited:?}");
    // From the server's static data nobody waits at all.
    let greedy = bench.dial();
    greedy.write(b"GET /page HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    bench.clock.spend(Duration::from_millis(50));
    let begun = bench.now();
    conn.write(GET.as_bytes()).unwrap();
    let count = conn.read(&mut answer).unwrap();
    assert!(answer[..count].ends_with(b"\r\n\r\nhello"));
    assert!(bench.now() - begun < Duration::from_millis(50));
}

#[test]
fn a_client_that_asks_on_and_on_without_reading_does_not_stop_the_server() {
    let bench = Bench::new(&mux);
    let greedy = bench.dial();
    greedy.set_write_deadline(Some(bench.client_now() + Duration::from_secs(2))).unwrap();
    let requests = "GET /big?n=2000 HTTP/1.1\r\nHost: h\r\n\r\n".repeat(20_000);
    let _ = greedy.write(requests.as_bytes());
    let begun = bench.now();
    let conn = bench.dial();
    conn.write(GET.as_bytes()).unwrap();
    let mut answer = [0; 256];
    let count = conn.read(&mut answer).unwrap();
    assert!(answer[..count].ends_with(b"\r\n\r\nhello"));
    assert!(bench.now() - begun < Duration::from_millis(1100), "{:?}", bench.now() - begun);
}

#[test]
fn static_bodies_are_sent_whole_after_the_handler() {
    let bench = Bench::new(&mux);
    let (text, closed) =
        bench.ask(format!("GET /page HTTP/1.1\r\nHost: h\r\n\r\n{GET}").as_bytes());
    let (head, rest) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("Content-Length: 300000"), "{head}");
    assert!(rest[..300_000].bytes().all(|byte| byte == b'p'));
    assert_eq!((&rest[300_000..], closed), (HELLO, false));
    let (text, _) = bench.ask(b"HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(text.contains("Content-Length: 300000") && text.ends_with("\r\n\r\n"), "{text}");
}

#[test]
fn a_slow_upload_to_a_handler_leaves_the_others_their_heads() {
    let bench = Bench::new(&mux);
    let slow = bench.dial();
    slow.write(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n").unwrap();
    bench.clock.spend(Duration::from_millis(20));
    for _ in 0..5 {
        slow.write(&[b'u'; 1000]).unwrap();
        bench.clock.spend(Duration::from_millis(700));
    }
    let (text, closed) = bench.hear(&slow);
    assert!(!closed && unchunk(&text).len() == 5000, "{text:.200}");
}

#[test]
fn a_server_that_is_stopped_finishes_what_is_running() {
    let mut bench = Bench::new(&mux);
    let idle = bench.dial();
    idle.write(GET.as_bytes()).unwrap();
    assert_eq!(bench.hear(&idle).0, HELLO);
    let busy = bench.dial();
    busy.write(b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel").unwrap();
    bench.clock.spend(Duration::from_millis(20));
    bench.stop();
    assert_eq!(bench.hear(&idle), (String::new(), true));
    busy.write(b"lo").unwrap();
    let (text, closed) = bench.hear(&busy);
    assert!(closed && text.contains("Connection: close") && text.ends_with("hello"), "{text}");
    assert_eq!(bench.end(), Ok(()));
    assert!(
        net::Dialer::on(bench.client)
            .timeout(Duration::from_secs(1))
            .dial("tcp", "10.0.0.1:80")
            .is_err()
    );
}

#[cfg(feature = "std")]
#[test]
fn a_panic_in_a_handler_cuts_its_connection_only() {
    fn panics(_w: &mut ResponseWriter<'_>, r: &mut Request<'_>) {
        assert!(r.path() != "/panic", "on purpose");
    }
    let bench = Bench::new(&panics);
    assert_eq!(bench.ask(b"GET /panic HTTP/1.1\r\nHost: h\r\n\r\n"), (String::new(), true));
    let (text, closed) = bench.ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!((text.as_str(), closed), ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false));
}
