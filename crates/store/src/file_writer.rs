//! One file of the store on its way to the disk, with its filter.
//!
//! It is written where nobody looks (`pending/`), synced, and moved into its day only after the ledger has listed
//! it; one that is given up removes itself.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use parquet::arrow::ArrowWriter;

use crate::builder::BATCH_ROWS_MAX;
use crate::error::StoreError;
use crate::filter::{BatchHashes, FilterBuilder, GRANULE_ROWS, GroupFilter, HashSet64};
use crate::properties::PROPERTIES;
use crate::rows::{FieldNames, sequences, times};
use crate::schema::{SOURCE, schema};
use crate::stored_file::{PENDING_FOLDER, SOURCES_MAX, StoredFile, filter_path, pending_path};

/// What is gathered before it is written to the disk, in bytes.
const WRITE_BUFFER_BYTES: usize = 1 << 20;

/// A file that is written and synced, and not yet committed; it removes itself unless it is.
#[derive(Debug)]
pub struct PendingFile {
    /// What the ledger is to list.
    pub stored: StoredFile,
    folder: PathBuf,
    is_left: AtomicBool,
}

impl PendingFile {
    pub(crate) fn new(stored: StoredFile, folder: &Path) -> Self {
        Self { stored, folder: folder.to_owned(), is_left: AtomicBool::new(false) }
    }

    /// The ledger may list it: from now on it stays, whatever is known of the transaction, and the next start
    /// removes it if the ledger does not.
    pub(crate) fn leave_to_ledger(&self) {
        self.is_left.store(true, Ordering::Release);
    }
}

impl Drop for PendingFile {
    fn drop(&mut self) {
        if !self.is_left.load(Ordering::Acquire) {
            remove_pending(&self.stored.pending_path(&self.folder));
        }
    }
}

/// A file that is being written.
pub(crate) struct FileWriter {
    arrow: Option<ArrowWriter<BufWriter<File>>>,
    filter: FilterBuilder,
    hashes: HashSet64,
    path: PathBuf,
    folder: PathBuf,
    stored: StoredFile,
    sources: BTreeSet<Box<str>>,
}

impl FileWriter {
    /// Begins the file with this number in the store's folder, for the records of `day`.
    pub(crate) fn create(folder: &Path, id: u64, day: i32, created_at_us: i64) -> Result<Self, StoreError> {
        let path = pending_path(folder, id);
        let file = File::create(&path).map_err(|error| StoreError::io("create", &path, error))?;
        let out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
        let arrow = ArrowWriter::try_new(out, schema(), Some(PROPERTIES.clone()))
            .map_err(|error| StoreError::writing(&path, error))?;
        Ok(Self {
            arrow: Some(arrow),
            filter: FilterBuilder::default(),
            hashes: HashSet64::new(),
            path,
            folder: folder.to_owned(),
            stored: StoredFile::empty(id, day, created_at_us),
            sources: BTreeSet::new(),
        })
    }

    pub(crate) fn day(&self) -> i32 {
        self.stored.day
    }

    /// Adds sorted records as row groups of their own; `names` are those in the maps, or more.
    pub(crate) fn write(&mut self, batch: &RecordBatch, names: &FieldNames) -> Result<(), StoreError> {
        // In equal parts: a remainder of some rows would be a row group that compresses badly for ever.
        let parts = batch.num_rows().div_ceil(BATCH_ROWS_MAX).max(1);
        let part_rows = batch.num_rows().div_ceil(parts).max(1);
        for start in (0..batch.num_rows()).step_by(part_rows) {
            self.write_row_group(&batch.slice(start, part_rows.min(batch.num_rows() - start)))?;
        }
        self.stored.names.merge(names);
        Ok(())
    }

    /// Ends the file and syncs it; it is on the disk then, and not yet committed.
    pub(crate) fn finish(mut self) -> Result<PendingFile, StoreError> {
        let path = self.path.clone();
        let io = |action| {
            let path = path.clone();
            move |error| StoreError::io(action, &path, error)
        };
        let Some(arrow) = self.arrow.take() else {
            return Err(StoreError::Columns("a file was ended twice".into()));
        };
        let out = arrow.into_inner().map_err(|error| StoreError::writing(&path, error))?;
        let file = out.into_inner().map_err(|error| io("write")(error.into_error()))?;
        file.sync_all().map_err(io("sync"))?;
        let parquet_bytes = file.metadata().map_err(io("read"))?.len();
        let filter_bytes = write_filter(&self.filter, &path)?;
        sync_folder(&self.folder.join(PENDING_FOLDER))?;
        let mut stored = self.stored.clone();
        stored.bytes = parquet_bytes + filter_bytes;
        stored.sources = std::mem::take(&mut self.sources).into_iter().collect();
        // Nothing is left to give up.
        self.path = PathBuf::new();
        Ok(PendingFile::new(stored, &self.folder))
    }

    fn write_row_group(&mut self, batch: &RecordBatch) -> Result<(), StoreError> {
        let Some(arrow) = &mut self.arrow else { return Ok(()) };
        arrow
            .write(batch)
            .and_then(|()| arrow.flush())
            .map_err(|error| StoreError::writing(&self.path, error))?;
        let hashes = BatchHashes::new(batch);
        let mut granules = Vec::new();
        for start in (0..batch.num_rows()).step_by(GRANULE_ROWS) {
            hashes.collect(&(start..(start + GRANULE_ROWS).min(batch.num_rows())), &mut self.hashes);
            granules.push(self.hashes.take());
        }
        self.filter.push(GroupFilter::new(&granules));
        self.note(batch);
        Ok(())
    }

    fn note(&mut self, batch: &RecordBatch) {
        let times = times(batch);
        let stored = &mut self.stored;
        stored.rows += batch.num_rows() as u64;
        stored.row_group_rows.push(batch.num_rows() as u32);
        stored.min_time_us = stored.min_time_us.min(times.first().copied().unwrap_or(i64::MAX));
        stored.max_time_us = stored.max_time_us.max(times.last().copied().unwrap_or(i64::MIN));
        stored.max_sequence =
            stored.max_sequence.max(sequences(batch).iter().copied().max().unwrap_or(i64::MIN));
        let sources = batch.column(SOURCE).as_dictionary::<Int32Type>();
        let names = sources.values().as_string::<i32>();
        let mut last_key = None;
        for key in sources.keys().iter().flatten() {
            if last_key.replace(key) == Some(key) || self.sources.contains(names.value(key as usize)) {
                continue;
            }
            if self.sources.len() < SOURCES_MAX {
                self.sources.insert(names.value(key as usize).into());
            } else {
                stored.sources_are_cut = true;
            }
        }
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        if !self.path.as_os_str().is_empty() {
            self.arrow = None;
            remove_pending(&self.path);
        }
    }
}

/// Writes and syncs the filter of the file at `path`; gives its bytes.
pub(crate) fn write_filter(filter: &FilterBuilder, path: &Path) -> Result<u64, StoreError> {
    let path = filter_path(path);
    let io = |error| StoreError::io("write", &path, error);
    let file = File::create(&path).map_err(io)?;
    let mut out = BufWriter::with_capacity(WRITE_BUFFER_BYTES, file);
    let bytes = filter.write(&mut out).map_err(io)?;
    out.flush().map_err(io)?;
    out.get_ref().sync_all().map_err(io)?;
    Ok(bytes)
}

/// Makes durable which files a folder has.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(|error| StoreError::io("sync", folder, error))
}

/// Removes a file that was given up, and its filter. What stays is removed at the next start.
pub(crate) fn remove_pending(path: &Path) {
    let _ = fs::remove_file(path);
    let _ = fs::remove_file(filter_path(path));
}
