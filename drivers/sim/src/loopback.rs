//! A bridge to the PC's own loopback sockets.

mod names;
mod sockets;

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::HashMap;

use netdev::{Error, Side};

use crate::{Sock, Stack};
use names::Names;
use sockets::Socket;

/// The PC's sockets in 127.0.0.0/8 as a [`Stack`], in real time: what a simulated chip serves, a
/// browser on this PC can open.
///
/// Nothing else is reached: connecting or sending elsewhere is [`Unreachable`](Error::Unreachable),
/// names other than `localhost` and [those given](Self::name) are unknown, unless
/// [`allow_outside`](Self::allow_outside) was called. Listeners are bound to the stack's own
/// loopback address and to no other, in any case.
///
/// ```
/// use netdev_sim::{Loopback, Stack};
///
/// let mut stack = Loopback::new();
/// let listener = stack.listen(0, 4)?;
/// assert!(stack.local_addr(listener)?.ip().is_loopback());
/// assert_eq!(stack.connect(([192, 0, 2, 1], 80).into()), Err(netdev::Error::Unreachable));
/// # Ok::<(), netdev::Error>(())
/// ```
pub struct Loopback {
    addr: Ipv4Addr,
    outside: bool,
    names: Names,
    sockets: HashMap<Sock, Socket>,
    last: u32,
    /// Large enough for any datagram, so that its true length is known.
    datagram: Vec<u8>,
}

impl Default for Loopback {
    fn default() -> Self {
        Self::new()
    }
}

impl Loopback {
    /// A stack at 127.0.0.1.
    #[must_use]
    pub fn new() -> Self {
        Self {
            addr: Ipv4Addr::LOCALHOST,
            outside: false,
            names: Names::default(),
            sockets: HashMap::new(),
            last: 0,
            datagram: vec![0; DATAGRAM_MAX + 1],
        }
    }

    /// A stack at another address of 127.0.0.0/8, so that several can have the same ports.
    ///
    /// # Errors
    /// `AddrNotAvailable` for any other address.
    pub fn at(addr: Ipv4Addr) -> Result<Self, Error> {
        if !addr.is_loopback() {
            return Err(Error::AddrNotAvailable);
        }
        Ok(Self { addr, ..Self::new() })
    }

    /// The same, with a name that this stack resolves.
    #[must_use]
    pub fn name(mut self, name: &str, addr: Ipv4Addr) -> Self {
        self.names.add(name, addr);
        self
    }

    /// The same, with the whole network behind it: connections and datagrams to any address, names
    /// through the system's resolver. UDP sockets whose port the system chooses are then bound to
    /// all addresses, since nothing bound to loopback can send elsewhere.
    #[must_use]
    pub fn allow_outside(mut self) -> Self {
        self.outside = true;
        self
    }

    fn may_reach(&self, to: SocketAddr) -> Result<(), Error> {
        match to.ip() {
            IpAddr::V6(_) => Err(Error::Unsupported),
            IpAddr::V4(ip) if ip.is_loopback() || self.outside => Ok(()),
            IpAddr::V4(_) => Err(Error::Unreachable),
        }
    }

    fn add(&mut self, socket: Socket) -> Sock {
        self.last = self.last.wrapping_add(1);
        let sock = Sock(self.last);
        self.sockets.insert(sock, socket);
        sock
    }

    fn find(&mut self, sock: Sock) -> Result<&mut Socket, Error> {
        self.sockets.get_mut(&sock).ok_or(Error::BadSocket)
    }
}

impl Stack for Loopback {
    fn addr(&self) -> Ipv4Addr {
        self.addr
    }

    fn connect(&mut self, remote: SocketAddr) -> Result<Sock, Error> {
        self.may_reach(remote)?;
        let from = if remote.ip().is_loopback() { self.addr } else { Ipv4Addr::UNSPECIFIED };
        let socket = Socket::connect(from, remote)?;
        Ok(self.add(socket))
    }

    fn connected(&mut self, sock: Sock) -> nb::Result<(), Error> {
        self.find(sock)?.connected()
    }

    fn listen(&mut self, port: u16, backlog: u16) -> Result<Sock, Error> {
        let socket = Socket::listen(self.addr, port, backlog)?;
        Ok(self.add(socket))
    }

    fn accept(&mut self, listener: Sock) -> nb::Result<(Sock, SocketAddr), Error> {
        let (socket, peer) = self.find(listener)?.accept()?;
        Ok((self.add(socket), peer))
    }

    fn send(&mut self, sock: Sock, data: &[u8]) -> nb::Result<usize, Error> {
        self.find(sock)?.send(data)
    }

    fn recv(&mut self, sock: Sock, buf: &mut [u8], peek: bool) -> nb::Result<usize, Error> {
        self.find(sock)?.recv(buf, peek)
    }

    fn shutdown(&mut self, sock: Sock, side: Side) -> Result<(), Error> {
        self.find(sock)?.shutdown(side)
    }

    fn close(&mut self, sock: Sock) {
        self.sockets.remove(&sock);
    }

    fn abort(&mut self, sock: Sock) {
        if let Some(socket) = self.sockets.remove(&sock) {
            socket.abort();
        }
    }

    fn udp(&mut self, port: u16) -> Result<Sock, Error> {
        let everywhere = self.outside && port == 0;
        let at = if everywhere { Ipv4Addr::UNSPECIFIED } else { self.addr };
        let socket = Socket::udp(at, port)?;
        Ok(self.add(socket))
    }

    fn send_to(&mut self, sock: Sock, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error> {
        self.may_reach(to)?;
        if data.len() > DATAGRAM_MAX {
            return Err(nb::Error::Other(Error::MessageTooLong));
        }
        self.find(sock)?.send_to(data, to)
    }

    fn recv_from(
        &mut self,
        sock: Sock,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let socket = self.sockets.get_mut(&sock).ok_or(Error::BadSocket)?;
        let (length, from) = socket.recv_from(&mut self.datagram, peek)?;
        for (to, byte) in buf.iter_mut().zip(self.datagram.iter().take(length)) {
            *to = *byte;
        }
        Ok((length, from))
    }

    fn local_addr(&self, sock: Sock) -> Result<SocketAddr, Error> {
        self.sockets.get(&sock).ok_or(Error::BadSocket)?.local_addr()
    }

    fn lookup(&mut self, name: &str) -> nb::Result<Vec<IpAddr>, Error> {
        self.names.lookup(name, self.outside)
    }
}

impl fmt::Debug for Loopback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loopback")
            .field("addr", &self.addr)
            .field("outside", &self.outside)
            .field("sockets", &self.sockets.len())
            .finish_non_exhaustive()
    }
}

/// The largest payload of a UDP datagram over IPv4.
const DATAGRAM_MAX: usize = 65_507;
