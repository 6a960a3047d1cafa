//! The commands after a reset. What is missing is found out by asking; the version says only what to
//! ask first.

use netdev::Fault;
use netdev_uart::UartLink;

use crate::arrivals::Final;
use crate::boot::Power;
use crate::command::{
    ALL, CIPMUX, CIPRECVMODE, CIPRECVTYPE, CIPTCPOPT, CWMODE, ECHO_OFF, GMR, SYSLOG, SYSMSG,
    SYSSTORE, UART_CUR,
};
use crate::firmware::{Firmware, Receive};
use crate::op::{Op, Step};
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    /// Sends the command of a step, or skips it where it is not wanted.
    pub(crate) fn take_step(&mut self, step: Step) {
        let firmware = self.state.firmware;
        let wanted = match step {
            Step::Rate => self.rate_wanted().is_some(),
            // These came with 2.x; NonOS stores by the names of its commands.
            Step::Store => firmware.version == [0; 3] || firmware.at_least(2, 1),
            Step::Messages | Step::Options => !firmware.is_nonos(),
            Step::Log => firmware.at_least(4, 1),
            Step::Receive | Step::ReceiveOtherwise => !self.state.active,
            _ => true,
        };
        if !wanted {
            self.next_step(step);
            return;
        }
        let baud = self.rate_wanted().unwrap_or(self.state.exchange.baud);
        let flow = if self.state.boot.flow_control { 3 } else { 0 };
        let by_type = by_type(&firmware) == (step == Step::Receive);
        let _ = self.post(Op::Setup(step), |it| match step {
            Step::Echo => {
                it.start(ECHO_OFF);
            }
            Step::Version | Step::CheckRate => {
                it.start(GMR);
            }
            Step::Store => {
                it.start(SYSSTORE).number(0);
            }
            Step::Rate => {
                it.start(UART_CUR).number(baud).number(8).number(1).number(0).number(flow);
            }
            Step::Mode => {
                it.start(CWMODE).current(firmware.suffixed).number(1);
            }
            Step::Mux => {
                it.start(CIPMUX).number(1);
            }
            Step::Receive | Step::ReceiveOtherwise if by_type => {
                it.start(CIPRECVTYPE).number(ALL).number(1);
            }
            Step::Receive | Step::ReceiveOtherwise => {
                it.start(CIPRECVMODE).number(1);
            }
            Step::Messages => {
                it.start(SYSMSG).number(2);
            }
            Step::Options => {
                it.start(CIPTCPOPT).number(ALL).omitted().number(1).number(SEND_LIMIT_MS);
            }
            Step::Log => {
                it.start(SYSLOG).number(1);
            }
        });
    }

    /// The rate that the module is to be told, if there is anything to tell.
    fn rate_wanted(&mut self) -> Option<u32> {
        let boot = &self.state.boot;
        let here = self.state.exchange.baud;
        let wanted = boot.wanted_baud.filter(|_| !boot.wanted_failed).unwrap_or(here);
        if wanted == here {
            return boot.flow_control.then_some(here);
        }
        // A line that cannot follow must not ask the module to go.
        self.state.exchange.link.set_baud(here).is_ok().then_some(wanted)
    }

    /// A step was answered.
    pub(crate) fn set_up(&mut self, step: Step, result: Final) {
        let ok = result == Final::Ok;
        match step {
            Step::Echo if ok => {
                // The command itself was still sent back.
                self.state.boot.echoed = false;
                self.next_step(step);
            }
            Step::Version if ok && self.state.reply.seen => self.version_told(),
            Step::CheckRate => self.rate_checked(ok && self.state.reply.seen),
            Step::Rate if ok => {
                let baud = self.rate_wanted().unwrap_or(self.state.exchange.baud);
                self.state.boot.tries = 0;
                self.state.boot.power = Power::Switching(baud);
            }
            _ if result == Final::Silent => self.try_again(step),
            _ if ok => self.has(step),
            // An answer that noise made of another is the same the second time only by chance.
            _ if self.state.boot.tries < DOUBTS => self.try_again(step),
            _ => self.has_not(step),
        }
    }

    fn try_again(&mut self, step: Step) {
        self.state.boot.tries += 1;
        self.state.exchange.forget();
        if self.state.boot.tries > TRIES {
            self.state.boot.tries = 0;
            if step == Step::Echo || self.state.boot.resetting {
                return self.give_up(Fault::Unresponsive);
            }
            // Back to where nothing is known, at most until that gives up.
            self.state.boot.power = Power::Setup(Step::Echo);
            self.state.boot.tries = TRIES - 1;
        }
    }

    fn version_told(&mut self) {
        let version = self.state.boot.version;
        if self.state.boot.echoed && self.state.boot.tries < TRIES {
            // The echo is still on.
            self.state.boot.echoed = false;
            self.state.boot.tries += 1;
            self.state.boot.power = Power::Setup(Step::Echo);
            return;
        }
        self.state.firmware = Firmware { version, ..Firmware::UNKNOWN };
        self.state.firmware.suffixed = self.state.firmware.is_nonos();
        self.state.firmware.cipstate = self.state.firmware.at_least(2, 4);
        self.next_step(Step::Version);
    }

    /// The module answers at the new rate, or does not.
    fn rate_checked(&mut self, understood: bool) {
        if understood && self.state.boot.version == self.state.firmware.version {
            self.state.boot.tries = 0;
            self.next_step(Step::CheckRate);
            return;
        }
        self.state.boot.tries += 1;
        match self.state.boot.tries {
            0..=2 => {}
            3 => {
                // Back to the old rate: perhaps the module never left it.
                self.state.boot.wanted_failed = true;
                self.state.boot.power = Power::Switching(self.state.boot.first_baud);
            }
            4..=6 => {}
            _ => {
                self.state.boot.tries = 0;
                self.state.boot.was_reset = false;
                self.restart();
            }
        }
    }

    fn has(&mut self, step: Step) {
        let firmware = &mut self.state.firmware;
        match step {
            Step::Receive | Step::ReceiveOtherwise => {
                let typed = by_type(firmware) == (step == Step::Receive);
                firmware.receive = if typed { Receive::ByType } else { Receive::ByMode };
                self.state.passive = true;
                self.next_step(Step::ReceiveOtherwise);
                return;
            }
            Step::Messages => firmware.links_told = true,
            Step::Options => firmware.options = true,
            Step::Log => firmware.errno = true,
            _ => {}
        }
        self.next_step(step);
    }

    /// The module refuses a step, more than once.
    fn has_not(&mut self, step: Step) {
        match step {
            Step::Mode if !self.state.firmware.suffixed => self.next_step(step),
            Step::Echo | Step::Version | Step::Mux => self.give_up(Fault::Frame),
            Step::Rate => {
                self.state.boot.wanted_failed = true;
                self.next_step(Step::CheckRate);
            }
            _ => self.next_step(step),
        }
    }

    fn next_step(&mut self, step: Step) {
        self.state.boot.tries = 0;
        let next = match step {
            Step::Echo => Step::Version,
            Step::Version => Step::Rate,
            Step::Rate | Step::CheckRate => Step::Store,
            Step::Store => Step::Mode,
            Step::Mode => Step::Mux,
            Step::Mux => Step::Receive,
            Step::Receive => Step::ReceiveOtherwise,
            Step::ReceiveOtherwise => Step::Messages,
            Step::Messages => Step::Options,
            Step::Options => Step::Log,
            Step::Log => return self.module_is_on(),
        };
        self.state.boot.power = Power::Setup(next);
    }

    fn module_is_on(&mut self) {
        self.state.boot.power = Power::On;
        let active = self.state.active || self.state.firmware.receive == Receive::Active;
        for link in &mut self.state.links {
            link.active = active;
        }
        self.shared.set_capabilities(self.state.firmware.capabilities());
        let [major, minor, patch] = self.state.firmware.version;
        netdev::info!("espat: firmware {}.{}.{}", major, minor, patch);
    }
}

/// Which of the two ways to passive receive is asked for first.
fn by_type(firmware: &Firmware) -> bool {
    firmware.version == [0; 3] || firmware.at_least(3, 3)
}

/// How often a command without an answer is repeated.
const TRIES: u8 = 4;
/// How often a refusal is not believed.
const DOUBTS: u8 = 1;
/// A peer that does not read holds a send up for at most this long.
pub(crate) const SEND_LIMIT_MS: u32 = 10_000;
