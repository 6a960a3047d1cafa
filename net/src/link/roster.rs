//! The supervisors that were started, and the background that steps them.

use core::cell::Cell;

use critical_section::Mutex;
use netdev::Background;

use super::supervisor::{LinkState, Supervisor};
use crate::{Instant, Netdev};

/// All supervisors that were started.
pub(super) struct All;

pub(super) static ALL: All = All;
static FIRST: Mutex<Cell<Option<&'static Supervisor>>> = Mutex::new(Cell::new(None));

impl Background for All {
    /// Each goes by the clock of its own device.
    fn step(&self, now: Instant) -> Option<Instant> {
        let mut soonest = None;
        walk(&mut |supervisor| {
            let clock = supervisor.device.platform().now();
            let at = now + supervisor.advance().saturating_since(clock);
            soonest = Some(soonest.map_or(at, |other: Instant| other.min(at)));
            false
        });
        soonest
    }
}

/// Adds a supervisor, once.
pub(super) fn enlist(supervisor: &'static Supervisor) {
    critical_section::with(|cs| {
        let mut at = FIRST.borrow(cs).get();
        while let Some(listed) = at {
            if core::ptr::eq(listed, supervisor) {
                return;
            }
            at = listed.next.borrow(cs).get();
        }
        supervisor.next.borrow(cs).set(FIRST.borrow(cs).replace(Some(supervisor)));
    });
}

/// Goes through the supervisors until `visit` has found what it wanted; tells whether it has.
fn walk(visit: &mut dyn FnMut(&'static Supervisor) -> bool) -> bool {
    let mut at = critical_section::with(|cs| FIRST.borrow(cs).get());
    while let Some(supervisor) = at {
        if visit(supervisor) {
            return true;
        }
        at = critical_section::with(|cs| supervisor.next.borrow(cs).get());
    }
    false
}

/// Does something with the supervisor of a device; tells whether there is one.
pub(super) fn of(device: &dyn Netdev, act: impl Fn(&'static Supervisor)) -> bool {
    walk(&mut |supervisor| {
        let same = core::ptr::addr_eq(core::ptr::from_ref(supervisor.device), device);
        if same {
            act(supervisor);
        }
        same
    })
}

/// Whether somebody will bring this device's link back.
pub(crate) fn supervised(device: &dyn Netdev) -> bool {
    walk(&mut |supervisor| {
        core::ptr::addr_eq(core::ptr::from_ref(supervisor.device), device)
            && matches!(supervisor.state(), LinkState::Joining | LinkState::Up)
    })
}
