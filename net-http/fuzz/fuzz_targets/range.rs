//! Any text as a Range field.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_http_fuzz::range(input));
