//! Any bytes as a push to Loki, in both encodings and unpacked from snappy.
#![no_main]

use weir_web::writers::loki::{Encoding, decode};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    for encoding in [Encoding::Protobuf, Encoding::Json] {
        weir_fuzz::check_written(|messages| decode(encoding, body, messages));
    }
    if snap::raw::decompress_len(body).is_ok_and(|length| length <= 1 << 20)
        && let Ok(unpacked) = snap::raw::Decoder::new().decompress_vec(body)
    {
        weir_fuzz::check_written(|messages| decode(Encoding::Protobuf, &unpacked, messages));
    }
});
