//! One target of remote write, from what batches counted to bodies in the queue.
//!
//! What a batch counted waits in the ledger by minute until the watermark has passed that minute. Then the
//! minute is added to the published series, drawn as every scrape is, and put into the queue, in one
//! transaction: a crash before it publishes the minute again from the same numbers, one after it sends what is
//! in the queue. The published series are a meter of their own, since they stand at a minute in the past.

use std::sync::Arc;
use std::time::Duration;

use weir_ledger::{Ledger, LedgerError, Publication as Cursor, QueueItem, Reading, Writing};
use weir_meter::durable::{SeriesId, StoredCounts};
use weir_meter::{Births, Family, Meter, MeterOptions, SeriesChange, Snapshot, Staged, View};
use weir_record::{Minute, Origin, Timestamp};
use weir_ship::remote_write::{Body, SeriesState, oldest_allowed};

use super::event_meter::EventMeter;
use super::indicators::Indicators;
use super::prepared::write_series;
use super::state::State;
use super::unit::Unit;

/// What a remote write needs to know of itself.
#[derive(Clone, Debug)]
pub struct PublicationOptions {
    /// Its name, by which the ledger knows it.
    pub name: Arc<str>,
    /// The sources that it publishes.
    pub sources: Vec<Arc<str>>,
    /// How much too late the receiver takes samples.
    pub window: Duration,
    /// Labels for every series.
    pub external_labels: Vec<(String, String)>,
    /// Bytes that may wait in the queue; beyond it minutes wait in the ledger.
    pub queue_bytes_max: u64,
    /// How long a series without records is still sent.
    pub expire_after: Duration,
}

/// One target of remote write.
pub struct Publication {
    /// Its name.
    pub name: Arc<str>,
    options: PublicationOptions,
    ledger_name: String,
    meter: Meter,
    /// What promises have counted up to the last published minute.
    events: EventMeter,
    state: SeriesState,
    next_minute: Minute,
    last_sent_minute: Option<i64>,
    late_records: u64,
    /// A minute that is ready to be written.
    prepared: Option<Minutes>,
    is_queue_full: bool,
}

/// What a unit adds to the minutes of a target.
pub struct PendingChanges {
    /// The target's name.
    pub target: Arc<str>,
    ledger_name: String,
    new_series: Vec<SeriesChange>,
    minutes: Vec<(Minute, Vec<SeriesChange>, Staged)>,
    cursor: Cursor,
}

/// A minute, or several that are too old to be sent, on their way into the published series.
struct Minutes {
    taken: Vec<Minute>,
    series: Vec<SeriesChange>,
    purged: Vec<SeriesId>,
    items: Vec<QueueItem>,
    cursor: Cursor,
}

impl Publication {
    /// The target as the ledger has it; `now` is where a new one begins.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read.
    pub fn load(
        ledger: &Reading<'_>,
        options: PublicationOptions,
        meter_options: MeterOptions,
        indicators: &Arc<Indicators>,
        now: Timestamp,
    ) -> Result<Self, LedgerError> {
        let ledger_name = format!("remote_write/{}", options.name);
        let mut meter = Meter::restore(meter_options, &ledger.series(&ledger_name)?);
        let births = |origin| ledger.births(&ledger_name, origin);
        let births = Births { alb: births(Origin::Alb)?, nginx: births(Origin::Nginx)? };
        meter.restore_totals(births, [0, 0]);
        let has_source = |source: &str| options.sources.iter().any(|name| **name == *source);
        let events = EventMeter::load(ledger, &ledger_name, indicators, has_source)?;
        let cursor = ledger.publication(&ledger_name)?;
        let first = Minute(minute_after(oldest_allowed(now.micros() / 1000, options.window)));
        let mut publication = Self {
            name: Arc::clone(&options.name),
            state: SeriesState::new(options.external_labels.clone()),
            ledger_name,
            meter,
            events,
            next_minute: cursor.map_or(first, |cursor| Minute(cursor.next_minute)),
            last_sent_minute: cursor.and_then(|cursor| cursor.last_sent_minute),
            late_records: cursor.map_or(0, |cursor| cursor.late_records),
            prepared: None,
            is_queue_full: false,
            options,
        };
        publication.restore_state();
        Ok(publication)
    }

    /// Counts promises by other indicators from now on.
    ///
    /// # Errors
    ///
    /// When the ledger can't be read; nothing has changed then.
    pub fn set_indicators(
        &mut self,
        ledger: &Reading<'_>,
        indicators: &Arc<Indicators>,
    ) -> Result<(), LedgerError> {
        let has_source = |source: &str| self.options.sources.iter().any(|name| **name == *source);
        self.events = EventMeter::load(ledger, &self.ledger_name, indicators, has_source)?;
        Ok(())
    }

    /// The name of its queue.
    pub fn queue(&self) -> &str {
        &self.ledger_name
    }

    /// Whether it publishes a source.
    pub fn has(&self, source: &Arc<str>) -> bool {
        self.options.sources.contains(source)
    }

    /// The first minute that is not published.
    pub fn next_minute(&self) -> Minute {
        self.next_minute
    }

    /// Finds the rows of what `unit` counted; `None` if that is none of its sources.
    pub fn stage(&mut self, unit: &Unit, now: Timestamp) -> Option<PendingChanges> {
        let minutes = unit.minutes.as_ref().filter(|_| self.options.sources.contains(&unit.source))?;
        let mut new_series = Vec::new();
        let mut staged_minutes = Vec::new();
        for (minute, delta) in minutes.iter() {
            let staged = self.meter.stage(delta, now);
            let additions = self.meter.additions(&staged, delta);
            // The row is there from now on; its counts come when the minute is complete.
            new_series.extend(additions.iter().filter(|change| change.labels.is_some()).map(|change| {
                let counts = StoredCounts { counted_at_us: now.micros(), ..StoredCounts::default() };
                SeriesChange { counts, ..change.clone() }
            }));
            staged_minutes.push((minute.max(self.next_minute), additions, staged));
        }
        self.late_records += minutes.late();
        let cursor = self.cursor(self.next_minute);
        Some(PendingChanges {
            target: Arc::clone(&self.name),
            ledger_name: self.ledger_name.clone(),
            new_series,
            minutes: staged_minutes,
            cursor,
        })
    }

    /// Notes that the ledger knows the series of `changes`.
    pub fn staged_is_written(&mut self, changes: &PendingChanges) {
        changes.minutes.iter().for_each(|(_, _, staged)| self.meter.mark_stored(staged));
    }

    /// Makes the next complete minute ready to be written; says whether there is one.
    pub fn prepare(&mut self, ledger: &Ledger, state: &State, now: Timestamp) -> bool {
        if self.prepared.is_some() {
            return true;
        }
        let Some(complete_to) = self.complete_to(state) else { return false };
        let oldest = Minute(minute_after(oldest_allowed(now.micros() / 1000, self.options.window)));
        if end_of(self.next_minute) > complete_to || !self.has_room(ledger) {
            return false;
        }
        let last_complete = Minute(complete_to.minute().0 - 1);
        let read = ledger.read(|ledger| {
            let mut counted = Vec::new();
            let mut next = self.next_minute;
            if self.meter.requests() == 0 {
                // Nothing was ever published: up to the first minute with something there is nothing to say.
                let waiting = ledger.pending_minutes(&self.ledger_name)?;
                let first = waiting.map_or(last_complete, |(first, _)| first.min(last_complete));
                next = next.max(first);
            }
            // Minutes that no receiver takes any more are added without being sent: their counts are in
            // the values of the first one that is.
            if next < oldest {
                let first_to_send = oldest.min(last_complete).max(next);
                for minute in ledger.pending_minutes_between(&self.ledger_name, next, first_to_send)? {
                    counted.push((minute, ledger.pending(&self.ledger_name, minute)?));
                }
                next = first_to_send;
            }
            counted.push((next, ledger.pending(&self.ledger_name, next)?));
            let events = ledger.pending_events(&self.ledger_name, Minute(i64::MIN), Minute(next.0 + 1))?;
            let unknown: Vec<_> = if events.iter().all(|(number, _)| self.events.knows(*number)) {
                Vec::new()
            } else {
                ledger.event_keys()?
            };
            Ok((counted, next, (events, unknown)))
        });
        let (counted, minute, (events, keys)) = match read {
            Ok(read) => read,
            Err(error) => {
                tracing::error!(target = &*self.name, error = %error, "cannot read what is to be published");
                return false;
            }
        };
        let before = self.events.family(None);
        keys.iter().for_each(|key| self.events.know(key.number, &key.key, key.first));
        events.into_iter().for_each(|(number, events)| self.events.add(number, events));
        self.add(counted, minute, oldest, before);
        true
    }

    fn add(
        &mut self,
        counted: Vec<(Minute, Vec<(SeriesId, StoredCounts)>)>,
        minute: Minute,
        oldest: Minute,
        events_before: Option<Family>,
    ) {
        let at = end_of(minute);
        let ids = || counted.iter().flat_map(|(_, counts)| counts).map(|(id, _)| *id);
        // What a series had before is needed where one begins, and is a copy of all of them.
        let since = self.counted_since(at);
        let begins = self.last_sent_minute.is_none_or(|last| last + 1 != minute.0)
            || ids().any(|id| !self.meter.was_counted_since(id, since));
        let mut before = if begins { self.meter.snapshot(View::ALL) } else { Snapshot::default() };
        add_family(&mut before, events_before);
        let mut series = std::collections::BTreeMap::new();
        for (id, counts) in counted.iter().flat_map(|(_, counts)| counts) {
            if let Some(sum) = self.meter.add_stored(*id, counts, at) {
                series.insert(*id, SeriesChange { id: *id, labels: None, counts: sum });
            }
        }
        let is_sent = minute >= oldest;
        let bodies = if is_sent { self.bodies(at, before) } else { Vec::new() };
        if is_sent {
            self.last_sent_minute = Some(minute.0);
        }
        let end_us = at.micros();
        let item = |body: Body| QueueItem {
            first_minute_us: end_us,
            last_minute_us: end_us,
            samples: body.samples(),
            body: body.bytes().to_vec(),
        };
        self.prepared = Some(Minutes {
            taken: counted.into_iter().map(|(minute, _)| minute).collect(),
            series: series.into_values().collect(),
            purged: self.meter.purge(at),
            items: bodies.into_iter().map(item).collect(),
            cursor: self.cursor(Minute(minute.0 + 1)),
        });
    }

    fn bodies(&mut self, at: Timestamp, before: Snapshot) -> Vec<Body> {
        let live = self.live(at);
        match self.state.advance(at.micros() / 1000, live, || before) {
            Ok(bodies) => bodies,
            Err(error) => {
                tracing::error!(target = &*self.name, error = %error, "a minute was not published");
                Vec::new()
            }
        }
    }

    /// Writes the minute that is ready. May be called again if it failed.
    ///
    /// # Errors
    ///
    /// Whatever the ledger says; nothing was written then.
    pub fn write(&self, ledger: &Writing<'_>) -> Result<(), LedgerError> {
        let Some(prepared) = &self.prepared else { return Ok(()) };
        let cursor = ledger.publication(&self.ledger_name)?;
        if cursor.is_some_and(|cursor| cursor.next_minute >= prepared.cursor.next_minute) {
            return Ok(());
        }
        for minute in &prepared.taken {
            ledger.take_pending(&self.ledger_name, *minute)?;
        }
        write_series(ledger, &self.ledger_name, &prepared.series)?;
        ledger.publish_events(&self.ledger_name, Minute(prepared.cursor.next_minute))?;
        prepared.purged.iter().try_for_each(|id| ledger.remove_series(&self.ledger_name, *id).map(drop))?;
        prepared.items.iter().try_for_each(|item| ledger.push_queue(&self.ledger_name, item).map(drop))?;
        ledger.put_publication(&self.ledger_name, &prepared.cursor)
    }

    /// Notes that the minute is written.
    pub fn written(&mut self, state: &State) {
        if let Some(prepared) = self.prepared.take() {
            self.next_minute = Minute(prepared.cursor.next_minute);
        }
        self.tell(state);
    }

    /// Tells the sources which minute is the first open one.
    pub fn tell(&self, state: &State) {
        let mut inner = state.lock();
        let own = inner.own.remote_writes.entry(Arc::clone(&self.name)).or_default();
        own.next_minute = Some(self.next_minute);
        for source in &self.options.sources {
            if let Some(source) = inner.sources.get_mut(source) {
                source.first_open = Some(self.next_minute);
            }
        }
    }

    /// Up to when all of its sources are complete.
    fn complete_to(&self, state: &State) -> Option<Timestamp> {
        let inner = state.lock();
        let each = self.options.sources.iter().map(|source| inner.sources.get(source)?.account.complete_to());
        each.min().flatten()
    }

    fn has_room(&mut self, ledger: &Ledger) -> bool {
        let bytes = ledger.read(|ledger| ledger.queue_bytes(&self.ledger_name)).map_or(0, |(_, bytes)| bytes);
        let is_full = bytes >= self.options.queue_bytes_max;
        if is_full && !self.is_queue_full {
            tracing::warn!(
                target = &*self.name,
                bytes,
                "the queue of remote write is full; minutes wait until it has room"
            );
        }
        self.is_queue_full = is_full;
        !is_full
    }

    fn cursor(&self, next_minute: Minute) -> Cursor {
        Cursor {
            next_minute: next_minute.0,
            last_sent_minute: self.last_sent_minute,
            late_records: self.late_records,
        }
    }

    /// The moment before which a series must have been counted in to be left out at `at`.
    fn counted_since(&self, at: Timestamp) -> Timestamp {
        at.minus(self.options.expire_after)
    }

    /// The series that are sent at `at`.
    fn live(&self, at: Timestamp) -> Snapshot {
        let mut live = self.meter.snapshot(View { zero_after: None, counted_since: self.counted_since(at) });
        add_family(&mut live, self.events.family(None));
        live
    }

    /// What was sent last, where that was the minute before the next one. Where minutes were left out since,
    /// the next one begins anew, each series with what it had before.
    fn restore_state(&mut self) {
        if self.last_sent_minute != Some(self.next_minute.0 - 1) {
            return;
        }
        let last_end = self.next_minute.start();
        let live = self.live(last_end);
        let labels = self.options.external_labels.clone();
        self.state = SeriesState::restore(labels, last_end.micros() / 1000, live);
    }
}

impl PendingChanges {
    /// Writes what waits.
    ///
    /// # Errors
    ///
    /// Whatever the ledger says.
    pub fn write(&self, ledger: &Writing<'_>) -> Result<(), LedgerError> {
        write_series(ledger, &self.ledger_name, &self.new_series)?;
        for (minute, additions, _) in &self.minutes {
            for change in additions {
                ledger.add_pending(&self.ledger_name, *minute, change.id, &change.counts)?;
            }
        }
        ledger.put_publication(&self.ledger_name, &self.cursor)
    }
}

/// Adds a family in its place.
fn add_family(snapshot: &mut Snapshot, family: Option<Family>) {
    if let Some(family) = family {
        let at = snapshot.families.partition_point(|other| other.name < family.name);
        snapshot.families.insert(at, family);
    }
}

/// The end of a minute: the moment of its sample.
fn end_of(minute: Minute) -> Timestamp {
    Minute(minute.0 + 1).start()
}

/// The first minute that ends at `at_ms` (milliseconds since the epoch) or later.
fn minute_after(at_ms: i64) -> i64 {
    (at_ms - 1).div_euclid(60_000)
}
