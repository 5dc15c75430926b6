//! The fields of one record that its line alone names: gathered, then put where they belong.
//!
//! All of them must be there before the first is put anywhere, since of equal names the last one counts and of
//! several names for one known field ours counts. The rules are those of
//! [`RecordFields`](weir_record::RecordFields), so that a record is found in the store by what it is found by
//! on its way there.

use std::fmt::Write;
use std::ops::Range;
use std::sync::LazyLock;

use arrow_array::ArrayRef;
use hashbrown::HashTable;
use weir_query::number_needle;
use weir_record::{KNOWN_FIELDS, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::column::ColumnBuilder;
use super::map::MapColumn;
use crate::error::StoreError;
use crate::filter::HashSet64;
use crate::rows::FieldNames;
use crate::schema::TIME;

/// What a field of the line is called where ours has the same name.
const SHADOWED_PREFIX: &str = "field.";

/// Each name of a known field: its column, and its place among the names of that field, ours first.
static KNOWN_NAMES: LazyLock<HashTable<KnownName>> = LazyLock::new(|| {
    let hash = |known: &KnownName| xxh3_64(known.name.as_bytes());
    let mut names = HashTable::new();
    for (column, field) in KNOWN_FIELDS.iter().enumerate() {
        let of_field = [field.name].into_iter().chain(field.aliases.iter().copied());
        for (rank, name) in of_field.enumerate() {
            let known = KnownName { name, column, rank };
            names.insert_unique(hash(&known), known, hash);
        }
    }
    names
});

struct KnownName {
    name: &'static str,
    column: usize,
    rank: usize,
}

/// The fields of the record at hand.
#[derive(Default)]
pub(super) struct OtherFields<'a> {
    entries: Vec<Entry<'a>>,
    hashes: Vec<u64>,
    names: String,
}

struct Entry<'a> {
    name: Range<usize>,
    value: Value<'a>,
    /// Whether the same name came later.
    is_gone: bool,
}

/// The best of the names of one known field in the record at hand.
struct Candidate {
    column: usize,
    rank: usize,
    entry: usize,
}

/// The two maps and the names in them.
pub(super) struct Maps {
    texts: MapColumn,
    json: MapColumn,
    names: FieldNames,
    seen: HashSet64,
    number: String,
}

impl<'a> OtherFields<'a> {
    /// None yet, for another record; the room that the last one took is kept.
    pub(super) fn emptied<'b>(mut self) -> OtherFields<'b> {
        self.hashes.clear();
        self.names.clear();
        // Collecting what is no more gives the same room back.
        let entries = self.entries.into_iter().map_while(|_| None).collect();
        OtherFields { entries, hashes: self.hashes, names: self.names }
    }

    /// Adds a field in the order of the line.
    pub(super) fn add(&mut self, name: &str, value: Value<'a>) {
        let hash = xxh3_64(name.as_bytes());
        let same = self.hashes.iter().position(|&other| other == hash);
        // All entries of a name but the last are gone, so there is one at most that is not.
        for index in same.into_iter().flat_map(|first| first..self.hashes.len()) {
            self.entries[index].is_gone |= self.hashes[index] == hash;
        }
        let start = self.names.len();
        self.names.push_str(name);
        self.hashes.push(hash);
        self.entries.push(Entry { name: start..self.names.len(), value, is_gone: false });
    }

    /// Bytes of the names and texts.
    pub(super) fn text_bytes(&self) -> usize {
        let texts = self.entries.iter().map(|entry| match &entry.value {
            Value::Text(text) | Value::Json(text) => text.len(),
            _ => 0,
        });
        self.names.len() + texts.sum::<usize>()
    }

    /// Puts every field into its column, or into a map where it has none or the column can't hold it.
    pub(super) fn place(&self, row: usize, columns: &mut [ColumnBuilder], maps: &mut Maps) {
        let mut candidates: Vec<Candidate> = Vec::new();
        for (index, entry) in self.entries.iter().enumerate().filter(|(_, entry)| !entry.is_gone) {
            let name = &self.names[entry.name.clone()];
            match KNOWN_NAMES.find(self.hashes[index], |known| known.name == name) {
                None => maps.add(row, name, &entry.value),
                Some(&KnownName { column, rank, .. }) if column == TIME || columns[column].is_set(row) => {
                    if rank == 0 {
                        maps.add(row, &format!("{SHADOWED_PREFIX}{name}"), &entry.value);
                    } else {
                        maps.add(row, name, &entry.value);
                    }
                }
                Some(&KnownName { column, rank, .. }) => {
                    let candidate = Candidate { column, rank, entry: index };
                    if let Some(loser) = better_of(&mut candidates, candidate) {
                        let entry = &self.entries[loser];
                        maps.add(row, &self.names[entry.name.clone()], &entry.value);
                    }
                }
            }
        }
        for Candidate { column, entry, .. } in candidates {
            let value = &self.entries[entry].value;
            if !columns[column].try_set(row, value) {
                maps.add(row, KNOWN_FIELDS[column].name, value);
            }
        }
    }
}

/// Keeps the better name of a known field, and gives the entry of the other.
fn better_of(candidates: &mut Vec<Candidate>, candidate: Candidate) -> Option<usize> {
    let Some(rival) = candidates.iter_mut().find(|rival| rival.column == candidate.column) else {
        candidates.push(candidate);
        return None;
    };
    if candidate.rank >= rival.rank {
        return Some(candidate.entry);
    }
    Some(std::mem::replace(rival, candidate).entry)
}

impl Maps {
    pub(super) fn new() -> Self {
        Self {
            texts: MapColumn::new(),
            json: MapColumn::new(),
            names: FieldNames::default(),
            seen: HashSet64::new(),
            number: String::new(),
        }
    }

    /// Adds a field that has no column, or whose column can't hold it.
    pub(super) fn add(&mut self, row: usize, name: &str, value: &Value<'_>) {
        if !self.names.is_cut && self.seen.insert(xxh3_64(name.as_bytes())) {
            self.names.add(name);
        }
        self.number.clear();
        // Writing to a text never fails.
        let _ = match value {
            Value::Text(text) => return self.texts.add(row, name, text),
            Value::Json(text) => return self.json.add(row, name, text),
            Value::Integer(number) => write!(self.number, "{number}"),
            Value::Float(number) => write!(self.number, "{}", number_needle(*number)),
            Value::Boolean(boolean) => write!(self.number, "{boolean}"),
            Value::Time(time) => return self.texts.add(row, name, &time.to_string()),
        };
        self.json.add(row, name, &self.number);
    }

    /// The columns of texts and of other values, where there are any, and the names in them; starts anew.
    pub(super) fn finish(&mut self, rows: usize) -> Result<([Option<ArrayRef>; 2], FieldNames), StoreError> {
        self.seen.take();
        let names = std::mem::take(&mut self.names);
        Ok(([self.texts.finish(rows)?, self.json.finish(rows)?], names))
    }
}
