//! Who listens, and lets the chip go on while nobody talks to it.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::net::{Shutdown, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::bus::{Id, SharedBus};
use super::requests::serve;
use crate::SpiBench;

/// What a chip counts besides the bus's own counters.
pub trait Meter: Send + Sync {
    /// Names (those of the bus are taken: `cs_cycles`, `bytes`, `resets`, `cs_low_while_busy`,
    /// `unaligned_commands`) and values, since the last clear.
    fn read(&self) -> Vec<(&'static str, u64)>;

    /// Counts from zero again.
    fn clear(&self);
}

/// A bench behind a TCP port, served until this is dropped.
///
/// It lives in real time: give the bench a real clock. While nobody talks, the chip is looked at
/// every 2 ms, so that what lies behind it goes on.
///
/// ```
/// use std::io::{Read, Write};
/// # use netdev::Instant;
/// # use netdev_sim::{Lines, SpiChip};
/// use netdev::StdPlatform;
/// use netdev_sim::{SpiBench, tunnel::Server};
/// # struct Toy;
/// # impl SpiChip for Toy {
/// #   fn select(&mut self, _: Instant) {}
/// #   fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], _: Instant) { miso.copy_from_slice(mosi) }
/// #   fn deselect(&mut self, _: Instant) {}
/// #   fn lines(&mut self, _: Instant) -> Lines { Lines::default() }
/// #   fn set_reset(&mut self, _: bool, _: Instant) {}
/// #   fn set_gpio0(&mut self, _: Option<bool>, _: Instant) {}
/// # }
///
/// # fn main() -> std::io::Result<()> {
/// let bench = SpiBench::new(Toy, StdPlatform::new(), 8_000_000);
/// let server = Server::builder(bench).listen("127.0.0.1:0")?;
/// let mut client = std::net::TcpStream::connect(server.addr())?;
/// client.write_all(b"\x02\x00hi")?; // one transaction of two bytes
/// let mut answer = [0; 2];
/// client.read_exact(&mut answer)?;
/// assert_eq!(&answer, b"hi");
/// # Ok(()) }
/// ```
pub struct Server {
    addr: SocketAddr,
    bus: Arc<SharedBus>,
    doorman: Option<JoinHandle<()>>,
}

impl Server {
    /// What is to be served.
    #[must_use]
    pub fn builder(bench: SpiBench) -> Builder {
        Builder { bench, meter: None, outside: false }
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until the end of the program.
    pub fn run(mut self) {
        if let Some(doorman) = self.doorman.take() {
            // It ends only when it is told to, and nobody is left to do so.
            let _ = doorman.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.bus.stop();
        if let Some(doorman) = self.doorman.take() {
            let _ = doorman.join();
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// A [`Server`] that does not listen yet.
pub struct Builder {
    bench: SpiBench,
    meter: Option<Box<dyn Meter>>,
    outside: bool,
}

impl Builder {
    /// Tells these counters, too.
    #[must_use]
    pub fn meter(mut self, meter: impl Meter + 'static) -> Self {
        self.meter = Some(Box::new(meter));
        self
    }

    /// Lets it listen on addresses that other computers reach. Nothing protects the bus then.
    #[must_use]
    pub fn allow_outside(mut self) -> Self {
        self.outside = true;
        self
    }

    /// Begins to listen; port 0 lets the system choose.
    ///
    /// # Errors
    /// Those of binding; `PermissionDenied` for an address that is not loopback, unless
    /// [`allow_outside`](Self::allow_outside) was called.
    pub fn listen(self, addr: impl ToSocketAddrs) -> io::Result<Server> {
        let wanted: Vec<SocketAddr> = addr.to_socket_addrs()?.collect();
        if !self.outside {
            loopback_only(&wanted)?;
        }
        let listener = TcpListener::bind(wanted.as_slice())?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let bus = Arc::new(SharedBus::new(self.bench, self.meter));
        let mut doorman = Doorman { listener, bus: bus.clone(), guests: Vec::new(), last: 0 };
        let name = thread::Builder::new().name("tunnel".into());
        let doorman = name.spawn(move || doorman.work())?;
        Ok(Server { addr, bus, doorman: Some(doorman) })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").field("outside", &self.outside).finish_non_exhaustive()
    }
}

/// Lets clients in, sees them off, and looks at the chip now and then.
struct Doorman {
    listener: TcpListener,
    bus: Arc<SharedBus>,
    guests: Vec<Guest>,
    last: u64,
}

struct Guest {
    stream: TcpStream,
    thread: JoinHandle<()>,
}

impl Doorman {
    fn work(&mut self) {
        while !self.bus.is_stopping() {
            while let Ok((stream, _)) = self.listener.accept() {
                // Without a thread for it, the client sees its connection end.
                let _ = self.admit(stream);
            }
            self.guests.retain(|guest| !guest.thread.is_finished());
            // A broken bus shows to those who use it.
            let _ = self.bus.lines();
            thread::sleep(ROUND);
        }
        for guest in self.guests.drain(..) {
            let _ = guest.stream.shutdown(Shutdown::Both);
            let _ = guest.thread.join();
        }
    }

    fn admit(&mut self, stream: TcpStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(PATIENCE))?;
        self.last += 1;
        let (bus, id, theirs) = (self.bus.clone(), Id(self.last), stream.try_clone()?);
        let name = thread::Builder::new().name(format!("tunnel {}", self.last));
        let thread = name.spawn(move || serve(&bus, id, &theirs))?;
        self.guests.push(Guest { stream, thread });
        Ok(())
    }
}

/// Refuses addresses that other computers reach.
pub(super) fn loopback_only(wanted: &[SocketAddr]) -> io::Result<()> {
    if wanted.iter().all(|addr| addr.ip().is_loopback()) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::PermissionDenied, "only loopback, unless allowed"))
}

/// Between two looks at the door and at the chip.
const ROUND: Duration = Duration::from_millis(2);
/// How long a client may leave its replies unread.
const PATIENCE: Duration = Duration::from_secs(10);
