//! From power-off to a firmware that has said who it is. Nothing here waits: the pulses are moments
//! at which the next call goes on.

use core::time::Duration;

use netdev::{Error, Event, Fault, Instant};

use crate::command::{ERRNO, GET_DNS_CONFIG, GET_FW_VERSION, GET_TIME};
use crate::exchange::{Owner, REJECTED};
use crate::firmware::Firmware;
use crate::frame::Answer;
use crate::spi::SpiLink;
use crate::state::Core;

/// How far the chip has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// To be reset by the next call.
    Off,
    /// Held in reset until then.
    Reset(Instant),
    /// Booting until then: READY means nothing yet.
    Booting(Instant),
    /// Being asked who it is.
    Asking(Question),
    On,
    /// Did not come up; the next attempt is due then.
    Dead(Instant),
}

/// The questions after a reset, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    Version,
    Descriptors,
    DnsConfig,
    Time,
}

impl<L: SpiLink> Core<'_, L> {
    /// Goes on until the chip is on; `WouldBlock` while that takes time.
    pub(crate) fn power_up(&mut self) -> nb::Result<(), Error> {
        loop {
            let now = self.call.now();
            match self.state.power {
                Power::On => return Ok(()),
                Power::Off => self.assert_reset()?,
                Power::Reset(until) if now >= until => self.release_reset()?,
                Power::Booting(until) if now >= until => self.start_asking()?,
                Power::Asking(question) => self.ask_who(question)?,
                Power::Dead(until) if now >= until => self.state.power = Power::Off,
                Power::Dead(_) => return Err(Error::Fault(Fault::Unresponsive).into()),
                Power::Reset(_) | Power::Booting(_) => return Err(nb::Error::WouldBlock),
            }
        }
    }

    /// When the next step of booting is due.
    pub(crate) fn power_due(&self) -> Option<Instant> {
        match self.state.power {
            Power::Reset(at) | Power::Booting(at) => Some(at),
            Power::Off | Power::Asking(_) | Power::On | Power::Dead(_) => None,
        }
    }

    /// GPIO0 high, or the chip would boot into its ROM's downloader; chip-select high, or it would
    /// speak Bluetooth until the next reset.
    fn assert_reset(&mut self) -> Result<(), Error> {
        let link = &mut self.state.exchange.link;
        let done = link
            .set_boot_strap(true)
            .and_then(|()| link.deselect())
            .and_then(|()| link.set_reset(true));
        self.step(done.is_ok(), Power::Reset(self.call.now() + RESET))
    }

    fn release_reset(&mut self) -> Result<(), Error> {
        let done = self.state.exchange.link.set_reset(false);
        self.step(done.is_ok(), Power::Booting(self.call.now() + BOOT))
    }

    fn start_asking(&mut self) -> Result<(), Error> {
        self.state.exchange.forget();
        self.state.firmware = Firmware::UNKNOWN;
        let done = self.state.exchange.link.set_boot_strap(false);
        self.step(done.is_ok(), Power::Asking(Question::Version))
    }

    fn step(&mut self, done: bool, next: Power) -> Result<(), Error> {
        if done {
            self.state.power = next;
            return Ok(());
        }
        self.give_up();
        Err(Error::Fault(Fault::Bus))
    }

    fn ask_who(&mut self, question: Question) -> nb::Result<(), Error> {
        let command = match question {
            Question::Version => &GET_FW_VERSION,
            Question::Descriptors => &ERRNO,
            Question::DnsConfig => &GET_DNS_CONFIG,
            Question::Time => &GET_TIME,
        };
        let answer = match self.ask(Owner::Boot, command, &[]) {
            Ok(answer) => Some(answer),
            Err(nb::Error::Other(Error::Fault(REJECTED))) => None,
            Err(nb::Error::Other(error)) => {
                self.give_up();
                return Err(error.into());
            }
            Err(nb::Error::WouldBlock) => return Err(nb::Error::WouldBlock),
        };
        self.heard(question, answer);
        Ok(())
    }

    fn heard(&mut self, question: Question, answer: Option<Answer>) {
        let firmware = &mut self.state.firmware;
        let next = match question {
            Question::Version => {
                firmware.set_version(answer.as_ref().map_or(&[], Answer::bytes));
                Question::Descriptors
            }
            Question::Descriptors => {
                firmware.descriptors = answer.is_some();
                Question::DnsConfig
            }
            Question::DnsConfig => {
                firmware.dns_config = answer.is_some();
                Question::Time
            }
            Question::Time => {
                firmware.arduino_esp32 = answer.is_some_and(|time| time.bytes().len() == 8);
                self.state.power = Power::On;
                let firmware = self.state.firmware;
                self.shared.set_capabilities(firmware.capabilities());
                let [major, minor, patch] = firmware.version;
                netdev::info!("wifinina: firmware {}.{}.{}", major, minor, patch);
                return;
            }
        };
        self.state.power = Power::Asking(next);
    }

    /// A chip that does not come up: calls say so at once, until the next attempt is due.
    pub(crate) fn give_up(&mut self) {
        self.state.exchange.forget();
        self.drop_mail(Owner::Boot);
        self.state.power = Power::Dead(self.call.now() + RETRY);
        self.state.events.push(Event::Fault(Fault::Unresponsive));
    }
}

/// Length of the reset pulse. Four of the five hosts looked at use this.
const RESET: Duration = Duration::from_millis(10);
/// From the end of the pulse until the firmware listens. READY floats until then, so there is
/// nothing to look at; all five hosts wait this long.
const BOOT: Duration = Duration::from_millis(750);
/// How long calls fail at once before a chip that did not come up is tried again.
const RETRY: Duration = Duration::from_secs(1);
