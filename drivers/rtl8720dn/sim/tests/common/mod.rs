//! A host that knows the protocol document and nothing of the model, over a network in memory.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do"
)]

pub(crate) mod calls;
mod wire;

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;

use netdev::{Instant, Platform};
use netdev_sim::{Internet, Node, Sock, Stack, UartChip, VirtualClock};
use rtl8720dn_sim::{AccessPoint, Chip, Config, Counters, Monitor, Persona};

pub(crate) use wire::{Message, bytes, crc16, framed, hex, invocation};

/// Where the chip is, and where its peers are.
pub(crate) const CHIP: [u8; 4] = [10, 0, 0, 2];
pub(crate) const PEER: [u8; 4] = [10, 0, 0, 1];

/// Services and the methods used most.
pub(crate) const SYSTEM: u8 = 1;
pub(crate) const DRV: u8 = 14;
pub(crate) const TCPIP: u8 = 15;
pub(crate) const LWIP: u8 = 16;
pub(crate) const TLS: u8 = 17;
pub(crate) const MDNS: u8 = 18;
pub(crate) const CALLBACK: u8 = 19;

/// Drives the line in virtual time.
pub(crate) struct Host {
    pub(crate) chip: Chip,
    pub(crate) monitor: Monitor,
    pub(crate) clock: VirtualClock,
    pub(crate) internet: Internet,
    pub(crate) peer: Node,
    pub(crate) sequence: u32,
    /// Bytes that came and make no message yet.
    pub(crate) received: Vec<u8>,
    /// Messages that came and were not asked for.
    pub(crate) others: Vec<Message>,
}

pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

impl Host {
    /// A chip that has just got power.
    pub(crate) fn powered(config: Config) -> Self {
        Self::powered_at(config, CHIP.into())
    }

    pub(crate) fn powered_at(config: Config, addr: Ipv4Addr) -> Self {
        let clock = VirtualClock::new();
        let internet = Internet::new(&clock);
        let chip = Chip::new(config, Box::new(internet.node(addr)));
        let peer = internet.node(PEER.into());
        let monitor = chip.monitor();
        let (received, others) = (Vec::new(), Vec::new());
        Self { chip, monitor, clock, internet, peer, sequence: 0, received, others }
    }

    /// A chip that has booted.
    pub(crate) fn booted(config: Config) -> Self {
        let mut host = Self::powered(config);
        host.pass(millis(310));
        host
    }

    /// A chip in the network of the default configuration.
    pub(crate) fn joined() -> Self {
        Self::joined_with(Config::default())
    }

    pub(crate) fn joined_with(config: Config) -> Self {
        let mut host = Self::booted(config);
        host.join();
        host
    }

    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Bytes on the line, all at once.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.chip.receive(bytes, self.clock.now());
    }

    /// Lets time pass, and takes what the chip says.
    pub(crate) fn pass(&mut self, length: Duration) {
        let end = self.now() + length;
        self.collect();
        while self.now() < end {
            let now = self.now();
            let step = self.chip.next_step().unwrap_or(end).max(now + Duration::from_micros(10));
            let until = step.min(end).min(now + millis(1));
            self.clock.spend(until.saturating_since(now));
            self.collect();
        }
    }

    fn collect(&mut self) {
        let mut buf = [0; 256];
        loop {
            let count = self.chip.transmit(&mut buf, self.clock.now());
            if count == 0 {
                break;
            }
            self.received.extend_from_slice(&buf[..count]);
        }
    }

    /// The messages that came so far.
    pub(crate) fn messages(&mut self) -> Vec<Message> {
        let mut all = core::mem::take(&mut self.others);
        all.extend(wire::split(&mut self.received));
        all
    }

    /// The reply to a request with that sequence, within `limit`.
    pub(crate) fn reply(&mut self, sequence: u32, limit: Duration) -> Option<Message> {
        let end = self.now() + limit;
        loop {
            let messages = self.messages();
            let (mut mine, others): (Vec<_>, Vec<_>) =
                messages.into_iter().partition(|it| it.kind == 2 && it.sequence == sequence);
            self.others = others;
            if let Some(reply) = mine.pop() {
                return Some(reply);
            }
            if self.now() >= end {
                return None;
            }
            self.pass(Duration::from_micros(250));
        }
    }

    /// Sends a request; its sequence.
    pub(crate) fn request(&mut self, service: u8, method: u8, payload: &[u8]) -> u32 {
        self.sequence += 1;
        let message = invocation(service, method, self.sequence, payload);
        self.send(&framed(&message));
        self.sequence
    }

    /// The payload of the reply, within 70 s.
    pub(crate) fn try_call(&mut self, service: u8, method: u8, payload: &[u8]) -> Option<Vec<u8>> {
        self.call_within(service, method, payload, Duration::from_secs(70))
    }

    pub(crate) fn call_within(
        &mut self,
        service: u8,
        method: u8,
        payload: &[u8],
        limit: Duration,
    ) -> Option<Vec<u8>> {
        let sequence = self.request(service, method, payload);
        let reply = self.reply(sequence, limit)?;
        assert_eq!((reply.service, reply.method), (service, method));
        Some(reply.payload)
    }

    pub(crate) fn call(&mut self, service: u8, method: u8, payload: &[u8]) -> Vec<u8> {
        let reply = self.try_call(service, method, payload);
        reply.unwrap_or_else(|| panic!("no reply to {service}.{method} {}", hex(payload)))
    }

    /// The last i32 of the reply.
    pub(crate) fn status(&mut self, service: u8, method: u8, payload: &[u8]) -> i32 {
        wire::last_i32(&self.call(service, method, payload))
    }

    /// Whether the chip still answers.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.call_within(SYSTEM, 2, &[0x5A], millis(100)) == Some(vec![0x5A])
    }

    /// The events that came so far: their ids.
    pub(crate) fn events(&mut self) -> Vec<u8> {
        let (events, others): (Vec<_>, Vec<_>) =
            self.messages().into_iter().partition(|it| it.kind == 1);
        self.others = others;
        events.iter().map(|event| event.payload[4]).collect()
    }

    /// The counters' offences, by name.
    pub(crate) fn offences(&self) -> Vec<(&'static str, u64)> {
        let list = self.monitor.counters().offence_list();
        list.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    pub(crate) fn counters(&self) -> Counters {
        self.monitor.counters()
    }
}
