//! What a simulated modem is to be like.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;

use crate::faults::FaultRates;
use crate::persona::Persona;

/// Takes one line of decoded traffic.
pub type Trace = Box<dyn FnMut(Instant, &str) + Send>;

/// A modem and what surrounds it. [`Config::default`] is a 4.1 near one access point, `test-ap`
/// with the passphrase `test-pass`.
#[non_exhaustive]
pub struct Config {
    /// Which firmware.
    pub persona: &'static Persona,
    /// The networks that the radio hears, the strongest first.
    pub access_points: Vec<AccessPoint>,
    /// A network and passphrase that were joined and stored before: it is joined at start.
    pub stored: Option<(String, String)>,
    /// The station's hardware address; the access point's is the next one.
    pub mac: [u8; 6],
    /// From the end of a command, or of a payload, until it is answered.
    pub latency: Duration,
    /// From power or reset until `ready`.
    pub boot: Duration,
    /// From the start of a join until the access point has let the station in, or has not.
    pub association: Duration,
    /// From association until the address is there.
    pub dhcp: Duration,
    /// Length of a scan.
    pub scan: Duration,
    /// When a connect that nobody answers has failed, if the command does not say.
    pub connect_limit: Duration,
    /// How long a name server may stay silent.
    pub lookup_limit: Duration,
    /// From the start of SNTP until the time is there.
    pub sntp: Duration,
    /// How often the network is looked at while something is open.
    pub poll: Duration,
    /// Gateway and netmask that DHCP gives; `None` fits them to the stack's address.
    pub network: Option<(Ipv4Addr, Ipv4Addr)>,
    /// What answers `AT+PING`, besides the modem's own address and the gateway, and how fast.
    pub pingable: Vec<(Ipv4Addr, Duration)>,
    /// Unix time at the platform's start, for SNTP; `None`: no time server answers.
    pub unix_time: Option<u64>,
    /// The rate that is stored for the UART.
    pub baud: u32,
    /// What counts as one received chunk.
    pub chunks: Chunks,
    /// Most bytes that one call of `transmit` gives; `None`: as many as fit.
    pub pieces: Option<usize>,
    /// What is a race in the firmware follows from this number; `None`: the usual order.
    pub races: Option<u64>,
    /// Mischief by chance, from `fault_seed`.
    pub faults: FaultRates,
    /// What the faults follow from.
    pub fault_seed: u64,
    /// How long a delayed prompt, a stall or a silence lasts.
    pub fault_time: Duration,
    /// Gets a line for each command, each literal, and what becomes of payload.
    pub trace: Option<Trace>,
}

/// What the firmware takes as one chunk of input: chunks have a meaning in the protocol.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunks {
    /// A call with several bytes is a chunk; single bytes are gathered as [`Line`](Self::Line)
    /// does. Fits a paced line as well as a socket.
    Auto,
    /// Each call is a chunk.
    Calls,
    /// As the UART's interrupt does it: 120 bytes, or what comes before a pause of ten bytes.
    Line,
}

impl Config {
    /// The default surroundings, and `persona`.
    #[must_use]
    pub fn new(persona: &'static Persona) -> Self {
        Self { persona, boot: persona.boot, ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            persona: &Persona::V4_1,
            access_points: vec![AccessPoint::new("test-ap", "test-pass")],
            stored: None,
            mac: [0x24, 0x0A, 0xC4, 0x01, 0x02, 0x04],
            latency: Duration::from_millis(1),
            boot: Persona::V4_1.boot,
            association: Duration::from_millis(80),
            dhcp: Duration::from_millis(40),
            scan: Duration::from_millis(1500),
            connect_limit: Duration::from_secs(18),
            lookup_limit: Duration::from_secs(7),
            sntp: Duration::from_millis(200),
            poll: Duration::from_millis(1),
            network: None,
            pingable: Vec::new(),
            unix_time: None,
            baud: 115_200,
            chunks: Chunks::Auto,
            pieces: None,
            races: None,
            faults: FaultRates::default(),
            fault_seed: 1,
            fault_time: Duration::from_millis(500),
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
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

/// A network in reach.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessPoint {
    /// Its name.
    pub ssid: String,
    /// Its passphrase; an empty one is an open network.
    pub passphrase: String,
    /// Its hardware address.
    pub bssid: [u8; 6],
    /// Its channel.
    pub channel: u8,
    /// How strong it is here, in dBm.
    pub rssi: i32,
}

impl AccessPoint {
    /// A network of that name, open if the passphrase is empty.
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
}
