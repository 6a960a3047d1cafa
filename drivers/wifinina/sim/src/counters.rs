//! What the chip counts, above all what the real firmware would choke on.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::config::AccessPoint;

/// Counts since the last clear. Fields of the second half are offences: a correct driver leaves
/// every one of them at zero, [`offences`](Self::offences) adds them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Chip-select cycles.
    pub cs_cycles: u64,
    /// Bytes clocked with chip-select low.
    pub bytes: u64,
    /// Times the chip came out of reset.
    pub resets: u64,
    /// Commands that were executed, unknown ones included.
    pub commands: u64,
    /// Replies that were clocked at least in part.
    pub replies: u64,
    /// Commands that had to wait for the network, and the whole chip with them.
    pub blocked_commands: u64,
    /// Joins that were started: Adafruit's firmware registers one more hook for each (Q32).
    pub joins: u64,
    /// Datagrams that came while the queue of their socket was full.
    pub datagrams_dropped: u64,
    /// Connections dropped for want of a descriptor.
    pub peers_dropped: u64,
    /// Chip-select cycles without a clock while a command was expected: harmless.
    pub empty_cycles: u64,
    /// Replies that were clocked past their end: harmless, what comes is filler.
    pub over_reads: u64,

    /// Opcodes without a handler.
    pub unknown_opcodes: u64,
    /// First byte not 0xE0, or an opcode with bit 7 set.
    pub bad_starts: u64,
    /// END not at its place, a param missing, of the wrong width or cut off, a wrong count.
    pub malformed_commands: u64,
    /// Commands whose length is no multiple of 4.
    pub unaligned_commands: u64,
    /// Whole words after END.
    pub excess_padding: u64,
    /// Commands of more than 4,092 bytes.
    pub long_commands: u64,
    /// Strings longer than the buffer that the firmware copies them to (Q20).
    pub long_strings: u64,
    /// Chip-select fell while READY was high.
    pub cs_low_while_busy: u64,
    /// Chip-select was low while the firmware started: Bluetooth mode.
    pub cs_low_at_boot: u64,
    /// Chip-select cycles given to a chip that is in reset, boots or is dead.
    pub cycles_while_down: u64,
    /// Replies lost to an empty chip-select cycle.
    pub replies_lost: u64,
    /// Replies of which less than up to END was clocked.
    pub replies_cut: u64,
    /// Commands that were swallowed because a reply was pending.
    pub commands_swallowed: u64,
    /// Slot numbers out of range (Q14).
    pub invalid_slots: u64,
    /// `START_*` on a slot that holds a socket or a listener (Q6).
    pub starts_on_occupied: u64,
    /// `STOP_CLIENT_TCP` on a live listener (Q3).
    pub listeners_stopped: u64,
    /// `GET_CLIENT_STATE_TCP` on a slot with a listener or a UDP socket (Q4).
    pub state_of_non_streams: u64,
    /// Requests for more than 4,086 (0x45, Q12) or 4,076 bytes (0x7A, Q22).
    pub oversize_requests: u64,
    /// Datagrams put together beyond the buffer (Q13).
    pub datagram_overflows: u64,
    /// Indices past the last scan's result.
    pub bad_indices: u64,
    /// `AVAIL_DATA_TCP` on a listener in the 1-param form: padding decides (Q1).
    pub accept_by_padding: u64,
    /// GPIO commands on a pin that carries the protocol.
    pub protocol_pins: u64,
    /// Commands that the model knows of and does not carry out (TLS, enterprise, downloads).
    pub not_modelled: u64,
}

impl Counters {
    /// Name and value of every offence.
    #[must_use]
    pub fn offence_list(&self) -> [(&'static str, u64); 23] {
        [
            ("unknown_opcodes", self.unknown_opcodes),
            ("bad_starts", self.bad_starts),
            ("malformed_commands", self.malformed_commands),
            ("unaligned_commands", self.unaligned_commands),
            ("excess_padding", self.excess_padding),
            ("long_commands", self.long_commands),
            ("long_strings", self.long_strings),
            ("cs_low_while_busy", self.cs_low_while_busy),
            ("cs_low_at_boot", self.cs_low_at_boot),
            ("cycles_while_down", self.cycles_while_down),
            ("replies_lost", self.replies_lost),
            ("replies_cut", self.replies_cut),
            ("commands_swallowed", self.commands_swallowed),
            ("invalid_slots", self.invalid_slots),
            ("starts_on_occupied", self.starts_on_occupied),
            ("listeners_stopped", self.listeners_stopped),
            ("state_of_non_streams", self.state_of_non_streams),
            ("oversize_requests", self.oversize_requests),
            ("datagram_overflows", self.datagram_overflows),
            ("bad_indices", self.bad_indices),
            ("accept_by_padding", self.accept_by_padding),
            ("protocol_pins", self.protocol_pins),
            ("not_modelled", self.not_modelled),
        ]
    }

    /// How often the host did what the real firmware would choke on.
    #[must_use]
    pub fn offences(&self) -> u64 {
        self.offence_list().iter().map(|(_, count)| count).sum()
    }
}

/// A handle on a chip that was given away: its counters, and events from outside.
#[derive(Clone, Debug, Default)]
pub struct Monitor {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    counters: Counters,
    link_drops: Vec<u8>,
    exhausted: bool,
    access_points: Option<Vec<AccessPoint>>,
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

    /// The radio loses the access point, for `reason` (200: no beacons), the next time that the
    /// chip moves on.
    pub fn drop_link(&self, reason: u8) {
        self.lock().link_drops.push(reason);
    }

    /// Whether every lwIP socket that is free counts as taken, from the next time on that the chip moves:
    /// what others may do to the pool.
    pub fn exhaust_sockets(&self, exhausted: bool) {
        self.lock().exhausted = exhausted;
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.lock().exhausted
    }

    /// From the next time that the chip moves on, the radio hears these networks. One that it was in
    /// and that is gone is lost for want of beacons.
    pub fn set_access_points(&self, access_points: Vec<AccessPoint>) {
        self.lock().access_points = Some(access_points);
    }

    pub(crate) fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut self.lock().counters);
    }

    pub(crate) fn take_link_drops(&self) -> Vec<u8> {
        core::mem::take(&mut self.lock().link_drops)
    }

    pub(crate) fn take_access_points(&self) -> Option<Vec<AccessPoint>> {
        self.lock().access_points.take()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
