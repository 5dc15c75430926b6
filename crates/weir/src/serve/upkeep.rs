//! What the store needs now and then: memory into files, small files into large ones, old ones dropped; and
//! records deleted on request.
//!
//! One piece of work at a time, on one thread beside the sources, so that it takes half the machine at most. Each
//! is done before anybody sees it, listed by the commit thread like everything that counts, and only then shown;
//! a crash at any moment leaves the old files or the new ones.

use std::ops::Range;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use weir_query::Predicate;
use weir_record::Timestamp;
use weir_store::{Cancel, Change, Deletion, Limits, Store, StoreError, Work};

use super::commit::{Commits, StoreChange};
use super::crash;
use crate::clock;

/// How often the store is asked what is due.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long nothing is tried after something has failed.
const FAILURE_INTERVAL: Duration = Duration::from_secs(5);

/// How long a commit that is under way is waited for before a deletion is given up: one that takes longer waits for
/// a full disk.
const ROLL_MAX: Duration = Duration::from_secs(10);

/// How often it is looked whether it is over.
const ROLL_RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// Does the store's work.
pub struct Upkeep {
    store: Arc<Store>,
    commits: Commits,
    cancel: Cancel,
    /// Whose turn it is: two pieces of work could want the same file.
    turn: Mutex<()>,
}

/// The thread that does what is due; it ends when this goes.
pub struct UpkeepThread {
    cancel: Cancel,
    _end: SyncSender<()>,
}

impl Drop for UpkeepThread {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Upkeep {
    /// Starts the thread that does what is due.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn start(self: &Arc<Self>) -> std::io::Result<UpkeepThread> {
        let (end, has_ended) = sync_channel(0);
        let (upkeep, cancel) = (Arc::clone(self), self.cancel.clone());
        std::thread::Builder::new().name("store".to_owned()).spawn(move || upkeep.run(&has_ended))?;
        Ok(UpkeepThread { cancel, _end: end })
    }

    /// The work of a store.
    pub fn new(store: &Arc<Store>, commits: &Commits) -> Self {
        Self {
            store: Arc::clone(store),
            commits: commits.clone(),
            cancel: Cancel::new(),
            turn: Mutex::new(()),
        }
    }

    fn run(&self, has_ended: &Receiver<()>) {
        let mut interval = INTERVAL;
        let mut failure = String::new();
        while has_ended.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
            interval = INTERVAL;
            match self.do_what_is_due() {
                Ok(()) => failure.clear(),
                Err(StoreError::Stopped) => return,
                Err(error) => {
                    interval = FAILURE_INTERVAL;
                    let text = error.to_string();
                    if failure != text {
                        tracing::error!(error = text, "cannot keep the store in order; it is tried again");
                        failure = text;
                    }
                }
            }
        }
    }

    fn do_what_is_due(&self) -> Result<(), StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(work) = self.store.next_work(clock::now()) {
            report(&work);
            let change = self.store.perform(work, &self.cancel)?;
            crash::here("store performed");
            self.list(change)?;
        }
        Ok(())
    }

    /// Has a change listed and shown; `false` if something that it replaces was gone meanwhile.
    fn list(&self, change: Change) -> Result<bool, StoreError> {
        let (done, is_done) = oneshot::channel();
        self.commits.send_change(StoreChange { change, done }).map_err(|_| StoreError::Stopped)?;
        is_done.blocking_recv().map_err(|_| StoreError::Stopped)
    }

    /// Deletes records for good; on a thread that may wait.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if a file cannot be written, or if the server stops. What was deleted until then is.
    pub fn delete(
        &self,
        predicate: &Predicate,
        span: &Range<Timestamp>,
        limits: &Limits,
    ) -> Result<Deletion, StoreError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.roll_everything()?;
        loop {
            let mut deletion = self.store.delete(predicate, span.clone(), limits, &self.cancel)?;
            let change = std::mem::take(&mut deletion.change);
            if change.is_empty() || self.list(change)? {
                return Ok(deletion);
            }
        }
    }

    /// Makes files of everything that is in memory now. A commit that is under way has to end first, since it may
    /// add to the last segment.
    fn roll_everything(&self) -> Result<(), StoreError> {
        let began = clock::monotonic();
        let wanted: Vec<u64> = self.store.view().segments.iter().map(|segment| segment.number).collect();
        loop {
            if let Some(change) = self.store.force_roll(&self.cancel)? {
                self.list(change)?;
            }
            if !self.store.view().segments.iter().any(|segment| wanted.contains(&segment.number)) {
                return Ok(());
            }
            if began.elapsed() > ROLL_MAX {
                return Err(StoreError::Behind);
            }
            #[expect(clippy::disallowed_methods, reason = "nobody says when a commit is over")]
            std::thread::sleep(ROLL_RETRY_INTERVAL);
        }
    }
}

fn report(work: &Work) {
    if let Work::Drop(files, why) = work {
        let records: u64 = files.iter().map(|file| file.stored.rows).sum();
        let why = why.label();
        tracing::info!(
            files = files.len(),
            records,
            why,
            "records have had their time; their files are removed"
        );
    }
}
