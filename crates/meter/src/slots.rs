//! Counts per minute of event time.
//!
//! Counters answer "how many until now"; a report, a service-level objective or a remote write asks
//! "how many in that minute", and the answer must not depend on when a file arrived. So every record
//! is also counted in the minute in which it happened, however late it comes.
//!
//! A batch counts by row number and minute, which costs a look-up by two integers per record;
//! [`MinuteSlots`] turns row numbers into names once per batch. Times that cannot be true would each
//! open a minute of their own, so only minutes within a [`SlotRange`] are kept; a record outside of
//! it is counted as such, and still in the counters.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use foldhash::fast::RandomState;
use weir_record::{Minute, Origin, Request, Timestamp};

use crate::bounds::Bounds;
use crate::labels::{Labels, OTHER};

/// How long minutes are kept, in minutes: 400 days, so that a year can be compared with the one before.
const KEPT_MINUTES: i64 = 400 * 24 * 60;

/// How far ahead of the clock a record may be, in minutes, and be believed: a day.
const AHEAD_MINUTES: i64 = 24 * 60;

/// The minutes that are believed and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRange {
    first: Minute,
    last: Minute,
}

impl SlotRange {
    /// The range at the time `now`: from 400 days ago to a day ahead.
    pub fn at(now: Timestamp) -> Self {
        let Minute(minute) = now.minute();
        Self { first: Minute(minute - KEPT_MINUTES), last: Minute(minute + AHEAD_MINUTES) }
    }

    fn contains(&self, minute: Minute) -> bool {
        (self.first..=self.last).contains(&minute)
    }
}

/// What happened in one minute under one label set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Requests.
    pub count: u64,
    /// The sum of the request times, in microseconds.
    pub sum_us: u128,
    /// Request times per bucket of [`MinuteSlots::bounds`], not cumulative.
    pub buckets: Box<[u32]>,
}

impl Slot {
    fn new(bounds: &Bounds) -> Self {
        Self { count: 0, sum_us: 0, buckets: vec![0; bounds.bucket_count()].into() }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_us += other.sum_us;
        for (bucket, other) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket = bucket.saturating_add(*other);
        }
    }
}

/// The slots of one batch, by row.
#[derive(Clone, Debug)]
pub(crate) struct BatchSlots {
    bounds: Bounds,
    range: SlotRange,
    pub slots: HashMap<(Origin, u32, Minute), Slot, RandomState>,
    /// Records of times that are not believed.
    pub outside: u64,
    /// Records for whose minute there was no room.
    pub dropped: u64,
}

/// Slots of one batch: a day of minutes of a few hundred label sets.
const BATCH_SLOTS_MAX: usize = 200_000;

/// Label sets that slots are kept for; what would be one more is kept as [`OTHER`].
const SLOT_KEYS_MAX: usize = 50_000;

impl BatchSlots {
    pub(crate) fn new(range: SlotRange) -> Self {
        Self { bounds: Bounds::load_balancer(), range, slots: HashMap::default(), outside: 0, dropped: 0 }
    }

    #[inline]
    pub(crate) fn observe(&mut self, row: usize, request: &Request<'_>) {
        let minute = request.time.minute();
        if !self.range.contains(minute) {
            self.outside += 1;
            return;
        }
        let key = (request.origin, row as u32, minute);
        if self.slots.len() >= BATCH_SLOTS_MAX && !self.slots.contains_key(&key) {
            self.dropped += 1;
            return;
        }
        let slot = self.slots.entry(key).or_insert_with(|| Slot::new(&self.bounds));
        slot.count += 1;
        if let (Some(value_us), false) = (request.request_time_us, request.is_connection) {
            slot.sum_us += u128::from(value_us);
            slot.buckets[self.bounds.bucket_of(value_us)] += 1;
        }
    }
}

/// What a slot is kept for, but for the minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotKey {
    /// The source's name in the config.
    pub source: Arc<str>,
    /// The service's name; empty for none.
    pub service: Arc<str>,
    /// The route.
    pub route: Arc<str>,
    /// One of the known methods, or `OTHER`.
    pub method: &'static str,
    /// The first digit of the status; `None` without a status.
    pub status_class: Option<u8>,
}

/// Slots of all sources, by minute.
#[derive(Clone, Debug)]
pub struct MinuteSlots {
    slots_max: usize,
    slot_count: usize,
    dropped: u64,
    bounds: Bounds,
    numbers: HashMap<SlotKey, u32>,
    keys: Vec<SlotKey>,
    minutes: BTreeMap<Minute, HashMap<u32, Slot, RandomState>>,
}

impl MinuteSlots {
    /// No slots, and never more than `slots_max`: the oldest minutes make room.
    pub fn new(slots_max: usize) -> Self {
        Self {
            slots_max,
            slot_count: 0,
            dropped: 0,
            bounds: Bounds::load_balancer(),
            numbers: HashMap::new(),
            keys: Vec::new(),
            minutes: BTreeMap::new(),
        }
    }

    /// Adds the slot of one label set and minute of a batch of `source`.
    pub(crate) fn add(&mut self, source: &Arc<str>, labels: &Labels<'_>, minute: Minute, slot: &Slot) {
        let number = self.number(SlotKey {
            source: Arc::clone(source),
            service: labels.application.into(),
            route: labels.path.into(),
            method: labels.method,
            status_class: labels.status.map(weir_record::Status::class),
        });
        if !self.make_room_for(minute) {
            self.dropped += slot.count;
            return;
        }
        let slots = self.minutes.entry(minute).or_default();
        match slots.get_mut(&number) {
            Some(own) => own.merge(slot),
            None => {
                slots.insert(number, slot.clone());
                self.slot_count += 1;
            }
        }
    }

    /// Notes records that a batch had no slot for.
    pub(crate) fn add_dropped(&mut self, records: u64) {
        self.dropped += records;
    }

    /// Records that are in no slot any more, or never were, for want of room.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The slots from the minute `from` (inclusive) to `to` (exclusive), in order of time.
    pub fn between(&self, from: Minute, to: Minute) -> impl Iterator<Item = (Minute, &SlotKey, &Slot)> {
        let minutes = (from < to).then(|| self.minutes.range(from..to)).into_iter().flatten();
        minutes.flat_map(move |(&minute, slots)| {
            slots
                .iter()
                .filter_map(move |(&number, slot)| Some((minute, self.keys.get(number as usize)?, slot)))
        })
    }

    /// The bounds of the buckets, in seconds, without `+Inf`.
    pub fn bounds(&self) -> Arc<[f64]> {
        self.bounds.seconds()
    }

    fn number(&mut self, mut key: SlotKey) -> u32 {
        if self.keys.len() >= SLOT_KEYS_MAX && !self.numbers.contains_key(&key) {
            key.route = OTHER.into();
        }
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let number = self.keys.len() as u32;
        self.keys.push(key.clone());
        self.numbers.insert(key, number);
        number
    }

    /// Gives up minutes older than `minute` while there is no room; says whether there is now.
    fn make_room_for(&mut self, minute: Minute) -> bool {
        while self.slot_count >= self.slots_max {
            match self.minutes.first_entry() {
                Some(oldest) if *oldest.key() < minute => {
                    let slots = oldest.remove();
                    self.slot_count -= slots.len();
                    self.dropped += slots.values().map(|slot| slot.count).sum::<u64>();
                }
                _ => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(path: &str) -> Labels<'_> {
        Labels { host: "h", method: "GET", path, target_group: "", application: "", status: None }
    }

    fn slots_of(slots_max: usize, requests: &[(i64, &str)]) -> (Vec<(i64, String)>, u64) {
        let mut slots = MinuteSlots::new(slots_max);
        let one = Slot { count: 1, ..Slot::new(&Bounds::load_balancer()) };
        for &(minute, path) in requests {
            slots.add(&"alb".into(), &labels(path), Minute(minute), &one);
        }
        let kept = slots.between(Minute(0), Minute(100));
        let mut kept: Vec<_> = kept.map(|(minute, key, _)| (minute.0, key.route.to_string())).collect();
        kept.sort();
        (kept, slots.dropped())
    }

    #[test]
    fn the_oldest_minutes_make_room_and_are_counted_as_dropped() {
        let (kept, dropped) = slots_of(2, &[(1, "/a"), (1, "/b"), (2, "/a")]);
        assert_eq!((kept, dropped), (vec![(2, "/a".to_owned())], 2));
    }

    #[test]
    fn a_minute_never_makes_room_for_itself_or_an_older_one() {
        let (kept, dropped) = slots_of(1, &[(5, "/a"), (5, "/b"), (4, "/c")]);
        assert_eq!((kept, dropped), (vec![(5, "/a".to_owned())], 2));
    }

    #[test]
    fn clients_cannot_invent_routes_without_end() {
        let paths: Vec<String> = (0..SLOT_KEYS_MAX + 10).map(|number| format!("/{number}")).collect();
        let requests: Vec<(i64, &str)> = paths.iter().map(|path| (1, path.as_str())).collect();
        let (kept, dropped) = slots_of(usize::MAX, &requests);
        assert_eq!((kept.len(), dropped), (SLOT_KEYS_MAX + 1, 0));
    }
}
