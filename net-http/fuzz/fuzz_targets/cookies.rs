//! Any text as cookies.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_http_fuzz::cookies(input));
