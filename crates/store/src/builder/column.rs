//! A column of the schema while its records come in.
//!
//! A closed set of kinds instead of a trait object per column: the hot path knows which kind it sets, and a value of
//! another type must be told apart, since it goes to a map and is never lost.

use arrow_array::ArrayRef;
use arrow_array::types::{Float64Type, Int64Type};
use weir_record::{FieldKind, Value};

use super::keyword::KeywordColumn;
use super::number::NumberColumn;
use super::text::TextColumn;
use crate::error::StoreError;
use crate::schema::{LINE, ORIGIN, RAW, column_kind};

/// The largest whole number up to which a float has every one.
const FLOAT_EXACT_MAX: i64 = 1 << 53;

/// A column by what it holds; the event time and the maps are apart.
pub(super) enum ColumnBuilder {
    Keyword(Box<KeywordColumn>),
    Text(TextColumn),
    Integer(NumberColumn<Int64Type>),
    Seconds(NumberColumn<Float64Type>),
    /// Not kept here.
    Elsewhere,
}

impl ColumnBuilder {
    pub(super) fn new(column: usize) -> Self {
        let kind = match column {
            ORIGIN => Some(FieldKind::Keyword),
            LINE => Some(FieldKind::Integer),
            RAW => Some(FieldKind::Text),
            _ => column_kind(column),
        };
        match kind {
            Some(FieldKind::Keyword | FieldKind::List) => Self::Keyword(Box::new(KeywordColumn::new())),
            Some(FieldKind::Text | FieldKind::Words) => Self::Text(TextColumn::new()),
            Some(FieldKind::Integer) => Self::Integer(NumberColumn::new()),
            Some(FieldKind::Seconds) => Self::Seconds(NumberColumn::new()),
            Some(FieldKind::Time) | None => Self::Elsewhere,
        }
    }

    #[inline]
    pub(super) fn set_text(&mut self, row: usize, bytes: &[u8]) {
        match self {
            Self::Keyword(keywords) => keywords.set(row, bytes),
            Self::Text(texts) => texts.set(row, bytes),
            Self::Integer(_) | Self::Seconds(_) | Self::Elsewhere => {}
        }
    }

    #[inline]
    pub(super) fn set_integer(&mut self, row: usize, number: i64) {
        if let Self::Integer(numbers) = self {
            numbers.set(row, number);
        }
    }

    #[inline]
    pub(super) fn set_seconds(&mut self, row: usize, seconds: f64) {
        if let Self::Seconds(numbers) = self {
            numbers.set(row, seconds);
        }
    }

    /// Sets the value of `row` if this column can hold it; says whether.
    pub(super) fn try_set(&mut self, row: usize, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Keyword(keywords), Value::Text(text)) => keywords.set(row, text.as_bytes()),
            (Self::Text(texts), Value::Text(text)) => texts.set(row, text.as_bytes()),
            (Self::Integer(numbers), &Value::Integer(number)) => numbers.set(row, number),
            (Self::Seconds(numbers), &Value::Float(seconds)) => numbers.set(row, seconds),
            (Self::Seconds(numbers), &Value::Integer(seconds)) if seconds.abs() <= FLOAT_EXACT_MAX => {
                numbers.set(row, seconds as f64);
            }
            _ => return false,
        }
        true
    }

    /// Whether the current row has a value.
    #[inline]
    pub(super) fn is_set(&self, row: usize) -> bool {
        match self {
            Self::Keyword(keywords) => keywords.is_set(row),
            Self::Text(texts) => texts.is_set(row),
            Self::Integer(numbers) => numbers.is_set(row),
            Self::Seconds(numbers) => numbers.is_set(row),
            Self::Elsewhere => false,
        }
    }

    /// Whether any row has a value.
    pub(super) fn is_in_use(&self) -> bool {
        self.is_set(0)
    }

    pub(super) fn finish(&mut self, rows: usize) -> Result<Option<ArrayRef>, StoreError> {
        if !self.is_in_use() {
            return Ok(None);
        }
        match self {
            Self::Keyword(keywords) => keywords.finish(rows).map(Some),
            Self::Text(texts) => texts.finish(rows).map(Some),
            Self::Integer(numbers) => numbers.finish(rows).map(Some),
            Self::Seconds(numbers) => numbers.finish(rows).map(Some),
            Self::Elsewhere => Ok(None),
        }
    }
}
