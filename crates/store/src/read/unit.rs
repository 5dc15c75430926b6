//! A piece of a scan: rows in memory or one row group of a file, and how its rows are read.
//!
//! Both look alike to those who evaluate and gather: batches of a few thousand rows, each with the numbers of
//! its rows in the unit, so that what a search found can be fetched later with all its fields. Columns in which
//! a whole row group has no value are never opened; a batch lacks them, which means the same.

use std::collections::BTreeSet;
use std::fs::File;
use std::iter;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection};

use weir_query::Predicate;

use super::cancel::Cancel;
use super::column::{JSON_COLUMN, TEXT_COLUMN};
use super::failure::QueryFailure;
use super::prune::{is_without_values, times_of_rows};
use crate::{FileMeta, Rows, StoreFile};

/// Rows that one batch has at most: large enough that the cost per batch vanishes, small enough that the columns
/// of a query stay in the processor's cache.
pub(crate) const BATCH_ROWS: usize = 8_192;

/// What the rows of one batch may take when they are unpacked, in bytes: texts may have a megabyte each, and
/// thousands of them at a time would be gigabytes.
const BATCH_BYTES_MAX: u64 = 16 << 20;

/// A piece of a scan, for one thread at a time.
pub(crate) struct Unit {
    pub source: Source,
    /// Which rows may match; ascending, apart from each other.
    pub ranges: Vec<Range<usize>>,
    /// The earliest time of its rows, in microseconds; perhaps earlier than any.
    pub min_time: i64,
    /// The latest time of its rows, in microseconds; perhaps later than any.
    pub max_time: i64,
    /// Whether no row lies outside the span of the scan.
    pub is_inside_span: bool,
}

/// Where the rows of a unit lie.
pub(crate) enum Source {
    Memory(Arc<Rows>),
    RowGroup { file: Arc<StoreFile>, meta: Arc<FileMeta>, index: usize },
}

/// What reading a unit may end with.
pub(crate) enum ReadFailure {
    /// The query is over.
    Query(QueryFailure),
    /// The file is damaged or gone; the rest of the answer is not.
    File(String),
}

impl From<QueryFailure> for ReadFailure {
    fn from(failure: QueryFailure) -> Self {
        Self::Query(failure)
    }
}

/// Names of columns to read: those of fields, and the maps where they may hold one.
#[derive(Clone, Debug, Default)]
pub(crate) struct WantedFields {
    /// Fields by name; not the maps themselves.
    pub fields: BTreeSet<String>,
    /// Both maps, whatever `fields` has.
    pub has_maps: bool,
    /// Every column there is, whatever `fields` has.
    pub is_all: bool,
}

impl WantedFields {
    pub(crate) fn all() -> Self {
        Self { is_all: true, ..Self::default() }
    }

    pub(crate) fn of<S: Into<String>>(fields: impl IntoIterator<Item = S>) -> Self {
        Self { fields: fields.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Adds the fields that a predicate looks at.
    pub(crate) fn add_predicate(&mut self, predicate: &Predicate) {
        match predicate {
            Predicate::All | Predicate::Nothing => {}
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().for_each(|part| self.add_predicate(part));
            }
            Predicate::Not(part) => self.add_predicate(part),
            Predicate::Field(test) => {
                self.fields.insert(test.field.to_string());
            }
        }
    }

    /// These and `others`.
    pub(crate) fn with<S: Into<String>>(&self, others: impl IntoIterator<Item = S>) -> Self {
        let mut all = self.clone();
        all.fields.extend(others.into_iter().map(Into::into));
        all
    }

    /// Whether a column of that name is needed, where the maps hold the names that `is_in_maps` says.
    fn has_column(&self, column: &str, is_in_maps: &dyn Fn(&str) -> bool) -> bool {
        let is_map = column == TEXT_COLUMN || column == JSON_COLUMN;
        self.is_all
            || self.fields.contains(column)
            || is_map && (self.has_maps || self.fields.iter().any(|field| is_in_maps(field)))
    }
}

/// The numbers that the rows of a batch have in their unit.
pub(crate) struct RowNumbers {
    /// Where a run of neighbours begins: in the batch and in the unit.
    runs: Vec<(usize, usize)>,
}

impl RowNumbers {
    pub(crate) fn of(&self, row: usize) -> usize {
        let run = self.runs.partition_point(|&(start, _)| start <= row).saturating_sub(1);
        self.runs.get(run).map_or(row, |&(start, number)| number + row - start)
    }
}

impl Unit {
    /// All rows of a row group, wherever they lie in time.
    pub(crate) fn whole_row_group(file: &Arc<StoreFile>, meta: &Arc<FileMeta>, index: usize) -> Self {
        let rows = usize::try_from(meta.arrow.metadata().row_group(index).num_rows()).unwrap_or(0);
        let source = Source::RowGroup { file: Arc::clone(file), meta: Arc::clone(meta), index };
        let (min_time, max_time) = (i64::MIN, i64::MAX);
        Self { source, ranges: iter::once(0..rows).collect(), min_time, max_time, is_inside_span: false }
    }

    /// Whether the maps of this unit may hold a field of that name.
    pub(crate) fn is_in_maps(&self, name: &str) -> bool {
        match &self.source {
            Source::Memory(rows) => rows.names.may_have(name),
            Source::RowGroup { file, .. } => file.stored.names.may_have(name),
        }
    }

    /// Whether its rows lie in the file with this number.
    #[cfg(test)]
    pub(crate) fn is_of_file(&self, id: u64) -> bool {
        matches!(&self.source, Source::RowGroup { file, .. } if file.stored.id == id)
    }

    /// How many rows may match.
    pub(crate) fn rows(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    /// The earliest and the latest time of these rows, in microseconds, or times beyond them.
    pub(crate) fn times_of(&self, ranges: &[Range<usize>]) -> (i64, i64) {
        let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
            return (self.min_time, self.max_time);
        };
        let times = match &self.source {
            Source::Memory(rows) => {
                let times = rows.times_us();
                times.get(first.start).copied().zip(times.get(last.end - 1).copied())
            }
            Source::RowGroup { meta, index, .. } => times_of_rows(meta, *index, first.start..last.end),
        };
        times.unwrap_or((self.min_time, self.max_time))
    }

    /// Hands out the rows of `ranges` batch by batch, with the columns of `fields`, until `each` says that it has
    /// enough.
    pub(crate) fn read(
        &self,
        fields: &WantedFields,
        ranges: &[Range<usize>],
        cancel: &Cancel,
        each: &mut dyn FnMut(&RecordBatch, &RowNumbers) -> Result<(), ReadFailure>,
    ) -> Result<(), ReadFailure> {
        match &self.source {
            Source::Memory(rows) => {
                for range in ranges {
                    for start in range.clone().step_by(BATCH_ROWS) {
                        cancel.check()?;
                        let len = BATCH_ROWS.min(range.end - start);
                        each(&rows.batch.slice(start, len), &RowNumbers { runs: vec![(0, start)] })?;
                    }
                }
                Ok(())
            }
            Source::RowGroup { file, meta, index } => {
                let problem = |text: String| {
                    file.report_damage(&text);
                    ReadFailure::File(format!(
                        "cannot read row group {index} of {}: {text}",
                        file.path.display()
                    ))
                };
                let mut reader =
                    guarded(|| self.open(file, meta, *index, fields, ranges)).map_err(problem)?;
                let mut numbering = Numbering::new(ranges);
                loop {
                    cancel.check()?;
                    match guarded(|| reader.next().transpose().map_err(|error| error.to_string())) {
                        Ok(Some(batch)) => each(&batch, &numbering.next(batch.num_rows()))?,
                        Ok(None) => return Ok(()),
                        Err(text) => return Err(problem(text)),
                    }
                }
            }
        }
    }

    fn open(
        &self,
        file: &StoreFile,
        meta: &FileMeta,
        index: usize,
        fields: &WantedFields,
        ranges: &[Range<usize>],
    ) -> Result<ParquetRecordBatchReader, String> {
        let opened = File::open(&file.path).map_err(|error| error.to_string())?;
        let row_group = meta.arrow.metadata().row_group(index);
        let rows = usize::try_from(row_group.num_rows()).map_err(|error| error.to_string())?;
        let leaves = row_group.columns().iter().enumerate().filter(|(_, column)| {
            let root = column.column_path().parts().first().map_or("", String::as_str);
            !is_without_values(column) && fields.has_column(root, &|name| self.is_in_maps(name))
        });
        let leaves: Vec<usize> = leaves.map(|(leaf, _)| leaf).collect();
        let bytes_of = |&leaf: &usize| row_group.column(leaf).uncompressed_size().unsigned_abs();
        let bytes = leaves.iter().map(bytes_of).sum();
        let mask = ProjectionMask::leaves(meta.arrow.parquet_schema(), leaves);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(opened, meta.arrow.clone())
            .with_row_groups(vec![index])
            .with_projection(mask)
            .with_batch_size(batch_rows(bytes, rows));
        if ranges.iter().map(ExactSizeIterator::len).sum::<usize>() < rows {
            let selection = RowSelection::from_consecutive_ranges(ranges.iter().cloned(), rows);
            builder = builder.with_row_selection(selection);
        }
        builder.build().map_err(|error| error.to_string())
    }
}

/// How many rows fit into a batch, where `rows` rows have `bytes` bytes.
fn batch_rows(bytes: u64, rows: usize) -> usize {
    let bytes_per_row = (bytes / rows.max(1) as u64).max(1);
    usize::try_from(BATCH_BYTES_MAX / bytes_per_row)
        .map_or(BATCH_ROWS, |fitting| fitting.clamp(1, BATCH_ROWS))
}

/// Runs what reads bytes of a file. The reader's library checks most of what it reads, but not all: a panic over
/// damaged bytes must end as the damage of a file, not of the program.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err("its bytes make no sense".to_owned()))
}

/// Counts along which rows a reader hands out.
struct Numbering<'a> {
    ranges: &'a [Range<usize>],
    /// Rows of the first range that were handed out.
    taken: usize,
}

impl<'a> Numbering<'a> {
    fn new(ranges: &'a [Range<usize>]) -> Self {
        Self { ranges, taken: 0 }
    }

    fn next(&mut self, rows: usize) -> RowNumbers {
        let mut runs = Vec::new();
        let mut filled = 0;
        while filled < rows {
            let Some((first, rest)) = self.ranges.split_first() else {
                break;
            };
            let left = first.len() - self.taken;
            if left == 0 {
                (self.ranges, self.taken) = (rest, 0);
                continue;
            }
            runs.push((filled, first.start + self.taken));
            let count = left.min(rows - filled);
            filled += count;
            self.taken += count;
        }
        RowNumbers { runs }
    }
}

/// The ranges of rows that a bitmap of granules names, neighbours joined.
pub(crate) fn granule_ranges(granules: u32, granule_rows: usize, rows: usize) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for granule in (0..32).filter(|granule| granules >> granule & 1 == 1) {
        let (start, end) = (granule * granule_rows, ((granule + 1) * granule_rows).min(rows));
        match ranges.last_mut() {
            _ if start >= end => break,
            Some(last) if last.end == start => last.end = end,
            _ => ranges.push(start..end),
        }
    }
    ranges
}

/// Rows by number, ascending, as ranges.
pub(crate) fn row_ranges(rows: impl IntoIterator<Item = usize>) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for row in rows {
        match ranges.last_mut() {
            Some(last) if last.end == row => last.end += 1,
            _ => ranges.push(row..row + 1),
        }
    }
    ranges
}
