//! The module's five links, as far as its lines tell.

use core::net::{Ipv4Addr, SocketAddrV4};

use netdev::{Error, Instant};
use netdev_uart::UartLink;

use crate::op::Op;
use crate::reply::LinkInfo;
use crate::sockets::Kind;
use crate::state::Core;

/// How many links a module has.
pub(crate) const LINKS: usize = 5;

/// One link. Ids are given out again at once, so what belongs to a connection goes by its tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) state: LinkState,
    /// The socket that has it; `None`: it came in and waits to be accepted.
    pub(crate) owner: Option<u8>,
    pub(crate) tag: u8,
    pub(crate) udp: bool,
    /// It came in through the server.
    pub(crate) server: bool,
    /// When it came in.
    pub(crate) came_at: Instant,
    /// Bytes that wait in the module.
    pub(crate) avail: u16,
    /// Until when a fresh notice of what is left may still come.
    pub(crate) notice_until: Instant,
    pub(crate) peer: SocketAddrV4,
    pub(crate) local_port: u16,
    /// Nobody wants it: to be closed.
    pub(crate) stray: bool,
    /// It closed before its CIPSTART was answered.
    pub(crate) closed_early: bool,
    /// Data come by themselves here: a setting of the id, which outlives its connections.
    pub(crate) active: bool,
}

/// What the module has under an id. A connection that is closed is no link any more, and its socket
/// knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkState {
    Free,
    Connecting,
    Up,
    /// Closed, with bytes that can still be read until the id is given out again (NonOS).
    ClosedWithData,
}

impl Link {
    pub(crate) const FREE: Self = Self {
        state: LinkState::Free,
        owner: None,
        tag: 0,
        udp: false,
        server: false,
        came_at: Instant::START,
        avail: 0,
        notice_until: Instant::START,
        peer: NOBODY,
        local_port: 0,
        stray: false,
        closed_early: false,
        active: false,
    };

    pub(crate) fn is_free(&self) -> bool {
        self.state == LinkState::Free
    }

    /// Waits to be accepted, and it is known from whom.
    pub(crate) fn is_guest(&self) -> bool {
        self.state == LinkState::Up
            && self.server
            && self.owner.is_none()
            && !self.stray
            && self.peer.port() != 0
    }
}

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn link(&mut self, id: u8) -> Option<&mut Link> {
        self.state.links.get_mut(usize::from(id))
    }

    /// A tag that no living connection has.
    pub(crate) fn new_tag(&mut self) -> u8 {
        loop {
            self.state.tag = self.state.tag.wrapping_add(1).max(1);
            let tag = self.state.tag;
            let used = self.state.links.iter().any(|link| !link.is_free() && link.tag == tag)
                || self.state.sockets.iter().any(|socket| socket.tag == tag);
            if !used {
                return tag;
            }
        }
    }

    /// `CONNECT`, with or without particulars.
    pub(crate) fn link_up(&mut self, id: u8, info: Option<LinkInfo>) {
        let caller = match self.state.exchange.flight.map(|flight| flight.op) {
            Some(Op::Start(socket, started)) if started == id => Some(socket),
            _ => None,
        };
        if caller.is_some() && info.is_none_or(|info| !info.server) {
            self.own_link_up(id, info);
            return;
        }
        // The server took an id that a CIPSTART of ours is about to ask for: that one will fail.
        if let Some(socket) = caller.and_then(|index| self.socket(index).ok()) {
            socket.link = None;
        } else {
            self.link_gone(id);
        }
        self.guest_up(id, info);
    }

    fn own_link_up(&mut self, id: u8, info: Option<LinkInfo>) {
        if let Some(flight) = &mut self.state.exchange.flight {
            flight.evidence = true;
        }
        if let (Some(link), Some(info)) = (self.link(id), info) {
            link.local_port = info.local_port;
        }
    }

    fn guest_up(&mut self, id: u8, info: Option<LinkInfo>) {
        let wanted = self.state.sockets.iter().any(|it| matches!(it.kind, Kind::Listener));
        let tag = self.new_tag();
        let now = self.now;
        let Some(link) = self.link(id) else { return };
        *link = Link {
            state: LinkState::Up,
            came_at: now,
            tag,
            server: true,
            stray: !wanted,
            peer: info.map_or(NOBODY, |it| it.peer),
            local_port: info.map_or(0, |it| it.local_port),
            active: link.active,
            ..Link::FREE
        };
        if info.is_none() && wanted {
            self.state.resync.links_wanted = true;
        }
        // 2.0 and 2.1 can miss the first notice of a link that came in (esp-at issue 294).
        let firmware = self.state.firmware;
        if !firmware.is_nonos() && !firmware.at_least(2, 2) {
            self.state.resync.lengths_wanted = true;
        }
    }

    /// A CIPSTART without particulars failed although its id came up: the server had taken it.
    pub(crate) fn guest_was_there(&mut self, id: u8) {
        self.guest_up(id, None);
    }

    /// `CLOSED`.
    pub(crate) fn link_closed(&mut self, id: u8) {
        let reads_on = self.state.firmware.is_nonos();
        let Some(link) = self.link(id) else { return };
        match link.state {
            LinkState::Free | LinkState::ClosedWithData => {}
            LinkState::Connecting => link.closed_early = true,
            LinkState::Up if reads_on && link.owner.is_some() && !link.udp => {
                link.state = LinkState::ClosedWithData;
                self.mark_closed(id);
                self.state.resync.lengths_wanted = true;
            }
            LinkState::Up => {
                self.mark_closed(id);
                self.free_link(id);
            }
        }
    }

    fn mark_closed(&mut self, id: u8) {
        let now = self.now;
        let owner = self.link(id).and_then(|link| link.owner);
        if let Some(socket) = owner.and_then(|index| self.socket(index).ok()) {
            socket.closed = Some(now);
        }
    }

    /// The module has something else under this id, or nothing: what was there is gone, with all that
    /// was not read.
    pub(crate) fn link_gone(&mut self, id: u8) {
        let Some(link) = self.link(id).copied() else { return };
        if link.is_free() {
            return;
        }
        let unread = link.owner.filter(|_| link.avail > 0);
        if let Some(socket) = unread.and_then(|index| self.socket(index).ok()) {
            socket.failed.get_or_insert(Error::ConnectionReset);
        }
        self.mark_closed(id);
        self.free_link(id);
    }

    /// Nothing is under this id any more.
    pub(crate) fn free_link(&mut self, id: u8) {
        let Some(link) = self.link(id) else { return };
        let (owner, tag, active) = (link.owner, link.tag, link.active);
        *link = Link { active, ..Link::FREE };
        match owner.and_then(|index| self.socket(index).ok()) {
            Some(socket) => socket.link = None,
            // Nobody will ever read what came on it.
            None => self.forget_data(tag),
        }
    }

    /// What came on a connection, or is coming, is nobody's any more.
    pub(crate) fn forget_data(&mut self, tag: u8) {
        if let Some(counted) = self.state.exchange.counted.as_mut().filter(|it| it.tag == tag) {
            counted.tag = 0;
        }
        self.state.stash.forget(tag);
    }

    /// `+IPD` without data: so many bytes wait. A fresh count replaces the old one.
    pub(crate) fn data_wait(&mut self, id: u8, len: u16) {
        let now = self.now;
        let Some(link) = self.link(id).filter(|link| !link.is_free()) else {
            self.suspect();
            return;
        };
        link.avail = len;
        link.notice_until = now;
        if len == 0 {
            // No firmware says so: a damaged number.
            self.suspect();
        }
    }

    /// One line of CIPSTATE or CIPSTATUS.
    pub(crate) fn link_listed(&mut self, info: LinkInfo) {
        self.state.reply.links |= 1 << info.id;
        let Some(link) = self.link(info.id).copied() else { return };
        if link.is_free() {
            self.guest_up(info.id, Some(info));
            if let Some(link) = self.link(info.id).filter(|_| !info.server) {
                link.stray = true;
            }
            return;
        }
        if link.state == LinkState::Connecting && info.server {
            // The server was first, and our CIPSTART will fail or has failed.
            if let Some(socket) = link.owner.and_then(|index| self.socket(index).ok()) {
                socket.link = None;
            }
            self.guest_up(info.id, Some(info));
            return;
        }
        let swapped = link.server && link.peer.port() != 0 && link.peer != info.peer;
        if swapped {
            self.link_gone(info.id);
            self.guest_up(info.id, Some(info));
        } else if let Some(link) = self.link(info.id) {
            link.local_port = info.local_port;
            if link.server {
                link.peer = info.peer;
            }
        }
    }

    /// CIPSTATE or CIPSTATUS is through: links that it did not name are gone.
    pub(crate) fn links_listed(&mut self) {
        let listed = self.state.reply.links;
        for id in (0_u8..).take(LINKS) {
            let up = self.link(id).is_some_and(|link| link.state == LinkState::Up);
            if up && listed & 1 << id == 0 {
                self.mark_closed(id);
                self.free_link(id);
            }
        }
    }

    /// CIPRECVLEN is through.
    pub(crate) fn lengths_told(&mut self, lengths: [u16; LINKS]) {
        self.state.reply.seen = true;
        for (id, len) in (0_u8..).zip(lengths) {
            if let Some(link) = self.link(id).filter(|link| !link.is_free()) {
                link.avail = len;
            }
        }
    }

    /// The id for a connection of ours: from the top, since the server takes the lowest.
    pub(crate) fn spare_link(&self) -> Option<u8> {
        let free = (0_u8..).zip(&self.state.links).filter(|(_, link)| link.is_free());
        free.map(|(id, _)| id).last()
    }
}

pub(crate) const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
