//! The groups of records and what is known of each: a table of keys, and states by number.
//!
//! Looking up a key costs a hash of it, adding a value an index; so they are two calls, and who reads columns looks
//! up each combination of keys once per batch. Groups beyond the bound are put into one slot that no row is made
//! of, so that adding needs no second look at the bound and the number of records left out is known.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use weir_record::{FieldKind, Value, known_field};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::answer::Answer;
use super::bounds::{Bounds, METRIC_STATES_MAX};
use super::group_value::GroupValue;
use super::metric_states::MetricStates;
use super::rows::rows;
use crate::aggregation::{Aggregation, GroupBy, TIME_FIELD};
use crate::json_elements::{Element, elements};
use crate::needles::list_elements;
use crate::number::{Number, whole};
use crate::predicate::Fields;

/// Elements of a list that are groups of their own; further ones of the same record are in none.
pub const GROUP_ELEMENTS_MAX: usize = 100;

/// The groups of an aggregation, while records are read.
///
/// Either record by record with [`Groups::add_record`], or by columns: `slot` for a record's keys, then `add_count`,
/// and `add` or `add_value` for each metric that [`Groups::takes_values`]. A slot is valid for this `Groups` only.
#[derive(Clone, Debug)]
pub struct Groups {
    pub(super) aggregation: Aggregation,
    bounds: Bounds,
    pub(super) slots: HashMap<Box<[GroupValue]>, usize, RandomState>,
    key_bytes: usize,
    /// The slot of all groups beyond the bounds.
    cut_slot: Option<usize>,
    /// The records of each slot.
    pub(super) counts: Vec<u64>,
    pub(super) states: MetricStates,
}

impl Groups {
    /// No records yet. The aggregation is one that [`Aggregation::checked`] gave.
    pub fn new(aggregation: &Aggregation) -> Self {
        Self::with_bounds(aggregation, Bounds::default())
    }

    /// The same with bounds of one's own.
    pub fn with_bounds(aggregation: &Aggregation, mut bounds: Bounds) -> Self {
        bounds.groups_max = bounds.groups_max.min(METRIC_STATES_MAX / aggregation.metrics.len().max(1));
        let mut groups = Self {
            aggregation: aggregation.clone(),
            bounds,
            slots: HashMap::default(),
            key_bytes: 0,
            cut_slot: None,
            counts: Vec::new(),
            states: MetricStates::new(&aggregation.metrics, bounds),
        };
        if aggregation.group_by.is_empty() {
            // All records are one group, also where there are none.
            groups.slot(&[]);
        }
        groups
    }

    /// What is aggregated.
    pub fn aggregation(&self) -> &Aggregation {
        &self.aggregation
    }

    /// The slot of the group with these keys, one for each of `group_by` in that order; a new one where there is none.
    ///
    /// Beyond the bounds all new groups have one slot, whose records are in no row.
    pub fn slot(&mut self, keys: &[GroupValue]) -> usize {
        match self.slots.get(keys) {
            Some(&slot) => slot,
            None => self.new_slot(keys.into()),
        }
    }

    /// Adds `count` records to a group.
    #[inline]
    pub fn add_count(&mut self, slot: usize, count: u64) {
        self.counts[slot] += count;
    }

    /// Whether the metric with this index has to be given values. If not, it counts records or has its values
    /// from another metric of the same field; giving it some does no harm.
    pub fn takes_values(&self, metric: usize) -> bool {
        self.states.takes_values(metric)
    }

    /// Adds a number to the metric with this index; one that is not finite is no value.
    #[inline]
    pub fn add(&mut self, slot: usize, metric: usize, value: f64) {
        if !value.is_finite() {
            return;
        }
        // -0.0 becomes 0.0, as they are one value.
        let value = value + 0.0;
        if self.states.is_distinct(metric) {
            self.states.add_hash(slot, metric, value_hash(&GroupValue::Float(value)));
        } else {
            self.states.add_number(slot, metric, value);
        }
    }

    /// Adds a field's value to the metric with this index, as that needs it: a number, or whatever it is.
    pub fn add_value(&mut self, slot: usize, metric: usize, value: &Value<'_>) {
        if self.states.is_distinct(metric) {
            let is_list = self.aggregation.metrics[metric].1.field().is_some_and(is_list);
            group_values(value, is_list, |element| {
                self.states.add_hash(slot, metric, value_hash(&element));
            });
        } else if let Some(number) = metric_number(value) {
            self.add(slot, metric, number);
        }
    }

    /// Adds a value to a cardinality by its [`value_hash`], which can so be taken once for each entry of a dictionary.
    pub fn add_hash(&mut self, slot: usize, metric: usize, hash: u64) {
        self.states.add_hash(slot, metric, hash);
    }

    /// Adds a record to its group, or to several where it is grouped by a list.
    pub fn add_record(&mut self, record: &impl Fields) {
        let keys: Vec<Vec<GroupValue>> =
            self.aggregation.group_by.iter().map(|group| record_keys(record, group)).collect();
        for keys in combinations(&keys) {
            let slot = self.slot(&keys);
            self.add_count(slot, 1);
            for metric in 0..self.aggregation.metrics.len() {
                let field = self.aggregation.metrics[metric].1.field();
                if let Some(value) = field.and_then(|field| record.field(field))
                    && self.takes_values(metric)
                {
                    self.add_value(slot, metric, &value);
                }
            }
        }
    }

    /// Adds all that another has of the same aggregation, in whatever order.
    pub fn merge(&mut self, other: Groups) {
        let mut slots = vec![0; other.counts.len()];
        for (keys, slot) in other.slots {
            slots[slot] = match self.slots.get(&keys) {
                Some(&ours) => ours,
                None => self.new_slot(keys),
            };
        }
        if let Some(slot) = other.cut_slot {
            slots[slot] = self.cut_slot();
        }
        for (&slot, count) in slots.iter().zip(other.counts) {
            self.counts[slot] += count;
        }
        self.states.merge(other.states, &slots);
    }

    /// The groups there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Whether there were more groups than are kept apart.
    pub fn is_cut(&self) -> bool {
        self.cut_slot.is_some()
    }

    /// The memory taken, in bytes, roughly and rather too high.
    pub fn memory_bytes(&self) -> usize {
        let key_len = self.aggregation.group_by.len();
        let entry = size_of::<Box<[GroupValue]>>() + size_of::<usize>() + key_len * size_of::<GroupValue>();
        self.slots.len() * 2 * entry + self.key_bytes + self.counts.len() * 8 + self.states.memory_bytes()
    }

    /// The rows, sorted and limited as the aggregation says.
    pub fn into_answer(mut self) -> Answer {
        self.states.settle();
        let error_bound = self.states.error_bound();
        Answer {
            groups_len: self.slots.len(),
            is_exact: error_bound.is_none(),
            error_bound: error_bound.unwrap_or(0.0),
            is_cut: self.is_cut(),
            cut_records: self.cut_slot.map_or(0, |slot| self.counts[slot]),
            rows: rows(self),
        }
    }

    fn new_slot(&mut self, keys: Box<[GroupValue]>) -> usize {
        let bytes: usize = keys.iter().map(GroupValue::text_bytes).sum();
        if self.slots.len() >= self.bounds.groups_max
            || self.key_bytes + bytes > self.bounds.group_key_bytes_max
        {
            return self.cut_slot();
        }
        self.key_bytes += bytes;
        let slot = self.next_slot();
        self.slots.insert(keys, slot);
        slot
    }

    fn cut_slot(&mut self) -> usize {
        match self.cut_slot {
            Some(slot) => slot,
            None => {
                let slot = self.next_slot();
                *self.cut_slot.insert(slot)
            }
        }
    }

    fn next_slot(&mut self) -> usize {
        let slot = self.counts.len();
        self.counts.push(0);
        self.states.grow(slot + 1);
        slot
    }
}

/// The number that a metric takes a value for: numbers, moments as seconds since 1970, text that reads as a plain
/// number. Nothing else is one; a duration with a unit, as `400ms`, is text.
pub fn metric_number(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Integer(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Time(time) => Some(time.seconds_f64()),
        Value::Text(text) => Number::from_text(text).map(Number::as_f64),
        Value::Boolean(_) | Value::Json(_) => None,
    }
}

/// The hash by which a cardinality knows a value: that of its kind and of the value, 5 and 5.0 having one.
pub fn value_hash(value: &GroupValue) -> u64 {
    match value {
        GroupValue::Text(text) => text_hash(text),
        GroupValue::Boolean(boolean) => xxh3_64_with_seed(&[u8::from(*boolean)], 1),
        GroupValue::Integer(number) => xxh3_64_with_seed(&number.to_le_bytes(), 2),
        GroupValue::Float(number) => match whole(*number) {
            Some(integer) => xxh3_64_with_seed(&integer.to_le_bytes(), 2),
            None => xxh3_64_with_seed(&number.to_le_bytes(), 3),
        },
        GroupValue::Time(time) => xxh3_64_with_seed(&time.micros().to_le_bytes(), 4),
        GroupValue::Missing => 0,
    }
}

/// The [`value_hash`] of a text.
pub fn text_hash(text: &str) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), 0)
}

/// Calls `each` with the keys of a value: one, or for a list those of its elements, at most [`GROUP_ELEMENTS_MAX`]
/// and none twice.
///
/// `is_list` is that of [`crate::FieldTest`]: the field's text is a list with commas.
pub fn group_values(value: &Value<'_>, is_list: bool, mut each: impl FnMut(GroupValue)) {
    let list: Vec<GroupValue> = match value {
        Value::Text(text) if is_list => {
            list_elements(text).take(GROUP_ELEMENTS_MAX).map(GroupValue::text).collect()
        }
        Value::Json(text) => elements(text).take(GROUP_ELEMENTS_MAX).map(element_value).collect(),
        _ => return each(GroupValue::from(value)),
    };
    for (index, element) in list.iter().enumerate() {
        if !list[..index].contains(element) {
            each(element.clone());
        }
    }
}

fn element_value(element: Element<'_>) -> GroupValue {
    match element {
        Element::Text(text) => GroupValue::text(&text),
        Element::Number(Number::Integer(number)) => GroupValue::Integer(number),
        Element::Number(Number::Float(number)) => GroupValue::number(number),
    }
}

fn is_list(field: &str) -> bool {
    known_field(field).is_some_and(|known| known.kind == FieldKind::List)
}

/// The keys of a record for one of `group_by`; at least one.
fn record_keys(record: &impl Fields, group: &GroupBy) -> Vec<GroupValue> {
    let mut keys = Vec::new();
    match group {
        GroupBy::Time { interval_us } => {
            if let Some(Value::Time(time)) = record.field(TIME_FIELD) {
                keys.push(GroupValue::span(time, *interval_us));
            }
        }
        GroupBy::Field(field) => {
            if let Some(value) = record.field(field) {
                group_values(&value, is_list(field), |key| keys.push(key));
            }
        }
    }
    if keys.is_empty() {
        keys.push(GroupValue::Missing);
    }
    keys
}

/// Each way to take one of each.
fn combinations(keys: &[Vec<GroupValue>]) -> Vec<Vec<GroupValue>> {
    keys.iter().fold(vec![Vec::new()], |begun, next| {
        let continued = begun.iter().flat_map(|begun| {
            next.iter().map(move |key| begun.iter().chain([key]).cloned().collect::<Vec<_>>())
        });
        continued.collect()
    })
}
