//! Some records as columns: what the write-ahead segment, memory, files and queries all work on.
//!
//! Sorted by time when they are made, because everything that follows wants that order: files, their page
//! index, and queries that stop at the newest hundred.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::take;

use crate::error::StoreError;
use crate::schema::{JSON_MAP, SEQUENCE, TEXT_MAP, TIME, null_column, schema};

/// The most names of fields without a column that are known of rows or a file, a number: enough for the fields
/// of dozens of applications; beyond it any name may be there.
pub const NAMES_MAX: usize = 1_000;

/// Which fields are in the maps of rows or of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FieldNames {
    /// The names, [`NAMES_MAX`] at most.
    pub names: BTreeSet<Box<str>>,
    /// Whether there were more, so that any name may be there.
    pub is_cut: bool,
}

impl FieldNames {
    /// Whether the maps may hold a field of this name.
    pub fn may_have(&self, name: &str) -> bool {
        self.is_cut || self.names.contains(name)
    }

    /// Adds a name, or notes that it had no room.
    pub fn add(&mut self, name: &str) {
        if self.names.contains(name) {
            return;
        }
        if self.names.len() < NAMES_MAX {
            self.names.insert(name.into());
        } else {
            self.is_cut = true;
        }
    }

    /// Adds all names of another.
    pub fn merge(&mut self, other: &Self) {
        self.is_cut |= other.is_cut;
        for name in &other.names {
            self.add(name);
        }
    }
}

/// Records as columns of the schema, sorted by time and arrival number.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The columns, all of [`schema`], in its order.
    pub batch: RecordBatch,
    /// The earliest event time, in microseconds since the epoch.
    pub min_time_us: i64,
    /// The latest event time, in microseconds since the epoch.
    pub max_time_us: i64,
    /// The greatest arrival number.
    pub max_sequence: i64,
    /// The fields that are in the maps.
    pub names: Arc<FieldNames>,
    /// Memory that the columns take, in bytes.
    pub bytes: usize,
}

impl Rows {
    /// Rows from a batch of the schema that is sorted by time and arrival number; `None` for an empty one.
    pub fn from_sorted(batch: RecordBatch, names: Arc<FieldNames>) -> Option<Self> {
        let times = times(&batch);
        let (&min_time_us, &max_time_us) = (times.first()?, times.last()?);
        let max_sequence = sequences(&batch).iter().copied().max()?;
        let bytes = memory_bytes(&batch);
        Some(Self { batch, min_time_us, max_time_us, max_sequence, names, bytes })
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// Whether there are none, which does not occur.
    pub fn is_empty(&self) -> bool {
        self.batch.num_rows() == 0
    }

    /// Their event times, ascending.
    pub fn times_us(&self) -> &[i64] {
        times(&self.batch)
    }

    /// Their arrival numbers.
    pub fn sequences(&self) -> &[i64] {
        sequences(&self.batch)
    }

    /// All of these rows as one, sorted again; `None` where there are none.
    ///
    /// # Errors
    ///
    /// If the texts of a column have more than 2 GiB together.
    pub fn join(parts: &[&Self]) -> Result<Option<Self>, StoreError> {
        let mut names = FieldNames::default();
        parts.iter().for_each(|part| names.merge(&part.names));
        let batch = concat_sorted(&parts.iter().map(|part| &part.batch).collect::<Vec<_>>())?;
        Ok(Self::from_sorted(batch, Arc::new(names)))
    }
}

/// One batch of several, sorted by time and arrival number. Columns that none of them has stay free.
pub(crate) fn concat_sorted(batches: &[&RecordBatch]) -> Result<RecordBatch, StoreError> {
    let rows = batches.iter().map(|batch| batch.num_rows()).sum();
    let is_needed = |column: usize| batches.iter().any(|batch| is_in_use(batch, column));
    let needed: Vec<usize> = (0..schema().fields().len()).filter(|&column| is_needed(column)).collect();
    let projected: Vec<RecordBatch> =
        batches.iter().map(|batch| batch.project(&needed)).collect::<Result<_, _>>()?;
    let projected_schema = Arc::new(schema().project(&needed)?);
    let joined = concat_batches(&projected_schema, &projected)?;
    let mut columns: Vec<ArrayRef> =
        (0..schema().fields().len()).map(|column| null_column(column, rows)).collect();
    for (&column, array) in needed.iter().zip(joined.columns()) {
        columns[column] = Arc::clone(array);
    }
    sorted(RecordBatch::try_new(schema(), columns)?)
}

/// The batch in the order of time and arrival number; as it is where it is so already.
pub(crate) fn sorted(batch: RecordBatch) -> Result<RecordBatch, StoreError> {
    let (times, sequences) = (times(&batch), sequences(&batch));
    let key = |row: &u32| (times[*row as usize], sequences[*row as usize]);
    let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
    if order.is_sorted_by_key(key) {
        return Ok(batch);
    }
    order.sort_unstable_by_key(key);
    take_rows(&batch, &UInt32Array::from(order))
}

/// The rows of a batch in another order, or some of them.
pub(crate) fn take_rows(batch: &RecordBatch, order: &UInt32Array) -> Result<RecordBatch, StoreError> {
    let taken = |column: usize| {
        if is_in_use(batch, column) {
            return take(batch.column(column), order, None);
        }
        Ok(null_column(column, order.len()))
    };
    let columns: Vec<ArrayRef> = (0..batch.num_columns()).map(taken).collect::<Result<_, _>>()?;
    Ok(RecordBatch::try_new(batch.schema(), columns)?)
}

/// Whether a column has any value.
pub(crate) fn is_in_use(batch: &RecordBatch, column: usize) -> bool {
    let array = batch.column(column);
    array.null_count() < array.len()
}

/// The event times of a batch of the schema, in microseconds since the epoch.
pub(crate) fn times(batch: &RecordBatch) -> &[i64] {
    batch.column(TIME).as_primitive::<TimestampMicrosecondType>().values()
}

/// The arrival numbers of a batch of the schema.
pub(crate) fn sequences(batch: &RecordBatch) -> &[i64] {
    batch.column(SEQUENCE).as_primitive::<Int64Type>().values()
}

/// The fields that are in the maps of a batch.
pub(crate) fn names_in_maps(batch: &RecordBatch) -> FieldNames {
    let mut names = FieldNames::default();
    for column in [TEXT_MAP, JSON_MAP] {
        if is_in_use(batch, column) {
            let entries = batch.column(column).as_map();
            let (start, end) = (entries.value_offsets()[0], entries.value_offsets()[entries.len()]);
            let keys = entries.keys().as_string::<i32>();
            (start..end).for_each(|entry| names.add(keys.value(entry as usize)));
        }
    }
    names
}

/// Memory of the columns that hold something; those that hold nothing share theirs.
pub(crate) fn memory_bytes(batch: &RecordBatch) -> usize {
    let in_use = (0..batch.num_columns()).filter(|&column| is_in_use(batch, column));
    in_use.map(|column| batch.column(column).get_array_memory_size()).sum()
}
