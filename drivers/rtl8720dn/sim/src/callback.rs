//! What the chip says unasked: events, and calls that the host has to answer.

use core::net::Ipv4Addr;
use std::collections::VecDeque;

use crate::codec::{Header, INVOCATION, ONEWAY, Out, VERSION};
use crate::config::AccessPoint;

const WIFI_EVENT: u8 = 1;
const DNS_FOUND: u8 = 2;

/// Events, with what the firmware fills in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    id: u8,
    body: [u8; 44],
}

impl Event {
    pub(crate) const WIFI_READY: Self = Self::bare(0);
    pub(crate) const SCAN_DONE: Self = Self::bare(1);
    pub(crate) const STA_START: Self = Self::bare(2);
    pub(crate) const STA_STOP: Self = Self::bare(3);
    /// As after the loss of the access point: nothing is left to be told.
    pub(crate) const STA_LOST: Self = Self::bare(5);
    pub(crate) const AP_START: Self = Self::bare(14);
    pub(crate) const AP_STOP: Self = Self::bare(15);
    pub(crate) const AP_STACONNECTED: Self = Self::bare(16);
    pub(crate) const AP_STADISCONNECTED: Self = Self::bare(17);

    const fn bare(id: u8) -> Self {
        Self { id, body: [0; 44] }
    }

    fn filled(id: u8, fields: &[(usize, &[u8])]) -> Self {
        let mut event = Self::bare(id);
        for (offset, bytes) in fields {
            event.body.iter_mut().skip(*offset).zip(*bytes).for_each(|(to, byte)| *to = *byte);
        }
        event
    }

    pub(crate) fn connected(ap: &AccessPoint) -> Self {
        let [security, ..] = ap.security().to_le_bytes();
        let length = ssid_length(ap.ssid.as_bytes());
        Self::filled(
            4,
            &[
                (0, ap.ssid.as_bytes()),
                (32, &[length]),
                (33, &ap.bssid),
                (39, &[ap.channel, security, 0, 0, 0]),
            ],
        )
    }

    pub(crate) fn disconnected(ssid: &[u8], bssid: [u8; 6], reason: u8) -> Self {
        let length = ssid_length(ssid);
        Self::filled(5, &[(0, ssid), (32, &[length]), (33, &bssid), (39, &[reason, 0, 0, 0, 0])])
    }

    pub(crate) fn got_ip(addr: Ipv4Addr, mask: Ipv4Addr, gateway: Ipv4Addr) -> Self {
        let fields = [(0, addr.octets()), (4, mask.octets()), (8, gateway.octets())];
        let fields: Vec<(usize, &[u8])> =
            fields.iter().map(|(at, octets)| (*at, octets.as_slice())).collect();
        let mut event = Self::filled(7, &fields);
        event.body.iter_mut().skip(12).take(1).for_each(|changed| *changed = 1);
        event
    }

    pub(crate) fn name(self) -> &'static str {
        match self.id {
            0 => "WIFI_READY",
            1 => "SCAN_DONE",
            2 => "STA_START",
            3 => "STA_STOP",
            4 => "STA_CONNECTED",
            5 => "STA_DISCONNECTED",
            7 => "STA_GOT_IP",
            14 => "AP_START",
            15 => "AP_STOP",
            16 => "AP_STACONNECTED",
            17 => "AP_STADISCONNECTED",
            _ => "another event",
        }
    }

    /// The record of 48 bytes, three of which nobody has set.
    fn record(self, garbage: [u8; 3]) -> Vec<u8> {
        let mut record = vec![self.id];
        record.extend_from_slice(&garbage);
        record.extend_from_slice(&self.body);
        record
    }
}

fn ssid_length(ssid: &[u8]) -> u8 {
    u8::try_from(ssid.len().min(32)).unwrap_or(32)
}

/// Numbers the chip's own messages, and remembers the one that waits for an answer.
#[derive(Debug)]
pub(crate) struct Callbacks {
    service: u8,
    sequence: u32,
    garbage: [u8; 3],
    outbox: VecDeque<Outgoing>,
    waits_for: Option<Header>,
}

/// A message of the chip's own, and what a trace says of it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) message: Vec<u8>,
    pub(crate) text: String,
    pub(crate) two_way: bool,
}

impl Callbacks {
    pub(crate) fn new(service: u8, garbage: [u8; 3]) -> Self {
        Self { service, sequence: 0, garbage, outbox: VecDeque::new(), waits_for: None }
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.service, self.garbage);
    }

    pub(crate) fn event(&mut self, event: Event) {
        let record = event.record(self.garbage);
        self.raw_event(&record, event.name());
    }

    pub(crate) fn raw_event(&mut self, record: &[u8], name: &str) {
        let header = self.header(ONEWAY, WIFI_EVENT);
        let message = header.with(Out::default().bin(record).bytes());
        let text = format!("wifi_event_callback {name}");
        self.outbox.push_back(Outgoing { message, text, two_way: false });
    }

    /// `wifi_dns_found`, on the IP task, which then waits.
    pub(crate) fn dns_found(&mut self, name: &str, addr: Ipv4Addr, arg: Option<&[u8]>) {
        let header = self.header(INVOCATION, DNS_FOUND);
        let payload = Out::default().bin(name.as_bytes()).bin(&addr.octets()).nullable(arg);
        let message = header.with(payload.bytes());
        let text = format!("wifi_dns_found \"{}\" {addr}", name.escape_debug());
        self.outbox.push_back(Outgoing { message, text, two_way: true });
        self.waits_for = Some(header);
    }

    /// Whether the IP task waits for the host.
    pub(crate) fn stalls_ip_task(&self) -> bool {
        self.waits_for.is_some()
    }

    /// The host replies; `false` if nobody waits for that.
    pub(crate) fn take_reply(&mut self, reply: Header) -> bool {
        let fits = self.waits_for.is_some_and(|call| {
            (call.service, call.method, call.sequence)
                == (reply.service, reply.method, reply.sequence)
        });
        if fits {
            self.waits_for = None;
        }
        fits
    }

    pub(crate) fn next(&mut self) -> Option<Outgoing> {
        self.outbox.pop_front()
    }

    fn header(&mut self, kind: u8, method: u8) -> Header {
        self.sequence = self.sequence.wrapping_add(1);
        Header { kind, method, service: self.service, version: VERSION, sequence: self.sequence }
    }
}
