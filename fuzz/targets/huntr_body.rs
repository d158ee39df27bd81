//! `fuzz/run huntr_body`

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| huntr_receiver_fuzz::huntr_body(input));
