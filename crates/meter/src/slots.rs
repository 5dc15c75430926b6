//! Counts per minute of event time.
//!
//! Counters answer "how many until now"; a report, a service-level objective or a remote write asks
//! "how many in that minute", and the answer must not depend on when a file arrived. So every record
//! is also counted in the minute in which it happened, however late it comes.
//!
//! A batch counts by row number and minute, which costs a look-up by two integers per record; row numbers
//! become names once per batch, when it is written ([`crate::Meter::stored_slots`]). Times that cannot be true
//! would each open a minute of their own, so only minutes within a [`SlotRange`] are kept; a record outside
//! of it is counted as such, and still in the counters.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use weir_record::{Minute, Origin, Request, Timestamp};

use crate::bounds::Bounds;

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

    /// Whether a minute is believed and kept.
    pub fn contains(&self, minute: Minute) -> bool {
        (self.first..=self.last).contains(&minute)
    }
}

/// What happened in one minute under one label set.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    /// Requests.
    pub count: u64,
    /// The sum of the request times, in microseconds.
    pub sum_us: u128,
    /// Request times per bucket, not cumulative.
    pub buckets: Box<[u32]>,
}

impl Slot {
    fn new(bounds: &Bounds) -> Self {
        Self { count: 0, sum_us: 0, buckets: vec![0; bounds.bucket_count()].into() }
    }
}

/// The slots of one batch, by row.
#[derive(Clone, Debug)]
pub(crate) struct BatchSlots {
    pub bounds: Bounds,
    pub range: SlotRange,
    pub slots: HashMap<(Origin, u32, Minute), Slot, RandomState>,
    /// Records of times that are not believed.
    pub outside: u64,
    /// Records for whose minute there was no room.
    pub dropped: u64,
}

/// Slots of one batch: a day of minutes of a few hundred label sets.
const BATCH_SLOTS_MAX: usize = 200_000;

impl BatchSlots {
    pub(crate) fn new(bounds: Bounds, range: SlotRange) -> Self {
        Self { bounds, range, slots: HashMap::default(), outside: 0, dropped: 0 }
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
        if let Some(value_us) = request.latency_us() {
            slot.sum_us += u128::from(value_us);
            slot.buckets[self.bounds.bucket_of(value_us)] += 1;
        }
    }
}
