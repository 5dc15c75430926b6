//! Which fields records have, and their most frequent values: what a person looks at before he asks.
//!
//! It reads the records that match instead of keeping counts while they come, because what is of interest is
//! nearly always a part of them; so it costs a scan, of the columns asked for only.

use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{Array, RecordBatch};
use arrow_buffer::BooleanBuffer;
use weir_record::{KNOWN_FIELDS, Value};

use super::cancel::Cancel;
use super::column::{Column, JSON_COLUMN, MapColumn, TEXT_COLUMN};
use super::evaluate::{Evaluator, in_span};
use super::failure::QueryFailure;
use super::field_counts::FieldCounts;
use super::request::{FieldSummaries, FieldSummary, FieldsRequest, Limits};
use super::scan::{Gathered, Scan, Units};
use super::search::predicate_fields;
use super::unit::{ReadFailure, Unit, WantedFields};
use crate::View;
use crate::json_value::json_value;

/// The most fields that one answer summarises, a number: a thousand is more than anybody reads, and an
/// application that makes names up must not fill the memory.
pub const SUMMARIES_MAX: usize = 1_000;

impl View {
    /// The names of the fields that records may have: the known ones, and those of the maps as far as they are
    /// known.
    pub fn field_names(&self) -> BTreeSet<String> {
        let mut names: BTreeSet<String> = KNOWN_FIELDS.iter().map(|field| field.name.to_owned()).collect();
        let in_memory = self.segments.iter().flat_map(|segment| &segment.rows).map(|rows| &*rows.names);
        for known in in_memory.chain(self.files.iter().map(|file| &file.stored.names)) {
            names.extend(known.names.iter().map(ToString::to_string));
        }
        names
    }

    /// Whether some record may have a field of this name that [`View::field_names`] does not list, because there
    /// were too many names to keep.
    pub fn has_unlisted_fields(&self) -> bool {
        let mut in_memory = self.segments.iter().flat_map(|segment| &segment.rows);
        in_memory.any(|rows| rows.names.is_cut) || self.files.iter().any(|file| file.stored.names.is_cut)
    }

    /// What the fields of the records that match hold.
    ///
    /// # Errors
    ///
    /// [`QueryFailure`] if the query is stopped or would gather more than it may.
    pub fn fields(
        &self,
        request: &FieldsRequest,
        limits: &Limits,
        cancel: &Cancel,
    ) -> Result<FieldSummaries, QueryFailure> {
        let scan = Scan::new(&request.predicate, request.from..request.to, limits, cancel);
        let Units { units, mut problems } = scan.units(self)?;
        let gathered = Gathered::new(limits);
        let names = request.names.as_deref();
        let wanted = wanted_fields(&scan, names);
        let start = || (Evaluator::new(scan.predicate), Summing { names, counts: BTreeMap::new() });
        let (states, more_problems) = scan.run(&units, start, |(evaluator, summing), _, unit| {
            unit.read(&wanted, &unit.ranges, cancel, &mut |batch, _| {
                let matching = matching_rows(evaluator, &scan, unit, batch);
                gathered.add(summing.add_batch(batch, &matching))?;
                Ok::<(), ReadFailure>(())
            })
        })?;
        problems.extend(more_problems);
        let mut all = Summing { names, counts: BTreeMap::new() };
        for (name, counts) in states.into_iter().flat_map(|(_, summing)| summing.counts) {
            gathered.add(all.counts_of(&name).map_or(0, |known| known.merge(counts)))?;
        }
        Ok(FieldSummaries { fields: all.into_summaries(request.top), problems })
    }
}

/// The rows of a batch that match and lie in the span.
pub(crate) fn matching_rows(
    evaluator: &mut Evaluator<'_>,
    scan: &Scan<'_>,
    unit: &Unit,
    batch: &RecordBatch,
) -> BooleanBuffer {
    let matching = evaluator.evaluate(batch, &|name| unit.is_in_maps(name));
    if unit.is_inside_span { matching } else { in_span(batch, &scan.span, matching) }
}

fn wanted_fields(scan: &Scan<'_>, names: Option<&[String]>) -> WantedFields {
    match names {
        None => {
            let known = KNOWN_FIELDS.iter().map(|field| field.name);
            WantedFields { has_maps: true, ..predicate_fields(scan).with(known) }
        }
        Some(names) => predicate_fields(scan).with(names.iter().map(String::as_str)).with(["@timestamp"]),
    }
}

/// The fields that one thread has met.
struct Summing<'a> {
    names: Option<&'a [String]>,
    counts: BTreeMap<String, FieldCounts>,
}

impl Summing<'_> {
    /// Counts the values of some rows; gives the bytes that they take in addition.
    fn add_batch(&mut self, batch: &RecordBatch, rows: &BooleanBuffer) -> usize {
        let mut added = 0;
        for field in KNOWN_FIELDS {
            let column = Column::of(batch, field.name);
            if !column.is_empty() && self.is_wanted(field.name) {
                added += self.counts_of(field.name).map_or(0, |counts| add_column(counts, column, rows));
            }
        }
        for (map, is_json) in [(TEXT_COLUMN, false), (JSON_COLUMN, true)] {
            let Some(map) = MapColumn::of(batch, map) else {
                continue;
            };
            for (name, text) in rows.set_indices().flat_map(|row| map.each(row)) {
                if self.is_wanted(name) {
                    let value = if is_json { json_value(text) } else { Value::Text(text.into()) };
                    added += self.counts_of(name).map_or(0, |counts| counts.add(&value, 1));
                }
            }
        }
        added
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.names.is_none_or(|names| names.iter().any(|wanted| wanted == name))
    }

    fn counts_of(&mut self, name: &str) -> Option<&mut FieldCounts> {
        if !self.counts.contains_key(name) {
            if self.counts.len() >= SUMMARIES_MAX {
                return None;
            }
            self.counts.insert(name.to_owned(), FieldCounts::default());
        }
        self.counts.get_mut(name)
    }

    fn into_summaries(self, top: usize) -> Vec<FieldSummary> {
        let met = self.counts.into_iter().filter(|(_, counts)| counts.count > 0);
        met.map(|(name, counts)| FieldSummary {
            name,
            count: counts.count,
            distinct: counts.distinct(),
            is_exact: counts.is_exact(),
            top: counts.into_top(top),
        })
        .collect()
    }
}

fn add_column(counts: &mut FieldCounts, column: Column<'_>, rows: &BooleanBuffer) -> usize {
    if let Column::Dictionary { keys, values, .. } = column {
        let mut count_of_key = vec![0u64; values.len()];
        for row in rows.set_indices().filter(|&row| keys.is_valid(row)) {
            count_of_key[keys.value(row) as usize] += 1;
        }
        let met = count_of_key.into_iter().enumerate().filter(|(_, count)| *count > 0);
        return met.map(|(key, count)| counts.add(&Value::Text(values.value(key).into()), count)).sum();
    }
    rows.set_indices().filter_map(|row| column.value(row)).map(|value| counts.add(&value, 1)).sum()
}
