//! Any bytes as a chunked body.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_http_fuzz::chunked(input));
