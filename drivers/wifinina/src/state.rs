//! What the driver remembers, and the questions that cross the bus for it.

use core::time::Duration;

use netdev::{Error, Event, EventQueue, Fault, Instant};

use crate::boot::Power;
use crate::command::{self, Command};
use crate::exchange::{Call, Exchange, Flight, Owner, REJECTED};
use crate::firmware::Firmware;
use crate::frame::Answer;
use crate::identity::{Left, Spawned};
use crate::lookup::LookupState;
use crate::scan::Scan;
use crate::shared::Shared;
use crate::sockets::{Kind, SOCKETS, Socket};
use crate::spi::SpiLink;
use crate::strays::Kept;
use crate::wifi::Link;

/// Memory of a driver, brought by whoever makes one: a `static` on a board, leaked on a PC.
pub struct State<L> {
    pub(crate) exchange: Exchange<L>,
    pub(crate) power: Power,
    pub(crate) firmware: Firmware,
    pub(crate) sockets: [Socket; SOCKETS],
    pub(crate) kept: [Option<Kept>; SOCKETS],
    pub(crate) link: Link,
    pub(crate) lookup: LookupState,
    pub(crate) scan: Option<Scan>,
    /// The next slot to be looked after, when one may be held that nobody knows of.
    pub(crate) sweep: Option<u8>,
    /// Slots that came to be somebody else's.
    pub(crate) left: Left,
    pub(crate) spawned: Spawned,
    /// Whether any is held that nobody knows of is to be found out.
    pub(crate) audit: bool,
    /// A descriptor may be held that nobody knows of.
    pub(crate) descriptor_lost: bool,
    pub(crate) events: EventQueue<8>,
    boot_mail: Mail,
    link_mail: Mail,
    query_mail: Mail,
    lookup_mail: Mail,
    stray_mail: Mail,
    scan_mail: Mail,
    ping_mail: Mail,
    sweep_mail: Mail,
    /// Until when the bus is worth a look although GPIO0 is low.
    pub(crate) active_until: Instant,
    pub(crate) data_ready: bool,
    /// Since when GPIO0 has been high without anything being found.
    pub(crate) news_since: Option<Instant>,
}

impl<L> State<L> {
    /// A driver's memory around the lines to its chip. Nothing moves before the first call.
    pub const fn new(link: L) -> Self {
        Self {
            exchange: Exchange::new(link),
            power: Power::Off,
            firmware: Firmware::UNKNOWN,
            sockets: [const { Socket::FRESH }; SOCKETS],
            kept: [None; SOCKETS],
            link: Link::DOWN,
            lookup: LookupState::Free,
            events: EventQueue::new(),
            boot_mail: None,
            link_mail: None,
            query_mail: None,
            lookup_mail: None,
            stray_mail: None,
            scan_mail: None,
            ping_mail: None,
            sweep_mail: None,
            scan: None,
            sweep: None,
            left: Left::NONE,
            spawned: Spawned::NONE,
            audit: false,
            descriptor_lost: false,
            active_until: Instant::START,
            data_ready: false,
            news_since: None,
        }
    }
}

impl<L> core::fmt::Debug for State<L> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("State").field("firmware", &self.firmware).finish_non_exhaustive()
    }
}

/// An answer that its owner has not taken yet, with code and tag of the question.
pub(crate) type Mail = Option<(u8, u16, Result<Answer, Fault>)>;

/// The state, taken out for one call.
pub(crate) struct Core<'c, L> {
    pub(crate) state: &'c mut State<L>,
    pub(crate) shared: &'c Shared,
    pub(crate) call: Call<'c>,
}

impl<L: SpiLink> Core<'_, L> {
    /// What every call does first: boots the chip, puts answers that came where they belong, gives
    /// closed sockets back.
    pub(crate) fn enter(&mut self) -> nb::Result<(), Error> {
        self.power_up()?;
        self.settle();
        self.reap();
        Ok(())
    }

    /// Asks the chip, or fetches the answer of a question asked by an earlier call.
    ///
    /// An owner has one question out at a time; what an abandoned earlier one answered is dropped.
    pub(crate) fn ask(
        &mut self,
        owner: Owner,
        command: &'static Command,
        params: &[&[u8]],
    ) -> nb::Result<Answer, Error> {
        let tag = owner.tag(params);
        if let Some(answer) = self.take_mail(owner, command, Some(tag)) {
            return answer;
        }
        if !self.has_flight(owner, command, Some(tag))? {
            self.post(owner, command, params, 0)?;
        }
        self.settle();
        self.take_mail(owner, command, Some(tag)).unwrap_or(Err(nb::Error::WouldBlock))
    }

    /// The answer of a question that an earlier call asked, by whoever no longer knows what it was.
    pub(crate) fn answer_to(
        &mut self,
        owner: Owner,
        command: &'static Command,
    ) -> nb::Result<Answer, Error> {
        self.settle();
        match self.take_mail(owner, command, None) {
            Some(answer) => answer,
            None if self.is_out(owner) => Err(nb::Error::WouldBlock),
            None => Err(Error::InvalidState.into()),
        }
    }

    /// As [`ask`](Self::ask), for data, which goes straight to `buf`.
    pub(crate) fn ask_data(
        &mut self,
        owner: Owner,
        command: &'static Command,
        params: &[&[u8]],
        buf: &mut [u8],
    ) -> nb::Result<(usize, Answer), Error> {
        if let Some(answer) = self.take_mail(owner, command, None) {
            return answer.map(|answer| (0, answer));
        }
        if !self.has_flight(owner, command, None)? {
            self.post(owner, command, params, buf.len())?;
        }
        let fetched = self.state.exchange.fetch_data(&self.call, buf);
        if !matches!(fetched, Err(nb::Error::WouldBlock)) {
            self.mark_in_flight(owner, command, false);
        }
        fetched.map_err(|error| self.recovered(error))
    }

    /// As [`ask`](Self::ask), for a list of names, each of which is handed to `note`.
    pub(crate) fn ask_names(
        &mut self,
        owner: Owner,
        command: &'static Command,
        note: impl FnMut(&[u8]),
    ) -> nb::Result<(), Error> {
        if !self.has_flight(owner, command, None)? {
            self.post(owner, command, &[], 0)?;
        }
        let fetched = self.state.exchange.fetch_names(&self.call, note);
        fetched.map_err(|error| self.recovered(error))
    }

    /// Fetches the answer that is due, if it has come, and puts it where its owner will look. An
    /// answer that is data waits for its owner.
    pub(crate) fn settle(&mut self) {
        let Some(flight) = self.state.exchange.flight().filter(|flight| !flight.is_data()) else {
            return;
        };
        match self.state.exchange.fetch(&self.call) {
            Ok(answer) => self.deliver(flight, Ok(answer)),
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(fault)) => {
                self.deliver(flight, Err(fault));
                self.recover(fault);
            }
        }
    }

    /// Drops what an owner has not fetched.
    pub(crate) fn drop_mail(&mut self, owner: Owner) {
        if let Some(mail) = self.mail(owner) {
            *mail = None;
        }
    }

    fn has_flight(
        &mut self,
        owner: Owner,
        command: &Command,
        tag: Option<u16>,
    ) -> nb::Result<bool, Error> {
        let Some(flight) = self.state.exchange.flight() else { return Ok(false) };
        let same = tag.is_none_or(|tag| tag == flight.tag);
        if flight.owner == owner && flight.command.code == command.code && same {
            return Ok(true);
        }
        if flight.is_data() {
            self.discard_orphan(flight);
        }
        if self.state.exchange.flight().is_some() { Err(nb::Error::WouldBlock) } else { Ok(false) }
    }

    /// Data whose reader does not come back blocks the chip for everybody. It is dropped then, and
    /// its socket fails: never are bytes missing without an error.
    pub(crate) fn discard_orphan(&mut self, flight: Flight) {
        let index = match flight.owner {
            Owner::Read(index) => Some(index),
            _ => None,
        };
        let closing = index.is_some_and(|it| {
            let doomed = self.socket(it).is_ok_and(|socket| matches!(socket.kind, Kind::Doomed(_)));
            doomed || self.shared.handles.is_closing(usize::from(it))
        });
        if !closing && self.call.now().saturating_since(flight.since) < ORPHAN {
            return;
        }
        match self.state.exchange.discard(&self.call) {
            Ok(()) => {
                if let Some(index) = index {
                    self.fail_socket(index, Error::Fault(Fault::Unresponsive));
                }
            }
            Err(nb::Error::WouldBlock) => {}
            Err(nb::Error::Other(fault)) => self.recover(fault),
        }
    }

    fn post(
        &mut self,
        owner: Owner,
        command: &'static Command,
        params: &[&[u8]],
        asked: usize,
    ) -> nb::Result<(), Error> {
        if !is_poll(command) {
            self.stir();
        }
        let posted = self.state.exchange.post(&self.call, owner, command, params, asked);
        posted.map_err(|error| self.recovered(error))?;
        self.mark_in_flight(owner, command, true);
        Ok(())
    }

    fn recovered(&mut self, error: nb::Error<Fault>) -> nb::Error<Error> {
        error.map(|fault| {
            self.recover(fault);
            Error::Fault(fault)
        })
    }

    fn deliver(&mut self, flight: Flight, answer: Result<Answer, Fault>) {
        match &answer {
            Ok(answer) => self.note(flight, answer),
            Err(_) => self.note_garbled(flight),
        }
        if let Some(mail) = self.mail(flight.owner) {
            *mail = Some((flight.command.code, flight.tag, answer));
        }
    }

    /// What an answer means for the chip's slots counts at once, whether or not its owner is there:
    /// the next command may hand out the same slot.
    fn note(&mut self, flight: Flight, answer: &Answer) {
        const ACCEPT: u8 = command::AVAIL_DATA_TCP.code;
        const STATE: u8 = command::GET_CLIENT_STATE_TCP.code;
        match (flight.command.code, flight.owner) {
            (ACCEPT, Owner::Read(index)) => self.accepted(index, answer),
            (ACCEPT, Owner::Stray(place)) => self.strayed(place, answer),
            (STATE, Owner::Read(index) | Owner::Write(index))
                if answer.byte() != Some(command::STATE_CONNECTED) =>
            {
                self.slot_ended(index);
            }
            _ => {}
        }
    }

    /// What the chip may have given away in an answer that nobody could read.
    fn note_garbled(&mut self, flight: Flight) {
        match flight.command.code {
            code if code == command::AVAIL_DATA_TCP.code => self.state.sweep = Some(0),
            code if code == command::SOCKET.code => self.state.descriptor_lost = true,
            _ => {}
        }
    }

    /// What an owner has asked and not fetched yet: the code.
    pub(crate) fn under_way(&mut self, owner: Owner) -> Option<u8> {
        let flight = self.state.exchange.flight().filter(|flight| flight.owner == owner);
        let out = flight.map(|flight| flight.command.code);
        out.or_else(|| self.mail(owner)?.as_ref().map(|(code, ..)| *code))
    }

    /// What does not answer this very question is dropped.
    fn take_mail(
        &mut self,
        owner: Owner,
        command: &Command,
        tag: Option<u16>,
    ) -> Option<nb::Result<Answer, Error>> {
        let (code, its_tag, answer) = self.mail(owner)?.take()?;
        self.mark_in_flight(owner, command, false);
        (code == command.code && tag.is_none_or(|tag| tag == its_tag))
            .then(|| answer.map_err(|fault| nb::Error::Other(Error::Fault(fault))))
    }

    /// Notes whether the chip has bytes of a caller's, or bytes for one.
    fn mark_in_flight(&self, owner: Owner, command: &Command, on: bool) {
        const SENDS: [u8; 4] = [
            command::SEND_DATA_TCP.code,
            command::SEND_DATA_UDP.code,
            command::SEND.code,
            command::SENDTO.code,
        ];
        let code = command.code;
        match owner {
            Owner::Read(index) if command.data => {
                self.shared.set_in_flight(usize::from(index), netdev::Side::Read, on);
            }
            Owner::Write(index) if SENDS.contains(&code) => {
                self.shared.set_in_flight(usize::from(index), netdev::Side::Write, on);
            }
            _ => {}
        }
    }

    fn mail(&mut self, owner: Owner) -> Option<&mut Mail> {
        let state = &mut *self.state;
        Some(match owner {
            Owner::Boot => &mut state.boot_mail,
            Owner::Link => &mut state.link_mail,
            Owner::Query => &mut state.query_mail,
            Owner::Lookup => &mut state.lookup_mail,
            Owner::Stray(_) => &mut state.stray_mail,
            Owner::Scan => &mut state.scan_mail,
            Owner::Ping => &mut state.ping_mail,
            Owner::Sweep => &mut state.sweep_mail,
            Owner::Read(index) => &mut state.sockets.get_mut(usize::from(index))?.read_mail,
            Owner::Write(index) => &mut state.sockets.get_mut(usize::from(index))?.write_mail,
        })
    }

    /// Brings bus and chip back to a known state after a fault.
    fn recover(&mut self, fault: Fault) {
        if fault == REJECTED {
            return;
        }
        netdev::warn!("wifinina: {:?}, resynchronising", fault);
        self.state.events.push(Event::Fault(fault));
        let in_phase = fault != Fault::Bus && self.state.exchange.resynchronise(&self.call);
        if !in_phase {
            self.restart();
        }
    }

    /// The chip has no descriptor left. If one of them is lost, only a reset brings it back.
    pub(crate) fn out_of_descriptors(&mut self) -> Error {
        if self.state.descriptor_lost {
            self.restart();
            return Error::Fault(Fault::Restarted);
        }
        Error::NoSockets
    }

    /// Resets the chip: what it held is gone, and everybody who had something there is told.
    pub(crate) fn restart(&mut self) {
        if self.state.power != Power::On {
            self.give_up();
            return;
        }
        netdev::warn!("wifinina: resetting the chip");
        self.state.exchange.forget();
        self.state.power = Power::Off;
        let gone = Error::Fault(Fault::Restarted);
        for index in (0_u8..).take(SOCKETS) {
            self.lose_socket(index, gone);
        }
        self.state.kept = [None; SOCKETS];
        self.state.scan = None;
        self.state.sweep = None;
        self.state.left = Left::NONE;
        self.state.spawned = Spawned::NONE;
        self.state.audit = false;
        self.state.descriptor_lost = false;
        for owner in [
            Owner::Boot,
            Owner::Link,
            Owner::Query,
            Owner::Stray(0),
            Owner::Scan,
            Owner::Ping,
            Owner::Sweep,
        ] {
            self.drop_mail(owner);
        }
        self.lose_lookup();
        self.link_is_down(gone);
        self.state.link.static_address = None;
    }
}

/// Questions of the kind that are asked again and again while nothing happens.
fn is_poll(command: &Command) -> bool {
    [
        command::AVAIL_DATA_TCP.code,
        command::GET_DATABUF_TCP.code,
        command::GET_CLIENT_STATE_TCP.code,
        command::RECV.code,
        command::RECVFROM.code,
        command::POLL.code,
        command::GET_CONN_STATUS.code,
    ]
    .contains(&command.code)
}

/// How long data may wait for its reader while somebody else wants the chip.
const ORPHAN: Duration = Duration::from_secs(1);
