//! What is read of a file before its pages: the footer with the page index, and the filter's head.
//!
//! Reading them costs more than answering from them, so they are kept; but a year of files has more of them than
//! a process should hold, so together they are bounded and the least recently used go.

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;

use crate::error::StoreError;
use crate::filter::Filter;
use crate::read::guarded;
use crate::stored_file::filter_path;

/// What all files keep open and parsed together, in bytes: that of some hundred million records.
const META_BYTES_MAX: usize = 256 << 20;

/// The most files whose filters are kept open, a number: a quarter of what a process may open by default.
const OPEN_FILES_MAX: usize = 256;

/// What was read of a [`StoreFile`](crate::StoreFile).
#[derive(Debug)]
pub struct FileMeta {
    /// The footer and the page index.
    pub arrow: ArrowReaderMetadata,
    /// Which values lie in which granules; `None` where it is missing or damaged.
    pub filter: Option<Filter>,
    bytes: usize,
}

impl FileMeta {
    fn load(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path).map_err(|error| StoreError::io("open", path, error))?;
        let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
        let arrow = guarded(|| Ok(ArrowReaderMetadata::load(&file, options)))
            .map_err(|detail| StoreError::damaged(path, &detail))?
            .map_err(|error| StoreError::reading(path, error))?;
        let filter = match Filter::open(&filter_path(path)) {
            Ok(filter) => Some(filter),
            Err(error) => {
                tracing::warn!(%error, "a filter can't be used: queries are slower, and miss nothing");
                None
            }
        };
        let bytes = arrow.metadata().memory_size() + filter.as_ref().map_or(0, Filter::memory_bytes);
        Ok(Self { arrow, filter, bytes })
    }
}

/// The opened files that are kept.
#[derive(Debug, Default)]
pub(crate) struct MetaCache(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    files: HashMap<u64, Entry>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    meta: Arc<FileMeta>,
    last_use: u64,
}

impl MetaCache {
    /// The opened file with this number.
    pub(crate) fn get(&self, id: u64, path: &Path) -> Result<Arc<FileMeta>, StoreError> {
        if let Some(meta) = self.lock().find(id) {
            return Ok(meta);
        }
        // Two at once may load the same: better than all waiting for one disk.
        let meta = Arc::new(FileMeta::load(path)?);
        self.lock().keep(id, &meta);
        Ok(meta)
    }

    /// Forgets a file that is gone.
    pub(crate) fn forget(&self, id: u64) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, id: u64) -> Option<Arc<FileMeta>> {
        self.uses += 1;
        let entry = self.files.get_mut(&id)?;
        entry.last_use = self.uses;
        Some(Arc::clone(&entry.meta))
    }

    fn keep(&mut self, id: u64, meta: &Arc<FileMeta>) {
        self.remove(id);
        self.bytes += meta.bytes;
        self.files.insert(id, Entry { meta: Arc::clone(meta), last_use: self.uses });
        while self.files.len() > 1 && (self.bytes > META_BYTES_MAX || self.files.len() > OPEN_FILES_MAX) {
            let oldest = self.files.iter().min_by_key(|(_, entry)| entry.last_use).map(|(&id, _)| id);
            let Some(oldest) = oldest else { break };
            self.remove(oldest);
        }
    }

    fn remove(&mut self, id: u64) {
        if let Some(entry) = self.files.remove(&id) {
            self.bytes -= entry.meta.bytes;
        }
    }
}
