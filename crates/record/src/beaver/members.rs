//! The members of Beaver's JSON that have a meaning, in both schemas.
//!
//! Keys are resolved to a closed set while the line is read, as those of nginx are, so that the two schemas differ in
//! one table only. `rawjson` puts the line's own members over those of Beaver, so any of them may hold anything: what
//! is not text where text belongs has no meaning and stays a field like any other.

use crate::ndjson;
use crate::nginx_json::escape::LoggedText;
use crate::nginx_json::json_object::{Content, JsonObject, Member, Value};
use crate::reject::Reject;
use crate::timestamp::Timestamp;
use crate::value::logged_text;

/// What a key means, in either schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// `type`.
    Kind,
    /// `tags`.
    Tags,
    /// The machine.
    Host,
    /// The path.
    File,
    /// The line.
    Message,
    /// The path once more, as an URL, and the schema's number: nothing that is not said elsewhere.
    Redundant,
    /// The object that has the other fields, in schema 0.
    Fields,
    /// When Beaver sent the line, or the line's own time under the same name.
    SentAt,
    /// Where lines of JSON have a time of their own.
    OwnTime,
}

const TEXTS: usize = 5;

impl Key {
    pub(crate) fn from_name(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"type" | b"@type" => Key::Kind,
            b"tags" | b"@tags" => Key::Tags,
            b"host" | b"@source_host" => Key::Host,
            b"file" | b"@source_path" => Key::File,
            b"message" | b"@message" => Key::Message,
            b"@version" | b"@source" => Key::Redundant,
            b"@fields" => Key::Fields,
            b"@timestamp" => Key::SentAt,
            b"timestamp" | b"time" | b"ts" => Key::OwnTime,
            _ => return None,
        })
    }
}

/// The values under the keys that have a meaning. Of equal keys the last one counts.
pub(crate) struct Members<'a> {
    /// By the number of the key.
    texts: [Option<Value<'a>>; TEXTS],
    /// When it was sent.
    pub time: Option<Value<'a>>,
    own_time: Option<(Timestamp, usize)>,
}

impl<'a> Members<'a> {
    /// Finds them in a line.
    ///
    /// # Errors
    ///
    /// [`Reason::NotJson`](crate::Reason::NotJson) where the line is not one whole object.
    pub(crate) fn read(line: &'a [u8]) -> Result<Self, Reject> {
        let mut members = Self { texts: [None; TEXTS], time: None, own_time: None };
        let mut object = JsonObject::open(line)?;
        while let Some(Member { key, value }) = object.next_member()? {
            match Key::from_name(key) {
                Some(key @ (Key::Kind | Key::Tags | Key::Host | Key::File | Key::Message)) => {
                    members.texts[key as usize] = Some(value);
                }
                Some(Key::SentAt) => members.time = Some(value),
                Some(Key::OwnTime) => members.own_time = time(value).or(members.own_time),
                Some(Key::Redundant | Key::Fields) | None => {}
            }
        }
        Ok(members)
    }

    /// The text of a key, unless it is empty, as `rawjson` writes what it has not. It is a list of one where
    /// `add_field` wrote over Beaver's own.
    pub(crate) fn text(&self, key: Key) -> Option<LoggedText<'a>> {
        let text = match self.texts.get(key as usize)?.as_ref()?.content {
            Content::Text(text) => text,
            Content::Nested(list) => only_element(list)?.0,
        };
        Some(text).filter(|text| !text.raw.is_empty())
    }

    /// When Beaver sent it, or what `rawjson` took from the line for that.
    pub(crate) fn sent_at(&self) -> Option<Timestamp> {
        self.time.and_then(time).map(|(time, _)| time)
    }

    /// When it happened: the line's own time, where its members stand at top level, before that of the sender.
    pub(crate) fn event_time(&self) -> Option<Timestamp> {
        self.own_time().map(|(time, _)| time).or_else(|| self.sent_at())
    }

    /// Whether the value at this offset is the time of the event, or was said to be when it was sent.
    pub(crate) fn is_time(&self, offset: usize) -> bool {
        let own = self.own_time().map(|(_, offset)| offset);
        let sent = self.time.filter(|value| time(*value).is_some()).map(|value| value.offset);
        Some(offset) == own || Some(offset) == sent
    }

    /// Whether the value at this offset is one of those that count under `key`.
    pub(crate) fn is_at(&self, key: Key, offset: usize) -> bool {
        self.offset(key) == Some(offset)
    }

    /// Where the value under `key` begins in the line.
    pub(crate) fn offset(&self, key: Key) -> Option<usize> {
        self.texts.get(key as usize)?.map(|value| value.offset)
    }

    /// A line that stands in `message` is text, and the fields beside it are not its own.
    fn own_time(&self) -> Option<(Timestamp, usize)> {
        if self.text(Key::Message).is_some() { None } else { self.own_time }
    }

    /// The tags: a list, one text, or `""`.
    pub(crate) fn tags(&self) -> Vec<String> {
        let mut tags = Vec::new();
        match self.texts[Key::Tags as usize].map(|value| value.content) {
            Some(Content::Text(text)) => add_tags(text, &mut tags),
            Some(Content::Nested(list)) => {
                for_each_element(list, |text, is_quoted| {
                    if is_quoted || text.raw != b"null" {
                        add_tags(text, &mut tags);
                    }
                });
            }
            None => {}
        }
        tags
    }
}

/// A tag, or several separated by commas, which are always separate tags in a field that is a list.
fn add_tags(text: LoggedText<'_>, tags: &mut Vec<String>) {
    let text = text.decode();
    let parts = logged_text(&text);
    tags.extend(parts.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned));
}

/// Hands out the elements of a list that are neither lists nor objects, and whether each is in quotes; nothing more
/// from where it stops being a list. Returns whether it was one of such elements alone, to its end.
pub(crate) fn for_each_element<'a>(list: &'a [u8], mut each: impl FnMut(LoggedText<'a>, bool)) -> bool {
    let Some(mut rest) = list.strip_prefix(b"[").map(<[u8]>::trim_ascii_start) else { return false };
    if rest.first() == Some(&b']') {
        return true;
    }
    loop {
        rest = match rest {
            [b'"', after @ ..] => {
                let Some((text, after)) = LoggedText::take_quoted(after) else { return false };
                each(text, true);
                after
            }
            [b'{' | b'[', ..] => return false,
            _ => {
                let Some(end) = memchr::memchr2(b',', b']', rest) else { return false };
                each(LoggedText { raw: rest[..end].trim_ascii_end(), is_escaped: false }, false);
                &rest[end..]
            }
        };
        rest = match rest.trim_ascii_start() {
            [b',', after @ ..] => after.trim_ascii_start(),
            [b']'] => return true,
            _ => return false,
        };
    }
}

/// The only element of a list of one, and whether it is in quotes: how Beaver writes a value of `add_field`.
pub(crate) fn only_element(list: &[u8]) -> Option<(LoggedText<'_>, bool)> {
    let (mut count, mut only) = (0, None);
    let is_list = for_each_element(list, |text, is_quoted| {
        count += 1;
        only = Some((text, is_quoted));
    });
    only.filter(|_| is_list && count == 1)
}

fn time(value: Value<'_>) -> Option<(Timestamp, usize)> {
    match value.content {
        Content::Text(text) => Some((ndjson::time(&text.decode())?, value.offset)),
        Content::Nested(_) => None,
    }
}
