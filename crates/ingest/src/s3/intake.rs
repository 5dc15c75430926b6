//! From a reference to a counted object, within bounds: what a queue and a listing have in common.
//!
//! Bounds are on fetches, since a server slows down under too many, and on bytes, since objects wait in memory for
//! the commit that makes them durable; a bound on objects alone would be too tight for small ones and too wide for
//! large ones. The outcome says how a failure is to be paced, so that both sources judge alike.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;
use weir_record::skip_by_name;

use super::client::{FetchedObject, S3Client, WHOLE_BYTES_MAX};
use super::fetch_error::FetchError;
use super::object_body::ObjectBody;
use super::object_reference::ObjectReference;
use super::outage::{Outage, Reminder};
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
        }
    }

    /// Whether nothing can be fetched or counted at present, so that more work would only fail too.
    pub(crate) fn is_down(&self) -> bool {
        self.s3.is_down() || self.durability.is_down()
    }

    /// Brings one object to the sink, unless it is known or holds no requests by its name.
    pub(crate) async fn count(&self, object: ObjectReference, stop: &watch::Receiver<bool>) -> Dealt {
        if skip_by_name(&object.key).is_some() {
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

    async fn hand_over(&self, object: ObjectReference, fetched: FetchedObject) -> Dealt {
        let broken = match &fetched.body {
            ObjectBody::Stream(stream) => Some(stream.broken_flag()),
            ObjectBody::Whole(_) => None,
        };
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
                (label, text, FailurePace::Try)
            }
            Taken::Unavailable => {
                self.durability.failed(&self.source, &Unavailable);
                ("not_durable", Unavailable.to_string(), FailurePace::Outage)
            }
        };
        self.sink.failed(label);
        Dealt::Failed(Failure { object, label, text, pace })
    }

    fn not_fetched(&self, object: ObjectReference, error: &FetchError) -> Failure {
        self.sink.failed(error.label());
        let pace = self.judge(error);
        Failure { object, label: error.label(), text: error.to_string(), pace }
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
    pub(crate) async fn give_up(
        &self,
        content: GivenUpContent,
        label: &'static str,
        reason: String,
    ) -> Result<(), Unavailable> {
        let kept = self.sink.give_up(GivenUp { content, label, reason: reason.clone() }).await;
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
