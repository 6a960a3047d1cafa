//! The one loop that waits.

use core::cell::Cell;
use core::fmt;
use core::time::Duration;

use critical_section::Mutex;

use crate::{Error, Instant, Netdev};

/// Repeats `op` until it answers something else than "not yet", or the deadline has passed.
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
    let mut naps = Naps::new();
    if naps.forbidden() {
        return Err(Stopped::Failed(Error::Deadlock.into()));
    }
    loop {
        let limit = deadline();
        if limit.is_some_and(|at| device.platform().now() >= at) {
            return Err(Stopped::Deadline);
        }
        match op() {
            Err(nb::Error::WouldBlock) => naps.take(device, limit),
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
struct Naps {
    length: Duration,
}

impl Naps {
    const SHORTEST: Duration = Duration::from_micros(100);
    const LONGEST: Duration = Duration::from_millis(10);

    fn new() -> Self {
        Self { length: Self::SHORTEST }
    }

    fn forbidden(&self) -> bool {
        stepping_here()
    }

    fn take(&mut self, device: &dyn Netdev, limit: Option<Instant>) {
        let platform = device.platform();
        let wanted = device.drive();
        let stepped = step_background(platform.now());
        let until = platform.now() + self.length;
        let until = [wanted, stepped, limit].into_iter().flatten().fold(until, Instant::min);
        platform.idle(until);
        self.length = (self.length * 2).min(Self::LONGEST);
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
