//! The program: its first line, its bytes, its options, its errors.
#![cfg(all(unix, feature = "program"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "helpers fail as tests do"
)]

mod common;

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStderr, Command, Stdio};

use common::calls::{DONTWAIT, payload, sockaddr};
use common::{DRV, LWIP, SYSTEM, TCPIP, framed, invocation};

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

    /// At a free port.
    fn at_port(options: &[&str]) -> Self {
        Self::start(&[&["--listen", "127.0.0.1:0"][..], options].concat())
    }

    fn client(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(&self.place).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { line: stream, sequence: 0 }
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
    let mut command = Command::new(env!("CARGO_BIN_EXE_rtl8720dn-sim"));
    command.args(options);
    command
}

/// Exit code and what is on stderr.
fn refusal(options: &[&str]) -> (Option<i32>, String) {
    let output = command(options).output().unwrap();
    assert_eq!(output.stdout, b"");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// Somebody's driver.
struct Client<L> {
    line: L,
    sequence: u32,
}

impl<L: Read + Write> Client<L> {
    fn call(&mut self, service: u8, method: u8, payload: &[u8]) -> Vec<u8> {
        self.sequence += 1;
        let message = invocation(service, method, self.sequence, payload);
        self.line.write_all(&framed(&message)).unwrap();
        loop {
            let mut header = [0; 4];
            self.line.read_exact(&mut header).unwrap();
            let mut body = vec![0; u16::from_le_bytes([header[0], header[1]]).into()];
            self.line.read_exact(&mut body).unwrap();
            assert_eq!(common::crc16(&body).to_le_bytes(), header[2..]);
            if body[..8] == [&[2, method, service, 1], &self.sequence.to_le_bytes()[..]].concat() {
                return body.split_off(8);
            }
        }
    }

    fn status(&mut self, service: u8, method: u8, payload: &[u8]) -> i32 {
        let reply = self.call(service, method, payload);
        i32::from_le_bytes(reply[reply.len() - 4..].try_into().unwrap())
    }

    fn version(&mut self) -> String {
        String::from_utf8(self.call(SYSTEM, 1, &[]).split_off(4)).unwrap()
    }

    fn join(&mut self, ssid: &str, key: &str) -> i32 {
        assert_eq!(self.status(DRV, 28, &[]), 0);
        assert_eq!(self.status(DRV, 27, &[1, 0, 0, 0]), 0);
        let join = payload().bin(ssid.as_bytes()).u8(0).bin(key.as_bytes()).u32(0x40_0004);
        let joined = self.status(DRV, 1, &join.i32(-1).u32(0).0);
        if joined == 0 { self.status(TCPIP, 13, &[0; 4]) } else { joined }
    }
}

#[test]
fn a_session_crosses_the_port_byte_for_byte() {
    let mut program = Program::at_port(&["--latency", "100"]);
    let mut client = program.client();
    assert_eq!((client.version().as_str(), client.join("test-ap", "test-pass")), ("2.1.3", 0));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let s = client.status(LWIP, 18, &payload().i32(2).i32(1).i32(6).0);
    let to = payload().i32(s).bin(&sockaddr([127, 0, 0, 1], port)).u32(16).0;
    assert_eq!(client.status(LWIP, 9, &to), 0);
    let (mut peer, _) = listener.accept().unwrap();
    let data: Vec<u8> = (0..4076_u32).map(|n| n as u8).collect();
    let send = payload().i32(s).bin(&data).i32(DONTWAIT).0;
    assert_eq!(client.status(LWIP, 15, &send), 4076);
    let mut heard = vec![0; 4076];
    peer.read_exact(&mut heard).unwrap();
    assert_eq!(heard, data);
    peer.write_all(b"back").unwrap();
    let recv = payload().i32(s).u32(4080).i32(0).u32(0).0;
    assert_eq!(client.call(LWIP, 12, &recv), b"\x04\0\0\0back\x04\0\0\0");
    program.signal("INT");
    let told = program.line();
    assert!(told.contains(", calls 9, ") && told.contains(", offences 2, "), "{told}");
    assert!(told.contains(", unbounded_calls 2, "), "it asked for blocking calls: {told}");
}

#[test]
fn every_persona_goes_by_its_name_and_by_its_version() {
    for (persona, version) in [("seeed-2.1.2", "2.1.2"), ("2.0.1", "2.0.1"), ("2.1.3", "2.1.3")] {
        let program = Program::at_port(&["--persona", persona]);
        assert_eq!(program.client().version(), version);
    }
}

#[test]
fn networks_are_those_of_the_command_line() {
    let program = Program::at_port(&["--ap", "home:secret-pass"]);
    let mut client = program.client();
    assert_eq!(client.join("test-ap", "test-pass"), -1);
    assert_eq!(client.join("home", "wrong-pass"), -1);
    assert_eq!(client.join("home", "secret-pass"), 0);
}

#[test]
fn a_reset_takes_its_time_and_a_new_client_finds_the_chip_as_it_was() {
    let program = Program::at_port(&["--boot", "100"]);
    let mut client = program.client();
    let fresh = payload().i32(2).i32(1).i32(0).0;
    assert_eq!(client.status(LWIP, 18, &fresh), 0);
    drop(client);
    let mut client = program.client();
    assert_eq!(client.status(LWIP, 18, &fresh), 1);
    program.signal("HUP");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(client.status(LWIP, 18, &fresh), 0);
}

#[test]
fn mischief_comes_from_the_command_line() {
    let mut program = Program::at_port(&["--mischief", "event=1,corrupt=0"]);
    let mut client = program.client();
    client.version();
    program.signal("TERM");
    let told = program.line();
    assert!(told.contains(", events 1, ") && told.contains(", mischief 1, "), "{told}");
}

#[test]
fn the_trace_shows_calls_in_words() {
    let mut program = Program::at_port(&["--trace"]);
    program.client().version();
    let line = program.line();
    assert!(line.ends_with(" system_version -> \"2.1.3\""), "{line}");
}

#[test]
fn it_serves_on_a_terminal_too() {
    let program = Program::start(&["--pty"]);
    let mut port = serial2::SerialPort::open(&program.place, 115_200).unwrap();
    port.set_read_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(Client { line: port, sequence: 0 }.version(), "2.1.3");
}

#[test]
fn the_line_can_be_paced_recorded_and_disturbed() {
    let path = std::env::temp_dir().join(format!("rtl8720dn-sim-{}.vcd", std::process::id()));
    let file = path.to_str().unwrap();
    let mut program = Program::at_port(&["--baud", "614400", "--vcd", file]);
    assert_eq!(program.client().version(), "2.1.3");
    program.signal("INT");
    let told = program.line();
    assert!(told.contains("written 12, read 21, "), "{told}");
    let recording = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(recording.contains("$enddefinitions"));

    let mut program = Program::at_port(&["--faults", "flip=1", "--seed", "7"]);
    assert!(program.line().contains("seed 7"));
    program.client().line.write_all(&framed(&invocation(SYSTEM, 2, 1, &[1]))).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    program.signal("INT");
    let told = program.line();
    assert!(told.contains(", faults 13, ") && told.contains(", replies 0, "), "{told}");
}

#[test]
fn wrong_options_are_one_line_and_exit_code_2() {
    for (options, word) in [
        (&["--persona", "9.9.9"][..], "seeed-2.0.1"),
        (&["--ap", ":secret-pass"], "1 to 32 bytes"),
        (&["--mischief", "rain=1"], "truncate"),
        (&["--mischief", "drop=7"], "between 0 and 1"),
        (&["--latency", "x"], "--latency"),
        (&["--listen", "0.0.0.0:0"], "--expose"),
        (&["--frobnicate"], "--frobnicate"),
    ] {
        let (code, text) = refusal(options);
        assert_eq!((code, text.lines().count()), (Some(2), 1), "{text}");
        assert!(text.starts_with("rtl8720dn-sim: ") && text.contains(word), "{text}");
    }
}

#[test]
fn help_begins_with_what_the_program_is() {
    let output = command(&["--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.starts_with("A simulated RTL8720DN"), "{help}");
}
