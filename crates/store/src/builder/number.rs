//! A column of numbers.
//!
//! Values that are missing take room too, as zeros, but only from the column's first value on: nobody pays for a
//! field that no record has.

use std::sync::Arc;

use arrow_array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray};

use super::presence::Presence;
use crate::error::StoreError;

/// A column of numbers of one kind.
pub(super) struct NumberColumn<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    presence: Presence,
}

impl<T: ArrowPrimitiveType> NumberColumn<T> {
    pub(super) fn new() -> Self {
        Self { values: Vec::new(), presence: Presence::new() }
    }

    /// Sets the number of `row`.
    #[inline]
    pub(super) fn set(&mut self, row: usize, value: T::Native) {
        self.values.resize(row, T::Native::default());
        self.values.push(value);
        self.presence.set(row);
    }

    #[inline]
    pub(super) fn is_set(&self, row: usize) -> bool {
        self.presence.is_set(row)
    }

    pub(super) fn finish(&mut self, rows: usize) -> Result<ArrayRef, StoreError> {
        self.values.resize(rows, T::Native::default());
        let nulls = self.presence.finish(rows);
        Ok(Arc::new(PrimitiveArray::<T>::try_new(std::mem::take(&mut self.values).into(), nulls)?))
    }
}
