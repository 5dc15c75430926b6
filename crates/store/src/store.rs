//! The store: commits come in, views go out.
//!
//! A commit has three steps, because the ledger decides: [`Store::append`] makes records durable where nobody
//! looks, the ledger's transaction lists them, [`Store::publish`] shows them. A crash between any two leaves
//! either all of it or nothing, since what is there counts only as far as the ledger lists it. One thread, the
//! commit thread, makes all changes; queries and workers only take what they need and go.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::change::Change;
use crate::error::StoreError;
use crate::file_writer::PendingFile;
use crate::rows::Rows;
use crate::segments::Segments;
use crate::shared::{Options, Shared};
use crate::stored_file::{StoredFile, filter_path};
use crate::view::{Segment, StoreFile, View};
use crate::wal::{OpenSegment, SegmentState, remove_segment};
use crate::writer::{Kept, RowsWriter};

/// Records that parts of a segment in memory have at most when they are joined: enough that a query meets few
/// parts, few enough that joining them does not hold up a commit.
const JOINED_ROWS_MAX: usize = 32_768;

/// What the ledger keeps of the store beside its files, under one name.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoreState {
    /// The write-ahead segments, oldest first.
    pub segments: Vec<SegmentState>,
    /// The next arrival number; greater than all that were committed.
    pub next_sequence: i64,
    /// The next file's number; greater than all that were committed.
    pub next_file: u64,
}

/// Records that are on the disk and wait for the ledger.
#[derive(Debug)]
pub struct Appended {
    state: StoreState,
    files: Vec<StoredFile>,
    segment: Option<SegmentState>,
}

impl Appended {
    /// What the ledger is to keep under the store's name, in the transaction that commits these records.
    pub fn state(&self) -> &StoreState {
        &self.state
    }

    /// The files that the ledger is to list, in the same transaction.
    pub fn files(&self) -> &[StoredFile] {
        &self.files
    }
}

/// The records that are kept.
#[derive(Debug)]
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    pub(crate) segments: Mutex<Segments>,
    pub(crate) view: RwLock<Arc<View>>,
}

impl Store {
    /// Takes the records of one unit of work.
    pub fn writer(&self) -> RowsWriter {
        RowsWriter::new(&self.shared)
    }

    /// All committed records at this moment.
    pub fn view(&self) -> Arc<View> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is wrong with the store since its start, oldest first.
    pub fn problems(&self) -> Vec<String> {
        self.shared.problems.list()
    }

    /// What the ledger is to keep when nothing is appended.
    pub fn state(&self) -> StoreState {
        self.state_with(self.lock_segments().states())
    }

    /// Bytes on the disk: files, filters and segments.
    pub fn disk_bytes(&self) -> u64 {
        let files: u64 = self.view().files.iter().map(|file| file.stored.bytes).sum();
        files + self.lock_segments().list.iter().map(|book| book.state.bytes).sum::<u64>()
    }

    /// The size of the disk and what is free of it, in bytes; `None` where the system does not tell.
    pub fn disk_space(&self) -> Option<(u64, u64)> {
        let disk = rustix::fs::statvfs(&self.shared.options.folder).ok()?;
        Some((disk.f_blocks.saturating_mul(disk.f_frsize), disk.f_bavail.saturating_mul(disk.f_frsize)))
    }

    /// Writes records to the write-ahead segment and syncs it. They stay invisible until [`publish`](Self::publish);
    /// what an earlier call wrote that was not published is gone.
    ///
    /// Only the commit thread calls this, and publishes or gives up before it calls it again.
    ///
    /// # Errors
    ///
    /// If the disk is full (or has less free than it should), or fails, or if too much waits to become files;
    /// nothing is there then, and the same records can be appended again.
    pub fn append(&self, kept: &[&Kept]) -> Result<Appended, StoreError> {
        let options = &self.shared.options;
        let mut segments = self.lock_segments();
        if segments.is_behind(options) {
            return Err(StoreError::Behind);
        }
        check_free_space(options)?;
        let rows: Vec<&Rows> = kept.iter().flat_map(|kept| &kept.rows).collect();
        let files = kept.iter().flat_map(|kept| &kept.files).map(|file| file.stored.clone()).collect();
        let mut states = segments.states();
        let mut segment = None;
        if !rows.is_empty() {
            let target = segments.target(options);
            // Set before anything can fail: what was written must be cut off.
            segments.is_append_open = true;
            let end = open_segment(&mut segments, options, target.number)?.append(target.bytes, &rows)?;
            let added: usize = rows.iter().map(|rows| rows.len()).sum();
            let after = SegmentState { bytes: end, rows: target.rows + added as u64, ..target };
            match states.iter_mut().find(|state| state.number == after.number) {
                Some(state) => *state = after,
                None => states.push(after),
            }
            segment = Some(after);
        }
        Ok(Appended { state: self.state_with(states), files, segment })
    }

    /// Shows what was appended, all of it at once; the ledger has committed it. `kept` is what
    /// [`append`](Self::append) was given.
    #[allow(clippy::needless_pass_by_value, reason = "it is published once")]
    pub fn publish(&self, appended: Appended, kept: Vec<Kept>) {
        let mut segments = self.lock_segments();
        let rows_bytes = kept.iter().map(Kept::memory_bytes).sum();
        if let Some(segment) = appended.segment {
            segments.commit(segment, rows_bytes);
        }
        segments.is_append_open = false;
        let mut view = View::clone(&self.view());
        let mut rows = Vec::new();
        for kept in kept {
            view.files.extend(kept.files.iter().map(|file| self.moved_into_day(file)));
            rows.extend(kept.rows.into_iter().map(Arc::new));
        }
        if let Some(segment) = appended.segment {
            view.add_rows(segment.number, rows);
        }
        self.show(view);
    }

    /// What the ledger is to keep once `change` is applied; in the same transaction it is to list
    /// [`Change::added`] and to forget [`Change::removed`]. `None` where the change no longer fits, because
    /// something that it replaces is gone: then it is dropped.
    pub fn state_after(&self, change: &Change) -> Option<StoreState> {
        let view = self.view();
        let files: HashSet<u64> = view.files.iter().map(|file| file.stored.id).collect();
        let mut states = self.lock_segments().states();
        let listed = states.len();
        states.retain(|state| !change.segments_gone.contains(&state.number));
        let fits = states.len() + change.segments_gone.len() == listed
            && change.removed.iter().all(|id| files.contains(id));
        fits.then(|| self.state_with(states))
    }

    /// Shows what a change made; the ledger has committed it. What it replaced goes from the disk with its last
    /// reader.
    #[allow(clippy::needless_pass_by_value, reason = "it is applied once")]
    pub fn apply(&self, change: Change) {
        let mut segments = self.lock_segments();
        segments.list.retain(|book| !change.segments_gone.contains(&book.state.number));
        if segments.open.as_ref().is_some_and(|(number, _)| change.segments_gone.contains(number)) {
            segments.open = None;
        }
        let mut view = View::clone(&self.view());
        view.segments.retain(|segment| !change.segments_gone.contains(&segment.number));
        view.files.retain(|file| {
            let is_removed = change.removed.contains(&file.stored.id);
            if is_removed {
                file.remove_when_unused();
            }
            !is_removed
        });
        view.files.extend(change.files.iter().map(|file| self.moved_into_day(file)));
        self.show(view);
        drop(segments);
        change.segments_gone.iter().for_each(|&number| remove_segment(&self.shared.options.folder, number));
    }

    pub(crate) fn lock_segments(&self) -> MutexGuard<'_, Segments> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state_with(&self, segments: Vec<SegmentState>) -> StoreState {
        let next_file = self.shared.next_file.load(Ordering::Relaxed);
        StoreState { segments, next_sequence: self.shared.sequence.next(), next_file }
    }

    /// Moves a committed file into its day. One that can't be moved is read where it is; the next start moves it.
    fn moved_into_day(&self, file: &PendingFile) -> Arc<StoreFile> {
        let folder = &self.shared.options.folder;
        file.leave_to_ledger();
        let (pending, path) = (file.stored.pending_path(folder), file.stored.path(folder));
        let path = move_file(&pending, &path).map_or_else(
            |error| {
                tracing::warn!(%error, "a file stays in the folder of pending ones until the next start");
                pending
            },
            |()| path,
        );
        StoreFile::new(file.stored.clone(), path, &self.shared.cache, &self.shared.problems)
    }

    pub(crate) fn show(&self, mut view: View) {
        view.files.sort_by_key(|file| file.stored.id);
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(view);
    }
}

impl View {
    /// Adds parts to a segment; small neighbours are joined.
    pub(crate) fn add_rows(&mut self, number: u64, added: Vec<Arc<Rows>>) {
        let existing = self.segments.iter_mut().find(|segment| segment.number == number);
        let mut rows = existing.map_or_else(Vec::new, |segment| segment.rows.clone());
        for part in added {
            rows.push(part);
            join_small(&mut rows);
        }
        let segment = Arc::new(Segment { number, rows });
        match self.segments.iter_mut().find(|segment| segment.number == number) {
            Some(existing) => *existing = segment,
            None => self.segments.push(segment),
        }
    }
}

/// Joins the last parts while they are small and of like size, so that each record is moved a few times only.
fn join_small(rows: &mut Vec<Arc<Rows>>) {
    while let [.., before, last] = rows.as_slice() {
        let is_due = before.len() <= last.len() * 2 && before.len() + last.len() <= JOINED_ROWS_MAX;
        if !is_due {
            return;
        }
        // Parts that can't be joined stay two.
        let Ok(Some(joined)) = Rows::join(&[before, last]) else { return };
        rows.truncate(rows.len() - 2);
        rows.push(Arc::new(joined));
    }
}

fn open_segment<'s>(
    segments: &'s mut Segments,
    options: &Options,
    number: u64,
) -> Result<&'s OpenSegment, StoreError> {
    let segment = match segments.open.take() {
        Some((open, segment)) if open == number => segment,
        _ => OpenSegment::open(&options.folder, number)?,
    };
    Ok(&segments.open.insert((number, segment)).1)
}

/// Moves a file and its filter; a missing filter is none.
pub(crate) fn move_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    let folder: PathBuf = to.parent().map(Path::to_owned).unwrap_or_default();
    let rename = || {
        fs::create_dir_all(&folder).map_err(|error| StoreError::io("create", &folder, error))?;
        // The filter first: where the file is, its filter is.
        let _ = fs::rename(filter_path(from), filter_path(to));
        fs::rename(from, to).map_err(|error| StoreError::io("move", from, error))
    };
    // Once more, as the last file of the folder may have gone in between and the folder with it.
    rename().or_else(|_| rename())
}

fn check_free_space(options: &Options) -> Result<(), StoreError> {
    let folder = &options.folder;
    let free =
        rustix::fs::statvfs(folder).map_err(|error| StoreError::io("look at", folder, error.into()))?;
    let free_bytes = free.f_bavail.saturating_mul(free.f_frsize);
    if free_bytes >= options.free_bytes_min {
        return Ok(());
    }
    let detail =
        format!("{free_bytes} bytes are free and {} must stay so (free_bytes_min)", options.free_bytes_min);
    Err(StoreError::DiskFull { path: folder.clone(), detail: detail.into() })
}
