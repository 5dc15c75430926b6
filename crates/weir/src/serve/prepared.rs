//! A group that is ready: written as often as it takes, then added to the state, then answered.
//!
//! In this order and no other: what is shown or acknowledged before it is on the disk can be taken back by a
//! crash.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use weir_ledger::{LedgerError, Writing};
use weir_meter::durable::{SeriesId, StoredSlot, StoredSlotKey};
use weir_meter::{Meter, SeriesChange, Staged, StoredScraper, pushed};
use weir_record::{Minute, Timestamp};
use weir_store::{Appended, Kept, Store};

use super::account::Account;
use super::commit::{Delivered, Pushed};
use super::declared::StagedLosses;
use super::event_staging::StagedEvents;
use super::group::{UnitAndWay, WaitingKeep, end_unit, tell};
use super::live::LiveTail;
use super::publication::{PendingChanges, Publication};
use super::state::State;
use super::unit::Committed;

/// The name under which the ledger keeps the series of `/metrics`.
pub const METRICS: &str = "metrics";

/// The number of the last group that was written.
pub const GROUP_NUMBER: &str = "group";
/// [`MeterTotals`].
pub const METER_TOTALS: &str = "meter";
/// The scrapers.
pub const SCRAPERS: &str = "scrapers";
/// The scrapers, as far as promises go.
pub const EVENT_SCRAPERS: &str = "event_scrapers";
/// Before a source's name: its account.
pub const SOURCES: &str = "source/";

/// What is kept of the meter beside its series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterTotals {
    /// Series of load balancers and of nginx that were ever born.
    pub births: (u64, u64),
    /// Requests counted under `__other__`.
    pub overflows: [u64; 2],
}

/// What happened in each minute under each key.
pub type Slots = BTreeMap<StoredSlotKey, BTreeMap<Minute, StoredSlot>>;

/// A group that is ready to be written.
pub struct Prepared {
    pub number: u64,
    pub now: Timestamp,
    pub units: Vec<UnitAndWay>,
    pub known: Vec<UnitAndWay>,
    pub staged: Staged,
    pub delta: Meter,
    pub series: Vec<SeriesChange>,
    pub totals: Option<MeterTotals>,
    pub slots: Slots,
    pub accounts: Vec<(Arc<str>, Account)>,
    pub pending: Vec<PendingChanges>,
    pub pushes: Pushes,
    pub delivered: Vec<Delivered>,
    pub kept: Vec<WaitingKeep>,
    pub scrapers: Option<Vec<StoredScraper>>,
    pub event_scrapers: Option<Vec<StoredScraper>>,
    pub purged: Vec<SeriesId>,
    /// Where its records are, once they are written.
    pub appended: Option<Appended>,
    /// What it adds to the user's own metrics. Apart from the pushes, which a full disk refuses.
    pub declared: Option<pushed::Staged>,
    /// What of that had no room; taken when it is noted.
    pub declared_losses: StagedLosses,
    /// What it adds to promises and alerts.
    pub events: StagedEvents,
}

/// The pushes and deletions of a group.
#[derive(Default)]
pub struct Pushes {
    pub staged: Option<pushed::Staged>,
    pub keys: Vec<[u8; 16]>,
    pub waiting: Vec<oneshot::Sender<Pushed>>,
    pub answered: Vec<(oneshot::Sender<Pushed>, Pushed)>,
}

impl Prepared {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
            && self.accounts.is_empty()
            && self.pushes.waiting.is_empty()
            && self.delivered.is_empty()
            && self.kept.is_empty()
            && self.scrapers.is_none()
            && self.event_scrapers.is_none()
            && self.purged.is_empty()
    }

    /// Whether it has records to keep.
    pub fn has_records(&self) -> bool {
        self.units.iter().any(|(unit, _)| !unit.kept.is_empty())
    }

    /// The records to keep.
    pub fn kept(&self) -> Vec<&Kept> {
        self.units.iter().map(|(unit, _)| &unit.kept).filter(|kept| !kept.is_empty()).collect()
    }

    /// Makes the records visible: the ledger names them.
    pub fn publish(&mut self, store: &Store, live: &LiveTail) {
        if live.has_listeners() {
            for (unit, _) in &mut self.units {
                let (rows, passed_over) = unit.take_shown();
                rows.iter().for_each(|rows| live.send(rows));
                live.pass_over(passed_over);
            }
        }
        let kept = self.units.iter_mut().map(|(unit, _)| std::mem::take(&mut unit.kept));
        let kept: Vec<Kept> = kept.filter(|kept| !kept.is_empty()).collect();
        if let Some(appended) = self.appended.take() {
            store.publish(appended, kept);
        }
    }

    /// Writes what was pushed.
    ///
    /// # Errors
    ///
    /// Whatever the ledger says.
    pub fn write_pushes(&self, ledger: &Writing<'_>) -> Result<(), LedgerError> {
        self.pushes.keys.iter().try_for_each(|key| ledger.put_key(*key, self.now))?;
        [&self.pushes.staged, &self.declared]
            .into_iter()
            .flatten()
            .try_for_each(|staged| write_staged(ledger, staged))
    }

    /// Takes the pushes out, as there is no room on the disk, and says so to who waits.
    pub fn refuse_pushes(&mut self) {
        let pushes = std::mem::take(&mut self.pushes);
        pushes.waiting.into_iter().for_each(|answer| tell(answer, Pushed::DiskFull));
        pushes.answered.into_iter().for_each(|(answer, pushed)| tell(answer, pushed));
    }

    /// Adds it to the state: it is on the disk.
    pub fn apply(&mut self, state: &State, publications: &mut [Publication], duration: Duration) {
        let mut inner = state.lock();
        inner.meter.apply(&self.staged, &self.delta);
        for (source, account) in &self.accounts {
            if let Some(source) = inner.sources.get_mut(source) {
                for (node, heard) in &account.nodes {
                    let end = Timestamp::from_micros(heard.interval_end_us);
                    source.watermark.observe_interval(node, end, Timestamp::from_micros(heard.heard_at_us));
                }
                source.account = account.clone();
            }
        }
        for staged in [self.pushes.staged.take(), self.declared.take()].into_iter().flatten() {
            inner.pushed.apply(staged);
        }
        inner.declared_losses.note(std::mem::take(&mut self.declared_losses));
        if let Some(scrapers) = &self.scrapers {
            inner.scrapers.mark_stored(scrapers);
        }
        if let Some(scrapers) = &self.event_scrapers {
            inner.event_scrapers.mark_stored(scrapers);
        }
        inner.own.commit_seconds.observe(duration);
        drop(inner);
        for pending in &self.pending {
            if let Some(publication) =
                publications.iter_mut().find(|publication| publication.name == pending.target)
            {
                publication.staged_is_written(pending);
            }
        }
    }

    /// Tells everybody who waits, and gives the units back. Returns the meter that it used.
    pub fn answer(self) -> Meter {
        let Self { now, units, known, pushes, delivered, kept, delta, .. } = self;
        known.into_iter().for_each(|unit| end_unit(unit, Committed::Known, now));
        units.into_iter().for_each(|unit| end_unit(unit, Committed::Done, now));
        pushes.waiting.into_iter().for_each(|answer| tell(answer, Pushed::Done));
        pushes.answered.into_iter().for_each(|(answer, pushed)| tell(answer, pushed));
        delivered.into_iter().for_each(|delivered| tell(delivered.done, ()));
        kept.into_iter().for_each(|(_, done)| tell(done, ()));
        delta
    }

    /// Tells everybody that nothing of it was counted: the server ends.
    pub fn refuse(self) {
        let now = self.now;
        let units = self.units.into_iter().chain(self.known);
        units.for_each(|unit| end_unit(unit, Committed::Stopping, now));
    }
}

/// Writes what is staged of pushed series, or of the user's own.
///
/// # Errors
///
/// Whatever the ledger says.
pub fn write_staged(ledger: &Writing<'_>, staged: &pushed::Staged) -> Result<(), LedgerError> {
    for family in staged.family_changes() {
        match &family.row {
            Some(row) => ledger.put_pushed_family(family.name, row)?,
            None => ledger.remove_pushed_family(family.name).map(drop)?,
        }
    }
    let mut key = Vec::new();
    for series in staged.series_changes() {
        series.write_key(&mut key);
        match series.row {
            Some(row) => ledger.put_pushed_series(&key, row)?,
            None => ledger.remove_pushed_series(&key).map(drop)?,
        }
    }
    Ok(())
}

/// Writes series of the meter that the ledger calls `meter`.
///
/// # Errors
///
/// Whatever the ledger says.
pub fn write_series(ledger: &Writing<'_>, meter: &str, series: &[SeriesChange]) -> Result<(), LedgerError> {
    for SeriesChange { id, labels, counts } in series {
        if let Some(labels) = labels {
            ledger.put_labels(meter, *id, labels)?;
            ledger.put_births(meter, id.origin, id.birth)?;
        }
        ledger.put_counts(meter, *id, counts)?;
    }
    Ok(())
}
