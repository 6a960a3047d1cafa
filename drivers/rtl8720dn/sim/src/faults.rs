//! What goes wrong on purpose, besides what the line does to the bytes.

use core::str::FromStr;
use core::time::Duration;

/// Something that befalls one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call is carried out, and nothing is said.
    DropReply,
    /// The reply goes out with a checksum that is wrong.
    CorruptReply,
    /// The server task stands still for that long before it replies.
    DelayReply(Duration),
    /// An event goes out between request and reply.
    EventAmidCall,
    /// A two-way callback goes out between request and reply; the IP task waits for the answer.
    CallbackAmidCall,
    /// The chip stops, until `CHIP_PU` falls.
    Halt,
}

/// How likely each fault is for each reply, and what follows from chance follows from the seed.
///
/// As text: `drop=0.01,corrupt=0.01,delay=0.05,event=0.1,callback=0.01,halt=1e-5,truncate`; a
/// kind without a number strikes once in a hundred replies.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FaultRates {
    /// A reply is dropped.
    pub drop_reply: f64,
    /// A reply has a wrong checksum.
    pub corrupt_reply: f64,
    /// A reply comes late.
    pub delay_reply: f64,
    /// By how much.
    pub delay: Duration,
    /// An event precedes a reply.
    pub event: f64,
    /// A two-way callback precedes a reply.
    pub callback: f64,
    /// The chip stops instead of replying.
    pub halt: f64,
    /// Addresses in replies lose all but their first byte, where the firmware has that defect.
    pub truncate_addresses: bool,
    /// What the faults follow from.
    pub seed: u64,
}

impl Default for FaultRates {
    fn default() -> Self {
        Self {
            drop_reply: 0.0,
            corrupt_reply: 0.0,
            delay_reply: 0.0,
            delay: Duration::from_millis(300),
            event: 0.0,
            callback: 0.0,
            halt: 0.0,
            truncate_addresses: false,
            seed: 1,
        }
    }
}

impl FromStr for FaultRates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut all = Self::default();
        for part in text.split(',') {
            let (kind, rate) = part.split_once('=').unwrap_or((part, "0.01"));
            let rate = rate.parse().ok().filter(|rate| (0.0..=1.0).contains(rate));
            let rate = rate.ok_or_else(|| format!("{part}: a rate is between 0 and 1"))?;
            match kind {
                "drop" => all.drop_reply = rate,
                "corrupt" => all.corrupt_reply = rate,
                "delay" => all.delay_reply = rate,
                "event" => all.event = rate,
                "callback" => all.callback = rate,
                "halt" => all.halt = rate,
                "truncate" => all.truncate_addresses = true,
                _ => {
                    let known = "drop, corrupt, delay, event, callback, halt, truncate";
                    return Err(format!("{kind}: there are {known}"));
                }
            }
        }
        Ok(all)
    }
}

/// Draws the faults.
#[derive(Debug)]
pub(crate) struct Dice {
    rates: FaultRates,
    state: u64,
}

impl Dice {
    pub(crate) fn new(rates: FaultRates) -> Self {
        Self { state: rates.seed, rates }
    }

    /// What befalls the next reply.
    pub(crate) fn draw(&mut self) -> Option<Fault> {
        let rates = &self.rates;
        let kinds = [
            (rates.drop_reply, Fault::DropReply),
            (rates.corrupt_reply, Fault::CorruptReply),
            (rates.delay_reply, Fault::DelayReply(rates.delay)),
            (rates.event, Fault::EventAmidCall),
            (rates.callback, Fault::CallbackAmidCall),
            (rates.halt, Fault::Halt),
        ];
        kinds.into_iter().find(|(rate, _)| self.strikes(*rate)).map(|(_, fault)| fault)
    }

    fn strikes(&mut self, rate: f64) -> bool {
        if rate <= 0.0 {
            return false;
        }
        let factor = 6_364_136_223_846_793_005;
        self.state = self.state.wrapping_mul(factor).wrapping_add(1_442_695_040_888_963);
        let drawn = u32::try_from(self.state >> 32).unwrap_or(0);
        f64::from(drawn) < rate * 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_refused() {
        let all: FaultRates = "drop=0.5,halt=1e-5,truncate,event".parse().unwrap();
        assert!((all.drop_reply - 0.5).abs() < 1e-12 && (all.halt - 1e-5).abs() < 1e-12);
        assert!(all.truncate_addresses && (all.event - 0.01).abs() < 1e-12);
        assert!("drop=2".parse::<FaultRates>().is_err());
        assert!("rain".parse::<FaultRates>().is_err());
    }

    #[test]
    fn faults_follow_from_the_seed_and_keep_to_their_rates() {
        let rates = FaultRates { drop_reply: 0.1, ..FaultRates::default() };
        let run = |seed| {
            let mut dice = Dice::new(FaultRates { seed, ..rates.clone() });
            (0..1000).map(|_| dice.draw().is_some()).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let struck = run(7).into_iter().filter(|it| *it).count();
        assert!((60..=140).contains(&struck), "{struck}");
    }
}
