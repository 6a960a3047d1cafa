//! A serial line at the other end of a tunnel.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};

use netdev_uart::{LineError, UartLink};

use super::super::client::connect;

/// The client's end of a serial line over TCP. No call waits.
///
/// The network keeps what is not read, so nothing overflows. Rate and enable pin are not carried:
/// `set_baud` and `set_enabled` say `Unsupported`.
#[derive(Debug)]
pub struct UartClient {
    stream: TcpStream,
}

impl UartClient {
    /// Connects; waits 2 s at most.
    ///
    /// # Errors
    /// Those of connecting.
    pub fn connect(addr: impl ToSocketAddrs) -> io::Result<Self> {
        let stream = connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream })
    }
}

impl UartLink for UartClient {
    /// # Errors
    /// `Bus` when the connection has ended: the other end is gone, or has another client.
    fn read(&mut self, buf: &mut [u8]) -> Result<usize, LineError> {
        if buf.is_empty() {
            return Ok(0);
        }
        match self.stream.read(buf) {
            Ok(0) => Err(LineError::Bus),
            done => not_yet_is_nothing(done),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<usize, LineError> {
        not_yet_is_nothing(self.stream.write(bytes))
    }

    /// What was written is on its way.
    fn flush(&mut self) -> nb::Result<(), LineError> {
        Ok(())
    }

    fn capacity(&self) -> usize {
        CAPACITY
    }
}

fn not_yet_is_nothing(done: io::Result<usize>) -> Result<usize, LineError> {
    match done {
        Ok(length) => Ok(length),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
            Ok(0)
        }
        Err(_) => Err(LineError::Bus),
    }
}

/// What the sockets on the way keep at least.
const CAPACITY: usize = 16 * 1024;
