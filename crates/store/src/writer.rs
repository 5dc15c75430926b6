//! The records of one unit of work, kept for a commit that has yet to come.
//!
//! A unit is a tailed second of a file or a whole object of a bucket. What fits a batch stays in memory and goes
//! through the write-ahead segment; of an object too large for that, full batches are written to files at once,
//! so that its size costs no memory and its records are written once.

use std::sync::Arc;

use weir_record::{Record, RecordContext};

use crate::builder::RowsBuilder;
use crate::day_files::DayFiles;
use crate::error::StoreError;
use crate::file_writer::PendingFile;
use crate::rows::Rows;
use crate::shared::Shared;

/// Takes the records of a unit.
pub struct RowsWriter {
    shared: Arc<Shared>,
    rows: RowsBuilder,
    files: DayFiles,
    failure: Option<StoreError>,
    is_raw_kept: bool,
}

/// The records of a unit, ready to be committed. Dropped without a commit, its files remove themselves.
#[derive(Debug, Default)]
pub struct Kept {
    /// Those in memory.
    pub rows: Vec<Rows>,
    /// Those in files.
    pub files: Vec<PendingFile>,
}

impl Kept {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.files.is_empty()
    }

    /// How many records there are.
    pub fn rows_len(&self) -> u64 {
        let in_memory: usize = self.rows.iter().map(Rows::len).sum();
        in_memory as u64 + self.files.iter().map(|file| file.stored.rows).sum::<u64>()
    }

    /// Leaves the files to the ledger: to be called before the transaction that lists them, as one of which it is
    /// only said that it failed may be there after all.
    pub fn leave_to_ledger(&self) {
        self.files.iter().for_each(PendingFile::leave_to_ledger);
    }

    /// Memory that the records take, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.rows.iter().map(|rows| rows.bytes).sum()
    }
}

impl RowsWriter {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        Self {
            shared: Arc::clone(shared),
            rows: RowsBuilder::new(),
            files: DayFiles::new(shared),
            failure: None,
            is_raw_kept: shared.options.is_raw_kept,
        }
    }

    /// The same, but that it keeps lines, whatever the store does.
    #[must_use]
    pub fn with_lines(self) -> Self {
        Self { is_raw_kept: true, ..self }
    }

    /// Whether it keeps lines.
    pub fn is_raw_kept(&self) -> bool {
        self.is_raw_kept
    }

    /// Adds a record (see [`RowsBuilder::push`]), with its line as `raw` where lines are kept. A failure to
    /// write a full batch is told by [`finish`](Self::finish); until then records are passed over.
    pub fn push(
        &mut self,
        record: Record<'_>,
        context: &RecordContext<'_>,
        origin: &str,
        line_number: u64,
        raw: &[u8],
    ) {
        if self.failure.is_some() {
            return;
        }
        let raw = Some(raw).filter(|_| self.is_raw_kept);
        self.rows.push(record, context, origin, line_number, raw);
        if self.rows.is_full() {
            self.failure = self.write_batch().err();
        }
    }

    /// The records since the last call, in memory and in synced files that are not committed. The writer starts
    /// anew.
    ///
    /// # Errors
    ///
    /// If a file could not be written; nothing of the unit is left then.
    pub fn finish(&mut self) -> Result<Kept, StoreError> {
        let result = match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.kept(),
        };
        if result.is_err() {
            self.clear();
        }
        result
    }

    /// Gives up the records since the last [`finish`](Self::finish).
    pub fn clear(&mut self) {
        self.rows = RowsBuilder::new();
        self.files = DayFiles::new(&self.shared);
        self.failure = None;
    }

    fn kept(&mut self) -> Result<Kept, StoreError> {
        let rows = self.rows.finish(&self.shared.sequence)?;
        let files = if self.files.is_empty() { Vec::new() } else { self.files.finish()? };
        Ok(Kept { rows: rows.into_iter().collect(), files })
    }

    fn write_batch(&mut self) -> Result<(), StoreError> {
        match self.rows.finish(&self.shared.sequence)? {
            Some(rows) => self.files.write(&rows),
            None => Ok(()),
        }
    }
}
