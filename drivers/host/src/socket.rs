//! One socket of the PC.

use core::net::SocketAddr;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use core::time::Duration;
use std::io;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use mio::event::Event;
use mio::net::{TcpListener, TcpStream, UdpSocket};
use netdev::{AddressFamily, Error, SockOpt, SockType};
use socket2::{Domain, SockRef, TcpKeepalive, Type};

use crate::error::translate;
use crate::flags::{ASIDE, Flags, READ, READ_END, SURE, WRITE, WRITE_END};

#[derive(Debug)]
pub(crate) struct Socket {
    family: AddressFamily,
    kind: SockType,
    flags: Flags,
    phase: AtomicU8,
    /// A stream socket before it connects or listens.
    fresh: Mutex<Option<socket2::Socket>>,
    /// What it became.
    io: OnceLock<Io>,
    /// What a look ahead found and must not lose.
    aside: Mutex<Aside>,
    /// Closing may take time, by the owner's wish.
    lingers: AtomicBool,
}

#[derive(Debug)]
pub(crate) enum Io {
    Stream(TcpStream),
    Listener(TcpListener),
    Datagram(UdpSocket),
}

#[derive(Debug, Default)]
pub(crate) struct Aside {
    pub(crate) error: Option<Error>,
    pub(crate) accepted: Option<(TcpStream, SocketAddr)>,
}

/// How far a socket got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Fresh,
    Connecting,
    Connected,
    Failed,
    Listening,
}

impl Socket {
    pub(crate) fn new(family: AddressFamily, kind: SockType) -> Result<Self, Error> {
        let raw = open(family, kind).map_err(|error| translate(&error))?;
        let flags = if kind == SockType::Dgram { WRITE } else { 0 };
        let socket = Self::bare(family, kind, Phase::Fresh, flags);
        *socket.fresh() = Some(raw);
        Ok(socket)
    }

    /// For a connection that a listener took. Nothing is known yet about what it has to read, so
    /// the first call finds out.
    pub(crate) fn accepted(family: AddressFamily) -> Self {
        Self::bare(family, SockType::Stream, Phase::Connected, READ | WRITE)
    }

    fn bare(family: AddressFamily, kind: SockType, phase: Phase, flags: u32) -> Self {
        Self {
            family,
            kind,
            flags: Flags::new(flags),
            phase: AtomicU8::new(phase.number()),
            fresh: Mutex::default(),
            io: OnceLock::new(),
            aside: Mutex::default(),
            lingers: AtomicBool::new(false),
        }
    }

    pub(crate) const fn family(&self) -> AddressFamily {
        self.family
    }

    pub(crate) const fn kind(&self) -> SockType {
        self.kind
    }

    pub(crate) const fn flags(&self) -> &Flags {
        &self.flags
    }

    pub(crate) fn phase(&self) -> Phase {
        Phase::of(self.phase.load(Ordering::Acquire))
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.store(phase.number(), Ordering::Release);
    }

    pub(crate) fn io(&self) -> Option<&Io> {
        self.io.get()
    }

    /// What the socket became; once only.
    pub(crate) fn become_io(&self, io: Io) {
        let second = self.io.set(io).is_err();
        debug_assert!(!second, "a socket connects or listens once");
    }

    pub(crate) fn fresh(&self) -> MutexGuard<'_, Option<socket2::Socket>> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn aside(&self) -> MutexGuard<'_, Aside> {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether giving the socket back may take its time.
    pub(crate) fn lingers(&self) -> bool {
        self.lingers.load(Ordering::Relaxed)
    }

    /// Takes news of the system; `true` if there may be something to read or to report.
    pub(crate) fn told(&self, event: &Event) -> bool {
        let (read_end, write_end) = (event.is_read_closed(), event.is_write_closed());
        let error = event.is_error();
        let stream = self.kind == SockType::Stream;
        let mut bits = 0;
        if event.is_readable() || read_end || error {
            bits |= READ | SURE;
        }
        if event.is_writable() || write_end || error {
            bits |= WRITE;
        }
        // An error of a datagram socket is over once it was reported.
        if stream && (read_end || error) {
            bits |= READ_END;
        }
        if stream && (write_end || error) {
            bits |= WRITE_END;
        }
        self.flags.raise(bits);
        bits & READ != 0
    }

    /// One try of a call of the side that `bit` stands for. `drained` tells from the answer that the
    /// system has no more of it just now.
    pub(crate) fn attempt<T>(
        &self,
        bit: u32,
        mut call: impl FnMut() -> io::Result<T>,
        drained: impl FnOnce(&T) -> bool,
    ) -> nb::Result<T, Error> {
        let seen = self.flags.load();
        if seen & bit == 0 {
            return Err(nb::Error::WouldBlock);
        }
        let answer = loop {
            match call() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                answer => break answer,
            }
        };
        match answer {
            Ok(value) => {
                let end = if bit == READ { READ_END } else { WRITE_END };
                if seen & end == 0 && drained(&value) {
                    self.flags.lower(seen, bit);
                }
                self.taken(bit);
                Ok(value)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.flags.lower(seen, bit);
                self.taken(bit);
                Err(nb::Error::WouldBlock)
            }
            Err(error) => {
                self.taken(bit);
                Err(nb::Error::Other(translate(&error)))
            }
        }
    }

    /// Something was taken, so nobody knows whether there is more.
    fn taken(&self, bit: u32) {
        if bit == READ {
            self.flags.clear(SURE);
        }
    }

    /// An error that a look ahead took from the system.
    pub(crate) fn take_error(&self) -> Result<(), Error> {
        if !self.flags.has(ASIDE) {
            return Ok(());
        }
        let error = self.aside().error.take();
        self.flags.clear(ASIDE | SURE);
        error.map_or(Ok(()), Err)
    }

    /// Whether a receive or an accept would have an answer now.
    pub(crate) fn has_answer(&self) -> bool {
        let seen = self.flags.load();
        if seen & READ == 0 {
            return false;
        }
        if seen & (SURE | READ_END | ASIDE) != 0 {
            return true;
        }
        let looked = match self.io() {
            Some(Io::Stream(stream)) => {
                self.attempt(READ, || stream.peek(&mut [0]), |_| false).map(drop)
            }
            Some(Io::Datagram(udp)) => {
                self.attempt(READ, || udp.peek_from(&mut [0]), |_| false).map(drop)
            }
            Some(Io::Listener(listener)) => self.accept_ahead(listener),
            None => Err(nb::Error::WouldBlock),
        };
        match looked {
            Ok(()) => self.flags.set(SURE),
            Err(nb::Error::WouldBlock) => return false,
            // Nothing was taken: the connection still waits for the next accept.
            Err(nb::Error::Other(_)) if self.phase() == Phase::Listening => {}
            Err(nb::Error::Other(error)) => {
                self.aside().error = Some(error);
                self.flags.set(ASIDE);
            }
        }
        true
    }

    pub(crate) fn bind(&self, local: SocketAddr) -> Result<(), Error> {
        if AddressFamily::of(&local) != self.family {
            return Err(Error::InvalidInput);
        }
        if self.kind == SockType::Stream && self.phase() != Phase::Fresh {
            return Err(Error::InvalidState);
        }
        self.with_raw(|raw| raw.bind(&local.into())).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => Error::AddrNotAvailable,
            // A second bind.
            io::ErrorKind::InvalidInput => Error::InvalidState,
            _ => translate(&error),
        })
    }

    pub(crate) fn local_addr(&self) -> Result<SocketAddr, Error> {
        let addr = self.with_raw(|raw| raw.local_addr()).map_err(|error| translate(&error))?;
        addr.as_socket().ok_or(Error::NotConnected)
    }

    pub(crate) fn peer_addr(&self) -> Result<SocketAddr, Error> {
        let addr = self.with_raw(|raw| raw.peer_addr()).map_err(|error| match error.kind() {
            // Some systems say so once the connection is gone.
            io::ErrorKind::InvalidInput => Error::NotConnected,
            _ => translate(&error),
        })?;
        addr.as_socket().ok_or(Error::NotConnected)
    }

    pub(crate) fn set_option(&self, option: SockOpt<'_>) -> Result<(), Error> {
        let stream = self.kind == SockType::Stream;
        match option {
            SockOpt::KeepAlive(period) if stream => self.with_raw(|raw| match period {
                None => raw.set_keepalive(false),
                Some(period) => {
                    let period = whole_seconds(period.max(Duration::from_secs(1)));
                    raw.set_tcp_keepalive(
                        &TcpKeepalive::new().with_time(period).with_interval(period),
                    )
                }
            }),
            SockOpt::Linger(time) if stream => {
                self.lingers.store(time.is_some_and(|time| !time.is_zero()), Ordering::Relaxed);
                self.with_raw(|raw| raw.set_linger(time.map(whole_seconds)))
            }
            SockOpt::Ipv6Only(on) if self.family == AddressFamily::Inet6 => {
                self.with_raw(|raw| raw.set_only_v6(on))
            }
            SockOpt::NoDelay(on) if stream => self.with_raw(|raw| raw.set_tcp_nodelay(on)),
            SockOpt::Broadcast(on) if !stream => self.with_raw(|raw| raw.set_broadcast(on)),
            _ => return Err(Error::Unsupported),
        }
        .map_err(|error| translate(&error))
    }

    /// Runs `f` on the system's socket, whatever it became.
    fn with_raw<T>(&self, f: impl FnOnce(SockRef<'_>) -> io::Result<T>) -> io::Result<T> {
        match self.io() {
            Some(Io::Stream(stream)) => f(SockRef::from(stream)),
            Some(Io::Listener(listener)) => f(SockRef::from(listener)),
            Some(Io::Datagram(udp)) => f(SockRef::from(udp)),
            None => match &*self.fresh() {
                Some(raw) => f(SockRef::from(raw)),
                None => Err(io::ErrorKind::NotConnected.into()),
            },
        }
    }
}

impl Phase {
    const ALL: [Self; 5] =
        [Self::Fresh, Self::Connecting, Self::Connected, Self::Failed, Self::Listening];

    const fn number(self) -> u8 {
        self as u8
    }

    fn of(number: u8) -> Self {
        Self::ALL.get(usize::from(number)).copied().unwrap_or(Self::Failed)
    }
}

fn open(family: AddressFamily, kind: SockType) -> io::Result<socket2::Socket> {
    let domain = if family == AddressFamily::Inet6 { Domain::IPV6 } else { Domain::IPV4 };
    let ty = if kind == SockType::Dgram { Type::DGRAM } else { Type::STREAM };
    let raw = socket2::Socket::new(domain, ty, None)?;
    raw.set_nonblocking(true)?;
    if family == AddressFamily::Inet6 {
        raw.set_only_v6(true)?;
    }
    if kind == SockType::Stream {
        raw.set_tcp_nodelay(true)?;
        // Elsewhere the option lets strangers share the port.
        if cfg!(unix) {
            raw.set_reuse_address(true)?;
        }
    }
    Ok(raw)
}

/// Rounded up: the system's unit is the second, and half a second of lingering is not a reset.
fn whole_seconds(time: Duration) -> Duration {
    let part = u64::from(time.subsec_nanos() != 0);
    Duration::from_secs(time.as_secs().saturating_add(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_survive_their_numbers() {
        for phase in Phase::ALL {
            assert_eq!(Phase::of(phase.number()), phase);
        }
    }

    #[test]
    fn half_a_second_of_lingering_is_not_a_reset() {
        assert_eq!(whole_seconds(Duration::from_millis(500)), Duration::from_secs(1));
        assert_eq!(whole_seconds(Duration::ZERO), Duration::ZERO);
    }
}
