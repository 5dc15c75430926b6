//! Any bytes as a push in delimited protobuf.
#![no_main]

use weir_meter::pushed::PushFormat;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    weir_fuzz::check_push(PushFormat::Protobuf, body);
});
