//! Any bytes as a message of Beaver.
#![no_main]

libfuzzer_sys::fuzz_target!(|message: &[u8]| {
    weir_fuzz::check_beaver(message);
});
