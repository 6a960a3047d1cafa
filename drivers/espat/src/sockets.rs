//! The table of sockets: what each is to the module, and how one is given back.

use core::net::SocketAddrV4;

use netdev::{Error, Instant, Readiness, Side, SockFd};
use netdev_uart::UartLink;

use crate::exchange::Phase;
use crate::links::{LINKS, LinkState, NOBODY};
use crate::op::Op;
use crate::send::Hold;
use crate::state::Core;

/// Size of the table: a socket for each link, and the listener.
pub(crate) const SOCKETS: usize = LINKS + 1;

/// The largest datagram: what the firmware takes in without having been built for more.
pub(crate) const DATAGRAM_MAX: u16 = 1460;

/// One socket of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Socket {
    pub(crate) kind: Kind,
    /// For datagrams, not for a stream.
    pub(crate) dgram: bool,
    /// Set once, and then every call answers it.
    pub(crate) failed: Option<Error>,
    /// Why the connect failed that was tried last.
    pub(crate) refused: Option<Error>,
    /// Our port; 0: not known, or not bound.
    pub(crate) port: u16,
    /// How many other ports to try if this one is taken: none where the caller asked for it.
    pub(crate) other_ports: u8,
    pub(crate) peer: SocketAddrV4,
    /// A datagram socket with a peer; a stream whose caller has not been told yet that it stands.
    pub(crate) connected: bool,
    pub(crate) link: Option<u8>,
    /// What its data are marked with.
    pub(crate) tag: u8,
    /// When the module said that the connection is closed.
    pub(crate) closed: Option<Instant>,
    /// Its reader was told so.
    pub(crate) end_read: bool,
    /// Bound by its caller, not on the way to something else.
    pub(crate) bound: bool,
    /// Bytes of the receive that is out, when its reader last came, and since when he waits.
    pub(crate) asked: u16,
    pub(crate) reader_at: Instant,
    /// What room he brought.
    pub(crate) room: u16,
    /// Bytes of the send that is out, and what came of it; when its writer last came.
    pub(crate) sending: u16,
    pub(crate) sent: Option<Result<(), Error>>,
    pub(crate) writer_at: Instant,
    pub(crate) hold: Hold,
    /// Nothing can be sent any more, and why; what came before can still be read.
    pub(crate) write_failed: Option<Error>,
    /// Where the datagrams of this link go unless they say otherwise.
    pub(crate) goes_to: SocketAddrV4,
    /// How often in a row the module refused what should work.
    pub(crate) strikes: u8,
    pub(crate) no_delay: bool,
    pub(crate) keep_alive: u16,
    /// The module has these options already.
    pub(crate) options_set: bool,
}

/// What a socket is to the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing yet.
    Fresh,
    Connecting,
    Stream,
    /// A datagram socket that is to be opened.
    Opening,
    Datagram,
    /// Becoming the listener.
    Starting,
    Listener,
}

impl Socket {
    pub(crate) const FRESH: Self = Self {
        kind: Kind::Fresh,
        dgram: false,
        failed: None,
        refused: None,
        port: 0,
        other_ports: 0,
        peer: NOBODY,
        connected: false,
        link: None,
        tag: 0,
        closed: None,
        end_read: false,
        bound: false,
        asked: 0,
        reader_at: Instant::START,
        room: 0,
        sending: 0,
        sent: None,
        writer_at: Instant::START,
        hold: Hold::No,
        write_failed: None,
        goes_to: NOBODY,
        strikes: 0,
        no_delay: true,
        keep_alive: 0,
        options_set: true,
    };

    pub(crate) fn is_listener(&self) -> bool {
        self.kind == Kind::Listener
    }
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// The place of a handle in the table.
    pub(crate) fn index(&self, fd: SockFd) -> Result<u8, Error> {
        u8::try_from(self.shared.handles.slot(fd)?).map_err(|_| Error::BadSocket)
    }

    pub(crate) fn socket(&mut self, index: u8) -> Result<&mut Socket, Error> {
        self.state.sockets.get_mut(usize::from(index)).ok_or(Error::BadSocket)
    }

    /// The socket, if nothing has happened to it.
    pub(crate) fn sound(&mut self, index: u8) -> Result<&mut Socket, Error> {
        let socket = self.socket(index)?;
        match socket.failed {
            Some(error) => Err(error),
            None => Ok(socket),
        }
    }

    /// Makes every later call on a socket answer `error`. What the module holds for it stays until
    /// close.
    pub(crate) fn fail_socket(&mut self, index: u8, error: Error) {
        if let Ok(socket) = self.socket(index) {
            socket.failed.get_or_insert(error);
            socket.sent = None;
            let tag = socket.tag;
            self.forget_data(tag);
        }
        self.clear_in_flight(index);
    }

    /// The owner of data with this tag loses them: from here on its stream would have a hole.
    pub(crate) fn fail_tag(&mut self, tag: u8, error: Error) {
        let owner = (0_u8..).zip(&self.state.sockets).find(|(_, it)| tag != 0 && it.tag == tag);
        match owner.map(|(index, _)| index) {
            Some(index) if self.socket(index).is_ok_and(|it| it.dgram) => self.forget_data(tag),
            Some(index) => self.fail_socket(index, error),
            None => {
                for link in self.state.links.iter_mut().filter(|it| tag != 0 && it.tag == tag) {
                    link.stray = true;
                }
                self.forget_data(tag);
            }
        }
    }

    /// The module has forgotten everything.
    pub(crate) fn lose_sockets(&mut self, error: Error) {
        for index in (0_u8..).take(SOCKETS) {
            self.clear_in_flight(index);
            let Ok(socket) = self.socket(index) else { continue };
            socket.link = None;
            socket.sent = None;
            if socket.kind != Kind::Fresh && socket.closed.is_none() {
                socket.failed.get_or_insert(error);
            }
        }
    }

    /// Gives closed sockets back, as far as the line is free.
    pub(crate) fn reap(&mut self) {
        for index in (0_u8..).take(SOCKETS) {
            if self.shared.handles.is_closing(usize::from(index)) {
                self.reap_one(index);
            }
        }
    }

    fn reap_one(&mut self, index: u8) {
        let Ok(socket) = self.socket(index) else { return };
        let (kind, link, tag) = (socket.kind, socket.link, socket.tag);
        self.forget_data(tag);
        if self.is_out_for(index) {
            self.let_go(index);
            return;
        }
        let done = match (kind, link) {
            (Kind::Listener | Kind::Starting, _) => self.stop_serving(),
            (_, Some(id)) => self.close_link(id),
            (_, None) => true,
        };
        if done {
            self.clear_in_flight(index);
            if let Ok(socket) = self.socket(index) {
                *socket = Socket::FRESH;
            }
            self.shared.handles.release(usize::from(index));
        }
    }

    fn is_out_for(&self, index: u8) -> bool {
        self.state.exchange.flight.is_some_and(|flight| match flight.op {
            Op::Start(socket, _) | Op::Options(socket, _) | Op::Serve(socket) => socket == index,
            Op::Send(socket) | Op::Receive(socket, _) => socket == index,
            _ => false,
        })
    }

    /// Its last command is still out. A payload that nobody will complete is cancelled.
    fn let_go(&mut self, index: u8) {
        let half_sent = self.state.exchange.flight.is_some_and(|flight| {
            flight.op == Op::Send(index) && matches!(flight.phase, Phase::Payload(_))
        });
        if half_sent {
            self.abandon_payload();
        }
    }

    /// Closes a link on the module. Whether that is done.
    fn close_link(&mut self, id: u8) -> bool {
        let held = self.link(id).is_some_and(|link| link.state == LinkState::Up);
        if !held {
            self.free_link(id);
            return true;
        }
        if self.is_idle() {
            self.post_close(id);
        }
        false
    }

    pub(crate) fn clear_in_flight(&self, index: u8) {
        for side in [Side::Read, Side::Write] {
            self.shared.set_in_flight(index, side, false);
        }
    }

    /// The next socket with something to read, to accept or to report.
    pub(crate) fn next_ready(&self, after: Option<SockFd>) -> Readiness {
        let first = after.map_or(0, |fd| usize::from(fd.slot()) + 1);
        for index in first..SOCKETS {
            let ready = self.state.sockets.get(index).is_some_and(|it| self.is_ready(it));
            if let Some(fd) = self.shared.handles.handle(index).filter(|_| ready) {
                return Readiness::Socket(fd);
            }
        }
        Readiness::None
    }

    fn is_ready(&self, socket: &Socket) -> bool {
        if socket.failed.is_some() || socket.refused.is_some() {
            return true;
        }
        let state = &*self.state;
        match socket.kind {
            Kind::Fresh | Kind::Connecting | Kind::Opening | Kind::Starting => false,
            Kind::Listener => state.links.iter().any(|link| link.is_guest()),
            Kind::Datagram => state.stash.holds(socket.tag, true),
            Kind::Stream => {
                let waits = socket.link.and_then(|id| state.links.get(usize::from(id)));
                state.stash.holds(socket.tag, false)
                    || state.exchange.counted.is_some_and(|it| it.tag == socket.tag)
                    || waits.is_some_and(|link| link.avail > 0)
                    || socket.closed.is_some()
            }
        }
    }
}
