//! Time as devices see it, and the platform that supplies it.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

use crate::Error;

/// A moment, in microseconds since an unnamed start that differs between platforms.
///
/// Comparing moments of two platforms is meaningless. Arithmetic saturates: a deadline past the end
/// of time (584,000 years) is the end of time, so no caller's `Duration` can wrap into the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Instant(u64);

impl Instant {
    /// The platform's unnamed start. As a deadline it is always in the past.
    pub const START: Self = Self(0);

    /// The moment `micros` microseconds after the start.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to this moment; zero if `earlier` is the later one.
    #[must_use]
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    #[inline(never)]
    fn add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(micros(length)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    #[inline(never)]
    fn sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(micros(length)))
    }
}

/// Saturates, and unlike `Duration::as_micros` counts in no more than 64 bits.
fn micros(length: Duration) -> u64 {
    length.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(length.subsec_micros()))
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

/// What no network chip brings along: a clock, and a way to let time pass.
///
/// Two methods to write for a new board, two more with defaults. Implementations must not call back
/// into a device: `idle` runs while a caller waits for one.
pub trait Platform: Sync {
    /// The present. Never goes back.
    fn now(&self) -> Instant;

    /// Gives the CPU away until `until` at the latest. Coming back early, even at once, is fine;
    /// an implementation that knows of interrupts (a ready line, a received byte) should.
    fn idle(&self, until: Instant);

    /// Seconds since 1970-01-01 UTC. `None` means unknown: no `Date` field is sent then
    /// (RFC 9110 section 6.6.1), and dates in certificates cannot be checked.
    fn unix_time(&self) -> Option<u64> {
        None
    }

    /// Fills `buffer` with random bytes that nobody can predict.
    ///
    /// # Errors
    /// `Unsupported` where the board has no such source: TLS and the own DNS client refuse to work
    /// then, rather than to work with guessable numbers.
    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let _ = buffer;
        Err(Error::Unsupported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_saturate_at_both_ends() {
        assert_eq!(Instant::from_micros(5) + Duration::MAX, Instant::from_micros(u64::MAX));
        assert_eq!(Instant::from_micros(5) - Duration::MAX, Instant::START);
    }

    #[test]
    fn a_later_start_gives_no_time_at_all() {
        let (early, late) = (Instant::from_micros(3), Instant::from_micros(1_000_010));
        assert_eq!(late.saturating_since(early), Duration::from_micros(1_000_007));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
    }
}
