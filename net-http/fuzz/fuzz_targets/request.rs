//! Any bytes to the server.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_http_fuzz::request(input));
