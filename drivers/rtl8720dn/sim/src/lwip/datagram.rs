//! A UDP socket: six datagrams wait, further ones are lost.

use std::collections::VecDeque;

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use netdev::Error;
use netdev_sim::{Sock, Stack};

use super::{local, v4};
use crate::errno::{EAGAIN, EHOSTUNREACH, EINVAL, Errno};

/// Datagrams that wait in a socket's mailbox.
const MAILBOX: usize = 6;

#[derive(Default)]
pub(super) struct Datagram {
    pub(super) peer: Option<SocketAddrV4>,
    sock: Option<Sock>,
    queue: VecDeque<(Vec<u8>, SocketAddrV4)>,
}

impl Datagram {
    pub(super) fn bind(&mut self, stack: &mut dyn Stack, port: u16) -> Result<(), Errno> {
        if self.sock.is_some() {
            return Err(EINVAL);
        }
        self.sock = Some(stack.udp(port)?);
        Ok(())
    }

    fn ensure(&mut self, stack: &mut dyn Stack) -> Result<Sock, Errno> {
        let sock = match self.sock {
            Some(sock) => sock,
            None => stack.udp(0)?,
        };
        self.sock = Some(sock);
        Ok(sock)
    }

    /// From now on only that peer's datagrams come in.
    pub(super) fn connect(&mut self, stack: &mut dyn Stack, to: SocketAddrV4) -> Result<(), Errno> {
        self.ensure(stack)?;
        self.peer = Some(to);
        Ok(())
    }

    /// Takes what came in; tells how many datagrams found no place. Without a link they are lost.
    pub(super) fn poll(&mut self, stack: &mut dyn Stack, scratch: &mut [u8], online: bool) -> u64 {
        let Some(sock) = self.sock else { return 0 };
        let mut dropped = 0;
        for _ in 0..LOOK {
            let Ok((length, from)) = stack.recv_from(sock, scratch, false) else { break };
            let from = v4(from);
            let wanted = self.peer.is_none_or(|peer| peer == from);
            let there = online;
            if wanted && there && self.queue.len() < MAILBOX {
                self.queue.push_back((scratch.iter().take(length).copied().collect(), from));
            } else {
                dropped += u64::from(wanted && there);
            }
        }
        dropped
    }

    /// Errors on the way are nobody's.
    pub(super) fn send_to(
        &mut self,
        stack: &mut dyn Stack,
        data: &[u8],
        to: Option<SocketAddrV4>,
        online: bool,
    ) -> Result<usize, Errno> {
        let to = to.or(self.peer).ok_or(EHOSTUNREACH)?;
        if to.ip().is_unspecified() || !online {
            return Err(EHOSTUNREACH);
        }
        let sock = self.ensure(stack)?;
        match stack.send_to(sock, data, SocketAddr::V4(to)) {
            Err(nb::Error::Other(Error::Unreachable | Error::LinkDown)) => Err(EHOSTUNREACH),
            _ => Ok(data.len()),
        }
    }

    pub(super) fn recv(
        &mut self,
        limit: usize,
        peek: bool,
    ) -> Result<(Vec<u8>, SocketAddrV4), Errno> {
        let (mut bytes, from) = self.queue.front().cloned().ok_or(EAGAIN)?;
        bytes.truncate(limit);
        if !peek {
            self.queue.pop_front();
        }
        Ok((bytes, from))
    }

    pub(super) fn is_readable(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn own_addr(&self, stack: &dyn Stack) -> SocketAddrV4 {
        self.sock.map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), |sock| local(stack, sock))
    }

    pub(super) fn close(self, stack: &mut dyn Stack) {
        if let Some(sock) = self.sock {
            stack.close(sock);
        }
    }
}

/// Datagrams taken at one look.
const LOOK: usize = 64;
