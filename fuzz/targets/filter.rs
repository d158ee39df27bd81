//! `fuzz/run filter`

#![no_main]

libfuzzer_sys::fuzz_target!(
    init: huntr_receiver_fuzz::forgive_what_is_caught(),
    |input: &[u8]| huntr_receiver_fuzz::filter(input)
);
