//! What became of each series from one published minute to the next.
//!
//! Stateless on purpose: two snapshots go in, so a restart that reads the last published one from disk
//! decides the same as the run that never stopped. The price is one index of the last snapshot per minute.

use std::collections::HashMap;

use weir_meter::{Family, Kind, LabelPairs, Series, Snapshot, Value};

/// One series and its step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct SeriesChange<'a> {
    pub family: &'a Family,
    pub labels: &'a LabelPairs,
    pub step: Step<'a>,
    created_ms: Option<i64>,
}

/// What became of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step<'a> {
    /// Live at both minutes.
    Continued { before: &'a Value, now: &'a Value },
    /// Not live at the last minute, or that one was not the minute before: what it had counted until then,
    /// if anything, comes first.
    Begun { before: Option<&'a Value>, now: &'a Value },
    /// Live at the last minute only.
    Ended { before: &'a Value },
}

/// The step of every series that is live in one of two minutes: in the order of `now`, behind each
/// family's those that it lost, and families that it lost last.
pub(super) fn compare<'a>(last: &'a Snapshot, now: &'a Snapshot) -> Vec<SeriesChange<'a>> {
    let mut lost: HashMap<&str, &Family> =
        last.families.iter().map(|family| (family.name.as_ref(), family)).collect();
    let mut changes = Vec::new();
    for family in &now.families {
        compare_family(lost.remove(family.name.as_ref()), family, &mut changes);
    }
    let lost = last.families.iter().filter(|family| lost.contains_key(family.name.as_ref()));
    lost.for_each(|family| changes.extend(family.series.iter().map(|series| ended(family, series))));
    changes
}

/// Tells those that begin what they had counted before: `before` has the value of series that were not live
/// at the last minute.
pub(super) fn resume<'a>(changes: &mut [SeriesChange<'a>], before: &'a Snapshot) {
    let indexes: HashMap<&str, HashMap<&LabelPairs, &Series>> =
        before.families.iter().map(|family| (family.name.as_ref(), index(family))).collect();
    for change in changes {
        let Step::Begun { before: value @ None, now } = &mut change.step else { continue };
        let known = indexes.get(change.family.name.as_ref()).and_then(|family| family.get(change.labels));
        *value = known
            .filter(|known| is_same_kind(&known.value, now))
            .filter(|known| !is_born_again(known.created_ms, change.created_ms))
            .map(|known| &known.value);
    }
}

/// Makes every step from an earlier minute than the one before begin anew from its last value, so that what
/// was counted in the minutes between, which are not sent, is an increase of this one.
pub(super) fn bridge_gap(changes: &mut [SeriesChange<'_>]) {
    for change in changes {
        if let Step::Continued { before, now } = change.step {
            change.step = Step::Begun { before: Some(before), now };
        }
    }
}

fn compare_family<'a>(last: Option<&'a Family>, now: &'a Family, changes: &mut Vec<SeriesChange<'a>>) {
    let mut lost = last.map(index).unwrap_or_default();
    for series in &now.series {
        let before = match lost.get(&series.labels) {
            Some(before) if is_same_kind(&before.value, &series.value) => lost.remove(&series.labels),
            _ => None,
        };
        let step = match before {
            Some(before) => Step::Continued { before: &before.value, now: &series.value },
            None => Step::Begun { before: None, now: &series.value },
        };
        let created_ms = series.created_ms;
        changes.push(SeriesChange { family: now, labels: &series.labels, step, created_ms });
    }
    if let Some(last) = last {
        let lost = last.series.iter().filter(|series| lost.contains_key(&series.labels));
        changes.extend(lost.map(|series| ended(last, series)));
    }
}

fn index(family: &Family) -> HashMap<&LabelPairs, &Series> {
    family.series.iter().map(|series| (&series.labels, series)).collect()
}

fn ended<'a>(family: &'a Family, series: &'a Series) -> SeriesChange<'a> {
    let step = Step::Ended { before: &series.value };
    SeriesChange { family, labels: &series.labels, step, created_ms: series.created_ms }
}

/// A series that changed from number to distribution has other names, and so ends and begins. Both
/// distributions have a sum and a count, which go on.
fn is_same_kind(one: &Value, other: &Value) -> bool {
    matches!(one, Value::Number(_)) == matches!(other, Value::Number(_))
}

/// It was purged in between and counts from 0 again: its earlier value is another counter's.
fn is_born_again(before_ms: Option<i64>, now_ms: Option<i64>) -> bool {
    matches!((before_ms, now_ms), (Some(before_ms), Some(now_ms)) if before_ms != now_ms)
}

impl SeriesChange<'_> {
    /// Begins, and nothing is known of it yet.
    pub fn is_birth(&self) -> bool {
        matches!(self.step, Step::Begun { before: None, .. })
    }

    /// Began to count from 0, so that a 0 before its first value is true. A gauge was not at 0 before it was.
    pub fn counts_from_zero(&self) -> bool {
        match self.family.kind {
            Kind::Counter | Kind::Histogram | Kind::Summary => true,
            Kind::Gauge | Kind::Untyped => false,
        }
    }
}
