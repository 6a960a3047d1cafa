//! A chip behind a tunnel, and where its bus and lines are to be had.

use core::fmt;
use core::time::Duration;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pins::{Bus, ChipSelect, Gpio0, Ready, Reset};
use super::wire::{Lost, Wire};
use crate::Polarity;

/// The client's end of a tunnel. Its handles implement embedded-hal's traits, can be had any number
/// of times, and go to any thread; they share the one connection, which ends with the last of them.
///
/// Reading costs a round trip, setting a line and sending bytes does not. No call waits longer than
/// 2 s, then the connection counts as lost, and everything fails from then on. While a reset is under
/// way nothing waits: the chip reads as busy, hears nothing and says 0xFF.
#[derive(Clone)]
pub struct Client {
    wire: Arc<Mutex<Wire>>,
}

impl Client {
    /// Connects; waits 2 s at most.
    ///
    /// # Errors
    /// Those of connecting.
    pub fn connect(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let stream = connect(addr)?;
        Ok(Self { wire: Arc::new(Mutex::new(Wire::new(stream)?)) })
    }

    /// The bus itself.
    #[must_use]
    pub fn bus(&self) -> Bus {
        Bus::new(self.clone())
    }

    /// Chip-select, active low.
    #[must_use]
    pub fn chip_select(&self) -> ChipSelect {
        ChipSelect::new(self.clone())
    }

    /// READY: high while the chip is busy.
    #[must_use]
    pub fn ready(&self) -> Ready {
        Ready::new(self.clone())
    }

    /// RESET, with the level that holds the chip in reset.
    #[must_use]
    pub fn reset(&self, polarity: Polarity) -> Reset {
        Reset::new(self.clone(), polarity)
    }

    /// GPIO0 as far as a tunnel carries it: what the chip says on it.
    #[must_use]
    pub fn gpio0(&self) -> Gpio0 {
        Gpio0::new(self.clone())
    }

    /// The other end's counters as JSON, one object of numbers. Waits for a reset to end.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn counters(&self) -> Result<String, Lost> {
        self.wire().counters()
    }

    /// Lets the other end count from zero. Waits for a reset to end.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn clear_counters(&self) -> Result<(), Lost> {
        self.wire().clear_counters()
    }

    pub(super) fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// Connects to the first address that answers.
pub(super) fn connect(addr: impl ToSocketAddrs) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(ErrorKind::AddrNotAvailable);
    for addr in addr.to_socket_addrs()? {
        match TcpStream::connect_timeout(&addr, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// How long an address may take to answer.
const CONNECT: Duration = Duration::from_secs(2);
