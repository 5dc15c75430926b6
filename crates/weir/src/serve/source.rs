//! One source of the server: watches its files, reads what arrives, commits it.
//!
//! The loop asks, reads everything that is there, and only then says up to when the source is complete. So a
//! backlog that is being read never makes minutes complete that are still in it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use weir_enrich::{Enricher, Scratch};
use weir_ingest::{
    Arrival, ObjectError, ObjectKey, ObjectLine, ObjectReader, Outcome, Part, ReadLimits, Watch,
    available_threads, for_each_object, read_appended,
};
use weir_meter::{Meter, MeterOptions, SlotRange};
use weir_record::{Format, Reject, Timestamp, skip_by_name};

use super::state::{Batch, State};
use crate::clock;
use crate::output::harmless;
use crate::tally::counting;

/// How often files are looked for.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The most that is read of a growing file at a time.
const APPENDED_BYTES_MAX: usize = 8 << 20;

/// A source, ready to run.
pub struct FileSource {
    /// Its name in the config.
    pub name: Arc<str>,
    /// Files, folders and patterns.
    pub paths: Vec<String>,
    /// The format of its lines; `None` is told by the content.
    pub format: Option<Format>,
    /// Names services and routes.
    pub enricher: Arc<Enricher>,
    /// What to count.
    pub options: MeterOptions,
    /// Bounds on input.
    pub limits: ReadLimits,
    /// Where to.
    pub state: Arc<State>,
}

/// How far an arrival was read.
enum Progress {
    Counted,
    ReadTo { offset: u64, format: Option<Format>, has_more: bool },
    Failed { is_unreadable: bool },
}

impl FileSource {
    /// Reads what arrives until `stop` says so; a file under way is read to its end first.
    pub fn run(self, stop: &watch::Receiver<bool>, wait: impl Fn(Duration) -> bool) {
        let mut watch = Watch::new(self.paths.clone());
        let mut reported = String::new();
        let mut is_first_poll = true;
        while !*stop.borrow() {
            let now = clock::now();
            #[expect(clippy::disallowed_methods, reason = "a file's age is told by the clock that dated it")]
            let found = watch.poll(SystemTime::now());
            if is_first_poll && found.files == 0 {
                let paths = self.paths.join(", ");
                tracing::warn!(source = &*self.name, paths, "no file matches yet");
            }
            is_first_poll = false;
            let errors: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            // Said once, not at every poll.
            if reported != errors.join("; ") {
                reported = errors.join("; ");
                if !reported.is_empty() {
                    tracing::error!(source = &*self.name, error = reported, "cannot look for files");
                }
            }
            let has_more = self.read_all(&mut watch, &found.arrivals, stop);
            let is_everything_seen = errors.is_empty() && found.files > 0 && found.settling == 0;
            if is_everything_seen && !has_more && watch.unreadable() == 0 && !*stop.borrow() {
                // What arrived while this was read may belong to minutes before the reading.
                self.state.with_source(&self.name, |source| source.caught_up(now));
            }
            self.state.purge(now);
            if !has_more && wait(POLL_INTERVAL) {
                return;
            }
        }
    }

    /// Reads all arrivals on all cores; says whether there is more to read at once.
    fn read_all(&self, watch: &mut Watch, arrivals: &[Arrival], stop: &watch::Receiver<bool>) -> bool {
        let new_worker = || (Worker::new(self), Vec::new());
        let size = |arrival: &Arrival| arrival.path.metadata().map_or(0, |metadata| metadata.len());
        let workers =
            for_each_object(arrivals, available_threads(), size, new_worker, |(worker, done), arrival| {
                if !*stop.borrow() {
                    done.push((arrival, worker.read(arrival)));
                }
            });
        let mut is_more_left = false;
        for (arrival, progress) in workers.into_iter().flat_map(|(_, done)| done) {
            match progress {
                Progress::Counted => watch.counted(arrival),
                Progress::ReadTo { offset, format, has_more } => {
                    is_more_left |= has_more;
                    watch.read_to(arrival, offset, format);
                }
                Progress::Failed { is_unreadable } => watch.failed(arrival, is_unreadable),
            }
        }
        is_more_left
    }
}

/// One thread's buffers.
struct Worker<'s> {
    source: &'s FileSource,
    reader: ObjectReader,
    scratch: Scratch,
    batch: Batch,
}

impl<'s> Worker<'s> {
    fn new(source: &'s FileSource) -> Self {
        let batch = Batch {
            meter: Meter::with_slots(source.options, SlotRange::at(clock::now())),
            received: 0,
            rejected: BTreeMap::new(),
            late: 0,
            last_record: None,
        };
        Self { source, reader: ObjectReader::new(source.limits), scratch: Scratch::default(), batch }
    }

    fn read(&mut self, arrival: &Arrival) -> Progress {
        self.batch.clear();
        match arrival.part {
            Part::Whole => self.read_whole(arrival),
            Part::From(offset) => self.read_appended(arrival, offset),
        }
    }

    fn read_whole(&mut self, arrival: &Arrival) -> Progress {
        let path = &arrival.path;
        let complete_to = self.source.state.complete_to(&self.source.name);
        let Self { source, reader, scratch, batch } = self;
        let each = |line: ObjectLine<'_, '_>| take_in(source, scratch, batch, complete_to, &line);
        let outcome = reader.read_opened(|| arrival.open(), path, source.format, each);
        self.finish(path, outcome)
    }

    fn finish(&self, path: &Path, outcome: Result<Outcome, ObjectError>) -> Progress {
        let now = clock::now();
        let source = self.source;
        let name = &source.name;
        match outcome {
            Ok(Outcome::Read { .. }) => {
                source.state.commit(name, &self.batch, now);
                if let Some(key) = ObjectKey::parse(&path.to_string_lossy()) {
                    source.state.with_source(name, |account| {
                        account.observe_interval(&key.node, key.interval_end, now);
                    });
                }
                Progress::Counted
            }
            Ok(Outcome::Skipped(kind)) => {
                source.state.with_source(name, |account| *account.skipped.entry(kind).or_default() += 1);
                Progress::Counted
            }
            Err(error) => {
                source
                    .state
                    .with_source(name, |account| *account.failed.entry(error.label()).or_default() += 1);
                let is_unreadable = matches!(error, ObjectError::Io(_));
                let (path, error) = (harmless(&path.to_string_lossy()), harmless(&error.to_string()));
                tracing::error!(source = &**name, path, error, "a file was not counted");
                Progress::Failed { is_unreadable }
            }
        }
    }

    /// Reads what was appended to a plain file. Its format is told once, by the first lines that tell it;
    /// from then on lines that are none are rejects.
    fn read_appended(&mut self, arrival: &Arrival, offset: u64) -> Progress {
        let (path, known) = (&arrival.path, arrival.format);
        let bytes_max = APPENDED_BYTES_MAX.max(self.source.limits.line_bytes + 1);
        let appended = arrival.open().and_then(|file| read_appended(file, offset, bytes_max));
        let (text, end) = match appended {
            Ok(appended) => appended,
            Err(error) => return self.finish(path, Err(error.into())),
        };
        if text.is_empty() {
            return Progress::ReadTo { offset: end, format: known, has_more: false };
        }
        let complete_to = self.source.state.complete_to(&self.source.name);
        let Self { source, reader, scratch, batch } = self;
        let each = |line: ObjectLine<'_, '_>| take_in(source, scratch, batch, complete_to, &line);
        let outcome = match known {
            Some(format) => {
                reader.read_lines(&text, format, each);
                Ok(Outcome::Read { format: known, unpacked_bytes: text.len() as u64 })
            }
            None => match skip_by_name(&path.to_string_lossy()) {
                Some(kind) => Ok(Outcome::Skipped(kind)),
                None => reader.read_stream(text.as_slice(), source.format, each),
            },
        };
        let format = match &outcome {
            Ok(Outcome::Read { format, .. }) => *format,
            Ok(Outcome::Skipped(_)) | Err(_) => None,
        };
        // A full buffer was cut; what is left is there to be read at once.
        let has_more = text.len() >= APPENDED_BYTES_MAX / 2;
        match self.finish(path, outcome) {
            failed @ Progress::Failed { .. } => failed,
            Progress::Counted | Progress::ReadTo { .. } => Progress::ReadTo { offset: end, format, has_more },
        }
    }
}

/// Counts one line in the batch.
fn take_in(
    source: &FileSource,
    scratch: &mut Scratch,
    batch: &mut Batch,
    complete_to: Option<Timestamp>,
    line: &ObjectLine<'_, '_>,
) {
    batch.received += 1;
    let mut reject = |reject: &Reject| *batch.rejected.entry(reject.reason).or_default() += 1;
    let request = match line {
        ObjectLine::Long(_, why) => return reject(why),
        ObjectLine::Line(line) => match line.outcome {
            Ok(request) => request,
            Err(why) => return reject(why),
        },
    };
    let enriched = source.enricher.enrich(&source.name, request, scratch);
    batch.meter.observe(&counting(request, &enriched), request, Timestamp::default());
    batch.last_record = batch.last_record.max(Some(request.time));
    batch.late += u64::from(complete_to.is_some_and(|complete_to| request.time < complete_to));
}
