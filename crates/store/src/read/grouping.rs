//! Puts rows into groups and their values into the groups' figures, column by column.
//!
//! What a group is called and what a figure means are the query crate's; here is only the quick way there, from
//! codes of values to the slot of a group, so that a record costs a few look-ups of small numbers.

use arrow_array::{Array, RecordBatch};
use arrow_buffer::BooleanBuffer;
use weir_query::{Aggregation, GroupBy, GroupValue, Groups, Metric};
use weir_record::{FieldKind, known_field};

use super::column::{Column, FieldColumns};
use super::dimension::{BEYOND, CODES_MAX, Dimension, MISSING, each_valid};
use super::pair_table::PairTable;
use super::unit::WantedFields;

/// The slot of a combination that was not asked for yet.
const NO_SLOT: u32 = u32::MAX;

/// The groups of one thread.
pub(crate) struct Grouping {
    groups: Groups,
    dimensions: Vec<Dimension>,
    /// A number for each combination of codes: of the first two dimensions, then of that and the third.
    pairs: Vec<PairTable>,
    /// The slot of each combination of all codes, once it was asked for.
    slots: Vec<u32>,
    beyond_slot: Option<u32>,
    /// Rows of the batch at hand; one that is in several groups as often.
    rows: Vec<u32>,
    /// What each of `rows` belongs to: the number of its combination, and then its slot.
    members: Vec<u32>,
}

/// The columns that an aggregation needs.
pub(crate) fn aggregation_fields(aggregation: &Aggregation) -> WantedFields {
    let groups = aggregation.group_by.iter().map(|group| match group {
        GroupBy::Field(field) => field.as_str(),
        GroupBy::Time { .. } => "@timestamp",
    });
    let metrics = aggregation.metrics.iter().filter_map(|(_, metric)| metric.field());
    WantedFields::of(groups.chain(metrics))
}

impl Grouping {
    pub(crate) fn new(aggregation: &Aggregation) -> Self {
        let dimensions: Vec<Dimension> = aggregation.group_by.iter().map(Dimension::new).collect();
        let pairs = (1..dimensions.len()).map(|_| PairTable::new()).collect();
        let groups = Groups::new(aggregation);
        Self {
            groups,
            dimensions,
            pairs,
            slots: Vec::new(),
            beyond_slot: None,
            rows: Vec::new(),
            members: Vec::new(),
        }
    }

    /// What was grouped.
    pub(crate) fn into_groups(self) -> Groups {
        self.groups
    }

    /// Memory that the groups take, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.groups.memory_bytes()
    }

    /// Adds those rows of a batch.
    pub(crate) fn take(
        &mut self,
        batch: &RecordBatch,
        is_in_maps: &dyn Fn(&str) -> bool,
        rows: &BooleanBuffer,
    ) {
        self.rows.clear();
        match rows.count_set_bits() {
            0 => return,
            all if all == rows.len() => self.rows.extend(0..all as u32),
            _ => self.rows.extend(rows.set_indices_u32()),
        }
        if self.dimensions.is_empty() {
            let slot = self.groups.slot(&[]);
            self.groups.add_count(slot, self.rows.len() as u64);
            self.members.clear();
            self.members.resize(self.rows.len(), slot as u32);
            return self.add_metrics(batch, is_in_maps);
        }
        for dimension in &mut self.dimensions {
            dimension.take(batch, is_in_maps, &self.rows);
        }
        if self.dimensions.iter().any(Dimension::has_several) {
            self.combine_lists();
        } else {
            self.combine();
        }
        self.count();
        self.add_metrics(batch, is_in_maps);
    }

    /// Finds the number of each row's combination of codes, where each row has one.
    fn combine(&mut self) {
        let Some((first, others)) = self.dimensions.split_first() else {
            return;
        };
        self.members.clear();
        self.members.extend_from_slice(first.row_codes());
        for (dimension, pairs) in others.iter().zip(&mut self.pairs) {
            for (number, &code) in self.members.iter_mut().zip(dimension.row_codes()) {
                *number = combination(pairs, *number, code);
            }
        }
    }

    /// The same where a row may be in several groups.
    fn combine_lists(&mut self) {
        let mut members: Vec<(usize, u32)> = (0..self.rows.len()).map(|place| (place, MISSING)).collect();
        for (index, dimension) in self.dimensions.iter().enumerate() {
            let mut combined = Vec::with_capacity(members.len());
            for &(place, number) in &members {
                for &code in dimension.codes_at(place) {
                    let pairs = index.checked_sub(1).and_then(|before| self.pairs.get_mut(before));
                    combined.push((place, pairs.map_or(code, |pairs| combination(pairs, number, code))));
                }
            }
            members = combined;
        }
        self.rows = members.iter().map(|&(place, _)| self.rows[place]).collect();
        self.members.clear();
        self.members.extend(members.iter().map(|&(_, number)| number));
    }

    /// Replaces the numbers of combinations by slots, and counts the records of each.
    fn count(&mut self) {
        let mut members = std::mem::take(&mut self.members);
        for member in &mut members {
            *member = self.slot_of(*member);
            self.groups.add_count(*member as usize, 1);
        }
        self.members = members;
    }

    #[inline]
    fn slot_of(&mut self, number: u32) -> u32 {
        match self.slots.get(number as usize) {
            Some(&slot) if slot != NO_SLOT => slot,
            _ => self.new_slot(number),
        }
    }

    fn new_slot(&mut self, number: u32) -> u32 {
        if number == BEYOND {
            if let Some(slot) = self.beyond_slot {
                return slot;
            }
            // There are more values than groups by now, so this is the slot of what has no group.
            let keys: Vec<GroupValue> =
                self.dimensions.iter().map(|dimension| dimension.value(BEYOND)).collect();
            return *self.beyond_slot.insert(self.groups.slot(&keys) as u32);
        }
        let mut codes = vec![MISSING; self.dimensions.len()];
        let mut left = number;
        for (index, pairs) in self.pairs.iter().enumerate().rev() {
            (left, codes[index + 1]) = pairs.pair(left);
        }
        codes[0] = left;
        let keys: Vec<GroupValue> =
            self.dimensions.iter().zip(codes).map(|(dimension, code)| dimension.value(code)).collect();
        // There are no more slots than groups.
        let slot = self.groups.slot(&keys) as u32;
        if self.slots.len() <= number as usize {
            self.slots.resize(number as usize + 1, NO_SLOT);
        }
        self.slots[number as usize] = slot;
        slot
    }

    fn add_metrics(&mut self, batch: &RecordBatch, is_in_maps: &dyn Fn(&str) -> bool) {
        for metric in 0..self.groups.aggregation().metrics.len() {
            let what = self.groups.aggregation().metrics[metric].1.clone();
            if let Some(name) = what.field()
                && self.groups.takes_values(metric)
            {
                let is_distinct = matches!(what, Metric::Cardinality { .. });
                self.add_values(metric, is_distinct, &FieldColumns::of(batch, name, is_in_maps(name)));
            }
        }
    }

    fn add_values(&mut self, metric: usize, is_distinct: bool, field: &FieldColumns<'_>) {
        let (groups, rows, slots) = (&mut self.groups, &self.rows, &self.members);
        let is_list = known_field(field.name).is_some_and(|known| known.kind == FieldKind::List);
        match field.column {
            Column::Float(numbers) => each_valid(numbers.nulls(), rows, |place, row| {
                groups.add(slots[place] as usize, metric, numbers.value(row));
            }),
            column if column.is_empty() => {}
            Column::Dictionary { keys, values, .. } if is_distinct && !is_list => {
                let hash = |value: Option<&str>| weir_query::text_hash(value.unwrap_or_default());
                let hashes: Vec<u64> = values.iter().map(hash).collect();
                each_valid(keys.nulls(), rows, |place, row| {
                    groups.add_hash(slots[place] as usize, metric, hashes[keys.value(row) as usize]);
                });
            }
            Column::Text(texts) if is_distinct => each_valid(texts.nulls(), rows, |place, row| {
                let hash = weir_query::text_hash(texts.value(row));
                groups.add_hash(slots[place] as usize, metric, hash);
            }),
            column => each_valid(None, rows, |place, row| {
                if let Some(value) = column.value(row) {
                    groups.add_value(slots[place] as usize, metric, &value);
                }
            }),
        }
        if field.is_in_maps() {
            each_valid(None, rows, |place, row| {
                if field.column.value(row).is_none()
                    && let Some(value) = field.value_in_maps(row)
                {
                    groups.add_value(slots[place] as usize, metric, &value);
                }
            });
        }
    }
}

/// The number of a combination; beyond the bound of combinations there is one for all.
#[inline]
fn combination(pairs: &mut PairTable, first: u32, second: u32) -> u32 {
    if first == BEYOND || second == BEYOND {
        return BEYOND;
    }
    if pairs.len() >= CODES_MAX {
        return pairs.known(first, second).unwrap_or(BEYOND);
    }
    pairs.number(first, second)
}
