//! The span that an objective is promised over, and the minutes that are left out of it.
//!
//! A rolling span ends now; a calendar's begins on its first day, at midnight by the clock of a zone, so that a month
//! in which the clocks change has its true length. Maintenance is left out by event time: whenever a line comes,
//! it is the minute in which it happened that decides.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::TimeZone;

/// Minutes in a day.
const DAY: i64 = 24 * 60;

/// The span that an objective is promised over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeWindow {
    /// The last so many minutes.
    Rolling {
        /// Its length, in minutes.
        minutes: i64,
    },
    /// The current day, week, month, quarter or year.
    Calendar {
        /// Which.
        unit: CalendarUnit,
        /// By whose clock.
        zone: TimeZone,
    },
}

/// Spans of a calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarUnit {
    /// From midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first of a month.
    Month,
    /// From the first of January, April, July or October.
    Quarter,
    /// From the first of January.
    Year,
}

/// Minutes that are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exclusion {
    /// What it is called.
    pub name: Box<str>,
    /// When it is.
    pub when: ExclusionTime,
}

/// When something is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExclusionTime {
    /// Once, from a minute (inclusive) to another (exclusive).
    Once {
        /// The first minute.
        from: i64,
        /// The minute behind the last.
        to: i64,
    },
    /// Each week.
    Weekly {
        /// On which days it begins; none means on all.
        weekdays: Vec<Weekday>,
        /// When it begins, in minutes from midnight.
        from: i64,
        /// When it ends; at or before `from` means on the next day.
        to: i64,
        /// By whose clock.
        zone: TimeZone,
    },
}

impl TimeWindow {
    /// Thirty days that end now.
    pub const DEFAULT: Self = Self::Rolling { minutes: 30 * DAY };

    /// The first minute of the span that ends at minute `end`.
    pub fn start(&self, end: i64) -> i64 {
        match self {
            Self::Rolling { minutes } => end - minutes,
            Self::Calendar { unit, zone } => calendar_start(*unit, zone, end).unwrap_or(end),
        }
    }

    /// The length by which burn rates are scaled, in minutes.
    pub const fn nominal_minutes(&self) -> i64 {
        match self {
            Self::Rolling { minutes } => *minutes,
            Self::Calendar { unit, .. } => unit.nominal_days() * DAY,
        }
    }
}

impl CalendarUnit {
    /// Every one, with its name in the config.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("day", Self::Day),
        ("week", Self::Week),
        ("month", Self::Month),
        ("quarter", Self::Quarter),
        ("year", Self::Year),
    ];

    const fn nominal_days(self) -> i64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
            Self::Year => 365,
        }
    }

    fn first_day(self, date: Date) -> Date {
        match self {
            Self::Day => date,
            Self::Week => date.saturating_sub(i64::from(date.weekday().to_monday_zero_offset()).days()),
            Self::Month => date.first_of_month(),
            Self::Quarter => {
                let back = (date.month() - 1) % 3;
                date.first_of_month().saturating_sub(i64::from(back).months())
            }
            Self::Year => date.first_of_year(),
        }
    }
}

impl Exclusion {
    /// Whether it leaves a minute out.
    pub fn contains(&self, minute: i64) -> bool {
        match &self.when {
            ExclusionTime::Once { from, to } => (*from..*to).contains(&minute),
            ExclusionTime::Weekly { weekdays, from, to, zone } => {
                let Some(clock) = clock(zone, minute) else { return false };
                let of_day = i64::from(clock.hour()) * 60 + i64::from(clock.minute());
                let is_on = |weekday: Weekday| weekdays.is_empty() || weekdays.contains(&weekday);
                let (today, before) = (clock.weekday(), clock.weekday().previous());
                if from < to {
                    is_on(today) && (*from..*to).contains(&of_day)
                } else {
                    (is_on(today) && of_day >= *from) || (is_on(before) && of_day < *to)
                }
            }
        }
    }
}

/// What a clock of the zone shows at the start of a minute.
fn clock(zone: &TimeZone, minute: i64) -> Option<DateTime> {
    let seconds = minute.checked_mul(60)?;
    jiff::Timestamp::from_second(seconds).ok().map(|time| zone.to_datetime(time))
}

fn calendar_start(unit: CalendarUnit, zone: &TimeZone, end: i64) -> Option<i64> {
    // The span that the minute before the end is in: at midnight the day that has just ended is whole.
    let date = clock(zone, end - 1)?.date();
    let midnight = unit.first_day(date).to_datetime(Time::midnight());
    Some(zone.to_timestamp(midnight).ok()?.as_second().div_euclid(60))
}

#[cfg(test)]
mod tests {
    use weir_record::Timestamp;

    use super::*;

    fn minute(text: &str) -> i64 {
        Timestamp::parse_rfc3339(text.as_bytes()).expect("a time").minute().0
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").expect("a zone")
    }

    #[test]
    fn calendars_begin_at_midnight_of_their_zone() {
        for (unit, end, start) in [
            (CalendarUnit::Month, "2026-10-31T12:00:00Z", "2026-09-30T22:00:00Z"),
            (CalendarUnit::Month, "2026-11-01T12:00:00Z", "2026-10-31T23:00:00Z"),
            (CalendarUnit::Week, "2026-11-29T12:00:00Z", "2026-11-22T23:00:00Z"),
            (CalendarUnit::Day, "2026-11-28T23:00:00Z", "2026-11-27T23:00:00Z"),
            (CalendarUnit::Quarter, "2026-12-31T12:00:00Z", "2026-09-30T22:00:00Z"),
            (CalendarUnit::Year, "2026-07-01T12:00:00Z", "2025-12-31T23:00:00Z"),
        ] {
            let window = TimeWindow::Calendar { unit, zone: berlin() };
            assert_eq!(window.start(minute(end)), minute(start), "{unit:?} {end}");
        }
        assert_eq!(TimeWindow::DEFAULT.start(minute("2026-11-29T00:00:00Z")), minute("2026-10-30T00:00:00Z"));
    }

    #[test]
    fn maintenance_is_by_the_clock_and_over_midnight() {
        let weekly = |from, to| Exclusion {
            name: "weekly".into(),
            when: ExclusionTime::Weekly { weekdays: vec![Weekday::Sunday], from, to, zone: berlin() },
        };
        for (exclusion, time, expected) in [
            (weekly(180, 240), "2026-11-29T02:00:00Z", true),
            (weekly(180, 240), "2026-11-29T03:00:00Z", false),
            (weekly(180, 240), "2026-11-28T02:00:00Z", false),
            (weekly(180, 240), "2026-07-05T01:59:00Z", true),
            (weekly(1380, 60), "2026-11-29T22:30:00Z", true),
            (weekly(1380, 60), "2026-11-29T23:59:00Z", true),
            (weekly(1380, 60), "2026-11-30T00:00:00Z", false),
            (weekly(1380, 60), "2026-11-28T23:30:00Z", false),
        ] {
            assert_eq!(exclusion.contains(minute(time)), expected, "{time}");
        }
    }
}
