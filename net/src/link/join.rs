//! The way into a network, one step at a time: settings, a look around, the networks in turn, pauses.

use core::time::Duration;

use netdev::{AccessPoint, Netlink, Network};

use super::limit;
use super::params::{ConnectParams, Mode};
use crate::{Cause, DeviceError, Instant, Netdev};

/// How far a join has come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Joiner {
    phase: Phase,
    /// When the phase has to be over.
    until: Option<Instant>,
    /// The networks that were tried in this round, a bit for each.
    tried: u32,
    rounds: u16,
    /// Whether to look around before each round.
    by_signal: bool,
    /// Whether giving up is no choice.
    for_ever: bool,
    /// Why it did not work, the most telling cause so far.
    cause: Option<Cause>,
    /// Whether a failure of this round may pass by itself.
    may_pass: bool,
    /// Whether the chip is to blame for this round.
    chip_failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Begin,
    Reset,
    HostName,
    Address,
    Scan,
    Next,
    Join(u8),
    NameServers,
    Pause,
}

/// What a step needs from outside.
pub(super) struct Call<'a> {
    pub(super) device: &'a dyn Netdev,
    pub(super) link: &'a dyn Netlink,
    pub(super) params: &'a ConnectParams<'a>,
    pub(super) found: Option<&'a mut [AccessPoint]>,
    pub(super) now: Instant,
}

/// What the chip has to do within this time, whatever it is.
const CHIP: Duration = Duration::from_secs(10);
/// After so many rounds without success the chip is reset, in case it is to blame.
const RESET_EVERY: u16 = 3;

impl Joiner {
    pub(super) const fn new(by_signal: bool) -> Self {
        Self {
            phase: Phase::Begin,
            until: None,
            tried: 0,
            rounds: 0,
            by_signal,
            for_ever: false,
            cause: None,
            may_pass: false,
            chip_failed: false,
        }
    }

    /// Back into a network that was joined before, with or without a reset of the chip.
    pub(super) const fn again(by_signal: bool, reset: bool) -> Self {
        let phase = if reset { Phase::Reset } else { Phase::Begin };
        Self { phase, for_ever: true, ..Self::new(by_signal) }
    }

    /// When the present phase has to be over.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Whether nothing happens before then.
    pub(super) fn pauses(&self) -> bool {
        self.phase == Phase::Pause
    }

    /// Goes on as far as possible without waiting. `Ok`: the network is joined.
    pub(super) fn step(&mut self, call: &mut Call<'_>) -> nb::Result<(), Cause> {
        // Each turn ends a phase; more than these are not passed without waiting.
        for _ in 0..16 {
            if self.turn(call)? {
                return Ok(());
            }
        }
        Err(nb::Error::WouldBlock)
    }

    /// Ends the present phase; true if it was the last.
    fn turn(&mut self, call: &mut Call<'_>) -> nb::Result<bool, Cause> {
        let next = match self.phase {
            Phase::Begin => Phase::HostName,
            Phase::Pause if self.until.is_some_and(|at| call.now < at) => {
                return Err(nb::Error::WouldBlock);
            }
            Phase::Pause if self.chip_failed || self.rounds.is_multiple_of(RESET_EVERY) => {
                self.chip_failed = false;
                Phase::Reset
            }
            Phase::Pause => Phase::Begin,
            Phase::Next => self.next_network(call),
            phase => match self.ask(phase, call) {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(true),
                Err(nb::Error::WouldBlock) if self.until.is_none_or(|at| call.now < at) => {
                    return Err(nb::Error::WouldBlock);
                }
                Err(nb::Error::WouldBlock) => self.after(phase, Cause::DeadlineExceeded),
                Err(nb::Error::Other(error)) => self.after(phase, Cause::Device(error)),
            },
        };
        if next == Phase::Pause {
            self.end_round(call)?;
        } else {
            let time = if matches!(next, Phase::Join(_)) { call.params.timeout } else { CHIP };
            self.until = limit(call.now, time);
        }
        self.phase = next;
        Ok(false)
    }

    /// Asks the device what a phase is about; tells the next one, `None` after the last.
    fn ask(&self, phase: Phase, call: &mut Call<'_>) -> nb::Result<Option<Phase>, DeviceError> {
        let Call { link, params, .. } = *call;
        Ok(Some(match phase {
            Phase::Reset => {
                link.reset()?;
                Phase::Begin
            }
            Phase::HostName => {
                params.host_name.map_or(Ok(()), |name| link.set_host_name(name))?;
                Phase::Address
            }
            Phase::Address => {
                params.address.as_ref().map_or(Ok(()), |config| link.set_address(Some(config)))?;
                if self.by_signal { Phase::Scan } else { Phase::Next }
            }
            Phase::Scan => {
                if let Some(found) = call.found.as_deref_mut() {
                    let count = link.scan(found)?;
                    found.iter_mut().skip(count).for_each(|place| *place = AccessPoint::EMPTY);
                }
                Phase::Next
            }
            Phase::Join(at) => {
                match params.mode {
                    Mode::Station => link.join(&params.network(usize::from(at)))?,
                    Mode::AccessPoint => link.start_access_point(&params.own_access_point())?,
                }
                Phase::NameServers
            }
            Phase::NameServers => {
                if !params.name_servers.is_empty() {
                    link.set_name_servers(params.name_servers)?;
                }
                return Ok(None);
            }
            Phase::Begin | Phase::Next | Phase::Pause => Phase::Begin,
        }))
    }

    /// Where a phase that failed leads to.
    fn after(&mut self, phase: Phase, cause: Cause) -> Phase {
        let fault = matches!(cause, Cause::Device(DeviceError::Fault(_)));
        let lasting = matches!(
            cause,
            Cause::Device(
                DeviceError::AuthFailed | DeviceError::InvalidInput | DeviceError::Unsupported
            )
        );
        self.may_pass |= !lasting;
        if self.cause != Some(Cause::Device(DeviceError::AuthFailed)) {
            self.cause = Some(cause);
        }
        match phase {
            Phase::Join(_) if !fault => Phase::Next,
            _ => {
                self.chip_failed = fault || cause == Cause::DeadlineExceeded;
                Phase::Pause
            }
        }
    }

    /// The next network of this round: the strongest of those that were heard, or the first.
    fn next_network(&mut self, call: &Call<'_>) -> Phase {
        let mut best: Option<(u8, i16)> = None;
        for at in 0..u8::try_from(call.params.count()).unwrap_or(32) {
            let strength = match &call.found {
                Some(found) => heard(found, &call.params.network(usize::from(at))),
                None => 0,
            };
            let tried = self.tried & (1 << at) != 0;
            if !tried && best.is_none_or(|(_, other)| strength > other) {
                best = Some((at, strength));
            }
        }
        match best {
            Some((at, _)) => {
                self.tried |= 1 << at;
                Phase::Join(at)
            }
            None => Phase::Pause,
        }
    }

    /// Pauses before the next round, or gives up.
    fn end_round(&mut self, call: &Call<'_>) -> nb::Result<(), Cause> {
        let again = call.params.retries.is_none_or(|retries| self.rounds < retries);
        if !(self.for_ever || (again && self.may_pass)) {
            let cause = self.cause.unwrap_or(Cause::Device(DeviceError::NoSuchNetwork));
            return Err(nb::Error::Other(cause));
        }
        self.until = Some(call.now + pause(call, self.rounds));
        // After the last number the rounds are counted from a multiple of the resets on.
        self.rounds = self.rounds.checked_add(1).unwrap_or(RESET_EVERY);
        (self.tried, self.may_pass) = (0, false);
        Ok(())
    }
}

/// How strong a network is; those that were not heard, or hide their name, come last.
fn heard(found: &[AccessPoint], network: &Network<'_>) -> i16 {
    let Network::Wifi(wifi) = network else { return i16::MIN };
    let same = found.iter().filter(|ap| ap.ssid() == wifi.ssid.as_bytes() && ap.ssid_len > 0);
    same.map(|ap| ap.rssi).max().unwrap_or(i16::MIN)
}

/// Doubles with each round, and is shortened at random by up to a half.
fn pause(call: &Call<'_>, rounds: u16) -> Duration {
    let ConnectParams { pause, longest_pause, .. } = *call.params;
    let doubled = pause.saturating_mul(1 << rounds.min(16));
    let whole = doubled.min(longest_pause.max(pause));
    let mut random = [0; 2];
    if call.device.platform().fill_random(&mut random).is_err() {
        // Good enough to set devices apart that were not switched on in the same microsecond.
        let [low, high, ..] = call.now.as_micros().to_le_bytes();
        random = [low, high];
    }
    let share = u32::from(u16::from_le_bytes(random));
    whole - (whole / 2).saturating_mul(share) / u32::from(u16::MAX)
}
