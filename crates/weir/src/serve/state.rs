//! What the commit thread changes and everybody else reads.
//!
//! One lock over all of it, held for an addition or a copy. What is in here is on the disk already, so that
//! nothing is ever shown that a crash could take back; only the commit thread writes, after each commit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weir_ledger::{Ledger, LedgerError};
use weir_meter::pushed::PushedSeries;
use weir_meter::{Births, Meter, RouteSummaries, Scrapers, Snapshot, View, Watermark};
use weir_record::{Minute, Timestamp};
use weir_store::Store;
use weir_web::{RouteStatistics, RoutesQuery};

use super::account::Account;
use super::alerting_view::AlertingView;
use super::declared::{Declared, DeclaredLosses};
use super::event_meter::EventMeter;
use super::own_metrics::{self, Own};
use crate::clock;

/// What the commit thread changes and everybody else reads.
pub struct State {
    inner: Mutex<Inner>,
    ledger: Arc<Ledger>,
    store: Arc<Store>,
    is_ready: AtomicBool,
    is_writable: AtomicBool,
    expire_after: Duration,
}

/// Everything under the lock.
pub struct Inner {
    /// The series of `/metrics`.
    pub meter: Meter,
    /// What was pushed.
    pub pushed: PushedSeries,
    /// Who has seen which series.
    pub scrapers: Scrapers,
    /// The sources by name.
    pub sources: BTreeMap<Arc<str>, SourceState>,
    /// Numbers about the server itself that are kept nowhere.
    pub own: Own,
    /// The user's own metrics.
    pub declared: Arc<Declared>,
    /// What of those had no room.
    pub declared_losses: DeclaredLosses,
    /// What was counted for promises.
    pub events: EventMeter,
    /// Who has seen which series of that.
    pub event_scrapers: Scrapers,
    /// What is known of promises and alerts.
    pub alerting: Arc<AlertingView>,
}

/// A source as the server knows it.
#[derive(Clone, Debug)]
pub struct SourceState {
    /// What came and what became of it.
    pub account: Account,
    /// Up to when it is complete.
    pub watermark: Watermark,
    /// Whether its series are on `/metrics`.
    pub is_on_metrics: bool,
    /// Whether only backfills bring it something, so that it is complete up to no moment.
    pub is_history: bool,
    /// Whether all of its records are kept, so that what is found is all there was.
    pub is_kept_whole: bool,
    /// The first minute that remote write has not published, where it has this source.
    pub first_open: Option<Minute>,
}

impl Inner {
    /// The moment up to which all sources are complete, if that is known of each.
    pub fn complete_to(&self) -> Option<Timestamp> {
        let running = self.sources.values().filter(|source| !source.is_history);
        running.map(|source| source.account.complete_to()).min().flatten()
    }
}

impl SourceState {
    /// What only backfills bring something for.
    pub fn history(account: Account) -> Self {
        Self { is_history: true, ..Self::new(account, Duration::ZERO, true) }
    }

    /// A source whose lines may be late by `lateness`, with what is known from earlier runs.
    pub fn new(account: Account, lateness: Duration, is_on_metrics: bool) -> Self {
        let mut watermark = Watermark::new(u64::try_from(lateness.as_micros()).unwrap_or(u64::MAX));
        for (node, heard) in &account.nodes {
            let end = Timestamp::from_micros(heard.interval_end_us);
            watermark.observe_interval(node, end, Timestamp::from_micros(heard.heard_at_us));
        }
        Self { account, watermark, is_on_metrics, is_history: false, is_kept_whole: true, first_open: None }
    }
}

impl State {
    /// The state as the ledger has it.
    pub fn new(inner: Inner, ledger: Arc<Ledger>, store: Arc<Store>, expire_after: Duration) -> Self {
        Self {
            inner: Mutex::new(inner),
            ledger,
            store,
            is_ready: AtomicBool::new(false),
            is_writable: AtomicBool::new(true),
            expire_after,
        }
    }

    /// Everything, locked.
    pub fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is an addition of whole numbers; a panic between two leaves them readable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment up to which `source` is complete.
    pub fn complete_to(&self, source: &str) -> Option<Timestamp> {
        self.lock().sources.get(source)?.account.complete_to()
    }

    /// The first minute of `source` that remote write has not published, where it has this source.
    pub fn first_open(&self, source: &str) -> Option<Minute> {
        self.lock().sources.get(source)?.first_open
    }

    /// The account of `source` that says that everything that was there at `now` has been read.
    pub fn caught_up(&self, source: &str, now: Timestamp) -> Account {
        let complete_to = self.lock().sources.get(source).map(|source| source.watermark.at(now).micros());
        Account { complete_to_us: complete_to, ..Account::default() }
    }

    /// Says that the sources run, or that they stop.
    pub fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }

    /// Says whether what is counted can be written.
    pub fn set_writable(&self, is_writable: bool) {
        self.is_writable.store(is_writable, Ordering::Relaxed);
    }

    /// Whether what is counted can be written; asked for every push, so without the lock.
    pub fn is_writable(&self) -> bool {
        self.is_writable.load(Ordering::Relaxed)
    }

    /// Whether the sources run.
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// The moment before which a series must have been counted in to be left out as expired.
    pub fn counted_since(&self, now: Timestamp) -> Timestamp {
        now.minus(self.expire_after)
    }

    /// All series as `scraper` is to see them now, and whether it saw some for the first time.
    pub fn snapshot(&self, scraper: Option<String>) -> (Snapshot, bool) {
        let now = clock::now();
        let mut inner = self.lock();
        let births = inner.meter.counted_births();
        let event_births = Births { alb: inner.events.births(), nginx: 0 };
        let events_zero_after = inner.event_scrapers.scrape(scraper.clone(), event_births, now);
        let zero_after = inner.scrapers.scrape(scraper, births, now);
        let has_news = inner.scrapers.has_news() || inner.event_scrapers.has_news();
        let view = View { zero_after, counted_since: self.counted_since(now) };
        let mut snapshot = inner.meter.snapshot(view);
        snapshot.families.extend(own_metrics::families(&inner, now, self.is_writable()));
        snapshot.families.extend(own_metrics::store_families(&self.store));
        snapshot.families.extend(own_metrics::process_families());
        snapshot.families.extend(inner.events.family(events_zero_after));
        snapshot.families.sort_by(|one, other| one.name.cmp(&other.name));
        inner.pushed.add_to(&mut snapshot);
        inner.declared.add_zeros(&mut snapshot);
        drop(inner);
        (snapshot, has_news)
    }

    /// What each route did in the span that `query` asks for.
    ///
    /// # Errors
    ///
    /// A time that is none, or minutes that cannot be read.
    pub fn routes(&self, query: &RoutesQuery) -> Result<RouteStatistics, String> {
        let now = clock::now();
        let time = |text: &Option<String>, default: &str| {
            Timestamp::parse_expression(text.as_deref().unwrap_or(default), now)
        };
        let (from, to) = (time(&query.from, "now-1h")?, time(&query.to, "now")?);
        let routes = self.summarize_routes(from.minute(), to.minute_rounded_up(), query.columns()?);
        let inner = self.lock();
        let complete_to = inner.complete_to();
        Ok(RouteStatistics {
            span_seconds: to.micros_since(from).map_or(0.0, |micros| micros as f64 / 1e6),
            complete_to: complete_to.map(|time| time.to_string()),
            routes: routes.map_err(|error| error.to_string())?.finish(),
        })
    }

    /// Minutes per source, service, route and method, as far as `columns` has them.
    fn summarize_routes(
        &self,
        from: Minute,
        to: Minute,
        columns: [bool; 4],
    ) -> Result<RouteSummaries, LedgerError> {
        self.ledger.read(|ledger| {
            let mut keys: BTreeMap<_, _> = ledger.slot_keys()?.into_iter().collect();
            for key in keys.values_mut() {
                let texts = [&mut key.source, &mut key.service, &mut key.route, &mut key.method];
                texts.into_iter().zip(columns).filter(|(_, is_asked)| !is_asked).for_each(|(text, _)| {
                    *text = Box::default();
                });
            }
            let mut routes = RouteSummaries::default();
            ledger.slots(from, to, |_, number, slot| {
                if let Some(key) = keys.get(&number) {
                    routes.add(key, &slot);
                }
            })?;
            Ok(routes)
        })
    }
}
