//! OTLP logs in JSON: the mapping of protobuf, but for ids, which are hexadecimal (OTLP/HTTP, "JSON Protobuf
//! Encoding"). Names are in lowerCamelCase, whole numbers of 64 bits may be texts.
//!
//! Lists are read member by member and what is in a member stays text until it is written, so nothing is held
//! beside the body.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use super::super::json_line::{JsonLine, push_float, push_text};
use super::super::json_list::{for_each, malformed, object};
use super::super::{DecodeError, Messages};
use super::check_depth;
use super::record::{Parts, attribute_name, nested, structured_message};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow, default)]
    resource_logs: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow, default)]
    resource: Option<Attributed<'a>>,
    #[serde(borrow, default)]
    scope_logs: Option<&'a RawValue>,
}

/// A resource or a scope.
#[derive(Deserialize)]
struct Attributed<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    version: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow, default)]
    scope: Option<Attributed<'a>>,
    #[serde(borrow, default)]
    log_records: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogRecord<'a> {
    #[serde(default)]
    time_unix_nano: Number,
    #[serde(default)]
    observed_time_unix_nano: Number,
    #[serde(default)]
    severity_number: Number,
    #[serde(borrow, default)]
    severity_text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    body: Option<&'a RawValue>,
    #[serde(borrow, default)]
    attributes: Option<&'a RawValue>,
    #[serde(default)]
    dropped_attributes_count: Number,
    #[serde(default)]
    flags: Number,
    #[serde(borrow, default)]
    trace_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    span_id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    event_name: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct KeyValue<'a> {
    #[serde(borrow, default)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnyValue<'a> {
    #[serde(borrow, default)]
    string_value: Option<Cow<'a, str>>,
    #[serde(default)]
    bool_value: Option<bool>,
    #[serde(borrow, default)]
    int_value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    double_value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    array_value: Option<Values<'a>>,
    #[serde(borrow, default)]
    kvlist_value: Option<Values<'a>>,
    #[serde(borrow, default)]
    bytes_value: Option<Cow<'a, str>>,
}

#[derive(Clone, Copy, Deserialize)]
struct Values<'a> {
    #[serde(borrow, default)]
    values: Option<&'a RawValue>,
}

/// A whole number, or the text of one; anything else is 0, which stands for unknown.
#[derive(Clone, Copy, Default)]
struct Number(u64);

/// Reads a request.
pub(super) fn request(body: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    let request: Request<'_> = object(body)?;
    for_each(request.resource_logs, &mut |logs: ResourceLogs<'_>| {
        let mut members = JsonLine::new();
        if let Some(resource) = &logs.resource {
            attributes(&mut members, resource.attributes)?;
        }
        for_each(logs.scope_logs, &mut |logs: ScopeLogs<'_>| scope_logs(&logs, members.members(), messages))
    })
}

fn scope_logs(logs: &ScopeLogs<'_>, members: &str, messages: &mut Messages) -> Result<(), DecodeError> {
    let mut line = JsonLine::with_members(members);
    if let Some(scope) = &logs.scope {
        for (name, text) in [("scope.name", &scope.name), ("scope.version", &scope.version)] {
            if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
                line.text(name, text);
            }
        }
        attributes(&mut line, scope.attributes)?;
    }
    for_each(logs.log_records, &mut |record: LogRecord<'_>| {
        messages.push_line(log_record(record, line.members())?)
    })
}

fn log_record(record: LogRecord<'_>, members: &str) -> Result<Vec<u8>, DecodeError> {
    let mut line = JsonLine::with_members(members);
    attributes(&mut line, record.attributes)?;
    let id = |id: Option<Cow<'_, str>>| -> Cow<'static, str> {
        let id = id.unwrap_or_default().to_ascii_lowercase();
        if id.bytes().all(|byte| byte == b'0') { "".into() } else { id.into() }
    };
    let parts = Parts {
        time: record.time_unix_nano.0,
        observed_time: record.observed_time_unix_nano.0,
        severity: record.severity_number.0,
        severity_text: record.severity_text.unwrap_or_default(),
        trace_id: id(record.trace_id),
        span_id: id(record.span_id),
        flags: record.flags.0,
        event_name: record.event_name.unwrap_or_default(),
        dropped_attributes: record.dropped_attributes_count.0,
    };
    parts.write(&mut line);
    if let Some(body) = record.body {
        self::body(&mut line, body)?;
    }
    Ok(line.finish())
}

/// A text is the message; of an object the members are fields `body.…` too.
fn body(line: &mut JsonLine, raw: &RawValue) -> Result<(), DecodeError> {
    let body = AnyValue::read(raw)?;
    if let Some(text) = &body.string_value {
        line.text("message", text);
        return Ok(());
    }
    if body.kvlist_value.is_some() {
        field(line, &mut "body".to_owned(), raw, 0)?;
    }
    let mut json = String::new();
    body.push_json(&mut json, 0)?;
    if json != "null" {
        structured_message(line, &json);
    }
    Ok(())
}

fn attributes(line: &mut JsonLine, pairs: Option<&RawValue>) -> Result<(), DecodeError> {
    for_each(pairs, &mut |pair: KeyValue<'_>| match pair.value {
        Some(value) => field(line, &mut attribute_name(pair.key).into_owned(), value, 0),
        None => Ok(()),
    })
}

/// A value under its name; the members of an object under theirs behind it.
fn field(line: &mut JsonLine, path: &mut String, raw: &RawValue, depth: usize) -> Result<(), DecodeError> {
    check_depth(depth)?;
    let value = AnyValue::read(raw)?;
    let Some(pairs) = value.kvlist_value else {
        return value.push_json(line.name(path), depth);
    };
    for_each(pairs.values, &mut |pair: KeyValue<'_>| {
        let Some(value) = pair.value else { return Ok(()) };
        let mut result = Ok(());
        nested(path, &pair.key, |path| result = field(line, path, value, depth + 1));
        result
    })
}

impl<'a> AnyValue<'a> {
    fn read(raw: &'a RawValue) -> Result<Self, DecodeError> {
        serde_json::from_str(raw.get()).map_err(malformed)
    }

    fn push_json(&self, out: &mut String, depth: usize) -> Result<(), DecodeError> {
        check_depth(depth)?;
        if let Some(text) = self.string_value.as_ref().or(self.bytes_value.as_ref()) {
            push_text(out, text);
        } else if let Some(value) = self.bool_value {
            out.push_str(if value { "true" } else { "false" });
        } else if let Some(number) = self.int_value {
            push_number(out, number);
        } else if let Some(number) = self.double_value {
            push_number(out, number);
        } else if let Some(list) = self.array_value {
            out.push('[');
            let mut separator = "";
            for_each(list.values, &mut |value: &RawValue| {
                out.push_str(std::mem::replace(&mut separator, ","));
                AnyValue::read(value)?.push_json(out, depth + 1)
            })?;
            out.push(']');
        } else if let Some(map) = self.kvlist_value {
            out.push('{');
            let mut separator = "";
            for_each(map.values, &mut |pair: KeyValue<'_>| {
                out.push_str(std::mem::replace(&mut separator, ","));
                push_text(out, &pair.key);
                out.push(':');
                match pair.value {
                    Some(value) => AnyValue::read(value)?.push_json(out, depth + 1),
                    None => {
                        out.push_str("null");
                        Ok(())
                    }
                }
            })?;
            out.push('}');
        } else {
            out.push_str("null");
        }
        Ok(())
    }
}

/// A number, which may be the text of one; what is none stays text.
fn push_number(out: &mut String, raw: &RawValue) {
    let text = raw.get().trim_matches('"');
    if let Ok(number) = text.parse::<i64>() {
        out.push_str(&number.to_string());
    } else if let Ok(number) = text.parse::<f64>() {
        push_float(out, number);
    } else {
        push_text(out, text);
    }
}

impl<'a> Deserialize<'a> for Number {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().trim_matches('"').parse().unwrap_or_default()))
    }
}
