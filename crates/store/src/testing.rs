//! A store with a ledger of one variable, and records as tests write them.
//!
//! Only tests use it. The ledger here does what the real one does in its transaction and nothing else, so that a
//! test can stop at any step and open the folder again.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use tempfile::TempDir;
use weir_record::{Timestamp, Value};

use crate::builder::RowsBuilder;
use crate::day_files::DayFiles;
use crate::json_value::json_value;
use crate::rows::{Rows, sequences, times};
use crate::schema::{COLUMNS, JSON_MAP, SEQUENCE, TEXT_MAP, TIME, schema};
use crate::upkeep::read_all;
use crate::{Change, Kept, Options, PendingFile, Store, StoreState, StoredFile, View};

/// The fields of a record by name, each as [`shown`].
pub(crate) type Fields = BTreeMap<String, String>;

/// A record as it is read back: its time in microseconds, its arrival number, its fields.
pub(crate) type ReadBack = (i64, i64, Fields);

/// A folder, what a ledger would have of it, and how it is opened.
pub(crate) struct TestStore {
    _folder: TempDir,
    pub state: StoreState,
    pub files: Vec<StoredFile>,
    pub options: Options,
}

impl TestStore {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = Options::new(folder.path().join("store"), Timestamp::from_seconds(1_795_000_000));
        options.free_bytes_min = 0;
        Self { _folder: folder, state: StoreState::default(), files: Vec::new(), options }
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(self.options.clone(), self.state.clone(), self.files.clone()).unwrap()
    }

    /// Appends, writes the ledger, publishes.
    pub(crate) fn commit(&mut self, store: &Store, kept: Vec<Kept>) {
        let appended = store.append(&kept.iter().collect::<Vec<_>>()).unwrap();
        self.state = appended.state().clone();
        self.files.extend(appended.files().iter().cloned());
        store.publish(appended, kept);
    }

    /// Writes a change to the ledger and applies it.
    pub(crate) fn apply(&mut self, store: &Store, change: Change) {
        self.note(store, &change);
        store.apply(change);
    }

    /// Writes a change to the ledger.
    pub(crate) fn note(&mut self, store: &Store, change: &Change) {
        self.state = store.state_after(change).expect("the change fits");
        self.files.retain(|file| !change.removed.contains(&file.id));
        self.files.extend(change.added());
    }
}

/// Records with some of the fields that matter, each another, at `seconds` of 2026-11-20 and on.
pub(crate) fn rows_at(store: &Store, seconds: impl IntoIterator<Item = i64>) -> Rows {
    let mut builder = RowsBuilder::new();
    for second in seconds {
        let text = format!("text {second}");
        let fields = [
            ("source", Value::Text("web".into())),
            ("status", Value::Integer(200 + second % 7)),
            ("path", Value::Text(format!("/orders/{second}").into())),
            ("message", Value::Text(format!("payment {second} failed").into())),
            ("user", Value::Text(text.as_str().into())),
            ("retries", Value::Integer(second)),
        ];
        builder.push_fields(Timestamp::from_seconds(1_795_132_800 + second), fields);
    }
    builder.finish(&store.shared.sequence).unwrap().expect("some records")
}

/// The same in memory, to be committed.
pub(crate) fn kept_at(store: &Store, seconds: impl IntoIterator<Item = i64>) -> Kept {
    Kept { rows: vec![rows_at(store, seconds)], files: Vec::new() }
}

/// The same in files, to be committed.
pub(crate) fn kept_in_files(store: &Store, seconds: impl IntoIterator<Item = i64>) -> Kept {
    let mut files = DayFiles::new(&store.shared);
    files.write(&rows_at(store, seconds)).unwrap();
    Kept { rows: Vec::new(), files: files.finish().unwrap() }
}

/// Lets files lie where they are, as a crash does.
pub(crate) fn leave_behind(files: &[PendingFile]) {
    files.iter().for_each(PendingFile::leave_to_ledger);
}

/// Every record of a view, in the order of time and arrival.
pub(crate) fn records(view: &View) -> Vec<ReadBack> {
    let in_memory = view.segments.iter().flat_map(|segment| &segment.rows).map(|rows| rows.batch.clone());
    let in_files = view.files.iter().flat_map(|file| read_all(file).unwrap());
    let mut records: Vec<ReadBack> = in_memory.chain(in_files).flat_map(|batch| records_of(&batch)).collect();
    records.sort();
    records
}

/// Every record of a batch, in its order.
pub(crate) fn records_of(batch: &RecordBatch) -> Vec<ReadBack> {
    let (times, sequences) = (times(batch), sequences(batch));
    (0..batch.num_rows()).map(|row| (times[row], sequences[row], fields_of(batch, row))).collect()
}

fn fields_of(batch: &RecordBatch, row: usize) -> Fields {
    let mut fields = Fields::new();
    for column in (0..COLUMNS).filter(|&column| column != TIME && column != SEQUENCE) {
        let array = batch.column(column);
        if array.is_null(row) {
            continue;
        }
        if column == TEXT_MAP || column == JSON_MAP {
            let entries = array.as_map().value(row);
            let (names, values) =
                (entries.column(0).as_string::<i32>(), entries.column(1).as_string::<i32>());
            for (name, value) in names.iter().flatten().zip(values.iter().flatten()) {
                let value = if column == JSON_MAP { json_value(value) } else { Value::Text(value.into()) };
                let before = fields.insert(name.to_owned(), shown(&value));
                assert_eq!(before, None, "`{name}` is there twice");
            }
            continue;
        }
        let value = match array.data_type() {
            DataType::Int64 => Value::Integer(array.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => Value::Text(array.as_string::<i32>().value(row).into()),
            _ => {
                let keywords = array.as_dictionary::<Int32Type>();
                let key = keywords.keys().value(row) as usize;
                Value::Text(keywords.values().as_string::<i32>().value(key).into())
            }
        };
        let before = fields.insert(schema().field(column).name().clone(), shown(&value));
        assert_eq!(before, None, "column {column} and a map have the same field");
    }
    fields
}

/// A value with its type; numbers that are equal look alike.
pub(crate) fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("'{text}'"),
        Value::Json(text) => text.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => weir_query::number_needle(*number),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Time(time) => format!("'{time}'"),
    }
}
