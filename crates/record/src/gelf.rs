//! GELF: one JSON object a message, as the libraries of a dozen languages really write it.
//!
//! The specification asks for much that clients in use do not keep to: logstash-gelf sends numbers as text and no
//! version, pygelf writes `NaN`, others forget the host. A message that is refused is an error that nobody will
//! ever see, so all that is asked for is an object with something to read in it. A time that makes no sense becomes
//! the time of arrival, which is off by a network's delay, and stays visible as `field.timestamp`.
//!
//! Names are those of Logstash's GELF input with `remap`, since saved searches use them.
//!
//! Sources: the GELF 1.1 specification; Graylog's codec; logstash-input-gelf `remap_gelf`.

#[cfg(test)]
mod tests;

use crate::ndjson;
use crate::nginx_json::json_object::{Content, JsonObject, Member, Value};
use crate::record::Event;
use crate::reject::{Reason, Reject};
use crate::timestamp::Timestamp;

/// Reads one message, which may have line ends in it and NULs behind it.
///
/// The time is that of `timestamp`: a positive number, in quotes or not, of seconds, milliseconds, microseconds or
/// nanoseconds by its size, or RFC 3339; else `received_at`.
///
/// # Errors
///
/// [`Reason::NotJson`] where it is not one whole object; [`Reason::NoMessage`] where that has nothing under any key
/// of a message; [`Reason::BadTime`] where there is no time that can be read and none of arrival.
pub fn parse(message: &[u8], received_at: Option<Timestamp>) -> Result<Event<'_>, Reject> {
    let object = object(message);
    let keys = Keys::read(object, |_| ())?;
    if keys.message(object).is_none() {
        return Err(Reject::at(Reason::NoMessage, JsonObject::open(object)?.start));
    }
    let time = keys.time().or(received_at).ok_or_else(|| {
        let offset = keys.timestamp.map_or(0, |value| value.offset);
        Reject::at(Reason::BadTime, offset)
    })?;
    Ok(Event { time, line: message })
}

/// The object of a message, without the NULs that end it on a stream and that some clients also send without one.
pub(crate) fn object(message: &[u8]) -> &[u8] {
    let is_end = |byte: &u8| matches!(byte, 0 | b' ' | b'\t' | b'\r' | b'\n');
    let end = message.iter().rposition(|byte| !is_end(byte)).map_or(0, |last| last + 1);
    &message[..end]
}

/// The values under the keys that have a meaning of their own. Of equal keys the last one counts.
#[derive(Default)]
pub(crate) struct Keys<'a> {
    pub timestamp: Option<Value<'a>>,
    pub host: Option<Value<'a>>,
    pub level: Option<Value<'a>>,
    pub full_message: Option<Value<'a>>,
    pub short_message: Option<Value<'a>>,
    /// No key of GELF, but of those who take it for one.
    pub bare_message: Option<Value<'a>>,
}

impl<'a> Keys<'a> {
    /// Finds them in an object, and hands on all other members in their order.
    ///
    /// # Errors
    ///
    /// [`Reason::NotJson`] where it is not one whole object.
    pub(crate) fn read(object: &'a [u8], mut other: impl FnMut(Member<'a>)) -> Result<Self, Reject> {
        let mut keys = Self::default();
        let mut members = JsonObject::open(object)?;
        while let Some(member) = members.next_member()? {
            let place = match member.key {
                b"timestamp" => &mut keys.timestamp,
                b"host" => &mut keys.host,
                b"level" => &mut keys.level,
                b"full_message" => &mut keys.full_message,
                b"short_message" => &mut keys.short_message,
                b"message" => &mut keys.bare_message,
                _ => {
                    other(member);
                    continue;
                }
            };
            *place = Some(member.value);
        }
        Ok(keys)
    }

    /// The time that the sender says, if it says one that can be.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        match self.timestamp?.content {
            Content::Text(text) => {
                ndjson::time(&text.decode()).filter(|&time| time > Timestamp::from_micros(0))
            }
            Content::Nested(_) => None,
        }
    }

    /// What a person reads: the first of the full, the short and the bare message that is not empty, or else one
    /// that is there, if only as an empty text. `object` is what the keys were read from.
    pub(crate) fn message(&self, object: &[u8]) -> Option<Value<'a>> {
        let all = [self.full_message, self.short_message, self.bare_message];
        let is_there = |value: &&Value<'_>| is_quoted(object, value);
        let found = all.iter().flatten().find(|value| !is_empty(value));
        found.or_else(|| all.iter().flatten().find(is_there)).copied()
    }
}

/// Whether nothing stands there, or `null`, or a text without a character.
pub(crate) fn is_empty(value: &Value<'_>) -> bool {
    matches!(value.content, Content::Text(text) if text.raw.is_empty())
}

/// Whether a value of this object stands in quotes.
fn is_quoted(object: &[u8], value: &Value<'_>) -> bool {
    value.offset > 0 && object.get(value.offset - 1) == Some(&b'"')
}
