//! The firmware's TCP/IP stack: eight sockets over a [`Stack`].

mod calls;
mod datagram;
mod names;
mod options;
mod raw;
mod select;
mod stream;
mod transfer;

use core::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use core::time::Duration;

use netdev::Instant;
use netdev_sim::{Sock, Stack};

use crate::errno::{EADDRINUSE, EBADF, EINVAL, ENFILE, ENOBUFS, ENOTCONN, EOPNOTSUPP, Errno};
use crate::monitor::Monitor;
use datagram::Datagram;
use names::Names;
use raw::Raw;
use stream::Stream;

pub(crate) use names::Lookup;
pub(crate) use select::Sets;
pub(crate) use transfer::Form;

/// Sockets, and `netconn`s: connections that wait to be accepted take one each, too.
const SOCKETS: usize = 8;

pub(crate) struct Lwip {
    stack: Box<dyn Stack>,
    sockets: Vec<Option<Socket>>,
    /// Closed streams with bytes still to go out.
    lingering: Vec<Stream>,
    names: Names,
    /// One for all: only failures write it.
    pub(crate) errno: i32,
    online: bool,
    /// `getpeername` and `getsockname` tell one byte (quirk 12).
    pub(crate) cuts_addresses: bool,
    scratch: Vec<u8>,
    connect_limit: Duration,
    pingable: Vec<(Ipv4Addr, Duration)>,
    monitor: Monitor,
}

struct Socket {
    non_blocking: bool,
    /// Milliseconds; 0 is for ever.
    receive_limit: u32,
    send_limit: u32,
    options: Vec<((i32, i32), i32)>,
    body: Body,
}

enum Body {
    Stream(Stream),
    Datagram(Datagram),
    Raw(Raw),
}

/// What a receiving call finds.
#[derive(Debug)]
pub(crate) enum Got {
    Data(Vec<u8>, SocketAddrV4),
    /// The end of the stream.
    End,
}

impl Lwip {
    pub(crate) fn new(
        stack: Box<dyn Stack>,
        connect_limit: Duration,
        pingable: Vec<(Ipv4Addr, Duration)>,
        monitor: Monitor,
    ) -> Self {
        Self {
            stack,
            sockets: (0..SOCKETS).map(|_| None).collect(),
            lingering: Vec::new(),
            names: Names::default(),
            errno: 0,
            online: false,
            cuts_addresses: false,
            scratch: vec![0; SCRATCH],
            connect_limit,
            pingable,
            monitor,
        }
    }

    pub(crate) fn addr(&self) -> Ipv4Addr {
        self.stack.addr()
    }

    /// Everything is gone, as after a reset.
    pub(crate) fn reset(&mut self) {
        for socket in self.sockets.iter_mut().filter_map(Option::take) {
            socket.body.abandon(self.stack.as_mut());
        }
        for mut stream in self.lingering.drain(..) {
            stream.abandon(self.stack.as_mut());
        }
        self.names = Names::default();
        self.errno = 0;
        self.online = false;
    }

    pub(crate) fn set_online(&mut self, online: bool) {
        self.online = online;
    }

    /// Takes what came in, and hands out what waits.
    pub(crate) fn poll(&mut self, now: Instant) {
        for index in 0..self.sockets.len() {
            let spare = SOCKETS.saturating_sub(self.netconns());
            let stack = self.stack.as_mut();
            let Some(Some(socket)) = self.sockets.get_mut(index) else { continue };
            match &mut socket.body {
                Body::Stream(stream) if self.online => {
                    let dropped = stream.poll(stack, &mut self.scratch, spare, now);
                    self.monitor.count(|c| c.peers_dropped += dropped);
                }
                Body::Stream(stream) => stream.expire(stack, now),
                Body::Datagram(datagram) => {
                    let dropped = datagram.poll(stack, &mut self.scratch, self.online);
                    self.monitor.count(|c| c.datagrams_dropped += dropped);
                }
                Body::Raw(_) => {}
            }
        }
        if self.online {
            let stack = self.stack.as_mut();
            self.lingering.retain_mut(|stream| !stream.finish(stack));
        }
    }

    /// Whether anything goes on that nobody asks about.
    pub(crate) fn is_busy(&self) -> bool {
        !self.lingering.is_empty()
            || self.sockets.iter().flatten().any(|socket| match &socket.body {
                Body::Stream(stream) => stream.has_unsent(),
                Body::Datagram(_) | Body::Raw(_) => false,
            })
    }

    fn netconns(&self) -> usize {
        let each = self.sockets.iter().flatten().map(|socket| match &socket.body {
            Body::Stream(stream) => 1 + stream.waiting(),
            Body::Datagram(_) | Body::Raw(_) => 1,
        });
        each.sum()
    }

    /// A new socket, under the lowest free number. The domain is not looked at.
    pub(crate) fn socket(&mut self, kind: i32) -> Result<i32, Errno> {
        let body = match kind {
            STREAM => Body::Stream(Stream::default()),
            DGRAM => Body::Datagram(Datagram::default()),
            RAW => Body::Raw(Raw::default()),
            _ => return Err(EINVAL),
        };
        if self.netconns() >= SOCKETS {
            return Err(ENOBUFS);
        }
        self.place(body).ok_or(ENOBUFS)
    }

    fn place(&mut self, body: Body) -> Option<i32> {
        let index = self.sockets.iter().position(Option::is_none)?;
        let fresh = Socket {
            non_blocking: false,
            receive_limit: 0,
            send_limit: 0,
            options: Vec::new(),
            body,
        };
        *self.sockets.get_mut(index)? = Some(fresh);
        i32::try_from(index).ok()
    }

    /// Gives the number back at once; what was queued still goes out.
    pub(crate) fn close(&mut self, s: i32) -> Result<(), Errno> {
        let index = usize::try_from(s).map_err(|_| EBADF)?;
        let place = self.sockets.get_mut(index).ok_or(EBADF)?;
        let socket = place.take().ok_or(EBADF)?;
        let stack = self.stack.as_mut();
        match socket.body {
            Body::Stream(mut stream) => {
                if !stream.finish(stack) {
                    self.lingering.push(stream);
                    if self.lingering.len() > LINGERING {
                        self.lingering.remove(0).abandon(stack);
                    }
                }
            }
            body => body.abandon(stack),
        }
        Ok(())
    }

    fn bind(&mut self, s: i32, at: SocketAddrV4) -> Result<(), Errno> {
        let port = at.port();
        let taken = port != 0 && self.is_bound(port, s);
        let (socket, stack) = self.parts(s)?;
        let shared = socket.option((options::SOL_SOCKET, options::SO_REUSEADDR)) != 0;
        match &mut socket.body {
            Body::Stream(_) if taken && !shared => Err(EADDRINUSE),
            Body::Stream(stream) => stream.bind(stack, port),
            Body::Datagram(datagram) => datagram.bind(stack, port),
            Body::Raw(_) => Ok(()),
        }
    }

    fn is_bound(&self, port: u16, except: i32) -> bool {
        let own = usize::try_from(except).ok();
        self.sockets.iter().enumerate().any(|(index, socket)| match socket {
            Some(Socket { body: Body::Stream(stream), .. }) => {
                Some(index) != own && stream.holds(port)
            }
            _ => false,
        })
    }

    fn listen(&mut self, s: i32) -> Result<(), Errno> {
        let (socket, stack) = self.parts(s)?;
        match &mut socket.body {
            Body::Stream(stream) => stream.listen(stack),
            Body::Datagram(_) | Body::Raw(_) => Err(EOPNOTSUPP),
        }
    }

    /// Takes a peer off a listener: its number, a socket that blocks.
    fn accept(&mut self, s: i32) -> Result<i32, Errno> {
        let (socket, _) = self.parts(s)?;
        let non_blocking = socket.non_blocking;
        let Body::Stream(listener) = &mut socket.body else { return Err(EOPNOTSUPP) };
        let (sock, peer) = listener.accept(non_blocking)?;
        if self.sockets.iter().all(Option::is_some) {
            self.stack.abort(sock);
            self.monitor.count(|c| c.peers_dropped += 1);
            return Err(ENFILE);
        }
        self.place(Body::Stream(Stream::connected(sock, peer))).ok_or(ENFILE)
    }

    /// Starts a connection, or gives a datagram socket its peer.
    pub(crate) fn connect(
        &mut self,
        s: i32,
        to: SocketAddrV4,
        now: Instant,
    ) -> Result<Connecting, Errno> {
        let (online, until) = (self.online, now + self.connect_limit);
        let (socket, stack) = self.parts(s)?;
        match &mut socket.body {
            Body::Stream(stream) => {
                stream.connect(stack, to, online, until)?;
                Ok(Connecting::Started)
            }
            Body::Datagram(datagram) => {
                datagram.connect(stack, to)?;
                Ok(Connecting::Done)
            }
            Body::Raw(raw) => {
                raw.peer = Some(to);
                Ok(Connecting::Done)
            }
        }
    }

    /// How a connection attempt ended; `None` before.
    pub(crate) fn connection(&mut self, s: i32) -> Option<Result<(), Errno>> {
        match self.parts(s) {
            Ok((Socket { body: Body::Stream(stream), .. }, _)) => stream.connection(),
            Ok(_) => Some(Ok(())),
            Err(errno) => Some(Err(errno)),
        }
    }

    fn shutdown(&mut self, s: i32, how: i32) -> Result<(), Errno> {
        let (socket, stack) = self.parts(s)?;
        let Body::Stream(stream) = &mut socket.body else { return Err(EOPNOTSUPP) };
        match how {
            0..=2 => stream.shutdown(stack, how != 1, how != 0),
            _ => Err(EINVAL),
        }
    }

    fn peer(&mut self, s: i32) -> Result<SocketAddrV4, Errno> {
        match &self.parts(s)?.0.body {
            Body::Stream(stream) => stream.peer(),
            Body::Datagram(datagram) => datagram.peer.ok_or(ENOTCONN),
            Body::Raw(raw) => raw.peer.ok_or(ENOTCONN),
        }
    }

    fn own_addr(&mut self, s: i32) -> Result<SocketAddrV4, Errno> {
        let (socket, stack) = self.parts(s)?;
        Ok(match &socket.body {
            Body::Stream(stream) => stream.own_addr(stack),
            Body::Datagram(datagram) => datagram.own_addr(stack),
            Body::Raw(_) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
        })
    }

    fn parts(&mut self, s: i32) -> Result<(&mut Socket, &mut dyn Stack), Errno> {
        let index = usize::try_from(s).unwrap_or(usize::MAX);
        match self.sockets.get_mut(index) {
            Some(Some(socket)) => Ok((socket, self.stack.as_mut())),
            _ => {
                self.monitor.count(|c| c.bad_sockets += 1);
                Err(EBADF)
            }
        }
    }

    /// Writes `errno`, and makes the value that a failed call returns.
    fn fail(&mut self, errno: Errno) -> i32 {
        self.errno = errno.0;
        -1
    }

    fn result(&mut self, result: Result<i32, Errno>) -> i32 {
        result.unwrap_or_else(|errno| self.fail(errno))
    }
}

/// What `connect` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connecting {
    Started,
    Done,
}

impl Body {
    fn abandon(self, stack: &mut dyn Stack) {
        match self {
            Self::Stream(mut stream) => stream.abandon(stack),
            Self::Datagram(datagram) => datagram.close(stack),
            Self::Raw(_) => {}
        }
    }
}

fn v4(addr: SocketAddr) -> SocketAddrV4 {
    match addr {
        SocketAddr::V4(addr) => addr,
        SocketAddr::V6(addr) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, addr.port()),
    }
}

/// The address of a socket that the stack knows.
fn local(stack: &dyn Stack, sock: Sock) -> SocketAddrV4 {
    let unknown = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
    stack.local_addr(sock).map_or(unknown, v4)
}

/// Closed connections that still have something to send; TCP has no room for more.
const LINGERING: usize = 10;
/// Types of sockets.
const STREAM: i32 = 1;
const DGRAM: i32 = 2;
const RAW: i32 = 3;
/// Large enough for a receive window and for any datagram.
const SCRATCH: usize = 65_536;
