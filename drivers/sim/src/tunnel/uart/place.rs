//! Where clients come to, one at a time.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A place where at most one client is. Nothing here waits.
pub(super) trait Place: Send {
    /// What the client says.
    fn hear(&mut self, buf: &mut [u8]) -> Heard;

    /// Tells the client a prefix of `bytes`; one that is gone hears all of it.
    fn say(&mut self, bytes: &[u8]) -> usize;
}

/// What a look at a place showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// There is no client.
    Nobody,
    /// A new client has come, and has said nothing yet.
    Somebody,
    /// It says nothing.
    Nothing,
    /// It has said so many bytes.
    Bytes(usize),
}

/// A TCP port.
#[derive(Debug)]
pub(super) struct Tcp {
    listener: TcpListener,
    client: Option<TcpStream>,
    /// Somebody who came while a client was there. The client may have left just before.
    next: Option<TcpStream>,
}

impl Tcp {
    pub(super) fn new(listener: TcpListener) -> Self {
        Self { listener, client: None, next: None }
    }

    fn accept(&self) -> Option<TcpStream> {
        let (stream, _) = self.listener.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(stream)
    }
}

impl Place for Tcp {
    fn hear(&mut self, buf: &mut [u8]) -> Heard {
        if self.next.is_none() {
            self.next = self.accept();
        }
        let Some(client) = &mut self.client else {
            self.client = self.next.take();
            return if self.client.is_some() { Heard::Somebody } else { Heard::Nobody };
        };
        match client.read(buf) {
            Ok(length @ 1..) => Heard::Bytes(length),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.next = None;
                Heard::Nothing
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Heard::Nothing,
            _ => {
                self.client = None;
                Heard::Nobody
            }
        }
    }

    fn say(&mut self, bytes: &[u8]) -> usize {
        let Some(client) = self.client.as_mut().filter(|_| !bytes.is_empty()) else {
            return bytes.len();
        };
        match client.write(bytes) {
            Ok(length) => length,
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) =>
            {
                0
            }
            // Reading will show that it is gone.
            Err(_) => bytes.len(),
        }
    }
}
