//! The program: its first line, its bytes, its options, its errors.
#![cfg(all(unix, feature = "program"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers fail as tests do")]

use core::time::Duration;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};

struct Program {
    child: Child,
    place: String,
    stderr: BufReader<ChildStderr>,
}

impl Program {
    fn start(options: &[&str]) -> Self {
        let mut child =
            command(options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let place = line.trim_end().strip_prefix("LISTEN ").unwrap().to_owned();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, place, stderr }
    }

    /// At a free port, and reset when the client comes, so that it sees `ready`.
    fn fresh(options: &[&str]) -> Self {
        let common = ["--listen", "127.0.0.1:0", "--reset-on-connect"];
        Self::start(&[&common[..], options].concat())
    }

    fn client(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.place).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_espat-sim"));
    command.args(options);
    command
}

/// What comes, up to and with `end`.
fn until(stream: &mut impl Read, end: &str) -> String {
    let mut said = Vec::new();
    let mut byte = [0];
    while !said.ends_with(end.as_bytes()) {
        match stream.read(&mut byte) {
            Ok(1) => said.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => panic!("{other:?} after {}", said.escape_ascii()),
        }
    }
    said.iter().map(|byte| char::from(*byte)).collect()
}

fn ask(stream: &mut (impl Read + Write), line: &str) -> String {
    stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
    until(stream, "\r\nOK\r\n")
}

/// Exit code and what is on stderr.
fn refusal(options: &[&str]) -> (Option<i32>, String) {
    let output = command(options).output().unwrap();
    assert_eq!(output.stdout, b"");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_session_crosses_the_port_byte_for_byte() {
    let mut program = Program::fresh(&["--latency", "100"]);
    let mut stream = program.client();
    assert_eq!(until(&mut stream, "ready\r\n"), "\r\nready\r\n");
    assert_eq!(ask(&mut stream, "ATE0"), "ATE0\r\n\r\nOK\r\n");
    ask(&mut stream, "AT+CWMODE=1");
    let joined = ask(&mut stream, "AT+CWJAP=\"test-ap\",\"test-pass\"");
    assert_eq!(joined, "WIFI CONNECTED\r\nWIFI GOT IP\r\n\r\nOK\r\n");
    ask(&mut stream, "AT+CIPMUX=1");
    ask(&mut stream, "AT+CIPRECVTYPE=5,1");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dialled = ask(&mut stream, &format!("AT+CIPSTART=4,\"TCP\",\"127.0.0.1\",{port}"));
    assert_eq!(dialled, "4,CONNECT\r\n\r\nOK\r\n");
    let (mut peer, _) = listener.accept().unwrap();
    stream.write_all(b"AT+CIPSEND=4,3\r\n").unwrap();
    assert_eq!(until(&mut stream, ">"), "\r\nOK\r\n\r\n>");
    stream.write_all(b"abc").unwrap();
    assert_eq!(until(&mut stream, "SEND OK\r\n"), "\r\nRecv 3 bytes\r\n\r\nSEND OK\r\n");
    let mut got = [0; 3];
    peer.read_exact(&mut got).unwrap();
    peer.write_all(&got).unwrap();
    assert_eq!(until(&mut stream, "3\r\n"), "\r\n+IPD,4,3\r\n");
    let read = ask(&mut stream, "AT+CIPRECVDATA=4,2048");
    assert_eq!(read, "+CIPRECVDATA:3,abc\r\nOK\r\n");
    assert_eq!(ask(&mut stream, "AT+CIPCLOSE=4"), "4,CLOSED\r\n\r\nOK\r\n");
    program.signal("INT");
    let told = program.line();
    assert!(told.contains(", commands 9, ") && told.contains(", offences 0, "), "{told}");
}

#[test]
fn every_persona_is_there() {
    for persona in ["1.7", "2.1", "2.4", "4.1", "5.0"] {
        let program = Program::fresh(&["--persona", persona, "--latency", "0"]);
        let mut stream = program.client();
        until(&mut stream, "ready\r\n");
        let said = ask(&mut stream, "AT+GMR");
        assert!(said.contains(&format!("AT version:{persona}.")), "{said}");
    }
}

#[test]
fn networks_are_those_of_the_command_line() {
    let program = Program::fresh(&["--ap", "home:secret-pass", "--ap", "guest", "--joined"]);
    let mut stream = program.client();
    until(&mut stream, "WIFI GOT IP\r\n");
    ask(&mut stream, "ATE0");
    let said = ask(&mut stream, "AT+CWLAP");
    assert!(said.contains("+CWLAP:(3,\"home\",-42,\"02:00:5e:10:20:30\","), "{said}");
    assert!(said.contains("+CWLAP:(0,\"guest\",-47,\"02:00:5e:10:20:31\","), "{said}");
}

#[test]
fn mischief_comes_from_the_command_line() {
    let program = Program::fresh(&["--mischief", "busy=1", "--mischief-seed", "7"]);
    let mut stream = program.client();
    until(&mut stream, "ready\r\n");
    stream.write_all(b"AT\r\n").unwrap();
    assert_eq!(until(&mut stream, "busy p...\r\n"), "AT\r\n\r\nbusy p...\r\n");
}

#[test]
fn the_trace_shows_lines_and_literals() {
    let mut program = Program::fresh(&["--trace", "--pieces", "1"]);
    let mut stream = program.client();
    until(&mut stream, "ready\r\n");
    ask(&mut stream, "AT");
    let all: Vec<String> = (0..4).map(|_| program.line()).collect();
    assert!(all[0].ends_with(r#" < "\r\nready\r\n""#), "{all:?}");
    assert!(all[1].ends_with(r#" < "AT\r\n""#), "{all:?}");
    assert!(all[2].ends_with(r#" > "AT""#), "{all:?}");
    assert!(all[3].ends_with(r#" < "\r\nOK\r\n""#), "{all:?}");
}

#[test]
fn it_serves_on_a_terminal_too() {
    let program = Program::start(&["--pty", "--reset-on-connect"]);
    let mut port = serial2::SerialPort::open(&program.place, 115_200).unwrap();
    port.set_read_timeout(Duration::from_secs(10)).unwrap();
    until(&mut port, "ready\r\n");
    assert_eq!(ask(&mut port, "AT"), "AT\r\n\r\nOK\r\n");
}

#[test]
fn wrong_options_are_one_line_and_exit_code_2() {
    for (options, word) in [
        (&["--persona", "9.9"][..], "4.1, 1.7, 2.1"),
        (&["--mischief", "burn=1"], "closed-in-payload"),
        (&["--latency", "x"], "--latency"),
        (&["--pieces", "0"], "--pieces"),
        (&["--listen", "0.0.0.0:0"], "--expose"),
        (&["--frobnicate"], "--frobnicate"),
    ] {
        let (code, text) = refusal(options);
        assert_eq!((code, text.lines().count()), (Some(2), 1), "{text}");
        assert!(text.starts_with("espat-sim: ") && text.contains(word), "{text}");
    }
}
