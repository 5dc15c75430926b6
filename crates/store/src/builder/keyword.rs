//! A column of few distinct texts: each kept once, and a number per row.
//!
//! Most columns of a stretch of a log hold the value of the record before, so that is looked at first; the rest
//! is a look-up in a table of our own hashes, since arrow's builder hashes every value anew.

use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, Int32Array};
use hashbrown::HashTable;
use weir_record::logged_text;
use xxhash_rust::xxh3::xxh3_64;

use super::presence::Presence;
use super::text::Texts;
use crate::error::StoreError;

/// A column of keywords.
pub(super) struct KeywordColumn {
    keys: Vec<i32>,
    presence: Presence,
    values: Texts,
    hashes: Vec<u64>,
    table: HashTable<i32>,
    last_key: i32,
}

impl KeywordColumn {
    pub(super) fn new() -> Self {
        Self {
            keys: Vec::new(),
            presence: Presence::new(),
            values: Texts::new(),
            hashes: Vec::new(),
            table: HashTable::new(),
            last_key: 0,
        }
    }

    /// Sets the text of `row` from logged bytes.
    #[inline]
    pub(super) fn set(&mut self, row: usize, bytes: &[u8]) {
        let is_last = self.values.len() > 0 && self.values.get(self.last_key as usize).as_bytes() == bytes;
        if !is_last {
            self.last_key = self.key(bytes);
        }
        self.keys.resize(row, 0);
        self.keys.push(self.last_key);
        self.presence.set(row);
    }

    #[inline]
    pub(super) fn is_set(&self, row: usize) -> bool {
        self.presence.is_set(row)
    }

    pub(super) fn finish(&mut self, rows: usize) -> Result<ArrayRef, StoreError> {
        self.keys.resize(rows, 0);
        let nulls = self.presence.finish(rows);
        let keys = Int32Array::try_new(std::mem::take(&mut self.keys).into(), nulls)?;
        let values = self.values.finish(None)?;
        (self.last_key, self.hashes) = (0, Vec::new());
        self.table.clear();
        Ok(Arc::new(DictionaryArray::try_new(keys, Arc::new(values))?))
    }

    fn key(&mut self, bytes: &[u8]) -> i32 {
        let hash = xxh3_64(bytes);
        let (values, hashes) = (&self.values, &self.hashes);
        let is_it = |&key: &i32| hashes[key as usize] == hash && values.get(key as usize).as_bytes() == bytes;
        if let Some(&key) = self.table.find(hash, is_it) {
            return key;
        }
        // Bytes that are no text are never found as they are: they are kept escaped.
        let Ok(text) = std::str::from_utf8(bytes) else { return self.key(logged_text(bytes).as_bytes()) };
        let key = self.values.len() as i32;
        self.values.push(text);
        self.hashes.push(hash);
        self.table.insert_unique(hash, key, |&key| self.hashes[key as usize]);
        key
    }
}
