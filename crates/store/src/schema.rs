//! The one schema of every batch and every file.
//!
//! A column per known field and two maps for the rest, whatever a record holds: so files join by copying their
//! row groups, other tools read the folder without reconciling schemas, and a number in one record and text in
//! the next never need a migration. What it costs is a column of nothing for each field that a source never
//! has; in memory these share one block of zeros ([`null_column`]), in a file they take some bytes per row group.

use std::sync::{Arc, LazyLock};

use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int64Array, MapArray, RecordBatch, RecordBatchOptions,
    StringArray, StructArray, TimestampMicrosecondArray, new_null_array,
};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use weir_record::{FieldKind, KNOWN_FIELDS};

/// The zone of every time.
pub const TIME_ZONE: &str = "UTC";

/// The column of the event time: the first known field.
pub const TIME: usize = 0;

/// The name of the column of times.
pub const TIME_FIELD: &str = "@timestamp";

/// The column of the source's name: the second known field.
pub const SOURCE: usize = 1;

/// The column of the arrival number, unique for the life of the data folder.
pub const SEQUENCE: usize = KNOWN_FIELDS.len();

/// The column of the object or file that the record came from.
pub const ORIGIN: usize = SEQUENCE + 1;

/// The column of the line's number in it.
pub const LINE: usize = SEQUENCE + 2;

/// The column of the exact line, where it is kept.
pub const RAW: usize = SEQUENCE + 3;

/// The column of the text values of fields that have no column.
pub const TEXT_MAP: usize = SEQUENCE + 4;

/// The column of their other values, as JSON text.
pub const JSON_MAP: usize = SEQUENCE + 5;

/// How many columns there are.
pub const COLUMNS: usize = SEQUENCE + 6;

/// Rows of a null column that share the zeros; a longer column gets its own. As many as a row group has.
const SHARED_ROWS_MAX: usize = 1 << 17;

/// The widest value of a column that shares the zeros, in bytes.
const VALUE_BYTES_MAX: usize = 8;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    let mut fields: Vec<Field> = KNOWN_FIELDS
        .iter()
        .map(|field| Field::new(field.name, kind_type(field.kind), field.kind != FieldKind::Time))
        .collect();
    fields.extend([
        Field::new("_sequence", DataType::Int64, false),
        Field::new("_origin", keyword_type(), true),
        Field::new("_line", DataType::Int64, true),
        Field::new("_raw", DataType::Utf8, true),
        Field::new("_text", map_type(), true),
        Field::new("_json", map_type(), true),
    ]);
    Arc::new(Schema::new(fields))
});

static ZEROS: LazyLock<Buffer> =
    LazyLock::new(|| Buffer::from(vec![0u8; (SHARED_ROWS_MAX + 1) * VALUE_BYTES_MAX]));

/// The schema.
pub fn schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// The index of the column called `name`, a canonical name or one of ours such as `_origin`.
pub fn column_index(name: &str) -> Option<usize> {
    SCHEMA.index_of(name).ok()
}

/// What the known field of a column holds; `None` for our own columns.
pub fn column_kind(column: usize) -> Option<FieldKind> {
    KNOWN_FIELDS.get(column).map(|field| field.kind)
}

/// The entries of a map: `key` and `value`, both text.
pub fn map_fields() -> Fields {
    Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)])
}

/// The field of a map's entries.
pub fn map_entries_field() -> Arc<Field> {
    Arc::new(Field::new("key_value", DataType::Struct(map_fields()), false))
}

/// A column without any value; it takes no memory of its own.
pub fn null_column(column: usize, rows: usize) -> ArrayRef {
    let data_type = SCHEMA.field(column).data_type();
    if rows > SHARED_ROWS_MAX {
        return new_null_array(data_type, rows);
    }
    let nulls = Some(NullBuffer::new(BooleanBuffer::new(ZEROS.clone(), 0, rows)));
    let offsets = || OffsetBuffer::new(ScalarBuffer::<i32>::new(ZEROS.clone(), 0, rows + 1));
    match data_type {
        DataType::Int64 => Arc::new(Int64Array::new(ScalarBuffer::new(ZEROS.clone(), 0, rows), nulls)),
        DataType::Float64 => Arc::new(Float64Array::new(ScalarBuffer::new(ZEROS.clone(), 0, rows), nulls)),
        DataType::Timestamp(_, _) => {
            let values = ScalarBuffer::new(ZEROS.clone(), 0, rows);
            Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone(TIME_ZONE))
        }
        DataType::Utf8 => Arc::new(StringArray::new(offsets(), Buffer::default(), nulls)),
        DataType::Dictionary(_, _) => {
            let keys = arrow_array::Int32Array::new(ScalarBuffer::new(ZEROS.clone(), 0, rows), nulls);
            let values: ArrayRef = Arc::new(StringArray::from(Vec::<&str>::new()));
            Arc::new(DictionaryArray::new(keys, values))
        }
        DataType::Map(entries, _) => {
            let empty = StructArray::from(no_entries());
            Arc::new(MapArray::new(Arc::clone(entries), offsets(), empty, nulls, false))
        }
        _ => new_null_array(data_type, rows),
    }
}

/// A batch with every column of the schema, from one that may lack some; the missing ones hold nothing.
///
/// # Errors
///
/// If a column has another type than the schema's, or one that may not lack values is missing.
pub fn complete(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    if batch.schema_ref().fields() == SCHEMA.fields() {
        return Ok(batch.clone());
    }
    let columns = SCHEMA.fields().iter().enumerate().map(|(index, field)| {
        let column = batch.column_by_name(field.name());
        column.map_or_else(|| null_column(index, batch.num_rows()), Arc::clone)
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema(), columns.collect(), &options)
}

/// The batch without the columns that hold nothing: what is worth writing to the write-ahead segment.
///
/// # Errors
///
/// None that can occur with a batch of the schema.
pub fn without_null_columns(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let is_worth_it = |column: usize| batch.column(column).null_count() < batch.num_rows();
    let columns: Vec<usize> = (0..batch.num_columns()).filter(|&column| is_worth_it(column)).collect();
    batch.project(&columns)
}

fn no_entries() -> Vec<(Arc<Field>, ArrayRef)> {
    let empty = || -> ArrayRef { Arc::new(StringArray::from(Vec::<&str>::new())) };
    map_fields().iter().map(|field| (Arc::clone(field), empty())).collect()
}

fn kind_type(kind: FieldKind) -> DataType {
    match kind {
        FieldKind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(TIME_ZONE.into())),
        FieldKind::Keyword | FieldKind::List => keyword_type(),
        FieldKind::Text | FieldKind::Words => DataType::Utf8,
        FieldKind::Integer => DataType::Int64,
        FieldKind::Seconds => DataType::Float64,
    }
}

fn keyword_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn map_type() -> DataType {
    DataType::Map(map_entries_field(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_columns_have_the_type_and_length_of_the_schema() {
        for rows in [0, 1, 4096, SHARED_ROWS_MAX, SHARED_ROWS_MAX + 1] {
            for column in 1..COLUMNS {
                let array = null_column(column, rows);
                assert_eq!(array.data_type(), schema().field(column).data_type());
                assert_eq!((array.len(), array.null_count()), (rows, rows), "{column}");
            }
        }
    }

    #[test]
    fn our_columns_are_where_the_constants_say() {
        for (name, column) in [
            ("@timestamp", TIME),
            ("source", SOURCE),
            ("_sequence", SEQUENCE),
            ("_origin", ORIGIN),
            ("_line", LINE),
            ("_raw", RAW),
            ("_text", TEXT_MAP),
            ("_json", JSON_MAP),
        ] {
            assert_eq!(column_index(name), Some(column));
        }
        assert_eq!(schema().fields().len(), COLUMNS);
    }
}
