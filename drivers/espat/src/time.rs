//! The module's clock, set by SNTP, and the platform that has its time from there.

use core::time::Duration;

use netdev::{Error, Fault, Instant, Platform};
use netdev_uart::UartLink;

use crate::command::{CIPSNTPCFG, CIPSNTPTIME};
use crate::op::Op;
use crate::shared::Shared;
use crate::state::Core;

/// How far the module's clock has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeKeeper {
    pub(crate) server: Option<&'static str>,
    /// The module was told to keep the time.
    configured: bool,
    /// It is to be told.
    to_configure: bool,
    /// The firmware would not.
    refused: bool,
    /// The time is to be asked for.
    pub(crate) wanted: bool,
    /// Nobody has told that it was set: when to ask all the same, and the pause before that.
    ask_at: Option<(Instant, Duration)>,
}

impl TimeKeeper {
    pub(crate) const fn new() -> Self {
        Self {
            server: None,
            configured: false,
            to_configure: false,
            refused: false,
            wanted: false,
            ask_at: None,
        }
    }

    pub(crate) fn joined(&mut self) {
        self.to_configure = self.server.is_some() && !self.configured;
    }

    /// `told`: this firmware says when its clock was set, unless the line loses that.
    pub(crate) fn configured(&mut self, ok: bool, told: bool, now: Instant) {
        (self.configured, self.refused) = (ok, !ok);
        let pause = if told { ASK_MOST } else { ASK_FIRST };
        self.ask_at = (ok && self.server.is_some()).then(|| (now + pause, pause));
    }

    /// When the time is asked for next, if nothing else happens.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.ask_at.map(|(at, _)| at)
    }

    fn answered(&mut self, known: bool, now: Instant) {
        self.ask_at = self.ask_at.filter(|_| !known).map(|(_, pause)| {
            let pause = (pause * 2).min(ASK_MOST);
            (now + pause, pause)
        });
    }

    /// The module was reset.
    pub(crate) fn forget(&mut self) {
        *self = Self { server: self.server, ..Self::new() };
    }
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// Seconds since 1970, if the module knows. The first call has it ask a server.
    pub(crate) fn clock(&mut self) -> nb::Result<Option<u64>, Error> {
        if !self.state.time.configured {
            if core::mem::take(&mut self.state.time.refused) {
                return Err(Error::Fault(Fault::Chip(0)).into());
            }
            if self.may_start(Op::TimeServer) {
                self.configure_time();
            }
            return Err(nb::Error::WouldBlock);
        }
        let reply = self.ask(Op::Time, |it| {
            it.start(CIPSNTPTIME).query();
        })?;
        Ok(reply.unix)
    }

    fn configure_time(&mut self) {
        let server = self.state.time.server.unwrap_or(SERVER);
        let _ = self.post(Op::TimeServer, |it| {
            it.start(CIPSNTPCFG).number(1).number(0).text(server);
        });
    }

    pub(crate) fn time_told(&mut self) {
        let reply = self.state.reply;
        if let Some(unix) = reply.unix {
            self.shared.set_time(Some((self.now, unix)));
        }
        self.state.time.answered(reply.unix.is_some(), self.now);
        self.deliver(Op::Time, Ok(reply));
    }

    /// Has the module keep the time, and asks for it when it was set.
    pub(crate) fn tend_time(&mut self) {
        if !self.is_idle() {
            return;
        }
        let time = &mut self.state.time;
        let due = time.due().is_some_and(|at| self.now >= at);
        if core::mem::take(&mut time.to_configure) {
            self.configure_time();
        } else if (core::mem::take(&mut time.wanted) || due) && time.configured {
            let _ = self.post(Op::Time, |it| {
                it.start(CIPSNTPTIME).query();
            });
        }
    }
}

/// The board's platform; where it does not know the time, the module may.
#[derive(Debug)]
pub(crate) struct Clocked<P> {
    pub(crate) board: P,
    pub(crate) shared: Shared,
}

impl<P: Platform> Platform for Clocked<P> {
    fn now(&self) -> Instant {
        self.board.now()
    }

    fn idle(&self, until: Instant) {
        self.board.idle(until);
    }

    fn unix_time(&self) -> Option<u64> {
        self.board.unix_time().or_else(|| {
            let (at, unix) = self.shared.time()?;
            Some(unix + self.board.now().saturating_since(at).as_secs())
        })
    }

    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        self.board.fill_random(buffer)
    }
}

/// How soon a firmware is asked that does not say when its clock was set; doubles.
const ASK_FIRST: Duration = Duration::from_secs(2);
const ASK_MOST: Duration = Duration::from_secs(64);
/// Whom the module asks unless it was told.
const SERVER: &str = "pool.ntp.org";
