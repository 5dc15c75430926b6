//! What is asked of the store, and what it answers.
//!
//! The order of records is that of their time and then of their arrival, so that records of one moment have a
//! place of their own and a cursor names it: an answer that goes on where the last one ended shows each record
//! once, whatever has arrived meanwhile.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use weir_query::{Aggregation, Predicate};
use weir_record::{Timestamp, Value};

use super::failure::QueryFailure;

/// How much a query may gather unless the caller says otherwise, in bytes: a quarter of what the whole program
/// is meant to take, since few queries run at a time.
pub const MEMORY_BYTES_DEFAULT: usize = 256 << 20;

/// The most threads that one query scans with, whatever the machine has: beyond it the disk is what is waited for.
pub const THREADS_MAX: usize = 32;

/// What a query may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Threads that scan; 1 means the caller's alone.
    pub threads: usize,
    /// Bytes that it may gather: hits, groups, values of percentiles. What is decoded on the way is bounded by
    /// itself, to about one row group's columns per thread.
    pub memory_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads: threads.min(THREADS_MAX), memory_bytes_max: MEMORY_BYTES_DEFAULT }
    }
}

/// Asks for records.
#[derive(Clone, Debug)]
pub struct SearchRequest {
    /// Which.
    pub predicate: Predicate,
    /// Their earliest time.
    pub from: Timestamp,
    /// The time before which they must be.
    pub to: Timestamp,
    /// Oldest first, rather than newest first.
    pub is_oldest_first: bool,
    /// Only those that come after this place, in the order asked for.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: usize,
    /// Only these fields of them, by canonical name; `None` is every field. `@timestamp` always comes.
    pub fields: Option<Vec<String>>,
    /// Also count all that match in the time range, wherever the cursor stands; costs a whole scan.
    pub with_total: bool,
}

impl SearchRequest {
    /// Every record of `predicate` from `from` until before `to`, newest first, up to `limit`.
    pub fn newest(predicate: Predicate, span: Range<Timestamp>, limit: usize) -> Self {
        Self {
            predicate,
            from: span.start,
            to: span.end,
            is_oldest_first: false,
            after: None,
            limit,
            fields: None,
            with_total: false,
        }
    }

    /// The times that are asked for.
    pub fn span(&self) -> Range<Timestamp> {
        self.from..self.to
    }
}

/// The place of a record in the order of all records. Its text is for passing on, not for reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// When it happened.
    pub time: Timestamp,
    /// When it came, as its number among all that came.
    pub sequence: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.time.micros(), self.sequence)
    }
}

impl FromStr for Cursor {
    type Err = QueryFailure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        /// Hexadecimal digits of one number.
        const DIGITS: usize = 16;
        let number = |range: Range<usize>| u64::from_str_radix(text.get(range)?, 16).ok();
        let is_plain = text.len() == 2 * DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match (is_plain, number(0..DIGITS), number(DIGITS..2 * DIGITS)) {
            (true, Some(time), Some(sequence)) => Ok(Self {
                time: Timestamp::from_micros(time.cast_signed()),
                sequence: sequence.cast_signed(),
            }),
            _ => {
                // What a client sends goes back to it, but not a megabyte of it.
                let cursor = text.chars().take(64).collect();
                Err(QueryFailure::BadCursor { cursor })
            }
        }
    }
}

/// Records that were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The records, in the order asked for.
    pub hits: Vec<Hit>,
    /// How many match in all; only where it was asked for.
    pub total: Option<u64>,
    /// Where the next answer goes on; `None` when this was the last.
    pub cursor: Option<Cursor>,
    /// Files that could not be read, each with its reason: their records are missing.
    pub problems: Vec<String>,
}

/// One record.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// When it happened.
    pub time: Timestamp,
    /// Its number among all that came.
    pub sequence: i64,
    /// Every field that has a value: the known ones in their order, then the others as they were logged, then
    /// `_origin`, `_line` and `_raw`.
    pub fields: Vec<(String, Value<'static>)>,
}

impl Hit {
    /// Where it stands in the order of all records.
    pub fn cursor(&self) -> Cursor {
        Cursor { time: self.time, sequence: self.sequence }
    }

    /// The value of a field, by canonical name.
    pub fn field(&self, name: &str) -> Option<&Value<'static>> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
    }
}

/// Asks for groups of records and their figures.
#[derive(Clone, Debug)]
pub struct AggregateRequest {
    /// Of which records.
    pub predicate: Predicate,
    /// Their earliest time.
    pub from: Timestamp,
    /// The time before which they must be.
    pub to: Timestamp,
    /// Which groups, which figures, in which order.
    pub aggregation: Aggregation,
}

/// Asks which fields records have, and with which values.
#[derive(Clone, Debug)]
pub struct FieldsRequest {
    /// Of which records.
    pub predicate: Predicate,
    /// Their earliest time.
    pub from: Timestamp,
    /// The time before which they must be.
    pub to: Timestamp,
    /// How many of the most frequent values of each field.
    pub top: usize,
    /// Only these fields, by canonical name; `None` is every field that a record has.
    pub names: Option<Vec<String>>,
}

/// What the fields of some records hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSummaries {
    /// A summary per field that at least one record has, by name.
    pub fields: Vec<FieldSummary>,
    /// Files that could not be read, each with its reason.
    pub problems: Vec<String>,
}

/// What one field of some records holds.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldSummary {
    /// Its canonical name.
    pub name: String,
    /// How many records have it.
    pub count: u64,
    /// How many different values there are; an estimate unless `is_exact`.
    pub distinct: u64,
    /// Whether every value was counted. A field with very many values is counted by those that came first.
    pub is_exact: bool,
    /// The most frequent values and how many records have each; ties by value.
    pub top: Vec<(Value<'static>, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_its_text() {
        for (time, sequence) in [(0, 0), (-1, 5), (i64::MAX, i64::MIN), (1_795_169_730_123_456, 42)] {
            let cursor = Cursor { time: Timestamp::from_micros(time), sequence };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
        for text in ["", "12", "+000000000000000+000000000000000", "zz", "äöüäöüäöüäöüäöüäöüäöüäöü"]
        {
            assert!(text.parse::<Cursor>().is_err(), "{text}");
        }
    }
}
