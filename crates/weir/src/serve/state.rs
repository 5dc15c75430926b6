//! What the server has counted, and the account of each source.
//!
//! One lock around all of it: a batch is added in a millisecond and a scrape copies the numbers, so
//! every reader sees whole batches and the parts agree with each other.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use weir_meter::{Meter, MeterOptions, MinuteSlots, Scrapers, Snapshot, View, Watermark};
use weir_record::{NotAccessLog, Reason, Timestamp};
use weir_web::{RouteStatistics, RoutesQuery};

use super::own_metrics;
use crate::clock;

/// Minute slots that are kept in memory: about 100 MB at most.
const SLOTS_MAX: usize = 500_000;

/// What the sources write and the HTTP side reads.
pub struct State {
    inner: Mutex<Inner>,
    is_ready: AtomicBool,
    expire_after: Duration,
}

struct Inner {
    meter: Meter,
    slots: MinuteSlots,
    scrapers: Scrapers,
    sources: BTreeMap<Arc<str>, SourceState>,
}

/// The account of one source.
#[derive(Clone, Debug)]
pub struct SourceState {
    watermark: Watermark,
    /// The moment up to which the source is complete; never moves back.
    pub complete_to: Option<Timestamp>,
    /// Lines that are records or rejects.
    pub received: u64,
    /// Lines that are no records.
    pub rejected: BTreeMap<Reason, u64>,
    /// Records of minutes that had been taken as complete.
    pub late: u64,
    /// Records more than 400 days old or more than a day ahead: counted, but in no minute.
    pub implausible: u64,
    /// The youngest record's time.
    pub last_record: Option<Timestamp>,
    /// Files that hold no requests.
    pub skipped: BTreeMap<NotAccessLog, u64>,
    /// Files that could not be read, by reason.
    pub failed: BTreeMap<&'static str, u64>,
}

/// What one object, or one piece of a growing file, gave.
pub struct Batch {
    /// Its counts and minutes.
    pub meter: Meter,
    /// Lines that are records or rejects.
    pub received: u64,
    /// Lines that are no records.
    pub rejected: BTreeMap<Reason, u64>,
    /// Records of minutes that had been taken as complete.
    pub late: u64,
    /// The youngest record's time.
    pub last_record: Option<Timestamp>,
}

impl Batch {
    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.meter.clear();
        self.received = 0;
        self.rejected.clear();
        self.late = 0;
        self.last_record = None;
    }
}

impl State {
    /// Nothing counted yet; `sources` are names and how late they may be.
    pub fn new(
        options: MeterOptions,
        expire_after: Duration,
        sources: impl Iterator<Item = (Arc<str>, Duration)>,
    ) -> Self {
        let sources = sources.map(|(name, lateness)| (name, SourceState::new(lateness))).collect();
        let inner = Inner {
            meter: Meter::new(options),
            slots: MinuteSlots::new(SLOTS_MAX),
            scrapers: Scrapers::default(),
            sources,
        };
        Self { inner: Mutex::new(inner), is_ready: AtomicBool::new(false), expire_after }
    }

    /// Adds a batch of `source`.
    pub fn commit(&self, source: &Arc<str>, batch: &Batch, now: Timestamp) {
        let mut inner = self.lock();
        let Inner { meter, slots, sources, .. } = &mut *inner;
        meter.merge(&batch.meter, now);
        let implausible = batch.meter.add_slots_to(slots, source);
        if let Some(account) = sources.get_mut(source) {
            account.received += batch.received;
            account.late += batch.late;
            account.implausible += implausible;
            account.last_record = account.last_record.max(batch.last_record);
            for (&reason, &count) in &batch.rejected {
                *account.rejected.entry(reason).or_default() += count;
            }
        }
    }

    /// Changes the account of `source`.
    pub fn with_source(&self, source: &str, change: impl FnOnce(&mut SourceState)) {
        if let Some(account) = self.lock().sources.get_mut(source) {
            change(account);
        }
    }

    /// The moment up to which `source` is complete.
    pub fn complete_to(&self, source: &str) -> Option<Timestamp> {
        self.lock().sources.get(source)?.complete_to
    }

    /// Forgets series that nobody used for 30 days.
    pub fn purge(&self, now: Timestamp) {
        self.lock().meter.purge(now);
    }

    /// Says that the sources run, or that they stop.
    pub fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }

    /// Whether the sources run.
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// All series as `scraper` is to see them now.
    pub fn snapshot(&self, scraper: Option<String>) -> Snapshot {
        let now = clock::now();
        let expire_after_us = i64::try_from(self.expire_after.as_micros()).unwrap_or(i64::MAX);
        let mut inner = self.lock();
        let births = inner.meter.births();
        let zero_after = inner.scrapers.scrape(scraper, births, now);
        let view = View { zero_after, counted_since: now.plus_micros(-expire_after_us) };
        let mut snapshot = inner.meter.snapshot(view);
        snapshot.families.extend(own_metrics::families(
            &inner.sources,
            inner.meter.overflows(),
            inner.slots.dropped(),
        ));
        drop(inner);
        snapshot.families.extend(own_metrics::process_families());
        snapshot.families.sort_by(|one, other| one.name.cmp(&other.name));
        snapshot
    }

    /// What each route did in the span that `query` asks for.
    ///
    /// # Errors
    ///
    /// A time that is none.
    pub fn routes(&self, query: &RoutesQuery) -> Result<RouteStatistics, String> {
        let now = clock::now();
        let time = |text: &Option<String>, default: &str| {
            Timestamp::parse_expression(text.as_deref().unwrap_or(default), now)
        };
        let (from, to) = (time(&query.from, "now-1h")?, time(&query.to, "now")?);
        let inner = self.lock();
        let complete_to = inner.sources.values().map(|source| source.complete_to).min().flatten();
        Ok(RouteStatistics {
            span_seconds: to.micros_since(from).map_or(0.0, |micros| micros as f64 / 1e6),
            complete_to: complete_to.map(|time| time.to_string()),
            routes: inner.slots.summarize_routes(from.minute(), to.minute_rounded_up()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is an addition of whole numbers; a panic between two leaves them readable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SourceState {
    fn new(lateness: Duration) -> Self {
        Self {
            watermark: Watermark::new(u64::try_from(lateness.as_micros()).unwrap_or(u64::MAX)),
            complete_to: None,
            received: 0,
            rejected: BTreeMap::new(),
            late: 0,
            implausible: 0,
            last_record: None,
            skipped: BTreeMap::new(),
            failed: BTreeMap::new(),
        }
    }

    /// Notes that a load balancer's node has delivered everything up to `end`.
    pub fn observe_interval(&mut self, node: &str, end: Timestamp, now: Timestamp) {
        self.watermark.observe_interval(node, end, now);
    }

    /// Notes that everything that was there to read at `now` was read.
    pub fn caught_up(&mut self, now: Timestamp) {
        self.complete_to = self.complete_to.max(Some(self.watermark.at(now)));
    }
}
