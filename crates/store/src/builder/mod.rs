//! Records to columns: the one place where every stored record passes.
//!
//! Column by column in plain vectors instead of arrow's builders: a field that no record has costs nothing (its
//! column begins with its first value and is filled up to there), and a keyword is hashed once per distinct value
//! rather than once per record. What it may cost is bounded by [`RowsBuilder::is_full`], which whoever pushes must
//! look at.

mod column;
mod keyword;
mod map;
mod number;
mod others;
mod presence;
mod request;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use weir_record::{Record, RecordContext, RecordFields, Timestamp, Value};

use crate::error::StoreError;
use crate::rows::{Rows, take_rows};
use crate::schema::{
    COLUMNS, JSON_MAP, LINE, ORIGIN, RAW, SEQUENCE, TEXT_MAP, TIME, TIME_FIELD, TIME_ZONE, null_column,
    schema,
};
use column::ColumnBuilder;
use others::{Maps, OtherFields};

/// Records of a full batch: those of a row group.
pub const BATCH_ROWS_MAX: usize = 131_072;

/// Memory at which a batch counts as full, in bytes. Half a thousand bytes per record of a full one; far below
/// the 2 GiB that a column of text can hold.
pub const BATCH_BYTES_MAX: usize = 64 << 20;

/// What a record takes beside its texts, in bytes: a dozen numbers and ends of texts.
const ROW_BYTES: usize = 96;

/// Gives arrival numbers: ascending, each once for the life of the data folder.
#[derive(Debug, Default)]
pub struct SequenceNumbers(AtomicI64);

impl SequenceNumbers {
    /// Numbers from `next` on.
    pub const fn starting_at(next: i64) -> Self {
        Self(AtomicI64::new(next))
    }

    /// The first of `count` numbers that nobody else gets.
    pub fn take(&self, count: usize) -> i64 {
        self.0.fetch_add(i64::try_from(count).unwrap_or(i64::MAX), Ordering::Relaxed)
    }

    /// The number that comes next.
    pub fn next(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Makes [`Rows`] of records.
pub struct RowsBuilder {
    times_us: Vec<i64>,
    columns: Vec<ColumnBuilder>,
    maps: Maps,
    text_bytes: usize,
    /// Room for the fields of one record.
    others: OtherFields<'static>,
}

impl Default for RowsBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl RowsBuilder {
    /// One without records.
    pub fn new() -> Self {
        Self {
            times_us: Vec::new(),
            columns: (0..COLUMNS).map(ColumnBuilder::new).collect(),
            maps: Maps::new(),
            text_bytes: 0,
            others: OtherFields::default(),
        }
    }

    /// Adds a record, which was read from the line of `context`, line `line_number` of `origin` (0: not known).
    /// Its line is kept as `raw`, where that is given.
    pub fn push(
        &mut self,
        record: Record<'_>,
        context: &RecordContext<'_>,
        origin: &str,
        line_number: u64,
        raw: Option<&[u8]>,
    ) {
        let row = self.len();
        self.times_us.push(record.time().micros());
        if is_replaced(record, context) {
            self.set_fields(row, &RecordFields::new(record, *context));
        } else {
            self.set_record(row, record, context);
        }
        self.columns[ORIGIN].set_text(row, origin.as_bytes());
        if let Ok(line_number @ 1..) = i64::try_from(line_number) {
            self.columns[LINE].set_integer(row, line_number);
        }
        if let Some(raw) = raw {
            self.columns[RAW].set_text(row, raw);
            self.text_bytes += raw.len();
        }
    }

    /// Sets what a record has, of which nothing was replaced by what was said beside its line.
    #[inline]
    fn set_record(&mut self, row: usize, record: Record<'_>, context: &RecordContext<'_>) {
        self.text_bytes += self.set_context(row, context);
        if let Some(request) = record.request() {
            self.text_bytes += self.set_request(row, request);
        }
        let mut others = std::mem::take(&mut self.others).emptied();
        let overlay = context.overlay;
        if overlay.is_empty() {
            record.other_fields(context.format, context.line, &mut |name, value| others.add(name, value));
        } else {
            record.other_fields(context.format, context.line, &mut |name, value| {
                if overlay.get(name).is_none() {
                    others.add(name, value);
                }
            });
            overlay.set_fields().for_each(|(name, value)| others.add(name, value.borrowed()));
        }
        self.text_bytes += others.text_bytes();
        others.place(row, &mut self.columns, &mut self.maps);
        self.others = others.emptied();
    }

    /// Sets the fields of a record of which some were replaced.
    fn set_fields(&mut self, row: usize, fields: &RecordFields<'_>) {
        let mut others = OtherFields::default();
        fields.for_each(&mut |name, value| {
            if name != TIME_FIELD {
                others.add(name, value.into_owned());
            }
        });
        self.text_bytes += others.text_bytes();
        others.place(row, &mut self.columns, &mut self.maps);
    }

    /// Adds a record of which only its fields are known, by any of their names.
    pub fn push_fields<'a>(
        &mut self,
        time: Timestamp,
        fields: impl IntoIterator<Item = (&'a str, Value<'a>)>,
    ) {
        let row = self.len();
        self.times_us.push(time.micros());
        let mut others = OtherFields::default();
        fields.into_iter().for_each(|(name, value)| others.add(name, value));
        self.text_bytes += others.text_bytes();
        others.place(row, &mut self.columns, &mut self.maps);
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.times_us.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.times_us.is_empty()
    }

    /// Memory that they take, about, in bytes.
    pub fn bytes(&self) -> usize {
        self.text_bytes + self.len() * ROW_BYTES
    }

    /// Whether [`finish`](Self::finish) is due: more records would make a batch too large. A text beyond 2 GiB in
    /// one column would be kept as an empty one.
    pub fn is_full(&self) -> bool {
        self.len() >= BATCH_ROWS_MAX || self.bytes() >= BATCH_BYTES_MAX
    }

    /// The records so far, sorted by time (those of one moment as they came) and numbered in that order; `None`
    /// where there are none. The builder starts anew.
    ///
    /// # Errors
    ///
    /// If the columns do not fit together, which would be a fault of this program.
    pub fn finish(&mut self, sequence: &SequenceNumbers) -> Result<Option<Rows>, StoreError> {
        let rows = self.len();
        if rows == 0 {
            return Ok(None);
        }
        self.text_bytes = 0;
        let times_us = std::mem::take(&mut self.times_us);
        let order = time_order(&times_us);
        let first = sequence.take(rows);
        let (maps, names) = self.maps.finish(rows)?;
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(COLUMNS);
        let [mut texts, mut json] = maps;
        let times = TimestampMicrosecondArray::from(times_us).with_timezone(TIME_ZONE);
        let mut times: Option<ArrayRef> = Some(Arc::new(times));
        for (index, column) in self.columns.iter_mut().enumerate() {
            let array = match index {
                TIME => times.take(),
                // Numbered once the order is known; until then any column without nulls.
                SEQUENCE => {
                    Some(Arc::new(Int64Array::from_iter_values(first..first + rows as i64)) as ArrayRef)
                }
                TEXT_MAP => texts.take(),
                JSON_MAP => json.take(),
                _ => column.finish(rows)?,
            };
            columns.push(array.unwrap_or_else(|| null_column(index, rows)));
        }
        let mut batch = RecordBatch::try_new(schema(), columns)?;
        if let Some(order) = order {
            let numbers = Arc::clone(batch.column(SEQUENCE));
            batch = take_rows(&batch, &order)?;
            batch = with_column(batch, SEQUENCE, numbers)?;
        }
        Ok(Rows::from_sorted(batch, Arc::new(names)))
    }
}

/// Whether what was said beside the line takes the place of something that the record itself says.
fn is_replaced(record: Record<'_>, context: &RecordContext<'_>) -> bool {
    if context.overlay.is_empty() {
        return false;
    }
    let fields = RecordFields::new(record, *context);
    context.overlay.names().any(|name| fields.has_own(name))
}

/// The order of times, equal ones as they are; `None` where it is the one they have.
fn time_order(times_us: &[i64]) -> Option<UInt32Array> {
    if times_us.is_sorted() {
        return None;
    }
    let mut order: Vec<u32> = (0..times_us.len() as u32).collect();
    // Stable, and quick where long runs are sorted already, as logs are.
    order.sort_by_key(|&row| times_us[row as usize]);
    Some(UInt32Array::from(order))
}

fn with_column(batch: RecordBatch, column: usize, array: ArrayRef) -> Result<RecordBatch, StoreError> {
    let (schema, mut columns, _) = batch.into_parts();
    columns[column] = array;
    Ok(RecordBatch::try_new(schema, columns)?)
}
