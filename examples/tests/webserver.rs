//! The web server, over the PC's sockets and over the simulated chip.

mod common;

use core::net::SocketAddr;
use core::time::Duration;
use std::io::ErrorKind::{ConnectionRefused, ConnectionReset};
use std::io::{Read, Write};
use std::process::Command;
use std::thread;
use std::time::Instant;

use common::{DEVICES, LIMIT, Running, connect, exchange, run, try_exchange};

const WEBSERVER: &str = env!("CARGO_BIN_EXE_webserver");

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

fn post(form: &str) -> String {
    format!(
        "POST /led HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    )
}

#[test]
fn the_form_switches_the_led_and_the_page_shows_it() {
    for device in DEVICES {
        let (_server, addr) = Running::server(WEBSERVER, &["--device", device]);
        let page = exchange(addr, GET);
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{device}: {page}");
        assert!(page.contains("The LED is off.") && page.contains("<tr><td>up<td>"), "{page}");

        let switched = exchange(addr, &post("led=on"));
        assert!(switched.starts_with("HTTP/1.1 303 "), "{device}: {switched}");
        assert!(switched.contains("\r\nLocation: /\r\n"), "{switched}");
        assert!(exchange(addr, GET).contains("The LED is on."), "{device}");

        assert!(exchange(addr, &post("led=purple")).starts_with("HTTP/1.1 400 "));
        assert!(exchange(addr, GET).contains("The LED is on."), "{device}");
        assert!(exchange(addr, &GET.replace("/ ", "/led ")).starts_with("HTTP/1.1 405 "));
        assert!(exchange(addr, &GET.replace("/ ", "/else ")).starts_with("HTTP/1.1 404 "));
    }
}

#[test]
fn a_page_comes_in_one_piece_on_a_connection_that_stays() {
    for device in DEVICES {
        let (_server, addr) = Running::server(WEBSERVER, &["--device", device]);
        let mut stream = connect(addr);
        for _ in 0..3 {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            let mut page = Vec::new();
            let mut buf = [0; 2048];
            while !page.ends_with(b"</table>\n") {
                let got = stream.read(&mut buf).unwrap();
                assert_ne!(got, 0, "{device}: {}", String::from_utf8_lossy(&page));
                page.extend_from_slice(&buf[..got]);
            }
            let page = String::from_utf8(page).unwrap();
            let (head, body) = page.split_once("\r\n\r\n").unwrap();
            assert!(head.contains(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        }
    }
}

/// The page. An ESP-AT module refuses who comes while its five links are taken, an RTL8720DN resets
/// who comes while its eight sockets are: their clients try again. Nobody else's have to.
fn served(device: &str, addr: SocketAddr) -> String {
    let begun = Instant::now();
    loop {
        match try_exchange(addr, GET) {
            Ok(page) => return page,
            Err(why) => {
                let refused = matches!(why.kind(), ConnectionRefused | ConnectionReset);
                let few = matches!(device, "espat" | "rtl8720dn");
                let again = few && refused && begun.elapsed() < LIMIT;
                assert!(again, "{device}: {why}");
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

#[test]
fn eight_clients_at_once_are_served() {
    for device in DEVICES {
        let (_server, addr) = Running::server(WEBSERVER, &["--device", device]);
        thread::scope(|scope| {
            let clients: Vec<_> = (0..8)
                .map(|_| scope.spawn(move || (0..5).all(|_| served(device, addr).contains("LED"))))
                .collect();
            for client in clients {
                assert!(client.join().unwrap(), "{device}");
            }
        });
    }
}

#[test]
fn rubbish_gets_400_and_never_stops_the_server() {
    for device in DEVICES {
        let (_server, addr) = Running::server(WEBSERVER, &["--device", device]);
        for rubbish in [
            "\u{1}\u{2}\u{3}\r\n\r\n",
            "GET\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "POST /led HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
        ] {
            let answer = exchange(addr, rubbish);
            assert!(answer.starts_with("HTTP/1.1 400 "), "{device}: {rubbish:?}: {answer}");
        }
        drop(connect(addr));
        connect(addr).write_all(b"GET / HT").unwrap();
        assert!(exchange(addr, GET).contains("The LED is off."), "{device}");
    }
}

#[test]
fn a_client_that_never_reads_stops_nobody_else() {
    for device in DEVICES {
        let (_server, addr) = Running::server(WEBSERVER, &["--device", device]);
        let mut stalled = connect(addr);
        stalled.set_nonblocking(true).unwrap();
        let requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(2000);
        for _ in 0..10 {
            // As many as the pipe takes; that it is given up after a while is fair, too.
            let _ = stalled.write_all(requests.as_bytes());
            assert!(exchange(addr, GET).contains("The LED is off."), "{device}");
        }
    }
}

#[test]
fn it_says_what_to_try_and_curl_agrees() {
    for device in DEVICES {
        let (server, addr) = Running::server(WEBSERVER, &["--device", device, "-v"]);
        assert!(server.line().contains(&format!("http://{addr}/")));
        let command = server.line();
        assert_eq!(command.trim(), format!("curl -i http://{addr}/"));
        let Ok(curl) =
            Command::new("curl").args(["-sSi", "-m", "20", &format!("http://{addr}/")]).output()
        else {
            return println!("skipped: no curl here (apt-get install curl)");
        };
        let page = String::from_utf8_lossy(&curl.stdout);
        assert!(curl.status.success() && page.starts_with("HTTP/1.1 200 OK"), "{device}: {page}");
        server.told("GET / 200");
    }
}

#[test]
fn what_does_not_work_is_one_line() {
    run(WEBSERVER, &["--device", "toaster"]).refused(2, "unknown device");
    run(WEBSERVER, &["--passphrase", "not-the-one"]).refused(1, "authentication failed");
    for device in DEVICES {
        let (_server, addr) = Running::server(WEBSERVER, &["--device", device]);
        let port = addr.port().to_string();
        for other in DEVICES {
            run(WEBSERVER, &["--device", other, "--port", &port]).refused(1, "already in use");
        }
    }
}
