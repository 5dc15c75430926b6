//! The body of `_bulk`: a line that says what to do, and behind most of them a line with a document.
//!
//! Documents are events, so they are added and never changed: `create` and `index` do the same, `update` and
//! `delete` are refused item by item. Source: Elasticsearch reference, "Bulk API".

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::{DecodeError, Messages, Written, WrittenFormat};

/// The longest name of an index, in bytes, as Elasticsearch has it. The answer repeats it for each item, also where
/// it stood once in the address.
const INDEX_BYTES_MAX: usize = 255;

/// What an item takes in the answer beside the names of its index and its id, in bytes.
const ITEM_ANSWER_BYTES: usize = 256;

/// The field that has the name of the index that a document was sent to.
pub(super) const INDEX_FIELD: &str = "index";

/// The field that has the id that a sender chose for a document.
pub(super) const ID_FIELD: &str = "document_id";

/// What a line of a body asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is to be done.
    pub operation: Operation,
    /// With what index; empty where none was named.
    pub index: Arc<str>,
    /// The id that the sender chose.
    pub id: Option<Arc<str>>,
    /// Whether there is a message of it; the messages are in the order of those items that have one.
    pub has_message: bool,
}

/// What is to be done with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Add it.
    Create,
    /// Add it, or put it in another's place.
    Index,
    /// Change one.
    Update,
    /// Take one away.
    Delete,
}

impl Operation {
    /// As the body has it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Index => "index",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action<'a> {
    #[serde(borrow)]
    Create(Target<'a>),
    #[serde(borrow)]
    Index(Target<'a>),
    #[serde(borrow)]
    Update(Target<'a>),
    #[serde(borrow)]
    Delete(Target<'a>),
}

#[derive(Deserialize)]
struct Target<'a> {
    #[serde(rename = "_index", borrow, default)]
    index: Option<Name<'a>>,
    #[serde(rename = "_id", borrow, default)]
    id: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a body; documents for which no index is named go to `default_index`.
///
/// # Errors
///
/// A line that says nothing that can be done, or a document that is missing: nothing of the body is taken then, as
/// by Elasticsearch.
pub fn decode(body: &[u8], default_index: &str, messages: &mut Messages) -> Result<Vec<Item>, DecodeError> {
    let mut decoder = Decoder { index: default_index.into(), items: Vec::new(), messages };
    let default_index = Arc::clone(&decoder.index);
    let mut lines = Lines { rest: body, number: 0 };
    while let Some(line) = lines.next_line() {
        if line.is_empty() {
            continue;
        }
        let (operation, target) = action(line, lines.number)?;
        let document = match operation {
            Operation::Delete => None,
            _ => Some(lines.next_line().ok_or_else(|| no_document(lines.number))?),
        };
        decoder.add(operation, &target, &default_index, document)?;
    }
    Ok(decoder.items)
}

struct Decoder<'m> {
    /// That of the item before: most bodies have one.
    index: Arc<str>,
    items: Vec<Item>,
    messages: &'m mut Messages,
}

impl Decoder<'_> {
    fn add(
        &mut self,
        operation: Operation,
        target: &Target<'_>,
        default_index: &Arc<str>,
        document: Option<&[u8]>,
    ) -> Result<(), DecodeError> {
        match &target.index {
            Some(Name(index)) if **index != *self.index => self.index = index.as_ref().into(),
            None if !Arc::ptr_eq(&self.index, default_index) => self.index = Arc::clone(default_index),
            _ => {}
        }
        if self.index.len() > INDEX_BYTES_MAX {
            let text = format!("the name of an index has {INDEX_BYTES_MAX} bytes at most");
            return Err(DecodeError::Malformed(text));
        }
        let id = target.id.and_then(id);
        let names = json_bytes(&self.index) + id.as_deref().map_or(0, json_bytes);
        self.messages.expect_answer(ITEM_ANSWER_BYTES + names)?;
        let is_added = matches!(operation, Operation::Create | Operation::Index);
        let document = document.filter(|document| is_added && !document.is_empty());
        if self.items.len() >= super::super::messages::MESSAGES_MAX {
            return Err(DecodeError::TooMuch { max: super::super::messages::MESSAGES_MAX, of: "items" });
        }
        if let Some(document) = document {
            self.messages.push(message(document.to_vec(), &self.index, id.as_ref()))?;
        }
        let index = Arc::clone(&self.index);
        self.items.push(Item { operation, index, id, has_message: document.is_some() });
        Ok(())
    }
}

/// How long a text is as JSON.
fn json_bytes(text: &str) -> usize {
    let lengths = text.bytes().map(|byte| match byte {
        0..0x20 => 6,
        b'"' | b'\\' => 2,
        _ => 1,
    });
    lengths.sum()
}

/// A document with what its address says of it.
pub(super) fn message(bytes: Vec<u8>, index: &Arc<str>, id: Option<&Arc<str>>) -> Written {
    let mut fields = Vec::with_capacity(2);
    if !index.is_empty() {
        fields.push((INDEX_FIELD, Arc::clone(index)));
    }
    if let Some(id) = id {
        fields.push((ID_FIELD, Arc::clone(id)));
    }
    Written { bytes, format: WrittenFormat::OfSource, fields }
}

fn action(line: &[u8], number: usize) -> Result<(Operation, Target<'_>), DecodeError> {
    let action: Action<'_> = serde_json::from_slice(line).map_err(|error| {
        DecodeError::Malformed(format!(
            "Malformed action/metadata line [{number}], expected create or index: {error}"
        ))
    })?;
    Ok(match action {
        Action::Create(target) => (Operation::Create, target),
        Action::Index(target) => (Operation::Index, target),
        Action::Update(target) => (Operation::Update, target),
        Action::Delete(target) => (Operation::Delete, target),
    })
}

/// An id, which may be a number.
fn id(raw: &RawValue) -> Option<Arc<str>> {
    match raw.get() {
        "null" => None,
        text if text.starts_with('"') => {
            serde_json::from_str::<Name<'_>>(text).ok().map(|name| name.0.into())
        }
        text => Some(text.into()),
    }
}

fn no_document(number: usize) -> DecodeError {
    DecodeError::Malformed(format!(
        "Malformed action/metadata line [{number}], a document must be on the next line"
    ))
}

struct Lines<'a> {
    rest: &'a [u8],
    /// Of the line that was given last, from 1.
    number: usize,
}

impl<'a> Lines<'a> {
    /// The next line without its end and without space around it; `None` behind the last line end.
    fn next_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Some(line.trim_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items as `operation index id`, those with a message with its text.
    fn shown(body: &str) -> Result<Vec<String>, DecodeError> {
        let mut messages = Messages::new(1 << 20);
        let items = decode(body.as_bytes(), "logs", &mut messages)?;
        let mut messages = messages.into_vec().into_iter();
        let shown = items.iter().map(|item| {
            let id = item.id.as_deref().unwrap_or("-");
            let mut shown = format!("{} {} {id}", item.operation.name(), item.index);
            if item.has_message {
                let message = messages.next().expect("a message");
                let of_index = message.fields.iter().find(|(name, _)| *name == INDEX_FIELD);
                assert_eq!(of_index.map_or("", |(_, index)| &**index), &*item.index);
                shown.push(' ');
                shown.push_str(&String::from_utf8_lossy(&message.bytes));
            }
            shown
        });
        let shown = shown.collect();
        assert_eq!(messages.next(), None);
        Ok(shown)
    }

    #[test]
    fn items_are_lines_and_their_documents() {
        let body = concat!(
            "{\"index\":{}}\n{\"a\":1}\n",
            "{\"create\":{\"_index\":\"x\",\"_id\":7,\"_type\":\"_doc\",\"routing\":null}}\r\n{\"a\":2}\r\n",
            "\n",
            "{\"delete\":{\"_index\":\"x\",\"_id\":\"a\\\"b\"}}\n",
            "{ \"update\" : { \"_id\" : \"u\" } }\n{\"doc\":{}}\n",
            "{\"index\":{\"_index\":\"x\"}}\nno json\n",
            "{\"index\":{\"_id\":null}}\n\n",
            "{\"index\":{}}\n{\"a\":3}",
        );
        let expected = [
            "index logs - {\"a\":1}",
            "create x 7 {\"a\":2}",
            "delete x a\"b",
            "update logs u",
            "index x - no json",
            "index logs -",
            "index logs - {\"a\":3}",
        ];
        assert_eq!(shown(body).expect("items"), expected);
    }

    #[test]
    fn a_body_that_is_out_of_step_is_refused_whole() {
        for (body, line) in [
            ("{\"a\":1}\n{\"index\":{}}\n", 1),
            ("{\"index\":{}}\n{}\n[]\n{}\n", 3),
            ("{\"index\":{}}\n{}\n{\"index\":{}}\n", 3),
            ("{\"index\":{}}", 1),
            ("{\"index\":{}, \"create\":{}}\n{}", 1),
            ("x", 1),
        ] {
            let Err(DecodeError::Malformed(text)) = shown(body) else { panic!("{body}") };
            assert!(text.starts_with(&format!("Malformed action/metadata line [{line}], ")), "{body} {text}");
        }
    }

    #[test]
    fn an_answer_is_not_many_times_its_body() {
        let (one, name) = ("{\"delete\":{}}\n", "\u{1}".repeat(INDEX_BYTES_MAX));
        let decoded = |index: &str, count: usize| {
            decode(one.repeat(count).as_bytes(), index, &mut Messages::new(1 << 20)).map(|items| items.len())
        };
        assert_eq!(decoded(&name, 2), Ok(2));
        assert!(matches!(decoded(&format!("{name}x"), 2), Err(DecodeError::Malformed(_))));
        assert!(matches!(decoded(&name, 200_000), Err(DecodeError::TooMuch { .. })));
        let mut messages = Messages::new(1 << 20);
        decode(one.as_bytes(), "a\"\n", &mut messages).expect("an item");
        assert_eq!(messages.memory_bytes(), ITEM_ANSWER_BYTES + 1 + 2 + 6);
    }

    proptest::proptest! {
        #[test]
        fn any_lines_are_items_or_an_error(
            lines in proptest::collection::vec(
                proptest::sample::select(vec![
                    "", " ", "{}", "x", "{\"index\":{}}", "{\"delete\":{}}", "{\"update\":{\"_id\":1}}",
                    "{\"create\":{\"_index\":\"\",\"_id\":\"é\"}}", "{\"index\":{\"_id\":\"\\u0000\"}}", "\u{0}",
                ]),
                0..12,
            ),
        ) {
            let _ = shown(&lines.join("\n"));
        }
    }
}
