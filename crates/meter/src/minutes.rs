//! A delta, apart for each minute of event time.
//!
//! Remote write publishes counters as they stood at the end of each minute, so what a batch counted must
//! stay apart by minute until the minute is complete. A meter per minute does that with the same rows, budget
//! and arithmetic as everywhere else.

use std::collections::BTreeMap;

use weir_record::{Minute, Request, Timestamp};

use crate::meter::{Counting, Meter, MeterOptions};
use crate::slots::SlotRange;

/// Minutes that one batch may hold apart; records of younger ones go to the youngest of them. Two days: a
/// receiver's window is hours, and older minutes are one already (see [`MinuteMeters::observe`]).
const MINUTES_MAX: usize = 2 * 24 * 60;

/// A meter per minute.
#[derive(Debug)]
pub struct MinuteMeters {
    options: MeterOptions,
    /// The first minute that is not published yet: older records can only go there.
    first_open: Minute,
    /// The minutes that are believed; a record of a later one would wait for it for ever.
    range: SlotRange,
    meters: BTreeMap<Minute, Meter>,
    late: u64,
}

impl MinuteMeters {
    /// No minutes. `first_open` is the first minute that is still open, as far as is known.
    pub fn new(options: MeterOptions, first_open: Minute, range: SlotRange) -> Self {
        Self { options, first_open, range, meters: BTreeMap::new(), late: 0 }
    }

    /// Counts a request in its minute, or in the first open one if its own is published already or cannot be
    /// true.
    #[inline]
    pub fn observe(&mut self, counting: &Counting<'_>, request: &Request<'_>, now: Timestamp) {
        let own = request.time.minute();
        self.late += u64::from(own < self.first_open);
        let mut minute = if self.range.contains(own) { own.max(self.first_open) } else { self.first_open };
        if self.meters.len() >= MINUTES_MAX && !self.meters.contains_key(&minute) {
            minute = self.meters.last_key_value().map_or(minute, |(&youngest, _)| youngest);
        }
        let meter = self.meters.entry(minute).or_insert_with(|| Meter::new(self.options));
        meter.observe(counting, request, now);
    }

    /// The minutes and what was counted in them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Minute, &Meter)> {
        self.meters.iter().map(|(&minute, meter)| (minute, meter))
    }

    /// Records whose minute was published already when they came.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Adds what another batch counted.
    pub fn merge(&mut self, other: &Self, now: Timestamp) {
        self.late += other.late;
        for (minute, meter) in other.iter() {
            self.meters.entry(minute).or_insert_with(|| Meter::new(self.options)).merge(meter, now);
        }
    }

    /// Forgets everything; the next batch meets `first_open` and believes the minutes of `range`.
    pub fn clear(&mut self, first_open: Minute, range: SlotRange) {
        (self.first_open, self.range) = (first_open, range);
        self.meters.clear();
        self.late = 0;
    }
}
