//! What can be reached while somebody else has the driver's state: words only.

use core::cell::Cell;

use critical_section::Mutex;
use netdev::{Capabilities, Handles, Instant, Side};

use crate::sockets::SOCKETS;

/// Handles, marks, and what is told without asking the module.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) handles: Handles<SOCKETS>,
    /// The one lookup that the firmware can do, with a generation.
    pub(crate) lookups: Handles<1>,
    /// Two bits a socket: the module has its receive (bit 0), its send (bit 1).
    in_flight: Mutex<Cell<u16>>,
    capabilities: Mutex<Cell<Capabilities>>,
    /// A moment, and the seconds since 1970 that the module's clock showed then.
    time: Mutex<Cell<Option<(Instant, u64)>>>,
}

impl Shared {
    pub(crate) const fn new() -> Self {
        Self {
            handles: Handles::new(),
            lookups: Handles::new(),
            in_flight: Mutex::new(Cell::new(0)),
            capabilities: Mutex::new(Cell::new(Capabilities::new(0))),
            time: Mutex::new(Cell::new(None)),
        }
    }

    pub(crate) fn in_flight(&self, slot: usize, side: Side) -> bool {
        critical_section::with(|cs| self.in_flight.borrow(cs).get()) & bit(slot, side) != 0
    }

    pub(crate) fn set_in_flight(&self, slot: u8, side: Side, on: bool) {
        let bit = bit(usize::from(slot), side);
        critical_section::with(|cs| {
            let word = self.in_flight.borrow(cs);
            let others = word.get() & !bit;
            word.set(if on { others | bit } else { others });
        });
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        critical_section::with(|cs| self.capabilities.borrow(cs).get())
    }

    pub(crate) fn set_capabilities(&self, capabilities: Capabilities) {
        critical_section::with(|cs| self.capabilities.borrow(cs).set(capabilities));
    }

    pub(crate) fn time(&self) -> Option<(Instant, u64)> {
        critical_section::with(|cs| self.time.borrow(cs).get())
    }

    pub(crate) fn set_time(&self, time: Option<(Instant, u64)>) {
        critical_section::with(|cs| self.time.borrow(cs).set(time));
    }
}

fn bit(slot: usize, side: Side) -> u16 {
    let side = match side {
        Side::Read => 0,
        Side::Write => 1,
    };
    1 << ((slot * 2 + side) % 16)
}
