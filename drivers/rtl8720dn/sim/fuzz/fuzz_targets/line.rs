//! Any bytes at all on the line of the simulated chip.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rtl8720dn_sim_fuzz::line(input));
