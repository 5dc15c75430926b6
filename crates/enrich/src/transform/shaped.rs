//! A record in the midst of its steps: what it was, with what has been said about it so far on top.
//!
//! A view rather than a copy, because most records meet one or two steps that touch a field each, and reading all
//! fields of a line costs more than anything that a step does.

use std::borrow::Cow;

use weir_record::{Overlay, Value, canonical_name};

use super::ADDED_BYTES_MAX;

/// Gives the fields of a record as they were before the first step.
pub(super) type Before<'r> = &'r dyn Fn(&str) -> Option<Value<'r>>;

/// The fields of a record as they are between two steps.
pub struct Shaped<'r, 's> {
    before: Before<'r>,
    tags_before: &'r [String],
    overlay: Overlay<'s>,
    tags: Option<Vec<String>>,
    added_bytes: usize,
}

impl<'r, 's> Shaped<'r, 's> {
    /// A record that no step has seen.
    pub(super) fn new(before: Before<'r>, tags_before: &'r [String]) -> Self {
        Self { before, tags_before, overlay: Overlay::default(), tags: None, added_bytes: 0 }
    }

    /// The field with this name, as [`RecordFields`](weir_record::RecordFields) finds it.
    pub fn field(&self, name: &str) -> Option<Value<'_>> {
        let canonical = canonical_name(name);
        if canonical == "tags"
            && let Some(tags) = &self.tags
        {
            return Some(Value::Text(Cow::Owned(tags.join(","))));
        }
        match self.overlay.get(canonical) {
            Some(said) => said.map(Value::borrowed),
            None => (self.before)(name),
        }
    }

    pub(super) fn set(&mut self, name: impl Into<Cow<'s, str>>, value: Value<'s>) {
        self.overlay.set(name, value);
    }

    pub(super) fn remove(&mut self, name: &'s str) {
        self.overlay.remove(name);
    }

    pub(super) fn add_tag(&mut self, tag: &str) {
        let tags = self.tags.as_deref().unwrap_or(self.tags_before);
        if !tags.iter().any(|known| known == tag) {
            self.tags.get_or_insert_with(|| self.tags_before.to_vec()).push(tag.to_owned());
        }
    }

    /// How many bytes may still be added.
    pub(super) fn added_bytes_left(&self) -> usize {
        ADDED_BYTES_MAX.saturating_sub(self.added_bytes)
    }

    pub(super) fn count_added(&mut self, bytes: usize) {
        self.added_bytes += bytes;
    }

    pub(super) fn into_changes(self) -> (Overlay<'s>, Option<Vec<String>>) {
        (self.overlay, self.tags)
    }
}
