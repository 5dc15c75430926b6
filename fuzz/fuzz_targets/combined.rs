//! Any bytes as the combined log format of nginx and Apache.
#![no_main]

use weir_record::{Format, combined};

libfuzzer_sys::fuzz_target!(|block: &[u8]| {
    weir_fuzz::check_block(Format::Combined, block, combined::parse);
});
