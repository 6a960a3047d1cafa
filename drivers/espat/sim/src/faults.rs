//! Mischief that a test or a command line asks for: what firmwares do on bad days.

use core::fmt;
use core::str::FromStr;

/// A kind of mischief. Each strikes where it has an occasion: ordered by
/// [`Monitor::arm`](crate::Monitor::arm), or by chance with the rates of
/// [`Config::faults`](crate::Config::faults).
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// An unsolicited line before a literal.
    Storm,
    /// The prompt comes later.
    SlowPrompt,
    /// A blank follows the prompt, as in 1.x.
    BlankPrompt,
    /// A command is answered `busy p...` and lost.
    Busy,
    /// A send fails although the link is up.
    SendFail,
    /// The link closes when its payload is awaited.
    ClosedInPayload,
    /// Nothing is answered for a while; what is said is lost.
    Silence,
    /// The firmware crashes at a command and boots.
    Ready,
    /// Some bytes of noise before a literal.
    Garbage,
    /// A `+IPD` stops half way, for a while.
    PartialIpd,
    /// An inbound connection takes the link id that `AT+CIPSTART` asks for.
    GrabId,
}

impl Fault {
    /// All of them, with the names that the command line uses.
    pub const ALL: [(&'static str, Self); 11] = [
        ("storm", Self::Storm),
        ("slow-prompt", Self::SlowPrompt),
        ("blank-prompt", Self::BlankPrompt),
        ("busy", Self::Busy),
        ("send-fail", Self::SendFail),
        ("closed-in-payload", Self::ClosedInPayload),
        ("mute", Self::Silence),
        ("ready", Self::Ready),
        ("garbage", Self::Garbage),
        ("partial-ipd", Self::PartialIpd),
        ("grab-id", Self::GrabId),
    ];

    pub(crate) fn index(self) -> usize {
        Self::ALL.iter().position(|(_, kind)| *kind == self).unwrap_or(0)
    }
}

/// How often each kind strikes, as a probability for each occasion. From text:
/// `storm=0.1,busy=0.01`; without a number it is 0.01.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FaultRates([f64; Fault::ALL.len()]);

impl FaultRates {
    /// The same with another rate for one kind, from 0 to 1.
    #[must_use]
    pub fn with(mut self, fault: Fault, rate: f64) -> Self {
        if let Some(place) = self.0.get_mut(fault.index()) {
            *place = if rate.is_finite() { rate.clamp(0.0, 1.0) } else { 0.0 };
        }
        self
    }

    pub(crate) fn rate(&self, fault: Fault) -> f64 {
        self.0.get(fault.index()).copied().unwrap_or(0.0)
    }
}

impl FromStr for FaultRates {
    type Err = BadFault;

    fn from_str(text: &str) -> Result<Self, BadFault> {
        let mut rates = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (name, rate) = part.split_once('=').unwrap_or((part, "0.01"));
            let known = Fault::ALL.iter().find(|(known, _)| *known == name);
            let (_, fault) = known.ok_or_else(|| BadFault(name.into()))?;
            let rate: f64 = rate.parse().map_err(|_| BadFault(part.into()))?;
            if !(0.0..=1.0).contains(&rate) {
                return Err(BadFault(part.into()));
            }
            rates = rates.with(*fault, rate);
        }
        Ok(rates)
    }
}

/// A kind of fault that there is not, or a rate that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadFault(String);

impl fmt::Display for BadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Fault::ALL.iter().map(|(name, _)| *name).collect();
        write!(
            f,
            "{:?} is no fault; there are {}, with a rate from 0 to 1",
            self.0,
            names.join(", ")
        )
    }
}

impl core::error::Error for BadFault {}

/// Numbers without a pattern, the same in each run: `SplitMix64`, by Sebastiano Vigna.
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// True with that probability.
    pub(crate) fn strikes(&mut self, rate: f64) -> bool {
        if rate <= 0.0 {
            return false;
        }
        let high = u32::try_from(self.roll() >> 32).unwrap_or(0);
        f64::from(high) < rate * f64::from(u32::MAX)
    }

    /// One of so many.
    pub(crate) fn one_of(&mut self, count: usize) -> usize {
        let count = u64::try_from(count).unwrap_or(1).max(1);
        usize::try_from(self.roll() % count).unwrap_or(0)
    }
}
