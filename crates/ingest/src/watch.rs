//! Patterns that are watched for new files and for files that grow.
//!
//! Polling instead of the kernel's notifications: those are lost on network file systems, overflow
//! when a sync brings thousands of files, and need a poll as a fallback anyway.
//!
//! A packed file is one unit and is read when it is complete. Nothing tells for certain that it is, so
//! it is read when it has not changed for two seconds or a poll. Once it was counted it is left alone,
//! whatever becomes of it; while it is broken it is read again when it changes. A plain file is read as
//! far as its last line end, and then what is appended; it is known by device, inode and birth, so that
//! neither a rename nor an inode that is used again is taken for what it is not.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use weir_record::Format;
use xxhash_rust::xxh3::xxh3_128;

use crate::discover::{DiscoverError, list};
use crate::packing::{MAGIC_BYTES, Packing};

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
    known: HashMap<FileKey, KnownFile>,
    poll: u64,
}

/// A file's device, inode and birth, as 128 bits that can be kept.
pub type FileKey = [u8; 16];

/// How far a file was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownFile {
    /// A packed file, counted whole.
    Counted,
    /// A plain file, up to this byte, and the format of its lines.
    ReadTo(u64, Option<Format>),
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
    /// The format of a plain file of which something was read before.
    pub format: Option<Format>,
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
    fn of_known(known: KnownFile, path: &Path) -> Self {
        let (state, format) = match known {
            KnownFile::Counted => (State::Counted, None),
            KnownFile::ReadTo(offset, format) => (State::ReadTo(offset), format),
        };
        Self {
            path: path.to_owned(),
            bytes: 0,
            changed_at: None,
            status_changed_at: (0, 0),
            poll: 0,
            state,
            format,
            is_unreadable: false,
        }
    }
}

impl Watch {
    /// Watches files, folders and patterns; none of them need exist yet.
    pub fn new(patterns: Vec<String>) -> Self {
        Self { patterns, seen: HashMap::new(), known: HashMap::new(), poll: 0 }
    }

    /// Goes on where an earlier run stopped: `known` are the files that it had read.
    pub fn resume(patterns: Vec<String>, known: HashMap<FileKey, KnownFile>) -> Self {
        Self { known, ..Self::new(patterns) }
    }

    /// How far each file of the last poll was read, for an earlier run's memory to stay as long as the file.
    pub fn positions(&self) -> impl Iterator<Item = (FileKey, KnownFile)> {
        let current = self.seen.iter().filter(|(_, seen)| seen.poll == self.poll);
        current.filter_map(|(id, seen)| match seen.state {
            State::Counted => Some((id.key(), KnownFile::Counted)),
            State::ReadTo(offset @ 1..) | State::Stuck(offset @ 1..) => {
                Some((id.key(), KnownFile::ReadTo(offset, seen.format)))
            }
            _ => None,
        })
    }

    /// Looks at all files at the time `now`.
    pub fn poll(&mut self, now: SystemTime) -> Found {
        self.poll += 1;
        let mut found = Found::default();
        for pattern in self.patterns.clone() {
            match list(&pattern) {
                Ok(listing) => {
                    found.files += listing.files.len();
                    found.errors.extend(listing.unlisted);
                    // A file may be gone before it is looked at.
                    let arrivals =
                        listing.files.iter().filter_map(|path| self.look_at(path, now).ok().flatten());
                    found.arrivals.extend(arrivals);
                }
                Err(error) => found.errors.push(error),
            }
        }
        let oldest = self.poll.saturating_sub(POLLS_REMEMBERED);
        self.seen.retain(|_, seen| seen.poll >= oldest);
        let is_settling = |seen: &&Seen| seen.state == State::Settling && seen.bytes > 0;
        found.settling = self.seen.values().filter(is_settling).count();
        found
    }

    /// Notes that a packed file was counted, so that it is never read again.
    pub fn counted(&mut self, arrival: &Arrival) {
        self.set_state(arrival, State::Counted);
    }

    /// Notes that a plain file was read up to `offset`, and the format of its lines.
    pub fn read_to(&mut self, arrival: &Arrival, offset: u64, format: Option<Format>) {
        self.set_state(arrival, State::ReadTo(offset));
        if let Some(seen) = self.seen.get_mut(&arrival.id) {
            seen.format = format;
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

    fn look_at(&mut self, path: &Path, now: SystemTime) -> io::Result<Option<Arrival>> {
        let metadata = fs::metadata(path)?;
        let id = FileId::of(&metadata);
        let (bytes, changed_at, poll) = (metadata.len(), metadata.modified().ok(), self.poll);
        let status_changed_at = (metadata.ctime(), metadata.ctime_nsec());
        if let Entry::Vacant(entry) = self.seen.entry(id)
            && let Some(known) = self.known.remove(&id.key())
        {
            entry.insert(Seen::of_known(known, path));
        }
        let before = self.seen.get(&id);
        if before.is_some_and(|seen| seen.poll == poll) {
            return Ok(None);
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
            Some(State::ReadTo(offset) | State::Stuck(offset)) if bytes >= offset => State::ReadTo(offset),
            _ if bytes == 0 => State::Settling,
            // What cannot be opened is handed out like a broken file, so that its reader reports it.
            _ if !is_packed(path).unwrap_or(true) => State::ReadTo(0),
            _ if is_settled => State::Broken,
            _ => State::Settling,
        };
        let is_news = before.map(|seen| seen.state) != Some(State::Broken) || !is_untouched;
        let format = before.and_then(|seen| seen.format).filter(|_| matches!(state, State::ReadTo(1..)));
        let is_unreadable = is_untouched && before.is_some_and(|seen| seen.is_unreadable);
        let path_now = path.to_owned();
        let seen =
            Seen { path: path_now, bytes, changed_at, status_changed_at, poll, state, format, is_unreadable };
        self.seen.insert(id, seen);
        let part = match state {
            State::Broken if is_news => Part::Whole,
            State::ReadTo(offset) if offset < bytes => Part::From(offset),
            _ => return Ok(None),
        };
        Ok(Some(Arrival { path: path.to_owned(), part, format, id }))
    }
}

/// The whole lines of a plain file from byte `offset` on, at most `bytes_max`, and where they end.
///
/// # Errors
///
/// The operating system's.
pub fn read_appended(mut file: File, offset: u64, bytes_max: usize) -> io::Result<(Vec<u8>, u64)> {
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
mod tests {
    use super::*;

    const GZIP: &[u8] = &[0x1f, 0x8b, 8, 0];

    fn now() -> SystemTime {
        #[expect(clippy::disallowed_methods, reason = "the age of real files is told by the real clock")]
        SystemTime::now()
    }

    fn in_an_hour() -> SystemTime {
        now() + Duration::from_secs(3600)
    }

    struct Folder {
        folder: tempfile::TempDir,
        watch: Watch,
    }

    impl Folder {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let watch = Watch::new(vec![folder.path().to_str().expect("UTF-8").to_owned()]);
            Self { folder, watch }
        }

        fn write(&self, name: &str, bytes: &[u8]) {
            fs::write(self.folder.path().join(name), bytes).expect("written");
        }

        /// What a poll finds, an hour from now, when all files have settled.
        fn poll(&mut self) -> Vec<(String, Part)> {
            self.arrivals(in_an_hour())
                .into_iter()
                .map(|arrival| {
                    (arrival.path.file_name().expect("a name").to_string_lossy().into_owned(), arrival.part)
                })
                .collect()
        }

        fn arrivals(&mut self, now: SystemTime) -> Vec<Arrival> {
            let found = self.watch.poll(now);
            assert!(found.errors.is_empty());
            found.arrivals
        }

        fn read_all(&mut self) {
            for arrival in self.arrivals(in_an_hour()) {
                match arrival.part {
                    Part::Whole => self.watch.counted(&arrival),
                    Part::From(offset) => {
                        let (_, end) = read_appended(arrival.open().expect("it is there"), offset, 1 << 20)
                            .expect("read");
                        self.watch.read_to(&arrival, end, None);
                    }
                }
            }
        }
    }

    #[test]
    fn a_packed_file_is_handed_out_when_it_has_settled() {
        let mut folder = Folder::new();
        folder.write("a.gz", GZIP);
        assert_eq!(folder.arrivals(now()).len(), 0, "it was written just now");
        assert_eq!(folder.arrivals(now()).len(), 1, "it kept its size for a poll");
        assert_eq!(folder.poll(), [], "it is not handed out twice");
    }

    #[test]
    fn a_later_run_goes_on_where_an_earlier_one_stopped() {
        let mut folder = Folder::new();
        folder.write("a.gz", GZIP);
        folder.write("b.log", b"one\ntwo\n");
        folder.read_all();
        folder.poll();
        let known: HashMap<_, _> = folder.watch.positions().collect();
        assert_eq!(known.len(), 2);
        folder.watch = Watch::resume(folder.watch.patterns.clone(), known);
        assert_eq!(folder.poll(), []);
        folder.write("b.log", b"one\ntwo\nthree\n");
        assert_eq!(folder.poll(), [("b.log".to_owned(), Part::From(8))]);
    }

    #[test]
    fn a_broken_file_is_handed_out_again_when_it_changes_and_a_counted_one_is_not() {
        let mut folder = Folder::new();
        folder.write("a.gz", GZIP);
        assert_eq!(folder.poll(), [("a.gz".to_owned(), Part::Whole)]);
        folder.write("a.gz", &[GZIP, b"more"].concat());
        folder.read_all();
        folder.write("a.gz", &[GZIP, b"and more"].concat());
        assert_eq!(folder.poll(), []);
    }

    #[test]
    fn a_plain_file_is_followed_as_it_grows_and_through_a_rename() {
        let mut folder = Folder::new();
        folder.write("a.log", b"one\ntw");
        folder.read_all();
        assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(4))], "a part of a line waits");
        let from = folder.folder.path().join("a.log");
        fs::rename(from, folder.folder.path().join("a.log.1")).expect("renamed");
        folder.write("a.log", b"new\n");
        assert_eq!(
            folder.poll(),
            [("a.log".to_owned(), Part::From(0)), ("a.log.1".to_owned(), Part::From(4))]
        );
    }

    #[test]
    fn a_plain_file_that_was_cut_is_read_from_its_start() {
        let mut folder = Folder::new();
        folder.write("a.log", b"one\ntwo\n");
        folder.read_all();
        folder.write("a.log", b"x\n");
        assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(0))]);
    }

    #[test]
    fn a_file_that_was_away_for_a_while_is_not_new() {
        let mut folder = Folder::new();
        let elsewhere = tempfile::tempdir().expect("a folder");
        folder.write("a.gz", GZIP);
        folder.write("b.log", b"one\n");
        folder.read_all();
        let names =
            ["a.gz", "b.log"].map(|name| (folder.folder.path().join(name), elsewhere.path().join(name)));
        for (here, there) in &names {
            fs::rename(here, there).expect("moved away");
        }
        for _ in 0..10 {
            assert_eq!(folder.poll(), []);
        }
        for (here, there) in &names {
            fs::rename(there, here).expect("moved back");
        }
        assert_eq!(folder.poll(), []);
    }

    #[test]
    fn a_name_that_another_file_has_taken_is_not_opened() {
        let mut folder = Folder::new();
        folder.write("a.log", b"one\n");
        let found = folder.arrivals(in_an_hour());
        let path = folder.folder.path().join("a.log");
        fs::rename(&path, folder.folder.path().join("a.log.1")).expect("renamed");
        folder.write("a.log", b"two\n");
        let error = found[0].open().expect_err("another file");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_file_that_cannot_be_read_counts_as_such_until_it_changes() {
        let mut folder = Folder::new();
        folder.write("a.gz", GZIP);
        let found = folder.arrivals(in_an_hour());
        folder.watch.failed(&found[0], true);
        assert_eq!(folder.poll(), []);
        assert_eq!(folder.watch.unreadable(), 1);
        folder.write("a.gz", &[GZIP, b"more"].concat());
        assert_eq!(folder.poll(), [("a.gz".to_owned(), Part::Whole)]);
        assert_eq!(folder.watch.unreadable(), 0);
    }

    #[test]
    fn an_empty_file_becomes_what_is_written_to_it() {
        let mut folder = Folder::new();
        folder.write("a.log", b"");
        assert_eq!(folder.poll(), []);
        folder.write("a.log", b"one\n");
        assert_eq!(folder.poll(), [("a.log".to_owned(), Part::From(0))]);
    }

    #[test]
    fn a_line_that_fills_the_buffer_is_not_waited_for() {
        let folder = Folder::new();
        folder.write("a.log", b"0123456789");
        let read = |bytes_max| {
            let file = File::open(folder.folder.path().join("a.log")).expect("it is there");
            read_appended(file, 0, bytes_max).expect("read")
        };
        assert_eq!(read(20), (Vec::new(), 0));
        assert_eq!(read(4), (b"0123".to_vec(), 4));
    }
}
