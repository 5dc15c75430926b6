//! Sorted records into files by event day: the common end of a large object, of a roll and of a join.
//!
//! One way for all three, so that a file looks the same whatever made it. Batches are merged by an order over all
//! of them and copied a row group at a time, which holds one row group more than what is there already.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_select::interleave::interleave;

use crate::builder::BATCH_ROWS_MAX;
use crate::days::{DAYS_MAX, day_groups};
use crate::error::StoreError;
use crate::file_writer::{FileWriter, PendingFile};
use crate::rows::{FieldNames, Rows, concat_sorted, is_in_use, sequences, times};
use crate::schema::{COLUMNS, null_column, schema};
use crate::shared::Shared;

/// Files that are open at once, one per event day.
pub(crate) struct DayFiles {
    shared: Arc<Shared>,
    open: Vec<FileWriter>,
    done: Vec<PendingFile>,
    /// When the records first stood in a file, in microseconds since the epoch; `None` for now.
    arrival_us: Option<i64>,
}

impl DayFiles {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), open: Vec::new(), done: Vec::new(), arrival_us: None }
    }

    /// For records that stood in files before, and first at `arrival_us`.
    pub(crate) fn new_at(shared: &Arc<Shared>, arrival_us: i64) -> Self {
        Self { arrival_us: Some(arrival_us), ..Self::new(shared) }
    }

    /// Whether nothing was written yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty() && self.done.is_empty()
    }

    /// Writes sorted rows.
    pub(crate) fn write(&mut self, rows: &Rows) -> Result<(), StoreError> {
        for group in day_groups(rows.times_us()) {
            let slices: Vec<RecordBatch> =
                group.ranges.iter().map(|range| rows.batch.slice(range.start, range.len())).collect();
            let writer = self.writer(group.day)?;
            match slices.as_slice() {
                [slice] => writer.write(slice, &rows.names)?,
                slices => writer.write(&concat_sorted(&slices.iter().collect::<Vec<_>>())?, &rows.names)?,
            }
        }
        Ok(())
    }

    /// Writes several sorted batches as one; `check` says between two row groups whether to go on.
    pub(crate) fn write_merged(
        &mut self,
        batches: &[&RecordBatch],
        names: &FieldNames,
        check: &dyn Fn() -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let order = merged_order(batches);
        let merged_times: Vec<i64> = order.iter().map(|&(batch, row)| times(batches[batch])[row]).collect();
        for group in day_groups(&merged_times) {
            let parts = group.rows().div_ceil(BATCH_ROWS_MAX).max(1);
            let part_rows = group.rows().div_ceil(parts).max(1);
            let rows: Vec<(usize, usize)> =
                group.ranges.iter().flat_map(|range| order[range.clone()].iter().copied()).collect();
            for part in rows.chunks(part_rows) {
                check()?;
                let batch = interleaved(batches, part)?;
                self.writer(group.day)?.write(&batch, names)?;
            }
        }
        Ok(())
    }

    /// Ends and syncs all files.
    pub(crate) fn finish(&mut self) -> Result<Vec<PendingFile>, StoreError> {
        for writer in std::mem::take(&mut self.open) {
            self.done.push(writer.finish()?);
        }
        Ok(std::mem::take(&mut self.done))
    }

    fn writer(&mut self, day: i32) -> Result<&mut FileWriter, StoreError> {
        if let Some(index) = self.open.iter().position(|writer| writer.day() == day) {
            let writer = self.open.remove(index);
            self.open.push(writer);
        } else {
            if self.open.len() >= DAYS_MAX {
                // The one that was not written to for longest.
                let writer = self.open.remove(0);
                self.done.push(writer.finish()?);
            }
            self.open.push(self.shared.create_file(day, self.arrival_us)?);
        }
        let last = self.open.len() - 1;
        Ok(&mut self.open[last])
    }
}

/// The rows of all batches in the order of time and arrival number, each as its batch and its row there.
fn merged_order(batches: &[&RecordBatch]) -> Vec<(usize, usize)> {
    let mut keys: Vec<(i64, i64, u32, u32)> = Vec::with_capacity(batches.iter().map(|b| b.num_rows()).sum());
    for (index, batch) in batches.iter().enumerate() {
        let rows = times(batch).iter().zip(sequences(batch)).enumerate();
        keys.extend(rows.map(|(row, (&time, &sequence))| (time, sequence, index as u32, row as u32)));
    }
    // The standard sort finds the runs that are sorted already.
    keys.sort();
    keys.into_iter().map(|(_, _, batch, row)| (batch as usize, row as usize)).collect()
}

/// Some rows of several batches as one.
fn interleaved(batches: &[&RecordBatch], rows: &[(usize, usize)]) -> Result<RecordBatch, StoreError> {
    let column = |column: usize| -> Result<ArrayRef, StoreError> {
        if !batches.iter().any(|batch| is_in_use(batch, column)) {
            return Ok(null_column(column, rows.len()));
        }
        let arrays: Vec<_> = batches.iter().map(|batch| batch.column(column).as_ref()).collect();
        Ok(interleave(&arrays, rows)?)
    };
    let columns: Vec<ArrayRef> = (0..COLUMNS).map(column).collect::<Result<_, _>>()?;
    Ok(RecordBatch::try_new(schema(), columns)?)
}
