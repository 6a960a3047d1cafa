//! The device.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::sync::atomic::{AtomicU64, Ordering};
use std::io;
use std::sync::Arc;
use std::thread;

use netdev::{
    AddressFamily, Capabilities, Error, Features, Instant, IpConfig, Lookup, Netdev, Netlink,
    Platform, Protocol, Readiness, Remote, Side, SockFd, SockFlags, SockOpt, SockType,
};

use crate::datagram::LARGEST;
use crate::lookup::Lookups;
use crate::reactor::Reactor;
use crate::socket::{Phase, Socket};
use crate::table::MOST;

/// The PC's own sockets as a device.
///
/// Any number of threads may use it. A call on a socket that has nothing to do makes no system
/// call, and [`next_ready`](Netdev::next_ready) costs the same with one socket as with thousands.
/// Of the threads that idle one sleeps in the system's poll and wakes the others.
#[derive(Debug)]
pub struct HostDevice {
    reactor: Arc<Reactor>,
    lookups: Arc<Lookups>,
    opened: AtomicU64,
}

/// What a device did so far.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Sockets that are open now.
    pub open: u64,
    /// Sockets opened since the start, accepted ones included.
    pub opened: u64,
    /// How often the system was asked for news.
    pub polls: u64,
}

impl HostDevice {
    /// A device of its own. Several may live side by side; they share nothing.
    ///
    /// # Errors
    /// What the system says when it has no poll, no file handle or no memory left.
    pub fn new() -> io::Result<Self> {
        let reactor = Arc::new(Reactor::new()?);
        Ok(Self { reactor, lookups: Arc::default(), opened: AtomicU64::new(0) })
    }

    /// What the device did so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Stats {
            open: u64::try_from(self.reactor.sockets().open_now()).unwrap_or(u64::MAX),
            opened: self.opened.load(Ordering::Relaxed),
            polls: self.reactor.polls(),
        }
    }

    fn socket_of(&self, fd: SockFd) -> Result<Arc<Socket>, Error> {
        self.reactor.sockets().get(fd).ok_or(Error::BadSocket)
    }

    /// One call on one socket; a "not yet" is remembered for when the thread idles.
    fn call<T>(
        &self,
        fd: SockFd,
        side: Side,
        f: impl FnOnce(&Socket) -> nb::Result<T, Error>,
    ) -> nb::Result<T, Error> {
        let answer = f(&*self.socket_of(fd)?);
        if matches!(answer, Err(nb::Error::WouldBlock)) {
            self.reactor.not_yet(fd, side);
        }
        answer
    }
}

impl Platform for HostDevice {
    fn now(&self) -> Instant {
        self.reactor.clock().now()
    }

    fn idle(&self, until: Instant) {
        self.reactor.idle(until);
    }

    fn unix_time(&self) -> Option<u64> {
        self.reactor.clock().unix_time()
    }

    fn fill_random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        self.reactor.clock().fill_random(buffer)
    }
}

impl Netdev for HostDevice {
    fn platform(&self) -> &dyn Platform {
        self
    }

    fn drive(&self) -> Option<Instant> {
        self.reactor.glance();
        None
    }

    fn netlink(&self) -> Option<&dyn Netlink> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        let features = Features::TCP_CONNECT
            .with(Features::TCP_LISTEN)
            .with(Features::UDP_SEND_TO)
            .with(Features::INET6)
            .with(Features::NAME_LOOKUP)
            .with(Features::SHUTDOWN)
            .with(Features::PEEK)
            .with(Features::KEEP_ALIVE)
            .with(Features::NO_DELAY)
            .with(Features::LINGER)
            .with(Features::READINESS);
        Capabilities::new(MOST).datagrams(LARGEST).with(features)
    }

    /// The loopback address: the one that every PC has.
    fn addr(&self) -> nb::Result<IpConfig, Error> {
        Ok(IpConfig::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8))
    }

    fn socket(
        &self,
        family: AddressFamily,
        kind: SockType,
        protocol: Protocol,
    ) -> nb::Result<SockFd, Error> {
        match (kind, protocol) {
            (SockType::Stream, Protocol::Tcp) | (SockType::Dgram, Protocol::Udp) => {}
            _ => return Err(nb::Error::Other(Error::Unsupported)),
        }
        let socket = Arc::new(Socket::new(family, kind)?);
        let fd = self.reactor.sockets().open(Arc::clone(&socket))?;
        if kind == SockType::Dgram {
            socket.watch_datagrams(&self.reactor, fd).inspect_err(|_| {
                self.reactor.sockets().close(fd);
            })?;
        }
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(fd)
    }

    fn close(&self, fd: SockFd) {
        let Some(socket) = self.reactor.sockets().close(fd) else { return };
        self.reactor.ready().remove(fd.slot());
        if socket.lingers() {
            // The system waits inside its own close; without a thread to spare, so does this one.
            let _ = thread::Builder::new().name("linger".to_owned()).spawn(move || drop(socket));
        } else {
            drop(socket);
        }
        self.reactor.announce();
    }

    fn connect(&self, fd: SockFd, remote: Remote<'_>) -> nb::Result<(), Error> {
        let Remote::Addr(remote) = remote else {
            return Err(nb::Error::Other(Error::InvalidInput));
        };
        self.call(fd, Side::Write, |socket| match socket.kind() {
            SockType::Stream => socket.connect_stream(&self.reactor, fd, remote),
            _ => Ok(socket.connect_datagram(remote)?),
        })
    }

    fn send(&self, fd: SockFd, data: &[u8], flags: SockFlags) -> nb::Result<usize, Error> {
        no_flags(flags)?;
        self.call(fd, Side::Write, |socket| match socket.kind() {
            SockType::Stream => socket.send_stream(data),
            _ => socket.send_datagram(data),
        })
    }

    fn recv(&self, fd: SockFd, buf: &mut [u8], flags: SockFlags) -> nb::Result<usize, Error> {
        let peek = flags.contains(SockFlags::PEEK);
        self.call(fd, Side::Read, |socket| match socket.kind() {
            SockType::Stream => socket.recv_stream(buf, peek),
            _ => socket.recv_datagram(buf, peek).map(|(length, _)| length.min(buf.len())),
        })
    }

    fn in_flight(&self, fd: SockFd, side: Side) -> bool {
        let connecting = |socket: Arc<Socket>| socket.phase() == Phase::Connecting;
        side == Side::Write && self.socket_of(fd).is_ok_and(connecting)
    }

    fn next_ready(&self, after: Option<SockFd>) -> Readiness {
        let ready = self.reactor.ready();
        let mut after = after.map(SockFd::slot);
        while let Some(slot) = ready.next(after) {
            match self.reactor.sockets().at(slot) {
                Some((fd, socket)) if socket.has_answer() => return Readiness::Socket(fd),
                _ => {}
            }
            ready.remove(slot);
            // News may have come, for it or for its slot's next owner, before it was removed.
            match self.reactor.sockets().at(slot) {
                Some((fd, socket)) if socket.has_answer() => {
                    ready.insert(slot);
                    return Readiness::Socket(fd);
                }
                _ => after = Some(slot),
            }
        }
        self.reactor.not_yet_anything();
        Readiness::None
    }

    fn bind(&self, fd: SockFd, local: SocketAddr) -> nb::Result<(), Error> {
        Ok(self.socket_of(fd)?.bind(local)?)
    }

    fn listen(&self, fd: SockFd, backlog: u16) -> nb::Result<(), Error> {
        Ok(self.socket_of(fd)?.listen(&self.reactor, fd, backlog)?)
    }

    fn accept(&self, fd: SockFd) -> nb::Result<(SockFd, SocketAddr), Error> {
        let accepted = self.call(fd, Side::Read, |socket| socket.accept(&self.reactor))?;
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(accepted)
    }

    fn send_to(
        &self,
        fd: SockFd,
        data: &[u8],
        to: SocketAddr,
        flags: SockFlags,
    ) -> nb::Result<usize, Error> {
        no_flags(flags)?;
        self.call(fd, Side::Write, |socket| socket.send_datagram_to(data, to))
    }

    fn recv_from(
        &self,
        fd: SockFd,
        buf: &mut [u8],
        flags: SockFlags,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let peek = flags.contains(SockFlags::PEEK);
        self.call(fd, Side::Read, |socket| socket.recv_datagram(buf, peek))
    }

    fn shutdown(&self, fd: SockFd, side: Side) -> nb::Result<(), Error> {
        let socket = self.socket_of(fd)?;
        if socket.kind() != SockType::Stream {
            return Err(nb::Error::Other(Error::Unsupported));
        }
        socket.shutdown_stream(side)?;
        self.reactor.announce();
        Ok(())
    }

    fn set_sock_opt(&self, fd: SockFd, option: SockOpt<'_>) -> nb::Result<(), Error> {
        Ok(self.socket_of(fd)?.set_option(option)?)
    }

    fn local_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        Ok(self.socket_of(fd)?.local_addr()?)
    }

    fn peer_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        Ok(self.socket_of(fd)?.peer_addr()?)
    }

    fn get_host_by_name(
        &self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        let started = self.lookups.start(&self.reactor, name, family);
        if matches!(started, Err(nb::Error::WouldBlock)) {
            self.reactor.not_yet_anything();
        }
        started
    }

    fn lookup_result(&self, lookup: Lookup, out: &mut [IpAddr]) -> nb::Result<usize, Error> {
        let result = self.lookups.result(lookup, out);
        if matches!(result, Err(nb::Error::WouldBlock)) {
            self.reactor.not_yet_anything();
        }
        result
    }

    fn end_lookup(&self, lookup: Lookup) {
        self.lookups.end(lookup);
    }
}

/// No flag means anything to a sender.
fn no_flags(flags: SockFlags) -> Result<(), Error> {
    if flags == SockFlags::NONE { Ok(()) } else { Err(Error::InvalidInput) }
}
