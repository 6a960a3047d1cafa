//! The program around a simulated UART chip: its first line, its signals, its errors.
#![cfg(all(unix, feature = "program"))]
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::time::Duration;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};

struct Program {
    child: Child,
    place: String,
    stderr: BufReader<ChildStderr>,
}

impl Program {
    fn start(options: &[&str]) -> Self {
        let mut command = command(options);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let place = line.trim_end().strip_prefix("LISTEN ").unwrap().to_owned();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, place, stderr }
    }

    fn client(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.place).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
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
    let mut command = Command::new(env!("CARGO_BIN_EXE_uart-echo"));
    command.args(options);
    command
}

fn echo(stream: &mut (impl Read + Write), bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, bytes);
}

/// Exit code and what is on stderr.
fn refusal(options: &[&str]) -> (Option<i32>, String) {
    let output = command(options).output().unwrap();
    assert_eq!(output.stdout, b"");
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

const ANY: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[test]
fn serves_until_it_is_interrupted_and_tells_what_it_counted() {
    let mut program = Program::start(&[&ANY[..], &["--persona", "echo"]].concat());
    let mut stream = program.client();
    echo(&mut stream, b"hello");
    program.signal("INT");
    assert_eq!(program.line(), "uart-echo: written 5, read 5, overruns 0, resets 0");
    assert_eq!(program.child.wait().unwrap().code(), Some(0));
}

#[test]
fn resets_when_it_is_told_to() {
    let mut program = Program::start(&[&ANY[..], &["--trace"]].concat());
    program.signal("HUP");
    assert!(program.line().ends_with(" switched off"));
    assert!(program.line().ends_with(" switched on"));
}

#[test]
fn serves_on_a_terminal_too() {
    let program = Program::start(&["--pty", "--reset-on-connect"]);
    let mut port = serial2::SerialPort::open(&program.place, 115_200).unwrap();
    // The reset of the chip forgets what is said too soon.
    std::thread::sleep(Duration::from_millis(50));
    echo(&mut port, b"\x03\x04\r\n\x11\x13");
}

#[test]
fn records_the_line() {
    let path = std::env::temp_dir().join(format!("uart-echo-{}.vcd", std::process::id()));
    let program = Program::start(&[&ANY[..], &["--vcd", path.to_str().unwrap()]].concat());
    echo(&mut program.client(), b"U");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(text.contains("b01010101 t"), "{text}");
    assert!(text.contains("b01010101 r"), "{text}");
}

#[test]
fn faults_follow_from_their_seed() {
    let heard = || {
        let faults = ["--faults", "drop=0.5", "--seed", "7"];
        let mut program = Program::start(&[&ANY[..], &faults].concat());
        let mut stream = program.client();
        stream.write_all(&(0..=255).collect::<Vec<u8>>()).unwrap();
        let mut heard = Vec::new();
        stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let _ = stream.read_to_end(&mut heard);
        assert_eq!(program.line(), "uart-echo: line faults of seed 7");
        heard
    };
    let first = heard();
    assert!((20..110).contains(&first.len()), "{}", first.len());
    assert_eq!(first, heard());
}

#[test]
fn what_is_wrong_is_told_in_one_line() {
    for (options, code, why) in [
        (&["--listen", "0.0.0.0:0"][..], 2, "--expose"),
        (&["--persona", "9"], 2, "there are plain-echo"),
        (&["--persona", "plain"], 2, "there are plain-echo"),
        (&["--ap", ":x"], 2, "1 to 32 bytes"),
        (&["--baud", "0"], 2, "--baud"),
        (&["--seed", "1"], 2, "--faults"),
        (&["--vcd", "/nowhere/at/all"], 1, "--vcd"),
    ] {
        let (told, text) = refusal(options);
        assert_eq!(told, Some(code), "{text}");
        assert!(text.contains(why) && text.lines().count() == 1, "{options:?}: {text}");
    }
}
