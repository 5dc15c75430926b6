//! A column of maps: the fields of a record that have no column.
//!
//! A column per name was refused: names come from clients, and a schema that they make grow breaks any store. What
//! it costs is the name, kept with each value; in a file it is a number of some bits.

use std::sync::Arc;

use arrow_array::{ArrayRef, MapArray, StructArray};
use arrow_buffer::OffsetBuffer;

use super::presence::Presence;
use super::text::Texts;
use crate::error::StoreError;
use crate::schema::{map_entries_field, map_fields};

/// A column of maps from name to text.
pub(super) struct MapColumn {
    ends: Vec<i32>,
    names: Texts,
    values: Texts,
    presence: Presence,
}

impl MapColumn {
    pub(super) fn new() -> Self {
        Self { ends: vec![0], names: Texts::new(), values: Texts::new(), presence: Presence::new() }
    }

    /// Adds a field to `row`, which is that of the last call or a later one.
    pub(super) fn add(&mut self, row: usize, name: &str, value: &str) {
        if !self.presence.is_set(row) {
            self.fill(row);
            self.presence.set(row);
            self.ends.push(self.names.len() as i32);
        }
        self.names.push(name);
        self.values.push(value);
        self.ends[row + 1] = self.names.len() as i32;
    }

    /// The column; `None` where no row has a field.
    pub(super) fn finish(&mut self, rows: usize) -> Result<Option<ArrayRef>, StoreError> {
        if self.names.len() == 0 {
            return Ok(None);
        }
        self.fill(rows);
        let nulls = self.presence.finish(rows);
        let ends = OffsetBuffer::new(std::mem::replace(&mut self.ends, vec![0]).into());
        let (names, values) = (self.names.finish(None)?, self.values.finish(None)?);
        let entries = StructArray::try_new(map_fields(), vec![Arc::new(names), Arc::new(values)], None)?;
        Ok(Some(Arc::new(MapArray::try_new(map_entries_field(), ends, entries, nulls, false)?)))
    }

    fn fill(&mut self, rows: usize) {
        self.ends.resize(rows + 1, self.names.len() as i32);
    }
}
