//! What the fuzzer does with the driver: calls in any order, and a chip that answers anything.
//! Nothing may panic, hang, or hold a caller longer than a call may take.

mod calls;
mod chip;

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard};

use netdev::{Instant, Platform};
use rtl8720dn::{Rtl8720dn, State};

use calls::{Calls, ROOM};
use chip::Chip;

/// Reads `input` as calls, and as bytes that come from the chip, whatever it was asked.
pub fn line(input: &[u8]) {
    run(input, false);
}

/// Reads `input` as calls, and as what the chip answers: frames that are sound, with anything inside.
pub fn replies(input: &[u8]) {
    run(input, true);
}

fn run(input: &[u8], framed: bool) {
    let world = World::new(input);
    let mut state = State::<_, ROOM>::new(Chip::new(world.clone(), framed));
    let device = Rtl8720dn::new(&mut state, world.clone());
    let mut calls = Calls::new(&device, world.clone());
    while !world.is_over() {
        let begun = world.now();
        let pause = calls.make();
        let took = world.now().saturating_since(begun);
        assert!(took <= LONGEST, "a call took {took:?}");
        world.pass(pause);
    }
}

/// The input, and the time: shared by the platform, the chip and the calls.
#[derive(Clone)]
struct World(Arc<Mutex<Inner>>);

struct Inner {
    input: Vec<u8>,
    next: usize,
    micros: u64,
}

impl World {
    fn new(input: &[u8]) -> Self {
        Self(Arc::new(Mutex::new(Inner { input: input.to_vec(), next: 0, micros: 0 })))
    }

    /// The next byte; 0 behind the end.
    fn byte(&self) -> u8 {
        let mut inner = self.lock();
        let byte = inner.input.get(inner.next).copied().unwrap_or(0);
        inner.next += 1;
        byte
    }

    /// The byte that comes next.
    fn peek(&self) -> u8 {
        let inner = self.lock();
        inner.input.get(inner.next).copied().unwrap_or(0)
    }

    fn is_over(&self) -> bool {
        let inner = self.lock();
        inner.next >= inner.input.len()
    }

    fn pass(&self, length: Duration) {
        self.lock().micros += length.as_micros() as u64;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

impl Platform for World {
    fn now(&self) -> Instant {
        Instant::from_micros(self.lock().micros)
    }

    fn idle(&self, until: Instant) {
        let mut inner = self.lock();
        inner.micros = inner.micros.max(until.as_micros());
    }
}

/// Two milliseconds of feeding the line, and as many looks at it as one call takes.
const LONGEST: Duration = Duration::from_millis(50);
