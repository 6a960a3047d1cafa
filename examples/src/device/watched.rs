//! A serial line whose bytes are shown.

use std::io::{self, Write};
use std::time::Instant;

use netdev_uart::{LineError, UartLink};

/// Shows on stderr what goes over a line, as text.
#[derive(Debug)]
pub(super) struct Watched<L> {
    link: L,
    on: bool,
    begun: Instant,
}

impl<L: UartLink> Watched<L> {
    pub(super) fn new(link: L, on: bool) -> Self {
        Self { link, on, begun: Instant::now() }
    }

    fn show(&self, way: char, bytes: &[u8]) {
        if self.on && !bytes.is_empty() {
            let at = self.begun.elapsed().as_secs_f64();
            // If nobody reads it, nobody misses it.
            let _ = writeln!(io::stderr(), "{at:.6} {way} {}", bytes.escape_ascii());
        }
    }
}

impl<L: UartLink> UartLink for Watched<L> {
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        let read = self.link.read(buf);
        match read {
            Ok(length) => self.show('<', buf.get(..length).unwrap_or_default()),
            Err(error) => self.show('<', error.to_string().as_bytes()),
        }
        read
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        let written = self.link.write(bytes)?;
        self.show('>', bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> nb::Result<(), LineError> {
        self.link.flush()
    }

    fn capacity(&self) -> usize {
        self.link.capacity()
    }

    fn set_baud(&mut self, baud: u32) -> Result<(), LineError> {
        self.link.set_baud(baud)
    }

    fn set_enabled(&mut self, enabled: bool) -> Result<(), LineError> {
        self.link.set_enabled(enabled)
    }
}
