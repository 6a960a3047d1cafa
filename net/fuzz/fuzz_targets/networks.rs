//! Any text at all as networks.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_fuzz::networks(input));
