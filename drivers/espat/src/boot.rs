//! From power-off to a module that has said who it is and was set up. Nothing here waits: pauses are
//! moments at which the next call goes on.

use core::time::Duration;

use netdev::{Error, Event, Fault, Instant};
use netdev_uart::{LineError, UartLink};

use crate::arrivals::Final;
use crate::command::{AT, CANCEL, RST};
use crate::firmware::Firmware;
use crate::op::{Op, Step};
use crate::state::Core;

/// How far the module has come, and what it was to be told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Boot {
    pub(crate) power: Power,
    /// The rate that the line was made with, and that a module is reset to.
    pub(crate) first_baud: u32,
    pub(crate) wanted_baud: Option<u32>,
    pub(crate) flow_control: bool,
    /// At the wanted rate the module did not understand us.
    pub(crate) wanted_failed: bool,
    /// The module was reset since it was last on.
    pub(crate) was_reset: bool,
    /// The module sends our own commands back.
    pub(crate) echoed: bool,
    pub(crate) version: [u8; 3],
    /// How often the present step was tried.
    pub(crate) tries: u8,
    rate: u8,
    round: u8,
    /// A reset that was asked for is under way.
    pub(crate) resetting: bool,
    /// The module may wait for payload: what it is told would go to the peer.
    payload_awaited: bool,
}

/// How far the module has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// To be switched on by the next call.
    Off,
    /// Held in reset until then.
    Held(Instant),
    /// Starting; its `ready` is awaited until then.
    Starting(Instant),
    /// Being looked for, at one rate after the other.
    Searching,
    /// Silence before or after `+++`, until then; `true`: it is to be sent.
    Leaving(Instant, bool),
    /// Being set up.
    Setup(Step),
    /// The line changes its rate, once all is out, to this one.
    Switching(u32),
    /// It has; the module may need a moment.
    Settling(Instant),
    On,
    /// Did not come up; the next attempt is due then.
    Dead(Instant),
}

impl Boot {
    pub(crate) const fn new() -> Self {
        Self {
            power: Power::Off,
            first_baud: 115_200,
            wanted_baud: None,
            flow_control: false,
            wanted_failed: false,
            was_reset: false,
            echoed: false,
            version: [0; 3],
            tries: 0,
            rate: 0,
            round: 0,
            resetting: false,
            payload_awaited: false,
        }
    }
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// Goes on until the module is on; `WouldBlock` while that takes time.
    pub(crate) fn power_up(&mut self) -> nb::Result<(), Error> {
        for _ in 0..STEPS {
            let power = self.state.boot.power;
            match power {
                Power::On => return Ok(()),
                Power::Off => self.switch_on(),
                Power::Held(until) if self.now >= until => self.release(),
                Power::Starting(until) if self.now >= until => self.search(),
                Power::Searching if self.state.exchange.flight.is_none() => self.probe(),
                Power::Leaving(at, send) if self.now >= at => self.leave_payload(send),
                Power::Setup(step) if self.state.exchange.flight.is_none() => self.take_step(step),
                Power::Switching(baud) => {
                    if !self.switch_rate(baud) {
                        return Err(nb::Error::WouldBlock);
                    }
                }
                Power::Settling(at) if self.now >= at => {
                    self.state.exchange.drain(self.now);
                    self.state.exchange.forget();
                    self.state.boot.power = Power::Setup(Step::CheckRate);
                }
                Power::Dead(until) if self.now >= until => self.state.boot.power = Power::Off,
                Power::Dead(_) => return Err(Error::Fault(Fault::Unresponsive).into()),
                _ => return Err(nb::Error::WouldBlock),
            }
        }
        Err(nb::Error::WouldBlock)
    }

    /// When the next step of that is due.
    pub(crate) fn boot_due(&self) -> Option<Instant> {
        match self.state.boot.power {
            Power::On => None,
            Power::Held(at) | Power::Leaving(at, _) | Power::Settling(at) => Some(at),
            Power::Dead(at) => Some(at),
            _ => Some(self.now + Duration::from_millis(1)),
        }
    }

    fn switch_on(&mut self) {
        self.state.firmware = Firmware::UNKNOWN;
        self.state.exchange.forget();
        self.set_line(self.state.boot.first_baud);
        self.state.boot.tries = 0;
        self.state.boot.round = 0;
        self.state.boot.power = match self.state.exchange.link.set_enabled(false) {
            Ok(()) => Power::Held(self.now + PULSE),
            Err(LineError::Unsupported) => {
                self.state.boot.was_reset = false;
                self.state.boot.rate = 0;
                if self.state.boot.payload_awaited {
                    Power::Leaving(self.now + PAYLOAD_PAUSE, true)
                } else {
                    Power::Searching
                }
            }
            Err(_) => return self.give_up(Fault::Bus),
        };
    }

    fn release(&mut self) {
        self.state.exchange.drain(self.now);
        self.state.exchange.forget();
        self.state.boot.was_reset = true;
        if self.state.exchange.link.set_enabled(true).is_err() {
            return self.give_up(Fault::Bus);
        }
        self.state.boot.power = Power::Starting(self.now + READY);
    }

    /// No `ready` came: perhaps at another rate.
    fn search(&mut self) {
        self.state.exchange.forget();
        (self.state.boot.rate, self.state.boot.tries) = (0, 0);
        self.state.boot.power = Power::Searching;
    }

    fn probe(&mut self) {
        let _ = self.post(Op::Probe, |it| {
            it.start(AT);
        });
    }

    /// Any answer at all says that this is the rate: noise does not spell.
    pub(crate) fn probed(&mut self, result: Final) {
        let boot = &mut self.state.boot;
        if result == Final::Ok {
            boot.tries = 0;
            if boot.was_reset {
                boot.power = Power::Setup(Step::Echo);
            } else {
                let _ = self.post(Op::Reset, |it| {
                    it.start(RST);
                });
            }
            return;
        }
        boot.tries += 1;
        let most = if result == Final::Silent { PROBES } else { PROBES * 3 };
        if boot.tries >= most {
            boot.tries = 0;
            self.next_rate();
        }
    }

    fn next_rate(&mut self) {
        let rates = self.state.boot.rates();
        loop {
            self.state.boot.rate += 1;
            let at = usize::from(self.state.boot.rate);
            let Some(&baud) = rates.get(at) else { break };
            if rates.iter().take(at).any(|&before| before == baud) || baud == 0 {
                continue;
            }
            if self.set_line(baud) {
                return self.before_probing();
            }
        }
        self.state.boot.rate = 0;
        self.set_line(self.state.boot.first_baud);
        self.state.boot.round += 1;
        if self.state.boot.round > ROUNDS {
            return self.give_up(Fault::Unresponsive);
        }
        self.before_probing();
    }

    /// In the second round the module may be waiting for payload, or be in passthrough.
    fn before_probing(&mut self) {
        self.state.exchange.forget();
        if self.state.boot.round > 0 {
            self.state.boot.power = Power::Leaving(self.now + PASSTHROUGH_PAUSE, true);
        }
    }

    fn leave_payload(&mut self, send: bool) {
        let first = core::mem::take(&mut self.state.boot.payload_awaited);
        let pause = if first { PAYLOAD_PAUSE } else { PASSTHROUGH_PAUSE };
        if send {
            let sent = self.state.exchange.link.write(CANCEL);
            if sent.is_err() {
                return self.give_up(Fault::Bus);
            }
            self.state.boot.power = Power::Leaving(self.now + pause, false);
        } else {
            self.state.boot.power = Power::Searching;
        }
    }

    /// `AT+RST` was taken, or nobody knows.
    pub(crate) fn reset_taken(&mut self) {
        self.state.boot.was_reset = true;
        self.set_line(self.state.boot.first_baud);
        self.state.boot.power = Power::Starting(self.now + READY);
    }

    /// `ready`: the module has started, because we wanted it or by itself.
    pub(crate) fn restarted(&mut self) {
        match self.state.boot.power {
            Power::Held(_) | Power::Leaving(..) => return,
            Power::On => {
                netdev::warn!("espat: the module was reset");
                self.state.events.push(Event::Fault(Fault::Restarted));
                self.lose_everything();
            }
            _ => {}
        }
        self.state.exchange.flight = None;
        self.state.exchange.counted = None;
        self.state.boot.was_reset = true;
        self.state.boot.tries = 0;
        self.state.boot.echoed = false;
        self.state.boot.power = Power::Setup(Step::Echo);
    }

    /// Resets the module: what it held is gone, and everybody who had something there is told.
    pub(crate) fn restart(&mut self) {
        netdev::warn!("espat: resetting the module");
        self.note_payload();
        self.lose_everything();
        self.state.exchange.forget();
        self.state.boot.power = Power::Off;
    }

    pub(crate) fn reset(&mut self) -> nb::Result<(), Error> {
        if self.state.boot.power == Power::On && !self.state.boot.resetting {
            self.restart();
            self.state.boot.resetting = true;
        }
        self.move_line(&mut crate::exchange::Sink::Nobody);
        self.power_up()?;
        self.state.boot.resetting = false;
        Ok(())
    }

    /// A module that does not come up: calls say so at once, until the next attempt is due.
    pub(crate) fn give_up(&mut self, fault: Fault) {
        self.note_payload();
        if self.state.boot.power == Power::On {
            self.lose_everything();
        }
        self.state.exchange.forget();
        self.state.events.push(Event::Fault(fault));
        self.state.boot.power = Power::Dead(self.now + RETRY);
    }

    /// Remembers, before all else is forgotten, that a payload was announced and not completed.
    fn note_payload(&mut self) {
        let sending = self.state.exchange.flight.is_some_and(|it| it.op.has_payload());
        self.state.boot.payload_awaited |= sending || self.state.resync.may_cancel();
    }

    fn lose_everything(&mut self) {
        let gone = Error::Fault(Fault::Restarted);
        self.lose_sockets(gone);
        self.state.links = [const { crate::links::Link::FREE }; crate::links::LINKS];
        self.state.stash.clear();
        self.state.mails.clear();
        self.state.resync = crate::resync::Resync::new();
        self.state.scan_line_held = false;
        self.state.senders = false;
        self.state.exchange.tokens.senders_told = false;
        self.state.waiting = None;
        self.state.serving = false;
        self.state.time.forget();
        self.lose_lookup();
        self.link_is_down(gone);
    }

    /// Sets our end of the line, if that is possible.
    pub(crate) fn set_line(&mut self, baud: u32) -> bool {
        if self.state.exchange.baud == baud {
            return true;
        }
        if self.state.exchange.link.set_baud(baud).is_err() {
            return false;
        }
        self.state.exchange.baud = baud;
        self.state.exchange.drain(self.now);
        true
    }

    /// Once all is out, our end changes its rate. Whether that is done.
    fn switch_rate(&mut self, baud: u32) -> bool {
        match self.state.exchange.link.flush() {
            Err(nb::Error::WouldBlock) => return false,
            Err(nb::Error::Other(_)) => self.give_up(Fault::Bus),
            Ok(()) => {
                self.set_line(baud);
                self.state.boot.power = Power::Settling(self.now + SETTLE);
            }
        }
        true
    }
}

impl Boot {
    /// Where a module is looked for, in this order.
    fn rates(&self) -> [u32; 12] {
        let wanted = self.wanted_baud.unwrap_or(0);
        [
            self.first_baud,
            wanted,
            115_200,
            9_600,
            57_600,
            74_880,
            38_400,
            230_400,
            460_800,
            921_600,
            1_000_000,
            2_000_000,
        ]
    }
}

/// Steps a call takes at most.
const STEPS: u32 = 32;
const PULSE: Duration = Duration::from_millis(10);
/// From the end of a reset to `ready`: 0.3 to 1 s are usual.
const READY: Duration = Duration::from_secs(3);
/// How often silence is believed at a rate. One that hears us at the wrong rate has garbage in its
/// line first.
const PROBES: u8 = 2;
const ROUNDS: u8 = 1;
/// Around `+++`, to leave passthrough.
const PASSTHROUGH_PAUSE: Duration = Duration::from_millis(1_050);
/// Around `+++`, to end a payload: what the line itself still holds goes out in it, too.
const PAYLOAD_PAUSE: Duration = Duration::from_millis(250);
/// What a module needs to change its rate.
const SETTLE: Duration = Duration::from_millis(20);
/// How long calls fail at once before a module that did not come up is tried again.
const RETRY: Duration = Duration::from_secs(1);
