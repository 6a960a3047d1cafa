//! Listeners, and the connections that come in through them.
//!
//! This firmware cannot close a listener: STOP frees its slot and leaves the port bound. So a closed
//! listener is kept, emptied of strays, and handed out again for the same port.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use netdev::{Error, Fault, Instant, SockFd};

use crate::command::{
    AVAIL_DATA_TCP, DESCRIPTORS, GET_REMOTE_DATA, GET_SOCKET, GET_STATE_TCP, GETPEERNAME,
    NO_SOCKET, START_SERVER_TCP, TCP_MODE,
};
use crate::datagram::Opening;
use crate::exchange::{Owner, REJECTED};
use crate::frame::Answer;
use crate::identity::Identity;
use crate::look::LOOK;
use crate::ports::OTHER_PORTS;
use crate::sockets::{Channel, Kind, Socket};
use crate::spi::SpiLink;
use crate::state::Core;
use crate::stream::Stream;

/// A listener of the chip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener {
    pub(crate) slot: u8,
    /// A connection that was taken off the chip's queue and is being made ready.
    pub(crate) guest: Option<Guest>,
    /// A slot of ours that the chip named: whose it is now is to be found out.
    pub(crate) named: Option<u8>,
    /// The question that is out is for connections that the accept flag does not show.
    pub(crate) asks_for_hidden: bool,
    /// How often in a row the chip answered what no listener answers.
    pub(crate) strange: u8,
}

/// What AVAIL_DATA_TCP said about a listener.
pub(crate) enum Visit {
    Nobody,
    Guest(u8),
    /// One of ours.
    Known(u8),
    Strange,
}

impl Listener {
    pub(crate) fn new(slot: u8) -> Self {
        Self { slot, guest: None, named: None, asks_for_hidden: false, strange: 0 }
    }

    /// The slots that it holds.
    pub(crate) fn slots(&self) -> [Option<u8>; 2] {
        [Some(self.slot), self.guest.map(|guest| guest.slot)]
    }

    /// Whether no connection waits here already.
    pub(crate) fn is_quiet(&self) -> bool {
        self.guest.is_none()
    }
}

/// A connection between the chip's queue and our table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Guest {
    pub(crate) slot: u8,
    peer: SocketAddrV4,
    /// In the firmware's own list, so that its slot may come to be somebody else's.
    spawned: bool,
    /// When the peer's address was asked for.
    seen: Instant,
    /// No descriptor had the address that was answered first, so it was asked for again.
    again: bool,
    step: Step,
}

impl Guest {
    pub(crate) fn new(slot: u8, spawned: bool) -> Self {
        let peer = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        Self { slot, peer, spawned, seen: Instant::START, again: false, step: Step::Peer }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The peer's address is asked for.
    Peer,
    /// Its descriptor is looked for: the one with the same peer.
    Find(u8),
    /// The descriptor is made non-blocking.
    Unblock(u8),
    /// No descriptor was found: is the connection still there? The address of one that is not is
    /// whatever stood in the firmware's memory.
    Alive,
    /// Ready; `true`: it could not be made non-blocking.
    Ready(bool),
}

impl<L: SpiLink> Core<'_, L> {
    pub(crate) fn bind(&mut self, index: u8, local: SocketAddr) -> nb::Result<(), Error> {
        if !local.ip().is_ipv4() {
            return Err(Error::Unsupported.into());
        }
        let ours = self.state.link.address();
        if !local.ip().is_unspecified() && ours.is_none_or(|it| it.addr != local.ip()) {
            return Err(Error::AddrNotAvailable.into());
        }
        if local.port() != 0 && self.port_is_taken(index, local.port()) {
            return Err(Error::AddrInUse.into());
        }
        let socket = self.sound(index)?;
        let fresh = matches!(socket.kind, Kind::Fresh | Kind::Opening(Opening::Bind(_)));
        if !fresh || socket.port != 0 {
            return Err(Error::InvalidState.into());
        }
        let dgram = socket.dgram;
        if local.port() != 0 {
            socket.port = local.port();
        } else if let Some(port) = self.idle_listener(index).filter(|_| !dgram) {
            let socket = self.socket(index)?;
            socket.port = port;
            socket.other_ports = OTHER_PORTS;
        } else {
            self.choose_port(index, OTHER_PORTS)?;
        }
        Ok(())
    }

    /// Binds a datagram socket, which happens on the chip at once.
    pub(crate) fn bind_datagram(&mut self, index: u8, local: SocketAddr) -> nb::Result<(), Error> {
        if self.sound(index)?.port == 0 {
            self.bind(index, local)?;
        }
        self.open_datagram(index).map(|_| ())
    }

    pub(crate) fn listen(&mut self, index: u8) -> nb::Result<(), Error> {
        if self.sound(index)?.port == 0 {
            self.bind(index, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)))?;
        }
        loop {
            let port = self.sound(index)?.port;
            let next = match self.sound(index)?.kind {
                Kind::Listener(_) => return Ok(()),
                Kind::Fresh => self.kept_for(port)?.map_or(Kind::Starting(None), Kind::Listener),
                Kind::Starting(None) => {
                    let slot = self.ask(Owner::Write(index), &GET_SOCKET, &[])?.byte();
                    match slot.ok_or(Error::Fault(Fault::Frame))? {
                        NO_SOCKET => return Err(self.out_of_slots()),
                        slot => Kind::Starting(Some(slot)),
                    }
                }
                Kind::Starting(Some(slot)) => self.start(index, slot, port)?,
                _ => return Err(Error::InvalidState.into()),
            };
            self.sound(index)?.kind = next;
        }
    }

    fn start(&mut self, index: u8, slot: u8, port: u16) -> nb::Result<Kind, Error> {
        let params: [&[u8]; 3] = [&port.to_be_bytes(), &[slot], &[TCP_MODE]];
        let owner = Owner::Write(index);
        if self.under_way(owner) == Some(GET_STATE_TCP.code) {
            let listens = self.ask(owner, &GET_STATE_TCP, &[&[slot]])?;
            return self.started(index, slot, &listens);
        }
        let answer = match self.ask(owner, &START_SERVER_TCP, &params) {
            // Garbled: it may listen or not, and to start it twice would leak a socket.
            Err(nb::Error::Other(_)) => self.ask(owner, &GET_STATE_TCP, &[&[slot]]),
            answer => answer,
        }?;
        // Before Arduino 1.5.0 the answer is yes whatever came of it.
        if answer.is_zero() || self.state.firmware.descriptors {
            return self.started(index, slot, &answer);
        }
        let listens = self.ask(owner, &GET_STATE_TCP, &[&[slot]])?;
        self.started(index, slot, &listens)
    }

    /// Whether the slot listens. If not, somebody else has the port; a slot that was taken for it
    /// nevertheless is swept up.
    fn started(&mut self, index: u8, slot: u8, answer: &Answer) -> nb::Result<Kind, Error> {
        if answer.is_zero() {
            self.sound(index)?.kind = Kind::Fresh;
            self.state.sweep = Some(0);
            self.port_was_taken(index)?;
            return Ok(Kind::Fresh);
        }
        Ok(Kind::Listener(Listener::new(slot)))
    }

    pub(crate) fn accept(&mut self, index: u8) -> nb::Result<(SockFd, SocketAddr), Error> {
        loop {
            let Kind::Listener(listener) = self.sound(index)?.kind else {
                return Err(Error::InvalidState.into());
            };
            let Some(guest) = listener.guest else {
                self.ask_for_guest(index, listener.slot)?;
                continue;
            };
            if let Step::Ready(blocking) = guest.step {
                return self.admit(index, guest, blocking);
            }
            let next = self.receive_guest(index, guest)?;
            self.set_guest(index, Some(next));
        }
    }

    /// The accept flag is spelt out: left out, the firmware reads it from the padding.
    fn ask_for_guest(&mut self, index: u8, slot: u8) -> nb::Result<(), Error> {
        let owner = Owner::Read(index);
        if let Some(named) = self.listener(index)?.named {
            self.find_out_whose(named)?;
            self.listener(index)?.named = None;
        }
        if !self.may_look(index)? || (self.listeners_are_held() && !self.is_out(owner)) {
            return Err(nb::Error::WouldBlock);
        }
        if !self.is_out(owner) {
            self.walks();
            let hidden = self.state.firmware.accepts_silent() && self.news_are_hidden();
            self.listener(index)?.asks_for_hidden = hidden;
        }
        let flag = u8::from(!self.listener(index)?.asks_for_hidden);
        self.ask(owner, &AVAIL_DATA_TCP, &[&[slot], &[flag]])?;
        if flag == 0 {
            self.found_news();
        }
        let listener = self.listener(index)?;
        if !listener.is_quiet() || listener.named.is_some() {
            self.found_news();
            return Ok(());
        }
        self.look_later(index, LOOK);
        Err(nb::Error::WouldBlock)
    }

    /// The chip named a slot of ours: it has unread data, or it is somebody else's by now.
    fn find_out_whose(&mut self, slot: u8) -> nb::Result<(), Error> {
        let at = |socket: &Socket| socket.slots().contains(&Some(slot));
        let Some(index) = self.state.sockets.iter().position(at) else { return Ok(()) };
        let index = u8::try_from(index).map_err(|_| Error::BadSocket)?;
        self.identify(index, Owner::Read(index)).map(|_| ())
    }

    fn listener(&mut self, index: u8) -> Result<&mut Listener, Error> {
        match &mut self.sound(index)?.kind {
            Kind::Listener(listener) => Ok(listener),
            _ => Err(Error::InvalidState),
        }
    }

    /// Called where the answer arrives, so that a connection is not lost when the caller gave up.
    pub(crate) fn accepted(&mut self, index: u8, answer: &Answer) {
        let hidden = self.listener(index).is_ok_and(|listener| listener.asks_for_hidden);
        match self.new_guest(answer, hidden) {
            Visit::Nobody => self.set_strange(index, 0),
            Visit::Guest(slot) => {
                let spawned = hidden || !self.state.firmware.accepts_silent();
                self.set_guest(index, Some(Guest::new(slot, spawned)));
            }
            Visit::Known(slot) if self.is_spawned(slot) => {
                self.set_strange(index, 0);
                self.set_named(index, slot);
            }
            // No listener names that: the number is a count of bytes, say, of a slot that is free.
            Visit::Known(_) => self.listener_is_strange(index),
            Visit::Strange => self.listener_is_strange(index),
        }
    }

    /// Who came in. Firmware without the accept flag also names connections that we have already,
    /// while they have unread data. From any other such an answer is garbled, and may hide one.
    /// So does any when it is asked for hidden ones.
    pub(crate) fn new_guest(&mut self, answer: &Answer, hidden: bool) -> Visit {
        let slots = self.state.firmware.slots();
        match answer.array() {
            Some([NO_SOCKET, 0]) => Visit::Nobody,
            Some([slot, 0]) if slot < slots && !self.slot_is_known(slot) => {
                self.state.left.remove(slot);
                Visit::Guest(slot)
            }
            _ if self.state.firmware.accepts_silent() && !hidden => {
                self.state.sweep = Some(0);
                Visit::Strange
            }
            Some([slot, 0]) => Visit::Known(slot),
            _ => Visit::Nobody,
        }
    }

    /// Whether one of ours came in by the firmware's own list.
    fn is_spawned(&self, slot: u8) -> bool {
        self.state.sockets.iter().any(|socket| {
            matches!(socket.kind, Kind::Stream(Stream { channel, identity: Some(_), .. })
                if channel == Channel::Slot(slot))
        })
    }

    /// One of ours was named, perhaps because it has unread data: that is asked about now and then.
    fn set_named(&mut self, index: u8, slot: u8) {
        let now = self.call.now();
        let worth_it = |socket: &Socket| {
            matches!(socket.kind, Kind::Stream(Stream { channel, identity: Some(identity), .. })
                if channel == Channel::Slot(slot) && identity.is_old(now))
        };
        if self.state.sockets.iter().any(worth_it)
            && let Ok(listener) = self.listener(index)
        {
            listener.named = Some(slot);
        }
    }

    /// A slot that answers no more as a listener does was freed by a command that was garbled on its
    /// way. Its port stays bound, and only a reset gives it back.
    fn listener_is_strange(&mut self, index: u8) {
        let Ok(Kind::Listener(listener)) = self.socket(index).map(|socket| socket.kind) else {
            return;
        };
        self.set_strange(index, listener.strange + 1);
        if listener.strange >= STRANGE {
            self.restart();
        }
    }

    fn set_strange(&mut self, index: u8, strange: u8) {
        if let Ok(socket) = self.socket(index)
            && let Kind::Listener(listener) = &mut socket.kind
        {
            listener.strange = strange;
        }
    }

    /// A connection that was being made ready is gone. Where the firmware goes on holding its slot,
    /// that gets a STOP.
    pub(crate) fn guest_ended(&mut self, index: u8) {
        self.set_guest(index, None);
        self.state.sweep = Some(0);
    }

    fn set_guest(&mut self, index: u8, guest: Option<Guest>) {
        if let Ok(socket) = self.socket(index)
            && let Kind::Listener(listener) = &mut socket.kind
        {
            listener.guest = guest;
        }
    }

    /// Brings a connection one step on. A descriptor of this firmware blocks the whole chip while
    /// its peer does not read, until it is told not to.
    fn receive_guest(&mut self, index: u8, guest: Guest) -> nb::Result<Guest, Error> {
        let owner = Owner::Read(index);
        let step = match guest.step {
            Step::Peer => {
                let answer = self.ask(owner, &GET_REMOTE_DATA, &[&[guest.slot]])?;
                let [a, b, c, d, high, low] = answer.array().ok_or(Error::Fault(Fault::Frame))?;
                let port = u16::from_be_bytes([high, low]);
                if port == 0 {
                    // Nobody is there: the slot was named by mistake, or its peer is gone.
                    self.set_guest(index, None);
                    self.state.sweep = Some(0);
                    self.listener_is_strange(index);
                    return Err(nb::Error::WouldBlock);
                }
                let peer = SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port);
                let first = *DESCRIPTORS.start();
                let helps = self.state.firmware.writes_can_be_unblocked();
                let step = if helps { Step::Find(first) } else { Step::Alive };
                return Ok(Guest { peer, step, seen: self.call.now(), ..guest });
            }
            Step::Find(fd) if !DESCRIPTORS.contains(&fd) && guest.again => Step::Alive,
            Step::Find(fd) if !DESCRIPTORS.contains(&fd) => {
                return Ok(Guest { step: Step::Peer, again: true, ..guest });
            }
            Step::Find(fd) if self.is_ours(fd) => Step::Find(fd + 1),
            Step::Find(fd) => {
                let answer = self.ask(owner, &GETPEERNAME, &[&[fd]])?;
                match answer.array() {
                    Some([1, a, b, c, d, low, high])
                        if guest.peer.ip().octets() == [a, b, c, d]
                            && guest.peer.port() == u16::from_le_bytes([low, high]) =>
                    {
                        Step::Unblock(fd)
                    }
                    _ => Step::Find(fd + 1),
                }
            }
            Step::Unblock(fd) => match self.unblock(owner, fd) {
                Ok(()) => Step::Ready(false),
                Err(nb::Error::Other(Error::Fault(REJECTED))) => Step::Ready(true),
                Err(error) => return Err(error),
            },
            Step::Alive => {
                // What the answer means for the guest is settled where it arrives.
                let alive = self.slot_is_alive(owner, guest.slot)?;
                if !alive {
                    return Err(nb::Error::WouldBlock);
                }
                Step::Ready(true)
            }
            Step::Ready(blocking) => Step::Ready(blocking),
        };
        Ok(Guest { step, ..guest })
    }

    /// Whether a descriptor is one of our outgoing connections, which cannot be a guest's.
    fn is_ours(&self, fd: u8) -> bool {
        self.state.sockets.iter().any(|socket| match socket.kind {
            Kind::Stream(stream) => stream.channel == Channel::Descriptor(fd),
            Kind::Connect(connect) => connect.channel() == Some(Channel::Descriptor(fd)),
            _ => false,
        })
    }

    fn admit(
        &mut self,
        index: u8,
        guest: Guest,
        blocking: bool,
    ) -> nb::Result<(SockFd, SocketAddr), Error> {
        let port = self.sound(index)?.port;
        let fd = self.shared.handles.open()?;
        self.set_guest(index, None);
        let place = self.index(fd)?;
        let socket = self.socket(place)?;
        let mut stream = Stream::new(Channel::Slot(guest.slot), blocking);
        stream.identity = guest.spawned.then_some(Identity::seen(guest.seen));
        socket.kind = Kind::Stream(stream);
        socket.peer = guest.peer;
        socket.port = port;
        Ok((fd, SocketAddr::V4(guest.peer)))
    }
}

/// After how many strange answers in a row a listener is given up.
const STRANGE: u8 = 3;
