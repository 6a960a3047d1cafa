//! A serial line that says what it hears, to try a client and the options with.

use std::process::ExitCode;

use netdev::Instant;
use netdev_sim::UartChip;
use netdev_sim::program::{self, Model, Program};

fn main() -> ExitCode {
    let program = Program {
        name: env!("CARGO_BIN_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        about: "A serial line that says what it hears",
        listen: "127.0.0.1:7700",
        personas: &["plain-echo"],
    };
    program::run(&program, |setup| Model {
        chip: Echo { trace: setup.trace, ..Echo::default() },
        counters: Box::new(Vec::new),
    })
}

/// Keeps what it has heard until it could be said.
#[derive(Default)]
struct Echo {
    heard: Vec<u8>,
    trace: bool,
}

impl UartChip for Echo {
    fn receive(&mut self, bytes: &[u8], now: Instant) {
        if self.trace {
            eprintln!("{now} {}", bytes.escape_ascii());
        }
        self.heard.extend_from_slice(bytes);
    }

    fn transmit(&mut self, buf: &mut [u8], _: Instant) -> usize {
        let length = self.heard.len().min(buf.len());
        for (place, byte) in buf.iter_mut().zip(self.heard.drain(..length)) {
            *place = byte;
        }
        length
    }

    fn next_step(&self) -> Option<Instant> {
        None
    }

    fn baud(&self) -> u32 {
        115_200
    }

    fn set_enabled(&mut self, enabled: bool, now: Instant) {
        if self.trace {
            eprintln!("{now} switched {}", if enabled { "on" } else { "off" });
        }
        self.heard.clear();
    }
}
