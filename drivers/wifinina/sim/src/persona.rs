//! What differs between the firmware lines and versions, as tables.

use core::ops::RangeInclusive;
use core::time::Duration;

/// One firmware: everything about it that a host can see and that is not the same everywhere.
#[derive(Debug)]
#[non_exhaustive]
pub struct Persona {
    /// The name that options and traces use, such as `arduino-2.0.0`.
    pub name: &'static str,
    /// What `GET_FW_VERSION` says, without the NUL.
    pub version: &'static str,
    /// Which sources the socket code comes from.
    pub core: Core,
    /// Opcodes with a handler; every other gives the error reply.
    pub commands: &'static [RangeInclusive<u8>],
    /// Slots, and lwIP sockets: the two numbers are the same in every line seen.
    pub sockets: u8,
    /// The lowest lwIP descriptor. The highest is 63.
    pub first_descriptor: u8,
    /// Byte 6 of `AVAIL_DATA_TCP` asks for the accept mode.
    pub accept_flag: bool,
    /// `START_SERVER_TCP` tells when the port is taken; before, it always answers 1.
    pub listen_reports_failure: bool,
    /// Connections that wait in a listener for being accepted.
    pub backlog: u8,
    /// `GET_MACADDR` sends the last octet first.
    pub mac_reversed: bool,
    /// `GET_CURR_BSSID` and `GET_IDX_BSSID` send the last octet first.
    pub bssid_reversed: bool,
    /// Bytes of `GET_TIME`: 4 or 8.
    pub time_bytes: u8,
    /// Bytes of `GET_ANALOG_READ`: 2 or 4.
    pub analog_bytes: u8,
    /// `GET_IDX_ENCT` sends the number that the SDK uses, not the host library's.
    pub raw_encryption: bool,
    /// `REQ_HOST_BY_NAME` forgets the last address before it asks.
    pub clears_resolved: bool,
    /// Networks that a scan reports at most.
    pub scan_limit: u8,
    /// Wi-Fi status after boot.
    pub boot_status: u8,
    /// Reason code after boot.
    pub boot_reason: u8,
    /// The status follows an access point of one's own (7, 8, 9).
    pub access_point_status: bool,
    /// How long the `GPIO0` updater sleeps after a look.
    pub tick: Duration,
    /// How long a connection attempt may take.
    pub connect_limit: Duration,
    /// How long a write waits for a peer that does not read; `None`: accepted sockets for ever.
    pub write_limit: Option<Duration>,
    /// Largest datagram that can be put together.
    pub datagram_buffer: usize,
}

/// The sources behind the socket commands.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Core {
    /// The classes of the Arduino firmware, over lwIP.
    Nina,
    /// The classes of arduino-esp32 (Adafruit 3.x).
    Esp32,
}

impl Persona {
    /// Arduino 2.0.0, the reference.
    pub const ARDUINO_2_0_0: Self = Self {
        name: "arduino-2.0.0",
        version: "2.0.0",
        core: Core::Nina,
        commands: &[
            0x10..=0x12,
            0x14..=0x1B,
            0x1E..=0x30,
            0x32..=0x37,
            0x39..=0x40,
            0x44..=0x46,
            0x50..=0x54,
            0x60..=0x67,
            0x70..=0x7F,
        ],
        sockets: 10,
        first_descriptor: 54,
        accept_flag: true,
        listen_reports_failure: true,
        backlog: 1,
        mac_reversed: true,
        bssid_reversed: true,
        time_bytes: 4,
        analog_bytes: 2,
        raw_encryption: false,
        clears_resolved: true,
        scan_limit: 10,
        boot_status: 0,
        boot_reason: 0,
        access_point_status: true,
        tick: Duration::from_millis(10),
        connect_limit: Duration::from_secs(18),
        write_limit: None,
        datagram_buffer: 1500,
    };

    /// Arduino 1.4.8: no accept flag, no descriptors for the host.
    pub const ARDUINO_1_4_8: Self = Self {
        name: "arduino-1.4.8",
        version: "1.4.8",
        commands: &[
            0x10..=0x12,
            0x14..=0x1B,
            0x1F..=0x30,
            0x32..=0x37,
            0x39..=0x40,
            0x44..=0x46,
            0x50..=0x54,
            0x60..=0x67,
        ],
        accept_flag: false,
        listen_reports_failure: false,
        ..Self::ARDUINO_2_0_0
    };

    /// Adafruit 1.7.7: the Arduino code of its time with Adafruit's certificate commands.
    pub const ADAFRUIT_1_7_7: Self = Self {
        name: "adafruit-1.7.7",
        version: "1.7.7",
        commands: &[
            0x10..=0x12,
            0x14..=0x1B,
            0x1F..=0x30,
            0x32..=0x37,
            0x39..=0x41,
            0x44..=0x46,
            0x4A..=0x4C,
            0x4F..=0x54,
            0x60..=0x66,
        ],
        analog_bytes: 4,
        ..Self::ARDUINO_1_4_8
    };

    /// Adafruit 3.3.0: rebuilt on arduino-esp32.
    pub const ADAFRUIT_3_3_0: Self = Self {
        name: "adafruit-3.3.0",
        version: "3.3.0",
        core: Core::Esp32,
        commands: &[
            0x10..=0x12,
            0x14..=0x1B,
            0x1E..=0x30,
            0x32..=0x37,
            0x39..=0x41,
            0x44..=0x46,
            0x4A..=0x4C,
            0x4F..=0x54,
            0x60..=0x66,
            0x70..=0x7F,
        ],
        sockets: 6,
        first_descriptor: 58,
        accept_flag: true,
        listen_reports_failure: true,
        backlog: 4,
        mac_reversed: false,
        bssid_reversed: false,
        time_bytes: 8,
        analog_bytes: 4,
        raw_encryption: true,
        clears_resolved: false,
        scan_limit: u8::MAX,
        boot_status: 254,
        boot_reason: 1,
        access_point_status: false,
        tick: Duration::ZERO,
        connect_limit: Duration::from_secs(3),
        write_limit: Some(Duration::from_secs(10)),
        datagram_buffer: 1460,
    };

    /// Every persona there is, the reference first.
    pub const ALL: [&'static Self; 4] =
        [&Self::ARDUINO_2_0_0, &Self::ARDUINO_1_4_8, &Self::ADAFRUIT_1_7_7, &Self::ADAFRUIT_3_3_0];

    /// The persona of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|persona| persona.name == name)
    }

    /// Whether `opcode` has a handler.
    #[must_use]
    pub fn has(&self, opcode: u8) -> bool {
        self.commands.iter().any(|range| range.contains(&opcode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_lacks_what_the_document_says_it_lacks() {
        for opcode in [0x13, 0x1C, 0x1D, 0x31, 0x38, 0x41, 0x4A, 0x55, 0x68, 0x00, 0x80] {
            assert!(!Persona::ARDUINO_2_0_0.has(opcode), "{opcode:#x}");
        }
        assert!(Persona::ARDUINO_2_0_0.has(0x7F) && !Persona::ARDUINO_1_4_8.has(0x7F));
        assert!(Persona::ARDUINO_2_0_0.has(0x1E) && !Persona::ARDUINO_1_4_8.has(0x1E));
    }

    #[test]
    fn personas_are_found_by_their_names() {
        for persona in Persona::ALL {
            assert_eq!(Persona::by_name(persona.name).map(|p| p.version), Some(persona.version));
        }
        assert!(Persona::by_name("arduino-9").is_none());
    }
}
