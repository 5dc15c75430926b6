//! `time_intervals`: spans of the day, the week, the month and the year.
//!
//! What a span means is the business of the crate of alerts; here each of its texts gets its place in the file, so that
//! a wrong one is told where it stands.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use weir_alert::notification::{
    Range, TimeInterval, parse_days_of_month, parse_months, parse_time, parse_weekdays, parse_years,
};

use super::super::error::ConfigError;
use super::super::keys;
use super::super::reader::{Field, Fields, quoted};

/// Named intervals, and spans of one of them.
const INTERVALS_MAX: usize = 100;

/// Reads the list into `intervals`.
pub(super) fn read_all(
    field: Field,
    intervals: &mut BTreeMap<Box<str>, Vec<TimeInterval>>,
    errors: &mut Vec<ConfigError>,
) {
    for item in field.items_at_most("a list of named intervals", INTERVALS_MAX, errors) {
        let Some(fields) = item.fields(&keys::TIME_INTERVALS, errors) else { continue };
        let name = fields.require("name", errors).and_then(|field| field.text(errors));
        let spans = fields.require("time_intervals", errors).map(|field| {
            let spans = field.some_items("a list of spans", INTERVALS_MAX, errors);
            spans.into_iter().filter_map(|span| read(span, errors)).collect::<Vec<_>>()
        });
        let (Some(name), Some(spans)) = (name, spans) else { continue };
        if intervals.insert(name.into(), spans).is_some() {
            errors.push(ConfigError::new(
                item.position(),
                format!("a second interval is named {}", quoted(name)),
            ));
        }
    }
}

fn read(field: Field, errors: &mut Vec<ConfigError>) -> Option<TimeInterval> {
    let fields = field.fields(&keys::TIME_INTERVAL, errors)?;
    let mut ranges = |key, expected, parse: fn(&str) -> Result<Range, &'static str>| {
        read_ranges(&fields, key, expected, parse, errors)
    };
    let weekdays = ranges("weekdays", "days of the week", parse_weekdays);
    let days_of_month = ranges("days_of_month", "days of the month", parse_days_of_month);
    let months = ranges("months", "months", parse_months);
    let years = ranges("years", "years", parse_years);
    let times = fields.get("times").map(|field| {
        let items = field.some_items("a list of times", INTERVALS_MAX, errors);
        items.into_iter().filter_map(|item| read_times(item, errors)).collect()
    });
    let location = fields.get("location").and_then(|field| {
        field.parse("a place such as Europe/Berlin", errors, |name| {
            TimeZone::get(name).map_err(|_| "write UTC, or a name of the time zone database")
        })
    });
    Some(TimeInterval { times: times.unwrap_or_default(), weekdays, days_of_month, months, years, location })
}

fn read_ranges(
    fields: &Fields,
    key: &'static str,
    expected: &str,
    parse: fn(&str) -> Result<Range, &'static str>,
    errors: &mut Vec<ConfigError>,
) -> Vec<Range> {
    let Some(field) = fields.get(key) else { return Vec::new() };
    let items = field.one_or_more(expected, errors);
    items.into_iter().filter_map(|item| item.parse(expected, errors, parse)).collect()
}

fn read_times(field: Field, errors: &mut Vec<ConfigError>) -> Option<(u16, u16)> {
    let fields = field.fields(&keys::TIME_RANGE, errors)?;
    let mut time = |key| {
        fields.require(key, errors).and_then(|field| field.parse("a time of the day", errors, parse_time))
    };
    let (start, end) = (time("start_time"), time("end_time"));
    let (start, end) = (start?, end?);
    if start >= end {
        let error = ConfigError::new(field.position(), "`end_time` should be later than `start_time`");
        errors.push(error.with_hint("a span over midnight is two, the first one to 24:00"));
        return None;
    }
    Some((start, end))
}
