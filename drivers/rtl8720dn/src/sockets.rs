//! The table of sockets: what each is to the chip, and how one is given back.

use core::net::{Ipv4Addr, SocketAddrV4};

use netdev::{Error, Instant, SockFd};
use netdev_uart::UartLink;

use crate::codec::Value::I32;
use crate::exchange::Owner;
use crate::method::{lwip, value};
use crate::state::{Core, Mail};

/// As many as the chip has, listeners and accepted connections included.
pub(crate) const SOCKETS: usize = value::SOCKETS as usize;

/// One socket of ours.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) kind: Kind,
    /// Its number on the chip.
    pub(crate) id: Option<u8>,
    /// For datagrams, not for a stream.
    pub(crate) dgram: bool,
    /// Set once, and then every call answers it.
    pub(crate) failed: Option<Error>,
    /// Port asked for with bind; a listener's own.
    pub(crate) port: u16,
    /// How many other ports to try if this one is taken: none where the caller asked for it.
    pub(crate) other_ports: u8,
    pub(crate) peer: SocketAddrV4,
    /// What was received and nobody has fetched yet.
    pub(crate) parked: Option<Parked>,
    /// Bytes of the send that is out.
    pub(crate) sending: u16,
    /// The chip had no room: it is asked whether it has before more goes its way.
    pub(crate) stalled: bool,
    /// How much its reader asked for last.
    pub(crate) wanted: u16,
    /// The last answer was as long as it could be: there is more.
    pub(crate) flows: bool,
    /// The peer's end was read.
    pub(crate) ended: bool,
    /// Our direction was shut down.
    pub(crate) shut: bool,
    /// How many of the options that are asked for together the chip was told.
    pub(crate) options_set: u8,
    /// A connection that was taken off the chip's queue and has no handle yet.
    pub(crate) guest: Option<Guest>,
    /// Until when nothing is likely to have come: the chip was asked lately.
    pub(crate) quiet_until: Instant,
    /// When somebody last waited for something to come.
    pub(crate) awaited_at: Instant,
    /// The look over all sockets found something, maybe here.
    pub(crate) suspect: bool,
    /// When the chip is next asked whether it is writable.
    pub(crate) write_at: Instant,
    pub(crate) mail: Mail,
}

impl Socket {
    pub(crate) const FRESH: Self = Self {
        kind: Kind::Fresh,
        id: None,
        dgram: false,
        failed: None,
        port: 0,
        other_ports: 0,
        peer: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        parked: None,
        sending: 0,
        stalled: false,
        wanted: 0,
        flows: false,
        ended: false,
        shut: false,
        options_set: 0,
        guest: None,
        quiet_until: Instant::START,
        awaited_at: Instant::START,
        suspect: false,
        write_at: Instant::START,
        mail: None,
    };

    /// Its number, as the chip is told it.
    pub(crate) fn number(&self) -> Result<i32, Error> {
        self.id.map(i32::from).ok_or(Error::NotConnected)
    }
}

/// What a socket is to the chip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing yet, or a number at most.
    Fresh,
    /// Becoming a connection: the step whose answer is awaited.
    Connecting(Connecting),
    Stream,
    /// Becoming a listener, or a datagram socket with a port.
    Opening(Opening),
    Listener,
    /// `true`: it has a peer, and hears nobody else.
    Datagram(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connecting {
    Create,
    Unblock,
    Bind,
    Start,
    Run,
    Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    Create,
    Reuse,
    Bind,
    Listen,
    Unblock,
}

/// Bytes between the line and their reader, and where they lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parked {
    pub(crate) at: usize,
    pub(crate) len: usize,
    /// The chip still has them.
    pub(crate) peeked: bool,
    /// Who sent them, for a datagram.
    pub(crate) from: SocketAddrV4,
    pub(crate) since: Instant,
}

/// A connection between the chip's queue and our table. Its peer is asked for first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guest {
    pub(crate) id: u8,
    pub(crate) peer: Option<SocketAddrV4>,
}

impl<L: UartLink> Core<'_, L> {
    /// The place of a handle in the table.
    #[inline(never)]
    pub(crate) fn index(&self, fd: SockFd) -> Result<u8, Error> {
        u8::try_from(self.shared.handles.slot(fd)?).map_err(|_| Error::BadSocket)
    }

    pub(crate) fn socket(&mut self, index: u8) -> Result<&mut Socket, Error> {
        self.state.sockets.get_mut(usize::from(index)).ok_or(Error::BadSocket)
    }

    /// The socket, if nothing has happened to it.
    #[inline(never)]
    pub(crate) fn sound(&mut self, index: u8) -> Result<&mut Socket, Error> {
        let socket = self.socket(index)?;
        match socket.failed {
            Some(error) => Err(error),
            None => Ok(socket),
        }
    }

    /// Makes every later call on a socket answer `error`. What the chip holds for it stays until
    /// close.
    pub(crate) fn fail_socket(&mut self, index: u8, error: Error) {
        if let Ok(socket) = self.socket(index) {
            socket.failed.get_or_insert(error);
        }
        self.shared.set_sending(usize::from(index), false);
    }

    /// The chip was reset, and holds nothing for anybody.
    pub(crate) fn lose_sockets(&mut self, error: Error) {
        for index in (0_u8..).take(SOCKETS) {
            if let Ok(socket) = self.socket(index)
                && (socket.id.is_some() || socket.kind != Kind::Fresh)
            {
                socket.failed.get_or_insert(error);
                socket.id = None;
                socket.guest = None;
                socket.parked = None;
                socket.mail = None;
            }
            self.shared.set_sending(usize::from(index), false);
        }
    }

    /// Gives closed sockets back to the chip, as far as it is free.
    pub(crate) fn reap(&mut self) {
        for index in (0_u8..).take(SOCKETS) {
            if self.shared.handles.is_closing(usize::from(index)) {
                self.reap_one(index);
            }
        }
        self.sweep();
    }

    fn reap_one(&mut self, index: u8) {
        if self.state.exchange.is_out(Owner::Write(index)) && !self.is_closing_now() {
            self.spoil();
        }
        if self.is_out(Owner::Write(index)) && !self.is_closing_now()
            || self.is_out(Owner::Read(index))
        {
            return;
        }
        self.shared.set_sending(usize::from(index), false);
        let Ok(socket) = self.socket(index) else { return };
        socket.parked = None;
        if let Some(guest) = socket.guest {
            if self.close_number(index, guest.id)
                && let Ok(socket) = self.socket(index)
            {
                socket.guest = None;
            }
            return;
        }
        if let Some(id) = socket.id
            && !self.close_number(index, id)
        {
            return;
        }
        if let Ok(socket) = self.socket(index) {
            *socket = Socket::FRESH;
        }
        self.shared.handles.release(usize::from(index));
    }

    fn is_closing_now(&self) -> bool {
        self.state.exchange.flight().is_some_and(|flight| *flight.method == lwip::CLOSE)
    }

    /// Closes a number on the chip. Whether that is done: the number is free then, or not known to
    /// be held by anybody and looked after later.
    fn close_number(&mut self, index: u8, id: u8) -> bool {
        match self.ask(Owner::Write(index), &lwip::CLOSE, &[I32(id.into())]) {
            Ok(_) => true,
            Err(nb::Error::WouldBlock) => false,
            Err(nb::Error::Other(_)) => {
                self.state.sweep = Some(0);
                true
            }
        }
    }

    /// Closes whatever the chip may hold that nobody here knows of: an answer with its number was
    /// lost. Nothing else is asked meanwhile, so that no number changes hands.
    pub(crate) fn sweep(&mut self) {
        while let Some(id) = self.state.sweep {
            let done = self.is_held(id)
                || !matches!(
                    self.ask(Owner::Sweep, &lwip::CLOSE, &[I32(id.into())]),
                    Err(nb::Error::WouldBlock)
                );
            if !done {
                return;
            }
            self.state.sweep = Some(id + 1).filter(|&next| next < value::SOCKETS);
        }
    }

    /// Whether somebody here has this number of the chip's.
    pub(crate) fn is_held(&self, id: u8) -> bool {
        let held = |socket: &Socket| {
            socket.id == Some(id) || socket.guest.is_some_and(|guest| guest.id == id)
        };
        self.state.sockets.iter().any(held)
    }

    pub(crate) fn is_out(&self, owner: Owner) -> bool {
        self.state.exchange.is_out(owner)
    }
}
