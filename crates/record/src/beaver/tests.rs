//! What every shape of Beaver's lines becomes. The long table is `testdata/beaver`: lines and their outcomes.

use proptest::prelude::*;

use super::parse;
use crate::format::Format;
use crate::message::{InnerFormats, MessageParser};
use crate::other_fields::other_fields;
use crate::record_fields::{RecordContext, RecordFields};
use crate::reject::Reject;
use crate::summary::compare_with_golden;
use crate::timestamp::Timestamp;
use crate::value::Value;

const RECEIVED_AT: Timestamp = Timestamp::from_seconds(1_000_000_000);

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("'{}'", text.escape_debug()),
        Value::Json(text) => text.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format!("{number}f"),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Time(time) => time.to_string(),
    }
}

/// Time and fields, or the reject.
fn summary(line: &[u8]) -> String {
    let event = match parse(line, Some(RECEIVED_AT)) {
        Ok(event) => event,
        Err(Reject { reason, column }) => return format!("reject {} at column {column}", reason.label()),
    };
    let mut all = event.time.to_string();
    other_fields(Format::Beaver, line, &mut |name, value| all += &format!(" {name}={}", shown(&value)));
    all
}

#[test]
fn odd_lines_become_what_the_golden_file_says() {
    let log = include_bytes!("../../../../testdata/beaver/odd_lines.log");
    let lines = log.strip_suffix(b"\n").unwrap_or(log).split(|&byte| byte == b'\n');
    let outcomes: Vec<String> = lines.map(summary).collect();
    compare_with_golden(&outcomes, include_str!("../../../../testdata/beaver/odd_lines.expected"));
}

#[test]
fn a_line_without_a_time_is_a_reject_only_where_none_is_given() {
    for (line, column) in [
        (r#" {"message":"x"}"#, 2),
        (r#"{"@timestamp":"soon","message":"x"}"#, 16),
        ("[web1] [2026-13-20T10:15:30Z] x", 9),
    ] {
        let reject = parse(line.as_bytes(), None).expect_err(line);
        assert_eq!((reject.reason.label(), reject.column), ("bad_time", column), "{line}");
        assert_eq!(parse(line.as_bytes(), Some(RECEIVED_AT)).expect(line).time, RECEIVED_AT);
    }
}

/// The record of a message in which `type: nginx` means a line of nginx.
fn shown_record(message: &str) -> String {
    let inner = InnerFormats { by: "type".into(), map: vec![("nginx".into(), Format::NginxJson)] };
    let mut shown_record = String::new();
    MessageParser::new(Format::Beaver, &inner, 1_000).parse(message.as_bytes(), RECEIVED_AT, |line| {
        let record = match line.outcome {
            Ok(record) => record,
            Err(why) => return shown_record.push_str(why.reason.label()),
        };
        let (service, route, target_group) = (None, None, None);
        let (overlay, format, line) = (line.overlay, line.format, line.content);
        let context = RecordContext { source: "s", service, route, target_group, overlay, format, line };
        shown_record += format.name();
        RecordFields::new(record, context).for_each(&mut |name, value| {
            shown_record += &format!(" {name}={}", shown(&value));
        });
    });
    shown_record
}

#[test]
fn a_line_of_nginx_in_a_message_is_a_request() {
    let check = |message: &str, expected: &str| assert_eq!(shown_record(message), expected, "{message}");
    check(
        r#"{"type":"nginx","tags":["a","b"],"host":"web1","file":"\/a","@timestamp":"2026-11-20T10:15:31Z","@version":1,"env":["prod"],"message":"{\"status\":\"200\",\"time_local\":\"20\/Nov\/2026:13:15:30 +0300\",\"request_uri\":\"\/x\",\"host\":\"shop.example.com\"}"}"#,
        "nginx_json @timestamp=2026-11-20T10:15:30Z source='s' type='nginx' tags='a,b' host='shop.example.com' node='web1' path='/x' status=200 env='prod' file='/a'",
    );
    check(
        r#"{"@type":"nginx","@tags":[],"@source_host":"web1","@source_path":"/a","@fields":{"env":["prod"]},"@message":"{\"status\":\"200\",\"msec\":1795169730}"}"#,
        "nginx_json @timestamp=2026-11-20T10:15:30Z source='s' type='nginx' node='web1' status=200 env='prod' file='/a'",
    );
    check(
        r#"{"type":"app","message":"{}"}"#,
        "beaver @timestamp=2001-09-09T01:46:40Z source='s' type='app' message='{}'",
    );
    check(r#"{"type":"nginx","message":"GET"}"#, "not_json");
    check(r#"{"type":"nginx","message":"{\"a\":1}"}"#, "not_request");
}

#[test]
fn a_line_of_nginx_beside_what_beaver_says_is_a_request() {
    let check = |host: &str, tags: &str, expected: &str| {
        let message = format!(
            r#"{{"message":"","type":"nginx","tags":{tags},"host":"{host}","file":"/a","@timestamp":"2026-11-20T10:15:31Z","time_local":"20/Nov/2026:13:15:30 +0300","env":["prod"],"status":"200"}}"#
        );
        let expected = format!(
            "nginx_json @timestamp=2026-11-20T10:15:30Z source='s' type='nginx' {expected} status=200 env='prod' file='/a'"
        );
        assert_eq!(shown_record(&message), expected);
    };
    check("web1", r#"["a","b"]"#, "tags='a,b' node='web1'");
    check("shop.example.com", r#""""#, "host='shop.example.com'");
}

proptest! {
    #[test]
    fn any_bytes_are_a_record_or_a_reject(
        line in proptest::collection::vec(
            prop_oneof![any::<u8>(), proptest::sample::select(b" \"\\\n{}[]:,-019.@Z".to_vec())],
            0..200,
        ),
    ) {
        let _ = summary(&line);
    }

    #[test]
    fn any_members_are_a_record_or_a_reject(
        members in proptest::collection::vec(
            (
                proptest::sample::select(vec!["type", "@type", "tags", "@tags", "host", "message", "@fields", "@timestamp", "ts", "x"]),
                "(\"[a-z,\\\\\\\\]{0,4}\"|\\[(\"[a-z]{0,2}\"|1|null|\\[\\]|,){0,3}\\]|\\{(\"k\":\\[\"v\"\\])?\\}|null|1|true)",
            ),
            0..6,
        ),
    ) {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        let _ = summary(format!("{{{}}}", members.join(",")).as_bytes());
    }
}
