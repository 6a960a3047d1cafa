//! The platform of a PC.

use std::time::SystemTime;

use crate::{Error, Instant, Platform};

/// Clock, sleep and random numbers of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct StdPlatform {
    start: std::time::Instant,
}

impl Default for StdPlatform {
    fn default() -> Self {
        Self::new()
    }
}

impl StdPlatform {
    /// A platform whose clock starts now.
    #[must_use]
    pub fn new() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Platform for StdPlatform {
    fn now(&self) -> Instant {
        Instant::START + self.start.elapsed()
    }

    fn idle(&self, until: Instant) {
        let nap = until.saturating_since(self.now());
        if !nap.is_zero() {
            std::thread::sleep(nap);
        }
    }

    fn unix_time(&self) -> Option<u64> {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
    }

    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(buffer).map_err(|_| Error::Unsupported)
    }
}
