//! Messages on their way into units: the queue of a source, and the thread that counts them.
//!
//! A source that is sent messages has one such thread, so that its messages keep their order and receivers never
//! wait for parsing. The queue has a bound in bytes: what has no room waits, or is given back to a transport that
//! cannot wait.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};
use weir_ingest::{Delivery, MessageBatch, MessageSink, Stopping};
use weir_ledger::Ledger;
use weir_record::Timestamp;

use super::commit::{Commits, Request};
use super::intake::Intake;
use super::message_worker::MessageWorker;
use super::work_queue::WorkQueue;

/// Memory of the messages that wait in one source's queue, in bytes: some seconds of a busy one.
pub const QUEUE_BYTES_MAX: usize = 64 << 20;

/// Whether a source that is sent messages can be behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// What happened is sent at once: when the queue is empty, it is complete.
    WhenIdle,
    /// Messages wait elsewhere; the receiver says when it has them all.
    WhenTold,
}

/// A batch, the room that it takes, and who waits for what becomes of it.
pub struct Job {
    /// The messages.
    pub batch: MessageBatch,
    /// Who waits.
    pub done: Option<oneshot::Sender<Delivery>>,
    /// Given back when the messages are in a unit.
    _room: Option<Room>,
}

/// The way of messages into the counts of one source. All copies are of one queue.
#[derive(Clone)]
pub struct CountingMessages {
    shared: Arc<Shared>,
}

/// The same, without keeping it: it is gone when its source has ended.
#[derive(Clone, Debug)]
pub struct WeakMessages(Weak<Shared>);

impl WeakMessages {
    /// The way in, while it is there.
    pub fn upgrade(&self) -> Option<CountingMessages> {
        self.0.upgrade().map(|shared| CountingMessages { shared })
    }
}

struct Shared {
    jobs: Arc<WorkQueue<Job>>,
    room: Arc<Semaphore>,
    depth: QueueDepth,
    intake: Intake,
    commits: Commits,
}

/// Bytes that wait in a queue; read for metrics.
#[derive(Clone, Debug, Default)]
pub struct QueueDepth(Arc<AtomicUsize>);

/// A part of a queue's bound that is taken.
struct Room {
    _permit: OwnedSemaphorePermit,
    bytes: usize,
    depth: QueueDepth,
}

impl QueueDepth {
    /// Bytes that wait now.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.depth.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl CountingMessages {
    /// A queue and the thread that counts what is put in; it ends when the queue is closed.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started.
    pub fn start(
        intake: Intake,
        ledger: Arc<Ledger>,
        commits: Commits,
        completeness: Completeness,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let jobs = Arc::new(WorkQueue::new());
        let worker =
            MessageWorker::new(intake.clone(), ledger, commits.clone(), Arc::clone(&jobs), completeness);
        let name = format!("count {}", intake.source);
        let thread = std::thread::Builder::new().name(name).spawn(move || worker.run())?;
        let room = Arc::new(Semaphore::new(QUEUE_BYTES_MAX));
        let shared = Shared { jobs, room, depth: QueueDepth::default(), intake, commits };
        Ok((Self { shared: Arc::new(shared) }, thread))
    }

    /// Takes nothing more; the thread ends when it has counted what it has.
    pub fn close(&self) {
        self.shared.room.close();
        self.shared.jobs.close();
    }

    /// Bytes that wait.
    pub fn depth(&self) -> QueueDepth {
        self.shared.depth.clone()
    }

    /// For who finds it by name.
    pub fn downgrade(&self) -> WeakMessages {
        WeakMessages(Arc::downgrade(&self.shared))
    }

    /// As [`MessageSink::deliver`], but waits for room no longer than this; `None`: there was none.
    pub async fn deliver_within(&self, batch: MessageBatch, room_wait_max: Duration) -> Option<Delivery> {
        match tokio::time::timeout(room_wait_max, self.wait_for_room(&batch)).await {
            Ok(Ok(room)) => Some(self.deliver_into(room, batch).await),
            Ok(Err(Stopping)) => Some(Delivery::Stopping),
            Err(_) => None,
        }
    }

    async fn deliver_into(&self, room: Room, batch: MessageBatch) -> Delivery {
        let (done, is_done) = oneshot::channel();
        if self.shared.jobs.put(Job { batch, done: Some(done), _room: Some(room) }).is_err() {
            return Delivery::Stopping;
        }
        is_done.await.unwrap_or(Delivery::Stopping)
    }

    fn room(&self, bytes: usize, permit: OwnedSemaphorePermit) -> Room {
        let depth = self.shared.depth.clone();
        depth.0.fetch_add(bytes, Ordering::Relaxed);
        Room { _permit: permit, bytes, depth }
    }

    async fn wait_for_room(&self, batch: &MessageBatch) -> Result<Room, Stopping> {
        let bytes = batch.memory_bytes();
        let permit = Arc::clone(&self.shared.room).acquire_many_owned(permits(bytes)).await;
        permit.map(|permit| self.room(bytes, permit)).map_err(|_| Stopping)
    }
}

/// A batch larger than the whole queue has room when the queue is empty.
fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.min(QUEUE_BYTES_MAX)).unwrap_or(u32::MAX)
}

impl MessageSink for CountingMessages {
    fn try_put(&self, batch: MessageBatch) -> Result<(), MessageBatch> {
        let bytes = batch.memory_bytes();
        match Arc::clone(&self.shared.room).try_acquire_many_owned(permits(bytes)) {
            Ok(permit) => {
                let room = Some(self.room(bytes, permit));
                self.shared.jobs.put(Job { batch, done: None, _room: room }).map_err(|job| job.batch)
            }
            Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => Err(batch),
        }
    }

    async fn put(&self, batch: MessageBatch) -> Result<(), Stopping> {
        let room = Some(self.wait_for_room(&batch).await?);
        self.shared.jobs.put(Job { batch, done: None, _room: room }).map_err(|_| Stopping)
    }

    async fn deliver(&self, batch: MessageBatch) -> Delivery {
        let Ok(room) = self.wait_for_room(&batch).await else { return Delivery::Stopping };
        self.deliver_into(room, batch).await
    }

    fn caught_up(&self, at: Timestamp) {
        let intake = &self.shared.intake;
        let note = intake.state.caught_up(&intake.source, at);
        // The next moment is as good, where there is no room for this one.
        self.shared.commits.try_send(Request::Note(Arc::clone(&intake.source), note));
    }
}
