//! Notifications by example: every shape that is in the samples, and what must not be read.
//!
//! The expected side is an outline, so that a table fits on a screen; fields are checked once per shape.

use proptest::prelude::*;

use super::*;

macro_rules! sample {
    ($name:literal) => {
        include_str!(concat!("../../../../../testdata/s3_events/", $name, ".json"))
    };
}

/// Objects, ignored records and errors, or the label of what is wrong with all of it.
fn outline(body: &str) -> String {
    match read_notification(body.as_bytes()) {
        Ok(said) => format!("{} {} {}", said.objects.len(), said.ignored, said.errors.len()),
        Err(error) => error.label().to_owned(),
    }
}

/// SNS's envelope around a body.
fn enveloped(body: &str) -> String {
    serde_json::json!({"Type": "Notification", "TopicArn": "arn:x", "Message": body}).to_string()
}

/// A record with these fields in place of the usual ones.
fn record(version: &str, name: &str, key: &str) -> Value {
    serde_json::json!({"eventVersion": version, "eventName": name, "s3": {
        "bucket": {"name": "b"}, "object": {"key": key, "size": 5_000_000_000_u64, "eTag": "\"e\""}}})
}

fn records(records: &[Value]) -> String {
    serde_json::json!({"Records": records}).to_string()
}

#[test]
fn every_shape_is_told_by_its_content() {
    let put = sample!("s3-put-v2.1");
    for (body, expected) in [
        (put.to_owned(), "1 0 0"),
        (sample!("s3-put-v2.6").to_owned(), "1 0 0"),
        (sample!("s3-multi-record").to_owned(), "3 0 0"),
        (sample!("s3-multipart").to_owned(), "1 0 0"),
        (sample!("s3-versioned").to_owned(), "1 0 0"),
        (sample!("s3-zero-size").to_owned(), "1 0 0"),
        (sample!("s3-key-encoded").to_owned(), "5 0 2"),
        (sample!("s3-removed").to_owned(), "0 1 0"),
        (sample!("s3-test-event").to_owned(), "0 1 0"),
        (sample!("sns-wrapped-s3").to_owned(), "1 0 0"),
        (sample!("sns-wrapped-testevent").to_owned(), "0 1 0"),
        (sample!("eventbridge-object-created").to_owned(), "1 0 0"),
        (enveloped(sample!("eventbridge-object-created")), "1 0 0"),
        (enveloped(&enveloped(&enveloped(put))), "1 0 0"),
        (enveloped(&enveloped(&enveloped(&enveloped(put)))), "message_too_many_envelopes"),
        (r#"{"Records": []}"#.to_owned(), "0 0 0"),
        (r#"{"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}}"#.to_owned(), "0 1 0"),
        (r#"{"source": "aws.s3", "detail-type": "Object Created", "detail": {}}"#.to_owned(), "0 0 1"),
        (r#"{"source": "aws.ec2", "detail-type": "Object Created"}"#.to_owned(), "message_unknown_shape"),
        (r#"{"Type": "SubscriptionConfirmation", "Message": "x"}"#.to_owned(), "message_unknown_shape"),
        (r#"{"Records": {}}"#.to_owned(), "message_unknown_shape"),
        (r#"{"Message": 5}"#.to_owned(), "message_unknown_shape"),
        (enveloped("not json"), "message_not_json"),
        ("not json at all".to_owned(), "message_not_json"),
        (String::new(), "message_not_json"),
        ("[".repeat(100_000), "message_not_json"),
        ("7".to_owned(), "message_unknown_shape"),
        (" ".repeat(MESSAGE_BYTES_MAX + 1), "message_too_large"),
        (format!("{{\"Records\": [{}0]}}", "0,".repeat(RECORDS_MAX)), "message_too_many_records"),
    ] {
        assert_eq!(outline(&body), expected, "{}", shown(&body));
    }
}

#[test]
fn fields_are_read_from_both_structures() {
    let said = read_notification(sample!("s3-versioned").as_bytes()).unwrap();
    let object = &said.objects[0];
    assert_eq!(object.bucket, "logs-example");
    assert!(object.key.ends_with("_20261120T1015Z_198.51.100.23_3p9141h0.log.gz"), "{}", object.key);
    assert_eq!(object.version_id.as_deref(), Some("096fKKXTRTtl3on89fVO.nfljtsv6qko"));
    assert_eq!(object.etag.as_deref(), Some("d41d8cd98f00b204e9800998ecf8427e"));
    assert_eq!(object.size, Some(48_211));
    assert_eq!(object.sequencer.as_deref(), Some("0065A1B2C3D4E5F678"));

    let said = read_notification(sample!("eventbridge-object-created").as_bytes()).unwrap();
    let object = &said.objects[0];
    assert!(object.key.starts_with("my logs+x/alb/"), "an EventBridge key is not decoded: {}", object.key);
    assert_eq!(object.version_id.as_deref(), Some("IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"));
    assert_eq!(object.etag.as_deref(), Some("b1946ac92492d2347c6235b4d2611184"));
}

#[test]
fn keys_are_decoded_and_a_bad_one_leaves_the_others() {
    let expected: Value = serde_json::from_str(sample!("s3-key-encoded.expect")).unwrap();
    let expected: Vec<&str> =
        expected["expect"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let said = read_notification(sample!("s3-key-encoded").as_bytes()).unwrap();
    let keys: Vec<&str> = said.objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, expected);
    let errors: Vec<String> = said.errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        errors,
        [
            "record 6: the key `bad%ZZ/x.log.gz` has a `%` that two hexadecimal digits do not follow",
            "record 7: the key `latin%FC/x.log.gz` is not UTF-8 once it is decoded",
        ]
    );
}

#[test]
fn records_are_judged_one_by_one() {
    for (record, expected) in [
        (record("2.1", "ObjectCreated:Put", "k"), "1 0 0"),
        (record("2.99", "s3:ObjectCreated:CompleteMultipartUpload", "k"), "1 0 0"),
        (record("2", "ObjectCreated:Copy", "k"), "1 0 0"),
        (record("2.1", "ObjectRestore:Completed", "k"), "0 1 0"),
        (record("3.0", "ObjectCreated:Put", "k"), "0 0 1"),
        (record("20.1", "ObjectCreated:Put", "k"), "0 0 1"),
        (record("2.1", "ObjectCreated:Put", ""), "0 0 1"),
        (record("2.1", "ObjectCreated:Put", &"k".repeat(KEY_BYTES_MAX + 1)), "0 0 1"),
        (serde_json::json!({"eventVersion": 2.1}), "0 0 1"),
        (serde_json::json!({"eventVersion": "2.1", "eventName": "ObjectCreated:Put", "s3": 5}), "0 0 1"),
        (Value::Null, "0 0 1"),
    ] {
        assert_eq!(outline(&records(std::slice::from_ref(&record))), expected, "{record}");
    }
    let said = read_notification(records(&[record("3.0", "x", "k")]).as_bytes()).unwrap();
    assert_eq!(
        said.errors[0].to_string(),
        "record 1: `eventVersion` is `3.0`, and only 2.x is known; look for a newer weir"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_notification_or_an_error(body in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_notification(&body);
    }

    #[test]
    fn any_key_comes_back_from_its_encoding(key in "\\PC{1,60}") {
        let encoded: String = key.bytes().map(|byte| match byte {
            b' ' => "+".to_owned(),
            byte if byte.is_ascii_alphanumeric() || b"/-_.*".contains(&byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        }).collect();
        let said = read_notification(records(&[record("2.1", "ObjectCreated:Put", &encoded)]).as_bytes()).unwrap();
        prop_assert_eq!(&said.objects[0].key, &key);
    }

    #[test]
    fn a_sample_with_a_byte_changed_never_panics(at in 0_usize..1000, byte in any::<u8>()) {
        let mut body = sample!("sns-wrapped-s3").as_bytes().to_vec();
        let at = at % body.len();
        body[at] = byte;
        let _ = read_notification(&body);
    }
}
