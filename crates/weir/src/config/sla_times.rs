//! The span of a promise, and what is left out of it.
//!
//! Both are by somebody's clock where it says so: a month of Berlin begins at another moment than one of UTC, and a
//! maintenance at three at night stays there when the clocks change.

use std::time::Duration;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use weir_alert::{CalendarUnit, Exclusion, ExclusionTime, TimeWindow};
use weir_record::Timestamp;

use super::error::ConfigError;
use super::keys;
use super::reader::{Field, Fields, quoted};

/// Budgets are over days; minutes are kept for 400 days unless the config says otherwise.
const WINDOW_RANGE: (Duration, Duration) = (Duration::from_secs(3600), Duration::from_secs(366 * 24 * 3600));

/// Maintenance that one SLA can have.
const EXCLUSIONS_MAX: usize = 100;

/// Names of days, as people shorten them.
const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// Reads `time_window`: a duration, or a calendar's unit.
pub fn read_window(field: Field, errors: &mut Vec<ConfigError>) -> Option<TimeWindow> {
    if field.is_section() {
        let fields = field.fields(&keys::TIME_WINDOW, errors)?;
        let unit =
            fields.require("calendar", errors).and_then(|field| field.one_of(&CalendarUnit::NAMES, errors));
        let zone = read_zone(&fields, errors);
        return Some(TimeWindow::Calendar { unit: unit?, zone });
    }
    let duration = field.duration("30d", WINDOW_RANGE, errors)?;
    if !duration.as_secs().is_multiple_of(3600) {
        errors.push(field.wrong("whole hours", "a part of one"));
    }
    Some(TimeWindow::Rolling { minutes: minutes_of(duration) })
}

/// Reads `exclusions`.
pub fn read_exclusions(field: Field, errors: &mut Vec<ConfigError>) -> Vec<Exclusion> {
    let mut exclusions = Vec::new();
    for item in field.items_at_most("a list of what is left out", EXCLUSIONS_MAX, errors) {
        let Some(fields) = item.fields(&keys::EXCLUSION, errors) else { continue };
        let name = fields.get("name").and_then(|field| field.text(errors)).unwrap_or("maintenance");
        let when = read_time(&fields, errors);
        exclusions.extend(when.map(|when| Exclusion { name: name.into(), when }));
    }
    exclusions
}

fn read_time(fields: &Fields, errors: &mut Vec<ConfigError>) -> Option<ExclusionTime> {
    let (from, to) = (fields.require("from", errors), fields.require("to", errors));
    let weekdays = fields.get("weekdays").map(|field| {
        let items = field.one_or_more("a day such as sun", errors);
        items.into_iter().filter_map(|item| item.one_of(&WEEKDAYS, errors)).collect()
    });
    let zone = read_zone(fields, errors);
    let (Some(from), Some(to)) = (from, to) else {
        from.or(to).map(|field| field.text(errors));
        return None;
    };
    let is_clock = from.parse("text", &mut Vec::new(), |text| clock(text).ok_or("")).is_some();
    if is_clock || weekdays.is_some() {
        let of_clock = |field: Field, errors: &mut Vec<ConfigError>| {
            field.parse("a time of day such as 03:00", errors, |text| {
                clock(text).ok_or("write hours and minutes")
            })
        };
        let (from, to) = (of_clock(from, errors), of_clock(to, errors));
        return Some(ExclusionTime::Weekly {
            weekdays: weekdays.unwrap_or_default(),
            from: from?,
            to: to?,
            zone,
        });
    }
    let of_time = |field: Field, errors: &mut Vec<ConfigError>| {
        let hint = "write a time such as 2026-12-24T18:00:00Z, or a time of day such as 03:00";
        field.parse("a time", errors, |text| Timestamp::parse_rfc3339(text.as_bytes()).ok_or(hint))
    };
    let (start, end) = (of_time(from, errors)?, of_time(to, errors)?);
    if start >= end {
        errors.push(to.wrong("later than `from`", &quoted(&end.to_string())));
    }
    Some(ExclusionTime::Once { from: start.minute().0, to: end.minute_rounded_up().0 })
}

/// Minutes from midnight.
fn clock(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, max: i64| {
        let is_number = !text.is_empty() && text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| is_number && *number <= max)
    };
    Some(number(hours, 23)? * 60 + number(minutes, 59)?)
}

fn read_zone(fields: &Fields, errors: &mut Vec<ConfigError>) -> TimeZone {
    let zone = fields.get("time_zone").and_then(|field| {
        field.parse("a time zone such as Europe/Berlin", errors, |name| {
            TimeZone::get(name).map_err(|_| "no zone has this name")
        })
    });
    zone.unwrap_or(TimeZone::UTC)
}

/// Whole minutes.
pub fn minutes_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs() / 60).unwrap_or(i64::MAX / 2)
}
