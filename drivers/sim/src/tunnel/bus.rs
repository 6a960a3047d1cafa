//! The one bus that all clients of a server share.

use core::fmt::Write;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiBus;

use super::server::Meter;
use super::{BUSY, DATA_READY, DESELECTED};
use crate::{BusFault, Polarity, SpiBench};

/// Names a client, for as long as it is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id(pub(super) u64);

/// A bench, and who has its chip-select. What must not be torn apart by another client holds the
/// lock; waiting never does.
pub(super) struct SharedBus {
    bench: SpiBench,
    meter: Option<Box<dyn Meter>>,
    /// Who pulled chip-select low last, while it is low.
    holder: Mutex<Option<Id>>,
    stopping: AtomicBool,
}

impl SharedBus {
    pub(super) fn new(bench: SpiBench, meter: Option<Box<dyn Meter>>) -> Self {
        Self { bench, meter, holder: Mutex::new(None), stopping: AtomicBool::new(false) }
    }

    /// From now on nobody waits.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub(super) fn transaction(&self, mosi: &[u8]) -> Result<Vec<u8>, BusFault> {
        let mut holder = self.holder();
        self.bench.chip_select().set_low()?;
        let clocked = self.clock_bytes(mosi);
        self.bench.chip_select().set_high()?;
        *holder = None;
        clocked
    }

    pub(super) fn clock(&self, mosi: &[u8]) -> Result<Vec<u8>, BusFault> {
        let _turn = self.holder();
        self.clock_bytes(mosi)
    }

    /// Lets chip-select fall or rise for a client, and tells the lines.
    pub(super) fn select(&self, id: Id, low: bool) -> Result<u8, BusFault> {
        let mut holder = self.holder();
        self.bench.chip_select().set_state((!low).into())?;
        *holder = low.then_some(id);
        drop(holder);
        self.lines()
    }

    pub(super) fn is_held_by(&self, id: Id) -> bool {
        *self.holder() == Some(id)
    }

    /// A client is gone: what it holds low rises.
    pub(super) fn leave(&self, id: Id) {
        let mut holder = self.holder();
        if *holder == Some(id) {
            *holder = None;
            // A broken bus has no level that could be seen.
            let _ = self.bench.chip_select().set_high();
        }
    }

    pub(super) fn lines(&self) -> Result<u8, BusFault> {
        let lines = self.bench.lines()?;
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        Ok(bit(lines.busy, BUSY)
            | bit(lines.data_ready, DATA_READY)
            | bit(!self.bench.is_selected(), DESELECTED))
    }

    /// Resets the chip and waits until it is ready, 3 s at most.
    pub(super) fn reset(&self, meanwhile: impl FnMut()) -> Result<u8, BusFault> {
        let mut pin = self.bench.reset(Polarity::ActiveLow);
        pin.set_low()?;
        pin.set_high()?;
        self.wait(BOOT, BUSY, 0, meanwhile)
    }

    /// Waits until some lines have a value, or the time is over. Others have the bus meanwhile.
    pub(super) fn wait(
        &self,
        limit: Duration,
        mask: u8,
        value: u8,
        mut meanwhile: impl FnMut(),
    ) -> Result<u8, BusFault> {
        let begun = Instant::now();
        loop {
            let lines = self.lines()?;
            let waited = begun.elapsed();
            if lines & mask == value || waited >= limit || self.is_stopping() {
                return Ok(lines);
            }
            if waited < SPIN {
                thread::yield_now();
            } else {
                meanwhile();
                thread::sleep(NAP.min(limit.saturating_sub(waited)));
            }
        }
    }

    pub(super) fn counters(&self) -> String {
        let bus = self.bench.counters();
        let mut all = vec![
            ("cs_cycles", bus.cs_cycles),
            ("bytes", bus.bytes),
            ("resets", bus.resets),
            ("cs_low_while_busy", bus.cs_low_while_busy),
            ("unaligned_commands", bus.unaligned_commands),
        ];
        for (name, value) in self.meter.iter().flat_map(|meter| meter.read()) {
            if all.iter().all(|(known, _)| *known != name) {
                all.push((name, value));
            }
        }
        let mut json = String::new();
        for (name, value) in all {
            let before = if json.is_empty() { '{' } else { ',' };
            let _ = write!(json, "{before}\"{}\":{value}", name.escape_default());
        }
        json.push('}');
        json
    }

    pub(super) fn clear_counters(&self) {
        self.bench.clear_counters();
        if let Some(meter) = &self.meter {
            meter.clear();
        }
    }

    fn clock_bytes(&self, mosi: &[u8]) -> Result<Vec<u8>, BusFault> {
        let mut miso = vec![0; mosi.len()];
        if !mosi.is_empty() {
            self.bench.bus().transfer(&mut miso, mosi)?;
        }
        Ok(miso)
    }

    fn holder(&self) -> MutexGuard<'_, Option<Id>> {
        self.holder.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long a reset waits for the chip.
const BOOT: Duration = Duration::from_secs(3);
/// A chip that is about to answer is looked at without a pause for so long,
const SPIN: Duration = Duration::from_micros(300);
/// and then so often.
const NAP: Duration = Duration::from_micros(100);
