//! Anything at all from the module to the driver.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| espat_fuzz::lines(input));
