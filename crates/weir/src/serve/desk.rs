//! Where whoever keeps the server running asks: sources, rejects, replays, backfills.
//!
//! HTTP and the commands that find no server ask the same desk. It does one backfill and one replay at a time:
//! each takes all cores and its own share of memory, and two would only make both slower.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use weir_ledger::LedgerError;
use weir_store::Cancel;
use weir_web::{Admin, AdminProblem, Answer, Ask, BackfillProgress, BackfillRequest, ProblemKind};

use super::backfill::{BackfillRun, Plan};
use super::intake::Intake;
use super::open::BACKFILL;
use super::records::CancelOnDrop;
use super::reload::CurrentConfig;
use super::replay;
use super::server_status::About;
use super::sources::Shared;
use super::{backtest, original, rejects, source_status, writers};
use crate::clock;
use crate::config::{AwsAccess, Config, S3Input, Source, SourceInput};

/// Messages about a backfill that wait for a slow reader; beyond it they are left out, but for the last.
const PROGRESS_MESSAGES_MAX: usize = 16;

/// Lines that are read again at the same time: each reads a file from its start.
const ORIGINALS_MAX: usize = 2;

/// Answers questions and starts work. Copies are the same desk.
#[derive(Clone)]
pub struct Desk {
    inner: Arc<Inner>,
}

/// What the desk works with.
pub struct Inner {
    /// The way into the ledger and the counts.
    pub shared: Shared,
    /// The sources of the config, and those of backfills and of writers if none of them has their names.
    pub sources: Vec<Source>,
    /// How the lines of each of them are counted.
    pub intakes: Vec<Intake>,
    /// Says when the server stops.
    pub stop: watch::Receiver<bool>,
    about: About,
    /// The config in force.
    pub config: CurrentConfig,
    /// Room for one backtest.
    pub backtests: Semaphore,
    /// Cancelled when the server stops.
    stopping: Cancel,
    /// Room for lines that are read again.
    originals: Semaphore,
    backfills: Arc<Semaphore>,
    replays: Arc<Semaphore>,
}

impl Inner {
    /// The place of a source in `sources` and `intakes`.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.sources.iter().position(|source| source.name == name)
    }

    /// Whether the server stops.
    pub fn is_stopping(&self) -> bool {
        *self.stop.borrow()
    }
}

impl Desk {
    /// A desk for the sources of `config`, until `stop` says true.
    pub fn new(config: &Config, shared: Shared, stop: watch::Receiver<bool>) -> Self {
        let mut sources = config.sources.clone();
        if !sources.iter().any(|source| source.name == BACKFILL) {
            sources.push(backfill_source());
        }
        if !sources.iter().any(|source| source.name == writers::HTTP) {
            sources.push(writers::implicit_source());
        }
        let intakes = sources.iter().map(|source| shared.intake(config, source)).collect();
        let (backfills, replays) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
        let about = About::new(config, clock::now());
        let (config, backtests) = (CurrentConfig::new(config.clone()), Semaphore::new(1));
        let originals = Semaphore::new(ORIGINALS_MAX);
        let inner = Inner {
            shared,
            sources,
            intakes,
            stop,
            about,
            config,
            backtests,
            stopping: Cancel::new(),
            originals,
            backfills,
            replays,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Completes when nothing that changes something is under way any more; nothing begins after that. What only
    /// looks is told to stop.
    pub async fn ended(&self) {
        self.inner.stopping.cancel();
        for work in [&self.inner.backfills, &self.inner.replays] {
            if let Ok(permit) = work.acquire().await {
                permit.forget();
            }
        }
    }

    /// The config in force, which a reload exchanges.
    pub fn config(&self) -> CurrentConfig {
        self.inner.config.clone()
    }

    /// The functions that HTTP calls. There is a config to be read again only where a server runs.
    pub fn admin(&self) -> Admin {
        Admin {
            sources: self.asked(|inner, ()| {
                let configured = &inner.sources;
                source_status::status(&inner.shared, configured, clock::now())
                    .map_err(|error| unreadable(&error))
            }),
            status: self
                .asked(|inner, ()| Ok(inner.about.status(&inner.config.get(), &inner.shared, clock::now()))),
            slas: self.asked(|inner, ()| {
                let view = Arc::clone(&inner.shared.state.lock().alerting);
                Ok(view.slas(clock::now()))
            }),
            alerts: self.asked(|inner, ()| {
                let view = Arc::clone(&inner.shared.state.lock().alerting);
                Ok(view.alerts())
            }),
            backtest: self.asked_long(backtest::DEADLINE, backtest::by_query),
            backtest_config: self.asked_long(backtest::DEADLINE, backtest::of_config),
            reload: Arc::new(|()| {
                Box::pin(async {
                    let error = "no server runs that could read its config again";
                    Err(AdminProblem::new(ProblemKind::NotFound, error, "start weir serve"))
                })
            }),
            rejects: self.asked(|inner, query| {
                rejects::page(&inner.shared.ledger, &query).map_err(|error| unreadable(&error))
            }),
            reject: self.asked(|inner, id| {
                let detail = rejects::detail(&inner.shared.ledger, id).map_err(|error| unreadable(&error))?;
                detail.ok_or_else(|| {
                    let error = format!("there is no reject {id}");
                    AdminProblem::new(
                        ProblemKind::NotFound,
                        error,
                        "it may have been replayed, or be too old",
                    )
                })
            }),
            line: self.asked_long(original::SEARCH_MAX, |inner, query, cancel| {
                let Ok(_permit) = inner.originals.try_acquire() else {
                    return Err(busy("other lines are read again"));
                };
                original::read(inner, &query, cancel)
            }),
            replay: self.asked(|inner, request| {
                let Ok(_permit) = inner.replays.try_acquire() else {
                    return Err(busy("a replay is under way"));
                };
                replay::run(inner, &request)
            }),
            backfill: {
                let desk = self.clone();
                Arc::new(move |request| {
                    let desk = desk.clone();
                    Box::pin(async move { desk.start_backfill(&request).await })
                })
            },
        }
    }

    /// A function that waits for the ledger, and so runs on a thread of its own.
    fn asked<Q, T, F>(&self, answer: F) -> Ask<Q, T>
    where
        Q: Send + 'static,
        T: Send + 'static,
        F: Fn(&Inner, Q) -> Result<T, AdminProblem> + Send + Sync + Copy + 'static,
    {
        let inner = Arc::clone(&self.inner);
        Arc::new(move |question| -> Answer<T> {
            let inner = Arc::clone(&inner);
            Box::pin(async move {
                let answered = tokio::task::spawn_blocking(move || answer(&inner, question)).await;
                answered.unwrap_or_else(|_| {
                    Err(AdminProblem::new(ProblemKind::Failed, "the work failed", "look at the server's log"))
                })
            })
        })
    }

    /// The same for work that may take long: it stops after `time_max`, when nobody waits for it any more, and when
    /// the server stops.
    fn asked_long<Q, T, F>(&self, time_max: Duration, answer: F) -> Ask<Q, T>
    where
        Q: Send + 'static,
        T: Send + 'static,
        F: Fn(&Inner, Q, &Cancel) -> Result<T, AdminProblem> + Send + Sync + Copy + 'static,
    {
        let asked =
            self.asked(move |inner, (question, cancel): (Q, Cancel)| answer(inner, question, &cancel));
        let stopping = self.inner.stopping.clone();
        Arc::new(move |question| -> Answer<T> {
            let cancel = stopping.child(clock::monotonic() + time_max);
            let (answer, guard) = (asked((question, cancel.clone())), CancelOnDrop(cancel));
            Box::pin(async move {
                let answer = answer.await;
                drop(guard);
                answer
            })
        })
    }

    async fn start_backfill(
        &self,
        request: &BackfillRequest,
    ) -> Result<mpsc::Receiver<BackfillProgress>, AdminProblem> {
        let inner = &self.inner;
        let now = clock::now();
        let plan = Plan::of(request, &inner.sources, now)?;
        let source = inner.sources.get(plan.source());
        let complete_to = source.and_then(|source| inner.shared.state.complete_to(&source.name));
        let plan = plan.behind(&inner.sources, complete_to, now);
        if inner.is_stopping() {
            return Err(AdminProblem::new(ProblemKind::Stopping, "the server stops", "ask the next one"));
        }
        let Ok(permit) = Arc::clone(&inner.backfills).try_acquire_owned() else {
            return Err(busy("a backfill is under way"));
        };
        let (messages, progress) = mpsc::channel(PROGRESS_MESSAGES_MAX);
        let run = BackfillRun::new(Arc::clone(inner), plan, messages);
        tokio::spawn(async move {
            run.run().await;
            drop(permit);
        });
        Ok(progress)
    }
}

fn backfill_source() -> Source {
    let nowhere = S3Input {
        bucket: String::new(),
        prefix: String::new(),
        poll: Duration::MAX,
        aws: AwsAccess::default(),
    };
    Source::new(BACKFILL, SourceInput::S3(nowhere), Some(weir_record::Format::Alb))
}

fn busy(error: &str) -> AdminProblem {
    AdminProblem::new(ProblemKind::Busy, error, "wait until it has ended")
}

/// A ledger that cannot be read, as an answer.
pub fn unreadable(error: &LedgerError) -> AdminProblem {
    AdminProblem::new(ProblemKind::Failed, error.to_string(), "look at the server's log and its disk")
}
