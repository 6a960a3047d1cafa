//! The one loop that waits.

use core::cell::Cell;
use core::fmt;
use core::time::Duration;

use critical_section::Mutex;

use crate::turns::Ticket;
use crate::{Error, Instant, Netdev, Turns};

/// Repeats `op` until it answers something else than "not yet", or the deadline has passed.
///
/// Callers who find the device taken by another one get their [turns](Netdev::turns) in the order of
/// their coming.
///
/// Each turn: read the deadline, try, [`drive`](Netdev::drive) the device, let the
/// [`Background`] step, idle. The deadline is read anew each turn, so moving it from another thread,
/// or closing, ends a pending call; one that has passed wins over data that waits, as in Go. Between
/// turns the CPU idles, from 100 µs doubling to 10 ms, or less where the device or the deadline ask
/// for it, or the platform sees an interrupt.
///
/// # Errors
/// [`Stopped::Deadline`], or what `op` answered. [`Deadlock`](Error::Deadlock) when called from
/// inside a background step.
pub fn wait<T, E: From<Error>>(
    device: &dyn Netdev,
    deadline: impl Fn() -> Option<Instant>,
    mut op: impl FnMut() -> nb::Result<T, E>,
) -> Result<T, Stopped<E>> {
    let mut naps = Naps::new(device);
    if naps.forbidden() {
        return Err(Stopped::Failed(Error::Deadlock.into()));
    }
    loop {
        let limit = deadline();
        if limit.is_some_and(|at| device.platform().now() >= at) {
            return Err(Stopped::Deadline);
        }
        // Where others found the device taken before, they come first.
        match if naps.may_try() { op() } else { Err(nb::Error::WouldBlock) } {
            Err(nb::Error::WouldBlock) => naps.take(limit),
            Ok(value) => return Ok(value),
            Err(nb::Error::Other(error)) => return Err(Stopped::Failed(error)),
        }
    }
}

/// Why waiting ended without success.
#[expect(clippy::exhaustive_enums, reason = "waiting ends one way or the other")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Stopped<E = Error> {
    /// The operation failed.
    Failed(E),
    /// The deadline passed. If the chip has the call ([`Netdev::in_flight`]), a write side is spoilt
    /// until close: nobody knows how much of it the peer will see.
    Deadline,
}

impl<E: fmt::Display> fmt::Display for Stopped<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Deadline => f.write_str("i/o timeout"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for Stopped<E> {}

/// The part of [`wait`] that does not depend on what is waited for, so that it exists once.
struct Naps<'a> {
    device: &'a dyn Netdev,
    length: Duration,
    turns: Option<&'a Turns>,
    ticket: Option<Ticket>,
    /// How often anybody had found the device taken when the last try began; `None` if it was not our
    /// turn.
    refusals: Option<u32>,
}

impl<'a> Naps<'a> {
    const SHORTEST: Duration = Duration::from_micros(100);
    const LONGEST: Duration = Duration::from_millis(10);
    /// For the first in the queue; the others have longer to wait, by as much for each before them.
    const QUEUED: Duration = Duration::from_micros(50);

    fn new(device: &'a dyn Netdev) -> Self {
        let turns = device.turns();
        Self { device, length: Self::SHORTEST, turns, ticket: None, refusals: None }
    }

    fn forbidden(&self) -> bool {
        stepping_here()
    }

    fn may_try(&mut self) -> bool {
        let Some(turns) = self.turns else { return true };
        let ours = turns.may_try(self.ticket, self.device.platform().now());
        self.refusals = ours.then(|| turns.refusals());
        ours
    }

    fn take(&mut self, limit: Option<Instant>) {
        let platform = self.device.platform();
        let queued = self.queue(platform.now());
        // Whoever has the device drives it.
        let wanted = if queued.is_some() { None } else { self.device.drive() };
        let stepped = step_background(platform.now());
        let until = platform.now() + queued.unwrap_or(self.length);
        let until = [wanted, stepped, limit].into_iter().flatten().fold(until, Instant::min);
        platform.idle(until);
        let next = if queued.is_some() { Self::SHORTEST } else { self.length * 2 };
        self.length = next.min(Self::LONGEST);
    }

    /// Queues if somebody else was in the way, and tells how long to nap there; leaves the queue after
    /// a try that nobody hindered.
    fn queue(&mut self, now: Instant) -> Option<Duration> {
        let turns = self.turns?;
        if self.refusals.is_some_and(|before| before == turns.refusals()) {
            self.leave(now);
            return None;
        }
        self.ticket = turns.queue(self.ticket, now);
        Some(Self::QUEUED * (1 + turns.ahead(self.ticket)))
    }

    fn leave(&mut self, now: Instant) {
        if let (Some(turns), Some(ticket)) = (self.turns, self.ticket.take()) {
            turns.leave(ticket, now);
        }
    }
}

impl Drop for Naps<'_> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.leave(self.device.platform().now());
        }
    }
}

/// Work that goes on while anybody waits: the link supervisor of `net` is one.
pub trait Background: Sync {
    /// Does a bounded piece of work, and says when it wants to be called again. Called between
    /// tries, outside every lock, and never while it is already running. It must not wait: a call
    /// that tries to gets [`Deadlock`](Error::Deadlock).
    fn step(&self, now: Instant) -> Option<Instant>;
}

/// Makes `background` the one that [`wait`] steps; returns the one it replaces.
pub fn set_background(background: &'static dyn Background) -> Option<&'static dyn Background> {
    critical_section::with(|cs| {
        let slot = BACKGROUND.borrow(cs);
        let Slot { background: old, stepping } = slot.get();
        slot.set(Slot { background: Some(background), stepping });
        old
    })
}

/// Steps the background from a main loop that does not call [`wait`]. Says when it wants to be
/// called again.
pub fn step_background(now: Instant) -> Option<Instant> {
    let background = critical_section::with(|cs| {
        let slot = BACKGROUND.borrow(cs);
        let Slot { background, stepping } = slot.get();
        let free = background.filter(|_| !stepping)?;
        slot.set(Slot { background, stepping: true });
        Some(free)
    })?;
    let _mark = Stepping::begin();
    background.step(now)
}

static BACKGROUND: Mutex<Cell<Slot>> =
    Mutex::new(Cell::new(Slot { background: None, stepping: false }));

#[derive(Clone, Copy)]
struct Slot {
    background: Option<&'static dyn Background>,
    stepping: bool,
}

/// Takes the mark of a running step away, also when the step panics.
struct Stepping;

impl Stepping {
    fn begin() -> Self {
        #[cfg(feature = "std")]
        STEPPING_HERE.set(true);
        Self
    }
}

impl Drop for Stepping {
    fn drop(&mut self) {
        #[cfg(feature = "std")]
        STEPPING_HERE.set(false);
        critical_section::with(|cs| {
            let slot = BACKGROUND.borrow(cs);
            slot.set(Slot { stepping: false, ..slot.get() });
        });
    }
}

#[cfg(feature = "std")]
std::thread_local! {
    static STEPPING_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Whether this very call comes from inside a background step. Without threads a step that runs is
/// always further up the stack; with them only the thread itself can tell.
fn stepping_here() -> bool {
    #[cfg(feature = "std")]
    return STEPPING_HERE.get();
    #[cfg(not(feature = "std"))]
    critical_section::with(|cs| BACKGROUND.borrow(cs).get().stepping)
}
