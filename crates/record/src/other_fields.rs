//! What a line says beyond the fields of a [`Request`](crate::Request): whatever nobody foresaw.
//!
//! A second pass over a line that was read before, made only for records that are kept or shown. The counting
//! path reads a line once and takes a dozen fields of it; had it to gather the others too, everybody would pay for
//! what few ask for. Nothing is dropped for its type or its number: what fits no field of its own becomes the
//! JSON text of one.

mod beaver;
mod field_sink;
mod gelf;
mod json;
mod json_text;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::format::Format;
use crate::nginx_json::escape::LoggedText;
use crate::record::Record;
use crate::value::{Value, logged_text};
use crate::{alb, combined, syslog, text};
pub use field_sink::{FIELD_NAME_BYTES_MAX, OTHER_FIELDS_MAX, is_own_name};
pub(crate) use field_sink::{FieldSink, PREFIX};

/// Hands out every field of `line` that no field of a [`Request`](crate::Request) has, in the order of the line;
/// of an event, every field but its time. A line that is none of this format has none.
///
/// Of equal names the last one counts. Names are never empty and have at most [`FIELD_NAME_BYTES_MAX`] bytes;
/// those that our own columns have are given as `field.<name>`. There are at most [`OTHER_FIELDS_MAX`] fields and
/// one more, `_more`, which has the rest as one JSON object. Values are as long as they are in the line.
pub fn other_fields<'a>(format: Format, line: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
    match format {
        Format::Alb => alb::other_fields(line, each),
        Format::Combined => combined::other_fields(line, each),
        Format::NginxJson => json::request_members(line, FieldSink::new(each)),
        Format::Ndjson => json::event_members(line, FieldSink::new(each)),
        Format::Gelf => gelf::members(line, FieldSink::new(each)),
        Format::Beaver => beaver::members(line, FieldSink::new(each)),
        Format::Text => text::other_fields(line, each),
        Format::Syslog => syslog::other_fields(line, each),
    }
}

impl Record<'_> {
    /// The same as [`other_fields`] of the line that this record was read from, and quicker where the parser has
    /// noted where they are.
    pub fn other_fields<'a>(self, format: Format, line: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
        match self.request().and_then(|request| request.unread.places(line)) {
            Some(places) => json::request_members_at(line, places, FieldSink::new(each)),
            None => other_fields(format, line, each),
        }
    }
}

/// Hands out the members of `text`, which is one whole JSON object, as fields: nested ones with dots in their names,
/// all of them below `parent` where there is one, and otherwise as [`other_fields`] does. `false` if it is none.
pub fn json_fields<'a>(text: &'a [u8], parent: Option<&str>, each: &mut dyn FnMut(&str, Value<'a>)) -> bool {
    json::object_members(text, parent, FieldSink::new(each))
}

/// Hands out the values that Beaver's `add_field` wrote as lists of one element: that element.
pub(crate) fn beaver_lists<'a>(line: &'a [u8], each: &mut dyn FnMut(&str, Value<'a>)) {
    beaver::lists(line, FieldSink::new(each));
}

/// Logged text with its escapes resolved.
pub(crate) fn text_value(text: LoggedText<'_>) -> Value<'_> {
    Value::Text(match text.decode() {
        Cow::Borrowed(bytes) => logged_text(bytes),
        Cow::Owned(bytes) => Cow::Owned(
            String::from_utf8(bytes).unwrap_or_else(|error| logged_text(error.as_bytes()).into_owned()),
        ),
    })
}
