//! What a query sees: the records in memory and those in files, each once, as they were at one moment.
//!
//! A view never changes. A commit, a roll or a join makes the next one and swaps it in, so a query that runs for
//! a second reads what was there when it began, and nobody waits for it. A file that a later view lacks stays on
//! the disk until the last view that has it is gone.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::StoreError;
use crate::file_meta::{FileMeta, MetaCache};
use crate::problems::Problems;
use crate::rows::Rows;
use crate::set_aside::remove_if_empty;
use crate::stored_file::{StoredFile, filter_path};

/// All records of the store at one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// What is in memory, oldest segment first.
    pub segments: Vec<Arc<Segment>>,
    /// What is in files, by number.
    pub files: Vec<Arc<StoreFile>>,
}

/// The committed records of one write-ahead segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its number.
    pub number: u64,
    /// Its records; each part is sorted, the parts overlap.
    pub rows: Vec<Arc<Rows>>,
}

/// A committed file. It is removed from the disk when the store dropped it and nobody holds it any more.
#[derive(Debug)]
pub struct StoreFile {
    /// What the ledger has of it.
    pub stored: StoredFile,
    /// Where it is.
    pub path: PathBuf,
    cache: Arc<MetaCache>,
    problems: Problems,
    /// Whether it lies in the folder of damaged files.
    is_set_aside: bool,
    is_removed: AtomicBool,
    is_damage_reported: AtomicBool,
    is_footer_damaged: AtomicBool,
    is_left_in_place: AtomicBool,
    unpacked_bytes: OnceLock<u64>,
}

impl View {
    /// How many records there are, without those of files that were set aside because they can't be read.
    pub fn rows(&self) -> u64 {
        let in_memory: usize = self.segments.iter().map(|segment| segment.rows_len()).sum();
        let files = self.files.iter().filter(|file| !file.is_set_aside);
        in_memory as u64 + files.map(|file| file.stored.rows).sum::<u64>()
    }

    /// The times of the oldest and of the youngest record, in microseconds since the epoch; `None` without records.
    pub fn span_us(&self) -> Option<(i64, i64)> {
        let files = self.files.iter().filter(|file| !file.is_set_aside && file.stored.rows > 0);
        let files = files.map(|file| (file.stored.min_time_us, file.stored.max_time_us));
        let rows = self.segments.iter().flat_map(|segment| &segment.rows);
        let spans = files.chain(rows.map(|rows| (rows.min_time_us, rows.max_time_us)));
        spans.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)))
    }
}

impl Segment {
    /// How many records it holds.
    pub fn rows_len(&self) -> usize {
        self.rows.iter().map(|rows| rows.len()).sum()
    }

    /// Memory that its records take, in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.rows.iter().map(|rows| rows.bytes).sum()
    }
}

impl StoreFile {
    pub(crate) fn new(
        stored: StoredFile,
        path: PathBuf,
        cache: &Arc<MetaCache>,
        problems: &Problems,
    ) -> Arc<Self> {
        Arc::new(Self {
            stored,
            path,
            cache: Arc::clone(cache),
            problems: problems.clone(),
            is_set_aside: false,
            is_removed: AtomicBool::new(false),
            is_damage_reported: AtomicBool::new(false),
            is_footer_damaged: AtomicBool::new(false),
            is_left_in_place: AtomicBool::new(false),
            unpacked_bytes: OnceLock::new(),
        })
    }

    /// The same file as it lies in the folder of damaged ones, with nothing more to report.
    pub(crate) fn set_aside_at(&self, path: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            stored: self.stored.clone(),
            path,
            cache: Arc::clone(&self.cache),
            problems: self.problems.clone(),
            is_set_aside: true,
            is_removed: AtomicBool::new(false),
            is_damage_reported: AtomicBool::new(true),
            is_footer_damaged: AtomicBool::new(true),
            is_left_in_place: AtomicBool::new(false),
            unpacked_bytes: OnceLock::new(),
        })
    }

    /// Its footer, page index and filter: read at first use, kept while there is room.
    ///
    /// # Errors
    ///
    /// If it can't be read or is damaged; that is logged and listed as a problem once.
    pub fn meta(&self) -> Result<Arc<FileMeta>, StoreError> {
        self.cache.get(self.stored.id, &self.path).inspect_err(|error| {
            if matches!(error, StoreError::Damaged { .. }) {
                self.is_footer_damaged.store(true, Ordering::Relaxed);
            }
            self.report(error);
        })
    }

    /// What its columns are unpacked, in bytes, by its footer; that is read for it once.
    ///
    /// # Errors
    ///
    /// As [`meta`](Self::meta).
    pub(crate) fn unpacked_bytes(&self) -> Result<u64, StoreError> {
        if let Some(&bytes) = self.unpacked_bytes.get() {
            return Ok(bytes);
        }
        let meta = self.meta()?;
        let groups = meta.arrow.metadata().row_groups().iter();
        let bytes = groups
            .map(|group| u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX))
            .fold(0, u64::saturating_add);
        Ok(*self.unpacked_bytes.get_or_init(|| bytes))
    }

    /// Says what its columns are unpacked, for tests that would have to write gigabytes.
    #[cfg(test)]
    pub(crate) fn set_unpacked_bytes(&self, bytes: u64) {
        self.unpacked_bytes.set(bytes).expect("nobody has asked yet");
    }

    /// Notes that its pages make no sense; logged and listed as a problem once.
    pub fn report_damage(&self, detail: &str) {
        self.report(&StoreError::damaged(&self.path, &detail));
    }

    /// Whether it was found to be damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.is_damage_reported.load(Ordering::Relaxed)
    }

    /// Whether its footer makes no sense and it still lies among the others.
    pub(crate) fn is_to_set_aside(&self) -> bool {
        let is_damaged = self.is_footer_damaged.load(Ordering::Relaxed);
        is_damaged && !self.is_set_aside && !self.is_left_in_place.load(Ordering::Relaxed)
    }

    /// Gives up moving it until the next start.
    pub(crate) fn leave_in_place(&self) {
        self.is_left_in_place.store(true, Ordering::Relaxed);
    }

    /// Lets the file go from the disk with its last holder.
    pub(crate) fn remove_when_unused(&self) {
        self.is_removed.store(true, Ordering::Release);
    }

    /// Logs and lists what is wrong with it, once.
    pub(crate) fn report(&self, error: &StoreError) {
        if !self.is_damage_reported.swap(true, Ordering::Relaxed) {
            self.problems.report(error);
        }
    }
}

impl Drop for StoreFile {
    fn drop(&mut self) {
        if !self.is_removed.load(Ordering::Acquire) {
            return;
        }
        self.cache.forget(self.stored.id);
        for path in [&self.path, &filter_path(&self.path)] {
            if let Err(error) = fs::remove_file(path) {
                let path = path.display();
                tracing::warn!(%path, %error, "cannot remove a file that is not listed; the next start does");
            }
        }
        remove_if_empty(self.path.parent());
    }
}
