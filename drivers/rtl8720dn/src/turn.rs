//! Whose turn it is: the chip does one thing at a time, and who asks at the right moment again and
//! again must not keep it from the others.

use core::time::Duration;

use netdev::Instant;
use netdev_uart::UartLink;

use crate::exchange::Owner;
use crate::state::Core;

/// Who was refused, and when last.
pub(crate) type Refused = Option<(Owner, Instant)>;

impl<L: UartLink> Core<'_, L> {
    /// Somebody has to come again because another call is out.
    pub(crate) fn was_refused(&mut self, owner: Owner) {
        let theirs = self.state.exchange.flight().is_some_and(|flight| flight.owner == owner);
        if !theirs && !self.yields(owner) {
            self.state.refused = Some((owner, self.call.now()));
        }
    }

    /// Whether somebody else, who was refused and comes again soon, is next.
    pub(crate) fn yields(&self, owner: Owner) -> bool {
        self.state.refused.is_some_and(|(other, at)| {
            let now = self.call.now();
            let comes = match other {
                Owner::Read(index) => self.wants_news(index),
                _ => true,
            };
            other != owner && comes && now.saturating_since(at) < PATIENCE
        })
    }

    /// When whoever is next should have come.
    pub(crate) fn turn_due(&self) -> Option<Instant> {
        let (_, at) = self.state.refused?;
        Some(at + PATIENCE)
    }

    /// It was somebody's turn.
    pub(crate) fn had_its_turn(&mut self, owner: Owner) {
        self.state.refused.take_if(|(other, _)| *other == owner);
    }
}

/// How long the chip may do nothing because of somebody who does not come again: a little longer than
/// who waits ever sleeps.
const PATIENCE: Duration = Duration::from_millis(12);
