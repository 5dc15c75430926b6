//! A field of a batch, wherever its values lie: in its own column, or in one of the two maps.
//!
//! Which of the three it is differs from record to record (a number today, text tomorrow), so nobody but this
//! module asks. Where a batch lacks a column altogether, because it was not read or no record has it, each of
//! its values is missing; that is never an error.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_array::{MapArray, TimestampMicrosecondArray};
use weir_record::{Timestamp, Value};

use crate::json_value::json_value;

/// The map of the texts of fields that have no column.
pub(crate) const TEXT_COLUMN: &str = "_text";

/// The map of their other values, as JSON text.
pub(crate) const JSON_COLUMN: &str = "_json";

/// A column, by what its values are.
#[derive(Clone, Copy)]
pub(crate) enum Column<'a> {
    /// Not in this batch, or of a type that we never write.
    Absent,
    /// Few distinct texts: a key per row and the text per key.
    Dictionary {
        /// Which value each row has.
        keys: &'a Int32Array,
        /// The distinct values.
        values: &'a StringArray,
        /// The same values, to know them again in the next batch.
        identity: &'a ArrayRef,
    },
    /// Text.
    Text(&'a StringArray),
    /// Whole numbers.
    Integer(&'a Int64Array),
    /// Seconds.
    Float(&'a Float64Array),
    /// Moments.
    Time(&'a TimestampMicrosecondArray),
}

impl<'a> Column<'a> {
    /// The column of that name.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Self {
        let Some(array) = batch.column_by_name(name) else {
            return Self::Absent;
        };
        if let Some(texts) = array.as_string_opt::<i32>() {
            Self::Text(texts)
        } else if let Some(numbers) = array.as_primitive_opt::<Int64Type>() {
            Self::Integer(numbers)
        } else if let Some(numbers) = array.as_primitive_opt::<Float64Type>() {
            Self::Float(numbers)
        } else if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
            Self::Time(times)
        } else {
            Self::of_dictionary(array)
        }
    }

    fn of_dictionary(array: &'a ArrayRef) -> Self {
        let Some(dictionary) = array.as_dictionary_opt::<Int32Type>() else {
            return Self::Absent;
        };
        match dictionary.values().as_string_opt::<i32>() {
            Some(values) => {
                Self::Dictionary { keys: dictionary.keys(), values, identity: dictionary.values() }
            }
            None => Self::Absent,
        }
    }

    /// What `row` has in this column.
    pub(crate) fn value(&self, row: usize) -> Option<Value<'a>> {
        match *self {
            Self::Absent => None,
            Self::Dictionary { keys, values, .. } => {
                let key = keys.is_valid(row).then(|| keys.value(row) as usize)?;
                Some(Value::Text(Cow::Borrowed(values.value(key))))
            }
            Self::Text(texts) => texts.is_valid(row).then(|| Value::Text(Cow::Borrowed(texts.value(row)))),
            Self::Integer(numbers) => numbers.is_valid(row).then(|| Value::Integer(numbers.value(row))),
            Self::Float(numbers) => numbers.is_valid(row).then(|| Value::Float(numbers.value(row))),
            Self::Time(times) => {
                times.is_valid(row).then(|| Value::Time(Timestamp::from_micros(times.value(row))))
            }
        }
    }

    /// Whether no row has a value.
    pub(crate) fn is_empty(&self) -> bool {
        match *self {
            Self::Absent => true,
            Self::Dictionary { keys, .. } => keys.null_count() == keys.len(),
            Self::Text(texts) => texts.null_count() == texts.len(),
            Self::Integer(numbers) => numbers.null_count() == numbers.len(),
            Self::Float(numbers) => numbers.null_count() == numbers.len(),
            Self::Time(times) => times.null_count() == times.len(),
        }
    }
}

/// One of the two maps from a field's name to its text.
#[derive(Clone, Copy)]
pub(crate) struct MapColumn<'a> {
    map: &'a MapArray,
    names: &'a StringArray,
    texts: &'a StringArray,
}

impl<'a> MapColumn<'a> {
    /// The map of that name; `None` where the batch has none.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Option<Self> {
        let map = batch.column_by_name(name)?.as_map_opt()?;
        if map.keys().is_empty() {
            return None;
        }
        let (names, texts) = (map.keys().as_string_opt::<i32>()?, map.values().as_string_opt::<i32>()?);
        Some(Self { map, names, texts })
    }

    /// What `row` has under `name`.
    pub(crate) fn get(&self, row: usize, name: &str) -> Option<&'a str> {
        // A field met twice counts as it was met last.
        self.entries(row).rev().find(|&entry| self.names.value(entry) == name).map(|entry| self.text(entry))
    }

    /// Every name and text of `row`.
    pub(crate) fn each(&self, row: usize) -> impl Iterator<Item = (&'a str, &'a str)> + '_ {
        self.entries(row).map(|entry| (self.names.value(entry), self.text(entry)))
    }

    fn text(&self, entry: usize) -> &'a str {
        if self.texts.is_valid(entry) { self.texts.value(entry) } else { "" }
    }

    fn entries(&self, row: usize) -> std::ops::Range<usize> {
        if self.map.is_null(row) {
            return 0..0;
        }
        let offsets = self.map.value_offsets();
        offsets[row] as usize..offsets[row + 1] as usize
    }
}

/// One field of a batch.
#[derive(Clone, Copy)]
pub(crate) struct FieldColumns<'a> {
    /// The field's name.
    pub name: &'a str,
    /// Its own column.
    pub column: Column<'a>,
    /// The map of texts, where it may hold the field.
    pub texts: Option<MapColumn<'a>>,
    /// The map of other values as JSON text, where it may hold the field.
    pub json: Option<MapColumn<'a>>,
}

impl<'a> FieldColumns<'a> {
    /// The field of that name; `is_in_maps` says whether the maps may hold it.
    pub(crate) fn of(batch: &'a RecordBatch, name: &'a str, is_in_maps: bool) -> Self {
        let map = |map| if is_in_maps { MapColumn::of(batch, map) } else { None };
        let (texts, json) = (map(TEXT_COLUMN), map(JSON_COLUMN));
        Self { name, column: Column::of(batch, name), texts, json }
    }

    /// What `row` has in this field beside its own column.
    pub(crate) fn value_in_maps(&self, row: usize) -> Option<Value<'a>> {
        let text = self.texts.and_then(|texts| texts.get(row, self.name));
        match text {
            Some(text) => Some(Value::Text(Cow::Borrowed(text))),
            None => self.json.and_then(|json| json.get(row, self.name)).map(json_value),
        }
    }

    /// Whether a row may have this field beside its own column.
    pub(crate) fn is_in_maps(&self) -> bool {
        self.texts.is_some() || self.json.is_some()
    }
}
