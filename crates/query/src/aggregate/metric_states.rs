//! What is remembered of the values of each group, for each metric.
//!
//! Metrics that need the same of the same field share it: `p50`, `p95` and `p99` of a field keep its values once,
//! and its mean and its sum are two readings of one sum. States lie in one vector per metric, so that adding a
//! value is an index and a push.

use super::answer::MetricValue;
use super::bounds::Bounds;
use super::distinct::Distincts;
use super::percentile::Percentiles;
use super::sum::Sum;
use crate::aggregation::Metric;

/// The states of all metrics.
#[derive(Clone, Debug)]
pub(super) struct MetricStates {
    metrics: Vec<State>,
    percentiles: Percentiles,
    distincts: Distincts,
}

/// The states of one metric.
#[derive(Clone, Debug)]
enum State {
    /// Groups are counted anyway.
    Count,
    /// The metric with that index remembers the same.
    Shared(usize),
    /// The least value, infinite where there is none.
    Min(Vec<f64>),
    /// The greatest value.
    Max(Vec<f64>),
    Sum(Vec<Sum>),
    /// A column of `percentiles`.
    Percentile(usize),
    /// A column of `distincts`.
    Distinct(usize),
}

impl MetricStates {
    pub(super) fn new(metrics: &[(String, Metric)], bounds: Bounds) -> Self {
        let mut states = Self {
            metrics: Vec::with_capacity(metrics.len()),
            percentiles: Percentiles::new(bounds),
            distincts: Distincts::new(bounds),
        };
        for (index, (_, metric)) in metrics.iter().enumerate() {
            let same = metrics[..index].iter().position(|(_, earlier)| is_same(earlier, metric));
            let state = match (same, metric) {
                (Some(earlier), _) => State::Shared(earlier),
                (None, Metric::Count) => State::Count,
                (None, Metric::Min { .. }) => State::Min(Vec::new()),
                (None, Metric::Max { .. }) => State::Max(Vec::new()),
                (None, Metric::Average { .. } | Metric::Sum { .. }) => State::Sum(Vec::new()),
                (None, Metric::Percentile { .. }) => State::Percentile(states.percentiles.add_column()),
                (None, Metric::Cardinality { .. }) => State::Distinct(states.distincts.add_column()),
            };
            states.metrics.push(state);
        }
        states
    }

    /// Makes room for groups up to `slots_len`.
    pub(super) fn grow(&mut self, slots_len: usize) {
        for state in &mut self.metrics {
            match state {
                State::Min(values) => values.resize(slots_len, f64::INFINITY),
                State::Max(values) => values.resize(slots_len, f64::NEG_INFINITY),
                State::Sum(sums) => sums.resize_with(slots_len, Sum::default),
                State::Count | State::Shared(_) | State::Percentile(_) | State::Distinct(_) => {}
            }
        }
        self.percentiles.grow(slots_len);
        self.distincts.grow(slots_len);
    }

    /// Whether the metric has to be given values: not where it only counts records, or where another remembers
    /// the same.
    pub(super) fn takes_values(&self, metric: usize) -> bool {
        !matches!(self.metrics[metric], State::Count | State::Shared(_))
    }

    /// Whether the metric is about different values rather than about numbers.
    #[inline]
    pub(super) fn is_distinct(&self, metric: usize) -> bool {
        matches!(self.metrics[metric], State::Distinct(_))
    }

    /// Adds a finite number to a metric that is about numbers.
    #[inline]
    pub(super) fn add_number(&mut self, slot: usize, metric: usize, value: f64) {
        match &mut self.metrics[metric] {
            State::Min(values) => values[slot] = values[slot].min(value),
            State::Max(values) => values[slot] = values[slot].max(value),
            State::Sum(sums) => sums[slot].add(value),
            State::Percentile(column) => self.percentiles.add(*column, slot, value),
            State::Count | State::Shared(_) | State::Distinct(_) => {}
        }
    }

    /// Adds the hash of a value to a metric that is about different values.
    pub(super) fn add_hash(&mut self, slot: usize, metric: usize, hash: u64) {
        if let State::Distinct(column) = self.metrics[metric] {
            self.distincts.add(column, slot, hash);
        }
    }

    /// Adds all that others have, slot by slot as `slots` maps theirs to ours.
    pub(super) fn merge(&mut self, other: Self, slots: &[usize]) {
        for (ours, theirs) in self.metrics.iter_mut().zip(other.metrics) {
            match (ours, theirs) {
                (State::Min(ours), State::Min(theirs)) => {
                    slots.iter().zip(theirs).for_each(|(&slot, value)| ours[slot] = ours[slot].min(value));
                }
                (State::Max(ours), State::Max(theirs)) => {
                    slots.iter().zip(theirs).for_each(|(&slot, value)| ours[slot] = ours[slot].max(value));
                }
                (State::Sum(ours), State::Sum(theirs)) => {
                    slots.iter().zip(theirs).for_each(|(&slot, sum)| ours[slot].merge(&sum));
                }
                _ => {}
            }
        }
        self.percentiles.merge(other.percentiles, slots);
        self.distincts.merge(other.distincts, slots);
    }

    /// Brings the states to what depends on the values alone; before `value` and `error_bound`.
    pub(super) fn settle(&mut self) {
        self.distincts.settle();
    }

    /// The number of a group of `count` records.
    pub(super) fn value(&mut self, slot: usize, index: usize, metric: &Metric, count: u64) -> MetricValue {
        let index = if let State::Shared(earlier) = self.metrics[index] { earlier } else { index };
        let number = match (&self.metrics[index], metric) {
            (State::Count, _) => return MetricValue::count(count),
            (State::Distinct(column), _) => return MetricValue::count(self.distincts.count(*column, slot)),
            (State::Min(values) | State::Max(values), _) => Some(values[slot]),
            (State::Sum(sums), Metric::Average { .. }) => sums[slot].mean(),
            (State::Sum(sums), _) => sums[slot].total(),
            (State::Percentile(column), Metric::Percentile { p, .. }) => {
                self.percentiles.value(*column, slot, *p)
            }
            (State::Percentile(_) | State::Shared(_), _) => None,
        };
        number.map_or(MetricValue::Missing, MetricValue::from)
    }

    /// How far a number may be from the right one, as a share of it; `None` where all are right.
    pub(super) fn error_bound(&self) -> Option<f64> {
        let bounds = [self.percentiles.error(), self.distincts.error()];
        bounds.into_iter().flatten().reduce(f64::max)
    }

    /// The memory taken, roughly.
    pub(super) fn memory_bytes(&self) -> usize {
        let states = self.metrics.iter().map(|state| match state {
            State::Min(values) | State::Max(values) => values.len() * size_of::<f64>(),
            State::Sum(sums) => sums.len() * size_of::<Sum>(),
            State::Count | State::Shared(_) | State::Percentile(_) | State::Distinct(_) => 0,
        });
        states.sum::<usize>() + self.percentiles.memory_bytes() + self.distincts.memory_bytes()
    }
}

/// Whether two metrics need the same to be remembered.
fn is_same(one: &Metric, other: &Metric) -> bool {
    match (one, other) {
        (Metric::Percentile { field: one, .. }, Metric::Percentile { field: other, .. })
        | (
            Metric::Average { field: one } | Metric::Sum { field: one },
            Metric::Average { field: other } | Metric::Sum { field: other },
        ) => one == other,
        _ => one == other,
    }
}
