//! What the modem counts, above all what the real firmware would not have liked.

use core::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::faults::Fault;

/// Counts since the last clear. Fields of the second half are offences: a correct driver leaves
/// every one of them at zero on a line without faults, [`offences`](Self::offences) adds them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Bytes from the host.
    pub bytes_in: u64,
    /// Bytes that the line took.
    pub bytes_out: u64,
    /// Chunks of input.
    pub chunks: u64,
    /// Times the firmware started.
    pub boots: u64,
    /// Lines that were carried out, or refused.
    pub commands: u64,
    /// Commands answered by `ERROR` because of the state that the modem or the network was in.
    pub failed_commands: u64,
    /// Commands that other releases have, and this one has not: probing is no offence.
    pub missing_commands: u64,
    /// Lines with nothing in them, as they are sent to get in step.
    pub empty_lines: u64,
    /// Payload bytes from the host.
    pub payload_in: u64,
    /// Payload bytes for the host.
    pub payload_out: u64,
    /// Payloads that were given up by `+++`.
    pub canceled_sends: u64,
    /// Datagrams that came while their link's buffer was full, or were too long.
    pub datagrams_dropped: u64,
    /// Bytes of datagrams lost to partial reads.
    pub datagram_bytes_cut: u64,
    /// Faults that struck.
    pub faults: u64,

    /// Commands that no release has.
    pub unknown_commands: u64,
    /// Lines that do not begin with `AT`, parameters that do not parse, are missing, too many or
    /// out of range, forms that the command has not.
    pub malformed_commands: u64,
    /// 256 bytes and more without an end.
    pub long_lines: u64,
    /// A NUL in a line: everything before it was thrown away.
    pub nul_bytes: u64,
    /// Chunks that came while a command ran: answered `busy p...`, and lost.
    pub busy_chunks: u64,
    /// Chunks with something behind the end of a command.
    pub bursts: u64,
    /// Payload bytes beyond the length that was told.
    pub surplus_payload: u64,
    /// Bytes that came while a payload was handed to the network.
    pub bytes_while_sending: u64,
    /// Bytes that came while the modem was off, started, or slept.
    pub bytes_while_down: u64,
    /// Bytes of a long send or of the passthrough that came faster than the network takes them.
    pub overruns: u64,
    /// Commands that the model knows of and does not carry out: TLS connections above all.
    pub not_modelled: u64,
}

impl Counters {
    /// Name and value of every offence.
    #[must_use]
    pub fn offence_list(&self) -> [(&'static str, u64); 11] {
        [
            ("unknown_commands", self.unknown_commands),
            ("malformed_commands", self.malformed_commands),
            ("long_lines", self.long_lines),
            ("nul_bytes", self.nul_bytes),
            ("busy_chunks", self.busy_chunks),
            ("bursts", self.bursts),
            ("surplus_payload", self.surplus_payload),
            ("bytes_while_sending", self.bytes_while_sending),
            ("bytes_while_down", self.bytes_while_down),
            ("overruns", self.overruns),
            ("not_modelled", self.not_modelled),
        ]
    }

    /// How often the host did what the real firmware would not have liked.
    #[must_use]
    pub fn offences(&self) -> u64 {
        self.offence_list().iter().map(|(_, count)| count).sum()
    }
}

/// A handle on a modem that was given away: its counters, and events from outside. Events happen
/// the next time that the modem moves on.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    counters: Counters,
    events: Vec<Event>,
    armed: [u32; Fault::ALL.len()],
}

/// Something that happens around the modem.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// An access point by its name, or all: in reach, or not.
    Reach(Option<String>, bool),
    /// Whether the DHCP server answers.
    Leases(bool),
    Reboot,
    StationJoins([u8; 6], Ipv4Addr),
    StationLeaves([u8; 6]),
    Say(Vec<u8>),
}

impl Monitor {
    /// Counts since the last clear.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// Starts to count anew.
    pub fn clear(&self) {
        self.lock().counters = Counters::default();
    }

    /// No access point is in reach any more. The firmware goes on trying.
    pub fn vanish(&self) {
        self.happen(Event::Reach(None, false));
    }

    /// The access points are back.
    pub fn come_back(&self) {
        self.happen(Event::Reach(None, true));
    }

    /// One access point comes or goes.
    pub fn set_in_reach(&self, ssid: &str, in_reach: bool) {
        self.happen(Event::Reach(Some(ssid.into()), in_reach));
    }

    /// Whether the DHCP server answers; without it a station is associated and has no address.
    pub fn set_leases(&self, given: bool) {
        self.happen(Event::Leases(given));
    }

    /// The modem starts anew, as after a brown-out.
    pub fn reboot(&self) {
        self.happen(Event::Reboot);
    }

    /// Somebody joins the modem's own access point.
    pub fn station_joins(&self, mac: [u8; 6], addr: Ipv4Addr) {
        self.happen(Event::StationJoins(mac, addr));
    }

    /// Somebody leaves the modem's own access point.
    pub fn station_leaves(&self, mac: [u8; 6]) {
        self.happen(Event::StationLeaves(mac));
    }

    /// The modem says this, whatever it is about.
    pub fn say(&self, bytes: &[u8]) {
        self.happen(Event::Say(bytes.into()));
    }

    /// The fault strikes at its next occasion; called twice, at the next two.
    pub fn arm(&self, fault: Fault) {
        if let Some(count) = self.lock().armed.get_mut(fault.index()) {
            *count += 1;
        }
    }

    /// How often an armed fault has still to strike.
    #[must_use]
    pub fn armed(&self, fault: Fault) -> u32 {
        self.lock().armed.get(fault.index()).copied().unwrap_or(0)
    }

    pub(crate) fn disarm(&self, fault: Fault) -> bool {
        let mut shared = self.lock();
        let Some(count) = shared.armed.get_mut(fault.index()) else { return false };
        let struck = *count > 0;
        *count = count.saturating_sub(1);
        struck
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.lock().counters);
    }

    pub(crate) fn take_events(&self) -> Vec<Event> {
        core::mem::take(&mut self.lock().events)
    }

    fn happen(&self, event: Event) {
        self.lock().events.push(event);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
