//! Keeping a link up: the watchdog of TinyGo's drivers, once for all of them and without a thread.

use core::cell::Cell;
use core::fmt;
use core::time::Duration;

use critical_section::Mutex;
use netdev::{AccessPoint, Event, Exclusive, Fault, Limits, LinkStatus, Netlink};

use super::join::{Call, Joiner};
use super::params::ConnectParams;
use super::roster::{ALL, enlist};
use super::{Cause, Error, Netdev, Op, limit};
use crate::socket::wait;
use crate::{DeviceError, Instant};

/// Keeps a device in its network: joins, notices that the link or the chip died, resets the chip,
/// joins again with all settings, and pauses longer and longer while that fails.
///
/// Connections that were open, and sockets for datagrams, end with an error that says so; listeners come back by themselves.
///
/// It is a state machine and needs no thread. [`run`](Self::run) has it stepped whenever anybody
/// waits for any device; a main loop of one's own calls [`poll`](Self::poll). It takes the device's
/// link events, so nobody else should.
///
/// ```no_run
/// use core::time::Duration;
/// use net::link::{ConnectParams, Supervisor};
///
/// fn online(device: &'static dyn net::Netdev) -> Result<(), net::Error> {
///     let home = ConnectParams::new("home", "correct horse").retries(None);
///     let supervisor = Supervisor::new(device, home).watchdog(Duration::from_secs(10));
///     let supervisor: &'static Supervisor = Box::leak(Box::new(supervisor)); // a `static` on a board
///     supervisor.run();
///     supervisor.wait_up(Duration::from_secs(30))
/// }
/// ```
pub struct Supervisor {
    pub(super) device: &'static dyn Netdev,
    params: ConnectParams<'static>,
    watchdog: Option<Duration>,
    machine: Exclusive<Machine>,
    state: Mutex<Cell<LinkState>>,
    /// What the next step has to begin with.
    order: Mutex<Cell<Order>>,
    notify: Mutex<Cell<Option<Notify>>>,
    /// The one that was started before this one.
    pub(super) next: Mutex<Cell<Option<&'static Self>>>,
}

/// How a supervised link stands.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LinkState {
    /// Nobody looks after the link.
    Stopped,
    /// It is being joined, or waits before it is tried again.
    Joining,
    /// It is up.
    Up,
    /// It could not be joined, and trying again would not help, or was not asked for.
    Failed(Cause),
}

/// What a supervisor tells its owner.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum LinkEvent {
    /// The link is up. Go's `EventNetUp`.
    Up,
    /// The link went down, and why. Go's `EventNetDown`.
    Down(DeviceError),
    /// The supervisor gave up.
    Failed(Cause),
}

/// What to call when the link goes up or down.
type Notify = fn(LinkEvent);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Nothing,
    Start,
    Stop,
    StandDown,
}

struct Machine {
    phase: Phase,
    found: Option<&'static mut [AccessPoint]>,
}

#[derive(Clone, Copy)]
enum Phase {
    Idle,
    Joining(Joiner),
    Up(Watch),
    Leaving(Instant),
}

/// A link that is up.
#[derive(Clone, Copy)]
struct Watch {
    /// When to look next.
    look_at: Instant,
    /// Since when a look has been without an answer.
    asked: Option<Instant>,
    /// The driver has told how the link stands, and the chip has still to give a sign of life.
    stands: bool,
}

/// What a look at the link came to.
enum Finding {
    Fine,
    Down(DeviceError),
}

impl Supervisor {
    /// A supervisor for this device, which does nothing before [`start`](Self::start) or
    /// [`run`](Self::run).
    #[must_use]
    pub const fn new(device: &'static dyn Netdev, params: ConnectParams<'static>) -> Self {
        Self {
            device,
            params,
            watchdog: None,
            machine: Exclusive::new(Machine { phase: Phase::Idle, found: None }),
            state: Mutex::new(Cell::new(LinkState::Stopped)),
            order: Mutex::new(Cell::new(Order::Nothing)),
            notify: Mutex::new(Cell::new(None)),
            next: Mutex::new(Cell::new(None)),
        }
    }

    /// Notices within this period that the link or the chip died, also when nothing is sent. The
    /// chip is asked twice in each period. Without a watchdog only what the driver finds by itself
    /// counts.
    #[must_use]
    pub const fn watchdog(mut self, period: Duration) -> Self {
        self.watchdog = Some(period);
        self
    }

    /// Tries the strongest network first. `found` is where the device puts what it hears.
    #[must_use]
    pub fn by_signal(self, found: &'static mut [AccessPoint]) -> Self {
        let machine = Exclusive::new(Machine { phase: Phase::Idle, found: Some(found) });
        Self { machine, ..self }
    }

    /// Begins to look after the link, for a main loop that calls [`poll`](Self::poll).
    pub fn start(&'static self) {
        self.order(Order::Start);
        enlist(self);
    }

    /// Begins to look after the link whenever anybody waits.
    pub fn run(&'static self) {
        self.start();
        netdev::set_background(&ALL);
    }

    /// Stops looking after the link and leaves the network.
    pub fn stop(&self) {
        self.order(Order::Stop);
    }

    /// Has `notify` called when the link goes up or down. It runs inside a step: it must not wait
    /// for any device.
    pub fn notify(&self, notify: fn(LinkEvent)) {
        critical_section::with(|cs| self.notify.borrow(cs).set(Some(notify)));
    }

    /// How the link stands, as of the last step.
    #[must_use]
    pub fn state(&self) -> LinkState {
        critical_section::with(|cs| self.state.borrow(cs).get())
    }

    /// One step, which never waits, and when the next one is due at the latest. Moves the device on,
    /// too.
    pub fn poll(&self) -> Instant {
        let driven = self.device.drive();
        let due = self.advance();
        driven.map_or(due, |driven| driven.min(due))
    }

    /// Waits until the link is up; zero means no limit.
    ///
    /// # Errors
    /// [`Cause::DeadlineExceeded`]; why joining failed, if the supervisor gave up; `LinkDown` if it
    /// was stopped.
    pub fn wait_up(&self, timeout: Duration) -> Result<(), Error> {
        let deadline = limit(self.device.platform().now(), timeout);
        wait(self.device, &|| deadline, &mut || {
            self.advance();
            match self.state() {
                LinkState::Up => Ok(()),
                LinkState::Joining => Err(nb::Error::WouldBlock),
                LinkState::Failed(cause) => Err(nb::Error::Other(cause)),
                LinkState::Stopped if self.order_is_out() => Err(nb::Error::WouldBlock),
                LinkState::Stopped => Err(nb::Error::Other(Cause::Device(DeviceError::LinkDown))),
            }
        })
        .map_err(|cause| Error::new(Op::Join, cause))
    }

    /// As [`stop`](Self::stop), but somebody else leaves the network.
    pub(super) fn stand_down(&self) {
        self.order(Order::StandDown);
    }

    fn order(&self, order: Order) {
        critical_section::with(|cs| self.order.borrow(cs).set(order));
    }

    fn order_is_out(&self) -> bool {
        critical_section::with(|cs| self.order.borrow(cs).get()) != Order::Nothing
    }

    /// One step; somebody else may be in the middle of one.
    pub(super) fn advance(&self) -> Instant {
        let now = self.device.platform().now();
        self.machine.if_home(|machine| self.step_machine(machine, now)).unwrap_or(now + SOON)
    }

    fn step_machine(&self, machine: &mut Machine, now: Instant) -> Instant {
        let Some(link) = self.device.netlink() else {
            self.enter(LinkState::Up); // a link that nobody has to join
            return now + LATE;
        };
        self.obey(machine, now);
        match machine.phase {
            Phase::Idle => now + LATE,
            Phase::Joining(joiner) => self.join(machine, link, joiner, now),
            Phase::Up(watch) => self.watch(machine, link, watch, now),
            Phase::Leaving(until) => {
                if now >= until || !matches!(link.leave(), Err(nb::Error::WouldBlock)) {
                    machine.phase = Phase::Idle;
                }
                now + SOON
            }
        }
    }

    fn obey(&self, machine: &mut Machine, now: Instant) {
        let order = critical_section::with(|cs| self.order.borrow(cs).replace(Order::Nothing));
        let by_signal = machine.found.is_some();
        match order {
            Order::Nothing => return,
            Order::Start if matches!(machine.phase, Phase::Joining(_) | Phase::Up(_)) => return,
            Order::Start => machine.phase = Phase::Joining(Joiner::new(by_signal)),
            Order::Stop => machine.phase = Phase::Leaving(now + LEAVE),
            Order::StandDown => machine.phase = Phase::Idle,
        }
        if order == Order::Start {
            self.enter(LinkState::Joining);
        } else if self.enter(LinkState::Stopped) == LinkState::Up {
            self.tell(LinkEvent::Down(DeviceError::LinkDown));
        }
    }

    fn join(
        &self,
        machine: &mut Machine,
        link: &dyn Netlink,
        mut joiner: Joiner,
        now: Instant,
    ) -> Instant {
        drop_events(link);
        let found = machine.found.as_deref_mut();
        let (device, params) = (self.device, &self.params);
        let step = joiner.step(&mut Call { device, link, params, found, now });
        machine.phase = match step {
            Ok(()) => {
                drop_events(link);
                self.enter(LinkState::Up);
                self.tell(LinkEvent::Up);
                Phase::Up(self.next_look(now))
            }
            Err(nb::Error::WouldBlock) => Phase::Joining(joiner),
            Err(nb::Error::Other(cause)) => {
                self.enter(LinkState::Failed(cause));
                self.tell(LinkEvent::Failed(cause));
                Phase::Idle
            }
        };
        joiner.until().filter(|_| joiner.pauses()).unwrap_or(now + SOON)
    }

    fn watch(
        &self,
        machine: &mut Machine,
        link: &dyn Netlink,
        mut watch: Watch,
        now: Instant,
    ) -> Instant {
        let finding = match self.events(link, &mut watch, now) {
            Finding::Fine if now >= watch.look_at => self.look(link, &mut watch, now),
            finding => finding,
        };
        let Finding::Down(why) = finding else {
            machine.phase = Phase::Up(watch);
            return if watch.asked.is_some() { now + SOON } else { watch.look_at };
        };
        netdev::warn!("link: down: {}", why.text());
        // A link that is down may be a chip that rebooted by itself and has forgotten what the driver
        // relies on. One that the driver has just reset needs no second time.
        let reset = why != DeviceError::Fault(Fault::Restarted);
        machine.phase = Phase::Joining(Joiner::again(machine.found.is_some(), reset));
        self.enter(LinkState::Joining);
        self.tell(LinkEvent::Down(why));
        now
    }

    /// What the driver found by itself. After a fault, or when events were lost, a look tells more.
    fn events(&self, link: &dyn Netlink, watch: &mut Watch, now: Instant) -> Finding {
        for _ in 0..EVENTS {
            match link.next_event() {
                None => break,
                Some(Event::Down(why)) => return Finding::Down(why),
                Some(Event::Up(_)) => {}
                Some(_) => watch.look_at = now,
            }
        }
        Finding::Fine
    }

    /// Asks how the link stands, and then the chip for its address: some drivers know of the link
    /// without asking. A chip that does not answer in time is dead.
    fn look(&self, link: &dyn Netlink, watch: &mut Watch, now: Instant) -> Finding {
        let asked = *watch.asked.get_or_insert(now);
        match self.ask(link, watch) {
            Ok(()) | Err(nb::Error::Other(DeviceError::Unsupported)) => {
                *watch = self.next_look(now);
                Finding::Fine
            }
            Err(nb::Error::Other(error)) => Finding::Down(error),
            Err(nb::Error::WouldBlock) if now >= asked + self.patience() => {
                Finding::Down(DeviceError::Fault(Fault::Unresponsive))
            }
            Err(nb::Error::WouldBlock) => Finding::Fine,
        }
    }

    fn ask(&self, link: &dyn Netlink, watch: &mut Watch) -> nb::Result<(), DeviceError> {
        if !watch.stands {
            match link.status()? {
                LinkStatus::Down | LinkStatus::Joining => return Err(DeviceError::LinkDown.into()),
                _ => watch.stands = true,
            }
        }
        link.hardware_addr().map(drop)
    }

    fn next_look(&self, now: Instant) -> Watch {
        Watch { look_at: now + self.half(), asked: None, stands: false }
    }

    /// Half of the watchdog's period: the longest between two looks, and for an answer.
    fn half(&self) -> Duration {
        self.watchdog.map_or(NEVER, |period| period / 2)
    }

    /// How long an answer may take. On some chips the question waits behind another command that
    /// stops the whole chip, a name lookup for one; a chip that is dead fails it.
    fn patience(&self) -> Duration {
        let limits = self.device.capabilities().limits;
        if limits.contains(Limits::CALLS_BLOCK_CHIP) {
            self.half().max(BLOCKED)
        } else {
            self.half()
        }
    }

    /// Notes how the link stands, and tells how it stood.
    fn enter(&self, state: LinkState) -> LinkState {
        critical_section::with(|cs| self.state.borrow(cs).replace(state))
    }

    fn tell(&self, event: LinkEvent) {
        if let Some(notify) = critical_section::with(|cs| self.notify.borrow(cs).get()) {
            notify(event);
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("params", &self.params)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// While a network is joined, what happened to the old link is of no interest.
fn drop_events(link: &dyn Netlink) {
    for _ in 0..EVENTS {
        if link.next_event().is_none() {
            return;
        }
    }
}

/// While something is under way.
const SOON: Duration = Duration::from_millis(10);
/// While nothing is.
const LATE: Duration = Duration::from_secs(1);
/// No watchdog.
const NEVER: Duration = Duration::MAX;
const LEAVE: Duration = Duration::from_secs(10);
/// The longest that a chip may be stopped by a call.
const BLOCKED: Duration = Duration::from_secs(10);
/// Events taken in one step; drivers keep fewer.
const EVENTS: usize = 16;
