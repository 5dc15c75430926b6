//! A source of files: watches them, reads what arrives, commits it.
//!
//! The loop asks, reads everything that is there, and only then says up to when the source is complete. So a
//! backlog that is being read never makes minutes complete that are still in it. How far each file was read
//! is written with what was counted of it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{oneshot, watch};
use weir_ingest::{
    Arrival, Emptied, Extent, FileHead, FileKey, Found, KnownFile, Multiline, Piece, Watch, WatchOptions,
    available_threads, for_each_object,
};
use weir_ledger::{FilePosition, Ledger};
use weir_record::{Format, Timestamp};

use self::worker::Worker;
use super::account::Account;
use super::commit::{Commits, Request};
use super::intake::Intake;
use super::unit::Committed;
use crate::clock;
use crate::output::harmless;

/// How often files are looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The key under which it is kept that a source was started, beside the positions of its files; of a file it would
/// be the hash of its device and inode.
const STARTED: FileKey = [0xff; 16];

/// How often the positions of all files that are there are written again, in microseconds, beside once after
/// each start: they are forgotten when the file was not there for a month.
const POSITIONS_INTERVAL_US: i64 = 24 * 3600 * 1_000_000;

/// Units of one worker that are on their way to the disk; beyond it the worker waits. A unit has room for
/// minutes and rejects, so a backlog of small files, or a full disk, must not make one of each file.
const UNITS_MAX: usize = 2;

/// A source, ready to run.
pub struct FileSource {
    /// Which files.
    pub options: WatchOptions,
    /// How lines become events, if not each is one.
    pub multiline: Option<Multiline>,
    /// How lines are counted.
    pub intake: Intake,
    /// What was counted before.
    pub ledger: Arc<Ledger>,
    /// Where to.
    pub commits: Commits,
}

/// How far an arrival was read.
#[derive(Clone, Copy)]
enum Progress {
    Counted {
        head: FileHead,
    },
    ReadTo(Piece),
    Failed {
        is_unreadable: bool,
    },
    /// It could not be written, or the server stops; it is read again.
    NotWritten,
}

impl FileSource {
    /// Reads what arrives until `stop` says so; a file under way is read to its end first.
    pub fn run(self, stop: &watch::Receiver<bool>, wait: impl Fn(Duration) -> bool) {
        let name = &*self.intake.source;
        let known = self.known_files();
        let is_first_start = known.as_ref().is_some_and(HashMap::is_empty);
        let mut known = known.unwrap_or_default();
        let mut must_note_start = known.remove(&STARTED).is_none();
        let starts_at_end = self.options.starts_at_end && is_first_start;
        let mut watch = Watch::resume(WatchOptions { starts_at_end, ..self.options.clone() }, known);
        let mut said = Said::default();
        let mut positions = PositionsDue::default();
        while !*stop.borrow() {
            let now = clock::now();
            #[expect(clippy::disallowed_methods, reason = "a file's age is told by the clock that dated it")]
            let found = watch.poll(SystemTime::now());
            said.say(name, &self.options.patterns, &found);
            let is_listed = found.errors.is_empty();
            // Before anything is read: what was read of a file that was emptied now belongs to its copy.
            if positions.is_due(found.files, is_listed, now) || watch.has_moved() || must_note_start {
                must_note_start = false;
                self.write_positions(&mut watch, now);
            }
            let has_more = self.read_all(&mut watch, &found.arrivals, stop);
            let is_everything_seen = is_listed && found.files > 0 && found.settling == 0;
            if is_everything_seen && !has_more && watch.unreadable() == 0 && !*stop.borrow() {
                // What arrived while this was read may belong to minutes before the reading.
                self.note(self.intake.state.caught_up(name, now));
            }
            if !has_more && wait(POLL_INTERVAL) {
                return;
            }
        }
    }

    /// How far files were read before this run; `None` if that cannot be told.
    fn known_files(&self) -> Option<HashMap<FileKey, KnownFile>> {
        match self.ledger.read(|ledger| ledger.files(&self.intake.source)) {
            Ok(files) => {
                Some(files.into_iter().map(|(key, position)| (key, known_file(&position))).collect())
            }
            Err(error) => {
                tracing::error!(error = %error, "cannot tell which files were read; they are read again");
                None
            }
        }
    }

    fn write_positions(&self, watch: &mut Watch, now: Timestamp) {
        let mut unit = self.intake.unit();
        unit.replaced_files = watch.take_replaced();
        unit.files = watch.positions().map(|(key, file)| (key, position_of(file, now))).collect();
        let started = KnownFile { extent: Extent::Counted, bytes: 0, head: FileHead::default() };
        unit.files.push((STARTED, position_of(started, now)));
        let _ = self.commits.send(Request::Unit(unit, None));
    }

    fn note(&self, account: Account) {
        let _ = self.commits.send(Request::Note(Arc::clone(&self.intake.source), account));
    }

    /// Reads all arrivals on all cores; says whether there is more to read at once.
    fn read_all(&self, watch: &mut Watch, arrivals: &[Arrival], stop: &watch::Receiver<bool>) -> bool {
        let new_worker = || (Worker::new(self, stop), Pass::default());
        let size = |arrival: &Arrival| arrival.path.metadata().map_or(0, |metadata| metadata.len());
        let workers =
            for_each_object(arrivals, available_threads(), size, new_worker, |(worker, pass), arrival| {
                if !*stop.borrow() {
                    worker.read(arrival, pass);
                }
            });
        let mut is_more_left = false;
        for (arrival, progress) in workers.into_iter().flat_map(|(_, pass)| pass.end()) {
            match progress {
                Progress::Counted { head } => watch.counted(arrival, head),
                Progress::ReadTo(piece) => {
                    is_more_left |= piece.has_more;
                    watch.read_to(arrival, &piece);
                }
                Progress::Failed { is_unreadable } => watch.failed(arrival, is_unreadable),
                Progress::NotWritten => watch.not_read(arrival),
            }
        }
        is_more_left
    }
}

/// What was said of the last looks, so that it is not said at each of them.
#[derive(Default)]
struct Said {
    errors: String,
    is_first_look_over: bool,
}

impl Said {
    fn say(&mut self, source: &str, patterns: &[String], found: &Found) {
        if !std::mem::replace(&mut self.is_first_look_over, true) && found.files == 0 {
            let paths = patterns.join(", ");
            tracing::warn!(source, paths, "no file matches yet");
        }
        let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        if self.errors != errors.join("; ") {
            self.errors = errors.join("; ");
            if !self.errors.is_empty() {
                tracing::error!(source, error = self.errors, "cannot look for files");
            }
        }
        for path in &found.ambiguous {
            let path = harmless(&path.to_string_lossy());
            tracing::warn!(
                source,
                path,
                "begins like another file that was counted; it is read from its start"
            );
        }
        for Emptied { path, offset, copy } in &found.emptied {
            let path = harmless(&path.to_string_lossy());
            match copy {
                Some(copy) => {
                    let copy = harmless(&copy.to_string_lossy());
                    tracing::info!(source, path, offset, copy, "a file was emptied; its copy is read on");
                }
                None => tracing::warn!(
                    source,
                    path,
                    offset,
                    "a file was emptied, and no copy of it was found; lines behind the offset are lost if there \
                     were any"
                ),
            }
        }
    }
}

/// When the positions of all files are to be written again.
#[derive(Default)]
struct PositionsDue {
    written_at: Option<Timestamp>,
    /// All patterns could be listed when they were.
    were_complete: bool,
}

impl PositionsDue {
    /// Whether they are, after a poll that has met so many files; `is_complete` if it could look everywhere.
    fn is_due(&mut self, files: usize, is_complete: bool, now: Timestamp) -> bool {
        if files == 0 {
            return false;
        }
        let is_due = match self.written_at {
            // Server starts may be as frequent as they like: each is a sign of life of all files.
            None => true,
            Some(_) if is_complete && !self.were_complete => true,
            Some(at) => now.micros() - at.micros() >= POSITIONS_INTERVAL_US,
        };
        if is_due {
            (self.written_at, self.were_complete) = (Some(now), self.were_complete || is_complete);
        }
        is_due
    }
}

/// What one worker has read in one pass over the arrivals.
#[derive(Default)]
struct Pass<'a> {
    done: Vec<(&'a Arrival, Progress)>,
    /// What is on its way to the disk, at most [`UNITS_MAX`].
    away: VecDeque<(&'a Arrival, Pending)>,
}

impl<'a> Pass<'a> {
    /// Waits until another unit may be on its way.
    fn make_room(&mut self) {
        while self.away.len() >= UNITS_MAX {
            self.settle_oldest();
        }
    }

    fn add(&mut self, arrival: &'a Arrival, pending: Pending) {
        self.away.push_back((arrival, pending));
    }

    fn settle_oldest(&mut self) {
        if let Some((arrival, pending)) = self.away.pop_front() {
            self.done.push((arrival, pending.wait()));
        }
    }

    /// Waits for what is on its way, and says what became of all.
    fn end(mut self) -> Vec<(&'a Arrival, Progress)> {
        while !self.away.is_empty() {
            self.settle_oldest();
        }
        self.done
    }
}

/// What was read of an arrival, and what becomes of it on the disk.
struct Pending {
    progress: Progress,
    committed: Option<oneshot::Receiver<Committed>>,
}

impl Pending {
    fn wait(self) -> Progress {
        match self.committed.map(oneshot::Receiver::blocking_recv) {
            None | Some(Ok(Committed::Done | Committed::Known)) => self.progress,
            Some(Ok(Committed::Stopping) | Err(_)) => Progress::NotWritten,
        }
    }
}

fn position_of(file: KnownFile, now: Timestamp) -> FilePosition {
    let KnownFile { extent, bytes, head } = file;
    let (offset, format, is_whole) = match extent {
        Extent::Counted => (0, None, true),
        Extent::ReadTo(offset, format) => (offset, format.map(Format::number), false),
    };
    FilePosition {
        offset,
        size: bytes,
        head_bytes: head.bytes,
        head_hash: head.hash,
        format,
        is_whole,
        seen_at_us: now.micros(),
    }
}

fn known_file(position: &FilePosition) -> KnownFile {
    let extent = if position.is_whole {
        Extent::Counted
    } else {
        Extent::ReadTo(position.offset, position.format.and_then(Format::from_number))
    };
    let head = FileHead { bytes: position.head_bytes, hash: position.head_hash };
    KnownFile { extent, bytes: position.size, head }
}

mod worker;

#[cfg(test)]
mod tests;
