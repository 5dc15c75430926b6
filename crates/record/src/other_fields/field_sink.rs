//! Fields with names that a client chose, on their way out: bounded, and never taken for one of ours.
//!
//! A record with ten thousand fields exists (a map with ids for keys), and a column for each would break any
//! store. Dropping what is too much was refused: a record must be found by what it says. So the rest becomes
//! one text.

use std::borrow::Cow;
use std::fmt::Write;

use crate::value::Value;

/// Fields that a record has apart, beside those of a request. Real records have tens; more are ids used as keys.
pub const OTHER_FIELDS_MAX: usize = 1_000;

/// The longest name of a field, in bytes; a longer one is cut and ends with `…`. Names of nested fields add up,
/// and nobody types more.
pub const FIELD_NAME_BYTES_MAX: usize = 256;

/// The field that has what is beyond [`OTHER_FIELDS_MAX`].
const MORE: &str = "_more";

/// What names of ours get in front when a line has them.
pub(crate) const PREFIX: &str = "field.";

/// Names that a line may not give a field: those that we say of a record ourselves, and the store's own.
const RESERVED: [&str; 12] = [
    "",
    "source",
    "service",
    "route",
    "_id",
    "_sequence",
    "_origin",
    "_line",
    "_raw",
    "_text",
    "_json",
    MORE,
];

/// Where the fields of one line go.
pub(crate) struct FieldSink<'s, 'a> {
    each: &'s mut dyn FnMut(&str, Value<'a>),
    given: usize,
    /// Fields that are yet to come and must have room.
    reserved: usize,
    /// The rest, as a JSON object that is still open.
    more: String,
}

impl<'s, 'a> FieldSink<'s, 'a> {
    pub(crate) fn new(each: &'s mut dyn FnMut(&str, Value<'a>)) -> Self {
        Self { each, given: 0, reserved: 0, more: String::new() }
    }

    /// Leaves room for `count` fields, until another count is said.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.reserved = count;
    }

    /// Gives a field that the line calls `name`.
    pub(crate) fn give(&mut self, name: &str, value: Value<'a>) {
        let name = field_name(name);
        if self.given + self.reserved < OTHER_FIELDS_MAX {
            self.given += 1;
            (self.each)(&name, value);
        } else {
            self.keep(&name, &value);
        }
    }

    /// Gives what was too much; there are no fields after this.
    pub(crate) fn finish(mut self) {
        if !self.more.is_empty() {
            self.more.push('}');
            (self.each)(MORE, Value::Json(Cow::Owned(self.more)));
        }
    }

    fn keep(&mut self, name: &str, value: &Value<'_>) {
        let more = &mut self.more;
        more.push(if more.is_empty() { '{' } else { ',' });
        push_quoted(more, name);
        more.push(':');
        // Writing to a text never fails.
        let _ = match value {
            Value::Text(text) => {
                push_quoted(more, text);
                Ok(())
            }
            Value::Json(text) => more.write_str(text),
            Value::Integer(number) => write!(more, "{number}"),
            // With an exponent, so that `1e300` does not grow to 300 digits.
            Value::Float(number) => write!(more, "{number:e}"),
            Value::Boolean(boolean) => write!(more, "{boolean}"),
            Value::Time(time) => write!(more, "\"{time}\""),
        };
    }
}

/// Whether a field of this name says something of weir's about a record, whatever its line says.
pub fn is_own_name(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// The name of a field that a line calls `name`.
fn field_name(name: &str) -> Cow<'_, str> {
    const CUT: &str = "…";
    if RESERVED.contains(&name) {
        return Cow::Owned(format!("{PREFIX}{name}"));
    }
    if name.len() <= FIELD_NAME_BYTES_MAX {
        return Cow::Borrowed(name);
    }
    let end = name.floor_char_boundary(FIELD_NAME_BYTES_MAX - CUT.len());
    Cow::Owned(format!("{}{CUT}", &name[..end]))
}

fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\0'..' ' => {
                // Writing to a text never fails.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}
