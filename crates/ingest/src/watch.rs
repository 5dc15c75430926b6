//! Patterns that are watched for new files and for files that grow.
//!
//! Polling instead of the kernel's notifications: those are lost on network file systems, overflow
//! when a sync brings thousands of files, and need a poll as a fallback anyway.
//!
//! A packed file is one unit and is read when it is complete. Nothing tells for certain that it is, so
//! it is read when it has not changed for two seconds or a poll. Once it was counted it is left alone,
//! whatever becomes of it; while it is broken it is read again when it changes. A plain file is read as
//! far as its last line end, and then what is appended. While it is watched it is known by device, inode and
//! birth, so that a rename is no new file, and by its beginning and what was read of it last, so that an inode
//! that is used again, or a file that was emptied and has grown past its former size, is not taken for what it
//! is not. How the files of an earlier run are told again is in `known_files`; what becomes of a file that is
//! no longer met, in `gone`; how a copy of a file is told from a new one, in `copies`.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::appended::{Ending, Piece, Trace};
use crate::discover::{DiscoverError, ExcludedFiles, list};
use crate::file_head::FileHead;

mod copies;
mod gone;
mod known_files;
mod look;
mod packed_text;
mod present;

use copies::Cut;
use known_files::KnownFiles;
pub use known_files::{Extent, FileKey, KnownFile};
use look::{Seen, State};
use present::{FileId, Present};
pub use present::{open_log, rotated_from};

/// How long a file must not have changed to be taken as complete.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// Polls for which a file is remembered that is no longer met, a day: a network file system that was away
/// for an hour must not bring every file back as a new one.
const POLLS_REMEMBERED: u64 = 2 * 86_400;

/// Plain files that are kept open, so that what is written to one after the last look is not lost when it is
/// deleted. Half of what a process may open unless more is asked for; beyond it those that changed least recently
/// are closed.
pub const OPEN_FILES_MAX: usize = 500;

/// What is watched.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// Files, folders and patterns; none of them need exist yet.
    pub patterns: Vec<String>,
    /// Which of the files that they name are left out.
    pub exclude: ExcludedFiles,
    /// What is there at the first look is passed over, and only what is written to it from then on is read.
    pub starts_at_end: bool,
    /// How long a file must not have changed for the last of several events of several lines to be complete.
    pub paused_after: Option<Duration>,
    /// Its share of [`OPEN_FILES_MAX`].
    pub open_files_max: usize,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            patterns: Vec::new(),
            exclude: ExcludedFiles::default(),
            starts_at_end: false,
            paused_after: None,
            open_files_max: OPEN_FILES_MAX,
        }
    }
}

/// Watches the files of some patterns.
pub struct Watch {
    options: WatchOptions,
    seen: HashMap<FileId, Seen>,
    /// Files of `seen` that are no longer met under any name that is watched, and still read.
    gone: HashSet<FileId>,
    /// Texts that were followed until their file was emptied.
    cuts: Vec<Cut>,
    /// How far files were read before this run, until they are met.
    known: KnownFiles,
    has_adopted: bool,
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
    /// Files that were emptied since the last poll.
    pub emptied: Vec<Emptied>,
    /// Patterns that cannot be listed; the others were.
    pub errors: Vec<DiscoverError>,
}

/// A file that was emptied, as `copytruncate` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emptied {
    /// The file.
    pub path: PathBuf,
    /// How far it had been read.
    pub offset: u64,
    /// The copy that has what was not read of it. Without one that is lost, if there was any.
    pub copy: Option<PathBuf>,
}

/// A file with something to read.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Where it is now, or was last.
    pub path: PathBuf,
    /// What to read of it.
    pub part: Part,
    /// Its size when it was found, in bytes.
    pub bytes: u64,
    /// How far a plain file was read.
    pub trace: Trace,
    /// As far as the end of a long line was looked for.
    pub scanned_to: u64,
    /// What may come after what is there.
    pub ending: Ending,
    id: FileId,
    file: Option<Arc<File>>,
}

impl Arrival {
    /// The file's name among all files, whatever its path.
    pub fn key(&self) -> FileKey {
        self.id.key()
    }

    /// Opens the file, if it is still the one that was found, or gives the one that is open.
    ///
    /// # Errors
    ///
    /// The operating system's; [`io::ErrorKind::NotFound`] if another file has taken its name since.
    pub fn open(&self) -> io::Result<Arc<File>> {
        match &self.file {
            Some(file) => Ok(Arc::clone(file)),
            None => present::open(&self.path, self.id).map(Arc::new),
        }
    }
}

/// What to read of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of a packed file's text.
    Whole,
    /// A packed file's text from this byte on: what is before it was counted while it was plain. `None` is
    /// after its end.
    WholeFrom(Option<u64>),
    /// A plain file from this byte on, as far as its last line end.
    From(u64),
}

impl Watch {
    /// Goes on where an earlier run stopped: `known` are the files that it had read.
    pub fn resume(options: WatchOptions, known: HashMap<FileKey, KnownFile>) -> Self {
        Self {
            options,
            seen: HashMap::new(),
            gone: HashSet::new(),
            cuts: Vec::new(),
            known: KnownFiles::new(known),
            has_adopted: false,
            poll: 0,
        }
    }

    /// How far each file of the last poll was read, for an earlier run's memory to stay as long as the file.
    pub fn positions(&self) -> impl Iterator<Item = (FileKey, KnownFile)> {
        let current = self.seen.iter().filter(|(_, seen)| seen.poll == self.poll);
        current.filter_map(|(id, seen)| {
            let extent = match seen.state {
                State::Counted => Extent::Counted,
                State::Followed | State::Stuck if seen.trace.offset > 0 => {
                    Extent::ReadTo(seen.trace.offset, seen.trace.format)
                }
                _ => return None,
            };
            Some((id.key(), KnownFile { extent, bytes: seen.bytes, head: seen.trace.head }))
        })
    }

    /// Whether positions have moved without anything being read, or [`Watch::take_replaced`] has something to
    /// say: [`Watch::positions`] are to be kept before anything else is.
    pub fn has_moved(&self) -> bool {
        self.has_adopted || self.known.has_replaced()
    }

    /// Keys of an earlier run whose files have others now, since this was asked last: what is kept under them
    /// is to be forgotten, before [`Watch::positions`] is kept.
    pub fn take_replaced(&mut self) -> Vec<FileKey> {
        self.has_adopted = false;
        self.known.take_replaced()
    }

    /// Looks at all files at the time `now`.
    pub fn poll(&mut self, now: SystemTime) -> Found {
        self.poll += 1;
        let mut found = Found::default();
        let mut present = self.list(&mut found);
        found.ambiguous = self.known.recognise(&present, &mut self.seen);
        if self.poll == 1 {
            if self.options.starts_at_end {
                self.pass_over(&present, now);
            }
            self.find_moved(&present, now);
        }
        present.extend(self.gone_files(&present));
        // Those that are followed first: what is new may be a copy of one that was just emptied.
        let is_followed = |file: &Present| self.seen.get(&file.id).is_some_and(Seen::is_followed);
        let (followed, others): (Vec<_>, Vec<_>) = present.into_iter().partition(is_followed);
        found.arrivals.extend(followed.iter().filter_map(|file| self.look_at(file, now)));
        self.choose_copies(&others);
        found.arrivals.extend(others.iter().filter_map(|file| self.look_at(file, now)));
        found.arrivals.extend(self.look_for_copies(now));
        found.emptied = self.emptied();
        found.arrivals.sort_by(|a, b| a.path.cmp(&b.path));
        self.release_gone(&found.arrivals, now);
        self.forget(now);
        let is_settling = |seen: &&Seen| seen.state == State::Settling && seen.bytes > 0;
        found.settling = self.seen.values().filter(is_settling).count();
        found
    }

    /// The files that match, each once.
    fn list(&self, found: &mut Found) -> Vec<Present> {
        let mut present = Vec::new();
        let mut ids = HashSet::new();
        for pattern in &self.options.patterns {
            match list(pattern) {
                Ok(listing) => {
                    found.errors.extend(listing.unlisted);
                    let wanted =
                        listing.files.into_iter().filter(|path| !self.options.exclude.has(path)).inspect(
                            |_| {
                                found.files += 1;
                            },
                        );
                    let there = wanted.filter_map(Present::at);
                    present.extend(there.filter(|file| ids.insert(file.id)));
                }
                Err(error) => found.errors.push(error),
            }
        }
        present
    }

    /// Notes that a packed file that begins with `head` was counted, so that it is never read again.
    pub fn counted(&mut self, arrival: &Arrival, head: FileHead) {
        if let Some(seen) = self.seen.get_mut(&arrival.id) {
            seen.state = State::Counted;
            seen.trace = Trace { head, ..Trace::default() };
        }
    }

    /// Notes how far a plain file was read.
    pub fn read_to(&mut self, arrival: &Arrival, piece: &Piece) {
        if let Some(seen) = self.seen.get_mut(&arrival.id) {
            seen.state = State::Followed;
            (seen.trace, seen.scanned_to) = (piece.trace, piece.scanned_to);
            seen.is_exhausted = !piece.has_more;
        }
    }

    /// Notes that what was read of a file came to nothing: it is handed out again as it was.
    pub fn not_read(&mut self, arrival: &Arrival) {
        let Some(seen) = self.seen.get_mut(&arrival.id) else { return };
        match arrival.part {
            Part::Whole | Part::WholeFrom(_) => {
                (seen.state, seen.status_changed_at) = (State::Broken, (0, 0));
            }
            Part::From(_) => (seen.state, seen.is_exhausted) = (State::Followed, false),
        }
    }

    /// Notes that a file could not be read: it is handed out again when it has changed.
    ///
    /// One that `is_unreadable` (the system refused, its content is unknown) counts in [`Watch::unreadable`].
    pub fn failed(&mut self, arrival: &Arrival, is_unreadable: bool) {
        if let Some(seen) = self.seen.get_mut(&arrival.id) {
            seen.is_unreadable = is_unreadable;
            if matches!(arrival.part, Part::From(_)) {
                seen.state = State::Stuck;
            }
        }
    }

    /// Files of the last poll that the system refused to let be read.
    pub fn unreadable(&self) -> usize {
        self.seen.values().filter(|seen| seen.poll == self.poll && seen.is_unreadable).count()
    }

    /// Takes all that is there as read.
    fn pass_over(&mut self, present: &[Present], now: SystemTime) {
        for file in present {
            if !self.seen.contains_key(&file.id) && file.metadata.len() > 0 {
                self.seen.insert(file.id, Seen::passed_over(file, now));
                self.has_adopted = true;
            }
        }
    }

    /// Forgets what was not met for long, and closes files beyond the bound.
    fn forget(&mut self, now: SystemTime) {
        let oldest = self.poll.saturating_sub(POLLS_REMEMBERED);
        self.seen.retain(|_, seen| seen.poll >= oldest);
        self.forget_cuts(now);
        let open = self.seen.values().filter(|seen| seen.file.is_some()).count();
        if open > self.options.open_files_max {
            let mut by_age: Vec<(SystemTime, FileId)> = self
                .seen
                .iter()
                .filter(|(id, seen)| seen.file.is_some() && !self.gone.contains(id))
                .map(|(id, seen)| (seen.news_at, *id))
                .collect();
            by_age.sort_by_key(|(news_at, _)| *news_at);
            for (_, id) in by_age.into_iter().take(open - self.options.open_files_max) {
                if let Some(seen) = self.seen.get_mut(&id) {
                    seen.file = None;
                }
            }
        }
    }
}

/// The folders of these files.
fn folders<'p>(paths: impl Iterator<Item = &'p Path>) -> BTreeSet<PathBuf> {
    paths.filter_map(Path::parent).map(Path::to_owned).collect()
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
mod tests;
