//! Any text at all as end points.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_fuzz::end_points(input));
