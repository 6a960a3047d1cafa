//! Time that passes only while everybody waits.

mod turns;

use core::fmt;
use core::marker::PhantomData;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use netdev::{Error, Instant, Platform};

use turns::{SeatId, Turns, Wait};

/// A clock that jumps: waiting costs no real time, and a run is the same each time.
///
/// * A thread **registers** ([`register`](Self::register), [`spawn`](Self::spawn)). Time stands
///   still while a registered thread computes; when all of them wait, it jumps to the moment that
///   the first of them waits for. Waiting is [`idle`](Platform::idle), [`spend`](Self::spend) and
///   [`Task::join`].
/// * **One at a time**: when several are due, they get their turns in the order of their moments,
///   then of their coming. So runs with threads repeat exactly, too.
/// * A thread that is not registered counts as registered while it waits, and holds nobody up
///   otherwise. A test with no thread but its own need not register.
/// * A registered thread that blocks on anything else (a channel, a plain join) stops time for all:
///   that belongs into [`away`](Self::away). After 30 s of real time without any progress, waiting
///   threads panic and say so.
///
/// Clones are the same clock. The resolution is a nanosecond, although [`Instant`] shows only
/// microseconds, so that the bits of a fast bus add up.
///
/// ```
/// use core::time::Duration;
/// use netdev::Platform;
/// use netdev_sim::VirtualClock;
///
/// let clock = VirtualClock::new();
/// let start = clock.now();
/// clock.idle(start + Duration::from_secs(3600));
/// assert_eq!(clock.now().saturating_since(start), Duration::from_secs(3600));
/// ```
#[derive(Clone)]
pub struct VirtualClock {
    shared: Arc<Shared>,
}

struct Shared {
    /// The present. Written only while `turns` is locked.
    nanos: AtomicU64,
    turns: Mutex<Turns>,
    moved: Condvar,
    random: Mutex<u64>,
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl VirtualClock {
    /// A clock at its start, with the usual seed for [`fill_random`](Platform::fill_random).
    #[must_use]
    pub fn new() -> Self {
        Self::with_seed(1)
    }

    /// A clock whose random numbers follow from `seed`.
    #[must_use]
    pub fn with_seed(seed: u64) -> Self {
        let shared = Shared {
            nanos: AtomicU64::new(0),
            turns: Mutex::default(),
            moved: Condvar::new(),
            random: Mutex::new(seed),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Registers this thread until the guard is dropped. May be nested.
    #[must_use = "the thread is registered for as long as this lives"]
    pub fn register(&self) -> Registered {
        Registered { _seat: self.seat(), _this_thread: PhantomData }
    }

    /// Starts a thread that is registered before this call returns.
    ///
    /// # Panics
    /// If the system has no thread to give, as [`std::thread::spawn`].
    pub fn spawn<T, F>(&self, work: F) -> Task<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let id = self.turns().reserve(self.nanos());
        let seat = Seated { clock: self.clone(), id };
        let thread = thread::spawn(move || {
            let seat = seat;
            seat.clock.turns().occupy(seat.id, thread::current().id());
            seat.clock.await_turn(seat.id);
            work()
        });
        Task { clock: self.clone(), id, thread }
    }

    /// Uses time: a transfer, a look at a line. [`idle`](Platform::idle) for `length`, exactly.
    pub fn spend(&self, length: Duration) {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        if nanos > 0 {
            self.pass(Wait::until(self.nanos().saturating_add(nanos)));
        }
    }

    /// Lets go of time while `block` waits for something that this clock does not know.
    pub fn away<T>(&self, block: impl FnOnce() -> T) -> T {
        let here = self.turns().find(thread::current().id());
        let Some(id) = here else { return block() };
        self.change(|turns| turns.go_away(id));
        let _back = Back { clock: self, id };
        block()
    }

    /// Rings at a moment (now, if it has passed): whoever waits by an [`AlarmClock`] wakes then.
    pub fn set_alarm(&self, at: Instant) {
        let now = self.nanos();
        self.change(|turns| turns.set_alarm(nanos_of(at), now));
    }

    /// The same clock as a platform that alarms wake from [`idle`](Platform::idle), as an interrupt
    /// wakes a CPU.
    #[must_use]
    pub fn with_alarms(&self) -> AlarmClock {
        AlarmClock { clock: self.clone() }
    }

    fn pass(&self, wait: Wait) {
        let seat = self.seat();
        self.change(|turns| turns.wait(seat.id, wait));
        self.await_turn(seat.id);
    }

    /// An end that is not in the future still takes a microsecond: a loop that polls must not stop
    /// time.
    fn nap(&self, until: Instant) -> u64 {
        nanos_of(until).max(self.nanos().saturating_add(1_000))
    }

    #[expect(clippy::panic, reason = "a test that would hang for ever fails instead")]
    fn await_turn(&self, id: SeatId) {
        let mut turns = self.turns();
        while !turns.runs(id) {
            let seen = turns.progress();
            let (next, timer) = self
                .shared
                .moved
                .wait_timeout(turns, STUCK)
                .unwrap_or_else(PoisonError::into_inner);
            turns = next;
            let stuck = timer.timed_out() && turns.progress() == seen && !turns.anybody_away();
            if stuck && !turns.runs(id) {
                panic!("virtual time stands still: a registered thread neither waits nor ends");
            }
        }
    }

    fn change(&self, act: impl FnOnce(&mut Turns)) {
        let mut turns = self.turns();
        act(&mut turns);
        let (now, given) = turns.advance(self.nanos());
        self.shared.nanos.store(now, Ordering::Release);
        // Waking costs a system call, and most often it is this very thread's turn again.
        if given.is_some() && given != turns.find(thread::current().id()) {
            self.shared.moved.notify_all();
        }
    }

    fn seat(&self) -> Seated {
        Seated { clock: self.clone(), id: self.turns().enter(thread::current().id()) }
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.shared.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nanos(&self) -> u64 {
        self.shared.nanos.load(Ordering::Acquire)
    }
}

impl Platform for VirtualClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.nanos() / 1_000)
    }

    fn idle(&self, until: Instant) {
        self.pass(Wait::until(self.nap(until)));
    }

    /// Begins at 2026-01-01T00:00:00Z.
    fn unix_time(&self) -> Option<u64> {
        Some(EPOCH + self.nanos() / 1_000_000_000)
    }

    /// Follows from the seed: good for tests, and for nothing else.
    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let mut state = self.shared.random.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in buffer.chunks_mut(8) {
            for (byte, random) in piece.iter_mut().zip(split_mix(&mut state).to_le_bytes()) {
                *byte = random;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock").field("now", &self.now()).finish_non_exhaustive()
    }
}

/// A [`VirtualClock`] whose idling ends early when an alarm rings: the network in memory rings when
/// something arrives anywhere. For devices that notice by themselves; a chip without an interrupt
/// line uses the plain clock.
#[derive(Clone, Debug)]
pub struct AlarmClock {
    clock: VirtualClock,
}

impl Platform for AlarmClock {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn idle(&self, until: Instant) {
        self.clock.pass(Wait::until_alarm_or(self.clock.nap(until)));
    }

    fn unix_time(&self) -> Option<u64> {
        self.clock.unix_time()
    }

    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        self.clock.fill_random(buffer)
    }
}

/// This thread takes part in virtual time until this is dropped.
#[derive(Debug)]
pub struct Registered {
    _seat: Seated,
    _this_thread: PhantomData<*const ()>,
}

/// A registered thread, made by [`VirtualClock::spawn`].
#[derive(Debug)]
pub struct Task<T> {
    clock: VirtualClock,
    id: SeatId,
    thread: thread::JoinHandle<T>,
}

impl<T> Task<T> {
    /// Waits for the thread to end, while time passes for it and the others.
    ///
    /// # Errors
    /// What the thread panicked with.
    pub fn join(self) -> thread::Result<T> {
        if self.clock.turns().exists(self.id) {
            self.clock.pass(Wait::until_end_of(self.id));
        }
        self.thread.join()
    }
}

#[derive(Debug)]
struct Seated {
    clock: VirtualClock,
    id: SeatId,
}

impl Drop for Seated {
    fn drop(&mut self) {
        let now = self.clock.nanos();
        self.clock.change(|turns| turns.leave(self.id, now));
    }
}

/// Comes back from [`VirtualClock::away`], also when the work there panics.
struct Back<'a> {
    clock: &'a VirtualClock,
    id: SeatId,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        let now = self.clock.nanos();
        self.clock.change(|turns| turns.wait(self.id, Wait::until(now)));
        self.clock.await_turn(self.id);
    }
}

fn nanos_of(at: Instant) -> u64 {
    at.as_micros().saturating_mul(1_000)
}

/// SplitMix64, by Sebastiano Vigna.
pub(crate) fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// 2026-01-01T00:00:00Z.
const EPOCH: u64 = 1_767_225_600;
/// Real time after which waiting threads give up.
const STUCK: Duration = Duration::from_secs(30);
