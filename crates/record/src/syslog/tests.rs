//! What messages become. The long table is `testdata/syslog`: messages and their fields.

use proptest::prelude::*;

use super::*;
use crate::other_fields::FIELD_NAME_BYTES_MAX;

/// When the messages of the tests arrive: a Friday.
fn arrival() -> Timestamp {
    Timestamp::parse_rfc3339(b"2026-11-20T10:15:31Z").expect("a time")
}

fn shown(message: &[u8], received_at: Option<Timestamp>) -> String {
    let event = match parse(message, received_at) {
        Ok(event) => event,
        Err(reject) => return format!("{} at column {}", reject.reason.label(), reject.column),
    };
    let time = if received_at == Some(event.time) { "arrival".to_owned() } else { event.time.to_string() };
    let mut shown = vec![format!("time={time}")];
    other_fields(event.line, &mut |name, value| {
        shown.push(match value {
            Value::Text(text) => format!("{name}='{}'", text.escape_debug()),
            value => format!("{name}={value:?}").replace("Integer(", "").replace(')', ""),
        });
    });
    shown.join(" ")
}

fn check(message: &[u8], expected: &str) {
    assert_eq!(shown(message, Some(arrival())), expected, "{}", message.escape_ascii());
}

#[test]
fn messages_become_what_is_expected_of_them() {
    let messages = include_bytes!("../../../../testdata/syslog/messages.log");
    let expected = include_str!("../../../../testdata/syslog/messages.expected");
    let found: Vec<String> = messages
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| shown(line, Some(arrival())))
        .collect();
    assert_eq!(found.join("\n"), expected.trim_end());
}

#[test]
fn a_text_may_have_lines_and_any_bytes() {
    check(b"<13>app: a\n  b\n", "time=arrival level=5 facility='user' program='app' message='a\\n  b'");
    check(b"<13>app: a\0\n", "time=arrival level=5 facility='user' program='app' message='a'");
    check(
        b"<13>1 - - - - - - \xEF\xBB\xBFcaf\xC3\xA9 \xff",
        "time=arrival level=5 facility='user' message='caf\u{e9} \\\\xFF'",
    );
    check(b"", "time=arrival message=''");
    check(b"<", "time=arrival message='<'");
    check(b"<13>", "time=arrival level=5 facility='user' message=''");
    check(b"<13>1 ", "time=arrival level=5 facility='user' message=''");
}

#[test]
fn a_year_is_the_last_one_that_is_possible() {
    for (received_at, time, expected) in [
        ("2026-11-20T10:15:31Z", "Nov 20 10:15:30", "2026-11-20T10:15:30Z"),
        ("2027-01-01T00:00:05Z", "Dec 31 23:59:59", "2026-12-31T23:59:59Z"),
        ("2026-12-31T23:59:59Z", "Jan  1 00:00:05", "2027-01-01T00:00:05Z"),
        ("2026-12-31T23:30:00Z", "Dec 31 23:59:59 EST", "2027-01-01T04:59:59Z"),
        ("2026-11-20T00:00:00Z", "Nov 21 23:59:59", "2026-11-21T23:59:59Z"),
        ("2026-11-20T00:00:00Z", "Nov 22 00:00:01", "2025-11-22T00:00:01Z"),
        ("2026-11-20T00:00:00Z", "Feb  5 17:32:18", "2026-02-05T17:32:18Z"),
        ("2103-03-01T00:00:00Z", "Feb 29 12:00:00", "2096-02-29T12:00:00Z"),
        ("2025-03-01T00:00:00Z", "Feb 29 12:00:00", "2024-02-29T12:00:00Z"),
    ] {
        let message = format!("<13>{time}: x: y");
        let received_at = Timestamp::parse_rfc3339(received_at.as_bytes());
        let event = parse(message.as_bytes(), received_at).unwrap();
        assert_eq!(event.time.to_string(), expected, "{message}");
    }
}

#[test]
fn a_line_of_a_file_needs_a_time_with_a_year() {
    let check = |line: &str, expected: &str| {
        assert_eq!(shown(line.as_bytes(), None).split(' ').take(4).collect::<Vec<_>>().join(" "), expected);
    };
    check("2026-11-20T10:15:30+01:00 h p: t", "time=2026-11-20T09:15:30Z host='h' node='h' program='p'");
    check("<13>Nov 20 10:15:30 h p: t", "bad_time at column 5");
    check("<13>1 - h p - - - t", "bad_time at column 5");
    check("p: t", "bad_time at column 1");
}

proptest! {
    #[test]
    fn any_bytes_are_a_message_with_a_text(
        message in prop::collection::vec(
            prop_oneof![any::<u8>(), prop::sample::select(b"<1>- []=\"\\:%aT.Z0".to_vec())], 0..120,
        ),
        head in prop::sample::select(vec![
            "", "<13>", "<13>1 - ", "<13>1 - h p i m [a b=\"", "<13>Nov 20 10:15:30 ", "<13>1: *Nov 20 10:15:30.1 ",
            "<13>2026-11-20T10:15:30",
        ]),
    ) {
        let message = [head.as_bytes(), &message].concat();
        prop_assert!(parse(&message, Some(arrival())).is_ok());
        if let Err(reject) = parse(&message, None) {
            prop_assert!(reject.column <= message.len() + 1);
        }
        let mut texts = 0;
        other_fields(&message, &mut |name, value| {
            assert!(!name.is_empty() && name.len() <= FIELD_NAME_BYTES_MAX);
            texts += usize::from(name == "message" && matches!(value, Value::Text(_)));
        });
        prop_assert!(texts >= 1);
    }

    #[test]
    fn what_rfc_5424_escapes_is_read_back(value in "[ -~]{0,20}", text in "[ -~]{0,20}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
        let message = format!("<13>1 2026-11-20T10:15:30Z h p 7 m [a@1 b=\"{escaped}\"] {text}");
        let mut found = Vec::new();
        other_fields(message.as_bytes(), &mut |name, value| found.push((name.to_owned(), value)));
        prop_assert!(found.contains(&("a@1.b".to_owned(), Value::Text(value.into()))));
        prop_assert!(found.contains(&("message".to_owned(), Value::Text(text.into()))));
    }
}
