//! A driver on a simulated bus to a simulated chip.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests fail as tests do"
)]

pub(crate) mod lab;
pub(crate) mod net;

use core::time::Duration;

use std::sync::{Arc, Mutex};

use netdev::{Instant, Netdev, Network, Platform, wait};
use netdev_sim::{
    ChipSelect, OpenDrainGpio0, Pace, Polarity, ReadyLine, ResetLine, SimSpi, SpiBench, Stack,
};
use wifinina::{BusError, OpenDrain, SpiLink, SpiPins, State, Wifinina};
use wifinina_sim::{Chip, Config, Monitor};

type Pins = SpiPins<SimSpi, ChipSelect, ReadyLine, ResetLine, OpenDrain<OpenDrainGpio0>>;

/// What is wrong with the wires. All false and none: nothing.
#[derive(Default)]
pub(crate) struct Faults {
    /// READY reads as this level.
    pub(crate) ready_stuck: Option<bool>,
    /// READY sticks high once chip-select has risen: the chip is slow to answer.
    pub(crate) slow: bool,
    /// The host's end of chip-select is broken.
    pub(crate) bus_broken: bool,
    /// What happens to one byte that is read, after so many others.
    pub(crate) in_read: Option<(usize, Noise)>,
    /// The same for one that is written.
    pub(crate) in_write: Option<(usize, Noise)>,
    /// What happens at a chip-select cycle, after so many others.
    pub(crate) at_cycle: Option<(usize, Mishap)>,
    /// Chip-select cycles so far.
    pub(crate) cycles: usize,
    /// READY is high until then.
    late_until: Option<Instant>,
    /// Bytes read and written so far.
    pub(crate) read: usize,
    pub(crate) written: usize,
    /// Bytes that an inserted one has pushed behind the end of a read.
    pushed: Vec<u8>,
    /// Nothing but ones comes until chip-select rises.
    silent: bool,
}

/// What happens to the chip or to its lines at some step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mishap {
    /// READY stays at this level.
    Stuck(bool),
    /// The chip starts anew before the cycle, in it, or behind it.
    Reboot(When),
    /// The radio loses its access point.
    LinkDrop,
    /// READY takes this long to fall behind the cycle.
    Late(Duration),
    /// So many of these bytes come before those that are read.
    Garbage(usize, u8),
    /// No socket is left in the chip.
    Exhausted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    Inside,
    Behind,
}

/// What happens to a byte on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Noise {
    /// Bits are changed.
    Flip(u8),
    /// It is not there, and what follows moves up.
    Drop,
    /// It is there twice.
    Double,
    /// Another one comes before it.
    Insert(u8),
    /// From here until chip-select rises nothing but ones comes.
    Truncate,
}

impl Noise {
    /// The bytes as they come out, if it happens at this place of them.
    fn spoil(self, at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        match self {
            Self::Flip(bits) => out[at] ^= bits,
            Self::Drop => {
                out.remove(at);
            }
            Self::Double => out.insert(at, out[at]),
            Self::Insert(byte) => out.insert(at, byte),
            Self::Truncate => out[at..].fill(0xFF),
        }
        out
    }
}

/// The lines to the chip, with faults.
pub(crate) struct Link {
    pins: Pins,
    faults: Arc<Mutex<Faults>>,
    monitor: Monitor,
    clock: Box<dyn Platform + Send>,
}

impl Link {
    /// The mishap of the cycle that is next.
    fn mishap(&self) -> Option<Mishap> {
        let mut faults = self.faults.lock().unwrap();
        faults.cycles += 1;
        let (cycle, mishap) = faults.at_cycle?;
        if faults.cycles != cycle + 1 {
            return None;
        }
        match mishap {
            Mishap::Stuck(level) => faults.ready_stuck = Some(level),
            Mishap::LinkDrop => self.monitor.drop_link(200),
            Mishap::Garbage(count, byte) => faults.pushed = vec![byte; count],
            Mishap::Exhausted => self.monitor.exhaust_sockets(true),
            Mishap::Reboot(_) | Mishap::Late(_) => {}
        }
        Some(mishap)
    }

    fn reboot(&mut self) -> Result<(), BusError> {
        self.pins.set_reset(true)?;
        self.pins.set_reset(false)
    }
}

impl SpiLink for Link {
    fn select(&mut self) -> Result<(), BusError> {
        if self.faults.lock().unwrap().bus_broken {
            return Err(BusError);
        }
        match self.mishap() {
            Some(Mishap::Reboot(When::Before)) => self.reboot()?,
            Some(Mishap::Reboot(When::Inside)) => {
                self.pins.select()?;
                return self.reboot();
            }
            _ => {}
        }
        self.pins.select()
    }

    fn deselect(&mut self) -> Result<(), BusError> {
        let behind = {
            let faults = self.faults.lock().unwrap();
            faults.at_cycle.filter(|(cycle, _)| faults.cycles == cycle + 1).map(|(_, it)| it)
        };
        if behind == Some(Mishap::Reboot(When::Behind)) {
            self.pins.deselect()?;
            return self.reboot();
        }
        let mut faults = self.faults.lock().unwrap();
        if let Some(Mishap::Late(time)) = behind {
            faults.late_until.get_or_insert(self.clock.now() + time);
        }
        faults.pushed.clear();
        if faults.slow {
            faults.ready_stuck = Some(true);
        }
        faults.silent = false;
        self.pins.deselect()
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BusError> {
        let mut faults = self.faults.lock().unwrap();
        let place =
            faults.in_write.and_then(|(at, noise)| Some((at.checked_sub(faults.written)?, noise)));
        faults.written += bytes.len();
        match place {
            Some((at, noise)) if at < bytes.len() => self.pins.write(&noise.spoil(at, bytes)),
            _ => self.pins.write(bytes),
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> Result<(), BusError> {
        let mut faults = self.faults.lock().unwrap();
        let place = faults
            .in_read
            .and_then(|(at, noise)| Some((at.checked_sub(faults.read)?, noise)))
            .filter(|(at, _)| *at < bytes.len());
        faults.read += bytes.len();
        let mut stream = core::mem::take(&mut faults.pushed);
        let more = usize::from(matches!(place, Some((_, Noise::Drop))));
        let mut clocked = vec![0; (bytes.len() + more).saturating_sub(stream.len())];
        self.pins.read(&mut clocked)?;
        stream.extend(clocked);
        if let Some((at, noise)) = place {
            faults.silent = noise == Noise::Truncate;
            stream = noise.spoil(at, &stream);
        } else if faults.silent {
            stream.fill(0xFF);
        }
        faults.pushed = stream.split_off(bytes.len());
        bytes.copy_from_slice(&stream);
        Ok(())
    }

    fn busy(&mut self) -> Result<bool, BusError> {
        let busy = self.pins.busy()?;
        let faults = self.faults.lock().unwrap();
        let late = faults.late_until.is_some_and(|until| self.clock.now() < until);
        Ok(faults.ready_stuck.unwrap_or(busy || late))
    }

    fn data_ready(&mut self) -> Result<Option<bool>, BusError> {
        self.pins.data_ready()
    }

    fn set_reset(&mut self, asserted: bool) -> Result<(), BusError> {
        self.pins.set_reset(asserted)
    }

    fn set_boot_strap(&mut self, driven_high: bool) -> Result<(), BusError> {
        self.pins.set_boot_strap(driven_high)
    }
}

/// A chip in reach of `test-ap`, its bus, and the device on it.
pub(crate) struct Rig<P: Platform + 'static> {
    pub(crate) device: &'static Wifinina<'static, Link, P>,
    pub(crate) bench: SpiBench,
    pub(crate) monitor: Monitor,
    pub(crate) faults: Arc<Mutex<Faults>>,
}

impl<P: Platform + Pace + Clone + Send + 'static> Rig<P> {
    pub(crate) fn new(config: Config, stack: impl Stack + 'static, clock: P) -> Self {
        let chip = Chip::new(config, Box::new(stack));
        let monitor = chip.monitor();
        let bench = SpiBench::new(chip, clock.clone(), 8_000_000);
        let pins = SpiPins::new(
            bench.bus(),
            bench.chip_select(),
            bench.ready(),
            bench.reset(Polarity::ActiveLow),
            OpenDrain::new(bench.open_drain_gpio0()),
        );
        let faults = Arc::new(Mutex::new(Faults::default()));
        let (watched, own_clock) = (monitor.clone(), Box::new(clock.clone()));
        let link = Link { pins, faults: faults.clone(), monitor: watched, clock: own_clock };
        let state = Box::leak(Box::new(State::new(link)));
        let device = Box::leak(Box::new(Wifinina::new(state, clock)));
        Self { device, bench, monitor, faults }
    }

    /// A deadline this many milliseconds from now.
    pub(crate) fn in_ms(&self, ms: u64) -> impl Fn() -> Option<Instant> + use<P> {
        let at = self.device.platform().now() + Duration::from_millis(ms);
        move || Some(at)
    }

    /// Joins the default network.
    pub(crate) fn joined(self) -> Self {
        let link = self.device.netlink().unwrap();
        let network = Network::wifi("test-ap", "test-pass");
        wait(self.device, self.in_ms(5_000), || link.join(&network)).unwrap();
        // Asking a firmware what it can means asking for what it may not know.
        let counters = self.monitor.counters();
        assert_eq!(counters.offences(), counters.unknown_opcodes);
        assert!(counters.unknown_opcodes <= 2);
        self.monitor.clear();
        self
    }

    /// Nothing happened that the real firmware would choke on.
    pub(crate) fn assert_faultless(&self) {
        let offences = self.monitor.counters().offence_list();
        let found: Vec<_> = offences.iter().filter(|(_, count)| *count > 0).collect();
        assert!(found.is_empty(), "the chip was given what it chokes on: {found:?}");
    }
}
