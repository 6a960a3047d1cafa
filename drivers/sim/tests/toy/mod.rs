//! A toy chip behind a tunnel.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers fail as tests do")]

use core::time::Duration;
use std::sync::{Arc, Mutex};

use netdev::{Instant, StdPlatform};
use netdev_sim::tunnel::Server;
use netdev_sim::{Lines, SpiBench, SpiChip};

/// What the toy chip does and heard.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) lines: Lines,
    pub(crate) heard: Vec<String>,
    pub(crate) looks: u64,
    /// Busy from a reset until the test says otherwise.
    pub(crate) boots_slowly: bool,
}

/// Answers each byte with its complement.
#[derive(Clone, Default)]
pub(crate) struct Toy(pub(crate) Arc<Mutex<State>>);

impl Toy {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().heard.push(what.into());
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        core::mem::take(&mut self.0.lock().unwrap().heard)
    }

    pub(crate) fn set(&self, busy: bool, data_ready: bool) {
        self.0.lock().unwrap().lines = Lines { busy, data_ready };
    }
}

impl SpiChip for Toy {
    fn select(&mut self, _: Instant) {
        self.note("select");
    }
    fn transfer(&mut self, mosi: &[u8], miso: &mut [u8], _: Instant) {
        for (sent, answer) in mosi.iter().zip(miso) {
            *answer = !*sent;
        }
        self.note(format!("{}", mosi.escape_ascii()));
    }
    fn deselect(&mut self, _: Instant) {
        self.note("deselect");
    }
    fn lines(&mut self, _: Instant) -> Lines {
        let mut state = self.0.lock().unwrap();
        state.looks += 1;
        state.lines
    }
    fn set_reset(&mut self, asserted: bool, _: Instant) {
        self.note(format!("reset {asserted}"));
        let mut state = self.0.lock().unwrap();
        state.lines.busy = state.boots_slowly || asserted;
    }
    fn set_gpio0(&mut self, _: Option<bool>, _: Instant) {}
}

pub(crate) struct Rig {
    pub(crate) chip: Toy,
    pub(crate) bench: SpiBench,
    pub(crate) server: Server,
}

pub(crate) fn rig() -> Rig {
    let chip = Toy::default();
    let bench = SpiBench::new(chip.clone(), StdPlatform::new(), 8_000_000);
    let server = Server::builder(bench.clone()).listen("127.0.0.1:0").unwrap();
    Rig { chip, bench, server }
}

/// Looks until it is so.
pub(crate) fn until(mut so: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !so() {
        assert!(begun.elapsed() < LIMIT, "it did not come");
        std::thread::yield_now();
    }
}

pub(crate) const LIMIT: Duration = Duration::from_secs(10);
