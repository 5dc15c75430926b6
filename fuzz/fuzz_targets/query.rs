//! Any text as a query.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| weir_fuzz::check_query(text));
