//! What can be reached while somebody else has the driver's state.

use core::cell::Cell;

use critical_section::Mutex;
use netdev::{Capabilities, Handles};

use crate::sockets::SOCKETS;

/// What must be reachable while somebody else has the [`State`]: words only.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) handles: Handles<SOCKETS>,
    /// The one lookup that the firmware can do, with a generation.
    pub(crate) lookups: Handles<1>,
    /// Two bits a socket: the chip has its receive (bit 0), its send (bit 1).
    in_flight: Mutex<Cell<u32>>,
    capabilities: Mutex<Cell<Capabilities>>,
}

impl Shared {
    pub(crate) const fn new() -> Self {
        Self {
            handles: Handles::new(),
            lookups: Handles::new(),
            in_flight: Mutex::new(Cell::new(0)),
            capabilities: Mutex::new(Cell::new(Capabilities::new(0))),
        }
    }

    pub(crate) fn in_flight(&self, slot: usize, side: netdev::Side) -> bool {
        critical_section::with(|cs| self.in_flight.borrow(cs).get()) & bit(slot, side) != 0
    }

    pub(crate) fn set_in_flight(&self, slot: usize, side: netdev::Side, on: bool) {
        critical_section::with(|cs| {
            let word = self.in_flight.borrow(cs);
            let others = word.get() & !bit(slot, side);
            word.set(if on { others | bit(slot, side) } else { others });
        });
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        critical_section::with(|cs| self.capabilities.borrow(cs).get())
    }

    pub(crate) fn set_capabilities(&self, capabilities: Capabilities) {
        critical_section::with(|cs| self.capabilities.borrow(cs).set(capabilities));
    }
}

fn bit(slot: usize, side: netdev::Side) -> u32 {
    let side = match side {
        netdev::Side::Read => 0,
        netdev::Side::Write => 1,
    };
    1 << ((slot * 2 + side) % 32)
}
