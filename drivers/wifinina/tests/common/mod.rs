//! A driver on a simulated bus to a simulated chip.
#![allow(dead_code, reason = "each test file uses a part of it")]

use netdev::{Instant, Netdev, Network, Platform, wait};
use netdev_sim::{ChipSelect, Pace, Polarity, ReadyLine, ResetLine, SimSpi, SpiBench, Stack};
use wifinina::{BusError, SpiPins, State, Wifinina};
use wifinina_sim::{Chip, Config, Monitor};

/// GPIO0 of the bench as the driver wants it.
pub(crate) struct Gpio0(netdev_sim::Gpio0);

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

pub(crate) type Pins = SpiPins<SimSpi, ChipSelect, ReadyLine, ResetLine, Gpio0>;

/// A chip in reach of `test-ap`, its bus, and the device on it.
pub(crate) struct Rig<P: Platform + 'static> {
    pub(crate) device: &'static Wifinina<'static, Pins, P>,
    pub(crate) bench: SpiBench,
    pub(crate) monitor: Monitor,
}

impl<P: Platform + Pace + Clone + 'static> Rig<P> {
    pub(crate) fn new(config: Config, stack: impl Stack + 'static, clock: P) -> Self {
        let chip = Chip::new(config, Box::new(stack));
        let monitor = chip.monitor();
        let bench = SpiBench::new(chip, clock.clone(), 8_000_000);
        let pins = SpiPins::new(
            bench.bus(),
            bench.chip_select(),
            bench.ready(),
            bench.reset(Polarity::ActiveLow),
            Gpio0(bench.gpio0()),
        );
        let state = Box::leak(Box::new(State::new(pins)));
        let device = Box::leak(Box::new(Wifinina::new(state, clock)));
        Self { device, bench, monitor }
    }

    /// A deadline this many milliseconds from now.
    pub(crate) fn in_ms(&self, ms: u64) -> impl Fn() -> Option<Instant> + use<P> {
        let at = self.device.platform().now() + core::time::Duration::from_millis(ms);
        move || Some(at)
    }

    /// Joins the default network.
    pub(crate) fn joined(self) -> Self {
        let link = self.device.netlink().unwrap();
        let network = Network::wifi("test-ap", "test-pass");
        wait(self.device, self.in_ms(5_000), || link.join(&network)).unwrap();
        self
    }

    /// Nothing happened that the real firmware would choke on.
    pub(crate) fn assert_faultless(&self) {
        let offences = self.monitor.counters().offence_list();
        let found: Vec<_> = offences.iter().filter(|(_, count)| *count > 0).collect();
        assert!(found.is_empty(), "the chip was given what it chokes on: {found:?}");
    }
}
