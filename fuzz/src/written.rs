//! What must hold for what is made of a body: each message is one line of JSON.

use weir_web::writers::{DecodeError, Messages};

/// The most that the messages of a body may take, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// Reads a body and checks its messages.
///
/// # Panics
///
/// When a message is no JSON object, or there is more than was allowed; that is what the fuzzer reports.
pub fn check_written(decode: impl FnOnce(&mut Messages) -> Result<(), DecodeError>) {
    let mut messages = Messages::new(BYTES_MAX);
    if decode(&mut messages).is_err() {
        return;
    }
    let mut bytes = 0;
    for message in messages.into_vec() {
        bytes += message.bytes.len();
        let event = weir_record::ndjson::parse(&message.bytes, None);
        let is_object = event.is_ok() || event.is_err_and(|why| why.reason != weir_record::Reason::NotJson);
        assert!(is_object, "a message is no JSON object");
        assert!(!message.bytes.contains(&b'\n'), "a message has one line");
    }
    assert!(bytes <= BYTES_MAX);
}
