//! The seam between bringing objects and counting them.
//!
//! Sources know nothing of the ledger and the ledger nothing of queues: what passes between them is an object and
//! what became of it. Every answer is one that a source must act on, so a new one is a compile error in each source.

use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use weir_record::NotAccessLog;

use super::client::FetchedObject;
use super::object_reference::ObjectReference;

/// Counts objects. Futures may be dropped before they complete, when the program stops: an object is then counted
/// or not, and comes again either way.
pub trait ObjectSink: Send + Sync + 'static {
    /// Whether this very content (bucket, key and entity tag) was counted already, or given up for its own fault;
    /// asked before it is fetched, and from many tasks at once.
    fn is_known(&self, object: &ObjectReference) -> bool;

    /// Counts it; completes when that is durable or refused. A streamed body must be read on a blocking thread.
    fn take(&self, object: FetchedObject) -> impl Future<Output = Taken> + Send;

    /// Keeps what can never be counted; durable when it completes. May be called again for the same thing, when the
    /// program stopped in between.
    ///
    /// # Errors
    ///
    /// [`Unavailable`] when it cannot be kept now; it is offered again later.
    fn give_up(&self, what: GivenUp) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// An object or a message was not counted at this attempt; for metrics.
    fn failed(&self, label: &'static str);

    /// An object that is known came again and was not fetched.
    fn duplicate(&self);

    /// An object holds no requests, as its name says, and was not fetched. Said about once for each object.
    fn skipped(&self, kind: NotAccessLog);

    /// Everything that was there at this moment has been dealt with. Calls may come out of order; the latest moment
    /// holds.
    fn caught_up(&self, at: SystemTime);
}

/// What became of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is counted, durably.
    Counted,
    /// It was counted before.
    Duplicate,
    /// Its key was counted with other content; kept as a reject, durably.
    Changed,
    /// It holds no requests, as its content shows.
    Skipped,
    /// It cannot be read: cut gzip, unknown layout. Worth another try, then given up. If the body was a stream whose
    /// connection broke, the source knows and does not hold it against the object.
    Broken {
        /// The value of the label `reason`.
        label: &'static str,
        /// What is wrong, for a person.
        text: String,
    },
    /// It was not counted, through no fault of its own and though nothing is in trouble: what it was to be counted
    /// with fell through. Worth another try at once, which is none of the tries after which it is given up.
    Again,
    /// The program stops; it was not counted.
    Stopping,
    /// It cannot be made durable now, as on a full disk; it was not counted.
    Unavailable,
}

/// What can never be counted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// What it is.
    pub content: GivenUpContent,
    /// The value of the label `reason`.
    pub label: &'static str,
    /// What is wrong, for a person.
    pub reason: String,
    /// Whether this very content can never be counted. Else it was only out of reach, and counts when it comes again.
    pub is_content_at_fault: bool,
}

/// A message or an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GivenUpContent {
    /// A message, or records of one, that could not be read.
    Message {
        /// The queue's id of it.
        id: String,
        /// Its whole body.
        body: Arc<str>,
    },
    /// An object that could not be fetched or read.
    Object(ObjectReference),
}

/// Nothing can be made durable now. Who says so has logged why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be made durable now; it is tried again")]
pub struct Unavailable;
