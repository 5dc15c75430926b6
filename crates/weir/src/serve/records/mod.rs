//! What is asked of records: the API's questions, answered by the store.
//!
//! HTTP and the commands that find no server ask the same functions. A question waits for its turn, since each
//! takes all cores and its share of memory; it has a deadline; and it stops when nobody waits for it any more:
//! the future that answers it holds a guard, and dropping that cancels the scan.

mod answers;
mod deletion;
mod export;
mod kept;
mod story;
mod tail;
mod warnings;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use weir_ledger::Ledger;
use weir_store::{Cancel, Found, Limits, QueryFailure, SearchRequest, Store, View};
use weir_web::{AskRecords, Records, RecordsProblem, RecordsProblemKind};

use super::live::LiveTail;
use super::sources::Shared;
use super::state::State;
use super::upkeep::Upkeep;
use crate::clock;

/// How long a question may take. Over 20 million records the slowest take a few seconds.
const DEADLINE: Duration = Duration::from_secs(30);

/// How long a question waits for its turn.
const TURN_MAX: Duration = Duration::from_secs(5);

/// Questions at the same time, for each core: while one waits for the disk, another has the core.
const QUESTIONS_PER_CORE: usize = 2;

/// Followers of the live records that look at a batch at the same time, for each core.
const FOLLOWERS_PER_CORE: usize = 2;

/// Exports at the same time. A slow one holds a connection and a page of memory for hours.
const EXPORTS_MAX: usize = 16;

/// By what a page is made smaller that does not fit into memory.
const SHRINKING: usize = 8;

/// What the questions are answered from.
#[derive(Clone)]
struct Parts {
    store: Arc<Store>,
    state: Arc<State>,
    ledger: Arc<Ledger>,
    live: Arc<LiveTail>,
    upkeep: Arc<Upkeep>,
    stop: watch::Receiver<bool>,
}

/// Answers questions. Copies are the same desk.
#[derive(Clone)]
struct Desk {
    parts: Parts,
    turns: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    followers: Arc<Semaphore>,
}

/// The functions that HTTP calls, until `stop` says true.
pub fn records(shared: &Shared, stop: watch::Receiver<bool>) -> Records {
    let parts = Parts {
        store: Arc::clone(&shared.store),
        state: Arc::clone(&shared.state),
        ledger: Arc::clone(&shared.ledger),
        live: Arc::clone(&shared.live),
        upkeep: Arc::clone(&shared.upkeep),
        stop,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let turns = Arc::new(Semaphore::new(cores * QUESTIONS_PER_CORE));
    let exports = Arc::new(Semaphore::new(EXPORTS_MAX));
    let followers = Arc::new(Semaphore::new(cores * FOLLOWERS_PER_CORE));
    let desk = Desk { parts, turns, exports, followers };
    Records {
        search: desk.asked(|desk, query| async move { desk.search(query).await }),
        export: desk.asked(|desk, query| async move { desk.export(query).await }),
        aggregate: desk.asked(|desk, request| async move { desk.aggregate(request).await }),
        tail: desk.asked(|desk, query| async move { desk.tail(&query) }),
        fields: desk.asked(|desk, query| async move { desk.fields(query).await }),
        routes: desk.asked(|desk, query| async move { desk.routes(query).await }),
        story: desk.asked(|desk, query| async move { desk.story(query).await }),
        context: desk.asked(|desk, query| async move { desk.context(query).await }),
        delete: desk.asked(|desk, request| async move { desk.delete(request).await }),
    }
}

/// What a question is asked of: everything as it is now.
struct Scan {
    view: Arc<View>,
    limits: Limits,
    cancel: Cancel,
}

/// Stops work when the one who waits for it goes.
pub struct CancelOnDrop(pub Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Desk {
    fn asked<Q, T, F>(&self, answer: impl Fn(Self, Q) -> F + Send + Sync + 'static) -> AskRecords<Q, T>
    where
        F: Future<Output = Result<T, RecordsProblem>> + Send + 'static,
    {
        let desk = self.clone();
        Arc::new(move |question| Box::pin(answer(desk.clone(), question)))
    }

    /// Runs `work` on a thread of its own when it is its turn.
    async fn scan<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Scan) -> Result<T, RecordsProblem> + Send + 'static,
    ) -> Result<T, RecordsProblem> {
        let turn = self.turn().await?;
        let cancel = Cancel::at(clock::monotonic() + DEADLINE);
        let guard = CancelOnDrop(cancel.clone());
        let store = Arc::clone(&self.parts.store);
        let answered = tokio::task::spawn_blocking(move || {
            // Held until the work is over, also where nobody waits for it any more.
            let _turn = turn;
            work(&Scan { view: store.view(), limits: Limits::default(), cancel })
        });
        let answered = answered.await;
        drop(guard);
        answered.unwrap_or_else(|_| {
            let hint = "look at the server's log";
            Err(RecordsProblem::new(RecordsProblemKind::Failed, "the search failed", hint))
        })
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, RecordsProblem> {
        let turn = tokio::time::timeout(TURN_MAX, Arc::clone(&self.turns).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| busy("too many ask at the same time"))
    }

    /// The moment up to which all sources are complete, in the words of the API.
    fn complete_to(&self, zone: &crate::search::Zone) -> Option<String> {
        self.parts.state.lock().complete_to().map(|time| zone.text(time))
    }
}

impl Scan {
    /// Records that match. Where so many do not fit into memory, as with values of a megabyte, fewer: the cursor
    /// goes on behind them.
    fn search(&self, request: &SearchRequest) -> Result<Found, RecordsProblem> {
        let mut request = request.clone();
        loop {
            match self.view.search(&request, &self.limits, &self.cancel) {
                Err(QueryFailure::TooMuchMemory { .. }) if request.limit > 1 => {
                    request.limit = (request.limit / SHRINKING).max(1);
                }
                found => return found.map_err(|failure| failed(&failure)),
            }
        }
    }
}

fn busy(error: &str) -> RecordsProblem {
    RecordsProblem::new(RecordsProblemKind::Busy, error, "try again as soon as Retry-After says")
}

/// Why the store gives no answer, in the words of the API.
fn failed(failure: &QueryFailure) -> RecordsProblem {
    let kind = match failure {
        QueryFailure::Cancelled => RecordsProblemKind::Stopping,
        QueryFailure::TimedOut => RecordsProblemKind::TooSlow,
        QueryFailure::TooMuchMemory { .. } => RecordsProblemKind::TooLarge,
        QueryFailure::BadCursor { .. } => RecordsProblemKind::BadParameters,
        QueryFailure::Unreadable { .. } => RecordsProblemKind::Failed,
    };
    let text = failure.to_string();
    let (error, hint) = text.split_once("; ").unwrap_or((&text, "look at the server's log"));
    RecordsProblem::new(kind, error, hint)
}

/// Milliseconds since `begun`, a moment of [`clock::monotonic`].
fn took_ms(begun: std::time::Instant) -> u64 {
    u64::try_from(clock::monotonic().saturating_duration_since(begun).as_millis()).unwrap_or(u64::MAX)
}
