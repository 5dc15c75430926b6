//! Any bytes as nginx access logs in JSON.
#![no_main]

use weir_record::{Format, nginx_json};

libfuzzer_sys::fuzz_target!(|block: &[u8]| {
    weir_fuzz::check_block(Format::NginxJson, block, nginx_json::parse);
});
