//! The command loop: from a command to its reply, at once or after a wait.

use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;
use netdev_sim::Stack;

use crate::config::{AccessPoint, Config};
use crate::counters::Monitor;
use crate::errno::Errno;
use crate::files::Files;
use crate::frame::{Command, REPLY_FLAG, Reply, START};
use crate::gpio0::Updater;
use crate::lwip::Lwip;
use crate::persona::Persona;
use crate::pins::Pins;
use crate::slots::Slot;
use crate::wait::Wait;
use crate::wifi::{Change, IpInfo, Timing, Wifi};

/// What becomes of a command.
#[derive(Debug)]
pub(crate) enum Step {
    Done(Reply),
    /// The work takes until then.
    At(Instant, Reply),
    /// The work takes until the network lets go.
    Wait(Wait),
}

impl From<Reply> for Step {
    fn from(reply: Reply) -> Self {
        Self::Done(reply)
    }
}

/// Everything that the firmware remembers.
pub(crate) struct Firmware {
    pub(crate) persona: &'static Persona,
    pub(crate) lwip: Lwip,
    pub(crate) wifi: Wifi,
    pub(crate) slots: Vec<Slot>,
    pub(crate) updater: Updater,
    pub(crate) pins: Pins,
    pub(crate) monitor: Monitor,
    /// `errno` of the command task.
    pub(crate) errno: u8,
    /// The address that `GET_HOST_BY_NAME` tells.
    pub(crate) resolved: Ipv4Addr,
    pub(crate) scanned: Vec<AccessPoint>,
    pub(crate) host_name: Vec<u8>,
    pub(crate) files: Files,
    /// `SET_DEBUG`: every byte is printed on a slow line.
    pub(crate) debug: bool,
    pub(crate) noise: Noise,
    pub(crate) setup: Setup,
}

/// The part of [`Config`] that the handlers need.
pub(crate) struct Setup {
    pub(crate) mac: [u8; 6],
    pub(crate) restart: Duration,
    pub(crate) scan: Duration,
    pub(crate) scan_fails: bool,
    pub(crate) access_point_start: Duration,
    pub(crate) lookup_limit: Duration,
    pub(crate) pingable: Vec<(Ipv4Addr, Duration)>,
    pub(crate) unix_time: u64,
    pub(crate) celsius: f32,
}

/// What stands in memory that nobody initialised; the same in each run.
#[derive(Debug)]
pub(crate) struct Noise(u32);

impl Noise {
    pub(crate) fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0.to_be_bytes().first().copied().unwrap_or(0)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte()).collect()
    }
}

impl Firmware {
    pub(crate) fn new(config: &mut Config, stack: Box<dyn Stack>, monitor: Monitor) -> Self {
        let persona = config.persona;
        let lease = IpInfo::leased(stack.addr(), config.network);
        let timing = Timing {
            association: config.association,
            dhcp: config.dhcp,
            address_kept: config.address_kept,
        };
        let networks = core::mem::take(&mut config.access_points);
        Self {
            persona,
            lwip: Lwip::new(stack, persona.first_descriptor, persona.sockets),
            wifi: Wifi::new(persona, networks, lease, timing),
            slots: (0..persona.sockets).map(|_| Slot::default()).collect(),
            updater: Updater::default(),
            pins: Pins::default(),
            monitor,
            errno: 0,
            resolved: Ipv4Addr::UNSPECIFIED,
            scanned: Vec::new(),
            host_name: default_host_name(config.mac),
            files: Files::new(),
            debug: false,
            noise: Noise(1),
            setup: Setup {
                mac: config.mac,
                restart: config.restart,
                scan: config.scan,
                scan_fails: config.scan_fails,
                access_point_start: config.access_point_start,
                lookup_limit: config.lookup_limit,
                pingable: core::mem::take(&mut config.pingable),
                unix_time: config.unix_time,
                celsius: config.celsius,
            },
        }
    }

    /// Everything is forgotten.
    pub(crate) fn reset(&mut self) {
        self.lwip.reset();
        self.wifi.reset();
        self.slots.iter_mut().for_each(|slot| *slot = Slot::default());
        self.updater = Updater::default();
        self.pins = Pins::default();
        self.errno = 0;
        self.resolved = Ipv4Addr::UNSPECIFIED;
        self.scanned.clear();
        self.host_name = default_host_name(self.setup.mac);
        self.debug = false;
    }

    /// Lets radio and network do what they did in the meantime.
    pub(crate) fn poll(&mut self, now: Instant) {
        for reason in self.monitor.take_link_drops() {
            let change = self.wifi.drop_link(reason, now);
            self.link_changed(change);
        }
        if let Some(access_points) = self.monitor.take_access_points() {
            let change = self.wifi.set_networks(access_points, now);
            self.link_changed(change);
        }
        let change = self.wifi.advance(now);
        self.link_changed(change);
        self.lwip.exhausted = self.monitor.is_exhausted();
        self.lwip.poll();
        if core::mem::take(&mut self.lwip.news) {
            self.updater.give();
        }
        let datagrams = core::mem::take(&mut self.lwip.datagrams_dropped);
        let peers = core::mem::take(&mut self.lwip.peers_dropped);
        if datagrams + peers > 0 {
            self.monitor.count(|c| {
                c.datagrams_dropped += datagrams;
                c.peers_dropped += peers;
            });
        }
    }

    pub(crate) fn link_changed(&mut self, change: Option<Change>) {
        match change {
            None => {}
            Some(Change::Up) => self.lwip.set_online(true),
            Some(Change::Down) => self.lwip.close_connected(),
        }
    }

    /// Carries a command out. Nothing is checked but the first byte and the opcode.
    pub(crate) fn execute(&mut self, command: &Command, now: Instant) -> Step {
        let opcode = command.opcode();
        if command.byte(0) != START || opcode >= REPLY_FLAG || !self.persona.has(opcode) {
            return Reply::Error.into();
        }
        if (0x70..=0x7F).contains(&opcode) && opcode != 0x72 {
            self.errno = 0;
        }
        match opcode {
            0x10..=0x1F => self.system_command(command, now),
            0x28..=0x2F | 0x34 | 0x35 | 0x39 | 0x3A | 0x3F | 0x44..=0x46 => {
                self.slot_command(command, now)
            }
            0x20..=0x27 | 0x30..=0x3E => self.status_command(command, now),
            0x40..=0x4F => self.enterprise_command(command, now),
            0x50..=0x54 => self.pin_command(command).into(),
            0x60..=0x67 => self.file_command(command),
            _ => self.bsd_command(command, now),
        }
    }

    /// Remembers an error for `SOCKET_ERRNO`.
    pub(crate) fn note<T>(&mut self, result: Result<T, Errno>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(errno) => {
                self.errno = errno.0;
                None
            }
        }
    }
}

fn default_host_name(mac: [u8; 6]) -> Vec<u8> {
    let [.., x, y] = mac;
    format!("arduino-{x:02X}{y:02X}").into_bytes()
}
