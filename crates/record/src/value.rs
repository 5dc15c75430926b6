//! What a field holds, for those who meet it by name: queries, the store, the page.
//!
//! A closed set rather than a JSON tree: nested objects become fields with dots in their names before they
//! get here, so that every field can be searched, and what is left is what a column can hold. The type is
//! that of the one record: the same field may hold a number today and text tomorrow, and neither is lost.

use std::borrow::Cow;

use crate::timestamp::Timestamp;

/// What stands for text that was taken out of a line. In no format it needs quotes or escapes.
pub const REDACTED: &str = "[redacted]";

/// The value of a field of one record.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text as logged, escapes resolved; bytes that are not UTF-8 as `\xHH`.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(i64),
    /// Any other number; never NaN nor infinite.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A moment.
    Time(Timestamp),
    /// A list, as its JSON text.
    Json(Cow<'a, str>),
}

impl Value<'_> {
    /// The same value, without a copy of its text.
    pub fn borrowed(&self) -> Value<'_> {
        match self {
            Value::Text(text) => Value::Text(Cow::Borrowed(text)),
            Value::Json(text) => Value::Json(Cow::Borrowed(text)),
            Value::Integer(number) => Value::Integer(*number),
            Value::Float(number) => Value::Float(*number),
            Value::Boolean(boolean) => Value::Boolean(*boolean),
            Value::Time(time) => Value::Time(*time),
        }
    }

    /// The same value with a life of its own.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Json(text) => Value::Json(Cow::Owned(text.into_owned())),
            Value::Integer(number) => Value::Integer(number),
            Value::Float(number) => Value::Float(number),
            Value::Boolean(boolean) => Value::Boolean(boolean),
            Value::Time(time) => Value::Time(time),
        }
    }
}

/// Logged bytes as text: bytes that are not UTF-8 become `\xHH`, as nginx writes them, so that nothing is lost
/// and the text can be searched for.
pub fn logged_text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len() + 8);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str("\\x");
            text.extend(
                [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])),
            );
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        for (bytes, expected) in [
            (b"caf\xc3\xa9".as_slice(), "café"),
            (b"a\xffb\x80", "a\\xFFb\\x80"),
            (b"", ""),
            (b"cut \xc3", "cut \\xC3"),
        ] {
            assert_eq!(logged_text(bytes), expected);
        }
    }
}
