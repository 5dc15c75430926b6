//! Percentiles: of the values themselves as long as there are not too many, then of sketches.
//!
//! The bound is one for all groups, and when it is passed all groups change over together: so whether a number is
//! exact depends on how many values there are and not on which thread had them first.

use super::bounds::Bounds;
use super::sketch::Sketches;

/// Millionths of a percent, so that 99.9 % of 1,000 values are 999 and not one more by a rounding error.
const PERCENT_PARTS: f64 = 1e6;

/// The values of all groups, for each field that a percentile is asked of.
#[derive(Clone, Debug)]
pub(super) struct Percentiles {
    columns: Vec<Vec<Vec<f64>>>,
    values_len: usize,
    slots_len: usize,
    sketches: Option<Sketches>,
    bounds: Bounds,
}

impl Percentiles {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { columns: Vec::new(), values_len: 0, slots_len: 0, sketches: None, bounds }
    }

    /// One more field; its index. Only before anything is added.
    pub(super) fn add_column(&mut self) -> usize {
        self.columns.push(Vec::new());
        self.columns.len() - 1
    }

    /// Makes room for groups up to `slots_len`.
    pub(super) fn grow(&mut self, slots_len: usize) {
        self.slots_len = slots_len;
        match &mut self.sketches {
            Some(sketches) => sketches.grow(slots_len),
            None => self.columns.iter_mut().for_each(|column| column.resize_with(slots_len, Vec::new)),
        }
    }

    /// Adds a finite number.
    #[inline]
    pub(super) fn add(&mut self, column: usize, slot: usize, value: f64) {
        match &mut self.sketches {
            None => {
                self.columns[column][slot].push(value);
                self.values_len += 1;
                if self.values_len > self.bounds.exact_values_max {
                    self.sketches();
                }
            }
            Some(sketches) => sketches.add(column, slot, value),
        }
    }

    /// Adds all that others have, slot by slot as `slots` maps theirs to ours.
    pub(super) fn merge(&mut self, other: Self, slots: &[usize]) {
        let is_too_much = self.values_len + other.values_len > self.bounds.exact_values_max;
        if self.sketches.is_none() && other.sketches.is_none() && !is_too_much {
            self.values_len += other.values_len;
            for (column, theirs) in self.columns.iter_mut().zip(other.columns) {
                for (values, &slot) in theirs.into_iter().zip(slots) {
                    append(&mut column[slot], values);
                }
            }
            return;
        }
        let sketches = self.sketches();
        match other.sketches {
            Some(theirs) => sketches.merge(theirs, slots),
            None => add_values(sketches, other.columns, slots),
        }
    }

    /// The smallest value that at least `p` percent of the values do not exceed; `None` without values.
    pub(super) fn value(&mut self, column: usize, slot: usize, p: f64) -> Option<f64> {
        if let Some(sketches) = &self.sketches {
            return sketches.value_at(column, slot, |count| rank(p, count));
        }
        let values = &mut self.columns[column][slot];
        let index = usize::try_from(rank(p, values.len() as u64)).ok()?.checked_sub(1)?;
        if index >= values.len() {
            return None;
        }
        Some(*values.select_nth_unstable_by(index, f64::total_cmp).1)
    }

    /// How far a value may be from the right one, as a share of it; `None` where it is the right one.
    pub(super) fn error(&self) -> Option<f64> {
        self.sketches.as_ref().map(Sketches::error)
    }

    /// The memory taken, roughly: a vector has up to twice the room that it needs.
    pub(super) fn memory_bytes(&self) -> usize {
        let slots = self.columns.iter().map(Vec::len).sum::<usize>() * size_of::<Vec<f64>>();
        slots
            + self.values_len * 2 * size_of::<f64>()
            + self.sketches.as_ref().map_or(0, Sketches::memory_bytes)
    }

    /// The sketches, made of the values where there are none yet.
    fn sketches(&mut self) -> &mut Sketches {
        let (columns, slots_len) = (&mut self.columns, self.slots_len);
        let columns_len = columns.len();
        self.values_len = 0;
        let buckets_max = self.bounds.sketch_buckets_max;
        self.sketches.get_or_insert_with(|| {
            let mut sketches = Sketches::new(columns_len, buckets_max);
            sketches.grow(slots_len);
            let slots: Vec<usize> = (0..slots_len).collect();
            add_values(&mut sketches, std::mem::take(columns), &slots);
            sketches
        })
    }
}

fn add_values(sketches: &mut Sketches, columns: Vec<Vec<Vec<f64>>>, slots: &[usize]) {
    for (column, groups) in columns.into_iter().enumerate() {
        for (values, &slot) in groups.into_iter().zip(slots) {
            values.iter().for_each(|&value| sketches.add(column, slot, value));
        }
    }
}

fn append(values: &mut Vec<f64>, mut more: Vec<f64>) {
    if values.is_empty() {
        *values = more;
    } else {
        values.append(&mut more);
    }
}

/// The rank, from 1, of the smallest of `count` values that at least `p` percent of them do not exceed.
fn rank(p: f64, count: u64) -> u64 {
    let parts = (p * PERCENT_PARTS).round() as u128;
    let rank = (parts * u128::from(count)).div_ceil(100 * PERCENT_PARTS as u128);
    u64::try_from(rank).unwrap_or(count).clamp(1, count.max(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn percentiles(values: &[f64], exact_values_max: usize, sketch_buckets_max: usize) -> Percentiles {
        let mut percentiles =
            Percentiles::new(Bounds { exact_values_max, sketch_buckets_max, ..Bounds::default() });
        percentiles.add_column();
        percentiles.grow(1);
        values.iter().for_each(|&value| percentiles.add(0, 0, value));
        percentiles
    }

    #[test]
    fn ranks_are_those_of_the_nearest_rank() {
        for (p, count, expected) in [
            (0.0, 10, 1),
            (50.0, 1, 1),
            (50.0, 2, 1),
            (50.0, 3, 2),
            (95.0, 20, 19),
            (95.0, 21, 20),
            (99.9, 1_000, 999),
            (99.9, 1_001, 1_000),
            (29.0, 100, 29),
            (100.0, 7, 7),
            (50.0, 0, 1),
        ] {
            assert_eq!(rank(p, count), expected, "p{p} of {count}");
        }
    }

    #[test]
    fn nothing_has_no_percentile() {
        assert_eq!(percentiles(&[], 10, 10).value(0, 0, 50.0), None);
        let mut sketched = percentiles(&[], 10, 10);
        sketched.sketches();
        assert_eq!(sketched.value(0, 0, 50.0), None);
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![Just(0.0), 0.0..10.0f64, -100.0..100.0f64, (-300..300i32).prop_map(|e| -(10f64.powi(e)))]
    }

    proptest! {
        #[test]
        fn exact_ones_are_those_of_sorted_values(
            mut values in prop::collection::vec(number(), 1..60), p in 0u32..=1000,
        ) {
            let p = f64::from(p) / 10.0;
            let given = percentiles(&values, 60, 1).value(0, 0, p);
            values.sort_by(f64::total_cmp);
            let expected = values.iter().find(|&&value| {
                let share = values.iter().filter(|&&other| other <= value).count();
                share as f64 / values.len() as f64 * 100.0 >= p - 1e-9
            });
            prop_assert_eq!(given, expected.copied());
        }

        #[test]
        fn those_of_sketches_are_as_near_as_they_say(
            values in prop::collection::vec(number(), 5..200), p in 0u32..=100, buckets_max in 1..100usize,
        ) {
            let p = f64::from(p);
            let expected = percentiles(&values, 1_000, 1).value(0, 0, p).expect("there are values");
            let mut sketched = percentiles(&values, 3, buckets_max);
            let error = sketched.error().expect("it is a sketch");
            let given = sketched.value(0, 0, p).expect("there are values");
            let is_near = (given - expected).abs() <= error * expected.abs() * (1.0 + 1e-9);
            prop_assert!(is_near, "{given} {expected} {error}");
            let fine = percentiles(&values, 3, 1_000).value(0, 0, p).expect("there are values");
            prop_assert!((fine - expected).abs() <= 0.01 * expected.abs() * (1.0 + 1e-9), "{fine} {expected}");
        }
    }
}
