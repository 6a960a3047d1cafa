//! The network itself: nodes, sockets, and what is under way between them.

use core::net::Ipv4Addr;
use core::time::Duration;
use std::collections::{BTreeMap, HashMap};

use netdev::{Error, Instant, Platform};

use super::packet::{Body, Packet};
use super::socket::Socket;
use crate::{Sock, VirtualClock};

pub(super) struct Net {
    clock: VirtualClock,
    nodes: HashMap<Ipv4Addr, NodeState>,
    names: HashMap<String, Vec<Ipv4Addr>>,
    lookups: HashMap<(Ipv4Addr, String), Instant>,
    delay: Duration,
    delays: HashMap<(Ipv4Addr, Ipv4Addr), Duration>,
    connect_timeout: Duration,
    pub(super) sockets: BTreeMap<Sock, (Ipv4Addr, Socket)>,
    last_sock: u32,
    under_way: BTreeMap<(Instant, u64), Packet>,
    /// What waits for a link to come up again.
    pub(super) held: Vec<Packet>,
    posted: u64,
}

struct NodeState {
    up: bool,
    window: usize,
    next_port: u16,
}

impl Net {
    pub(super) fn new(clock: VirtualClock) -> Self {
        Self {
            clock,
            nodes: HashMap::new(),
            names: HashMap::new(),
            lookups: HashMap::new(),
            delay: Duration::from_micros(100),
            delays: HashMap::new(),
            connect_timeout: Duration::from_secs(18),
            sockets: BTreeMap::new(),
            last_sock: 0,
            under_way: BTreeMap::new(),
            held: Vec::new(),
            posted: 0,
        }
    }

    pub(super) fn add_node(&mut self, addr: Ipv4Addr) {
        let fresh = NodeState { up: true, window: WINDOW, next_port: FIRST_PORT };
        self.nodes.entry(addr).or_insert(fresh);
    }

    pub(super) fn add_name(&mut self, name: &str, addr: Ipv4Addr) {
        self.names.entry(name.to_ascii_lowercase()).or_default().push(addr);
    }

    pub(super) fn set_delay(&mut self, delay: Duration) {
        self.delay = delay;
    }

    pub(super) fn set_delay_between(&mut self, from: Ipv4Addr, to: Ipv4Addr, delay: Duration) {
        self.delays.insert((from, to), delay);
    }

    pub(super) fn set_connect_timeout(&mut self, timeout: Duration) {
        self.connect_timeout = timeout;
    }

    pub(super) fn set_window(&mut self, addr: Ipv4Addr, bytes: usize) {
        if let Some(node) = self.nodes.get_mut(&addr) {
            node.window = bytes.max(1);
        }
    }

    pub(super) fn set_link(&mut self, addr: Ipv4Addr, up: bool) {
        if let Some(node) = self.nodes.get_mut(&addr) {
            node.up = up;
        }
        let now = self.clock.now();
        let (ready, held) =
            core::mem::take(&mut self.held).into_iter().partition(|packet| self.passes(packet));
        self.held = held;
        for packet in ready {
            self.schedule(now, packet);
        }
    }

    /// Lets arrive what is due, in the order of its moments.
    pub(super) fn catch_up(&mut self) {
        let now = self.clock.now();
        while let Some(next) = self.under_way.first_entry().filter(|next| next.key().0 <= now) {
            let ((at, _), packet) = next.remove_entry();
            self.arrive(at, packet);
        }
    }

    /// Sends something of a node's own; `from_sock` keeps the order of what one socket sends.
    pub(super) fn post(&mut self, packet: Packet, from_sock: Option<Sock>) {
        self.post_at(self.clock.now(), packet, from_sock);
    }

    pub(super) fn after(&mut self, delay: Duration, node: Ipv4Addr, body: Body) {
        let at = self.clock.now() + delay;
        self.schedule(at, Packet { from: node, to: node, body });
    }

    pub(super) fn insert(&mut self, node: Ipv4Addr, socket: Socket) -> Sock {
        self.last_sock += 1;
        let sock = Sock(self.last_sock);
        self.sockets.insert(sock, (node, socket));
        sock
    }

    pub(super) fn remove(&mut self, sock: Sock) -> Option<Socket> {
        self.sockets.remove(&sock).map(|(_, socket)| socket)
    }

    /// The socket of that number, if it belongs to that node.
    pub(super) fn socket(&mut self, node: Ipv4Addr, sock: Sock) -> Result<&mut Socket, Error> {
        let found = self.sockets.get_mut(&sock).filter(|(owner, _)| *owner == node);
        found.map(|(_, socket)| socket).ok_or(Error::BadSocket)
    }

    /// As [`socket`](Self::socket), to look at only.
    pub(super) fn peek(&self, node: Ipv4Addr, sock: Sock) -> Result<&Socket, Error> {
        let found = self.sockets.get(&sock).filter(|(owner, _)| *owner == node);
        found.map(|(_, socket)| socket).ok_or(Error::BadSocket)
    }

    /// The port itself if it is free, a free one for 0.
    pub(super) fn port(&mut self, node: Ipv4Addr, port: u16, udp: bool) -> Result<u16, Error> {
        if port != 0 {
            // Accepted connections share the port of a listener, also of one that is gone.
            let taken = self.sockets.values().any(|(owner, socket)| {
                *owner == node && !matches!(socket, Socket::Tcp(_)) && socket.holds(port, udp)
            });
            return if taken { Err(Error::AddrInUse) } else { Ok(port) };
        }
        for _ in FIRST_PORT..=u16::MAX {
            let state = self.nodes.get_mut(&node).ok_or(Error::AddrNotAvailable)?;
            let port = state.next_port;
            state.next_port = port.checked_add(1).unwrap_or(FIRST_PORT);
            let mut own = self.sockets.values().filter(|(owner, _)| *owner == node);
            if !own.any(|(_, socket)| socket.holds(port, udp)) {
                return Ok(port);
            }
        }
        Err(Error::AddrInUse)
    }

    /// A name's addresses, after one delay.
    pub(super) fn lookup(
        &mut self,
        node: Ipv4Addr,
        name: &str,
    ) -> nb::Result<Vec<Ipv4Addr>, Error> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let now = self.clock.now();
        let up = self.is_up(node);
        let wait = if up { self.delay } else { self.connect_timeout };
        let key = (node, name);
        let due = *self.lookups.entry(key.clone()).or_insert(now + wait);
        if now < due {
            self.clock.set_alarm(due);
            return Err(nb::Error::WouldBlock);
        }
        self.lookups.remove(&key);
        if !up {
            return Err(nb::Error::Other(Error::TimedOut));
        }
        self.names.get(&key.1).cloned().ok_or(nb::Error::Other(Error::HostUnknown))
    }

    pub(super) fn clock(&self) -> &VirtualClock {
        &self.clock
    }

    pub(super) fn is_up(&self, node: Ipv4Addr) -> bool {
        self.nodes.get(&node).is_some_and(|node| node.up)
    }

    pub(super) fn window(&self, node: Ipv4Addr) -> usize {
        self.nodes.get(&node).map_or(WINDOW, |node| node.window)
    }

    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(super) fn passes(&self, packet: &Packet) -> bool {
        packet.from == packet.to || (self.is_up(packet.from) && self.is_up(packet.to))
    }

    pub(super) fn post_at(&mut self, now: Instant, packet: Packet, from_sock: Option<Sock>) {
        let Packet { from, to, .. } = packet;
        let delay = match self.delays.get(&(from, to)) {
            _ if from == to => Duration::ZERO,
            Some(delay) => *delay,
            None => self.delay,
        };
        let mut at = now + delay;
        let sender = from_sock.and_then(|sock| self.sockets.get_mut(&sock));
        if let Some((_, Socket::Tcp(tcp))) = sender {
            at = at.max(tcp.last_arrival);
            tcp.last_arrival = at;
        }
        self.schedule(at, packet);
    }

    pub(super) fn schedule(&mut self, at: Instant, packet: Packet) {
        self.posted += 1;
        self.under_way.insert((at, self.posted), packet);
        self.clock.set_alarm(at);
    }
}

/// First of the ports that are given out (RFC 6335 section 6).
const FIRST_PORT: u16 = 49_152;
const WINDOW: usize = 65_535;
