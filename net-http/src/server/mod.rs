//! The HTTP server.

mod admission;
mod answer;
pub(crate) mod body;
mod core;
pub(crate) mod exchange;
mod hijack;
mod limits;
mod one;
pub(crate) mod outgoing;
mod shared;
mod slot;
pub(crate) mod source;
mod steps;
mod stop;
mod waiter;
pub(crate) mod writer;

pub use hijack::Hijacked;
pub use limits::Limits;
pub use one::{OneConn, serve_conn};
pub use shared::Shared;
#[cfg(feature = "std")]
pub use shared::serve_on_threads;
pub use stop::Stop;
pub use writer::ResponseWriter;

use ::core::fmt;

use net::netdev::{self, Stopped};
use net::{Addr, Listener, TcpListener};

use self::answer::answer;
use self::core::{Core, Verdict};
use self::slot::{Part, Pool, Slot, Slots, View};
use crate::{Error, Handler};

/// A server: a listener, a handler, `CONNS` connections with a buffer of `HEAD` bytes each, and one
/// response buffer of `OUT` bytes.
///
/// No threads are needed. Heads, and bodies that fit the connection's buffer, are gathered without
/// waiting; then the handler runs to its end. While it waits for its client, in a read or a write,
/// the other connections are looked after, but no second handler starts. A client that holds the
/// others up is cut off ([`Limits::stall_time`]).
///
/// [`serve`](Self::serve) runs until the server is stopped. [`poll`](Self::poll) does one round, for
/// a program with a main loop of its own:
///
/// ```no_run
/// use net_http as http;
///
/// fn hello(w: &mut http::ResponseWriter<'_>, _r: &mut http::Request<'_>) {
///     let _ = w.write(b"hello");
/// }
///
/// let listener = net::listen("tcp", ":80")?;
/// let mut server = http::Server::<_, 2>::new(listener, &hello);
/// loop {
///     match server.poll() {
///         Ok(()) => {}
///         Err(nb::Error::WouldBlock) => { /* time for something else */ }
///         Err(nb::Error::Other(error)) => return Err(error),
///     }
/// }
/// # Ok::<(), http::Error>(())
/// ```
pub struct Server<
    'h,
    L: Listener = TcpListener,
    const CONNS: usize = 4,
    const HEAD: usize = 1024,
    const OUT: usize = 2568,
> {
    listener: Option<L>,
    handler: &'h dyn Handler,
    stop: Option<&'h Stop>,
    heir: Option<&'h Heir<'h, L::Conn>>,
    core: Core,
    /// The place whose handler ran last.
    turn: usize,
    addr: Option<Addr>,
    places: [u16; CONNS],
    slots: [Slot<L::Conn>; CONNS],
    buffers: [[u8; HEAD]; CONNS],
    out: [u8; OUT],
}

/// Who gets connections that leave the server, with the bytes that came behind the request.
type Heir<'h, C> = dyn Fn(C, &[u8]) + 'h;

impl<'h, L: Listener, const CONNS: usize, const HEAD: usize, const OUT: usize>
    Server<'h, L, CONNS, HEAD, OUT>
{
    /// A server for what `listener` accepts. The default `OUT` has room for a body of 2048 bytes, as
    /// Go's has.
    pub fn new(listener: L, handler: &'h dyn Handler) -> Self {
        const {
            assert!(CONNS > 0 && CONNS <= 65_535, "a server needs a connection");
            assert!(HEAD >= 256 && HEAD <= 65_535, "a head takes 256 to 65,535 bytes");
            assert!(OUT >= 1024, "the response buffer takes at least 1024 bytes");
        }
        Self {
            core: Core::new(listener.device(), Limits::new()),
            addr: listener.addr(),
            listener: Some(listener),
            handler,
            stop: None,
            heir: None,
            turn: 0,
            places: [0; CONNS],
            slots: [const { Slot::EMPTY }; CONNS],
            buffers: [[0; HEAD]; CONNS],
            out: [0; OUT],
        }
    }

    /// The same with other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.core.limits = limits;
        self
    }

    /// The same, and [`Stop::request`] stops it, from a handler or from another thread.
    #[must_use]
    pub fn stop_with(mut self, stop: &'h Stop) -> Self {
        self.stop = Some(stop);
        self
    }

    /// The same, and connections that a handler has [detached](Hijacked::detach) go to `heir`, with
    /// the bytes that came behind the request.
    #[must_use]
    pub fn hand_over(mut self, heir: &'h Heir<'h, L::Conn>) -> Self {
        self.heir = Some(heir);
        self
    }

    /// Where it listens, or has listened.
    #[must_use]
    pub const fn addr(&self) -> Option<Addr> {
        self.addr
    }

    /// How many connections are open.
    #[must_use]
    pub const fn connections(&self) -> usize {
        self.core.open
    }

    /// Serves until the server was stopped and the last answer is out.
    ///
    /// Differs from Go: that it was stopped is no error.
    ///
    /// # Errors
    /// What ended the listener.
    pub fn serve(&mut self) -> Result<(), Error> {
        let device = self.core.device;
        loop {
            match netdev::wait(device, || None, || self.poll()) {
                Ok(()) | Err(Stopped::Deadline) => {}
                Err(Stopped::Failed(Error::ServerClosed)) => return Ok(()),
                Err(Stopped::Failed(error)) => return Err(error),
            }
        }
    }

    /// Does one round: accepts, reads, runs the handlers of the requests that are complete, and
    /// sends. It only waits where a handler does.
    ///
    /// # Errors
    /// `WouldBlock` if there was nothing to do. [`Error::ServerClosed`] when the server was stopped
    /// and the last answer is out; else what ended the listener.
    pub fn poll(&mut self) -> nb::Result<(), Error> {
        if self.stop.is_some_and(Stop::is_requested) && !self.core.stopping {
            self.shutdown();
        }
        let mut pool = Pool {
            listener: self.listener.as_ref(),
            left: Part { slots: &mut self.slots, buffers: &mut self.buffers },
            right: Part::none(),
            between: 0,
            places: &mut self.places,
        };
        let mut busy = self.core.round(&mut pool);
        if self.core.ready > 0 {
            busy = true;
            self.dispatch_all();
        }
        if let Some(error) = self.core.failed.take() {
            self.shutdown();
            return Err(nb::Error::Other(error.into()));
        }
        if self.core.stopping && self.core.open == 0 {
            return Err(nb::Error::Other(Error::ServerClosed));
        }
        if busy { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }

    /// Stops gracefully: nothing more is accepted, idle connections are closed, and answers that
    /// are going on are finished by further rounds.
    pub fn shutdown(&mut self) {
        self.listener = None;
        let mut pool: Pool<'_, L, HEAD> = Pool {
            listener: None,
            left: Part { slots: &mut self.slots, buffers: &mut self.buffers },
            right: Part::none(),
            between: 0,
            places: &mut self.places,
        };
        self.core.stop(&mut pool);
    }

    /// Runs the handlers of all that are ready, each in its turn.
    fn dispatch_all(&mut self) {
        let ready = |slot: &Slot<L::Conn>| slot.state.phase == slot::Phase::Ready;
        let begin = self.turn + 1;
        let mut next = begin;
        for range in [begin..CONNS, 0..begin.min(CONNS)] {
            next = next.clamp(range.start, range.end);
            while let Some(found) =
                self.slots.get(next..range.end).and_then(|slots| slots.iter().position(ready))
            {
                self.turn = next + found;
                next = self.turn + 1;
                self.dispatch(self.turn);
                if self.core.ready == 0 {
                    return;
                }
            }
            next = 0;
        }
    }

    /// Runs the handler of the connection in this place, which is ready.
    fn dispatch(&mut self, index: usize) {
        let Some((left, rest)) = self.slots.split_at_mut_checked(index) else { return };
        let Some((slot, right)) = rest.split_first_mut() else { return };
        let Some((left_buffers, rest)) = self.buffers.split_at_mut_checked(index) else { return };
        let Some((buffer, right_buffers)) = rest.split_first_mut() else { return };
        let left = Part { slots: left, buffers: left_buffers };
        let right = Part { slots: right, buffers: right_buffers };
        let Some(conn) = slot.conn.as_ref() else { return };
        if slot.state.phase != slot::Phase::Ready {
            return;
        }
        let listener = self.listener.as_ref();
        let mut pool: Pool<'_, L, HEAD> =
            Pool { listener, left, right, between: 1, places: &mut self.places };
        let others: &mut dyn Slots = &mut pool;
        let view = View { conn, state: &mut slot.state, buffer };
        let verdict = answer(&mut self.core, view, others, self.handler, &mut self.out);
        if verdict == Verdict::Keep {
            return;
        }
        self.core.forget(slot.state.phase, slot.state.fd.is_some());
        let gone = slot.vacate();
        if let (Verdict::Detach, Some(conn), Some(heir)) = (verdict, gone, self.heir) {
            heir(conn, buffer.get(..slot.state.filled).unwrap_or_default());
        }
    }
}

impl<L: Listener, const CONNS: usize, const HEAD: usize, const OUT: usize> fmt::Debug
    for Server<'_, L, CONNS, HEAD, OUT>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addr", &self.addr)
            .field("connections", &self.core.open)
            .finish_non_exhaustive()
    }
}
