//! What packets do where they arrive.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Instant};

use super::net::Net;
use super::packet::{Body, Packet};
use super::socket::{Socket, State, Tcp, Udp};
use crate::Sock;

impl Net {
    /// A packet arrives at its node, at the moment `at`, which may be past.
    pub(super) fn arrive(&mut self, at: Instant, packet: Packet) {
        if !self.passes(&packet) {
            if packet.body.is_repeated() {
                self.held.push(packet);
            } else if let Body::Call { .. } = packet.body {
                self.call_again(at, packet);
            }
            return;
        }
        let Packet { from, to, body } = packet;
        match body {
            Body::Call { .. } => self.take_call(at, Packet { from, to, body }),
            Body::Datagram { from, port, bytes } => self.take_datagram(to, port, from, bytes),
            Body::Data { to: sock, from: sender, bytes } => {
                let back = Packet { from: to, to: from, body: Body::Reset { to: sender } };
                match self.tcp(sock) {
                    // Read by nobody: room again at once.
                    Some(tcp) if tcp.read_ended => {
                        let body = Body::Window { to: sender, bytes: bytes.len() };
                        self.post_at(at, Packet { body, ..back }, None);
                    }
                    Some(tcp) => tcp.received.extend(bytes),
                    None => self.post_at(at, back, None),
                }
            }
            Body::Taken { to: caller, peer, window } => match self.tcp(caller) {
                Some(tcp) if matches!(tcp.state, State::Connecting) => {
                    tcp.state = State::Connected(peer);
                    tcp.credit = window;
                }
                _ => {
                    let body = Body::Reset { to: peer };
                    self.post_at(at, Packet { from: to, to: from, body }, None);
                }
            },
            Body::Refused { to: caller } => self.fail_call(caller, Error::ConnectionRefused),
            Body::Unanswered { caller } => self.fail_call(caller, Error::TimedOut),
            Body::End { to: sock } => self.change_tcp(sock, |tcp| tcp.peer_ended = true),
            Body::Reset { to: sock } => self.change_tcp(sock, |tcp| tcp.state = State::Reset),
            Body::Window { to: sock, bytes } => self.change_tcp(sock, |tcp| tcp.credit += bytes),
        }
    }

    /// A call arrives: a listener with room takes it; without room nothing happens, as if it were
    /// lost; without a listener it is refused.
    fn take_call(&mut self, at: Instant, packet: Packet) {
        let Packet { from: caller_node, to: node, body } = packet;
        let Body::Call { caller, from, to, window, .. } = body else { return };
        let answer = |body| Packet { from: node, to: caller_node, body };
        let listeners = self.sockets.iter().filter(|(_, (owner, _))| *owner == node);
        let mut listening = listeners.filter_map(|(sock, (_, socket))| match socket {
            Socket::Listener(listener) if listener.port == to.port() => {
                Some((*sock, listener.queue.len() < listener.backlog))
            }
            _ => None,
        });
        match listening.next_back() {
            None => self.post_at(at, answer(Body::Refused { to: caller }), None),
            Some((_, false)) => self.call_again(at, Packet { from: caller_node, to: node, body }),
            Some((listener, true)) => {
                let state = State::Connected(caller);
                let tcp = Tcp { state, credit: window, ..Tcp::new(to, from) };
                let peer = self.insert(node, Socket::Tcp(tcp));
                if let Some((_, Socket::Listener(listener))) = self.sockets.get_mut(&listener) {
                    listener.queue.push_back(peer);
                }
                let taken = Body::Taken { to: caller, peer, window: self.window(node) };
                self.post_at(at, answer(taken), Some(peer));
            }
        }
    }

    /// A call got lost; while the caller waits it is sent again, after 1, 2, 4 s and so on.
    fn call_again(&mut self, at: Instant, packet: Packet) {
        let Packet { from: node, to: callee, body } = packet;
        let Body::Call { caller, from, to, attempt, window } = body else { return };
        if self.tcp(caller).is_some_and(|tcp| matches!(tcp.state, State::Connecting)) {
            let body = Body::Call { caller, from, to, attempt: attempt + 1, window };
            let pause = Duration::from_secs(1 << attempt.min(16));
            self.schedule(at + pause, Packet { from: node, to: callee, body });
        }
    }

    fn take_datagram(&mut self, node: Ipv4Addr, port: u16, from: SocketAddrV4, bytes: Vec<u8>) {
        for (owner, socket) in self.sockets.values_mut() {
            match socket {
                Socket::Udp(Udp { port: own, queue }) if *owner == node && *own == port => {
                    if queue.len() < DATAGRAMS {
                        queue.push_back((from, bytes));
                    }
                    return;
                }
                _ => {}
            }
        }
    }

    fn fail_call(&mut self, caller: Sock, error: Error) {
        self.change_tcp(caller, |tcp| {
            if let State::Connecting = tcp.state {
                tcp.state = State::Failed(error);
            }
        });
    }

    fn change_tcp(&mut self, sock: Sock, change: impl FnOnce(&mut Tcp)) {
        if let Some(tcp) = self.tcp(sock) {
            change(tcp);
        }
    }

    fn tcp(&mut self, sock: Sock) -> Option<&mut Tcp> {
        match self.sockets.get_mut(&sock) {
            Some((_, Socket::Tcp(tcp))) => Some(tcp),
            _ => None,
        }
    }
}

/// Datagrams that a socket holds until they are read.
const DATAGRAMS: usize = 16;
