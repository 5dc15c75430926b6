//! Any bytes as logs of OTLP, in both encodings.
#![no_main]

use weir_web::writers::otlp::{Encoding, decode};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        weir_fuzz::check_written(|messages| decode(encoding, body, messages));
    }
});
