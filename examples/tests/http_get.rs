//! The HTTP client, against servers of the other kind of device and against bare sockets.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use core::net::SocketAddr;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use common::{DEVICES, Running, run};

const HTTP_GET: &str = env!("CARGO_BIN_EXE_http_get");
const WEBSERVER: &str = env!("CARGO_BIN_EXE_webserver");

/// Answers one request with these bytes; gives the request.
fn answering(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
            request.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (addr, asked)
}

#[test]
fn each_device_fetches_the_page_that_the_other_serves() {
    for device in DEVICES {
        let (_server, addr) = Running::server(WEBSERVER, &["--device", device]);
        for client in DEVICES {
            let ended = run(HTTP_GET, &["--device", client, &format!("http://{addr}/")]);
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(ended.out.concat().contains("The LED is off."), "{ended:?}");
            let ended = run(HTTP_GET, &["--device", client, &format!("http://{addr}/nix")]);
            assert_eq!(ended.code, Some(1), "{ended:?}");
            assert!(ended.err.concat().contains("404 Not Found"), "{ended:?}");
        }
    }
}

#[test]
fn head_and_chunked_body_are_printed() {
    for device in DEVICES {
        let (addr, asked) = answering(
            "HTTP/1.1 200 OK\r\nX-Colour: blue\r\nTransfer-Encoding: chunked\r\n\r\n\
             6\r\nhello \r\n6\r\nworld\n\r\n0\r\n\r\n",
        );
        let ended = run(HTTP_GET, &["--device", device, "-i", &format!("http://{addr}/a?b=c")]);
        let request = asked.join().unwrap();
        assert!(request.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{request}");
        assert!(request.contains(&format!("\r\nHost: {addr}\r\n")), "{request}");
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(ended.out.first().map(String::as_str), Some("HTTP/1.1 200 OK"));
        assert!(ended.out.iter().any(|line| line == "X-Colour: blue"), "{ended:?}");
        assert_eq!(ended.out.last().map(String::as_str), Some("hello world"));
    }
}

#[test]
fn what_cannot_be_fetched_is_one_line() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    run(HTTP_GET, &["--device", "host", &format!("http://{free}/")]).refused(1, "refused");
    run(HTTP_GET, &["--device", "wifinina", &format!("http://{free}/")]).refused(1, "dial");
    run(HTTP_GET, &["--device", "host", "http://name.invalid/"]).refused(1, "no such host");
    run(HTTP_GET, &["--device", "host", "https://127.0.0.1/"]).refused(2, "unsupported scheme");
    run(HTTP_GET, &["--device", "host", "http://a b/"]).refused(2, "malformed URL");
    let (addr, asked) = answering("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    run(HTTP_GET, &["--device", "host", &format!("http://{addr}/")]).refused(1, "unexpected end");
    asked.join().unwrap();
}
