//! A push in JSON: `{"streams": [{"stream": {"app": "shop"}, "values": [["<nanoseconds>", "line", {"a": "b"}]]}]}`.
//!
//! The labels may stand behind the entries, so both stay text until the stream was read to its end; a second look
//! at a stream's text costs less than a tree of its entries. What Loki refuses, such as a label that is no text, is
//! taken: it would lose a line for the sake of a type.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::super::json_line::{JsonLine, push_text};
use super::super::json_list::{for_each, malformed, object};
use super::super::{DecodeError, Messages};
use super::{finish, label_name};

#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow, default)]
    streams: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Stream<'a> {
    #[serde(borrow, default)]
    stream: Option<&'a RawValue>,
    #[serde(borrow, default)]
    values: Option<&'a RawValue>,
}

/// `["<nanoseconds>", "line"]`, or with a third member, the metadata.
struct Entry<'a> {
    time: Option<u64>,
    text: Cow<'a, str>,
    metadata: Option<&'a RawValue>,
}

/// Reads a push.
pub(super) fn push(body: &[u8], messages: &mut Messages) -> Result<(), DecodeError> {
    let push: Push<'_> = object(body)?;
    for_each(push.streams, &mut |stream: Stream<'_>| {
        let mut line = JsonLine::new();
        labels(&mut line, stream.stream)?;
        for_each(stream.values, &mut |entry: Entry<'_>| {
            let mut line = JsonLine::with_members(line.members());
            labels(&mut line, entry.metadata)?;
            messages.push_line(finish(line, entry.time, &entry.text))
        })
    })
}

/// The members of an object of texts as fields.
fn labels(line: &mut JsonLine, object: Option<&RawValue>) -> Result<(), DecodeError> {
    let Some(object) = object.filter(|object| object.get() != "null") else { return Ok(()) };
    serde_json::Deserializer::from_str(object.get()).deserialize_map(Labels(line)).map_err(malformed)
}

struct Labels<'l>(&'l mut JsonLine);

impl<'a> Visitor<'a> for Labels<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of labels")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<Name<'a>>()? {
            let value = members.next_value::<&RawValue>()?.get();
            let line = self.0.name(&label_name(name.0));
            // An object may have line ends in it.
            if value.starts_with(['{', '[']) {
                push_text(line, value);
            } else {
                line.push_str(value);
            }
        }
        Ok(())
    }
}

/// A key, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Deserialize<'a> for Entry<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(EntryVisitor)
    }
}

struct EntryVisitor;

impl<'a> Visitor<'a> for EntryVisitor {
    type Value = Entry<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry as [\"<nanoseconds>\", \"line\"]")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut members: A) -> Result<Entry<'a>, A::Error> {
        let missing = |what| serde::de::Error::custom(format!("an entry has no {what}"));
        let time: &RawValue = members.next_element()?.ok_or_else(|| missing("time"))?;
        let Name(text) = members.next_element()?.ok_or_else(|| missing("line"))?;
        let metadata = members.next_element()?;
        while members.next_element::<serde::de::IgnoredAny>()?.is_some() {}
        Ok(Entry { time: time.get().trim_matches('"').parse().ok(), text, metadata })
    }
}
