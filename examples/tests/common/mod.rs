//! Programs, started and stopped. Every wait has a limit, and whatever was started is ended.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests, of which each file uses its part"
)]

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Far longer than anything here takes, also on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(20);

/// What every program has to run on.
pub const DEVICES: [&str; 4] = ["host", "wifinina", "espat", "rtl8720dn"];

/// A program of this package that runs, and ends with the test.
pub struct Running {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    pub fn start(program: &str, args: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(args)
            .env_remove("SSID")
            .env_remove("PASS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// A server on a port that the system chose, and its address.
    pub fn server(program: &str, args: &[&str]) -> (Self, SocketAddr) {
        let running = Self::start(program, &[&["--port", "0"], args].concat());
        let first = running.line();
        let addr = first.strip_prefix("LISTEN ").unwrap_or_else(|| panic!("{first:?}"));
        let addr = addr.parse().unwrap();
        (running, addr)
    }

    /// The next line on stdout.
    pub fn line(&self) -> String {
        self.out.recv_timeout(LIMIT).unwrap_or_else(|_| {
            panic!("no line on stdout; on stderr: {:?}", self.err.try_iter().collect::<Vec<_>>())
        })
    }

    /// The next line on stderr that has `part` in it.
    pub fn told(&self, part: &str) -> String {
        loop {
            let line = self.err.recv_timeout(LIMIT).expect(part);
            assert!(!line.contains("panicked"), "{line}");
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Waits for the end.
    pub fn end(mut self) -> Ended {
        let (out, err) = (until_end(&self.out), until_end(&self.err));
        let code = self.child.wait().unwrap().code();
        Ended { code, out, err }
    }
}

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: Vec<String>,
    pub err: Vec<String>,
}

impl Ended {
    /// It gave up with this code, and with one line that has `part` in it.
    pub fn refused(&self, code: i32, part: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.err.len(), 1, "{self:?}");
        assert!(self.err.iter().all(|line| line.contains(part)), "{part:?} not in {self:?}");
        assert!(self.out.is_empty(), "{self:?}");
    }
}

pub fn run(program: &str, args: &[&str]) -> Ended {
    Running::start(program, args).end()
}

pub fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&addr, LIMIT).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Sends a request that asks for the connection to be closed, and gives the answer back.
pub fn exchange(addr: SocketAddr, request: &str) -> String {
    try_exchange(addr, request).unwrap()
}

/// The same for a server that may refuse.
pub fn try_exchange(addr: SocketAddr, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&addr, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8(answer).unwrap())
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

fn until_end(lines: &Receiver<String>) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        match lines.recv_timeout(LIMIT) {
            Ok(line) => all.push(line),
            Err(mpsc::RecvTimeoutError::Disconnected) => return all,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end: {all:?}"),
        }
    }
}
