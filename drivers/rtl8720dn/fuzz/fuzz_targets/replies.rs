//! Any answers at all to the driver.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rtl8720dn_fuzz::replies(input));
