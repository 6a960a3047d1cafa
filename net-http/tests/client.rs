//! The client against a scripted peer, in virtual time.
#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::large_stack_arrays,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

use core::time::Duration;

use net::netdev::{Netdev, Platform};
use net::{Cause, TcpConn};
use net_http::{BadResponse, Client, Error, Status};
use netdev_sim::{Internet, SimDevice, Task, VirtualClock};

/// What a peer does with the one connection it accepts; the result is the request.
fn peer(
    clock: &VirtualClock,
    internet: &Internet,
    script: &'static [&'static str],
    close: bool,
) -> Task<String> {
    let server = SimDevice::on(internet, [10, 0, 0, 1].into()).leak();
    let listener = net::listen_on(server, "tcp", "10.0.0.1:80").unwrap();
    let clock_here = clock.clone();
    clock.spawn(move || {
        let conn = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.windows(4).any(|four| four == b"\r\n\r\n") {
            request.extend(read(&conn));
        }
        for piece in script {
            if conn.write(piece.as_bytes()).is_err() {
                break;
            }
            clock_here.spend(Duration::from_millis(5));
        }
        if close {
            let _ = conn.close_write();
        }
        // To the end: whoever does not close in a hundred seconds never does.
        conn.set_read_deadline(Some(server.platform().now() + Duration::from_secs(100))).unwrap();
        loop {
            let mut piece = [0; 4096];
            match conn.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => request.extend_from_slice(&piece[..count]),
                Err(error) => {
                    assert_ne!(error.cause(), Cause::DeadlineExceeded, "left open");
                    break;
                }
            }
        }
        String::from_utf8(request).unwrap()
    })
}

fn read(conn: &TcpConn) -> Vec<u8> {
    let mut piece = [0; 1024];
    let count = conn.read(&mut piece).unwrap();
    assert_ne!(count, 0);
    piece[..count].to_vec()
}

struct Answer {
    status: Status,
    body: Result<Vec<u8>, Error>,
}

/// Makes one request. The peer checks that the connection is closed in the end.
fn run(
    method: &str,
    body: Option<&[u8]>,
    script: &'static [&'static str],
    close: bool,
) -> (Result<Answer, Error>, String) {
    let clock = VirtualClock::new();
    let _seat = clock.register();
    let internet = Internet::new(&clock);
    let peer = peer(&clock, &internet, script, close);
    let device = SimDevice::on(&internet, [10, 0, 0, 2].into()).leak();
    let answer = Client::on(device).send(method, "http://10.0.0.1/a?b", &[("X-A", "b")], body);
    let answer = answer.map(|mut answer| {
        let (mut all, mut piece) = (Vec::new(), [0; 50]);
        let body = loop {
            match answer.read(&mut piece) {
                Ok(0) => break Ok(all),
                Ok(count) => all.extend_from_slice(&piece[..count]),
                Err(error) => break Err(error),
            }
        };
        Answer { status: answer.status(), body }
    });
    (answer, peer.join().unwrap())
}

fn get(script: &'static [&'static str], close: bool) -> Result<(u16, String), Error> {
    let answer = run("GET", None, script, close).0?;
    Ok((answer.status.code(), String::from_utf8(answer.body?).unwrap()))
}

#[test]
fn a_request_is_what_servers_expect() {
    let (answer, request) = run("GET", None, &["HTTP/1.1 204 No Content\r\n\r\n"], false);
    assert_eq!(answer.unwrap().status, Status::NO_CONTENT);
    assert_eq!(
        request,
        "GET /a?b HTTP/1.1\r\nHost: 10.0.0.1\r\nUser-Agent: net-http/0.1.0\r\nX-A: b\r\n\
         Connection: close\r\n\r\n"
    );
    let (_, request) =
        run("POST", Some(b"hello"), &["HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"], false);
    assert!(request.contains("\r\nContent-Length: 5\r\n") && request.ends_with("\r\n\r\nhello"));
}

#[test]
fn bodies_end_by_length_by_chunks_or_with_the_connection() {
    let length = &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", "llo and more"];
    assert_eq!(get(length, false), Ok((200, "hello".into())));
    let chunks = &[
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "lo\r\n0\r\n",
        "X: y\r\n\r\n",
    ];
    assert_eq!(get(chunks, false), Ok((200, "hello".into())));
    let close = &["HTTP/1.0 404 Nope\r\nX: y\r\n\r\nhel", "lo"];
    assert_eq!(get(close, true), Ok((404, "hello".into())));
    let head = &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"];
    let (answer, _) = run("HEAD", None, head, false);
    assert_eq!(answer.unwrap().body, Ok(Vec::new()));
}

#[test]
fn interim_answers_are_skipped() {
    let script = &[
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    ];
    assert_eq!(get(script, false), Ok((200, "hi".into())));
}

#[test]
fn broken_answers_are_errors_and_the_connection_is_closed() {
    let cases: [(&'static [&'static str], Error); 7] = [
        (&["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel"], Error::UnexpectedEnd),
        (&["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"], Error::UnexpectedEnd),
        (&["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"], Error::BadChunk),
        (&["HTTP/1.1 200 OK\r\nHalf"], Error::UnexpectedEnd),
        (&["SSH-2.0-x\r\n\r\n"], Error::BadResponse(BadResponse::StatusLine)),
        (
            &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n"],
            Error::BadResponse(BadResponse::Length),
        ),
        (
            &["HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"],
            Error::BadResponse(BadResponse::Coding),
        ),
    ];
    for (script, error) in cases {
        assert_eq!(get(script, true), Err(error), "{script:?}");
    }
    let long: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(3000)).into());
    let script: &'static [&'static str] = Box::leak(Box::new([long]));
    assert_eq!(get(script, false), Err(Error::BadResponse(BadResponse::TooLarge)));
}

#[test]
fn a_silent_server_is_given_up() {
    let clock = VirtualClock::new();
    let _seat = clock.register();
    let internet = Internet::new(&clock);
    let peer = peer(&clock, &internet, &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"], false);
    let device = SimDevice::on(&internet, [10, 0, 0, 2].into()).leak();
    let client = Client::on(device).timeout(Duration::from_secs(2));
    let begun = clock.now();
    let mut answer = client.get("http://10.0.0.1").unwrap();
    assert_eq!(answer.content_length(), Some(5));
    let error = answer.read_to_end(&mut [0; 64]).unwrap_err();
    assert!(error.timeout(), "{error}");
    assert_eq!(clock.now().saturating_since(begun), Duration::from_secs(2));
    peer.join().unwrap();
}

#[test]
fn an_answer_that_is_dropped_closes() {
    let clock = VirtualClock::new();
    let _seat = clock.register();
    let internet = Internet::new(&clock);
    let peer = peer(&clock, &internet, &["HTTP/1.1 200 OK\r\n\r\nbody without end"], false);
    let device = SimDevice::on(&internet, [10, 0, 0, 2].into()).leak();
    drop(Client::on(device).get("http://10.0.0.1/").unwrap());
    peer.join().unwrap();
}

#[test]
fn https_is_never_plain() {
    let device = SimDevice::on(&Internet::new(&VirtualClock::new()), [10, 0, 0, 2].into()).leak();
    assert_eq!(Client::on(device).get("https://10.0.0.1/").unwrap_err(), Error::UnsupportedScheme);
}
