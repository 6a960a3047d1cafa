//! What the firmware keeps: in memory until the next start, and in flash.

use core::net::Ipv4Addr;

use crate::config::Config;
use crate::wifi::IpInfo;

/// Settings that `AT+SYSSTORE=1` writes to flash.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) wifi_mode: u8,
    pub(crate) station: Option<Credentials>,
    pub(crate) soft_ap: SoftAp,
    /// Bit 0: the station asks for its address; bit 1: the access point gives them.
    pub(crate) dhcp: u8,
    pub(crate) static_address: Option<IpInfo>,
    pub(crate) ap_address: IpInfo,
    /// Set by hand; empty: from DHCP.
    pub(crate) dns: Vec<Ipv4Addr>,
    pub(crate) sysmsg: u8,
    pub(crate) ipv6: bool,
    pub(crate) station_mac: [u8; 6],
    pub(crate) ap_mac: [u8; 6],
    /// Seconds between attempts to join again, and how many; 0: none, and without end.
    pub(crate) reconnect: (u64, u32),
    pub(crate) leases: (u32, Ipv4Addr, Ipv4Addr),
    pub(crate) country: (u8, String, u8, u8),
}

/// What a station needs to join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ssid: Vec<u8>,
    pub(crate) passphrase: Vec<u8>,
    pub(crate) bssid: Option<[u8; 6]>,
    pub(crate) options: [i64; 4],
}

#[derive(Clone, Debug)]
pub(crate) struct SoftAp {
    pub(crate) ssid: Vec<u8>,
    pub(crate) passphrase: Vec<u8>,
    pub(crate) channel: u8,
    pub(crate) encryption: u8,
    pub(crate) limit: u8,
    pub(crate) hidden: u8,
}

/// `AT+UART`: as the command has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uart {
    pub(crate) baud: u32,
    pub(crate) data: u8,
    pub(crate) stop: u8,
    pub(crate) parity: u8,
    /// Bit 0: RTS; bit 1: CTS.
    pub(crate) flow: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Nvs {
    pub(crate) stored: Stored,
    pub(crate) uart: Uart,
    pub(crate) auto_connect: bool,
    factory: Box<(Stored, Uart)>,
}

impl Nvs {
    pub(crate) fn factory(config: &Config) -> Self {
        let [a, b, c, d, e, f] = config.mac;
        let stored = Stored {
            wifi_mode: config.persona.factory_mode,
            station: None,
            soft_ap: SoftAp {
                ssid: format!("ESP_{d:02X}{e:02X}{f:02X}").into_bytes(),
                passphrase: Vec::new(),
                channel: 1,
                encryption: 0,
                limit: 4,
                hidden: 0,
            },
            dhcp: 3,
            static_address: None,
            ap_address: IpInfo {
                addr: Ipv4Addr::new(192, 168, 4, 1),
                gateway: Ipv4Addr::new(192, 168, 4, 1),
                mask: Ipv4Addr::new(255, 255, 255, 0),
            },
            dns: Vec::new(),
            sysmsg: 0,
            ipv6: false,
            station_mac: config.mac,
            ap_mac: [a, b, c, d, e, f.wrapping_add(1)],
            reconnect: (1, 0),
            leases: (120, Ipv4Addr::new(192, 168, 4, 2), Ipv4Addr::new(192, 168, 4, 101)),
            country: (0, "CN".into(), 1, 13),
        };
        let uart = Uart { baud: config.baud, data: 8, stop: 1, parity: 0, flow: 0 };
        let factory = Box::new((stored.clone(), uart));
        let mut nvs = Self { stored, uart, auto_connect: true, factory };
        if let Some((ssid, passphrase)) = &config.stored {
            nvs.stored.wifi_mode = 1;
            nvs.stored.station = Some(Credentials {
                ssid: ssid.clone().into_bytes(),
                passphrase: passphrase.clone().into_bytes(),
                bssid: None,
                options: [0; 4],
            });
        }
        nvs
    }

    pub(crate) fn wipe(&mut self) {
        (self.stored, self.uart) = (*self.factory).clone();
        self.auto_connect = true;
    }
}

/// What a start forgets.
#[derive(Clone, Debug)]
pub(crate) struct Ram {
    pub(crate) echo: bool,
    pub(crate) multiple: bool,
    pub(crate) passthrough: bool,
    pub(crate) details: bool,
    pub(crate) syslog: bool,
    pub(crate) store: bool,
    pub(crate) sleep: u8,
    pub(crate) uart: Uart,
    pub(crate) server_limit: usize,
    pub(crate) server_timeout: u32,
    /// Report size and packet size of `AT+CIPSENDL`.
    pub(crate) long_report: usize,
    pub(crate) long_packet: usize,
    pub(crate) reconnect_interval: u32,
    pub(crate) persist: bool,
    pub(crate) host_name: Vec<u8>,
    /// `AT+CWLAPOPT`: sorted, fields, weakest signal, encryptions.
    pub(crate) scan: (bool, u32, i32, u32),
    /// The settings in force.
    pub(crate) stored: Stored,
}

impl Ram {
    pub(crate) fn new(nvs: &Nvs) -> Self {
        Self {
            echo: true,
            multiple: false,
            passthrough: false,
            details: false,
            syslog: false,
            store: true,
            sleep: 0,
            uart: nvs.uart,
            server_limit: 5,
            server_timeout: 180,
            long_report: 1024,
            long_packet: 2920,
            reconnect_interval: 1,
            persist: false,
            host_name: Vec::new(),
            scan: (true, u32::MAX, -100, u32::MAX),
            stored: nvs.stored.clone(),
        }
    }
}
