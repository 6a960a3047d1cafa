//! Where threads sleep and where the system's news arrive.
//!
//! One thread at a time, the leader, sleeps in the system's poll. It writes what it is told into the
//! sockets' flags, wakes those whom it concerns, and when it leaves, tells another to lead.

use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};

use mio::event::Source;
use mio::{Events, Poll, Registry, Token, Waker};
use netdev::{Instant, Platform, Side, SockFd, StdPlatform};

use crate::flags::{READ, WRITE};
use crate::interest::{self, Interest};
use crate::ready::ReadySet;
use crate::socket::Socket;
use crate::table::Table;

#[derive(Debug)]
pub(crate) struct Reactor {
    /// Tells devices apart in what threads remember.
    id: u64,
    clock: StdPlatform,
    sockets: Table<Socket>,
    ready: ReadySet,
    polling: Mutex<Polling>,
    registry: Registry,
    waker: Waker,
    turns: Mutex<Turns>,
    /// Goes up after every batch of news.
    news: AtomicU64,
    /// When the system was last asked, in microseconds.
    asked: AtomicU64,
    polls: AtomicU64,
}

#[derive(Debug)]
struct Polling {
    poll: Poll,
    events: Events,
}

#[derive(Debug, Default)]
struct Turns {
    /// What the leader waits for, while there is one.
    leader: Option<Interest>,
    parked: Vec<Parked>,
}

#[derive(Debug)]
struct Parked {
    thread: Thread,
    interest: Interest,
}

/// How stale the flags may get while nobody idles.
const GLANCE: Duration = Duration::from_micros(250);

/// The unit of the system's timer.
const TICK: Duration = Duration::from_millis(1);

/// The token of the waker; no socket has it, since no slot does.
const WAKER: Token = Token(usize::MAX);

/// News taken at once.
const BATCH: usize = 1024;

impl Reactor {
    pub(crate) fn new() -> io::Result<Self> {
        static IDS: AtomicU64 = AtomicU64::new(1);
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Waker::new(&registry, WAKER)?;
        Ok(Self {
            id: IDS.fetch_add(1, Ordering::Relaxed),
            clock: StdPlatform::new(),
            sockets: Table::new(),
            ready: ReadySet::default(),
            polling: Mutex::new(Polling { poll, events: Events::with_capacity(BATCH) }),
            registry,
            waker,
            turns: Mutex::default(),
            news: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            polls: AtomicU64::new(0),
        })
    }

    pub(crate) const fn clock(&self) -> &StdPlatform {
        &self.clock
    }

    pub(crate) const fn sockets(&self) -> &Table<Socket> {
        &self.sockets
    }

    pub(crate) const fn ready(&self) -> &ReadySet {
        &self.ready
    }

    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    /// Has the system report on a socket. The socket must be in the table, or news are lost.
    pub(crate) fn watch(&self, source: &mut dyn Source, fd: SockFd) -> io::Result<()> {
        let interests = mio::Interest::READABLE | mio::Interest::WRITABLE;
        source.register(&self.registry, token(fd), interests)
    }

    /// The calling thread got "not yet" from this call.
    pub(crate) fn not_yet(&self, fd: SockFd, side: Side) {
        interest::tried(self.id, fd, side);
        self.glance();
    }

    /// The calling thread got "not yet" about something that is not one socket.
    pub(crate) fn not_yet_anything(&self) {
        interest::tried_several(self.id);
        self.glance();
    }

    /// Sleeps until there is news for the calling thread, at the latest until `until`.
    pub(crate) fn idle(&self, until: Instant) {
        let mine = interest::current(self.id, self.news());
        while !self.satisfied(mine) && self.sleep(mine, until) {}
        if self.satisfied(mine) {
            interest::rested(self.id);
        }
        interest::forget(self.id, self.news());
    }

    /// Looks at the system's news without waiting, unless somebody just did or does.
    pub(crate) fn glance(&self) {
        let asked = Instant::from_micros(self.asked.load(Ordering::Relaxed));
        if self.clock.now().saturating_since(asked) < GLANCE {
            return;
        }
        let heard = self.polling.try_lock().is_ok_and(|mut polling| {
            self.ask(&mut polling, Duration::ZERO);
            self.hear(&polling.events)
        });
        if heard {
            self.wake();
        }
    }

    /// There is news that did not come from the system.
    pub(crate) fn announce(&self) {
        self.news.fetch_add(1, Ordering::AcqRel);
        self.wake();
    }

    /// One nap of the calling thread; `false` if it should go back to its caller.
    fn sleep(&self, mine: Interest, until: Instant) -> bool {
        let left = until.saturating_since(self.clock.now());
        if left.is_zero() {
            return false;
        }
        let mut turns = self.turns();
        if turns.leader.is_none() && (left >= TICK || interest::may_hasten(self.id)) {
            turns.leader = Some(mine);
            drop(turns);
            self.lead(mine, until);
            return false;
        }
        // Looked at under the lock: whoever has news sets the flags first and takes it then.
        if self.satisfied(mine) {
            return false;
        }
        turns.parked.push(Parked { thread: thread::current(), interest: mine });
        drop(turns);
        thread::park_timeout(left);
        self.leave();
        true
    }

    /// Polls for everybody until there is news for the leader, or the last whole tick is over.
    fn lead(&self, mine: Interest, until: Instant) {
        loop {
            let left = until.saturating_since(self.clock.now());
            // Rounded down: what is left of a tick is not worth being late.
            let ticks = left.as_millis() / TICK.as_millis();
            let nap = Duration::from_millis(u64::try_from(ticks).unwrap_or(u64::MAX));
            let heard = self.poll(mine, nap);
            if heard {
                self.wake_parked();
            }
            if !nap.is_zero() {
                interest::rested(self.id);
            }
            if nap.is_zero() || self.satisfied(mine) {
                break;
            }
        }
        self.turns().leader = None;
        self.hand_over();
    }

    fn poll(&self, mine: Interest, nap: Duration) -> bool {
        let mut polling = self.polling.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody who glanced may have taken the news.
        !self.satisfied(mine) && {
            self.ask(&mut polling, nap);
            self.hear(&polling.events)
        }
    }

    /// A thread that was parked goes on, whatever the reason.
    fn leave(&self) {
        let me = thread::current().id();
        self.turns().parked.retain(|parked| parked.thread.id() != me);
        self.hand_over();
    }

    /// While anybody is parked, somebody leads or was told to.
    fn hand_over(&self) {
        let turns = self.turns();
        if turns.leader.is_none()
            && let Some(next) = turns.parked.last()
        {
            next.thread.unpark();
        }
    }

    /// Wakes everybody who has what he waits for.
    fn wake(&self) {
        self.wake_parked();
        let leader = self.turns().leader;
        if leader.is_some_and(|interest| self.satisfied(interest)) {
            // It can fail only for want of kernel memory, and then the leader's nap ends it.
            let _ = self.waker.wake();
        }
    }

    fn wake_parked(&self) {
        for parked in &self.turns().parked {
            if self.satisfied(parked.interest) {
                parked.thread.unpark();
            }
        }
    }

    fn satisfied(&self, interest: Interest) -> bool {
        match interest {
            Interest::News(seen) => self.news() != seen,
            Interest::Socket(fd, side) => {
                let bit = if side == Side::Read { READ } else { WRITE };
                self.sockets.read().get(fd).is_none_or(|socket| socket.flags().has(bit))
            }
        }
    }

    fn ask(&self, polling: &mut Polling, limit: Duration) {
        self.polls.fetch_add(1, Ordering::Relaxed);
        let Polling { poll, events } = polling;
        if poll.poll(events, Some(limit)).is_err() {
            // A signal came: that is an early end of the nap.
            events.clear();
        }
        self.asked.store(self.clock.now().as_micros(), Ordering::Relaxed);
    }

    /// Writes news into the sockets' flags, and tells whether there were any.
    fn hear(&self, events: &Events) -> bool {
        if events.is_empty() {
            return false;
        }
        let sockets = self.sockets.read();
        for event in events {
            let Some(fd) = handle(event.token()) else { continue };
            // Of a socket closed meanwhile: nobody wants it.
            let Some(socket) = sockets.get(fd) else { continue };
            if socket.told(event) {
                self.ready.insert(fd.slot());
            }
        }
        drop(sockets);
        self.news.fetch_add(1, Ordering::AcqRel);
        true
    }

    fn news(&self) -> u64 {
        self.news.load(Ordering::Acquire)
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn token(fd: SockFd) -> Token {
    Token(usize::from(fd.slot()) << 16 | usize::from(fd.generation()))
}

fn handle(token: Token) -> Option<SockFd> {
    let slot = u16::try_from(token.0 >> 16).ok()?;
    let generation = u16::try_from(token.0 & 0xffff).ok()?;
    (token != WAKER).then_some(SockFd::new(slot, generation))
}
