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

    /// Whether a bus is as slow as its rate says. On a real clock it is as fast as it can be.
    fn is_virtual(&self) -> bool {
        false
    }

    /// At this moment something happens that interrupts a host's sleep.
    fn ring(&self, at: Instant) {
        let _ = at;
    }
}

impl Pace for VirtualClock {
    fn now(&self) -> Instant {
        Platform::now(self)
    }

    fn spend(&self, length: Duration) {
        Self::spend(self, length);
    }

    fn is_virtual(&self) -> bool {
        true
    }

    fn ring(&self, at: Instant) {
        self.set_alarm(at);
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

    fn is_virtual(&self) -> bool {
        (**self).is_virtual()
    }

    fn ring(&self, at: Instant) {
        (**self).ring(at);
    }
}

impl<T: Pace + ?Sized> Pace for Arc<T> {
    fn now(&self) -> Instant {
        (**self).now()
    }

    fn spend(&self, length: Duration) {
        (**self).spend(length);
    }

    fn is_virtual(&self) -> bool {
        (**self).is_virtual()
    }

    fn ring(&self, at: Instant) {
        (**self).ring(at);
    }
}
