//! A listener of the application's own, which counts what the server writes.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, helpers included"
)]

use core::sync::atomic::{AtomicUsize, Ordering};

use net::netdev::{Netdev, SockFd};
use net::{
    Addr, Conn, Connection, Dialer, Error, Instant, Listener, TcpConn, TcpListener, WriteError,
};
use net_http::{Request, ResponseWriter, Server};
use netdev_sim::{Internet, SimDevice, VirtualClock};

struct CountedListener<'a>(TcpListener, &'a AtomicUsize);
struct Counted<'a>(TcpConn, &'a AtomicUsize);

impl<'a> Listener for CountedListener<'a> {
    type Conn = Counted<'a>;

    fn device(&self) -> &'static dyn Netdev {
        self.0.device()
    }

    /// As one that no device knows: the server has to try every connection.
    fn socket(&self) -> Option<SockFd> {
        None
    }

    fn accept(&self) -> Result<Counted<'a>, Error> {
        Ok(Counted(self.0.accept()?, self.1))
    }

    fn try_accept(&self) -> nb::Result<Counted<'a>, Error> {
        Ok(Counted(self.0.try_accept()?, self.1))
    }

    fn close(&self) -> Result<(), Error> {
        self.0.close()
    }

    fn addr(&self) -> Option<Addr> {
        self.0.addr()
    }

    fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.0.set_deadline(at)
    }
}

impl Conn for Counted<'_> {
    fn device(&self) -> &'static dyn Netdev {
        self.0.device()
    }

    fn socket(&self) -> Option<SockFd> {
        None
    }

    fn read(&self, buf: &mut [u8]) -> Result<usize, Error> {
        self.0.read(buf)
    }

    fn write(&self, data: &[u8]) -> Result<usize, WriteError> {
        self.0.write(data)
    }

    fn try_read(&self, buf: &mut [u8]) -> nb::Result<usize, Error> {
        self.0.try_read(buf)
    }

    fn try_write(&self, data: &[u8]) -> nb::Result<usize, Error> {
        let written = self.0.try_write(data);
        self.1.fetch_add(usize::from(written.is_ok()), Ordering::Relaxed);
        written
    }

    fn close(&self) -> Result<(), Error> {
        self.0.close()
    }

    fn local_addr(&self) -> Option<Addr> {
        self.0.local_addr()
    }

    fn remote_addr(&self) -> Option<Addr> {
        self.0.remote_addr()
    }

    fn set_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.0.set_deadline(at)
    }

    fn set_read_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.0.set_read_deadline(at)
    }

    fn set_write_deadline(&self, at: Option<Instant>) -> Result<(), Error> {
        self.0.set_write_deadline(at)
    }
}

static PATTERN: [u8; 8192] = [b'x'; 8192];

fn some(w: &mut ResponseWriter<'_>, r: &mut Request<'_>) -> Result<(), net_http::Error> {
    let length = r.query().get("n").and_then(|n| n.parse::<usize>()).unwrap_or(0);
    for piece in PATTERN[..length].chunks(100) {
        w.write(piece)?;
    }
    Ok(())
}

/// How many writes an answer with a body of `n` bytes takes. One thread does it all: it polls the
/// server, and reads as the client.
fn writes(n: usize) -> usize {
    let internet = Internet::new(&VirtualClock::new());
    let device = SimDevice::on(&internet, [10, 0, 0, 1].into()).leak();
    let client = SimDevice::on(&internet, [10, 0, 0, 2].into()).leak();
    let listener = net::listen_on(device, "tcp", "10.0.0.1:80").unwrap();
    let Connection::Tcp(conn) = Dialer::on(client).dial("tcp", "10.0.0.1:80").unwrap() else {
        panic!("not TCP");
    };
    conn.write(format!("GET /?n={n} HTTP/1.1\r\nHost: h\r\n\r\n").as_bytes()).unwrap();

    let count = AtomicUsize::new(0);
    let mut server = Server::<_, 2>::new(CountedListener(listener, &count), &some);
    let (mut all, mut piece, mut quiet) = (0, [0; 1024], 0);
    while quiet < 50 {
        let polled = server.poll();
        assert!(matches!(polled, Ok(()) | Err(nb::Error::WouldBlock)), "{polled:?}");
        match conn.try_read(&mut piece) {
            Ok(count) => {
                all += count;
                quiet = 0;
            }
            Err(_) => quiet += 1,
        }
        client.platform().idle(client.platform().now() + core::time::Duration::from_millis(1));
    }
    assert!(all > n, "{all}");
    assert_eq!(server.connections(), 1);
    count.load(Ordering::Relaxed)
}

#[test]
fn an_answer_that_fits_is_one_write() {
    assert_eq!(writes(0), 1);
    assert_eq!(writes(5), 1);
    assert_eq!(writes(2048), 1);
}

#[test]
fn a_longer_answer_takes_one_write_for_each_buffer() {
    assert_eq!(writes(2049), 2);
    assert_eq!(writes(8192), 4);
}
