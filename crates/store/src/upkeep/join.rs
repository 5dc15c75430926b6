//! Small files of a day become one: their row groups compress badly, and each costs a query its opening.
//!
//! A file is joined with others of its size only, so that a record is written again a few times in all, however
//! slowly records come; what is left of a day is joined once it is over.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use weir_record::Timestamp;

use super::Work;
use crate::builder::BATCH_ROWS_MAX;
use crate::change::Change;
use crate::day_files::DayFiles;
use crate::error::StoreError;
use crate::read::guarded;
use crate::rows::FieldNames;
use crate::schema::complete;
use crate::shared::Shared;
use crate::stored_file::day_end_us;
use crate::view::{StoreFile, View};

/// Files of like size that make a join worth it, a number. More would leave more small ones, fewer would write
/// each record more often.
const FILES_MIN: usize = 8;

/// Files of one join, a number.
const FILES_MAX: usize = 64;

/// Records of one join: two full row groups, which fit in memory.
const ROWS_MAX: u64 = 2 * BATCH_ROWS_MAX as u64;

/// What the files of one join may be unpacked, in bytes, by their footers.
const UNPACKED_BYTES_MAX: u64 = 256 << 20;

/// What a file that is joined may be unpacked, in bytes: any two of them fit into one join, and a join that has
/// no room for all of its size leaves one that is joined no more.
pub(super) const FILE_UNPACKED_BYTES_MAX: u64 = UNPACKED_BYTES_MAX / 2;

/// A row group with so many records is as good as a full one.
pub(super) const FULL_ROWS_MIN: u32 = BATCH_ROWS_MAX as u32 / 2;

/// How long after its end a day is over, in microseconds: the last files of it are written by then.
const DAY_IS_OVER_US: i64 = 2 * 3600 * 1_000_000;

/// Records that are read at a time.
const READ_ROWS: usize = 8_192;

/// The join that is due, if any.
pub(super) fn due(view: &View, now: Timestamp) -> Option<Work> {
    let mut by_size: BTreeMap<(i32, u32), Vec<&Arc<StoreFile>>> = BTreeMap::new();
    for file in view.files.iter().filter(|file| is_small(file)) {
        let key = (file.stored.day, file.stored.rows.max(1).ilog2() / FILES_MIN.ilog2());
        by_size.entry(key).or_default().push(file);
    }
    if let Some(files) = by_size.values().find_map(|files| joinable(files, FILES_MIN)) {
        return Some(Work::Join(files));
    }
    let mut by_day: BTreeMap<i32, Vec<&Arc<StoreFile>>> = BTreeMap::new();
    for ((day, _), files) in by_size {
        by_day.entry(day).or_default().extend(files);
    }
    by_day.retain(|&day, files| is_over(day, files, now));
    by_day.values().find_map(|files| joinable(files, 2)).map(Work::Join)
}

/// Reads all files, sorts their records and writes them as one file.
pub(super) fn perform(
    shared: &Arc<Shared>,
    files: &[Arc<StoreFile>],
    check: &dyn Fn() -> Result<(), StoreError>,
) -> Result<Change, StoreError> {
    let mut batches = Vec::new();
    let mut names = FieldNames::default();
    for file in files {
        check()?;
        names.merge(&file.stored.names);
        // Noted, so that the next join goes without it.
        batches.extend(read_all(file).inspect_err(|error| file.report(error))?);
    }
    let mut day_files = DayFiles::new_at(shared, arrival_us(files));
    day_files.write_merged(&batches.iter().collect::<Vec<_>>(), &names, check)?;
    let removed = files.iter().map(|file| file.stored.id).collect();
    Ok(Change { files: day_files.finish()?, removed, segments_gone: Vec::new() })
}

/// When the youngest record of the files first stood in one, in microseconds since the epoch.
pub(super) fn arrival_us(files: &[Arc<StoreFile>]) -> i64 {
    files.iter().map(|file| file.stored.created_at_us).max().unwrap_or_default()
}

/// All records of a file.
pub(crate) fn read_all(file: &StoreFile) -> Result<Vec<RecordBatch>, StoreError> {
    let batches =
        guarded(|| Ok(read_batches(file))).map_err(|detail| StoreError::damaged(&file.path, &detail))??;
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    if rows as u64 != file.stored.rows {
        let detail = format!("it has {rows} records and {} were written", file.stored.rows);
        return Err(StoreError::damaged(&file.path, &detail));
    }
    Ok(batches)
}

fn read_batches(file: &StoreFile) -> Result<Vec<RecordBatch>, StoreError> {
    let read = || {
        let opened = std::fs::File::open(&file.path)?;
        let meta = file.meta();
        let builder = match &meta {
            Ok(meta) => ParquetRecordBatchReaderBuilder::new_with_metadata(opened, meta.arrow.clone()),
            Err(_) => ParquetRecordBatchReaderBuilder::try_new(opened)?,
        };
        let batches = builder.with_batch_size(READ_ROWS).build()?;
        batches.collect::<Result<Vec<_>, _>>().map_err(parquet::errors::ParquetError::from)
    };
    let batches = read().map_err(|error| StoreError::reading(&file.path, error))?;
    let fitted = batches.iter().map(complete).collect::<Result<_, _>>();
    fitted.map_err(|error| StoreError::damaged(&file.path, &error))
}

fn is_small(file: &StoreFile) -> bool {
    let has_small_row_group = file.stored.row_group_rows.iter().any(|&rows| rows < FULL_ROWS_MIN);
    has_small_row_group && file.stored.rows < u64::from(FULL_ROWS_MIN) && !file.is_damaged()
}

fn is_over(day: i32, files: &[&Arc<StoreFile>], now: Timestamp) -> bool {
    let over_us = now.micros().saturating_sub(DAY_IS_OVER_US);
    day_end_us(day) <= over_us && files.iter().all(|file| file.stored.created_at_us <= over_us)
}

/// As many of the files as one join can take; `None` where fewer than `files_min` are small enough for one.
fn joinable(files: &[&Arc<StoreFile>], files_min: usize) -> Option<Vec<Arc<StoreFile>>> {
    // Counted before their footers are read, which only a join is worth.
    if files.len() < files_min {
        return None;
    }
    let is_slim =
        |file: &StoreFile| file.unpacked_bytes().is_ok_and(|bytes| bytes <= FILE_UNPACKED_BYTES_MAX);
    let slim: Vec<_> = files.iter().filter(|file| is_slim(file)).take(FILES_MAX).collect();
    if slim.len() < files_min {
        return None;
    }
    let (mut rows, mut unpacked_bytes) = (0, 0);
    let fits = |file: &&&&Arc<StoreFile>| {
        rows += file.stored.rows;
        unpacked_bytes += file.unpacked_bytes().unwrap_or(UNPACKED_BYTES_MAX);
        rows <= ROWS_MAX && unpacked_bytes <= UNPACKED_BYTES_MAX
    };
    let taken: Vec<Arc<StoreFile>> = slim.iter().take_while(fits).map(|file| Arc::clone(file)).collect();
    (taken.len() > 1).then_some(taken)
}
