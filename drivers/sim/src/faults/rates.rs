//! How often what strikes by chance.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

use super::{Glitch, Wire};
use crate::clock::split_mix;

/// Probabilities for each byte, by kind; all 0 at first.
///
/// As text: `flip=0.001,drop,reset=1e-6`; a kind without a number has 0.0001.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// One bit changes.
    pub flip: f64,
    /// The byte is lost.
    pub drop: f64,
    /// It comes twice.
    pub double: f64,
    /// Another one comes before it.
    pub insert: f64,
    /// The rest of the chip-select cycle is lost.
    pub cut: f64,
    /// READY is stuck at a level for up to 1.5 s.
    pub stuck: f64,
    /// The chip is cut off for up to 1.5 s.
    pub silence: f64,
    /// The chip resets.
    pub reset: f64,
}

impl Rates {
    /// Flipped bits, bytes lost, doubled and inserted, all at one rate; nothing else.
    #[must_use]
    pub fn all_bytes(rate: f64) -> Self {
        Self { flip: rate, drop: rate, double: rate, insert: rate, ..Self::default() }
    }

    /// What strikes a byte on a wire, if anything does.
    pub(super) fn draw(&self, wire: Wire, random: &mut u64) -> Option<Glitch> {
        let drawn = split_mix(random) >> 11;
        // 53 bits, which is what an f64 holds exactly.
        let mut left = drawn as f64 / (1_u64 << 53) as f64;
        let rates = [
            self.flip,
            self.drop,
            self.double,
            self.insert,
            self.cut,
            self.stuck,
            self.silence,
            self.reset,
        ];
        // What is about the whole chip is not about a wire; it strikes while the host reads.
        let kinds = if wire == Wire::Read { rates.len() } else { ABOUT_BYTES };
        for (kind, rate) in rates.iter().enumerate().take(kinds) {
            if left < *rate {
                return Some(glitch(kind, random));
            }
            left -= rate;
        }
        None
    }

    pub(super) fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

fn glitch(kind: usize, random: &mut u64) -> Glitch {
    match kind {
        0 => Glitch::Flip(1 << (split_mix(random) % 8)),
        1 => Glitch::Drop,
        2 => Glitch::Double,
        3 => Glitch::Insert(byte(random)),
        4 => Glitch::Cut,
        5 => {
            let high = split_mix(random).is_multiple_of(2);
            Glitch::Stuck { high, length: Some(length(random)) }
        }
        6 => Glitch::Silence { length: Some(length(random)) },
        _ => Glitch::Reset,
    }
}

fn byte(random: &mut u64) -> u8 {
    let [byte, ..] = split_mix(random).to_le_bytes();
    byte
}

fn length(random: &mut u64) -> Duration {
    Duration::from_micros(1 + split_mix(random) % 1_500_000)
}

impl FromStr for Rates {
    type Err = BadRates;

    fn from_str(text: &str) -> Result<Self, BadRates> {
        let mut rates = Self::default();
        for part in text.split(',') {
            let (kind, number) = part.split_once('=').unwrap_or((part, USUAL));
            let rate = number.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
            let rate: f64 = rate.ok_or_else(|| BadRates::Number(number.into()))?;
            let place = match kind {
                "flip" => &mut rates.flip,
                "drop" => &mut rates.drop,
                "double" => &mut rates.double,
                "insert" => &mut rates.insert,
                "cut" => &mut rates.cut,
                "stuck" => &mut rates.stuck,
                "silence" => &mut rates.silence,
                "reset" => &mut rates.reset,
                _ => return Err(BadRates::Kind(kind.into())),
            };
            *place = rate;
        }
        Ok(rates)
    }
}

/// Why a text tells no [`Rates`].
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadRates {
    /// There is no such kind of fault.
    Kind(String),
    /// This is no probability.
    Number(String),
}

impl fmt::Display for BadRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => write!(f, "no fault is called {kind:?}; there are {KINDS}"),
            Self::Number(number) => write!(f, "{number:?} is no probability from 0 to 1"),
        }
    }
}

impl core::error::Error for BadRates {}

/// How many of the kinds are about one byte: those that come first.
const ABOUT_BYTES: usize = 4;
const USUAL: &str = "0.0001";
const KINDS: &str = "flip, drop, double, insert, cut, stuck, silence, reset";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_from_text() {
        let rates: Rates = "flip=0.5,drop,reset=1e-6".parse().unwrap();
        let expected = Rates { flip: 0.5, drop: 0.0001, reset: 0.000_001, ..Rates::default() };
        assert_eq!(rates, expected);
        for wrong in ["", "flip,", "burn=1", "flip=2", "flip=-1", "flip=NaN", "flip=often"] {
            assert!(wrong.parse::<Rates>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn each_kind_strikes_as_often_as_its_rate_says() {
        let rates = Rates { flip: 0.25, insert: 0.125, reset: 0.125, ..Rates::default() };
        let mut random = 1;
        let drawn: Vec<_> = (0..80_000).map(|_| rates.draw(Wire::Read, &mut random)).collect();
        let count = |is: fn(&Glitch) -> bool| drawn.iter().flatten().filter(|it| is(it)).count();
        assert!((19_000..21_000).contains(&count(|it| matches!(it, Glitch::Flip(_)))));
        assert!((9_000..11_000).contains(&count(|it| matches!(it, Glitch::Insert(_)))));
        assert!((9_000..11_000).contains(&count(|it| *it == Glitch::Reset)));
        assert_eq!(count(|it| *it == Glitch::Drop), 0);
    }
}
