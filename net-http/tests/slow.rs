//! Clients that are slow, each in its own way, and one that is not: in virtual time.
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
use net::TcpConn;
use net_http::{self as http, Limits, Request, ResponseWriter};

type Handled = Result<(), http::Error>;

static PAGE: [u8; 300_000] = [b'p'; 300_000];

fn site(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Handled {
    match r.path() {
        "/page" => w.write_static(&PAGE).map(drop),
        "/written" => w.write(&PAGE).map(drop),
        "/upload" => {
            let (mut length, mut buf) = (0, [0; 512]);
            while let count @ 1.. = r.read(&mut buf)? {
                length += count;
            }
            write!(w, "{length}")
        }
        "/long" => {
            r.pause(Duration::from_secs(40));
            w.write(b"done").map(drop)
        }
        _ => w.write(b"hello").map(drop),
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

/// Asks for the small page, and tells how long the answer took.
fn quick(bench: &Bench) -> Duration {
    answered(bench, &bench.dial())
}

fn answered(bench: &Bench, conn: &TcpConn) -> Duration {
    let start = bench.now();
    conn.write(GET.as_bytes()).unwrap();
    let mut piece = [0; 1024];
    conn.set_read_deadline(Some(bench.client_now() + Duration::from_secs(30))).unwrap();
    let count = conn.read(&mut piece).unwrap();
    let text = String::from_utf8_lossy(&piece[..count]);
    assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
    bench.now() - start
}

/// A client that has sent this and then does nothing.
fn stalled(bench: &Bench, sent: &str) -> TcpConn {
    let conn = bench.dial();
    conn.write(sent.as_bytes()).unwrap();
    bench.clock.spend(Duration::from_millis(20));
    conn
}

#[test]
fn a_client_with_a_hundred_requests_at_once_takes_turns_with_others() {
    let bench = Bench::with::<4, 4096>(Limits::new(), &site);
    let greedy = stalled(&bench, "");
    greedy.write(GET.repeat(100).as_bytes()).unwrap();
    assert!(quick(&bench) < Duration::from_millis(100));
    let (text, closed) = bench.hear(&greedy);
    assert_eq!((text.matches("hello").count(), closed), (100, false));
}

#[test]
fn a_head_by_the_byte_delays_nobody() {
    let bench = Bench::new(&site);
    let slow = bench.dial();
    for byte in GET.as_bytes() {
        slow.write(&[*byte]).unwrap();
        bench.clock.spend(Duration::from_millis(100));
        assert!(quick(&bench) < Duration::from_millis(50));
    }
    assert!(bench.hear(&slow).0.ends_with("hello"));
}

#[test]
fn a_client_that_stops_in_its_head_delays_nobody_and_is_let_go() {
    let bench = Bench::new(&site);
    let slow = stalled(&bench, "GET / HTTP/1.1\r\nHo");
    assert!(quick(&bench) < Duration::from_millis(50));
    bench.clock.spend(Duration::from_secs(11));
    let (text, closed) = bench.hear(&slow);
    assert!(closed && text.starts_with("HTTP/1.1 408 "), "{text}");
}

#[test]
fn an_upload_by_the_byte_delays_nobody_for_long() {
    let bench = Bench::new(&site);
    // Too large for the buffer: a handler reads it.
    let slow = stalled(&bench, "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n\r\n");
    for _ in 0..3 {
        slow.write(b"x").unwrap();
        bench.clock.spend(Duration::from_millis(500));
    }
    assert!(quick(&bench) < Duration::from_millis(1100));
    assert!(bench.hear(&slow).1, "it was cut off for the other's sake");
}

#[test]
fn an_upload_by_the_byte_is_let_go_even_when_nobody_waits() {
    let mut limits = Limits::new();
    limits.body_time = Duration::from_secs(5);
    let bench = Bench::with::<4, 1024>(limits, &site);
    for length in [5000, 500] {
        let head = format!("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
        let slow = stalled(&bench, &head);
        let start = bench.now();
        while slow.write(b"x").is_ok() && bench.now() - start < Duration::from_secs(20) {
            bench.clock.spend(Duration::from_secs(1));
        }
        assert!(bench.now() - start < Duration::from_secs(9), "{length}");
    }
}

#[test]
fn a_client_that_does_not_take_its_answer_delays_nobody_for_long() {
    let bench = Bench::new(&site);
    // Pumped by the server, and written by the handler.
    for (target, most) in [("/page", 50), ("/written", 1100)] {
        let _slow = stalled(&bench, &GET.replace("/ ", &format!("{target} ")));
        let took = quick(&bench);
        assert!(took < Duration::from_millis(most), "{target}: {took:?}");
    }
}

#[test]
fn a_client_that_takes_its_answer_by_the_byte_is_let_go() {
    let mut limits = Limits::new();
    limits.write_time = Duration::from_secs(5);
    let bench = Bench::with::<4, 1024>(limits, &site);
    for target in ["/page", "/written"] {
        let slow = stalled(&bench, &GET.replace("/ ", &format!("{target} ")));
        let start = bench.now();
        let mut come = 0;
        loop {
            slow.set_read_deadline(Some(bench.client_now() + Duration::from_secs(1))).unwrap();
            match slow.read(&mut [0; 8]) {
                Ok(0) | Err(_) => break,
                Ok(count) => come += count,
            }
            bench.clock.spend(Duration::from_secs(1));
            if bench.now() - start > Duration::from_secs(30) {
                break;
            }
        }
        // What lay in the windows is read; the server has long gone on.
        assert!(come < PAGE.len() && quick(&bench) < Duration::from_millis(50), "{target}");
    }
}

#[test]
fn stalled_clients_that_hold_every_socket_make_room_within_the_head_deadline() {
    let upload = "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 500\r\n\r\n";
    let large = "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n";
    let page = GET.replace("/ ", "/page ");
    for kind in ["", "GET / HT", upload, large, &page, &page.replace("page", "written")] {
        let bench = Bench::on::<8, 1024>(Limits::new(), &site, 6);
        let held: Vec<_> = (0..6).map(|_| stalled(&bench, kind)).collect();
        let took = quick(&bench);
        assert!(took < Duration::from_secs(11), "{kind:?}: {took:?}");
        drop(held);
    }
}

#[test]
fn when_every_place_is_busy_newcomers_are_told_so() {
    let bench = Bench::with::<1, 1024>(Limits::new(), &site);
    let busy = stalled(&bench, &GET.replace("/ ", "/long "));
    let conn = bench.dial();
    conn.write(GET.as_bytes()).unwrap();
    bench.clock.spend(Duration::from_secs(11));
    let (text, closed) = bench.hear(&conn);
    assert!(closed && text.starts_with("HTTP/1.1 503 "), "{text}");
    bench.clock.spend(Duration::from_secs(30));
    assert!(bench.hear(&busy).0.ends_with("done"));
    assert!(quick(&bench) < Duration::from_millis(50));
}
