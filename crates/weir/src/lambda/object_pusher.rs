//! From the objects of an event to the gateway: fetched, counted whole, pushed, several at once.
//!
//! Time with Lambda is waiting for S3 and the gateway, so a few objects are on their way at a time; more would
//! only need more of the little memory that functions are given. Each object succeeds or fails by itself.
//! Whatever is not done a little before Lambda's deadline fails here, since a function that Lambda ends can
//! answer nothing, and then every object of the event is done again.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::Instant;
use weir_enrich::Enricher;
use weir_ingest::s3::{
    AwsClients, FetchError, FetchedObject, ObjectBody, ObjectReference, S3Client, S3Settings,
};
use weir_ingest::{ObjectError, Outcome, ReadLimits};
use weir_meter::MeterOptions;
use weir_record::{Format, Reason, skip_by_name};
use weir_ship::{GatewayTarget, PushError};

use crate::account::Account;
use crate::object_counter::{Naming, ObjectCounter, TooMuchText, push_key, push_parts};
use crate::shaping::Shaping;

/// Objects of an event that are on their way at once. A load balancer's object and what is counted of it take
/// up to 100 MB at worst, and 5 MB usually.
pub const OBJECTS_AT_ONCE_MAX: usize = 4;

/// How to count, and where to push.
pub struct Plan {
    /// Where to push.
    pub target: GatewayTarget,
    /// The job under which is pushed.
    pub job: String,
    /// Names services and routes.
    pub enricher: Enricher,
    /// The source's name, for services that match on it.
    pub source: String,
    /// Says which requests are left out.
    pub shaping: Shaping,
    /// The format of the lines; `None` is told by the content.
    pub format: Option<Format>,
    /// Bounds on input.
    pub limits: ReadLimits,
    /// What is counted.
    pub meter_options: MeterOptions,
    /// How objects are reached.
    pub s3: S3Settings,
}

/// Counts objects and pushes what they gave.
pub struct ObjectPusher {
    plan: Plan,
    /// Made for the first object: an event without one needs no credentials.
    client: OnceCell<S3Client>,
    /// Counters at rest, with their buffers.
    counters: Mutex<Vec<ObjectCounter>>,
}

/// What came of an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Requests.
    pub records: u64,
    /// Lines that were none.
    pub rejects: u64,
    /// Whether it is something else than an access log.
    pub is_skipped: bool,
}

/// Why an object was not counted, or may not have been.
#[derive(Debug, thiserror::Error)]
pub enum ObjectFailure {
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// It is no log, or is damaged.
    #[error("{object}: {error}")]
    Read {
        /// `s3://bucket/key`.
        object: String,
        /// What is wrong with it.
        error: ObjectError,
    },
    /// Its metrics are too large.
    #[error("{object}: {error}")]
    Text {
        /// `s3://bucket/key`.
        object: String,
        /// How large.
        error: TooMuchText,
    },
    /// The gateway did not take it.
    #[error("{object}: {error}")]
    Push {
        /// `s3://bucket/key`.
        object: String,
        /// What the gateway said.
        error: PushError,
    },
    /// There was no time left.
    #[error("{object}: the function's time was over; raise its timeout, or lower the batch size")]
    OutOfTime {
        /// `s3://bucket/key`.
        object: String,
    },
    /// A fault of this program.
    #[error("{object}: counting it stopped by a fault of weir; please report it with the log lines before")]
    Fault {
        /// `s3://bucket/key`.
        object: String,
    },
}

impl ObjectFailure {
    /// Whether a person must act before another try can help.
    pub fn needs_a_person(&self) -> bool {
        match self {
            Self::Fetch(error) => error.needs_a_person() || !error.is_worth_retrying(),
            Self::Push { error, .. } => !matches!(error, PushError::GaveUp { .. }),
            Self::OutOfTime { .. } => false,
            Self::Read { .. } | Self::Text { .. } | Self::Fault { .. } => true,
        }
    }
}

impl ObjectPusher {
    /// Nothing is asked of S3 or the gateway before the first object.
    pub fn new(plan: Plan) -> Self {
        Self { plan, client: OnceCell::new(), counters: Mutex::default() }
    }

    /// Counts and pushes the objects; the results are in their order. What is not done at `deadline` has failed.
    pub async fn push_all(
        self: &Arc<Self>,
        objects: Vec<ObjectReference>,
        deadline: Instant,
    ) -> Vec<Result<Pushed, ObjectFailure>> {
        let fault = |object: &ObjectReference| Err(ObjectFailure::Fault { object: object.to_string() });
        let mut results: Vec<_> = objects.iter().map(fault).collect();
        let objects = Arc::new(objects);
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..OBJECTS_AT_ONCE_MAX.min(objects.len()) {
            let (pusher, objects, next) = (Arc::clone(self), Arc::clone(&objects), Arc::clone(&next));
            tasks.spawn(async move {
                let mut done = Vec::new();
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(object) = objects.get(index) else { return done };
                    done.push((index, pusher.push_until(object, deadline).await));
                }
            });
        }
        while let Some(done) = tasks.join_next().await {
            // A task that panicked leaves its objects failed.
            for (index, result) in done.unwrap_or_default() {
                results[index] = result;
            }
        }
        results
    }

    async fn push_until(
        self: &Arc<Self>,
        object: &ObjectReference,
        deadline: Instant,
    ) -> Result<Pushed, ObjectFailure> {
        let out_of_time = || ObjectFailure::OutOfTime { object: object.to_string() };
        if Instant::now() >= deadline {
            return Err(out_of_time());
        }
        tokio::time::timeout_at(deadline, self.push(object, deadline)).await.map_err(|_| out_of_time())?
    }

    async fn push(
        self: &Arc<Self>,
        object: &ObjectReference,
        deadline: Instant,
    ) -> Result<Pushed, ObjectFailure> {
        if skip_by_name(&object.key).is_some() {
            return Ok(Pushed { is_skipped: true, ..Pushed::default() });
        }
        let client = self.client.get_or_init(|| async { AwsClients::load(&self.plan.s3).await.s3() }).await;
        let fetched = client.get(object).await?;
        let counted = self.count(fetched, deadline).await?;
        push_parts(&self.plan.target, counted.parts, &counted.key)
            .await
            .map_err(|error| ObjectFailure::Push { object: object.to_string(), error })?;
        Ok(counted.pushed)
    }

    /// Counts an object on a thread for blocking work; that thread may outlast this by a moment.
    async fn count(
        self: &Arc<Self>,
        fetched: FetchedObject,
        deadline: Instant,
    ) -> Result<Counted, ObjectFailure> {
        let (pusher, runtime) = (Arc::clone(self), Handle::current());
        let object = fetched.reference.to_string();
        let counting = tokio::task::spawn_blocking(move || {
            let mut counter = pusher.rested_counter();
            let counted = pusher.count_with(&mut counter, fetched, runtime, deadline);
            pusher.counters.lock().unwrap_or_else(PoisonError::into_inner).push(counter);
            counted
        });
        counting.await.unwrap_or(Err(ObjectFailure::Fault { object }))
    }

    fn rested_counter(&self) -> ObjectCounter {
        let rested = self.counters.lock().unwrap_or_else(PoisonError::into_inner).pop();
        rested.unwrap_or_else(|| ObjectCounter::new(self.plan.limits, self.plan.meter_options))
    }

    fn count_with(
        &self,
        counter: &mut ObjectCounter,
        fetched: FetchedObject,
        runtime: Handle,
        deadline: Instant,
    ) -> Result<Counted, ObjectFailure> {
        let FetchedObject { reference, etag, body, .. } = fetched;
        let object = reference.to_string();
        let naming =
            Naming { enricher: &self.plan.enricher, source: &self.plan.source, shaping: &self.plan.shaping };
        let mut account = Account::default();
        let open = || -> io::Result<(Box<dyn Read>, u64)> {
            Ok(match body {
                ObjectBody::Whole(bytes) => {
                    let size = bytes.len() as u64;
                    (Box::new(io::Cursor::new(bytes)), size)
                }
                ObjectBody::Stream(stream) => {
                    let size = stream.expected_bytes().unwrap_or(u64::MAX);
                    (Box::new(UntilDeadline { read: stream.into_read(runtime), deadline }), size)
                }
            })
        };
        let outcome = counter
            .count(Path::new(&object), naming, &mut account, |reader, each| {
                reader.read_named(&reference.key, open, self.plan.format, each)
            })
            .map_err(|error| ObjectFailure::Read { object: object.clone(), error })?;
        warn_of_rejects(&object, &account);
        let parts = counter.parts().map_err(|error| ObjectFailure::Text { object, error })?;
        // Only other servers than S3 give no entity tag; there the text is what is known of the content.
        let content = etag.unwrap_or_else(|| format!("text {:032x}", counter.text_hash()));
        Ok(Counted {
            parts,
            key: push_key("s3", &self.plan.job, &[&reference.bucket, &reference.key, &content]),
            pushed: Pushed {
                records: account.records,
                rejects: account.reject_count(),
                is_skipped: matches!(outcome, Outcome::Skipped(_)),
            },
        })
    }
}

/// What is to be pushed of an object.
struct Counted {
    parts: Vec<Vec<u8>>,
    key: String,
    pushed: Pushed,
}

/// Once per object: nothing is lost, as the object stays where it is, but nothing of these lines is counted.
fn warn_of_rejects(object: &str, account: &Account) {
    if account.events > 0 {
        tracing::warn!(
            object,
            events = account.events,
            "events have no request to count and were passed over"
        );
    }
    if account.reject_count() > 0 {
        let reasons = reasons(&account.rejects);
        tracing::warn!(
            object,
            rejects = account.reject_count(),
            records = account.records,
            reasons,
            "lines that could not be parsed were not counted"
        );
    }
}

/// `bad_time 3, too_few_fields 1`.
fn reasons(rejects: &BTreeMap<Reason, u64>) -> String {
    let reasons: Vec<_> =
        rejects.iter().map(|(reason, count)| format!("{} {count}", reason.label())).collect();
    reasons.join(", ")
}

/// A reader that fails when the time is over, as nobody waits for what it gives then.
struct UntilDeadline<R> {
    read: R,
    deadline: Instant,
}

impl<R: Read> Read for UntilDeadline<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the function's time was over"));
        }
        self.read.read(out)
    }
}
