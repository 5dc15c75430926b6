//! A record in the midst of its steps: what it was, with what has been said about it so far on top.
//!
//! A view rather than a copy, because most records meet one or two steps that touch a field each, and reading all
//! fields of a line costs more than anything that a step does.

use std::borrow::Cow;

use weir_record::{Overlay, Value};

use super::ADDED_BYTES_MAX;

/// Gives the fields of a record as they were before the first step.
pub(super) type Before<'r> = &'r dyn Fn(&str) -> Option<Value<'r>>;

/// Gives what may be kept of a field; `None` where that is its value as it is.
pub(super) type Redact<'r> = &'r dyn Fn(&str, &Value<'_>) -> Option<Value<'static>>;

/// The fields of a record as they are between two steps.
pub struct Shaped<'r, 's> {
    before: Before<'r>,
    redact: Option<Redact<'r>>,
    overlay: Overlay<'s>,
    added_bytes: usize,
}

impl<'r, 's> Shaped<'r, 's> {
    /// A record that no step has seen. What steps make goes through `redact` at once, so that no copy is made of what
    /// may not be kept.
    pub(super) fn new(before: Before<'r>, redact: Option<Redact<'r>>) -> Self {
        Self { before, redact, overlay: Overlay::default(), added_bytes: 0 }
    }

    /// The field with this name, as [`RecordFields`](weir_record::RecordFields) finds it.
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        match self.overlay.get(name) {
            Some(said) => said.map(Value::borrowed),
            None => (self.before)(name),
        }
    }

    pub(super) fn set(&mut self, name: impl Into<Cow<'s, str>>, value: Value<'s>) {
        let name = name.into();
        let redacted = self.redact.and_then(|redact| redact(&name, &value));
        self.overlay.set(name, redacted.unwrap_or(value));
    }

    pub(super) fn remove(&mut self, name: &'s str) {
        self.overlay.remove(name);
    }

    /// Adds a tag, unless the record has it.
    pub(super) fn add_tag(&mut self, tag: &str) {
        let mut tags = match self.field("tags") {
            Some(Value::Text(tags)) => tags.into_owned(),
            // As some senders write them. Other lists have no tags in them.
            Some(Value::Json(list)) => {
                serde_json::from_str::<Vec<String>>(&list).unwrap_or_default().join(",")
            }
            _ => String::new(),
        };
        if !tags.split(',').any(|known| known == tag) {
            if !tags.is_empty() {
                tags.push(',');
            }
            tags.push_str(tag);
            self.set("tags", Value::Text(Cow::Owned(tags)));
        }
    }

    /// How many bytes may still be added.
    pub(super) fn added_bytes_left(&self) -> usize {
        ADDED_BYTES_MAX.saturating_sub(self.added_bytes)
    }

    pub(super) fn count_added(&mut self, bytes: usize) {
        self.added_bytes += bytes;
    }

    pub(super) fn into_overlay(self) -> Overlay<'s> {
        self.overlay
    }
}
