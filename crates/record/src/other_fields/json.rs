//! The members of a JSON object as fields, nested ones by the names on the way to them.
//!
//! A field `user.id` can be searched and stored like any other; a tree could not. Lists stay text: their members
//! have no names, and numbering them would make a field of each.

use std::borrow::Cow;

use super::field_sink::FieldSink;
use super::{json_text, text_value};
use crate::ndjson::Keys;
use crate::nginx_json::escape::LoggedText;
use crate::nginx_json::json_object::{Content, JsonObject, Member, Value as Found};
use crate::nginx_json::key::Key;
use crate::nginx_json::request_line;
use crate::value::{Value, logged_text};

/// Names that a field's name is made of; what lies deeper stays JSON text. Deeper objects are dumps of state, not
/// fields that somebody looks for.
const NAME_PARTS_MAX: usize = 8;

/// The members of an nginx line that a request has not.
pub(super) fn request_members<'a>(line: &'a [u8], sink: FieldSink<'_, 'a>) {
    let mut fields = Fields::new(sink, true);
    for_each_member(line, |member| fields.request_member(line, member));
    fields.finish();
}

/// The same, where it is known that they all lie in these places.
pub(super) fn request_members_at<'a>(line: &'a [u8], places: &[(u32, u32)], sink: FieldSink<'_, 'a>) {
    let mut fields = Fields::new(sink, true);
    for &(start, end) in places {
        let mut members = JsonObject::at(line, start as usize);
        while members.offset() < end as usize {
            let Ok(Some(member)) = members.next_member() else { break };
            fields.request_member(line, member);
        }
    }
    fields.finish();
}

/// The members of an event but for its time.
pub(super) fn event_members<'a>(line: &'a [u8], sink: FieldSink<'_, 'a>) {
    let Ok(keys) = Keys::read(line) else { return };
    let time = keys.time().map(|(_, offset)| offset);
    let message = keys.message_offset();
    let mut fields = Fields::new(sink, false);
    for_each_member(line, |Member { key, value }| match Some(value.offset) {
        offset if offset == time => {}
        offset if offset == message => fields.member(line, b"message", value, 1),
        // Another one is the message, so this one must not take its place.
        _ if key == b"message" && message.is_some() => fields.member(line, b"field.message", value, 1),
        _ => fields.member(line, key, value, 1),
    });
    fields.finish();
}

/// The members of an object that was a text in a record, below the name `parent`; `false` where it is no object.
pub(super) fn object_members<'a>(text: &'a [u8], parent: Option<&str>, sink: FieldSink<'_, 'a>) -> bool {
    if member_count(text).is_none() {
        return false;
    }
    let name = parent.unwrap_or_default().to_owned();
    let parts = if parent.is_some() { 2 } else { 1 };
    let mut fields = Fields { name, sink, is_dash_missing: false };
    for_each_member(text, |Member { key, value }| fields.member(text, key, value, parts));
    fields.sink.finish();
    true
}

/// Members up to the end of the object, or up to where it is none.
pub(super) fn for_each_member<'a>(object: &'a [u8], mut each: impl FnMut(Member<'a>)) {
    let Ok(mut object) = JsonObject::open(object) else { return };
    while let Ok(Some(member)) = object.next_member() {
        each(member);
    }
}

/// How many members an object has; `None` where this is none to its end.
fn member_count(object: &[u8]) -> Option<usize> {
    let mut members = JsonObject::open(object).ok()?;
    let mut count = 0;
    while members.next_member().ok()?.is_some() {
        count += 1;
    }
    Some(count)
}

/// Fields under way.
pub(super) struct Fields<'s, 'a> {
    /// The name of the field that is being read, and of those around it.
    name: String,
    pub(super) sink: FieldSink<'s, 'a>,
    /// Whether `-` and an empty text stand for a missing value, as nginx writes it.
    is_dash_missing: bool,
}

impl<'s, 'a> Fields<'s, 'a> {
    pub(super) fn new(sink: FieldSink<'s, 'a>, is_dash_missing: bool) -> Self {
        Self { name: String::new(), sink, is_dash_missing }
    }

    /// There are no fields after this.
    pub(super) fn finish(self) {
        self.sink.finish();
    }

    /// A field with a key of a line, whose value was read elsewhere.
    pub(super) fn scalar(&mut self, key: &[u8], value: Value<'a>) {
        self.sink.give(&logged_text(&unescaped(key)), value);
    }

    /// A member of an nginx line, unless a request has it.
    fn request_member(&mut self, line: &'a [u8], Member { key, value }: Member<'a>) {
        match (Key::from_name(key), value.content) {
            (Some(Key::Request), Content::Text(request)) => {
                if let Some(version) = request_line::http_version(request.raw) {
                    self.sink.give("http_version", Value::Text(logged_text(version)));
                }
            }
            // No key of a request holds an object, so this one means something else.
            (Some(found), Content::Text(_)) if found.is_all_read() => {}
            // A request only knows whether there was TLS.
            _ => self.member(line, key, value, 1),
        }
    }

    /// A member of `object`; its name is of `parts` names.
    pub(super) fn member(&mut self, object: &'a [u8], key: &[u8], value: Found<'a>, parts: usize) {
        let end = self.name.len();
        if parts > 1 {
            self.name.push('.');
        }
        self.name.push_str(&logged_text(&unescaped(key)));
        match value.content {
            Content::Nested(nested) => self.nested(nested, parts),
            Content::Text(text) if self.is_dash_missing && text.present().is_none() => {}
            // The offset is that behind the quote, if there is one.
            Content::Text(text) if object[..value.offset].ends_with(b"\"") => {
                self.sink.give(&self.name, text_value(text));
            }
            Content::Text(text) if text.raw.is_empty() => {}
            Content::Text(text) => self.sink.give(&self.name, bare_value(text.raw)),
        }
        self.name.truncate(end);
    }

    fn nested(&mut self, nested: &'a [u8], parts: usize) {
        if parts < NAME_PARTS_MAX && member_count(nested).is_some_and(|count| count > 0) {
            for_each_member(nested, |Member { key, value }| self.member(nested, key, value, parts + 1));
            return;
        }
        let value = match std::str::from_utf8(nested) {
            Ok(text) if json_text::is_json(text) => Value::Json(text.into()),
            _ => Value::Text(logged_text(nested)),
        };
        self.sink.give(&self.name, value);
    }
}

/// A key, escapes resolved.
fn unescaped(key: &[u8]) -> Cow<'_, [u8]> {
    LoggedText { raw: key, is_escaped: memchr::memchr(b'\\', key).is_some() }.decode()
}

/// A value that stands there without quotes.
pub(super) fn bare_value(raw: &[u8]) -> Value<'_> {
    let text = logged_text(raw);
    match raw {
        b"true" => return Value::Boolean(true),
        b"false" => return Value::Boolean(false),
        _ if !json_text::is_number(raw) => return Value::Text(text),
        _ => {}
    }
    // Only digits and a sign can be read as a whole number.
    if let Ok(number) = text.parse() {
        return Value::Integer(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::Float(number),
        _ => Value::Text(text),
    }
}
