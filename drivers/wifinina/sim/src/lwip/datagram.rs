//! A UDP socket of the pool, with its mailbox of six datagrams.

use std::collections::VecDeque;

use core::net::{SocketAddr, SocketAddrV4};

use netdev_sim::{Sock, Stack};

use super::{EAGAIN, EINVAL, Errno, MAILBOX, v4};

#[derive(Default)]
pub(super) struct Datagram {
    sock: Option<Sock>,
    pub(super) peer: Option<SocketAddrV4>,
    mailbox: VecDeque<(Vec<u8>, SocketAddrV4)>,
}

impl Datagram {
    pub(super) fn bind(&mut self, stack: &mut dyn Stack, port: u16) -> Result<(), Errno> {
        if self.sock.is_some() {
            return Err(EINVAL);
        }
        self.sock = Some(stack.udp(port)?);
        Ok(())
    }

    /// Binds to a port of the stack's choice if there is none yet.
    pub(super) fn ensure(&mut self, stack: &mut dyn Stack) -> Result<(), Errno> {
        if self.sock.is_some() { Ok(()) } else { self.bind(stack, 0) }
    }

    pub(super) fn poll(
        &mut self,
        stack: &mut dyn Stack,
        scratch: &mut [u8],
        dropped: &mut u64,
    ) -> bool {
        let Some(sock) = self.sock else { return false };
        let mut news = false;
        while let Ok((length, from)) = stack.recv_from(sock, scratch, false) {
            news = true;
            if self.mailbox.len() < MAILBOX {
                let bytes = scratch.get(..length).unwrap_or(scratch).to_vec();
                self.mailbox.push_back((bytes, v4(from)));
            } else {
                *dropped += 1;
            }
        }
        news
    }

    pub(super) fn send_to(
        &mut self,
        stack: &mut dyn Stack,
        data: &[u8],
        to: SocketAddrV4,
    ) -> Result<usize, Errno> {
        self.ensure(stack)?;
        let Some(sock) = self.sock else { return Err(EINVAL) };
        match stack.send_to(sock, data, SocketAddr::V4(to)) {
            Ok(count) => Ok(count),
            Err(nb::Error::WouldBlock) => Err(EAGAIN),
            Err(nb::Error::Other(error)) => Err(error.into()),
        }
    }

    /// The next datagram, cut to `limit`.
    pub(super) fn recv_from(&mut self, limit: usize) -> Result<(Vec<u8>, SocketAddrV4), Errno> {
        let (mut bytes, from) = self.mailbox.pop_front().ok_or(EAGAIN)?;
        bytes.truncate(limit);
        Ok((bytes, from))
    }

    /// Bytes of the next datagram.
    pub(super) fn queued(&self) -> usize {
        self.mailbox.front().map_or(0, |(bytes, _)| bytes.len())
    }

    /// Whether a datagram waits, be it an empty one.
    pub(super) fn waits(&self) -> bool {
        !self.mailbox.is_empty()
    }

    pub(super) fn close(self, stack: &mut dyn Stack) {
        if let Some(sock) = self.sock {
            stack.close(sock);
        }
    }
}
