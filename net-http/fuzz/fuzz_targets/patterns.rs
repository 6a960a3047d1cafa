//! Any texts as patterns and a path.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| net_http_fuzz::patterns(input));
