//! A log record as it becomes a line, whichever encoding it came in.
//!
//! OTLP says by position what other formats say by name, so the names are chosen here, once: those that a query
//! for GELF or syslog finds too (`message`, `level`). An attribute may have such a name; it is moved aside, since the
//! record's own part would otherwise take its place or lose its own.

use std::borrow::Cow;

use super::super::json_line::{JsonLine, push_text};

/// Names that a record's own parts have; an attribute of such a name gets [`ATTRIBUTE_PREFIX`] in front.
const OWN_NAMES: [&str; 12] = [
    "@timestamp",
    "observed_timestamp",
    "message",
    "level",
    "severity_text",
    "trace_id",
    "span_id",
    "trace_flags",
    "event_name",
    "scope.name",
    "scope.version",
    "dropped_attributes",
];

/// What stands before the name of an attribute that has the name of a part.
const ATTRIBUTE_PREFIX: &str = "attributes.";

/// What a record says beside its attributes and its body.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// Nanoseconds since the epoch; 0: unknown.
    pub time: u64,
    /// The same of when it was seen.
    pub observed_time: u64,
    pub severity: u64,
    pub severity_text: Cow<'a, str>,
    /// In hexadecimal; empty: none.
    pub trace_id: Cow<'a, str>,
    pub span_id: Cow<'a, str>,
    pub flags: u64,
    pub event_name: Cow<'a, str>,
    pub dropped_attributes: u64,
}

impl Parts<'_> {
    /// Adds what is known.
    pub(super) fn write(&self, line: &mut JsonLine) {
        let time = if self.time == 0 { self.observed_time } else { self.time };
        if time != 0 {
            line.time("@timestamp", time);
        }
        if self.observed_time != 0 && self.observed_time != time {
            line.time("observed_timestamp", self.observed_time);
        }
        if let Some(level) = level(self.severity) {
            line.number("level", level);
        }
        for (name, text) in [
            ("severity_text", &self.severity_text),
            ("trace_id", &self.trace_id),
            ("span_id", &self.span_id),
            ("event_name", &self.event_name),
        ] {
            if !text.is_empty() {
                line.text(name, text);
            }
        }
        for (name, number) in [("trace_flags", self.flags), ("dropped_attributes", self.dropped_attributes)] {
            if number != 0 {
                line.number(name, number);
            }
        }
    }
}

/// The level of syslog that a severity means: the OpenTelemetry log data model, appendix B, read backwards; what
/// lies between two of its rows is the less severe one. `None`: it was not said.
fn level(severity: u64) -> Option<u8> {
    match severity {
        // TRACE and DEBUG.
        1..=8 => Some(7),
        9 => Some(6),
        // INFO2 is syslog's notice.
        10..=12 => Some(5),
        13..=16 => Some(4),
        17 => Some(3),
        18 => Some(2),
        19..=20 => Some(1),
        21..=24 => Some(0),
        _ => None,
    }
}

/// The name of an attribute's field.
pub(super) fn attribute_name(key: Cow<'_, str>) -> Cow<'_, str> {
    if OWN_NAMES.contains(&key.as_ref()) { Cow::Owned(format!("{ATTRIBUTE_PREFIX}{key}")) } else { key }
}

/// Bytes in hexadecimal; of only zeros: none, as the specification has it.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    if bytes.iter().all(|&byte| byte == 0) {
        return String::new();
    }
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes.iter().flat_map(|&byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Puts a name behind those on the way to it, and takes it away again.
pub(super) fn nested(path: &mut String, key: &str, write: impl FnOnce(&mut String)) {
    let end = path.len();
    path.push('.');
    path.push_str(key);
    write(path);
    path.truncate(end);
}

/// Adds a body that is no text: the whole as `message`, as JSON text.
pub(super) fn structured_message(line: &mut JsonLine, json: &str) {
    push_text(line.name("message"), json);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_of_syslog() {
        let levels: Vec<_> = [0, 1, 5, 9, 10, 13, 17, 18, 19, 21, 24, 25].into_iter().map(level).collect();
        let expected =
            [None, Some(7), Some(7), Some(6), Some(5), Some(4), Some(3), Some(2), Some(1), Some(0)];
        assert_eq!(levels[..10], expected);
        assert_eq!(levels[10..], [Some(0), None]);
    }

    #[test]
    fn ids_are_hexadecimal() {
        assert_eq!(hexadecimal(&[0x5b, 0x8e, 0x0f]), "5b8e0f");
        assert_eq!(hexadecimal(&[0; 16]), "");
    }
}
