//! One node of the network in memory, as a stack.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard};

use netdev::{Error, Side};

use super::lock;
use super::net::Net;
use super::packet::{Body, Packet};
use super::socket::{Listener, Socket, Tcp, Udp};
use crate::{Sock, Stack};

/// A node of an [`Internet`](crate::Internet). Clones are the same node.
#[derive(Clone)]
pub struct Node {
    net: Arc<Mutex<Net>>,
    addr: Ipv4Addr,
}

impl Node {
    pub(super) fn new(net: Arc<Mutex<Net>>, addr: Ipv4Addr) -> Self {
        Self { net, addr }
    }

    /// Takes the node off the network, or puts it back. Meanwhile datagrams are lost; what belongs
    /// to connections arrives when the link is back, as if it had been sent again.
    pub fn set_link(&self, up: bool) {
        self.net().set_link(self.addr, up);
    }

    /// How many unread bytes a connection made from now on holds; 65,535 at first.
    pub fn set_window(&self, bytes: usize) {
        self.net().set_window(self.addr, bytes);
    }

    fn net(&self) -> MutexGuard<'_, Net> {
        lock(&self.net)
    }

    /// Which node an address means from here, and the address that it sees as the sender's.
    fn route(&self, to: SocketAddr) -> Result<(Ipv4Addr, SocketAddrV4, Ipv4Addr), Error> {
        let SocketAddr::V4(to) = to else { return Err(Error::Unsupported) };
        let ip = to.ip();
        if ip.is_loopback() || ip.is_unspecified() {
            let seen = if ip.is_loopback() { *ip } else { Ipv4Addr::LOCALHOST };
            return Ok((self.addr, SocketAddrV4::new(seen, to.port()), Ipv4Addr::LOCALHOST));
        }
        if ip.is_broadcast() || ip.is_multicast() {
            return Err(Error::Unsupported);
        }
        Ok((*ip, to, self.addr))
    }

    fn packet(&self, to: Ipv4Addr, body: Body) -> Packet {
        Packet { from: self.addr, to, body }
    }

    /// The node at the other end of a connection.
    fn far(&self, tcp: &Tcp) -> Ipv4Addr {
        let ip = *tcp.remote.ip();
        if ip.is_loopback() { self.addr } else { ip }
    }

    fn finish(&self, sock: Sock, always_reset: bool) {
        let mut net = self.net();
        let net = &mut *net;
        if net.socket(self.addr, sock).is_err() {
            return;
        }
        // Taken out last: it keeps the order of what it sends.
        let queue = match net.socket(self.addr, sock) {
            Ok(Socket::Listener(listener)) => core::mem::take(&mut listener.queue),
            Ok(Socket::Tcp(tcp)) => {
                let ended = tcp.write_ended;
                let far = self.far(tcp);
                let unread = !tcp.received.is_empty();
                match tcp.peer() {
                    Ok(peer) if always_reset || unread => {
                        net.post(self.packet(far, Body::Reset { to: peer }), Some(sock));
                    }
                    Ok(peer) if !ended => {
                        net.post(self.packet(far, Body::End { to: peer }), Some(sock));
                    }
                    _ => {}
                }
                [].into()
            }
            _ => [].into(),
        };
        net.remove(sock);
        for waiting in queue {
            if let Some(Socket::Tcp(tcp)) = net.remove(waiting)
                && let Ok(peer) = tcp.peer()
            {
                net.post(self.packet(self.far(&tcp), Body::Reset { to: peer }), None);
            }
        }
    }
}

impl Stack for Node {
    fn addr(&self) -> Ipv4Addr {
        self.addr
    }

    fn connect(&mut self, remote: SocketAddr) -> Result<Sock, Error> {
        let (node, to, own) = self.route(remote)?;
        let mut net = self.net();
        let from = SocketAddrV4::new(own, net.port(self.addr, 0, false)?);
        let caller = net.insert(self.addr, Socket::Tcp(Tcp::new(from, to)));
        let window = net.window(self.addr);
        let call = Body::Call { caller, from, to, attempt: 0, window };
        net.post(self.packet(node, call), Some(caller));
        let timeout = net.connect_timeout();
        net.after(timeout, self.addr, Body::Unanswered { caller });
        Ok(caller)
    }

    fn connected(&mut self, sock: Sock) -> nb::Result<(), Error> {
        self.net().socket(self.addr, sock)?.tcp()?.connected()
    }

    fn listen(&mut self, port: u16, backlog: u16) -> Result<Sock, Error> {
        let mut net = self.net();
        let port = net.port(self.addr, port, false)?;
        Ok(net.insert(self.addr, Socket::Listener(Listener::new(port, backlog))))
    }

    fn accept(&mut self, listener: Sock) -> nb::Result<(Sock, SocketAddr), Error> {
        let mut net = self.net();
        let queue = &mut net.socket(self.addr, listener)?.listener()?.queue;
        let sock = queue.pop_front().ok_or(nb::Error::WouldBlock)?;
        let remote = net.socket(self.addr, sock)?.tcp()?.remote;
        Ok((sock, remote.into()))
    }

    fn waiting(&self, listener: Sock) -> Option<usize> {
        let mut net = self.net();
        Some(net.socket(self.addr, listener).ok()?.listener().ok()?.queue.len())
    }

    fn send(&mut self, sock: Sock, data: &[u8]) -> nb::Result<usize, Error> {
        let mut net = self.net();
        let tcp = net.socket(self.addr, sock)?.tcp()?;
        let (peer, length) = tcp.room_for(data)?;
        tcp.credit -= length;
        let far = self.far(tcp);
        let bytes: Vec<u8> = data.iter().take(length).copied().collect();
        if !bytes.is_empty() {
            let body = Body::Data { to: peer, from: sock, bytes };
            net.post(self.packet(far, body), Some(sock));
        }
        Ok(length)
    }

    fn recv(&mut self, sock: Sock, buf: &mut [u8], peek: bool) -> nb::Result<usize, Error> {
        let mut net = self.net();
        let tcp = net.socket(self.addr, sock)?.tcp().map_err(|_| Error::NotConnected)?;
        let length = tcp.recv(buf, peek)?;
        let far = self.far(tcp);
        if let Ok(peer) = tcp.peer()
            && length > 0
            && !peek
        {
            net.post(self.packet(far, Body::Window { to: peer, bytes: length }), None);
        }
        Ok(length)
    }

    fn shutdown(&mut self, sock: Sock, side: Side) -> Result<(), Error> {
        let mut net = self.net();
        let tcp = net.socket(self.addr, sock)?.tcp().map_err(|_| Error::NotConnected)?;
        let (peer, far) = (tcp.peer()?, self.far(tcp));
        let body = match side {
            Side::Write if core::mem::replace(&mut tcp.write_ended, true) => return Ok(()),
            Side::Write => Body::End { to: peer },
            Side::Read => {
                tcp.read_ended = true;
                let unread = core::mem::take(&mut tcp.received).len();
                Body::Window { to: peer, bytes: unread }
            }
        };
        net.post(self.packet(far, body), Some(sock));
        Ok(())
    }

    fn close(&mut self, sock: Sock) {
        self.finish(sock, false);
    }

    fn abort(&mut self, sock: Sock) {
        self.finish(sock, true);
    }

    fn udp(&mut self, port: u16) -> Result<Sock, Error> {
        let mut net = self.net();
        let port = net.port(self.addr, port, true)?;
        Ok(net.insert(self.addr, Socket::Udp(Udp { port, queue: [].into() })))
    }

    fn send_to(&mut self, sock: Sock, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error> {
        let (node, to, own) = self.route(to)?;
        let mut net = self.net();
        let port = net.socket(self.addr, sock)?.udp()?.port;
        if data.len() > DATAGRAM_MAX {
            return Err(nb::Error::Other(Error::MessageTooLong));
        }
        if !net.is_up(self.addr) && node != self.addr {
            return Err(nb::Error::Other(Error::LinkDown));
        }
        let from = SocketAddrV4::new(own, port);
        let body = Body::Datagram { from, port: to.port(), bytes: data.to_vec() };
        net.post(self.packet(node, body), None);
        Ok(data.len())
    }

    fn recv_from(
        &mut self,
        sock: Sock,
        buf: &mut [u8],
        peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let mut net = self.net();
        let udp = net.socket(self.addr, sock)?.udp()?;
        let (from, bytes) = udp.queue.front().ok_or(nb::Error::WouldBlock)?;
        for (to, byte) in buf.iter_mut().zip(bytes) {
            *to = *byte;
        }
        let answer = (bytes.len(), SocketAddr::V4(*from));
        if !peek {
            udp.queue.pop_front();
        }
        Ok(answer)
    }

    fn local_addr(&self, sock: Sock) -> Result<SocketAddr, Error> {
        let any = |port| SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
        Ok(SocketAddr::V4(match self.net().peek(self.addr, sock)? {
            Socket::Tcp(tcp) => tcp.local,
            Socket::Listener(listener) => any(listener.port),
            Socket::Udp(udp) => any(udp.port),
        }))
    }

    fn lookup(&mut self, name: &str) -> nb::Result<Vec<IpAddr>, Error> {
        if let Ok(addr) = name.parse::<IpAddr>() {
            return Ok(vec![addr]);
        }
        if name.eq_ignore_ascii_case("localhost") {
            return Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)]);
        }
        let found = self.net().lookup(self.addr, name)?;
        Ok(found.into_iter().map(IpAddr::V4).collect())
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("addr", &self.addr).finish_non_exhaustive()
    }
}

/// The largest payload of a UDP datagram over IPv4.
const DATAGRAM_MAX: usize = 65_507;
