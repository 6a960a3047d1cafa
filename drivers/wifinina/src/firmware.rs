//! Who the firmware is, found out by asking it, and what that means.

use netdev::{Capabilities, Features, Limits};

use crate::command::DATAGRAM_MAX;

/// The firmware's version and what was found out about it. Two lines of firmware share version
/// numbers (Arduino's and Adafruit's), so abilities are asked for and not derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Firmware {
    /// Major, minor, patch.
    pub(crate) version: [u8; 3],
    /// Commands 0x70 to 0x7F: sockets by descriptor, which can be made non-blocking.
    pub(crate) descriptors: bool,
    /// GET_DNS_CONFIG, which came together with the accept flag of AVAIL_DATA_TCP (Arduino 1.6.0).
    pub(crate) dns_config: bool,
    /// GET_TIME answers eight bytes: built on arduino-esp32 (Adafruit 3).
    pub(crate) arduino_esp32: bool,
}

impl Firmware {
    pub(crate) const UNKNOWN: Self =
        Self { version: [0; 3], descriptors: false, dns_config: false, arduino_esp32: false };

    /// Reads the text of GET_FW_VERSION.
    pub(crate) fn set_version(&mut self, text: &[u8]) {
        let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
        let mut numbers = text.split(|&byte| byte == b'.').map(|digits| {
            digits
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .fold(0_u8, |n, &digit| n.wrapping_mul(10).wrapping_add(digit - b'0'))
        });
        self.version = core::array::from_fn(|_| numbers.next().unwrap_or(0));
    }

    /// Whether GET_MACADDR answers the last octet first. Natural order came with Arduino 3 and
    /// Adafruit 3.
    pub(crate) fn mac_reversed(&self) -> bool {
        self.version < [3, 0, 0]
    }

    /// Whether GET_IDX_BSSID answers the last octet first: all of Arduino's lines do.
    pub(crate) fn bssid_reversed(&self) -> bool {
        !self.arduino_esp32
    }

    /// Whether FIONBIO keeps a write to an accepted slot from waiting for its peer. Adafruit 3 waits
    /// in its own code.
    pub(crate) fn writes_can_be_unblocked(&self) -> bool {
        self.descriptors && !self.arduino_esp32
    }

    /// Whether AVAIL_DATA_TCP hands out new connections. Before Arduino 1.6.0 it names one that has
    /// unread data, new or not.
    pub(crate) fn accepts_silent(&self) -> bool {
        self.dns_config
    }

    /// How many slots there are, listeners included.
    pub(crate) fn slots(&self) -> u8 {
        if self.arduino_esp32 { 6 } else { 10 }
    }

    pub(crate) fn capabilities(&self) -> Capabilities {
        let capabilities = Capabilities::new(u16::from(self.slots()))
            .datagrams(DATAGRAM_MAX)
            .with(Features::TCP_CONNECT)
            .with(Features::TCP_LISTEN)
            .with(Features::UDP_SEND_TO)
            .with(Features::NAME_LOOKUP)
            .limited(Limits::RESET_READS_AS_END)
            .limited(Limits::PEER_END_ENDS_BOTH)
            .limited(Limits::LISTENER_KEEPS_PORT)
            .limited(Limits::CALLS_BLOCK_CHIP)
            .limited(Limits::DATAGRAM_BURST_LOST);
        let capabilities = if self.arduino_esp32 {
            capabilities
        } else {
            capabilities.limited(Limits::BACKLOG_OF_ONE)
        };
        let capabilities = if self.writes_can_be_unblocked() {
            capabilities
        } else {
            capabilities.limited(Limits::WRITE_CAN_STALL_CHIP)
        };
        let capabilities = if self.accepts_silent() {
            capabilities
        } else {
            capabilities.limited(Limits::ACCEPTED_AFTER_DATA)
        };
        if self.descriptors {
            capabilities.limited(Limits::CUT_DATAGRAM_UNTOLD)
        } else {
            capabilities
                .limited(Limits::CONNECT_ERRORS_UNTOLD)
                .limited(Limits::EMPTY_DATAGRAMS_LOST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_three_numbers_whatever_follows() {
        for (text, version) in [
            (&b"2.0.0\0"[..], [2, 0, 0]),
            (b"1.4.8\0", [1, 4, 8]),
            (b"3.3.0+git", [3, 3, 0]),
            (b"1.7\0junk", [1, 7, 0]),
            (b"", [0, 0, 0]),
            (b"x.y", [0, 0, 0]),
        ] {
            let mut firmware = Firmware::UNKNOWN;
            firmware.set_version(text);
            assert_eq!(firmware.version, version);
        }
    }
}
