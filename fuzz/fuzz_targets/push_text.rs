//! Any bytes as a push in text 0.0.4 and in OpenMetrics.
#![no_main]

use weir_meter::pushed::PushFormat;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    weir_fuzz::check_push(PushFormat::Text, body);
    weir_fuzz::check_push(PushFormat::OpenMetrics, body);
});
