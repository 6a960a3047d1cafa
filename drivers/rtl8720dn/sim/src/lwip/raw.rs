//! A raw socket, good for echo requests: hosts ping with it.

use std::collections::VecDeque;

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use netdev::Instant;

use crate::errno::{EAGAIN, Errno};

#[derive(Default)]
pub(super) struct Raw {
    pub(super) peer: Option<SocketAddrV4>,
    /// Packets on their way in, with their moments.
    coming: VecDeque<(Instant, Vec<u8>, SocketAddrV4)>,
}

impl Raw {
    /// Sends a packet; an echo request is answered after `delay`, if it is answered.
    pub(super) fn send(
        &mut self,
        packet: &[u8],
        from: SocketAddrV4,
        to: Ipv4Addr,
        answered_after: Option<Duration>,
        now: Instant,
    ) {
        let [ECHO_REQUEST, 0, _, _, rest @ ..] = packet else { return };
        let Some(delay) = answered_after.filter(|_| self.coming.len() < MAILBOX) else { return };
        let mut reply = vec![ECHO_REPLY, 0, 0, 0];
        reply.extend_from_slice(rest);
        let sum = checksum(&reply).to_be_bytes();
        reply.iter_mut().skip(2).zip(sum).for_each(|(at, byte)| *at = byte);
        let mut whole = header(reply.len(), to, *from.ip());
        whole.extend(reply);
        self.coming.push_back((now + delay, whole, SocketAddrV4::new(to, 0)));
    }

    pub(super) fn recv(
        &mut self,
        limit: usize,
        peek: bool,
        now: Instant,
    ) -> Result<(Vec<u8>, SocketAddrV4), Errno> {
        let due = self.coming.iter().position(|(at, ..)| *at <= now).ok_or(EAGAIN)?;
        let (_, mut bytes, from) = self.coming.get(due).cloned().ok_or(EAGAIN)?;
        bytes.truncate(limit);
        if !peek {
            self.coming.remove(due);
        }
        Ok((bytes, from))
    }

    pub(super) fn is_readable(&self, now: Instant) -> bool {
        self.coming.iter().any(|(at, ..)| *at <= now)
    }
}

/// An IPv4 header of 20 bytes for so many bytes of ICMP (RFC 791 section 3.1).
fn header(payload: usize, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    let length = u16::try_from(payload + 20).unwrap_or(u16::MAX).to_be_bytes();
    let [high, low] = length;
    let mut all = vec![0x45, 0, high, low, 0, 0, 0, 0, 64, 1, 0, 0];
    all.extend(from.octets());
    all.extend(to.octets());
    let sum = checksum(&all).to_be_bytes();
    all.iter_mut().skip(10).zip(sum).for_each(|(at, byte)| *at = byte);
    all
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let sum = bytes.chunks(2).fold(0_u32, |sum, word| {
        let high = word.first().copied().unwrap_or(0);
        let low = word.get(1).copied().unwrap_or(0);
        sum + u32::from(u16::from_be_bytes([high, low]))
    });
    let folded = (sum & 0xFFFF) + (sum >> 16);
    let folded = (folded & 0xFFFF) + (folded >> 16);
    !u16::try_from(folded & 0xFFFF).unwrap_or(0)
}

/// Packets that wait in a socket's mailbox.
const MAILBOX: usize = 6;
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;
