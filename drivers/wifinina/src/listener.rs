//! Listeners, and the connections that come in through them.
//!
//! This firmware cannot close a listener: STOP frees its slot and leaves the port bound. So a closed
//! listener is kept, emptied of strays, and handed out again for the same port.

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Fault, Instant, SockFd};

use crate::command::{
    AVAIL_DATA_TCP, DESCRIPTORS, GET_REMOTE_DATA, GET_SOCKET, GET_STATE_TCP, GETPEERNAME,
    NO_SOCKET, START_SERVER_TCP, STOP_CLIENT_TCP, TCP_MODE,
};
use crate::datagram::Opening;
use crate::exchange::{Owner, REJECTED};
use crate::frame::Answer;
use crate::sockets::{Channel, Kind, SOCKETS};
use crate::spi::SpiLink;
use crate::state::Core;
use crate::stream::Stream;

/// A listener of the chip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener {
    slot: u8,
    /// A connection that was taken off the chip's queue and is being made ready.
    guest: Option<Guest>,
}

impl Listener {
    pub(crate) fn new(slot: u8) -> Self {
        Self { slot, guest: None }
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
struct Guest {
    slot: u8,
    peer: SocketAddrV4,
    step: Step,
}

impl Guest {
    fn new(slot: u8) -> Self {
        let unknown = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        Self { slot, peer: unknown, step: Step::Peer }
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
    /// Ready; `true`: it could not be made non-blocking.
    Ready(bool),
}

/// A listener that nobody holds any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    slot: u8,
    port: u16,
    /// When it is next looked after.
    look_at: Instant,
    /// A connection that came in meanwhile and is to be closed.
    stray: Option<u8>,
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

    /// The port of a listener that nobody holds: taken first where the choice is ours, since the chip
    /// goes on spending a socket on it.
    fn idle_listener(&self, index: u8) -> Option<u16> {
        let mut kept = self.state.kept.iter().flatten().map(|kept| kept.port);
        kept.find(|&port| !self.port_is_taken(index, port))
    }

    /// Gives a socket a port that the caller left to us.
    pub(crate) fn choose_port(&mut self, index: u8, others: u8) -> Result<(), Error> {
        let port = self.ephemeral_port(index);
        let socket = self.socket(index)?;
        socket.port = port;
        socket.other_ports = others;
        Ok(())
    }

    /// The chip says that the port is taken: tries another, where that is ours to choose.
    pub(crate) fn port_was_taken(&mut self, index: u8) -> Result<(), Error> {
        let socket = self.socket(index)?;
        socket.port = 0;
        let others = socket.other_ports.checked_sub(1).ok_or(Error::AddrInUse)?;
        self.choose_port(index, others)
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
                        NO_SOCKET => return Err(Error::NoSockets.into()),
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
        let answer = match self.ask(owner, &START_SERVER_TCP, &params) {
            // Garbled: it may listen or not, and to start it twice would leak a socket.
            Err(nb::Error::Other(_)) => self.ask(owner, &GET_STATE_TCP, &[&[slot]]),
            answer => answer,
        }?;
        if answer.is_zero() {
            self.sound(index)?.kind = Kind::Fresh;
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
        if !self.may_look(index)? {
            return Err(nb::Error::WouldBlock);
        }
        self.ask(owner, &AVAIL_DATA_TCP, &[&[slot], &[1]])?;
        if matches!(self.socket(index)?.kind, Kind::Listener(it) if !it.is_quiet()) {
            return Ok(());
        }
        self.look_later(index, LOOK);
        Err(nb::Error::WouldBlock)
    }

    /// Called where the answer arrives, so that a connection is not lost when the caller gave up.
    pub(crate) fn accepted(&mut self, index: u8, answer: &Answer) {
        if let Some(slot) = self.new_guest(answer) {
            self.set_guest(index, Some(Guest::new(slot)));
        }
    }

    /// The slot of a connection that came in. Firmware without the accept flag also names those that
    /// we have already, while they have unread data.
    fn new_guest(&self, answer: &Answer) -> Option<u8> {
        let fresh = self.state.firmware.accepts_silent();
        guest_slot(answer).filter(|&slot| fresh || !self.slot_is_known(slot))
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
                    return Err(nb::Error::WouldBlock);
                }
                let peer = SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port);
                let first = *DESCRIPTORS.start();
                let helps = self.state.firmware.writes_can_be_unblocked();
                let step = if helps { Step::Find(first) } else { Step::Ready(true) };
                return Ok(Guest { peer, step, ..guest });
            }
            Step::Find(fd) if !DESCRIPTORS.contains(&fd) => Step::Ready(true),
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
        socket.kind = Kind::Stream(Stream::new(Channel::Slot(guest.slot), blocking));
        socket.peer = guest.peer;
        socket.port = port;
        Ok((fd, SocketAddr::V4(guest.peer)))
    }

    /// A listener was closed. Keeps it; whether that is done.
    pub(crate) fn keep(&mut self, index: u8, listener: Listener) -> bool {
        let port = self.socket(index).map_or(0, |socket| socket.port);
        let stray = listener.guest.map(|guest| guest.slot);
        let kept = Kept { slot: listener.slot, port, look_at: Instant::START, stray };
        match self.state.kept.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(kept);
                true
            }
            None => false,
        }
    }

    /// Closes what came in on listeners that nobody holds, so that GPIO0 can fall again.
    pub(crate) fn drain_strays(&mut self) {
        for place in (0_u8..).take(SOCKETS) {
            let Some(kept) = self.kept(place).copied() else { continue };
            let owner = Owner::Stray(place);
            if let Some(slot) = kept.stray {
                let stopped = self.ask(owner, &STOP_CLIENT_TCP, &[&[slot]]).is_ok();
                if let Some(kept) = self.kept(place).filter(|_| stopped) {
                    kept.stray = None;
                }
            } else if self.is_out(owner)
                || (self.call.now() >= kept.look_at && self.bus_may_have_news())
            {
                let asked = self.ask(owner, &AVAIL_DATA_TCP, &[&[kept.slot], &[1]]);
                let look_at = self.call.now() + STRAYS;
                if let Some(kept) = self.kept(place).filter(|_| asked.is_ok()) {
                    kept.look_at = look_at;
                }
            }
        }
    }

    /// After a garbled answer to AVAIL_DATA_TCP a connection may hold a slot that nobody knows of.
    /// STOP does nothing to a free slot, so every slot that is not ours gets one.
    pub(crate) fn sweep(&mut self) {
        while let Some(slot) = self.state.sweep {
            let ours = self.slot_is_known(slot);
            if !ours && self.ask(Owner::Sweep, &STOP_CLIENT_TCP, &[&[slot]]) == WOULD_BLOCK {
                return;
            }
            let next = slot + 1;
            self.state.sweep = Some(next).filter(|&next| next < self.state.firmware.slots());
        }
    }

    fn slot_is_known(&self, slot: u8) -> bool {
        let kept = self.state.kept.iter().flatten();
        let mut kept = kept.flat_map(|kept| [Some(kept.slot), kept.stray]);
        let mut sockets = self.state.sockets.iter().flat_map(|socket| socket.slots());
        kept.any(|it| it == Some(slot)) || sockets.any(|it| it == Some(slot))
    }

    /// Called where the answer arrives.
    pub(crate) fn strayed(&mut self, place: u8, answer: &Answer) {
        let stray = self.new_guest(answer);
        if let Some(kept) = self.kept(place) {
            kept.stray = stray;
        }
    }

    fn kept(&mut self, place: u8) -> Option<&mut Kept> {
        self.state.kept.get_mut(usize::from(place))?.as_mut()
    }

    /// A kept listener for this port. A stray it has becomes its first connection.
    fn kept_for(&mut self, port: u16) -> nb::Result<Option<Listener>, Error> {
        for place in (0_u8..).take(SOCKETS) {
            if self.kept(place).is_none_or(|kept| kept.port != port) {
                continue;
            }
            if self.is_out(Owner::Stray(place)) {
                return Err(nb::Error::WouldBlock);
            }
            let kept = self.state.kept.get_mut(usize::from(place)).and_then(Option::take);
            return Ok(
                kept.map(|kept| Listener { slot: kept.slot, guest: kept.stray.map(Guest::new) })
            );
        }
        Ok(None)
    }

    fn port_is_taken(&self, index: u8, port: u16) -> bool {
        (0_u8..).zip(&self.state.sockets).any(|(other, socket)| {
            let same = self.state.sockets.get(usize::from(index)).map(|it| it.dgram);
            let bound = !matches!(socket.kind, Kind::Stream(_) | Kind::Ended);
            other != index && bound && socket.port == port && same == Some(socket.dgram)
        })
    }

    /// A port of RFC 6335's dynamic range, at random where the platform has random numbers.
    fn ephemeral_port(&mut self, index: u8) -> u16 {
        let mut seed = [0; 2];
        if self.call.platform.fill_random(&mut seed).is_err() {
            let [.., high, low] = self.call.now().as_micros().to_be_bytes();
            seed = [high, low];
        }
        let mut port = u16::from_be_bytes(seed) | 0xC000;
        while self.port_is_taken(index, port) {
            port = port.wrapping_add(1) | 0xC000;
        }
        port
    }
}

/// The slot that AVAIL_DATA_TCP answers for a listener; 255 is none.
fn guest_slot(answer: &Answer) -> Option<u8> {
    match answer.array()? {
        [NO_SOCKET, 0] => None,
        [slot, 0] => Some(slot),
        _ => None,
    }
}

/// "Not yet", as an answer to compare with.
const WOULD_BLOCK: nb::Result<Answer, Error> = Err(nb::Error::WouldBlock);
/// How many ports of our own choice are tried.
pub(crate) const OTHER_PORTS: u8 = 8;
/// Between two looks for a connection that find none.
const LOOK: Duration = Duration::from_micros(1_500);
/// Between two looks after a listener that nobody holds.
const STRAYS: Duration = Duration::from_millis(100);
