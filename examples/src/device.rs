//! Devices by name. The only place in the examples that knows which drivers there are.

use core::fmt;
use std::fs::File;

use net::Netdev;
use net::link::{ConnectParams, NetlinkExt};
use netdev::StdPlatform;
use netdev_host::HostDevice;
use netdev_sim::{Loopback, Polarity, SpiBench, Vcd, tunnel};
use wifinina::{BusError, OpenDrain, SpiLink, SpiPins, State, Wifinina};
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
        Kind::Wifinina(persona) => wifinina(persona, options)?,
        Kind::Tunnel(addr) => tunnel(addr, options)?,
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
enum Kind<'u> {
    Host,
    Wifinina(&'static Persona),
    Tunnel(&'u str),
}

impl<'u> Kind<'u> {
    /// `host`, `wifinina`, `wifinina?persona=2.0.0`, `wifinina:tcp://127.0.0.1:7701`.
    fn parse(url: &'u str) -> Result<Self, Failure> {
        let (place, query) = url.split_once('?').unwrap_or((url, ""));
        let (name, place) = place.split_once(':').unwrap_or((place, ""));
        let fail = |why: String| Err(Failure::usage(format_args!("--device {url}: {why}")));
        if let ("wifinina", Some(addr)) = (name, place.strip_prefix("tcp://")) {
            return match query {
                "" => Ok(Self::Tunnel(addr)),
                _ => fail("the firmware behind a tunnel is chosen there".to_owned()),
            };
        }
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
    no_bus_here(options, "the host device has none")?;
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

/// Options that look at a bus make no sense where there is none.
fn no_bus_here(options: &Common, why: &str) -> Result<(), Failure> {
    let wanted = [("--trace", options.trace), ("--vcd", options.vcd.is_some())];
    match wanted.into_iter().find(|(_, wanted)| *wanted) {
        Some((option, _)) => {
            Err(Failure::usage(format_args!("{option} looks at a simulated bus, and {why}")))
        }
        None => Ok(()),
    }
}

/// The driver on a bus at the other end of a tunnel.
fn tunnel(addr: &str, options: &Common) -> Result<Device, Failure> {
    no_bus_here(options, "this one is at the other end: wifinina-sim has the same option")?;
    let client = tunnel::Client::connect(addr)
        .map_err(|error| Failure::new(format_args!("--device wifinina:tcp://{addr}: {error}")))?;
    let pins = SpiPins::new(
        client.bus(),
        client.chip_select(),
        client.ready(),
        client.reset(Polarity::ActiveLow),
        OpenDrain::new(client.gpio0()),
    );
    Ok(Device { netdev: on(pins, StdPlatform::new()), counters: Box::new(Vec::new) })
}

/// The driver on these lines, for as long as the program runs.
fn on(link: impl SpiLink + 'static, clock: StdPlatform) -> &'static dyn Netdev {
    let state = Box::leak(Box::new(State::new(link)));
    Box::leak(Box::new(Wifinina::new(state, clock)))
}

/// The driver on a simulated bus to a simulated chip, which has this PC's network behind it.
fn wifinina(persona: &'static Persona, options: &Common) -> Result<Device, Failure> {
    let mut config = Config::new(persona);
    if options.trace {
        config.trace = Some(Box::new(|at, line| eprintln!("{at} {line}")));
    }
    let chip = Chip::new(config, Box::new(Loopback::new().allow_outside()));
    let monitor = chip.monitor();
    let clock = StdPlatform::new();
    let bench = SpiBench::new(chip, clock, BUS_HZ);
    if let Some(path) = &options.vcd {
        let recording = File::create(path).and_then(Vcd::new);
        let recording = recording
            .map_err(|error| Failure::new(format_args!("--vcd {}: {error}", path.display())))?;
        bench.observe(Box::new(recording));
    }
    let pins = SpiPins::new(
        bench.bus(),
        bench.chip_select(),
        bench.ready(),
        bench.reset(Polarity::ActiveLow),
        Gpio0(bench.gpio0()),
    );
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
    Ok(Device { netdev: on(pins, clock), counters: Box::new(counters) })
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
    fn a_chip_behind_a_tunnel_has_an_address() {
        let Ok(Kind::Tunnel(addr)) = Kind::parse("wifinina:tcp://127.0.0.1:7701") else { panic!() };
        assert_eq!(addr, "127.0.0.1:7701");
    }

    #[test]
    fn other_names_are_refused_in_one_line_that_says_why() {
        assert!(refusal("toaster").contains("unknown device"));
        assert!(refusal("wifinina?persona=9").contains("2.0.0"));
        assert!(refusal("wifinina?speed=9").contains("unknown setting"));
        assert!(refusal("wifinina:/dev/spidev0").contains("leave it out"));
        assert!(refusal("wifinina:tcp://127.0.0.1:1?persona=2.0.0").contains("chosen there"));
        assert!(refusal("espat:/dev/ttyUSB0?baud=115200").contains("no driver for espat"));
        assert!(refusal("host?x=1").contains("no settings"));
    }
}
