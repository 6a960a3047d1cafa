//! The bus as embedded-hal sees it, and how it fails.

use core::fmt;

use embedded_hal::spi::{ErrorType, SpiBus};

use super::SpiBench;
use crate::faults::Host;

/// The bus of an [`SpiBench`].
#[derive(Clone, Debug)]
pub struct SimSpi {
    bench: SpiBench,
}

impl SimSpi {
    pub(super) fn new(bench: SpiBench) -> Self {
        Self { bench }
    }
}

impl ErrorType for SimSpi {
    type Error = BusFault;
}

impl SpiBus<u8> for SimSpi {
    /// Sends zeros.
    fn read(&mut self, words: &mut [u8]) -> Result<(), BusFault> {
        self.bench.clock_bytes(Host::READS, &vec![0; words.len()], words)
    }

    fn write(&mut self, words: &[u8]) -> Result<(), BusFault> {
        self.bench.clock_bytes(Host::WRITES, words, &mut vec![0; words.len()])
    }

    fn transfer(&mut self, read: &mut [u8], write: &[u8]) -> Result<(), BusFault> {
        let length = read.len().max(write.len());
        let mut mosi = write.to_vec();
        mosi.resize(length, 0);
        let mut miso = vec![0; length];
        self.bench.clock_bytes(Host::TRANSFERS, &mosi, &mut miso)?;
        for (word, byte) in read.iter_mut().zip(miso) {
            *word = byte;
        }
        Ok(())
    }

    fn transfer_in_place(&mut self, words: &mut [u8]) -> Result<(), BusFault> {
        let mosi = words.to_vec();
        self.bench.clock_bytes(Host::TRANSFERS, &mosi, words)
    }

    fn flush(&mut self) -> Result<(), BusFault> {
        Ok(())
    }
}

/// Why a simulated bus did not work. A bus that is not told to never fails.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BusFault {
    /// The transfer did not take place.
    Transfer,
    /// The line could not be set or read.
    Line,
}

impl embedded_hal::spi::Error for BusFault {
    fn kind(&self) -> embedded_hal::spi::ErrorKind {
        embedded_hal::spi::ErrorKind::Other
    }
}

impl embedded_hal::digital::Error for BusFault {
    fn kind(&self) -> embedded_hal::digital::ErrorKind {
        embedded_hal::digital::ErrorKind::Other
    }
}

impl fmt::Display for BusFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transfer => "simulated bus: the transfer failed",
            Self::Line => "simulated bus: the line failed",
        })
    }
}

impl core::error::Error for BusFault {}
