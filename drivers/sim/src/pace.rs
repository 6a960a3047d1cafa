//! The time that a simulated bus runs on: virtual, or real.

use core::time::Duration;
use std::sync::Arc;

use netdev::{Instant, Platform, StdPlatform};

use crate::VirtualClock;

/// What a simulated bus needs of a clock. Give it the driver's own, so that both see one time.
pub trait Pace: Send + Sync {
    /// The present.
    fn now(&self) -> Instant;

    /// The bus was busy for `length`. A real clock knows by itself, and does nothing.
    fn spend(&self, length: Duration);
}

impl Pace for VirtualClock {
    fn now(&self) -> Instant {
        Platform::now(self)
    }

    fn spend(&self, length: Duration) {
        Self::spend(self, length);
    }
}

/// Real time: the bus takes as long as the model computes.
impl Pace for StdPlatform {
    fn now(&self) -> Instant {
        Platform::now(self)
    }

    fn spend(&self, _: Duration) {}
}

impl<T: Pace + ?Sized> Pace for &T {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn spend(&self, length: Duration) {
        (**self).spend(length);
    }
}

impl<T: Pace + ?Sized> Pace for Arc<T> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn spend(&self, length: Duration) {
        (**self).spend(length);
    }
}
