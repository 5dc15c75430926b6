//! Any bytes as ALB access logs.
#![no_main]

use weir_record::{Format, alb};

libfuzzer_sys::fuzz_target!(|block: &[u8]| {
    weir_fuzz::check_block(Format::Alb, block, alb::parse_line);
});
