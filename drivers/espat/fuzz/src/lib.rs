//! What the fuzzer does with the driver: calls in any order, and a module that says anything.
//! Nothing may panic, hang, or hold a caller longer than a call may take.

mod calls;
mod module;

use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard};

use espat::{Espat, State};
use netdev::{Instant, Platform};

use calls::Calls;
use module::Module;

/// Reads `input` as calls, and as what the module does and says meanwhile.
pub fn lines(input: &[u8]) {
    let world = World::new(input);
    let mode = world.byte();
    let mut state = State::<_, 512>::new(Module::new(world.clone(), mode));
    if mode & 1 != 0 {
        state = state.receiving_actively();
    }
    if mode & 2 != 0 {
        state = state.raised_to(921_600);
    }
    if mode & 4 != 0 {
        state = state.keeping_time("pool.ntp.org");
    }
    let device = Espat::new(&mut state, world.clone());
    let mut calls = Calls::new(&device, world.clone());
    while !world.is_over() {
        let begun = world.now();
        let pause = calls.make();
        let took = world.now().saturating_since(begun);
        assert!(took <= LONGEST, "a call took {took:?}");
        world.pass(pause);
    }
}

/// The input, and the time: shared by the platform, the module and the calls.
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

/// Two milliseconds for payload, and the looks at a line that always has something.
const LONGEST: Duration = Duration::from_millis(20);
