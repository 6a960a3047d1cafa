//! A network whose far ends are moved by the test, one call at a time.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use netdev::{Error, Side};
use netdev_sim::{Sock, Stack};

const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// The far side of everything.
#[derive(Clone, Default)]
pub(crate) struct Net {
    state: Arc<Mutex<State>>,
}

/// The far end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(u32);

type Letter = (Vec<u8>, SocketAddr);

#[derive(Default)]
struct State {
    next: u32,
    served: Vec<u16>,
    silent: Vec<u16>,
    names: BTreeMap<String, Ipv4Addr>,
    slow_names: bool,
    listeners: BTreeMap<u32, (u16, VecDeque<u32>)>,
    connections: BTreeMap<u32, Connection>,
    datagrams: BTreeMap<u32, (u16, VecDeque<Letter>)>,
    sent: Vec<(Vec<u8>, SocketAddr)>,
}

struct Connection {
    far: SocketAddr,
    up: Option<Result<(), Error>>,
    incoming: VecDeque<u8>,
    outgoing: VecDeque<u8>,
    room: usize,
    ended: bool,
    reset: bool,
    closed: bool,
}

impl Net {
    pub(crate) fn stack(&self) -> Far {
        Far(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Connections to this port succeed.
    pub(crate) fn serve(&self, port: u16) {
        self.lock().served.push(port);
    }

    /// Connections to this port are never answered.
    pub(crate) fn silence(&self, port: u16) {
        self.lock().silent.push(port);
    }

    /// Connections to this silent port succeed now.
    pub(crate) fn answer(&self, port: u16) {
        for connection in self.lock().connections.values_mut() {
            if connection.far.port() == port {
                connection.up = Some(Ok(()));
            }
        }
    }

    pub(crate) fn name(&self, name: &str, addr: Ipv4Addr) {
        self.lock().names.insert(name.into(), addr);
    }

    /// Name servers never answer.
    pub(crate) fn silence_names(&self) {
        self.lock().slow_names = true;
    }

    /// Somebody connects to the chip, from that port of theirs; `None` if nobody listens.
    pub(crate) fn dial(&self, port: u16, from: u16) -> Option<Peer> {
        let mut state = self.lock();
        let listener = state.listeners.iter().find(|(_, l)| l.0 == port).map(|(id, _)| *id)?;
        let id = state.add(SocketAddr::from((HERE, from)), Some(Ok(())));
        state.listeners.get_mut(&listener)?.1.push_back(id);
        Some(Peer(id))
    }

    /// The chip's connection to that port, the latest.
    pub(crate) fn peer(&self, port: u16) -> Peer {
        let state = self.lock();
        let found = state.connections.iter().rev().find(|(_, c)| c.far.port() == port);
        Peer(*found.expect("a connection").0)
    }

    pub(crate) fn push(&self, peer: Peer, data: &[u8]) {
        self.with(peer, |c| c.incoming.extend(data));
    }

    pub(crate) fn close(&self, peer: Peer) {
        self.with(peer, |c| c.ended = true);
    }

    pub(crate) fn reset(&self, peer: Peer) {
        self.with(peer, |c| c.reset = true);
    }

    /// How much the network takes from the chip before the peer has to read.
    pub(crate) fn set_room(&self, peer: Peer, room: usize) {
        self.with(peer, |c| c.room = room);
    }

    /// What the chip sent; the peer has read it.
    pub(crate) fn take(&self, peer: Peer) -> Vec<u8> {
        self.with(peer, |c| c.outgoing.drain(..).collect())
    }

    pub(crate) fn is_closed(&self, peer: Peer) -> bool {
        self.with(peer, |c| c.closed)
    }

    pub(crate) fn datagram(&self, port: u16, data: &[u8], from: u16) {
        let mut state = self.lock();
        let socket = state.datagrams.values_mut().find(|d| d.0 == port).expect("a socket");
        socket.1.push_back((data.to_vec(), SocketAddr::from((HERE, from))));
    }

    /// Datagrams that the chip sent.
    pub(crate) fn sent(&self) -> Vec<(Vec<u8>, u16)> {
        let sent = core::mem::take(&mut self.lock().sent);
        sent.into_iter().map(|(data, to)| (data, to.port())).collect()
    }

    fn with<T>(&self, peer: Peer, act: impl FnOnce(&mut Connection) -> T) -> T {
        act(self.lock().connections.get_mut(&peer.0).expect("a connection"))
    }
}

impl State {
    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn add(&mut self, far: SocketAddr, up: Option<Result<(), Error>>) -> u32 {
        let id = self.id();
        let connection = Connection {
            far,
            up,
            incoming: VecDeque::new(),
            outgoing: VecDeque::new(),
            room: usize::MAX,
            ended: false,
            reset: false,
            closed: false,
        };
        self.connections.insert(id, connection);
        id
    }

    fn connection(&mut self, sock: Sock) -> Result<&mut Connection, Error> {
        self.connections.get_mut(&sock.0).filter(|c| !c.closed).ok_or(Error::BadSocket)
    }
}

/// The chip's end of the network.
pub(crate) struct Far(Net);

impl Stack for Far {
    fn addr(&self) -> Ipv4Addr {
        HERE
    }

    fn connect(&mut self, remote: SocketAddr) -> Result<Sock, Error> {
        let mut state = self.0.lock();
        let port = remote.port();
        let up = if state.silent.contains(&port) {
            None
        } else if state.served.contains(&port) {
            Some(Ok(()))
        } else {
            Some(Err(Error::ConnectionRefused))
        };
        Ok(Sock(state.add(remote, up)))
    }

    fn connected(&mut self, sock: Sock) -> nb::Result<(), Error> {
        match self.0.lock().connection(sock)?.up {
            None => Err(nb::Error::WouldBlock),
            Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(error.into()),
        }
    }

    fn listen(&mut self, port: u16, _backlog: u16) -> Result<Sock, Error> {
        let mut state = self.0.lock();
        if state.listeners.values().any(|l| l.0 == port) {
            return Err(Error::AddrInUse);
        }
        let id = state.id();
        state.listeners.insert(id, (port, VecDeque::new()));
        Ok(Sock(id))
    }

    fn accept(&mut self, listener: Sock) -> nb::Result<(Sock, SocketAddr), Error> {
        let mut state = self.0.lock();
        let queue = state.listeners.get_mut(&listener.0).ok_or(Error::BadSocket)?;
        let id = queue.1.pop_front().ok_or(nb::Error::WouldBlock)?;
        let far = state.connection(Sock(id))?.far;
        Ok((Sock(id), far))
    }

    fn send(&mut self, sock: Sock, data: &[u8]) -> nb::Result<usize, Error> {
        let mut state = self.0.lock();
        let connection = state.connection(sock)?;
        if connection.reset {
            return Err(Error::ConnectionReset.into());
        }
        let count = data.len().min(connection.room - connection.outgoing.len());
        if count == 0 && !data.is_empty() {
            return Err(nb::Error::WouldBlock);
        }
        connection.outgoing.extend(&data[..count]);
        Ok(count)
    }

    fn recv(&mut self, sock: Sock, buf: &mut [u8], peek: bool) -> nb::Result<usize, Error> {
        let mut state = self.0.lock();
        let connection = state.connection(sock)?;
        if connection.reset {
            return Err(Error::ConnectionReset.into());
        }
        let count = buf.len().min(connection.incoming.len());
        if count == 0 && !connection.ended {
            return Err(nb::Error::WouldBlock);
        }
        for (to, from) in buf.iter_mut().zip(&connection.incoming) {
            *to = *from;
        }
        if !peek {
            connection.incoming.drain(..count);
        }
        Ok(count)
    }

    fn shutdown(&mut self, _sock: Sock, _side: Side) -> Result<(), Error> {
        Ok(())
    }

    fn close(&mut self, sock: Sock) {
        let mut state = self.0.lock();
        if let Ok(connection) = state.connection(sock) {
            connection.closed = true;
        }
        state.listeners.remove(&sock.0);
        state.datagrams.remove(&sock.0);
    }

    fn udp(&mut self, port: u16) -> Result<Sock, Error> {
        let mut state = self.0.lock();
        if port != 0 && state.datagrams.values().any(|d| d.0 == port) {
            return Err(Error::AddrInUse);
        }
        let id = state.id();
        state.datagrams.insert(id, (port, VecDeque::new()));
        Ok(Sock(id))
    }

    fn send_to(&mut self, _sock: Sock, data: &[u8], to: SocketAddr) -> nb::Result<usize, Error> {
        self.0.lock().sent.push((data.to_vec(), to));
        Ok(data.len())
    }

    fn recv_from(
        &mut self,
        sock: Sock,
        buf: &mut [u8],
        _peek: bool,
    ) -> nb::Result<(usize, SocketAddr), Error> {
        let mut state = self.0.lock();
        let queue = state.datagrams.get_mut(&sock.0).ok_or(Error::BadSocket)?;
        let (data, from) = queue.1.pop_front().ok_or(nb::Error::WouldBlock)?;
        let count = data.len().min(buf.len());
        buf[..count].copy_from_slice(&data[..count]);
        Ok((data.len(), from))
    }

    fn local_addr(&self, _sock: Sock) -> Result<SocketAddr, Error> {
        Ok(SocketAddr::from((HERE, 0)))
    }

    fn lookup(&mut self, name: &str) -> nb::Result<Vec<IpAddr>, Error> {
        let state = self.0.lock();
        if state.slow_names {
            return Err(nb::Error::WouldBlock);
        }
        let addr = state.names.get(name).ok_or(Error::HostUnknown)?;
        Ok(vec![IpAddr::V4(*addr)])
    }
}
