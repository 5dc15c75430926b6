//! What clients send, one case each, and what must come of it.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::overlay::NO_OVERLAY;
use crate::{
    FIELD_NAME_BYTES_MAX, Format, OTHER_FIELDS_MAX, Record, RecordContext, RecordFields, Value, other_fields,
};

/// When the messages here arrive.
const ARRIVAL: &str = "2026-11-20T10:16:00Z";

fn received_at() -> Option<Timestamp> {
    Timestamp::parse_rfc3339(ARRIVAL.as_bytes())
}

/// The time and the fields of a message, or why it is none.
fn shown(message: &[u8]) -> String {
    let event = match parse(message, received_at()) {
        Ok(event) => event,
        Err(reject) => return format!("{} at column {}", reject.reason.label(), reject.column),
    };
    assert_eq!(event.line, message);
    let time = event.time.to_string();
    let mut shown = vec![if time == ARRIVAL { "arrival".to_owned() } else { time }];
    other_fields(Format::Gelf, message, &mut |name, value| shown.push(field(name, &value)));
    shown.join(" ")
}

fn field(name: &str, value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("{name}='{text}'"),
        Value::Json(text) => format!("{name}={text}"),
        Value::Integer(number) => format!("{name}={number}"),
        Value::Float(number) => format!("{name}={number:e}f"),
        Value::Boolean(boolean) => format!("{name}={boolean}"),
        Value::Time(time) => format!("{name}={time}"),
    }
}

fn check(message: &[u8], expected: &str) {
    assert_eq!(shown(message), expected, "{}", message.escape_ascii());
}

/// Members of a message beside its text.
fn check_members(members: &str, expected: &str) {
    let message = format!(r#"{{"short_message":"m",{members}}}"#);
    let shown = shown(message.as_bytes());
    let shown = shown.strip_suffix(" message='m'").map_or(shown.clone(), str::to_owned);
    assert_eq!(shown, expected, "{message}");
}

#[test]
fn each_client_is_understood_as_it_writes() {
    for (client, message, expected) in [
        (
            "graypy",
            r#"{"version":"1.0","host":"web-1","short_message":"no such order","full_message":"Traceback:\n  boom","timestamp":1795169730.1234567,"level":3,"facility":"shop.orders","_file":"orders.py","_line":7,"_level_name":"ERROR","_user":"<User: 7>"}"#,
            "2026-11-20T10:15:30.123456Z version='1.0' facility='shop.orders' file='orders.py' line=7 level_name='ERROR' user='<User: 7>' host='web-1' node='web-1' level=3 message='Traceback:\n  boom' short_message='no such order'",
        ),
        (
            "pygelf",
            r#"{"version": "1.1", "short_message": "m", "timestamp": 1795169730.123457, "level": 6, "host": "web-1", "_cart": {"items": [1, 2], "total": NaN}, "_is_new": true, "_gone": null, "_limit": Infinity, "_low": -Infinity}"#,
            "2026-11-20T10:15:30.123457Z version='1.1' cart.items=[1, 2] cart.total='NaN' is_new=true limit='Infinity' low='-Infinity' host='web-1' node='web-1' level=6 message='m'",
        ),
        (
            "gelf-php",
            r#"{"version":"1.1","host":"web-1","short_message":"m","level":3,"timestamp":1795169730.1234,"_is_admin":false,"_took":0.25}"#,
            "2026-11-20T10:15:30.123400Z version='1.1' is_admin=false took=2.5e-1f host='web-1' node='web-1' level=3 message='m'",
        ),
        (
            "gelf-pro, without a level",
            r#"{"version":"1.1","host":"web-1","short_message":"No message","timestamp":1795169730.123,"_user_name":"ann","_ratio":"Infinity"}"#,
            "2026-11-20T10:15:30.123000Z version='1.1' user_name='ann' ratio='Infinity' host='web-1' node='web-1' message='No message'",
        ),
        (
            "logstash-gelf 1.0: no version, numbers as text",
            r#"{"host":"web-1","short_message":"m","full_message":"m","timestamp":"1795169730.123","level":"6","facility":"logstash-gelf","_Severity":"INFO"}"#,
            "2026-11-20T10:15:30.123000Z facility='logstash-gelf' Severity='INFO' host='web-1' node='web-1' level=6 message='m'",
        ),
        (
            "logback-gelf",
            r#"{"version":"1.1","host":"web-1","short_message":"m","timestamp":1795169730.120,"level":4,"_thread_name":"main","_n":"7"}"#,
            "2026-11-20T10:15:30.120000Z version='1.1' thread_name='main' n='7' host='web-1' node='web-1' level=4 message='m'",
        ),
        (
            "docker",
            r#"{"version":"1.1","host":"web-1","short_message":"GET / 200","timestamp":1795169730.123,"level":6,"_command":"nginx","_container_id":"4f0c","_created":"2026-11-20T10:00:00.000000001Z","_tag":"4f0c"}"#,
            "2026-11-20T10:15:30.123000Z version='1.1' command='nginx' container_id='4f0c' created='2026-11-20T10:00:00.000000001Z' tag='4f0c' host='web-1' node='web-1' level=6 message='GET / 200'",
        ),
        (
            "Beaver, with the NUL that it sends everywhere",
            "{\"version\": \"1.1\", \"short_message\": \"first\", \"full_message\": \"first\\nsecond\", \"timestamp\": 1795169730.5, \"level\": 6, \"host\": \"web-1\", \"_file\": \"/var/log/app.log\"}\0",
            "2026-11-20T10:15:30.500000Z version='1.1' file='/var/log/app.log' host='web-1' node='web-1' level=6 message='first\nsecond' short_message='first'",
        ),
        (
            "an error of a web product, with what it is searched by",
            r#"{"version":"1.1","host":"web-1","short_message":"m","_user_email":"ann@example.com","_api_method":"/api/v1/orders","_method_type":"POST","_controller":"Orders","_payload":"{\"a\":1}","_request_id":"r7","_trace_id":"1-5-6"}"#,
            r#"arrival version='1.1' user_email='ann@example.com' api_method='/api/v1/orders' method_type='POST' controller='Orders' payload='{"a":1}' request_id='r7' trace_id='1-5-6' host='web-1' node='web-1' message='m'"#,
        ),
    ] {
        assert_eq!(shown(message.as_bytes()), expected, "{client}");
    }
}

#[test]
fn times_that_make_sense_are_used_and_others_shown() {
    for (timestamp, time, kept) in [
        ("1795169730", "2026-11-20T10:15:30Z", ""),
        ("1795169730123", "2026-11-20T10:15:30.123000Z", ""),
        ("\"1795169730.5\"", "2026-11-20T10:15:30.500000Z", ""),
        ("\"2026-11-20T13:15:30+03:00\"", "2026-11-20T10:15:30Z", ""),
        ("1.7951697305E9", "2026-11-20T10:15:30.500000Z", ""),
        ("0", "arrival", " field.timestamp=0"),
        ("-1795169730", "arrival", " field.timestamp=-1795169730"),
        ("1e400", "arrival", " field.timestamp='1e400'"),
        ("\"soon\"", "arrival", " field.timestamp='soon'"),
        ("true", "arrival", " field.timestamp=true"),
        ("[1795169730]", "arrival", " field.timestamp=[1795169730]"),
        ("null", "arrival", ""),
    ] {
        let message = format!(r#"{{"message":"m","timestamp":{timestamp}}}"#);
        check(message.as_bytes(), &format!("{time} message='m'{kept}"));
    }
    let without_arrival = |message: &str| parse(message.as_bytes(), None).map(|event| event.time.to_string());
    assert_eq!(without_arrival(r#"{"message":"m","timestamp":1}"#).as_deref(), Ok("1970-01-01T00:00:01Z"));
    assert_eq!(without_arrival(r#"{"message":"m"}"#), Err(Reject::at(Reason::BadTime, 0)));
    assert_eq!(without_arrival(r#"{"timestamp":"x","message":"m"}"#), Err(Reject::at(Reason::BadTime, 14)));
}

#[test]
fn a_level_is_a_whole_number_where_it_means_one() {
    for (level, expected) in [
        ("3", "arrival level=3"),
        ("8", "arrival level=8"),
        ("-1", "arrival level=-1"),
        ("6.0", "arrival level=6"),
        ("\"6\"", "arrival level=6"),
        ("\" 6.0 \"", "arrival level=6"),
        ("6.5", "arrival level=6.5e0f"),
        ("1e300", "arrival level=1e300f"),
        ("NaN", "arrival level='NaN'"),
        ("\"error\"", "arrival level='error'"),
        ("\"\"", "arrival level=''"),
        ("null", "arrival"),
        ("[3]", "arrival level=[3]"),
        ("{\"name\":\"error\"}", "arrival level.name='error'"),
    ] {
        check_members(&format!("\"level\":{level}"), expected);
    }
}

#[test]
fn the_message_is_the_first_that_says_something() {
    for (message, expected) in [
        (
            r#"{"full_message":"f","short_message":"s","message":"m"}"#,
            "message='f' short_message='s' field.message='m'",
        ),
        (r#"{"full_message":"f","short_message":"f","message":"f"}"#, "message='f'"),
        (r#"{"full_message":"\u0066","short_message":"f"}"#, "message='f'"),
        (r#"{"full_message":"","short_message":"s"}"#, "message='s'"),
        (r#"{"full_message":null,"short_message":"s"}"#, "message='s'"),
        (r#"{"full_message":"f"}"#, "message='f'"),
        (r#"{"message":"m"}"#, "message='m'"),
        (r#"{"short_message":""}"#, "message=''"),
        (r#"{"short_message":"","_a":1}"#, "a=1 message=''"),
        (r#"{"short_message":7,"full_message":1.5}"#, "message=1.5e0f short_message=7"),
        (r#"{"short_message":false}"#, "message=false"),
        (r#"{"short_message":{"text":"s"}}"#, "message.text='s'"),
        (r#"{"short_message":"a","short_message":"b"}"#, "message='b'"),
        (
            r#"{"short_message":"m","_message":"n","_short_message":"o"}"#,
            "field.message='n' field.short_message='o' message='m'",
        ),
    ] {
        check(message.as_bytes(), &format!("arrival {expected}"));
    }
}

#[test]
fn additional_fields_lose_one_underscore() {
    for (members, expected) in [
        (r#""_foo":1,"bar":2,"__baz":3"#, "foo=1 bar=2 _baz=3"),
        (r#""_id":"x","id":"y""#, "id_='x' id='y'"),
        (r#""_":1,"":2"#, "field.=1 field.=2"),
        (r#""__id":1,"_source":2,"_raw":3"#, "field._id=1 field.source=2 raw=3"),
        (r#""_a b":1,"_c.d":2,"_\u0436":3,"_ж":4"#, "a b=1 c.d=2 ж=3 ж=4"),
        (r#""_level":1,"_timestamp":2"#, "field.level=1 field.timestamp=2"),
        (r#""host":"web-1","_host":"shop.example.com""#, "host='shop.example.com' node='web-1'"),
        (r#""host":"web-1","_node":"n1""#, "node='n1' host='web-1'"),
        (r#""host":"""#, ""),
        (r#""host":null"#, ""),
        (r#""host":7"#, "host=7 node=7"),
        (r#""version":1.1,"_a":"b""#, "version=1.1e0f a='b'"),
        (r#""_a":null,"_b":"","_c":"-""#, "b='' c='-'"),
        (r#""_a":{"_b":{"c":[1]}},"_d":[]"#, "a._b.c=[1] d=[]"),
        (r#""_a":1,"_a":2"#, "a=1 a=2"),
    ] {
        check_members(members, format!("arrival {expected}").trim_end());
    }
}

#[test]
fn what_is_not_json_to_the_letter_is_read() {
    check("\u{feff}{\"message\":\"m\",}".as_bytes(), "arrival message='m'");
    check(b"{\"message\":\"a\nb\tc\x01\",\"_a\":1,}", "arrival a=1 message='a\nb\tc\x01'");
    check(b"{\"message\":\"caf\xe9\",\"_a\xff\":1}", "arrival a\\xFF=1 message='caf\\xE9'");
    check(b"\r\n{\r\n  \"message\": \"m\",\r\n  \"_a\": 1\r\n}\r\n\0\0", "arrival a=1 message='m'");
    check(br#"{"message":"\ud83d\ude00 \ud83d"}"#, "arrival message='\u{1f600} \u{fffd}'");
    let deep = format!(r#"{{"message":"m","_a":{}{}}}"#, "[".repeat(60), "]".repeat(60));
    assert!(shown(deep.as_bytes()).contains("[[[["));
}

#[test]
fn the_message_has_room_beside_any_number_of_fields() {
    let members: String = (0..OTHER_FIELDS_MAX + 5).map(|number| format!(r#""_k{number}":1,"#)).collect();
    let shown = shown(format!(r#"{{"message":"m",{members}"host":"h","level":3}}"#).as_bytes());
    assert!(shown.contains(" host='h' node='h' level=3 message='m' _more={\"k99"), "{shown}");
    assert_eq!(shown.split(' ').count(), 1 + (OTHER_FIELDS_MAX - 7) + 4 + 1);
}

#[test]
fn what_is_no_message_says_why() {
    for (message, expected) in [
        ("", "not_json at column 1"),
        ("\0", "not_json at column 1"),
        ("hello", "not_json at column 1"),
        (r#"[{"message":"m"}]"#, "not_json at column 1"),
        (r#"{"message":"m""#, "not_json at column 15"),
        (r#"{"message":"m"}{"message":"n"}"#, "not_json at column 16"),
        ("{}", "no_message at column 1"),
        (r#" {"host":"web-1","_a":1}"#, "no_message at column 2"),
        (r#"{"short_message":null}"#, "no_message at column 1"),
    ] {
        check(message.as_bytes(), expected);
    }
    let deep = format!(r#"{{"message":"m","a":{}"#, "[".repeat(100_000));
    assert!(shown(deep.as_bytes()).starts_with("not_json"));
}

#[test]
fn fields_are_found_by_the_names_of_a_known_field() {
    let message =
        br#"{"host":"web-1","short_message":"s","full_message":"f","_user_email":"a@b.com","_hostname":"h"}"#;
    let event = parse(message, received_at()).expect("a message");
    let fields = RecordFields::new(Record::Event(event), context(message));
    for (name, expected) in [
        ("message", Some("f")),
        ("full_message", Some("f")),
        ("host", Some("web-1")),
        ("node", Some("web-1")),
        ("user_email", Some("a@b.com")),
        ("_user_email", None),
    ] {
        assert_eq!(fields.field(name), expected.map(|text| Value::Text(Cow::Borrowed(text))), "{name}");
    }
}

fn context(line: &[u8]) -> RecordContext<'_> {
    RecordContext {
        source: "errors",
        service: None,
        route: None,
        target_group: None,
        overlay: &NO_OVERLAY,
        format: Format::Gelf,
        line,
    }
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_or_a_reject(
        message in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b"{}[]\":,\\ 01.-eE\n\0_".to_vec())], 0..300,
        ),
        is_object: bool,
    ) {
        let message = if is_object { [b"{\"message\":\"m\",\"a\":".as_slice(), &message, b"}"].concat() } else { message };
        match parse(&message, received_at()) {
            Ok(event) => assert_eq!(event.line, message),
            Err(reject) => assert!((1..=message.len() + 1).contains(&reject.column)),
        }
        other_fields(Format::Gelf, &message, &mut |name, value| {
            assert!((1..=FIELD_NAME_BYTES_MAX).contains(&name.len()));
            assert!(!matches!(value, Value::Float(number) if !number.is_finite()));
        });
    }

    #[test]
    fn what_a_client_says_is_found_under_its_name(name in "[a-z]{5,9}", text in "\\PC{1,20}", number: i64) {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let message = format!(r#"{{"version":"1.1","host":"h","short_message":"{escaped}","_{name}":{number}}}"#);
        let message = message.as_bytes();
        let fields = RecordFields::new(Record::Event(parse(message, received_at()).unwrap()), context(message));
        prop_assert_eq!(fields.field("message"), Some(Value::Text(text.into())));
        prop_assert_eq!(fields.field(&name), Some(Value::Integer(number)));
    }
}
