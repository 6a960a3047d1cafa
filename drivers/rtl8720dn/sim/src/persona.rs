//! What differs between the firmware versions, as a table.

use crate::idl::{WIFI_DRV, WIFI_TCPIP};

/// One firmware: everything about it that a host can see and that is not the same everywhere.
#[derive(Debug)]
#[non_exhaustive]
pub struct Persona {
    /// The name that options and traces use, such as `seeed-2.1.3`.
    pub name: &'static str,
    /// What `system_version` says.
    pub version: &'static str,
    /// The rate of the UART.
    pub baud: u32,
    /// There is a service `wifi_mdns`, number 18.
    pub mdns: bool,
    /// The number of the service `wifi_callback`: 19, or 18 before there was mDNS.
    pub callback_service: u8,
    /// `wifi_clear_reconnect_data` is there.
    pub clears_reconnect_data: bool,
    /// lwIP's raw TCP calls, `wifi_tcpip` 19 to 35, are there.
    pub raw_tcp: bool,
    /// `ip4addr_ntoa` and `inet_chksum` are there.
    pub address_helpers: bool,
    /// Addresses in replies have a length that nobody set, so they may be cut short (quirk 12).
    pub cuts_addresses: bool,
    /// A TLS handshake names the server (SNI) even without a certificate authority to check.
    pub always_names_server: bool,
}

impl Persona {
    /// 2.1.3, the reference.
    pub const SEEED_2_1_3: Self = Self {
        name: "seeed-2.1.3",
        version: "2.1.3",
        baud: 614_400,
        mdns: true,
        callback_service: 19,
        clears_reconnect_data: true,
        raw_tcp: true,
        address_helpers: true,
        cuts_addresses: true,
        always_names_server: false,
    };

    /// 2.1.2: the same with another version string.
    pub const SEEED_2_1_2: Self =
        Self { name: "seeed-2.1.2", version: "2.1.2", ..Self::SEEED_2_1_3 };

    /// 2.1.0: the fast UART, and addresses that are always whole.
    pub const SEEED_2_1_0: Self = Self {
        name: "seeed-2.1.0",
        version: "2.1.0",
        baud: 1_843_200,
        address_helpers: false,
        cuts_addresses: false,
        always_names_server: true,
        ..Self::SEEED_2_1_3
    };

    /// 2.0.4: no raw TCP yet.
    pub const SEEED_2_0_4: Self =
        Self { name: "seeed-2.0.4", version: "2.0.4", raw_tcp: false, ..Self::SEEED_2_1_0 };

    /// 2.0.1: no mDNS yet, so that callbacks are service 18.
    pub const SEEED_2_0_1: Self = Self {
        name: "seeed-2.0.1",
        version: "2.0.1",
        mdns: false,
        callback_service: 18,
        clears_reconnect_data: false,
        ..Self::SEEED_2_0_4
    };

    /// Every persona there is, the reference first.
    pub const ALL: [&'static Self; 5] = [
        &Self::SEEED_2_1_3,
        &Self::SEEED_2_1_2,
        &Self::SEEED_2_1_0,
        &Self::SEEED_2_0_4,
        &Self::SEEED_2_0_1,
    ];

    /// The persona of that name, or of that version.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|it| it.name == name || it.version == name)
    }

    /// Whether a method of a service that every version has is there in this one.
    pub(crate) fn has(&self, service: u8, method: u8) -> bool {
        match (service, method) {
            (WIFI_DRV, 63) => self.clears_reconnect_data,
            (WIFI_TCPIP, 19..=35) => self.raw_tcp,
            (WIFI_TCPIP, 36..) => self.address_helpers,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personas_are_found_by_name_and_by_version() {
        for persona in Persona::ALL {
            for name in [persona.name, persona.version] {
                assert_eq!(Persona::by_name(name).map(|it| it.name), Some(persona.name));
            }
        }
        assert!(Persona::by_name("seeed-9").is_none());
    }

    #[test]
    fn the_callback_service_has_a_number_of_its_own() {
        for persona in Persona::ALL {
            assert_eq!(persona.callback_service == 19, persona.mdns, "{}", persona.name);
        }
    }
}
