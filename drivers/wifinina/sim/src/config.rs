//! What a simulated chip is to be like.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use netdev::Instant;

use crate::persona::Persona;

/// Takes one line of decoded traffic.
pub type Trace = Box<dyn FnMut(Instant, &str) + Send>;

/// Is told when the chip will next do something by itself.
pub type Alarm = Box<dyn FnMut(Instant) + Send>;

/// A chip and what surrounds it. [`Config::default`] is an Arduino 2.0.0 near one access point,
/// `test-ap` with the passphrase `test-pass`.
#[non_exhaustive]
pub struct Config {
    /// Which firmware.
    pub persona: &'static Persona,
    /// The networks that the radio hears, the strongest first.
    pub access_points: Vec<AccessPoint>,
    /// The chip's hardware address.
    pub mac: [u8; 6],
    /// From the rise of chip-select until READY falls, after a command and after a reply.
    pub turnaround: Duration,
    /// From the release of reset until the first command can come.
    pub boot: Duration,
    /// How long READY stays high while a join restarts the radio.
    pub restart: Duration,
    /// From the start of a join until the access point has let the station in, or has not.
    pub association: Duration,
    /// From association until the address is there.
    pub dhcp: Duration,
    /// From the loss of the link until the address is given up.
    pub address_kept: Duration,
    /// Length of a scan.
    pub scan: Duration,
    /// A scan finds nothing and says so as its firmware does: Adafruit 3.x with a count of 254 and
    /// nothing behind it, Arduino with a count of 0.
    pub scan_fails: bool,
    /// How long it takes to start an access point of one's own.
    pub access_point_start: Duration,
    /// How long a name server may stay silent.
    pub lookup_limit: Duration,
    /// Gateway and netmask that DHCP gives; `None` fits them to the stack's address.
    pub network: Option<(Ipv4Addr, Ipv4Addr)>,
    /// What answers `PING`, besides the chip's own address and the gateway, and how fast.
    pub pingable: Vec<(Ipv4Addr, Duration)>,
    /// Unix time at the platform's start; 0 is before the first SNTP answer.
    pub unix_time: u64,
    /// The chip sensor's reading.
    pub celsius: f32,
    /// Commands of a length that is no multiple of 4 lose their last partial word, as the
    /// slave's DMA may.
    pub lose_partial_word: bool,
    /// Gets a line for each command and its reply.
    pub trace: Option<Trace>,
    /// Gets the moment of the chip's next step whenever that changes, so that a virtual clock can
    /// wake whoever waits for a line (`VirtualClock::set_alarm`).
    pub alarm: Option<Alarm>,
}

impl Config {
    /// The default surroundings, and `persona`.
    #[must_use]
    pub fn new(persona: &'static Persona) -> Self {
        Self { persona, ..Self::default() }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            persona: &Persona::ARDUINO_2_0_0,
            access_points: vec![AccessPoint::new("test-ap", "test-pass")],
            mac: [0x24, 0x0A, 0xC4, 0x01, 0x02, 0x03],
            turnaround: Duration::from_micros(140),
            boot: Duration::from_millis(300),
            restart: Duration::from_millis(40),
            association: Duration::from_millis(80),
            dhcp: Duration::from_millis(40),
            address_kept: Duration::from_secs(120),
            scan: Duration::from_millis(2500),
            scan_fails: false,
            access_point_start: Duration::from_millis(200),
            lookup_limit: Duration::from_secs(7),
            network: None,
            pingable: Vec::new(),
            unix_time: 0,
            celsius: 53.5,
            lose_partial_word: true,
            trace: None,
            alarm: None,
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("persona", &self.persona.name)
            .field("access_points", &self.access_points)
            .field("mac", &self.mac)
            .field("turnaround", &self.turnaround)
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
