//! Which sockets may have something to read, in order.

use core::ops::Bound;
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Slots that the system reported and that were not found empty since.
#[derive(Debug, Default)]
pub(crate) struct ReadySet(Mutex<BTreeSet<u16>>);

impl ReadySet {
    pub(crate) fn insert(&self, slot: u16) {
        self.lock().insert(slot);
    }

    pub(crate) fn remove(&self, slot: u16) {
        self.lock().remove(&slot);
    }

    /// The lowest slot above `after`.
    pub(crate) fn next(&self, after: Option<u16>) -> Option<u16> {
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.lock().range((above, Bound::Unbounded)).next().copied()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<u16>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
