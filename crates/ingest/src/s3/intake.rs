//! From a reference to a counted object, within bounds: what a queue and a listing have in common.
//!
//! Bounds are on fetches, since a server slows down under too many, and on bytes, since objects wait in memory for
//! the commit that makes them durable; a bound on objects alone would be too tight for small ones and too wide for
//! large ones. The outcome says how a failure is to be paced, so that both sources judge alike.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use weir_record::{NotAccessLog, skip_by_name};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::client::{FetchedObject, S3Client, WHOLE_BYTES_MAX};
use super::fetch_error::FetchError;
use super::listing_pass::pause;
use super::object_body::ObjectBody;
use super::object_reference::ObjectReference;
use super::outage::{Outage, Reminder};
use super::retry_pace::AGAIN_PACE;
use super::sink::{GivenUp, GivenUpContent, ObjectSink, Taken, Unavailable};

/// Requests for objects at once. One connection carries about 20 small objects a second.
const FETCHES_MAX: usize = 16;

/// Bodies in memory, in bytes, from before they are fetched until they are counted.
const BODY_BYTES_MAX: u64 = 64 << 20;

/// What a streamed body counts for, in bytes: pieces in the network's buffers and the reader's own.
const STREAM_SHARE_BYTES: u64 = 4 << 20;

/// The least an object counts for, in bytes, so that a thousand at most are on their way.
const LEAST_SHARE_BYTES: u64 = 64 << 10;

/// The grain of the budget in bytes, since a semaphore counts in 32 bits.
const GRAIN_BYTES: u64 = 1 << 10;

/// How often an object is brought again at once whose unit fell through. Each time another object was at fault, which
/// is in the next unit only if it is brought again at the same moment.
const AGAIN_TRIES_MAX: u32 = 5;

/// Names that were counted as skipped and are remembered, by a hash of 8 bytes: listings and queues tell of the same
/// object again and again. With more, all are forgotten, and some are counted twice: it is a number for people.
const SKIPPED_NAMES_MAX: usize = 1 << 16;

/// How long one object that cannot be counted keeps its source from being complete. Within an hour a permission is
/// mended or nobody is there to do it; then the other objects matter more. What comes of it later is counted as late.
pub(crate) const HOLD_BACK_MAX: Duration = Duration::from_secs(3600);

/// The same in an outage, of which nothing says that it is about one object only: while nothing can be read, a source
/// is not complete. After a day nobody waits for its minutes any more.
const OUTAGE_HOLD_BACK_MAX: Duration = Duration::from_secs(24 * 3600);

/// Fetches objects and hands them to the sink.
pub(crate) struct Intake<S> {
    pub(crate) sink: Arc<S>,
    pub(crate) client: S3Client,
    /// Whose objects they are, for the log: a queue's address or a bucket.
    source: String,
    fetches: Semaphore,
    budget: Semaphore,
    s3: Outage,
    durability: Outage,
    person_needed: Reminder,
    given_up: Reminder,
    skipped_names: Mutex<HashSet<u64>>,
}

/// What became of an object.
#[derive(Debug)]
pub(crate) enum Dealt {
    /// It needs nothing more.
    Done,
    /// The program stops; nothing happened to it.
    Stopping,
    /// It must be tried again or be given up.
    Failed(Failure),
}

/// Why it was not counted, and how to go on.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) object: ObjectReference,
    pub(crate) label: &'static str,
    pub(crate) text: String,
    pub(crate) pace: FailurePace,
    /// Whether this very content can never be counted; else it was only not there.
    pub(crate) is_content_at_fault: bool,
}

/// How to go on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailurePace {
    /// It is a try: after some the object is given up.
    Try,
    /// A try too, and worth another one soon: the object is being replaced.
    SoonTry,
    /// The object is not at fault and never given up; whatever it is may be over in a minute.
    Outage,
    /// The object is not at fault and never given up; a person must act.
    Person,
    /// Nothing is in trouble and nobody at fault but another object; worth another try soon, which is not counted.
    Again,
}

impl FailurePace {
    /// For how long the source is not complete because of a failure of this kind.
    pub(crate) fn hold_back(self) -> Duration {
        match self {
            Self::Outage => OUTAGE_HOLD_BACK_MAX,
            Self::Try | Self::SoonTry | Self::Person | Self::Again => HOLD_BACK_MAX,
        }
    }
}

impl Failure {
    /// The object, to be kept as what cannot be counted.
    pub(crate) fn given_up(&self) -> GivenUp {
        GivenUp {
            content: GivenUpContent::Object(self.object.clone()),
            label: self.label,
            reason: self.text.clone(),
            is_content_at_fault: self.is_content_at_fault,
        }
    }
}

impl<S: ObjectSink> Intake<S> {
    pub(crate) fn new(sink: Arc<S>, client: S3Client, source: String) -> Self {
        Self {
            sink,
            client,
            source,
            fetches: Semaphore::new(FETCHES_MAX),
            budget: Semaphore::new(grains(BODY_BYTES_MAX) as usize),
            s3: Outage::new("s3"),
            durability: Outage::new("durable storage"),
            person_needed: Reminder::default(),
            given_up: Reminder::default(),
            skipped_names: Mutex::default(),
        }
    }

    /// Whether nothing can be fetched or counted at present, so that more work would only fail too.
    pub(crate) fn is_down(&self) -> bool {
        self.s3.is_down() || self.durability.is_down()
    }

    /// Brings one object to the sink, unless it is known or holds no requests by its name.
    ///
    /// What fails through another object is brought again here, a few times: a queue has no word for it, and a
    /// message that names a broken object and a good one would otherwise be neither done nor given up.
    pub(crate) async fn count(&self, object: ObjectReference, stop: &watch::Receiver<bool>) -> Dealt {
        let mut attempt = 0;
        loop {
            let dealt = self.count_once(object.clone(), stop).await;
            let is_again = matches!(&dealt, Dealt::Failed(failure) if failure.pace == FailurePace::Again);
            if !is_again || attempt + 1 >= AGAIN_TRIES_MAX {
                return dealt;
            }
            if !pause(AGAIN_PACE.pause(attempt, &object.key), stop).await {
                return Dealt::Stopping;
            }
            attempt += 1;
        }
    }

    async fn count_once(&self, object: ObjectReference, stop: &watch::Receiver<bool>) -> Dealt {
        if let Some(kind) = skip_by_name(&object.key) {
            self.skip(&object, kind);
            return Dealt::Done;
        }
        if self.sink.is_known(&object) {
            self.sink.duplicate();
            return Dealt::Done;
        }
        // Neither is ever closed.
        let Ok(_share) = self.budget.acquire_many(share(object.size)).await else {
            return Dealt::Stopping;
        };
        let fetched = {
            let Ok(_fetch) = self.fetches.acquire().await else {
                return Dealt::Stopping;
            };
            if *stop.borrow() {
                return Dealt::Stopping;
            }
            self.client.get(&object).await
        };
        match fetched {
            Ok(fetched) => {
                self.s3.worked(&self.source);
                self.hand_over(object, fetched).await
            }
            Err(error) => Dealt::Failed(self.not_fetched(object, &error)),
        }
    }

    fn skip(&self, object: &ObjectReference, kind: NotAccessLog) {
        let name = xxh3_64_with_seed(object.key.as_bytes(), xxh3_64(object.bucket.as_bytes()));
        let mut names = self.skipped_names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= SKIPPED_NAMES_MAX && !names.contains(&name) {
            names.clear();
        }
        let is_new = names.insert(name);
        drop(names);
        if is_new {
            self.sink.skipped(kind);
        }
    }

    async fn hand_over(&self, mut object: ObjectReference, fetched: FetchedObject) -> Dealt {
        let broken = match &fetched.body {
            ObjectBody::Stream(stream) => Some(stream.broken_flag()),
            ObjectBody::Whole(_) => None,
        };
        let etag = fetched.etag.clone();
        let taken = self.sink.take(fetched).await;
        let is_cut = broken.is_some_and(|flag| flag.load(Ordering::Relaxed));
        let (label, text, pace) = match taken {
            Taken::Counted | Taken::Duplicate | Taken::Changed | Taken::Skipped => {
                self.durability.worked(&self.source);
                return Dealt::Done;
            }
            Taken::Stopping => return Dealt::Stopping,
            Taken::Broken { text, .. } if is_cut => {
                self.s3.failed(&self.source, &text);
                ("object_cut", text, FailurePace::Outage)
            }
            Taken::Broken { label, text } => {
                self.durability.worked(&self.source);
                // What is broken is what was fetched, and not what may be there when it comes again.
                object.etag = etag.or(object.etag);
                (label, text, FailurePace::Try)
            }
            Taken::Again => {
                let text =
                    format!("{object} was not counted because another object broke; it is tried again");
                return Dealt::Failed(Failure {
                    object,
                    label: "not_counted",
                    text,
                    pace: FailurePace::Again,
                    is_content_at_fault: false,
                });
            }
            Taken::Unavailable => {
                self.durability.failed(&self.source, &Unavailable);
                ("not_durable", Unavailable.to_string(), FailurePace::Outage)
            }
        };
        self.sink.failed(label);
        Dealt::Failed(Failure { object, label, text, pace, is_content_at_fault: pace == FailurePace::Try })
    }

    fn not_fetched(&self, object: ObjectReference, error: &FetchError) -> Failure {
        self.sink.failed(error.label());
        let pace = self.judge(error);
        let is_content_at_fault = matches!(error, FetchError::Changed { .. });
        Failure { object, label: error.label(), text: error.to_string(), pace, is_content_at_fault }
    }

    /// How to go on after an error, which the log is told of if it is one to be told.
    pub(crate) fn judge(&self, error: &FetchError) -> FailurePace {
        match error {
            FetchError::Changed { .. } => {
                self.s3.worked(&self.source);
                FailurePace::SoonTry
            }
            FetchError::Unavailable { .. } | FetchError::Cut { .. } => {
                self.s3.failed(&self.source, error);
                FailurePace::Outage
            }
            error if error.needs_a_person() => {
                if self.person_needed.is_due(Instant::now()) {
                    tracing::error!(source = %self.source, error = %error, "cannot fetch objects");
                }
                FailurePace::Person
            }
            _ => {
                self.s3.worked(&self.source);
                FailurePace::Try
            }
        }
    }

    /// Keeps what cannot be counted.
    pub(crate) async fn give_up(&self, what: GivenUp) -> Result<(), Unavailable> {
        let (label, reason) = (what.label, what.reason.clone());
        let kept = self.sink.give_up(what).await;
        match kept {
            Ok(()) => {
                self.durability.worked(&self.source);
                if self.given_up.is_due(Instant::now()) {
                    tracing::error!(source = %self.source, label, error = %reason, "gave up and kept it as a reject");
                }
            }
            Err(unavailable) => self.durability.failed(&self.source, &unavailable),
        }
        kept
    }
}

fn grains(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(GRAIN_BYTES)).unwrap_or(u32::MAX)
}

/// What an object of this size takes of the budget; of unknown size, as much as one that is held whole.
fn share(size: Option<u64>) -> u32 {
    grains(match size.unwrap_or(WHOLE_BYTES_MAX) {
        size if size > WHOLE_BYTES_MAX => STREAM_SHARE_BYTES,
        size => size.max(LEAST_SHARE_BYTES),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_takes_its_size_of_the_budget_within_bounds() {
        for (size, expected) in [
            (Some(0), LEAST_SHARE_BYTES),
            (Some(100 << 10), 100 << 10),
            (Some(WHOLE_BYTES_MAX), WHOLE_BYTES_MAX),
            (Some(1 << 40), STREAM_SHARE_BYTES),
            (None, WHOLE_BYTES_MAX),
        ] {
            assert_eq!(share(size), grains(expected), "{}", size.unwrap_or(u64::MAX));
        }
        assert!(grains(WHOLE_BYTES_MAX) <= grains(BODY_BYTES_MAX));
    }
}
