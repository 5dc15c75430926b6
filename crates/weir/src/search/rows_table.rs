//! Rows of numbers as a table: text to the left, numbers to the right, as wide as the terminal.
//!
//! The columns are what the query asked for, so they are not known before; what does not fit is cut in the middle,
//! where routes differ least. Names of numbers give way first: who asked for them knows them, and not the routes.

use serde_json::Value;
use unicode_width::UnicodeWidthStr;
use weir_web::Pairs;

use crate::output::harmless;
use crate::report::{cut_middle, group_widths};

/// Columns between columns.
const GAP: usize = 2;

/// The narrowest that the name of a number is made.
const NAME_WIDTH_MIN: usize = 6;

/// Digits behind the point: microseconds.
const DIGITS: usize = 6;

/// A table of at most `width` columns, with a header; nothing where there are no rows.
pub fn rows_table(rows: &[Pairs<Value>], width: usize) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let mut header: Vec<String> = first.0.iter().map(|(name, _)| harmless(name)).collect();
    let is_number = |column: usize| {
        let value = |row: &Pairs<Value>| row.0.get(column).map(|(_, value)| value.clone());
        rows.iter().filter_map(value).all(|value| value.is_number() || value.is_null())
    };
    let numbers: Vec<bool> = (0..header.len()).map(is_number).collect();
    let cells = |row: &Pairs<Value>| row.0.iter().map(|(_, value)| cell(value)).collect::<Vec<_>>();
    let mut lines: Vec<Vec<String>> = rows.iter().map(cells).collect();
    cut_names(&mut header, &lines, &numbers, width);
    lines.insert(0, header);
    aligned(&lines, &numbers, width)
}

/// Cuts the names of numbers, the longest first, as far as their values and `width` ask for it.
fn cut_names(header: &mut [String], lines: &[Vec<String>], numbers: &[bool], width: usize) {
    let widest =
        |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.width()).max();
    let values: Vec<usize> = (0..header.len()).map(|column| widest(column).unwrap_or(0)).collect();
    let mut names: Vec<usize> = header.iter().map(|name| name.width()).collect();
    loop {
        let widths = names.iter().zip(&values).map(|(name, value)| name.max(value));
        let needed = widths.sum::<usize>() + GAP * names.len().saturating_sub(1);
        let can_give_way = |column: usize, name: usize| {
            numbers.get(column) == Some(&true) && name > values[column].max(NAME_WIDTH_MIN)
        };
        let giving = names.iter_mut().enumerate().filter(|(column, name)| can_give_way(*column, **name));
        match giving.map(|(_, name)| name).max() {
            Some(name) if needed > width => *name -= 1,
            _ => break,
        }
    }
    for (name, width) in header.iter_mut().zip(names) {
        *name = cut_middle(name, width);
    }
}

/// Lines of at most `width` columns, of which those of `is_right` stand to the right.
pub fn aligned(lines: &[Vec<String>], is_right: &[bool], width: usize) -> String {
    let widths = group_widths(lines, width);
    let mut text = String::new();
    for line in lines {
        let mut shown = String::new();
        for ((cell, &width), &is_right) in line.iter().zip(&widths).zip(is_right) {
            let cell = cut_middle(cell, width);
            let space = " ".repeat(width.saturating_sub(cell.width()));
            let (before, behind) = if is_right { (space.as_str(), "") } else { ("", space.as_str()) };
            shown.push_str(&format!("{before}{cell}{behind}{:GAP$}", ""));
        }
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => harmless(text),
        Value::Number(number) if number.is_f64() => {
            let rounded = format!("{:.DIGITS$}", number.as_f64().unwrap_or_default());
            rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        other => harmless(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_below_each_other() {
        let rows: Vec<Pairs<Value>> = [
            r#"{"route":"/a","n":1200,"p95":0.4}"#,
            r#"{"route":null,"n":7,"p95":12.3456789}"#,
            r#"{"route":"/b\u001b","n":7,"p95":null}"#,
        ]
        .map(|row| serde_json::from_str(row).unwrap())
        .into();
        assert_eq!(
            rows_table(&rows, 80),
            "route     n        p95\n/a     1200        0.4\n-         7  12.345679\n/b\u{fffd}       7          -\n"
        );
        assert_eq!(rows_table(&[], 80), "");
    }

    #[test]
    fn names_of_numbers_give_way_before_routes_do() {
        let row = r#"{"route":"/checkout/orders/{id}","p95(request_time)":0.4,"count()":1200}"#;
        let rows = [serde_json::from_str(row).unwrap()];
        assert_eq!(
            rows_table(&rows, 40),
            "route                  p95(\u{2026}me)  count()\n/checkout/orders/{id}       0.4     1200\n"
        );
    }

    #[test]
    fn what_is_too_wide_is_cut() {
        let row = format!(r#"{{"route":"/{}","n":1}}"#, "x".repeat(200));
        let table = rows_table(&[serde_json::from_str(&row).unwrap()], 40);
        assert!(table.lines().all(|line| line.width() <= 40), "{table}");
    }
}
