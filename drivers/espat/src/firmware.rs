//! What this firmware can. The version is a first guess; what it answers decides.

use netdev::{Capabilities, Features, Limits};

use crate::sockets::{DATAGRAM_MAX, SOCKETS};

/// What the module was found to be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Firmware {
    /// Of the AT part, as `AT+GMR` tells it; zeros if it did not.
    pub(crate) version: [u8; 3],
    /// Settings are stored unless their name ends in `_CUR` (NonOS 1.x).
    pub(crate) suffixed: bool,
    /// How received data are fetched.
    pub(crate) receive: Receive,
    /// A link that comes up tells its particulars (SYSMSG bit 1).
    pub(crate) links_told: bool,
    /// Links are listed by CIPSTATE, not by CIPSTATUS.
    pub(crate) cipstate: bool,
    /// Sends that a peer does not take end by themselves, and Nagle's delay is off (CIPTCPOPT).
    pub(crate) options: bool,
    /// Failed calls tell an errno (SYSLOG=1).
    pub(crate) errno: bool,
}

/// How received data are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Receive {
    /// They come by themselves.
    Active,
    /// Asked for, on all links or none (CIPRECVMODE).
    ByMode,
    /// Asked for, link by link (CIPRECVTYPE).
    ByType,
}

impl Firmware {
    pub(crate) const UNKNOWN: Self = Self {
        version: [0; 3],
        suffixed: false,
        receive: Receive::Active,
        links_told: false,
        cipstate: false,
        options: false,
        errno: false,
    };

    pub(crate) fn at_least(&self, major: u8, minor: u8) -> bool {
        let [has_major, has_minor, _] = self.version;
        (has_major, has_minor) >= (major, minor)
    }

    /// ESP8266 without an RTOS: the first line of firmwares, with other literals and other names.
    pub(crate) fn is_nonos(&self) -> bool {
        self.version != [0; 3] && !self.at_least(2, 0)
    }

    /// The most that one CIPSEND takes.
    pub(crate) fn send_max(&self) -> usize {
        if self.at_least(2, 4) { 8192 } else { 2048 }
    }

    /// Datagrams come by themselves whatever was set: passive receive is for TCP only.
    pub(crate) fn datagrams_always_active(&self) -> bool {
        self.is_nonos() || self.receive == Receive::Active
    }

    /// CIPSTART takes a time limit.
    pub(crate) fn connect_timeout(&self) -> bool {
        self.at_least(4, 1)
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        let mut features = Features::TCP_CONNECT
            .with(Features::TCP_LISTEN)
            .with(Features::UDP_SEND_TO)
            .with(Features::NAME_LOOKUP)
            .with(Features::READINESS);
        if self.options {
            features = features.with(Features::NO_DELAY).with(Features::KEEP_ALIVE);
        }
        let limits = Limits::RESET_READS_AS_END
            .with(Limits::WRITE_CAN_STALL_CHIP)
            .with(Limits::EMPTY_DATAGRAMS_LOST)
            .with(Limits::CONNECT_ERRORS_UNTOLD)
            .with(Limits::CALLS_BLOCK_CHIP)
            .with(Limits::PEER_END_ENDS_BOTH)
            .with(Limits::DATAGRAM_BURST_LOST)
            .with(Limits::ONE_LISTENER)
            .with(Limits::CLOSE_CAN_HIT_NEXT);
        let sockets = u16::try_from(SOCKETS).unwrap_or(u16::MAX);
        Capabilities::new(sockets).datagrams(DATAGRAM_MAX).with(features).limited(limits)
    }
}
