//! A JSON object on one line, written member by member.
//!
//! What comes in no JSON of its own, or in one that is not a log line, is kept as such a line: it is read by the
//! parser that reads everybody's lines, shown among rejects, and replayed.

use std::borrow::Cow;
use std::fmt::Write;

/// An object that is being written.
pub(super) struct JsonLine {
    text: String,
}

impl JsonLine {
    pub(super) fn new() -> Self {
        Self { text: "{".to_owned() }
    }

    /// Begins with the members of a text that was made by [`JsonLine::members`].
    pub(super) fn with_members(members: &str) -> Self {
        let mut text = String::with_capacity(members.len() + 256);
        text.push('{');
        text.push_str(members);
        Self { text }
    }

    /// The members so far, for many lines that begin with the same.
    pub(super) fn members(&self) -> &str {
        &self.text[1..]
    }

    /// Writes a name; a value must follow.
    pub(super) fn name(&mut self, name: &str) -> &mut String {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        push_text(&mut self.text, name);
        self.text.push(':');
        &mut self.text
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        push_text(self.name(name), value);
    }

    pub(super) fn number(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a text never fails.
        let _ = write!(self.name(name), "{value}");
    }

    /// Nanoseconds since the epoch, as seconds: a number whose unit its size cannot mistake.
    pub(super) fn time(&mut self, name: &str, nanos: u64) {
        let second = 1_000_000_000;
        self.number(name, format_args!("{}.{:09}", nanos / second, nanos % second));
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.text.push('}');
        self.text.into_bytes()
    }
}

/// Bytes as text; what is not UTF-8 is replaced.
pub(super) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Writes a text in quotes, with what must be escaped.
pub(super) fn push_text(out: &mut String, text: &str) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[from..at]);
        from = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ => {
                // Writing to a text never fails.
                let _ = write!(out, "\\u{byte:04x}");
            }
        }
    }
    out.push_str(&text[from..]);
    out.push('"');
}

/// Writes a float as JSON has it; what is no number becomes a text.
pub(super) fn push_float(out: &mut String, value: f64) {
    // Writing to a text never fails.
    let _ = match value {
        _ if !value.is_finite() => write!(out, "\"{value}\""),
        // With an exponent where it would be long: `1e300` has no 300 digits.
        _ if value != 0.0 && !(1e-5..1e15).contains(&value.abs()) => write!(out, "{value:e}"),
        _ => write!(out, "{value}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_json() {
        let mut line = JsonLine::new();
        line.text("a", "x\"\\\n\u{1}é");
        let members = line.members().to_owned();
        let mut line = JsonLine::with_members(&members);
        line.number("b", 7);
        push_float(line.name("c"), 1e300);
        push_float(line.name("d"), f64::NAN);
        push_float(line.name("e"), -0.5);
        line.time("f", 1_795_169_730_123_456_789);
        line.time("g", 1);
        let text = String::from_utf8(line.finish()).expect("text");
        assert_eq!(
            text,
            r#"{"a":"x\"\\\n\u0001é","b":7,"c":1e300,"d":"NaN","e":-0.5,"f":1795169730.123456789,"g":0.000000001}"#
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC*[\\x00-\\x1f\"\\\\]*\\PC*") {
            let mut out = String::new();
            push_text(&mut out, &text);
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&out).expect("JSON"), text);
        }
    }
}
