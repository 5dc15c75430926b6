//! Groups as the rows of an answer: sorted, and no more of them than asked for.
//!
//! First only what is sorted by is worked out, for every group; the other numbers, percentiles above all, only for
//! the rows that are left.

use std::cmp::Ordering;

use super::answer::{MetricValue, Row};
use super::group_value::GroupValue;
use super::groups::Groups;
use crate::aggregation::{Aggregation, GroupBy};

/// What rows are sorted by.
#[derive(Clone, Copy)]
enum By {
    /// A key, by its index.
    Key(usize),
    /// A metric, by its index.
    Metric(usize),
    /// The number of records.
    Count,
}

/// A group that may become a row.
struct Candidate {
    keys: Box<[GroupValue]>,
    slot: usize,
    by: GroupValue,
}

/// The rows of settled groups.
pub(super) fn rows(mut groups: Groups) -> Vec<Row> {
    let (by, is_descending) = order(&groups.aggregation);
    let mut candidates: Vec<Candidate> = Vec::with_capacity(groups.slots.len());
    for (keys, slot) in std::mem::take(&mut groups.slots) {
        let by = match by {
            By::Key(index) => keys.get(index).cloned().unwrap_or(GroupValue::Missing),
            By::Metric(index) => value(&mut groups, slot, index).into(),
            By::Count => MetricValue::count(groups.counts[slot]).into(),
        };
        candidates.push(Candidate { keys, slot, by });
    }
    candidates.sort_unstable_by(|one, other| compare(one, other, is_descending));
    candidates.truncate(groups.aggregation.limit);
    let metrics_len = groups.aggregation.metrics.len();
    let row = |Candidate { keys, slot, .. }| {
        let values = (0..metrics_len).map(|index| value(&mut groups, slot, index)).collect();
        Row { keys: keys.into_vec(), values }
    };
    candidates.into_iter().map(row).collect()
}

fn value(groups: &mut Groups, slot: usize, index: usize) -> MetricValue {
    let count = groups.counts[slot];
    let metric = &groups.aggregation.metrics[index].1;
    groups.states.value(slot, index, metric, count)
}

fn order(aggregation: &Aggregation) -> (By, bool) {
    let Some(order) = &aggregation.order else {
        let time = aggregation.group_by.iter().position(|group| matches!(group, GroupBy::Time { .. }));
        return time.map_or((By::Count, true), |index| (By::Key(index), false));
    };
    let key = aggregation.group_by.iter().position(|group| group.name() == order.by);
    let metric = aggregation.metrics.iter().position(|(name, _)| *name == order.by);
    let by = match (metric, key) {
        (Some(index), _) => By::Metric(index),
        (None, Some(index)) => By::Key(index),
        (None, None) => By::Count,
    };
    (by, order.is_descending)
}

/// What is missing comes last either way; ties in the order of keys.
fn compare(one: &Candidate, other: &Candidate, is_descending: bool) -> Ordering {
    let is_missing = |candidate: &Candidate| candidate.by == GroupValue::Missing;
    let by = match (is_missing(one), is_missing(other)) {
        (false, false) if is_descending => other.by.cmp(&one.by),
        (one_is, other_is) => one_is.cmp(&other_is).then_with(|| one.by.cmp(&other.by)),
    };
    by.then_with(|| one.keys.cmp(&other.keys))
}
