//! The WiFiNINA driver: a simulated chip, or one behind a tunnel.

use net::Netdev;
use netdev::StdPlatform;
use netdev_sim::{Loopback, Polarity, SpiBench, Vcd, tunnel};
use wifinina::{BusError, OpenDrain, SpiLink, SpiPins, State, Wifinina};
use wifinina_sim::{Chip, Config, Persona};

use super::url::{Place, Url};
use super::{Device, no_bus_here, recording};
use crate::Failure;
use crate::options::Common;

pub(super) fn open(mut url: Url<'_>, options: &Common) -> Result<Device, Failure> {
    match url.place() {
        Place::Inside => {
            let persona = persona(&mut url)?;
            url.end("wifinina takes persona=VERSION")?;
            simulated(persona, options)
        }
        Place::Tunnel(addr) => {
            url.end("the firmware behind a tunnel is chosen there")?;
            tunnel(addr, options)
        }
        Place::Port(port) => {
            Err(url
                .refuse(format_args!("wifinina cannot be reached through {port:?}; leave it out")))
        }
    }
}

/// A firmware, by its full name or by its version alone.
fn persona(url: &mut Url<'_>) -> Result<&'static Persona, Failure> {
    let Some(wanted) = url.setting("persona") else { return Ok(&Persona::ARDUINO_2_0_0) };
    let found = Persona::ALL.into_iter().find(|it| it.name == wanted || it.version == wanted);
    found.ok_or_else(|| url.unknown_firmware(wanted, Persona::ALL.iter().map(|it| it.version)))
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
fn simulated(persona: &'static Persona, options: &Common) -> Result<Device, Failure> {
    let mut config = Config::new(persona);
    if options.trace {
        config.trace = Some(Box::new(netdev_sim::on_stderr));
    }
    let chip = Chip::new(config, Box::new(Loopback::new().allow_outside()));
    let monitor = chip.monitor();
    let clock = StdPlatform::new();
    let bench = SpiBench::new(chip, clock, BUS_HZ);
    if let Some(path) = &options.vcd {
        let recording = Vcd::new(recording(path)?)?;
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
