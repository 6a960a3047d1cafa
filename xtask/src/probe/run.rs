//! Plays one script.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use super::answer::Answered;
use super::script::{Probe, Step};

/// What came back so far.
struct Heard {
    conn: TcpStream,
    bytes: Vec<u8>,
    last: Instant,
    closed: bool,
}

/// Sends what the script says, and takes apart what came back.
pub(crate) fn run(addr: &SocketAddr, probe: &Probe) -> Answered {
    match play(addr, probe) {
        Ok(heard) => Answered::parse(&heard.bytes, &probe.methods, heard.closed),
        Err(error) => Answered::failed(&error),
    }
}

fn play(addr: &SocketAddr, probe: &Probe) -> std::io::Result<Heard> {
    let conn = TcpStream::connect_timeout(addr, Duration::from_secs(3))?;
    conn.set_nodelay(true)?;
    conn.set_nonblocking(true)?;
    let mut heard = Heard { conn, bytes: Vec::new(), last: Instant::now(), closed: false };
    for step in &probe.steps {
        match step {
            Step::Send(data) => heard.send(data),
            Step::Trickle(data) => {
                for byte in data {
                    heard.send(&[*byte]);
                    heard.listen_for(Duration::from_millis(1), |_| false);
                }
            }
            Step::Sleep(length) => heard.listen_for(*length, |_| false),
            Step::Await(text) => heard.listen_for(Duration::from_secs(1), |bytes| {
                bytes.windows(text.len()).any(|here| here == text)
            }),
            Step::Shut => {
                let _ = heard.conn.shutdown(Shutdown::Write);
            }
        }
        heard.last = Instant::now();
    }
    while !heard.closed && heard.last.elapsed() < probe.quiet {
        heard.listen();
    }
    Ok(heard)
}

impl Heard {
    /// The server may have closed, or may not read: a failed write is no failure of the script.
    fn send(&mut self, mut data: &[u8]) {
        let start = Instant::now();
        while !data.is_empty() && start.elapsed() < Duration::from_secs(2) {
            match self.conn.write(data) {
                Ok(count) => data = data.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.listen(),
                Err(_) => return,
            }
        }
    }

    fn listen_for(&mut self, length: Duration, enough: impl Fn(&[u8]) -> bool) {
        let start = Instant::now();
        while start.elapsed() < length && !enough(&self.bytes) {
            if self.closed {
                std::thread::sleep(Duration::from_millis(1));
                if enough(&self.bytes) || length >= Duration::from_secs(1) {
                    return;
                }
            } else {
                self.listen();
            }
        }
    }

    /// Reads what is there, or waits a moment.
    fn listen(&mut self) {
        let mut piece = [0; 2048];
        match self.conn.read(&mut piece) {
            Ok(0) => self.closed = true,
            Ok(count) => {
                self.bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
                self.last = Instant::now();
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_micros(500));
            }
            Err(_) => self.closed = true,
        }
    }
}
