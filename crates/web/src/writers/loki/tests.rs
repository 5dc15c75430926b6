//! Pushes in every encoding, which must come to the same lines.

use super::super::wire::{put_bytes, put_varint};
use super::*;

fn lines(encoding: Encoding, body: &[u8]) -> Result<Vec<String>, DecodeError> {
    let mut messages = Messages::new(1 << 20);
    decode(encoding, body, &mut messages)?;
    Ok(messages
        .into_vec()
        .into_iter()
        .map(|message| String::from_utf8(message.bytes).expect("text"))
        .collect())
}

fn protobuf_push() -> Vec<u8> {
    let mut time = Vec::new();
    put_varint(&mut time, 1, 1_795_169_730);
    put_varint(&mut time, 2, 5);
    let mut pair = Vec::new();
    put_bytes(&mut pair, 1, b"user");
    put_bytes(&mut pair, 2, b"a@b.com");
    let mut entry = Vec::new();
    put_bytes(&mut entry, 1, &time);
    put_bytes(&mut entry, 2, b"it \"failed\"");
    put_bytes(&mut entry, 3, &pair);
    let mut stream = Vec::new();
    put_bytes(&mut stream, 2, &entry);
    put_bytes(&mut stream, 1, br#"{app="shop", message="x"}"#);
    let mut push = Vec::new();
    put_bytes(&mut push, 1, &stream);
    push
}

#[test]
fn every_encoding_comes_to_the_same_lines() {
    let expected = concat!(
        r#"{"app":"shop","labels.message":"x","user":"a@b.com","@timestamp":1795169730.000000005,"#,
        r#""message":"it \"failed\""}"#
    );
    let json = br#"{"streams": [{
        "values": [["1795169730000000005", "it \"failed\"", {"user": "a@b.com"}]],
        "stream": {"app": "shop", "message": "x"}}]}"#;
    let protobuf = protobuf_push();
    for (encoding, body) in [(Encoding::Json, json as &[u8]), (Encoding::Protobuf, &protobuf)] {
        assert_eq!(lines(encoding, body), Ok(vec![expected.to_owned()]), "{encoding:?}");
    }
}

#[test]
fn what_is_no_time_is_left_to_the_arrival() {
    let body =
        br#"{"streams": [{"stream": {"a": 1, "b": {}}, "values": [["x", "one"], [-5, "two"], [7, "three", {}, 8]]}]}"#;
    let expected = [
        r#"{"a":1,"b":"{}","message":"one"}"#,
        r#"{"a":1,"b":"{}","message":"two"}"#,
        r#"{"a":1,"b":"{}","@timestamp":0.000000007,"message":"three"}"#,
    ];
    assert_eq!(lines(Encoding::Json, body).expect("a push"), expected);
}

#[test]
fn what_is_no_push_is_refused() {
    for (encoding, body) in [
        (Encoding::Json, b"" as &[u8]),
        (Encoding::Json, br#"{"streams":[{"values":[["1"]]}]}"#),
        (Encoding::Json, br#"{"streams":[{"stream":[],"values":[]}]}"#),
        (Encoding::Protobuf, b"\x0a\x05a"),
        (Encoding::Protobuf, b"\x0a\x03\x0a\x01{"),
    ] {
        let found = lines(encoding, body);
        assert!(matches!(found, Err(DecodeError::Malformed(_))), "{found:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_lines_of_json_or_an_error(
        bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40),
        at in 0_usize..100,
    ) {
        let mut body = protobuf_push();
        let at = at.min(body.len());
        let end = (at + bytes.len()).min(body.len());
        body.splice(at..end, bytes.iter().copied());
        for (encoding, body) in [
            (Encoding::Protobuf, &body),
            (Encoding::Protobuf, &bytes),
            (Encoding::Json, &bytes),
        ] {
            for line in lines(encoding, body).unwrap_or_default() {
                serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&line).expect("an object");
            }
        }
    }
}
