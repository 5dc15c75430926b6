//! The write-ahead segments: what makes the newest records survive a crash before they are in files.
//!
//! A segment's file may be longer than what counts of it: the ledger holds, with everything else that a commit
//! changes, how many of its bytes are committed. So the ledger's transaction decides about the records too, and
//! what was written for one that failed is cut off before the next append, or at the next start.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::error::StoreError;
use crate::file_writer::sync_folder;
use crate::frame::{Frames, push_frame, read_frames};
use crate::rows::Rows;
use crate::stored_file::DAMAGED_FOLDER;

/// The folder of segments.
pub(crate) const WAL_FOLDER: &str = "wal";

/// A segment as the ledger keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SegmentState {
    /// Its number, and its name.
    pub number: u64,
    /// How many of its bytes are committed.
    pub bytes: u64,
    /// How many records are in them.
    pub rows: u64,
}

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct OpenSegment {
    file: File,
    path: PathBuf,
}

impl OpenSegment {
    /// Opens the segment with this number, which is made if it is new.
    pub(crate) fn open(folder: &Path, number: u64) -> Result<Self, StoreError> {
        let path = segment_path(folder, number);
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = open.map_err(|error| StoreError::io("open", &path, error))?;
        sync_folder(&folder.join(WAL_FOLDER))?;
        Ok(Self { file, path })
    }

    /// Cuts off what is behind the committed bytes and writes rows there; gives where they end. They are on the
    /// disk then.
    pub(crate) fn append(&self, committed_bytes: u64, rows: &[&Rows]) -> Result<u64, StoreError> {
        let io = |action| move |error| StoreError::io(action, &self.path, error);
        self.file.set_len(committed_bytes).map_err(io("cut"))?;
        let mut end = committed_bytes;
        let mut frame = Vec::new();
        for rows in rows {
            frame.clear();
            push_frame(&mut frame, rows)?;
            self.file.write_all_at(&frame, end).map_err(io("write"))?;
            end += frame.len() as u64;
        }
        self.file.sync_data().map_err(io("sync"))?;
        Ok(end)
    }
}

/// Reads the committed part of a segment and cuts off the rest. A segment that is damaged is copied aside.
pub(crate) fn read_segment(folder: &Path, state: &SegmentState) -> Result<Frames, StoreError> {
    let path = segment_path(folder, state.number);
    let mut bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Ok(Frames { rows: Vec::new(), damage: Some("it is gone".to_owned()) });
        }
        Err(error) => return Err(StoreError::io("read", &path, error)),
    };
    let len = bytes.len() as u64;
    bytes.truncate(usize::try_from(state.bytes).unwrap_or(usize::MAX));
    let mut frames = read_frames(&bytes);
    if len < state.bytes {
        frames.note(format!("it has {len} bytes and {} are committed", state.bytes));
    }
    let rows: usize = frames.rows.iter().map(Rows::len).sum();
    if rows as u64 != state.rows {
        frames.note(format!("{rows} of {} records could be read", state.rows));
    }
    if frames.damage.is_some() {
        keep_aside(folder, state.number, &path)?;
    }
    Ok(frames)
}

/// Removes segments that the ledger does not list.
pub(crate) fn remove_unlisted(folder: &Path, listed: &[SegmentState]) -> Result<(), StoreError> {
    let wal = folder.join(WAL_FOLDER);
    let io = |error| StoreError::io("read", &wal, error);
    for entry in fs::read_dir(&wal).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let number = path.file_stem().and_then(|stem| u64::from_str_radix(stem.to_str()?, 16).ok());
        let is_segment = path.extension().is_some_and(|extension| extension == "wal");
        let is_listed = listed.iter().any(|segment| Some(segment.number) == number);
        if is_segment && number.is_some() && !is_listed {
            fs::remove_file(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        }
    }
    Ok(())
}

/// Removes a segment whose records are elsewhere. One that stays is removed at the next start.
pub(crate) fn remove_segment(folder: &Path, number: u64) {
    let path = segment_path(folder, number);
    if let Err(error) = fs::remove_file(&path) {
        let path = path.display();
        tracing::warn!(%path, %error, "cannot remove a segment that is not listed; the next start does");
    }
}

pub(crate) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(WAL_FOLDER).join(format!("{number:016x}.wal"))
}

/// Copies a damaged segment to where no start deletes it, once for each state that it was met in.
fn keep_aside(folder: &Path, number: u64, path: &Path) -> Result<(), StoreError> {
    let damaged = folder.join(DAMAGED_FOLDER);
    let copy = || {
        let bytes = fs::read(path)?;
        fs::create_dir_all(&damaged)?;
        let copy = damaged.join(format!("{number:016x}-{:016x}.wal", xxh3_64(&bytes)));
        if copy.exists() { Ok(()) } else { fs::write(copy, bytes) }
    };
    match copy() {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(StoreError::io("copy aside", path, error)),
        _ => Ok(()),
    }
}
