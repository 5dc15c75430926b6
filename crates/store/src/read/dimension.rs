//! One thing that records are grouped by, as a small number per record.
//!
//! A group's key is text more often than not, and hashing text once per record and field would be most of an
//! aggregation. So each distinct value gets a code once, per entry of a dictionary, per whole number, per span
//! of time, and groups are found by codes.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::ops::Range;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::NullBuffer;
use weir_query::{GROUP_KEY_BYTES_MAX, GROUPS_MAX, GroupBy, GroupValue};
use weir_record::{FieldKind, Timestamp, Value, known_field};
use xxhash_rust::xxh3::xxh3_64;

use super::column::{Column, FieldColumns};
use super::evaluate::is_same_array;
use super::field_counts::Identity;

/// The code of records that lack the field.
pub(crate) const MISSING: u32 = 0;

/// The code of values that have no room: by then there are more groups than an answer keeps, since each value
/// is a group at least, and these are in none.
pub(crate) const BEYOND: u32 = u32::MAX;

/// Stands for the codes of a list's elements, which are apart.
const SEVERAL: u32 = u32::MAX - 1;

/// Not asked for yet.
const UNKNOWN: u32 = u32::MAX - 2;

/// The most values that have a code: more than an answer has groups.
pub(crate) const CODES_MAX: usize = 2 * GROUPS_MAX;

/// Small whole numbers whose code is found without a look into a table, from 0.
const SMALL_INTEGERS: usize = 1024;

/// One thing that records are grouped by, and its values so far.
pub(crate) struct Dimension {
    kind: Kind,
    values: Vec<GroupValue>,
    text_bytes: usize,
    codes: HashMap<GroupValue, u32>,
    /// Codes of texts by their hash, to be compared before they are believed.
    texts: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    integers: Vec<u32>,
    dictionary: Option<ArrayRef>,
    dictionary_codes: Vec<u32>,
    span: Option<(Range<i64>, u32)>,
    /// The code of each row that was taken last, in the order of those rows.
    row_codes: Vec<u32>,
    /// The codes of those of them that have several, by their place in that order.
    several: HashMap<usize, Vec<u32>>,
}

enum Kind {
    Field { name: String, is_list: bool },
    Time { interval_us: i64 },
}

impl Dimension {
    pub(crate) fn new(group_by: &GroupBy) -> Self {
        let kind = match group_by {
            GroupBy::Time { interval_us } => Kind::Time { interval_us: *interval_us },
            GroupBy::Field(name) => {
                let is_list = known_field(name).is_some_and(|field| field.kind == FieldKind::List);
                Kind::Field { name: name.clone(), is_list }
            }
        };
        Self {
            kind,
            values: vec![GroupValue::Missing],
            text_bytes: 0,
            codes: HashMap::new(),
            texts: HashMap::default(),
            integers: vec![UNKNOWN; SMALL_INTEGERS],
            dictionary: None,
            dictionary_codes: Vec::new(),
            span: None,
            row_codes: Vec::new(),
            several: HashMap::new(),
        }
    }

    /// The value of a code.
    pub(crate) fn value(&self, code: u32) -> GroupValue {
        self.values.get(code as usize).cloned().unwrap_or_else(|| GroupValue::text("(more)"))
    }

    /// The code of each row that was [taken](Self::take) last, in their order; where [rows have
    /// several](Self::has_several), [`Self::codes_at`] tells them.
    pub(crate) fn row_codes(&self) -> &[u32] {
        &self.row_codes
    }

    /// Whether a row that was taken last has several codes.
    pub(crate) fn has_several(&self) -> bool {
        !self.several.is_empty()
    }

    /// The codes of the row at that place among those that were taken last.
    pub(crate) fn codes_at(&self, place: usize) -> &[u32] {
        match &self.row_codes[place] {
            &SEVERAL => self.several.get(&place).map_or(&[], Vec::as_slice),
            code => std::slice::from_ref(code),
        }
    }

    /// Gives codes to those rows of a batch.
    pub(crate) fn take(&mut self, batch: &RecordBatch, is_in_maps: &dyn Fn(&str) -> bool, rows: &[u32]) {
        self.several.clear();
        let mut codes = std::mem::take(&mut self.row_codes);
        codes.clear();
        codes.resize(rows.len(), MISSING);
        match &self.kind {
            Kind::Time { interval_us } => {
                let interval_us = *interval_us;
                self.take_times(Column::of(batch, "@timestamp"), interval_us, rows, &mut codes);
            }
            Kind::Field { name, is_list } => {
                let (name, is_list) = (name.clone(), *is_list);
                let field = FieldColumns::of(batch, &name, is_in_maps(&name));
                self.take_field(&field, is_list, rows, &mut codes);
            }
        }
        self.row_codes = codes;
    }

    fn take_times(&mut self, column: Column<'_>, interval_us: i64, rows: &[u32], codes: &mut [u32]) {
        let Column::Time(times) = column else {
            return;
        };
        // Records are sorted by time, so that the span changes rarely; nothing here relies on it.
        let (mut span, mut known) = self.span.take().unwrap_or((0..0, MISSING));
        each_valid(None, rows, |place, row| {
            let time = times.value(row);
            if !span.contains(&time) {
                (span, known) = self.code_of_span(time, interval_us);
            }
            codes[place] = known;
        });
        self.span = Some((span, known));
    }

    fn code_of_span(&mut self, time: i64, interval_us: i64) -> (Range<i64>, u32) {
        let start = GroupValue::span(Timestamp::from_micros(time), interval_us);
        let span = match &start {
            GroupValue::Time(start) => start.micros()..start.micros().saturating_add(interval_us),
            _ => time..time,
        };
        (span, self.code_of(start))
    }

    fn take_field(&mut self, field: &FieldColumns<'_>, is_list: bool, rows: &[u32], codes: &mut [u32]) {
        match field.column {
            Column::Dictionary { keys, values, identity } if !is_list => {
                self.forget_dictionary(identity);
                each_valid(keys.nulls(), rows, |place, row| {
                    let key = keys.value(row) as usize;
                    if self.dictionary_codes[key] == UNKNOWN {
                        self.dictionary_codes[key] = self.code_of_text(values.value(key));
                    }
                    codes[place] = self.dictionary_codes[key];
                });
            }
            Column::Integer(numbers) => each_valid(numbers.nulls(), rows, |place, row| {
                codes[place] = self.code_of_integer(numbers.value(row));
            }),
            column if column.is_empty() => {}
            column => each_valid(None, rows, |place, row| {
                if let Some(value) = column.value(row) {
                    codes[place] = self.code_of_value(place, &value, is_list);
                }
            }),
        }
        if field.is_in_maps() {
            each_valid(None, rows, |place, row| {
                if codes[place] == MISSING
                    && let Some(value) = field.value_in_maps(row)
                {
                    codes[place] = self.code_of_value(place, &value, is_list);
                }
            });
        }
    }

    fn forget_dictionary(&mut self, values: &ArrayRef) {
        if !self.dictionary.as_ref().is_some_and(|known| is_same_array(known, values)) {
            self.dictionary_codes.clear();
            self.dictionary_codes.resize(values.len(), UNKNOWN);
            self.dictionary = Some(Arc::clone(values));
        }
    }

    /// The code of any value; `place` is that of its row, under which several codes are noted.
    fn code_of_value(&mut self, place: usize, value: &Value<'_>, is_list: bool) -> u32 {
        match value {
            Value::Text(text) if !is_list => self.code_of_text(text),
            Value::Integer(number) => self.code_of_integer(*number),
            Value::Text(_) | Value::Json(_) => {
                let mut codes = Vec::new();
                weir_query::group_values(value, is_list, |element| codes.push(self.code_of(element)));
                match codes.as_slice() {
                    [] => MISSING,
                    [only] => *only,
                    _ => {
                        self.several.insert(place, codes);
                        SEVERAL
                    }
                }
            }
            other => self.code_of(GroupValue::from(other)),
        }
    }

    #[inline]
    fn code_of_integer(&mut self, number: i64) -> u32 {
        match usize::try_from(number).ok().and_then(|index| self.integers.get(index)) {
            Some(&code) if code != UNKNOWN => code,
            _ => self.new_code_of_integer(number),
        }
    }

    fn new_code_of_integer(&mut self, number: i64) -> u32 {
        let code = self.code_of(GroupValue::Integer(number));
        if let Some(known) = usize::try_from(number).ok().and_then(|index| self.integers.get_mut(index)) {
            *known = code;
        }
        code
    }

    fn code_of_text(&mut self, text: &str) -> u32 {
        let hash = xxh3_64(text.as_bytes());
        if let Some(&code) = self.texts.get(&hash)
            && matches!(&self.values[code as usize], GroupValue::Text(known) if **known == *text)
        {
            return code;
        }
        let code = self.code_of(GroupValue::text(text));
        if code != BEYOND {
            self.texts.insert(hash, code);
        }
        code
    }

    fn code_of(&mut self, value: GroupValue) -> u32 {
        if let Some(&code) = self.codes.get(&value) {
            return code;
        }
        if self.values.len() >= CODES_MAX || self.text_bytes > GROUP_KEY_BYTES_MAX {
            return BEYOND;
        }
        if let GroupValue::Text(text) = &value {
            self.text_bytes += text.len();
        }
        let code = self.values.len() as u32;
        self.codes.insert(value.clone(), code);
        self.values.push(value);
        code
    }
}

/// Calls `each` with the place among `rows`, and the number, of every row that has a value.
///
/// Most columns have one in every row, so whether a row has is asked only where some have none.
#[inline]
pub(crate) fn each_valid(nulls: Option<&NullBuffer>, rows: &[u32], mut each: impl FnMut(usize, usize)) {
    let nulls = nulls.filter(|nulls| nulls.null_count() > 0);
    // One call of `each`, so that it becomes a part of the loop.
    for (place, row) in rows.iter().map(|&row| row as usize).enumerate() {
        if nulls.is_none_or(|nulls| nulls.is_valid(row)) {
            each(place, row);
        }
    }
}
