//! The firmware's TCP/IP stack: a small pool of descriptors over a [`Stack`].

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use netdev::Error;
use netdev_sim::Stack;

use crate::errno::{
    EADDRINUSE, EAGAIN, EALREADY, EBADF, EDESTADDRREQ, EHOSTUNREACH, EINPROGRESS, EINVAL, EISCONN,
    ENFILE, ENOMEM, ENOTCONN, Errno,
};

mod datagram;
mod stream;

use datagram::Datagram;
use stream::Stream;

/// lwIP's send buffer and receive window.
pub(crate) const QUEUE: usize = 5744;
/// Datagrams that wait in a socket's mailbox.
const MAILBOX: usize = 6;
/// The largest payload that fits a packet; nothing fragments.
pub(crate) const DATAGRAM: usize = 1472;

/// A descriptor: the number that the 0x70 commands show.
pub(crate) type Fd = u8;

pub(crate) struct Lwip {
    stack: Box<dyn Stack>,
    first: Fd,
    pool: Vec<Option<Socket>>,
    /// Closed streams with bytes still to go out.
    lingering: Vec<Stream>,
    scratch: Vec<u8>,
    /// The station or the access point is up: there is a way out.
    online: bool,
    /// No socket is to be had, whatever the pool says.
    pub(crate) exhausted: bool,
    /// Since the last look: packets arrived; datagrams and peers were dropped.
    pub(crate) news: bool,
    pub(crate) datagrams_dropped: u64,
    pub(crate) peers_dropped: u64,
}

struct Socket {
    non_blocking: bool,
    options: Vec<(u32, Vec<u8>)>,
    body: Body,
}

enum Body {
    Stream(Stream),
    Datagram(Datagram),
    Raw,
}

/// What `select` tells of a descriptor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readiness {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) failed: bool,
}

/// The type of a new socket, as in `SOCKET_SOCKET`.
pub(crate) const STREAM: u8 = 1;
pub(crate) const DGRAM: u8 = 2;
pub(crate) const RAW: u8 = 3;

impl Lwip {
    pub(crate) fn new(stack: Box<dyn Stack>, first: Fd, count: u8) -> Self {
        Self {
            stack,
            first,
            pool: (0..count).map(|_| None).collect(),
            lingering: Vec::new(),
            scratch: vec![0; QUEUE],
            online: false,
            exhausted: false,
            news: false,
            datagrams_dropped: 0,
            peers_dropped: 0,
        }
    }

    /// Everything is gone, as after a reset.
    pub(crate) fn reset(&mut self) {
        for socket in self.pool.iter_mut().filter_map(Option::take) {
            socket.body.abandon(self.stack.as_mut());
        }
        for mut stream in self.lingering.drain(..) {
            stream.abandon(self.stack.as_mut());
        }
        self.online = false;
        self.news = false;
    }

    pub(crate) fn set_online(&mut self, online: bool) {
        self.online = online;
    }

    /// Takes what came in, and hands out what waits.
    pub(crate) fn poll(&mut self) {
        let stack = self.stack.as_mut();
        for socket in self.pool.iter_mut().flatten() {
            self.news |= match &mut socket.body {
                Body::Stream(stream) => stream.poll(stack, &mut self.scratch),
                Body::Datagram(datagram) => {
                    datagram.poll(stack, &mut self.scratch, &mut self.datagrams_dropped)
                }
                Body::Raw => false,
            };
        }
        self.lingering.retain_mut(|stream| !stream.finish(stack));
    }

    /// A new socket, under the lowest free number.
    pub(crate) fn socket(&mut self, kind: u8) -> Result<Fd, Errno> {
        let body = match kind {
            STREAM => Body::Stream(Stream::default()),
            DGRAM => Body::Datagram(Datagram::default()),
            RAW => Body::Raw,
            _ => return Err(EINVAL),
        };
        self.place(body)
    }

    fn place(&mut self, body: Body) -> Result<Fd, Errno> {
        let free = self.pool.iter().position(Option::is_none).filter(|_| !self.exhausted);
        let index = free.ok_or(ENFILE)?;
        let fd = u8::try_from(index).map_err(|_| ENFILE)? + self.first;
        if let Some(place) = self.pool.get_mut(index) {
            *place = Some(Socket { non_blocking: false, options: Vec::new(), body });
        }
        Ok(fd)
    }

    /// Gives the number back at once; bytes that were queued still go out.
    pub(crate) fn close(&mut self, fd: Fd) -> Result<(), Errno> {
        let place = self.place_of(fd).ok_or(EBADF)?;
        let socket = place.take().ok_or(EBADF)?;
        let stack = self.stack.as_mut();
        match socket.body {
            Body::Stream(mut stream) => {
                if !stream.finish(stack) {
                    self.lingering.push(stream);
                }
            }
            body => body.abandon(stack),
        }
        Ok(())
    }

    pub(crate) fn bind(&mut self, fd: Fd, port: u16) -> Result<(), Errno> {
        let taken = port != 0 && self.listening_on(port, fd);
        let (socket, stack) = self.parts(fd)?;
        match &mut socket.body {
            Body::Stream(_) if taken => Err(EADDRINUSE),
            Body::Stream(stream) => {
                stream.bound = port;
                Ok(())
            }
            Body::Datagram(datagram) => datagram.bind(stack, port),
            Body::Raw => Err(EINVAL),
        }
    }

    fn listening_on(&self, port: u16, except: Fd) -> bool {
        let own = usize::from(except.wrapping_sub(self.first));
        self.pool.iter().enumerate().any(|(index, socket)| {
            let Some(Socket { body: Body::Stream(stream), .. }) = socket else { return false };
            index != own && stream.bound == port
        })
    }

    pub(crate) fn listen(&mut self, fd: Fd, backlog: u8) -> Result<(), Errno> {
        let (stream, stack) = self.stream(fd)?;
        stream.listen(stack, backlog)
    }

    /// Takes a peer off a listener; `EAGAIN` if none waits. Without a free number it is dropped.
    pub(crate) fn accept(&mut self, listener: Fd) -> Result<(Fd, SocketAddrV4), Errno> {
        let (stream, stack) = self.stream(listener)?;
        let (sock, peer) = stream.accept(stack)?;
        let mut accepted = Stream::connected(sock, peer);
        if self.exhausted || self.pool.iter().all(Option::is_some) {
            self.peers_dropped += 1;
            accepted.abandon(self.stack.as_mut());
            return Err(ENFILE);
        }
        // What it sent while it waited is there at once.
        accepted.poll(self.stack.as_mut(), &mut self.scratch);
        Ok((self.place(Body::Stream(accepted))?, peer))
    }

    /// Starts a connection; done when [`connection`](Self::connection) says so.
    pub(crate) fn connect(&mut self, fd: Fd, to: SocketAddrV4) -> Result<(), Errno> {
        let online = self.online;
        let (socket, stack) = self.parts(fd)?;
        match &mut socket.body {
            Body::Stream(stream) => stream.connect(stack, to, online),
            Body::Datagram(datagram) => {
                datagram.peer = Some(to);
                datagram.ensure(stack)
            }
            Body::Raw => Err(EINVAL),
        }
    }

    /// `None` while the connection is being made.
    pub(crate) fn connection(&mut self, fd: Fd) -> Option<Result<(), Errno>> {
        match self.body(fd) {
            Ok(Body::Stream(stream)) => stream.connection(),
            Ok(_) => Some(Ok(())),
            Err(errno) => Some(Err(errno)),
        }
    }

    /// Gives a connection attempt up.
    pub(crate) fn fail(&mut self, fd: Fd, errno: Errno) {
        if let Ok((stream, stack)) = self.stream(fd) {
            stream.fail(stack, errno);
        }
    }

    /// Queues a prefix of `data`: `EAGAIN` if not one byte fits.
    pub(crate) fn send(&mut self, fd: Fd, data: &[u8]) -> Result<usize, Errno> {
        let (socket, stack) = self.parts(fd)?;
        match &mut socket.body {
            Body::Stream(stream) => stream.send(stack, data),
            Body::Datagram(datagram) => {
                let to = datagram.peer.ok_or(EDESTADDRREQ)?;
                self.send_to(fd, data, to)
            }
            Body::Raw => Err(EINVAL),
        }
    }

    pub(crate) fn send_to(
        &mut self,
        fd: Fd,
        data: &[u8],
        to: SocketAddrV4,
    ) -> Result<usize, Errno> {
        let online = self.online;
        let (socket, stack) = self.parts(fd)?;
        match &mut socket.body {
            Body::Stream(stream) => stream.send(stack, data),
            Body::Datagram(_) if data.len() > DATAGRAM => Err(ENOMEM),
            Body::Datagram(_) if !online => Err(EHOSTUNREACH),
            Body::Datagram(datagram) => datagram.send_to(stack, data, to),
            Body::Raw => Err(EINVAL),
        }
    }

    /// Up to `limit` queued bytes. `EAGAIN` if there are none yet, `ENOTCONN` at the end.
    pub(crate) fn recv(&mut self, fd: Fd, limit: usize, peek: bool) -> Result<Vec<u8>, Errno> {
        let mut buffer = vec![0; limit.min(QUEUE)];
        let (socket, stack) = self.parts(fd)?;
        let length = match &mut socket.body {
            Body::Stream(stream) => stream.recv(stack, &mut buffer, peek)?,
            Body::Datagram(datagram) => {
                let (bytes, _) = datagram.recv_from(limit)?;
                return Ok(bytes);
            }
            Body::Raw => return Err(EAGAIN),
        };
        buffer.truncate(length);
        Ok(buffer)
    }

    /// One datagram, cut to `limit`, and its sender.
    pub(crate) fn recv_from(
        &mut self,
        fd: Fd,
        limit: usize,
    ) -> Result<(Vec<u8>, SocketAddrV4), Errno> {
        let (socket, _) = self.parts(fd)?;
        match &mut socket.body {
            Body::Stream(stream) => {
                let peer = stream.peer()?;
                Ok((self.recv(fd, limit, false)?, peer))
            }
            Body::Datagram(datagram) => datagram.recv_from(limit),
            Body::Raw => Err(EAGAIN),
        }
    }

    /// Bytes that can be read at once.
    pub(crate) fn available(&self, fd: Fd) -> Result<usize, Errno> {
        Ok(match self.body(fd)? {
            Body::Stream(stream) => stream.queued(),
            Body::Datagram(datagram) => datagram.queued(),
            Body::Raw => 0,
        })
    }

    pub(crate) fn peer(&self, fd: Fd) -> Result<SocketAddrV4, Errno> {
        match self.body(fd)? {
            Body::Stream(stream) => stream.peer(),
            Body::Datagram(datagram) => datagram.peer.ok_or(ENOTCONN),
            Body::Raw => Err(ENOTCONN),
        }
    }

    pub(crate) fn readiness(&self, fd: Fd) -> Result<Readiness, Errno> {
        Ok(match self.body(fd)? {
            Body::Stream(stream) => stream.readiness(),
            Body::Datagram(datagram) => Readiness {
                readable: datagram.queued() > 0 || datagram.waits(),
                writable: true,
                failed: false,
            },
            Body::Raw => Readiness { writable: true, ..Readiness::default() },
        })
    }

    pub(crate) fn is_blocking(&self, fd: Fd) -> bool {
        self.get(fd).is_some_and(|socket| !socket.non_blocking)
    }

    pub(crate) fn set_non_blocking(&mut self, fd: Fd, on: bool) -> Result<(), Errno> {
        self.parts(fd)?.0.non_blocking = on;
        Ok(())
    }

    pub(crate) fn set_option(&mut self, fd: Fd, name: u32, value: Vec<u8>) -> Result<(), Errno> {
        let options = &mut self.parts(fd)?.0.options;
        options.retain(|(known, _)| *known != name);
        options.push((name, value));
        Ok(())
    }

    pub(crate) fn option(&self, fd: Fd, name: u32) -> Result<Option<&[u8]>, Errno> {
        let socket = self.get(fd).ok_or(EBADF)?;
        let found = socket.options.iter().find(|(known, _)| *known == name);
        Ok(found.map(|(_, value)| value.as_slice()))
    }

    /// The type of a socket, as [`socket`](Self::socket) takes it.
    pub(crate) fn kind(&self, fd: Fd) -> Result<u8, Errno> {
        Ok(match self.body(fd)? {
            Body::Stream(_) => STREAM,
            Body::Datagram(_) => DGRAM,
            Body::Raw => RAW,
        })
    }

    /// The error that a failed attempt left behind; looking takes it.
    pub(crate) fn take_error(&mut self, fd: Fd) -> Result<Option<Errno>, Errno> {
        Ok(match &mut self.parts(fd)?.0.body {
            Body::Stream(stream) => stream.take_error(),
            _ => None,
        })
    }

    /// The link went down: sockets with a local address of their own close, behind the back of
    /// everyone who remembers their numbers. Listeners and UDP sockets stay.
    pub(crate) fn close_connected(&mut self) {
        self.online = false;
        for place in &mut self.pool {
            let connected =
                matches!(place, Some(Socket { body: Body::Stream(s), .. }) if s.has_local_addr());
            if connected && let Some(socket) = place.take() {
                socket.body.abandon(self.stack.as_mut());
            }
        }
    }

    /// Asks for a name's first IPv4 address.
    pub(crate) fn lookup(&mut self, name: &str) -> nb::Result<Ipv4Addr, Error> {
        if let Ok(addr) = name.parse() {
            return Ok(addr);
        }
        if name.is_empty() || !self.online {
            return Err(nb::Error::Other(Error::HostUnknown));
        }
        let found = self.stack.lookup(name)?;
        let v4 = found.into_iter().find_map(|addr| match addr {
            core::net::IpAddr::V4(addr) => Some(addr),
            core::net::IpAddr::V6(_) => None,
        });
        v4.ok_or(nb::Error::Other(Error::HostUnknown))
    }

    fn place_of(&mut self, fd: Fd) -> Option<&mut Option<Socket>> {
        self.pool.get_mut(usize::from(fd.checked_sub(self.first)?))
    }

    fn get(&self, fd: Fd) -> Option<&Socket> {
        self.pool.get(usize::from(fd.checked_sub(self.first)?))?.as_ref()
    }

    fn body(&self, fd: Fd) -> Result<&Body, Errno> {
        self.get(fd).map(|socket| &socket.body).ok_or(EBADF)
    }

    fn parts(&mut self, fd: Fd) -> Result<(&mut Socket, &mut dyn Stack), Errno> {
        let index = usize::from(fd.checked_sub(self.first).ok_or(EBADF)?);
        let socket = self.pool.get_mut(index).and_then(Option::as_mut).ok_or(EBADF)?;
        Ok((socket, self.stack.as_mut()))
    }

    fn stream(&mut self, fd: Fd) -> Result<(&mut Stream, &mut dyn Stack), Errno> {
        let (socket, stack) = self.parts(fd)?;
        match &mut socket.body {
            Body::Stream(stream) => Ok((stream, stack)),
            _ => Err(EINVAL),
        }
    }
}

impl Body {
    fn abandon(self, stack: &mut dyn Stack) {
        match self {
            Self::Stream(mut stream) => stream.abandon(stack),
            Self::Datagram(datagram) => datagram.close(stack),
            Self::Raw => {}
        }
    }
}

fn v4(addr: SocketAddr) -> SocketAddrV4 {
    match addr {
        SocketAddr::V4(addr) => addr,
        SocketAddr::V6(addr) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, addr.port()),
    }
}
