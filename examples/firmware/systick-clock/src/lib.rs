//! Time from the system timer that every Cortex-M has, for the images under `examples`.
#![no_std]

use core::cell::Cell;
use core::time::Duration;

use cortex_m::peripheral::{SCB, SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use critical_section::Mutex;
use netdev::{Instant, Platform};

/// Between two interrupts.
const TICK: Duration = Duration::from_millis(1);

/// Ticks since the start. A cell, since a Cortex-M counts no 64 bits at once.
static TICKS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// A platform for a core that runs at `HZ`: microseconds, and sleep until the next interrupt.
///
/// It has neither random numbers nor a calendar; those stay unsupported.
#[derive(Debug)]
pub struct Clock<const HZ: u32>(());

impl<const HZ: u32> Clock<HZ> {
    const CYCLES_PER_MICRO: u32 = HZ / 1_000_000;
    const CYCLES_PER_TICK: u32 = HZ / 1_000;

    /// Starts the timer: one interrupt each millisecond.
    #[must_use]
    pub fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(Self::CYCLES_PER_TICK - 1);
        timer.clear_current();
        timer.enable_counter();
        timer.enable_interrupt();
        Self(())
    }
}

impl<const HZ: u32> Platform for Clock<HZ> {
    fn now(&self) -> Instant {
        critical_section::with(|section| {
            let before = SYST::get_current();
            let wrapped = SCB::is_pendst_pending();
            // A tick that nobody has counted yet: read again, so that both are of the same tick.
            let left = if wrapped { SYST::get_current() } else { before };
            let ticks = TICKS.borrow(section).get() + u64::from(wrapped);
            // The interrupt comes as the count reaches 0, one cycle before it starts anew.
            let cycles = (Self::CYCLES_PER_TICK - left) % Self::CYCLES_PER_TICK;
            Instant::from_micros(ticks * 1_000 + u64::from(cycles / Self::CYCLES_PER_MICRO))
        })
    }

    fn idle(&self, until: Instant) {
        // The next interrupt may be a whole tick away; what is nearer is left to the caller's loop.
        if until.saturating_since(self.now()) >= TICK {
            cortex_m::asm::wfi();
        }
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|section| {
        let ticks = TICKS.borrow(section);
        ticks.set(ticks.get() + 1);
    });
}
