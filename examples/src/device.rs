//! Devices by name. The only place in the examples that knows which drivers there are.

use core::fmt;

use net::Netdev;
use net::link::{ConnectParams, NetlinkExt};
use netdev::StdPlatform;
use netdev_host::HostDevice;
use netdev_sim::{Loopback, Polarity, SpiBench};
use wifinina::{BusError, SpiPins, State, Wifinina};
use wifinina_sim::{Chip, Config, Persona};

use crate::options::Common;
use crate::{Failure, logging};

/// A device that is ready for use.
pub struct Device {
    /// The device itself.
    pub netdev: &'static dyn Netdev,
    counters: Box<dyn Fn() -> Vec<(&'static str, u64)> + Send + Sync>,
}

impl Device {
    /// What was counted so far, by name.
    #[must_use]
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        (self.counters)()
    }

    /// The address for a server: the device's own one, with this port.
    ///
    /// # Errors
    /// If the device has no address.
    pub fn listen_addr(&self, port: u16) -> Result<String, Failure> {
        let deadline = self.netdev.platform().now() + ADDRESS_TIME;
        let config = netdev::wait(self.netdev, || Some(deadline), || self.netdev.addr())?;
        Ok(core::net::SocketAddr::new(config.addr, port).to_string())
    }
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

/// Makes the device that the options name, joins its network, and registers it as the one behind
/// the free functions of `net`. Devices live as long as the program.
///
/// # Errors
/// A name that leads nowhere, a device that does not work, a network that does not let it in.
pub fn open(options: &Common) -> Result<Device, Failure> {
    logging::start(options.verbose);
    let device = match Kind::parse(&options.device)? {
        Kind::Host => host(options)?,
        Kind::Wifinina(persona) => wifinina(persona, options),
    };
    net::use_device(device.netdev);
    let ssid = options.ssid.as_deref().unwrap_or("test-ap");
    let passphrase = options.passphrase.as_deref().unwrap_or("test-pass");
    device
        .netdev
        .net_connect(&ConnectParams::new(ssid, passphrase))
        .map_err(|error| Failure::new(format_args!("network {ssid:?}: {error}")))?;
    Ok(device)
}

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Host,
    Wifinina(&'static Persona),
}

impl Kind {
    /// `host`, `wifinina`, `wifinina?persona=2.0.0`.
    fn parse(url: &str) -> Result<Self, Failure> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (name, place) = place.split_once(':').unwrap_or((place, ""));
        let fail = |why: String| Err(Failure::usage(format_args!("--device {url}: {why}")));
        match name {
            "host" | "wifinina" if !place.is_empty() => {
                fail(format!("{name} cannot be reached through {place:?}; leave it out"))
            }
            "host" if query.is_empty() => Ok(Self::Host),
            "host" => fail("host takes no settings".to_owned()),
            "wifinina" => persona(query).map(Self::Wifinina).or_else(fail),
            "espat" | "rtl8720dn" | "smoltcp" => fail(format!("no driver for {name} yet")),
            _ => fail("unknown device; there are host and wifinina".to_owned()),
        }
    }
}

/// `persona=` and a firmware, by its full name or by its version alone.
fn persona(query: &str) -> Result<&'static Persona, String> {
    if query.is_empty() {
        return Ok(&Persona::ARDUINO_2_0_0);
    }
    let Some(wanted) = query.strip_prefix("persona=") else {
        return Err(format!("unknown setting {query:?}; wifinina takes persona=VERSION"));
    };
    let found = Persona::ALL.into_iter().find(|it| it.name == wanted || it.version == wanted);
    found.ok_or_else(|| {
        let known: Vec<&str> = Persona::ALL.iter().map(|it| it.version).collect();
        format!("unknown firmware {wanted:?}; there are {}", known.join(", "))
    })
}

fn host(options: &Common) -> Result<Device, Failure> {
    if options.trace {
        return Err(Failure::usage("--trace: the host device has no bus to look at"));
    }
    let host: &'static HostDevice = Box::leak(Box::new(HostDevice::new()?));
    let counters = || {
        let stats = host.stats();
        vec![
            ("sockets open", stats.open),
            ("sockets opened", stats.opened),
            ("system polls", stats.polls),
        ]
    };
    Ok(Device { netdev: host, counters: Box::new(counters) })
}

/// The driver on a simulated bus to a simulated chip, which has this PC's network behind it.
fn wifinina(persona: &'static Persona, options: &Common) -> Device {
    let mut config = Config::new(persona);
    if options.trace {
        config.trace = Some(Box::new(|at, line| eprintln!("{at} {line}")));
    }
    let chip = Chip::new(config, Box::new(Loopback::new().allow_outside()));
    let monitor = chip.monitor();
    let clock = StdPlatform::new();
    let bench = SpiBench::new(chip, clock, BUS_HZ);
    let pins = SpiPins::new(
        bench.bus(),
        bench.chip_select(),
        bench.ready(),
        bench.reset(Polarity::ActiveLow),
        Gpio0(bench.gpio0()),
    );
    let state = Box::leak(Box::new(State::new(pins)));
    let counters = move || {
        let counted = monitor.counters();
        vec![
            ("chip commands", counted.commands),
            ("bus bytes", counted.bytes),
            ("chip-select cycles", counted.cs_cycles),
            ("chip resets", counted.resets),
            ("offences against the firmware", counted.offences()),
        ]
    };
    Device {
        netdev: Box::leak(Box::new(Wifinina::new(state, clock))),
        counters: Box::new(counters),
    }
}

/// GPIO0 of the simulated bus, as the driver wants it.
struct Gpio0(netdev_sim::Gpio0);

impl wifinina::Gpio0 for Gpio0 {
    fn drive_high(&mut self) -> Result<(), BusError> {
        self.0.drive(true).map_err(|_| BusError)
    }

    fn release(&mut self) -> Result<(), BusError> {
        self.0.release().map_err(|_| BusError)
    }

    fn is_high(&mut self) -> Result<Option<bool>, BusError> {
        self.0.level().map(Some).map_err(|_| BusError)
    }
}

/// As the firmware's makers recommend.
const BUS_HZ: u32 = 8_000_000;

/// How long a device that has joined may take to tell its address.
const ADDRESS_TIME: core::time::Duration = core::time::Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        Kind::parse(url).unwrap_err().to_string()
    }

    #[test]
    fn names_lead_to_devices() {
        assert!(matches!(Kind::parse("host"), Ok(Kind::Host)));
        for url in ["wifinina", "wifinina?persona=2.0.0", "wifinina?persona=arduino-2.0.0"] {
            let Ok(Kind::Wifinina(persona)) = Kind::parse(url) else { panic!("{url}") };
            assert_eq!(persona.version, "2.0.0");
        }
    }

    #[test]
    fn other_names_are_refused_in_one_line_that_says_why() {
        assert!(refusal("toaster").contains("unknown device"));
        assert!(refusal("wifinina?persona=9").contains("2.0.0"));
        assert!(refusal("wifinina?speed=9").contains("unknown setting"));
        assert!(refusal("wifinina:tcp://127.0.0.1:7701").contains("tcp://127.0.0.1:7701"));
        assert!(refusal("espat:/dev/ttyUSB0?baud=115200").contains("no driver for espat"));
        assert!(refusal("host?x=1").contains("no settings"));
    }
}
