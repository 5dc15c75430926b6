//! Any bytes as the body of Elasticsearch's `_bulk`.
#![no_main]

use weir_web::writers::Messages;
use weir_web::writers::elastic::bulk::decode;

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    let mut messages = Messages::new(1 << 20);
    if let Ok(items) = decode(body, "logs", &mut messages) {
        let with_message = items.iter().filter(|item| item.has_message).count();
        assert_eq!(with_message, messages.len(), "each message is an item's");
        assert!(items.len() <= body.len(), "an item has a line");
    }
});
