//! What the chip counts, above all what the real firmware would choke on.

/// Counts since the last clear. Fields of the second half are offences: a correct driver on an
/// undisturbed line leaves every one of them at zero, [`offences`](Self::offences) adds them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Bytes that the UART received while it was open.
    pub bytes_in: u64,
    /// Bytes that went out.
    pub bytes_out: u64,
    /// Times the firmware started.
    pub boots: u64,
    /// Calls that were carried out.
    pub calls: u64,
    /// Calls that had to wait for the network or the radio, and everything else with them.
    pub blocked_calls: u64,
    /// Replies that went out whole.
    pub replies: u64,
    /// Events that went out.
    pub events: u64,
    /// Two-way callbacks that went out.
    pub callbacks: u64,
    /// Two-way callbacks that the host answered.
    pub callback_replies: u64,
    /// Connections lost for want of a `netconn`.
    pub peers_dropped: u64,
    /// Datagrams that came while the queue of their socket was full.
    pub datagrams_dropped: u64,
    /// Bytes behind the arguments of a call: harmless, ignored.
    pub trailing_bytes: u64,
    /// Faults that were asked for, and struck.
    pub faults: u64,

    /// Frames with a wrong checksum: dropped.
    pub bad_crcs: u64,
    /// Frames that announce no bytes: dropped (a flood of zeros is a series of these).
    pub empty_frames: u64,
    /// Frames that announce more than 4,096 bytes: alignment is lost (quirk 4).
    pub oversize_frames: u64,
    /// Frames that had begun and not ended when the chip was switched off.
    pub torn_frames: u64,
    /// Bytes that found the receive ring full (quirk 30).
    pub ring_overflows: u64,
    /// Bytes that came in while the chip was off or the UART not open yet.
    pub bytes_while_down: u64,
    /// Calls before the services were there (quirk 32).
    pub early_calls: u64,
    /// Messages shorter than their header.
    pub short_messages: u64,
    /// Messages of another codec version than 1.
    pub bad_versions: u64,
    /// Messages of a type that a host does not send.
    pub bad_types: u64,
    /// Calls of a service that this firmware lacks.
    pub unknown_services: u64,
    /// Calls of a method that this firmware lacks.
    pub unknown_methods: u64,
    /// Replies that nobody waits for.
    pub stray_replies: u64,
    /// Calls with fewer bytes than their arguments take (quirk 5).
    pub missing_arguments: u64,
    /// Calls with a length that leads out of the message buffer.
    pub garbled_arguments: u64,
    /// Arguments of type `bin` without bytes, or requests for none: the chip stops (quirk 1).
    pub empty_bins: u64,
    /// Requests for more than the heap has: the chip stops.
    pub heap_exhaustions: u64,
    /// Calls that go through a wild pointer: the chip stops (quirks 21, 22, 23).
    pub wild_pointers: u64,
    /// Requests for more than a reply can carry.
    pub oversize_requests: u64,
    /// Replies that did not fit, with what was in them (quirk 2).
    pub oversize_replies: u64,
    /// Calls that nothing bounds (quirk 6): a `recv`, `accept`, `send` or `connect` on a blocking
    /// socket without a time-out, a `select` without one, `lwip_available`.
    pub unbounded_calls: u64,
    /// Socket addresses whose length is not 16.
    pub bad_address_lengths: u64,
    /// Calls on socket numbers that are not in use.
    pub bad_sockets: u64,
    /// Calls that the model knows of and does not carry out.
    pub not_modelled: u64,
}

impl Counters {
    /// Name and value of every offence.
    #[must_use]
    pub fn offence_list(&self) -> [(&'static str, u64); 24] {
        [
            ("bad_crcs", self.bad_crcs),
            ("empty_frames", self.empty_frames),
            ("oversize_frames", self.oversize_frames),
            ("torn_frames", self.torn_frames),
            ("ring_overflows", self.ring_overflows),
            ("bytes_while_down", self.bytes_while_down),
            ("early_calls", self.early_calls),
            ("short_messages", self.short_messages),
            ("bad_versions", self.bad_versions),
            ("bad_types", self.bad_types),
            ("unknown_services", self.unknown_services),
            ("unknown_methods", self.unknown_methods),
            ("stray_replies", self.stray_replies),
            ("missing_arguments", self.missing_arguments),
            ("garbled_arguments", self.garbled_arguments),
            ("empty_bins", self.empty_bins),
            ("heap_exhaustions", self.heap_exhaustions),
            ("wild_pointers", self.wild_pointers),
            ("oversize_requests", self.oversize_requests),
            ("oversize_replies", self.oversize_replies),
            ("unbounded_calls", self.unbounded_calls),
            ("bad_address_lengths", self.bad_address_lengths),
            ("bad_sockets", self.bad_sockets),
            ("not_modelled", self.not_modelled),
        ]
    }

    /// How often the host did what the real firmware would choke on.
    #[must_use]
    pub fn offences(&self) -> u64 {
        self.offence_list().iter().map(|(_, count)| count).sum()
    }
}
