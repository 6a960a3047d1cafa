//! Links of our own: connections that are made, datagram sockets that are opened.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Fault};
use netdev_uart::UartLink;

use crate::command::{CIPSTART, CIPTCPOPT};
use crate::links::{LINKS, Link, LinkState};
use crate::op::Op;
use crate::setup::SEND_LIMIT_MS;
use crate::sockets::{Kind, SOCKETS};
use crate::state::Core;

impl<L: UartLink, const N: usize> Core<'_, L, N> {
    pub(crate) fn connect(&mut self, index: u8, remote: SocketAddrV4) -> nb::Result<(), Error> {
        let link_up = self.state.wifi.is_up();
        let socket = self.sound(index)?;
        let same = socket.peer == remote;
        match socket.kind {
            Kind::Fresh if remote.port() == 0 => return Err(Error::InvalidInput.into()),
            Kind::Fresh => {
                if let Some(error) = socket.refused.take().filter(|_| same) {
                    return Err(error.into());
                }
                // The firmware has no place for a local port here.
                if socket.port != 0 && socket.other_ports == 0 {
                    return Err(Error::Unsupported.into());
                }
                if !link_up {
                    return Err(Error::LinkDown.into());
                }
                socket.port = 0;
                socket.peer = remote;
                socket.kind = Kind::Connecting;
                socket.strikes = 0;
                self.tend();
            }
            Kind::Connecting if same => {}
            Kind::Stream if same && socket.connected => {
                socket.connected = false;
                return Ok(());
            }
            _ => return Err(Error::InvalidState.into()),
        }
        Err(nb::Error::WouldBlock)
    }

    /// Posts what sockets wait for that are being opened.
    pub(crate) fn tend_sockets(&mut self) {
        for index in (0_u8..).take(SOCKETS) {
            if !self.is_idle() {
                return;
            }
            if self.shared.handles.is_closing(usize::from(index)) {
                continue;
            }
            let Ok(socket) = self.socket(index) else { continue };
            match socket.kind {
                Kind::Connecting | Kind::Opening if socket.link.is_none() => self.start(index),
                Kind::Starting => self.serve(index),
                Kind::Stream if !socket.options_set => self.set_options(index),
                _ => {}
            }
        }
        self.settle_senders();
    }

    fn start(&mut self, index: u8) {
        let Some(id) = self.spare_link() else {
            let soon = (0..SOCKETS).any(|it| self.shared.handles.is_closing(it))
                || self.state.links.iter().any(|link| link.stray);
            if !soon {
                self.refuse(index, Error::NoSockets);
            }
            return;
        };
        let Ok(socket) = self.socket(index) else { return };
        let dgram = socket.dgram;
        if dgram && !self.state.senders {
            self.post_senders(true);
        } else if !self.settle_mode(id, dgram) {
            self.post_start(index, id);
        }
    }

    fn post_start(&mut self, index: u8, id: u8) {
        let tag = self.new_tag();
        let Ok(socket) = self.socket(index) else { return };
        (socket.link, socket.tag) = (Some(id), tag);
        let (dgram, peer, port, keep) = (socket.dgram, socket.peer, socket.port, socket.keep_alive);
        if let Some(link) = self.link(id) {
            let active = link.active;
            *link = Link {
                state: LinkState::Connecting,
                owner: Some(index),
                tag,
                udp: dgram,
                active,
                ..Link::FREE
            };
        }
        let timeout = self.state.firmware.connect_timeout();
        let anybody = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 1);
        let posted = self.post(Op::Start(index, id), |it| {
            it.start(CIPSTART).number(u32::from(id));
            if dgram {
                it.text("UDP").remote(anybody).number(u32::from(port)).number(0);
                return;
            }
            it.text("TCP").remote(peer);
            if keep > 0 {
                it.number(u32::from(keep));
            }
            if timeout {
                if keep == 0 {
                    it.omitted();
                }
                it.omitted().number(CONNECT_LIMIT_MS);
            }
        });
        if posted.is_err() {
            self.free_link(id);
        }
    }

    /// CIPSTART was answered, or found out to have worked, or not.
    pub(crate) fn started(&mut self, index: u8, id: u8, ok: bool, came_up: bool, quick: bool) {
        let told = self.state.firmware.links_told;
        let link = self.link(id).copied().unwrap_or(Link::FREE);
        let Ok(socket) = self.socket(index) else { return };
        let ours = socket.link == Some(id);
        if ok {
            return self.link_is_ours(index, id, &link);
        }
        socket.link = None;
        let stolen = !ours || (came_up && !told && !link.closed_early);
        socket.strikes = socket.strikes.saturating_add(1);
        let again = stolen && socket.strikes < STRIKES;
        if ours {
            self.free_link(id);
            if stolen {
                self.guest_was_there(id);
            }
        }
        if again {
            return;
        }
        let error = self.connect_error(quick);
        if self.socket(index).is_ok_and(|it| it.dgram) {
            self.port_was_taken_or(index, error);
        } else {
            self.refuse(index, error);
        }
    }

    fn link_is_ours(&mut self, index: u8, id: u8, link: &Link) {
        // Also when its message said otherwise: with somebody else there, it would have failed.
        if let Some(link) = self.link(id) {
            (link.state, link.owner) = (LinkState::Up, Some(index));
            (link.server, link.stray) = (false, false);
        }
        let tag = link.tag;
        let Ok(socket) = self.socket(index) else { return };
        socket.strikes = 0;
        (socket.link, socket.tag) = (Some(id), tag);
        if socket.dgram {
            socket.kind = Kind::Datagram;
            socket.goes_to = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 1);
            return;
        }
        socket.kind = Kind::Stream;
        // Until the caller has been told.
        socket.connected = true;
        socket.port = link.local_port;
        if link.closed_early {
            self.link_closed(id);
        }
    }

    /// The firmware says no more than ERROR, unless it knows SYSLOG.
    fn connect_error(&self, quick: bool) -> Error {
        if !self.state.wifi.is_up() {
            return Error::LinkDown;
        }
        match self.state.reply.number {
            errno::ECONNREFUSED | errno::ECONNRESET => Error::ConnectionRefused,
            errno::ETIMEDOUT | errno::ETIMEDOUT_NEWLIB => Error::TimedOut,
            errno::EHOSTUNREACH | errno::EHOSTUNREACH_NEWLIB | errno::ENETUNREACH => {
                Error::Unreachable
            }
            _ if quick => Error::ConnectionRefused,
            _ => Error::TimedOut,
        }
    }

    pub(crate) fn refuse(&mut self, index: u8, error: Error) {
        if let Ok(socket) = self.socket(index) {
            socket.kind = Kind::Fresh;
            socket.refused = Some(error);
        }
    }

    /// The answer to a CIPSTART did not come. Which links stand is asked, and settles it.
    pub(crate) fn start_lost(&mut self, _index: u8, _id: u8) {
        self.state.resync.links_wanted = true;
    }

    pub(crate) fn starts_settled(&mut self) {
        let listed = self.state.reply.links;
        for id in (0_u8..).take(LINKS) {
            let Some(link) = self.link(id).copied() else { continue };
            if let (LinkState::Connecting, Some(index)) = (link.state, link.owner) {
                let stands = listed & 1 << id != 0;
                self.state.reply.number = 0;
                self.started(index, id, stands, false, false);
            }
        }
    }

    fn set_options(&mut self, index: u8) {
        let Ok(socket) = self.socket(index) else { return };
        let Some(id) = socket.link else { return };
        let (no_delay, keep) = (socket.no_delay, socket.keep_alive);
        socket.options_set = true;
        let _ = self.post(Op::Options(index, id), |it| {
            it.start(CIPTCPOPT).number(u32::from(id)).omitted();
            it.number(u32::from(no_delay)).number(SEND_LIMIT_MS).number(u32::from(keep));
        });
    }

    pub(crate) fn options_set(&mut self, index: u8, ok: bool) {
        if !ok && self.socket(index).is_ok_and(|it| it.closed.is_none()) {
            self.fail_socket(index, Error::Fault(Fault::Chip(0)));
        }
    }
}

/// As lwIP and newlib number them.
mod errno {
    pub(super) const ECONNRESET: u32 = 104;
    pub(super) const ETIMEDOUT: u32 = 110;
    pub(super) const ECONNREFUSED: u32 = 111;
    pub(super) const EHOSTUNREACH: u32 = 113;
    pub(super) const ENETUNREACH: u32 = 114;
    pub(super) const ETIMEDOUT_NEWLIB: u32 = 116;
    pub(super) const EHOSTUNREACH_NEWLIB: u32 = 118;
}

/// How long the module tries to connect, where it can be told.
const CONNECT_LIMIT_MS: u32 = 15_000;
/// How often another id is tried when the server takes it first.
const STRIKES: u8 = 6;
/// A refusal comes sooner than this, silence later.
pub(crate) const QUICK: Duration = Duration::from_secs(3);
