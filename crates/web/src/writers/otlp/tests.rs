//! Requests in both encodings, which must come to the same lines.

use super::super::wire::put_bytes;
use super::*;

fn lines(encoding: Encoding, body: &[u8]) -> Vec<String> {
    let mut messages = Messages::new(1 << 20);
    decode(encoding, body, &mut messages).expect("a request");
    messages.into_vec().into_iter().map(|message| String::from_utf8(message.bytes).expect("text")).collect()
}

fn message(fields: &[(u32, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, bytes) in fields {
        put_bytes(&mut out, *number, bytes);
    }
    out
}

fn text(value: &str) -> Vec<u8> {
    message(&[(1, value.as_bytes())])
}

fn pair(key: &str, value: &[u8]) -> Vec<u8> {
    message(&[(1, key.as_bytes()), (2, value)])
}

/// A resource, a scope and two records, of which the second says little.
fn protobuf_request() -> Vec<u8> {
    let resource = message(&[(1, &pair("service.name", &text("shop")))]);
    let mut number = Vec::new();
    put_varint(&mut number, 3, 7_u64);
    let list = message(&[(5, &message(&[(1, &number), (1, &text("b"))]))]);
    let map = message(&[(6, &message(&[(1, &pair("id", &number)), (1, &pair("tags", &list))]))]);
    let scope = message(&[(1, b"lib"), (2, b"1.2")]);
    let mut record = vec![0x09];
    record.extend_from_slice(&1_795_169_730_000_000_000_u64.to_le_bytes());
    put_varint(&mut record, 2, 17);
    put_bytes(&mut record, 3, b"Error");
    put_bytes(&mut record, 5, &text("it \"failed\""));
    put_bytes(&mut record, 6, &pair("user", &map));
    put_bytes(&mut record, 6, &pair("message", &text("mine")));
    put_bytes(&mut record, 9, &[0x5b; 16]);
    put_bytes(&mut record, 10, &[0; 8]);
    let second = message(&[(5, &map)]);
    let scope_logs = message(&[(2, &record), (2, &second), (1, &scope)]);
    message(&[(1, &message(&[(2, &scope_logs), (1, &resource)]))])
}

const JSON_REQUEST: &str = r#"{"resourceLogs": [{
  "scopeLogs": [{"logRecords": [
    {"timeUnixNano": "1795169730000000000", "severityNumber": 17, "severityText": "Error",
     "body": {"stringValue": "it \"failed\""},
     "attributes": [
       {"key": "user", "value": {"kvlistValue": {"values": [
         {"key": "id", "value": {"intValue": "7"}},
         {"key": "tags", "value": {"arrayValue": {"values": [{"intValue": 7}, {"stringValue": "b"}]}}}]}}},
       {"key": "message", "value": {"stringValue": "mine"}}],
     "traceId": "5B5B5B5B5B5B5B5B5B5B5B5B5B5B5B5B", "spanId": "0000000000000000", "unknown": [1, {}]},
    {"body": {"kvlistValue": {"values": [
         {"key": "id", "value": {"intValue": "7"}},
         {"key": "tags", "value": {"arrayValue": {"values": [{"intValue": 7}, {"stringValue": "b"}]}}}]}},
     "attributes": null}],
    "scope": {"name": "lib", "version": "1.2"}}],
  "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}}]}"#;

#[test]
fn both_encodings_come_to_the_same_lines() {
    let first = concat!(
        r#"{"service.name":"shop","scope.name":"lib","scope.version":"1.2","user.id":7,"user.tags":[7,"b"],"#,
        r#""attributes.message":"mine","@timestamp":1795169730.000000000,"level":3,"severity_text":"Error","#,
        r#""trace_id":"5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b5b","message":"it \"failed\""}"#
    );
    let second = concat!(
        r#"{"service.name":"shop","scope.name":"lib","scope.version":"1.2","body.id":7,"body.tags":[7,"b"],"#,
        r#""message":"{\"id\":7,\"tags\":[7,\"b\"]}"}"#
    );
    assert_eq!(lines(Encoding::Protobuf, &protobuf_request()), [first, second]);
    assert_eq!(lines(Encoding::Json, JSON_REQUEST.as_bytes()), [first, second]);
}

#[test]
fn values_of_every_kind_are_json() {
    for (value, expected) in [
        (r#"{"stringValue":"é\n"}"#, r#""é\n""#),
        (r#"{"boolValue":false}"#, "false"),
        (r#"{"intValue":"-9223372036854775808"}"#, "-9223372036854775808"),
        (r#"{"intValue":"x"}"#, r#""x""#),
        (r#"{"doubleValue":0.25}"#, "0.25"),
        (r#"{"doubleValue":"NaN"}"#, r#""NaN""#),
        (r#"{"bytesValue":"aGk="}"#, r#""aGk=""#),
        (r#"{"arrayValue":{}}"#, "[]"),
        (r#"{"arrayValue":{"values":[{"kvlistValue":{"values":[{"key":"a"}]}}]}}"#, r#"[{"a":null}]"#),
        ("{}", "null"),
    ] {
        let body = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"attributes":[{{"key":"k","value":{value}}}]}}]}}]}}]}}"#
        );
        assert_eq!(lines(Encoding::Json, body.as_bytes()), [format!(r#"{{"k":{expected}}}"#)], "{value}");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for (encoding, body) in [
        (Encoding::Json, "" as &str),
        (Encoding::Json, "[]"),
        (Encoding::Json, r#"{"resourceLogs":{}}"#),
        (Encoding::Json, r#"{"resourceLogs":[{"scopeLogs":[1]}]}"#),
        (Encoding::Protobuf, "\x0a\x05a"),
    ] {
        let found = decode(encoding, body.as_bytes(), &mut Messages::new(1_000));
        assert!(matches!(found, Err(DecodeError::Malformed(_))), "{body} {found:?}");
    }
    let deep = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(60), "]}}".repeat(60));
    let body = format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{deep}}}]}}]}}]}}"#);
    let found = decode(Encoding::Json, body.as_bytes(), &mut Messages::new(1_000));
    assert_eq!(found, Err(DecodeError::Malformed("values are nested deeper than 32".to_owned())));
}

#[test]
fn many_empty_records_beside_a_large_resource_are_too_much() {
    let resource = message(&[(1, &pair("a", &text(&"x".repeat(1_000))))]);
    let record: (u32, &[u8]) = (2, b"");
    let scope_logs = message(&[record; 2_000]);
    let body = message(&[(1, &message(&[(1, &resource), (2, &scope_logs)]))]);
    let found = decode(Encoding::Protobuf, &body, &mut Messages::new(1 << 20));
    assert_eq!(found, Err(DecodeError::TooMuch { max: 1 << 20, of: "bytes unpacked" }));
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_lines_of_json_or_an_error(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..80),
        at in 0_usize..400,
    ) {
        // Some of it replaces a part of a sound request, so that it is looked at.
        let mut body = protobuf_request();
        let at = at.min(body.len());
        let end = (at + bytes.len()).min(body.len());
        body.splice(at..end, bytes.iter().copied());
        for (encoding, body) in [(Encoding::Protobuf, &body), (Encoding::Protobuf, &bytes), (Encoding::Json, &bytes)] {
            let mut messages = Messages::new(1 << 20);
            if decode(encoding, body, &mut messages).is_ok() {
                for message in messages.into_vec() {
                    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&message.bytes)
                        .expect("an object");
                }
            }
        }
    }
}
