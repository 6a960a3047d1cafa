//! One connection of a server, and the pool they are in.

use net::netdev::SockFd;
use net::{Conn, Instant, Listener};

use super::body::Body;
use super::source::Source;
use crate::wire::head::Finder;
use crate::wire::request::RequestHead;

/// A place for a connection. Its buffer lies elsewhere, so that an empty place is a small constant.
pub(crate) struct Slot<C> {
    pub(crate) conn: Option<C>,
    pub(crate) state: State,
}

impl<C> Slot<C> {
    pub(crate) const EMPTY: Self = Self { conn: None, state: State::new(Instant::START, None) };

    /// Gives the connection up.
    pub(crate) fn vacate(&mut self) -> Option<C> {
        self.state.phase = Phase::Free;
        self.state.source = Source::None;
        self.conn.take()
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody has this place.
    Free,
    /// Waits for a further request; nothing of it has come.
    Idle,
    /// Waits for the end of a head.
    Head,
    /// Gathers a body that fits the buffer.
    Body,
    /// The handler may start.
    Ready,
    /// Part of the answer is still in the buffer, from here to there.
    Flush { from: u16, to: u16 },
    /// Our side has ended; what still comes is thrown away, so that the peer can read the answer.
    Linger,
}

/// What a connection needs to remember besides its bytes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    pub(crate) fd: Option<SockFd>,
    /// Bytes of the buffer that are in use.
    pub(crate) filled: usize,
    pub(crate) finder: Finder,
    pub(crate) head: Option<RequestHead>,
    pub(crate) body: Body,
    /// What follows the tail of the answer that is in the buffer.
    pub(crate) source: Source,
    /// When this phase has to be over.
    pub(crate) deadline: Instant,
    /// When something was last heard from the client; while an answer goes out, when the last full
    /// KiB of it had gone.
    pub(crate) touched: Instant,
    /// Bytes of the answer that have gone since.
    pub(crate) moved: u16,
    /// What comes after `Flush`.
    pub(crate) then: Then,
    /// Line ends that may still be skipped: some clients send a few behind the body of a POST.
    pub(crate) strays: u8,
    /// The client's side has ended.
    pub(crate) ended: bool,
}

/// How a connection goes on after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Next,
    Close,
    Linger,
}

impl State {
    pub(crate) const fn new(now: Instant, fd: Option<SockFd>) -> Self {
        Self {
            phase: Phase::Free,
            fd,
            filled: 0,
            finder: Finder::new(),
            head: None,
            body: Body::none(),
            source: Source::None,
            deadline: NEVER,
            touched: now,
            moved: 0,
            then: Then::Next,
            strays: 0,
            ended: false,
        }
    }
}

/// The end of time.
pub(crate) const NEVER: Instant = Instant::from_micros(u64::MAX);

/// A connection without its type.
pub(crate) struct View<'a> {
    pub(crate) conn: &'a dyn Conn,
    pub(crate) state: &'a mut State,
    pub(crate) buffer: &'a mut [u8],
}

/// The connections that are not with a handler, and the listener, without their types.
pub(crate) trait Slots {
    /// Indices go from 0 to this; that of the one with a handler has no view.
    fn count(&self) -> usize;
    /// The connection in this place; `None` if there is none.
    fn view(&mut self, index: usize) -> Option<View<'_>>;
    /// Accepts into a free place.
    fn accept(&mut self, index: usize, now: Instant) -> nb::Result<(), net::Error>;
    /// Gives a connection up.
    fn close(&mut self, index: usize);
    /// Whether a place is free (and not with a handler).
    fn is_free(&self, index: usize) -> bool;
    /// The listener's handle.
    fn listener(&self) -> Option<SockFd>;
    /// Where the connection with this handle is.
    fn find(&mut self, fd: SockFd) -> Option<usize>;
    /// Accepts for nobody: says this and closes.
    fn turn_away(&mut self, answer: &[u8]) -> nb::Result<(), net::Error>;
}

/// Some slots in a row, and their buffers.
pub(crate) struct Part<'a, C, const HEAD: usize> {
    pub(crate) slots: &'a mut [Slot<C>],
    pub(crate) buffers: &'a mut [[u8; HEAD]],
}

impl<C, const HEAD: usize> Part<'_, C, HEAD> {
    pub(crate) const fn none() -> Self {
        Self { slots: &mut [], buffers: &mut [] }
    }
}

/// All slots but those between the two parts.
pub(crate) struct Pool<'a, L: Listener, const HEAD: usize> {
    pub(crate) listener: Option<&'a L>,
    pub(crate) left: Part<'a, L::Conn, HEAD>,
    pub(crate) right: Part<'a, L::Conn, HEAD>,
    /// How many slots lie between the two: one, or none.
    pub(crate) between: usize,
    /// By the number of a handle, modulo the length: which place it is likely to have.
    pub(crate) places: &'a mut [u16],
}

impl<L: Listener, const HEAD: usize> Pool<'_, L, HEAD> {
    fn slot(&self, index: usize) -> Option<&Slot<L::Conn>> {
        let behind = index.checked_sub(self.left.slots.len() + self.between);
        self.left.slots.get(index).or_else(|| self.right.slots.get(behind?))
    }

    fn slot_mut(&mut self, index: usize) -> Option<(&mut Slot<L::Conn>, &mut [u8; HEAD])> {
        let (part, index) = match index.checked_sub(self.left.slots.len()) {
            None => (&mut self.left, index),
            Some(behind) => (&mut self.right, behind.checked_sub(self.between)?),
        };
        Some((part.slots.get_mut(index)?, part.buffers.get_mut(index)?))
    }

    fn place(&mut self, fd: SockFd) -> Option<&mut u16> {
        let length = self.places.len();
        self.places.get_mut(usize::from(fd.slot()).checked_rem(length)?)
    }

    fn has(&self, index: usize, fd: SockFd) -> bool {
        self.slot(index).is_some_and(|slot| slot.conn.is_some() && slot.state.fd == Some(fd))
    }
}

impl<L: Listener, const HEAD: usize> Slots for Pool<'_, L, HEAD> {
    fn count(&self) -> usize {
        self.left.slots.len() + self.between + self.right.slots.len()
    }

    fn view(&mut self, index: usize) -> Option<View<'_>> {
        let (Slot { conn, state }, buffer) = self.slot_mut(index)?;
        Some(View { conn: conn.as_ref()?, state, buffer })
    }

    fn accept(&mut self, index: usize, now: Instant) -> nb::Result<(), net::Error> {
        let Some(listener) = self.listener else { return Err(nb::Error::WouldBlock) };
        let conn = listener.try_accept()?;
        let fd = conn.socket();
        if let Some((slot, _)) = self.slot_mut(index) {
            slot.state = State::new(now, fd);
            slot.conn = Some(conn);
        }
        if let (Some(fd), Ok(index)) = (fd, u16::try_from(index))
            && let Some(place) = self.place(fd)
        {
            *place = index;
        }
        Ok(())
    }

    fn close(&mut self, index: usize) {
        if let Some((slot, _)) = self.slot_mut(index) {
            slot.vacate();
        }
    }

    fn is_free(&self, index: usize) -> bool {
        self.slot(index).is_some_and(|slot| slot.conn.is_none())
    }

    fn listener(&self) -> Option<SockFd> {
        self.listener.and_then(Listener::socket)
    }

    fn turn_away(&mut self, answer: &[u8]) -> nb::Result<(), net::Error> {
        let Some(listener) = self.listener else { return Err(nb::Error::WouldBlock) };
        // What does not go out at once does not go out: nothing is kept for this client.
        let _ = listener.try_accept()?.try_write(answer);
        Ok(())
    }

    fn find(&mut self, fd: SockFd) -> Option<usize> {
        let likely = self.place(fd).map(|place| usize::from(*place))?;
        if self.has(likely, fd) {
            return Some(likely);
        }
        (0..self.count()).find(|index| self.has(*index, fd))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_costs_little_besides_its_buffer() {
        let size = size_of::<Slot<net::TcpConn>>();
        assert!(size <= 448, "{size}");
    }
}
