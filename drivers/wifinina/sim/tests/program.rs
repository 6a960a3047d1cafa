//! The program: its first line, its tunnel, its errors.
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

struct Program {
    child: Child,
    addr: String,
}

impl Program {
    fn start(options: &[&str]) -> Self {
        let mut child =
            command(options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim_end().strip_prefix("LISTEN ").unwrap().to_owned();
        Self { child, addr }
    }

    fn client(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.addr).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wifinina-sim"));
    command.args(options);
    command
}

fn reply(stream: &mut TcpStream, request: &[u8], length: usize) -> Vec<u8> {
    stream.write_all(request).unwrap();
    let mut reply = vec![0; length];
    stream.read_exact(&mut reply).unwrap();
    reply
}

/// Resets the chip, sends one command and reads so much of its reply.
fn ask(stream: &mut TcpStream, command: &[u8], length: u16) -> Vec<u8> {
    assert_eq!(reply(stream, b"\xFE\xFF", 1), [4], "ready");
    let mut request = u16::try_from(command.len()).unwrap().to_le_bytes().to_vec();
    request.extend_from_slice(command);
    reply(stream, &request, command.len());
    assert_eq!(reply(stream, b"\xFD\xFF\xE8\x03\x01\x00", 1), [4], "ready again");
    let mut request = length.to_le_bytes().to_vec();
    request.resize(2 + usize::from(length), 0xFF);
    reply(stream, &request, length.into())
}

/// Exit code and the lines on stderr.
fn refusal(options: &[&str]) -> (Option<i32>, String) {
    let output = command(options).output().unwrap();
    assert_eq!(output.stdout, b"");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

const ANY: [&str; 2] = ["--listen", "127.0.0.1:0"];
const VERSION: &[u8] = &[0xE0, 0x37, 0x00, 0xEE];

#[test]
fn the_chip_answers_through_the_tunnel_and_its_counters_are_there() {
    let program = Program::start(&ANY);
    let mut stream = program.client();
    assert_eq!(ask(&mut stream, VERSION, 12), b"\xE0\xB7\x01\x062.0.0\0\xEE\0");
    stream.write_all(b"\xF9\xFF").unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let json = reply(&mut stream, b"", u16::from_le_bytes(length).into());
    let json = String::from_utf8(json).unwrap();
    assert!(json.starts_with("{\"cs_cycles\":2,\"bytes\":16,\"resets\":1,"), "{json}");
    assert!(json.contains("\"commands\":1,") && json.contains("\"offences\":0,"), "{json}");
}

#[cfg(unix)]
#[test]
fn whoever_ends_it_is_told_the_counters() {
    for signal in ["-INT", "-TERM"] {
        let mut program = Program::start(&[]);
        ask(&mut program.client(), b"\xE0\x37\x00\xEE", 12);
        let id = program.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert!(program.child.wait().unwrap().success(), "{signal}");
        let mut text = String::new();
        program.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        let line = text.lines().last().unwrap();
        assert!(line.starts_with("wifinina-sim: cs_cycles 2, bytes 16, resets 1, "), "{line}");
        assert!(line.contains(" commands 1, ") && line.contains(" offences 0, "), "{line}");
    }
}

#[test]
fn a_trace_that_nobody_reads_any_more_ends_nothing() {
    let mut program = Program::start(&[&ANY[..], &["--trace"]].concat());
    drop(program.child.stderr.take());
    let mut stream = program.client();
    for _ in 0..3 {
        assert_eq!(ask(&mut stream, VERSION, 12), b"\xE0\xB7\x01\x062.0.0\0\xEE\0");
    }
}

#[test]
fn every_persona_goes_by_its_name_and_by_its_version() {
    for (persona, version) in [("arduino-1.4.8", "1.4.8"), ("3.3.0", "3.3.0")] {
        let program = Program::start(&[&ANY[..], &["--persona", persona]].concat());
        let told = ask(&mut program.client(), VERSION, 12);
        assert_eq!(&told[4..9], version.as_bytes());
    }
}

#[test]
fn wrong_options_are_one_line_and_exit_code_2() {
    for (options, word) in [
        (&["--persona", "9.9.9"][..], "adafruit-3.3.0"),
        (&["--ap", ":secret-pass"], "1 to 32 bytes"),
        (&["--listen", "localhost"], "--listen"),
        (&["--listen", "0.0.0.0:0"], "--expose"),
        (&["--faults", "burn=1"], "flip, drop"),
        (&["--seed", "1"], "--faults"),
        (&["--frobnicate"], "--frobnicate"),
    ] {
        let (code, text) = refusal(options);
        assert_eq!((code, text.lines().count()), (Some(2), 1), "{text}");
        assert!(text.starts_with("wifinina-sim: ") && text.contains(word), "{text}");
    }
}

#[test]
fn a_port_that_is_taken_is_one_line_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (code, text) = refusal(&["--listen", &addr]);
    assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains(&addr), "{text}");
}

#[test]
fn faults_of_a_seed_strike_the_bus_and_are_counted() {
    let options = ["--faults", "flip=1", "--seed", "7"];
    let program = Program::start(&[&ANY[..], &options].concat());
    let mut stream = program.client();
    assert_eq!(reply(&mut stream, b"\xFE\xFF", 1), [4]);
    let garbled = reply(&mut stream, b"\x04\0\xE0\x37\0\xEE", 4);
    assert!(garbled.iter().all(|byte| byte.count_zeros() == 1), "one bit of filler each");
    stream.write_all(b"\xF9\xFF").unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).unwrap();
    let json = reply(&mut stream, b"", u16::from_le_bytes(length).into());
    assert!(String::from_utf8(json).unwrap().ends_with(",\"faults\":8}"));
}

#[test]
fn trace_and_recording_show_what_crossed_the_bus() {
    let path = std::env::temp_dir().join(format!("wifinina-sim-{}.vcd", std::process::id()));
    let file = path.to_str().unwrap();
    let mut child = command(&[&ANY[..], &["--trace", "--vcd", file]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let addr = line.trim_end().strip_prefix("LISTEN ").unwrap().to_owned();
    let mut trace = BufReader::new(child.stderr.take().unwrap());
    let program = Program { child, addr };
    ask(&mut program.client(), VERSION, 12);
    let mut line = String::new();
    trace.read_line(&mut line).unwrap();
    assert!(line.ends_with(" GET_FW_VERSION -> \"2.0.0\"\n"), "{line}");
    let recording = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(recording.contains("b11100000 o\n") && recording.contains("b00110111 o\n"));
}

#[test]
fn a_recording_that_cannot_be_made_is_one_line_and_exit_code_1() {
    let (code, text) = refusal(&[&ANY[..], &["--vcd", "/nowhere/at/all.vcd"]].concat());
    assert_eq!((code, text.lines().count()), (Some(1), 1), "{text}");
    assert!(text.contains("/nowhere/at/all.vcd"), "{text}");
}
