//! A simulated SPI bus with the lines that a co-processor has beside it.

mod bus;
mod lines;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netdev::Instant;

use crate::faults::Host;
use crate::{BusEvent, BusObserver, Faults, Lines, Pace, SpiChip};

pub use bus::{BusFault, SimSpi};
pub use lines::{ChipSelect, Gpio0, OpenDrainGpio0, Polarity, ReadyLine, ResetLine};

/// One chip on one bus. Its handles implement embedded-hal's traits, can be had any number of times,
/// and go to any thread.
///
/// Time: n bytes take n * 8 / `hz`, a look at a line about a microsecond, so that a driver that
/// spins sees time pass; setting a line takes none. The chip acts at the beginning of a transfer.
/// On a real clock nothing is slowed down.
///
/// ```
/// use embedded_hal::{digital::OutputPin, spi::SpiBus};
/// use netdev_sim::{Lines, SpiBench, SpiChip, VirtualClock};
/// # use netdev::Instant;
///
/// /// Answers each byte with the one before.
/// struct Echo(u8);
/// impl SpiChip for Echo {
///     fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], _: Instant) {
///         for (sent, answer) in mosi.iter().zip(miso) {
///             *answer = core::mem::replace(&mut self.0, *sent);
///         }
///     }
///     // ...
/// #   fn select(&mut self, _: Instant) {}
/// #   fn deselect(&mut self, _: Instant) {}
/// #   fn lines(&mut self, _: Instant) -> Lines { Lines::default() }
/// #   fn set_reset(&mut self, _: bool, _: Instant) {}
/// #   fn set_gpio0(&mut self, _: Option<bool>, _: Instant) {}
/// }
///
/// # fn main() -> Result<(), netdev_sim::BusFault> {
/// let bench = SpiBench::new(Echo(0), VirtualClock::new(), 8_000_000);
/// let (mut bus, mut cs) = (bench.bus(), bench.chip_select());
/// let mut answer = [0; 3];
/// cs.set_low()?;
/// bus.transfer(&mut answer, b"abc")?;
/// cs.set_high()?;
/// assert_eq!(&answer, b"\0ab");
/// assert_eq!(bench.counters().bytes, 3);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SpiBench {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Box<dyn Pace>,
    /// What a bit takes, in picoseconds.
    bit_picos: u64,
    wires: Mutex<Wires>,
}

struct Wires {
    chip: Box<dyn SpiChip>,
    observers: Vec<Box<dyn BusObserver>>,
    counters: BusCounters,
    selected: bool,
    /// Whether the chip sees itself selected, which faults may hide from it.
    heard: bool,
    reset: bool,
    gpio0: Option<bool>,
    seen: Option<Lines>,
    cycle: Cycle,
    broken: Option<BusFault>,
    faults: Option<Faults>,
}

/// What crossed the bus in this cycle of chip-select.
#[derive(Default)]
struct Cycle {
    bytes: usize,
    first: Option<u8>,
}

/// What crossed a bus since it began, or since the counters were last cleared.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BusCounters {
    /// How often chip-select fell.
    pub cs_cycles: u64,
    /// Bytes clocked, each way.
    pub bytes: u64,
    /// How often the chip was let out of reset.
    pub resets: u64,
    /// How often chip-select fell while the chip said that it was busy.
    pub cs_low_while_busy: u64,
    /// Cycles that began with something else than filler (0x00, 0xFF) and were no multiple of four
    /// bytes long: a chip that receives by words may lose the rest.
    pub unaligned_commands: u64,
}

impl SpiBench {
    /// Wires a chip to a bus of `hz` (at least 1) bits a second. All lines are at rest: chip-select
    /// high, out of reset, GPIO0 released.
    #[must_use]
    pub fn new(chip: impl SpiChip + 'static, clock: impl Pace + 'static, hz: u32) -> Self {
        let wires = Wires {
            chip: Box::new(chip),
            observers: Vec::new(),
            counters: BusCounters::default(),
            selected: false,
            heard: false,
            reset: false,
            gpio0: None,
            seen: None,
            cycle: Cycle::default(),
            broken: None,
            faults: None,
        };
        let bit_picos = 1_000_000_000_000 / u64::from(hz.max(1));
        let shared = Shared { clock: Box::new(clock), bit_picos, wires: Mutex::new(wires) };
        Self { shared: Arc::new(shared) }
    }

    /// The bus itself.
    #[must_use]
    pub fn bus(&self) -> SimSpi {
        SimSpi::new(self.clone())
    }

    /// Chip-select, active low.
    #[must_use]
    pub fn chip_select(&self) -> ChipSelect {
        ChipSelect::new(self.clone())
    }

    /// READY: high while the chip is busy.
    #[must_use]
    pub fn ready(&self) -> ReadyLine {
        ReadyLine::new(self.clone())
    }

    /// RESET, with the level that holds the chip in reset.
    #[must_use]
    pub fn reset(&self, polarity: Polarity) -> ResetLine {
        ResetLine::new(self.clone(), polarity)
    }

    /// GPIO0: driven while the chip boots, then released and read.
    #[must_use]
    pub fn gpio0(&self) -> Gpio0 {
        Gpio0::new(self.clone())
    }

    /// The same on an open-drain pin, which drivers take that know no direction.
    #[must_use]
    pub fn open_drain_gpio0(&self) -> OpenDrainGpio0 {
        OpenDrainGpio0::new(self.clone())
    }

    /// Attaches somebody who looks on, for good.
    pub fn observe(&self, observer: Box<dyn BusObserver>) {
        self.wires().observers.push(observer);
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> BusCounters {
        self.wires().counters
    }

    /// Counts from zero again.
    pub fn clear_counters(&self) {
        self.wires().counters = BusCounters::default();
    }

    /// From now on everything on this bus fails with `fault`, and the chip sees nothing; `None`
    /// repairs it.
    pub fn set_broken(&self, fault: Option<BusFault>) {
        self.wires().broken = fault;
    }

    /// From now on these faults strike; they can be told later what, and when.
    pub fn set_faults(&self, faults: &Faults) {
        self.wires().faults = Some(faults.clone());
    }

    fn clock_bytes(&self, host: Host, mosi: &[u8], miso: &mut [u8]) -> Result<(), BusFault> {
        let picos = self.shared.bit_picos.saturating_mul(mosi.len() as u64).saturating_mul(8);
        let took = Duration::from_nanos(picos / 1_000);
        self.act(|wires, clock| {
            let now = clock.now();
            wires.counters.bytes += mosi.len() as u64;
            if wires.selected {
                wires.cycle.bytes += mosi.len();
                wires.cycle.first = wires.cycle.first.or(mosi.first().copied());
            }
            wires.settle(now);
            match &wires.faults {
                None => wires.chip.transfer(mosi, miso, now),
                Some(faults) => faults.transfer(&mut *wires.chip, host, mosi, miso, now),
            }
            wires.tell(clock, BusEvent::Bytes { mosi, miso, took });
        })?;
        self.shared.clock.spend(took);
        Ok(())
    }

    /// Chip-select goes to a level; setting it to the one it has is no edge.
    fn set_selected(&self, selected: bool) -> Result<(), BusFault> {
        self.act(|wires, clock| {
            if wires.selected == selected {
                return;
            }
            if selected {
                let before = wires.look(clock);
                wires.counters.cs_cycles += 1;
                wires.counters.cs_low_while_busy += u64::from(before.busy);
                wires.cycle = Cycle::default();
            } else {
                wires.counters.unaligned_commands += u64::from(wires.cycle.is_unaligned_command());
                if let Some(faults) = &wires.faults {
                    faults.end_cycle();
                }
            }
            wires.selected = selected;
            wires.settle(clock.now());
            wires.tell(clock, BusEvent::ChipSelect { low: selected });
        })
    }

    fn set_reset(&self, asserted: bool) -> Result<(), BusFault> {
        self.act(|wires, clock| {
            if core::mem::replace(&mut wires.reset, asserted) == asserted {
                return;
            }
            wires.counters.resets += u64::from(!asserted);
            wires.chip.set_reset(asserted, clock.now());
            wires.tell(clock, BusEvent::Reset { asserted });
        })
    }

    fn set_gpio0(&self, driven: Option<bool>) -> Result<(), BusFault> {
        self.act(|wires, clock| {
            if core::mem::replace(&mut wires.gpio0, driven) == driven {
                return;
            }
            wires.chip.set_gpio0(driven, clock.now());
            wires.tell(clock, BusEvent::Gpio0 { driven });
        })
    }

    /// Whether chip-select is low.
    pub(crate) fn is_selected(&self) -> bool {
        self.wires().selected
    }

    /// Looks at the lines, which takes a moment.
    pub(crate) fn lines(&self) -> Result<Lines, BusFault> {
        self.shared.clock.spend(LOOK);
        self.act(|wires, clock| wires.look(clock))
    }

    fn gpio0_level(&self) -> Result<bool, BusFault> {
        let lines = self.lines()?;
        Ok(self.wires().gpio0.unwrap_or(lines.data_ready))
    }

    fn act<T>(&self, act: impl FnOnce(&mut Wires, &dyn Pace) -> T) -> Result<T, BusFault> {
        let mut wires = self.wires();
        wires.broken.map_or(Ok(()), Err)?;
        Ok(act(&mut wires, &*self.shared.clock))
    }

    fn wires(&self) -> MutexGuard<'_, Wires> {
        self.shared.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SpiBench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpiBench").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl Wires {
    fn look(&mut self, clock: &dyn Pace) -> Lines {
        self.settle(clock.now());
        let lines = self.chip_lines(clock.now());
        if !self.observers.is_empty() && self.seen.replace(lines) != Some(lines) {
            self.pass_on(clock, BusEvent::Lines(lines));
        }
        lines
    }

    fn chip_lines(&mut self, now: Instant) -> Lines {
        let lines = self.chip.lines(now);
        self.faults.as_ref().map_or(lines, |faults| faults.lines(lines, now))
    }

    /// Lets the chip see the level of chip-select that reaches it.
    fn settle(&mut self, now: Instant) {
        let faults = self.faults.as_ref();
        let connected = faults.is_none_or(|faults| faults.settle(&mut *self.chip, now));
        let hears = self.selected && connected;
        if core::mem::replace(&mut self.heard, hears) == hears {
            return;
        }
        if hears {
            self.chip.select(now);
        } else {
            self.chip.deselect(now);
        }
    }

    /// Tells the observers, and what the event did to the lines.
    fn tell(&mut self, clock: &dyn Pace, event: BusEvent<'_>) {
        if !self.observers.is_empty() {
            self.pass_on(clock, event);
            self.look(clock);
        }
    }

    fn pass_on(&mut self, clock: &dyn Pace, event: BusEvent<'_>) {
        let now = clock.now();
        for observer in &mut self.observers {
            observer.event(now, event);
        }
    }
}

impl Cycle {
    fn is_unaligned_command(&self) -> bool {
        !self.bytes.is_multiple_of(4) && self.first.is_some_and(|byte| !matches!(byte, 0 | 0xFF))
    }
}

/// What a look at a line takes.
const LOOK: Duration = Duration::from_micros(1);
