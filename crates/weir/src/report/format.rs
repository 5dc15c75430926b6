//! A report as text: aligned columns for people, JSON and CSV for programs.
//!
//! People get three digits and units, programs get seconds and six decimals; one rounding for both would be
//! wrong for one. Values come from clients, so a table replaces what could move a cursor and CSV defuses
//! what a spreadsheet would run as a formula.

use std::fmt::Write;

use serde_json::{Map, Number, Value};
use unicode_width::UnicodeWidthStr;
use weir_meter::Group;

use super::column::ValueColumn;
use super::rows::Table;
use crate::account::grouped;
use crate::output::{harmless, pretty_json};

/// The values that a table shows: what fits beside a route in 80 columns.
pub const SHOWN: [ValueColumn; 6] = [
    ValueColumn::Count,
    ValueColumn::ErrorRatio,
    ValueColumn::Mean,
    ValueColumn::Percentile(50),
    ValueColumn::Percentile(95),
    ValueColumn::Percentile(99),
];

/// Columns between columns.
const GAP: usize = 2;

/// The narrowest a group's column is made.
const GROUP_WIDTH_MIN: usize = 6;

/// A table of at most `width` columns; group values that do not fit are cut in the middle.
pub fn table(table: &Table<'_>, width: usize) -> String {
    let span_seconds = table.span_seconds();
    let cells = |group: &Group| SHOWN.map(|column| cell(column, group, span_seconds));
    let headers = SHOWN.map(header);
    let total = cells(table.total);
    let value_rows: Vec<[String; SHOWN.len()]> = table.rows.iter().map(|row| cells(row.group)).collect();
    let value_widths: Vec<usize> = (0..SHOWN.len())
        .map(|column| {
            let widest = value_rows.iter().chain([&total]).map(|row| row[column].width()).max();
            widest.unwrap_or(0).max(headers[column].width())
        })
        .collect();
    let mut group_rows: Vec<Vec<String>> =
        table.rows.iter().map(|row| row.values.iter().map(|value| harmless(value)).collect()).collect();
    let names: Vec<String> = table.columns.iter().map(|column| column.name().to_owned()).collect();
    group_rows.insert(0, names);
    let values_width: usize = value_widths.iter().map(|width| width + GAP).sum();
    let group_widths = group_widths(&group_rows, width.saturating_sub(values_width));

    let mut text = String::new();
    let mut line = |groups: &[String], values: &[String]| {
        let mut line = String::new();
        let groups = groups.iter().map(String::as_str).chain(std::iter::repeat(""));
        for (value, &width) in groups.zip(&group_widths) {
            let shown = cut_middle(value, width);
            let _ = write!(line, "{shown}{:1$}", "", width.saturating_sub(shown.width()) + GAP);
        }
        for (index, (value, &width)) in values.iter().zip(&value_widths).enumerate() {
            let gap = if index == 0 { 0 } else { GAP };
            let _ = write!(line, "{:1$}{value}", "", width.saturating_sub(value.width()) + gap);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    };
    line(&group_rows[0], &headers.map(str::to_owned));
    for (groups, values) in group_rows[1..].iter().zip(&value_rows) {
        line(groups, values);
    }
    if table.rest.rows > 0 {
        let rest = format!("{} more rows", grouped(table.rest.rows as u64));
        line(&[rest], &[grouped(table.rest.count)]);
    }
    line(&["total".to_owned()], &total);
    text
}

/// One object: `rows`, `total`, and the span they are of.
pub fn json(table: &Table<'_>) -> serde_json::Result<String> {
    let span_seconds = table.span_seconds();
    let rows: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            let names = table.columns.iter().map(|column| column.name().to_owned());
            let mut object: Map<String, Value> =
                names.zip(row.values.iter().map(|&value| Value::from(value))).collect();
            object.extend(values(row.group, span_seconds));
            Value::Object(object)
        })
        .collect();
    let mut report = Map::new();
    let span = table.span.unzip();
    report.insert("from".into(), span.0.map(|time| time.to_string()).into());
    report.insert("to".into(), span.1.map(|time| time.to_string()).into());
    report.insert("rows".into(), rows.into());
    report.insert("rows_left_out".into(), table.rest.rows.into());
    report.insert("total".into(), Value::Object(values(table.total, span_seconds)));
    pretty_json(&report)
}

/// A header line and a line per row (RFC 4180).
pub fn csv(table: &Table<'_>) -> String {
    let span_seconds = table.span_seconds();
    let names = table.columns.iter().map(|column| column.name());
    let header: Vec<&str> = names.chain(ValueColumn::ALL.map(ValueColumn::name)).collect();
    let mut text = header.join(",") + "\r\n";
    for row in &table.rows {
        let groups = row.values.iter().map(|value| quoted(value));
        let values = ValueColumn::ALL.into_iter().map(|column| {
            column
                .value(row.group, span_seconds)
                .map_or(String::new(), |value| number(column, value).to_string())
        });
        text += &groups.chain(values).collect::<Vec<_>>().join(",");
        text += "\r\n";
    }
    text
}

fn values(group: &Group, span_seconds: f64) -> Map<String, Value> {
    let value = |column: ValueColumn| match column.value(group, span_seconds) {
        Some(value) => Value::Number(number(column, value)),
        None => Value::Null,
    };
    ValueColumn::ALL.into_iter().map(|column| (column.name().to_owned(), value(column))).collect()
}

/// Counts are whole; seconds have microseconds, ratios six digits: more would be noise.
fn number(column: ValueColumn, value: f64) -> Number {
    match column {
        ValueColumn::Count | ValueColumn::BytesOut => Number::from(value as u64),
        _ => Number::from_f64((value * 1e6).round() / 1e6).unwrap_or_else(|| Number::from(0)),
    }
}

/// A value for CSV. A leading `=`, `+`, `-` or `@` would be a formula to a spreadsheet, and these
/// values are written by clients, so it gets an apostrophe.
fn quoted(value: &str) -> String {
    let is_formula = value.len() > 1 && value.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let apostrophe = if is_formula { "'" } else { "" };
    if is_formula || value.contains([',', '"', '\n', '\r']) {
        format!("\"{apostrophe}{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

/// The heading of a column for people.
pub fn header(column: ValueColumn) -> &'static str {
    match column {
        ValueColumn::Count => "count",
        ValueColumn::ErrorRatio => "errors",
        column => column.name(),
    }
}

fn cell(column: ValueColumn, group: &Group, span_seconds: f64) -> String {
    column.value(group, span_seconds).map_or("-".to_owned(), |value| shown(column, value))
}

/// A value for people: with units and three digits.
pub fn shown(column: ValueColumn, value: f64) -> String {
    match column {
        ValueColumn::Count | ValueColumn::BytesOut => grouped(value as u64),
        ValueColumn::ErrorRatio => share(value),
        _ => duration(value),
    }
}

/// A share as percent, never rounded to 0 % or 100 % when it is neither.
fn share(ratio: f64) -> String {
    match ratio * 100.0 {
        0.0 => "0%".to_owned(),
        percent if percent < 0.01 => "<0.01%".to_owned(),
        percent if percent < 99.995 => format!("{percent:.2}%"),
        percent if percent < 100.0 => ">99.9%".to_owned(),
        _ => "100%".to_owned(),
    }
}

/// Seconds with three significant digits and a unit.
fn duration(seconds: f64) -> String {
    let digits = |value: f64| if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    let ms = seconds * 1e3;
    if ms < 0.0005 {
        "0ms".to_owned()
    } else if ms < 999.5 {
        format!("{ms:.*}ms", digits(ms))
    } else {
        format!("{seconds:.*}s", digits(seconds))
    }
}

/// The width of each group column, `available` in all: each as wide as its values where that fits,
/// else the widest gives way.
pub fn group_widths(rows: &[Vec<String>], available: usize) -> Vec<usize> {
    let columns = rows.first().map_or(0, Vec::len);
    let widest =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|value| value.width()).max();
    let mut widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
    let available = available.saturating_sub(GAP * columns.saturating_sub(1));
    while widths.iter().sum::<usize>() > available {
        match widths.iter_mut().max() {
            Some(width) if *width > GROUP_WIDTH_MIN => *width -= 1,
            _ => break,
        }
    }
    widths
}

/// The beginning and the end of a text that is too wide: routes differ at both.
///
/// Characters are dropped from the middle until the whole is narrow enough, as the width of a text is
/// not the sum of the widths of its characters (an emoji and its selector).
pub fn cut_middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let chars: Vec<char> = text.chars().collect();
    let mut kept = width.saturating_sub(1).min(chars.len());
    loop {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let shown: String =
            chars[..head].iter().chain(['…'].iter()).chain(&chars[chars.len() - tail..]).collect();
        if kept == 0 || shown.width() <= width {
            return shown;
        }
        kept -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_shares_read_well() {
        for (seconds, expected) in [
            (0.0, "0ms"),
            (0.0004, "0.40ms"),
            (0.042, "42.0ms"),
            (0.4, "400ms"),
            (0.9996, "1.00s"),
            (61.2, "61.2s"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
        for (ratio, expected) in
            [(0.0, "0%"), (0.000_001, "<0.01%"), (0.051, "5.10%"), (0.999_99, ">99.9%"), (1.0, "100%")]
        {
            assert_eq!(share(ratio), expected);
        }
    }

    #[test]
    fn wide_values_are_cut_in_the_middle() {
        assert_eq!(cut_middle("/api/v1/orders/{id}", 11), "/api/…/{id}");
        assert_eq!(cut_middle("/a", 6), "/a");
        assert_eq!(cut_middle("日本語日本語", 5).width(), 5);
        for width in 0..20 {
            assert!(cut_middle(&"\u{263a}\u{fe0f}".repeat(60), width).width() <= width.max(1));
        }
    }

    #[test]
    fn csv_values_are_quoted_and_are_no_formulas() {
        for (value, expected) in
            [("/a", "/a"), ("a,b", "\"a,b\""), ("a\"b", "\"a\"\"b\""), ("=1+1", "\"'=1+1\""), ("-", "-")]
        {
            assert_eq!(quoted(value), expected);
        }
    }
}
