//! Any bytes at all on the serial line of the simulated modem.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| espat_sim_fuzz::traffic(input));
