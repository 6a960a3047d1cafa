//! One listener for several servers.

use net::netdev::{Netdev, SockFd};
use net::{Addr, Error as NetError, Instant, Listener};

#[cfg(feature = "std")]
use super::{Limits, Server, Stop};
#[cfg(feature = "std")]
use crate::{Error, Handler};

/// A listener that several servers accept from, each in a thread or task of its own: a reference to
/// this is a listener, too. A server that stops does not close it.
#[derive(Debug)]
pub struct Shared<L>(L);

impl<L: Listener> Shared<L> {
    /// Shares a listener.
    pub const fn new(listener: L) -> Self {
        Self(listener)
    }
}

impl<L: Listener> Listener for &Shared<L> {
    type Conn = L::Conn;

    fn device(&self) -> &'static dyn Netdev {
        self.0.device()
    }

    fn socket(&self) -> Option<SockFd> {
        self.0.socket()
    }

    fn accept(&self) -> Result<L::Conn, NetError> {
        self.0.accept()
    }

    fn try_accept(&self) -> nb::Result<L::Conn, NetError> {
        self.0.try_accept()
    }

    fn close(&self) -> Result<(), NetError> {
        self.0.close()
    }

    fn addr(&self) -> Option<Addr> {
        self.0.addr()
    }

    fn set_deadline(&self, at: Option<Instant>) -> Result<(), NetError> {
        self.0.set_deadline(at)
    }
}

/// Serves from several threads, each with a server of its own with `CONNS` connections of `HEAD` bytes,
/// until `stop` is asked for and the last answer is out. A handler that takes long, or waits for its
/// client, holds up its own thread only.
///
/// ```no_run
/// use net_http as http;
///
/// http::handle_func("/", |w: &mut http::ResponseWriter<'_>, _: &mut http::Request<'_>| {
///     w.write(b"hello").map(|_| ())
/// })?;
/// let (listener, stop) = (net::listen("tcp", ":8080")?, http::Stop::new());
/// let limits = http::Limits::new();
/// http::serve_on_threads::<_, 64, 2048>(4, listener, &http::DefaultServeMux, limits, &stop)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// What ended the listener.
#[cfg(feature = "std")]
pub fn serve_on_threads<L: Listener + Sync, const CONNS: usize, const HEAD: usize>(
    threads: usize,
    listener: L,
    handler: &(dyn Handler + Sync),
    limits: Limits,
    stop: &Stop,
) -> Result<(), Error> {
    let shared = Shared::new(listener);
    std::thread::scope(|scope| {
        let serve = || {
            let mut server = Server::<_, CONNS, HEAD>::new(&shared, handler);
            server = server.limits(limits).stop_with(stop);
            let result = server.serve();
            // What ends one ends all.
            stop.request();
            result
        };
        let others: std::vec::Vec<_> = (1..threads).map(|_| scope.spawn(serve)).collect();
        let first = serve();
        others.into_iter().fold(first, |result, other| {
            let other = other.join().unwrap_or(Err(Error::ServerClosed));
            if result.is_ok() { other } else { result }
        })
    })
}
