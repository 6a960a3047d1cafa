//! Finding the firmware's place in the stream of bytes without a reset: zeros are frames that it
//! drops four bytes at a time, and after enough of them it may stand at the beginning of the next
//! one. Whether it does is a matter of chance, so each round has another number of them.

use netdev::{Error, Fault};
use netdev_uart::UartLink;

use crate::boot::{Attempt, Power};
use crate::exchange::Heard;
use crate::state::Core;

/// Zeros that are still to be given to the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flood(u16);

impl Flood {
    /// Rounds before the chip is given up: 14 were the most that were seen to be needed.
    pub(crate) const ROUNDS: u8 = 40;

    /// More than the longest frame that may be waited for, and up to three more.
    pub(crate) fn round(random: u8) -> Self {
        Self(4100 + u16::from(random & 3))
    }
}

impl<L: UartLink> Core<'_, L> {
    /// Gives the line what it takes of the zeros; then asks whether there is somebody.
    pub(crate) fn flood(&mut self, attempt: Attempt, flood: Flood) -> nb::Result<(), Error> {
        let Flood(mut left) = flood;
        let link = &mut self.state.exchange.link;
        while left > 0 && self.call.now() < self.call.until {
            let piece = ZEROS.get(..usize::from(left)).unwrap_or(&ZEROS);
            match link.write(piece) {
                Ok(0) => break,
                Ok(count) => left = left.saturating_sub(u16::try_from(count).unwrap_or(left)),
                Err(_) => {
                    self.give_up(Fault::Bus);
                    return Err(Error::Fault(Fault::Bus).into());
                }
            }
        }
        if left > 0 || link.flush().is_err() {
            self.state.power = Power::Flooding(attempt, Flood(left));
            return Err(nb::Error::WouldBlock);
        }
        self.start_acking(attempt)?;
        Ok(())
    }

    /// The call that was out has no answer any more.
    pub(crate) fn lose_flight(&mut self, fault: Fault) {
        if let Some(flight) = self.state.exchange.flight().copied() {
            self.state.exchange.forget();
            self.heard(Heard::Lost(flight, fault));
        }
        self.state.exchange.forget();
    }
}

const ZEROS: [u8; 64] = [0; 64];
