//! The five links: what is kept of each, how one comes into being and goes.

use core::net::SocketAddrV4;
use std::collections::VecDeque;

use netdev::Instant;
use netdev_sim::Sock;

use crate::firmware::Firmware;
use crate::params::{Args, Refusal};
use crate::tls::TlsSlot;

/// Links that there are.
pub(crate) const LINKS: usize = 5;
/// lwIP's receive window.
pub(crate) const WINDOW: usize = 5760;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Tcp,
    Udp,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) kind: Kind,
    /// `None`: the connection is gone, and unread bytes are left.
    pub(crate) sock: Option<Sock>,
    pub(crate) remote: SocketAddrV4,
    pub(crate) local_port: u16,
    /// Accepted by the server.
    pub(crate) server: bool,
    pub(crate) generation: u64,
    /// A stream's bytes that nobody has read.
    pub(crate) unread: VecDeque<u8>,
    /// Datagrams that nobody has read, the first perhaps in part.
    pub(crate) datagrams: VecDeque<(VecDeque<u8>, SocketAddrV4)>,
    /// The peer sends no more, or the connection broke.
    pub(crate) ended: bool,
    /// `+IPD` was said of what is there.
    pub(crate) told: bool,
    /// `CLOSED` was said, and bytes can still be read (1.7).
    pub(crate) closed: bool,
    /// Whether a datagram's sender becomes the peer: 0, 1 (the first), 2 (each).
    pub(crate) udp_mode: u8,
    pub(crate) last_traffic: Instant,
    /// When the network was last looked at.
    pub(crate) looked: Option<Instant>,
}

/// What belongs to a link's number and survives its links.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) passive: bool,
    /// `+IPD` and `CIPRECVLEN` tell of the next datagram only.
    pub(crate) per_datagram: bool,
    pub(crate) linger: i32,
    pub(crate) no_delay: bool,
    /// Milliseconds that a send may be blocked; 0: for ever.
    pub(crate) send_timeout: u32,
    pub(crate) keep_alive: u32,
    pub(crate) tls: TlsSlot,
}

impl Slot {
    pub(crate) const NEW: Self = Self {
        passive: false,
        per_datagram: false,
        linger: -1,
        no_delay: false,
        send_timeout: 0,
        keep_alive: 0,
        tls: TlsSlot::NEW,
    };
}

impl Link {
    pub(crate) fn new(kind: Kind, sock: Sock, remote: SocketAddrV4, now: Instant) -> Self {
        Self {
            kind,
            sock: Some(sock),
            remote,
            local_port: 0,
            server: false,
            generation: 0,
            unread: VecDeque::new(),
            datagrams: VecDeque::new(),
            ended: false,
            told: false,
            closed: false,
            udp_mode: 0,
            last_traffic: now,
            looked: None,
        }
    }

    pub(crate) fn type_name(&self) -> &'static str {
        match self.kind {
            Kind::Tcp => "TCP",
            Kind::Udp => "UDP",
        }
    }

    /// Bytes that can be read.
    pub(crate) fn available(&self) -> usize {
        self.unread.len() + self.datagrams.iter().map(|(bytes, _)| bytes.len()).sum::<usize>()
    }
}

impl Firmware {
    /// The link of that number, unless it is closed.
    pub(crate) fn open_link(&mut self, id: usize) -> Option<&mut Link> {
        self.links.get_mut(id)?.as_mut().filter(|link| !link.closed)
    }

    pub(crate) fn is_open(&self, id: usize) -> bool {
        self.links.get(id).is_some_and(|link| link.as_ref().is_some_and(|link| !link.closed))
    }

    pub(crate) fn lowest_free(&self) -> Option<usize> {
        (0..LINKS).find(|id| !self.is_open(*id))
    }

    pub(crate) fn open_ids(&self) -> Vec<usize> {
        (0..LINKS).filter(|id| self.is_open(*id)).collect()
    }

    pub(crate) fn has_streams(&self) -> bool {
        self.links.iter().flatten().any(|link| link.kind == Kind::Tcp && !link.closed)
    }

    pub(crate) fn has_sockets(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.sock.is_some())
            || self.links.iter().flatten().any(|link| link.sock.is_some())
    }

    /// The number that a command names: a parameter if there are several links, else 0.
    pub(crate) fn link_id(&self, args: &mut Args<'_>) -> Result<usize, Refusal> {
        if self.ram.multiple { args.number(0..=4) } else { Ok(0) }
    }

    /// A link comes up, and says so.
    pub(crate) fn install(&mut self, id: usize, mut link: Link) {
        self.drop_link(id);
        self.generation += 1;
        link.generation = self.generation;
        let local = link.sock.and_then(|sock| self.stack.local_addr(sock).ok());
        if link.local_port == 0 {
            link.local_port = local.map_or(0, |addr| addr.port());
        }
        let detailed = self.ram.stored.sysmsg & 2 != 0;
        let text = if detailed {
            let (kind, server) = (link.type_name(), u8::from(link.server));
            let (addr, port) = (link.remote.ip(), link.remote.port());
            let own = link.local_port;
            format!("+LINK_CONN:0,{id},\"{kind}\",{server},\"{addr}\",{port},{own}")
        } else {
            self.with_id(id, "CONNECT")
        };
        if let Some(place) = self.links.get_mut(id) {
            *place = Some(link);
        }
        if self.speaks_while_passing() {
            self.say_line(&text);
        }
        self.wifi.note_link();
    }

    /// A link goes, and says so.
    pub(crate) fn close_link(&mut self, id: usize) {
        if !self.is_open(id) {
            return;
        }
        self.drop_link(id);
        self.say_closed(id);
        self.server_resumes();
    }

    pub(crate) fn say_closed(&mut self, id: usize) {
        let text = self.with_id(id, "CLOSED");
        if self.speaks_while_passing() {
            self.say_line(&text);
        }
    }

    /// A link goes without a word. Unread bytes make it a reset.
    pub(crate) fn drop_link(&mut self, id: usize) {
        let Some(link) = self.links.get_mut(id).and_then(Option::take) else { return };
        let Some(sock) = link.sock else { return };
        if link.available() > 0 && link.kind == Kind::Tcp {
            self.stack.abort(sock);
        } else {
            self.stack.close(sock);
        }
    }

    /// `CONNECT` or `0,CONNECT`.
    fn with_id(&self, id: usize, word: &str) -> String {
        if self.ram.multiple { format!("{id},{word}") } else { word.into() }
    }

    /// A line about a link, as `AT+CIPSTATE?` and `AT+CIPSTATUS` have it.
    pub(crate) fn link_lines(&mut self, prefix: &str) {
        for id in self.open_ids() {
            let Some(link) = self.open_link(id) else { continue };
            let (kind, server) = (link.type_name(), u8::from(link.server));
            let (addr, port, own) = (link.remote.ip(), link.remote.port(), link.local_port);
            let line = format!("+{prefix}:{id},\"{kind}\",\"{addr}\",{port},{own},{server}");
            self.say_line(&line);
        }
    }
}
