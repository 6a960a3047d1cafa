//! A simulated serial line with the pins that a co-processor has beside it.

mod line;
mod link;
mod ring;
mod serial;
mod wires;

use core::fmt;
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use netdev_uart::LineError;

use crate::{Faults, LineObserver, Pace, UartChip};

pub use link::SimLink;
pub use serial::{SerialFault, SimSerial};
use wires::Wires;

/// One chip on one serial line, 8N1. Its handles can be had any number of times, and go to any
/// thread; they are the two ends of the same host UART.
///
/// **Time**, on a [`VirtualClock`](crate::VirtualClock): each byte takes ten bits at its sender's
/// rate, each way, and what arrives is what the receiver makes of it at its own. A look at the line
/// takes a microsecond, so that a driver that spins sees time pass. What would interrupt a host (a
/// byte, room to transmit, everything sent) and what the chip does by itself rings the clock's
/// alarm. On a real clock nothing is slowed down: a write arrives at once and whole, and the chip is
/// asked for no more than the host has room for. [`set_paced`](Self::set_paced) changes that.
///
/// **Pieces.** The chip gets bytes in pieces ([`UartChip::receive`]). A piece is a run of bytes
/// without a pause between them (the host's transmitter never ran empty), or the next 120 bytes of
/// a longer run, as UARTs interrupt. It is handed over when its last stop bit ends, and `now` is
/// that moment. A model that wants to see longer runs, or to forgive short pauses, can tell by the
/// times: a piece of n bytes that began when the one before ended goes on with it. Without pacing
/// each write is one piece, whatever its length.
///
/// ```
/// use netdev::{Instant, Platform};
/// use netdev_sim::{UartBench, UartChip, VirtualClock};
/// use netdev_uart::UartLink;
///
/// /// Answers each piece with its length.
/// #[derive(Default)]
/// struct Counting(Vec<u8>);
/// impl UartChip for Counting {
///     fn receive(&mut self, bytes: &[u8], _: Instant) {
///         self.0.extend(u8::try_from(bytes.len()));
///     }
///     fn transmit(&mut self, buf: &mut [u8], _: Instant) -> usize {
///         let length = self.0.len().min(buf.len());
///         buf[..length].copy_from_slice(&self.0[..length]);
///         self.0.drain(..length);
///         length
///     }
///     // ...
/// #   fn next_step(&self) -> Option<Instant> { None }
/// #   fn baud(&self) -> u32 { 1_000_000 }
/// #   fn set_enabled(&mut self, _: bool, _: Instant) {}
/// }
///
/// # fn main() -> Result<(), netdev_uart::LineError> {
/// let clock = VirtualClock::new();
/// let bench = UartBench::new(Counting::default(), clock.clone(), 1_000_000);
/// let mut link = bench.link(64);
/// assert_eq!(link.write(b"hello")?, 5);
/// let mut answer = [0; 8];
/// while link.read(&mut answer)? == 0 {}
/// assert_eq!(answer[0], 5);
/// assert_eq!(clock.now().as_micros(), 61); // six bytes of 10 µs, and the look that saw the last
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct UartBench {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Box<dyn Pace>,
    wires: Mutex<Wires>,
}

/// What crossed a serial line since it began, or since the counters were last cleared.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UartCounters {
    /// Bytes that arrived at the chip.
    pub written: u64,
    /// Bytes that arrived at the host.
    pub read: u64,
    /// Bytes that were lost because the host's ring was full.
    pub overruns: u64,
    /// Bytes that the host lost because their stop bit was not where it had to be.
    pub framing_errors: u64,
    /// How often the chip was switched on, or reset by a fault.
    pub resets: u64,
}

impl UartBench {
    /// Wires a chip to a host whose UART runs at `baud` (at least 1) bits a second. The chip is
    /// switched on. The host's transmitter has a FIFO of 16 bytes, RTS and CTS are not wired.
    #[must_use]
    pub fn new(chip: impl UartChip + 'static, clock: impl Pace + 'static, baud: u32) -> Self {
        let paced = clock.is_virtual();
        let wires = Mutex::new(Wires::new(Box::new(chip), baud.max(1), paced));
        Self { shared: Arc::new(Shared { clock: Box::new(clock), wires }) }
    }

    /// The host's end as drivers see it, which keeps `capacity` (at least 1) bytes until they are
    /// read. The host has one UART: what the last handle was asked for counts for all of them.
    #[must_use]
    pub fn link(&self, capacity: usize) -> SimLink {
        self.act(|wires| wires.ring.set_capacity(capacity));
        SimLink::new(self.clone())
    }

    /// The host's end as a HAL shows it, behind the traits of embedded-io.
    #[must_use]
    pub fn serial(&self, capacity: usize) -> SimSerial {
        self.act(|wires| wires.ring.set_capacity(capacity));
        SimSerial::new(self.clone())
    }

    /// Gives the host's transmitter a FIFO of so many (at least 1) bytes, besides the one on the
    /// wire.
    pub fn set_tx_fifo(&self, bytes: usize) {
        self.act(|wires| wires.tx_fifo = bytes.max(1));
    }

    /// Wires RTS and CTS: the host stops the chip before its ring overflows, and obeys the chip.
    pub fn set_flow_control(&self, wired: bool) {
        self.act(|wires| {
            wires.flow_control = wired;
            wires.tell_rts();
        });
    }

    /// Whether bytes take their time; otherwise they take none.
    pub fn set_paced(&self, paced: bool) {
        self.act(|wires| wires.paced = paced);
    }

    /// Lets both ends understand each other whatever their rates are, as if the line carried bytes
    /// and not bits: a tunnel does, and cannot tell what rate its client means.
    pub fn set_any_baud(&self, any: bool) {
        self.act(|wires| wires.any_baud = any);
    }

    /// Attaches somebody who looks on, for good.
    pub fn observe(&self, observer: Box<dyn LineObserver>) {
        self.act(|wires| wires.observers.push(observer));
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> UartCounters {
        self.act(|wires| wires.counters)
    }

    /// Counts from zero again.
    pub fn clear_counters(&self) {
        self.act(|wires| wires.counters = UartCounters::default());
    }

    /// From now on everything on this line fails with `error`; `None` repairs it. The chip goes on.
    pub fn set_broken(&self, error: Option<LineError>) {
        self.act(|wires| wires.broken = error);
    }

    /// From now on these faults strike; they can be told later what, and when.
    pub fn set_faults(&self, faults: &Faults) {
        self.act(|wires| wires.faults = Some(faults.clone()));
    }

    /// Switches the chip off or on, as [`UartLink::set_enabled`](netdev_uart::UartLink) does.
    pub fn set_enabled(&self, enabled: bool) {
        self.act(|wires| wires.set_enabled(enabled));
    }

    fn capacity(&self) -> usize {
        self.wires().ring.capacity()
    }

    /// Lets time pass.
    fn pause(&self, length: Duration) {
        if self.shared.clock.is_virtual() {
            self.shared.clock.spend(length);
        } else {
            std::thread::sleep(length);
        }
    }

    /// Brings line and chip up to the present, does something, and sees to it that whoever sleeps
    /// is woken for what comes next.
    fn act<T>(&self, act: impl FnOnce(&mut Wires) -> T) -> T {
        let clock = &self.shared.clock;
        let mut wires = self.wires();
        wires.catch_up(clock.now());
        let done = act(&mut wires);
        if let Some(at) = wires.next_alarm().filter(|_| clock.is_virtual()) {
            clock.ring(at);
        }
        done
    }

    /// What a driver does at the line, which takes a moment.
    fn look<T>(
        &self,
        act: impl FnOnce(&mut Wires) -> Result<T, LineError>,
    ) -> Result<T, LineError> {
        self.shared.clock.spend(LOOK);
        self.act(|wires| match wires.broken {
            Some(error) => Err(error),
            None => act(wires),
        })
    }

    fn wires(&self) -> MutexGuard<'_, Wires> {
        self.shared.wires.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for UartBench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UartBench").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

/// What a look at the line takes.
const LOOK: Duration = Duration::from_micros(1);
