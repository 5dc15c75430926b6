//! OTLP logs in protobuf. Field numbers are those of `logs.proto`, `common.proto` and `resource.proto` of
//! opentelemetry-proto 1.9; fields that are not named here are read over.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::super::json_line::{JsonLine, lossy, push_float, push_text};
use super::super::wire::{Fields, NotProtobuf, Wire};
use super::super::{DecodeError, Messages};
use super::check_depth;
use super::record::{Parts, attribute_name, hexadecimal, nested, structured_message};

/// `ExportLogsServiceRequest`: `repeated ResourceLogs resource_logs = 1`.
pub(super) fn request(body: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    for field in Fields::of(body) {
        if let (1, Wire::Bytes(logs)) = field? {
            resource_logs(logs, messages)?;
        }
    }
    Ok(())
}

/// `Resource resource = 1; repeated ScopeLogs scope_logs = 2`. A field that must be known before another may
/// stand behind it, so each message is walked twice.
fn resource_logs(logs: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    let mut members = JsonLine::new();
    for field in Fields::of(logs) {
        if let (1, Wire::Bytes(resource)) = field? {
            attributes(&mut members, resource, 1)?;
        }
    }
    for field in Fields::of(logs) {
        if let (2, Wire::Bytes(logs)) = field? {
            scope_logs(logs, members.members(), messages)?;
        }
    }
    Ok(())
}

/// `InstrumentationScope scope = 1; repeated LogRecord log_records = 2`.
fn scope_logs(logs: &[u8], members: &str, messages: &mut Messages) -> Result<(), DecodeError> {
    let mut line = JsonLine::with_members(members);
    for field in Fields::of(logs) {
        if let (1, Wire::Bytes(scope)) = field? {
            self::scope(&mut line, scope)?;
        }
    }
    for field in Fields::of(logs) {
        if let (2, Wire::Bytes(record)) = field? {
            messages.push_line(log_record(record, line.members())?)?;
        }
    }
    Ok(())
}

/// `string name = 1; string version = 2; repeated KeyValue attributes = 3`.
fn scope(line: &mut JsonLine, scope: &[u8]) -> Result<(), DecodeError> {
    for field in Fields::of(scope) {
        match field? {
            (1, Wire::Bytes(name)) if !name.is_empty() => line.text("scope.name", &lossy(name)),
            (2, Wire::Bytes(version)) if !version.is_empty() => line.text("scope.version", &lossy(version)),
            _ => {}
        }
    }
    attributes(line, scope, 3)
}

/// `fixed64 time_unix_nano = 1; SeverityNumber severity_number = 2; string severity_text = 3; AnyValue body = 5;
/// repeated KeyValue attributes = 6; uint32 dropped_attributes_count = 7; fixed32 flags = 8; bytes trace_id = 9;
/// bytes span_id = 10; fixed64 observed_time_unix_nano = 11; string event_name = 12`.
fn log_record(record: &[u8], members: &str) -> Result<Vec<u8>, DecodeError> {
    let mut line = JsonLine::with_members(members);
    attributes(&mut line, record, 6)?;
    let mut parts = Parts::default();
    let mut body = None;
    for field in Fields::of(record) {
        match field? {
            (1, Wire::Fixed64(time)) => parts.time = time,
            (2, Wire::Varint(severity)) => parts.severity = severity,
            (3, Wire::Bytes(text)) => parts.severity_text = lossy(text),
            (5, Wire::Bytes(value)) => body = Some(value),
            (7, Wire::Varint(count)) => parts.dropped_attributes = count,
            (8, Wire::Fixed32(flags)) => parts.flags = u64::from(flags),
            (9, Wire::Bytes(id)) => parts.trace_id = hexadecimal(id).into(),
            (10, Wire::Bytes(id)) => parts.span_id = hexadecimal(id).into(),
            (11, Wire::Fixed64(time)) => parts.observed_time = time,
            (12, Wire::Bytes(name)) => parts.event_name = lossy(name),
            _ => {}
        }
    }
    parts.write(&mut line);
    if let Some(body) = body {
        self::body(&mut line, AnyValue::read(body)?)?;
    }
    Ok(line.finish())
}

/// A text is the message; of an object the members are fields `body.…` too.
fn body(line: &mut JsonLine, body: AnyValue<'_>) -> Result<(), DecodeError> {
    match body {
        AnyValue::None => {}
        AnyValue::Text(text) => line.text("message", &lossy(text)),
        body => {
            if let AnyValue::Map(_) = body {
                field(line, &mut "body".to_owned(), body, 0)?;
            }
            let mut json = String::new();
            body.push_json(&mut json, 0)?;
            structured_message(line, &json);
        }
    }
    Ok(())
}

/// The `repeated KeyValue` fields of this number in a message.
fn attributes(line: &mut JsonLine, message: &[u8], number: u32) -> Result<(), DecodeError> {
    for field in Fields::of(message) {
        match field? {
            (found, Wire::Bytes(pair)) if found == number => {
                let (key, value) = key_value(pair)?;
                self::field(line, &mut attribute_name(lossy(key)).into_owned(), value, 0)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// A value under its name; the members of an object under theirs behind it.
fn field(
    line: &mut JsonLine,
    path: &mut String,
    value: AnyValue<'_>,
    depth: usize,
) -> Result<(), DecodeError> {
    match value {
        AnyValue::None => Ok(()),
        AnyValue::Map(pairs) => {
            check_depth(depth)?;
            let mut result = Ok(());
            for pair in Pairs::of(pairs) {
                let (key, value) = pair?;
                nested(path, &lossy(key), |path| result = field(line, path, value, depth + 1));
                result.clone()?;
            }
            Ok(())
        }
        value => value.push_json(line.name(path), depth),
    }
}

/// `string key = 1; AnyValue value = 2`.
fn key_value(pair: &[u8]) -> Result<(&[u8], AnyValue<'_>), NotProtobuf> {
    let mut found = (&[] as &[u8], AnyValue::None);
    for field in Fields::of(pair) {
        match field? {
            (1, Wire::Bytes(key)) => found.0 = key,
            (2, Wire::Bytes(value)) => found.1 = AnyValue::read(value)?,
            _ => {}
        }
    }
    Ok(found)
}

/// An `AnyValue` of which the parts are not read yet.
#[derive(Clone, Copy)]
enum AnyValue<'a> {
    None,
    Text(&'a [u8]),
    Boolean(bool),
    Integer(i64),
    Float(f64),
    List(&'a [u8]),
    Map(&'a [u8]),
    Bytes(&'a [u8]),
}

impl<'a> AnyValue<'a> {
    /// `string_value = 1; bool_value = 2; int_value = 3; double_value = 4; array_value = 5; kvlist_value = 6;
    /// bytes_value = 7`; of several the last counts.
    fn read(value: &'a [u8]) -> Result<Self, NotProtobuf> {
        let mut found = Self::None;
        for field in Fields::of(value) {
            found = match field? {
                (1, Wire::Bytes(text)) => Self::Text(text),
                (2, Wire::Varint(number)) => Self::Boolean(number != 0),
                (3, Wire::Varint(number)) => Self::Integer(number as i64),
                (4, Wire::Fixed64(bits)) => Self::Float(f64::from_bits(bits)),
                (5, Wire::Bytes(list)) => Self::List(list),
                (6, Wire::Bytes(map)) => Self::Map(map),
                (7, Wire::Bytes(bytes)) => Self::Bytes(bytes),
                _ => found,
            };
        }
        Ok(found)
    }

    fn push_json(self, out: &mut String, depth: usize) -> Result<(), DecodeError> {
        check_depth(depth)?;
        match self {
            Self::None => out.push_str("null"),
            Self::Text(text) => push_text(out, &lossy(text)),
            Self::Boolean(value) => out.push_str(if value { "true" } else { "false" }),
            Self::Integer(number) => out.push_str(&number.to_string()),
            Self::Float(number) => push_float(out, number),
            Self::Bytes(bytes) => push_text(out, &BASE64_STANDARD.encode(bytes)),
            Self::List(list) => {
                out.push('[');
                let mut separator = "";
                // `repeated AnyValue values = 1`.
                for field in Fields::of(list) {
                    if let (1, Wire::Bytes(value)) = field? {
                        out.push_str(separator);
                        separator = ",";
                        Self::read(value)?.push_json(out, depth + 1)?;
                    }
                }
                out.push(']');
            }
            Self::Map(pairs) => {
                out.push('{');
                let mut separator = "";
                for pair in Pairs::of(pairs) {
                    let (key, value) = pair?;
                    out.push_str(separator);
                    separator = ",";
                    push_text(out, &lossy(key));
                    out.push(':');
                    value.push_json(out, depth + 1)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }
}

/// The members of a `KeyValueList`: `repeated KeyValue values = 1`.
struct Pairs<'a>(Fields<'a>);

impl<'a> Pairs<'a> {
    fn of(list: &'a [u8]) -> Self {
        Self(Fields::of(list))
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<(&'a [u8], AnyValue<'a>), NotProtobuf>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.0.next()? {
                Ok((1, Wire::Bytes(pair))) => return Some(key_value(pair)),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
