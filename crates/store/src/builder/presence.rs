//! Which rows of a column have a value.
//!
//! Bits only from the first gap on: the columns of the hot path have none.

use arrow_buffer::{NullBuffer, NullBufferBuilder};

/// The rows that have a value, up to the last one that was asked for.
pub(super) struct Presence(NullBufferBuilder);

impl Presence {
    pub(super) fn new() -> Self {
        Self(NullBufferBuilder::new(0))
    }

    /// Notes a value for `row`, which is the next one or a later one.
    #[inline]
    pub(super) fn set(&mut self, row: usize) {
        if self.0.len() < row {
            self.0.append_n_nulls(row - self.0.len());
        }
        self.0.append_non_null();
    }

    /// Whether the value of this row was noted; `row` is the current one.
    #[inline]
    pub(super) fn is_set(&self, row: usize) -> bool {
        self.0.len() > row
    }

    /// The bits of so many rows; starts anew.
    pub(super) fn finish(&mut self, rows: usize) -> Option<NullBuffer> {
        self.0.append_n_nulls(rows - self.0.len());
        self.0.finish()
    }
}
