//! Any bytes as a message about objects, bare and in each of Lambda's wrappings.
#![no_main]

use weir_ingest::s3::{
    BUCKET_BYTES_MAX, KEY_BYTES_MAX, Notification, RECORDS_MAX, read_lambda_event, read_notification,
};

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    if let Ok(notification) = read_notification(body) {
        check(&notification);
    }
    if let Ok(event) = read_lambda_event(body) {
        assert!(event.messages.len() <= RECORDS_MAX);
        event.messages.iter().filter_map(|message| message.content.as_ref().ok()).for_each(check);
        let is_empty_id = |id: &Option<String>| id.as_deref() == Some("");
        assert!(
            !event.messages.iter().any(|message| is_empty_id(&message.id)),
            "an empty id fails a whole batch"
        );
    }
});

fn check(notification: &Notification) {
    assert!(notification.objects.len() + notification.errors.len() <= RECORDS_MAX);
    for object in &notification.objects {
        assert!((1..=BUCKET_BYTES_MAX).contains(&object.bucket.len()));
        assert!((1..=KEY_BYTES_MAX).contains(&object.key.len()));
        assert!(object.etag.as_deref() != Some(""), "an empty tag would match nothing");
        assert!(!object.to_string().chars().any(char::is_control), "a message may reach a terminal");
    }
}
