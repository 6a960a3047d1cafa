//! Any text at all as addresses.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_fuzz::addresses(input));
