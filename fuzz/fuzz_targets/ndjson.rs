//! Any bytes as JSON objects of any kind.
#![no_main]

libfuzzer_sys::fuzz_target!(|block: &[u8]| {
    weir_fuzz::check_events(block);
});
