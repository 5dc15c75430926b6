//! One message of a source that is sent messages, whatever is wrapped in it.
//!
//! Shippers put the line that they read into a message of their own: Beaver's JSON has an nginx line in `message`,
//! syslog has it behind a header. The wrapping is read as the event that it is; where the source says that messages
//! like this one hold a line of another format, that line is the record, and what the wrapping says comes on top of
//! it. So one rule serves every transport and every shipper.

use std::borrow::Cow;

use crate::beaver;
use crate::format::Format;
use crate::lines::{Line, LineParser};
use crate::overlay::Overlay;
use crate::record::Record;
use crate::record_fields::RecordFields;
use crate::timestamp::Timestamp;
use crate::value::Value;

/// Which messages of a source hold a line of another format: those whose field `by` has a value of the map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InnerFormats {
    /// The field that decides, by any of its names.
    pub by: Box<str>,
    /// Its values, and the formats of the lines that are then in `message`.
    pub map: Vec<(Box<str>, Format)>,
}

/// Parses messages, one at a time.
pub struct MessageParser {
    outer: LineParser,
    inner: Vec<(Box<str>, LineParser)>,
    by: Box<str>,
}

impl InnerFormats {
    /// Whether no message holds a line of another format.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}

impl MessageParser {
    /// A parser of messages in the format `outer`; longer ones than `bytes_max` are rejects.
    pub fn new(outer: Format, inner: &InnerFormats, bytes_max: usize) -> Self {
        let parsers =
            inner.map.iter().map(|(value, format)| (value.clone(), LineParser::new(*format, bytes_max)));
        Self { outer: LineParser::new(outer, bytes_max), inner: parsers.collect(), by: inner.by.clone() }
    }

    /// Parses one message, which may have line ends in it and came at `received_at`.
    pub fn parse<'a>(&mut self, message: &'a [u8], received_at: Timestamp, each: impl FnOnce(Line<'_, 'a>)) {
        let Self { outer, inner, by } = self;
        outer.received_at(received_at);
        outer.parse_message(message, |line| {
            let Ok(Record::Event(event)) = line.outcome else { return each(line) };
            if inner.is_empty() {
                return each(line);
            }
            let fields = RecordFields::new(Record::Event(event), line.context(""));
            let Some(value) = fields.field(by) else { return each(line) };
            let found = inner.iter_mut().find(|(known, _)| is_value(&value, known));
            let Some((_, parser)) = found else { return each(line) };
            let (content, overlay) = unwrapped(&fields, line.format, message);
            parser.received_at(event.time);
            parser.parse_message(&content, |inner| {
                each(Line {
                    number: line.number,
                    bytes: line.bytes,
                    content: inner.content,
                    format: inner.format,
                    outer: line.format,
                    overlay: &overlay,
                    outcome: inner.outcome,
                });
            });
        });
    }
}

/// The line in a message, and what the rest of the message says about it. A message without text is the line
/// itself, whose members were put beside the shipper's own.
fn unwrapped<'m>(
    fields: &'m RecordFields<'m>,
    format: Format,
    message: &'m [u8],
) -> (Cow<'m, [u8]>, Overlay<'m>) {
    let mut overlay = Overlay::default();
    let content = match fields.field("message") {
        Some(Value::Text(text)) if !text.is_empty() => match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        _ if format == Format::Beaver => return beaver::merged(message),
        _ => return (Cow::Borrowed(message), overlay),
    };
    fields.for_each(&mut |name, value| match name {
        // The machine that sent it is its `node`; the host of a request is another matter.
        "message" | "host" | "@timestamp" | "source" => {}
        _ => overlay.set(name.to_owned(), value.into_owned()),
    });
    (content, overlay)
}

fn is_value(value: &Value<'_>, text: &str) -> bool {
    match value {
        Value::Text(found) => found == text,
        Value::Integer(number) => number.to_string() == text,
        Value::Float(_) | Value::Boolean(_) | Value::Time(_) | Value::Json(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::LINE_BYTES_DEFAULT;

    /// The record of a message as `format` and fields, or the reason why it is none.
    fn shown(message: &str) -> String {
        let inner = InnerFormats { by: "type".into(), map: vec![("nginx".into(), Format::NginxJson)] };
        let mut parser = MessageParser::new(Format::Ndjson, &inner, LINE_BYTES_DEFAULT);
        let mut shown = String::new();
        parser.parse(message.as_bytes(), Timestamp::from_micros(5_000_000), |line| {
            assert_eq!(line.bytes, message.as_bytes());
            let record = match line.outcome {
                Ok(record) => record,
                Err(why) => {
                    shown = why.reason.label().to_owned();
                    return;
                }
            };
            let fields = RecordFields::new(record, line.context("s"));
            shown = line.format.name().to_owned();
            fields.for_each(&mut |name, value| shown.push_str(&format!(" {name}={value:?}")));
        });
        shown
    }

    fn check(message: &str, expected: &[&str]) {
        let shown = shown(message);
        for part in expected {
            assert!(shown.contains(part), "{message}\n{shown}\nlacks {part}");
        }
    }

    #[test]
    fn a_line_in_a_message_is_the_record_and_the_rest_comes_on_top() {
        check(
            r#"{"type":"nginx","node":"web1","host":"web1","env":"prod","status":7,"@timestamp":"2026-11-20T10:15:30Z",
                "message":"{\"status\":\"500\",\"host\":\"shop\",\"msec\":\"1795169730\",\"request_uri\":\"/a\"}"}"#,
            &[
                "nginx_json @timestamp=Time(Timestamp(1795169730000000)) source=Text(\"s\") type=Text(\"nginx\") \
                 host=Text(\"shop\") node=Text(\"web1\") path=Text(\"/a\") status=Integer(7)",
                "env=Text(\"prod\")",
            ],
        );
    }

    #[test]
    fn a_message_without_text_is_the_line_itself() {
        check(
            r#"{"type":"nginx","message":"","status":"200","msec":"1795169730","request_uri":"/a"}"#,
            &["nginx_json", "type=Text(\"nginx\")", "path=Text(\"/a\")", "status=Integer(200)"],
        );
    }

    #[test]
    fn other_messages_are_events_and_may_have_line_ends() {
        check("{\"type\":\"app\",\n\"message\":\"a\\nb\"}", &["ndjson", "Timestamp(5000000)", "\"a\\nb\""]);
        check(r#"{"message":"a"}"#, &["ndjson"]);
    }

    #[test]
    fn a_line_that_is_not_what_it_should_be_is_a_reject() {
        assert_eq!(shown(r#"{"type":"nginx","message":"GET"}"#), "not_json");
        assert_eq!(shown("GET"), "not_json");
    }
}
