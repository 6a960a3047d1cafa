//! Any bytes at all from the chip.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rtl8720dn_fuzz::line(input));
