//! Rejects, read again with the program and the config of today.
//!
//! A reject that can be read now is counted by the code that counts everything, in a unit that also says which
//! rejects are none any more. The commit removes them in the transaction that counts them, and refuses a unit of
//! which one is gone: so neither a crash nor a second replay counts one twice.
//!
//! A line was received as a reject and is received once more as a record. Counters never go down, and this way
//! what was received stays the sum of what was stored and what was rejected.

use std::cell::Cell;
use std::collections::HashMap;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use weir_enrich::Scratch;
use weir_ingest::s3::{AwsClients, FetchedObject, ObjectBody, ObjectReference, S3Client, read_notification};
use weir_ingest::{ObjectLine, ObjectReader, Outcome};
use weir_ledger::{ObjectId, StoredReject};
use weir_record::{Detected, Format, MessageParser, Timestamp, detect};
use weir_web::{AdminProblem, ProblemKind, ReplayProblem, ReplayRequest, ReplayResult};

use super::account;
use super::backfill::aws_access;
use super::commit::Request;
use super::desk::{Inner, unreadable};
use super::intake::{Counter, Intake};
use super::object_sink::{entry_of, object_id, open_body};
use super::open::BACKFILL;
use super::rejects::is_chosen;
use super::sources::aws_settings;
use super::unit::{Committed, Reach, Unit};
use crate::clock;

/// Lines that are counted together.
const UNIT_LINES_MAX: usize = 1_000;

/// Bytes of lines that are counted together.
const UNIT_BYTES_MAX: usize = 8 << 20;

/// Rejects of which the result says why they stay.
const PROBLEMS_MAX: usize = 100;

/// Rejects that one request can name.
const IDS_MAX: usize = 100_000;

/// With what the origin of a message begins that was given up.
const MESSAGE: &str = "message ";

/// Reads the rejects again that `request` chooses. Runs on a thread that may wait.
///
/// # Errors
///
/// A ledger that cannot be read, or a server that stops.
pub fn run(desk: &Inner, request: &ReplayRequest) -> Result<ReplayResult, AdminProblem> {
    if request.ids.as_ref().is_some_and(|ids| ids.len() > IDS_MAX) {
        let error = format!("more than {IDS_MAX} ids");
        return Err(AdminProblem::new(ProblemKind::BadRequest, error, "name a source or a reason instead"));
    }
    if let Some(text) = &request.text {
        check_text(text, request, desk)?;
    }
    let mut replay = Replay {
        desk,
        runtime: Handle::current(),
        clients: HashMap::new(),
        scratch: Scratch::default(),
        result: ReplayResult::default(),
        pending: None,
    };
    match &request.ids {
        Some(ids) => replay.named(ids, request)?,
        None => replay.all(request)?,
    }
    replay.commit()?;
    Ok(replay.result)
}

/// A replay on its way.
struct Replay<'d> {
    desk: &'d Inner,
    runtime: Handle,
    /// The way to S3 for each source that needed it.
    clients: HashMap<usize, S3Client>,
    scratch: Scratch,
    result: ReplayResult,
    /// Lines that are counted and not yet committed.
    pending: Option<Pending>,
}

/// Lines of one source on their way.
struct Pending {
    source: usize,
    unit: Box<Unit>,
    bytes: usize,
}

impl Replay<'_> {
    fn named(&mut self, ids: &[u64], request: &ReplayRequest) -> Result<(), AdminProblem> {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            let reject = self
                .desk
                .shared
                .ledger
                .read(|ledger| ledger.reject(id))
                .map_err(|error| unreadable(&error))?;
            let is_meant = |reject: &StoredReject| {
                is_chosen(reject, request.source.as_deref(), request.reason.as_deref())
            };
            match (reject.filter(is_meant), request.text.as_deref()) {
                (Some(reject), None) => self.one(id, &reject)?,
                (Some(reject), Some(text)) => self.edited(id, reject, text)?,
                (None, _) => self.stays(id, "there is no such reject; it was replayed, or is too old"),
            }
        }
        Ok(())
    }

    fn all(&mut self, request: &ReplayRequest) -> Result<(), AdminProblem> {
        // Lines of a replayed object may become rejects; those are not for this replay.
        let began_us = clock::now().micros();
        let mut after = 0;
        loop {
            let next = self
                .desk
                .shared
                .ledger
                .read(|ledger| ledger.rejects(after, 1))
                .map_err(|error| unreadable(&error))?;
            let Some((id, reject)) = next.into_iter().next() else { return Ok(()) };
            after = id;
            let is_meant = is_chosen(&reject, request.source.as_deref(), request.reason.as_deref());
            if is_meant && reject.received_at_us < began_us {
                self.one(id, &reject)?;
            }
        }
    }

    fn one(&mut self, id: u64, reject: &StoredReject) -> Result<(), AdminProblem> {
        if self.desk.is_stopping() {
            return Err(stopping());
        }
        let Some(source) = self.desk.find(&reject.source) else {
            let name = &reject.source;
            self.stays(id, format!("the config has no source `{name}` any more; add it, if only for this"));
            return Ok(());
        };
        if reject.line > 0 {
            return self.line(id, reject, source);
        }
        // What is whole stands and falls by itself.
        self.commit()?;
        let mut unit = self.intake(source).unit();
        match self.whole(&mut unit, reject, source) {
            Ok(()) => {
                unit.replayed.push(id);
                self.pending = Some(Pending { source, unit, bytes: 0 });
                self.commit()
            }
            Err(problem) => {
                self.stays(id, problem);
                Ok(())
            }
        }
    }

    /// Reads another text in the place of a line, as if the line had been so.
    fn edited(&mut self, id: u64, reject: StoredReject, text: &str) -> Result<(), AdminProblem> {
        if reject.line == 0 {
            self.stays(id, "cannot be edited: it is a whole object or message, and no line");
            return Ok(());
        }
        let has_lines = |bytes: &[u8]| bytes.contains(&b'\n');
        if has_lines(text.as_bytes()) && !has_lines(&reject.bytes) {
            self.stays(id, "the text has several lines and the reject had one");
            return Ok(());
        }
        self.one(id, &StoredReject { bytes: text.as_bytes().to_vec(), is_cut: false, ..reject })
    }

    fn line(&mut self, id: u64, reject: &StoredReject, source: usize) -> Result<(), AdminProblem> {
        let is_full = |pending: &Pending| {
            pending.source != source
                || pending.unit.replayed.len() >= UNIT_LINES_MAX
                || pending.bytes >= UNIT_BYTES_MAX
        };
        if self.pending.as_ref().is_some_and(is_full) {
            self.commit()?;
        }
        let intake = self.intake(source);
        let pending = self.pending.get_or_insert_with(|| Pending { source, unit: intake.unit(), bytes: 0 });
        match count_line(&intake, reject, &mut pending.unit, &mut self.scratch) {
            Ok(()) => {
                pending.unit.replayed.push(id);
                pending.unit.account.replayed += 1;
                pending.bytes += reject.bytes.len();
            }
            Err(problem) => self.stays(id, problem),
        }
        Ok(())
    }

    /// Counts a whole object, or the objects of a message.
    fn whole(&mut self, unit: &mut Unit, reject: &StoredReject, source: usize) -> Result<(), String> {
        if reject.origin.starts_with(MESSAGE) {
            let notification = read_notification(&reject.bytes).map_err(|error| error.to_string())?;
            if let Some(error) = notification.errors.first() {
                return Err(error.to_string());
            }
            return notification.objects.iter().try_for_each(|object| self.fetched(unit, object, source));
        }
        let Some(reference) = reference(&reject.origin) else {
            return Err("cannot be replayed: nothing tells which object it was".to_owned());
        };
        if !reject.is_cut {
            let body = ObjectBody::Whole(reject.bytes.clone().into());
            return self.count_object(unit, &reference, body, source).map(drop);
        }
        if &*reject.reason == "object_changed" {
            return Err("cannot be replayed: the object was too large to be kept".to_owned());
        }
        self.fetched(unit, &reference, source)
    }

    /// Counts an object that is still in its bucket, unless it was counted meanwhile.
    fn fetched(&mut self, unit: &mut Unit, object: &ObjectReference, source: usize) -> Result<(), String> {
        let id = object_id(object);
        let is_in_unit = unit.objects.iter().any(|(known, _)| *known == id);
        if is_in_unit || self.is_counted(id)? {
            return Ok(());
        }
        let client = self.client(source);
        let fetched = self.runtime.block_on(client.get(object)).map_err(|error| error.to_string())?;
        let FetchedObject { reference, etag, size, body } = fetched;
        let text_hash = self.count_object(unit, &reference, body, source)?;
        let entry = entry_of(etag.as_deref().unwrap_or_default(), size.unwrap_or(0), text_hash);
        unit.objects.push((id, entry));
        Ok(())
    }

    fn is_counted(&self, id: ObjectId) -> Result<bool, String> {
        let entry = self.desk.shared.ledger.read(|ledger| ledger.object(id));
        entry.map(|entry| entry.is_some()).map_err(|error| error.to_string())
    }

    fn count_object(
        &mut self,
        unit: &mut Unit,
        object: &ObjectReference,
        body: ObjectBody,
        source: usize,
    ) -> Result<u128, String> {
        let intake = self.intake(source);
        let origin = object.url();
        let counter = Counter::new(&intake, &origin);
        let mut reader = ObjectReader::with_text_hash(intake.limits);
        let scratch = &mut self.scratch;
        let open = || open_body(body, &self.runtime);
        let read = reader.read_named(&object.key, open, intake.format, |line| {
            counter.take_in(unit, scratch, &line);
        });
        match read.map_err(|error| intake.keeping.redaction.error_text(&error))? {
            Outcome::Read { .. } => unit.account.objects += 1,
            Outcome::Skipped(kind) => account::count(&mut unit.account.skipped, kind.label()),
        }
        Ok(reader.text_hash())
    }

    /// Makes what is pending durable.
    fn commit(&mut self) -> Result<(), AdminProblem> {
        let Some(Pending { mut unit, .. }) = self.pending.take() else { return Ok(()) };
        if unit.replayed.is_empty() {
            return Ok(());
        }
        let (ids, records) = (unit.replayed.clone(), unit.account.stored());
        let (done, is_done) = oneshot::channel();
        unit.waiting.push(done);
        unit.seal().map_err(|error| {
            let hint = "nothing was replayed of these; try again when the disk works";
            AdminProblem::new(ProblemKind::Failed, error.to_string(), hint)
        })?;
        self.desk.shared.commits.send(Request::Unit(unit, None)).map_err(|_| stopping())?;
        match is_done.blocking_recv().unwrap_or(Committed::Stopping) {
            Committed::Done => {
                self.result.replayed += ids.len() as u64;
                self.result.records += records;
            }
            Committed::Known => {
                for id in ids {
                    self.stays(
                        id,
                        "something else changed it meanwhile; replay it again if it is still there",
                    );
                }
            }
            Committed::Stopping => return Err(stopping()),
        }
        Ok(())
    }

    fn stays(&mut self, id: u64, error: impl Into<String>) {
        self.result.still_rejected += 1;
        if self.result.problems.len() < PROBLEMS_MAX {
            self.result.problems.push(ReplayProblem { id, error: error.into() });
        } else {
            self.result.problems_left_out += 1;
        }
    }

    /// How the source's lines are counted; those of backfills are history.
    fn intake(&self, source: usize) -> Intake {
        let mut intake = self.desk.intakes[source].clone();
        let is_history = self.desk.sources[source].name == BACKFILL;
        intake.reach = if is_history { Reach::Minutes } else { Reach::Everything };
        intake
    }

    fn client(&mut self, source: usize) -> S3Client {
        let settings = aws_settings(&aws_access(&self.desk.sources[source]));
        let runtime = &self.runtime;
        let load = || runtime.block_on(AwsClients::load(&settings)).s3();
        self.clients.entry(source).or_insert_with(load).clone()
    }
}

/// Whether a text can take the place of what a request names.
fn check_text(text: &str, request: &ReplayRequest, desk: &Inner) -> Result<(), AdminProblem> {
    let is_one = request.ids.as_ref().is_some_and(|ids| ids.len() == 1);
    if !is_one {
        let hint = "send {\"ids\": [7], \"text\": \"...\"}";
        return Err(AdminProblem::new(ProblemKind::BadRequest, "`text` is for exactly one id", hint));
    }
    let bytes_max = desk.intakes.first().map_or(usize::MAX, |intake| intake.limits.line_bytes);
    if text.len() > bytes_max {
        let error = format!("`text` has {} bytes, and a line at most {bytes_max}", text.len());
        return Err(AdminProblem::new(ProblemKind::BadRequest, error, "see limits.line_bytes"));
    }
    Ok(())
}

/// Counts a line in `unit`, or says why it still is a reject.
fn count_line(
    intake: &Intake,
    reject: &StoredReject,
    unit: &mut Unit,
    scratch: &mut Scratch,
) -> Result<(), String> {
    if reject.is_cut {
        return Err("cannot be replayed: the line was too long to be kept".to_owned());
    }
    let format = match reject.format.and_then(Format::from_number).or(intake.format) {
        Some(format) => format,
        None => detected(&reject.bytes).ok_or("the line is of no known format")?,
    };
    let received_at = Timestamp::from_micros(reject.received_at_us);
    let counter = Counter::new(intake, &reject.origin);
    let problem = Cell::new(Some("the line is empty".to_owned()));
    let mut parser = MessageParser::new(format, &intake.inner_formats, intake.limits.line_bytes);
    parser.parse(&reject.bytes, received_at, |line| match line.outcome {
        Ok(_) => {
            counter.take_in(unit, scratch, &ObjectLine::Line(line));
            problem.set(None);
        }
        Err(why) => problem.set(Some(why.to_string())),
    });
    problem.into_inner().map_or(Ok(()), Err)
}

fn detected(line: &[u8]) -> Option<Format> {
    match detect(line) {
        Detected::Format(format) => Some(format),
        Detected::Skip(_) | Detected::Unknown => None,
    }
}

/// The object that a reject came from; `None` where the key may be one that was cut: rejects had such once.
pub fn reference(origin: &str) -> Option<ObjectReference> {
    let (bucket, key) = origin.strip_prefix("s3://")?.split_once('/')?;
    let is_whole = !origin.ends_with("...") && !origin.contains(char::REPLACEMENT_CHARACTER);
    is_whole.then(|| ObjectReference::new(bucket, key))
}

fn stopping() -> AdminProblem {
    AdminProblem::new(
        ProblemKind::Stopping,
        "the server stops",
        "ask again: what was replayed is none any more",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_known_by_its_origin_unless_that_was_cut() {
        for (origin, expected) in [
            ("s3://logs/a/b.gz", Some(("logs", "a/b.gz"))),
            ("s3://logs/a...", None),
            ("s3://logs/a\u{fffd}b", None),
            ("s3://logs", None),
            ("/var/log/a", None),
        ] {
            let expected = expected.map(|(bucket, key)| ObjectReference::new(bucket, key));
            assert_eq!(reference(origin), expected, "{origin}");
        }
    }
}
