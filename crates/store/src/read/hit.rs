//! Rows of a batch as records again: each field by its name, with the type it was logged with.
//!
//! Column by column is how records lie, record by record is how they are read; the turn is made for the few
//! that are in an answer, and never on the way to them.

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use weir_record::{Timestamp, Value};

use super::column::{Column, JSON_COLUMN, MapColumn, TEXT_COLUMN};
use super::request::Hit;
use crate::json_value::json_value;

/// The columns of a batch that records are put together from.
pub(crate) struct HitColumns<'a> {
    times: &'a [i64],
    sequences: &'a [i64],
    known: Vec<(&'a str, Column<'a>)>,
    /// Our own: where the record came from and its line.
    own: Vec<(&'a str, Column<'a>)>,
    texts: Option<MapColumn<'a>>,
    json: Option<MapColumn<'a>>,
    fields: Option<&'a [String]>,
}

impl<'a> HitColumns<'a> {
    /// The columns of `batch`, those of `fields` only where that is given.
    pub(crate) fn of(batch: &'a RecordBatch, fields: Option<&'a [String]>) -> Self {
        let is_wanted = |name: &str| fields.is_none_or(|fields| fields.iter().any(|field| field == name));
        let schema = batch.schema_ref();
        let names = schema.fields().iter().map(|field| field.name().as_str());
        let is_time = |name: &str| name == "@timestamp";
        let columns = names
            .filter(|&name| name != "_sequence" && (is_wanted(name) || is_time(name)))
            .map(|name| (name, Column::of(batch, name)))
            .filter(|(_, column)| !column.is_empty());
        let (own, known) = columns.partition(|(name, _)| name.starts_with('_'));
        let times = batch.column_by_name("@timestamp");
        let sequences = batch.column_by_name("_sequence");
        Self {
            times: times.map_or(&[], |times| times.as_primitive::<TimestampMicrosecondType>().values()),
            sequences: sequences.map_or(&[], |sequences| sequences.as_primitive::<Int64Type>().values()),
            known,
            own,
            texts: MapColumn::of(batch, TEXT_COLUMN),
            json: MapColumn::of(batch, JSON_COLUMN),
            fields,
        }
    }

    /// The record of a row.
    pub(crate) fn hit(&self, row: usize) -> Hit {
        let mut fields = Vec::new();
        let mut add = |name: &str, value: Value<'_>| {
            fields.push((name.to_owned(), value.into_owned()));
        };
        for (name, column) in &self.known {
            if let Some(value) = column.value(row) {
                add(name, value);
            }
        }
        for (name, text) in self.texts.iter().flat_map(|texts| texts.each(row)) {
            if self.is_wanted(name) {
                add(name, Value::Text(text.into()));
            }
        }
        for (name, text) in self.json.iter().flat_map(|json| json.each(row)) {
            if self.is_wanted(name) {
                add(name, json_value(text));
            }
        }
        for (name, column) in &self.own {
            if let Some(value) = column.value(row) {
                add(name, value);
            }
        }
        let number = |numbers: &[i64]| numbers.get(row).copied().unwrap_or_default();
        Hit { time: Timestamp::from_micros(number(self.times)), sequence: number(self.sequences), fields }
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.fields.is_none_or(|fields| fields.iter().any(|field| field == name))
    }
}

/// Bytes that a value holds beside itself.
pub(crate) fn value_bytes(value: &Value<'_>) -> usize {
    match value {
        Value::Text(text) | Value::Json(text) => text.len(),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Time(_) => 0,
    }
}

/// Memory that a hit takes, about.
pub(crate) fn hit_bytes(hit: &Hit) -> usize {
    let field = |(name, value): &(String, Value<'static>)| {
        name.len() + value_bytes(value) + size_of::<(String, Value<'static>)>()
    };
    size_of::<Hit>() + hit.fields.iter().map(field).sum::<usize>()
}
