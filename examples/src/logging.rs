//! Log lines on stderr.

use std::io::{self, Write};

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            // If nobody reads it, nobody misses it.
            let (level, target) = (record.level(), record.target());
            let _ = writeln!(io::stderr(), "{level:5} {target}: {}", record.args());
        }
    }

    fn flush(&self) {}
}

/// Shows errors; with `-v` what happens, with more of them the details.
pub(crate) fn start(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::Error,
        1 => LevelFilter::Info,
        2 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    // A second start changes the level and nothing else.
    let _ = log::set_logger(&Stderr);
    log::set_max_level(level);
}
