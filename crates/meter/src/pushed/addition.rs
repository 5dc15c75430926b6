//! What weir itself adds for its users: the metrics that the config declares, kept beside those that are pushed.
//!
//! They need what pushed series have (any labels, rows in the ledger, every exposition format, a budget), so they
//! are series of the same store, with a mark in place of labels from the URL. The mark keeps them apart, family
//! by family: no DELETE is for them, no push is added to them nor they to what was pushed, and they go when the
//! config does not declare them any more. As no family is both, additions and pushes of one commit may be staged
//! apart: none of them changes a family that the other does.
//!
//! Unlike a push an addition is never refused for want of room, because its records are counted whatever they
//! say: beyond the budget they count under one label set, so that totals stay exact. That set is the only one that
//! may be beyond the budget.
//!
//! Sums are kept as the nearest float to a whole number of millionths after each addition, so they are exact and
//! the same in any order up to 2^53 millionths, and not only up to rounding.

use std::collections::{BTreeMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use super::{
    AdditionRefused, END, OwnSeries, Point, Push, PushRefused, PushedFamily, PushedSeries, PushedValue,
    Staged, labels_of,
};
use crate::Kind;

/// In place of the labels from the URL: the series is weir's. No pushed series has so many labels.
const DECLARED: u64 = 1 << super::LABELS_MAX;

/// Beyond this many millionths a float does not tell each from the next.
const EXACT_MICROS_MAX: f64 = 9_007_199_254_740_992.0;

/// What is added, by label set.
type Points = BTreeMap<Box<[u8]>, PushedValue>;

/// What is added to one family.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// The family's name, valid and no other's of weir.
    pub name: Arc<str>,
    /// One sentence.
    pub help: Arc<str>,
    /// Counter or histogram.
    pub kind: Kind,
    /// What is added, each label set once.
    pub points: Vec<AddedPoint>,
    /// The label set, as [`write_label`] writes it, that stands for those without room.
    pub other: Box<[u8]>,
}

/// What is added to one series.
#[derive(Clone, Debug, PartialEq)]
pub struct AddedPoint {
    /// The label set as [`write_label`] writes it.
    pub labels: Box<[u8]>,
    /// What is added: of the family's kind, and of its bounds.
    pub value: PushedValue,
    /// How many records it stands for.
    pub records: u64,
}

/// A series that the config may or may not declare.
pub struct DeclaredSeries<'s> {
    /// The family's name.
    pub family: &'s str,
    /// Its type.
    pub kind: Kind,
    /// The names of its labels, sorted.
    pub labels: Vec<&'s str>,
    /// A histogram's bounds.
    pub bounds: Option<&'s [f64]>,
}

/// Adds a label to a label set that is written label by label, sorted by name. One without a value is none.
pub fn write_label(labels: &mut Vec<u8>, name: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    for text in [name, value] {
        labels.extend_from_slice(text.as_bytes());
        labels.push(END);
    }
}

impl PushedSeries {
    /// Adds to a family, all of it or nothing, and says how many records are under [`Addition::other`] now for
    /// want of room. `series_max` is the family's budget.
    ///
    /// # Errors
    ///
    /// Somebody pushed a family of this name; or another type or other buckets. `staged` is as it was.
    pub fn stage_addition(
        &self,
        staged: &mut Staged,
        addition: &Addition,
        series_max: usize,
    ) -> Result<u64, AdditionRefused> {
        if self.is_declared(staged, &addition.name) == Some(false) {
            return Err(AdditionRefused::Pushed(addition.name.as_ref().into()));
        }
        let (points, folded) = self.within_room(staged, addition, series_max)?;
        let push = push_of(addition, &points);
        let meeting = [self.meet(staged, &push, &push.families[0], OwnSeries::NONE)?];
        let mut merged = Vec::with_capacity(push.points.len());
        for point in &push.points {
            let mut series = self.merged(staged, &push, point, &meeting, OwnSeries::NONE)?;
            if let Some(stored) = &mut series.row.stored {
                snap(&mut stored.value);
            }
            merged.push(series);
        }
        self.enter(staged, &push, &meeting, merged);
        Ok(folded)
    }

    /// Removes the declared series that `is_declared` does not know any more, and says how many they were.
    pub fn stage_undeclared(
        &self,
        staged: &mut Staged,
        is_declared: impl Fn(&DeclaredSeries<'_>) -> bool,
    ) -> usize {
        let mut removed = 0;
        for (name, table) in &self.families {
            let is_gone = |row: &&super::store::PushedRow| {
                let bounds = match &row.stored.value {
                    PushedValue::Histogram(histogram) => Some(&*histogram.bounds),
                    PushedValue::Number(_) | PushedValue::Summary { .. } => None,
                };
                let labels = labels_of(&row.key).map(|(label, _)| label).collect();
                let series = DeclaredSeries { family: name, kind: table.kind, labels, bounds };
                row.stored.url_labels == DECLARED && !is_declared(&series)
            };
            let gone: HashSet<Arc<[u8]>> =
                table.series.iter().filter(is_gone).map(|row| Arc::clone(&row.key)).collect();
            if !gone.is_empty() {
                removed += gone.len();
                self.stage_removal(staged, name, |key, _| gone.contains(key));
            }
        }
        removed
    }

    /// The points, those without room added up as one; and how many records that one has.
    fn within_room(
        &self,
        staged: &Staged,
        addition: &Addition,
        series_max: usize,
    ) -> Result<(Points, u64), PushRefused> {
        let is_known = |labels: &[u8]| self.has_series(staged, &addition.name, labels);
        let is_other = |point: &AddedPoint| point.labels == addition.other;
        let mut new: Vec<&AddedPoint> =
            addition.points.iter().filter(|point| !is_other(point) && !is_known(&point.labels)).collect();
        new.sort_unstable_by(|one, other| one.labels.cmp(&other.labels));
        let mut room = series_max.saturating_sub(self.family_series_count(staged, &addition.name));
        room = room.min(self.series_max().saturating_sub(self.staged_series_count(staged)));
        let needs_other = new.len() > room || addition.points.iter().any(is_other);
        if needs_other && !is_known(&addition.other) {
            room = room.saturating_sub(1);
        }
        let without_room: HashSet<&[u8]> = new.iter().skip(room).map(|point| &*point.labels).collect();
        let (mut points, mut folded) = (Points::new(), 0);
        for point in &addition.points {
            let is_folded = without_room.contains(&*point.labels);
            let labels = if is_folded { &addition.other } else { &point.labels };
            folded += if is_folded { point.records } else { 0 };
            let sum = match points.get(labels) {
                Some(known) => {
                    known.sum(&point.value).map_err(|why| super::staged::unmergeable(&addition.name, why))?
                }
                None => point.value.clone(),
            };
            points.insert(labels.clone(), sum);
        }
        Ok((points, folded))
    }

    /// Whether a family is weir's; `None` where there is none of this name.
    pub(super) fn is_declared(&self, staged: &Staged, family: &str) -> Option<bool> {
        let url_labels = staged.url_labels_of_any(family).or_else(|| {
            let table = self.families.get(family)?;
            table.series.iter().next().map(|row| row.stored.url_labels)
        });
        url_labels.map(|url_labels| url_labels == DECLARED)
    }

    fn has_series(&self, staged: &Staged, family: &str, labels: &[u8]) -> bool {
        let hash = self.hasher.hash_one(labels);
        staged.has_series(family, hash, labels).unwrap_or_else(|| {
            self.families.get(family).is_some_and(|table| table.find(hash, labels).is_some())
        })
    }
}

fn push_of(addition: &Addition, points: &Points) -> Push {
    let family = PushedFamily {
        name: addition.name.as_ref().into(),
        help: addition.help.as_ref().into(),
        kind: addition.kind,
        has_points: true,
        is_cleared: false,
    };
    let mut push = Push { families: vec![family], by_name: vec![0], points: Vec::new(), keys: Vec::new() };
    for (labels, value) in points {
        let start = push.keys.len() as u32;
        push.keys.extend_from_slice(labels);
        let key = (start, push.keys.len() as u32);
        push.points.push(Point { family: 0, key, url_labels: DECLARED, mode: None, value: value.clone() });
    }
    push
}

/// Takes away what adding floats has added.
fn snap(value: &mut PushedValue) {
    let sum = match value {
        PushedValue::Number(sum) | PushedValue::Summary { sum, .. } => sum,
        PushedValue::Histogram(histogram) => &mut histogram.sum,
    };
    let micros = (*sum * 1e6).round();
    if micros.abs() < EXACT_MICROS_MAX {
        *sum = micros / 1e6;
    }
}
