//! Patterns that are watched for new files and for files that grow.
//!
//! Polling instead of the kernel's notifications: those are lost on network file systems, overflow
//! when a sync brings thousands of files, and need a poll as a fallback anyway.
//!
//! A packed file is one unit and is read when it is complete. Nothing tells for certain that it is, so
//! it is read when it has not changed for two seconds or a poll. Once it was counted it is left alone,
//! whatever becomes of it; while it is broken it is read again when it changes. A plain file is read as
//! far as its last line end, and then what is appended. While it is watched it is known by device, inode and
//! birth, so that a rename is no new file, and by its beginning, so that an inode that is used again, or a
//! file that was emptied and has grown past its former size, is not taken for what it is not. How the files
//! of an earlier run are told again is in `known_files`.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use weir_record::Format;
use xxhash_rust::xxh3::xxh3_128;

use crate::discover::{DiscoverError, list};
use crate::file_head::FileHead;
use crate::packing::{MAGIC_BYTES, Packing};

mod known_files;

use known_files::KnownFiles;
pub use known_files::{Extent, FileKey, KnownFile};

/// How long a file must not have changed to be taken as complete.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// Polls for which a file is remembered that is no longer met, a day: a network file system that was away
/// for an hour must not bring every file back as a new one.
const POLLS_REMEMBERED: u64 = 2 * 86_400;

/// Watches the files of some patterns.
pub struct Watch {
    patterns: Vec<String>,
    seen: HashMap<FileId, Seen>,
    /// How far files were read before this run, until they are met.
    known: KnownFiles,
    poll: u64,
}

/// What a poll found.
#[derive(Debug, Default)]
pub struct Found {
    /// The files that have something to read, in the order of their names.
    pub arrivals: Vec<Arrival>,
    /// Files that match, with something to read or not.
    pub files: usize,
    /// Packed files that may still be being written.
    pub settling: usize,
    /// Files that begin like others of which something was counted in an earlier run. Nobody can say which is
    /// which, so they are read from their start: lines twice rather than never.
    pub ambiguous: Vec<PathBuf>,
    /// Patterns that cannot be listed; the others were.
    pub errors: Vec<DiscoverError>,
}

/// A file with something to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Where it is now.
    pub path: PathBuf,
    /// What to read of it.
    pub part: Part,
    /// Its size when it was found, in bytes.
    pub bytes: u64,
    /// The format of a plain file of which something was read before.
    pub format: Option<Format>,
    /// How a file begins of which something was read before.
    pub head: FileHead,
    id: FileId,
}

impl Arrival {
    /// The file's name among all files, whatever its path.
    pub fn key(&self) -> FileKey {
        self.id.key()
    }

    /// Opens the file, if it is still the one that was found.
    ///
    /// # Errors
    ///
    /// The operating system's; [`io::ErrorKind::NotFound`] if another file has taken its name since.
    pub fn open(&self) -> io::Result<File> {
        let file = File::open(&self.path)?;
        if FileId::of(&file.metadata()?) == self.id { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
    }
}

/// What to read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of a packed file.
    Whole,
    /// A plain file from this byte on, as far as its last line end.
    From(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FileId {
    device: u64,
    inode: u64,
    /// When the inode was made, where the file system tells: a free inode is soon another file's.
    created_at: Option<SystemTime>,
}

impl FileId {
    fn of(metadata: &Metadata) -> Self {
        Self { device: metadata.dev(), inode: metadata.ino(), created_at: metadata.created().ok() }
    }

    fn key(&self) -> FileKey {
        let age = self.created_at.and_then(|created_at| created_at.duration_since(UNIX_EPOCH).ok());
        let created_at = age.map_or(0, |age| age.as_nanos());
        let parts = [u128::from(self.device), u128::from(self.inode), created_at];
        xxh3_128(parts.map(u128::to_le_bytes).as_flattened()).to_le_bytes()
    }
}

#[derive(Clone, Debug)]
struct Seen {
    path: PathBuf,
    bytes: u64,
    changed_at: Option<SystemTime>,
    /// Seconds and nanoseconds of the last change of content, owner or mode.
    status_changed_at: (i64, i64),
    /// The poll that last met the file.
    poll: u64,
    state: State,
    format: Option<Format>,
    /// How it began when something was read of it last.
    head: FileHead,
    is_unreadable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Empty, or packed and perhaps still being written.
    Settling,
    /// Packed, and handed out as it is; broken until the reader says otherwise.
    Broken,
    /// Packed, and counted.
    Counted,
    /// Plain, and read up to this byte.
    ReadTo(u64),
    /// Plain, and what follows this byte cannot be read as it is.
    Stuck(u64),
}

impl Seen {
    /// A file that an earlier run had read; the size and times of then are not known.
    fn of_known(known: &KnownFile, path: &Path) -> Self {
        let (state, format) = match known.extent {
            Extent::Counted => (State::Counted, None),
            Extent::ReadTo(offset, format) => (State::ReadTo(offset), format),
        };
        Self {
            path: path.to_owned(),
            bytes: 0,
            changed_at: None,
            status_changed_at: (0, 0),
            poll: 0,
            state,
            format,
            head: known.head,
            is_unreadable: false,
        }
    }

    /// Whether the file at `path` is still the one that was read. One that cannot be opened may be: its reader
    /// reports it.
    fn begins_like(&self, path: &Path) -> bool {
        File::open(path).and_then(|file| self.head.is_of(&file)).unwrap_or(true)
    }
}

/// A file that matches, and what the system says of it.
struct Present {
    path: PathBuf,
    metadata: Metadata,
    id: FileId,
}

impl Present {
    /// `None` where it is gone before it is looked at.
    fn at(path: PathBuf) -> Option<Self> {
        let metadata = fs::metadata(&path).ok()?;
        let id = FileId::of(&metadata);
        Some(Self { path, metadata, id })
    }
}

impl Watch {
    /// Watches files, folders and patterns; none of them need exist yet.
    pub fn new(patterns: Vec<String>) -> Self {
        Self { patterns, seen: HashMap::new(), known: KnownFiles::default(), poll: 0 }
    }

    /// Goes on where an earlier run stopped: `known` are the files that it had read.
    pub fn resume(patterns: Vec<String>, known: HashMap<FileKey, KnownFile>) -> Self {
        Self { known: KnownFiles::new(known), ..Self::new(patterns) }
    }

    /// How far each file of the last poll was read, for an earlier run's memory to stay as long as the file.
    pub fn positions(&self) -> impl Iterator<Item = (FileKey, KnownFile)> {
        let current = self.seen.iter().filter(|(_, seen)| seen.poll == self.poll);
        current.filter_map(|(id, seen)| {
            let extent = match seen.state {
                State::Counted => Extent::Counted,
                State::ReadTo(offset @ 1..) | State::Stuck(offset @ 1..) => {
                    Extent::ReadTo(offset, seen.format)
                }
                _ => return None,
            };
            Some((id.key(), KnownFile { extent, bytes: seen.bytes, head: seen.head }))
        })
    }

    /// Whether [`Watch::take_replaced`] has something to say.
    pub fn has_replaced(&self) -> bool {
        self.known.has_replaced()
    }

    /// Keys of an earlier run whose files have others now, since this was asked last: what is kept under them
    /// is to be forgotten, before [`Watch::positions`] is kept.
    pub fn take_replaced(&mut self) -> Vec<FileKey> {
        self.known.take_replaced()
    }

    /// Looks at all files at the time `now`.
    pub fn poll(&mut self, now: SystemTime) -> Found {
        self.poll += 1;
        let mut found = Found::default();
        let mut present = Vec::new();
        for pattern in &self.patterns {
            match list(pattern) {
                Ok(listing) => {
                    found.files += listing.files.len();
                    found.errors.extend(listing.unlisted);
                    present.extend(listing.files.into_iter().filter_map(Present::at));
                }
                Err(error) => found.errors.push(error),
            }
        }
        found.ambiguous = self.known.recognise(&present, &mut self.seen);
        found.arrivals.extend(present.into_iter().filter_map(|file| self.look_at(file, now)));
        let oldest = self.poll.saturating_sub(POLLS_REMEMBERED);
        self.seen.retain(|_, seen| seen.poll >= oldest);
        let is_settling = |seen: &&Seen| seen.state == State::Settling && seen.bytes > 0;
        found.settling = self.seen.values().filter(is_settling).count();
        found
    }

    /// Notes that a packed file that begins with `head` was counted, so that it is never read again.
    pub fn counted(&mut self, arrival: &Arrival, head: FileHead) {
        self.set_state(arrival, State::Counted);
        if let Some(seen) = self.seen.get_mut(&arrival.id) {
            seen.head = head;
        }
    }

    /// Notes that a plain file that begins with `head` was read up to `offset`, and the format of its lines.
    pub fn read_to(&mut self, arrival: &Arrival, offset: u64, format: Option<Format>, head: FileHead) {
        self.set_state(arrival, State::ReadTo(offset));
        if let Some(seen) = self.seen.get_mut(&arrival.id) {
            (seen.format, seen.head) = (format, head);
        }
    }

    /// Notes that what was read of a file came to nothing: it is handed out again as it was.
    pub fn not_read(&mut self, arrival: &Arrival) {
        match arrival.part {
            Part::Whole => {
                if let Some(seen) = self.seen.get_mut(&arrival.id) {
                    (seen.state, seen.status_changed_at) = (State::Broken, (0, 0));
                }
            }
            Part::From(offset) => self.set_state(arrival, State::ReadTo(offset)),
        }
    }

    /// Notes that a file could not be read: it is handed out again when it has changed.
    ///
    /// One that `is_unreadable` (the system refused, its content is unknown) counts in [`Watch::unreadable`].
    pub fn failed(&mut self, arrival: &Arrival, is_unreadable: bool) {
        if let Some(seen) = self.seen.get_mut(&arrival.id) {
            seen.is_unreadable = is_unreadable;
        }
        if let Part::From(offset) = arrival.part {
            self.set_state(arrival, State::Stuck(offset));
        }
    }

    /// Files of the last poll that the system refused to let be read.
    pub fn unreadable(&self) -> usize {
        self.seen.values().filter(|seen| seen.poll == self.poll && seen.is_unreadable).count()
    }

    fn set_state(&mut self, arrival: &Arrival, state: State) {
        if let Some(seen) = self.seen.get_mut(&arrival.id) {
            seen.state = state;
        }
    }

    fn look_at(&mut self, file: Present, now: SystemTime) -> Option<Arrival> {
        let Present { path, metadata, id } = file;
        let (bytes, changed_at, poll) = (metadata.len(), metadata.modified().ok(), self.poll);
        let status_changed_at = (metadata.ctime(), metadata.ctime_nsec());
        let before = self.seen.get(&id);
        if before.is_some_and(|seen| seen.poll == poll) {
            return None;
        }
        let is_same = before.is_some_and(|seen| seen.bytes == bytes && seen.changed_at == changed_at);
        // A change of owner or mode makes no new content, but may let a file be read that could not be.
        let is_untouched = is_same && before.is_some_and(|seen| seen.status_changed_at == status_changed_at);
        let is_in_place = before.is_some_and(|seen| seen.path == path);
        let age = changed_at.and_then(|changed_at| now.duration_since(changed_at).ok());
        let is_settled = is_same || age.is_some_and(|age| age >= SETTLED_AFTER);
        let state = match before.map(|seen| seen.state) {
            Some(State::Counted) if is_same || is_in_place => State::Counted,
            Some(State::Broken) if is_untouched => State::Broken,
            Some(State::Stuck(offset)) if is_untouched => State::Stuck(offset),
            Some(State::ReadTo(offset) | State::Stuck(offset))
                if bytes >= offset && (is_same || before.is_some_and(|seen| seen.begins_like(&path))) =>
            {
                State::ReadTo(offset)
            }
            _ if bytes == 0 => State::Settling,
            // What cannot be opened is handed out like a broken file, so that its reader reports it.
            _ if !is_packed(&path).unwrap_or(true) => State::ReadTo(0),
            _ if is_settled => State::Broken,
            _ => State::Settling,
        };
        let is_news = before.map(|seen| seen.state) != Some(State::Broken) || !is_untouched;
        let goes_on = matches!(state, State::ReadTo(1..) | State::Stuck(1..));
        let format = before.and_then(|seen| seen.format).filter(|_| goes_on);
        let goes_on = goes_on || state == State::Counted;
        let head = before.map(|seen| seen.head).filter(|_| goes_on).unwrap_or_default();
        let is_unreadable = is_untouched && before.is_some_and(|seen| seen.is_unreadable);
        let path_now = path.clone();
        let seen = Seen {
            path: path_now,
            bytes,
            changed_at,
            status_changed_at,
            poll,
            state,
            format,
            head,
            is_unreadable,
        };
        self.seen.insert(id, seen);
        let part = match state {
            State::Broken if is_news => Part::Whole,
            State::ReadTo(offset) if offset < bytes => Part::From(offset),
            _ => return None,
        };
        Some(Arrival { path, part, bytes, format, head, id })
    }
}

/// The whole lines of a plain file from byte `offset` on, at most `bytes_max`, and where they end.
///
/// # Errors
///
/// The operating system's.
pub fn read_appended(mut file: &File, offset: u64, bytes_max: usize) -> io::Result<(Vec<u8>, u64)> {
    file.seek(SeekFrom::Start(offset))?;
    let mut text = Vec::new();
    file.take(bytes_max as u64).read_to_end(&mut text)?;
    let is_full = text.len() == bytes_max;
    // A line that fills the buffer cannot be completed by waiting.
    let len = memchr::memrchr(b'\n', &text).map_or(if is_full { text.len() } else { 0 }, |end| end + 1);
    text.truncate(len);
    Ok((text, offset + len as u64))
}

fn is_packed(path: &Path) -> io::Result<bool> {
    let mut magic = Vec::new();
    File::open(path)?.take(MAGIC_BYTES).read_to_end(&mut magic)?;
    Ok(Packing::of(&magic) != Packing::Plain)
}

#[cfg(test)]
mod tests;
