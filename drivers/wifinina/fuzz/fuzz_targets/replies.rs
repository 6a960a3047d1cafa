//! Any answers at all to the driver.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wifinina_fuzz::replies(input));
