//! Counts that are on their way to the disk.
//!
//! What a scrape shows must be on the disk already: a value that a crash takes back looks like a counter
//! reset, and `increase()` would count everything twice. So a batch is staged first, which finds its rows and
//! says what they will hold; that is written; and only then it is applied.

use weir_record::{Minute, Origin, Timestamp};

use crate::counts::Counts;
use crate::durable::{SeriesId, StoredCounts, StoredLabels, StoredSlot, StoredSlotKey};
use crate::meter::{Births, Meter, MeterOptions, OriginMeter};
use crate::slots::Slot;
use crate::stored::{restore_counts, restore_row, store_counts, store_labels};

const ORIGINS: [Origin; 2] = [Origin::Alb, Origin::Nginx];

/// A delta whose rows were found and which is not added yet; to be applied to the meter that staged it.
#[derive(Debug)]
pub struct Staged {
    alb: Vec<(u32, u32)>,
    nginx: Vec<(u32, u32)>,
    now: Timestamp,
}

impl Staged {
    fn pairs(&self, origin: Origin) -> &[(u32, u32)] {
        match origin {
            Origin::Alb => &self.alb,
            Origin::Nginx => &self.nginx,
        }
    }
}

/// What a series is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesChange {
    /// Which series.
    pub id: SeriesId,
    /// Its labels, if the disk does not know it yet.
    pub labels: Option<StoredLabels>,
    /// Its counts.
    pub counts: StoredCounts,
}

/// The minutes of one label set of a batch; other label sets may have the same key.
#[derive(Clone, Debug)]
pub struct RowSlots {
    /// What the minutes are kept for.
    pub key: StoredSlotKey,
    /// The minutes, in order.
    pub minutes: Vec<(Minute, StoredSlot)>,
}

impl Meter {
    /// Finds the rows of `delta`, which arrives at `now`; rows that are missing are made, empty.
    pub fn stage(&mut self, delta: &Meter, now: Timestamp) -> Staged {
        let has_native = self.options.has_native_histograms;
        let stage = |own: &mut OriginMeter, delta: &OriginMeter| {
            let bounds = &own.bounds;
            own.table.stage(&delta.table, now, || Counts::new(bounds, has_native))
        };
        Staged { alb: stage(&mut self.alb, &delta.alb), nginx: stage(&mut self.nginx, &delta.nginx), now }
    }

    /// What each series will hold once `staged` is applied, in the order of births within an origin.
    pub fn totals(&self, staged: &Staged, delta: &Meter) -> Vec<SeriesChange> {
        self.changes(staged, delta, Counts::clone)
    }

    /// What `staged` adds to each series, in the order of births within an origin.
    pub fn additions(&self, staged: &Staged, delta: &Meter) -> Vec<SeriesChange> {
        self.changes(staged, delta, |counts| {
            let mut none = counts.clone();
            none.clear();
            none
        })
    }

    fn changes(&self, staged: &Staged, delta: &Meter, base: impl Fn(&Counts) -> Counts) -> Vec<SeriesChange> {
        let mut changes = Vec::with_capacity(staged.alb.len() + staged.nginx.len());
        for origin in ORIGINS {
            let (own, delta) = (self.origin(origin), delta.origin(origin));
            let mut pairs = staged.pairs(origin).to_vec();
            pairs.sort_unstable();
            for pairs in pairs.chunk_by(|one, other| one.0 == other.0) {
                let row = &own.table.rows()[pairs[0].0 as usize];
                let mut counts = base(&row.counts);
                pairs.iter().for_each(|pair| counts.merge(&delta.table.rows()[pair.1 as usize].counts));
                changes.push(SeriesChange {
                    id: SeriesId { origin, birth: row.birth },
                    labels: (!row.is_stored).then(|| store_labels(row)),
                    counts: store_counts(&counts, row.counted_at.max(staged.now), &own.bounds),
                });
            }
        }
        changes
    }

    /// Adds what was staged, which is on the disk now.
    pub fn apply(&mut self, staged: &Staged, delta: &Meter) {
        for origin in ORIGINS {
            let pairs = staged.pairs(origin);
            self.origin_mut(origin).table.apply(&delta.origin(origin).table, pairs, staged.now);
        }
        self.mark_stored(staged);
    }

    /// Notes that the disk knows the rows of `staged`, whose counts are not added here.
    pub fn mark_stored(&mut self, staged: &Staged) {
        for origin in ORIGINS {
            for &(position, _) in staged.pairs(origin) {
                if let Some(row) = self.origin_mut(origin).table.row_mut(position as usize) {
                    row.is_stored = true;
                }
            }
        }
    }

    /// Adds to a series by its name on the disk; what a minute held back until it was complete. `at` is when
    /// the series counts as counted. An unknown series adds nothing and gives `None`, else its new counts.
    pub fn add_stored(&mut self, id: SeriesId, added: &StoredCounts, at: Timestamp) -> Option<StoredCounts> {
        let has_native = self.options.has_native_histograms;
        let OriginMeter { table, bounds } = self.origin_mut(id.origin);
        let added = restore_counts(added, bounds, has_native);
        let position = table.born(id.birth)?;
        let row = table.row_mut(position)?;
        row.counts.merge(&added);
        row.counted_at = row.counted_at.max(at);
        Some(store_counts(&row.counts, row.counted_at, bounds))
    }

    /// Whether a series has counts and was counted in since then.
    pub fn was_counted_since(&self, id: SeriesId, since: Timestamp) -> bool {
        let table = &self.origin(id.origin).table;
        let row = table.born(id.birth).and_then(|position| table.rows().get(position));
        row.is_some_and(|row| row.counts.records() > 0 && row.counted_at >= since)
    }

    /// A meter with the series that were kept, in the order of births within each origin.
    pub fn restore(options: MeterOptions, series: &[(SeriesId, StoredLabels, StoredCounts)]) -> Self {
        let mut meter = Self::new(options);
        for (id, labels, counts) in series {
            let OriginMeter { table, bounds } = meter.origin_mut(id.origin);
            let counts_now = restore_counts(counts, bounds, options.has_native_histograms);
            table.restore(&restore_row(id.birth, labels, counts.counted_at_us), counts_now);
        }
        meter
    }

    /// Sets what was counted before this run and is in no series: births, and overflows as
    /// [`Meter::overflows`] gives them.
    pub fn restore_totals(&mut self, births: Births, overflows: [u64; 2]) {
        self.alb.table.restore_totals(births.alb, overflows[0]);
        self.nginx.table.restore_totals(births.nginx, overflows[1]);
    }

    /// What this batch of `source` counted by minute, as it is kept. The second number is how many records
    /// had a time that is not believed, the third how many found no room.
    pub fn stored_slots(&self, source: &str) -> (Vec<RowSlots>, u64, u64) {
        let Some(batch) = self.batch_slots() else { return (Vec::new(), 0, 0) };
        // By row, since a name is text to be made and compared, and a row has it for all of its minutes.
        let mut slots: Vec<_> = batch.slots.iter().collect();
        slots.sort_unstable_by_key(|(key, _)| **key);
        let rows = slots.chunk_by(|((one, row, _), _), ((other, next, _), _)| (one, row) == (other, next));
        let stored = rows.filter_map(|slots| {
            let &(origin, row, _) = slots.first()?.0;
            let labels = self.origin(origin).table.rows().get(row as usize)?.labels.borrow();
            let key = StoredSlotKey {
                source: source.into(),
                service: labels.application.into(),
                route: labels.path.into(),
                method: labels.method.into(),
                status_class: labels.status.map(weir_record::Status::class),
            };
            let minutes = slots.iter().map(|((.., minute), slot)| (*minute, store_slot(slot, &batch.bounds)));
            Some(RowSlots { key, minutes: minutes.collect() })
        });
        (stored.collect(), batch.outside, batch.dropped)
    }
}

fn store_slot(slot: &Slot, bounds: &crate::bounds::Bounds) -> StoredSlot {
    let buckets = slot.buckets.iter().enumerate().filter(|&(_, &count)| count > 0);
    StoredSlot {
        count: slot.count,
        request_times: crate::durable::StoredDistribution {
            sum_us: slot.sum_us,
            buckets: buckets.map(|(bucket, &count)| (bounds.upper_us(bucket), u64::from(count))).collect(),
            native: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::View;
    use crate::labels::Labels;
    use crate::meter::Counting;
    use crate::table::Standing;
    use proptest::prelude::*;
    use weir_record::{Request, Status};

    const NOW: Timestamp = Timestamp::from_seconds(1_795_169_730);

    fn options() -> MeterOptions {
        MeterOptions { series_max: 120, has_native_histograms: true, ..MeterOptions::default() }
    }

    /// A delta of requests for `(path, status, request_time_us)`.
    fn delta_of(requests: &[(u16, u16, u64)]) -> Meter {
        let mut delta = Meter::new(options());
        for &(path, status, request_time_us) in requests {
            let origin = if path % 2 == 0 { Origin::Alb } else { Origin::Nginx };
            let request = Request {
                status: Status::from_code(status),
                request_time_us: Some(request_time_us),
                upstream_time_us: (path % 3 == 0).then_some(request_time_us / 2),
                ..Request::new(origin, NOW)
            };
            let path = format!("/{path}");
            let labels = Labels {
                host: "shop.example.com",
                method: "GET",
                path: &path,
                target_group: "tg/web",
                application: "",
                status: request.status,
            };
            let standing = Standing { is_configured: false, is_host_configured: false };
            delta.observe(&Counting { labels, standing, has_histogram: true }, &request, NOW);
        }
        delta
    }

    /// What the disk holds after each change was written.
    fn write(disk: &mut Vec<(SeriesId, StoredLabels, StoredCounts)>, changes: Vec<SeriesChange>) {
        for SeriesChange { id, labels, counts } in changes {
            match (disk.iter_mut().find(|(known, ..)| *known == id), labels) {
                (Some((_, _, kept)), None) => *kept = counts,
                (None, Some(labels)) => disk.push((id, labels, counts)),
                (known, labels) => {
                    panic!("{id:?}: known {}, labels {}", known.is_some(), labels.is_some())
                }
            }
        }
        disk.sort_by_key(|(id, ..)| *id);
    }

    fn requests() -> impl Strategy<Value = Vec<(u16, u16, u64)>> {
        proptest::collection::vec((0u16..200, 200u16..205, 0u64..200_000_000), 0..60)
    }

    proptest! {
        #[test]
        fn a_restart_at_any_moment_changes_no_value(batches in proptest::collection::vec(requests(), 1..6)) {
            let mut disk = Vec::new();
            let mut meter = Meter::new(options());
            let mut merged = Meter::new(options());
            for batch in &batches {
                let delta = delta_of(batch);
                let staged = meter.stage(&delta, NOW);
                write(&mut disk, meter.totals(&staged, &delta));
                meter.apply(&staged, &delta);
                merged.merge(&delta, NOW);
                prop_assert_eq!(meter.snapshot(View::ALL), merged.snapshot(View::ALL));
                meter = Meter::restore(options(), &disk);
                prop_assert_eq!(meter.snapshot(View::ALL), merged.snapshot(View::ALL));
            }
        }

        #[test]
        fn what_a_minute_held_back_adds_up_to_the_same(batches in proptest::collection::vec(requests(), 1..6)) {
            let mut meter = Meter::new(options());
            let mut merged = Meter::new(options());
            let mut held_back = Vec::new();
            for batch in &batches {
                let delta = delta_of(batch);
                let staged = meter.stage(&delta, NOW);
                held_back.extend(meter.additions(&staged, &delta));
                meter.mark_stored(&staged);
                merged.merge(&delta, NOW);
            }
            prop_assert!(meter.snapshot(View::ALL).families.is_empty());
            for change in &held_back {
                prop_assert!(meter.add_stored(change.id, &change.counts, NOW).is_some());
            }
            prop_assert_eq!(meter.snapshot(View::ALL), merged.snapshot(View::ALL));
        }
    }

    #[test]
    fn what_was_staged_and_not_written_shows_nothing() {
        let mut meter = Meter::new(options());
        let delta = delta_of(&[(1, 200, 5), (2, 503, 7)]);
        let staged = meter.stage(&delta, NOW);
        assert!(meter.snapshot(View::ALL).families.is_empty());
        // Written at the second try: the same series, still new to the disk.
        assert_eq!(meter.totals(&staged, &delta), meter.totals(&staged, &delta));
        meter.apply(&staged, &delta);
        assert_eq!(meter.requests(), 2);
    }
}
