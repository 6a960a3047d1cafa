//! What the driver remembers, and the questions that cross the line for it.

use core::time::Duration;

use netdev::{Error, Event, EventQueue, Fault, Instant, Platform};
use netdev_uart::UartLink;

use crate::boot::Power;
use crate::codec::{Answer, Value};
use crate::exchange::{Exchange, Flight, Heard, Owner};
use crate::look::Look;
use crate::lookup::LookupState;
use crate::method::{Method, errno, lwip};
use crate::scan::Scan;
use crate::shared::Shared;
use crate::sockets::{SOCKETS, Socket};
use crate::turn::Refused;
use crate::wifi::Link;

/// Memory of a driver, brought by whoever makes one: a `static` on a board, leaked on a PC.
///
/// `ROOM` bytes of it hold what the chip sends until it is whole and its checksum was found right: no
/// more is received at a time.
pub struct State<L, const ROOM: usize = 4080> {
    pub(crate) inner: Inner<L>,
    pub(crate) data: [u8; ROOM],
}

impl<L, const ROOM: usize> State<L, ROOM> {
    /// A driver's memory around the line to its chip. Nothing moves before the first call.
    pub const fn new(link: L) -> Self {
        let inner = Inner {
            exchange: Exchange::new(link),
            power: Power::Off,
            sockets: [const { Socket::FRESH }; SOCKETS],
            link: Link::DOWN,
            lookup: LookupState::Free,
            scan: Scan::Idle,
            look: Look::NONE,
            sweep: None,
            refused: None,
            events: EventQueue::new(),
            link_mail: None,
            query_mail: None,
            lookup_mail: None,
        };
        Self { inner, data: [0; ROOM] }
    }
}

impl<L, const ROOM: usize> core::fmt::Debug for State<L, ROOM> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("State").field("room", &ROOM).finish_non_exhaustive()
    }
}

/// All of it that does not depend on how much room there is for data.
pub(crate) struct Inner<L> {
    pub(crate) exchange: Exchange<L>,
    pub(crate) power: Power,
    pub(crate) sockets: [Socket; SOCKETS],
    pub(crate) link: Link,
    pub(crate) lookup: LookupState,
    pub(crate) scan: Scan,
    pub(crate) look: Look,
    /// The next number to be looked after, when the chip may hold one that nobody knows of.
    pub(crate) sweep: Option<u8>,
    /// Whose turn is next.
    pub(crate) refused: Refused,
    pub(crate) events: EventQueue<8>,
    link_mail: Mail,
    query_mail: Mail,
    lookup_mail: Mail,
}

/// An answer that its owner has not taken yet, and the question.
pub(crate) type Mail = Option<(Owner, &'static Method, Result<Answer, Fault>)>;

/// One call into the driver.
pub(crate) struct Call<'c> {
    pub(crate) platform: &'c dyn Platform,
    /// Until when it may feed the line.
    pub(crate) until: Instant,
}

impl<'c> Call<'c> {
    /// A call that starts now.
    pub(crate) fn begin(platform: &'c dyn Platform) -> Self {
        Self { platform, until: platform.now() + CALL }
    }

    pub(crate) fn now(&self) -> Instant {
        self.platform.now()
    }
}

/// The state, taken out for one call.
pub(crate) struct Core<'c, L> {
    pub(crate) state: &'c mut Inner<L>,
    pub(crate) data: &'c mut [u8],
    pub(crate) shared: &'c Shared,
    pub(crate) call: Call<'c>,
}

impl<L: UartLink> Core<'_, L> {
    /// What every call does first: boots the chip, puts answers that came where they belong, gives
    /// closed sockets back.
    pub(crate) fn enter(&mut self) -> nb::Result<(), Error> {
        self.power_up()?;
        self.settle();
        self.power_up()?;
        self.reap();
        Ok(())
    }

    /// Asks the chip, or fetches the answer of a question asked by an earlier call.
    ///
    /// An owner has one question out at a time; what an abandoned earlier one answered is dropped.
    pub(crate) fn ask(
        &mut self,
        owner: Owner,
        method: &'static Method,
        values: &[Value<'_>],
    ) -> nb::Result<Answer, Error> {
        if let Some(answer) = self.take_mail(owner, method) {
            return answer;
        }
        if !self.has_flight(owner, method) {
            self.post(owner, method, values, (0, 0, 0))?;
        }
        self.feed(owner, values);
        self.take_mail(owner, method).unwrap_or(Err(nb::Error::WouldBlock))
    }

    /// Begins a call, unless another one is out.
    pub(crate) fn post(
        &mut self,
        owner: Owner,
        method: &'static Method,
        values: &[Value<'_>],
        answer: (usize, usize, u8),
    ) -> nb::Result<(), Error> {
        let now = self.call.now();
        if self.state.exchange.is_orphaned(now) {
            self.spoil();
        }
        if self.is_out(Owner::Look) && !matches!(owner, Owner::Read(_) | Owner::Query(_)) {
            self.state.look.was_in_the_way(now);
        }
        let swept = self.state.sweep.is_none() || owner == Owner::Sweep;
        if !swept {
            return Err(nb::Error::WouldBlock);
        }
        if !self.state.exchange.is_free() {
            self.was_refused(owner);
            return Err(nb::Error::WouldBlock);
        }
        // What has to be cleared up is nobody's turn.
        if owner != Owner::Sweep && self.yields(owner) {
            return Err(nb::Error::WouldBlock);
        }
        self.had_its_turn(owner);
        if !self.state.exchange.post(now, owner, method, values, answer) {
            return Err(Error::InvalidInput.into());
        }
        Ok(())
    }

    /// Gives up a call of which the chip does not have all. Its owner can make it again.
    pub(crate) fn spoil(&mut self) {
        let owner = self.state.exchange.spoil();
        if let Some(Owner::Write(index)) = owner
            && let Ok(socket) = self.socket(index)
        {
            socket.sending = 0;
            self.shared.set_sending(usize::from(index), false);
        }
    }

    /// Fetches an answer without asking again.
    pub(crate) fn answer(
        &mut self,
        owner: Owner,
        method: &'static Method,
    ) -> nb::Result<Answer, Error> {
        self.take_mail(owner, method).unwrap_or(Err(nb::Error::WouldBlock))
    }

    /// Gives the line of the call that is out what it takes within the time of this call. What the
    /// line takes at once is much where it has a ring, and little where it has a few bytes of FIFO:
    /// only then is it worth staying.
    fn feed(&mut self, owner: Owner, values: &[Value<'_>]) {
        let data = values.iter().find_map(|value| match value {
            Value::Data(data) => Some(*data),
            _ => None,
        });
        let Some(data) = data.filter(|_| self.is_out(owner)) else { return self.settle() };
        for _ in 0..LOOKS {
            let now = self.call.now();
            if self.state.exchange.transmit(now, Some(data)).is_err() {
                netdev::warn!("rtl8720dn: the serial line failed");
                return self.silence(Fault::Bus);
            }
            let sent = self.state.exchange.flight().is_none_or(Flight::is_sent);
            if sent || now >= self.call.until || self.state.exchange.took_much() {
                break;
            }
        }
        self.settle();
    }

    /// Gives the line what it takes, and puts what came where it belongs.
    pub(crate) fn settle(&mut self) {
        for _ in 0..SETTLES {
            let now = self.call.now();
            if self.state.exchange.transmit(now, None).is_err() {
                return self.silence(Fault::Bus);
            }
            match self.state.exchange.hear(now, self.data) {
                None => return self.ask_ahead(),
                Some(heard) => self.heard(heard),
            }
        }
    }

    pub(crate) fn heard(&mut self, heard: Heard) {
        match heard {
            Heard::Answer(flight, answer, data) => self.deliver(flight, Ok(answer), data),
            Heard::Lost(flight, fault) => {
                let Method { service, id, .. } = *flight.method;
                netdev::warn!("rtl8720dn: no answer to {}.{}", service, id);
                self.state.events.push(Event::Fault(fault));
                self.deliver(flight, Err(fault), 0);
            }
            Heard::Event(event) => self.link_event(&event),
            Heard::Silence(fault) => self.silence(fault),
        }
    }

    fn has_flight(&self, owner: Owner, method: &Method) -> bool {
        let flight = self.state.exchange.flight();
        flight.is_some_and(|flight| flight.owner == owner && *flight.method == *method)
    }

    /// What an answer means for the chip's sockets counts at once, whether or not its owner is there.
    fn deliver(&mut self, flight: Flight, answer: Result<Answer, Fault>, data: usize) {
        let result = answer.as_ref().ok().and_then(Answer::result);
        let method = flight.method;
        let errno = answer.as_ref().map_or(0, |answer| answer.errno);
        let forgotten = errno == errno::EBADF && *method != lwip::CLOSE;
        let gives = [lwip::SOCKET.id, lwip::ACCEPT.id].contains(&method.id);
        let held = result.and_then(|id| u8::try_from(id).ok()).is_some_and(|id| self.is_held(id));
        // The chip was reset behind our back: it does not know a number that is held here, or gives
        // it away once more.
        if forgotten || (method.service == lwip::SOCKET.service && gives && held) {
            self.state.events.push(Event::Fault(Fault::Restarted));
            return self.restart();
        }
        match flight.owner {
            Owner::Look => return self.looked(flight.note, result),
            Owner::Read(index) if method.id == lwip::ACCEPT.id => {
                return self.accepted(index, &answer);
            }
            Owner::Read(index) if *method == lwip::GETPEERNAME => {
                return self.introduced(index, &answer);
            }
            Owner::Read(index) => return self.received(index, &flight, &answer, data),
            Owner::Scan => return self.scanned(&flight, &answer, data),
            Owner::Write(index) if *method == lwip::SOCKET => self.created(index, result),
            _ => {}
        }
        if let Some(mail) = self.mail(flight.owner) {
            *mail = Some((flight.owner, method, answer));
        }
    }

    /// The chip has given a socket away, or nobody knows whether it has.
    fn created(&mut self, index: u8, result: Option<i32>) {
        match result {
            Some(id) => {
                if let (Ok(socket), Ok(id)) = (self.socket(index), u8::try_from(id)) {
                    socket.id = Some(id);
                }
            }
            None => self.state.sweep = Some(0),
        }
    }

    fn take_mail(&mut self, owner: Owner, method: &Method) -> Option<nb::Result<Answer, Error>> {
        let (whose, asked, answer) = self.mail(owner)?.take()?;
        (whose == owner && *asked == *method)
            .then(|| answer.map_err(|fault| nb::Error::Other(Error::Fault(fault))))
    }

    pub(crate) fn drop_mail(&mut self, owner: Owner) {
        if let Some(mail) = self.mail(owner) {
            *mail = None;
        }
    }

    fn mail(&mut self, owner: Owner) -> Option<&mut Mail> {
        let state = &mut *self.state;
        Some(match owner {
            Owner::Boot | Owner::Link => &mut state.link_mail,
            Owner::Query(_) | Owner::Sweep => &mut state.query_mail,
            Owner::Lookup => &mut state.lookup_mail,
            Owner::Look | Owner::Read(_) | Owner::Scan => return None,
            Owner::Write(index) => &mut state.sockets.get_mut(usize::from(index))?.mail,
        })
    }

    /// The chip has forgotten everything: whoever had something there is told.
    pub(crate) fn lose_everything(&mut self, gone: Error) {
        self.state.exchange.forget();
        self.lose_sockets(gone);
        self.state.look = Look::NONE;
        self.state.sweep = None;
        self.state.scan = Scan::Idle;
        for owner in [Owner::Link, Owner::Query(0), Owner::Lookup] {
            self.drop_mail(owner);
        }
        self.lose_lookup();
        self.link_is_down(gone);
    }
}

/// How long one call may feed the line.
const CALL: Duration = Duration::from_millis(2);
/// Most looks whether the line takes more, should the clock stand still.
const LOOKS: u32 = 20_000;
/// Most messages that one call takes in.
const SETTLES: u32 = 16;
