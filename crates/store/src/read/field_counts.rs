//! How often each value of a field occurs, in bounded memory.
//!
//! A field with few values is counted exactly. One with very many (request ids) has no frequent ones worth a
//! list, so the first thousands are counted, the rest are only estimated in number; the answer says so.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use weir_record::Value;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::hit::value_bytes;

/// Distinct values of one field that are counted one by one: enough for hosts, routes, users of a day.
pub(crate) const COUNTED_VALUES_MAX: usize = 10_000;

/// The longest text that is counted as a value, in bytes; a longer one is counted by its start. A list of values
/// is for reading.
const VALUE_BYTES_MAX: usize = 256;

/// Registers of the estimate: 2^12, for a standard error of 1.04 / 64, which is 1.6 %.
const REGISTER_BITS: u32 = 12;

/// The values of one field.
#[derive(Default)]
pub(crate) struct FieldCounts {
    /// Records that have the field.
    pub count: u64,
    values: HashMap<u64, (Value<'static>, u64), BuildHasherDefault<Identity>>,
    /// How long the longest run of zeros was, by the first bits of the hash; empty until it is needed.
    registers: Vec<u8>,
}

/// Keys that are hashes already.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl FieldCounts {
    /// Counts a value that `count` records have; gives the bytes that it takes now in addition.
    pub(crate) fn add(&mut self, value: &Value<'_>, count: u64) -> usize {
        self.count += count;
        self.add_hashed(hash_of(value), value, count)
    }

    fn add_hashed(&mut self, hash: u64, value: &Value<'_>, count: u64) -> usize {
        if let Some((_, known)) = self.values.get_mut(&hash) {
            *known += count;
            return 0;
        }
        if self.values.len() < COUNTED_VALUES_MAX {
            let value = shortened(value);
            let bytes = value_bytes(&value) + 2 * size_of::<(u64, (Value<'static>, u64))>();
            self.values.insert(hash, (value, count));
            return bytes;
        }
        let added = self.start_registers();
        self.note(hash);
        added
    }

    /// Adds what another thread counted; gives the bytes that it takes now in addition.
    pub(crate) fn merge(&mut self, other: Self) -> usize {
        self.count += other.count;
        let mut added = 0;
        if !other.registers.is_empty() {
            added += self.start_registers();
            for (own, others) in self.registers.iter_mut().zip(&other.registers) {
                *own = (*own).max(*others);
            }
        }
        for (hash, (value, count)) in other.values {
            added += self.add_hashed(hash, &value, count);
        }
        added
    }

    fn start_registers(&mut self) -> usize {
        if !self.registers.is_empty() {
            return 0;
        }
        self.registers = vec![0; 1 << REGISTER_BITS];
        let known: Vec<u64> = self.values.keys().copied().collect();
        known.into_iter().for_each(|hash| self.note(hash));
        self.registers.len()
    }

    fn note(&mut self, hash: u64) {
        let register = (hash >> (u64::BITS - REGISTER_BITS)) as usize;
        let zeros = (hash << REGISTER_BITS | 1 << (REGISTER_BITS - 1)).leading_zeros() as u8 + 1;
        self.registers[register] = self.registers[register].max(zeros);
    }

    /// Whether every value was counted.
    pub(crate) fn is_exact(&self) -> bool {
        self.registers.is_empty()
    }

    /// How many different values there are.
    pub(crate) fn distinct(&self) -> u64 {
        if self.is_exact() {
            return self.values.len() as u64;
        }
        // Flajolet, Fusy, Gandouet, Meunier: "HyperLogLog", 2007. With as many values as there must be by now,
        // the correction for small numbers is never due.
        let registers = self.registers.len() as f64;
        let sum: f64 = self.registers.iter().map(|&zeros| (-f64::from(zeros)).exp2()).sum();
        let estimate = 0.7213 / (1.0 + 1.079 / registers) * registers * registers / sum;
        (estimate.round() as u64).max(self.values.len() as u64)
    }

    /// The most frequent values, ties by value.
    pub(crate) fn into_top(self, top: usize) -> Vec<(Value<'static>, u64)> {
        let mut values: Vec<_> =
            self.values.into_values().map(|(value, count)| (count, text_of(&value), value)).collect();
        values.sort_unstable_by(|one, other| other.0.cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
        values.into_iter().take(top).map(|(count, _, value)| (value, count)).collect()
    }
}

/// A hash that tells values of different types apart.
fn hash_of(value: &Value<'_>) -> u64 {
    match value {
        Value::Text(text) => xxh3_64(text.as_bytes()),
        Value::Json(text) => xxh3_64_with_seed(text.as_bytes(), 1),
        Value::Integer(number) => xxh3_64_with_seed(&number.to_le_bytes(), 2),
        Value::Float(number) => xxh3_64_with_seed(&number.to_bits().to_le_bytes(), 3),
        Value::Boolean(boolean) => xxh3_64_with_seed(&[u8::from(*boolean)], 4),
        Value::Time(time) => xxh3_64_with_seed(&time.micros().to_le_bytes(), 5),
    }
}

fn shortened(value: &Value<'_>) -> Value<'static> {
    let cut = |text: &str| text[..text.floor_char_boundary(VALUE_BYTES_MAX)].to_owned().into();
    match value {
        Value::Text(text) if text.len() > VALUE_BYTES_MAX => Value::Text(cut(text)),
        Value::Json(text) if text.len() > VALUE_BYTES_MAX => Value::Json(cut(text)),
        short => short.clone().into_owned(),
    }
}

fn text_of(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) | Value::Json(text) => text.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Time(time) => time.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(numbers: std::ops::Range<i64>) -> FieldCounts {
        let mut counts = FieldCounts::default();
        for number in numbers {
            counts.add(&Value::Integer(number), 1);
        }
        counts
    }

    #[test]
    fn few_values_are_counted_exactly_by_any_number_of_threads() {
        let mut counts = FieldCounts::default();
        for (value, count) in [("a", 2), ("b", 3), ("a", 1), ("c", 1)] {
            counts.add(&Value::Text(value.into()), count);
        }
        let mut more = FieldCounts::default();
        more.add(&Value::Text("c".into()), 5);
        counts.merge(more);
        assert_eq!((counts.count, counts.distinct(), counts.is_exact()), (12, 3, true));
        let top = [(Value::Text("c".into()), 6), (Value::Text("a".into()), 3)];
        assert_eq!(counts.into_top(2), top);
    }

    #[test]
    fn the_number_of_very_many_values_is_estimated() {
        for end in [20_000, 200_000] {
            let (mut one, other) = (counted(0..end * 3 / 4), counted(end / 4..end));
            one.merge(other);
            let error = one.distinct() as f64 / end as f64 - 1.0;
            assert!(!one.is_exact() && error.abs() < 0.05, "{end}: {error}");
        }
    }

    #[test]
    fn values_of_different_types_are_different() {
        let mut counts = FieldCounts::default();
        for value in [Value::Text("1".into()), Value::Integer(1), Value::Float(1.0), Value::Json("1".into())]
        {
            counts.add(&value, 1);
        }
        assert_eq!(counts.distinct(), 4);
    }
}
