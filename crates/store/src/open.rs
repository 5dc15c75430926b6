//! Opening the store: what a crash left is brought to what the ledger says.
//!
//! The ledger is right, the folder is not: files that it lists are moved to where they belong, what it does not
//! list is deleted, segments are cut to what is committed. Only names that the store itself gives are deleted.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use crate::builder::SequenceNumbers;
use crate::error::StoreError;
use crate::file_meta::MetaCache;
use crate::file_writer::sync_folder;
use crate::problems::Problems;
use crate::segments::{SegmentBook, Segments};
use crate::shared::{Options, Shared};
use crate::store::{Store, StoreState, move_file};
use crate::stored_file::{PENDING_FOLDER, StoredFile};
use crate::view::{StoreFile, View};
use crate::wal::{SegmentState, WAL_FOLDER, read_segment, remove_unlisted, segment_path};

impl Store {
    /// Opens the store with what the ledger keeps of it; both are empty for a new one.
    ///
    /// Files and segments that are damaged or gone do not fail this: they are logged and listed by
    /// [`problems`](Self::problems), and the rest serves.
    ///
    /// # Errors
    ///
    /// If the folder can't be read or written.
    pub fn open(options: Options, state: StoreState, files: Vec<StoredFile>) -> Result<Self, StoreError> {
        let folder = options.folder.clone();
        for folder in [folder.clone(), folder.join(WAL_FOLDER), folder.join(PENDING_FOLDER)] {
            fs::create_dir_all(&folder).map_err(|error| StoreError::io("create", &folder, error))?;
        }
        sync_folder(&folder)?;
        let (problems, cache) = (Problems::default(), Arc::new(MetaCache::default()));
        let mut view = View::default();
        for stored in files {
            view.files.push(settled_file(&folder, stored, &cache, &problems)?);
        }
        view.files.sort_by_key(|file| file.stored.id);
        remove_unlisted_files(&folder, &view.files)?;
        let StoreState { segments, next_sequence, next_file } = state;
        remove_unlisted(&folder, &segments)?;
        let segments = read_segments(&options, segments, &mut view, &problems)?;
        let shared = Shared {
            sequence: SequenceNumbers::starting_at(unused_sequence(next_sequence, &view)),
            next_file: AtomicU64::new(unused_file(next_file, &view)),
            cache,
            problems,
            now_us: AtomicI64::new(options.now.micros()),
            options,
        };
        Ok(Self {
            shared: Arc::new(shared),
            segments: Mutex::new(segments),
            view: RwLock::new(Arc::new(view)),
        })
    }
}

/// A listed file; a problem where it is gone or was set aside.
fn settled_file(
    folder: &Path,
    stored: StoredFile,
    cache: &Arc<MetaCache>,
    problems: &Problems,
) -> Result<Arc<StoreFile>, StoreError> {
    let path = settled_path(folder, &stored)?;
    let damaged_path = stored.damaged_path(folder);
    let file = StoreFile::new(stored, path, cache, problems);
    if file.path.exists() {
        return Ok(file);
    }
    if damaged_path.exists() {
        // Mended in its place, or written by a later version that is here now.
        if cache.get(file.stored.id, &damaged_path).is_ok() {
            move_file(&damaged_path, &file.path)?;
            return Ok(file);
        }
        file.report_damage(&format!("it was set aside as `{}`", damaged_path.display()));
        return Ok(file.set_aside_at(damaged_path));
    }
    file.report_damage("it is gone");
    Ok(file)
}

/// Where a listed file is: in its day, moved there if the crash came before that.
fn settled_path(folder: &Path, stored: &StoredFile) -> Result<PathBuf, StoreError> {
    let (pending, path) = (stored.pending_path(folder), stored.path(folder));
    if !path.exists() && pending.exists() {
        move_file(&pending, &path)?;
    }
    Ok(path)
}

/// Reads what is committed of each segment into the view. A segment that is whole may be appended to again.
fn read_segments(
    options: &Options,
    states: Vec<SegmentState>,
    view: &mut View,
    problems: &Problems,
) -> Result<Segments, StoreError> {
    let mut segments = Segments::default();
    for state in states {
        let frames = read_segment(&options.folder, &state)?;
        if let Some(damage) = &frames.damage {
            problems.report(&StoreError::damaged(&segment_path(&options.folder, state.number), damage));
        }
        let memory_bytes = frames.rows.iter().map(|rows| rows.bytes).sum();
        view.add_rows(state.number, frames.rows.into_iter().map(Arc::new).collect());
        let is_sealed = frames.damage.is_some();
        segments.list.push(SegmentBook { state, memory_bytes, is_sealed, seen: None });
        segments.next_number = segments.next_number.max(state.number + 1);
    }
    if let Some((_, earlier)) = segments.list.split_last_mut() {
        earlier.iter_mut().for_each(|book| book.is_sealed = true);
    }
    Ok(segments)
}

/// The state's, unless what is there tells that it is behind.
fn unused_sequence(next_sequence: i64, view: &View) -> i64 {
    let in_files = view.files.iter().map(|file| file.stored.max_sequence);
    let in_memory = view.segments.iter().flat_map(|segment| &segment.rows).map(|rows| rows.max_sequence);
    let used = in_files.chain(in_memory).max().map_or(0, |number| number.saturating_add(1));
    next_sequence.max(used)
}

fn unused_file(next_file: u64, view: &View) -> u64 {
    let used = view.files.iter().map(|file| file.stored.id + 1).max().unwrap_or(0);
    next_file.max(used)
}

/// Removes files of ours that the ledger does not list, from the pending ones and from the days.
fn remove_unlisted_files(folder: &Path, files: &[Arc<StoreFile>]) -> Result<(), StoreError> {
    let listed: HashSet<PathBuf> = files.iter().map(|file| file.path.with_extension("")).collect();
    for folder in day_folders(folder)?.into_iter().chain([folder.join(PENDING_FOLDER)]) {
        for path in paths_in(&folder)? {
            if is_named_by_us(&path) && !listed.contains(&path.with_extension("")) {
                fs::remove_file(&path).map_err(|error| StoreError::io("remove", &path, error))?;
            }
        }
        if !folder.ends_with(PENDING_FOLDER) {
            // Fails where it is not empty, which is meant.
            let _ = fs::remove_dir(&folder);
        }
    }
    Ok(())
}

fn day_folders(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let is_day = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("day=")) && path.is_dir()
    };
    Ok(paths_in(folder)?.into_iter().filter(is_day).collect())
}

fn paths_in(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = || fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let paths: Result<Vec<PathBuf>, std::io::Error> = read();
    paths.map_err(|error| StoreError::io("read", folder, error))
}

/// Whether a path is 16 hexadecimal digits and one of our two extensions.
fn is_named_by_us(path: &Path) -> bool {
    let has_extension =
        path.extension().is_some_and(|extension| extension == "parquet" || extension == "filter");
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    has_extension && stem.len() == 16 && stem.bytes().all(|byte| byte.is_ascii_hexdigit())
}
