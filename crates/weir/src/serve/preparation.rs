//! Adding a group up: its counts find their rows, and everything that will be written is made ready.
//!
//! Preparing is apart from writing, so that a write that fails can be tried again as it was: adding up twice
//! would count twice.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use weir_ledger::{EventKey, LedgerError, Reading, Writing};
use weir_meter::durable::{SeriesId, StoredSlot, StoredSlotKey};
use weir_meter::pushed::{Grouping, PushRefused, Staged};
use weir_meter::{Meter, MeterOptions, OTHER, RowSlots};
use weir_record::{Minute, Timestamp};

use super::account::Account;
use super::commit::{Delivered, Pushed};
use super::declared::{Declared, StagedLosses};
use super::event_staging::{EventKeys, NewEventKeys, StagedEvents};
use super::group::{Group, UnitAndWay, WaitingPush};
use super::indicators::Indicators;
use super::kept_records;
use super::own_metrics::OwnSeries;
use super::prepared::{
    EVENT_SCRAPERS, GROUP_NUMBER, METER_TOTALS, METRICS, MeterTotals, Prepared, Pushes, SCRAPERS, SOURCES,
    Slots, write_series,
};
use super::publication::Publication;
use super::state::{Inner, State};
use super::unit::{REJECT_OVERHEAD_BYTES, Reach, Unit, reject_cost};

/// Label sets that minutes are kept for; what would be one more is kept without its route. A client chooses
/// paths, and each costs a row per minute.
const SLOT_KEYS_MAX: usize = 50_000;

/// Idempotency keys that are remembered, whatever their age: 60 MB of ledger.
const KEYS_MAX: usize = 1_000_000;

/// How long an idempotency key is remembered: 14 days, as long as a message can stay in a queue.
const KEYS_KEPT: Duration = Duration::from_secs(14 * DAY_SECONDS);

/// How long a reject is kept: 90 days.
const REJECTS_KEPT: Duration = Duration::from_secs(90 * DAY_SECONDS);

/// How long the position of a file is kept that is not met any more: 30 days.
const FILES_KEPT: Duration = Duration::from_secs(30 * DAY_SECONDS);

const DAY_SECONDS: u64 = 24 * 3600;

/// How often what is old is looked for, in microseconds: a quarter of an hour.
const CLEANING_INTERVAL_US: i64 = 15 * 60 * 1_000_000;

/// Rows of a kind that one cleaning removes, so that it holds nothing up for long. Where there are more, the
/// next follows at the next tick.
const CLEANED_MAX: usize = 20_000;

/// What the commit thread knows from group to group.
pub struct Preparation {
    declared: Arc<Declared>,
    indicators: Arc<Indicators>,
    event_keys: EventKeys,
    slot_keys: HashMap<StoredSlotKey, u32>,
    group_number: u64,
    options: MeterOptions,
    /// The meter of the group before, for its memory.
    sum: Option<Meter>,
    /// Series that were forgotten and are still in the ledger.
    purged: Vec<SeriesId>,
    rejects_bytes: u64,
    rejects_bytes_max: u64,
    objects_kept: Duration,
    slots_kept_minutes: i64,
    cleaned_at_us: i64,
    /// The last cleaning left something that is old.
    has_more_to_clean: bool,
}

/// Keys of minutes that a write met for the first time, and their numbers in the ledger; as many as there is room
/// for. Those that were kept without their route are not among them.
type NewSlotKeys = Vec<(StoredSlotKey, u32)>;

/// Numbers that a write gave to new keys.
#[derive(Debug, Default)]
pub struct NewKeys {
    slots: NewSlotKeys,
    /// Of events, with the first minute of each.
    pub events: NewEventKeys,
}

/// What a cleaning has done.
#[derive(Debug)]
pub struct Cleaned {
    /// The numbers of keys of minutes that are gone.
    slot_keys: Vec<u32>,
    /// The same of keys of events.
    event_keys: Vec<u32>,
    /// What the rejects that are left take, as [`reject_cost`] counts.
    rejects_bytes: u64,
    /// As many rows of a kind were removed as one cleaning may.
    has_more: bool,
}

/// Bounds on what the ledger keeps.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// Bytes of rejects.
    pub rejects_bytes_max: u64,
    /// How long counted objects are remembered.
    pub objects: Duration,
    /// How long minutes are kept.
    pub slots: Duration,
}

impl Preparation {
    /// Counts by other indicators from now on.
    pub fn set_indicators(&mut self, indicators: Arc<Indicators>) {
        self.indicators = indicators;
    }

    /// The state of the commit thread as the ledger has it.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn load(
        ledger: &Reading<'_>,
        options: MeterOptions,
        kept: Kept,
        (declared, indicators): (Arc<Declared>, Arc<Indicators>),
    ) -> Result<Self, LedgerError> {
        let event_keys = ledger.event_keys()?.into_iter().map(|stored| (stored.key, stored.number)).collect();
        let slot_keys = ledger.slot_keys()?.into_iter().map(|(number, key)| (key, number)).collect();
        Ok(Self {
            declared,
            indicators,
            event_keys,
            slot_keys,
            group_number: ledger.state(GROUP_NUMBER)?.unwrap_or(0),
            options,
            sum: None,
            purged: Vec::new(),
            rejects_bytes: rejects_cost(ledger.rejects_bytes()?),
            rejects_bytes_max: kept.rejects_bytes_max,
            objects_kept: kept.objects,
            slots_kept_minutes: i64::try_from(kept.slots.as_secs() / 60).unwrap_or(i64::MAX),
            cleaned_at_us: 0,
            has_more_to_clean: false,
        })
    }

    /// Adds a group up and finds its rows.
    pub fn prepare(
        &mut self,
        group: Group,
        state: &State,
        publications: &mut [Publication],
        now: Timestamp,
    ) -> Prepared {
        let Group { units, notes, pushes, deletions, delivered, kept, known, .. } = group;
        let mut is_known = known.units.into_iter();
        let (known_units, mut units): (Vec<_>, Vec<_>) =
            units.into_iter().partition(|_| is_known.next().unwrap_or(false));
        let mut inner = state.lock();
        for (unit, _) in &mut units {
            self.bound_rejects(unit);
        }
        let delta = self.add_up(&units, &inner, now);
        let staged = inner.meter.stage(&delta, now);
        let series = inner.meter.totals(&staged, &delta);
        let (slots, unslotted) = slots_of(&units);
        let accounts = accounts_of(&units, &notes, unslotted, &inner);
        let births = inner.meter.births();
        let [alb, nginx] = inner.meter.overflows();
        let added = delta.overflows();
        let totals = MeterTotals {
            births: (births.alb, births.nginx),
            overflows: [alb.1 + added[0].1, nginx.1 + added[1].1],
        };
        let pushes = stage_pushes(&inner, pushes, &known.pushes, deletions);
        let (declared, declared_losses) = self.stage_declared(&units, &inner);
        let scrapers = inner.scrapers.has_news().then(|| inner.scrapers.to_stored());
        let event_scrapers = inner.event_scrapers.has_news().then(|| inner.event_scrapers.to_stored());
        let events = StagedEvents::of(&units, &self.indicators, &self.event_keys, &inner, publications);
        drop(inner);
        let mut pending = Vec::new();
        for publication in publications.iter_mut() {
            pending.extend(units.iter().filter_map(|(unit, _)| publication.stage(unit, now)));
        }
        Prepared {
            number: self.group_number + 1,
            now,
            totals: (!series.is_empty()).then_some(totals),
            units,
            known: known_units,
            staged,
            delta,
            series,
            slots,
            accounts,
            pending,
            pushes,
            delivered,
            kept,
            scrapers,
            event_scrapers,
            events,
            purged: std::mem::take(&mut self.purged),
            appended: None,
            declared,
            declared_losses,
        }
    }

    /// What the units add to the user's own metrics.
    fn stage_declared(&self, units: &[UnitAndWay], inner: &Inner) -> (Option<Staged>, StagedLosses) {
        let mut counts =
            units.iter().map(|(unit, _)| &unit.declared).filter(|counts| !counts.is_empty()).peekable();
        if counts.peek().is_none() {
            return (None, StagedLosses::default());
        }
        let mut staged = inner.pushed.staged();
        let losses = self.declared.stage(counts, &inner.pushed, &mut staged);
        (Some(staged), losses)
    }

    /// The sum of all units whose counts are to be on `/metrics`.
    fn add_up(&mut self, units: &[UnitAndWay], inner: &Inner, now: Timestamp) -> Meter {
        let mut sum = self.sum.take().unwrap_or_else(|| Meter::new(self.options));
        for (unit, _) in units {
            let is_on_metrics = inner.sources.get(&unit.source).is_some_and(|source| source.is_on_metrics);
            if is_on_metrics && unit.reach != Reach::Minutes {
                sum.merge(&unit.meter, now);
            }
        }
        sum
    }

    /// Lets go of rejects for which there is no room.
    fn bound_rejects(&mut self, unit: &mut Unit) {
        let (max, bytes) = (self.rejects_bytes_max, &mut self.rejects_bytes);
        let before = unit.rejects.len();
        unit.rejects.retain(|reject| {
            let cost = reject_cost(reject);
            let has_room = *bytes + cost <= max;
            *bytes += if has_room { cost } else { 0 };
            has_room
        });
        unit.account.rejects_not_kept += (before - unit.rejects.len()) as u64;
    }

    /// Writes a group, and hands back the numbers that it gave to new keys, for [`Preparation::written`]. May be
    /// called again if it failed; one that was written after all gives none, and the next group finds them.
    ///
    /// # Errors
    ///
    /// Whatever the ledger says; nothing was written then, and no number was given.
    pub fn write(&self, prepared: &Prepared, ledger: &Writing<'_>) -> Result<NewKeys, LedgerError> {
        if ledger.state(GROUP_NUMBER)? == Some(prepared.number) {
            return Ok(NewKeys::default());
        }
        ledger.put_state(GROUP_NUMBER, &prepared.number)?;
        for (unit, _) in &prepared.units {
            unit.objects.iter().try_for_each(|(id, entry)| ledger.put_object(*id, entry))?;
            unit.forgotten_objects.iter().try_for_each(|id| ledger.forget_object(*id))?;
            unit.replaced_files
                .iter()
                .try_for_each(|key| ledger.remove_file(&unit.source, *key).map(drop))?;
            unit.files.iter().try_for_each(|(key, file)| ledger.put_file(&unit.source, *key, file))?;
            unit.replayed.iter().try_for_each(|id| ledger.remove_reject(*id).map(drop))?;
        }
        if let Some(appended) = &prepared.appended {
            kept_records::write_appended(ledger, appended)?;
        }
        ledger.put_rejects(prepared.units.iter().flat_map(|(unit, _)| &unit.rejects))?;
        write_series(ledger, METRICS, &prepared.series)?;
        if let Some(totals) = &prepared.totals {
            ledger.put_state(METER_TOTALS, totals)?;
        }
        let slots = self.write_slots(prepared, ledger)?;
        let events = prepared.events.write(ledger, &self.event_keys)?;
        for (source, account) in &prepared.accounts {
            ledger.put_state(&format!("{SOURCES}{source}"), account)?;
        }
        prepared.pending.iter().try_for_each(|pending| pending.write(ledger))?;
        prepared.write_pushes(ledger)?;
        for Delivered { queue, sequence, .. } in &prepared.delivered {
            ledger.remove_queue(queue, *sequence)?;
        }
        for (name, bytes) in prepared.kept.iter().flat_map(|(states, _)| states) {
            if bytes.is_empty() {
                ledger.remove_state(name)?;
            } else {
                ledger.put_state(name, bytes)?;
            }
        }
        if let Some(scrapers) = &prepared.scrapers {
            ledger.put_state(SCRAPERS, scrapers)?;
        }
        if let Some(scrapers) = &prepared.event_scrapers {
            ledger.put_state(EVENT_SCRAPERS, scrapers)?;
        }
        prepared.purged.iter().try_for_each(|id| ledger.remove_series(METRICS, *id).map(drop))?;
        Ok(NewKeys { slots, events })
    }

    fn write_slots(&self, prepared: &Prepared, ledger: &Writing<'_>) -> Result<NewSlotKeys, LedgerError> {
        let mut numbered: BTreeMap<(Minute, u32), StoredSlot> = BTreeMap::new();
        let mut new = NewSlotKeys::new();
        for (key, minutes) in &prepared.slots {
            let number = match self.slot_keys.get(key) {
                Some(number) => *number,
                None if self.slot_keys.len() + new.len() < SLOT_KEYS_MAX => {
                    let number = ledger.slot_key_number(key)?;
                    new.push((key.clone(), number));
                    number
                }
                None => {
                    let without_route = StoredSlotKey { route: OTHER.into(), ..key.clone() };
                    match self.slot_keys.get(&without_route) {
                        Some(number) => *number,
                        None => ledger.slot_key_number(&without_route)?,
                    }
                }
            };
            for (minute, slot) in minutes {
                numbered.entry((*minute, number)).or_default().merge(slot);
            }
        }
        numbered.iter().try_for_each(|((minute, number), slot)| ledger.add_slot(*minute, *number, slot))?;
        Ok(new)
    }

    /// Notes that a group is on the disk, and what the [`Preparation::write`] that put it there handed back.
    pub fn written(&mut self, prepared: &Prepared, new: NewKeys) {
        self.group_number = prepared.number;
        self.slot_keys.extend(new.slots);
        self.event_keys.extend(new.events.into_iter().map(|(key, number, _)| (key, number)));
    }

    /// The number of a key of events.
    pub fn event_key_number(&self, key: &EventKey) -> Option<u32> {
        self.event_keys.get(key).copied()
    }

    /// Takes back the meter of a group that is done with, for its memory.
    pub fn recycle(&mut self, mut delta: Meter) {
        delta.clear();
        self.sum = Some(delta);
    }

    /// Whether what is old is to be looked for.
    pub fn is_cleaning_due(&self, now: Timestamp) -> bool {
        self.has_more_to_clean || now.micros().saturating_sub(self.cleaned_at_us) >= CLEANING_INTERVAL_US
    }

    /// Forgets what is old, at most so many rows of each kind, and says what is gone and what is left.
    ///
    /// # Errors
    ///
    /// Whatever the ledger says; nothing was forgotten then.
    pub fn clean(&self, ledger: &Writing<'_>, now: Timestamp) -> Result<Cleaned, LedgerError> {
        let mut removed_max = ledger.expire_objects(now.minus(self.objects_kept), CLEANED_MAX)?;
        removed_max = removed_max.max(ledger.expire_keys(now.minus(KEYS_KEPT), CLEANED_MAX)?);
        ledger.cap_keys(KEYS_MAX)?;
        removed_max = removed_max.max(ledger.expire_rejects(now.minus(REJECTS_KEPT), CLEANED_MAX)?);
        let Minute(minute) = now.minute();
        let oldest = Minute(minute.saturating_sub(self.slots_kept_minutes));
        let removed_slots = ledger.expire_slots(oldest, CLEANED_MAX)?;
        // A key may go when no minute of it is left.
        let slot_keys = match removed_slots {
            ..CLEANED_MAX => ledger.expire_slot_keys(oldest, CLEANED_MAX)?,
            _ => Vec::new(),
        };
        removed_max = removed_max.max(removed_slots).max(slot_keys.len());
        let removed_events = ledger.expire_events(oldest, CLEANED_MAX)?;
        let event_keys = match removed_events {
            ..CLEANED_MAX => ledger.expire_event_keys(oldest, CLEANED_MAX)?,
            _ => Vec::new(),
        };
        removed_max = removed_max.max(removed_events).max(event_keys.len());
        for (name, _) in ledger.states_with_prefix::<Account>(SOURCES)? {
            let source = name.strip_prefix(SOURCES).unwrap_or(&name);
            removed_max = removed_max.max(ledger.expire_files(source, now.minus(FILES_KEPT), CLEANED_MAX)?);
        }
        let rejects_bytes = rejects_cost(ledger.rejects_bytes()?);
        Ok(Cleaned { slot_keys, event_keys, rejects_bytes, has_more: removed_max >= CLEANED_MAX })
    }

    /// Notes what was forgotten.
    pub fn cleaned(&mut self, cleaned: &Cleaned, now: Timestamp) {
        let gone: HashSet<u32> = cleaned.slot_keys.iter().copied().collect();
        self.slot_keys.retain(|_, number| !gone.contains(number));
        let gone: HashSet<u32> = cleaned.event_keys.iter().copied().collect();
        self.event_keys.retain(|_, number| !gone.contains(number));
        self.rejects_bytes = cleaned.rejects_bytes;
        self.has_more_to_clean = cleaned.has_more;
        self.cleaned_at_us = now.micros();
    }

    /// Notes series that the meter has forgotten.
    pub fn purge(&mut self, series: Vec<SeriesId>) {
        self.purged.extend(series);
    }
}

/// What rejects take of which the ledger has so many, of so many bytes.
const fn rejects_cost((count, bytes): (u64, u64)) -> u64 {
    bytes.saturating_add(count.saturating_mul(REJECT_OVERHEAD_BYTES))
}

/// The minutes of all units, and per unit the records that are in none: implausible, and without room.
fn slots_of(units: &[UnitAndWay]) -> (Slots, Vec<(u64, u64)>) {
    let mut slots = Slots::new();
    let mut unslotted = Vec::with_capacity(units.len());
    for (unit, _) in units {
        let (of_unit, implausible, dropped) = unit.meter.stored_slots(&unit.source);
        unslotted.push((implausible, dropped));
        for RowSlots { key, minutes: of_row } in of_unit {
            let minutes = slots.entry(key).or_default();
            for (minute, slot) in of_row {
                minutes.entry(minute).or_default().merge(&slot);
            }
        }
    }
    (slots, unslotted)
}

/// The accounts of the sources that had something to say, as they will be.
fn accounts_of(
    units: &[UnitAndWay],
    notes: &[(Arc<str>, Account)],
    unslotted: Vec<(u64, u64)>,
    inner: &Inner,
) -> Vec<(Arc<str>, Account)> {
    let mut accounts: BTreeMap<Arc<str>, Account> = BTreeMap::new();
    let mut account_of = |source: &Arc<str>, change: &dyn Fn(&mut Account)| {
        let known = || inner.sources.get(source).map(|source| source.account.clone()).unwrap_or_default();
        change(accounts.entry(Arc::clone(source)).or_insert_with(known));
    };
    for ((unit, _), (implausible, dropped)) in units.iter().zip(unslotted) {
        account_of(&unit.source, &|account| {
            account.merge(&unit.account);
            account.implausible += implausible;
            account.slots_dropped += dropped;
        });
    }
    for (source, note) in notes {
        account_of(source, &|account| account.merge(note));
    }
    accounts.into_iter().collect()
}

fn stage_pushes(
    inner: &Inner,
    pushes: Vec<WaitingPush>,
    known: &[bool],
    deletions: Vec<(Grouping, oneshot::Sender<Pushed>)>,
) -> Pushes {
    let mut result = Pushes::default();
    if pushes.is_empty() && deletions.is_empty() {
        return result;
    }
    let own = OwnSeries::of(inner);
    let mut staged = inner.pushed.staged();
    for (number, (push, key, answer)) in pushes.into_iter().enumerate() {
        if known.get(number) == Some(&true) {
            result.answered.push((answer, Pushed::Known));
            continue;
        }
        let outcome: Result<(), PushRefused> = own.with(|own| inner.pushed.stage(&mut staged, &push, own));
        match outcome {
            Ok(()) => {
                result.keys.extend(key);
                result.waiting.push(answer);
            }
            Err(refused) => result.answered.push((answer, Pushed::Refused(refused))),
        }
    }
    for (grouping, answer) in deletions {
        inner.pushed.stage_delete(&mut staged, &grouping);
        result.waiting.push(answer);
    }
    result.staged = Some(staged);
    result
}

#[cfg(test)]
mod tests;
