//! Chip enable, the boot window, the rate of the line, and the first question.

use core::time::Duration;

use netdev::{Error, Event, Fault, Instant};
use netdev_uart::{LineError, UartLink};

use crate::codec::Answer;
use crate::codec::Value::U8;
use crate::exchange::Owner;
use crate::method::system;
use crate::resync::Flood;
use crate::state::Core;

/// How far the chip has been brought up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Power {
    /// Nothing was tried yet, or the chip was found silent.
    Off,
    /// CHIP_PU is low until then.
    Pulse(Attempt, Instant),
    /// It is high, and the firmware boots until then. What it is told meanwhile is lost, or worse:
    /// a frame of which it sees only the end costs it its place.
    Booting(Attempt, Instant),
    /// There is no CHIP_PU: zeros find the firmware's place in the stream of bytes.
    Flooding(Attempt, Flood),
    /// Whether it answers at all, until then.
    Acking(Attempt, Instant),
    /// Which version it is.
    Asking,
    On,
    /// Every attempt was in vain; the next one is then.
    Dead(Instant),
}

/// One try to bring the chip up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    number: u8,
    /// CHIP_PU is wired.
    pub(crate) wired: bool,
    /// What sockets and link the chip had, it still has.
    pub(crate) again: bool,
}

impl Attempt {
    /// 614400 first; on silence the rate of firmware before 2.1.2; then both with more patience.
    fn baud(self) -> u32 {
        if self.number.is_multiple_of(2) { BAUD } else { OLD_BAUD }
    }

    /// Whether the firmware may have its place: zeros could cost it that.
    fn is_polite(self) -> bool {
        self.number < 2 && !self.again
    }

    fn boot(self) -> Duration {
        BOOT * (1 + u32::from(self.number / 2))
    }

    fn is_last(self) -> bool {
        let attempts = if self.wired { ATTEMPTS } else { 2 * Flood::ROUNDS };
        self.number + 1 >= if self.again { Flood::ROUNDS } else { attempts }
    }
}

impl<L: UartLink> Core<'_, L> {
    /// Brings the chip up, one step at a time; `Ok` once it is.
    pub(crate) fn power_up(&mut self) -> nb::Result<(), Error> {
        for _ in 0..STEPS {
            let now = self.call.now();
            match self.state.power {
                Power::On => return Ok(()),
                Power::Off => self.attempt(Attempt { number: 0, wired: true, again: false })?,
                Power::Pulse(attempt, at) => {
                    self.not_before(at)?;
                    self.enable(true)?;
                    self.state.power = Power::Booting(attempt, now + attempt.boot());
                }
                Power::Booting(attempt, at) => {
                    self.not_before(at)?;
                    self.start_acking(attempt)?;
                }
                Power::Flooding(attempt, flood) => self.flood(attempt, flood)?,
                Power::Acking(attempt, until) => self.await_ack(attempt, until)?,
                Power::Asking => self.ask_version()?,
                Power::Dead(at) if now >= at => self.state.power = Power::Off,
                Power::Dead(_) => return Err(Error::Fault(Fault::Unresponsive).into()),
            }
        }
        Err(nb::Error::WouldBlock)
    }

    /// When it could matter to call again before the chip is up.
    pub(crate) fn power_due(&self) -> Option<Instant> {
        let now = self.call.now();
        match self.state.power {
            Power::On | Power::Off => None,
            Power::Pulse(_, at) | Power::Booting(_, at) | Power::Dead(at) => Some(at),
            Power::Flooding(..) | Power::Acking(..) | Power::Asking => {
                self.state.exchange.due(now).or(Some(now + LOOK))
            }
        }
    }

    fn not_before(&self, at: Instant) -> nb::Result<(), Error> {
        if self.call.now() >= at { Ok(()) } else { Err(nb::Error::WouldBlock) }
    }

    fn attempt(&mut self, attempt: Attempt) -> Result<(), Error> {
        self.state.exchange.forget();
        // One that has answered before has the rate that it has.
        if !attempt.again {
            self.set_baud(attempt.baud())?;
        }
        if !attempt.wired && attempt.is_polite() {
            return self.start_acking(attempt);
        }
        if !attempt.wired {
            self.state.power = Power::Flooding(attempt, Flood::round(self.random()));
            return Ok(());
        }
        match self.state.exchange.link.set_enabled(false) {
            Ok(()) => {
                self.state.power = Power::Pulse(attempt, self.call.now() + PULSE);
                Ok(())
            }
            Err(LineError::Unsupported) => {
                // The chip may have run for long, and hold what an earlier program had.
                self.state.sweep = Some(0);
                self.start_acking(Attempt { wired: false, ..attempt })
            }
            Err(_) => self.bus_failed(),
        }
    }

    fn set_baud(&mut self, baud: u32) -> Result<(), Error> {
        self.state.exchange.byte = Duration::from_nanos(10_000_000_000 / u64::from(baud));
        match self.state.exchange.link.set_baud(baud) {
            // The line has the rate that it has.
            Ok(()) | Err(LineError::Unsupported) => Ok(()),
            Err(_) => self.bus_failed(),
        }
    }

    fn enable(&mut self, enabled: bool) -> Result<(), Error> {
        match self.state.exchange.link.set_enabled(enabled) {
            Ok(()) => Ok(()),
            Err(_) => self.bus_failed(),
        }
    }

    fn bus_failed(&mut self) -> Result<(), Error> {
        self.give_up(Fault::Bus);
        Err(Error::Fault(Fault::Bus))
    }

    /// Drops what the line carried so far, and asks whether there is somebody.
    pub(crate) fn start_acking(&mut self, attempt: Attempt) -> Result<(), Error> {
        self.state.exchange.forget();
        let mut scrap = [0; 64];
        for _ in 0..SCRAPS {
            match self.state.exchange.link.read(&mut scrap) {
                Ok(0) => break,
                Ok(_) | Err(LineError::Lost) => {}
                Err(_) => return self.bus_failed(),
            }
        }
        self.drop_mail(Owner::Boot);
        let until = self.call.now() + ACK + self.state.exchange.byte * 64;
        self.state.power = Power::Acking(attempt, until);
        Ok(())
    }

    fn await_ack(&mut self, attempt: Attempt, until: Instant) -> nb::Result<(), Error> {
        self.settle();
        if !matches!(self.state.power, Power::Acking(..)) {
            return Ok(());
        }
        let mark = self.random();
        let sweep = self.state.sweep.take();
        let answer = self.ask(Owner::Boot, &system::ACK, &[U8(mark)]);
        self.state.sweep = sweep;
        match answer {
            Ok(_) if attempt.again => self.state.power = Power::On,
            Ok(_) => self.state.power = Power::Asking,
            Err(_) if self.call.now() < until => return Err(nb::Error::WouldBlock),
            Err(_) if attempt.is_last() => {
                self.give_up(Fault::Unresponsive);
                return Err(Error::Fault(Fault::Unresponsive).into());
            }
            Err(_) => self.attempt(Attempt { number: attempt.number + 1, ..attempt })?,
        }
        Ok(())
    }

    fn ask_version(&mut self) -> nb::Result<(), Error> {
        self.settle();
        if !matches!(self.state.power, Power::Asking) {
            return Ok(());
        }
        let sweep = self.state.sweep.take();
        let answer = self.ask(Owner::Boot, &system::VERSION, &[]);
        self.state.sweep = sweep;
        if answer == Err(nb::Error::WouldBlock) {
            return Err(nb::Error::WouldBlock);
        }
        // One that answers and does not tell is as good.
        let answer = answer.ok();
        let version = answer.as_ref().and_then(Answer::blob);
        let version = version.and_then(|text| core::str::from_utf8(text).ok());
        netdev::info!("rtl8720dn: firmware {}", version.unwrap_or("unknown"));
        self.state.power = Power::On;
        Ok(())
    }

    /// The chip answers nothing, or the line is broken: it is reset where there is a pin for that;
    /// otherwise its place in the stream of bytes is found again, which costs nobody a socket.
    pub(crate) fn silence(&mut self, fault: Fault) {
        netdev::warn!("rtl8720dn: silent ({:?})", fault);
        match self.state.power {
            Power::On => {}
            Power::Acking(..) if fault == Fault::Unresponsive => return,
            _ => return self.give_up(fault),
        }
        self.state.events.push(Event::Fault(fault));
        if fault == Fault::Unresponsive && self.has_no_pin() {
            self.lose_flight(fault);
            let attempt = Attempt { number: 0, wired: false, again: true };
            self.state.power = Power::Flooding(attempt, Flood::round(self.random()));
            return;
        }
        self.restart();
    }

    fn has_no_pin(&mut self) -> bool {
        self.state.exchange.link.set_enabled(true) == Err(LineError::Unsupported)
    }

    /// Resets the chip: what it held is gone, and everybody who had something there is told.
    pub(crate) fn restart(&mut self) {
        self.lose_everything(Error::Fault(Fault::Restarted));
        self.state.power = Power::Off;
    }

    /// A chip that does not come up: calls say so at once, until the next attempt is due.
    pub(crate) fn give_up(&mut self, fault: Fault) {
        if matches!(self.state.power, Power::On) {
            self.state.events.push(Event::Fault(fault));
        }
        self.lose_everything(Error::Fault(Fault::Restarted));
        self.state.power = Power::Dead(self.call.now() + RETRY);
        self.state.events.push(Event::Fault(fault));
    }

    /// Something that differs from time to time.
    pub(crate) fn random(&self) -> u8 {
        let mut random = [0];
        if self.call.platform.fill_random(&mut random).is_err() {
            let [byte, ..] = self.call.now().as_micros().to_le_bytes();
            random = [byte];
        }
        let [byte] = random;
        byte
    }
}

/// The rate since 2.1.2, and before (since 2.0.0).
const BAUD: u32 = 614_400;
const OLD_BAUD: u32 = 1_843_200;
/// Length of the pulse on CHIP_PU.
const PULSE: Duration = Duration::from_millis(100);
/// From its end until the firmware listens; longer with each second attempt.
const BOOT: Duration = Duration::from_millis(700);
/// How long the firmware may take to say that it is there.
const ACK: Duration = Duration::from_millis(200);
const ATTEMPTS: u8 = 6;
/// How long calls fail at once before a chip that did not come up is tried again.
const RETRY: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(1);
/// Most reads of what is dropped, most steps in one call.
const SCRAPS: u32 = 128;
const STEPS: u32 = 8;
