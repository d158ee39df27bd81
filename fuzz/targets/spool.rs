//! `fuzz/run spool`

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| huntr_receiver_fuzz::spool(input));
