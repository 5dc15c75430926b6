//! The members of a GELF message under the names of Logstash's remap.
//!
//! One pass: whoever keeps the record has parsed it before, and so the members with a meaning of their own can
//! wait until the end, when it is known which of them is the message.

use super::field_sink::FieldSink;
use super::json::Fields;
use crate::gelf::{Keys, is_empty, object};
use crate::nginx_json::json_object::{Content, Member, Value as Found};
use crate::value::Value;

/// Names of the message itself, which an additional field may not take: `_level` is `field.level`. Not so `_host`,
/// which stands in the place of `host` as it does behind Logstash; the sender is then still found as `node`.
const OWN_NAMES: [&[u8]; 5] = [b"message", b"full_message", b"short_message", b"level", b"timestamp"];

/// The most fields that are given last: message, short message, another message, host, node, level and time.
const OWN_FIELDS_MAX: usize = 7;

/// All members but the time, up to the end of the object or where it is none.
pub(super) fn members<'a>(message: &'a [u8], sink: FieldSink<'_, 'a>) {
    let object = object(message);
    let mut fields = Fields::new(sink, false);
    fields.sink.reserve(OWN_FIELDS_MAX);
    let (mut has_host, mut has_node) = (false, false);
    let keys = Keys::read(object, |Member { key, value }| {
        let is_text = matches!(value.content, Content::Text(_));
        match key.strip_prefix(b"_") {
            // Logstash's name: `_id` is its own.
            Some(b"id") => fields.member(object, b"id_", value, 1),
            Some(own) if OWN_NAMES.contains(&own) => {
                fields.member(object, &[b"field.", own].concat(), value, 1);
            }
            stripped => {
                let name = stripped.unwrap_or(key);
                has_host |= name == b"host" && is_text;
                has_node |= name == b"node" && is_text;
                fields.member(object, name, value, 1);
            }
        }
    });
    fields.sink.reserve(0);
    let Ok(keys) = keys else { return fields.sink.finish() };
    if let Some(host) = keys.host.filter(|host| !is_empty(host)) {
        for (name, is_taken) in [(b"host", has_host), (b"node", has_node)] {
            if !is_taken {
                fields.member(object, name, host, 1);
            }
        }
    }
    level(object, &keys, &mut fields);
    messages(object, &keys, &mut fields);
    if let Some(timestamp) = keys.timestamp.filter(|_| keys.time().is_none()) {
        fields.member(object, b"field.timestamp", timestamp, 1);
    }
    fields.sink.finish();
}

/// The level, as a whole number where it means one: `6`, `"6"` and `6.0` are the same to their senders.
fn level<'a>(object: &'a [u8], keys: &Keys<'a>, fields: &mut Fields<'_, 'a>) {
    let Some(level) = keys.level else { return };
    let number = match level.content {
        Content::Text(text) => std::str::from_utf8(text.raw).ok().and_then(whole_number),
        Content::Nested(_) => None,
    };
    match number {
        Some(number) => fields.sink.give("level", Value::Integer(number)),
        None => fields.member(object, b"level", level, 1),
    }
}

fn whole_number(text: &str) -> Option<i64> {
    let text = text.trim();
    // Beyond this a float has no whole numbers of its own; and a level has one digit.
    let of_float = |number: f64| (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64);
    text.parse().ok().or_else(|| text.parse().ok().and_then(of_float))
}

/// The message, and those of the three that say something else.
fn messages<'a>(object: &'a [u8], keys: &Keys<'a>, fields: &mut Fields<'_, 'a>) {
    let message = keys.message(object);
    if let Some(message) = message {
        fields.member(object, b"message", message, 1);
    }
    let others: [(&[u8], _); 3] = [
        (b"full_message", keys.full_message),
        (b"short_message", keys.short_message),
        (b"field.message", keys.bare_message),
    ];
    for (name, other) in others {
        let Some(other) = other else { continue };
        if !is_empty(&other) && message.is_none_or(|message| !is_same(&message, &other)) {
            fields.member(object, name, other, 1);
        }
    }
}

fn is_same(one: &Found<'_>, other: &Found<'_>) -> bool {
    match (one.content, other.content) {
        (Content::Text(one), Content::Text(other)) => one.raw == other.raw || one.decode() == other.decode(),
        (Content::Nested(one), Content::Nested(other)) => one == other,
        _ => false,
    }
}
