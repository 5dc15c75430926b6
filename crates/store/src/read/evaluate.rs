//! Which rows of a batch a predicate matches.
//!
//! Column by column instead of record by record: a test on a column of few distinct values is made once per
//! value, and a part of an `AND` looks only at rows that are still in question, so that the order in which a
//! user writes a cheap and a dear term is all that he needs to know. What a test means is the query crate's
//! alone; this is the same test on the same values, and a property test holds it to that.

use std::borrow::Cow;
use std::ptr;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_buffer::{BooleanBuffer, BooleanBufferBuilder};
use weir_query::{FieldTest, Predicate};
use weir_record::{Timestamp, Value};

use super::column::{Column, FieldColumns};
use super::word_search::WordSearch;

/// Small whole numbers whose outcome is remembered, from 0: statuses, levels.
const REMEMBERED_INTEGERS: usize = 1024;

/// A predicate made ready for batch after batch of one thread.
pub(crate) struct Evaluator<'p> {
    root: Node<'p>,
}

enum Node<'p> {
    All,
    Nothing,
    And(Vec<Node<'p>>),
    Or(Vec<Node<'p>>),
    Not(Box<Node<'p>>),
    Test(Box<Leaf<'p>>),
}

struct Leaf<'p> {
    test: &'p FieldTest,
    /// A word that every text with a match has, where words are looked for.
    word: Option<WordSearch>,
    values: DictionaryMemory,
    integers: Vec<Outcome>,
}

/// What is known of a test on one value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Unknown,
    Matches,
    Differs,
}

/// The outcome of a test per distinct value, for as long as batches share their values.
#[derive(Default)]
struct DictionaryMemory {
    values: Option<ArrayRef>,
    outcomes: Vec<Outcome>,
}

impl<'p> Evaluator<'p> {
    pub(crate) fn new(predicate: &'p Predicate) -> Self {
        Self { root: Node::of(predicate) }
    }

    /// A bit per row of `batch`: whether the predicate matches it. `is_in_maps` says of a field's name whether
    /// the batch's maps may hold it.
    pub(crate) fn evaluate(
        &mut self,
        batch: &RecordBatch,
        is_in_maps: &dyn Fn(&str) -> bool,
    ) -> BooleanBuffer {
        let every_row = BooleanBuffer::new_set(batch.num_rows());
        self.root.evaluate(&Batch { batch, is_in_maps }, &every_row)
    }
}

struct Batch<'a> {
    batch: &'a RecordBatch,
    is_in_maps: &'a dyn Fn(&str) -> bool,
}

impl<'p> Node<'p> {
    fn of(predicate: &'p Predicate) -> Self {
        match predicate {
            Predicate::All => Self::All,
            Predicate::Nothing => Self::Nothing,
            Predicate::And(parts) => Self::And(parts.iter().map(Self::of).collect()),
            Predicate::Or(parts) => Self::Or(parts.iter().map(Self::of).collect()),
            Predicate::Not(part) => Self::Not(Box::new(Self::of(part))),
            Predicate::Field(test) => Self::Test(Box::new(Leaf {
                test,
                word: WordSearch::of(test),
                values: DictionaryMemory::default(),
                integers: vec![Outcome::Unknown; REMEMBERED_INTEGERS],
            })),
        }
    }

    /// Those of the `candidates` that match.
    fn evaluate(&mut self, batch: &Batch<'_>, candidates: &BooleanBuffer) -> BooleanBuffer {
        match self {
            Self::All => candidates.clone(),
            Self::Nothing => BooleanBuffer::new_unset(candidates.len()),
            Self::And(parts) => {
                let mut left = candidates.clone();
                for part in parts {
                    if !left.has_true() {
                        break;
                    }
                    left = part.evaluate(batch, &left);
                }
                left
            }
            Self::Or(parts) => {
                let mut open = candidates.clone();
                for part in parts {
                    if !open.has_true() {
                        break;
                    }
                    let matching = part.evaluate(batch, &open);
                    open = &open & &!&matching;
                }
                candidates & &!&open
            }
            Self::Not(part) => candidates & &!&part.evaluate(batch, candidates),
            Self::Test(leaf) => leaf.evaluate(batch, candidates),
        }
    }
}

impl Leaf<'_> {
    fn evaluate(&mut self, batch: &Batch<'_>, candidates: &BooleanBuffer) -> BooleanBuffer {
        let name = &*self.test.field;
        let field = FieldColumns::of(batch.batch, name, (batch.is_in_maps)(name));
        let in_column = match field.column {
            _ if field.column.is_empty() => BooleanBuffer::new_unset(candidates.len()),
            Column::Dictionary { keys, values, identity } => {
                self.test_dictionary(keys, values, identity, candidates)
            }
            Column::Integer(numbers) => self.test_integers(numbers, candidates),
            Column::Text(texts) => self.test_texts(texts, candidates),
            column => {
                let test = self.test;
                filled(candidates, |row| column.value(row).is_some_and(|value| test.matches(&value)))
            }
        };
        if !field.is_in_maps() {
            return in_column;
        }
        let open = candidates & &!&in_column;
        let in_maps =
            filled(&open, |row| field.value_in_maps(row).is_some_and(|value| self.test.matches(&value)));
        &in_column | &in_maps
    }

    fn test_dictionary(
        &mut self,
        keys: &Int32Array,
        values: &StringArray,
        identity: &ArrayRef,
        candidates: &BooleanBuffer,
    ) -> BooleanBuffer {
        let outcomes = self.values.outcomes_of(identity);
        let test = self.test;
        let key_of_row = keys.values();
        let mut matches_key = |key: usize| match outcomes[key] {
            Outcome::Matches => true,
            Outcome::Differs => false,
            Outcome::Unknown => {
                let is_match = test.matches(&Value::Text(Cow::Borrowed(values.value(key))));
                outcomes[key] = Outcome::of(is_match);
                is_match
            }
        };
        match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => filled(candidates, |row| matches_key(key_of_row[row] as usize)),
            Some(nulls) => {
                filled(candidates, |row| nulls.is_valid(row) && matches_key(key_of_row[row] as usize))
            }
        }
    }

    fn test_texts(&mut self, texts: &StringArray, candidates: &BooleanBuffer) -> BooleanBuffer {
        let test = self.test;
        let is_match = |row: usize| texts.is_valid(row) && test.matches_text(texts.value(row));
        let word = self.word.as_mut().filter(|_| !is_sparse(candidates));
        match word.and_then(|word| word.rows(texts)) {
            Some(rows) => filled(&(candidates & &rows), is_match),
            None => filled(candidates, is_match),
        }
    }

    fn test_integers(&mut self, numbers: &Int64Array, candidates: &BooleanBuffer) -> BooleanBuffer {
        let (test, outcomes) = (self.test, &mut self.integers);
        filled(candidates, |row| {
            if numbers.is_null(row) {
                return false;
            }
            let number = numbers.value(row);
            let known = usize::try_from(number).ok().and_then(|index| outcomes.get_mut(index));
            match known {
                Some(Outcome::Matches) => true,
                Some(Outcome::Differs) => false,
                Some(unknown) => {
                    let is_match = test.matches(&Value::Integer(number));
                    *unknown = Outcome::of(is_match);
                    is_match
                }
                None => test.matches(&Value::Integer(number)),
            }
        })
    }
}

impl Outcome {
    fn of(is_match: bool) -> Self {
        if is_match { Self::Matches } else { Self::Differs }
    }
}

impl DictionaryMemory {
    /// What is known of each value in `values`; all that is known is forgotten when they are others than before.
    fn outcomes_of(&mut self, values: &ArrayRef) -> &mut [Outcome] {
        let is_same = self.values.as_ref().is_some_and(|known| is_same_array(known, values));
        if !is_same {
            self.outcomes.clear();
            self.outcomes.resize(values.len(), Outcome::Unknown);
            self.values = Some(Arc::clone(values));
        }
        &mut self.outcomes
    }
}

/// Whether two arrays of text are one: the reader hands the same values out with each batch of a row group,
/// though each time in an array of its own. The older one must still be held, or its memory may be another's.
pub(crate) fn is_same_array(one: &ArrayRef, other: &ArrayRef) -> bool {
    match (one.as_string_opt::<i32>(), other.as_string_opt::<i32>()) {
        (Some(one), Some(other)) => {
            one.len() == other.len()
                && ptr::eq(one.value_offsets().as_ptr(), other.value_offsets().as_ptr())
                && ptr::eq(one.value_data().as_ptr(), other.value_data().as_ptr())
        }
        _ => false,
    }
}

/// Whether so few rows are in question that it pays to jump over those between.
fn is_sparse(candidates: &BooleanBuffer) -> bool {
    const ROWS_PER_CANDIDATE: usize = 8;
    candidates.count_set_bits() * ROWS_PER_CANDIDATE <= candidates.len()
}

/// Those of the `candidates` for which `is_match` holds.
pub(crate) fn filled(candidates: &BooleanBuffer, mut is_match: impl FnMut(usize) -> bool) -> BooleanBuffer {
    let len = candidates.len();
    if candidates.count_set_bits() == len {
        BooleanBuffer::collect_bool(len, is_match)
    } else if !is_sparse(candidates) {
        BooleanBuffer::collect_bool(len, |row| candidates.value(row) && is_match(row))
    } else {
        let mut bits = BooleanBufferBuilder::new(len);
        bits.append_n(len, false);
        for row in candidates.set_indices() {
            if is_match(row) {
                bits.set_bit(row, true);
            }
        }
        bits.build()
    }
}

/// Those of the `candidates` whose time lies in `from..to`.
pub(crate) fn in_span(
    batch: &RecordBatch,
    span: &std::ops::Range<Timestamp>,
    candidates: BooleanBuffer,
) -> BooleanBuffer {
    let Column::Time(times) = Column::of(batch, "@timestamp") else {
        return candidates;
    };
    let (from, to) = (span.start.micros(), span.end.micros());
    let micros = times.values();
    let is_inside = |time: i64| from <= time && time < to;
    if micros.first().is_some_and(|&time| is_inside(time)) && micros.iter().all(|&time| is_inside(time)) {
        return candidates;
    }
    filled(&candidates, |row| is_inside(micros[row]))
}
