//! A column of text, one value behind the other.
//!
//! As the column will be, so that nothing is copied when it is done. Bytes that are no UTF-8 are escaped on their
//! way in: a column that other tools read must be text, and what was logged must be found.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_buffer::{Buffer, OffsetBuffer};
use weir_record::logged_text;

use super::presence::Presence;
use crate::error::StoreError;

/// Texts one behind the other and where each ends.
pub(super) struct Texts {
    ends: Vec<i32>,
    bytes: String,
}

impl Texts {
    pub(super) fn new() -> Self {
        Self { ends: vec![0], bytes: String::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Adds a text; one that would pass 2 GiB together becomes an empty one (see `RowsBuilder::is_full`).
    #[inline]
    pub(super) fn push(&mut self, text: &str) {
        if self.bytes.len() + text.len() <= i32::MAX as usize {
            self.bytes.push_str(text);
        }
        self.ends.push(self.bytes.len() as i32);
    }

    /// Adds empty texts until there are so many.
    pub(super) fn fill(&mut self, len: usize) {
        self.ends.resize(len + 1, self.bytes.len() as i32);
    }

    pub(super) fn get(&self, index: usize) -> &str {
        &self.bytes[self.ends[index] as usize..self.ends[index + 1] as usize]
    }

    /// The texts as a column; starts anew.
    pub(super) fn finish(
        &mut self,
        nulls: Option<arrow_buffer::NullBuffer>,
    ) -> Result<StringArray, StoreError> {
        let ends = std::mem::replace(&mut self.ends, vec![0]);
        let bytes = std::mem::take(&mut self.bytes);
        Ok(StringArray::try_new(OffsetBuffer::new(ends.into()), Buffer::from(bytes.into_bytes()), nulls)?)
    }
}

/// A column of text.
pub(super) struct TextColumn {
    texts: Texts,
    presence: Presence,
}

impl TextColumn {
    pub(super) fn new() -> Self {
        Self { texts: Texts::new(), presence: Presence::new() }
    }

    /// Sets the text of `row` from logged bytes.
    #[inline]
    pub(super) fn set(&mut self, row: usize, bytes: &[u8]) {
        self.texts.fill(row);
        match std::str::from_utf8(bytes) {
            Ok(text) => self.texts.push(text),
            Err(_) => self.texts.push(&logged_text(bytes)),
        }
        self.presence.set(row);
    }

    #[inline]
    pub(super) fn is_set(&self, row: usize) -> bool {
        self.presence.is_set(row)
    }

    pub(super) fn finish(&mut self, rows: usize) -> Result<ArrayRef, StoreError> {
        self.texts.fill(rows);
        let nulls = self.presence.finish(rows);
        Ok(Arc::new(self.texts.finish(nulls)?))
    }
}
