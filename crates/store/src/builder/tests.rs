use proptest::prelude::*;
use weir_record::{Format, LINE_BYTES_DEFAULT, LineParser, NO_OVERLAY, Overlay, RecordFields};

use super::*;
use crate::NAMES_MAX;
use crate::testing::{Fields, records_of, shown};

fn built(builder: &mut RowsBuilder) -> Rows {
    builder.finish(&SequenceNumbers::starting_at(7)).unwrap().expect("some records")
}

fn fields_of_pushed(fields: &[(&str, Value<'_>)]) -> String {
    let mut builder = RowsBuilder::new();
    builder.push_fields(Timestamp::from_micros(5), fields.iter().cloned());
    let (time, sequence, fields) = records_of(&built(&mut builder).batch).remove(0);
    assert_eq!((time, sequence), (5, 7));
    fields.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

fn text(text: &str) -> Value<'_> {
    Value::Text(text.into())
}

#[test]
fn a_value_is_kept_whatever_its_type() {
    let check = |fields: &[(&str, Value<'_>)], expected: &str| {
        assert_eq!(fields_of_pushed(fields), expected);
    };
    check(&[("status", Value::Integer(502)), ("host", text("a"))], "host='a' status=502");
    check(&[("status", text("abc")), ("user_email", Value::Integer(5))], "status='abc' user_email=5");
    check(&[("status", Value::Float(1.5)), ("host", Value::Boolean(true))], "host=true status=1.5");
    check(&[("request_time", Value::Integer(3))], "request_time=3");
    check(&[("request_time", Value::Integer(i64::MAX))], &format!("request_time={}", i64::MAX));
    check(&[("a.b", Value::Json("[1,\"x\"]".into())), ("c", Value::Float(0.4))], "a.b=[1,\"x\"] c=0.4");
    check(&[("a", text("x")), ("a", Value::Integer(1))], "a=1");
    check(&[("a", Value::Integer(1)), ("a", text("x")), ("a", text("y"))], "a='y'");
    check(&[("status", Value::Integer(1)), ("status", text("x"))], "status='x'");
    check(&[("status", text("x")), ("status", Value::Integer(1))], "status=1");
    check(&[("remote_addr", text("x")), ("client_ip", text("y"))], "client_ip='y' remote_addr='x'");
    check(&[("uri", text("x"))], "path='x'");
    check(&[("@timestamp", text("x"))], "field.@timestamp='x'");
    check(&[("time", text("x"))], "time='x'");
}

#[test]
fn records_are_sorted_by_time_and_then_as_they_came() {
    let mut builder = RowsBuilder::new();
    for (time, path) in [(9, "a"), (3, "b"), (9, "c"), (-1, "d")] {
        builder.push_fields(Timestamp::from_micros(time), [("path", text(path))]);
    }
    let rows = built(&mut builder);
    let read: Vec<_> =
        records_of(&rows.batch).into_iter().map(|(time, n, f)| (time, n, f["path"].clone())).collect();
    let expected = [(-1, 7, "'d'"), (3, 8, "'b'"), (9, 9, "'a'"), (9, 10, "'c'")];
    assert_eq!(read, expected.map(|(time, number, path)| (time, number, path.to_owned())));
    assert_eq!((rows.min_time_us, rows.max_time_us, rows.max_sequence), (-1, 9, 10));
    assert!(builder.finish(&SequenceNumbers::default()).unwrap().is_none());
}

#[test]
fn columns_that_begin_late_or_have_gaps_are_filled() {
    let mut builder = RowsBuilder::new();
    for row in 0..100i64 {
        let mut fields = vec![("source", text("s"))];
        if row % 10 == 3 {
            fields.extend([("host", text("h")), ("status", Value::Integer(row)), ("path", text("/"))]);
            fields.extend([("request_time", Value::Float(0.5)), ("x", text("y")), ("z", Value::Integer(1))]);
        }
        builder.push_fields(Timestamp::from_micros(row), fields);
    }
    let records = records_of(&built(&mut builder).batch);
    for (row, (_, _, fields)) in records.iter().enumerate() {
        assert_eq!(fields.len(), if row % 10 == 3 { 7 } else { 1 });
    }
    assert_eq!(records[93].2["status"], "93");
}

#[test]
fn field_names_without_end_cost_no_more_than_their_texts() {
    let mut builder = RowsBuilder::new();
    for record in 0..1_000 {
        let names: Vec<String> = (0..100).map(|field| format!("f{}", record * 100 + field)).collect();
        let fields = names.iter().map(|name| (name.as_str(), Value::Integer(1)));
        builder.push_fields(Timestamp::from_micros(record), fields);
    }
    assert!(builder.bytes() < 2_000_000, "{}", builder.bytes());
    let rows = built(&mut builder);
    assert!(rows.names.is_cut && rows.names.names.len() == NAMES_MAX);
    assert!(rows.names.may_have("f99999") && rows.bytes < 4_000_000, "{}", rows.bytes);
    assert_eq!(records_of(&rows.batch).iter().map(|(_, _, fields)| fields.len()).sum::<usize>(), 100_000);
}

#[test]
fn large_texts_fill_a_batch_before_its_columns_overflow() {
    let large = "x".repeat(1 << 20);
    let mut builder = RowsBuilder::new();
    while !builder.is_full() {
        builder.push_fields(Timestamp::from_micros(0), [("message", text(&large)), ("own", text(&large))]);
    }
    assert_eq!(builder.len(), 32);
    let records = records_of(&built(&mut builder).batch);
    assert!(records.iter().all(|(_, _, fields)| fields["own"].len() == large.len() + 2));
}

/// What the record's own view of itself says, which queries on the way in use.
fn fields_of_line(format: Format, block: &[u8], overlay: &Overlay<'_>) -> Vec<(Fields, Rows)> {
    let mut found = Vec::new();
    LineParser::new(format, LINE_BYTES_DEFAULT).parse_block(block, |line| {
        let Ok(record) = line.outcome else { return };
        let context = RecordContext {
            source: "web",
            service: None,
            route: Some("/orders/{id}"),
            target_group: None,
            overlay,
            format,
            line: line.bytes,
        };
        let mut fields = Fields::new();
        RecordFields::new(record, context).for_each(&mut |name, value| {
            if name != "@timestamp" {
                fields.insert(name.to_owned(), shown(&value));
            }
        });
        let mut builder = RowsBuilder::new();
        builder.push(record, &context, "a.log", line.number, None);
        found.push((fields, built(&mut builder)));
    });
    found
}

fn check_lines(format: Format, block: &[u8]) -> usize {
    let mut beside = Overlay::default();
    beside.set("tags", Value::Text("a,b".into()));
    beside.set("team", Value::Integer(7));
    let mut in_place = beside.clone();
    in_place.set("host", Value::Text("other".into()));
    in_place.set("status", Value::Text("unknown".into()));
    in_place.remove("path");
    in_place.remove("message");
    let mut lines = 0;
    for overlay in [&NO_OVERLAY, &beside, &in_place] {
        let found = fields_of_line(format, block, overlay);
        for (expected, rows) in &found {
            let mut stored = records_of(&rows.batch).remove(0).2;
            assert_eq!(stored.remove("_origin").as_deref(), Some("'a.log'"));
            assert!(stored.remove("_line").is_some());
            assert_eq!(&stored, expected, "{}", String::from_utf8_lossy(block));
        }
        lines = found.len();
    }
    lines
}

#[test]
fn a_request_is_kept_with_the_fields_that_it_is_shown_with() {
    let line = br#"{"time_iso8601":"2026-11-20T10:15:30+00:00","request_method":"GET","request_uri":"/a?b=c","status":"502","request_time":"0.400","host":"SHOP.example.com","upstream_response_time":"0.1, 0.2","http_user_agent":"caf\u00e9 \\xFF","request_id":"r1","tenant":"t","status_text":5,"service":"x","@timestamp":"y"}"#;
    assert_eq!(check_lines(Format::NginxJson, line), 1);
    let line = br#"203.0.113.7 - bob [20/Nov/2026:13:15:30 +0300] "GET /x HTTP/1.1" 200 612 "-" "curl/8""#;
    assert_eq!(check_lines(Format::Combined, line), 1);
}

#[test]
fn bytes_that_are_no_text_are_kept_escaped() {
    let line = b"203.0.113.7 - - [20/Nov/2026:13:15:30 +0300] \"GET /\xff HTTP/1.1\" 200 612 \"-\" \"a\xfe\"";
    let found = fields_of_line(Format::Combined, line, &NO_OVERLAY);
    assert_eq!(found[0].0["path"], "'/\\xFF'");
    assert_eq!(check_lines(Format::Combined, line), 1);
}

fn json_value() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("\"text\"".to_owned()),
        Just("\"\"".to_owned()),
        Just("[1,\"a\"]".to_owned()),
        Just("{\"in\":\"x\",\"n\":2}".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        (-1e6..1e6f64).prop_map(|number| format!("{number:e}")),
    ]
}

fn field_name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "status",
        "client_ip",
        "remote_addr",
        "client",
        "path",
        "uri",
        "request_uri",
        "message",
        "msg",
        "level",
        "payload",
        "tags",
        "tag",
        "source",
        "service",
        "route",
        "request_time",
        "bytes_in",
        "a",
        "b",
        "a.in",
        "host",
        "timestamp",
        "@timestamp",
        "_raw",
        "field.source",
        "",
        "user_email",
        "application",
    ])
}

proptest! {
    #[test]
    fn an_event_is_kept_with_the_fields_that_it_is_shown_with(
        members in prop::collection::vec((field_name(), json_value()), 0..12)
    ) {
        let members: Vec<String> =
            members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let line = format!("{{{},\"ts\":1795169730}}", members.join(",")).replace("{,", "{");
        check_lines(Format::Ndjson, line.as_bytes());
    }
}
