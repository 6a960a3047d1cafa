//! Links of our own: connections that are made, datagram sockets that are opened.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use netdev::{Error, Fault, Side};
use netdev_uart::UartLink;

use crate::command::{ALL, CIPCLOSE, CIPDINFO, CIPRECVMODE, CIPRECVTYPE, CIPSTART, CIPTCPOPT};
use crate::firmware::Receive;
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

    /// Sets how data come on a link that is to be opened. `true`: that is under way.
    fn settle_mode(&mut self, id: u8, dgram: bool) -> bool {
        match self.state.firmware.receive {
            Receive::Active => false,
            Receive::ByType => {
                // Passive reads run datagrams together; by themselves they come one by one.
                let active = dgram || self.state.active;
                let differs = self.link(id).is_some_and(|link| link.active != active);
                if differs {
                    self.post_passive(id, !active);
                }
                differs
            }
            Receive::ByMode => {
                let passive = self.passive_wanted();
                let differs = self.state.passive != passive;
                if differs {
                    self.post_passive(LINKS_ALL, passive);
                }
                differs
            }
        }
    }

    /// Whether all links are to be read by asking, where there is one setting for all.
    fn passive_wanted(&self) -> bool {
        let datagrams = self.has_datagrams() && !self.state.firmware.datagrams_always_active();
        !self.state.active && !datagrams
    }

    fn has_datagrams(&self) -> bool {
        self.state.sockets.iter().any(|it| matches!(it.kind, Kind::Opening | Kind::Datagram))
    }

    /// Nobody needs to know senders any more; and links that were left otherwise are set back.
    fn settle_senders(&mut self) {
        if !self.is_idle() {
            return;
        }
        if self.state.senders && !self.has_datagrams() {
            self.post_senders(false);
            return;
        }
        match self.state.firmware.receive {
            Receive::ByMode if self.state.passive != self.passive_wanted() => {
                let passive = self.passive_wanted();
                self.post_passive(LINKS_ALL, passive);
            }
            Receive::ByType => {
                // An id that datagrams had may be given to the server's next guest.
                let wanted = self.state.active;
                let odd = |link: &Link| !link.udp && link.active != wanted;
                let found = (0_u8..).zip(&self.state.links).find(|(_, link)| odd(link));
                if let Some((id, _)) = found {
                    self.post_passive(id, !wanted);
                }
            }
            _ => {}
        }
    }

    fn post_senders(&mut self, on: bool) {
        let _ = self.post(Op::Senders(on), |it| {
            it.start(CIPDINFO).number(u32::from(on));
        });
    }

    pub(crate) fn senders_set(&mut self, on: bool, ok: bool) {
        if ok {
            self.state.senders = on;
            self.state.exchange.tokens.senders_told = on;
        } else {
            self.setting_refused();
        }
    }

    fn post_passive(&mut self, id: u8, on: bool) {
        let by_type = self.state.firmware.receive == Receive::ByType;
        let _ = self.post(Op::Passive(id, on), |it| {
            if by_type {
                it.start(CIPRECVTYPE).number(u32::from(id)).number(u32::from(on));
            } else {
                it.start(CIPRECVMODE).number(u32::from(on));
            }
        });
    }

    pub(crate) fn passive_set(&mut self, id: u8, on: bool, ok: bool) {
        if !ok {
            return self.setting_refused();
        }
        if id == LINKS_ALL {
            self.state.passive = on;
            self.state.links.iter_mut().for_each(|link| link.active = !on);
        } else if let Some(link) = self.link(id) {
            link.active = !on;
        }
    }

    /// What every module takes was refused: it may be another one than we think, after a reset that
    /// nobody noticed.
    fn setting_refused(&mut self) {
        self.resynchronise(false);
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

    pub(crate) fn post_close(&mut self, id: u8) {
        let _ = self.post(Op::Close(id), |it| {
            it.start(CIPCLOSE).number(u32::from(id));
        });
    }

    /// ERROR says that the link was not open, or that the command was garbled: the list will tell.
    pub(crate) fn close_answered(&mut self, id: u8, ok: bool) {
        if ok {
            self.free_link(id);
        } else if self.link(id).is_some_and(|link| !link.is_free()) {
            self.state.resync.links_wanted = true;
        }
    }

    /// Closes links that nobody wants.
    pub(crate) fn close_strays(&mut self) {
        if !self.is_idle() {
            return;
        }
        let stray = |link: &Link| link.stray && link.state == LinkState::Up;
        if let Some(id) = self.state.links.iter().position(stray) {
            self.post_close(u8::try_from(id).unwrap_or(0));
        }
    }

    /// Everything that can be done without a caller, one command at a time.
    pub(crate) fn tend(&mut self) {
        self.tend_resync();
        self.tend_inventory();
        self.reap();
        self.close_strays();
        self.tend_sockets();
        self.tend_wifi();
        self.tend_time();
    }

    /// A payload that its sender does not complete is cancelled: nothing of it goes out.
    pub(crate) fn abandon_payload(&mut self) {
        let Some(flight) = self.state.exchange.flight.take() else { return };
        if let Op::Send(index) = flight.op {
            self.state.resync.doubtful = Some(index);
            self.shared.set_in_flight(index, Side::Write, false);
        }
        self.resynchronise(true);
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

#[expect(clippy::cast_possible_truncation, reason = "it is 5")]
const LINKS_ALL: u8 = ALL as u8;
/// How long the module tries to connect, where it can be told.
const CONNECT_LIMIT_MS: u32 = 15_000;
/// How often another id is tried when the server takes it first.
const STRIKES: u8 = 6;
/// A refusal comes sooner than this, silence later.
pub(crate) const QUICK: Duration = Duration::from_secs(3);
