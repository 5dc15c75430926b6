//! The groups of a report as rows: sorted, cut off, with what was cut off as one row of its own.
//!
//! A limit that only hides rows would make the columns not add up to the total below them, and the reader
//! would look for the missing requests in the wrong place.

use std::cmp::Ordering;

use weir_meter::{Group, Report};
use weir_record::Timestamp;

use super::column::{GroupColumn, ValueColumn};

/// A sorted report.
pub struct Table<'a> {
    /// The columns that were grouped by.
    pub columns: &'a [GroupColumn],
    /// The rows to print.
    pub rows: Vec<Row<'a>>,
    /// Rows that were cut off, and their requests.
    pub rest: Rest,
    /// Everything together.
    pub total: &'a Group,
    /// The times of the first and the last request.
    pub span: Option<(Timestamp, Timestamp)>,
}

/// A group and the values of its columns.
pub struct Row<'a> {
    pub values: Vec<&'a str>,
    pub group: &'a Group,
}

/// What a limit left out.
pub struct Rest {
    pub rows: usize,
    pub count: u64,
}

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    key: OrderKey,
    is_descending: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OrderKey {
    Group(usize),
    Value(ValueColumn),
}

impl Order {
    /// The most requests first.
    pub fn most_requests() -> Self {
        Self { key: OrderKey::Value(ValueColumn::Count), is_descending: true }
    }

    /// A column's name, after `-` for the greatest first.
    ///
    /// # Errors
    ///
    /// The columns that there are.
    pub fn parse(text: &str, columns: &[GroupColumn]) -> Result<Self, String> {
        let (name, is_descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text.strip_prefix('+').unwrap_or(text), false),
        };
        let name = if name == "errors" { "error_ratio" } else { name };
        let group = columns.iter().position(|column| {
            column.name() == name || GroupColumn::from_name(name).is_ok_and(|named| named == *column)
        });
        let value = ValueColumn::ALL.into_iter().find(|column| column.name() == name);
        let key = group.map(OrderKey::Group).or(value.map(OrderKey::Value)).ok_or_else(|| {
            let names: Vec<&str> = columns
                .iter()
                .map(|column| column.name())
                .chain(ValueColumn::ALL.into_iter().map(ValueColumn::name))
                .collect();
            format!("`{name}` is not a column of this report; choose one of {}", names.join(", "))
        })?;
        Ok(Self { key, is_descending })
    }

    /// Groups without a value come last either way.
    fn compare(self, one: &Row<'_>, other: &Row<'_>, span_seconds: f64) -> Ordering {
        let ordering = match self.key {
            OrderKey::Group(index) => one.values.get(index).cmp(&other.values.get(index)),
            OrderKey::Value(column) => {
                match (column.value(one.group, span_seconds), column.value(other.group, span_seconds)) {
                    (Some(one), Some(other)) => one.total_cmp(&other),
                    (None, None) => Ordering::Equal,
                    (one, _) => return if one.is_none() { Ordering::Greater } else { Ordering::Less },
                }
            }
        };
        if self.is_descending { ordering.reverse() } else { ordering }
    }
}

impl<'a> Table<'a> {
    /// The first `limit` rows in `order` (all where it is 0); ties are sorted by the groups' values.
    pub fn new(report: &'a Report, columns: &'a [GroupColumn], order: Order, limit: usize) -> Self {
        let mut rows: Vec<Row<'a>> = report.groups().map(|(values, group)| Row { values, group }).collect();
        let span_seconds = seconds_of(report.span());
        rows.sort_by(|one, other| {
            order.compare(one, other, span_seconds).then_with(|| one.values.cmp(&other.values))
        });
        let kept = if limit == 0 { rows.len() } else { limit.min(rows.len()) };
        let cut = rows.split_off(kept);
        let rest = Rest { rows: cut.len(), count: cut.iter().map(|row| row.group.count).sum() };
        Self { columns, rows, rest, total: report.total(), span: report.span() }
    }

    /// The seconds from the first to the last request.
    pub fn span_seconds(&self) -> f64 {
        seconds_of(self.span)
    }
}

fn seconds_of(span: Option<(Timestamp, Timestamp)>) -> f64 {
    span.and_then(|(first, last)| last.micros_since(first)).map_or(0.0, |micros| micros as f64 / 1e6)
}
