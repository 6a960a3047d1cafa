//! The WiFiNINA driver on a simulated bus to its simulated firmware, with wires that fail.
#![allow(dead_code, reason = "each test uses a part of it")]

use core::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use net::Netdev;
use net::link::ConnectParams;
use netdev_sim::{
    BusFault, ChipSelect, Polarity, ReadyLine, ResetLine, SimSpi, SpiBench, VirtualClock,
};
use wifinina::{BusError, SpiLink, SpiPins, State, Wifinina};
use wifinina_sim::{AccessPoint, Chip, Config, Monitor};

use crate::rig::{CHIP, Watched, World};

pub(crate) const HOME: ConnectParams<'static> = ConnectParams::new("test-ap", "test-pass");

struct Gpio0(netdev_sim::Gpio0);

impl wifinina::Gpio0 for Gpio0 {
    fn drive_high(&mut self) -> Result<(), BusError> {
        self.0.drive(true).map_err(|_: BusFault| BusError)
    }

    fn release(&mut self) -> Result<(), BusError> {
        self.0.release().map_err(|_: BusFault| BusError)
    }

    fn is_high(&mut self) -> Result<Option<bool>, BusError> {
        self.0.level().map(Some).map_err(|_: BusFault| BusError)
    }
}

/// What happens on the wires.
#[derive(Default)]
pub(crate) struct Wires {
    /// The chip neither answers nor becomes ready.
    pub(crate) dead: bool,
    /// Commands so far, and before which one the chip reboots by itself.
    pub(crate) commands: u32,
    pub(crate) reboot_before: Option<u32>,
}

/// The lines to the chip.
struct Link {
    pins: SpiPins<SimSpi, ChipSelect, ReadyLine, ResetLine, Gpio0>,
    /// The same reset line, pulled by something else than the driver.
    brown_out: ResetLine,
    wires: Arc<Mutex<Wires>>,
    resets: Arc<AtomicU32>,
}

impl SpiLink for Link {
    fn select(&mut self) -> Result<(), BusError> {
        let mut wires = self.wires.lock().unwrap();
        wires.commands += 1;
        let now = wires.commands;
        if wires.reboot_before.take_if(|at| *at <= now).is_some() {
            use embedded_hal::digital::OutputPin;
            self.brown_out.set_low().map_err(|_: BusFault| BusError)?;
            self.brown_out.set_high().map_err(|_: BusFault| BusError)?;
        }
        drop(wires);
        self.pins.select()
    }

    fn deselect(&mut self) -> Result<(), BusError> {
        self.pins.deselect()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BusError> {
        self.pins.write(bytes)
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), BusError> {
        self.pins.read(bytes)
    }

    fn busy(&mut self) -> Result<bool, BusError> {
        Ok(self.pins.busy()? || self.wires.lock().unwrap().dead)
    }

    fn data_ready(&mut self) -> Result<Option<bool>, BusError> {
        self.pins.data_ready()
    }

    fn set_reset(&mut self, asserted: bool) -> Result<(), BusError> {
        if asserted {
            self.resets.fetch_add(1, Ordering::Relaxed);
            // What ails it, a reset mends.
            self.wires.lock().unwrap().dead = false;
        }
        self.pins.set_reset(asserted)
    }

    fn set_boot_strap(&mut self, driven_high: bool) -> Result<(), BusError> {
        self.pins.set_boot_strap(driven_high)
    }
}

pub(crate) struct Nina {
    pub(crate) world: World,
    pub(crate) device: &'static dyn Netdev,
    pub(crate) monitor: Monitor,
    pub(crate) wires: Arc<Mutex<Wires>>,
    /// Resets by the driver.
    pub(crate) resets: Arc<AtomicU32>,
}

impl Nina {
    pub(crate) fn new(config: Config) -> Self {
        let world = World::new();
        let chip = Chip::new(config, Box::new(world.internet.node(CHIP)));
        let monitor = chip.monitor();
        let bench = SpiBench::new(chip, world.clock.clone(), 8_000_000);
        let (wires, resets) = (Arc::<Mutex<Wires>>::default(), Arc::<AtomicU32>::default());
        let link = Link {
            pins: SpiPins::new(
                bench.bus(),
                bench.chip_select(),
                bench.ready(),
                bench.reset(Polarity::ActiveLow),
                Gpio0(bench.gpio0()),
            ),
            brown_out: bench.reset(Polarity::ActiveLow),
            wires: wires.clone(),
            resets: resets.clone(),
        };
        let state = Box::leak(Box::new(State::new(link)));
        let device: &'static Wifinina<'static, Link, VirtualClock> =
            Box::leak(Box::new(Wifinina::new(state, world.clock.clone())));
        Self { world, device, monitor, wires, resets }
    }

    pub(crate) fn watched(&self) -> Watched {
        Watched::new(self.device, HOME).up()
    }

    pub(crate) fn set_networks(&self, names: &[(&str, &str)]) {
        let list = names.iter().map(|(ssid, passphrase)| AccessPoint::new(ssid, passphrase));
        self.monitor.set_access_points(list.collect());
    }
}
