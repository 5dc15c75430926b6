//! What the store and its writers have in common: the folder, the numbers that nobody may get twice, the caches.
//!
//! Apart from the store itself, because writers live on worker threads and need none of its locks: a number is
//! taken without waiting for a commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use weir_record::Timestamp;

use crate::builder::SequenceNumbers;
use crate::error::StoreError;
use crate::file_meta::MetaCache;
use crate::file_writer::FileWriter;
use crate::problems::Problems;

/// How the store is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder; it is made if it is missing.
    pub folder: PathBuf,
    /// Whether the exact line of each record is kept too.
    pub is_raw_kept: bool,
    /// Records at which what is in memory becomes files.
    pub roll_rows: usize,
    /// Memory of them at which it does, in bytes.
    pub roll_bytes: usize,
    /// Age at which it does.
    pub roll_age: Duration,
    /// How long a record is kept after its event day, or after that of its arrival while its time is more
    /// than a day ahead; `None` for ever.
    pub retention: Option<Duration>,
    /// What the store may take on the disk, in bytes; beyond it the oldest files go. `None` for any amount.
    pub disk_bytes_max: Option<u64>,
    /// What must stay free on the disk, in bytes: with less, nothing is taken in. It never deletes anything.
    pub free_bytes_min: u64,
    /// The time at the start.
    pub now: Timestamp,
}

impl Options {
    /// The defaults for a folder: rolled at 262,144 records, 128 MiB or a minute; kept for ever; 1 GiB stays free.
    pub fn new(folder: PathBuf, now: Timestamp) -> Self {
        Self {
            folder,
            is_raw_kept: false,
            roll_rows: 262_144,
            roll_bytes: 128 << 20,
            roll_age: Duration::from_secs(60),
            retention: None,
            disk_bytes_max: None,
            free_bytes_min: 1 << 30,
            now,
        }
    }
}

/// The common part.
#[derive(Debug)]
pub(crate) struct Shared {
    pub options: Options,
    pub sequence: SequenceNumbers,
    pub next_file: AtomicU64,
    pub cache: Arc<MetaCache>,
    pub problems: Problems,
    /// The time as far as the store was told, in microseconds since the epoch.
    pub now_us: AtomicI64,
}

impl Shared {
    /// Begins a file for the records of `day`, with a number of its own; `arrival_us` as [`DayFiles`] has it.
    ///
    /// [`DayFiles`]: crate::day_files::DayFiles
    pub(crate) fn create_file(&self, day: i32, arrival_us: Option<i64>) -> Result<FileWriter, StoreError> {
        let created_at_us = arrival_us.unwrap_or_else(|| self.now_us());
        FileWriter::create(&self.options.folder, self.take_file_id(), day, created_at_us)
    }

    pub(crate) fn take_file_id(&self) -> u64 {
        self.next_file.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn now_us(&self) -> i64 {
        self.now_us.load(Ordering::Relaxed)
    }
}
