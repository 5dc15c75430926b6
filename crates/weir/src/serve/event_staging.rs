//! What a group adds to the events of promises and alerts, on its way into the ledger.
//!
//! Everything goes into its own minute; what is to be seen goes into the totals of `/metrics`, or waits until its
//! minute is published by remote write.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use weir_alert::Labels;
use weir_ledger::{EventCounts, EventKey, LedgerError, Writing};
use weir_meter::OTHER;
use weir_record::Minute;

use super::group::UnitAndWay;
use super::indicators::Indicators;
use super::prepared::METRICS;
use super::publication::Publication;
use super::state::Inner;
use super::unit::Reach;

/// Instances that are kept apart, of all promises and alerts; what would be one more counts under `__other__`. A
/// client chooses paths, and each costs a row per minute.
const KEYS_MAX: usize = 50_000;

/// Numbers of keys that a write gave, with the first minute of each.
pub type NewEventKeys = Vec<(EventKey, u32, Minute)>;

/// What a group adds.
#[derive(Debug, Default)]
pub struct StagedEvents {
    rows: BTreeMap<EventKey, StagedRow>,
}

#[derive(Debug, Default)]
struct StagedRow {
    /// The number in force.
    indicator: Option<usize>,
    hours: BTreeMap<i64, EventCounts>,
    minutes: BTreeMap<Minute, EventCounts>,
    /// What is added to `/metrics`.
    metrics: EventCounts,
    /// What waits for remote writes, by name and minute.
    pending: BTreeMap<(Arc<str>, Minute), EventCounts>,
}

/// What is added to one instance.
pub struct AddedRow<'a> {
    /// The number of the indicator.
    pub indicator: usize,
    /// The labels of the instance.
    pub labels: Labels,
    /// Minutes and their events.
    pub minutes: &'a BTreeMap<Minute, EventCounts>,
}

/// The numbers of keys, as the commit thread knows them.
pub type EventKeys = HashMap<EventKey, u32>;

impl StagedEvents {
    /// What units add. Keys beyond the bound are those of the rest.
    pub fn of(
        units: &[UnitAndWay],
        indicators: &Indicators,
        known: &EventKeys,
        inner: &Inner,
        publications: &[Publication],
    ) -> Self {
        let mut staged = Self::default();
        for (unit, _) in units {
            let is_on_metrics = inner.sources.get(&unit.source).is_some_and(|source| source.is_on_metrics);
            let is_counted = unit.reach != Reach::Minutes;
            let targets =
                publications.iter().filter(|target| unit.minutes.is_some() && target.has(&unit.source));
            let targets: Vec<(Arc<str>, Minute)> =
                targets.map(|target| (target.queue().into(), target.next_minute())).collect();
            let Some(counted_by) = unit.events.indicators() else { continue };
            let is_in_force = std::ptr::eq(Arc::as_ptr(counted_by), indicators);
            for row in unit.events.rows() {
                let Some(indicator) = counted_by.all().get(row.indicator) else { continue };
                let key = staged.bounded(indicator.key(&row.labels), known);
                // What the config has no more is kept, and judged by nobody.
                let number = if is_in_force { Some(row.indicator) } else { indicators.number_of(&key) };
                let sum = staged.rows.entry(key).or_default();
                sum.indicator = number;
                for (minute, events) in &row.minutes {
                    sum.minutes.entry(*minute).or_default().add(*events);
                    if !indicator.excludes(*minute) {
                        sum.hours.entry(minute.0.div_euclid(60)).or_default().add(*events);
                    }
                    // Only a promise has a counter, and maintenance is no part of it.
                    if !is_counted || !indicator.has_counter() || indicator.excludes(*minute) {
                        continue;
                    }
                    if is_on_metrics {
                        sum.metrics.add(*events);
                    }
                    for (target, next) in &targets {
                        let minute = (*minute).max(*next);
                        sum.pending.entry((Arc::clone(target), minute)).or_default().add(*events);
                    }
                }
            }
        }
        staged
    }

    fn bounded(&self, key: EventKey, known: &EventKeys) -> EventKey {
        let has_room = known.len() + self.rows.len() < KEYS_MAX;
        if has_room || known.contains_key(&key) || self.rows.contains_key(&key) {
            return key;
        }
        let labels = key.labels.into_iter().map(|(name, _)| (name, OTHER.into())).collect();
        EventKey { labels, ..key }
    }

    /// Writes it, and hands back the numbers of new keys.
    ///
    /// # Errors
    ///
    /// Whatever the ledger says.
    pub fn write(&self, ledger: &Writing<'_>, known: &EventKeys) -> Result<NewEventKeys, LedgerError> {
        let mut new = NewEventKeys::new();
        let mut minutes: BTreeMap<Minute, Vec<(u32, EventCounts)>> = BTreeMap::new();
        let mut hours: BTreeMap<i64, Vec<(u32, EventCounts)>> = BTreeMap::new();
        for (key, row) in &self.rows {
            let number = match known.get(key) {
                Some(number) => *number,
                None => {
                    let number = ledger.event_key_number(key)?;
                    let first = row.minutes.first_key_value().map_or(Minute(0), |(first, _)| *first);
                    new.push((key.clone(), number, first));
                    number
                }
            };
            for (minute, events) in &row.minutes {
                minutes.entry(*minute).or_default().push((number, *events));
            }
            for (hour, events) in &row.hours {
                hours.entry(*hour).or_default().push((number, *events));
            }
            if !row.metrics.is_empty() {
                ledger.add_event_total(METRICS, number, row.metrics)?;
            }
            for ((target, minute), events) in &row.pending {
                ledger.add_pending_events(target, *minute, number, *events)?;
            }
        }
        minutes.iter().try_for_each(|(minute, added)| ledger.add_events(*minute, added))?;
        hours.iter().try_for_each(|(hour, added)| ledger.add_event_hour(*hour, added))?;
        Ok(new)
    }

    /// What is added to each instance.
    pub fn rows(&self) -> impl Iterator<Item = AddedRow<'_>> {
        self.rows.iter().filter_map(|(key, row)| {
            Some(AddedRow {
                indicator: row.indicator?,
                labels: key.labels.iter().cloned().collect(),
                minutes: &row.minutes,
            })
        })
    }

    /// Each key with what is added to `/metrics`.
    pub fn on_metrics(&self) -> impl Iterator<Item = (&EventKey, EventCounts)> {
        self.rows.iter().map(|(key, row)| (key, row.metrics))
    }
}
