//! Spans of the week, the month and the year in which nobody is told, or only in which somebody is.
//!
//! Written as in Alertmanager: `{times: [...], weekdays: ['monday:friday'], days_of_month: ['-3:-1'], months: [...],
//! years: [...], location: Europe/Berlin}`. What is left out is always true; all that is given must be.

use jiff::tz::TimeZone;
use weir_record::Timestamp;

const WEEKDAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Numbers from the first to the last, both included; negative ones count from the end.
pub type Range = (i16, i16);

/// A span that comes again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeInterval {
    /// Minutes of the day, the last one excluded.
    pub times: Vec<(u16, u16)>,
    /// Days of the week, from 0 for Sunday.
    pub weekdays: Vec<Range>,
    /// Days of the month, from 1; -1 is the last one.
    pub days_of_month: Vec<Range>,
    /// Months, from 1.
    pub months: Vec<Range>,
    /// Years.
    pub years: Vec<Range>,
    /// Whose clock; UTC where nothing is said.
    pub location: Option<TimeZone>,
}

impl TimeInterval {
    /// Whether a moment lies in it.
    pub fn contains(&self, time: Timestamp) -> bool {
        let Ok(instant) = jiff::Timestamp::from_microsecond(time.micros()) else { return false };
        let there = match &self.location {
            Some(location) => location.to_datetime(instant),
            None => TimeZone::UTC.to_datetime(instant),
        };
        let minute = u16::try_from(i32::from(there.hour()) * 60 + i32::from(there.minute())).unwrap_or(0);
        let is_in = |ranges: &[Range], value: i16| {
            ranges.is_empty() || ranges.iter().any(|&(first, last)| (first..=last).contains(&value))
        };
        let month_days = i16::from(there.date().days_in_month());
        let day = i16::from(there.day());
        let days = self.days_of_month.iter().any(|range| {
            let (first, last) = of_month(*range, month_days);
            (first..=last).contains(&day)
        });
        (self.times.is_empty() || self.times.iter().any(|&(start, end)| (start..end).contains(&minute)))
            && (self.days_of_month.is_empty() || days)
            && is_in(&self.months, i16::from(there.month()))
            && is_in(&self.weekdays, i16::from(there.weekday().to_sunday_zero_offset()))
            && is_in(&self.years, there.year())
    }
}

/// A range of days in a month of so many: an empty one where it begins behind its end.
fn of_month((first, last): Range, month_days: i16) -> Range {
    let from_start = |day: i16| if day < 0 { month_days + day + 1 } else { day };
    (from_start(first).max(1), from_start(last).min(month_days))
}

/// Reads `HH:MM` as minutes of the day; `24:00` is its end.
///
/// # Errors
///
/// What is expected.
pub fn parse_time(text: &str) -> Result<u16, &'static str> {
    let expected = "write a time as 09:00, the end of the day as 24:00";
    let (hours, minutes) = text.split_once(':').ok_or(expected)?;
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten().ok_or(expected)
    };
    match (number(hours)?, number(minutes)?) {
        (24, 0) => Ok(24 * 60),
        (hours @ 0..=23, minutes @ 0..=59) => Ok(hours * 60 + minutes),
        _ => Err(expected),
    }
}

/// Reads `monday` or `monday:friday`.
///
/// # Errors
///
/// What is expected.
pub fn parse_weekdays(text: &str) -> Result<Range, &'static str> {
    let expected = "write days of the week as monday or monday:friday; a week begins on sunday";
    range(text, expected, |word| named(word, &WEEKDAYS, 0))
}

/// Reads `january`, `1` or `january:march`.
///
/// # Errors
///
/// What is expected.
pub fn parse_months(text: &str) -> Result<Range, &'static str> {
    let number = |word: &str| word.parse().ok().filter(|month| (1..=12).contains(month));
    let expected = "write months as january, 1 or january:march";
    range(text, expected, |word| named(word, &MONTHS, 1).or_else(|| number(word)))
}

/// Reads `1`, `1:5` or `-3:-1`.
///
/// # Errors
///
/// What is expected.
pub fn parse_days_of_month(text: &str) -> Result<Range, &'static str> {
    let expected = "write days of the month as 1, 1:5 or -3:-1, from 1 to 31 or -31 to -1";
    let day = |word: &str| {
        word.parse::<i16>().ok().filter(|day| (1..=31).contains(day) || (-31..=-1).contains(day))
    };
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let range = day(first.trim()).zip(day(last.trim())).ok_or(expected)?;
    // From a day of the start to one of the end is a range; the other way round is none.
    let is_backwards = (range.0 > 0) == (range.1 > 0) && range.0 > range.1 || range.0 < 0 && range.1 > 0;
    if is_backwards { Err(expected) } else { Ok(range) }
}

/// Reads `2026` or `2026:2028`.
///
/// # Errors
///
/// What is expected.
pub fn parse_years(text: &str) -> Result<Range, &'static str> {
    range(text, "write years as 2026 or 2026:2028", |word| {
        word.parse().ok().filter(|year| (0..=9999).contains(year))
    })
}

fn range(
    text: &str,
    expected: &'static str,
    read: impl Fn(&str) -> Option<i16>,
) -> Result<Range, &'static str> {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let range = read(first.trim()).zip(read(last.trim()));
    range.filter(|(first, last)| first <= last).ok_or(expected)
}

fn named(word: &str, names: &[&str], first: i16) -> Option<i16> {
    let at = names.iter().position(|name| name.eq_ignore_ascii_case(word))?;
    Some(first + i16::try_from(at).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text.as_bytes()).unwrap()
    }

    fn check(interval: &TimeInterval, inside: &[&str], outside: &[&str]) {
        for (times, expected) in [(inside, true), (outside, false)] {
            times.iter().for_each(|time| assert_eq!(interval.contains(at(time)), expected, "{time}"));
        }
    }

    #[test]
    fn working_hours_in_a_place_with_summer_time() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let interval = TimeInterval {
            times: vec![(parse_time("09:00").unwrap(), parse_time("17:00").unwrap())],
            weekdays: vec![parse_weekdays("Monday:friday").unwrap()],
            location: Some(berlin),
            ..TimeInterval::default()
        };
        check(
            &interval,
            &["2026-11-30T08:00:00Z", "2026-07-01T07:00:00Z", "2026-11-27T15:59:59Z"],
            &["2026-11-30T07:59:59Z", "2026-11-30T16:00:00Z", "2026-11-28T10:00:00Z", "2026-07-01T15:00:00Z"],
        );
    }

    #[test]
    fn days_of_the_month_count_from_its_end_too() {
        let interval = |days: &str| TimeInterval {
            days_of_month: vec![parse_days_of_month(days).unwrap()],
            ..TimeInterval::default()
        };
        check(
            &interval("-3:-1"),
            &["2026-02-26T00:00:00Z", "2026-02-28T23:59:59Z", "2026-11-28T00:00:00Z"],
            &["2026-02-25T00:00:00Z", "2026-11-27T00:00:00Z"],
        );
        check(
            &interval("29:31"),
            &["2026-11-30T00:00:00Z"],
            &["2026-11-28T00:00:00Z", "2026-02-28T00:00:00Z"],
        );
        check(&interval("28:-1"), &["2026-02-28T00:00:00Z"], &["2026-02-27T00:00:00Z"]);
    }

    #[test]
    fn months_and_years() {
        let interval = TimeInterval {
            months: vec![parse_months("december").unwrap(), parse_months("1:2").unwrap()],
            years: vec![parse_years("2026:2027").unwrap()],
            ..TimeInterval::default()
        };
        check(
            &interval,
            &["2026-12-31T23:59:59Z", "2027-02-01T00:00:00Z"],
            &["2026-03-01T00:00:00Z", "2028-01-01T00:00:00Z"],
        );
        check(&TimeInterval::default(), &["2026-03-01T00:00:00Z"], &[]);
    }

    #[test]
    fn what_is_no_range_is_refused() {
        assert!(["9:00", "24:01", "12", "12:60", ""].iter().all(|text| parse_time(text).is_err()));
        assert!(["friday:monday", "someday", ""].iter().all(|text| parse_weekdays(text).is_err()));
        assert!(["13", "march:january", "0"].iter().all(|text| parse_months(text).is_err()));
        assert!(["0", "32", "5:1", "-1:-3", "-1:3"].iter().all(|text| parse_days_of_month(text).is_err()));
        assert!(["2028:2026", "x"].iter().all(|text| parse_years(text).is_err()));
    }
}
