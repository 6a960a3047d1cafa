//! What a simulated chip's bus or line carries for each thing that programs do, and how fast.
//!
//! Counts are exact, times are virtual. Exits with 1 if a limit is missed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::std_instead_of_core,
    clippy::large_stack_arrays,
    reason = "a bench speaks through its output and its failures"
)]

mod chips;
mod lab;
mod report;
mod spi;
mod uart;

use std::process::ExitCode;

use report::Report;

fn main() -> ExitCode {
    let mut report = Report::default();
    spi::measure(&mut report);
    uart::measure(&mut report);
    report.finish()
}
