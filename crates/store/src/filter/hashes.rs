//! What is hashed of a record, and how: the writer of a filter and a query must agree on every bit of it.
//!
//! The field's name is the seed of the value's hash, so that nothing is put together to be hashed. A field in
//! its column and the same field in a map have the same hashes: a query does not know where a value lies.

use std::borrow::Cow;
use std::ops::Range;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, Int32Array, MapArray, RecordBatch, StringArray};
use weir_query::{tokens, value_needles, value_tokens};
use weir_record::{FieldKind, Value, known_field};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::HashSet64;
use crate::json_value::json_value;
use crate::rows::is_in_use;
use crate::schema::{COLUMNS, JSON_MAP, ORIGIN, TEXT_MAP, column_kind, schema};

/// Keeps words apart from values of the same field.
const WORD_SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// The hash of a text value of a field: of a keyword, a text, an element of a list, or of a field in the maps,
/// where a number or a boolean is its JSON text.
pub fn value_hash(field: &str, value: &str) -> u64 {
    xxh3_64_with_seed(value.as_bytes(), value_seed(field))
}

/// The hash of a token (see [`weir_query::tokens`]) of a field that is made of words.
pub fn word_hash(field: &str, token: &str) -> u64 {
    xxh3_64_with_seed(token.as_bytes(), value_seed(field) ^ WORD_SEED)
}

fn value_seed(field: &str) -> u64 {
    xxh3_64(field.as_bytes())
}

/// The hashes of a batch, one granule after the other.
pub(crate) struct BatchHashes<'a> {
    columns: Vec<ColumnHashes<'a>>,
}

enum ColumnHashes<'a> {
    Keywords { keys: &'a Int32Array, hashes: Vec<u64> },
    Lists { keys: &'a Int32Array, hashes: Vec<Vec<u64>> },
    Texts { values: &'a StringArray, seed: u64 },
    Words { values: &'a StringArray, seed: u64 },
    Map { map: &'a MapArray, is_json: bool },
}

impl<'a> BatchHashes<'a> {
    /// Of a batch of the schema.
    pub(crate) fn new(batch: &'a RecordBatch) -> Self {
        let in_use = (0..COLUMNS).filter(|&column| is_in_use(batch, column));
        Self { columns: in_use.filter_map(|column| ColumnHashes::new(batch, column)).collect() }
    }

    /// Adds the hashes of some rows.
    pub(crate) fn collect(&self, rows: &Range<usize>, hashes: &mut HashSet64) {
        self.columns.iter().for_each(|column| column.collect(rows.clone(), hashes));
    }
}

impl<'a> ColumnHashes<'a> {
    fn new(batch: &'a RecordBatch, column: usize) -> Option<Self> {
        let array = batch.column(column);
        let schema = schema();
        let name = schema.field(column).name();
        let seed = value_seed(name);
        let kind = match column {
            TEXT_MAP | JSON_MAP => {
                return Some(Self::Map { map: array.as_map(), is_json: column == JSON_MAP });
            }
            ORIGIN => FieldKind::Keyword,
            _ => column_kind(column)?,
        };
        match kind {
            FieldKind::Keyword => {
                let (keys, values) = dictionary(batch, column);
                let hashes = values.iter().map(|value| hash_of(value.unwrap_or_default(), seed));
                Some(Self::Keywords { keys, hashes: hashes.collect() })
            }
            FieldKind::List => {
                let (keys, values) = dictionary(batch, column);
                let elements = |list: &str| {
                    let mut hashes = Vec::new();
                    let list = Value::Text(Cow::Borrowed(list));
                    value_needles(&list, true, |element| hashes.push(hash_of(element, seed)));
                    hashes
                };
                let hashes = values.iter().map(|value| elements(value.unwrap_or_default()));
                Some(Self::Lists { keys, hashes: hashes.collect() })
            }
            FieldKind::Text => Some(Self::Texts { values: array.as_string(), seed }),
            FieldKind::Words => Some(Self::Words { values: array.as_string(), seed: seed ^ WORD_SEED }),
            FieldKind::Time | FieldKind::Integer | FieldKind::Seconds => None,
        }
    }

    fn collect(&self, rows: Range<usize>, found: &mut HashSet64) {
        match self {
            Self::Keywords { keys, hashes } => {
                collect_keys(keys, rows, hashes.len(), |key| {
                    found.insert(hashes[key]);
                });
            }
            Self::Lists { keys, hashes } => {
                collect_keys(keys, rows, hashes.len(), |key| {
                    for &hash in &hashes[key] {
                        found.insert(hash);
                    }
                });
            }
            Self::Texts { values, seed } => {
                for row in rows.filter(|&row| values.is_valid(row)) {
                    found.insert(hash_of(values.value(row), *seed));
                }
            }
            Self::Words { values, seed } => {
                for row in rows.filter(|&row| values.is_valid(row)) {
                    tokens(values.value(row), |token| {
                        found.insert(hash_of(token, *seed));
                    });
                }
            }
            Self::Map { map, is_json } => collect_map(map, *is_json, &rows, found),
        }
    }
}

fn dictionary(batch: &RecordBatch, column: usize) -> (&Int32Array, &StringArray) {
    let array = batch.column(column).as_dictionary::<Int32Type>();
    (array.keys(), array.values().as_string())
}

/// Calls `each` once for each distinct key of some rows.
fn collect_keys(keys: &Int32Array, rows: Range<usize>, values: usize, mut each: impl FnMut(usize)) {
    let mut is_met = vec![false; values];
    for row in rows.filter(|&row| keys.is_valid(row)) {
        let key = keys.value(row) as usize;
        if !is_met[key] {
            is_met[key] = true;
            each(key);
        }
    }
}

/// The fields of a map, hashed as the query crate asks for them whatever their value is.
fn collect_map(map: &MapArray, is_json: bool, rows: &Range<usize>, found: &mut HashSet64) {
    let (names, values) = (map.keys().as_string::<i32>(), map.values().as_string::<i32>());
    let offsets = map.value_offsets();
    let entries = offsets[rows.start] as usize..offsets[rows.end] as usize;
    for entry in entries.filter(|&entry| values.is_valid(entry)) {
        let (name, text) = (names.value(entry), values.value(entry));
        let (seed, kind) = (value_seed(name), known_field(name).map(|field| field.kind));
        let value = if is_json { json_value(text) } else { Value::Text(Cow::Borrowed(text)) };
        value_needles(&value, kind == Some(FieldKind::List), |text| {
            found.insert(hash_of(text, seed));
        });
        if kind == Some(FieldKind::Words) {
            value_tokens(&value, |token| {
                found.insert(hash_of(token, seed ^ WORD_SEED));
            });
        }
    }
}

fn hash_of(text: &str, seed: u64) -> u64 {
    xxh3_64_with_seed(text.as_bytes(), seed)
}
