//! What can be reached while somebody else has the driver's state.

use core::cell::Cell;

use critical_section::Mutex;
use netdev::Handles;

use crate::sockets::SOCKETS;

/// What must be reachable while somebody else has the state: words only.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) handles: Handles<SOCKETS>,
    /// The one lookup that the firmware can do, with a generation.
    pub(crate) lookups: Handles<1>,
    /// A bit for each socket: bytes of a caller's are on their way to the chip, or there.
    sending: Mutex<Cell<u8>>,
}

impl Shared {
    pub(crate) const fn new() -> Self {
        Self { handles: Handles::new(), lookups: Handles::new(), sending: Mutex::new(Cell::new(0)) }
    }

    pub(crate) fn is_sending(&self, slot: usize) -> bool {
        critical_section::with(|cs| self.sending.borrow(cs).get()) & bit(slot) != 0
    }

    pub(crate) fn set_sending(&self, slot: usize, on: bool) {
        critical_section::with(|cs| {
            let word = self.sending.borrow(cs);
            let others = word.get() & !bit(slot);
            word.set(if on { others | bit(slot) } else { others });
        });
    }
}

fn bit(slot: usize) -> u8 {
    1 << (slot % SOCKETS)
}
