//! A device without a chip: the seam straight on a stack.

mod lookups;
mod socket;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};

use netdev::{
    AddressFamily, Capabilities, Error, Features, Handles, Instant, IpConfig, Lookup, Netdev,
    Netlink, Platform, Protocol, Readiness, Remote, Side, SockFd, SockFlags, SockOpt, SockType,
};

use crate::{Internet, Stack};
use lookups::Lookups;
use socket::Socket;

/// A [`Netdev`] straight on a [`Stack`]: for peers in tests of chips, and as the device in tests of
/// what is above the seam.
///
/// It has everything that BSD's sockets have over IPv4, but keep-alive, and nothing of it is limited.
///
/// ```
/// use netdev::{Netdev, Platform, wait};
/// use netdev_sim::{Internet, SimDevice, VirtualClock};
///
/// let internet = Internet::new(&VirtualClock::new());
/// let device = SimDevice::on(&internet, [10, 0, 0, 1].into()).leak();
/// let _replaced = netdev::use_device(device);
/// ```
pub struct SimDevice {
    platform: Box<dyn Platform + Send>,
    handles: Handles<MOST>,
    sockets: u16,
    inner: Mutex<Inner>,
}

struct Inner {
    stack: Box<dyn Stack>,
    slots: Vec<Option<Socket>>,
    lookups: Lookups,
}

impl SimDevice {
    /// A device on any stack; the platform's clock should be the stack's.
    #[must_use]
    pub fn new(stack: impl Stack + 'static, platform: impl Platform + Send + 'static) -> Self {
        let inner = Inner {
            stack: Box::new(stack),
            slots: (0..MOST).map(|_| None).collect(),
            lookups: Lookups::default(),
        };
        Self {
            platform: Box::new(platform),
            handles: Handles::new(),
            sockets: 256,
            inner: Mutex::new(inner),
        }
    }

    /// The device of a node, in virtual time. Its idling ends early when something arrives.
    #[must_use]
    pub fn on(internet: &Internet, addr: Ipv4Addr) -> Self {
        Self::new(internet.node(addr), internet.clock().with_alarms())
    }

    /// The same with so many sockets at most, up to 256.
    #[must_use]
    pub fn with_sockets(mut self, sockets: u16) -> Self {
        self.sockets = sockets.min(256);
        self
    }

    /// Keeps the device for the rest of the program, as [`use_device`](netdev::use_device) wants it.
    #[must_use]
    pub fn leak(self) -> &'static Self {
        Box::leak(Box::new(self))
    }

    fn open(&self, inner: &mut Inner, socket: Socket) -> nb::Result<SockFd, Error> {
        let open = inner.slots.iter().flatten().count();
        if open >= usize::from(self.sockets) {
            return Err(nb::Error::Other(Error::NoSockets));
        }
        let fd = self.handles.open()?;
        if let Some(slot) = inner.slots.get_mut(usize::from(fd.slot())) {
            *slot = Some(socket);
        }
        Ok(fd)
    }

    fn with<T>(
        &self,
        fd: SockFd,
        act: impl FnOnce(&mut Socket, &mut dyn Stack) -> nb::Result<T, Error>,
    ) -> nb::Result<T, Error> {
        let mut inner = self.lock();
        let slot = self.handles.slot(fd)?;
        let Inner { stack, slots, .. } = &mut *inner;
        let socket = slots.get_mut(slot).and_then(Option::as_mut);
        act(socket.ok_or(Error::BadSocket)?, &mut **stack)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Netdev for SimDevice {
    fn platform(&self) -> &dyn Platform {
        &*self.platform
    }

    fn drive(&self) -> Option<Instant> {
        None
    }

    fn netlink(&self) -> Option<&dyn Netlink> {
        None
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::new(self.sockets).datagrams(65_507).with(
            Features::TCP_CONNECT
                .with(Features::TCP_LISTEN)
                .with(Features::UDP_SEND_TO)
                .with(Features::NAME_LOOKUP)
                .with(Features::SHUTDOWN)
                .with(Features::PEEK)
                .with(Features::NO_DELAY)
                .with(Features::LINGER)
                .with(Features::READINESS),
        )
    }

    fn addr(&self) -> nb::Result<IpConfig, Error> {
        let addr = self.lock().stack.addr();
        Ok(IpConfig::new(IpAddr::V4(addr), if addr.is_loopback() { 8 } else { 24 }))
    }

    fn socket(
        &self,
        family: AddressFamily,
        kind: SockType,
        protocol: Protocol,
    ) -> nb::Result<SockFd, Error> {
        let socket = match (family, kind, protocol) {
            (AddressFamily::Inet, SockType::Stream, Protocol::Tcp) => Socket::stream(),
            (AddressFamily::Inet, SockType::Dgram, Protocol::Udp) => Socket::datagrams(),
            _ => return Err(nb::Error::Other(Error::Unsupported)),
        };
        self.open(&mut self.lock(), socket)
    }

    fn close(&self, fd: SockFd) {
        let mut inner = self.lock();
        if !self.handles.mark_closed(fd) {
            return;
        }
        let slot = usize::from(fd.slot());
        let Inner { stack, slots, .. } = &mut *inner;
        if let Some(socket) = slots.get_mut(slot).and_then(Option::take) {
            socket.close(&mut **stack);
        }
        self.handles.release(slot);
    }

    fn connect(&self, fd: SockFd, remote: Remote<'_>) -> nb::Result<(), Error> {
        let Remote::Addr(remote) = remote else {
            return Err(nb::Error::Other(Error::InvalidInput));
        };
        self.with(fd, |socket, stack| socket.connect(stack, remote))
    }

    fn send(&self, fd: SockFd, data: &[u8], flags: SockFlags) -> nb::Result<usize, Error> {
        no_flags(flags)?;
        self.with(fd, |socket, stack| socket.send(stack, data))
    }

    fn recv(&self, fd: SockFd, buf: &mut [u8], flags: SockFlags) -> nb::Result<usize, Error> {
        let peek = flags.contains(SockFlags::PEEK);
        self.with(fd, |socket, stack| socket.recv(stack, buf, peek))
    }

    fn in_flight(&self, fd: SockFd, side: Side) -> bool {
        let calling = self.with(fd, |socket, _| Ok(socket.is_calling()));
        side == Side::Write && calling == Ok(true)
    }

    fn next_ready(&self, after: Option<SockFd>) -> Readiness {
        let mut inner = self.lock();
        let Inner { stack, slots, .. } = &mut *inner;
        let first = after.map_or(0, |fd| usize::from(fd.slot()) + 1);
        let mut open = slots.iter_mut().enumerate().skip(first);
        let ready = open.find_map(|(slot, socket)| {
            let socket = socket.as_mut().filter(|_| self.handles.handle(slot).is_some())?;
            if socket.is_ready(&mut **stack) { self.handles.handle(slot) } else { None }
        });
        ready.map_or(Readiness::None, Readiness::Socket)
    }

    fn bind(&self, fd: SockFd, local: SocketAddr) -> nb::Result<(), Error> {
        let mut inner = self.lock();
        let slot = self.handles.slot(fd)?;
        let Inner { stack, slots, .. } = &mut *inner;
        let kept: Vec<u16> = slots.iter().flatten().filter_map(Socket::kept_port).collect();
        let socket = slots.get_mut(slot).and_then(Option::as_mut);
        socket.ok_or(Error::BadSocket)?.bind(&mut **stack, local, &kept)
    }

    fn listen(&self, fd: SockFd, backlog: u16) -> nb::Result<(), Error> {
        self.with(fd, |socket, stack| socket.listen(stack, backlog))
    }

    fn accept(&self, fd: SockFd) -> nb::Result<(SockFd, SocketAddr), Error> {
        let mut inner = self.lock();
        let slot = self.handles.slot(fd)?;
        let Inner { stack, slots, .. } = &mut *inner;
        let listener = slots.get_mut(slot).and_then(Option::as_mut).ok_or(Error::BadSocket)?;
        let (sock, peer) = listener.waiting(&mut **stack)?;
        // Only now is the connection taken: without a free socket it waits on.
        let accepted = self.open(&mut inner, Socket::accepted(sock, peer))?;
        if let Some(listener) = inner.slots.get_mut(slot).and_then(Option::as_mut) {
            listener.taken();
        }
        Ok((accepted, peer))
    }

    fn send_to(
        &self,
        fd: SockFd,
        data: &[u8],
        to: SocketAddr,
        flags: SockFlags,
    ) -> nb::Result<usize, Error> {
        no_flags(flags)?;
        self.with(fd, |socket, stack| socket.send_to(stack, data, to))
    }

    fn recv_from(
        &self,
        fd: SockFd,
        buf: &mut [u8],
        flags: SockFlags,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let peek = flags.contains(SockFlags::PEEK);
        self.with(fd, |socket, stack| socket.recv_from(stack, buf, peek))
    }

    fn shutdown(&self, fd: SockFd, side: Side) -> nb::Result<(), Error> {
        self.with(fd, |socket, stack| socket.shutdown(stack, side))
    }

    /// Nothing is ever held back here, and everything goes out after a close; keep-alive does not
    /// exist.
    fn set_sock_opt(&self, fd: SockFd, option: SockOpt<'_>) -> nb::Result<(), Error> {
        self.with(fd, |socket, _| match option {
            SockOpt::NoDelay(_) | SockOpt::KeepAlive(None) | SockOpt::Broadcast(false) => Ok(()),
            SockOpt::Linger(linger) if linger.is_none_or(|time| time.is_zero()) => {
                socket.set_reset_on_close(linger.is_some());
                Ok(())
            }
            _ => Err(nb::Error::Other(Error::Unsupported)),
        })
    }

    fn local_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        self.with(fd, |socket, stack| Ok(socket.local_addr(stack)?))
    }

    fn peer_addr(&self, fd: SockFd) -> nb::Result<SocketAddr, Error> {
        self.with(fd, |socket, _| Ok(socket.peer_addr()?))
    }

    fn get_host_by_name(
        &self,
        name: &str,
        family: Option<AddressFamily>,
    ) -> nb::Result<Lookup, Error> {
        let mut inner = self.lock();
        let Inner { stack, lookups, .. } = &mut *inner;
        lookups.start(&mut **stack, name, family)
    }

    fn lookup_result(&self, lookup: Lookup, out: &mut [IpAddr]) -> nb::Result<usize, Error> {
        let mut inner = self.lock();
        let Inner { stack, lookups, .. } = &mut *inner;
        lookups.result(&mut **stack, lookup, out)
    }

    fn end_lookup(&self, lookup: Lookup) {
        self.lock().lookups.end(lookup);
    }
}

impl fmt::Debug for SimDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDevice").field("sockets", &self.sockets).finish_non_exhaustive()
    }
}

fn no_flags(flags: SockFlags) -> Result<(), Error> {
    if flags == SockFlags::NONE { Ok(()) } else { Err(Error::InvalidInput) }
}

/// Size of the table of handles.
const MOST: usize = 256;
