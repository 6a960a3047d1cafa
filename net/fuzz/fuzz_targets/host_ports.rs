//! Any text at all as host ports.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_fuzz::host_ports(input));
