//! The methods of `wifi_mbedtls`.

use core::time::Duration;

use netdev::Instant;

use crate::codec::{Args, Out};
use crate::firmware::Firmware;
use crate::wait::{Step, Wait};

/// What a TLS client of the chip meets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsPeer {
    /// A server that has no cipher suite in common with the firmware.
    #[default]
    NoCommonCipher,
}

#[derive(Debug, Default)]
pub(crate) struct Tls {}

/// A handshake that is tried again and again.
#[derive(Debug)]
pub(crate) struct TlsStart {
    pub(crate) until: Instant,
}

impl Firmware {
    pub(crate) fn mbedtls(&mut self, id: u8, _: &Args, now: Instant) -> Step {
        self.monitor.count(|c| c.not_modelled += 1);
        match (id, &self.setup.tls) {
            (18, TlsPeer::NoCommonCipher) => {
                self.resume_tls(TlsStart { until: now + Duration::from_secs(10) }, now)
            }
            _ => Step::Silence,
        }
    }

    pub(crate) fn resume_tls(&mut self, start: TlsStart, now: Instant) -> Step {
        if now < start.until { Step::Wait(Wait::Tls(start)) } else { Out::from(-29_312).into() }
    }
}
