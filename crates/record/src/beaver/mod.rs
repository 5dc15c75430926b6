//! What Beaver (python-beaver 36) puts into a Redis list: a log line with what is known about it.
//!
//! One reader for all of Beaver's shapes, because a list usually holds several: sites set `format` for each file,
//! and a list outlives a change of `logstash_version`. The shapes are told apart by what stands there, not by a
//! setting: the JSON schemas of version 0 (`@type`, `@fields`, ...) and 1 (`type`, ...), `rawjson`, whose line's own
//! members stand at top level and which writes `""` for what it has not, and `string`, which is
//! `[host] [time] line`. A line of `raw` is the format `text`, one of `gelf` is GELF; of those nothing tells that they
//! came from Beaver. msgpack is not read: it is none of what Logstash's redis input takes by default.
//!
//! Beaver's time is when it sent the line, alike for all lines of a batch. A line that brings a time of its own
//! (`rawjson`) happened then.
//!
//! Source: python-beaver, `transports/base_transport.py` and `redis_transport.py`.

mod members;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::nginx_json::json_object::JsonObject;
use crate::other_fields::{self, text_value};
use crate::overlay::Overlay;
use crate::record::Event;
use crate::reject::{Reason, Reject};
use crate::timestamp::Timestamp;
use crate::value::Value;
pub(crate) use members::{Key, Members, only_element};

/// Reads one line as an event.
///
/// `received_at` is the time of a line that has none that can be read; where it is `None` such a line is a reject.
///
/// # Errors
///
/// [`Reason::NotJson`] where it is neither one whole object nor `[host] [time] line`; [`Reason::BadTime`] as above.
pub fn parse(line: &[u8], received_at: Option<Timestamp>) -> Result<Event<'_>, Reject> {
    let time = match StringLine::split(line) {
        Some(parts) => Timestamp::parse_rfc3339(parts.time).ok_or(parts.time_offset),
        None => {
            let start = JsonObject::open(line)?.start;
            let members = Members::read(line)?;
            members.event_time().ok_or(members.time.map_or(start, |time| time.offset))
        }
    };
    let time = time.or_else(|offset| received_at.ok_or(Reject::at(Reason::BadTime, offset)))?;
    Ok(Event { time, line })
}

/// The line of another format whose members `rawjson` put beside those of Beaver, and what Beaver says about it.
///
/// It is the message itself, but for one name: `host` may be the line's or the machine that sent it, and nothing says
/// which. A name without a dot is the machine's, since hardly any site is asked for by such a name.
pub(crate) fn merged(line: &[u8]) -> (Cow<'_, [u8]>, Overlay<'_>) {
    let mut overlay = Overlay::default();
    let Ok(members) = Members::read(line) else { return (Cow::Borrowed(line), overlay) };
    match members.text(Key::Kind) {
        Some(kind) => overlay.set("type", text_value(kind)),
        None => overlay.remove("type"),
    }
    match members.tags() {
        tags if tags.is_empty() => overlay.remove("tags"),
        tags => overlay.set("tags", Value::Text(Cow::Owned(tags.join(",")))),
    }
    other_fields::beaver_lists(line, &mut |name, value| overlay.set(name.to_owned(), value));
    let machine = members.text(Key::Host).filter(|host| !host.raw.contains(&b'.'));
    let before = machine.and_then(|_| line.get(..members.offset(Key::Host)?));
    match before.and_then(|before| memchr::memmem::rfind(before, HOST)) {
        Some(start) => (Cow::Owned([&line[..start], NODE, &line[start + HOST.len()..]].concat()), overlay),
        None => (Cow::Borrowed(line), overlay),
    }
}

/// The key of the host, and the one of nginx and others for the machine.
const HOST: &[u8] = b"\"host\"";
const NODE: &[u8] = b"\"hostname\"";

/// A line of the format `string`.
pub(crate) struct StringLine<'a> {
    pub host: &'a [u8],
    time: &'a [u8],
    time_offset: usize,
    /// The line that was read.
    pub message: &'a [u8],
}

impl<'a> StringLine<'a> {
    /// `[host] [time] line`; `None` where it does not look so.
    pub(crate) fn split(line: &'a [u8]) -> Option<Self> {
        let (host, rest) = bracketed(line)?;
        let rest = rest.strip_prefix(b" ")?;
        let (time, rest) = bracketed(rest)?;
        // A JSON list has no digit and dash here.
        if !matches!(time, [b'0'..=b'9', .., b'Z' | b'0'..=b'9']) {
            return None;
        }
        let message = rest.strip_prefix(b" ").unwrap_or(rest);
        Some(Self { host, time, time_offset: host.len() + 4, message })
    }
}

/// What stands between brackets at the beginning of a text, and what follows them.
fn bracketed(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b"[")?;
    let end = memchr::memchr(b']', text)?;
    Some((&text[..end], &text[end + 1..]))
}
