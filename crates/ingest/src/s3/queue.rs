//! Objects that a queue tells of: each message is kept until everything that it names is durable.
//!
//! SQS hands a message to somebody else when its time runs out, so work that takes long must say so (the heartbeat),
//! and work that failed must say when it wants to be tried again, or one bad message would be tried thousands of times
//! a day. Nothing is remembered here from one run to the next: what a message still needs is asked of the sink, object
//! by object, so a message of which a part failed is done again only in that part. Order is not kept, because counting
//! needs none.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::aws_failure::{AwsFailure, FailureKind};
use super::client::{AwsClients, now};
use super::intake::{HOLD_BACK_MAX, Intake};
use super::listing_pass::is_stopped;
use super::outage::{Outage, Reminder};
use super::progress::Progress;
use super::queue_calls::{BATCH_MAX, QueueCalls, Received};
use super::retry_pace::SERVICE_PACE;
use super::sink::ObjectSink;

mod backlog;
mod message;
mod own_tries;

use backlog::Backlog;
pub(crate) use backlog::QueueDepth;
use own_tries::OwnTries;

/// Messages in work at once.
pub const MESSAGES_IN_WORK_MAX: usize = 512;

/// How long the last deletions and visibility changes may take when the program stops.
const FAREWELL_MAX: Duration = Duration::from_secs(5);

/// How long a receive that is under way may take after the stop. What a queue hands out to nobody is invisible for the
/// whole timeout; a queue that has messages answers within this, and one that has none loses nothing.
const LAST_RECEIVE_MAX: Duration = Duration::from_millis(500);

/// A heartbeat every third of the visibility timeout: one may fail and the message is still ours.
const HEARTBEATS_PER_TIMEOUT: u32 = 3;

/// The longest visibility timeout, by SQS' rule.
const VISIBILITY_MAX: Duration = Duration::from_secs(12 * 3600);

/// How a queue is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SqsSettings {
    /// The queue's address.
    pub queue_url: String,
    /// How long a message stays ours without a sign of life; between 3 s and 12 h.
    pub visibility_timeout: Duration,
    /// How often a message is tried and is at fault itself before what can never be counted of it is given up. Tries
    /// that an outage or a missing permission spoils are not among them.
    pub receives_max: u32,
    /// Where messages that were given up are sent too.
    pub dead_letter_queue_url: Option<String>,
    /// How long work may go on after the stop.
    pub drain_max: Duration,
}

impl SqsSettings {
    /// The usual settings for a queue.
    pub fn new(queue_url: impl Into<String>) -> Self {
        Self {
            queue_url: queue_url.into(),
            visibility_timeout: Duration::from_secs(300),
            receives_max: 5,
            dead_letter_queue_url: None,
            drain_max: Duration::from_secs(20),
        }
    }

    fn visibility_timeout(&self) -> Duration {
        self.visibility_timeout.clamp(Duration::from_secs(3), VISIBILITY_MAX)
    }
}

/// Reads a queue and fetches what its messages name.
#[derive(Clone, Debug)]
pub struct SqsSource {
    clients: AwsClients,
    settings: SqsSettings,
    ask_depth_every: Duration,
}

impl SqsSource {
    /// A source; nothing is asked of the queue yet.
    pub fn new(clients: AwsClients, settings: SqsSettings) -> Self {
        Self { clients, settings, ask_depth_every: backlog::ASK_EVERY }
    }

    /// Runs until `stop` says true or its sender is gone.
    ///
    /// Never ends for an error: a queue that cannot be read is asked again and again, and the sink's `caught_up` is
    /// not called meanwhile. After the stop, what is in work has [`SqsSettings::drain_max`] to become durable; the
    /// rest is made visible to others at once.
    pub async fn run<S: ObjectSink>(self, sink: Arc<S>, stop: watch::Receiver<bool>) {
        let queue_url = self.settings.queue_url.clone();
        let calls = QueueCalls { client: self.clients.sqs(&queue_url), queue_url: queue_url.clone() };
        let (done, deletions) = mpsc::channel(MESSAGES_IN_WORK_MAX);
        let mut deleter = tokio::spawn(calls.clone().delete_all(deletions));
        let visibility_timeout = self.settings.visibility_timeout();
        let backlog = Backlog::new(visibility_timeout, self.ask_depth_every, Instant::now());
        let shared = Arc::new(Shared {
            intake: Arc::new(Intake::new(sink, self.clients.s3(), queue_url.clone())),
            calls,
            settings: self.settings,
            in_work: Mutex::default(),
            progress: Mutex::default(),
            own_tries: Mutex::default(),
            done,
            stop,
            dead_letters: Outage::new("dead-letter queue"),
        });
        let heartbeat = tokio::spawn(beat(Arc::clone(&shared)));
        tracing::info!(queue = %queue_url, "reading a queue");

        let mut tasks = JoinSet::new();
        receive_until_stopped(&shared, &mut tasks, backlog).await;
        let is_drained = drain(&shared, &mut tasks).await;
        heartbeat.abort();
        let handles = shared.in_work().take_abandoned();
        let released = handles.len();
        let farewell = async {
            shared.calls.change_visibility(&handles, 0).await;
            drop(shared);
            // The deleter ends once the last sender is gone; an aborted heartbeat may still hold one.
            let _ = heartbeat.await;
            let _ = (&mut deleter).await;
        };
        if tokio::time::timeout(FAREWELL_MAX, farewell).await.is_err() {
            deleter.abort();
        }
        tracing::info!(queue = %queue_url, is_drained, released_messages = released, "stopped reading a queue");
    }
}

/// What the tasks of a queue share.
struct Shared<S> {
    intake: Arc<Intake<S>>,
    calls: QueueCalls,
    settings: SqsSettings,
    in_work: Mutex<InWork>,
    progress: Mutex<Progress>,
    own_tries: Mutex<OwnTries>,
    done: mpsc::Sender<String>,
    stop: watch::Receiver<bool>,
    dead_letters: Outage,
}

/// The receipt handles of messages in work, by number, and of those that were left unfinished.
#[derive(Default)]
struct InWork {
    handles: HashMap<u64, String>,
    abandoned: Vec<String>,
}

impl InWork {
    fn take_abandoned(&mut self) -> Vec<String> {
        self.handles.drain().map(|(_, handle)| handle).chain(std::mem::take(&mut self.abandoned)).collect()
    }
}

impl<S: ObjectSink> Shared<S> {
    fn in_work(&self) -> MutexGuard<'_, InWork> {
        self.in_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own_tries(&self) -> MutexGuard<'_, OwnTries> {
        self.own_tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn visibility_s(&self) -> i32 {
        self.settings.visibility_timeout().as_secs() as i32
    }

    /// Changes the progress and tells the sink if that moved it.
    fn note<T>(&self, change: impl FnOnce(&mut Progress) -> T) -> T {
        let (outcome, reached) = {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            let outcome = change(&mut progress);
            (outcome, progress.reached(Instant::now()))
        };
        if let Some(at) = reached {
            self.intake.sink.caught_up(at);
        }
        outcome
    }

    async fn stopped(&self) {
        // An error says that the sender is gone, which means the same.
        let _ = self.stop.clone().wait_for(|is_stopped| *is_stopped).await;
    }

    /// Waits, unless the stop comes first, which gives false.
    async fn pause(&self, attempt: u32) -> bool {
        tokio::select! {
            () = tokio::time::sleep(SERVICE_PACE.pause(attempt, &self.calls.queue_url)) => true,
            () = self.stopped() => false,
        }
    }
}

async fn receive_until_stopped<S: ObjectSink>(
    shared: &Arc<Shared<S>>,
    tasks: &mut JoinSet<()>,
    mut backlog: Backlog,
) {
    let slots = Arc::new(Semaphore::new(MESSAGES_IN_WORK_MAX));
    let queue = Outage::new("queue");
    let person_needed = Reminder::default();
    let (mut failed_receives, mut useless_receives) = (0, 0);
    while !is_stopped(&shared.stop) {
        reap(tasks);
        // While nothing can be counted, one message at a time finds out when that is over.
        let is_down = shared.intake.is_down();
        useless_receives = if is_down { useless_receives + 1 } else { 0 };
        if is_down && !shared.pause(useless_receives - 1).await {
            return;
        }
        let mut permits = tokio::select! {
            permits = free_slots(&slots, if is_down { 1 } else { BATCH_MAX }) => permits,
            () = shared.stopped() => return,
        };
        let (asked_at, asked) = (now(), permits.len());
        let Some(received) = receive(shared, asked).await else {
            return;
        };
        match received {
            Ok(messages) => {
                queue.worked(&shared.calls.queue_url);
                failed_receives = 0;
                let is_without_messages = messages.is_empty();
                for (message, permit) in messages.into_iter().zip(permits.drain(..)) {
                    start(shared, tasks, message, permit);
                }
                drop(permits);
                if is_without_messages && is_empty(shared, &mut backlog).await {
                    shared.note(|progress| progress.emptied(asked_at));
                }
            }
            Err(failure) => {
                drop(permits);
                tell(&failure, &shared.calls.queue_url, &queue, &person_needed);
                if !shared.pause(failed_receives).await {
                    return;
                }
                failed_receives = failed_receives.saturating_add(1);
            }
        }
    }
}

/// Whether the queue has no more to give, after a receive that brought nothing.
async fn is_empty<S: ObjectSink>(shared: &Shared<S>, backlog: &mut Backlog) -> bool {
    if !backlog.is_due(Instant::now()) {
        return backlog.is_empty_by_receive(Instant::now());
    }
    let depth = tokio::select! {
        depth = shared.calls.depth() => depth,
        () = shared.stopped() => return false,
    };
    let now = Instant::now();
    match depth {
        Ok(depth) => {
            let own_in_flight = shared.note(|progress| progress.in_flight());
            backlog.is_empty_by(depth, own_in_flight, now)
        }
        Err(failure) => {
            if backlog.refused(&failure, now) {
                tracing::warn!(
                    queue = %shared.calls.queue_url,
                    error = %failure.detail,
                    "cannot ask the queue how many messages it has, so it is taken for empty when a receive brings \
                     none; allow sqs:GetQueueAttributes"
                );
            }
            backlog.is_empty_by_receive(now)
        }
    }
}

/// Waits for messages; `None` when the stop came and nothing more did.
async fn receive<S: ObjectSink>(
    shared: &Shared<S>,
    asked: usize,
) -> Option<Result<Vec<Received>, AwsFailure>> {
    let mut receive = std::pin::pin!(shared.calls.receive(asked, shared.visibility_s()));
    tokio::select! {
        received = &mut receive => Some(received),
        () = shared.stopped() => tokio::time::timeout(LAST_RECEIVE_MAX, receive).await.ok(),
    }
}

/// At least one free slot, and as many more as are free at once, up to `count_max`.
async fn free_slots(slots: &Arc<Semaphore>, count_max: usize) -> Vec<OwnedSemaphorePermit> {
    let mut permits: Vec<_> = Arc::clone(slots).acquire_owned().await.into_iter().collect();
    while permits.len() < count_max
        && let Ok(permit) = Arc::clone(slots).try_acquire_owned()
    {
        permits.push(permit);
    }
    permits
}

fn tell(failure: &AwsFailure, queue_url: &str, queue: &Outage, person_needed: &Reminder) {
    let advice = match failure.kind {
        FailureKind::Denied => {
            "allow sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes on \
             the queue"
        }
        FailureKind::Missing => "the queue does not exist; look at queue_url and at the region in it",
        FailureKind::Credentials => {
            "there are no valid credentials; give some by environment, profile or role"
        }
        FailureKind::WrongRegion => "the queue is in another region; look at queue_url",
        _ => return queue.failed(queue_url, &failure.detail),
    };
    if person_needed.is_due(Instant::now()) {
        tracing::error!(queue = %queue_url, error = %failure.detail, advice, "cannot read the queue");
    }
}

fn start<S: ObjectSink>(
    shared: &Arc<Shared<S>>,
    tasks: &mut JoinSet<()>,
    message: Received,
    permit: OwnedSemaphorePermit,
) {
    let number = shared.note(|progress| progress.received(&message.id, Instant::now()));
    let ours = Ours { shared: Arc::clone(shared), number, id: message.id.clone(), is_finished: false };
    shared.in_work().handles.insert(number, message.receipt_handle.clone());
    tasks.spawn(async move {
        message::deal(ours, message).await;
        drop(permit);
    });
}

/// A message that is ours: it keeps its visibility until this is finished or dropped.
struct Ours<S: ObjectSink> {
    shared: Arc<Shared<S>>,
    number: u64,
    id: String,
    is_finished: bool,
}

impl<S: ObjectSink> Ours<S> {
    /// Everything in it is dealt with.
    async fn delete(mut self) {
        self.is_finished = true;
        let handle = self.shared.in_work().handles.remove(&self.number);
        self.shared.own_tries().forget(&self.id);
        self.shared.note(|progress| progress.done(self.number, &self.id));
        if let Some(handle) = handle {
            let _ = self.shared.done.send(handle).await;
        }
    }

    /// It comes again in a while, and holds back what is complete for a time from its first failure on.
    async fn postpone(mut self, visibility: Duration, hold_back: Duration) {
        self.is_finished = true;
        let handle = self.shared.in_work().handles.remove(&self.number);
        let now = Instant::now();
        let until = now + visibility + self.shared.settings.visibility_timeout();
        self.shared.note(|progress| progress.failed(self.number, &self.id, now, until, hold_back));
        if let Some(handle) = handle {
            let visibility_s = visibility.as_secs_f64().ceil() as i32;
            self.shared.calls.change_visibility(&[handle], visibility_s).await;
        }
    }
}

impl<S: ObjectSink> Drop for Ours<S> {
    /// Left unfinished, by the stop or by a panic: it comes again, and until then nothing is caught up.
    fn drop(&mut self) {
        if self.is_finished {
            return;
        }
        let mut in_work = self.shared.in_work();
        if let Some(handle) = in_work.handles.remove(&self.number) {
            in_work.abandoned.push(handle);
        }
        drop(in_work);
        let now = Instant::now();
        let until = now + 2 * self.shared.settings.visibility_timeout();
        self.shared.note(|progress| progress.failed(self.number, &self.id, now, until, HOLD_BACK_MAX));
    }
}

/// Prolongs what is in work, again and again.
async fn beat<S: ObjectSink>(shared: Arc<Shared<S>>) {
    let mut ticks = tokio::time::interval(shared.settings.visibility_timeout() / HEARTBEATS_PER_TIMEOUT);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let handles: Vec<String> = {
            let mut in_work = shared.in_work();
            // Before the stop only a panic abandons a message; it comes again after its time.
            if !*shared.stop.borrow() {
                in_work.abandoned.clear();
            }
            in_work.handles.values().cloned().collect()
        };
        shared.calls.change_visibility(&handles, shared.visibility_s()).await;
    }
}

/// Lets what is in work end; false if the limit cut some of it.
async fn drain<S: ObjectSink>(shared: &Shared<S>, tasks: &mut JoinSet<()>) -> bool {
    let ended = async { while tasks.join_next().await.is_some() {} };
    let is_drained = tokio::time::timeout(shared.settings.drain_max, ended).await.is_ok();
    tasks.shutdown().await;
    is_drained
}

/// Forgets tasks that have ended.
fn reap(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.try_join_next() {
        if let Err(error) = ended {
            tracing::error!(error = %error, "counting a message broke off; it comes again, please report this");
        }
    }
}

#[cfg(test)]
mod tests;
