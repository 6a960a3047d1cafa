//! A serial line over TCP or on a pseudo-terminal.

mod client;
mod place;
#[cfg(all(unix, feature = "pty"))]
mod terminal;

use core::fmt;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use netdev_uart::UartLink;

use super::server::loopback_only;
use crate::{SimLink, UartBench};

pub use client::UartClient;
use place::{Heard, Place, Tcp};
#[cfg(all(unix, feature = "pty"))]
use terminal::Terminal;

/// A chip on a serial line behind a TCP port or a pseudo-terminal, served until this is dropped.
///
/// It lives in real time: give the bench a real clock. While nobody talks, the chip is looked at
/// every 2 ms, so that what lies behind it goes on.
///
/// ```
/// use std::io::{Read, Write};
/// use netdev::{Instant, StdPlatform};
/// use netdev_sim::{UartBench, UartChip, tunnel::UartServer};
/// # #[derive(Default)]
/// # struct Echo(Vec<u8>);
/// # impl UartChip for Echo {
/// #   fn receive(&mut self, bytes: &[u8], _: Instant) { self.0.extend_from_slice(bytes) }
/// #   fn transmit(&mut self, buf: &mut [u8], _: Instant) -> usize {
/// #     let length = self.0.len().min(buf.len());
/// #     buf[..length].copy_from_slice(&self.0[..length]);
/// #     self.0.drain(..length);
/// #     length
/// #   }
/// #   fn next_step(&self) -> Option<Instant> { None }
/// #   fn baud(&self) -> u32 { 115_200 }
/// #   fn set_enabled(&mut self, _: bool, _: Instant) {}
/// # }
///
/// # fn main() -> std::io::Result<()> {
/// let bench = UartBench::new(Echo::default(), StdPlatform::new(), 115_200);
/// let server = UartServer::builder(&bench).listen("127.0.0.1:0")?;
/// let mut client = std::net::TcpStream::connect(server.place())?;
/// client.write_all(b"hello")?;
/// let mut answer = [0; 5];
/// client.read_exact(&mut answer)?;
/// assert_eq!(&answer, b"hello");
/// # Ok(()) }
/// ```
pub struct UartServer {
    place: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UartServer {
    /// What is to be served.
    #[must_use]
    pub fn builder(bench: &UartBench) -> UartBuilder {
        UartBuilder { bench: bench.clone(), outside: false, reset_on_connect: false }
    }

    /// Where it is to be found: an address with its port, or a path.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }
}

impl Drop for UartServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for UartServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UartServer").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A [`UartServer`] that does not listen yet.
#[derive(Debug)]
pub struct UartBuilder {
    bench: UartBench,
    outside: bool,
    reset_on_connect: bool,
}

impl UartBuilder {
    /// Lets it listen on addresses that other computers reach. Nothing protects the chip then.
    #[must_use]
    pub fn allow_outside(mut self) -> Self {
        self.outside = true;
        self
    }

    /// Switches the chip off and on for each new client.
    #[must_use]
    pub fn reset_on_connect(mut self) -> Self {
        self.reset_on_connect = true;
        self
    }

    /// Begins to listen; port 0 lets the system choose.
    ///
    /// # Errors
    /// Those of binding; `PermissionDenied` for an address that is not loopback, unless
    /// [`allow_outside`](Self::allow_outside) was called.
    pub fn listen(self, addr: impl ToSocketAddrs) -> io::Result<UartServer> {
        let wanted: Vec<SocketAddr> = addr.to_socket_addrs()?.collect();
        if !self.outside {
            loopback_only(&wanted)?;
        }
        let listener = TcpListener::bind(wanted.as_slice())?;
        listener.set_nonblocking(true)?;
        let place = listener.local_addr()?.to_string();
        self.serve(place, Tcp::new(listener))
    }

    /// Makes a pseudo-terminal in raw mode. Who opens its [path](UartServer::place) is the client;
    /// the rate that it sets means nothing.
    ///
    /// # Errors
    /// If the system has none to give, or does not tell its path (Linux does).
    #[cfg(all(unix, feature = "pty"))]
    pub fn pty(self) -> io::Result<UartServer> {
        let (terminal, path) = Terminal::open()?;
        self.serve(path, terminal)
    }

    fn serve(self, name: String, place: impl Place + 'static) -> io::Result<UartServer> {
        self.bench.set_any_baud(true);
        self.bench.set_tx_fifo(PIECE);
        let mut line = Line {
            link: self.bench.link(RING),
            bench: self.bench,
            place,
            reset: self.reset_on_connect,
            to_client: Vec::new(),
            to_chip: Vec::new(),
            still: 0,
        };
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        let thread = thread::Builder::new().name("serial tunnel".into());
        let thread = thread.spawn(move || {
            while !told.load(Ordering::Relaxed) {
                line.round();
                thread::sleep(line.nap());
            }
        })?;
        Ok(UartServer { place: name, stop, thread: Some(thread) })
    }
}

/// The line between the bench and whoever is there.
struct Line<P> {
    bench: UartBench,
    link: SimLink,
    place: P,
    reset: bool,
    /// What the client did not take yet.
    to_client: Vec<u8>,
    /// What the line did not take yet.
    to_chip: Vec<u8>,
    /// For how many rounds nothing moved.
    still: u32,
}

impl<P: Place> Line<P> {
    fn round(&mut self) {
        self.still = self.still.saturating_add(1);
        let mut nobody = false;
        if self.to_chip.is_empty() {
            let mut piece = vec![0; PIECE];
            match self.place.hear(&mut piece) {
                Heard::Nobody => nobody = true,
                Heard::Somebody => self.welcome(),
                Heard::Nothing => {}
                Heard::Bytes(length) => {
                    piece.truncate(length);
                    self.to_chip = piece;
                }
            }
        }
        self.write();
        self.read();
        if nobody {
            self.to_client.clear();
        }
        let said = self.place.say(&self.to_client);
        self.to_client.drain(..said.min(self.to_client.len()));
    }

    /// A new client is there.
    fn welcome(&mut self) {
        // What was said before it came.
        self.read();
        self.to_client.clear();
        self.still = 0;
        if self.reset {
            self.bench.set_enabled(false);
            self.bench.set_enabled(true);
        }
    }

    fn write(&mut self) {
        if self.to_chip.is_empty() {
            return;
        }
        // A bench that is told to fail is a line that is cut.
        let taken = self.link.write(&self.to_chip).unwrap_or(self.to_chip.len());
        self.to_chip.drain(..taken.min(self.to_chip.len()));
        self.still = 0;
    }

    /// A client that does not read makes the chip wait.
    fn read(&mut self) {
        let mut buf = [0; 1024];
        while self.to_client.len() < PIECE {
            // A gap shows by what is missing.
            let Ok(length @ 1..) = self.link.read(&mut buf) else { break };
            self.to_client.extend_from_slice(buf.get(..length).unwrap_or_default());
            self.still = 0;
        }
    }

    /// Until the next round: short while something moves.
    fn nap(&self) -> Duration {
        if self.still < AWAKE { BUSY } else { AT_REST }
    }
}

/// What is read from a client at once, and so the longest piece for a chip.
const PIECE: usize = 16 * 1024;
/// What a paced line keeps of a client that does not read.
const RING: usize = 64 * 1024;
/// Between two rounds.
const BUSY: Duration = Duration::from_micros(100);
const AT_REST: Duration = Duration::from_millis(2);
/// For how many rounds the line stays awake when nothing moves.
const AWAKE: u32 = 500;
