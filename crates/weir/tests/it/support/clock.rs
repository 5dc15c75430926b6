//! The time of day and its spelling, apart from the program's own.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time now, in whole seconds since the epoch.
pub fn now_seconds() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "a server that runs has the machine's clock")]
    let now = SystemTime::now();
    i64::try_from(now.duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// Seconds since the epoch as in `2026-11-20T10:15:30`.
pub fn date_time(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

/// Year, month and day of a day since the epoch, by walking there.
fn civil(mut day: i64) -> (i64, usize, i64) {
    let mut year = 1970;
    let is_leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    while day >= 365 + i64::from(is_leap(year)) {
        day -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month_days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    month_days[1] += i64::from(is_leap(year));
    let mut month = 0;
    while day >= month_days[month] {
        day -= month_days[month];
        month += 1;
    }
    (year, month + 1, day + 1)
}

#[test]
fn days_are_spelled_as_a_calendar_has_them() {
    for (seconds, expected) in [
        (0, "1970-01-01T00:00:00"),
        (951_827_696, "2000-02-29T12:34:56"),
        (1_795_168_802, "2026-11-20T10:00:02"),
    ] {
        assert_eq!(date_time(seconds), expected);
    }
}
