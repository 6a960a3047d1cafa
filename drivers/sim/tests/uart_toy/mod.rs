//! A toy chip on a serial line.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers fail as tests do")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use netdev::Instant;
use netdev_sim::UartChip;

/// Says what it is told to, when it is told to; keeps what it heard.
#[derive(Clone)]
pub(crate) struct Toy(Arc<Mutex<State>>);

struct State {
    baud: u32,
    pieces: Vec<(Instant, Vec<u8>)>,
    events: Vec<&'static str>,
    says: VecDeque<(Instant, u8)>,
    obeys: bool,
    clear: bool,
    ready: bool,
    echoes: bool,
}

impl Toy {
    pub(crate) fn new(baud: u32) -> Self {
        Self(Arc::new(Mutex::new(State {
            baud,
            pieces: Vec::new(),
            events: Vec::new(),
            says: VecDeque::new(),
            obeys: true,
            clear: true,
            ready: true,
            echoes: false,
        })))
    }

    /// It will say these bytes then.
    pub(crate) fn say(&self, at: Instant, bytes: &[u8]) {
        self.state().says.extend(bytes.iter().map(|byte| (at, *byte)));
    }

    /// From now on it says what it hears.
    pub(crate) fn echo(&self) {
        self.state().echoes = true;
    }

    pub(crate) fn set_ready(&self, ready: bool) {
        self.state().ready = ready;
    }

    pub(crate) fn set_baud(&self, baud: u32) {
        self.state().baud = baud;
    }

    /// What came in since the last call.
    pub(crate) fn pieces(&self) -> Vec<(Instant, Vec<u8>)> {
        core::mem::take(&mut self.state().pieces)
    }

    pub(crate) fn events(&self) -> Vec<&'static str> {
        core::mem::take(&mut self.state().events)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl UartChip for Toy {
    fn receive(&mut self, bytes: &[u8], now: Instant) {
        let mut state = self.state();
        state.pieces.push((now, bytes.to_vec()));
        if state.echoes {
            state.says.extend(bytes.iter().map(|byte| (now, *byte)));
        }
    }

    fn transmit(&mut self, buf: &mut [u8], now: Instant) -> usize {
        let mut state = self.state();
        let mut length = 0;
        while length < buf.len() && (state.clear || !state.obeys) {
            let Some((_, byte)) = state.says.front().copied().filter(|(at, _)| *at <= now) else {
                break;
            };
            state.says.pop_front();
            buf[length] = byte;
            length += 1;
        }
        length
    }

    fn next_step(&self) -> Option<Instant> {
        self.state().says.front().map(|(at, _)| *at)
    }

    fn baud(&self) -> u32 {
        self.state().baud
    }

    fn set_enabled(&mut self, enabled: bool, _: Instant) {
        let mut state = self.state();
        state.events.push(if enabled { "on" } else { "off" });
        state.says.clear();
    }

    fn set_clear_to_send(&mut self, clear: bool, _: Instant) {
        self.state().clear = clear;
    }

    fn ready_to_receive(&self) -> bool {
        self.state().ready
    }
}
