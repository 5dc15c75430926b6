//! A source of files: watches them, reads what arrives, commits it.
//!
//! The loop asks, reads everything that is there, and only then says up to when the source is complete. So a
//! backlog that is being read never makes minutes complete that are still in it. How far each file was read
//! is written with what was counted of it.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{oneshot, watch};
use weir_enrich::Scratch;
use weir_ingest::{
    Arrival, Extent, FileHead, FileKey, KnownFile, ObjectError, ObjectLine, ObjectReader, Outcome, Part,
    Watch, available_threads, for_each_object, read_appended,
};
use weir_ledger::{FilePosition, Ledger, ObjectId};
use weir_record::{Format, Timestamp, skip_by_name};

use super::account::{self, Account};
use super::commit::{Commits, Request};
use super::intake::{Counter, Intake};
use super::object_sink::entry_of;
use super::unit::{Committed, Unit};
use crate::clock;
use crate::output::harmless;

/// How often files are looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The most that is read of a growing file at a time.
const APPENDED_BYTES_MAX: usize = 8 << 20;

/// How often the positions of all files that are there are written again, in microseconds, beside once after
/// each start: they are forgotten when the file was not there for a month.
const POSITIONS_INTERVAL_US: i64 = 24 * 3600 * 1_000_000;

/// Units of one worker that are on their way to the disk; beyond it the worker waits. A unit has room for
/// minutes and rejects, so a backlog of small files, or a full disk, must not make one of each file.
const UNITS_MAX: usize = 2;

/// A source, ready to run.
pub struct FileSource {
    /// Files, folders and patterns.
    pub paths: Vec<String>,
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
    ReadTo {
        offset: u64,
        format: Option<Format>,
        head: FileHead,
        has_more: bool,
    },
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
        let mut watch = Watch::resume(self.paths.clone(), self.known_files());
        let mut reported = String::new();
        let mut is_first_poll = true;
        let mut positions = PositionsDue::default();
        while !*stop.borrow() {
            let now = clock::now();
            #[expect(clippy::disallowed_methods, reason = "a file's age is told by the clock that dated it")]
            let found = watch.poll(SystemTime::now());
            if is_first_poll && found.files == 0 {
                let paths = self.paths.join(", ");
                tracing::warn!(source = name, paths, "no file matches yet");
            }
            is_first_poll = false;
            let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            // Said once, not at every poll.
            if reported != errors.join("; ") {
                reported = errors.join("; ");
                if !reported.is_empty() {
                    tracing::error!(source = name, error = reported, "cannot look for files");
                }
            }
            for path in &found.ambiguous {
                let path = harmless(&path.to_string_lossy());
                tracing::warn!(
                    source = name,
                    path,
                    "begins like another file that was counted; it is read from its start"
                );
            }
            let has_more = self.read_all(&mut watch, &found.arrivals, stop);
            let is_everything_seen = errors.is_empty() && found.files > 0 && found.settling == 0;
            if is_everything_seen && !has_more && watch.unreadable() == 0 && !*stop.borrow() {
                // What arrived while this was read may belong to minutes before the reading.
                self.note(self.intake.state.caught_up(name, now));
            }
            if positions.is_due(found.files, errors.is_empty(), now) || watch.has_replaced() {
                self.write_positions(&mut watch, now);
            }
            if !has_more && wait(POLL_INTERVAL) {
                return;
            }
        }
    }

    /// How far files were read before this run.
    fn known_files(&self) -> HashMap<FileKey, KnownFile> {
        let files = match self.ledger.read(|ledger| ledger.files(&self.intake.source)) {
            Ok(files) => files,
            Err(error) => {
                tracing::error!(error = %error, "cannot tell which files were read; they are read again");
                Vec::new()
            }
        };
        files.into_iter().map(|(key, position)| (key, known_file(&position))).collect()
    }

    fn write_positions(&self, watch: &mut Watch, now: Timestamp) {
        let mut unit = self.intake.unit();
        unit.replaced_files = watch.take_replaced();
        unit.files = watch.positions().map(|(key, file)| (key, position_of(file, now))).collect();
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
                    pass.make_room();
                    pass.add(arrival, worker.read(arrival));
                }
            });
        let mut is_more_left = false;
        for (arrival, progress) in workers.into_iter().flat_map(|(_, pass)| pass.end()) {
            match progress {
                Progress::Counted { head } => watch.counted(arrival, head),
                Progress::ReadTo { offset, format, head, has_more } => {
                    is_more_left |= has_more;
                    watch.read_to(arrival, offset, format, head);
                }
                Progress::Failed { is_unreadable } => watch.failed(arrival, is_unreadable),
                Progress::NotWritten => watch.not_read(arrival),
            }
        }
        is_more_left
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

/// A file that says no more once the server stops: reading a very large one to its end would hold it for long.
struct UntilStop<'s, R> {
    file: R,
    stop: &'s watch::Receiver<bool>,
    is_stopped: &'s Cell<bool>,
}

impl<R: Read> Read for UntilStop<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if *self.stop.borrow() {
            self.is_stopped.set(true);
            return Err(io::Error::other("the server stops"));
        }
        self.file.read(buffer)
    }
}

/// One thread's buffers.
struct Worker<'s> {
    source: &'s FileSource,
    reader: ObjectReader,
    scratch: Scratch,
    unit: Box<Unit>,
    stop: &'s watch::Receiver<bool>,
    /// The way back of units that are on the disk, for their memory.
    give_back: std::sync::mpsc::SyncSender<Box<Unit>>,
    back: std::sync::mpsc::Receiver<Box<Unit>>,
}

impl<'s> Worker<'s> {
    fn new(source: &'s FileSource, stop: &'s watch::Receiver<bool>) -> Self {
        let (give_back, back) = std::sync::mpsc::sync_channel(UNITS_MAX);
        Self {
            source,
            reader: ObjectReader::with_text_hash(source.intake.limits),
            scratch: Scratch::default(),
            unit: source.intake.unit(),
            stop,
            give_back,
            back,
        }
    }

    fn read(&mut self, arrival: &Arrival) -> Pending {
        match arrival.part {
            Part::Whole => self.read_whole(arrival),
            Part::From(offset) => self.read_appended(arrival, offset),
        }
    }

    fn read_whole(&mut self, arrival: &Arrival) -> Pending {
        let path = arrival.path.to_string_lossy();
        let Self { source, reader, scratch, unit, stop, .. } = self;
        let counter = Counter::new(&source.intake, &path);
        let each = |line: ObjectLine<'_, '_>| counter.take_in(unit, scratch, &line);
        let (head, is_stopped) = (Cell::new(FileHead::default()), Cell::new(false));
        let open = || {
            let file = arrival.open()?;
            let packed_bytes = file.metadata()?.len();
            head.set(FileHead::of(&file, packed_bytes)?);
            Ok((UntilStop { file, stop, is_stopped: &is_stopped }, packed_bytes))
        };
        let outcome = reader.read_named(&path, open, source.intake.format, each);
        if is_stopped.get() {
            self.clear_unit();
            return Pending { progress: Progress::NotWritten, committed: None };
        }
        if matches!(outcome, Ok(Outcome::Read { unpacked_bytes: 1.., .. })) {
            // A folder is synced again and a file copied: what has the same text was counted.
            let text_hash = reader.text_hash();
            let name = format!("{text_hash:032x}");
            let id = ObjectId::of(&["file", &source.intake.source, &name]);
            let is_known = source.ledger.read(|ledger| ledger.object(id)).is_ok_and(|entry| entry.is_some());
            if is_known {
                self.clear_unit();
                self.unit.account.duplicates += 1;
            } else {
                self.unit.objects.push((id, entry_of("", 0, text_hash)));
            }
        }
        self.finish(arrival, outcome, |_| Progress::Counted { head: head.get() })
    }

    fn clear_unit(&mut self) {
        self.source.intake.clear(&mut self.unit);
    }

    /// Hands over what was read of an arrival.
    fn finish(
        &mut self,
        arrival: &Arrival,
        outcome: Result<Outcome, ObjectError>,
        progress: impl FnOnce(Option<Format>) -> Progress,
    ) -> Pending {
        let path = arrival.path.to_string_lossy();
        let mut format = None;
        match outcome {
            Ok(Outcome::Read { format: found, .. }) => {
                format = found;
                if self.unit.account.duplicates == 0 {
                    Counter::new(&self.source.intake, &path).end(&mut self.unit);
                }
            }
            Ok(Outcome::Skipped(kind)) => account::count(&mut self.unit.account.skipped, kind.label()),
            Err(error) => return self.fail(&arrival.path, &error),
        }
        let progress = progress(format);
        let position = match progress {
            Progress::Counted { head } => Some((Extent::Counted, head)),
            Progress::ReadTo { offset, format, head, .. } => Some((Extent::ReadTo(offset, format), head)),
            Progress::Failed { .. } | Progress::NotWritten => None,
        };
        let position = position.map(|(extent, head)| KnownFile { extent, bytes: arrival.bytes, head });
        let position = position.map(|file| (arrival.key(), position_of(file, clock::now())));
        self.unit.files.extend(position);
        if !self.source.intake.seal(&mut self.unit) {
            self.clear_unit();
            return Pending { progress: Progress::NotWritten, committed: None };
        }
        let (done, committed) = oneshot::channel();
        self.unit.waiting.push(done);
        let next = self.back.try_recv().unwrap_or_else(|_| self.source.intake.unit());
        let unit = std::mem::replace(&mut self.unit, next);
        self.clear_unit();
        // Without an answer the wait says that it was not written.
        let _ = self.source.commits.send(Request::Unit(unit, Some(self.give_back.clone())));
        Pending { progress, committed: Some(committed) }
    }

    fn fail(&mut self, path: &Path, error: &ObjectError) -> Pending {
        let intake = &self.source.intake;
        self.clear_unit();
        let mut note = Account::default();
        account::count(&mut note.failed, error.label());
        self.source.note(note);
        let is_unreadable = matches!(error, ObjectError::Io(_));
        let (path, error) = (harmless(&path.to_string_lossy()), harmless(&error.to_string()));
        tracing::error!(source = &*intake.source, path, error, "a file was not counted");
        Pending { progress: Progress::Failed { is_unreadable }, committed: None }
    }

    /// Reads what was appended to a plain file. Its format is told once, by the first lines that tell it;
    /// from then on lines that are none are rejects.
    fn read_appended(&mut self, arrival: &Arrival, offset: u64) -> Pending {
        let (path, known) = (&arrival.path, arrival.format);
        let bytes_max = APPENDED_BYTES_MAX.max(self.source.intake.limits.line_bytes + 1);
        let appended = arrival.open().and_then(|file| {
            let (text, end) = read_appended(&file, offset, bytes_max)?;
            let head = if arrival.head.is_full() { arrival.head } else { FileHead::of(&file, end)? };
            Ok((text, end, head))
        });
        let (text, end, head) = match appended {
            Ok(appended) => appended,
            Err(error) => return self.fail(path, &error.into()),
        };
        if text.is_empty() {
            let progress = Progress::ReadTo { offset: end, format: known, head, has_more: false };
            return Pending { progress, committed: None };
        }
        let origin = path.to_string_lossy();
        let Self { source, reader, scratch, unit, .. } = self;
        let counter = Counter::of_appended(&source.intake, &origin, offset);
        let each = |line: ObjectLine<'_, '_>| counter.take_in(unit, scratch, &line);
        let outcome = match known {
            Some(format) => {
                reader.read_lines(&text, format, each);
                Ok(Outcome::Read { format: known, unpacked_bytes: text.len() as u64 })
            }
            None => match skip_by_name(&origin) {
                Some(kind) => Ok(Outcome::Skipped(kind)),
                None => reader.read_stream(text.as_slice(), source.intake.format, each),
            },
        };
        // A full buffer was cut; what is left is there to be read at once.
        let has_more = text.len() >= APPENDED_BYTES_MAX / 2;
        self.finish(arrival, outcome, |format| Progress::ReadTo { offset: end, format, head, has_more })
    }
}

#[cfg(test)]
mod tests;
