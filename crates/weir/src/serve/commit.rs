//! The commit thread: the only writer of the ledger, and of the state.
//!
//! Everything that changes a count comes here as a [`Request`]. What arrived while the last group was
//! written makes the next group: one transaction and one sync for all of it. In this order, each step of
//! which a crash may interrupt (docs/design/counted-once.md has the argument):
//!
//! 1. what was counted before is put aside;
//! 2. what is left is added up, and finds its rows;
//! 3. it is written, all of it or nothing: records first, which nobody sees before the ledger names them;
//! 4. it is added to the state, which scrapes read;
//! 5. who waits is told, and acknowledges what it read.
//!
//! When the disk is full the group waits and is tried again; nobody is told anything meanwhile, the requests
//! pile up to their bound, and so intake stops and goes on by itself.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use weir_ledger::{Ledger, LedgerError};
use weir_meter::pushed::{Grouping, Push};
use weir_record::Timestamp;
use weir_store::{Change, Store, StoreError};

use super::account::Account;
use super::alerting::Alerting;
use super::crash;
use super::event_meter::EventMeter;
use super::group::{Group, tell};
use super::indicators::Indicators;
use super::kept_records;
use super::live::LiveTail;
use super::preparation::{NewKeys, Preparation};
use super::prepared::{METRICS, Prepared};
use super::publication::Publication;
use super::state::State;
use super::unit::Unit;
use crate::clock;
use crate::config::Config;

/// Requests that wait for the commit thread. Beyond it who sends one waits.
const REQUESTS_MAX: usize = 1024;

/// Requests that one transaction takes together.
const GROUP_MAX: usize = 1024;

/// Changes of the store that wait; there is one piece of work at a time.
const CHANGES_MAX: usize = 4;

/// How long a failed write waits before it is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// How long records wait for those before them to become files, before it is tried again.
const BEHIND_INTERVAL: Duration = Duration::from_millis(20);

/// How long that may take before it is taken as a failure, as when files cannot be written at all.
const BEHIND_MAX: Duration = Duration::from_secs(10);

/// How long minutes are published before other requests have their turn: catching up with hours must not hold
/// up who pushes, nor a server that is to end.
const PUBLISHING_MAX: Duration = Duration::from_millis(200);

/// How often what is due by time is looked after.
const TICK: Duration = Duration::from_millis(500);

/// A change that is to be written.
pub enum Request {
    /// Objects and what they gave. The unit is cleared and handed back.
    Unit(Box<Unit>, Option<std::sync::mpsc::SyncSender<Box<Unit>>>),
    /// Something that a source has to say and that changes no count.
    Note(Arc<str>, Account),
    /// A push, with the hash of its idempotency key.
    Push(Push, Option<[u8; 16]>, oneshot::Sender<Pushed>),
    /// The removal of what was pushed with a grouping key.
    Delete(Grouping, oneshot::Sender<Pushed>),
    /// A body of a queue that was delivered or given up.
    Delivered(Delivered),
    /// Something small that is kept under a name; what is empty is forgotten.
    Keep(String, Vec<u8>, oneshot::Sender<()>),
    /// Several of them, all or none.
    KeepAll(Vec<(String, Vec<u8>)>, oneshot::Sender<()>),
    /// Other promises and alerts are in force from now on.
    Reload(Box<Promises>),
    /// Nothing; what is due by time is done.
    Tick,
    /// Nothing; a [`StoreChange`] waits.
    Wake,
}

/// A change of the store's files that is ready to be listed.
pub struct StoreChange {
    /// What takes the place of what.
    pub change: Change,
    /// Told when it is listed, or that it does not fit any more; dropped if the server ends first.
    pub done: oneshot::Sender<bool>,
}

/// A body of remote write that is done with.
pub struct Delivered {
    /// The queue's name.
    pub queue: Arc<str>,
    /// The body's number in the queue.
    pub sequence: u64,
    /// Told when it is out of the queue.
    pub done: oneshot::Sender<()>,
}

/// Promises and alerts of another config.
pub struct Promises {
    /// The config.
    pub config: Config,
    /// What it counts.
    pub indicators: Arc<Indicators>,
    /// Told when it is in force; dropped where it never will be.
    pub done: oneshot::Sender<()>,
}

/// What became of a push.
#[derive(Debug)]
pub enum Pushed {
    /// It is on the disk.
    Done,
    /// One with its key was counted before.
    Known,
    /// It does not fit; nothing of it was counted.
    Refused(weir_meter::pushed::PushRefused),
    /// There is no room on the disk; nothing of it was counted.
    DiskFull,
}

/// Why a group could not be written.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Ledger(error) => error.is_retryable(),
            Self::Store(error) => error.is_retryable(),
        }
    }
}

/// The way to the commit thread.
#[derive(Clone)]
pub struct Commits {
    requests: mpsc::Sender<Request>,
    changes: mpsc::Sender<StoreChange>,
}

/// The server stops and takes nothing more.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the server stops")]
pub struct Stopping;

impl Commits {
    /// Hands over a request, from a thread that may wait.
    pub fn send(&self, request: Request) -> Result<(), Stopping> {
        self.requests.blocking_send(request).map_err(|_| Stopping)
    }

    /// Hands over a request, from the async runtime.
    pub async fn send_async(&self, request: Request) -> Result<(), Stopping> {
        self.requests.send(request).await.map_err(|_| Stopping)
    }

    /// Hands over a change of the store, from a thread that may wait. It has a way of its own: requests may wait
    /// for nothing else than this change.
    pub fn send_change(&self, change: StoreChange) -> Result<(), Stopping> {
        self.changes.blocking_send(change).map_err(|_| Stopping)?;
        // Where there is no room for it, the thread is awake.
        self.try_send(Request::Wake);
        Ok(())
    }

    /// Hands over a request, if there is room for it at once.
    pub fn try_send(&self, request: Request) -> bool {
        self.requests.try_send(request).is_ok()
    }
}

/// The commit thread's own.
pub struct Committer {
    requests: mpsc::Receiver<Request>,
    changes: mpsc::Receiver<StoreChange>,
    ledger: Arc<Ledger>,
    state: Arc<State>,
    store: Arc<Store>,
    live: Arc<LiveTail>,
    preparation: Preparation,
    publications: Vec<Publication>,
    alerting: Alerting,
    /// Set when the server must end even though something cannot be written.
    give_up: watch::Receiver<bool>,
    /// Why the ledger could not be written at the last try.
    failure: Option<String>,
    /// Requests that were taken from the channel while it could not.
    backlog: VecDeque<Request>,
}

/// What the commit thread writes to and tells.
pub struct Written {
    /// What was counted.
    pub ledger: Arc<Ledger>,
    /// What is shown.
    pub state: Arc<State>,
    /// Records that are kept.
    pub store: Arc<Store>,
    /// Who watches records come.
    pub live: Arc<LiveTail>,
}

/// What the commit thread makes ready.
pub struct Prepares {
    /// Groups.
    pub preparation: Preparation,
    /// Minutes for remote writes.
    pub publications: Vec<Publication>,
    /// Promises and alerts.
    pub alerting: Alerting,
}

/// A way to the commit thread, and the thread's own.
pub fn commits(
    written: Written,
    Prepares { preparation, publications, alerting }: Prepares,
    give_up: watch::Receiver<bool>,
) -> (Commits, Committer) {
    let (sender, requests) = mpsc::channel(REQUESTS_MAX);
    let (change_sender, changes) = mpsc::channel(CHANGES_MAX);
    let Written { ledger, state, store, live } = written;
    let (failure, backlog) = (None, VecDeque::new());
    let committer = Committer {
        requests,
        changes,
        ledger,
        state,
        store,
        live,
        preparation,
        publications,
        alerting,
        give_up,
        failure,
        backlog,
    };
    (Commits { requests: sender, changes: change_sender }, committer)
}

/// Sends a tick now and then, until the server stops.
pub async fn tick(commits: Commits, mut stop: watch::Receiver<bool>) {
    loop {
        if tokio::time::timeout(TICK, stop.wait_for(|stop| *stop)).await.is_ok() {
            return;
        }
        // Where there is no room, there is work.
        commits.try_send(Request::Tick);
    }
}

impl Committer {
    /// Commits until nobody is left who could send something.
    pub fn run(mut self) {
        while let Some(first) = self.backlog.pop_front().or_else(|| self.requests.blocking_recv()) {
            let mut group = Group::default();
            let mut for_the_next: Vec<Request> = group.add(first).into_iter().collect();
            while group.len() + for_the_next.len() < GROUP_MAX {
                match self.backlog.pop_front().or_else(|| self.requests.try_recv().ok()) {
                    Some(request) => for_the_next.extend(group.add(request)),
                    None => break,
                }
            }
            self.backlog.extend(for_the_next);
            let promises = group.take_promises();
            crash::here("gathered");
            self.change_stores();
            let is_tick = group.has_tick();
            self.commit(group);
            promises.into_iter().for_each(|promises| self.reload(promises));
            if is_tick {
                self.look_after(clock::now());
            }
        }
    }

    fn commit(&mut self, mut group: Group) {
        let started = clock::monotonic();
        let now = clock::now();
        // One thread writes the ledger, so what is known now is all that is known when the group is written.
        let known = self.retrying(|committer| committer.ledger.read(|ledger| group.find_known(ledger)));
        match known {
            Some(known) => group.put_aside(known),
            None => return group.refuse(now),
        }
        crash::here("looked up");
        let mut prepared = self.preparation.prepare(group, &self.state, &mut self.publications, now);
        crash::here("prepared");
        if prepared.is_empty() {
            self.preparation.recycle(prepared.answer());
        } else if self.append(&mut prepared).is_none() {
            prepared.refuse();
        } else if let Some(new_keys) = self.write(&mut prepared) {
            crash::here("written");
            self.apply(prepared, new_keys, started.elapsed());
        } else {
            prepared.refuse();
        }
    }

    /// Writes the records of a group ahead of the ledger; `None` if the server ends first. Nobody sees them yet,
    /// and without the transaction that follows nobody ever will.
    fn append(&mut self, prepared: &mut Prepared) -> Option<()> {
        if !prepared.has_records() {
            return Some(());
        }
        let began = clock::monotonic();
        let appended = loop {
            // What is waited for may be that these are done.
            self.change_stores();
            match self.store.append(&prepared.kept()) {
                Ok(appended) => break appended,
                Err(StoreError::Behind) if began.elapsed() < BEHIND_MAX => {
                    // Nothing is wrong; records come quicker than files are written.
                    if *self.give_up.borrow() {
                        return None;
                    }
                    #[expect(clippy::disallowed_methods, reason = "files are written in the background")]
                    std::thread::sleep(BEHIND_INTERVAL);
                }
                Err(error) => {
                    self.refuse_pushes(prepared);
                    if !self.goes_on_after(&error.into()) {
                        return None;
                    }
                }
            }
        };
        self.worked();
        prepared.appended = Some(appended);
        crash::here("stored");
        Some(())
    }

    /// Writes a group; `None` if the server ends first, or if it can never be written.
    fn write(&mut self, prepared: &mut Prepared) -> Option<NewKeys> {
        prepared.kept().iter().for_each(|kept| kept.leave_to_ledger());
        self.retrying(|committer| {
            let written = committer.ledger.write(|ledger| committer.preparation.write(prepared, ledger));
            written.inspect_err(|error| {
                // First it must be known that the write is not there after all.
                if committer.ledger.is_settled() && !matches!(error, LedgerError::WasCommitted) {
                    committer.refuse_pushes(prepared);
                }
            })
        })
    }

    /// Lists and shows the changes of the store that wait.
    fn change_stores(&mut self) {
        while let Ok(change) = self.changes.try_recv() {
            self.change_store(change);
        }
    }

    /// Lists what takes the place of other files, and only then lets go of those.
    fn change_store(&mut self, StoreChange { change, done }: StoreChange) {
        let Some(state) = self.store.state_after(&change) else { return tell(done, false) };
        change.leave_to_ledger();
        let written = self.retrying(|committer| {
            committer.ledger.write(|ledger| kept_records::write_change(ledger, &state, &change))
        });
        if written.is_none() {
            return;
        }
        crash::here("store listed");
        self.store.apply(change);
        crash::here("store applied");
        tell(done, true);
    }

    /// Refuses the pushes of a group that cannot be written, and those that wait: who pushes waits for an
    /// answer and knows what to do with a refusal.
    fn refuse_pushes(&mut self, prepared: &mut Prepared) {
        prepared.refuse_pushes();
        self.refuse_waiting_pushes();
    }

    /// Answers the pushes that wait; everything else is kept for the next group.
    fn refuse_waiting_pushes(&mut self) {
        while self.backlog.len() < REQUESTS_MAX {
            match self.requests.try_recv() {
                Ok(Request::Push(_, _, answer) | Request::Delete(_, answer)) => {
                    tell(answer, Pushed::DiskFull);
                }
                Ok(Request::Tick | Request::Wake) => {}
                Ok(request) => self.backlog.push_back(request),
                Err(_) => return,
            }
        }
    }

    fn apply(&mut self, mut prepared: Prepared, new_keys: NewKeys, duration: Duration) {
        prepared.publish(&self.store, &self.live);
        crash::here("published");
        prepared.apply(&self.state, &mut self.publications, duration);
        crash::here("applied");
        self.apply_events(&prepared, &new_keys);
        self.alerting.add(&prepared.events);
        self.preparation.written(&prepared, new_keys);
        let delta = prepared.answer();
        self.preparation.recycle(delta);
        crash::here("answered");
    }

    /// Adds what promises count to what is shown.
    fn apply_events(&self, prepared: &Prepared, new_keys: &NewKeys) {
        let mut inner = self.state.lock();
        for (key, number, first) in &new_keys.events {
            inner.events.know(*number, key, *first);
        }
        for (key, events) in prepared.events.on_metrics() {
            let new = || new_keys.events.iter().find(|(new, ..)| new == key).map(|(_, number, _)| *number);
            if let Some(number) = self.preparation.event_key_number(key).or_else(new) {
                inner.events.add(number, events);
            }
        }
    }

    /// Does what is due by time: publishes minutes, forgets what is old.
    fn look_after(&mut self, now: Timestamp) {
        let started = clock::monotonic();
        let mut publications = std::mem::take(&mut self.publications);
        for publication in &mut publications {
            while started.elapsed() < PUBLISHING_MAX && publication.prepare(&self.ledger, &self.state, now) {
                let published =
                    self.retrying(|committer| committer.ledger.write(|ledger| publication.write(ledger)));
                if published.is_none() {
                    break;
                }
                publication.written(&self.state);
            }
        }
        self.publications = publications;
        self.evaluate(now);
        if self.preparation.is_cleaning_due(now) {
            let purged = self.state.lock().meter.purge(now);
            self.preparation.purge(purged);
            let cleaned = self.retrying(|committer| {
                committer.ledger.write(|ledger| committer.preparation.clean(ledger, now))
            });
            if let Some(forgotten) = cleaned {
                self.preparation.cleaned(&forgotten, now);
            }
        }
    }

    /// Puts other promises and alerts in force. What was counted before is on the disk, and read again from there.
    fn reload(&mut self, Promises { config, indicators, done }: Promises) {
        let now = clock::now();
        let loaded = self.retrying(|committer| {
            let Self { ledger, state, publications, alerting, .. } = committer;
            ledger.read(|reading| {
                let exposed: HashSet<Arc<str>> = {
                    let inner = state.lock();
                    let exposed = inner.sources.iter().filter(|(_, source)| source.is_on_metrics);
                    exposed.map(|(name, _)| Arc::clone(name)).collect()
                };
                let events =
                    EventMeter::load(reading, METRICS, &indicators, |source| exposed.contains(source))?;
                publications
                    .iter_mut()
                    .try_for_each(|publication| publication.set_indicators(reading, &indicators))?;
                alerting.reload(reading, &config, &indicators, now)?;
                Ok(events)
            })
        });
        let Some(events) = loaded else { return };
        self.state.lock().events = events;
        self.preparation.set_indicators(indicators);
        self.alerting.show(&self.state, now);
        self.alerting.tell_all();
        tell(done, ());
    }

    /// Judges promises and alerts where minutes are complete.
    fn evaluate(&mut self, now: Timestamp) {
        if self.alerting.prepare(&self.state, now)
            && self
                .retrying(|committer| committer.ledger.write(|ledger| committer.alerting.write(ledger)))
                .is_some()
        {
            self.alerting.written(&self.state, now);
        } else {
            self.alerting.refresh(&self.state, now);
        }
    }

    /// Tries until it works; `None` if the server has to end first, or if trying again cannot help.
    fn retrying<R, E: Into<Failure>>(
        &mut self,
        mut attempt: impl FnMut(&mut Self) -> Result<R, E>,
    ) -> Option<R> {
        loop {
            match attempt(self) {
                Ok(result) => {
                    self.worked();
                    return Some(result);
                }
                Err(error) => {
                    if !self.goes_on_after(&error.into()) {
                        return None;
                    }
                }
            }
        }
    }

    /// Notes that everything can be written.
    fn worked(&mut self) {
        if self.failure.take().is_some() {
            tracing::info!("what was counted can be written again; intake goes on");
            self.state.set_writable(true);
        }
    }

    /// Says what is wrong, once, and waits a moment; `false` if trying again makes no sense.
    fn goes_on_after(&mut self, error: &Failure) -> bool {
        if matches!(error, Failure::Ledger(LedgerError::WasCommitted)) {
            return true;
        }
        let text = error.to_string();
        if self.failure.as_deref() != Some(&text) {
            tracing::error!(error = text, "cannot write what was counted; intake waits, nothing is lost");
            self.failure = Some(text);
            self.state.set_writable(false);
        }
        if *self.give_up.borrow() {
            return false;
        }
        #[expect(clippy::disallowed_methods, reason = "nothing tells when a disk has room again")]
        std::thread::sleep(RETRY_INTERVAL);
        error.is_retryable()
    }
}
