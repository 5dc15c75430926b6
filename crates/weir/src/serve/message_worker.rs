//! The thread that counts the messages of one source.
//!
//! What somebody waits for is committed as soon as nothing more is there: while a commit is on its way to the disk
//! the next messages gather by themselves. What nobody waits for gathers for half a second. A batch with an identity
//! is a unit of its own, since units stand or fall whole with what they are known by.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use weir_enrich::Scratch;
use weir_ingest::{Delivery, Message, MessageBatch, RejectedMessage};
use weir_ledger::{Ledger, ObjectId};
use weir_record::{Format, MessageParser};

use super::commit::{Commits, Request};
use super::intake::{Counter, Intake};
use super::message_sink::{Completeness, Job};
use super::object_sink::entry_of;
use super::unit::{Committed, Unit};
use super::units_away::UnitsAway;
use super::work_queue::{Next, WorkQueue};
use crate::clock;

/// How long messages for which nobody waits gather before they are committed. With the commit itself that keeps the
/// promise of a second, and half of it is what a crash can take of UDP at the least.
const UNIT_AGE_MAX: Duration = Duration::from_millis(500);

/// A unit is handed over when its messages had this many bytes.
const UNIT_BYTES_MAX: usize = 8 << 20;

/// How often an idle source says up to when it is complete.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);

/// Messages of one batch whose rejection is told to who sent them.
const REJECTED_TOLD_MAX: usize = 100_000;

/// What becomes of a batch once its unit is on the disk.
struct Waiting {
    done: oneshot::Sender<Delivery>,
    rejected: Vec<RejectedMessage>,
}

impl Waiting {
    fn tell(self, committed: Committed) {
        let delivery = match committed {
            Committed::Done => Delivery::Durable(self.rejected),
            Committed::Known => Delivery::Known,
            Committed::Stopping => Delivery::Stopping,
        };
        // Who has gone away meanwhile needs no answer.
        let _ = self.done.send(delivery);
    }
}

/// Counts messages.
pub struct MessageWorker {
    intake: Intake,
    ledger: Arc<Ledger>,
    commits: Commits,
    jobs: Arc<WorkQueue<Job>>,
    completeness: Completeness,
    runtime: tokio::runtime::Handle,
    parsers: Vec<(Format, MessageParser)>,
    scratch: Scratch,
    unit: Box<Unit>,
    /// The batches that are in the unit, to be counted again where it cannot be sealed.
    batches: Vec<MessageBatch>,
    waiting: Vec<Waiting>,
    unit_bytes: usize,
    unit_began: Option<Instant>,
    units_away: UnitsAway,
}

impl MessageWorker {
    /// A worker for the queue `jobs`; made within the async runtime.
    pub fn new(
        intake: Intake,
        ledger: Arc<Ledger>,
        commits: Commits,
        jobs: Arc<WorkQueue<Job>>,
        completeness: Completeness,
    ) -> Self {
        let unit = intake.unit();
        Self {
            intake,
            ledger,
            commits,
            jobs,
            completeness,
            runtime: tokio::runtime::Handle::current(),
            parsers: Vec::new(),
            scratch: Scratch::default(),
            unit,
            batches: Vec::new(),
            waiting: Vec::new(),
            unit_bytes: 0,
            unit_began: None,
            units_away: UnitsAway::new(),
        }
    }

    /// Counts until the queue is closed and empty.
    pub fn run(mut self) {
        let mut told_at = clock::monotonic();
        loop {
            let wait = match self.unit_began {
                Some(_) if !self.waiting.is_empty() => Duration::ZERO,
                Some(began) => UNIT_AGE_MAX.saturating_sub(began.elapsed()),
                None => IDLE_INTERVAL,
            };
            match self.jobs.next(Some(wait)) {
                Next::Item(job) => self.take(job),
                Next::Nothing => {
                    self.hand_over();
                    if self.completeness == Completeness::WhenIdle && told_at.elapsed() >= IDLE_INTERVAL {
                        told_at = clock::monotonic();
                        let note = self.intake.state.caught_up(&self.intake.source, clock::now());
                        self.commits.try_send(Request::Note(Arc::clone(&self.intake.source), note));
                    }
                }
                Next::Closed => return self.hand_over(),
            }
            let is_old = self.unit_began.is_some_and(|began| began.elapsed() >= UNIT_AGE_MAX);
            if is_old || self.unit_bytes >= UNIT_BYTES_MAX {
                self.hand_over();
            }
        }
    }

    fn take(&mut self, job: Job) {
        let Job { batch, done, .. } = job;
        let identity = batch.identity.map(ObjectId);
        if let Some(id) = identity {
            self.hand_over();
            let is_known = self.ledger.read(|ledger| ledger.object(id)).is_ok_and(|entry| entry.is_some());
            if is_known {
                self.unit.account.duplicates += 1;
                self.unit.forgotten_objects.extend(batch.forget.into_iter().map(ObjectId));
                self.hand_over();
                // Nobody listens any more where the source has ended.
                done.map(|done| done.send(Delivery::Known));
                return;
            }
        }
        self.unit_began.get_or_insert_with(clock::monotonic);
        let rejected = self.count(&batch);
        self.unit_bytes += batch.memory_bytes();
        self.batches.push(batch);
        self.waiting.extend(done.map(|done| Waiting { done, rejected }));
        if identity.is_some() {
            self.hand_over();
        }
    }

    /// Counts the messages of a batch; gives those that are rejects.
    fn count(&mut self, batch: &MessageBatch) -> Vec<RejectedMessage> {
        let Self { intake, parsers, scratch, unit, .. } = self;
        let mut rejected = Vec::new();
        let counter = Counter::of_messages(intake, batch.received_at);
        for (index, message) in batch.messages.iter().enumerate() {
            let counter = counter.for_origin(&message.origin);
            let parser = parser_for(parsers, intake, message);
            parser.parse(&message.bytes, batch.received_at, |line| {
                if let Err(why) = line.outcome
                    && rejected.len() < REJECTED_TOLD_MAX
                {
                    rejected.push(RejectedMessage {
                        index,
                        reason: why.reason.label(),
                        text: why.to_string(),
                    });
                }
                counter.take_in_message(unit, scratch, line, &message.fields);
            });
        }
        for (cause, messages) in &batch.dropped {
            unit.account.drop_messages(cause, *messages);
        }
        unit.objects.extend(batch.identity.map(|id| (ObjectId(id), entry_of("", 0, 0))));
        unit.forgotten_objects.extend(batch.forget.iter().copied().map(ObjectId));
        rejected
    }

    /// Sends the unit to the commit thread, and goes on with another.
    fn hand_over(&mut self) {
        self.unit_began = None;
        self.unit_bytes = 0;
        if self.unit.is_empty() {
            self.batches.clear();
            // Empty batches are on the disk as they are.
            self.waiting.drain(..).for_each(|waiting| waiting.tell(Committed::Done));
            return;
        }
        while !self.intake.seal(&mut self.unit) {
            // The disk is full. Records that were sealed in part are lost, but not what they were made of.
            self.intake.clear(&mut self.unit);
            let batches = std::mem::take(&mut self.batches);
            for batch in &batches {
                self.count(batch);
            }
            self.batches = batches;
            if self.jobs.is_closed() {
                self.intake.clear(&mut self.unit);
                self.batches.clear();
                self.waiting.drain(..).for_each(|waiting| waiting.tell(Committed::Stopping));
                return;
            }
        }
        self.batches.clear();
        let mut unit = self.units_away.exchange(&mut self.unit, &self.intake);
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            let (done, is_done) = oneshot::channel();
            unit.waiting.push(done);
            self.runtime.spawn(tell(waiting, is_done));
        }
        // Who waits learns of the end from the unit, which is gone then.
        let _ = self.units_away.send(unit, &self.commits);
    }
}

/// Tells who waits what became of a unit.
async fn tell(waiting: Vec<Waiting>, is_done: oneshot::Receiver<Committed>) {
    let committed = is_done.await.unwrap_or(Committed::Stopping);
    waiting.into_iter().for_each(|waiting| waiting.tell(committed));
}

/// The parser of a message: one for each format that the source has seen.
fn parser_for<'p>(
    parsers: &'p mut Vec<(Format, MessageParser)>,
    intake: &Intake,
    message: &Message,
) -> &'p mut MessageParser {
    let format = message.format.or(intake.format).unwrap_or(Format::Ndjson);
    let index = match parsers.iter().position(|(known, _)| *known == format) {
        Some(index) => index,
        None => {
            let parser = MessageParser::new(format, &intake.inner_formats, intake.limits.line_bytes);
            parsers.push((format, parser));
            parsers.len() - 1
        }
    };
    &mut parsers[index].1
}
