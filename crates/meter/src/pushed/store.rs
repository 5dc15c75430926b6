//! All pushed series: what is durable, and what a scrape shows.
//!
//! Apart from the meter's tables, because these series have any labels and other people's names, and a
//! budget of their own: a runaway pusher must not take the room of what weir counts itself. A series
//! remembers which of its labels came from the URL as one bit for each, since they are a part of it: a
//! grouping of its own beside a million series would be a second copy of their labels.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::rows::split_key;
use super::value::is_same;
use super::{
    GaugeMode, PushedValue, RestoreError, Staged, StoredFamily, StoredSeries, label_text, labels_of,
};
use crate::{Family, Kind, LabelPairs, Series, Snapshot};

/// What the operator chooses about pushed series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PushedOptions {
    /// How gauges without `clearmode` are merged.
    pub gauges: GaugeMode,
    /// The budget: the most series of all pushes together. A push beyond it is refused whole.
    pub series_max: usize,
}

/// All series that were pushed.
#[derive(Debug)]
pub struct PushedSeries {
    pub(super) options: PushedOptions,
    pub(super) families: HashMap<Arc<str>, FamilyTable, RandomState>,
    pub(super) series_count: usize,
    pub(super) hasher: RandomState,
}

/// A family's series by their label sets.
#[derive(Debug)]
pub(super) struct FamilyTable {
    pub kind: Kind,
    pub help: Arc<str>,
    pub series: HashTable<PushedRow>,
}

/// A series.
#[derive(Clone, Debug)]
pub(super) struct PushedRow {
    pub hash: u64,
    pub key: Arc<[u8]>,
    pub stored: StoredSeries,
}

impl FamilyTable {
    pub(super) fn new(kind: Kind, help: Arc<str>) -> Self {
        Self { kind, help, series: HashTable::new() }
    }

    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<&PushedRow> {
        self.series.find(hash, |row| *row.key == *key)
    }

    /// Puts the row in the place of one with the same key.
    fn put(&mut self, row: PushedRow) {
        match self.series.find_mut(row.hash, |known| known.key == row.key) {
            Some(known) => *known = row,
            None => {
                self.series.insert_unique(row.hash, row, |row| row.hash);
            }
        }
    }

    fn remove(&mut self, hash: u64, key: &[u8]) {
        if let Ok(entry) = self.series.find_entry(hash, |row| *row.key == *key) {
            entry.remove();
        }
    }
}

impl PushedSeries {
    /// No series.
    pub fn new(options: PushedOptions) -> Self {
        Self { options, families: HashMap::default(), series_count: 0, hasher: RandomState::default() }
    }

    /// The series of the rows that were written durably. They may be more than the budget: what was
    /// accepted is kept, and new ones are refused.
    ///
    /// # Errors
    ///
    /// Rows that no version wrote.
    pub fn restore<K: AsRef<[u8]>>(
        options: PushedOptions,
        families: impl IntoIterator<Item = (String, StoredFamily)>,
        series: impl IntoIterator<Item = (K, StoredSeries)>,
    ) -> Result<Self, RestoreError> {
        let mut pushed = Self::new(options);
        let tables = families
            .into_iter()
            .map(|(name, family)| (Arc::from(name), FamilyTable::new(family.kind, family.help.into())));
        pushed.families = tables.collect();
        let mut bounds: Arc<[f64]> = Arc::default();
        for (key, mut stored) in series {
            let damaged = |name: &str| RestoreError::Damaged(name.to_owned());
            let (name, labels) = split_key(key.as_ref()).ok_or_else(|| damaged(""))?;
            let Some(table) = pushed.families.get_mut(name) else {
                return Err(RestoreError::NoFamily(format!("{name}{}", label_text(labels_of(labels)))));
            };
            if !stored.value.is_of(table.kind) {
                return Err(damaged(name));
            }
            share_bounds(&mut stored.value, &mut bounds);
            let hash = pushed.hasher.hash_one(labels);
            table.put(PushedRow { hash, key: labels.into(), stored });
        }
        pushed.series_count = pushed.families.values().map(|table| table.series.len()).sum();
        Ok(pushed)
    }

    /// An empty overlay for the pushes of one commit.
    pub fn staged(&self) -> Staged {
        Staged::new(self.hasher.clone())
    }

    /// The number of series; a histogram is one.
    pub fn series_count(&self) -> usize {
        self.series_count
    }

    /// The budget of series.
    pub fn series_max(&self) -> usize {
        self.options.series_max
    }

    /// Whether a family of this name was pushed.
    pub fn has_family(&self, name: &str) -> bool {
        self.families.contains_key(name)
    }

    /// Takes over what was staged, once it is durable. Between the staging and this nothing else may be
    /// applied.
    pub fn apply(&mut self, staged: Staged) {
        for family in staged.families {
            if !family.is_alive() {
                if let Some(gone) = self.families.remove(&family.name) {
                    self.series_count -= gone.series.len();
                }
                continue;
            }
            let table = self
                .families
                .entry(family.name)
                .or_insert_with(|| FamilyTable::new(family.kind, Arc::clone(&family.help)));
            table.kind = family.kind;
            table.help = family.help;
            let before = table.series.len();
            for staged in family.series {
                match staged.stored {
                    Some(stored) => table.put(PushedRow { hash: staged.hash, key: staged.key, stored }),
                    None => table.remove(staged.hash, &staged.key),
                }
            }
            self.series_count = self.series_count + table.series.len() - before;
        }
    }

    /// All families, sorted by name, their series by labels.
    pub fn families(&self) -> Vec<Family> {
        self.shown(&mut Texts::default())
    }

    fn shown<'s>(&'s self, texts: &mut Texts<'s>) -> Vec<Family> {
        let mut families: Vec<(&Arc<str>, &'s FamilyTable)> = self.families.iter().collect();
        families.sort_unstable_by_key(|(name, _)| *name);
        let mut family = |(name, table): (&Arc<str>, &'s FamilyTable)| {
            let mut rows: Vec<&'s PushedRow> = table.series.iter().collect();
            rows.sort_unstable_by(|one, other| one.key.cmp(&other.key));
            let series = rows.into_iter().map(|row| Series {
                labels: texts.labels(&row.key),
                value: row.stored.value.to_value(),
                created_ms: None,
            });
            let series = series.collect();
            Family { name: Arc::clone(name), help: Arc::clone(&table.help), kind: table.kind, series }
        };
        families.into_iter().map(&mut family).collect()
    }

    /// Adds all families to those of weir itself, and says how many series cannot be shown: weir has come
    /// to count the same label set, or the same family with another type, since they were pushed.
    pub fn add_to(&self, snapshot: &mut Snapshot) -> usize {
        let mut hidden = 0;
        for pushed in self.families() {
            match snapshot.families.binary_search_by(|family| family.name.cmp(&pushed.name)) {
                Err(at) => snapshot.families.insert(at, pushed),
                Ok(at) if snapshot.families[at].kind != pushed.kind => hidden += pushed.series.len(),
                Ok(at) => {
                    let own = &mut snapshot.families[at];
                    let known: HashSet<LabelPairs> = own.series.iter().map(sorted_labels).collect();
                    let before = own.series.len() + pushed.series.len();
                    let is_new = |series: &Series| !known.contains(&series.labels);
                    own.series.extend(pushed.series.into_iter().filter(is_new));
                    hidden += before - own.series.len();
                }
            }
        }
        hidden
    }
}

/// Weir's own labels stand in the order of their meaning, pushed ones in that of their names.
fn sorted_labels(series: &Series) -> LabelPairs {
    let mut labels = series.labels.to_vec();
    labels.sort_unstable();
    labels.into()
}

/// Makes equal lists of bounds one list: on disk each histogram has its own.
fn share_bounds(value: &mut PushedValue, last: &mut Arc<[f64]>) {
    if let PushedValue::Histogram(histogram) = value {
        if is_same(&histogram.bounds, last) {
            histogram.bounds = Arc::clone(last);
        } else {
            *last = Arc::clone(&histogram.bounds);
        }
    }
}

/// Label texts, each in memory once for a whole snapshot.
#[derive(Default)]
struct Texts<'s> {
    known: HashMap<&'s str, Arc<str>, RandomState>,
}

impl<'s> Texts<'s> {
    fn labels(&mut self, key: &'s [u8]) -> LabelPairs {
        labels_of(key).map(|(name, value)| (self.text(name), self.text(value))).collect()
    }

    fn text(&mut self, text: &'s str) -> Arc<str> {
        Arc::clone(self.known.entry(text).or_insert_with(|| text.into()))
    }
}
