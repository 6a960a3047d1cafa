//! Back in step with the module after something was lost, without resetting it where that is possible.
//!
//! Silence first; then, if the module may wait for payload, `+++` alone and its answer; then a
//! question whose answer cannot be mistaken for another's; then what is there is listed.

use core::time::Duration;

use netdev::{Error, Event, Fault, Instant};
use netdev_uart::UartLink;

use crate::arrivals::Final;
use crate::boot::Power;
use crate::command::{CANCEL, CIPMUX, CIPRECVLEN, CIPSTATE, CIPSTATUS};
use crate::firmware::Receive;
use crate::op::Op;
use crate::state::Core;

/// How far that has come, and what is wanted to be known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resync {
    stage: Stage,
    /// The module may wait for payload.
    cancel: bool,
    cancelled_already: bool,
    tries: u8,
    /// A send whose payload is out, and nobody knows whether the module took it.
    pub(crate) doubtful: Option<u8>,
    /// Which links stand is to be asked; what waits on them.
    pub(crate) links_wanted: bool,
    pub(crate) lengths_wanted: bool,
    /// Something came that made no sense: what it was is to be found out, then.
    suspicion: Option<Instant>,
    failures: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    InStep,
    /// The line has to be silent first.
    Quiet {
        since: Instant,
    },
    Cancelling,
    /// Silence behind the `+++` as well.
    Settling(Instant),
    Asking,
    /// The module was busy: asked again then.
    Pausing(Instant),
}

impl Resync {
    pub(crate) const fn new() -> Self {
        Self {
            stage: Stage::InStep,
            cancel: false,
            cancelled_already: false,
            tries: 0,
            doubtful: None,
            links_wanted: false,
            lengths_wanted: false,
            suspicion: None,
            failures: 0,
        }
    }
}

impl Resync {
    /// The module may wait for payload, and has not been told to forget it.
    pub(crate) fn may_cancel(&self) -> bool {
        self.cancel || self.doubtful.is_some()
    }
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn resync_is_under_way(&self) -> bool {
        self.state.resync.stage != Stage::InStep
    }

    /// What comes now is worth nothing.
    pub(crate) fn is_deaf(&self) -> bool {
        matches!(self.state.resync.stage, Stage::Quiet { .. })
    }

    pub(crate) fn resync_due(&self) -> Option<Instant> {
        match self.state.resync.stage {
            Stage::Quiet { .. } => Some(self.now + Duration::from_millis(2)),
            Stage::Settling(at) | Stage::Pausing(at) => Some(at),
            Stage::InStep | Stage::Cancelling | Stage::Asking => None,
        }
    }

    /// Something came that made no sense, or did not come: whether a message was lost is looked into
    /// a while later, whatever else comes until then.
    pub(crate) fn suspect(&mut self) {
        if self.state.boot.power == Power::On {
            self.state.resync.suspicion.get_or_insert(self.now + SUSPICION);
        }
    }

    /// Bytes are missing at this place.
    pub(crate) fn bytes_lost(&mut self) {
        self.state.events.push(Event::Fault(Fault::Frame));
        if let Some(flight) = &mut self.state.exchange.flight {
            // Of its answer, perhaps.
            flight.heard = true;
        }
        self.out_of_phase();
    }

    /// Nobody knows where lines begin, and where data end.
    pub(crate) fn out_of_phase(&mut self) {
        if let Some(counted) = self.state.exchange.counted.take() {
            self.state.stash.cut();
            self.fail_tag(counted.tag, Error::Fault(Fault::Frame));
        }
        self.state.exchange.tokens.restart();
        if self.state.boot.power != Power::On {
            return;
        }
        if self.state.exchange.flight.is_some() {
            self.expire();
        } else {
            self.resynchronise(false);
        }
    }

    /// Begins to get back into step; `cancel`: the module may wait for payload.
    pub(crate) fn resynchronise(&mut self, cancel: bool) {
        if self.state.boot.power != Power::On {
            return;
        }
        netdev::warn!("espat: resynchronising");
        if let Some(counted) = self.state.exchange.counted.take() {
            self.state.stash.cut();
            self.fail_tag(counted.tag, Error::Fault(Fault::Frame));
        }
        let unproven = self.state.exchange.data_just_ended;
        self.fail_tag(unproven, Error::Fault(Fault::Frame));
        self.state.exchange.forget();
        self.state.scan_line_held = false;
        let resync = &mut self.state.resync;
        resync.stage = Stage::Quiet { since: self.now };
        resync.cancel |= cancel;
        resync.cancelled_already = false;
        resync.tries = 0;
        self.state.exchange.heard_at = self.now;
    }

    /// Takes the next step, if it is due.
    pub(crate) fn tend_resync(&mut self) {
        let now = self.now;
        if self.state.exchange.flight.is_some() {
            return;
        }
        match self.state.resync.stage {
            Stage::InStep => self.tend_suspicion(),
            Stage::Quiet { since } => {
                let silent = now.saturating_since(self.state.exchange.heard_at) >= SILENCE;
                if silent || now.saturating_since(since) >= FLOOD {
                    self.state.exchange.forget();
                    self.after_silence();
                }
            }
            Stage::Settling(at) | Stage::Pausing(at) if now >= at => self.ask_sync(),
            Stage::Settling(_) | Stage::Pausing(_) | Stage::Cancelling | Stage::Asking => {}
        }
    }

    fn after_silence(&mut self) {
        if core::mem::take(&mut self.state.resync.cancel) {
            self.state.resync.stage = Stage::Cancelling;
            self.state.resync.cancelled_already = true;
            let _ = self.post(Op::Cancel, |it| it.raw(CANCEL));
        } else {
            self.ask_sync();
        }
    }

    /// Whether the module has said that it forgets the payload.
    pub(crate) fn cancelled(&mut self, forgotten: bool) {
        if let Some(index) = self.state.resync.doubtful.take() {
            if forgotten {
                self.unsent(index);
            } else {
                self.send_doubtful(index);
            }
        }
        if self.resync_is_under_way() {
            self.state.resync.stage = Stage::Settling(self.now + SILENCE);
        }
    }

    fn ask_sync(&mut self) {
        self.state.resync.stage = Stage::Asking;
        let _ = self.post(Op::Sync, |it| {
            it.start(CIPMUX).query();
        });
    }

    /// `+CIPMUX:1` says that answers belong to questions; `0` that the module was reset meanwhile.
    pub(crate) fn synchronised(&mut self, result: Final) {
        let reply = self.state.reply;
        let resync = &mut self.state.resync;
        resync.tries = resync.tries.saturating_add(1);
        if result == Final::Ok && reply.seen {
            resync.failures = 0;
            resync.stage = Stage::InStep;
            if reply.number != 1 {
                self.restarted();
                return;
            }
            resync.links_wanted = true;
            resync.lengths_wanted = true;
            if let Some(index) = resync.doubtful.take() {
                self.send_doubtful(index);
            }
            return;
        }
        if resync.tries >= SYNC_TRIES {
            let cancelled = resync.cancelled_already;
            resync.stage = Stage::InStep;
            if cancelled {
                self.unreachable();
            } else {
                // It may wait for payload all the same.
                self.resynchronise(true);
            }
            return;
        }
        let pause = if result == Final::Silent { Duration::ZERO } else { SYNC_PAUSE };
        resync.stage = Stage::Pausing(self.now + pause);
    }

    /// The module does not answer. It is reset, and whatever it held is lost.
    fn unreachable(&mut self) {
        self.state.events.push(Event::Fault(Fault::Unresponsive));
        self.restart();
    }

    fn tend_suspicion(&mut self) {
        if self.state.resync.suspicion.is_some_and(|at| self.now >= at) {
            self.state.resync.suspicion = None;
            self.state.resync.links_wanted = true;
            self.state.resync.lengths_wanted = true;
        }
    }

    /// Asks which links stand, and what waits on them, if that is to be known.
    pub(crate) fn tend_inventory(&mut self) {
        if !self.is_idle() {
            return;
        }
        if core::mem::take(&mut self.state.resync.links_wanted) {
            let by_state = self.state.firmware.cipstate;
            let _ = self.post(Op::Links, |it| {
                if by_state {
                    it.start(CIPSTATE).query();
                } else {
                    it.start(CIPSTATUS);
                }
            });
        } else if core::mem::take(&mut self.state.resync.lengths_wanted)
            && self.state.firmware.receive != Receive::Active
        {
            let _ = self.post(Op::Lengths, |it| {
                it.start(CIPRECVLEN).query();
            });
        }
    }

    /// What waits on links is about to be told.
    pub(crate) fn inventory_is_due(&self) -> bool {
        let resync = &self.state.resync;
        resync.lengths_wanted || resync.links_wanted || self.state.exchange.is_out(Op::Lengths)
    }

    pub(crate) fn links_answered(&mut self, ok: bool) {
        if ok {
            self.links_listed();
            self.starts_settled();
        } else if self.inventory_failed() {
            // The other of the two commands, in case this firmware was taken for another.
            self.state.firmware.cipstate = !self.state.firmware.cipstate;
        }
    }

    pub(crate) fn lengths_answered(&mut self, ok: bool) {
        if ok && self.state.reply.seen {
            return;
        }
        if !self.inventory_failed() {
            return;
        }
        self.state.resync.lengths_wanted = true;
    }

    /// Whether it is worth another try.
    fn inventory_failed(&mut self) -> bool {
        self.state.resync.failures = self.state.resync.failures.saturating_add(1);
        let again = self.state.resync.failures < INVENTORY_TRIES;
        if again {
            self.state.resync.links_wanted = true;
        } else {
            self.state.resync.failures = 0;
            self.unreachable();
        }
        again
    }
}

/// A pause that separates what the module takes in into pieces, and lets its own words come to an end.
const SILENCE: Duration = Duration::from_millis(25);
/// Longer than this nobody waits for silence.
const FLOOD: Duration = Duration::from_secs(1);
/// From something strange to the look into what it was.
const SUSPICION: Duration = Duration::from_millis(500);
const SYNC_TRIES: u8 = 4;
const SYNC_PAUSE: Duration = Duration::from_millis(100);
const INVENTORY_TRIES: u8 = 6;
