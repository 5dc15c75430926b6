//! Objects from buckets, on their way into units.
//!
//! The async side fetches; threads of their own unpack and count, one per core. An object is claimed while it
//! is on its way, so that two messages about one object, which S3 may send, never count it in two units at
//! once. Whether it was counted before is asked of the ledger when it is claimed, and once more in the commit.

use std::collections::HashSet;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use weir_enrich::Scratch;
use weir_ingest::s3::{
    FetchedObject, GivenUp, GivenUpContent, ObjectBody, ObjectReference, ObjectSink, Taken, Unavailable,
};
use weir_ingest::{ObjectError, ObjectReader, Outcome};
use weir_ledger::{Ledger, ObjectEntry, ObjectId};
use weir_record::NotAccessLog;

use super::account::{self, Account};
use super::commit::{Commits, Request};
use super::intake::{Counter, Intake};
use super::unit::{Committed, Unit};
use super::units_away::UnitsAway;
use super::work_queue::{Next, WorkQueue};
use crate::clock;
use crate::output::harmless;

/// A unit is handed over when this long has passed since its first object: the group commit.
const UNIT_AGE_MAX: Duration = Duration::from_secs(1);

/// A unit is handed over when no object has come for this long.
const UNIT_IDLE_MAX: Duration = Duration::from_millis(100);

/// A unit is handed over when its objects had this many packed bytes.
const UNIT_BYTES_MAX: u64 = 8 << 20;

/// A unit is handed over when it has this many objects.
const UNIT_OBJECTS_MAX: usize = 2_000;

/// The largest object whose bytes are kept where its content has changed.
const CHANGED_BYTES_MAX: usize = 16 << 20;

/// The way of objects into the counts of one source.
pub struct CountingSink {
    intake: Intake,
    ledger: Arc<Ledger>,
    commits: Commits,
    jobs: Arc<WorkQueue<Job>>,
    claims: Mutex<HashSet<ObjectId>>,
    released: Notify,
    /// What there is to say and was no room for yet.
    unsaid: Mutex<Account>,
    runtime: Handle,
    /// Lines that it has counted, durably.
    lines: Arc<Mutex<CountedLines>>,
}

/// Lines that a sink has counted since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CountedLines {
    /// Lines that are records.
    pub records: u64,
    /// Lines that are none.
    pub rejects: u64,
}

struct Job {
    object: FetchedObject,
    id: ObjectId,
    done: oneshot::Sender<Taken>,
}

/// The identity of an object: its bucket and key.
pub fn object_id(object: &ObjectReference) -> ObjectId {
    ObjectId::of(&["s3", &object.bucket, &object.key])
}

/// The identity of content that was put aside, so that it is put aside once.
fn aside_id(object: &ObjectReference, etag: &str) -> ObjectId {
    ObjectId::of(&["s3 aside", &object.bucket, &object.key, etag])
}

impl CountingSink {
    /// A sink and the threads that count for it; they end when the sink is closed.
    ///
    /// # Errors
    ///
    /// When a thread cannot be started.
    pub fn start(
        intake: Intake,
        ledger: Arc<Ledger>,
        commits: Commits,
        threads: usize,
    ) -> std::io::Result<(Arc<Self>, Vec<std::thread::JoinHandle<()>>)> {
        let jobs = Arc::new(WorkQueue::new());
        let sink = Arc::new(Self {
            intake,
            ledger,
            commits,
            jobs,
            claims: Mutex::default(),
            released: Notify::new(),
            unsaid: Mutex::default(),
            runtime: Handle::current(),
            lines: Arc::default(),
        });
        let spawn = |number: usize| {
            let sink = Arc::clone(&sink);
            let name = format!("{} {number}", sink.intake.source);
            std::thread::Builder::new().name(name).spawn(move || Worker::new(&sink).run())
        };
        let workers = (0..threads).map(spawn).collect::<std::io::Result<Vec<_>>>()?;
        Ok((sink, workers))
    }

    /// Takes nothing more; the threads end when they have counted what they have.
    pub fn close(&self) {
        self.jobs.close();
    }

    /// Lines that it has counted, durably.
    pub fn lines(&self) -> CountedLines {
        *self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nobody else works on the object, and claims it until the claim is dropped.
    async fn claim(&self, id: ObjectId) -> Claim<'_> {
        loop {
            let released = self.released.notified();
            if self.claims.lock().unwrap_or_else(PoisonError::into_inner).insert(id) {
                return Claim { sink: self, id };
            }
            released.await;
        }
    }

    /// What the ledger has of an object.
    fn entry(&self, id: ObjectId) -> Option<ObjectEntry> {
        // What cannot be read now is asked again by the commit, which waits until it can.
        self.ledger.read(|ledger| ledger.object(id)).ok().flatten()
    }

    /// Says something that changes no count: now, or when there is room for it.
    ///
    /// The async side must not wait for a full disk, and what it could not say must not be forgotten either.
    fn say(&self, change: impl FnOnce(&mut Account)) {
        let mut unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut unsaid);
        if self.commits.try_send(Request::Note(Arc::clone(&self.intake.source), unsaid.clone())) {
            *unsaid = Account::default();
        }
    }

    /// Says what there was no room for; from a thread that may wait.
    fn say_the_rest(&self) {
        let unsaid = std::mem::take(&mut *self.unsaid.lock().unwrap_or_else(PoisonError::into_inner));
        if unsaid != Account::default() {
            // An error says that the server stops; numbers about tries end with it.
            let _ = self.commits.send(Request::Note(Arc::clone(&self.intake.source), unsaid));
        }
    }

    async fn keep(&self, unit: Box<Unit>) -> bool {
        let (done, is_done) = oneshot::channel();
        let mut unit = unit;
        unit.waiting.push(done);
        let is_sent = self.commits.send_async(Request::Unit(unit, None)).await.is_ok();
        is_sent && matches!(is_done.await, Ok(Committed::Done | Committed::Known))
    }
}

struct Claim<'s> {
    sink: &'s CountingSink,
    id: ObjectId,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.sink.claims.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
        self.sink.released.notify_waiters();
    }
}

impl ObjectSink for CountingSink {
    fn is_known(&self, object: &ObjectReference) -> bool {
        let Some(etag) = &object.etag else { return false };
        let is_counted = self.entry(object_id(object)).is_some_and(|entry| *entry.etag == **etag);
        is_counted || self.entry(aside_id(object, etag)).is_some()
    }

    async fn take(&self, object: FetchedObject) -> Taken {
        let id = object_id(&object.reference);
        let _claim = self.claim(id).await;
        let is_known =
            self.is_known(&ObjectReference { etag: object.etag.clone(), ..object.reference.clone() });
        if is_known {
            self.duplicate();
            return Taken::Duplicate;
        }
        let (done, is_done) = oneshot::channel();
        if self.jobs.put(Job { object, id, done }).is_err() {
            return Taken::Stopping;
        }
        is_done.await.unwrap_or(Taken::Stopping)
    }

    async fn give_up(&self, what: GivenUp) -> Result<(), Unavailable> {
        let mut unit = self.intake.unit();
        let GivenUp { content, label, reason, is_content_at_fault } = what;
        let (origin, bytes, id) = match &content {
            GivenUpContent::Message { id, body } => {
                (format!("message {id}"), body.as_bytes().to_vec(), Some(ObjectId::of(&["message", id])))
            }
            GivenUpContent::Object(object) => {
                // What was only out of reach counts when it comes again, and what nobody has seen has no identity.
                let etag = object.etag.as_deref().filter(|_| is_content_at_fault);
                (object.url(), Vec::new(), etag.map(|etag| aside_id(object, etag)))
            }
        };
        let shown = harmless(&origin);
        tracing::error!(source = &*self.intake.source, origin = shown, reason, "given up; kept as a reject");
        account::count(&mut unit.account.given_up, label);
        unit.keep(self.intake.whole_reject(&origin, label, bytes));
        unit.objects.extend(id.map(|id| (id, entry_of("", 0, 0))));
        if self.keep(unit).await { Ok(()) } else { Err(Unavailable) }
    }

    fn failed(&self, label: &'static str) {
        self.say(|note| account::count(&mut note.failed, label));
    }

    fn duplicate(&self) {
        self.say(|note| note.duplicates += 1);
    }

    fn skipped(&self, kind: NotAccessLog) {
        self.say(|note| account::count(&mut note.skipped, kind.label()));
    }

    fn caught_up(&self, at: SystemTime) {
        let caught_up = self.intake.state.caught_up(&self.intake.source, clock::timestamp(at));
        self.say(|note| note.merge(&caught_up));
    }
}

/// What the ledger keeps of an object that is counted now.
pub fn entry_of(etag: &str, size: u64, text_hash: u128) -> ObjectEntry {
    ObjectEntry { etag: etag.into(), size, text_hash, committed_at_us: clock::now().micros() }
}

/// One thread that counts.
struct Worker<'s> {
    sink: &'s CountingSink,
    reader: ObjectReader,
    scratch: Scratch,
    unit: Box<Unit>,
    /// What the unit's objects become when it is on the disk.
    waiting: Vec<(oneshot::Sender<Taken>, Taken)>,
    unit_bytes: u64,
    unit_began: Option<Instant>,
    units_away: UnitsAway,
}

impl<'s> Worker<'s> {
    fn new(sink: &'s CountingSink) -> Self {
        Self {
            sink,
            reader: ObjectReader::with_text_hash(sink.intake.limits),
            scratch: Scratch::default(),
            unit: sink.intake.unit(),
            waiting: Vec::new(),
            unit_bytes: 0,
            unit_began: None,
            units_away: UnitsAway::new(),
        }
    }

    fn run(mut self) {
        loop {
            let wait =
                self.unit_began.map(|began| UNIT_IDLE_MAX.min(UNIT_AGE_MAX.saturating_sub(began.elapsed())));
            match self.sink.jobs.next(wait) {
                Next::Item(job) => self.count(job),
                Next::Nothing => self.hand_over(),
                Next::Closed => {
                    self.hand_over();
                    return self.sink.say_the_rest();
                }
            }
            let is_full = self.unit_bytes >= UNIT_BYTES_MAX || self.waiting.len() >= UNIT_OBJECTS_MAX;
            if is_full || self.unit_began.is_some_and(|began| began.elapsed() >= UNIT_AGE_MAX) {
                self.hand_over();
            }
        }
    }

    fn count(&mut self, job: Job) {
        let known = self.sink.entry(job.id);
        if let Some(known) = known {
            return self.compare(job, &known);
        }
        self.unit_began.get_or_insert_with(clock::monotonic);
        let Job { object, id, done } = job;
        let FetchedObject { reference, etag, size, body } = object;
        let (etag, size) = (etag.unwrap_or_default(), size.unwrap_or(0));
        let origin = reference.url();
        let counter = Counter::new(&self.sink.intake, &origin);
        let Self { reader, scratch, unit, .. } = self;
        let has_lines = std::cell::Cell::new(false);
        let open = || open_body(body, &self.sink.runtime);
        let outcome = reader.read_named(&reference.key, open, self.sink.intake.format, |line| {
            has_lines.set(true);
            counter.take_in(unit, scratch, &line);
        });
        let text_hash = self.reader.text_hash();
        let taken = match outcome {
            Ok(Outcome::Read { .. }) => {
                counter.end(&mut self.unit);
                Taken::Counted
            }
            Ok(Outcome::Skipped(kind)) => {
                account::count(&mut self.unit.account.skipped, kind.label());
                Taken::Skipped
            }
            Err(error) => {
                // Lines of it may be in the unit already: then all of its objects are read again.
                if has_lines.get() {
                    self.drop_unit();
                }
                let _ = done.send(self.broken(&error));
                return;
            }
        };
        self.unit.objects.push((id, entry_of(&etag, size, text_hash)));
        self.waiting.push((done, taken));
        self.unit_bytes += size;
    }

    fn broken(&self, error: &ObjectError) -> Taken {
        Taken::Broken { label: error.label(), text: self.sink.intake.keeping.redaction.error_text(error) }
    }

    /// An object of which another content was counted: the same text again, or not.
    fn compare(&mut self, job: Job, known: &ObjectEntry) {
        let Job { object, done, .. } = job;
        let FetchedObject { reference, etag, size, body } = object;
        let (etag, size) = (etag.unwrap_or_default(), size.unwrap_or(0));
        let kept = match &body {
            // Nothing can be taken out of packed bytes.
            _ if !self.sink.intake.keeping.redaction.is_empty() => Vec::new(),
            ObjectBody::Whole(bytes) if bytes.len() <= CHANGED_BYTES_MAX => bytes.to_vec(),
            _ => Vec::new(),
        };
        let open = || open_body(body, &self.sink.runtime);
        let outcome = self.reader.read_named(&reference.key, open, self.sink.intake.format, |_| ());
        if let Err(error) = outcome {
            let _ = done.send(self.broken(&error));
            return;
        }
        let text_hash = self.reader.text_hash();
        self.unit_began.get_or_insert_with(clock::monotonic);
        self.unit.objects.push((aside_id(&reference, &etag), entry_of(&etag, size, text_hash)));
        if text_hash == known.text_hash {
            self.unit.account.duplicates += 1;
            self.waiting.push((done, Taken::Duplicate));
            return;
        }
        tracing::error!(
            source = &*self.sink.intake.source,
            origin = %reference,
            "an object that was counted has other content now; it was not counted again but kept as a reject"
        );
        account::count(&mut self.unit.account.given_up, "object_changed");
        self.unit.keep(self.sink.intake.whole_reject(&reference.url(), "object_changed", kept));
        self.waiting.push((done, Taken::Changed));
    }

    /// Forgets what the unit has; its objects come again.
    fn drop_unit(&mut self) {
        self.sink.intake.clear(&mut self.unit);
        self.waiting.drain(..).for_each(|(done, _)| drop(done.send(Taken::Again)));
        self.unit_bytes = 0;
        self.unit_began = None;
    }

    /// Sends the unit to the commit thread, and goes on with another.
    fn hand_over(&mut self) {
        self.unit_began = None;
        self.unit_bytes = 0;
        self.sink.say_the_rest();
        if self.unit.is_empty() {
            return;
        }
        if !self.sink.intake.seal(&mut self.unit) {
            return self.drop_unit();
        }
        let mut unit = self.units_away.exchange(&mut self.unit, &self.sink.intake);
        let (done, is_done) = oneshot::channel();
        unit.waiting.push(done);
        let waiting = std::mem::take(&mut self.waiting);
        let records = unit.account.stored();
        let lines = CountedLines { records, rejects: unit.account.received - records };
        if self.units_away.send(unit, &self.sink.commits).is_err() {
            return;
        }
        let all_lines = Arc::clone(&self.sink.lines);
        self.sink.runtime.spawn(async move {
            let committed = is_done.await.unwrap_or(Committed::Stopping);
            if committed == Committed::Done {
                let mut all = all_lines.lock().unwrap_or_else(PoisonError::into_inner);
                all.records += lines.records;
                all.rejects += lines.rejects;
            }
            for (done, taken) in waiting {
                let taken = match committed {
                    Committed::Done => taken,
                    // One of them is left out the next time; the others are not to blame.
                    Committed::Known => Taken::Again,
                    Committed::Stopping => Taken::Stopping,
                };
                // A source that has ended does not listen.
                let _ = done.send(taken);
            }
        });
    }
}

/// The bytes of an object, and how many they are, for a thread that may wait.
///
/// # Errors
///
/// None of its own; it is one of the ways to open what [`ObjectReader::read_named`] reads.
pub fn open_body(body: ObjectBody, runtime: &Handle) -> std::io::Result<(Box<dyn Read>, u64)> {
    Ok(match body {
        ObjectBody::Whole(bytes) => {
            let size = bytes.len() as u64;
            (Box::new(std::io::Cursor::new(bytes)), size)
        }
        ObjectBody::Stream(stream) => {
            let size = stream.expected_bytes().unwrap_or(u64::MAX);
            (Box::new(stream.into_read(runtime.clone())), size)
        }
    })
}

#[cfg(test)]
mod tests;
