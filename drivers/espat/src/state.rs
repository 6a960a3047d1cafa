//! What the driver remembers, and what every call does first.

use core::time::Duration;

use netdev::{Error, Event, EventQueue, Fault, Instant, Platform};
use netdev_uart::UartLink;

use crate::boot::{Boot, Power};
use crate::command::Command;
use crate::exchange::{Exchange, Sink};
use crate::firmware::Firmware;
use crate::links::{LINKS, Link};
use crate::lookup::LookupState;
use crate::op::Op;
use crate::query::{Mail, Mails, Reply};
use crate::resync::Resync;
use crate::shared::Shared;
use crate::sockets::{SOCKETS, Socket};
use crate::stash::Stash;
use crate::time::TimeKeeper;
use crate::wifi::WifiLink;

/// Memory of a driver, brought by whoever makes one: a `static` on a board, leaked on a PC.
///
/// `STASH` bytes of it hold datagrams that nobody has read yet, and what a reader left behind who
/// gave up. Less than the largest datagram expected, and 11 bytes, loses that datagram.
pub struct State<L, const STASH: usize = 2048> {
    pub(crate) exchange: Exchange<L>,
    pub(crate) boot: Boot,
    pub(crate) resync: Resync,
    pub(crate) firmware: Firmware,
    pub(crate) links: [Link; LINKS],
    pub(crate) sockets: [Socket; SOCKETS],
    pub(crate) stash: Stash<STASH>,
    pub(crate) wifi: WifiLink,
    pub(crate) lookup: LookupState,
    pub(crate) time: TimeKeeper,
    pub(crate) mails: Mails,
    /// What the answer that comes in has said so far.
    pub(crate) reply: Reply,
    pub(crate) events: EventQueue<8>,
    /// The last tag that was given to a connection.
    pub(crate) tag: u8,
    /// Data come by themselves on links that nobody set otherwise.
    pub(crate) active: bool,
    /// The module names senders (CIPDINFO).
    pub(crate) senders: bool,
    /// All links were last set to passive receive, where the firmware knows no other way.
    pub(crate) passive: bool,
    /// A line of a scan waits for its caller.
    pub(crate) scan_line_held: bool,
    /// The module listens, or may.
    pub(crate) serving: bool,
    /// Who waited longest for the line, and since when.
    pub(crate) waiting: Option<(Op, Instant)>,
}

impl<L, const STASH: usize> State<L, STASH> {
    /// A driver's memory around the line to its module, which runs at 115,200 bits a second. Nothing
    /// moves before the first call.
    pub const fn new(link: L) -> Self {
        Self {
            exchange: Exchange::new(link),
            boot: Boot::new(),
            resync: Resync::new(),
            firmware: Firmware::UNKNOWN,
            links: [const { Link::FREE }; LINKS],
            sockets: [const { Socket::FRESH }; SOCKETS],
            stash: Stash::new(),
            wifi: WifiLink::DOWN,
            lookup: LookupState::Free,
            time: TimeKeeper::new(),
            mails: Mails::new(),
            reply: Reply::NOTHING,
            events: EventQueue::new(),
            tag: 0,
            active: false,
            senders: false,
            passive: false,
            scan_line_held: false,
            serving: false,
            waiting: None,
        }
    }

    /// The same with a line that runs at another rate. A module that does not answer there is looked
    /// for at the usual ones, where the line can change its own.
    #[must_use]
    pub const fn at_baud(mut self, baud: u32) -> Self {
        self.exchange.baud = baud;
        self.boot.first_baud = baud;
        self
    }

    /// The same, and the module is asked to go to this rate once it is found. If it does not
    /// understand us there, both go back.
    #[must_use]
    pub const fn raised_to(mut self, baud: u32) -> Self {
        self.boot.wanted_baud = Some(baud);
        self
    }

    /// The same with RTS and CTS wired both ways, which the module is then told to obey.
    #[must_use]
    pub const fn with_flow_control(mut self) -> Self {
        self.boot.flow_control = true;
        self
    }

    /// The same with received data that come by themselves instead of being asked for: no round trip
    /// for each read, and no way to hold a peer up. What the line's ring and the stash cannot hold is
    /// lost, and its connection fails; so this wants [flow control](Self::with_flow_control) or a
    /// program that always reads.
    #[must_use]
    pub const fn receiving_actively(mut self) -> Self {
        self.active = true;
        self
    }

    /// The same with a module that sets its clock by SNTP, from this server, once it has joined. It
    /// then gives the platform its time, if that has none of its own.
    #[must_use]
    pub const fn keeping_time(mut self, server: &'static str) -> Self {
        self.time.server = Some(server);
        self
    }
}

impl<L, const STASH: usize> core::fmt::Debug for State<L, STASH> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("State").field("firmware", &self.firmware).finish_non_exhaustive()
    }
}

/// The state, taken out for one call.
pub(crate) struct Core<'c, L, const N: usize> {
    pub(crate) state: &'c mut State<L, N>,
    pub(crate) shared: &'c Shared,
    pub(crate) platform: &'c dyn Platform,
    pub(crate) now: Instant,
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// What every call does first: boots the module, takes what has come, does what is due.
    pub(crate) fn enter(&mut self, sink: &mut Sink<'_>) -> nb::Result<(), Error> {
        self.move_line(sink);
        self.power_up()?;
        self.tend();
        self.write_out();
        Ok(())
    }

    /// Takes what has come over the line, and gives it what can go.
    pub(crate) fn move_line(&mut self, sink: &mut Sink<'_>) {
        self.pump(sink);
        self.check_time();
        self.write_out();
    }

    /// Goes on with the command that is out.
    pub(crate) fn write_out(&mut self) {
        if self.state.exchange.write_command(self.now).is_err() {
            self.line_failed();
        }
    }

    /// Whether a command may go out now, for this purpose. Who has waited long goes first.
    pub(crate) fn may_start(&mut self, op: Op) -> bool {
        if !self.is_idle() {
            self.state.waiting.get_or_insert((op, self.now));
            return false;
        }
        match self.state.waiting {
            Some((first, since)) if first != op => {
                let waited = self.now.saturating_since(since);
                // Whoever does not come back in time has lost interest.
                if waited >= PATIENCE && waited < PATIENCE + TURN {
                    return false;
                }
            }
            _ => {}
        }
        self.state.waiting = None;
        true
    }

    /// Nothing is out, and nothing has to be found out first.
    pub(crate) fn is_idle(&self) -> bool {
        self.state.boot.power == Power::On
            && self.state.exchange.flight.is_none()
            && !self.resync_is_under_way()
    }

    /// Sends a command.
    ///
    /// # Errors
    /// `InvalidInput` for what does not fit into a line.
    pub(crate) fn post(&mut self, op: Op, build: impl FnOnce(&mut Command)) -> Result<(), Error> {
        let command = &mut self.state.exchange.command;
        build(command);
        self.post_built(op)
    }

    /// What does not depend on the command, so that it exists once.
    #[inline(never)]
    fn post_built(&mut self, op: Op) -> Result<(), Error> {
        let exchange = &mut self.state.exchange;
        if op != Op::Cancel {
            exchange.command.end();
        }
        if exchange.command.line().is_none() {
            return Err(Error::InvalidInput);
        }
        self.state.reply = Reply::NOTHING;
        self.state.exchange.begin(op, self.now, op.limit());
        self.write_out();
        Ok(())
    }

    /// Asks, or fetches the answer of a question asked by an earlier call.
    pub(crate) fn ask(
        &mut self,
        op: Op,
        build: impl FnOnce(&mut Command),
    ) -> nb::Result<Reply, Error> {
        self.answer(op)?.map_or_else(
            || {
                self.post(op, build)?;
                Err(nb::Error::WouldBlock)
            },
            Ok,
        )
    }

    /// The answer that has come; `None` if the question may be asked now.
    #[inline(never)]
    pub(crate) fn answer(&mut self, op: Op) -> nb::Result<Option<Reply>, Error> {
        if let Some(answer) = self.state.mails.take(op, self.now) {
            return Ok(Some(answer?));
        }
        if self.state.exchange.is_out(op) || !self.may_start(op) {
            return Err(nb::Error::WouldBlock);
        }
        Ok(None)
    }

    pub(crate) fn deliver(&mut self, op: Op, answer: Result<Reply, Error>) {
        self.state.mails.put(Mail { op, answer, at: self.now });
    }

    /// When calling again could matter.
    pub(crate) fn due(&self) -> Option<Instant> {
        let state = &*self.state;
        if let Some(at) = self.boot_due().or_else(|| self.resync_due()) {
            return Some(at);
        }
        if let Some(flight) = state.exchange.flight {
            return Some(self.flight_due(&flight));
        }
        let ripe = state.exchange.counted.map(|counted| counted.ripe);
        let watched = state.links.iter().any(|link| !link.is_free())
            || state.sockets.iter().any(Socket::is_listener)
            || state.exchange.tokens.is_inside_line();
        let look = watched.then_some(self.now + LOOK);
        let time = state.time.due();
        [ripe, time]
            .map(|it| it.map(|at| at.max(self.now + SOON)))
            .into_iter()
            .chain([look])
            .flatten()
            .min()
    }

    fn flight_due(&self, flight: &crate::exchange::Flight) -> Instant {
        use crate::exchange::Phase;
        let pause = match flight.phase {
            Phase::Payload(_) => AT_ONCE,
            Phase::Repeat(at) => return at.max(self.now + SOON),
            _ => (self.now.saturating_since(flight.turned_at) / 16).clamp(SOON, LOOK),
        };
        let ripe = self.state.exchange.counted.map(|counted| counted.ripe);
        ripe.map_or(self.now + pause, |at| at.max(self.now + SOON))
    }

    /// The line itself fails: a HAL error, not a garbled byte.
    pub(crate) fn line_failed(&mut self) {
        self.state.events.push(Event::Fault(Fault::Bus));
        self.give_up(Fault::Bus);
    }
}

/// While something is out, or could come: looking into one's own ring costs the module nothing.
const LOOK: Duration = Duration::from_millis(1);
/// While an answer is expected.
const SOON: Duration = Duration::from_micros(100);
/// While payload goes out, which the line takes as fast as it can.
const AT_ONCE: Duration = Duration::from_micros(20);
/// How long somebody waits for the line before others have to stand back.
const PATIENCE: Duration = Duration::from_millis(50);
/// For so long: more than the longest nap of whoever waits.
const TURN: Duration = Duration::from_millis(15);
