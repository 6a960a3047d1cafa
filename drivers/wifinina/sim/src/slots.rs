//! The slot commands (0x28 to 0x2F, 0x34, 0x35, 0x39, 0x3A, 0x3F, 0x44 to 0x46).

use core::net::SocketAddrV4;

use netdev::Instant;

use crate::firmware::{Firmware, Step};
use crate::frame::{Command, Reply};
use crate::lwip::Fd;
use crate::persona::Core;
use crate::tcp::Server;
use crate::udp::Udp;
use crate::wait::{Resolve, Wait};

/// One slot: what it is said to be, and the objects behind it, which may say otherwise.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    pub(crate) kind: Kind,
    pub(crate) tcp: Option<Fd>,
    pub(crate) server: Server,
    pub(crate) udp: Udp,
    /// Opened by `START_CLIENT_TCP` (Adafruit 3.x asks).
    pub(crate) by_client: bool,
}

/// The type table's entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Free,
    /// A client or a listener.
    Tcp,
    Udp,
}

/// "None" as a slot number.
pub(crate) const NO_SLOT: u8 = 255;
const MODE_TCP: u8 = 0;
const MODE_UDP: u8 = 1;
const MODE_MULTICAST: u8 = 3;
const STATE_ESTABLISHED: u8 = 4;
/// Larger requests overrun the reply buffer (Q12).
const LARGEST_READ: u16 = 4086;

impl Firmware {
    pub(crate) fn slot_command(&mut self, command: &Command, now: Instant) -> Step {
        let slot = command.byte(4);
        match command.opcode() {
            0x28 => self.start_server(command).into(),
            0x29 => Reply::flag(self.server_is_live(slot)).into(),
            0x2B => self.avail_data(command).into(),
            0x2C => Reply::u8(self.get_data(slot, command.byte(6) != 0)).into(),
            0x2D => self.start_client(command, now),
            0x2E => self.stop_client(slot).into(),
            0x2F => self.client_state(slot).into(),
            0x34 => self.req_host_by_name(command, now),
            0x35 => Reply::ip(self.resolved).into(),
            0x39 => Reply::flag(self.send_datagram(slot)).into(),
            0x3A => self.remote_data(slot).into(),
            0x3F => Reply::u8(self.free_slot().unwrap_or(NO_SLOT)).into(),
            0x44 => self.send_data(command, now),
            0x45 => self.get_databuf(command).into(),
            0x46 => self.insert_databuf(command).into(),
            // DATA_SENT_TCP does nothing.
            _ => Reply::ok().into(),
        }
    }

    pub(crate) fn slot(&self, slot: u8) -> Option<&Slot> {
        self.slots.get(usize::from(slot))
    }

    /// The firmware does not check the number and writes where it points (Q14); the model does.
    pub(crate) fn slot_mut(&mut self, slot: u8) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(slot))
    }

    pub(crate) fn slot_kind(&self, slot: u8) -> Kind {
        self.slot(slot).map_or(Kind::Free, |slot| slot.kind)
    }

    pub(crate) fn set_kind(&mut self, slot: u8, kind: Kind) {
        if let Some(slot) = self.slot_mut(slot) {
            slot.kind = kind;
            slot.by_client = false;
        }
    }

    /// The lowest free slot. Nothing is reserved by asking.
    pub(crate) fn free_slot(&self) -> Option<u8> {
        (0..self.persona.sockets).find(|slot| self.slot_kind(*slot) == Kind::Free)
    }

    fn is_occupied(&self, slot: u8) -> bool {
        self.slot(slot).is_some_and(|at| {
            at.kind != Kind::Free || at.tcp.is_some() || at.udp.fd.is_some() || at.server.is_live()
        })
    }

    fn start_server(&mut self, command: &Command) -> Reply {
        let at = if command.byte(2) == 3 { 4 } else { 9 };
        let port = command.u16_be(at);
        let (slot, mode) = (command.byte(at + 3), command.byte(at + 5));
        if self.is_occupied(slot) {
            self.monitor.count(|c| c.starts_on_occupied += 1);
        }
        let (started, kind) = match mode {
            MODE_TCP => {
                let started = self.begin_server(slot, port);
                (started || !self.persona.listen_reports_failure, Kind::Tcp)
            }
            MODE_UDP | MODE_MULTICAST => (self.begin_udp(slot, port), Kind::Udp),
            _ => (false, Kind::Free),
        };
        if started {
            self.set_kind(slot, kind);
        }
        Reply::flag(started)
    }

    /// By count of params: with an address, or with a host name before it.
    fn start_client(&mut self, command: &Command, now: Instant) -> Step {
        let (name, at) = if command.byte(2) == 4 { (Vec::new(), 3) } else { command.string(3) };
        let remote = SocketAddrV4::new(command.ip(at + 1), command.u16_be(at + 6));
        let (slot, mode) = (command.byte(at + 9), command.byte(at + 11));
        if self.is_occupied(slot) && !(mode == MODE_UDP && self.slot_kind(slot) == Kind::Udp) {
            self.monitor.count(|c| c.starts_on_occupied += 1);
        }
        if mode != MODE_TCP && mode != MODE_UDP {
            if mode != MODE_MULTICAST {
                self.monitor.count(|c| c.not_modelled += 1);
            }
            return Reply::Params(vec![]).into();
        }
        if name.is_empty() {
            return self.start_client_at(slot, mode == MODE_UDP, remote, now);
        }
        let purpose = Resolve::Client { slot, udp: mode == MODE_UDP, port: remote.port() };
        self.resolve(&name, purpose, now)
    }

    pub(crate) fn start_client_at(
        &mut self,
        slot: u8,
        udp: bool,
        remote: SocketAddrV4,
        now: Instant,
    ) -> Step {
        if !udp {
            return self.connect_client(slot, remote, now);
        }
        let started = self.begin_packet(slot, remote);
        if started {
            self.set_kind(slot, Kind::Udp);
        }
        if started { Reply::ok().into() } else { Reply::Params(vec![]).into() }
    }

    /// Closes by type and frees the slot. A listener goes on living (Q3).
    fn stop_client(&mut self, slot: u8) -> Reply {
        if self.server_is_live(slot) && self.slot_kind(slot) == Kind::Tcp {
            self.monitor.count(|c| c.listeners_stopped += 1);
        }
        match self.slot_kind(slot) {
            Kind::Tcp => self.stop_tcp(slot),
            Kind::Udp => self.stop_udp(slot),
            Kind::Free => {}
        }
        self.set_kind(slot, Kind::Free);
        Reply::ok()
    }

    /// Frees whatever is not a connected stream, listeners and UDP sockets too (Q4).
    fn client_state(&mut self, slot: u8) -> Reply {
        let kind = self.slot_kind(slot);
        if kind == Kind::Udp || (kind == Kind::Tcp && self.server_is_live(slot)) {
            self.monitor.count(|c| c.state_of_non_streams += 1);
        }
        if kind == Kind::Tcp && self.client_connected(slot) {
            return Reply::u8(STATE_ESTABLISHED);
        }
        let spared = self.persona.core == Core::Esp32
            && !self.slot(slot).is_some_and(|at| at.by_client && at.kind == Kind::Tcp);
        if !spared {
            self.set_kind(slot, Kind::Free);
        }
        Reply::u8(0)
    }

    fn avail_data(&mut self, command: &Command) -> Reply {
        let slot = command.byte(4);
        let count = match self.slot_kind(slot) {
            Kind::Tcp if self.server_is_live(slot) => {
                if command.byte(2) == 1 {
                    self.monitor.count(|c| c.accept_by_padding += 1);
                }
                // In the 1-param form this is padding (Q1).
                let accept = self.persona.accept_flag && command.byte(6) != 0;
                u16::from(self.server_client(slot, accept).unwrap_or(NO_SLOT))
            }
            Kind::Tcp => clamp(self.client_available(slot)),
            Kind::Udp => clamp(self.datagram_rest(slot)),
            Kind::Free => 0,
        };
        Reply::bytes(&count.to_le_bytes())
    }

    /// One byte: 0xFF if there is none, 0 on a free slot (Q15).
    fn get_data(&mut self, slot: u8, peek: bool) -> u8 {
        let byte = match self.slot_kind(slot) {
            Kind::Tcp => self.read_client(slot, 1, peek),
            Kind::Udp => self.read_datagram(slot, 1, peek),
            Kind::Free => return 0,
        };
        byte.first().copied().unwrap_or(0xFF)
    }

    fn get_databuf(&mut self, command: &Command) -> Reply {
        let (slot, limit) = (command.byte(5), command.u16_le(8));
        if limit > LARGEST_READ {
            self.monitor.count(|c| c.oversize_requests += 1);
        }
        let limit = usize::from(limit);
        Reply::Wide(vec![match self.slot_kind(slot) {
            Kind::Tcp => self.read_client(slot, limit, false),
            Kind::Udp => self.read_datagram(slot, limit, false),
            Kind::Free => Vec::new(),
        }])
    }

    fn send_data(&mut self, command: &Command, now: Instant) -> Step {
        let slot = command.byte(5);
        let data = command.bytes(8, usize::from(command.u16_be(6)));
        match self.slot_kind(slot) {
            Kind::Tcp => self.write_client(slot, data, now),
            Kind::Udp | Kind::Free => Reply::bytes(&[0, 0]).into(),
        }
    }

    fn insert_databuf(&mut self, command: &Command) -> Reply {
        let slot = command.byte(5);
        let data = command.bytes(8, usize::from(command.u16_be(6)));
        let taken = self.slot_kind(slot) == Kind::Udp && self.write_datagram(slot, &data);
        Reply::flag(taken)
    }

    /// On a dead TCP slot these are bytes that nobody wrote (Q28).
    fn remote_data(&mut self, slot: u8) -> Reply {
        let remote = match self.slot_kind(slot) {
            Kind::Free => Some(SocketAddrV4::new([0; 4].into(), 0)),
            Kind::Udp => self.slot(slot).map(|at| at.udp.remote),
            Kind::Tcp => {
                self.slot(slot).and_then(|at| at.tcp).and_then(|fd| self.lwip.peer(fd).ok())
            }
        };
        match remote {
            Some(remote) => {
                let port = remote.port().to_be_bytes().to_vec();
                Reply::Params(vec![remote.ip().octets().to_vec(), port])
            }
            None => Reply::Params(vec![self.noise.bytes(4), self.noise.bytes(2)]),
        }
    }

    fn req_host_by_name(&mut self, command: &Command, now: Instant) -> Step {
        let (name, _) = command.string(3);
        if self.persona.clears_resolved {
            self.resolved = [255; 4].into();
        }
        self.resolve(&name, Resolve::Host, now)
    }

    fn resolve(&mut self, name: &[u8], purpose: Resolve, now: Instant) -> Step {
        let name = String::from_utf8_lossy(name).into_owned();
        let servers = self.wifi.dns.iter().filter(|addr| !addr.is_unspecified()).count().max(1);
        let servers = u32::try_from(servers).unwrap_or(1);
        let until = now + self.setup.lookup_limit * servers;
        self.begin(Wait::Lookup { name, purpose, until }, now)
    }
}

fn clamp(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
