//! The client's end of the connection: requests out, replies in, nothing waited for that can wait.

use core::fmt;
use core::time::Duration;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use super::{BUSY, CLEAR, CLOCK, COUNTERS, DESELECT, DESELECTED, LINES, RESET, SELECT};

/// The connection of a tunnel is lost, or its other end does not answer in time. It stays lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost(ErrorKind);

impl Lost {
    /// What happened to the connection; `TimedOut` for a silent other end.
    #[must_use]
    pub fn kind(self) -> ErrorKind {
        self.0
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tunnel: {}", self.0)
    }
}

impl core::error::Error for Lost {}

impl From<io::Error> for Lost {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // How a socket with a time limit says it, depending on the system.
            ErrorKind::WouldBlock => Self(ErrorKind::TimedOut),
            kind => Self(kind),
        }
    }
}

impl embedded_hal::spi::Error for Lost {
    fn kind(&self) -> embedded_hal::spi::ErrorKind {
        embedded_hal::spi::ErrorKind::Other
    }
}

impl embedded_hal::digital::Error for Lost {
    fn kind(&self) -> embedded_hal::digital::ErrorKind {
        embedded_hal::digital::ErrorKind::Other
    }
}

/// Replies come in the order of the requests, so one that nobody reads is only counted, and skipped
/// when the next one is wanted: pulling chip-select and sending bytes cost no round trip.
pub(super) struct Wire {
    stream: TcpStream,
    /// Bytes of replies that nobody wants, due before anything else.
    owed: usize,
    /// Since when a reset is under way. Its reply is due after what is owed, and nothing is sent
    /// until it is there.
    resetting: Option<Instant>,
    /// The level of chip-select that was set during a reset.
    select_later: Option<bool>,
    lost: Option<Lost>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream, owed: 0, resetting: None, select_later: None, lost: None })
    }

    /// The lines; busy and nothing else while a reset is under way.
    pub(super) fn lines(&mut self) -> Result<u8, Lost> {
        self.used(|wire| {
            if wire.is_resetting()? {
                return Ok(BUSY | DESELECTED);
            }
            let [lines] = wire.ask(&LINES.to_le_bytes())?;
            Ok(lines)
        })
    }

    pub(super) fn select(&mut self, low: bool) -> Result<(), Lost> {
        self.used(|wire| {
            if wire.is_resetting()? {
                wire.select_later = Some(low);
                return Ok(());
            }
            wire.send_select(low)
        })
    }

    /// Clocks bytes out and drops what comes in. A chip in reset hears nothing.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        self.used(|wire| {
            if wire.is_resetting()? {
                return Ok(());
            }
            for piece in bytes.chunks(PIECE) {
                wire.send_clock(piece)?;
                wire.owed += piece.len();
                if wire.owed > OWED {
                    wire.settle()?;
                }
            }
            Ok(())
        })
    }

    /// Clocks bytes out and in. A chip in reset leaves its line high.
    pub(super) fn transfer(&mut self, words: &mut [u8]) -> Result<(), Lost> {
        self.used(|wire| {
            if wire.is_resetting()? {
                words.fill(0xFF);
                return Ok(());
            }
            for piece in words.chunks_mut(PIECE) {
                wire.send_clock(piece)?;
                wire.settle()?;
                wire.stream.read_exact(piece)?;
            }
            Ok(())
        })
    }

    /// Begins a reset, unless one is under way.
    pub(super) fn reset(&mut self) -> Result<(), Lost> {
        self.used(|wire| {
            if !wire.is_resetting()? {
                wire.stream.write_all(&RESET.to_le_bytes())?;
                wire.resetting = Some(Instant::now());
            }
            Ok(())
        })
    }

    pub(super) fn counters(&mut self) -> Result<String, Lost> {
        self.used(|wire| {
            wire.end_reset()?;
            let length = u16::from_le_bytes(wire.ask(&COUNTERS.to_le_bytes())?);
            let mut json = vec![0; length.into()];
            wire.stream.read_exact(&mut json)?;
            String::from_utf8(json).map_err(|_| Lost(ErrorKind::InvalidData))
        })
    }

    pub(super) fn clear_counters(&mut self) -> Result<(), Lost> {
        self.used(|wire| {
            wire.end_reset()?;
            let [_lines] = wire.ask(&CLEAR.to_le_bytes())?;
            Ok(())
        })
    }

    /// After an error nobody knows which reply comes next, so it is the last one.
    fn used<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Lost>) -> Result<T, Lost> {
        self.lost.map_or(Ok(()), Err)?;
        let done = act(self);
        self.lost = done.as_ref().err().copied();
        done
    }

    fn send_select(&mut self, low: bool) -> Result<(), Lost> {
        let op = if low { SELECT } else { DESELECT };
        self.stream.write_all(&op.to_le_bytes())?;
        self.owed += 1;
        Ok(())
    }

    fn send_clock(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        let length = u16::try_from(bytes.len()).map_err(|_| Lost(ErrorKind::InvalidInput))?;
        let mut request = Vec::with_capacity(4 + bytes.len());
        request.extend_from_slice(&CLOCK.to_le_bytes());
        request.extend_from_slice(&length.to_le_bytes());
        request.extend_from_slice(bytes);
        self.stream.write_all(&request)?;
        Ok(())
    }

    fn ask<const N: usize>(&mut self, request: &[u8]) -> Result<[u8; N], Lost> {
        self.stream.write_all(request)?;
        self.settle()?;
        let mut reply = [0; N];
        self.stream.read_exact(&mut reply)?;
        Ok(reply)
    }

    /// Reads what is owed.
    fn settle(&mut self) -> Result<(), Lost> {
        while self.owed > 0 {
            self.skip()?;
        }
        Ok(())
    }

    fn skip(&mut self) -> io::Result<()> {
        let mut unwanted = [0; 1024];
        let most = self.owed.min(unwanted.len());
        match self.stream.read(unwanted.get_mut(..most).unwrap_or_default()) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                self.owed -= length;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Whether a reset is still under way. Does not wait.
    fn is_resetting(&mut self) -> Result<bool, Lost> {
        let Some(since) = self.resetting else { return Ok(false) };
        self.stream.set_nonblocking(true)?;
        let done = self.take_reset_reply();
        self.stream.set_nonblocking(false)?;
        match done {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if since.elapsed() > BOOT {
                    return Err(Lost(ErrorKind::TimedOut));
                }
                Ok(true)
            }
            Err(error) => Err(error.into()),
            Ok(()) => {
                self.resetting = None;
                self.select_later.take().map_or(Ok(()), |low| self.send_select(low))?;
                Ok(false)
            }
        }
    }

    fn take_reset_reply(&mut self) -> io::Result<()> {
        while self.owed > 0 {
            self.skip()?;
        }
        self.stream.read_exact(&mut [0])
    }

    /// Waits for the end of a reset; only for what is no pin.
    fn end_reset(&mut self) -> Result<(), Lost> {
        while self.is_resetting()? {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }
}

/// How long the other end may take for a reply.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long it may take for a reset: 3 s, and the way.
const BOOT: Duration = Duration::from_secs(5);
/// Bytes that are clocked by one request.
const PIECE: usize = 16 * 1024;
/// Bytes of replies that may wait in the sockets' buffers.
const OWED: usize = 16 * 1024;
