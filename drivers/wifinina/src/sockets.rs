//! The table of sockets: what each is to the chip, and how one is given back.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Instant, SockFd};

use crate::command::{
    AVAIL_DATA_TCP, CLOSE, Command, NO_SOCKET, SOCKET, START_SERVER_TCP, STOP_CLIENT_TCP,
};
use crate::connect::Connect;
use crate::datagram::{Datagram, Opening};
use crate::exchange::Owner;
use crate::listener::Listener;
use crate::spi::SpiLink;
use crate::state::{Core, Mail};
use crate::stream::Stream;

/// Size of the table: as many as the chip has at best.
pub(crate) const SOCKETS: usize = 10;

/// One socket of ours.
pub(crate) struct Socket {
    pub(crate) kind: Kind,
    /// For datagrams, not for a stream.
    pub(crate) dgram: bool,
    /// Set once, and then every call answers it.
    pub(crate) failed: Option<Error>,
    /// Port asked for with bind; a listener's own.
    pub(crate) port: u16,
    /// How many other ports to try if this one is taken: none where the caller asked for it.
    pub(crate) other_ports: u8,
    pub(crate) peer: SocketAddrV4,
    /// When the chip is next asked for news of this socket.
    pub(crate) look_at: Instant,
    /// Somebody waits for such news.
    pub(crate) awaited: bool,
    /// Bytes of the receive that is out.
    pub(crate) asked: u16,
    pub(crate) read_mail: Mail,
    pub(crate) write_mail: Mail,
}

impl Socket {
    pub(crate) const FRESH: Self = Self {
        kind: Kind::Fresh,
        dgram: false,
        failed: None,
        port: 0,
        other_ports: 0,
        peer: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        look_at: Instant::START,
        awaited: false,
        asked: 0,
        read_mail: None,
        write_mail: None,
    };
}

impl Socket {
    /// Whether GPIO0 says nothing about this socket, so that only the chip itself can tell.
    pub(crate) fn looks_by_descriptor(&self) -> bool {
        match self.kind {
            Kind::Connect(_) => true,
            Kind::Stream(stream) => matches!(stream.channel, Channel::Descriptor(_)),
            Kind::Datagram(datagram) => matches!(datagram.channel, Channel::Descriptor(_)),
            _ => false,
        }
    }

    /// The chip's slots that it holds, or may come to hold.
    pub(crate) fn slots(&self) -> [Option<u8>; 2] {
        let channel = match self.kind {
            Kind::Connect(connect) => connect.channel(),
            Kind::Stream(stream) => Some(stream.channel),
            Kind::Opening(opening) => opening.channel(),
            Kind::Datagram(datagram) => Some(datagram.channel),
            Kind::Starting(slot) => slot.map(Channel::Slot),
            Kind::Doomed(channel) => Some(channel),
            Kind::Listener(listener) => return listener.slots(),
            Kind::Fresh | Kind::Ended | Kind::Stopped(_) | Kind::Gone => None,
        };
        match channel {
            Some(Channel::Slot(slot)) => [Some(slot), None],
            _ => [None; 2],
        }
    }

    /// Whether a socket has nothing to report while GPIO0 is low.
    pub(crate) fn is_quiet(&self, now: Instant) -> bool {
        match self.kind {
            Kind::Stream(stream) => stream.is_quiet(now),
            Kind::Listener(listener) => listener.is_quiet(),
            _ => !self.looks_by_descriptor(),
        }
    }
}

/// What a socket is to the chip.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Nothing yet.
    Fresh,
    Connect(Connect),
    Stream(Stream),
    /// A datagram socket that is not bound yet: the step whose answer is awaited.
    Opening(Opening),
    Datagram(Datagram),
    /// Becoming a listener: a slot is looked for, then started.
    Starting(Option<u8>),
    Listener(Listener),
    /// The peer ended the connection and the chip gave its slot back.
    Ended,
    /// Closed on the chip; the listener in this slot is still to forget it.
    Stopped(u8),
    /// Its link was lost, and the firmware has closed it behind its back: the number is to be given
    /// back before it is somebody else's.
    Doomed(Channel),
    /// The chip was reset and forgot everything.
    Gone,
}

/// How the chip names a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    /// A slot, commands 0x28 to 0x46.
    Slot(u8),
    /// A descriptor of lwIP, commands 0x70 to 0x7F.
    Descriptor(u8),
}

impl<L: SpiLink> Core<'_, L> {
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
        self.clear_in_flight(index);
    }

    /// As [`fail_socket`](Self::fail_socket), when the chip holds nothing for it any more.
    pub(crate) fn lose_socket(&mut self, index: u8, error: Error) {
        if let Ok(socket) = self.socket(index) {
            if !matches!(socket.kind, Kind::Fresh) {
                socket.failed.get_or_insert(error);
                // Its port is a listener's, who may come back while somebody still holds this one.
                let connection = matches!(socket.kind, Kind::Stream(_) | Kind::Doomed(_));
                socket.kind = if connection { Kind::Ended } else { Kind::Gone };
            }
            socket.read_mail = None;
            socket.write_mail = None;
        }
        self.clear_in_flight(index);
    }

    /// As [`fail_socket`](Self::fail_socket), when the link is lost: the firmware closes every
    /// connection, and goes on holding the numbers in its slots.
    pub(crate) fn doom_socket(&mut self, index: u8, why: Error) {
        if let Ok(socket) = self.socket(index) {
            let channel = match socket.kind {
                Kind::Stream(stream) => Some(stream.channel),
                Kind::Connect(connect) => connect.channel(),
                _ => return,
            };
            if let Some(channel) = channel {
                socket.kind = Kind::Doomed(channel);
            }
        }
        self.fail_socket(index, why);
    }

    /// Says that the chip should not be asked about a socket again before `pause` is over, and that
    /// somebody waits.
    pub(crate) fn look_later(&mut self, index: u8, pause: Duration) {
        let at = self.call.now() + pause;
        if let Ok(socket) = self.socket(index) {
            socket.look_at = at;
            socket.awaited = true;
        }
    }

    /// Gives closed sockets back to the chip, as far as it is free.
    pub(crate) fn reap(&mut self) {
        // Twice, because what several have to ask a listener is asked when the last was stopped.
        for index in (0_u8..).take(SOCKETS).chain((0_u8..).take(SOCKETS)) {
            let doomed = self.socket(index).is_ok_and(|it| matches!(it.kind, Kind::Doomed(_)));
            if doomed || self.shared.handles.is_closing(usize::from(index)) {
                self.reap_one(index);
            }
        }
        self.drain_strays();
        self.sweep();
    }

    fn reap_one(&mut self, index: u8) {
        let owned = [Owner::Read(index), Owner::Write(index)];
        if let Some(flight) = self.state.exchange.flight().filter(|it| owned.contains(&it.owner)) {
            if flight.is_data() {
                self.discard_orphan(flight);
            }
            return;
        }
        self.take_last_answer(index);
        let Ok(socket) = self.socket(index) else { return };
        let done = match socket.kind {
            Kind::Fresh | Kind::Gone | Kind::Starting(_) => true,
            Kind::Ended => self.forget_spawned(index),
            Kind::Stopped(listener) => self.purge(index, listener),
            Kind::Connect(connect) => connect.channel().is_none_or(|it| self.stop(index, it)),
            Kind::Stream(stream) => self.end_stream(index, stream),
            Kind::Opening(opening) => opening.channel().is_none_or(|it| self.stop(index, it)),
            Kind::Datagram(datagram) => self.stop(index, datagram.channel),
            Kind::Listener(listener) => self.keep(index, listener),
            Kind::Doomed(channel) => self.stop(index, channel),
        };
        if done && !self.shared.handles.is_closing(usize::from(index)) {
            if let Ok(socket) = self.socket(index) {
                socket.kind = Kind::Ended;
            }
        } else if done {
            if let Ok(socket) = self.socket(index) {
                *socket = Socket::FRESH;
            }
            self.clear_in_flight(index);
            self.shared.handles.release(usize::from(index));
        }
    }

    /// Firmware without the accept flag keeps a list of what came in through a listener. Its walk
    /// drops what is closed, but only as long as the number of the descriptor is not somebody else's;
    /// and once all ten places are taken, each further connection costs a descriptor until reset.
    pub(crate) fn forget_spawned(&mut self, index: u8) -> bool {
        if self.state.firmware.accepts_silent() {
            return true;
        }
        let port = self.socket(index).map_or(0, |socket| socket.port);
        let Some(listener) = self.listener_slot(port) else { return true };
        if let Ok(socket) = self.socket(index) {
            socket.kind = Kind::Stopped(listener);
        }
        self.purge(index, listener)
    }

    /// Has the listener walk its list. A connection that it names is named again later.
    fn purge(&mut self, index: u8, listener: u8) -> bool {
        if self.more_are_stopped_first() {
            return false;
        }
        self.walks();
        let walked = self.ask(Owner::Write(index), &AVAIL_DATA_TCP, &[&[listener], &[1]]);
        !matches!(walked, Err(nb::Error::WouldBlock))
    }

    /// What to answer when the chip has no slot left.
    pub(crate) fn out_of_slots(&self) -> nb::Error<Error> {
        let mut slots = 0..SOCKETS;
        if slots.any(|slot| self.shared.handles.is_closing(slot)) {
            return nb::Error::WouldBlock;
        }
        Error::NoSockets.into()
    }

    /// What was answered after its caller had given up may be something to be given back.
    fn take_last_answer(&mut self, index: u8) {
        let Ok(socket) = self.socket(index) else { return };
        let answer = |mail: &Mail, command: &Command| match mail {
            Some((code, _, Ok(answer))) if *code == command.code => answer.byte(),
            _ => None,
        };
        match socket.kind {
            Kind::Connect(Connect::Open) => {
                if let Some(fd) = answer(&socket.write_mail, &SOCKET).filter(|&fd| fd != NO_SOCKET)
                {
                    socket.kind = Kind::Connect(Connect::Unblock(fd));
                }
            }
            Kind::Starting(Some(slot))
                if answer(&socket.write_mail, &START_SERVER_TCP) == Some(1) =>
            {
                socket.kind = Kind::Listener(Listener::new(slot));
            }
            _ => {}
        }
    }

    /// Closes a connection on the chip. Whether that is done. A garbled answer is asked for once
    /// more, at once: later the same number may be somebody else's.
    pub(crate) fn stop(&mut self, index: u8, channel: Channel) -> bool {
        let owner = Owner::Write(index);
        for _ in 0..2 {
            let answer = match channel {
                Channel::Slot(slot) => self.ask(owner, &STOP_CLIENT_TCP, &[&[slot]]),
                Channel::Descriptor(fd) => self.ask(owner, &CLOSE, &[&[fd]]),
            };
            match answer {
                Ok(_) => return true,
                Err(nb::Error::WouldBlock) => return false,
                Err(nb::Error::Other(_)) => {}
            }
        }
        true
    }

    pub(crate) fn clear_in_flight(&self, index: u8) {
        for side in [netdev::Side::Read, netdev::Side::Write] {
            self.shared.set_in_flight(usize::from(index), side, false);
        }
    }
}
