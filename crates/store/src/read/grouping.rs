//! Puts rows into groups and their values into the groups' figures, column by column.
//!
//! What a group is called and what a figure means are the query crate's; here is only the quick way there, from
//! codes of values to the slot of a group, so that a record costs a few look-ups of small numbers.

use arrow_array::{Array, RecordBatch};
use arrow_buffer::BooleanBuffer;
use weir_query::{Aggregation, GroupBy, GroupValue, Groups, Metric};
use weir_record::{FieldKind, known_field};

use super::column::{Column, FieldColumns};
use super::dimension::{BEYOND, CODES_MAX, Dimension, MISSING};
use super::pair_table::PairTable;
use super::unit::WantedFields;

/// The groups of one thread.
pub(crate) struct Grouping {
    groups: Groups,
    dimensions: Vec<Dimension>,
    /// A number for each combination of codes: of the first two dimensions, then of that and the third.
    pairs: Vec<PairTable>,
    /// The slot of each combination of all codes, once it was asked for.
    slots: Vec<Option<usize>>,
    beyond_slot: Option<usize>,
    /// What the rows of the batch at hand belong to: a row, and the number of its combination so far.
    members: Vec<(usize, u32)>,
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
        Self { groups, dimensions, pairs, slots: Vec::new(), beyond_slot: None, members: Vec::new() }
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
        let rows: Vec<usize> = rows.set_indices().collect();
        if rows.is_empty() {
            return;
        }
        if self.dimensions.is_empty() {
            let slot = self.groups.slot(&[]);
            self.groups.add_count(slot, rows.len() as u64);
            let members: Vec<(usize, usize)> = rows.into_iter().map(|row| (row, slot)).collect();
            return self.add_metrics(batch, is_in_maps, &members);
        }
        for dimension in &mut self.dimensions {
            dimension.take(batch, is_in_maps, &rows);
        }
        self.combine(&rows);
        let members = self.members_by_slot();
        for &(_, slot) in &members {
            self.groups.add_count(slot, 1);
        }
        self.add_metrics(batch, is_in_maps, &members);
    }

    /// Finds the number of each row's combination of codes; several where a row is in several groups.
    fn combine(&mut self, rows: &[usize]) {
        let Some((first, others)) = self.dimensions.split_first() else {
            return;
        };
        self.members.clear();
        for &row in rows {
            self.members.extend(first.codes_of(row).iter().map(|&code| (row, code)));
        }
        for (dimension, pairs) in others.iter().zip(&mut self.pairs) {
            let mut combined = Vec::with_capacity(self.members.len());
            for &(row, number) in &self.members {
                for &code in dimension.codes_of(row) {
                    combined.push((row, combination(pairs, number, code)));
                }
            }
            self.members = combined;
        }
    }

    fn members_by_slot(&mut self) -> Vec<(usize, usize)> {
        let members = std::mem::take(&mut self.members);
        let by_slot = members.iter().map(|&(row, number)| (row, self.slot_of(number))).collect();
        self.members = members;
        by_slot
    }

    #[inline]
    fn slot_of(&mut self, number: u32) -> usize {
        match self.slots.get(number as usize) {
            Some(Some(slot)) => *slot,
            _ => self.new_slot(number),
        }
    }

    fn new_slot(&mut self, number: u32) -> usize {
        if number == BEYOND {
            if let Some(slot) = self.beyond_slot {
                return slot;
            }
            // There are more values than groups by now, so this is the slot of what has no group.
            let keys: Vec<GroupValue> =
                self.dimensions.iter().map(|dimension| dimension.value(BEYOND)).collect();
            return *self.beyond_slot.insert(self.groups.slot(&keys));
        }
        let mut codes = vec![MISSING; self.dimensions.len()];
        let mut left = number;
        for (index, pairs) in self.pairs.iter().enumerate().rev() {
            (left, codes[index + 1]) = pairs.pair(left);
        }
        codes[0] = left;
        let keys: Vec<GroupValue> =
            self.dimensions.iter().zip(codes).map(|(dimension, code)| dimension.value(code)).collect();
        let slot = self.groups.slot(&keys);
        if self.slots.len() <= number as usize {
            self.slots.resize(number as usize + 1, None);
        }
        self.slots[number as usize] = Some(slot);
        slot
    }

    fn add_metrics(
        &mut self,
        batch: &RecordBatch,
        is_in_maps: &dyn Fn(&str) -> bool,
        members: &[(usize, usize)],
    ) {
        let metrics = self.groups.aggregation().metrics.clone();
        for (metric, (_, what)) in metrics.iter().enumerate() {
            if let Some(name) = what.field()
                && self.groups.takes_values(metric)
            {
                let field = FieldColumns::of(batch, name, is_in_maps(name));
                self.add_values(metric, &field, members);
            }
        }
    }

    fn add_values(&mut self, metric: usize, field: &FieldColumns<'_>, members: &[(usize, usize)]) {
        let groups = &mut self.groups;
        let is_distinct = matches!(groups.aggregation().metrics[metric].1, Metric::Cardinality { .. });
        let is_list = known_field(field.name).is_some_and(|known| known.kind == FieldKind::List);
        match field.column {
            Column::Float(numbers) => {
                for &(row, slot) in members.iter().filter(|(row, _)| numbers.is_valid(*row)) {
                    groups.add(slot, metric, numbers.value(row));
                }
            }
            column if column.is_empty() => {}
            Column::Dictionary { keys, values, .. } if is_distinct && !is_list => {
                let hash = |value: Option<&str>| weir_query::text_hash(value.unwrap_or_default());
                let hashes: Vec<u64> = values.iter().map(hash).collect();
                for &(row, slot) in members.iter().filter(|(row, _)| keys.is_valid(*row)) {
                    groups.add_hash(slot, metric, hashes[keys.value(row) as usize]);
                }
            }
            Column::Text(texts) if is_distinct => {
                for &(row, slot) in members.iter().filter(|(row, _)| texts.is_valid(*row)) {
                    groups.add_hash(slot, metric, weir_query::text_hash(texts.value(row)));
                }
            }
            column => {
                for &(row, slot) in members {
                    if let Some(value) = column.value(row) {
                        groups.add_value(slot, metric, &value);
                    }
                }
            }
        }
        if field.is_in_maps() {
            for &(row, slot) in members {
                if field.column.value(row).is_none()
                    && let Some(value) = field.value_in_maps(row)
                {
                    groups.add_value(slot, metric, &value);
                }
            }
        }
    }
}

/// The number of a combination; beyond the bound of combinations there is one for all.
fn combination(pairs: &mut PairTable, first: u32, second: u32) -> u32 {
    if first == BEYOND || second == BEYOND {
        return BEYOND;
    }
    if pairs.len() >= CODES_MAX {
        return pairs.known(first, second).unwrap_or(BEYOND);
    }
    pairs.number(first, second)
}
