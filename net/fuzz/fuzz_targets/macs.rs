//! Any text at all as macs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_fuzz::macs(input));
