//! The programs that write to a server.

mod common;

use std::io::Read;
use std::net::TcpListener;

use common::{DEVICES, Running, run};

const TCPCLIENT: &str = env!("CARGO_BIN_EXE_tcpclient");
const SOCKET: &str = env!("CARGO_BIN_EXE_socket");

#[test]
fn lines_arrive_in_order_and_whole() {
    for device in DEVICES {
        for program in [TCPCLIENT, SOCKET] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let addr = listener.local_addr().unwrap().to_string();
            let client = Running::start(program, &["--device", device, &addr, "--lines", "200"]);
            let mut text = String::new();
            listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
            for (n, line) in (1..).zip(text.lines()) {
                assert!(line.contains(&format!("{n} of 200")), "{device}: {line}");
            }
            assert_eq!(text.lines().count(), 200);
            let ended = client.end();
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(ended.out.concat().starts_with(&format!("{} bytes", text.len())), "{ended:?}");
        }
    }
}

#[test]
fn nobody_there_is_one_line_and_code_1() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    for device in DEVICES {
        for program in [TCPCLIENT, SOCKET] {
            run(program, &["--device", device, &free]).refused(1, &free);
        }
    }
    run(TCPCLIENT, &["--device", "host", &free]).refused(1, "connection refused");
}

#[test]
fn a_bad_address_is_one_line() {
    run(SOCKET, &["nonsense"]).refused(2, "not an IP:PORT");
    for bad in ["nonsense", "127.0.0.1:notaport", "name.invalid:80"] {
        run(TCPCLIENT, &["--device", "host", bad]).refused(1, bad);
    }
}
