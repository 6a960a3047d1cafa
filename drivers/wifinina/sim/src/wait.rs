//! Commands that keep the whole chip until the network lets go.

use std::collections::VecDeque;

use core::net::SocketAddrV4;

use netdev::Instant;

use crate::errno::{EAGAIN, ECONNABORTED};
use crate::firmware::{Firmware, Step};
use crate::frame::Reply;
use crate::lwip::Fd;

/// What the command loop is blocked in.
#[derive(Debug)]
pub(crate) enum Wait {
    /// Name resolution.
    Lookup { name: String, purpose: Resolve, until: Instant },
    /// `START_CLIENT_TCP`.
    Client { slot: u8, fd: Fd, until: Instant },
    /// `SEND_DATA_TCP`.
    Write(Write),
    /// `SOCKET_ACCEPT`.
    Accept { fd: Fd },
    /// `SOCKET_CONNECT`.
    Connect { fd: Fd, until: Instant },
    /// `SOCKET_SEND`, and `SOCKET_SENDTO` on a stream.
    Send { fd: Fd, data: Vec<u8>, sent: usize, until: Option<Instant> },
    /// `SOCKET_RECV`.
    Recv { fd: Fd, limit: usize, until: Option<Instant> },
    /// `SOCKET_RECVFROM`.
    RecvFrom { fd: Fd, limit: usize, until: Option<Instant> },
}

/// What an address is wanted for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Resolve {
    /// `REQ_HOST_BY_NAME`.
    Host,
    /// `START_CLIENT_TCP` with a host name.
    Client { slot: u8, udp: bool, port: u16 },
}

/// Bytes on their way into one socket after the other.
#[derive(Debug)]
pub(crate) struct Write {
    targets: VecDeque<Fd>,
    data: Vec<u8>,
    sent: usize,
    total: usize,
    /// When a stall has lasted too long.
    until: Option<Instant>,
}

impl Write {
    pub(crate) fn new(targets: VecDeque<Fd>, data: Vec<u8>) -> Self {
        Self { targets, data, sent: 0, total: 0, until: None }
    }

    fn next(&mut self, count: usize) {
        self.total += count;
        self.sent = 0;
        self.targets.pop_front();
    }
}

impl Wait {
    /// When the wait ends by itself, if it does.
    pub(crate) fn until(&self) -> Option<Instant> {
        match self {
            Self::Lookup { until, .. }
            | Self::Client { until, .. }
            | Self::Connect { until, .. } => Some(*until),
            Self::Send { until, .. } | Self::Recv { until, .. } | Self::RecvFrom { until, .. } => {
                *until
            }
            Self::Write(write) => write.until,
            Self::Accept { .. } => None,
        }
    }
}

impl Firmware {
    /// Tries at once, and waits if that does not do.
    pub(crate) fn begin(&mut self, wait: Wait, now: Instant) -> Step {
        match self.resume(wait, now) {
            Step::Wait(wait) => {
                self.monitor.count(|c| c.blocked_commands += 1);
                Step::Wait(wait)
            }
            step => step,
        }
    }

    /// Looks whether the network let go.
    pub(crate) fn resume(&mut self, wait: Wait, now: Instant) -> Step {
        match wait {
            Wait::Lookup { name, purpose, until } => self.resume_lookup(name, purpose, until, now),
            Wait::Client { slot, fd, until } => match self.connected(fd, until, now) {
                Some(done) => self.client_connects(slot, fd, done).into(),
                None => Step::Wait(Wait::Client { slot, fd, until }),
            },
            Wait::Write(write) => self.resume_write(write, now),
            Wait::Accept { fd } => self.resume_accept(fd),
            Wait::Connect { fd, until } => match self.connected(fd, until, now) {
                Some(done) => Reply::flag(done).into(),
                None => Step::Wait(Wait::Connect { fd, until }),
            },
            Wait::Send { fd, data, sent, until } => self.resume_send(fd, data, sent, until, now),
            Wait::Recv { fd, limit, until } => self.resume_recv(fd, limit, until, now),
            Wait::RecvFrom { fd, limit, until } => self.resume_recv_from(fd, limit, until, now),
        }
    }

    fn resume_lookup(
        &mut self,
        name: String,
        purpose: Resolve,
        until: Instant,
        now: Instant,
    ) -> Step {
        let found = match self.lwip.lookup(&name) {
            Err(nb::Error::WouldBlock) if now < until => {
                return Step::Wait(Wait::Lookup { name, purpose, until });
            }
            found => found.ok(),
        };
        match (purpose, found) {
            (Resolve::Host, Some(addr)) => {
                self.resolved = addr;
                Reply::ok().into()
            }
            (Resolve::Host, None) => Reply::u8(0).into(),
            (Resolve::Client { slot, udp, port }, Some(addr)) => {
                self.start_client_at(slot, udp, SocketAddrV4::new(addr, port), now)
            }
            (Resolve::Client { .. }, None) => Reply::Params(vec![]).into(),
        }
    }

    fn connected(&mut self, fd: Fd, until: Instant, now: Instant) -> Option<bool> {
        let state = self.lwip.connection(fd).or_else(|| {
            (now >= until).then(|| {
                self.lwip.fail(fd, ECONNABORTED);
                Err(ECONNABORTED)
            })
        })?;
        Some(self.note(state).is_some())
    }

    /// Sockets of the host's own connects take what fits; accepted ones block until everything is
    /// queued (Q9), on Adafruit 3.x for ten seconds.
    fn resume_write(&mut self, mut write: Write, now: Instant) -> Step {
        while let Some(fd) = write.targets.front().copied() {
            let limit = self.persona.write_limit;
            let blocks = self.lwip.is_blocking(fd) || limit.is_some();
            let stalled = write.until.is_some_and(|at| now >= at);
            let rest = write.data.get(write.sent..).unwrap_or(&[]);
            match self.lwip.send(fd, rest) {
                Ok(count) => {
                    write.sent += count;
                    write.until = limit.map(|limit| now + limit);
                    if write.sent == write.data.len() || !blocks {
                        write.next(write.sent);
                    }
                }
                Err(EAGAIN) if blocks && !stalled => {
                    write.until = write.until.or_else(|| limit.map(|limit| now + limit));
                    return Step::Wait(Wait::Write(write));
                }
                Err(EAGAIN) => write.next(write.sent),
                Err(errno) => {
                    self.errno = errno.0;
                    write.next(0);
                }
            }
        }
        let total = u16::try_from(write.total).unwrap_or(u16::MAX);
        Reply::bytes(&total.to_le_bytes()).into()
    }

    fn resume_accept(&mut self, fd: Fd) -> Step {
        match self.lwip.accept(fd) {
            Err(EAGAIN) if self.lwip.is_blocking(fd) => Step::Wait(Wait::Accept { fd }),
            accepted => match self.note(accepted) {
                Some((peer, from)) => endpoint(peer, from).into(),
                // What is not written is not defined (Q21).
                None => {
                    Reply::Params(vec![vec![255], self.noise.bytes(4), self.noise.bytes(2)]).into()
                }
            },
        }
    }

    fn resume_send(
        &mut self,
        fd: Fd,
        data: Vec<u8>,
        mut sent: usize,
        until: Option<Instant>,
        now: Instant,
    ) -> Step {
        loop {
            match self.lwip.send(fd, data.get(sent..).unwrap_or(&[])) {
                Ok(count) => sent += count,
                Err(EAGAIN) if self.lwip.is_blocking(fd) && until.is_none_or(|at| now < at) => {
                    return Step::Wait(Wait::Send { fd, data, sent, until });
                }
                Err(errno) if sent == 0 || errno != EAGAIN => {
                    self.errno = errno.0;
                    return Reply::bytes(&[0, 0]).into();
                }
                Err(_) => break,
            }
            if sent == data.len() || !self.lwip.is_blocking(fd) {
                break;
            }
        }
        Reply::bytes(&u16::try_from(sent).unwrap_or(u16::MAX).to_be_bytes()).into()
    }

    fn resume_recv(&mut self, fd: Fd, limit: usize, until: Option<Instant>, now: Instant) -> Step {
        match self.lwip.recv(fd, limit, false) {
            Err(EAGAIN) if self.lwip.is_blocking(fd) && until.is_none_or(|at| now < at) => {
                Step::Wait(Wait::Recv { fd, limit, until })
            }
            received => Reply::Wide(vec![self.note(received).unwrap_or_default()]).into(),
        }
    }

    fn resume_recv_from(
        &mut self,
        fd: Fd,
        limit: usize,
        until: Option<Instant>,
        now: Instant,
    ) -> Step {
        match self.lwip.recv_from(fd, limit) {
            Err(EAGAIN) if self.lwip.is_blocking(fd) && until.is_none_or(|at| now < at) => {
                Step::Wait(Wait::RecvFrom { fd, limit, until })
            }
            received => Reply::Wide(match self.note(received) {
                Some((data, from)) => {
                    let port = from.port().to_le_bytes().to_vec();
                    vec![from.ip().octets().to_vec(), port, data]
                }
                None => vec![self.noise.bytes(4), self.noise.bytes(2), Vec::new()],
            })
            .into(),
        }
    }
}

/// A descriptor and its peer, the port little-endian.
fn endpoint(first: u8, peer: SocketAddrV4) -> Reply {
    let port = peer.port().to_le_bytes().to_vec();
    Reply::Params(vec![vec![first], peer.ip().octets().to_vec(), port])
}
