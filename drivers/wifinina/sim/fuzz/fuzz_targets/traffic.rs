//! Any bytes at all on the bus of the simulated chip.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| wifinina_sim_fuzz::traffic(input));
