//! What a simulated chip is to be like.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;

use crate::faults::FaultRates;
use crate::mbedtls::TlsPeer;
use crate::persona::Persona;

/// Takes one line of decoded traffic.
pub type Trace = Box<dyn FnMut(Instant, &str) + Send>;

/// A chip and what surrounds it. [`Config::default`] is a 2.1.3 near one access point, `test-ap`
/// with the passphrase `test-pass`.
#[non_exhaustive]
pub struct Config {
    /// Which firmware.
    pub persona: &'static Persona,
    /// The networks that the radio hears, the strongest first.
    pub access_points: Vec<AccessPoint>,
    /// The chip's hardware address.
    pub mac: [u8; 6],
    /// How long the server task sleeps when it finds no bytes, and after each message.
    pub tick: Duration,
    /// From the last byte of a request to the first of its reply, if nothing has to be waited for.
    pub call: Duration,
    /// Between the header of a frame that the chip sends and its body.
    pub gap: Duration,
    /// From the rise of `CHIP_PU` until the UART opens. What comes in before is lost.
    pub boot: Duration,
    /// The chip has had power for a while: it is ready at the start, and boots only when it is
    /// switched off and on.
    pub booted: bool,
    /// From the opening of the UART until the services are there: frames are read, and unknown.
    pub registration: Duration,
    /// What the boot ROM leaves on the line before the UART opens.
    pub boot_garbage: Vec<u8>,
    /// How long it takes to start or stop the radio.
    pub radio: Duration,
    /// From the start of a join until the access point has let the station in.
    pub association: Duration,
    /// From the start of a join until it has failed.
    pub failed_join: Duration,
    /// How long the address takes.
    pub dhcp: Duration,
    /// How long the chip waits for an address before it takes 192.168.1.80.
    pub dhcp_limit: Duration,
    /// No DHCP server answers. See [`Monitor::set_dhcp`](crate::Monitor::set_dhcp).
    pub dhcp_is_silent: bool,
    /// Length of a scan.
    pub scan: Duration,
    /// How long it takes to start an access point of one's own.
    pub access_point_start: Duration,
    /// How long the name servers may stay silent.
    pub lookup_limit: Duration,
    /// How long a connection attempt may take.
    pub connect_limit: Duration,
    /// Between two looks of the IP task at what lies behind it, while a call waits for that; in long
    /// waits up to four times as much.
    pub look: Duration,
    /// Gateway and netmask that DHCP gives; `None` fits them to the stack's address.
    pub network: Option<(Ipv4Addr, Ipv4Addr)>,
    /// What answers an echo request, besides the chip's own address and the gateway, and how fast.
    pub pingable: Vec<(Ipv4Addr, Duration)>,
    /// Bytes 1 to 3 of an event, which nobody sets.
    pub event_garbage: [u8; 3],
    /// `STA_CONNECTED` follows the reply to `wifi_connect` instead of preceding it.
    pub late_connected_event: bool,
    /// What kills the real chip (an empty `bin`, a wild pointer) is counted and stays unanswered,
    /// and the chip lives on.
    pub immortal: bool,
    /// What a TLS client meets; there is no TLS in the model.
    pub tls: TlsPeer,
    /// What goes wrong by itself.
    pub faults: FaultRates,
    /// Gets a line for each call and its reply, and for all that goes wrong.
    pub trace: Option<Trace>,
}

impl Config {
    /// The default surroundings, and `persona`.
    #[must_use]
    pub fn new(persona: &'static Persona) -> Self {
        Self { persona, ..Self::default() }
    }

    /// The same, with a server task that neither sleeps nor works longer than `call` a call.
    #[must_use]
    pub fn brisk(mut self, call: Duration) -> Self {
        self.tick = Duration::ZERO;
        self.call = call;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            persona: &Persona::SEEED_2_1_3,
            access_points: vec![AccessPoint::new("test-ap", "test-pass")],
            mac: [0x2C, 0xF7, 0xF1, 0x00, 0x00, 0x01],
            tick: Duration::from_millis(1),
            call: Duration::from_micros(200),
            gap: Duration::ZERO,
            boot: Duration::from_millis(300),
            booted: false,
            registration: Duration::from_millis(5),
            boot_garbage: Vec::new(),
            radio: Duration::from_millis(100),
            association: Duration::from_millis(200),
            failed_join: Duration::from_millis(500),
            dhcp: Duration::from_millis(50),
            dhcp_limit: Duration::from_secs(62),
            dhcp_is_silent: false,
            scan: Duration::from_millis(2500),
            access_point_start: Duration::from_millis(300),
            lookup_limit: Duration::from_secs(14),
            connect_limit: Duration::from_secs(18),
            look: Duration::from_micros(250),
            network: None,
            pingable: Vec::new(),
            event_garbage: [0x42, 0x22, 0xF7],
            late_connected_event: false,
            immortal: false,
            tls: TlsPeer::default(),
            faults: FaultRates::default(),
            trace: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("persona", &self.persona.name)
            .field("access_points", &self.access_points)
            .field("mac", &self.mac)
            .field("tick", &self.tick)
            .field("call", &self.call)
            .finish_non_exhaustive()
    }
}

/// A network in reach.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessPoint {
    /// Its name; an empty one is a hidden network.
    pub ssid: String,
    /// Its passphrase; an empty one is an open network.
    pub passphrase: String,
    /// Its hardware address.
    pub bssid: [u8; 6],
    /// Its channel; above 14 it is in the 5 GHz band.
    pub channel: u8,
    /// How strong it is here, in dBm.
    pub rssi: i16,
}

impl AccessPoint {
    /// A network of that name, WPA2 or, if the passphrase is empty, open.
    #[must_use]
    pub fn new(ssid: &str, passphrase: &str) -> Self {
        Self {
            ssid: ssid.into(),
            passphrase: passphrase.into(),
            bssid: [0x02, 0x00, 0x5E, 0x10, 0x20, 0x30],
            channel: 6,
            rssi: -42,
        }
    }

    /// The firmware's number for the kind of protection.
    pub(crate) fn security(&self) -> u32 {
        if self.passphrase.is_empty() { 0 } else { 0x0040_0004 }
    }
}
