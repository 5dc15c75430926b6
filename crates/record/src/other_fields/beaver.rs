//! The members of what Beaver sends, as fields with the names that Logstash gave them.
//!
//! `host` is given as `node` too: of a line that is no request, the machine that sent it is both. A value of
//! `add_field`, which Beaver writes as a list of one element, is that element, or nobody would find it by its
//! value.

use std::borrow::Cow;

use super::field_sink::FieldSink;
use super::json::{Fields, bare_value, for_each_member};
use super::text_value;
use crate::beaver::{Key, Members, StringLine, only_element};
use crate::nginx_json::json_object::{Content, Member, Value as Found};
use crate::value::{Value, logged_text};

/// Every field of a line but its time.
pub(super) fn members<'a>(line: &'a [u8], mut sink: FieldSink<'_, 'a>) {
    if let Some(StringLine { host, message, .. }) = StringLine::split(line) {
        let fields = [("host", host), ("node", host), ("message", message)];
        for (name, text) in fields.into_iter().filter(|(_, text)| !text.is_empty()) {
            sink.give(name, Value::Text(logged_text(text)));
        }
        return sink.finish();
    }
    let Ok(known) = Members::read(line) else { return };
    if let Some(host) = known.text(Key::Host) {
        // First, so that a field of the line with this name comes before it.
        sink.give("node", text_value(host));
    }
    let mut fields = Fields::new(sink, false);
    for_each_member(line, |member| top_member(line, &known, member, &mut fields));
    fields.finish();
}

fn top_member<'a>(
    line: &'a [u8],
    known: &Members<'a>,
    Member { key, value }: Member<'a>,
    fields: &mut Fields<'_, 'a>,
) {
    let found = Key::from_name(key);
    let name = match found {
        Some(Key::Kind) => "type",
        Some(Key::Tags) => return tags(value, known, fields),
        Some(Key::Host) => "host",
        Some(Key::File) => "file",
        Some(Key::Message) => "message",
        _ => return rest(line, known, (key, value), fields),
    };
    let text = found.filter(|&key| known.is_at(key, value.offset)).and_then(|key| known.text(key));
    match (text, value.content) {
        (Some(text), _) => fields.scalar(name.as_bytes(), text_value(text)),
        (None, Content::Nested(_)) => added(line, key, value, fields),
        // Empty, or another one counts.
        (None, Content::Text(_)) => {}
    }
}

/// The tags as one text, as a list is everywhere.
fn tags(value: Found<'_>, known: &Members<'_>, fields: &mut Fields<'_, '_>) {
    let tags = known.tags();
    if known.is_at(Key::Tags, value.offset) && !tags.is_empty() {
        fields.scalar(b"tags", Value::Text(Cow::Owned(tags.join(","))));
    }
}

/// A member that is neither the line nor said about it.
fn rest<'a>(
    line: &'a [u8],
    known: &Members<'a>,
    (key, value): (&'a [u8], Found<'a>),
    fields: &mut Fields<'_, 'a>,
) {
    match (Key::from_name(key), value.content) {
        (Some(Key::SentAt | Key::OwnTime), _) if known.is_time(value.offset) => {}
        (Some(Key::SentAt), Content::Text(text)) if text.raw.is_empty() => {}
        (Some(Key::Redundant), Content::Text(_)) => {}
        (Some(Key::Fields), Content::Nested(nested)) if nested.starts_with(b"{") => {
            for_each_member(nested, |member| added(nested, member.key, member.value, fields));
        }
        _ => added(line, key, value, fields),
    }
}

/// The values that are lists of one element, and no others.
pub(super) fn lists<'a>(line: &'a [u8], sink: FieldSink<'_, 'a>) {
    let mut fields = Fields::new(sink, false);
    for_each_member(line, |Member { key, value }| {
        if let Content::Nested(nested) = value.content
            && Key::from_name(key) != Some(Key::Tags)
        {
            let _ = unwrapped(nested).map(|value| fields.scalar(key, value));
        }
    });
    fields.finish();
}

/// A field that the line brings, or that Beaver's config adds.
fn added<'a>(object: &'a [u8], key: &[u8], value: Found<'a>, fields: &mut Fields<'_, 'a>) {
    let Content::Nested(nested) = value.content else { return fields.member(object, key, value, 1) };
    match unwrapped(nested) {
        Some(value) => fields.scalar(key, value),
        None => fields.member(object, key, value, 1),
    }
}

/// The element of a list of one, unless it is `null`.
fn unwrapped(list: &[u8]) -> Option<Value<'_>> {
    match only_element(list)? {
        (text, true) => Some(text_value(text)),
        (text, false) if matches!(text.raw, b"" | b"null") => None,
        (text, false) => Some(bare_value(text.raw)),
    }
}
